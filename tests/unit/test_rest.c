#include "oom.h"
#include "rest_fixture.h"
#include "runner.h"

#include <sf/time.h>

#include <stdio.h>

#define S INT64_C(1000000) /* us */

START_TEST(body_is_handed_over)
{
    static const struct stub_answer answer = { .status = 200, .body = "[1]" };
    struct fixture f = { .stub = stub_start_script(&answer, 1) };
    static char slash[80], key[300];
    struct got got;

    rest_setup(&f);
    rest_ask(&f, &got, "/api/v3/klines?a=b");
    ck_assert_int_eq(got.calls, 0);
    rest_await(&f, &got);
    ck_assert_int_eq(got.status, SF_OK);
    ck_assert_str_eq(got.body, "[1]");
    ck_assert_str_eq(got.text, "");
    ck_assert(sf_str_eq(stub_request(f.stub, 0)->path, SF_STR("/api/v3/klines?a=b")));
    ck_assert_uint_eq(stub_header(stub_request(f.stub, 0), "X-MBX-APIKEY").len, 0);

    memset(key, 'k', sizeof(key) - 1);
    (void)snprintf(slash, sizeof(slash), "%s/", f.url);
    f.conf.binance_api_url = slash;
    f.conf.binance_api_key = key;
    rest_ask(&f, &got, "/x");
    rest_await(&f, &got);
    ck_assert(sf_str_eq(stub_request(f.stub, 1)->path, SF_STR("/x")));
    ck_assert(sf_str_eq(stub_header(stub_request(f.stub, 1), "x-mbx-apikey"),
                        sf_str_from(key)));
    rest_teardown(&f);
}
END_TEST

START_TEST(passing_failure_is_tried_again)
{
    static const struct stub_answer answers[] = {
        { .status = 0 }, /* on a used connection libcurl would ask again itself */
        { .status = 503, .body = "<html>" },
        { .status = 200, .body = "<html>" },
        { .status = 200, .body = "[2]" },
    };
    struct fixture f = { .stub = stub_start_script(answers, COUNT(answers)) };
    struct got got;

    rest_setup(&f);
    rest_ask(&f, &got, "/x");
    rest_await(&f, &got);
    ck_assert_int_eq(got.status, SF_OK);
    ck_assert_str_eq(got.body, "[2]");
    ck_assert_int_eq(stub_requests_n(f.stub), COUNT(answers));
    for (int i = 1; i < COUNT(answers); i++) { /* half of 250, 500, 1000 ms at least */
        int64_t gap_us = rest_arrival_us(&f, i) - rest_arrival_us(&f, i - 1);

        ck_assert_int_ge(gap_us, 125000 << (i - 1));
    }
    rest_teardown(&f);
}
END_TEST

START_TEST(retry_after_of_a_failure_is_kept)
{
    static const struct stub_answer answers[] = {
        { .status = 503, .headers = "Retry-After: 1\r\n" },
        { .status = 200, .body = "[]" },
    };
    struct fixture f = { .stub = stub_start_script(answers, COUNT(answers)) };
    struct got got;

    rest_setup(&f);
    rest_ask(&f, &got, "/x");
    rest_await(&f, &got);
    ck_assert_int_eq(got.status, SF_OK);
    ck_assert_int_ge(rest_arrival_us(&f, 1) - rest_arrival_us(&f, 0), S);
    ck_assert_int_eq(f.waits, 1);
    ck_assert_int_eq(f.wait_ms, 1000);
    ck_assert_str_eq(f.why, "HTTP 503 without the exchange's JSON");
    rest_teardown(&f);
}
END_TEST

START_TEST(gives_up_after_the_limit_of_failures)
{
    static const struct stub_answer answer = { .status = 500,
                                               .body = "{\"code\":-1000,\"msg\":\"x\"}" };
    struct fixture f = { .stub = stub_start_script(&answer, 1) };
    struct got got;
    int64_t begun_us = sf_mono_us();

    rest_setup(&f);
    f.conf.retry_limit_s = 1;
    rest_ask(&f, &got, "/x");
    rest_await(&f, &got);
    ck_assert_int_eq(got.status, SF_EIO);
    ck_assert_int_ge(sf_mono_us() - begun_us, S);
    ck_assert_msg(strncmp(got.text, "gave up after ", 14) == 0 &&
                      strstr(got.text, " s of failures: HTTP 500: -1000 x"),
                  "%s", got.text);
    ck_assert_int_ge(stub_requests_n(f.stub), 3);

    f.conf.retry_limit_s = 0; /* what failed before does not count for the next call */
    rest_ask(&f, &got, "/x");
    rest_await(&f, &got);
    ck_assert_int_eq(got.status, SF_EIO);
    rest_teardown(&f);
}
END_TEST

START_TEST(nobody_listens)
{
    static const struct stub_answer answer = { .status = 200 };
    struct fixture f = { .stub = stub_start_script(&answer, 1) };
    struct stub *other = stub_start_script(&answer, 1);
    struct got got;
    char want[64];

    rest_setup(&f);
    (void)snprintf(f.url, sizeof(f.url), "%s", stub_url(other));
    (void)snprintf(want, sizeof(want),
                   "gave up after 0 s of failures: 127.0.0.1:%d: ", stub_port(other));
    stub_stop(other);
    f.conf.retry_limit_s = 0;
    rest_ask(&f, &got, "/x");
    rest_await(&f, &got);
    ck_assert_int_eq(got.status, SF_EIO);
    ck_assert_msg(strncmp(got.text, want, strlen(want)) == 0, "%s", got.text);
    rest_teardown(&f);
}
END_TEST

static const struct {
    struct stub_answer answer;
    enum sf_status want;
    const char *want_text;
} finals[] = {
    { { .status = 400, .body = "{\"code\":-1121,\"msg\":\"Invalid symbol.\"}" },
      SF_ENOTFOUND,
      "HTTP 400: -1121 Invalid symbol." },
    { { .status = 400, .body = "{\"code\":-1120,\"msg\":\"Invalid interval.\"}" },
      SF_EREFUSED,
      "HTTP 400: -1120 Invalid interval." },
    { { .status = 451 },
      SF_EREFUSED,
      "HTTP 451: the exchange does not serve this location" },
    { { .status = 401 }, SF_EAUTH, "HTTP 401 without the exchange's JSON" },
    { { .status = 404, .body = "<html>" },
      SF_EUNSUPPORTED,
      "HTTP 404 without the exchange's JSON" },
};

START_TEST(refusal_is_final)
{
    struct fixture f = { .stub = stub_start_script(&finals[_i].answer, 1) };
    struct got got;

    rest_setup(&f);
    rest_ask(&f, &got, "/x");
    rest_await(&f, &got);
    ck_assert_int_eq(got.status, finals[_i].want);
    ck_assert_str_eq(got.text, finals[_i].want_text);
    rest_idle(&f, 300);
    ck_assert_int_eq(stub_requests_n(f.stub), 1);
    ck_assert_int_eq(got.calls, 1);
    rest_teardown(&f);
}
END_TEST

/* --------------------------------------------------------- pause, callbacks, the end */

START_TEST(pause_holds_what_is_not_sent)
{
    static const struct stub_answer answer = { .status = 200,
                                               .body = "[]",
                                               .delay_ms = 100 };
    struct fixture f = { .stub = stub_start_script(&answer, 1) };
    struct got sent, held;

    rest_setup(&f);
    rest_ask(&f, &sent, "/sent");
    for (int i = 0; i < 1000 && stub_requests_n(f.stub) == 0; i++)
        rest_idle(&f, 5);
    sf_rest_pause(f.rest, true);
    rest_ask(&f, &held, "/held");
    rest_await(&f, &sent);
    rest_idle(&f, 150);
    ck_assert_int_eq(stub_requests_n(f.stub), 1);
    sf_rest_pause(f.rest, false);
    rest_await(&f, &held);
    ck_assert_int_eq(held.status, SF_OK);
    rest_teardown(&f);
}
END_TEST

/* A page that its reader finds bad is asked for again, from the callback. */
struct picky {
    struct fixture *f;
    struct got got;
    int bad;
};

static void on_picky(void *arg, enum sf_status status, struct sf_buf *body,
                     const struct sf_error *err)
{
    struct picky *p = arg;

    ck_assert_int_eq(status, SF_OK);
    if (p->bad++ < 3)
        ck_assert_int_eq(sf_rest_get(p->f->rest, SF_STR("/again"), 2, on_picky, p, NULL),
                         SF_OK);
    else
        rest_on_body(&p->got, status, body, err);
}

START_TEST(callback_may_get_again)
{
    static const struct stub_answer answer = { .status = 200, .body = "[]" };
    struct fixture f = { .stub = stub_start_script(&answer, 1) };
    struct picky p = { .f = &f };

    rest_setup(&f);
    ck_assert_int_eq(sf_rest_get(f.rest, SF_STR("/x"), 2, on_picky, &p, NULL), SF_OK);
    rest_await(&f, &p.got);
    ck_assert_int_eq(stub_requests_n(f.stub), 4);
    rest_teardown(&f);
}
END_TEST

static void on_take(void *arg, enum sf_status status, struct sf_buf *body,
                    const struct sf_error *err)
{
    struct sf_buf *mine = arg;

    (void)err;
    ck_assert_int_eq(status, SF_OK);
    *mine = *body;
    sf_buf_init(body, body->max);
}

START_TEST(callback_may_take_the_body)
{
    static const struct stub_answer answer = { .status = 200, .body = "[9]" };
    struct fixture f = { .stub = stub_start_script(&answer, 1) };
    struct sf_buf mine = { 0 };

    rest_setup(&f);
    ck_assert_int_eq(sf_rest_get(f.rest, SF_STR("/x"), 2, on_take, &mine, NULL), SF_OK);
    for (int i = 0; i < 1000 && mine.len == 0; i++)
        rest_idle(&f, 5);
    rest_teardown(&f);
    ck_assert_str_eq(sf_buf_cstr(&mine), "[9]");
    sf_buf_release(&mine);
}
END_TEST

START_TEST(destroy_calls_nobody)
{
    static const struct stub_answer answer = { .status = 200,
                                               .body = "[]",
                                               .delay_ms = 60000 };
    struct fixture f = { .stub = stub_start_script(&answer, 1) };
    struct got got[20];

    rest_setup(&f);
    for (int i = 0; i < COUNT(got); i++)
        rest_ask(&f, &got[i], "/x");
    for (int i = 0; i < 1000 && stub_requests_n(f.stub) == 0; i++)
        rest_idle(&f, 5);
    rest_ask(&f, &got[0], "/waits");
    rest_teardown(&f);
    for (int i = 0; i < COUNT(got); i++)
        ck_assert_int_eq(got[i].calls, 0);
    sf_rest_destroy(NULL);
}
END_TEST

static void on_short(void *arg, enum sf_status status, struct sf_buf *body,
                     const struct sf_error *err)
{
    struct got *got = arg; /* without check's macros, which allocate too */

    (void)body;
    (void)err;
    got->calls++;
    got->is_done = true;
    got->status = status;
}

/* One client and one call with the @n-th allocation failing; true when none failed. */
static bool ask_short_of_memory(struct fixture *f, int n)
{
    struct sf_rest *rest = NULL;
    struct got got = { 0 };
    enum sf_status status;

    oom_fail_at(n);
    status = sf_rest_create(f->loop, &f->conf, &f->exchange, &rest, NULL);
    if (status == SF_OK)
        status = sf_rest_get(rest, SF_STR("/x"), 2, on_short, &got, NULL);
    if (status == SF_OK)
        (void)sf_loop_run_until(f->loop, &got.is_done, WAIT_MS);
    if (!oom_has_failed()) {
        ck_assert_int_eq(got.status, SF_OK);
        sf_rest_destroy(rest);
        return true;
    }
    ck_assert(status == SF_OK || status == SF_ENOMEM);
    ck_assert_int_eq(got.calls, status == SF_OK);
    /* a page that did not fit, or a socket without a watch, is asked for again */
    ck_assert(got.status == SF_OK || got.status == SF_ENOMEM);
    sf_rest_destroy(rest);
    return false;
}

START_TEST(out_of_memory_ends_in_one_callback)
{
    static const struct stub_answer answer = { .status = 200, .body = "[]" };
    struct fixture f = { .stub = stub_start_script(&answer, 1) };
    int n = 0;

    rest_setup(&f);
    f.conf.http_timeout_ms = 300;
    while (n < 100 && !ask_short_of_memory(&f, n))
        n++;
    ck_assert_int_ge(n, 8);
    ck_assert_int_lt(n, 100);
    rest_teardown(&f);
}
END_TEST

static void rest_cases(Suite *s)
{
    TCase *tc = tcase_create("rest");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, body_is_handed_over);
    tcase_add_test(tc, passing_failure_is_tried_again);
    tcase_add_test(tc, retry_after_of_a_failure_is_kept);
    tcase_add_test(tc, gives_up_after_the_limit_of_failures);
    tcase_add_test(tc, nobody_listens);
    tcase_add_loop_test(tc, refusal_is_final, 0, COUNT(finals));
    tcase_add_test(tc, pause_holds_what_is_not_sent);
    tcase_add_test(tc, callback_may_get_again);
    tcase_add_test(tc, callback_may_take_the_body);
    tcase_add_test(tc, destroy_calls_nobody);
    tcase_add_test(tc, out_of_memory_ends_in_one_callback);
    suite_add_tcase(s, tc);
}

RUN_SUITE("rest", rest_cases)
