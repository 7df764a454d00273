/* Candles that the exchange has closed and the stream did not bring, by REST: a page at a
 * time, a few symbols at once. What a page has not is asked for again, as REST may be
 * behind the stream; what it still has not is missing for good. */
#include "live_candles.h"

#include <sf/metrics.h>

#include <stdlib.h>

#define ASKS_MAX       3 /* of a page with holes */
#define ASK_AGAIN_US   INT64_C(1000000)
#define RETRY_FIRST_US INT64_C(1000000) /* a request that failed; doubled up to */
#define RETRY_MAX_US   INT64_C(60000000)
#define FIRST_US       INT64_C(500000) /* REST may be as far behind the stream */
#define TICK_MS        250

static void pump(struct live_candles *c);

/* ---------------------------------------------------------------------------- ledger */

/* What was repaired so far, up to @until, becomes a row. */
static void tell_repaired(struct live_candle *s, int64_t until)
{
    struct sf_gap gap = live_candle_row(s, s->hole_from, until);

    if (until > s->hole_from) {
        gap.cause = sf_str_from(s->cause);
        gap.is_repaired = true;
        gap.records = sf_interval_count(s->c->interval, s->hole_from, until);
        gap.took_ms = (sf_mono_us() - s->hole_us) / 1000;
        sf_loader_gap(s->c->l, &gap);
        s->c->repaired += gap.records;
    }
    s->hole_from = until;
}

/* The exchange has none from s->next up to @until. */
static void tell_missing(struct live_candle *s, int64_t until, const char *cause)
{
    struct sf_gap gap = live_candle_row(s, s->next, until);

    tell_repaired(s, s->next);
    gap.cause = sf_str_from(cause);
    gap.records = sf_interval_count(s->c->interval, s->next, until);
    sf_loader_gap(s->c->l, &gap);
    s->next = s->hole_from = until;
}

/* No hole any more: what waited may go. */
static void close_hole(struct live_candle *s)
{
    tell_repaired(s, s->next);
    s->hole_us = 0;
    s->fails_n = 0;
    s->cause = "skipped";
    live_candle_release(s);
    if (s->held.len == 0 && s->wanted > s->next) /* behind what was held */
        live_candle_want(s, s->wanted);
}

/* What is held is not missing, whatever REST says of it. */
static int64_t missing_until(const struct live_candle *s, int64_t until)
{
    return s->held.len > 0 && s->held_from >= s->next && s->held_from < until
               ? s->held_from
               : until;
}

/* ----------------------------------------------------------------------------- pages */

static void leave(struct candle_repair *r)
{
    if (r->symbol)
        r->symbol->repair = NULL;
    r->symbol = NULL;
    r->is_ready = false;
    sf_buf_release(&r->body);
}

/* Ask again later, from where it stands. */
static void put_off(struct candle_repair *r, int64_t wait_us)
{
    r->symbol->retry_us = sf_mono_us() + wait_us;
    leave(r);
}

static void failed(struct candle_repair *r, const struct sf_error *err)
{
    struct live_candle *s = r->symbol;
    int64_t wait_us = RETRY_FIRST_US << (s->fails_n < 6 ? s->fails_n : 6);

    if (s->fails_n++ == 0) {
        sf_log_error(SF_LOG_WARN, "repair_failed", err);
        sf_loader_tell(s->c->l, err->text);
    }
    if (err->status == SF_ENOTFOUND || err->status == SF_EREFUSED ||
        err->status == SF_EUNSUPPORTED || err->status == SF_EAUTH) {
        tell_missing(s, missing_until(s, s->wanted), s->cause); /* REST never will */
        leave(r);
        close_hole(s);
    } else {
        put_off(r, wait_us < RETRY_MAX_US ? wait_us : RETRY_MAX_US);
    }
}

/* Rows in turn, then what is missing behind them. */
static enum sf_status publish(struct candle_repair *r)
{
    struct live_candle *s = r->symbol;

    for (; r->at < r->rows_n; r->at++) {
        int64_t slot = sf_interval_floor(r->c->interval, r->rows[r->at].open_time);
        enum sf_status status;

        if (slot < s->next)
            continue;
        if (r->c->is_paused)
            return SF_EFULL;
        if (s->next < missing_until(s, slot))
            tell_missing(s, missing_until(s, slot), "exchange");
        if (slot > s->next)
            return SF_OK; /* what is held comes first */
        status = live_candle_put(s, &r->rows[r->at], "backfill");
        if (status != SF_OK)
            return status;
    }
    if (s->next < missing_until(s, r->answered_to))
        tell_missing(s, missing_until(s, r->answered_to), "exchange");
    return SF_OK;
}

static void go_on(struct candle_repair *r)
{
    struct live_candle *s = r->symbol;

    if (publish(r) != SF_OK)
        return; /* there will be room, or the loader has failed */
    leave(r);
    if (s->next >= s->wanted || (s->held.len > 0 && s->held_from <= s->next))
        close_hole(s);
    pump(s->c);
}

static enum sf_status judge(struct candle_repair *r, struct sf_page_verdict *v,
                            struct sf_error *err)
{
    const struct sf_exchange *x = r->c->exchange;
    /* the stream has said that all of these are closed */
    const struct sf_page_ask asked = { r->c->interval, r->from, r->to, INT64_MAX,
                                       x->klines_max };
    enum sf_status status =
        x->klines_parse(sf_buf_str(&r->body), r->rows, x->klines_max, &r->rows_n, err);

    return status == SF_OK ? sf_page_judge(&asked, r->rows, r->rows_n, v, err) : status;
}

static void on_page(void *arg, enum sf_status status, struct sf_buf *body,
                    const struct sf_error *cause)
{
    struct candle_repair *r = arg;
    struct sf_error err = { 0 };
    struct sf_page_verdict v;

    if (status != SF_OK) {
        failed(r, cause);
        return;
    }
    sf_buf_release(&r->body);
    r->body = *body;
    sf_buf_init(body, body->max);
    if (judge(r, &v, &err) != SF_OK) {
        sf_metric_add(SF_M_BAD_INPUT, 1);
        failed(r, &err);
        return;
    }
    r->symbol->fails_n = 0;
    if (v.has_holes && r->symbol->asks_n < ASKS_MAX) {
        put_off(r, ASK_AGAIN_US);
        return;
    }
    sf_metric_add(SF_M_DUPLICATES, (int64_t)v.duplicates_n);
    r->rows_n = v.rows_n;
    r->at = 0;
    r->answered_to =
        v.is_complete ? r->to : sf_interval_floor(r->c->interval, v.next_from);
    r->is_ready = true;
    go_on(r);
}

static void ask(struct candle_repair *r, struct live_candle *s)
{
    struct live_candles *c = s->c;
    int64_t to = sf_interval_add(c->interval, s->next, c->exchange->klines_max);
    struct sf_error err = { 0 };
    struct sf_buf path;

    s->asks_n = s->asked_from == s->next ? s->asks_n + 1 : 1;
    s->asked_from = s->next;
    r->symbol = s;
    s->repair = r;
    r->from = s->next;
    r->to = to < s->wanted ? to : s->wanted;
    sf_buf_init(&path, 4096);
    c->exchange->klines_url(&path, s->symbol, c->interval, r->from, r->to - 1,
                            c->exchange->klines_max);
    if (sf_rest_get_built(c->rest, &path, c->exchange->klines_weight, on_page, r, &err) !=
        SF_OK)
        failed(r, &err);
    sf_buf_release(&path);
}

/* ---------------------------------------------------------------------------- choice */

static struct live_candle *next_symbol(struct live_candles *c)
{
    int64_t now_us = sf_mono_us();

    for (size_t i = 0; i < c->symbols_n; i++) {
        struct live_candle *s = &c->symbols[i];

        if (s->wanted > s->next && s->hole_us > 0 && !s->repair && s->retry_us <= now_us)
            return s;
    }
    return NULL;
}

static void pump(struct live_candles *c)
{
    for (size_t i = 0; i < CANDLE_REPAIRS_N && !c->is_closing && !c->is_paused; i++) {
        struct candle_repair *r = &c->repairs[i];
        struct live_candle *s = r->symbol ? NULL : next_symbol(c);

        if (s)
            ask(r, s);
    }
}

static void on_tick(void *arg)
{
    pump(arg);
}

void live_candle_want(struct live_candle *s, int64_t until)
{
    if (until > s->wanted)
        s->wanted = until;
    if (s->hole_us == 0) {
        s->hole_us = sf_mono_us();
        s->hole_from = s->next;
        s->retry_us = s->hole_us + FIRST_US;
    }
    pump(s->c);
}

void live_candles_go(struct live_candles *c)
{
    for (size_t i = 0; i < CANDLE_REPAIRS_N; i++)
        if (c->repairs[i].is_ready)
            go_on(&c->repairs[i]);
    pump(c);
}

enum sf_status live_candles_repairs(struct live_candles *c, struct sf_error *err)
{
    enum sf_status status =
        sf_timer_create(sf_loader_loop(c->l), on_tick, c, &c->repair_timer);

    for (size_t i = 0; status == SF_OK && i < CANDLE_REPAIRS_N; i++) {
        struct candle_repair *r = &c->repairs[i];

        r->c = c;
        sf_buf_init(&r->body, 0);
        r->rows = calloc(c->exchange->klines_max, sizeof(*r->rows));
        status = r->rows ? SF_OK : SF_ENOMEM;
    }
    if (status != SF_OK)
        return sf_error_set(err, status, "no memory for repairs");
    sf_timer_set(c->repair_timer, TICK_MS, TICK_MS);
    return SF_OK;
}

void live_candles_repairs_end(struct live_candles *c)
{
    for (size_t i = 0; i < CANDLE_REPAIRS_N; i++) {
        sf_buf_release(&c->repairs[i].body);
        free(c->repairs[i].rows);
    }
    sf_timer_destroy(c->repair_timer);
}
