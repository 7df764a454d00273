#include "http_fixture.h"
#include "oom.h"

#include <sf/time.h>

#include <stdio.h>

/* Cancels another request and itself from its callback, then asks again. */
struct chain {
    struct sf_http *http;
    const char *url;
    uint64_t own_id, other_id;
    int calls;
    bool is_done;
};

static void on_chain(void *arg, struct sf_http_answer *answer)
{
    struct chain *c = arg;
    const struct sf_http_request req = { .url = c->url, .fn = on_chain, .arg = c };

    ck_assert_int_eq(answer->status, 200);
    sf_http_cancel(c->http, c->other_id);
    sf_http_cancel(c->http, c->own_id);
    if (++c->calls < 5)
        ck_assert_int_eq(sf_http_send(c->http, &req, &c->own_id, NULL), SF_OK);
    else
        c->is_done = true;
}

START_TEST(callback_may_send_and_cancel)
{
    static const struct stub_answer answers[] = { { .status = 200, .delay_ms = 60000 },
                                                  { .status = 200 } };
    struct stub *stub = stub_start_script(answers, COUNT(answers));
    struct fixture f = setup(NULL);
    struct got never = { 0 };
    struct chain chain = { .http = f.http, .url = stub_url(stub) };
    const struct sf_http_request slow = { .url = chain.url,
                                          .fn = on_answer,
                                          .arg = &never };
    const struct sf_http_request first = { .url = chain.url,
                                           .fn = on_chain,
                                           .arg = &chain };

    ck_assert_int_eq(sf_http_send(f.http, &slow, &chain.other_id, NULL), SF_OK);
    for (int i = 0; i < 1000 && stub_requests_n(stub) == 0; i++)
        (void)sf_loop_run_until(f.loop, &never.is_done, 5);
    ck_assert_int_eq(sf_http_send(f.http, &first, &chain.own_id, NULL), SF_OK);
    ck_assert(sf_loop_run_until(f.loop, &chain.is_done, WAIT_MS));
    ck_assert_int_eq(chain.calls, 5);
    ck_assert_int_eq(never.calls, 0);
    ck_assert_uint_eq(sf_http_pending(f.http), 0);
    sf_http_cancel(f.http, 4711);
    teardown(&f);
    stub_stop(stub);
}
END_TEST

START_TEST(destroy_drops_what_is_under_way)
{
    static const struct stub_answer answer = { .status = 200, .delay_ms = 60000 };
    struct stub *stub = stub_start_script(&answer, 1);
    struct fixture f = setup(NULL);
    struct got got = { 0 };
    const struct sf_http_request req = { .url = stub_url(stub),
                                         .fn = on_answer,
                                         .arg = &got };

    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(sf_http_send(f.http, &req, NULL, NULL), SF_OK);
    for (int i = 0; i < 1000 && stub_requests_n(stub) == 0; i++)
        (void)sf_loop_run_until(f.loop, &got.is_done, 5);
    teardown(&f);
    ck_assert_int_eq(got.calls, 0);
    sf_http_destroy(NULL);
    stub_stop(stub);
}
END_TEST

/* As on_answer; without check's macros, which allocate too. */
static void on_short_answer(void *arg, struct sf_http_answer *answer)
{
    struct got *got = arg;

    got->calls++;
    got->is_done = true;
    got->status = answer->status;
    got->err = answer->err.status;
}

/* A request with the @n-th allocation failing, and one more. True when all went well. */
static bool ask_short_of_memory(struct sf_loop *loop, const char *url, int n)
{
    const struct sf_http_opts opts = { .ca_path = "/nowhere" };
    struct sf_http *http = NULL;
    struct got got = { 0 };
    const struct sf_http_request req = { .method = "POST",
                                         .url = url,
                                         .body = SF_STR("body"),
                                         .headers = { "X-One: 1" },
                                         .timeout_ms = 300,
                                         .fn = on_short_answer,
                                         .arg = &got };
    struct sf_error err = { 0 };
    enum sf_status created, sent = SF_OK;

    oom_fail_at(n);
    created = sf_http_create(loop, &opts, &http, &err);
    if (created == SF_OK)
        sent = sf_http_send(http, &req, NULL, &err);
    if (created == SF_OK && sent == SF_OK)
        (void)sf_loop_run_until(loop, &got.is_done, WAIT_MS);
    if (!oom_has_failed()) {
        ck_assert_int_eq(got.status, 200);
        sf_http_destroy(http);
        return true;
    }
    ck_assert(created == SF_OK || (created == SF_ENOMEM && !http));
    ck_assert(sent == SF_OK || sent == SF_ENOMEM);
    ck_assert_int_eq(err.status, created == SF_OK ? sent : created);
    ck_assert_int_eq(got.calls, created == SF_OK && sent == SF_OK);
    if (got.calls > 0 && got.status == 0) /* a socket without a watch times out */
        ck_assert(got.err == SF_ENOMEM || got.err == SF_ETIMEOUT);
    if (!http)
        return false;
    ck_assert_uint_eq(sf_http_pending(http), 0);
    got = (struct got){ 0 }; /* the same client goes on */
    ck_assert_int_eq(sf_http_send(http, &req, NULL, NULL), SF_OK);
    ck_assert(sf_loop_run_until(loop, &got.is_done, WAIT_MS));
    ck_assert_int_eq(got.status, 200);
    sf_http_destroy(http);
    return false;
}

START_TEST(out_of_memory_fails_one_request)
{
    static const struct stub_answer answer = { .status = 200, .body = "some text" };
    struct stub *stub = stub_start_script(&answer, 1);
    struct sf_loop *loop;
    int n;

    ck_assert_int_eq(sf_loop_create(&loop, NULL), SF_OK);
    for (n = 0; n < 100; n++)
        if (ask_short_of_memory(loop, stub_url(stub), n))
            break;
    ck_assert_int_ge(n, 5); /* client, its timer, request, body, watch, answer */
    ck_assert_int_lt(n, 100);
    sf_loop_destroy(loop);
    stub_stop(stub);
}
END_TEST

static void http_life_cases(Suite *s)
{
    TCase *tc = tcase_create("http_life");

    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, callback_may_send_and_cancel);
    tcase_add_test(tc, destroy_drops_what_is_under_way);
    tcase_add_test(tc, out_of_memory_fails_one_request);
    suite_add_tcase(s, tc);
}

RUN_SUITE("http_life", http_life_cases)
