/* How a range of trades begins: from times to ids.
 *
 * Trades are asked for by id, and only aggregate trades by time: the first aggregate from
 * the range's begin on names its first trade (field f), the newest one before the range's
 * end names the last (l). Aggregates that the exchange took back name none (f is -1): the
 * next, or the one before, is asked for by its id. One more question tells a range that
 * begins before the listing from one that does not. */
#include "trades_internal.h"

#include <stdlib.h>

#define RECORD_MAX  8192  /* bytes of one record; 12 fields of at most 64 digits */
#define COVERAGE_MS 10000 /* the ledger's range grows this often */

/* ---------------------------------------------------------------------------- probes */

static void ask_probe(struct trades *t, bool is_newest, int64_t time_ms, int64_t from_id,
                      void (*fn)(struct trades *t));

/* Of the answer the oldest, or newest, aggregate that is no voided one. */
static const struct sf_trade *wanted_row(const struct trades *t, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct sf_trade *row = &t->probe_rows[t->is_probe_newest ? n - 1 - i : i];

        if (row->first_id >= 0)
            return row;
    }
    return NULL;
}

/* A whole page of voided ones: go on behind it, or before it. */
static void ask_beyond(struct trades *t, size_t n)
{
    int64_t max = t->exchange->trades_max;
    int64_t id =
        t->is_probe_newest ? t->probe_rows[0].id - max : t->probe_rows[n - 1].id + 1;

    ask_probe(t, t->is_probe_newest, -1, id > 0 ? id : 0, t->on_probe);
}

static void on_probe_page(void *arg, enum sf_status status, struct sf_buf *body,
                          const struct sf_error *cause)
{
    struct trades *t = arg;
    const struct sf_trade *row;
    struct sf_error err = { 0 };
    size_t n;

    if (status != SF_OK) {
        sf_trades_fail(t, "aggTrades", cause);
        return;
    }
    if (t->exchange->trades_parse(sf_buf_str(body), true, t->probe_rows,
                                  t->exchange->trades_max, &n, &err) != SF_OK) {
        sf_trades_fail(t, "aggTrades", &err);
        return;
    }
    row = wanted_row(t, n);
    if (!row && n > 0 && (!t->is_probe_newest || t->probe_rows[0].id > 0)) {
        ask_beyond(t, n);
        return;
    }
    t->probe_id = -1;
    t->probe_ms = row ? row->time_ms : -1;
    if (row && t->is_agg)
        t->probe_id = row->id;
    else if (row)
        t->probe_id = t->is_probe_newest ? row->last_id : row->first_id;
    t->on_probe(t);
}

/* The oldest aggregate from @time_ms on, or the newest up to it; with @from_id by id. */
static void ask_probe(struct trades *t, bool is_newest, int64_t time_ms, int64_t from_id,
                      void (*fn)(struct trades *t))
{
    unsigned limit = from_id >= 0 ? t->exchange->trades_max : 10;
    struct sf_error err = { 0 };
    struct sf_buf path;

    t->is_probe_newest = is_newest;
    t->on_probe = fn;
    sf_buf_init(&path, 4096);
    if (from_id >= 0)
        t->exchange->trades_url(&path, t->symbol, true, from_id, limit);
    else
        t->exchange->agg_trades_at_url(&path, t->symbol, is_newest ? -1 : time_ms,
                                       time_ms, limit);
    if (sf_rest_get_built(t->rest, &path, t->exchange->agg_trades_weight, on_probe_page,
                          t, &err) != SF_OK)
        sf_trades_fail(t, "aggTrades", &err);
    sf_buf_release(&path);
}

/* ------------------------------------------------------------------- from, to, listing
 */

static void ids_are_known(struct trades *t)
{
    t->expected = t->records > 0 ? t->last + 1 : t->from;
    if (t->expected < t->from)
        t->expected = t->from;
    sf_trades_begin(t);
}

static void on_before(struct trades *t)
{
    if (t->probe_id < 0) {
        t->listed_from = t->from_ms;
        sf_log(SF_LOG_INFO, "listed_from", SF_LOG_I("time", t->from_ms));
    }
    ids_are_known(t);
}

static void on_first(struct trades *t)
{
    int64_t before_ms = t->from_ms > 0 ? t->from_ms - 1 : 0;

    if (t->probe_id < 0 || t->probe_id >= t->to) { /* nothing was traded in the range */
        t->from = t->to;
        ids_are_known(t);
        return;
    }
    t->from = t->probe_id;
    t->from_ms = t->probe_ms; /* for on_before: the first trade of all, perhaps */
    ask_probe(t, true, before_ms, -1, on_before);
}

static void on_last(struct trades *t)
{
    struct sf_error err = { 0 };
    char from[SF_TIME_ISO_SIZE], to[SF_TIME_ISO_SIZE];

    if (t->probe_id < 0) {
        (void)sf_error_set(&err, SF_EINVAL,
                           "TIME_RANGE: the exchange has no trade between %s and %s, nor "
                           "any before",
                           sf_time_iso(t->from_ms, from), sf_time_iso(t->to_ms, to));
        sf_trades_fail(t, "range", &err);
        return;
    }
    t->to = t->probe_id + 1;
    if (t->probe_ms < t->from_ms) { /* listed before, nothing was traded in the range */
        t->from = t->to;
        ids_are_known(t);
        return;
    }
    ask_probe(t, false, t->from_ms, -1, on_first);
}

/* ----------------------------------------------------------------------------- open */

static void on_wait(void *arg, int64_t wait_ms, const char *why)
{
    struct trades *t = arg;

    sf_log(SF_LOG_WARN, "waiting", SF_LOG_I("ms", wait_ms),
           SF_LOG_S("text", why ? why : ""));
    if (why)
        sf_loader_tell(t->l, why);
}

/* Cut the range to what is settled now. */
static enum sf_status plan(struct trades *t, struct sf_error *err)
{
    const struct sf_loader_past *past = sf_loader_past(t->l, t->symbol);
    int64_t now_ms = sf_rest_server_ms(t->rest) - t->conf->closed_margin_ms;
    char iso[SF_TIME_ISO_SIZE];

    t->from_ms = t->conf->range_from_ms;
    t->to_ms = t->conf->range_to_ms;
    t->is_cut = t->to_ms > now_ms;
    if (t->is_cut)
        t->to_ms = now_ms;
    if (t->from_ms >= t->to_ms)
        return sf_error_set(err, SF_EINVAL, "TIME_RANGE='%s': begins after now, %s",
                            t->conf->time_range, sf_time_iso(now_ms, iso));
    if (t->is_cut)
        sf_log(SF_LOG_INFO, "range_cut", SF_LOG_S("to", sf_time_iso(t->to_ms, iso)));
    t->first = past->first;
    t->last = past->last;
    t->records = past->records;
    t->listed_from = -1;
    return SF_OK;
}

static enum sf_status set_names(struct trades *t, struct sf_error *err)
{
    struct sf_str exchange = sf_str_from(t->conf->exchange);
    enum sf_status status;

    t->exchange = sf_exchange_find(exchange);
    if (!t->exchange)
        return sf_error_set(err, SF_EINVAL, "EXCHANGE='%s' is unknown",
                            t->conf->exchange);
    t->is_agg = t->conf->type_ref.type->kind == SF_KIND_AGG_TRADES;
    t->symbol = sf_str_from(t->conf->symbols[0]);
    status = sf_name_key_prefix(exchange, t->symbol, t->key_prefix, err);
    if (status == SF_OK)
        status = sf_name_ledger_kind(t->conf->type_ref, t->ledger_kind, err);
    t->common =
        (struct sf_record_common){ exchange, t->symbol, sf_str_from(t->key_prefix),
                                   SF_STR("rest"), sf_loader_run(t->l) };
    return status;
}

static enum sf_status make_parts(struct trades *t, struct sf_error *err)
{
    struct trades_pager_opts opts = {
        .loop = sf_loader_loop(t->l),
        .exchange = t->exchange,
        .is_agg = t->is_agg,
        .pages_n = (unsigned)t->conf->pages_in_flight,
        .put = sf_trades_put,
        .done = sf_trades_done,
        .fail = sf_trades_give_up,
        .arg = t,
    };
    enum sf_status status =
        sf_rest_create(opts.loop, t->conf, t->exchange, &t->rest, err);

    if (status != SF_OK)
        return status;
    sf_rest_on_wait(t->rest, on_wait, t);
    opts.rest = t->rest;
    t->probe_rows = calloc(t->exchange->trades_max, sizeof(*t->probe_rows));
    if (!t->probe_rows || trades_pager_create(&opts, &t->pager) != SF_OK ||
        sf_timer_create(opts.loop, sf_trades_coverage, t, &t->coverage_timer) != SF_OK)
        return sf_error_set(err, SF_ENOMEM, "no memory for %u pages", opts.pages_n);
    return SF_OK;
}

enum sf_status sf_trades_open(struct sf_loader *l, void **ret_state, struct sf_error *err)
{
    struct trades *t = calloc(1, sizeof(*t));
    struct sf_market market;
    enum sf_status status;

    if (!t)
        return sf_error_set(err, SF_ENOMEM, "no memory to begin with");
    *ret_state = t; /* trades_close frees it whatever follows */
    t->l = l;
    t->from = t->to = -1;
    t->conf = sf_loader_conf(l);
    sf_buf_init(&t->record, RECORD_MAX);
    status = set_names(t, err);
    if (status == SF_OK)
        status = make_parts(t, err);
    if (status == SF_OK)
        status = sf_rest_hello(t->rest, t->symbol, &market, err);
    if (status == SF_OK)
        status = plan(t, err);
    if (status != SF_OK)
        return status;
    if (!market.is_trading)
        sf_log(SF_LOG_WARN, "symbol_not_trading", SF_LOG_V("symbol", t->symbol));
    sf_timer_set(t->coverage_timer, COVERAGE_MS, COVERAGE_MS);
    ask_probe(t, true, t->to_ms - 1, -1, on_last);
    return SF_OK;
}
