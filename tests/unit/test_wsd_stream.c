#include "runner.h"

#include <sf/wsd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROUNDS_MAX  20000 /* of at most 1 ms each */
#define WAITING_MAX ((size_t)64 << 10)
#define HEAD                                             \
    "HTTP/1.1 200 OK\r\nContent-Type: text/x-stream\r\n" \
    "Cache-Control: no-store\r\nConnection: close\r\n\r\n"

static struct sf_loop *loop;
static struct sf_httpd *httpd;
static struct sf_wsd *stream; /* NULL when it is over */
static struct sf_wsd_opts opts;
static struct sf_buf got;
static int closed_n, code, fd;

static void on_closed(void *arg, struct sf_wsd *ws, int closed_with)
{
    (void)arg;
    ck_assert_ptr_eq(ws, stream);
    stream = NULL;
    closed_n++;
    code = closed_with;
}

static void on_message(void *arg, struct sf_wsd *ws, struct sf_str message,
                       bool is_binary)
{
    (void)arg;
    (void)ws;
    (void)message;
    (void)is_binary;
    ck_abort_msg("the peer of a stream says nothing");
}

static void on_request(void *arg, struct sf_httpd_req *req)
{
    (void)arg;
    ck_assert_int_eq(sf_wsd_stream(req, "text/x-stream", &opts, &stream, NULL), SF_OK);
}

/* A turn of the loop; false when the server has hung up. */
static bool turn(void)
{
    const bool never = false;
    char piece[65536];
    ssize_t n;

    (void)sf_loop_run_until(loop, &never, 1);
    n = recv(fd, piece, sizeof(piece), MSG_DONTWAIT);
    if (n > 0)
        sf_buf_add(&got, piece, (size_t)n);
    return n != 0;
}

static void say(struct sf_str bytes)
{
    ck_assert_int_eq(send(fd, bytes.p, bytes.len, MSG_NOSIGNAL), (ssize_t)bytes.len);
}

static void start(int64_t ping_ms)
{
    struct sf_httpd_opts server = { .listen = "127.0.0.1:0", .fn = on_request };
    struct sockaddr_in at = { .sin_family = AF_INET };

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    opts = (struct sf_wsd_opts){ .waiting_max = WAITING_MAX,
                                 .ping_ms = ping_ms,
                                 .on_message = on_message,
                                 .on_closed = on_closed };
    closed_n = code = 0;
    stream = NULL;
    sf_buf_init(&got, (size_t)1 << 24);
    ck_assert_int_eq(sf_loop_create(&loop, NULL), SF_OK);
    ck_assert_int_eq(sf_httpd_create(loop, &server, &httpd, NULL), SF_OK);
    at.sin_port = htons((uint16_t)sf_httpd_port(httpd));
    fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    say(SF_STR("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    for (int i = 0; i < ROUNDS_MAX && got.len < sizeof(HEAD) - 1; i++)
        ck_assert(turn());
    ck_assert(sf_str_starts(sf_buf_str(&got), SF_STR(HEAD)));
    ck_assert_ptr_nonnull(stream);
}

static void stop(void)
{
    (void)close(fd);
    sf_httpd_destroy(httpd);
    sf_loop_destroy(loop);
    sf_buf_release(&got);
    ck_assert_int_eq(closed_n, 1);
}

static void wait_end(void)
{
    int i = 0;

    while (i < ROUNDS_MAX && turn())
        i++;
    ck_assert_int_lt(i, ROUNDS_MAX);
}

START_TEST(messages_go_out_as_they_are_until_the_close)
{
    start(0);
    ck_assert(sf_wsd_send(stream, SF_STR("one\n"), false));
    say(SF_STR("of no interest"));
    for (int i = 0; i < ROUNDS_MAX && got.len < sizeof(HEAD "one\n") - 1; i++)
        ck_assert(turn());
    ck_assert(sf_wsd_send(stream, SF_STR("two\n"), false));
    sf_wsd_close(stream, SF_WSD_NORMAL, SF_STR_EMPTY);
    ck_assert(!sf_wsd_send(stream, SF_STR("too late"), false));
    wait_end();
    ck_assert_str_eq(sf_buf_cstr(&got), HEAD "one\ntwo\n");
    stop();
    ck_assert_int_eq(code, SF_WSD_NORMAL);
}
END_TEST

START_TEST(a_ping_is_a_comment)
{
    start(1);
    for (int i = 0; i < ROUNDS_MAX && got.len < sizeof(HEAD ":\n\n:\n\n") - 1; i++)
        ck_assert(turn());
    ck_assert(sf_str_starts(sf_buf_str(&got), SF_STR(HEAD ":\n\n:\n\n")));
    stop();
    ck_assert_int_eq(code, SF_WSD_LOST);
}
END_TEST

START_TEST(one_that_does_not_read_is_cut)
{
    static char message[4096];
    const bool never = false;
    int sent = 0;

    memset(message, 'x', sizeof(message));
    start(0);
    while (sent < ROUNDS_MAX &&
           sf_wsd_send(stream, sf_str_make(message, sizeof(message)), false)) {
        ck_assert_uint_le(sf_wsd_waiting(stream), WAITING_MAX);
        (void)sf_loop_run_until(loop, &never, 0);
        sent++;
    }
    ck_assert_int_lt(sent, ROUNDS_MAX);
    wait_end();
    ck_assert_uint_le(got.len, sizeof(HEAD) + (size_t)sent * sizeof(message));
    stop();
    ck_assert_int_eq(code, SF_WSD_POLICY);
}
END_TEST

START_TEST(a_peer_that_leaves_ends_it)
{
    start(0);
    (void)shutdown(fd, SHUT_WR);
    for (int i = 0; i < ROUNDS_MAX && closed_n == 0; i++)
        (void)turn();
    stop();
    ck_assert_int_eq(code, SF_WSD_LOST);
}
END_TEST

static void stream_cases(Suite *s)
{
    TCase *tc = tcase_create("stream");

    tcase_add_test(tc, messages_go_out_as_they_are_until_the_close);
    tcase_add_test(tc, a_ping_is_a_comment);
    tcase_add_test(tc, one_that_does_not_read_is_cut);
    tcase_add_test(tc, a_peer_that_leaves_ends_it);
    suite_add_tcase(s, tc);
}

RUN_SUITE("wsd_stream", stream_cases)
