/* Streams of Binance: names, envelopes, events of trades; and finding a stream. */
#include "libsf/src/live_streams.h"
#include "runner.h"

#include <sf/exchange.h>

#include <stdio.h>

static const struct sf_exchange *binance(void)
{
    return sf_exchange_find(SF_STR("binance"));
}

START_TEST(streams_have_names)
{
    struct sf_buf b;

    sf_buf_init(&b, 128);
    binance()->trade_stream(&b, SF_STR("BTCUSDT"), false);
    sf_buf_add_char(&b, '/');
    binance()->trade_stream(&b, SF_STR("1000SHIB"), true);
    ck_assert_str_eq(sf_buf_cstr(&b), "btcusdt@trade/1000shib@aggTrade");
    sf_buf_release(&b);
}
END_TEST

static const struct {
    const char *frame, *stream, *event; /* stream NULL: none */
} frames[] = {
    /* clang-format off */
    { "{\"stream\":\"btcusdt@trade\",\"data\":{\"e\":\"trade\"}}", "btcusdt@trade", "{\"e\":\"trade\"}" },
    { " { \"data\" : {\"a\":[1]} , \"x\":{}, \"stream\" : \"s\" } ", "s", "{\"a\":[1]}" },
    { "{\"stream\":\"s\",\"data\":{\"a\":1},\"more\":1}", "s", "{\"a\":1}" },
    { "{\"stream\":\"s\",\"data\":[1]}", "s", "[1]" },
    { "{\"stream\":\"!serverShutdown\",\"data\":{\"e\":\"serverShutdown\",\"E\":1}}", "!serverShutdown", "{\"e\":\"serverShutdown\",\"E\":1}" },
    { "{\"e\":\"serverShutdown\",\"E\":1}", "!serverShutdown", "{\"e\":\"serverShutdown\",\"E\":1}" },
    { "{\"e\":\"trade\",\"E\":1}", NULL, NULL },
    { "{\"result\":null,\"id\":1}", NULL, NULL },
    { "{\"error\":{\"code\":4,\"msg\":\"Too many subscriptions\"},\"id\":19}", NULL, NULL },
    { "{\"stream\":\"\",\"data\":{}}", NULL, NULL },
    { "{\"stream\":\"s\"}", NULL, NULL },
    { "{\"data\":{}}", NULL, NULL },
    { "{\"stream\":1,\"data\":{}}", NULL, NULL },
    { "{\"stream\":\"s\",\"data\":", NULL, NULL },
    { "{\"stream\":\"s\",\"data\":{}", NULL, NULL },
    { "{\"stream\":\"s", NULL, NULL },
    { "{\"e\":7}", NULL, NULL },
    { "[]", NULL, NULL },
    { "", NULL, NULL },
    /* clang-format on */
};

START_TEST(frames_are_split)
{
    struct sf_str stream, event;
    bool is_good = binance()->frame_split(sf_str_from(frames[_i].frame), &stream, &event);

    ck_assert_msg(is_good == (frames[_i].stream != NULL), "%s", frames[_i].frame);
    if (!is_good)
        return;
    ck_assert(sf_str_eq(stream, sf_str_from(frames[_i].stream)));
    ck_assert(sf_str_eq(event, sf_str_from(frames[_i].event)));
}
END_TEST

#define EVENT(id, price, more)                                                         \
    "{\"e\":\"trade\",\"E\":1717200000124,\"s\":\"BTCUSDT\",\"t\":" id ",\"p\":" price \
    ",\"q\":\"0.00123\",\"T\":1717200000123,\"m\":true,\"M\":true" more "}"
#define GOOD EVENT("6681954163", "\"60123.45000000\"", "")
#define AGG_EVENT                                                                       \
    "{\"e\":\"aggTrade\",\"E\":1717200000124,\"s\":\"BTCUSDT\",\"a\":6681954163,\"p\":" \
    "\"60123.45000000\",\"q\":\"0.00123\",\"f\":7,\"l\":9,\"T\":1717200000123,"         \
    "\"m\":true,\"M\":true}"

START_TEST(events_are_parsed)
{
    struct sf_trade t;
    bool is_agg = _i == 1;

    ck_assert_int_eq(binance()->trade_parse(is_agg ? SF_STR(AGG_EVENT) : SF_STR(GOOD),
                                            is_agg, &t, NULL),
                     SF_OK);
    ck_assert_int_eq(t.id, 6681954163);
    ck_assert(sf_str_eq(t.price, SF_STR("60123.45000000")));
    ck_assert(sf_str_eq(t.quantity, SF_STR("0.00123")));
    ck_assert_int_eq(t.time_ms, 1717200000123);
    ck_assert(t.is_buyer_maker);
    ck_assert_int_eq(t.first_id, is_agg ? 7 : -1);
}
END_TEST

static const struct {
    const char *event;
    enum sf_status want;
    const char *text;
} bad_events[] = {
    /* clang-format off */
    { "", SF_EPROTO, "an event is an object" },
    { "[]", SF_EPROTO, "an event is an object" },
    { "{}", SF_EPROTO, "t is missing" },
    { AGG_EVENT, SF_EUNSUPPORTED, "event 'aggTrade' is unknown" },
    { "{\"e\":\"kline\",\"E\":1}", SF_EUNSUPPORTED, "event 'kline' is unknown" },
    { "{\"e\":\"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee\"}", SF_EUNSUPPORTED, "event 'aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd' is unknown" },
    { "{\"e\":1}", SF_EPROTO, "e: expected a string" },
    { EVENT("-1", "\"1\"", ""), SF_EPROTO, "t: expected an id, got '-1'" },
    { EVENT("1", "\"1.\"", ""), SF_EPROTO, "p: expected a decimal string, got '1.'" },
    { EVENT("1", "1", ""), SF_EPROTO, "p: expected a decimal string, got '1'" },
    { EVENT("1", "\"1\"", ",\"t\":1"), SF_EPROTO, "t stands twice" },
    { EVENT("1", "\"1\"", "") "x", SF_EPROTO, "expected nothing more at byte 109: 'x'" },
    /* clang-format on */
};

START_TEST(bad_events_are_refused)
{
    struct sf_trade t;
    struct sf_error err = { 0 };

    ck_assert_int_eq(
        binance()->trade_parse(sf_str_from(bad_events[_i].event), false, &t, &err),
        bad_events[_i].want);
    ck_assert_str_eq(err.text, bad_events[_i].text);
}
END_TEST

START_TEST(cut_events_are_refused)
{
    static const char event[] = GOOD;
    struct sf_trade t;

    for (size_t len = 0; len < sizeof(event) - 1; len++)
        ck_assert_int_eq(binance()->trade_parse(sf_str_make(event, len), false, &t, NULL),
                         SF_EPROTO);
}
END_TEST

START_TEST(streams_are_found_by_name)
{
    struct live_streams s;
    char name[32];

    ck_assert_int_eq(live_streams_init(&s, 1024), SF_OK);
    for (int i = 0; i < 1024; i++) {
        sf_buf_addf(&s.names, "sym%dusdt@trade", i);
        ck_assert_int_eq(live_streams_add(&s), SF_OK);
    }
    for (int i = 0; i < 1024; i++) {
        (void)snprintf(name, sizeof(name), "sym%dusdt@trade", i);
        ck_assert_uint_eq(live_streams_find(&s, sf_str_from(name)), (size_t)i);
    }
    ck_assert(sf_str_eq(live_streams_name(&s, 1), SF_STR("sym1usdt@trade")));
    ck_assert_uint_eq(live_streams_find(&s, SF_STR("sym1024usdt@trade")),
                      LIVE_STREAMS_NONE);
    ck_assert_uint_eq(live_streams_find(&s, SF_STR("")), LIVE_STREAMS_NONE);
    live_streams_release(&s);
}
END_TEST

static void stream_cases(Suite *s)
{
    TCase *tc = tcase_create("binance_stream");

    tcase_add_test(tc, streams_have_names);
    tcase_add_loop_test(tc, frames_are_split, 0, COUNT(frames));
    tcase_add_loop_test(tc, events_are_parsed, 0, 2);
    tcase_add_loop_test(tc, bad_events_are_refused, 0, COUNT(bad_events));
    tcase_add_test(tc, cut_events_are_refused);
    tcase_add_test(tc, streams_are_found_by_name);
    suite_add_tcase(s, tc);
}

RUN_SUITE("binance_stream", stream_cases)
