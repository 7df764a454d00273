/* Order books as a whole, by REST, every so often, until the queue is stopped.
 *
 * A snapshot is a statement of its moment: one that is late is not made up for, one that
 * is older than the last one (exchanges answer from several places) is asked for again.
 * A symbol that is refused is left out while others go on. */
#include "book_out.h"

#include <sf/metrics.h>
#include <sf/rest.h>

#include <stdlib.h>

#define AGAIN_MS  500 /* after an answer that was of no use */
#define AGAIN_MAX 5   /* such answers in a row; then the next moment */

struct snapshots;

/* One symbol of the queue. */
struct taken {
    struct snapshots *s;
    struct book_out out;
    struct sf_timer *again;
    bool is_asked, is_refused;
    unsigned useless_n; /* answers in a row */
    int64_t last_id;
};

struct snapshots {
    struct sf_loader *l;
    const struct sf_conf *conf;
    const struct sf_exchange *exchange;
    struct sf_rest *rest;
    struct sf_timer *every;
    struct sf_buf record;
    struct taken *taken;
    size_t taken_n;
    int64_t snapshots, late;
    bool is_paused;
};

static void ask(struct taken *t);

static void fail(struct snapshots *s, const struct taken *t, const struct sf_error *cause)
{
    struct sf_error err = *cause;

    (void)sf_error_wrap(&err, "%" SF_STR_FMT " depth", SF_STR_ARG(t->out.common.symbol));
    sf_loader_fail(s->l, &err);
}

/* Not before AGAIN_MAX times; then it waits for its next moment. */
static void ask_again(struct taken *t)
{
    if (++t->useless_n < AGAIN_MAX)
        sf_timer_set(t->again, AGAIN_MS, 0);
    else
        t->useless_n = 0;
}

static void publish(struct taken *t, const struct sf_depth *d)
{
    struct snapshots *s = t->s;
    struct sf_error err = { 0 };
    struct sf_book_event event = { .kind = SF_BOOK_SNAPSHOT,
                                   .time_ms = sf_rest_server_ms(s->rest),
                                   .last_id = d->last_id,
                                   .bids = d->bids,
                                   .asks = d->asks };

    if (book_out_put(&t->out, "rest", &event, &err) != SF_OK) {
        fail(s, t, &err);
        return;
    }
    t->useless_n = 0;
    t->last_id = d->last_id;
    s->snapshots++;
    sf_metric_set(SF_M_LAST_EVENT_SECONDS, event.time_ms / 1000);
}

static void refuse(struct taken *t, const struct sf_error *cause)
{
    struct snapshots *s = t->s;
    size_t left = 0;

    t->is_refused = true;
    for (size_t i = 0; i < s->taken_n; i++)
        left += !s->taken[i].is_refused;
    if (left == 0) {
        fail(s, t, cause);
        return;
    }
    sf_log(SF_LOG_ERROR, "symbol_refused", SF_LOG_V("symbol", t->out.common.symbol),
           SF_LOG_S("text", cause->text));
    sf_loader_tell(s->l, cause->text);
}

static void on_depth(void *arg, enum sf_status status, struct sf_buf *body,
                     const struct sf_error *cause)
{
    struct taken *t = arg;
    struct snapshots *s = t->s;
    struct sf_error err = { 0 };
    struct sf_depth d;

    t->is_asked = false;
    if (status == SF_ENOTFOUND) {
        refuse(t, cause);
    } else if (status != SF_OK) {
        fail(s, t, cause);
    } else if (s->exchange->depth_parse(sf_buf_str(body), false, &d, &err) != SF_OK) {
        sf_metric_add(SF_M_BAD_INPUT, 1);
        sf_log_error(SF_LOG_WARN, "bad_snapshot", &err);
        ask_again(t);
    } else if (d.last_id < t->last_id && t->useless_n + 1 < AGAIN_MAX) {
        sf_log(SF_LOG_INFO, "old_snapshot", SF_LOG_V("symbol", t->out.common.symbol),
               SF_LOG_I("last_update_id", d.last_id), SF_LOG_I("had", t->last_id));
        ask_again(t);
    } else {
        publish(t, &d);
    }
}

static void ask(struct taken *t)
{
    struct snapshots *s = t->s;
    unsigned levels = (unsigned)s->conf->snapshot_levels;
    struct sf_error err = { 0 };
    struct sf_buf path;

    if (t->is_asked || t->is_refused || s->is_paused)
        return;
    sf_buf_init(&path, 4096);
    s->exchange->depth_url(&path, t->out.common.symbol, levels);
    t->is_asked = sf_rest_get_built(s->rest, &path, s->exchange->depth_weight(levels),
                                    on_depth, t, &err) == SF_OK;
    if (!t->is_asked)
        fail(s, t, &err);
    sf_buf_release(&path);
}

static void on_again(void *arg)
{
    ask(arg);
}

static void on_every(void *arg)
{
    struct snapshots *s = arg;

    for (size_t i = 0; i < s->taken_n && !s->is_paused; i++) {
        struct taken *t = &s->taken[i];

        if (t->is_asked || book_out_is_full(&t->out)) {
            s->late++; /* the exchange or the queue is slower than asked for */
            sf_log(SF_LOG_WARN, "snapshot_late",
                   SF_LOG_V("symbol", t->out.common.symbol));
        } else {
            ask(t);
        }
    }
}

/* ------------------------------------------------------------------------------- life */

static void on_wait(void *arg, int64_t wait_ms, const char *why)
{
    struct snapshots *s = arg;

    sf_log(SF_LOG_WARN, "waiting", SF_LOG_I("ms", wait_ms),
           SF_LOG_S("text", why ? why : ""));
    if (why)
        sf_loader_tell(s->l, why);
}

static enum sf_status open_symbols(struct snapshots *s, struct sf_error *err)
{
    enum sf_status status = SF_OK;

    s->taken = calloc(s->conf->symbols_n, sizeof(*s->taken));
    if (!s->taken)
        return sf_error_set(err, SF_ENOMEM, "no memory for %zu symbols",
                            s->conf->symbols_n);
    while (status == SF_OK && s->taken_n < s->conf->symbols_n) {
        struct sf_str symbol = sf_str_from(s->conf->symbols[s->taken_n]);
        struct taken *t = &s->taken[s->taken_n++];

        t->s = s;
        t->last_id = sf_loader_past(s->l, symbol)->last;
        status = book_out_init(&t->out, s->l, symbol, &s->record, err);
        if (status == SF_OK)
            status = sf_timer_create(sf_loader_loop(s->l), on_again, t, &t->again);
    }
    return status;
}

static enum sf_status snapshots_open(struct sf_loader *l, void **ret_state,
                                     struct sf_error *err)
{
    struct snapshots *s = calloc(1, sizeof(*s));
    struct sf_market market;
    enum sf_status status;

    if (!s)
        return sf_error_set(err, SF_ENOMEM, "no memory to begin with");
    *ret_state = s; /* snapshots_close frees it whatever follows */
    s->l = l;
    s->conf = sf_loader_conf(l);
    sf_buf_init(&s->record, SF_BOOK_PART_BYTES);
    s->exchange = sf_exchange_find(sf_str_from(s->conf->exchange));
    if (!s->exchange)
        return sf_error_set(err, SF_EINVAL, "EXCHANGE='%s' is unknown",
                            s->conf->exchange);
    status = sf_rest_create(sf_loader_loop(l), s->conf, s->exchange, &s->rest, err);
    if (status == SF_OK)
        status = sf_timer_create(sf_loader_loop(l), on_every, s, &s->every);
    if (status == SF_OK)
        status = open_symbols(s, err);
    if (status != SF_OK)
        return status;
    sf_rest_on_wait(s->rest, on_wait, s);
    status = sf_rest_hello(s->rest, sf_str_from(s->conf->symbols[0]), &market, err);
    if (status == SF_OK)
        sf_timer_set(s->every, 0, s->conf->snapshot_every_ms);
    return status;
}

static void snapshots_pause(void *state, bool is_paused)
{
    struct snapshots *s = state;

    s->is_paused = is_paused;
    sf_rest_pause(s->rest, is_paused);
    if (!is_paused)
        sf_timer_set(s->every, 0, s->conf->snapshot_every_ms);
}

static void snapshots_on_room(void *state)
{
    struct snapshots *s = state;

    for (size_t i = 0; i < s->taken_n; i++) {
        struct sf_error err = { 0 };
        enum sf_status status = book_out_go(&s->taken[i].out, &err);

        if (status == SF_EFULL)
            return;
        if (status != SF_OK)
            fail(s, &s->taken[i], &err);
    }
}

static void snapshots_progress(void *state, struct sf_buf *extra)
{
    const struct snapshots *s = state;

    sf_buf_addf(extra, ",\"snapshots\":%lld,\"late\":%lld", (long long)s->snapshots,
                (long long)s->late);
}

static void snapshots_close(void *state)
{
    struct snapshots *s = state;

    sf_rest_destroy(s->rest);
    sf_timer_destroy(s->every);
    for (size_t i = 0; i < s->taken_n; i++) {
        sf_timer_destroy(s->taken[i].again);
        book_out_release(&s->taken[i].out);
    }
    free(s->taken);
    sf_buf_release(&s->record);
    free(s);
}

const struct sf_source sf_source_book_snapshots = {
    .open = snapshots_open,
    .pause = snapshots_pause,
    .on_room = snapshots_on_room,
    .close = snapshots_close,
    .progress = snapshots_progress,
};
