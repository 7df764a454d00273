#include "runner.h"

#include <sf/exchange.h>

#include <stdio.h>

static const struct sf_exchange *binance(void)
{
    const struct sf_exchange *x = sf_exchange_find(SF_STR("binance"));

    ck_assert_ptr_nonnull(x);
    return x;
}

START_TEST(every_name_is_found_and_no_other)
{
    int n = 0;

    for (const char *const *name = sf_exchange_names(); *name; name++, n++)
        ck_assert_str_eq(sf_exchange_find(sf_str_from(*name))->name, *name);
    ck_assert_int_eq(n, 1);
    ck_assert_ptr_null(sf_exchange_find(SF_STR("Binance")));
    ck_assert_ptr_null(sf_exchange_find(SF_STR_EMPTY));
}
END_TEST

START_TEST(urls_are_built)
{
    struct sf_buf url;

    sf_buf_init(&url, 512);
    sf_buf_add_lit(&url, "http://h");
    binance()->klines_url(&url, SF_STR("A&B\xc3\xa9"), sf_interval_find(SF_STR("1M")),
                          1717200000000, 1719791999999, 1000);
    ck_assert_str_eq(sf_buf_cstr(&url),
                     "http://h/api/v3/klines?symbol=A%26B%C3%A9&interval=1M"
                     "&startTime=1717200000000&endTime=1719791999999&limit=1000");
    sf_buf_clear(&url);
    binance()->info_url(&url, SF_STR("BTCUSDT"));
    ck_assert_str_eq(sf_buf_cstr(&url), "/api/v3/exchangeInfo?symbol=BTCUSDT");
    sf_buf_clear(&url);
    binance()->time_url(&url);
    ck_assert_str_eq(sf_buf_cstr(&url), "/api/v3/time");
    sf_buf_release(&url);
}
END_TEST

/* ---------------------------------------------------------------------------- klines */

#define ROW                                                                       \
    "[1501545600000,\"4261.48\",\"4745.42\",\"3400\",\"4724.89\",\"10015.6402\"," \
    "1504223999999,\"42538297.66482722\",69180,\"4610.0\",\"19419232.1\",\"0\"]"

static void assert_row(const struct sf_candle *c)
{
    ck_assert_int_eq(c->open_time, 1501545600000);
    ck_assert_int_eq(c->close_time, 1504223999999);
    ck_assert(sf_str_eq(c->open, SF_STR("4261.48")));
    ck_assert(sf_str_eq(c->high, SF_STR("4745.42")));
    ck_assert(sf_str_eq(c->low, SF_STR("3400")));
    ck_assert(sf_str_eq(c->close, SF_STR("4724.89")));
    ck_assert(sf_str_eq(c->volume, SF_STR("10015.6402")));
    ck_assert(sf_str_eq(c->quote_volume, SF_STR("42538297.66482722")));
    ck_assert(sf_str_eq(c->taker_base, SF_STR("4610.0")));
    ck_assert(sf_str_eq(c->taker_quote, SF_STR("19419232.1")));
    ck_assert_int_eq(c->trades, 69180);
}

static const struct {
    const char *body;
    size_t want_n;
} good_pages[] = {
    { "[]", 0 },
    { " [ ] \n", 0 },
    { "[" ROW "]", 1 },
    { "[\n  " ROW ",\n  " ROW "\n]\n", 2 },
    { "[[1501545600000000,\"4261.48\",\"4745.42\",\"3400\",\"4724.89\",\"10015.6402\","
      "1504223999999999,\"42538297.66482722\",69180,\"4610.0\",\"19419232.1\",\"0\"]]",
      1 },
    /* what the unused column holds is of no interest */
    { "[[1501545600000,\"4261.48\",\"4745.42\",\"3400\",\"4724.89\",\"10015.6402\","
      "1504223999999,\"42538297.66482722\",69180,\"4610.0\",\"19419232.1\",null]]",
      1 },
};

START_TEST(page_is_parsed)
{
    struct sf_candle rows[2];
    struct sf_error err = { 0 };
    size_t n = 77;

    ck_assert_int_eq(
        binance()->klines_parse(sf_str_from(good_pages[_i].body), rows, 2, &n, &err),
        SF_OK);
    ck_assert_str_eq(err.text, "");
    ck_assert_uint_eq(n, good_pages[_i].want_n);
    for (size_t i = 0; i < n; i++)
        assert_row(&rows[i]);
}
END_TEST

/* A row with "$" replaced by the case's text. */
#define OPEN(x) \
    "[[" x ",\"1\",\"1\",\"1\",\"1\",\"1\",1501545659999,\"1\",1,\"1\",\"1\",\"0\"]]"
#define LOW(x)                       \
    "[[1501545600000,\"1\",\"1\"," x \
    ",\"1\",\"1\",1501545659999,\"1\",1,\"1\",\"1\",\"0\"]]"
#define TRADES(x)                                                          \
    "[[1501545600000,\"1\",\"1\",\"1\",\"1\",\"1\",1501545659999,\"1\"," x \
    ",\"1\",\"1\",\"0\"]]"
#define CLOSE(x) \
    "[[1501545600000,\"1\",\"1\",\"1\",\"1\",\"1\"," x ",\"1\",1,\"1\",\"1\",\"0\"]]"
#define LAST(x) \
    "[[1501545600000,\"1\",\"1\",\"1\",\"1\",\"1\",1501545659999,\"1\",1,\"1\",\"1\"" x

static const struct {
    const char *body;
    enum sf_status want;
    const char *want_text;
} bad_pages[] = {
    /* clang-format off */
    { "", SF_EPROTO, "klines: expected an array of rows, got ''" },
    { "{\"code\":-1,\"msg\":\"x\"}", SF_EPROTO, "klines: expected an array of rows, got '{\"code\":-1,\"msg\":\"x\"}'" },
    { "<html>", SF_EPROTO, "klines: expected an array of rows, got '<html>'" },
    { "[", SF_EPROTO, "unexpected end at byte 1: ''" },
    { "[1]", SF_EPROTO, "row 0: expected an array, got '1'" },
    { "[" ROW ",{}]", SF_EPROTO, "row 1: expected an array, got 'a nested value'" },
    { "[" ROW "", SF_EPROTO, "unexpected end at byte 132: ''" },
    { "[" ROW "]]", SF_EPROTO, "expected nothing more at byte 133: ']'" },
    { "[" ROW "," ROW "," ROW "]", SF_ETOOBIG, "klines: more than 2 rows" },
    { "[[]]", SF_EPROTO, "row 0, open time: expected a time in ms or us, got 'its end'" },
    { OPEN("\"1501545600000\""), SF_EPROTO, "row 0, open time: expected a time in ms or us, got '1501545600000'" },
    { OPEN("1501545600"), SF_EPROTO, "row 0, open time: expected a time in ms or us, got '1501545600'" },
    { OPEN("-1501545600000"), SF_EPROTO, "row 0, open time: expected a time in ms or us, got '-1501545600000'" },
    { OPEN("1.5e12"), SF_EPROTO, "row 0, open time: expected a time in ms or us, got '1.5e12'" },
    { OPEN("99999999999999999999"), SF_EPROTO, "row 0, open time: expected a time in ms or us, got '99999999999999999999'" },
    { OPEN("9223372036854775807"), SF_EPROTO, "row 0, open time: expected a time in ms or us, got '9223372036854775807'" },
    { LOW("1"), SF_EPROTO, "row 0, low: expected a decimal string, got '1'" },
    { LOW("null"), SF_EPROTO, "row 0, low: expected a decimal string, got 'a literal'" },
    { LOW("\"\""), SF_EPROTO, "row 0, low: expected a decimal string, got ''" },
    { LOW("\"NaN\""), SF_EPROTO, "row 0, low: expected a decimal string, got 'NaN'" },
    { LOW("\"1e5\""), SF_EPROTO, "row 0, low: expected a decimal string, got '1e5'" },
    { LOW("\"1\\u0030\""), SF_EPROTO, "row 0, low: expected a decimal string, got '1\\u0030'" },
    { LOW("[\"1\"]"), SF_EPROTO, "row 0, low: expected a decimal string, got 'a nested value'" },
    { LOW("tru"), SF_EPROTO, "row 0, low: expected a value at byte 24: 'tru,\"1\",\"1\",150154565999'" },
    { LOW("\"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee\""), SF_EPROTO, "row 0, low: expected a decimal string, got 'aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd'" },
    { TRADES("-1"), SF_EPROTO, "row 0, trades: expected a count, got '-1'" },
    { TRADES("\"1\""), SF_EPROTO, "row 0, trades: expected a count, got '1'" },
    { TRADES("1.0"), SF_EPROTO, "row 0, trades: expected a count, got '1.0'" },
    { CLOSE("1501545599999"), SF_EPROTO, "row 0 closes before it opens" },
    { LAST("]]"), SF_EPROTO, "row 0, unused: expected a value, got 'its end'" },
    { LAST(",{}]]"), SF_EPROTO, "row 0, unused: expected a value, got 'a nested value'" },
    { LAST(",\"0\",13]]"), SF_EPROTO, "row 0, end: expected 12 columns, got '13'" },
    { LAST(",\"0\""), SF_EPROTO, "row 0, end: unexpected end at byte 67: ''" },
    { LAST(",\"0\"]"), SF_EPROTO, "unexpected end at byte 68: ''" },
    /* clang-format on */
};

START_TEST(bad_page_is_refused_with_row_and_field)
{
    struct sf_candle rows[2];
    struct sf_error err = { 0 };
    size_t n = 77;

    ck_assert_int_eq(
        binance()->klines_parse(sf_str_from(bad_pages[_i].body), rows, 2, &n, &err),
        bad_pages[_i].want);
    ck_assert_str_eq(err.text, bad_pages[_i].want_text);
    ck_assert_int_eq(err.status, bad_pages[_i].want);
    ck_assert_uint_eq(n, 77);
}
END_TEST

/* A page that was cut anywhere is refused, whatever is left of it. */
START_TEST(cut_page_is_refused)
{
    static const char body[] = "[" ROW "," ROW "]";
    struct sf_candle rows[2];
    size_t n = 77;

    for (size_t len = 0; len < sizeof(body) - 1; len++)
        ck_assert_int_eq(
            binance()->klines_parse(sf_str_make(body, len), rows, 2, &n, NULL),
            SF_EPROTO);
    ck_assert_uint_eq(n, 77);
}
END_TEST

/* ------------------------------------------------------------- time, exchangeInfo */

static const struct {
    const char *body;
    int64_t want_ms; /* 0: refused */
    const char *want_text;
} times[] = {
    { "{\"serverTime\":1719791999999}", 1719791999999, "" },
    { "{\"x\":[1],\"serverTime\":1719791999999123}", 1719791999999, "" },
    { "{\"serverTime\":\"1719791999999\"}", 0, "time: expected serverTime in ms or us" },
    { "{\"serverTime\":-5}", 0, "time: expected serverTime in ms or us" },
    { "{\"serverTime\":9223372036854775807}", 0,
      "time: expected serverTime in ms or us" },
    { "{}", 0, "time: expected serverTime in ms or us" },
    { "[]", 0, "time: expected a JSON object" },
    { "{\"serverTime\":17197", 0, "time: expected a JSON object" },
    { "", 0, "time: expected a JSON object" },
};

START_TEST(clock_is_read)
{
    struct sf_error err = { 0 };
    int64_t ms = 77;
    enum sf_status status = binance()->time_parse(sf_str_from(times[_i].body), &ms, &err);

    ck_assert_int_eq(status, times[_i].want_ms > 0 ? SF_OK : SF_EPROTO);
    ck_assert_int_eq(ms, times[_i].want_ms > 0 ? times[_i].want_ms : 77);
    ck_assert_str_eq(err.text, times[_i].want_text);
}
END_TEST

#define LIMITS(x)                                                                  \
    "\"rateLimits\":[{\"rateLimitType\":\"RAW_REQUESTS\",\"interval\":\"MINUTE\"," \
    "\"intervalNum\":5,\"limit\":61000},{\"rateLimitType\":\"REQUEST_WEIGHT\"," x "}]"
#define BTC(status)                                                             \
    "\"symbols\":[{\"symbol\":\"ETHUSDT\",\"status\":\"TRADING\"},{\"symbol\":" \
    "\"BTCUSDT\",\"status\":" status "}]"

static const struct {
    const char *body;
    enum sf_status want;
    struct sf_market market;
    const char *want_text;
} infos[] = {
    /* clang-format off */
    { "{" LIMITS("\"interval\":\"MINUTE\",\"intervalNum\":1,\"limit\":6000") "," BTC("\"TRADING\"") "}",
      SF_OK, { true, true, 6000, 60000 }, "" },
    { "{" LIMITS("\"interval\":\"SECOND\",\"intervalNum\":10,\"limit\":50") "," BTC("\"BREAK\"") "}",
      SF_OK, { true, false, 50, 10000 }, "" },
    { "{" LIMITS("\"interval\":\"DAY\",\"intervalNum\":1,\"limit\":6000") "," BTC("null") "}",
      SF_OK, { true, false, 6000, 86400000 }, "" },
    /* a limit that is no limit is not said */
    { "{" LIMITS("\"interval\":\"MINUTE\",\"intervalNum\":1,\"limit\":0") "," BTC("\"TRADING\"") "}",
      SF_OK, { true, true, 0, 0 }, "" },
    { "{" LIMITS("\"interval\":\"MINUTE\",\"intervalNum\":-1,\"limit\":6000") "," BTC("\"TRADING\"") "}",
      SF_OK, { true, true, 0, 0 }, "" },
    { "{" LIMITS("\"interval\":\"MINUTE\",\"intervalNum\":9223372036854775807,\"limit\":6000") "," BTC("\"TRADING\"") "}",
      SF_OK, { true, true, 0, 0 }, "" },
    { "{" LIMITS("\"interval\":\"MINUTE\",\"intervalNum\":1,\"limit\":9223372036854775807") "," BTC("\"TRADING\"") "}",
      SF_OK, { true, true, 0, 0 }, "" },
    { "{" LIMITS("\"interval\":\"EPOCH\",\"intervalNum\":1,\"limit\":6000") "," BTC("\"TRADING\"") "}",
      SF_OK, { true, true, 0, 0 }, "" },
    { "{" LIMITS("\"interval\":7,\"limit\":[]") "," BTC("\"TRADING\"") "}", SF_OK, { true, true, 0, 0 }, "" },
    { "{\"rateLimits\":{},\"symbols\":[]}", SF_OK, { false, false, 0, 0 }, "" },
    { "{\"symbols\":[{\"symbol\":\"btcusdt\"},7,null,{}]}", SF_OK, { false, false, 0, 0 }, "" },
    { "{\"symbols\":{}}", SF_EPROTO, { 0 }, "exchangeInfo: expected symbols" },
    { "[]", SF_EPROTO, { 0 }, "exchangeInfo: expected a JSON object" },
    { "{\"symbols\":[", SF_EPROTO, { 0 }, "exchangeInfo: expected a JSON object" },
    /* clang-format on */
};

START_TEST(market_is_read)
{
    struct sf_error err = { 0 };
    struct sf_market m = { .weight_limit = 77 };
    enum sf_status status =
        binance()->info_parse(sf_str_from(infos[_i].body), SF_STR("BTCUSDT"), &m, &err);

    ck_assert_int_eq(status, infos[_i].want);
    ck_assert_str_eq(err.text, infos[_i].want_text);
    if (status != SF_OK) {
        ck_assert_int_eq(m.weight_limit, 77);
        return;
    }
    ck_assert_int_eq(m.is_known, infos[_i].market.is_known);
    ck_assert_int_eq(m.is_trading, infos[_i].market.is_trading);
    ck_assert_int_eq(m.weight_limit, infos[_i].market.weight_limit);
    ck_assert_int_eq(m.weight_window_ms, infos[_i].market.weight_window_ms);
}
END_TEST

/* --------------------------------------------------------------------------- verdicts */

#define NOW_MS INT64_C(1660090400000)
#define HTML   "<html><body>Forbidden</body></html>"

/* "Name: value" of one header; others are absent. */
static struct sf_str one_header(const void *arg, const char *name)
{
    struct sf_str value, found = sf_str_cut(sf_str_from(arg), ':', &value);

    return sf_str_eq_nocase(found, sf_str_from(name)) ? sf_str_trim(value) : SF_STR_EMPTY;
}

static const struct {
    int status;
    const char *header, *body;
    enum sf_verdict want;
    int64_t want_wait_ms, want_used, want_server_ms;
    const char *want_text;
} answers[] = {
    /* clang-format off */
    { 200, "", "[]", SF_VERDICT_OK, 0, -1, 0, "" },
    { 200, "X-Mbx-Used-Weight-1m: 14", " {}", SF_VERDICT_OK, 0, 14, 0, "" },
    { 200, "x-mbx-used-weight: 7", "[]", SF_VERDICT_OK, 0, 7, 0, "" },
    { 200, "X-MBX-USED-WEIGHT-1M: -4", "[]", SF_VERDICT_OK, 0, -1, 0, "" },
    { 200, "X-MBX-USED-WEIGHT-1M: 9223372036854775807", "[]", SF_VERDICT_OK, 0, -1, 0, "" },
    { 200, "Date: Sat, 01 Jun 2024 00:00:01 GMT", "[]", SF_VERDICT_OK, 0, -1, 1717200001000, "" },
    { 200, "Date: today", "[]", SF_VERDICT_OK, 0, -1, 0, "" },
    { 200, "", HTML, SF_VERDICT_RETRY, 0, -1, 0, "HTTP 200 with a body that is not JSON" },
    { 200, "", "", SF_VERDICT_RETRY, 0, -1, 0, "HTTP 200 with a body that is not JSON" },
    { 429, "Retry-After: 7", "{\"code\":-1003,\"msg\":\"Too much.\"}", SF_VERDICT_WAIT, 7000, -1, 0, "HTTP 429: -1003 Too much." },
    { 429, "", HTML, SF_VERDICT_WAIT, 0, -1, 0, "HTTP 429 without the exchange's JSON" },
    { 429, "Retry-After: -5", "", SF_VERDICT_WAIT, 0, -1, 0, "HTTP 429 without the exchange's JSON" },
    { 429, "Retry-After: 9223372036854775807", "", SF_VERDICT_WAIT, 259200000, -1, 0, "HTTP 429 without the exchange's JSON" },
    { 429, "Retry-After: Wed, 10 Aug 2022 00:13:50 GMT", "", SF_VERDICT_WAIT, 30000, -1, 0, "HTTP 429 without the exchange's JSON" },
    { 429, "Retry-After: Wed, 10 Aug 2022 00:13:10 GMT", "", SF_VERDICT_WAIT, 0, -1, 0, "HTTP 429 without the exchange's JSON" },
    { 418, "Retry-After: 120", "{\"code\":-1003,\"msg\":\"banned until 1660090423228.\"}", SF_VERDICT_WAIT, 120000, -1, 0, "HTTP 418: -1003 banned until 1660090423228." },
    { 418, "", "{\"code\":-1003,\"msg\":\"Way too much request weight used; IP banned until 1660090423228. Please use WebSocket\"}", SF_VERDICT_WAIT, 23228, -1, 0,
      "HTTP 418: -1003 Way too much request weight used; IP banned until 1660090423228. Please use WebSocket" },
    { 418, "", "{\"code\":-1003,\"msg\":\"until 1660090399999\"}", SF_VERDICT_WAIT, 0, -1, 0, "HTTP 418: -1003 until 1660090399999" },
    { 418, "", "{\"code\":-1003,\"msg\":\"until 9999999999999\"}", SF_VERDICT_WAIT, 259200000, -1, 0, "HTTP 418: -1003 until 9999999999999" },
    { 418, "", "{\"code\":-1003,\"msg\":null}", SF_VERDICT_WAIT, 0, -1, 0, "HTTP 418: -1003 " },
    { 400, "", "{\"code\":-1003,\"msg\":\"Too many requests\"}", SF_VERDICT_WAIT, 0, -1, 0, "HTTP 400: -1003 Too many requests" },
    { 503, "", "{\"code\":-1003,\"msg\":\"Too many requests\"}", SF_VERDICT_WAIT, 0, -1, 0, "HTTP 503: -1003 Too many requests" },
    { 400, "", "{\"code\":-1034,\"msg\":\"x\"}", SF_VERDICT_WAIT, 0, -1, 0, "HTTP 400: -1034 x" },
    { 500, "", "{\"code\":-1000,\"msg\":\"x\"}", SF_VERDICT_RETRY, 0, -1, 0, "HTTP 500: -1000 x" },
    { 502, "", HTML, SF_VERDICT_RETRY, 0, -1, 0, "HTTP 502 without the exchange's JSON" },
    { 503, "Retry-After: 3", "", SF_VERDICT_RETRY, 3000, -1, 0, "HTTP 503 without the exchange's JSON" },
    { 504, "", "{\"code\":-1121,\"msg\":\"x\"}", SF_VERDICT_RETRY, 0, -1, 0, "HTTP 504: -1121 x" },
    { 408, "", "{\"code\":-1007,\"msg\":\"x\"}", SF_VERDICT_RETRY, 0, -1, 0, "HTTP 408: -1007 x" },
    { 403, "", HTML, SF_VERDICT_RETRY, 0, -1, 0, "HTTP 403 without the exchange's JSON" },
    { 400, "", "{\"code\":-1001,\"msg\":\"x\"}", SF_VERDICT_RETRY, 0, -1, 0, "HTTP 400: -1001 x" },
    { 400, "", "{\"code\":-1006,\"msg\":\"x\"}", SF_VERDICT_RETRY, 0, -1, 0, "HTTP 400: -1006 x" },
    { 400, "", "{\"code\":-1007,\"msg\":\"x\"}", SF_VERDICT_RETRY, 0, -1, 0, "HTTP 400: -1007 x" },
    { 400, "", "{\"code\":-1008,\"msg\":\"x\"}", SF_VERDICT_RETRY, 0, -1, 0, "HTTP 400: -1008 x" },
    { 400, "", "{\"code\":-1121,\"msg\":\"Invalid symbol.\"}", SF_VERDICT_SYMBOL, 0, -1, 0, "HTTP 400: -1121 Invalid symbol." },
    { 400, "", "{\"code\":-1220,\"msg\":\"x\"}", SF_VERDICT_SYMBOL, 0, -1, 0, "HTTP 400: -1220 x" },
    { 400, "", "{\"code\":-1120,\"msg\":\"Invalid interval.\"}", SF_VERDICT_FATAL, 0, -1, 0, "HTTP 400: -1120 Invalid interval." },
    { 400, "", "{\"code\":-1016,\"msg\":\"gone\"}", SF_VERDICT_FATAL, 0, -1, 0, "HTTP 400: -1016 gone" },
    { 400, "", "{\"code\":\"-1121\"}", SF_VERDICT_FATAL, 0, -1, 0, "HTTP 400 without the exchange's JSON" },
    { 400, "", "[]", SF_VERDICT_FATAL, 0, -1, 0, "HTTP 400 without the exchange's JSON" },
    { 404, "", HTML, SF_VERDICT_ABSENT, 0, -1, 0, "HTTP 404 without the exchange's JSON" },
    { 404, "", "{\"code\":-1121,\"msg\":\"x\"}", SF_VERDICT_SYMBOL, 0, -1, 0, "HTTP 404: -1121 x" },
    { 401, "", "{\"code\":-2015,\"msg\":\"x\"}", SF_VERDICT_KEY, 0, -1, 0, "HTTP 401: -2015 x" },
    { 401, "", "", SF_VERDICT_KEY, 0, -1, 0, "HTTP 401 without the exchange's JSON" },
    { 400, "", "{\"code\":-2014,\"msg\":\"API-key format invalid.\"}", SF_VERDICT_KEY, 0, -1, 0, "HTTP 400: -2014 API-key format invalid." },
    { 302, "", "", SF_VERDICT_FATAL, 0, -1, 0, "HTTP 302 without the exchange's JSON" },
    { 451, "", "{\"code\":0,\"msg\":\"restricted location\"}", SF_VERDICT_FATAL, 0, -1, 0, "HTTP 451: the exchange does not serve this location" },
    /* clang-format on */
};

START_TEST(answer_is_judged)
{
    struct sf_rest_answer a = { 0 };
    struct sf_error err = { 0 };

    binance()->judge(answers[_i].status, sf_str_from(answers[_i].body), one_header,
                     answers[_i].header, NOW_MS, &a, &err);
    ck_assert_int_eq(a.verdict, answers[_i].want);
    ck_assert_int_eq(a.wait_ms, answers[_i].want_wait_ms);
    ck_assert_int_eq(a.used_weight, answers[_i].want_used);
    ck_assert_int_eq(a.server_ms, answers[_i].want_server_ms);
    ck_assert_str_eq(err.text, answers[_i].want_text);
    ck_assert_int_eq(err.status == SF_OK, a.verdict == SF_VERDICT_OK);
}
END_TEST

static void binance_cases(Suite *s)
{
    TCase *tc = tcase_create("binance");

    tcase_add_test(tc, every_name_is_found_and_no_other);
    tcase_add_test(tc, urls_are_built);
    tcase_add_loop_test(tc, page_is_parsed, 0, COUNT(good_pages));
    tcase_add_loop_test(tc, bad_page_is_refused_with_row_and_field, 0, COUNT(bad_pages));
    tcase_add_test(tc, cut_page_is_refused);
    tcase_add_loop_test(tc, clock_is_read, 0, COUNT(times));
    tcase_add_loop_test(tc, market_is_read, 0, COUNT(infos));
    tcase_add_loop_test(tc, answer_is_judged, 0, COUNT(answers));
    suite_add_tcase(s, tc);
}

RUN_SUITE("binance", binance_cases)
