#include "stream.h"

#include "book.h"
#include "render.h"
#include "tape.h"

#include <stdlib.h>

#define BURST       2000 /* payloads of one call */
#define PAYLOAD_MAX ((size_t)1 << 20)

/* A payload being written, in both units when asked for. */
struct pair {
    struct sf_buf ms, us;
    bool is_us;
    stream_fn fn;
    void *arg;
};

static void add_time(struct sf_buf *b, int64_t time_ms, bool is_us)
{
    sf_buf_add_i64(b, is_us ? time_ms * 1000 : time_ms);
}

static void add_head(struct sf_buf *b, const struct stream *s, const char *event,
                     int64_t event_ms, bool is_us)
{
    sf_buf_addf(b, "{\"e\":\"%s\",\"E\":", event);
    add_time(b, event_ms, is_us);
    sf_buf_addf(b, ",\"s\":\"%s\",", market_symbol(s->m)->name);
}

/* ----------------------------------------------------------------------------- trades */

static void add_trade(struct sf_buf *b, const struct stream *s, const struct trade *t,
                      bool is_us)
{
    add_head(b, s, "trade", t->time_ms, is_us);
    sf_buf_addf(b, "\"t\":%lld,\"p\":", (long long)t->id);
    render_quoted(b, t->price, market_symbol(s->m)->price_digits);
    sf_buf_add_lit(b, "\"q\":");
    render_quoted(b, t->lots, market_symbol(s->m)->lot_digits);
    sf_buf_add_lit(b, "\"T\":");
    add_time(b, t->time_ms, is_us);
    sf_buf_add_lit(b, ",\"m\":");
    render_bool(b, t->buyer_is_maker);
    sf_buf_add_lit(b, ",\"M\":true}");
}

static void add_agg(struct sf_buf *b, const struct stream *s, const struct trade *t,
                    int64_t last_id, bool is_us)
{
    add_head(b, s, "aggTrade", t->time_ms, is_us);
    sf_buf_addf(b, "\"a\":%lld,\"p\":", (long long)t->agg_id);
    render_quoted(b, t->price, market_symbol(s->m)->price_digits);
    sf_buf_add_lit(b, "\"q\":");
    render_quoted(b, t->lots, market_symbol(s->m)->lot_digits);
    sf_buf_addf(b, "\"f\":%lld,\"l\":%lld,\"T\":", (long long)t->id, (long long)last_id);
    add_time(b, t->time_ms, is_us);
    sf_buf_add_lit(b, ",\"m\":");
    render_bool(b, t->buyer_is_maker);
    sf_buf_add_lit(b, ",\"M\":true}");
}

static void hand_out(struct pair *p)
{
    p->fn(p->arg, sf_buf_str(&p->ms), sf_buf_str(&p->us));
    sf_buf_clear(&p->ms);
    sf_buf_clear(&p->us);
}

static void next_trade(struct stream *s)
{
    s->has_next = trade_next(&s->cursor, &s->next);
}

static bool run_trades(struct stream *s, int64_t until_ms, struct pair *p)
{
    for (int n = 0; s->has_next && s->next.time_ms <= until_ms; n++) {
        if (n == BURST)
            return false;
        add_trade(&p->ms, s, &s->next, false);
        if (p->is_us)
            add_trade(&p->us, s, &s->next, true);
        next_trade(s);
        hand_out(p);
    }
    s->done_ms = until_ms;
    return true;
}

/* An aggregate is whole when a moment is: its trades share theirs. */
static bool run_aggs(struct stream *s, int64_t until_ms, struct pair *p)
{
    for (int n = 0; s->has_next && s->next.time_ms <= until_ms; n++) {
        struct trade whole = s->next;
        int64_t last_id = whole.id;

        if (n == BURST)
            return false;
        for (next_trade(s); s->has_next && !s->next.begins_agg; next_trade(s)) {
            whole.lots += s->next.lots;
            last_id = s->next.id;
        }
        add_agg(&p->ms, s, &whole, last_id, false);
        if (p->is_us)
            add_agg(&p->us, s, &whole, last_id, true);
        hand_out(p);
    }
    s->done_ms = until_ms;
    return true;
}

/* ---------------------------------------------------------------------------- candles */

struct candle {
    int64_t open_ms, close_ms, event_ms, first_id, last_id; /* close: included */
    bool is_closed;
    struct bar bar;
};

static void add_kline(struct sf_buf *b, const struct stream *s, const struct candle *c,
                      bool is_us)
{
    const struct symbol *symbol = market_symbol(s->m);
    unsigned quote_digits = symbol->price_digits + symbol->lot_digits;

    add_head(b, s, "kline", c->event_ms, is_us);
    sf_buf_add_lit(b, "\"k\":{\"t\":");
    add_time(b, c->open_ms, is_us);
    sf_buf_addf(b, ",\"T\":%lld,\"s\":\"%s\",\"i\":\"%s\",\"f\":%lld,\"L\":%lld,\"o\":",
                (long long)(is_us ? c->close_ms * 1000 + 999 : c->close_ms), symbol->name,
                s->iv->name, (long long)c->first_id, (long long)c->last_id);
    render_quoted(b, c->bar.open, symbol->price_digits);
    sf_buf_add_lit(b, "\"c\":");
    render_quoted(b, c->bar.close, symbol->price_digits);
    sf_buf_add_lit(b, "\"h\":");
    render_quoted(b, c->bar.high, symbol->price_digits);
    sf_buf_add_lit(b, "\"l\":");
    render_quoted(b, c->bar.low, symbol->price_digits);
    sf_buf_add_lit(b, "\"v\":");
    render_quoted(b, c->bar.volume, symbol->lot_digits);
    sf_buf_addf(b, "\"n\":%lld,\"x\":", (long long)c->bar.trades_n);
    render_bool(b, c->is_closed);
    sf_buf_add_lit(b, ",\"q\":");
    render_quoted(b, c->bar.quote, quote_digits);
    sf_buf_add_lit(b, "\"V\":");
    render_quoted(b, c->bar.buy_volume, symbol->lot_digits);
    sf_buf_add_lit(b, "\"Q\":");
    render_quoted(b, c->bar.buy_quote, quote_digits);
    sf_buf_add_lit(b, "\"B\":\"0\"}}");
}

/* The candle that runs, or ends, at @at_ms, made of the trades before. */
static bool candle_at(const struct stream *s, int64_t at_ms, struct candle *ret)
{
    int64_t open_ms = sf_interval_floor(s->iv, at_ms - 1);
    int64_t next_ms = sf_interval_add(s->iv, open_ms, 1);

    *ret = (struct candle){ .open_ms = open_ms,
                            .close_ms = next_ms - 1,
                            .event_ms = at_ms,
                            .is_closed = next_ms == at_ms,
                            .first_id = -1,
                            .last_id = -1 };
    if (!market_bar(s->m, open_ms, at_ms, &ret->bar))
        return false;
    if (ret->bar.trades_n > 0) {
        ret->first_id = market_trades_before(s->m, open_ms, false);
        ret->last_id = ret->first_id + ret->bar.trades_n - 1;
    }
    return true;
}

static bool run_klines(struct stream *s, int64_t until_ms, struct pair *p)
{
    int64_t at_ms = s->done_ms - s->done_ms % s->step_ms + s->step_ms;

    for (int n = 0; at_ms <= until_ms; n++, at_ms += s->step_ms) {
        struct candle c;

        if (n == BURST)
            return false;
        s->done_ms = at_ms;
        if (!candle_at(s, at_ms, &c))
            continue;
        add_kline(&p->ms, s, &c, false);
        if (p->is_us)
            add_kline(&p->us, s, &c, true);
        hand_out(p);
    }
    return true;
}

/* ------------------------------------------------------------------------------ depth */

static bool run_depth(struct stream *s, int64_t until_ms, struct pair *p)
{
    int64_t at_ms = s->done_ms - s->done_ms % s->step_ms + s->step_ms;

    for (int n = 0; at_ms <= until_ms; n++, at_ms += s->step_ms) {
        if (n == BURST)
            return false;
        s->done_ms = at_ms;
        if (!book_pair_step(s->books, s->m, at_ms))
            continue;
        add_head(&p->ms, s, "depthUpdate", at_ms, false);
        book_pair_print(s->books, s->m, &p->ms);
        if (p->is_us) {
            add_head(&p->us, s, "depthUpdate", at_ms, true);
            book_pair_print(s->books, s->m, &p->us);
        }
        hand_out(p);
    }
    return true;
}

/* ------------------------------------------------------------------------------- names
 */

/* The market of a name in lower case; NULL: there is none. */
static const struct market *find_market(struct exchange *ex, struct sf_str lower)
{
    struct sf_str name;
    char upper[24];

    if (lower.len >= sizeof(upper))
        return NULL;
    for (size_t i = 0; i < lower.len; i++) {
        char c = lower.p[i];

        if (c >= 'A' && c <= 'Z')
            return NULL;
        upper[i] = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    }
    name = sf_str_make(upper, lower.len);
    /* recorded candles have no streams */
    return tape_of_symbol(ex->tapes, name) ? NULL : exchange_market(ex, name);
}

/* "btcusdt@kline_1m": the kind and its parameters. */
static void read_name(struct stream *s, struct exchange *ex, struct sf_str name)
{
    struct sf_str what, lower = sf_str_cut(name, '@', &what);

    s->m = find_market(ex, lower);
    if (!s->m)
        return;
    if (sf_str_eq(what, SF_STR("trade"))) {
        s->kind = STREAM_TRADE;
    } else if (sf_str_eq(what, SF_STR("aggTrade"))) {
        s->kind = STREAM_AGG;
    } else if (sf_str_eq(what, SF_STR("depth")) ||
               sf_str_eq(what, SF_STR("depth@100ms"))) {
        s->kind = STREAM_DEPTH;
        s->step_ms = what.len > 5 ? 100 : 1000;
    } else if (sf_str_starts(what, SF_STR("kline_"))) {
        s->iv = sf_interval_find(sf_str_make(what.p + 6, what.len - 6));
        s->kind = s->iv ? STREAM_KLINE : STREAM_UNKNOWN;
        s->step_ms = s->iv && s->iv->span_ms == 1000 ? 1000 : 2000;
    }
}

bool stream_init(struct stream *s, struct exchange *ex, struct sf_str name,
                 int64_t now_ms)
{
    memset(s, 0, sizeof(*s));
    if (!sf_str_copy(name, s->name, sizeof(s->name)))
        return true; /* too long for any that exists */
    s->done_ms = now_ms;
    read_name(s, ex, name);
    if (s->kind == STREAM_TRADE || s->kind == STREAM_AGG) {
        trade_at_time(&s->cursor, s->m, now_ms + 1);
        next_trade(s);
    }
    if (s->kind == STREAM_DEPTH) {
        s->books = book_pair_create(s->m, now_ms - now_ms % s->step_ms);
        return s->books != NULL;
    }
    return true;
}

void stream_release(struct stream *s)
{
    free(s->books);
    s->books = NULL;
}

bool stream_run(struct stream *s, int64_t until_ms, bool is_us, stream_fn fn, void *arg)
{
    static bool (*const runs[])(struct stream * s, int64_t until_ms, struct pair * p) = {
        [STREAM_UNKNOWN] = NULL,     [STREAM_TRADE] = run_trades, [STREAM_AGG] = run_aggs,
        [STREAM_KLINE] = run_klines, [STREAM_DEPTH] = run_depth,
    };
    struct pair p = { .is_us = is_us, .fn = fn, .arg = arg };
    bool is_done = true;

    if (until_ms <= s->done_ms || !runs[s->kind])
        return true;
    sf_buf_init(&p.ms, PAYLOAD_MAX);
    sf_buf_init(&p.us, PAYLOAD_MAX);
    is_done = runs[s->kind](s, until_ms, &p);
    sf_buf_release(&p.ms);
    sf_buf_release(&p.us);
    return is_done;
}
