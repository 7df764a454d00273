/* Binance spot, REST api/v3.
 * Source: binance-spot-api-docs, rest-api.md (klines, exchangeInfo, LIMITS), errors.md.
 */
#include "exchanges.h"

#include <sf/dec.h>

#include <jansson.h>

#define TIME_MIN_MS \
    INT64_C(1262304000000) /* 2010-01-01: before any exchange of this kind */
#define COLUMNS     12
#define LIMIT_MAX   1000000000 /* weight a window: more is no limit but nonsense */
#define WINDOWS_MAX 1000       /* units in a window, likewise */

/* ------------------------------------------------------------------------------ URLs */

static void klines_url(struct sf_buf *url, struct sf_str symbol,
                       const struct sf_interval *iv, int64_t from_ms, int64_t to_incl_ms,
                       unsigned limit)
{
    sf_buf_add_lit(url, "/api/v3/klines?symbol=");
    sf_buf_add_url(url, symbol);
    sf_buf_addf(url, "&interval=%s&startTime=%lld&endTime=%lld&limit=%u", iv->name,
                (long long)from_ms, (long long)to_incl_ms, limit);
}

static void info_url(struct sf_buf *url, struct sf_str symbol)
{
    sf_buf_add_lit(url, "/api/v3/exchangeInfo?symbol=");
    sf_buf_add_url(url, symbol);
}

static void time_url(struct sf_buf *url)
{
    sf_buf_add_lit(url, "/api/v3/time");
}

/* ---------------------------------------------------------------------------- klines */

enum column { COL_TIME, COL_DEC, COL_COUNT, COL_ANY };

/* clang-format off */
static const struct {
    const char *name;
    enum column kind;
    size_t offset; /* in struct sf_candle */
} columns[COLUMNS] = {
    { "open time",          COL_TIME,  offsetof(struct sf_candle, open_time) },
    { "open",               COL_DEC,   offsetof(struct sf_candle, open) },
    { "high",               COL_DEC,   offsetof(struct sf_candle, high) },
    { "low",                COL_DEC,   offsetof(struct sf_candle, low) },
    { "close",              COL_DEC,   offsetof(struct sf_candle, close) },
    { "volume",             COL_DEC,   offsetof(struct sf_candle, volume) },
    { "close time",         COL_TIME,  offsetof(struct sf_candle, close_time) },
    { "quote volume",       COL_DEC,   offsetof(struct sf_candle, quote_volume) },
    { "trades",             COL_COUNT, offsetof(struct sf_candle, trades) },
    { "taker base volume",  COL_DEC,   offsetof(struct sf_candle, taker_base) },
    { "taker quote volume", COL_DEC,   offsetof(struct sf_candle, taker_quote) },
    { "unused",             COL_ANY,   0 },
};

static const char *const expected[] = {
    [COL_TIME]  = "a time in ms or us",
    [COL_DEC]   = "a decimal string",
    [COL_COUNT] = "a count",
    [COL_ANY]   = "a value",
};
/* clang-format on */

struct sf_str binance_shown(const struct sf_scan *s, enum sf_token token)
{
    if (token == SF_TOK_STRING || token == SF_TOK_NUMBER || token == SF_TOK_KEY)
        return s->text.len < SHOWN_MAX ? s->text : sf_str_make(s->text.p, SHOWN_MAX);
    if (token == SF_TOK_OBJECT_END || token == SF_TOK_ARRAY_END)
        return SF_STR("its end");
    return token == SF_TOK_OBJECT || token == SF_TOK_ARRAY ? SF_STR("a nested value")
                                                           : SF_STR("a literal");
}

static enum sf_status bad_field(const struct sf_scan *s, enum sf_token token, size_t row,
                                int column, struct sf_error *err)
{
    const char *field = column < COLUMNS ? columns[column].name : "end";

    if (token == SF_TOK_ERROR || token == SF_TOK_END) {
        (void)sf_scan_error(s, err);
        (void)sf_error_wrap(err, "row %zu, %s", row, field);
        return SF_EPROTO;
    }
    return sf_error_set(err, SF_EPROTO, "row %zu, %s: expected %s, got '%" SF_STR_FMT "'",
                        row, field,
                        column < COLUMNS ? expected[columns[column].kind] : "12 columns",
                        SF_STR_ARG(binance_shown(s, token)));
}

bool binance_is_time(int64_t time_ms)
{
    return time_ms >= TIME_MIN_MS && time_ms < SF_TIME_MAX_MS;
}

/* The token is what a column of @kind holds: store it in @field. */
static bool take(const struct sf_scan *s, enum sf_token token, enum column kind,
                 void *field)
{
    int64_t n;

    switch (kind) {
    case COL_TIME:
        if (token != SF_TOK_NUMBER || sf_str_to_i64(s->text, &n) != SF_OK)
            return false;
        n = sf_time_to_ms(n);
        *(int64_t *)field = n;
        return binance_is_time(n);
    case COL_DEC:
        if (token != SF_TOK_STRING || !sf_dec_is_valid(s->text))
            return false;
        *(struct sf_str *)field = s->text;
        return true;
    case COL_COUNT:
        if (token != SF_TOK_NUMBER || sf_str_to_i64(s->text, &n) != SF_OK)
            return false;
        *(int64_t *)field = n;
        return n >= 0;
    case COL_ANY:
        break;
    }
    return token >= SF_TOK_STRING;
}

static enum sf_status read_row(struct sf_scan *s, size_t row, struct sf_candle *c,
                               struct sf_error *err)
{
    enum sf_token token;

    for (int i = 0; i < COLUMNS; i++) {
        token = sf_scan_next(s);
        if (!take(s, token, columns[i].kind, (char *)c + columns[i].offset))
            return bad_field(s, token, row, i, err);
    }
    token = sf_scan_next(s);
    if (token != SF_TOK_ARRAY_END)
        return bad_field(s, token, row, COLUMNS, err);
    if (c->close_time < c->open_time)
        return sf_error_set(err, SF_EPROTO, "row %zu closes before it opens", row);
    return SF_OK;
}

static enum sf_status klines_parse(struct sf_str body, struct sf_candle *rows,
                                   size_t rows_max, size_t *ret_n, struct sf_error *err)
{
    struct sf_scan s;
    enum sf_token token;
    size_t n = 0;

    sf_scan_init(&s, body);
    if (sf_scan_next(&s) != SF_TOK_ARRAY)
        return sf_error_set(err, SF_EPROTO,
                            "klines: expected an array of rows, got '%.*s'",
                            (int)(body.len < SHOWN_MAX ? body.len : SHOWN_MAX), body.p);
    while ((token = sf_scan_next(&s)) == SF_TOK_ARRAY) {
        if (n == rows_max)
            return sf_error_set(err, SF_ETOOBIG, "klines: more than %zu rows", rows_max);
        if (read_row(&s, n, &rows[n], err) != SF_OK)
            return SF_EPROTO;
        n++;
    }
    if (token == SF_TOK_ARRAY_END)
        token = sf_scan_next(&s);
    else if (token != SF_TOK_ERROR)
        return sf_error_set(err, SF_EPROTO,
                            "row %zu: expected an array, got '%" SF_STR_FMT "'", n,
                            SF_STR_ARG(binance_shown(&s, token)));
    if (token != SF_TOK_END)
        return sf_scan_error(&s, err);
    *ret_n = n;
    return SF_OK;
}

/* ------------------------------------------------------------------- time, exchangeInfo
 */

static json_t *load(struct sf_str body, const char *what, struct sf_error *err)
{
    json_error_t why;
    json_t *root = json_loadb(body.p, body.len, 0, &why);

    if (json_is_object(root))
        return root;
    json_decref(root);
    (void)sf_error_set(err, SF_EPROTO, "%s: expected a JSON object", what);
    return NULL;
}

static enum sf_status time_parse(struct sf_str body, int64_t *ret_ms,
                                 struct sf_error *err)
{
    json_t *root = load(body, "time", err);
    const json_t *t = json_object_get(root, "serverTime");
    int64_t ms = json_is_integer(t) ? sf_time_to_ms((int64_t)json_integer_value(t)) : 0;

    json_decref(root);
    if (!binance_is_time(ms))
        return sf_error_set(err, SF_EPROTO, "time: expected serverTime in ms or us");
    *ret_ms = ms;
    return SF_OK;
}

/* @n as an integer of 1 to @max, else 0. */
static int64_t sane(const json_t *n, int64_t max)
{
    int64_t value = (int64_t)json_integer_value(n);

    return value > 0 && value <= max ? value : 0;
}

static int64_t window_ms(const json_t *limit)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {
        { "SECOND", 1000 }, { "MINUTE", 60000 }, { "HOUR", 3600000 }, { "DAY", 86400000 }
    };
    const char *unit = json_string_value(json_object_get(limit, "interval"));
    int64_t n = sane(json_object_get(limit, "intervalNum"), WINDOWS_MAX);

    for (size_t i = 0; unit && i < sizeof(units) / sizeof(units[0]); i++)
        if (strcmp(unit, units[i].name) == 0)
            return n * units[i].ms;
    return 0;
}

static void read_limits(const json_t *root, struct sf_market *m)
{
    const json_t *limits = json_object_get(root, "rateLimits");

    for (size_t i = 0; i < json_array_size(limits); i++) {
        const json_t *limit = json_array_get(limits, i);
        const char *kind = json_string_value(json_object_get(limit, "rateLimitType"));
        int64_t weight = sane(json_object_get(limit, "limit"), LIMIT_MAX);

        if (!kind || strcmp(kind, "REQUEST_WEIGHT") != 0 || weight == 0 ||
            window_ms(limit) == 0)
            continue;
        m->weight_limit = weight;
        m->weight_window_ms = window_ms(limit);
    }
}

static enum sf_status info_parse(struct sf_str body, struct sf_str symbol,
                                 struct sf_market *ret, struct sf_error *err)
{
    json_t *root = load(body, "exchangeInfo", err);
    const json_t *symbols = json_object_get(root, "symbols");
    struct sf_market m = { 0 };

    if (!root)
        return SF_EPROTO;
    if (!json_is_array(symbols)) {
        json_decref(root);
        return sf_error_set(err, SF_EPROTO, "exchangeInfo: expected symbols");
    }
    read_limits(root, &m);
    for (size_t i = 0; i < json_array_size(symbols); i++) {
        const json_t *one = json_array_get(symbols, i);
        const char *status = json_string_value(json_object_get(one, "status"));

        if (!sf_str_eq(sf_str_from(json_string_value(json_object_get(one, "symbol"))),
                       symbol))
            continue;
        m.is_known = true;
        m.is_trading = status && strcmp(status, "TRADING") == 0;
    }
    json_decref(root);
    *ret = m;
    return SF_OK;
}

const struct sf_exchange sf_exchange_binance = {
    .name = "binance",
    .weight_limit = 6000,
    .weight_window_ms = 60000,
    .key_header = "X-MBX-APIKEY",
    .klines_max = 1000,
    .klines_weight = 2,
    .trades_max = 1000,
    .trades_weight = 25,
    .agg_trades_weight = 4,
    .depth_max = 5000,
    .info_weight = 20,
    .time_weight = 1,
    .klines_url = klines_url,
    .trades_url = binance_trades_url,
    .agg_trades_at_url = binance_agg_trades_at_url,
    .depth_url = binance_depth_url,
    .depth_weight = binance_depth_weight,
    .info_url = info_url,
    .time_url = time_url,
    .klines_parse = klines_parse,
    .trades_parse = binance_trades_parse,
    .depth_parse = binance_depth_parse,
    .trade_parse = binance_trade_parse,
    .candle_parse = binance_candle_parse,
    .streams_path = "/stream?streams=",
    .shutdown_stream = "!serverShutdown",
    .streams_max = 200,
    .stream_life_s = 24 * 3600,
    .trade_stream = binance_trade_stream,
    .candle_stream = binance_candle_stream,
    .depth_stream = binance_depth_stream,
    .frame_split = binance_frame_split,
    .info_parse = info_parse,
    .time_parse = time_parse,
    .judge = binance_judge,
};
