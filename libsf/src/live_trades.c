/* Live trades of many symbols: from the streams to the topic, in strict order by id.
 *
 * sequence.c says what to do with each id, live_repair.c fills holes by REST, live.c
 * keeps the connections. What waits for a hole, or for room in the queue, is held in a
 * bounded buffer; when that is full it is dropped, and REST brings it, too. */
#include "live_trades.h"

#include <sf/metrics.h>

#include <stdlib.h>

#define RECORD_MAX  8192 /* bytes of one record; 12 fields of at most 64 digits */
#define COVERAGE_MS 10000
#define KEEP_BYTES  65536   /* a held buffer that is empty keeps so much */
#define TOLD_US     1000000 /* at most one line a second on what comes with every frame */

void sf_live_fail(struct live_trades *t, const char *where, const struct sf_error *cause)
{
    struct sf_error err = *cause;

    (void)sf_error_wrap(&err, "%s %s", t->conf->subject, where);
    sf_loader_fail(t->l, &err);
}

/* ---------------------------------------------------------------------------- records */

/* Empty without memory for it: no topic takes that. */
static struct sf_str make_record(struct live_symbol *s, const struct sf_trade *trade,
                                 bool is_rest)
{
    struct live_trades *t = s->t;
    const struct sf_record_common common = { sf_str_from(t->conf->exchange), s->symbol,
                                             sf_str_from(s->key_prefix),
                                             is_rest ? SF_STR("backfill") : SF_STR("ws"),
                                             sf_loader_run(t->l) };

    sf_buf_clear(&t->record);
    sf_record_trade(&t->record, &common, t->is_agg, trade);
    return t->record.status == SF_OK ? sf_buf_str(&t->record) : SF_STR_EMPTY;
}

static enum sf_status publish(struct live_symbol *s, int64_t id, struct sf_str record,
                              bool is_rest)
{
    struct sf_error err = { 0 };
    enum sf_status status = sf_loader_put(s->t->l, s->symbol, id, record);

    if (status == SF_OK) {
        sequence_took(&s->seq, id, is_rest);
        if (s->first < 0)
            s->first = id;
    } else if (status != SF_EFULL) {
        (void)sf_error_set(&err, status, "trade not accepted: %s",
                           sf_status_text(status));
        sf_live_fail(s->t, "publish", &err);
    }
    return status;
}

enum sf_status sf_live_put(struct live_symbol *s, const struct sf_trade *trade,
                           bool is_rest)
{
    enum sf_status status =
        publish(s, trade->id, make_record(s, trade, is_rest), is_rest);

    if (status == SF_OK)
        sf_metric_set(SF_M_LAST_EVENT_SECONDS, trade->time_ms / 1000);
    return status;
}

/* -------------------------------------------------------------------- records that wait
 */

static void drop_held(struct live_symbol *s)
{
    s->t->held_bytes -= s->held.len;
    s->held_at = 0;
    if (s->held.cap > KEEP_BYTES)
        sf_buf_release(&s->held);
    else
        sf_buf_clear(&s->held);
}

static bool append(struct live_symbol *s, struct sf_str record)
{
    uint32_t len = (uint32_t)record.len;
    size_t was = s->held.len;

    if (record.len == 0 || s->t->held_bytes + sizeof(len) + record.len > s->t->held_max)
        return false;
    sf_buf_add(&s->held, &len, sizeof(len));
    sf_buf_add_str(&s->held, record);
    if (s->held.status != SF_OK) { /* no memory: as if the buffer were full */
        s->held.len = was;
        s->held.status = SF_OK;
        return false;
    }
    s->t->held_bytes += sizeof(len) + record.len;
    return true;
}

static void hold(struct live_symbol *s, const struct sf_trade *trade)
{
    struct sf_str record = make_record(s, trade, false);
    int64_t now_us;

    if (append(s, record))
        return;
    now_us = sf_mono_us();
    drop_held(s);
    if (now_us - s->t->dropped_told_us >= TOLD_US) {
        sf_log(SF_LOG_INFO, "held_dropped", SF_LOG_V("symbol", s->symbol),
               SF_LOG_I("from", s->seq.next), SF_LOG_I("to", trade->id));
        s->t->dropped_told_us = now_us;
    }
    sequence_overflow(&s->seq, trade->id);
    if (!append(s, record))
        sequence_drop(&s->seq);
}

void sf_live_release(struct live_symbol *s)
{
    while (sequence_may_release(&s->seq)) {
        struct sf_str record;
        uint32_t len;
        enum sf_status status;

        memcpy(&len, s->held.p + s->held_at, sizeof(len));
        record = (struct sf_str){ s->held.p + s->held_at + sizeof(len), len };
        status = publish(s, s->seq.held_from, record, false);
        if (status == SF_EFULL)
            sequence_block(&s->seq);
        if (status != SF_OK)
            return;
        s->held_at += sizeof(len) + len;
        if (s->held_at == s->held.len)
            drop_held(s);
    }
}

/* ----------------------------------------------------------------------------- streams
 */

static void set_cause(struct live_symbol *s, const char *cause)
{
    if (s->hole_us == 0) /* a hole that is open keeps its own */
        s->cause = cause;
}

static void take_trade(struct live_symbol *s, const struct sf_trade *trade)
{
    enum sequence_verdict verdict = sequence_offer(&s->seq, trade->id);
    enum sf_status status;

    if (verdict == SEQUENCE_PUT) {
        status = sf_live_put(s, trade, false);
        if (status == SF_OK && s->hole_us > 0)
            sf_repair_look(s);
        if (status != SF_EFULL)
            return;
        set_cause(s, "full");
        sequence_block(&s->seq);
        verdict = sequence_offer(&s->seq, trade->id);
    }
    if (verdict == SEQUENCE_OLD) {
        sf_metric_add(SF_M_DUPLICATES, 1);
        return;
    }
    if (verdict == SEQUENCE_HOLD_NEW)
        drop_held(s);
    hold(s, trade);
    sf_repair_look(s);
}

static void bad_event(struct live_symbol *s, const struct sf_error *err)
{
    int64_t now_us = sf_mono_us();

    sf_metric_add(SF_M_BAD_INPUT, 1);
    if (s->t->bad_told_us != 0 && now_us - s->t->bad_told_us < TOLD_US)
        return;
    s->t->bad_told_us = now_us;
    sf_log(SF_LOG_WARN, "bad_event", SF_LOG_V("symbol", s->symbol),
           SF_LOG_S("text", err->text));
}

static void on_event(void *arg, size_t i, struct sf_str event)
{
    struct live_trades *t = arg;
    struct live_symbol *s = &t->symbols[i];
    struct sf_error err = { 0 };
    struct sf_trade trade;

    if (t->exchange->trade_parse(event, t->is_agg, &trade, &err) == SF_OK)
        take_trade(s, &trade);
    else
        bad_event(s, &err);
}

static void on_up(void *arg, size_t first, size_t n)
{
    struct live_trades *t = arg;

    for (size_t i = first; i < first + n; i++) {
        struct live_symbol *s = &t->symbols[i];

        s->up_us = sf_mono_us();
        sequence_miss(&s->seq);
        sf_repair_look(s);
    }
}

static void on_down(void *arg, size_t first, size_t n, const struct sf_error *why)
{
    struct live_trades *t = arg;

    for (size_t i = first; i < first + n; i++) {
        t->symbols[i].up_us = 0;
        set_cause(&t->symbols[i], t->is_paused ? "paused" : "cut");
    }
    if (!t->is_paused)
        sf_loader_tell(t->l, why->text);
}

static void add_stream(void *arg, struct sf_buf *b, struct sf_str symbol)
{
    const struct live_trades *t = arg;

    t->exchange->trade_stream(b, symbol, t->is_agg);
}

/* -------------------------------------------------------------------------------- life
 */

static void on_wait(void *arg, int64_t wait_ms, const char *why)
{
    struct live_trades *t = arg;

    sf_log(SF_LOG_WARN, "waiting", SF_LOG_I("ms", wait_ms),
           SF_LOG_S("text", why ? why : ""));
    if (why)
        sf_loader_tell(t->l, why);
}

static enum sf_status open_symbol(struct live_trades *t, size_t i, struct sf_error *err)
{
    struct live_symbol *s = &t->symbols[i];
    const struct sf_loader_past *past;

    s->t = t;
    s->symbol = sf_str_from(t->conf->symbols[i]);
    past = sf_loader_past(t->l, s->symbol);
    sequence_init(&s->seq, past->last >= 0 ? past->last + 1 : -1);
    s->first = past->first;
    s->covered = -1;
    s->cause = past->last >= 0 ? "restart" : "skipped";
    sf_buf_init(&s->held, t->held_max);
    return sf_name_key_prefix(sf_str_from(t->conf->exchange), s->symbol, s->key_prefix,
                              err);
}

static enum sf_status open_parts(struct live_trades *t, struct sf_error *err)
{
    struct sf_loop *loop = sf_loader_loop(t->l);
    enum sf_status status = sf_rest_create(loop, t->conf, t->exchange, &t->rest, err);

    if (status != SF_OK)
        return status;
    sf_rest_on_wait(t->rest, on_wait, t);
    t->symbols = calloc(t->conf->symbols_n, sizeof(*t->symbols));
    if (!t->symbols ||
        sf_timer_create(loop, sf_ledger_coverage, t, &t->coverage_timer) != SF_OK)
        return sf_error_set(err, SF_ENOMEM, "no memory for %zu symbols",
                            t->conf->symbols_n);
    for (; status == SF_OK && t->symbols_n < t->conf->symbols_n; t->symbols_n++)
        status = open_symbol(t, t->symbols_n, err);
    if (status == SF_OK)
        status = sf_repairs_open(t, err);
    return status;
}

static enum sf_status open_streams(struct live_trades *t, struct sf_error *err)
{
    const struct sf_live_opts opts = {
        .loop = sf_loader_loop(t->l),
        .conf = t->conf,
        .exchange = t->exchange,
        .tape = sf_loader_tape(t->l),
        .stream = add_stream,
        .on_event = on_event,
        .on_up = on_up,
        .on_down = on_down,
        .arg = t,
    };

    sf_rest_tape(t->rest, opts.tape);
    return sf_live_create(&opts, &t->live, err);
}

/* The limits, and whether the symbol is known; of several each is on its own. */
static enum sf_status hello(struct live_trades *t, struct sf_error *err)
{
    struct sf_error why = { 0 };
    struct sf_market market;
    enum sf_status status;

    if (sf_loader_tape(t->l)->player) /* nobody is asked */
        return SF_OK;
    status = sf_rest_hello(t->rest, t->symbols[0].symbol, &market, &why);
    if (status == SF_EINVAL && t->symbols_n > 1) {
        sf_log_error(SF_LOG_WARN, "symbol_silent", &why);
        sf_loader_tell(t->l, why.text);
        t->symbols[0].is_checked = true;
        return SF_OK;
    }
    return status == SF_OK ? SF_OK : sf_error_set(err, status, "%s", why.text);
}

static enum sf_status live_open(struct sf_loader *l, void **ret_state,
                                struct sf_error *err)
{
    struct live_trades *t = calloc(1, sizeof(*t));
    enum sf_status status;

    if (!t)
        return sf_error_set(err, SF_ENOMEM, "no memory to begin with");
    *ret_state = t; /* live_close frees it whatever follows */
    t->l = l;
    t->conf = sf_loader_conf(l);
    t->is_agg = t->conf->type_ref.type->kind == SF_KIND_AGG_TRADES;
    t->held_max = (size_t)t->conf->live_buffer_kb * 1024;
    t->exchange = sf_exchange_find(sf_str_from(t->conf->exchange));
    sf_buf_init(&t->record, RECORD_MAX);
    if (!t->exchange)
        return sf_error_set(err, SF_EINVAL, "EXCHANGE='%s' is unknown",
                            t->conf->exchange);
    status = sf_name_ledger_kind(t->conf->type_ref, t->ledger_kind, err);
    if (status == SF_OK)
        status = open_parts(t, err);
    if (status == SF_OK)
        status = hello(t, err);
    if (status == SF_OK)
        status = open_streams(t, err);
    if (status != SF_OK)
        return status;
    sf_timer_set(t->coverage_timer, COVERAGE_MS, COVERAGE_MS);
    for (size_t i = 0; i < t->symbols_n; i++)
        sf_repair_look(&t->symbols[i]); /* since the last run: asked for at once */
    return SF_OK;
}

static void live_pause(void *state, bool is_paused)
{
    struct live_trades *t = state;

    t->is_paused = is_paused;
    sf_rest_pause(t->rest, is_paused);
    sf_live_pause(t->live, is_paused);
    if (!is_paused)
        sf_repairs_go(t);
}

static void live_on_room(void *state)
{
    struct live_trades *t = state;

    for (size_t i = 0; i < t->symbols_n; i++) {
        sequence_unblock(&t->symbols[i].seq);
        sf_live_release(&t->symbols[i]);
    }
    sf_repairs_go(t);
}

static void live_progress(void *state, struct sf_buf *extra)
{
    const struct live_trades *t = state;
    int64_t holes = 0;

    for (size_t i = 0; i < t->symbols_n; i++)
        holes += t->symbols[i].hole_us > 0;
    sf_buf_addf(extra, ",\"holes\":%lld,\"repaired\":%lld,\"held_bytes\":%zu",
                (long long)holes, (long long)t->repaired, t->held_bytes);
    sf_live_progress(t->live, extra);
}

static void live_close(void *state)
{
    struct live_trades *t = state;

    t->is_closing = true;
    sf_live_destroy(t->live);
    sf_ledger_coverage(t);
    sf_rest_destroy(t->rest);
    sf_repairs_close(t);
    sf_timer_destroy(t->coverage_timer);
    for (size_t i = 0; t->symbols && i < t->conf->symbols_n; i++)
        sf_buf_release(&t->symbols[i].held);
    free(t->symbols);
    sf_buf_release(&t->record);
    free(t);
}

const struct sf_source sf_source_trades_live = {
    .open = live_open,
    .pause = live_pause,
    .on_room = live_on_room,
    .close = live_close,
    .progress = live_progress,
};
