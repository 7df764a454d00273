/* Binance spot, REST api/v3.
 * Source: binance-spot-api-docs, rest-api.md (klines, exchangeInfo, LIMITS), errors.md.
 */
#include "exchanges.h"

#include <sf/dec.h>
#include <sf/scan.h>

#include <jansson.h>

#define TIME_MIN_MS \
    INT64_C(1262304000000) /* 2010-01-01: before any exchange of this kind */
#define COLUMNS 12

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

static enum sf_status bad_field(size_t row, const char *field, const char *expected,
                                const struct sf_scan *s, struct sf_error *err)
{
    return sf_error_set(err, SF_EPROTO, "row %zu, %s: expected %s, got '%.*s'", row,
                        field, expected, (int)(s->text.len < 40 ? s->text.len : 40),
                        s->text.p);
}

static bool read_time(struct sf_scan *s, int64_t *ret_ms)
{
    int64_t stamp;

    if (sf_scan_next(s) != SF_TOK_NUMBER || sf_str_to_i64(s->text, &stamp) != SF_OK)
        return false;
    *ret_ms = sf_time_to_ms(stamp);
    return *ret_ms >= TIME_MIN_MS && *ret_ms < SF_TIME_MAX_MS;
}

static bool read_dec(struct sf_scan *s, struct sf_str *ret)
{
    if (sf_scan_next(s) != SF_TOK_STRING || !sf_dec_is_valid(s->text))
        return false;
    *ret = s->text;
    return true;
}

static bool read_count(struct sf_scan *s, int64_t *ret)
{
    return sf_scan_next(s) == SF_TOK_NUMBER && sf_str_to_i64(s->text, ret) == SF_OK &&
           *ret >= 0;
}

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
/* clang-format on */

static enum sf_status read_column(struct sf_scan *s, size_t row, int i,
                                  struct sf_candle *c, struct sf_error *err)
{
    void *field = (char *)c + columns[i].offset;

    switch (columns[i].kind) {
    case COL_TIME:
        if (!read_time(s, field))
            return bad_field(row, columns[i].name, "a time in ms or us", s, err);
        return SF_OK;
    case COL_DEC:
        if (!read_dec(s, field))
            return bad_field(row, columns[i].name, "a decimal string", s, err);
        return SF_OK;
    case COL_COUNT:
        if (!read_count(s, field))
            return bad_field(row, columns[i].name, "a count", s, err);
        return SF_OK;
    case COL_ANY:
        break;
    }
    if (sf_scan_next(s) < SF_TOK_STRING)
        return bad_field(row, columns[i].name, "a value", s, err);
    return SF_OK;
}

static enum sf_status read_row(struct sf_scan *s, size_t row, struct sf_candle *c,
                               struct sf_error *err)
{
    for (int i = 0; i < COLUMNS; i++)
        if (read_column(s, row, i, c, err) != SF_OK)
            return s->why ? sf_error_wrap(err, "row %zu: %s", row, s->why) : SF_EPROTO;
    if (sf_scan_next(s) != SF_TOK_ARRAY_END)
        return bad_field(row, "end", "12 columns", s, err);
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
        return sf_error_set(err, SF_EPROTO, "klines: expected an array of rows");
    while ((token = sf_scan_next(&s)) == SF_TOK_ARRAY) {
        if (n == rows_max)
            return sf_error_set(err, SF_ETOOBIG, "klines: more than %zu rows", rows_max);
        if (read_row(&s, n, &rows[n], err) != SF_OK)
            return SF_EPROTO;
        n++;
    }
    if (token != SF_TOK_ARRAY_END || sf_scan_next(&s) != SF_TOK_END)
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
    bool is_good = json_is_integer(t);

    if (is_good)
        *ret_ms = sf_time_to_ms((int64_t)json_integer_value(t));
    json_decref(root);
    return is_good ? SF_OK : sf_error_set(err, SF_EPROTO, "time: expected serverTime");
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
    int64_t n = (int64_t)json_integer_value(json_object_get(limit, "intervalNum"));

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

        if (!kind || strcmp(kind, "REQUEST_WEIGHT") != 0 || window_ms(limit) <= 0)
            continue;
        m->weight_limit = (int64_t)json_integer_value(json_object_get(limit, "limit"));
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

/* --------------------------------------------------------------------------- verdicts */

/* What the loader does about an error code (errors.md). */
static const struct {
    int64_t code;
    enum sf_verdict verdict;
} codes[] = {
    { -1000, SF_VERDICT_RETRY },  { -1001, SF_VERDICT_RETRY },
    { -1003, SF_VERDICT_WAIT },   { -1006, SF_VERDICT_RETRY },
    { -1007, SF_VERDICT_RETRY },  { -1008, SF_VERDICT_RETRY },
    { -1034, SF_VERDICT_WAIT },   { -1121, SF_VERDICT_SYMBOL },
    { -1220, SF_VERDICT_SYMBOL },
};

static enum sf_verdict verdict_of_code(int64_t code, enum sf_verdict otherwise)
{
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (codes[i].code == code)
            return codes[i].verdict;
    return otherwise;
}

static enum sf_verdict verdict_of_status(int status)
{
    if (status == 429 || status == 418)
        return SF_VERDICT_WAIT;
    if (status >= 500 || status == 408 || status == 403)
        return SF_VERDICT_RETRY; /* 403: the firewall found us too eager */
    return SF_VERDICT_FATAL;
}

/* "... IP banned until 1660090423228 ...": ms left, 0 when the text has no such time. */
static int64_t ban_left_ms(struct sf_str text, int64_t now_ms)
{
    for (size_t i = 0; i + 13 <= text.len; i++) {
        uint64_t until;
        struct sf_str digits = { text.p + i, 13 };

        if (sf_str_to_u64(digits, &until) == SF_OK && (int64_t)until > now_ms)
            return (int64_t)until - now_ms;
    }
    return 0;
}

static bool looks_like_json(struct sf_str body)
{
    struct sf_str s = sf_str_trim(body);

    return s.len > 0 && (s.p[0] == '{' || s.p[0] == '[');
}

static void judge_body(int status, struct sf_str body, struct sf_rest_answer *a,
                       int64_t now_ms, struct sf_error *err)
{
    json_error_t why;
    json_t *root = json_loadb(body.p, body.len, 0, &why);
    const json_t *code = json_object_get(root, "code");
    const char *msg = json_string_value(json_object_get(root, "msg"));

    if (json_is_integer(code)) {
        enum sf_verdict by_status = verdict_of_status(status);

        a->verdict = by_status == SF_VERDICT_FATAL
                         ? verdict_of_code((int64_t)json_integer_value(code), by_status)
                         : by_status;
        (void)sf_error_set(err, SF_EREFUSED, "HTTP %d: %lld %s", status,
                           (long long)json_integer_value(code), msg ? msg : "");
    } else {
        (void)sf_error_set(err, SF_EREFUSED, "HTTP %d without the exchange's JSON",
                           status);
    }
    if (a->verdict == SF_VERDICT_WAIT && a->wait_ms == 0)
        a->wait_ms = ban_left_ms(sf_str_from(msg), now_ms);
    json_decref(root);
}

static int64_t header_int(sf_header_fn header, const void *arg, const char *name,
                          int64_t otherwise)
{
    int64_t n;

    return sf_str_to_i64(sf_str_trim(header(arg, name)), &n) == SF_OK ? n : otherwise;
}

static void judge(int status, struct sf_str body, sf_header_fn header,
                  const void *header_arg, int64_t now_ms, struct sf_rest_answer *ret,
                  struct sf_error *err)
{
    struct sf_rest_answer a = { .verdict = SF_VERDICT_OK };

    a.used_weight = header_int(header, header_arg, "X-MBX-USED-WEIGHT-1M", -1);
    if (a.used_weight < 0)
        a.used_weight = header_int(header, header_arg, "X-MBX-USED-WEIGHT", -1);
    a.wait_ms = header_int(header, header_arg, "Retry-After", 0) * 1000;
    if (sf_time_parse_http(header(header_arg, "Date"), &a.server_ms) != SF_OK)
        a.server_ms = 0;
    if (status == 451) {
        a.verdict = SF_VERDICT_FATAL;
        (void)sf_error_set(err, SF_EREFUSED,
                           "HTTP 451: the exchange does not serve this location");
    } else if (status != 200) {
        a.verdict = verdict_of_status(status);
        judge_body(status, body, &a, now_ms, err);
    } else if (!looks_like_json(body)) {
        a.verdict = SF_VERDICT_RETRY;
        (void)sf_error_set(err, SF_EPROTO, "HTTP 200 with a body that is not JSON");
    }
    *ret = a;
}

const struct sf_exchange sf_exchange_binance = {
    .name = "binance",
    .weight_limit = 6000,
    .weight_window_ms = 60000,
    .klines_max = 1000,
    .klines_weight = 2,
    .info_weight = 20,
    .time_weight = 1,
    .klines_url = klines_url,
    .info_url = info_url,
    .time_url = time_url,
    .klines_parse = klines_parse,
    .info_parse = info_parse,
    .time_parse = time_parse,
    .judge = judge,
};
