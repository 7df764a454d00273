#include "runner.h"

#include <sf/httpd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROUNDS_MAX 20000 /* of at most 1 ms each */
#define BIG        ((size_t)4 << 20)

static struct sf_loop *loop;
static struct sf_httpd *httpd;
static struct sf_httpd_req *held;
static struct sf_buf got;
static unsigned requests_n;

/* Answers by path: /echo the method, query and body; /hold nothing yet; and others. */
static void on_request(void *arg, struct sf_httpd_req *req)
{
    static const char *const extra[] = { "X-One", "1", "Date", "then", NULL };
    struct sf_str path = sf_httpd_path(req);
    struct sf_httpd_answer answer = { .status = 200, .content_type = "text/plain" };
    struct sf_buf b;

    (void)arg;
    requests_n++;
    if (sf_str_eq(path, SF_STR("/hold"))) {
        held = req;
        return;
    }
    sf_buf_init(&b, 2 * BIG);
    sf_buf_add_str(&b, sf_httpd_method(req));
    sf_buf_add_char(&b, ' ');
    sf_buf_add_str(&b, sf_httpd_query(req));
    sf_buf_add_char(&b, ' ');
    sf_buf_add_str(&b, sf_httpd_header(req, "x-test"));
    sf_buf_add_char(&b, ' ');
    sf_buf_add_str(&b, sf_httpd_body(req));
    answer.body = sf_buf_str(&b);
    if (sf_str_eq(path, SF_STR("/extra")))
        answer.headers = extra;
    if (sf_str_eq(path, SF_STR("/cut")))
        answer.cut_after = 3;
    if (sf_str_eq(path, SF_STR("/slow")))
        answer.bytes_per_s = 2000;
    if (sf_str_eq(path, SF_STR("/late")))
        answer.delay_ms = 30;
    if (sf_str_eq(path, SF_STR("/none")))
        answer.status = 204;
    sf_httpd_reply(req, &answer);
    sf_buf_release(&b);
}

static void start(void)
{
    struct sf_httpd_opts opts = {
        .listen = "127.0.0.1:0", .body_max = BIG, .connections_max = 4, .fn = on_request
    };

    ck_assert_int_eq(sf_loop_create(&loop, NULL), SF_OK);
    ck_assert_int_eq(sf_httpd_create(loop, &opts, &httpd, NULL), SF_OK);
    ck_assert_int_gt(sf_httpd_port(httpd), 0);
    sf_buf_init(&got, 4 * BIG);
    held = NULL;
    requests_n = 0;
}

static void stop(void)
{
    sf_httpd_destroy(httpd);
    sf_loop_destroy(loop);
    sf_buf_release(&got);
}

static int dial(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)sf_httpd_port(httpd)),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

static void turn(void)
{
    const bool never = false;

    (void)sf_loop_run_until(loop, &never, 1);
}

/* Bytes of the first answer in got, or 0 while it is not complete. */
static size_t answer_length(void)
{
    const char *text = sf_buf_cstr(&got);
    const char *end = strstr(text, "\r\n\r\n"), *field;
    size_t head, body = 0;

    if (!end)
        return 0;
    head = (size_t)(end - text) + 4;
    field = strstr(text, "Content-Length: ");
    if (field && field < end)
        body = (size_t)strtoul(field + 16, NULL, 10);
    return got.len >= head + body ? head + body : 0;
}

enum until { ONE_ANSWER, PEER_CLOSED };

/* Send @request and turn the loop until an answer is there, or the server closed. Returns
 * false when the rounds ran out. */
static bool talk(int fd, struct sf_str request, enum until until)
{
    size_t sent = 0;

    sf_buf_clear(&got);
    for (int round = 0; round < ROUNDS_MAX; round++) {
        char piece[65536];
        ssize_t n;

        if (sent < request.len) {
            n = send(fd, request.p + sent, request.len - sent,
                     MSG_DONTWAIT | MSG_NOSIGNAL);
            sent += n > 0 ? (size_t)n : 0;
        }
        turn();
        n = recv(fd, piece, sizeof(piece), MSG_DONTWAIT);
        if (n > 0)
            sf_buf_add(&got, piece, (size_t)n);
        if (n == 0)
            return until == PEER_CLOSED;
        if (until == ONE_ANSWER && answer_length() > 0)
            return true;
    }
    return false;
}

static void expect_answer(int fd, const char *request, const char *begins,
                          const char *ends)
{
    ck_assert_msg(talk(fd, sf_str_from(request), ONE_ANSWER), "no answer to %s", request);
    ck_assert_msg(sf_str_starts(sf_buf_str(&got), sf_str_from(begins)), "%s: %s", request,
                  sf_buf_cstr(&got));
    ck_assert_msg(sf_str_ends(sf_buf_str(&got), sf_str_from(ends)), "%s: %s", request,
                  sf_buf_cstr(&got));
}

START_TEST(requests_follow_each_other_on_one_connection)
{
    int fd = dial();

    expect_answer(fd, "GET /echo?a=1&b=2 HTTP/1.1\r\nHost: x\r\nX-Test: yes\r\n\r\n",
                  "HTTP/1.1 200 OK\r\nDate: ", "\r\n\r\nGET a=1&b=2 yes ");
    ck_assert(!sf_str_contains(sf_buf_str(&got), SF_STR("Server:")));
    expect_answer(fd, "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello",
                  "HTTP/1.1 200", "\r\n\r\nPOST   hello");
    expect_answer(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
                  "HTTP/1.1 200", "\r\n\r\nPOST   ");
    for (size_t i = 0; i < 3; i++) {
        static const char *const methods[] = { "PUT", "PATCH", "DELETE" };
        char request[128], answer[64];

        (void)snprintf(request, sizeof(request),
                       "%s /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n[]",
                       methods[i]);
        (void)snprintf(answer, sizeof(answer), "\r\n\r\n%s   []", methods[i]);
        expect_answer(fd, request, "HTTP/1.1 200", answer);
    }
    ck_assert_uint_eq(requests_n, 6);
    close(fd);
}
END_TEST

START_TEST(a_body_of_four_mib_arrives_and_returns)
{
    static const char head[] = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: "
                               "4194304\r\nExpect: 100-continue\r\n\r\n";
    struct sf_buf b;
    int fd = dial();

    sf_buf_init(&b, 2 * BIG);
    sf_buf_add(&b, head, sizeof(head) - 1);
    for (size_t i = 0; i < BIG; i++)
        sf_buf_add_char(&b, (char)('a' + i % 23));
    ck_assert(talk(fd, sf_str_from(head), ONE_ANSWER));
    ck_assert(sf_str_eq(sf_buf_str(&got), SF_STR("HTTP/1.1 100 Continue\r\n\r\n")));
    ck_assert(talk(fd, sf_str_make(b.p + sizeof(head) - 1, BIG), ONE_ANSWER));
    ck_assert(sf_str_ends(sf_buf_str(&got), sf_str_make(b.p + sizeof(head) - 1, BIG)));
    sf_buf_release(&b);
    close(fd);
}
END_TEST

START_TEST(pipelined_requests_are_answered_in_order)
{
    int fd = dial();

    ck_assert(talk(fd,
                   SF_STR("GET /late?1 HTTP/1.1\r\nHost: x\r\n\r\n"
                          "GET /echo?2 HTTP/1.1\r\nHost: x\r\n\r\n"
                          "GET /echo?3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
                   PEER_CLOSED));
    ck_assert_uint_eq(requests_n, 3);
    const char *one = strstr(sf_buf_cstr(&got), "GET 1 "), *two, *three;
    ck_assert_ptr_nonnull(one);
    two = strstr(one, "GET 2 ");
    ck_assert_ptr_nonnull(two);
    three = strstr(two, "GET 3 ");
    ck_assert_ptr_nonnull(three);
    close(fd);
}
END_TEST

START_TEST(head_gets_the_length_without_the_body)
{
    int fd = dial();

    ck_assert(talk(fd,
                   SF_STR("HEAD /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
                   PEER_CLOSED));
    ck_assert(sf_str_contains(sf_buf_str(&got), SF_STR("Content-Length: 7\r\n")));
    ck_assert(sf_str_ends(sf_buf_str(&got), SF_STR("\r\n\r\n")));
    close(fd);
}
END_TEST

START_TEST(headers_of_the_answer_are_sent)
{
    int fd = dial();

    expect_answer(fd, "GET /extra HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK\r\n",
                  "");
    ck_assert(
        sf_str_contains(sf_buf_str(&got), SF_STR("\r\nX-One: 1\r\nDate: then\r\n")));
    expect_answer(fd, "GET /none HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 204 No Content",
                  "\r\n\r\n");
    ck_assert(!sf_str_contains(sf_buf_str(&got), SF_STR("Content-Length")));
    close(fd);
}
END_TEST

START_TEST(cut_and_slow_bodies)
{
    int fd = dial();

    ck_assert(talk(fd, SF_STR("GET /cut HTTP/1.1\r\nHost: x\r\n\r\n"), PEER_CLOSED));
    ck_assert(sf_str_contains(sf_buf_str(&got), SF_STR("Content-Length: 6\r\n")));
    ck_assert(sf_str_ends(sf_buf_str(&got), SF_STR("\r\n\r\nGET")));
    close(fd);
    fd = dial();
    expect_answer(fd,
                  "POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 300\r\n\r\n"
                  "..................................................................."
                  "..................................................................."
                  "..................................................................."
                  "..................................................................."
                  "................................",
                  "HTTP/1.1 200", "....");
    close(fd);
}
END_TEST

START_TEST(an_answer_may_come_later)
{
    int fd = dial();

    for (int i = 0; i < ROUNDS_MAX && !held; i++) {
        if (i == 0)
            ck_assert_int_eq(send(fd, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n", 31, 0),
                             31);
        turn();
    }
    ck_assert_ptr_nonnull(held);
    ck_assert(sf_str_eq(sf_httpd_peer(held), SF_STR("127.0.0.1")));
    sf_httpd_reply_json(held, 200, SF_STR("{}"));
    expect_answer(fd, "", "HTTP/1.1 200 OK\r\n", "\r\n\r\n{}");
    ck_assert(sf_str_contains(
        sf_buf_str(&got), SF_STR("Content-Type: application/json; charset=utf-8\r\n")));
    close(fd);
}
END_TEST

START_TEST(a_peer_that_left_gets_nothing)
{
    struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
    int fd = dial();

    ck_assert_int_eq(send(fd, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n", 31, 0), 31);
    for (int i = 0; i < ROUNDS_MAX && !held; i++)
        turn();
    ck_assert_ptr_nonnull(held);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    close(fd);
    turn();
    turn();
    ck_assert(sf_str_eq(sf_httpd_path(held), SF_STR("/hold"))); /* still lent */
    sf_httpd_reply_json(held, 200, SF_STR("{}"));
    fd = dial();
    expect_answer(fd, "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200", "");
    close(fd);
}
END_TEST

START_TEST(destroyed_with_a_request_open)
{
    int fd = dial();

    ck_assert_int_eq(send(fd, "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n", 31, 0), 31);
    for (int i = 0; i < ROUNDS_MAX && !held; i++)
        turn();
    ck_assert_ptr_nonnull(held);
    sf_httpd_destroy(httpd);
    httpd = NULL;
    sf_httpd_reply_json(held, 200, SF_STR("{}"));
    close(fd);
}
END_TEST

static const struct {
    const char *request;
    const char *status;
} refused[] = {
    { "GET / HTTP/1.1\r\n\r\n", "400" }, /* no Host */
    { "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400" },
    { "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "400" },
    { "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "400" },
    { "GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505" },
    { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505" },
    { "GET path HTTP/1.1\r\nHost: a\r\n\r\n", "400" },
    { "GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", "400" },
    { "G\x01T / HTTP/1.1\r\nHost: a\r\n\r\n", "400" },
    { "\x16\x03\x01 a TLS hello", "400" },
    { "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "400" },
    { "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", "400" }, /* bare line feed */
    { "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", "400" },
    { "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "400" },
    { "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", "400" },
    { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
      "400" },
    { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\nx", "400" },
    { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\nx", "400" },
    { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\nx", "400" },
    { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\nx",
      "400" },
    { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: "
      "chunked\r\n\r\nx",
      "400" },
    { "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
      "chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
      "411" },
    { "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", "501" },
    { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4194305\r\n\r\n", "413" },
};

START_TEST(what_two_servers_might_read_differently_is_refused)
{
    int fd = dial();
    char begins[32];

    ck_assert_msg(talk(fd, sf_str_from(refused[_i].request), PEER_CLOSED),
                  "not closed after %s", refused[_i].request);
    (void)snprintf(begins, sizeof(begins), "HTTP/1.1 %s ", refused[_i].status);
    ck_assert_msg(sf_str_starts(sf_buf_str(&got), sf_str_from(begins)), "%s\ngot %s",
                  refused[_i].request, sf_buf_cstr(&got));
    ck_assert(sf_str_contains(sf_buf_str(&got), SF_STR("Connection: close\r\n")));
    ck_assert_uint_eq(requests_n, 0);
    close(fd);
}
END_TEST

START_TEST(a_head_over_its_limit_is_refused)
{
    struct sf_buf b;
    int fd = dial();

    sf_buf_init(&b, BIG);
    sf_buf_add_lit(&b, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
    for (int i = 0; i < 20000; i++)
        sf_buf_add_char(&b, 'x');
    ck_assert(talk(fd, sf_buf_str(&b), PEER_CLOSED));
    ck_assert(sf_str_starts(sf_buf_str(&got), SF_STR("HTTP/1.1 431 ")));
    close(fd);
    sf_buf_clear(&b);
    sf_buf_add_lit(&b, "GET / HTTP/1.1\r\nHost: a\r\n");
    for (int i = 0; i < 64; i++)
        sf_buf_add_lit(&b, "X: y\r\n");
    sf_buf_add_lit(&b, "\r\n");
    fd = dial();
    ck_assert(talk(fd, sf_buf_str(&b), PEER_CLOSED));
    ck_assert(sf_str_starts(sf_buf_str(&got), SF_STR("HTTP/1.1 431 ")));
    close(fd);
    sf_buf_release(&b);
}
END_TEST

START_TEST(connections_over_the_limit_are_closed)
{
    int fds[5];

    for (int i = 0; i < 5; i++)
        fds[i] = dial();
    turn();
    for (int i = 0; i < 4; i++)
        expect_answer(fds[i], "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200",
                      "");
    ck_assert(talk(fds[4], SF_STR_EMPTY, PEER_CLOSED));
    for (int i = 0; i < 5; i++)
        close(fds[i]);
}
END_TEST

static const struct {
    const char *in, *out;
    bool is_query;
} decoded[] = {
    { "a%20b", "a b", false }, { "a+b", "a+b", false },
    { "a+b", "a b", true },    { "%e2%82%AC", "\xe2\x82\xac", true },
    { "", "", true },          { "100%", NULL, true },
    { "%2", NULL, true },      { "%zz", NULL, true },
};

START_TEST(percent_encoding_is_decoded_or_refused)
{
    struct sf_buf b;
    enum sf_status rc;

    sf_buf_init(&b, 64);
    rc = sf_httpd_decode(sf_str_from(decoded[_i].in), decoded[_i].is_query, &b);
    ck_assert_int_eq(rc, decoded[_i].out ? SF_OK : SF_EPROTO);
    if (decoded[_i].out)
        ck_assert_str_eq(sf_buf_cstr(&b), decoded[_i].out);
    sf_buf_release(&b);
}
END_TEST

static const char *const bad_listens[] = { "",
                                           "8529",
                                           ":8529",
                                           "127.0.0.1",
                                           "127.0.0.1:",
                                           "127.0.0.1:65536",
                                           "127.0.0.1:-1",
                                           "example.com:80",
                                           "[::1:80" };

START_TEST(a_wrong_address_is_refused)
{
    struct sf_httpd_opts opts = { .listen = bad_listens[_i], .fn = on_request };
    struct sf_httpd *none = NULL;
    struct sf_error err = { 0 };

    ck_assert_int_eq(sf_httpd_create(loop, &opts, &none, &err), SF_EINVAL);
    ck_assert_ptr_null(none);
    ck_assert_msg(strstr(err.text, "expected"), "%s", err.text);
}
END_TEST

START_TEST(a_port_in_use_is_told)
{
    char at[32];
    struct sf_httpd_opts opts = { .listen = at, .fn = on_request };
    struct sf_httpd *none = NULL;
    struct sf_error err = { 0 };

    (void)snprintf(at, sizeof(at), "127.0.0.1:%d", sf_httpd_port(httpd));
    ck_assert_int_eq(sf_httpd_create(loop, &opts, &none, &err), SF_EIO);
    ck_assert_msg(strstr(err.text, at), "%s", err.text);
}
END_TEST

static void httpd_cases(Suite *s)
{
    TCase *tc = tcase_create("httpd");

    tcase_add_checked_fixture(tc, start, stop);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, requests_follow_each_other_on_one_connection);
    tcase_add_test(tc, a_body_of_four_mib_arrives_and_returns);
    tcase_add_test(tc, pipelined_requests_are_answered_in_order);
    tcase_add_test(tc, head_gets_the_length_without_the_body);
    tcase_add_test(tc, headers_of_the_answer_are_sent);
    tcase_add_test(tc, cut_and_slow_bodies);
    tcase_add_test(tc, an_answer_may_come_later);
    tcase_add_test(tc, a_peer_that_left_gets_nothing);
    tcase_add_test(tc, destroyed_with_a_request_open);
    tcase_add_loop_test(tc, what_two_servers_might_read_differently_is_refused, 0,
                        COUNT(refused));
    tcase_add_test(tc, a_head_over_its_limit_is_refused);
    tcase_add_test(tc, connections_over_the_limit_are_closed);
    tcase_add_loop_test(tc, percent_encoding_is_decoded_or_refused, 0, COUNT(decoded));
    tcase_add_loop_test(tc, a_wrong_address_is_refused, 0, COUNT(bad_listens));
    tcase_add_test(tc, a_port_in_use_is_told);
    suite_add_tcase(s, tc);
}

RUN_SUITE("httpd", httpd_cases)
