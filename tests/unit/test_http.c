#include "http_fixture.h"
#include "oom.h"

#include <sf/time.h>

#include <stdio.h>

#define TEXT_MAX 256

START_TEST(answer_has_status_headers_and_body)
{
    static const struct stub_answer answers[] = {
        { .status = 200, .headers = "Content-Type: text/x\r\n", .body = "[1,2]" },
        { .status = 404, .body = "none" },
        { .status = 200, .body = "in chunks", .is_chunked = true },
        { .status = 302, .headers = "Location: /elsewhere\r\n" },
        { .status = 503, .body = "away", .is_closing = true },
    };
    struct stub *stub = stub_start_script(answers, COUNT(answers));
    struct fixture f = setup(NULL);

    for (int i = 0; i < COUNT(answers); i++) {
        struct got got = ask(&f, stub_url(stub), "/a?b=c", (struct sf_http_request){ 0 });

        ck_assert_int_eq(got.status, answers[i].status);
        ck_assert_str_eq(got.text, "");
        ck_assert_str_eq(got.type, i == 0 ? "text/x" : "");
        assert_body(&got, answers[i].body ? answers[i].body : "");
    }
    ck_assert_int_eq(stub_requests_n(stub),
                     COUNT(answers)); /* the redirect is not gone to */
    ck_assert(sf_str_eq(stub_request(stub, 0)->path, SF_STR("/a?b=c")));
    ck_assert(sf_str_eq(stub_request(stub, 0)->method, SF_STR("GET")));
    ck_assert_uint_eq(stub_header(stub_request(stub, 0), "Authorization").len, 0);
    teardown(&f);
    stub_stop(stub);
}
END_TEST

START_TEST(connection_is_kept)
{
    static const struct stub_answer answer = { .status = 200, .body = "{}" };
    struct stub *stub = stub_start_script(&answer, 1);
    struct fixture f = setup(NULL);

    for (int i = 0; i < 20; i++) {
        struct got got = ask(&f, stub_url(stub), "/", (struct sf_http_request){ 0 });

        ck_assert_int_eq(got.status, 200);
        sf_buf_release(&got.body);
    }
    ck_assert_int_eq(stub_connections_n(stub), 1);
    teardown(&f);
    stub_stop(stub);
}
END_TEST

static const struct {
    const char *method;
    size_t body_n;
    const char *want_method, *want_length;
} sends[] = {
    { NULL, 0, "GET", "" },
    { "GET", 0, "GET", "" },
    { "HEAD", 0, "HEAD", "" },
    { "DELETE", 0, "DELETE", "" },
    { "DELETE", 4, "DELETE", "4" },
    { "POST", 0, "POST", "0" },
    { "PUT", 7, "PUT", "7" },
    { "PATCH", 1, "PATCH", "1" },
    { "POST", 3000000, "POST", "3000000" }, /* libcurl would say Expect: from 1 MB on */
};

START_TEST(request_is_sent_plain)
{
    static const struct stub_answer answer = { .status = 200, .body = "{}" };
    struct stub *stub = stub_start_script(&answer, 1);
    struct fixture f = setup(NULL);
    char *body = malloc(sends[_i].body_n + 1);

    ck_assert_ptr_nonnull(body);
    memset(body, 'x', sends[_i].body_n);
    for (int is_lent = 0; is_lent < 2; is_lent++) {
        struct got got =
            ask(&f, stub_url(stub), "/p",
                (struct sf_http_request){ .method = sends[_i].method,
                                          .body = { body, sends[_i].body_n },
                                          .body_is_lent = is_lent,
                                          .headers = { "X-One: 1", "X-Two: zwei" } });
        const struct stub_request *req = stub_request(stub, is_lent);

        ck_assert_int_eq(got.status, 200);
        sf_buf_release(&got.body);
        ck_assert(sf_str_eq(req->method, sf_str_from(sends[_i].want_method)));
        ck_assert(sf_str_eq(stub_header(req, "Content-Length"),
                            sf_str_from(sends[_i].want_length)));
        ck_assert_uint_eq(stub_header(req, "Transfer-Encoding").len, 0);
        ck_assert_uint_eq(stub_header(req, "Expect").len, 0);
        ck_assert(sf_str_eq(stub_header(req, "X-Two"), SF_STR("zwei")));
        ck_assert(sf_str_eq(req->body, sf_str_make(body, sends[_i].body_n)));
    }
    free(body);
    teardown(&f);
    stub_stop(stub);
}
END_TEST

START_TEST(copied_body_may_go_at_once)
{
    static const struct stub_answer answer = { .status = 200 };
    struct stub *stub = stub_start_script(&answer, 1);
    struct fixture f = setup(NULL);
    char body[] = "as it was", header[] = "X-One: as it was", url[64];
    struct got got = { 0 };
    const struct sf_http_request req = { .method = "POST",
                                         .url = url,
                                         .body = { body, sizeof(body) - 1 },
                                         .headers = { header },
                                         .fn = on_answer,
                                         .arg = &got };

    (void)snprintf(url, sizeof(url), "%s/", stub_url(stub));
    ck_assert_int_eq(sf_http_send(f.http, &req, NULL, NULL), SF_OK);
    memset(body, '!', sizeof(body) - 1);
    memset(header, '!', sizeof(header) - 1);
    memset(url, '!', sizeof(url) - 1);
    ck_assert(sf_loop_run_until(f.loop, &got.is_done, WAIT_MS));
    ck_assert_int_eq(got.status, 200);
    ck_assert(sf_str_eq(stub_request(stub, 0)->body, SF_STR("as it was")));
    ck_assert(
        sf_str_eq(stub_header(stub_request(stub, 0), "X-One"), SF_STR("as it was")));
    sf_buf_release(&got.body);
    teardown(&f);
    stub_stop(stub);
}
END_TEST

static const struct {
    struct stub_answer answer;
    int64_t timeout_ms;
    enum sf_status want;
    const char *want_text; /* behind "127.0.0.1:<port>: " */
} failures[] = {
    { { 0 }, 0, SF_EIO, "Empty reply from server" },
    { { .status = 200, .body = "0123456789", .cut = 4 },
      0,
      SF_EIO,
      "transfer closed with 6 bytes remaining to read" },
    { { .status = 200, .body = "0123456789", .cut = 4, .is_chunked = true },
      0,
      SF_EIO,
      "transfer closed with outstanding read data remaining" },
    { { .status = 200, .delay_ms = 60000 }, 100, SF_ETIMEOUT, "Operation timed out" },
    { { .status = 200, .body = "0123456789", .slow_ms = 60000 },
      100,
      SF_ETIMEOUT,
      "Operation timed out" },
    { { .status = 200, .body = "01234567890123456789x" },
      0,
      SF_ETOOBIG,
      "the answer is over 20 bytes" },
};

START_TEST(failure_says_host_and_reason)
{
    const struct sf_http_opts opts = { .body_max = 20 };
    struct stub *stub = stub_start_script(&failures[_i].answer, 1);
    struct fixture f = setup(&opts);
    char want[256];
    struct got got =
        ask(&f, stub_url(stub), "/secret?key=secret",
            (struct sf_http_request){ .timeout_ms = failures[_i].timeout_ms });

    (void)snprintf(want, sizeof(want), "127.0.0.1:%d: %s", stub_port(stub),
                   failures[_i].want_text);
    ck_assert_int_eq(got.status, 0);
    ck_assert_msg(got.err == failures[_i].want, "%s: %s", sf_status_name(got.err),
                  got.text);
    ck_assert_msg(strncmp(got.text, want, strlen(want)) == 0, "%s", got.text);
    ck_assert_ptr_null(strstr(got.text, "secret"));
    sf_buf_release(&got.body);
    teardown(&f);
    stub_stop(stub);
}
END_TEST

START_TEST(whole_body_up_to_the_ceiling_is_taken)
{
    static const struct stub_answer answer = { .status = 200,
                                               .body = "01234567890123456789" };
    const struct sf_http_opts opts = { .body_max = 20 };
    struct stub *stub = stub_start_script(&answer, 1);
    struct fixture f = setup(&opts);
    struct got got = ask(&f, stub_url(stub), "/", (struct sf_http_request){ 0 });

    ck_assert_int_eq(got.status, 200);
    assert_body(&got, "01234567890123456789");
    teardown(&f);
    stub_stop(stub);
}
END_TEST

/* 64 characters are too long for a label, so that no name server is asked. */
#define NO_NAME "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.test"

static const struct {
    const char *url; /* $: a port where nobody listens */
    enum sf_status want;
    const char *want_text;
} unreachable[] = {
    { "http://127.0.0.1:$/", SF_EIO, "127.0.0.1:$: Failed to connect" },
    { "http://user:secret@127.0.0.1:$/x", SF_EIO, "127.0.0.1:$: Failed to connect" },
    { "http://us@er:secret@127.0.0.1:$?x", SF_EINVAL, "127.0.0.1:$: URL using bad" },
    { "https://127.0.0.1:$/", SF_EIO, "127.0.0.1:$: Failed to connect" },
    { "http://" NO_NAME ":$/", SF_EIO, NO_NAME ":$: Could not resolve host: " NO_NAME },
    { "http://127.0.0.1:$99999/", SF_EINVAL, "127.0.0.1:" },
    { "http://user:secret@", SF_EINVAL, ": " },
};

static void with_port(const char *text, int port, char *dst)
{
    struct sf_str after, before = sf_str_cut(sf_str_from(text), '$', &after);

    if (before.len == strlen(text))
        (void)snprintf(dst, TEXT_MAX, "%s", text);
    else
        (void)snprintf(dst, TEXT_MAX, "%" SF_STR_FMT "%d%" SF_STR_FMT, SF_STR_ARG(before),
                       port, SF_STR_ARG(after));
}

START_TEST(unreachable_host_is_named_without_credentials)
{
    static const struct stub_answer answer = { .status = 200 };
    struct stub *stub = stub_start_script(&answer, 1);
    struct fixture f = setup(NULL);
    int port = stub_port(stub);
    char url[TEXT_MAX], want[TEXT_MAX];
    struct got got;

    stub_stop(stub);
    with_port(unreachable[_i].url, port, url);
    with_port(unreachable[_i].want_text, port, want);
    got = ask(&f, url, "", (struct sf_http_request){ 0 });
    ck_assert_int_eq(got.status, 0);
    ck_assert_msg(got.err == unreachable[_i].want, "%s: %s", sf_status_name(got.err),
                  got.text);
    ck_assert_msg(strncmp(got.text, want, strlen(want)) == 0, "%s", got.text);
    ck_assert_ptr_null(strstr(got.text, "secret"));
    teardown(&f);
}
END_TEST

static const struct {
    const char *url, *header, *want_text;
} refused[] = {
    { "file:///etc/passwd", NULL, ": expected http://host or https://host" },
    { "ftp://user:secret@host/x", NULL, "host: expected http://host or https://host" },
    { "host:80", NULL, "host:80: expected http://host or https://host" },
    { "", NULL, ": expected http://host or https://host" },
    { "http://127.0.0.1:1/", "X: secret\r\nY: 1", "X: line break in a header" },
};

START_TEST(bad_request_is_refused_at_once)
{
    struct fixture f = setup(NULL);
    struct got got = { 0 };
    struct sf_error err = { 0 };
    uint64_t id = 77;
    const struct sf_http_request req = { .url = refused[_i].url,
                                         .headers = { refused[_i].header },
                                         .fn = on_answer,
                                         .arg = &got };

    ck_assert_int_eq(sf_http_send(f.http, &req, &id, &err), SF_EINVAL);
    ck_assert_str_eq(err.text, refused[_i].want_text);
    ck_assert_uint_eq(id, 77);
    ck_assert_uint_eq(sf_http_pending(f.http), 0);
    ck_assert(!sf_loop_run_until(f.loop, &got.is_done, 0));
    teardown(&f);
}
END_TEST

START_TEST(many_at_once_share_the_connections)
{
    static const struct stub_answer answer = { .status = 200,
                                               .body = "x",
                                               .delay_ms = 5 };
    const struct sf_http_opts opts = { .connections_max = 6 };
    struct stub *stub = stub_start_script(&answer, 1);
    struct fixture f = setup(&opts);
    struct got got[40] = { 0 };

    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < COUNT(got); i++) {
            const struct sf_http_request req = { .url = stub_url(stub),
                                                 .fn = on_answer,
                                                 .arg = &got[i] };

            got[i] = (struct got){ 0 };
            ck_assert_int_eq(sf_http_send(f.http, &req, NULL, NULL), SF_OK);
        }
        ck_assert_uint_eq(sf_http_pending(f.http), COUNT(got));
        for (int i = 0; i < COUNT(got); i++) {
            ck_assert(sf_loop_run_until(f.loop, &got[i].is_done, WAIT_MS));
            ck_assert_int_eq(got[i].status, 200);
            sf_buf_release(&got[i].body);
        }
    }
    ck_assert_int_eq(stub_connections_n(stub), 6);
    ck_assert_uint_eq(sf_http_pending(f.http), 0);
    teardown(&f);
    stub_stop(stub);
}
END_TEST
static void http_cases(Suite *s)
{
    TCase *tc = tcase_create("http");

    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, answer_has_status_headers_and_body);
    tcase_add_test(tc, connection_is_kept);
    tcase_add_loop_test(tc, request_is_sent_plain, 0, COUNT(sends));
    tcase_add_test(tc, copied_body_may_go_at_once);
    tcase_add_loop_test(tc, failure_says_host_and_reason, 0, COUNT(failures));
    tcase_add_test(tc, whole_body_up_to_the_ceiling_is_taken);
    tcase_add_loop_test(tc, unreachable_host_is_named_without_credentials, 0,
                        COUNT(unreachable));
    tcase_add_loop_test(tc, bad_request_is_refused_at_once, 0, COUNT(refused));
    tcase_add_test(tc, many_at_once_share_the_connections);
    suite_add_tcase(s, tc);
}

RUN_SUITE("http", http_cases)
