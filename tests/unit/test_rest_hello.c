#include "rest_fixture.h"
#include "runner.h"

#include <sf/stop.h>
#include <sf/time.h>

#include <signal.h>

#define TIME_BODY "{\"serverTime\":1717200000123}"
#define INFO_BODY                                                                     \
    "{\"rateLimits\":[{\"rateLimitType\":\"REQUEST_WEIGHT\",\"interval\":\"SECOND\"," \
    "\"intervalNum\":2,\"limit\":40}],\"symbols\":[{\"symbol\":\"BTCUSDT\","          \
    "\"status\":\"BREAK\"}]}"

struct hello {
    struct stub_answer time, info;
    enum sf_status want;
    const char *want_text;
};

static void answer_hello(void *arg, const struct stub_request *req,
                         struct stub_answer *answer)
{
    const struct hello *h = arg;

    *answer = sf_str_starts(req->path, SF_STR("/api/v3/time")) ? h->time : h->info;
}

START_TEST(hello_reads_clock_market_and_limit)
{
    struct hello h = { { .status = 200, .body = TIME_BODY },
                       { .status = 200, .body = INFO_BODY },
                       SF_OK,
                       "" };
    struct fixture f = { .stub = stub_start(answer_hello, &h) };
    struct sf_market m = { 0 };
    struct got got[4];
    int64_t begun_us = sf_mono_us();

    rest_setup(&f);
    ck_assert_int_ge(sf_rest_server_ms(f.rest), sf_time_now_ms() - 5000);
    ck_assert_int_eq(sf_rest_hello(f.rest, SF_STR("BTCUSDT"), &m, NULL), SF_OK);
    ck_assert(m.is_known && !m.is_trading);
    ck_assert_int_eq(m.weight_limit, 40);
    ck_assert_int_eq(m.weight_window_ms, 2000);
    ck_assert_int_ge(sf_rest_server_ms(f.rest), 1717200000123);
    ck_assert_int_le(sf_rest_server_ms(f.rest),
                     1717200000124 + (sf_mono_us() - begun_us) / 1000);
    /* 21 of the published 40 are used, 70 % are 28: three calls of 2 have room */
    for (int i = 0; i < COUNT(got); i++)
        rest_ask(&f, &got[i], "/x");
    for (int i = 0; i < COUNT(got); i++)
        ck_assert(sf_loop_run_until(f.loop, &got[i].is_done, WAIT_MS));
    ck_assert_int_eq(f.waits, 1);
    ck_assert_str_eq(f.why, "request budget");
    rest_teardown(&f);
}
END_TEST

static const struct hello hellos[] = {
    { { .status = 200, .body = TIME_BODY },
      { .status = 400, .body = "{\"code\":-1121,\"msg\":\"Invalid symbol.\"}" },
      SF_EINVAL,
      "exchangeInfo: SYMBOL='BTCUSDT': binance does not know it: HTTP 400: -1121 Invalid "
      "symbol." },
    { { .status = 200, .body = TIME_BODY },
      { .status = 200, .body = "{\"symbols\":[]}" },
      SF_EINVAL,
      "exchangeInfo: SYMBOL='BTCUSDT': binance does not know it" },
    { { .status = 200, .body = TIME_BODY },
      { .status = 451 },
      SF_EREFUSED,
      "exchangeInfo: HTTP 451: the exchange does not serve this location" },
    { { .status = 200, .body = TIME_BODY },
      { .status = 200, .body = "{\"symbols\":" },
      SF_EPROTO,
      "exchangeInfo: exchangeInfo: expected a JSON object" },
    { { .status = 200, .body = "[]" },
      { .status = 200, .body = INFO_BODY, .delay_ms = 60000 },
      SF_EPROTO,
      "the exchange's clock: time: expected a JSON object" },
    { { .status = 404 },
      { .status = 200, .body = INFO_BODY, .delay_ms = 300 },
      SF_EUNSUPPORTED,
      "the exchange's clock: HTTP 404 without the exchange's JSON" },
};

START_TEST(hello_fails_with_the_reason)
{
    struct hello h = hellos[_i];
    struct fixture f = { .stub = stub_start(answer_hello, &h) };
    struct sf_market m = { .weight_limit = 77 };
    struct sf_error err = { 0 };

    rest_setup(&f);
    ck_assert_int_eq(sf_rest_hello(f.rest, SF_STR("BTCUSDT"), &m, &err), hellos[_i].want);
    ck_assert_str_eq(err.text, hellos[_i].want_text);
    ck_assert_int_eq(err.status, hellos[_i].want);
    ck_assert_int_eq(m.weight_limit, 77);
    rest_idle(&f, 400); /* what was under way does not come any more */
    rest_teardown(&f);
}
END_TEST

START_TEST(hello_ends_on_a_signal)
{
    struct hello h = {
        { .status = 200, .body = TIME_BODY }, { .status = 503 }, SF_ESTOPPED, ""
    };
    struct fixture f = { .stub = stub_start(answer_hello, &h) };
    struct sf_market m;
    struct sf_error err = { 0 };

    rest_setup(&f);
    ck_assert_int_eq(sf_stop_init(NULL), SF_OK);
    sf_stop_raise(SIGTERM);
    ck_assert_int_eq(sf_rest_hello(f.rest, SF_STR("BTCUSDT"), &m, &err), SF_ESTOPPED);
    ck_assert_str_eq(err.text, "stopped while asking the exchange");
    rest_idle(&f, 400);
    rest_teardown(&f);
}
END_TEST

static void hello_cases(Suite *s)
{
    TCase *tc = tcase_create("rest_hello");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, hello_reads_clock_market_and_limit);
    tcase_add_loop_test(tc, hello_fails_with_the_reason, 0, COUNT(hellos));
    tcase_add_test(tc, hello_ends_on_a_signal);
    suite_add_tcase(s, tc);
}

RUN_SUITE("rest_hello", hello_cases)
