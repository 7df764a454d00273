/* /_api/cursor: queries and the batches of their results. Source: ArangoDB 3.12 HTTP API,
 * "AQL queries". A query runs to its end before its first batch is answered, also with
 * stream: true. */
#include "aql.h"
#include "cursor.h"
#include "handlers.h"
#include "store.h"

#include <sf/time.h>

#include <math.h>

#define BATCH_DEFAULT 1000
#define TTL_DEFAULT_S 30.0
#define TTL_MAX_S     86400.0
#define MEMORY_TOP    1e15 /* bytes; more is as good as no limit */

struct request {
    struct sf_str query; /* plain text */
    struct sf_str binds; /* canonical object */
    struct aql_options options;
    int64_t ttl_ms;
    size_t batch_size;
    bool counts, is_stream, may_retry;
};

/* --------------------------------------------------------------- what is asked for */

/* A positive number; *ret stays as it is when the member is missing or null. */
static bool read_number(struct call *c, struct sf_str object, const char *name,
                        double max, double *ret)
{
    struct sf_str text;
    struct val v;

    if (!js_get(object, sf_str_from(name), &text))
        return true;
    v = val_from(text);
    if (v.kind == VAL_NULL)
        return true;
    if (v.kind != VAL_NUM || num_cmp(v.num, num_from_i64(0)) < 0)
        return fault_set(&c->fault, FAULT_TYPE, "expecting a positive number for '%s'",
                         name);
    *ret = fmin(num_to_real(v.num), max);
    return true;
}

static bool read_limits(struct call *c, struct sf_str body, struct sf_str options,
                        struct request *ret)
{
    double batch = BATCH_DEFAULT, ttl_s = TTL_DEFAULT_S, runtime_s = 0;
    double memory = (double)store_query_max(c->store);

    if (!read_number(c, body, "batchSize", 1e9, &batch) ||
        !read_number(c, body, "ttl", TTL_MAX_S, &ttl_s) ||
        !read_number(c, body, "memoryLimit", MEMORY_TOP, &memory) ||
        !read_number(c, options, "maxRuntime", 1e9, &runtime_s))
        return false;
    if (batch < 1)
        return fault_set(&c->fault, FAULT_TYPE,
                         "expecting non-zero value for 'batchSize'");
    ret->batch_size = (size_t)batch;
    ret->ttl_ms = (int64_t)((ttl_s > 0 ? ttl_s : TTL_DEFAULT_S) * 1000.0);
    ret->options.memory_max = (size_t)memory;
    ret->options.memory_total = store_query_memory(c->store);
    ret->options.is_stopping = store_stopping(c->store);
    ret->options.runtime_max_us = (int64_t)(runtime_s * 1e6);
    return true;
}

static bool read_request(struct call *c, struct request *ret)
{
    struct sf_str body, options = SF_STR("{}"), text;

    if (!call_object(c, false, &body))
        return false;
    if (!call_get_string(c, body, "query", &ret->query))
        return fault_set(&c->fault, FAULT_QUERY_EMPTY, NULL);
    ret->binds = SF_STR("{}");
    if (js_get(body, SF_STR("bindVars"), &text) && text.p[0] != 'n') {
        if (text.p[0] != '{')
            return fault_set(&c->fault, FAULT_TYPE, "expecting object for 'bindVars'");
        ret->binds = text;
    }
    if (js_get(body, SF_STR("options"), &text) && text.p[0] != 'n') {
        if (text.p[0] != '{')
            return fault_set(&c->fault, FAULT_TYPE, "expecting object for 'options'");
        options = text;
    }
    if (js_get(options, SF_STR("profile"), &text) && val_is_true(val_from(text)))
        return fault_set(&c->fault, FAULT_NOT_IMPLEMENTED,
                         "option 'profile' not implemented");
    ret->counts = call_get_bool(body, "count", false);
    ret->is_stream = call_get_bool(options, "stream", false);
    ret->may_retry = call_get_bool(options, "allowRetry", false);
    ret->options.counts_full = call_get_bool(options, "fullCount", false);
    ret->options.fails_on_warning = call_get_bool(options, "failOnWarning", false);
    return read_limits(c, body, options, ret);
}

/* --------------------------------------------------------------------- the answer */

static const struct cat_collection *may_read(void *arg, struct sf_str name,
                                             struct fault *f)
{
    struct call *c = arg;
    const struct cat_collection *found = call_collection(c, name, CAT_RO);

    if (!found && f != &c->fault)
        *f = c->fault;
    return found;
}

static bool add_row(void *arg, struct sf_str text, struct fault *f)
{
    return cursor_add_row(arg, text, f);
}

static void add_extra(struct sf_buf *out, const struct request *req,
                      const struct aql_stats *stats, int64_t took_us)
{
    sf_buf_add_lit(out, "{\"warnings\":[");
    for (size_t i = 0; i < stats->warnings_n; i++)
        sf_buf_addf(out, "%s{\"code\":%d,\"message\":\"%s\"}", i > 0 ? "," : "",
                    (int)stats->warnings[i], fault_text(stats->warnings[i]));
    sf_buf_addf(
        out,
        "],\"stats\":{\"writesExecuted\":0,\"writesIgnored\":0,"
        "\"scannedFull\":%llu,\"scannedIndex\":%llu,\"cursorsCreated\":0,"
        "\"cursorsRearmed\":0,\"cacheHits\":0,\"cacheMisses\":0,\"filtered\":%llu,"
        "\"httpRequests\":0,",
        (unsigned long long)stats->scanned_full, (unsigned long long)stats->scanned_index,
        (unsigned long long)stats->filtered);
    if (req->options.counts_full)
        sf_buf_addf(out, "\"fullCount\":%llu,", (unsigned long long)stats->full_count);
    sf_buf_addf(out, "\"executionTime\":%lld.%06lld,\"peakMemoryUsage\":%zu}}",
                (long long)(took_us / 1000000), (long long)(took_us % 1000000),
                stats->peak_bytes);
}

/* ArangoDB says where in a query's life it failed. */
static void say_phase(struct call *c, const char *phase)
{
    struct fault f = c->fault;

    fault_clear(&c->fault);
    (void)fault_set_http(&c->fault, f.http, f.num, "AQL: %.400s (while %s)", f.text,
                         phase);
}

static bool run(struct call *c, const struct request *req, struct cursor *cur)
{
    struct aql_names names = { c, may_read };
    struct aql_stats stats = { 0 };
    int64_t begin_us = sf_mono_us();
    struct aql_query q;

    if (!aql_parse(&c->mem, req->query, req->binds, &names, &q, &c->fault)) {
        say_phase(c, "parsing");
        return false;
    }
    aql_plan(&q);
    if (!aql_run(&q, c->db, &req->options, add_row, cur, &stats, &c->fault)) {
        say_phase(c, "executing");
        return false;
    }
    add_extra(&cur->extra, req, &stats, sf_mono_us() - begin_us);
    return true;
}

static struct cursor_ref ref_of(const struct call *c)
{
    return (struct cursor_ref){ .id = c->args[0],
                                .batch = c->args[1],
                                .owner = c->user ? c->user->name : SF_STR_EMPTY,
                                .database = c->database->name };
}

void cursor_create(struct call *c)
{
    struct request req = { .ttl_ms = 0 };
    struct cursor_ref ref = ref_of(c);
    struct cursor *cur;

    if (!read_request(c, &req))
        return;
    cur = cursor_new(store_query_memory(c->store));
    if (!cur) {
        (void)fault_set(&c->fault, FAULT_OUT_OF_MEMORY, NULL);
        return;
    }
    cur->batch_size = req.batch_size;
    cur->ttl_ms = req.ttl_ms;
    cur->may_retry = req.may_retry;
    cur->has_count = req.counts && !req.is_stream;
    sf_buf_add_str(&cur->owner, ref.owner);
    sf_buf_add_str(&cur->database, ref.database);
    if (!run(c, &req, cur)) {
        cursor_free(cur);
        return;
    }
    sf_buf_add_char(&c->out, '{');
    cursors_begin(store_cursors(c->store), cur, &c->out);
    sf_buf_add_char(&c->out, ',');
    call_add_ok(c, 201);
    sf_buf_add_char(&c->out, '}');
}

void cursor_next(struct call *c)
{
    struct cursor_ref ref = ref_of(c);

    sf_buf_add_char(&c->out, '{');
    if (!cursors_next(store_cursors(c->store), &ref, &c->out, &c->fault))
        return;
    sf_buf_add_char(&c->out, ',');
    call_add_ok(c, 200);
    sf_buf_add_char(&c->out, '}');
}

void cursor_drop(struct call *c)
{
    struct cursor_ref ref = ref_of(c);

    if (!cursors_drop(store_cursors(c->store), &ref, &c->fault))
        return;
    sf_buf_addf(&c->out, "{\"id\":\"%" SF_STR_FMT "\",", SF_STR_ARG(ref.id));
    call_add_ok(c, 202);
    sf_buf_add_char(&c->out, '}');
}
