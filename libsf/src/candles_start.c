/* How a range of candles begins: cut it to closed candles and to what the topic lacks,
 * and see what the exchange has.
 *
 * One row is asked for before the first window: it tells whether the range holds
 * anything. When it is not the row expected, the oldest row of all tells a late listing
 * (years are skipped, and it is no gap) from a hole. */
#include "candles_internal.h"

#include <stdlib.h>

#define RECORD_MAX  8192  /* bytes of one candle record; 20 fields of at most 64 digits */
#define COVERAGE_MS 10000 /* the ledger's range grows this often */

static void begin_windows(struct history *h)
{
    h->planned = h->expected;
    sf_history_fill(h);
    sf_history_publish(h); /* a range that is complete already */
}

static bool parse_probe(struct history *h, enum sf_status status, struct sf_buf *body,
                        const struct sf_error *cause, size_t *ret_n)
{
    struct sf_error err = { 0 };

    if (status != SF_OK) {
        sf_history_fail(h, "klines", cause);
        return false;
    }
    if (h->exchange->klines_parse(sf_buf_str(body), &h->probe, 1, ret_n, &err) != SF_OK) {
        sf_history_fail(h, "first candle", &err);
        return false;
    }
    return true;
}

static void on_oldest(void *arg, enum sf_status status, struct sf_buf *body,
                      const struct sf_error *cause)
{
    struct history *h = arg;
    size_t n;

    if (!parse_probe(h, status, body, cause, &n))
        return;
    if (n > 0 && h->probe.open_time > h->from) {
        h->listed_from = h->probe.open_time;
        if (h->records == 0)
            h->expected = sf_interval_floor(h->interval, h->probe.open_time);
        sf_log(SF_LOG_INFO, "listed_from", SF_LOG_I("open_time", h->listed_from));
    }
    begin_windows(h);
}

/* What the exchange has in front of the topic's first candle: nothing, unless the topic
 * is of another range. */
static void on_before(void *arg, enum sf_status status, struct sf_buf *body,
                      const struct sf_error *cause)
{
    struct history *h = arg;
    struct sf_error err = { 0 };
    char first[SF_TIME_ISO_SIZE], has[SF_TIME_ISO_SIZE];
    size_t n;

    if (!parse_probe(h, status, body, cause, &n))
        return;
    if (n == 0) {
        sf_history_get(h, 0, h->to, 1, on_oldest, h);
        return;
    }
    h->expected = h->from; /* nothing of this range is covered */
    (void)sf_error_set(&err, SF_EINVAL,
                       "TIME_RANGE='%s' begins before the topic: its first candle is of "
                       "%s, the exchange has one of %s; expected another QUEUE_ID",
                       h->conf->time_range, sf_time_iso(h->first, first),
                       sf_time_iso(h->probe.open_time, has));
    sf_history_fail(h, "range", &err);
}

static void on_first(void *arg, enum sf_status status, struct sf_buf *body,
                     const struct sf_error *cause)
{
    struct history *h = arg;
    struct sf_error err = { 0 };
    char from[SF_TIME_ISO_SIZE], to[SF_TIME_ISO_SIZE];
    size_t n;

    if (!parse_probe(h, status, body, cause, &n))
        return;
    if (n == 0 && h->records == 0) {
        (void)sf_error_set(&err, SF_EINVAL,
                           "TIME_RANGE: the exchange has no candle between %s and %s",
                           sf_time_iso(h->from, from), sf_time_iso(h->to, to));
        sf_history_fail(h, "range", &err);
        return;
    }
    if (h->records > 0 && h->first > h->from)
        sf_history_get(h, h->from, h->first, 1, on_before, h);
    else if (h->records == 0 && h->probe.open_time > h->from)
        sf_history_get(h, 0, h->to, 1, on_oldest, h);
    else
        begin_windows(h);
}

static void on_wait(void *arg, int64_t wait_ms, const char *why)
{
    struct history *h = arg;

    sf_log(SF_LOG_WARN, "waiting", SF_LOG_I("ms", wait_ms),
           SF_LOG_S("text", why ? why : ""));
    if (why)
        sf_loader_tell(h->l, why);
}

/* Cut the range to candles that are closed now, and to what the topic lacks. */
static enum sf_status plan(struct history *h, struct sf_error *err)
{
    const struct sf_loader_past *past = sf_loader_past(h->l, h->symbol);
    char iso[SF_TIME_ISO_SIZE];
    int64_t closed;

    h->closed_before = sf_rest_server_ms(h->rest) - h->conf->closed_margin_ms;
    closed = sf_interval_floor(h->interval, h->closed_before);
    h->from = sf_interval_ceil(h->interval, h->conf->range_from_ms);
    h->to = sf_interval_ceil(h->interval, h->conf->range_to_ms);
    h->is_cut = h->to > closed;
    if (h->is_cut)
        h->to = closed;
    if (h->from >= h->to)
        return sf_error_set(err, SF_EINVAL,
                            "TIME_RANGE='%s': no closed candle of %s in it; the last one "
                            "closed before %s",
                            h->conf->time_range, h->interval->name,
                            sf_time_iso(closed, iso));
    if (h->is_cut)
        sf_log(SF_LOG_INFO, "range_cut", SF_LOG_S("to", sf_time_iso(h->to, iso)));
    h->first = past->first;
    h->last = past->last;
    h->records = past->records;
    h->listed_from = -1;
    h->expected = h->records > 0 ? sf_interval_ceil(h->interval, h->last + 1) : h->from;
    return SF_OK;
}

static enum sf_status make_slots(struct history *h)
{
    size_t page = h->exchange->klines_max;

    h->slots_n = (size_t)h->conf->pages_in_flight;
    h->slots = calloc(h->slots_n, sizeof(*h->slots));
    h->rows = calloc(h->slots_n * page, sizeof(*h->rows));
    if (!h->slots || !h->rows)
        return SF_ENOMEM;
    for (size_t i = 0; i < h->slots_n; i++) {
        struct slot *s = &h->slots[i];

        s->h = h;
        s->rows = h->rows + i * page;
        if (sf_timer_create(sf_loader_loop(h->l), sf_history_retry, s, &s->retry) !=
            SF_OK)
            return SF_ENOMEM;
    }
    return sf_timer_create(sf_loader_loop(h->l), sf_history_coverage, h,
                           &h->coverage_timer);
}

static enum sf_status set_names(struct history *h, struct sf_error *err)
{
    struct sf_str exchange = sf_str_from(h->conf->exchange);
    enum sf_status status;

    h->exchange = sf_exchange_find(exchange);
    if (!h->exchange)
        return sf_error_set(err, SF_EINVAL, "EXCHANGE='%s' is unknown",
                            h->conf->exchange);
    h->interval = h->conf->type_ref.interval;
    h->symbol = sf_str_from(h->conf->symbols[0]);
    status = sf_name_key_prefix(exchange, h->symbol, h->key_prefix, err);
    if (status == SF_OK)
        status = sf_name_ledger_kind(h->conf->type_ref, h->ledger_kind, err);
    h->common =
        (struct sf_record_common){ exchange, h->symbol, sf_str_from(h->key_prefix),
                                   SF_STR("rest"), sf_loader_run(h->l) };
    return status;
}

enum sf_status sf_history_open(struct sf_loader *l, void **ret_state,
                               struct sf_error *err)
{
    struct history *h = calloc(1, sizeof(*h));
    struct sf_market market;
    enum sf_status status;

    if (!h)
        return sf_error_set(err, SF_ENOMEM, "no memory to begin with");
    *ret_state = h; /* history_close frees it whatever follows */
    h->l = l;
    h->conf = sf_loader_conf(l);
    sf_buf_init(&h->record, RECORD_MAX);
    status = set_names(h, err);
    if (status == SF_OK)
        status = sf_rest_create(sf_loader_loop(l), h->conf, h->exchange, &h->rest, err);
    if (status == SF_OK && make_slots(h) != SF_OK)
        status = sf_error_set(err, SF_ENOMEM, "no memory for %zu pages", h->slots_n);
    if (status != SF_OK)
        return status;
    sf_rest_on_wait(h->rest, on_wait, h);
    status = sf_rest_hello(h->rest, h->symbol, &market, err);
    if (status == SF_OK)
        status = plan(h, err);
    if (status != SF_OK)
        return status;
    if (!market.is_trading)
        sf_log(SF_LOG_WARN, "symbol_not_trading", SF_LOG_V("symbol", h->symbol));
    sf_timer_set(h->coverage_timer, COVERAGE_MS, COVERAGE_MS);
    sf_history_get(h, h->expected < h->to ? h->expected : h->from, h->to, 1, on_first, h);
    return SF_OK;
}
