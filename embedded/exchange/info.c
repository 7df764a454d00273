/* GET /api/v3/exchangeInfo: the fields that programs read, in the real one's layout. */
#include "params.h"
#include "render.h"
#include "tape.h"

#define SYMBOLS_ASKED_MAX 16

/* One unit of the last of @digits decimals, as "0.01000000". */
static void add_unit(struct sf_buf *b, const char *name, unsigned digits)
{
    sf_buf_addf(b, "\"%s\":\"", name);
    render_dec(b, 1, digits);
    sf_buf_add_char(b, '"');
}

static void add_symbol(struct sf_buf *b, const struct symbol *s)
{
    sf_buf_addf(b,
                "{\"symbol\":\"%s\",\"status\":\"TRADING\",\"baseAsset\":\"%s\","
                "\"baseAssetPrecision\":8,\"quoteAsset\":\"%s\",\"quotePrecision\":8,"
                "\"quoteAssetPrecision\":8,\"orderTypes\":[\"LIMIT\",\"MARKET\"],"
                "\"isSpotTradingAllowed\":true,\"isMarginTradingAllowed\":false,"
                "\"filters\":[{\"filterType\":\"PRICE_FILTER\",",
                s->name, s->base, s->quote);
    add_unit(b, "minPrice", s->price_digits);
    sf_buf_add_lit(b, ",\"maxPrice\":\"1000000.00000000\",");
    add_unit(b, "tickSize", s->price_digits);
    sf_buf_add_lit(b, "},{\"filterType\":\"LOT_SIZE\",");
    add_unit(b, "minQty", s->lot_digits);
    sf_buf_add_lit(b, ",\"maxQty\":\"9000000.00000000\",");
    add_unit(b, "stepSize", s->lot_digits);
    sf_buf_add_lit(b, "}],\"permissions\":[],\"permissionSets\":[[\"SPOT\"]]}");
}

static bool add_named(struct call *call, struct sf_str name, bool is_first)
{
    const struct symbol *s = exchange_symbol(call->ex, name);

    if (!s)
        return call_fail(call, 400, -1121, "Invalid symbol.");
    if (!is_first)
        sf_buf_add_char(&call->ex->out, ',');
    add_symbol(&call->ex->out, s);
    return true;
}

/* ["BTCUSDT","ETHUSDT"] */
static bool add_list(struct call *call, struct sf_str list)
{
    struct sf_str rest = sf_str_trim(list);
    bool is_first = true;

    if (rest.len < 2 || rest.p[0] != '[' || rest.p[rest.len - 1] != ']')
        return call_fail(
            call, 400, -1100,
            "Illegal characters found in parameter 'symbols'; legal range is "
            "'^\\\\[(\\\"[A-Z0-9-_.]{1,20}\\\"(,\\\"[A-Z0-9-_.]{1,20}\\\"){0,}"
            "){0,1}\\\\]$'.");
    rest = sf_str_make(rest.p + 1, rest.len - 2);
    for (int i = 0; rest.len > 0 && i < SYMBOLS_ASKED_MAX; i++) {
        struct sf_str one = sf_str_trim(sf_str_cut(rest, ',', &rest));

        if (one.len < 2 || one.p[0] != '"' || one.p[one.len - 1] != '"')
            return call_fail(call, 400, -1135, "JSON array 'symbols' is malformed.");
        if (!add_named(call, sf_str_make(one.p + 1, one.len - 2), is_first))
            return false;
        is_first = false;
    }
    return true;
}

void info_serve(struct call *call)
{
    struct sf_buf *b = &call->ex->out;
    struct sf_str symbol, list;
    bool has_symbol = param_find(call, "symbol", &symbol);
    bool has_list = param_find(call, "symbols", &list);

    if (has_symbol && has_list) {
        (void)call_fail(call, 400, -1128, "Combination of optional parameters invalid.");
        return;
    }
    sf_buf_addf(b,
                "{\"timezone\":\"UTC\",\"serverTime\":%lld,\"rateLimits\":["
                "{\"rateLimitType\":\"REQUEST_WEIGHT\",\"interval\":\"MINUTE\","
                "\"intervalNum\":1,\"limit\":%lld},"
                "{\"rateLimitType\":\"RAW_REQUESTS\",\"interval\":\"MINUTE\","
                "\"intervalNum\":5,\"limit\":%d}],\"exchangeFilters\":[],\"symbols\":[",
                (long long)call->now_ms, (long long)call->ex->budget.weight_limit,
                BUDGET_RAW_LIMIT);
    if (has_symbol) {
        if (!param_symbol(call, &symbol) || !add_named(call, symbol, true))
            return;
    } else if (has_list) {
        if (!add_list(call, list))
            return;
    } else {
        for (const struct symbol *s = symbols; s->name; s++)
            (void)add_named(call, sf_str_from(s->name), s == symbols);
        for (size_t i = 0; i < call->ex->tapes->n; i++) {
            const struct tape *tape = &call->ex->tapes->list[i];
            struct sf_str name = sf_str_from(tape->symbol);

            if (!symbol_find(name) && tape_of_symbol(call->ex->tapes, name) == tape)
                (void)add_named(call, name, false);
        }
    }
    sf_buf_add_lit(b, "]}");
}
