/* GET /api/v3/depth: the book that the streams tell the changes of. */
#include "book.h"
#include "params.h"
#include "render.h"
#include "tape.h"

#define LIMIT_MAX 5000

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

static void add_side(struct sf_buf *b, const struct symbol *s, const struct level *levels,
                     size_t n)
{
    sf_buf_add_char(b, '[');
    for (size_t i = 0; i < n; i++) {
        sf_buf_add_str(b, i > 0 ? SF_STR(",[") : SF_STR("["));
        render_quoted(b, levels[i].price, s->price_digits);
        sf_buf_add_char(b, '"');
        render_dec(b, levels[i].lots, s->lot_digits);
        sf_buf_add_lit(b, "\"]");
    }
    sf_buf_add_char(b, ']');
}

static void add_book(struct sf_buf *b, const struct market *m, int64_t now_ms,
                     size_t limit)
{
    struct book book;

    if (!m || !book_at(m, now_ms, &book)) {
        sf_buf_add_lit(b, "{\"lastUpdateId\":0,\"bids\":[],\"asks\":[]}");
        return;
    }
    sf_buf_addf(
        b, "{\"lastUpdateId\":%lld,\"bids\":", (long long)book_snapshot_id(m, now_ms));
    add_side(b, market_symbol(m), book.bids, book.bids_n < limit ? book.bids_n : limit);
    sf_buf_add_lit(b, ",\"asks\":");
    add_side(b, market_symbol(m), book.asks, book.asks_n < limit ? book.asks_n : limit);
    sf_buf_add_char(b, '}');
}

void depth_serve(struct call *call)
{
    struct sf_str symbol, status;
    const struct market *m;
    int64_t limit;

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
    add_book(&call->ex->out, m, call->now_ms, (size_t)limit);
}
