/* Live candles of many symbols: closed ones in strict order of open time, each once.
 *
 * The stream's word decides: a candle that begins says that all before it are closed, one
 * that closes says so itself. What of those was not published, REST brings
 * (live_candles_repair.c), and while it does, what the stream closes is left to it, too.
 * No clock is asked, so that a tape plays the same. */
#include "live_candles.h"

#include <sf/metrics.h>

#include <stdlib.h>
#include <string.h>

#define RECORD_MAX  8192 /* bytes of one record; 20 fields of at most 64 digits */
#define HELD_MIN    8192 /* bytes of one symbol's records that wait, at least so many */
#define COVERAGE_MS 10000
#define BAD_US      1000000 /* at most one line a second on events that are refused */

/* --------------------------------------------------------------------------- records */

/* Empty without memory for it: no topic takes that. */
static struct sf_str make_record(struct live_candle *s, const struct sf_candle *candle,
                                 const char *source, int64_t version)
{
    struct live_candles *c = s->c;
    const struct sf_record_common common = { sf_str_from(c->conf->exchange), s->symbol,
                                             sf_str_from(s->key_prefix),
                                             sf_str_from(source), sf_loader_run(c->l) };

    sf_buf_clear(&c->record);
    sf_record_candle(&c->record, &common, c->interval, candle,
                     version == SF_VERSION_CLOSED, version);
    return c->record.status == SF_OK ? sf_buf_str(&c->record) : SF_STR_EMPTY;
}

static void fail(struct live_candle *s, enum sf_status status)
{
    struct live_candles *c = s->c;
    struct sf_error err = { 0 };

    (void)sf_error_set(&err, status, "%s %s: candle not accepted: %s", c->conf->subject,
                       c->interval->name, sf_status_text(status));
    sf_loader_fail(c->l, &err);
}

static enum sf_status put_record(struct live_candle *s, int64_t open_time,
                                 struct sf_str record)
{
    struct live_candles *c = s->c;
    enum sf_status status = sf_loader_put(c->l, s->symbol, open_time, record);

    if (status == SF_OK) {
        if (s->first < 0)
            s->first = open_time;
        s->next = sf_interval_add(c->interval, s->next, 1);
        sf_metric_set(SF_M_LAST_EVENT_SECONDS, s->next / 1000);
    } else if (status != SF_EFULL) {
        fail(s, status);
    }
    return status;
}

enum sf_status live_candle_put(struct live_candle *s, const struct sf_candle *candle,
                               const char *source)
{
    return put_record(s, candle->open_time,
                      make_record(s, candle, source, SF_VERSION_CLOSED));
}

/* A candle that still runs is told at best: the next one says more. */
static void put_running(struct live_candle *s, const struct sf_candle_event *e)
{
    struct sf_str record = make_record(s, &e->candle, "ws", e->time_ms);
    enum sf_status status = sf_loader_put(s->c->l, s->symbol, SF_NO_POSITION, record);

    if (status != SF_OK && status != SF_EFULL)
        fail(s, status);
}

/* ----------------------------------------------------------------- records that wait */

static void drop_held(struct live_candle *s)
{
    s->held_at = 0;
    sf_buf_release(&s->held);
}

void live_candle_release(struct live_candle *s)
{
    while (s->held.len > 0 && s->hole_us == 0 && s->held_from <= s->next) {
        struct sf_str record;
        int64_t behind = sf_interval_add(s->c->interval, s->held_from, 1);
        uint32_t len;

        memcpy(&len, s->held.p + s->held_at, sizeof(len));
        record = (struct sf_str){ s->held.p + s->held_at + sizeof(len), len };
        /* REST may have brought it while it waited: its close came late */
        if (s->held_from == s->next && put_record(s, s->held_from, record) != SF_OK)
            return;
        s->held_from = behind;
        s->held_at += sizeof(len) + len;
        if (s->held_at == s->held.len)
            drop_held(s);
    }
}

/* The closed candle of @slot waits: behind what is held, or in its place. */
static void hold(struct live_candle *s, const struct sf_candle *candle, int64_t slot)
{
    struct sf_str record = make_record(s, candle, "ws", SF_VERSION_CLOSED);
    uint32_t len = (uint32_t)record.len;
    int64_t behind = sf_interval_add(s->c->interval, slot, 1);

    if (s->held.len > 0 && slot != s->held_next)
        drop_held(s);
    if (s->held.len == 0)
        s->held_from = slot;
    sf_buf_add(&s->held, &len, sizeof(len));
    sf_buf_add_str(&s->held, record);
    s->held_next = behind;
    if (s->held.status != SF_OK || len == 0) { /* full, or no memory */
        drop_held(s);
        live_candle_want(s, behind);
    } else if (s->held_from > s->next) {
        live_candle_want(s, s->held_from);
    }
}

struct sf_gap live_candle_row(const struct live_candle *s, int64_t from, int64_t to)
{
    return (struct sf_gap){ .exchange = sf_str_from(s->c->conf->exchange),
                            .symbol = s->symbol,
                            .kind = sf_str_from(s->c->ledger_kind),
                            .from = from,
                            .to = sf_interval_add(s->c->interval, to, -1) };
}

static void on_coverage(void *arg)
{
    struct live_candles *c = arg;
    struct sf_gap range;

    for (size_t i = 0; i < c->symbols_n; i++) {
        struct live_candle *s = &c->symbols[i];

        if (s->first < 0 || s->next <= s->first || s->covered == s->next)
            continue;
        s->covered = s->next;
        range = live_candle_row(s, s->first, s->next);
        sf_loader_coverage(c->l, &range);
    }
}

/* --------------------------------------------------------------------------- streams */

static void take_closed(struct live_candle *s, const struct sf_candle *candle,
                        int64_t slot)
{
    if (slot < s->next || (s->held.len > 0 && slot < s->held_next)) {
        sf_metric_add(SF_M_DUPLICATES, 1);
        return;
    }
    if (slot == s->next && s->hole_us == 0 && s->held.len == 0) {
        if (live_candle_put(s, candle, "ws") != SF_EFULL)
            return;
        s->cause = "full";
    }
    hold(s, candle, slot);
}

static void take(struct live_candle *s, const struct sf_candle_event *e)
{
    int64_t slot = sf_interval_floor(s->c->interval, e->candle.open_time);

    if (s->next < 0)
        s->next = slot;
    if (e->is_closed) {
        take_closed(s, &e->candle, slot);
        return;
    }
    if (s->held.len > 0 && slot > s->held_next)
        drop_held(s);
    if (s->held.len == 0 && slot > s->next)
        live_candle_want(s, slot);
    if (slot >= s->next && s->c->conf->running_candles)
        put_running(s, e);
}

static void on_event(void *arg, size_t i, struct sf_str event)
{
    struct live_candles *c = arg;
    struct sf_candle_event e;
    struct sf_error err = { 0 };
    int64_t now_us;

    if (c->exchange->candle_parse(event, &e, &err) == SF_OK) {
        take(&c->symbols[i], &e);
        return;
    }
    now_us = sf_mono_us();
    sf_metric_add(SF_M_BAD_INPUT, 1);
    if (c->bad_told_us != 0 && now_us - c->bad_told_us < BAD_US)
        return;
    c->bad_told_us = now_us;
    sf_log(SF_LOG_WARN, "bad_event", SF_LOG_V("symbol", c->symbols[i].symbol),
           SF_LOG_S("text", err.text));
}

/* The next event shows whether something closed meanwhile. */
static void on_up(void *arg, size_t first, size_t n)
{
    (void)arg;
    (void)first;
    (void)n;
}

static void on_down(void *arg, size_t first, size_t n, const struct sf_error *why)
{
    struct live_candles *c = arg;

    for (size_t i = first; i < first + n; i++)
        if (c->symbols[i].hole_us == 0) /* a hole that is open keeps its own */
            c->symbols[i].cause = c->is_paused ? "paused" : "cut";
    if (!c->is_paused)
        sf_loader_tell(c->l, why->text);
}

static void add_stream(void *arg, struct sf_buf *b, struct sf_str symbol)
{
    const struct live_candles *c = arg;

    c->exchange->candle_stream(b, symbol, c->interval);
}

/* ------------------------------------------------------------------------------ life */

static void on_wait(void *arg, int64_t wait_ms, const char *why)
{
    struct live_candles *c = arg;

    sf_log(SF_LOG_WARN, "waiting", SF_LOG_I("ms", wait_ms),
           SF_LOG_S("text", why ? why : ""));
    if (why)
        sf_loader_tell(c->l, why);
}

static enum sf_status open_symbol(struct live_candles *c, size_t i, struct sf_error *err)
{
    struct live_candle *s = &c->symbols[i];
    const struct sf_loader_past *past;
    size_t held = (size_t)c->conf->live_buffer_kb * 1024 / c->conf->symbols_n;

    s->c = c;
    s->symbol = sf_str_from(c->conf->symbols[i]);
    past = sf_loader_past(c->l, s->symbol);
    s->next = past->last >= 0 ? sf_interval_ceil(c->interval, past->last + 1) : -1;
    s->wanted = s->covered = s->hole_from = -1;
    s->first = past->first;
    s->asked_from = -1;
    s->cause = past->last >= 0 ? "restart" : "skipped";
    sf_buf_init(&s->held, held > HELD_MIN ? held : HELD_MIN);
    return sf_name_key_prefix(sf_str_from(c->conf->exchange), s->symbol, s->key_prefix,
                              err);
}

static enum sf_status open_parts(struct live_candles *c, struct sf_error *err)
{
    struct sf_loop *loop = sf_loader_loop(c->l);
    enum sf_status status = sf_rest_create(loop, c->conf, c->exchange, &c->rest, err);

    if (status != SF_OK)
        return status;
    sf_rest_on_wait(c->rest, on_wait, c);
    c->symbols = calloc(c->conf->symbols_n, sizeof(*c->symbols));
    if (!c->symbols || sf_timer_create(loop, on_coverage, c, &c->coverage_timer) != SF_OK)
        return sf_error_set(err, SF_ENOMEM, "no memory for %zu symbols",
                            c->conf->symbols_n);
    for (; status == SF_OK && c->symbols_n < c->conf->symbols_n; c->symbols_n++)
        status = open_symbol(c, c->symbols_n, err);
    return status == SF_OK ? live_candles_repairs(c, err) : status;
}

static enum sf_status open_streams(struct live_candles *c, struct sf_error *err)
{
    const struct sf_live_opts opts = {
        .loop = sf_loader_loop(c->l),
        .conf = c->conf,
        .exchange = c->exchange,
        .tape = sf_loader_tape(c->l),
        .stream = add_stream,
        .on_event = on_event,
        .on_up = on_up,
        .on_down = on_down,
        .arg = c,
    };

    sf_rest_tape(c->rest, opts.tape);
    return sf_live_create(&opts, &c->live, err);
}

/* The limits, and whether the symbol is known; of several each is on its own. */
static enum sf_status hello(struct live_candles *c, struct sf_error *err)
{
    struct sf_error why = { 0 };
    struct sf_market market;
    enum sf_status status;

    if (sf_loader_tape(c->l)->player) /* nobody is asked */
        return SF_OK;
    status = sf_rest_hello(c->rest, c->symbols[0].symbol, &market, &why);
    if (status == SF_EINVAL && c->symbols_n > 1) {
        sf_log_error(SF_LOG_WARN, "symbol_silent", &why);
        sf_loader_tell(c->l, why.text);
        return SF_OK;
    }
    return status == SF_OK ? SF_OK : sf_error_set(err, status, "%s", why.text);
}

static enum sf_status candles_open(struct sf_loader *l, void **ret_state,
                                   struct sf_error *err)
{
    struct live_candles *c = calloc(1, sizeof(*c));
    enum sf_status status;

    if (!c)
        return sf_error_set(err, SF_ENOMEM, "no memory to begin with");
    *ret_state = c; /* candles_close frees it whatever follows */
    c->l = l;
    c->conf = sf_loader_conf(l);
    c->interval = c->conf->type_ref.interval;
    c->exchange = sf_exchange_find(sf_str_from(c->conf->exchange));
    sf_buf_init(&c->record, RECORD_MAX);
    if (!c->exchange)
        return sf_error_set(err, SF_EINVAL, "EXCHANGE='%s' is unknown",
                            c->conf->exchange);
    status = sf_name_ledger_kind(c->conf->type_ref, c->ledger_kind, err);
    if (status == SF_OK)
        status = open_parts(c, err);
    if (status == SF_OK)
        status = hello(c, err);
    if (status == SF_OK)
        status = open_streams(c, err);
    if (status == SF_OK)
        sf_timer_set(c->coverage_timer, COVERAGE_MS, COVERAGE_MS);
    return status;
}

static void candles_pause(void *state, bool is_paused)
{
    struct live_candles *c = state;

    c->is_paused = is_paused;
    sf_rest_pause(c->rest, is_paused);
    sf_live_pause(c->live, is_paused);
    if (!is_paused)
        live_candles_go(c);
}

static void candles_on_room(void *state)
{
    struct live_candles *c = state;

    for (size_t i = 0; i < c->symbols_n; i++)
        live_candle_release(&c->symbols[i]);
    live_candles_go(c);
}

static void candles_progress(void *state, struct sf_buf *extra)
{
    const struct live_candles *c = state;
    int64_t holes = 0;

    for (size_t i = 0; i < c->symbols_n; i++)
        holes += c->symbols[i].hole_us > 0;
    sf_buf_addf(extra, ",\"holes\":%lld,\"repaired\":%lld", (long long)holes,
                (long long)c->repaired);
    sf_live_progress(c->live, extra);
}

static void candles_close(void *state)
{
    struct live_candles *c = state;

    c->is_closing = true;
    sf_live_destroy(c->live);
    on_coverage(c);
    sf_rest_destroy(c->rest);
    live_candles_repairs_end(c);
    sf_timer_destroy(c->coverage_timer);
    for (size_t i = 0; c->symbols && i < c->conf->symbols_n; i++)
        sf_buf_release(&c->symbols[i].held);
    free(c->symbols);
    sf_buf_release(&c->record);
    free(c);
}

const struct sf_source sf_source_candles_live = {
    .open = candles_open,
    .pause = candles_pause,
    .on_room = candles_on_room,
    .close = candles_close,
    .progress = candles_progress,
};
