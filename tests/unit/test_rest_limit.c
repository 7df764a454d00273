#include "rest_fixture.h"
#include "runner.h"

#include <sf/time.h>

#include <stdio.h>

#define BUSY "{\"code\":-1003,\"msg\":\"Too many requests.\"}"
#define S    INT64_C(1000000) /* us */

static const struct {
    struct stub_answer answer;
    const char *want_why;
} busy[] = {
    { { .status = 429, .headers = "Retry-After: 1\r\n", .body = BUSY },
      "HTTP 429: -1003 Too many requests." },
    { { .status = 418, .headers = "Retry-After: 1\r\n", .body = "<html>" },
      "HTTP 418 without the exchange's JSON" },
};

START_TEST(limit_holds_every_request)
{
    const struct stub_answer answers[] = { busy[_i].answer,
                                           { .status = 200, .body = "[]" } };
    struct fixture f = { .stub = stub_start_script(answers, COUNT(answers)) };
    struct got got[4];

    rest_setup(&f);
    rest_ask(&f, &got[0], "/first");
    for (int i = 0; i < 1000 && f.waits == 0; i++)
        rest_idle(&f, 5);
    ck_assert_int_eq(f.waits, 1);
    ck_assert_str_eq(f.why, busy[_i].want_why);
    ck_assert_int_ge(f.wait_ms, 1000);
    ck_assert_int_lt(f.wait_ms, 2000);
    for (int i = 1; i < COUNT(got); i++)
        rest_ask(&f, &got[i], "/later");
    for (int i = 0; i < COUNT(got); i++) {
        ck_assert(sf_loop_run_until(f.loop, &got[i].is_done, WAIT_MS));
        ck_assert_int_eq(got[i].status, SF_OK);
    }
    ck_assert_int_eq(stub_requests_n(f.stub), COUNT(got) + 1);
    for (int i = 1; i <= COUNT(got); i++)
        ck_assert_int_ge(rest_arrival_us(&f, i) - rest_arrival_us(&f, 0), S);
    ck_assert_int_eq(f.waits, 1);
    rest_teardown(&f);
}
END_TEST

START_TEST(limit_without_a_time_waits_long)
{
    static const struct stub_answer answer = { .status = 418 };
    struct fixture f = { .stub = stub_start_script(&answer, 1) };
    struct got got[3];

    rest_setup(&f);
    for (int i = 0; i < COUNT(got); i++)
        rest_ask(&f, &got[i], "/x");
    for (int i = 0; i < 1000 && stub_requests_n(f.stub) < COUNT(got); i++)
        rest_idle(&f, 5);
    rest_idle(&f, 200);
    ck_assert_int_eq(stub_requests_n(f.stub), COUNT(got));
    ck_assert_int_eq(f.waits, 1); /* answers to what was under way say nothing new */
    ck_assert_int_ge(f.wait_ms, 10000);
    rest_teardown(&f);
}
END_TEST

/* What is handed to libcurl waits there with its time-out running, and cannot be held. */
START_TEST(no_more_is_sent_than_connections)
{
    static const struct stub_answer answer = { .status = 200,
                                               .body = "[]",
                                               .delay_ms = 50 };
    struct fixture f = { .stub = stub_start_script(&answer, 1) };
    struct got got[24];

    rest_setup(&f);
    for (int i = 0; i < COUNT(got); i++)
        rest_ask(&f, &got[i], "/x");
    rest_idle(&f, 0);
    sf_rest_pause(f.rest, true);
    rest_idle(&f, 400);
    ck_assert_int_eq(stub_requests_n(f.stub), 6);
    sf_rest_pause(f.rest, false);
    for (int i = 0; i < COUNT(got); i++)
        ck_assert(sf_loop_run_until(f.loop, &got[i].is_done, WAIT_MS));
    ck_assert_int_eq(stub_connections_n(f.stub), 6);
    rest_teardown(&f);
}
END_TEST

START_TEST(budget_is_kept_within_its_window)
{
    static const struct stub_answer answer = { .status = 200, .body = "[]" };
    struct fixture f = { .stub = stub_start_script(&answer, 1) };
    struct got got[4];

    rest_setup(&f);
    sf_rest_destroy(f.rest);
    f.exchange.weight_limit = 10; /* 70 % of it are three calls of 2 */
    f.exchange.weight_window_ms = 1500;
    rest_make_client(&f);
    for (int i = 0; i < COUNT(got); i++)
        rest_ask(&f, &got[i], "/x");
    for (int i = 0; i < COUNT(got); i++)
        ck_assert(sf_loop_run_until(f.loop, &got[i].is_done, WAIT_MS));
    ck_assert_int_ge(rest_arrival_us(&f, 3) - rest_arrival_us(&f, 0), 1400000);
    ck_assert_int_eq(f.waits, 1);
    ck_assert_str_eq(f.why, "request budget");
    rest_teardown(&f);
}
END_TEST

/* What all may have under way, 20 * 4 calls of 2, fits into the 30 % beyond the share. */
#define CROWD        20
#define CROWD_CALLS  16
#define CROWD_WINDOW 2000
#define CROWD_LIMIT  600

/* An exchange that counts and refuses as the real one does. */
struct counter {
    int64_t window, used;
    int refused;
    char headers[64];
};

static void count(void *arg, const struct stub_request *req, struct stub_answer *answer)
{
    struct counter *c = arg;
    int64_t window = sf_time_now_ms() / CROWD_WINDOW;

    (void)req;
    if (window != c->window)
        c->used = 0;
    c->window = window;
    c->used += 2;
    c->refused += c->used > CROWD_LIMIT;
    (void)snprintf(c->headers, sizeof(c->headers), "X-MBX-USED-WEIGHT-1M: %lld\r\n",
                   (long long)c->used);
    answer->status = c->used > CROWD_LIMIT ? 429 : 200;
    answer->headers = c->headers;
    answer->body = "[]";
}

START_TEST(twenty_clients_are_never_refused)
{
    struct counter counter = { 0 };
    struct fixture f = { .stub = stub_start(count, &counter) };
    static struct got got[CROWD][CROWD_CALLS];
    struct sf_rest *rest[CROWD];

    rest_setup(&f);
    sf_rest_destroy(f.rest);
    f.rest = NULL;
    f.conf.pages_in_flight = 2; /* and two more connections */
    f.exchange.weight_limit = CROWD_LIMIT;
    f.exchange.weight_window_ms = CROWD_WINDOW;
    for (int i = 0; i < CROWD; i++) {
        rest_make_client(&f);
        rest[i] = f.rest;
        for (int n = 0; n < CROWD_CALLS; n++)
            rest_ask(&f, &got[i][n], "/x");
    }
    f.rest = NULL;
    for (int i = 0; i < CROWD; i++)
        for (int n = 0; n < CROWD_CALLS; n++) {
            ck_assert(sf_loop_run_until(f.loop, &got[i][n].is_done, WAIT_MS));
            ck_assert_int_eq(got[i][n].status, SF_OK);
        }
    for (int i = 0; i < CROWD; i++)
        sf_rest_destroy(rest[i]);
    ck_assert_int_eq(stub_requests_n(f.stub), CROWD * CROWD_CALLS);
    rest_teardown(&f);
    ck_assert_int_eq(counter.refused, 0);
}
END_TEST

static void limit_cases(Suite *s)
{
    TCase *tc = tcase_create("rest_limit");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, limit_holds_every_request, 0, COUNT(busy));
    tcase_add_test(tc, limit_without_a_time_waits_long);
    tcase_add_test(tc, no_more_is_sent_than_connections);
    tcase_add_test(tc, budget_is_kept_within_its_window);
    tcase_add_test(tc, twenty_clients_are_never_refused);
    suite_add_tcase(s, tc);
}

RUN_SUITE("rest_limit", limit_cases)
