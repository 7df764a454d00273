/* GET /api/v3/depth: a book around the last price, new every 100 ms. */
#include "params.h"
#include "render.h"
#include "tape.h"

#define BOOK_MS    100
#define LIMIT_MAX  5000
#define SPREAD_MAX 8 /* ticks between two levels, at most */

/* Weights of rest-api.md. A limit that cannot be read costs the least: it is refused. */
int64_t depth_weight(const struct call *call)
{
    struct sf_str s;
    int64_t limit;

    if (!param_find(call, "limit", &s) || sf_str_to_i64(s, &limit) != SF_OK ||
        limit <= 100)
        return 5;
    return limit <= 500 ? 25 : limit <= 1000 ? 50 : 250;
}

/* Prices fall (@sign -1) or rise from the best one; a level is gone when its price is. */
static void add_side(struct sf_buf *b, const struct symbol *s, int64_t best, int sign,
                     uint64_t update_id, int64_t limit)
{
    int64_t price = best;

    sf_buf_add_char(b, '[');
    for (int64_t n = 0; n < limit && price > 0; n++) {
        /* most levels live for a second, some change with each book */
        uint64_t age = (uint64_t)price % 5 == 0 ? update_id : update_id / 10;
        uint64_t r = mix(age, (uint64_t)price);

        sf_buf_add_str(b, n > 0 ? SF_STR(",[") : SF_STR("["));
        render_quoted(b, price, s->price_digits);
        sf_buf_add_char(b, '"');
        render_dec(b, 1 + (int64_t)(r % 100000), s->lot_digits);
        sf_buf_add_lit(b, "\"]");
        price += sign * (int64_t)(1 + (r >> 32) % SPREAD_MAX);
    }
    sf_buf_add_char(b, ']');
}

void depth_serve(struct call *call)
{
    struct sf_buf *b = &call->ex->out;
    struct sf_str symbol, status;
    const struct market *m;
    struct bar last;
    int64_t limit, at_ms, update_id;

    if (!param_symbol(call, &symbol) || !param_limit(call, 100, LIMIT_MAX, &limit))
        return;
    if (param_find(call, "symbolStatus", &status) &&
        !sf_str_eq(status, SF_STR("TRADING"))) {
        bool is_status =
            sf_str_eq(status, SF_STR("HALT")) || sf_str_eq(status, SF_STR("BREAK"));

        (void)call_fail(call, 400, is_status ? -1220 : -1122,
                        is_status ? "The symbol's status does not match the requested "
                                    "symbolStatus."
                                  : "Invalid symbolStatus.");
        return;
    }
    m = tape_of_symbol(call->ex->tapes, symbol) ? NULL : param_market(call, symbol);
    if (call->status != 200)
        return;
    at_ms = call->now_ms - call->now_ms % BOOK_MS;
    if (!m || !market_bar(m, at_ms - 2000, at_ms, &last)) {
        sf_buf_add_lit(b, "{\"lastUpdateId\":0,\"bids\":[],\"asks\":[]}");
        return;
    }
    update_id = (at_ms - market_listed_ms(m)) / BOOK_MS;
    sf_buf_addf(b, "{\"lastUpdateId\":%lld,\"bids\":", (long long)update_id);
    add_side(b, market_symbol(m), last.close, -1, (uint64_t)update_id, limit);
    sf_buf_add_lit(b, ",\"asks\":");
    add_side(b, market_symbol(m), last.close + 1, 1, (uint64_t)update_id, limit);
    sf_buf_add_char(b, '}');
}
