/* GET /api/v3/trades, historicalTrades, aggTrades. A symbol of tapes has none. */
#include "params.h"
#include "render.h"
#include "tape.h"

struct ask {
    const struct market *m; /* NULL with call->status 200: no trades */
    int64_t from_id, from_ms, to_ms, limit;
    bool has_id, has_from, has_to;
};

static bool read_ask(struct call *call, struct ask *a)
{
    struct sf_str symbol;

    *a = (struct ask){ 0 };
    if (!param_symbol(call, &symbol) ||
        !param_i64(call, "fromId", &a->from_id, &a->has_id) ||
        !param_time(call, "startTime", &a->from_ms, &a->has_from) ||
        !param_time(call, "endTime", &a->to_ms, &a->has_to) ||
        !param_limit(call, 500, 1000, &a->limit))
        return false;
    if ((a->has_id && (a->has_from || a->has_to)) ||
        (a->has_from && a->has_to && a->from_ms > a->to_ms))
        return call_fail(call, 400, -1128, "Combination of optional parameters invalid.");
    if (!a->has_to || a->to_ms > call->now_ms)
        a->to_ms = call->now_ms;
    if (tape_of_symbol(call->ex->tapes, symbol)) {
        sf_buf_add_lit(&call->ex->out, "[]");
        return false;
    }
    a->m = param_market(call, symbol);
    return a->m != NULL;
}

/* The first trade (aggregate) that is wanted. */
static void seek(struct trade_cursor *c, const struct ask *a, bool is_agg)
{
    int64_t id = a->from_id;

    if (a->has_from) {
        trade_at_time(c, a->m, a->from_ms);
        return;
    }
    if (!a->has_id)
        id = market_trades_before(a->m, a->to_ms + 1, is_agg) - a->limit;
    if (is_agg)
        trade_at_agg(c, a->m, id);
    else
        trade_at_id(c, a->m, id);
}

static void add_trade(struct sf_buf *b, const struct symbol *s, const struct trade *t)
{
    sf_buf_addf(b, "{\"id\":%lld,\"price\":", (long long)t->id);
    render_quoted(b, t->price, s->price_digits);
    sf_buf_add_lit(b, "\"qty\":");
    render_quoted(b, t->lots, s->lot_digits);
    sf_buf_add_lit(b, "\"quoteQty\":");
    render_quoted(b, t->price * t->lots, s->price_digits + s->lot_digits);
    sf_buf_addf(b, "\"time\":%lld,\"isBuyerMaker\":", (long long)t->time_ms);
    render_bool(b, t->buyer_is_maker);
    sf_buf_add_lit(b, ",\"isBestMatch\":true}");
}

static void serve_trades(struct call *call, const struct ask *a)
{
    struct sf_buf *b = &call->ex->out;
    struct trade_cursor c;
    struct trade t;

    seek(&c, a, false);
    sf_buf_add_char(b, '[');
    for (int64_t n = 0; n < a->limit && trade_next(&c, &t) && t.time_ms <= a->to_ms;
         n++) {
        if (n > 0)
            sf_buf_add_char(b, ',');
        add_trade(b, market_symbol(a->m), &t);
    }
    sf_buf_add_char(b, ']');
}

/* For both: of /trades the route lets no fromId through, so it has the newest. */
void trades_serve(struct call *call)
{
    struct ask a;

    if (read_ask(call, &a))
        serve_trades(call, &a);
}

static void add_agg(struct sf_buf *b, const struct symbol *s, const struct trade *t,
                    int64_t last_id)
{
    sf_buf_addf(b, "{\"a\":%lld,\"p\":", (long long)t->agg_id);
    render_quoted(b, t->price, s->price_digits);
    sf_buf_add_lit(b, "\"q\":");
    render_quoted(b, t->lots, s->lot_digits);
    sf_buf_addf(b, "\"f\":%lld,\"l\":%lld,\"T\":%lld,\"m\":", (long long)t->id,
                (long long)last_id, (long long)t->time_ms);
    render_bool(b, t->buyer_is_maker);
    sf_buf_add_lit(b, ",\"M\":true}");
}

void agg_trades_serve(struct call *call)
{
    struct sf_buf *b = &call->ex->out;
    struct trade_cursor c;
    struct trade t;
    struct ask a;
    bool is_there;

    if (!read_ask(call, &a))
        return;
    seek(&c, &a, true);
    sf_buf_add_char(b, '[');
    is_there = trade_next(&c, &t);
    for (int64_t n = 0; n < a.limit && is_there && t.time_ms <= a.to_ms; n++) {
        struct trade whole = t; /* its lots grow, the rest is that of its first trade */
        int64_t last_id = t.id;

        while ((is_there = trade_next(&c, &t)) && !t.begins_agg) {
            whole.lots += t.lots;
            last_id = t.id;
        }
        if (n > 0)
            sf_buf_add_char(b, ',');
        add_agg(b, market_symbol(a.m), &whole, last_id);
    }
    sf_buf_add_char(b, ']');
}
