/* Candle streams of Binance: names and events. */
#include "runner.h"

#include <sf/exchange.h>

static const struct sf_exchange *binance(void)
{
    return sf_exchange_find(SF_STR("binance"));
}

START_TEST(streams_have_names)
{
    struct sf_buf b;

    sf_buf_init(&b, 128);
    binance()->candle_stream(&b, SF_STR("BTCUSDT"), sf_interval_find(SF_STR("5m")));
    sf_buf_add_char(&b, '/');
    binance()->candle_stream(&b, SF_STR("1000SHIB"), sf_interval_find(SF_STR("1M")));
    ck_assert_str_eq(sf_buf_cstr(&b), "btcusdt@kline_5m/1000shib@kline_1M");
    sf_buf_release(&b);
}
END_TEST

#define HEAD "{\"e\":\"kline\",\"E\":1717200060012,\"s\":\"BTCUSDT\",\"k\":"
#define CANDLE(open_time, open, count, closed)                                           \
    "{\"t\":" open_time ",\"T\":1717200059999,\"s\":\"BTCUSDT\",\"i\":\"1m\",\"f\":-1,"  \
    "\"L\":-1,\"o\":" open ",\"c\":\"60001.5\",\"h\":\"60002.00000000\",\"l\":\"1\","    \
    "\"v\":\"12.34500000000000000001\",\"n\":" count ",\"x\":" closed ",\"q\":\"7.70\"," \
    "\"V\":\"0.1\",\"Q\":\"6.000\",\"B\":\"0\"}"
#define GOOD HEAD CANDLE("1717200000000", "\"60000.10\"", "123", "true") "}"

START_TEST(events_are_parsed)
{
    struct sf_candle_event e;

    ck_assert_int_eq(binance()->candle_parse(SF_STR(GOOD), &e, NULL), SF_OK);
    ck_assert_int_eq(e.time_ms, 1717200060012);
    ck_assert(e.is_closed);
    ck_assert_int_eq(e.candle.open_time, 1717200000000);
    ck_assert_int_eq(e.candle.close_time, 1717200059999);
    ck_assert_int_eq(e.candle.trades, 123);
    ck_assert(sf_str_eq(e.candle.open, SF_STR("60000.10")));
    ck_assert(sf_str_eq(e.candle.high, SF_STR("60002.00000000")));
    ck_assert(sf_str_eq(e.candle.low, SF_STR("1")));
    ck_assert(sf_str_eq(e.candle.close, SF_STR("60001.5")));
    ck_assert(sf_str_eq(e.candle.volume, SF_STR("12.34500000000000000001")));
    ck_assert(sf_str_eq(e.candle.quote_volume, SF_STR("7.70")));
    ck_assert(sf_str_eq(e.candle.taker_base, SF_STR("0.1")));
    ck_assert(sf_str_eq(e.candle.taker_quote, SF_STR("6.000")));
}
END_TEST

START_TEST(microseconds_are_told_from_milliseconds)
{
    struct sf_candle_event e;

    ck_assert_int_eq(
        binance()->candle_parse(
            SF_STR(HEAD CANDLE("1717200000000000", "\"1\"", "0", "false") "}"), &e, NULL),
        SF_OK);
    ck_assert_int_eq(e.candle.open_time, 1717200000000);
    ck_assert(!e.is_closed);
}
END_TEST

static const struct {
    const char *event;
    enum sf_status want;
    const char *text;
} bad_events[] = {
    /* clang-format off */
    { "", SF_EPROTO, "an event is an object" },
    { "[1]", SF_EPROTO, "an event is an object" },
    { "{}", SF_EPROTO, "e is missing" },
    { "{\"e\":\"kline\",\"E\":1717200060012}", SF_EPROTO, "k is missing" },
    { "{\"e\":\"kline\",\"k\":" CANDLE("1717200000000", "\"1\"", "1", "true") "}", SF_EPROTO, "E is missing" },
    { "{\"e\":\"trade\",\"E\":1717200060012}", SF_EUNSUPPORTED, "event 'trade' is unknown" },
    { "{\"e\":7}", SF_EPROTO, "e: expected a string, got '7'" },
    { "{\"e\":\"kline\",\"E\":\"x\"}", SF_EPROTO, "E: expected a time in ms or us, got 'x'" },
    { HEAD "[]}", SF_EPROTO, "k: expected one candle, got 'a nested value'" },
    { HEAD "{}}", SF_EPROTO, "t is missing" },
    { HEAD CANDLE("1", "\"1\"", "1", "true") "}", SF_EPROTO, "t: expected a time in ms or us, got '1'" },
    { HEAD CANDLE("1717200060000", "\"1\"", "1", "true") "}", SF_EPROTO, "it closes before it opens" },
    { "{\"e\":\"kline\",\"E\":1717199999999,\"k\":" CANDLE("1717200000000", "\"1\"", "1", "true") "}", SF_EPROTO, "it opens after it was told" },
    { HEAD CANDLE("1717200000000", "1", "1", "true") "}", SF_EPROTO, "o: expected a decimal string, got '1'" },
    { HEAD CANDLE("1717200000000", "\"1e5\"", "1", "true") "}", SF_EPROTO, "o: expected a decimal string, got '1e5'" },
    { HEAD CANDLE("1717200000000", "\"1\"", "-1", "true") "}", SF_EPROTO, "n: expected a count, got '-1'" },
    { HEAD CANDLE("1717200000000", "\"1\"", "1", "1") "}", SF_EPROTO, "x: expected true or false, got '1'" },
    { HEAD CANDLE("1717200000000", "\"1\",\"o\":\"2\"", "1", "true") "}", SF_EPROTO, "o stands twice" },
    /* clang-format on */
};

START_TEST(bad_events_are_refused)
{
    struct sf_candle_event e = { .time_ms = 77 };
    struct sf_error err = { 0 };

    ck_assert_int_eq(binance()->candle_parse(sf_str_from(bad_events[_i].event), &e, &err),
                     bad_events[_i].want);
    ck_assert_str_eq(err.text, bad_events[_i].text);
    ck_assert_int_eq(e.time_ms, 77);
}
END_TEST

START_TEST(cut_events_are_refused)
{
    static const char event[] = GOOD;
    struct sf_candle_event e;

    for (size_t len = 0; len < sizeof(event) - 1; len++)
        ck_assert_int_eq(binance()->candle_parse(sf_str_make(event, len), &e, NULL),
                         SF_EPROTO);
}
END_TEST

static void binance_kline_cases(Suite *s)
{
    TCase *tc = tcase_create("binance_kline");

    tcase_add_test(tc, streams_have_names);
    tcase_add_test(tc, events_are_parsed);
    tcase_add_test(tc, microseconds_are_told_from_milliseconds);
    tcase_add_loop_test(tc, bad_events_are_refused, 0, COUNT(bad_events));
    tcase_add_test(tc, cut_events_are_refused);
    suite_add_tcase(s, tc);
}

RUN_SUITE("binance_kline", binance_kline_cases)
