/* A server that runs out of memory while it serves ends that exchange, and only that. */
#include "oom.h"
#include "runner.h"

#include <sf/httpd.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROUNDS_MAX   5000 /* of at most 1 ms each */
#define FAILURES_MAX 200

static struct sf_loop *loop;
static struct sf_httpd *httpd;

static void on_request(void *arg, struct sf_httpd_req *req)
{
    struct sf_httpd_answer answer = { .status = 200, .content_type = "text/plain" };

    (void)arg;
    answer.body = sf_httpd_body(req);
    sf_httpd_reply(req, &answer);
}

static void start(void)
{
    struct sf_httpd_opts opts = {
        .listen = "127.0.0.1:0", .body_max = 65536, .connections_max = 4, .fn = on_request
    };

    ck_assert_int_eq(sf_loop_create(&loop, NULL), SF_OK);
    ck_assert_int_eq(sf_httpd_create(loop, &opts, &httpd, NULL), SF_OK);
}

static void stop(void)
{
    sf_httpd_destroy(httpd);
    sf_loop_destroy(loop);
}

static int dial(void)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)sf_httpd_port(httpd)),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

/* Two requests in one go, with the @fail_at-th allocation of the server failing (-1:
 * none); what comes back until it closes. Did the failure happen? No check in between:
 * libcheck allocates, too. */
static bool exchange(int fail_at, char *answer, size_t size)
{
    static const char ask[] =
        "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\none"
        "POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
        "Connection: close\r\n\r\ntwo";
    const bool never = false;
    size_t len = 0;
    int fd = dial(), round;
    ssize_t n = -1;
    bool has_failed;

    ck_assert_int_eq(send(fd, ask, sizeof(ask) - 1, MSG_NOSIGNAL), sizeof(ask) - 1);
    oom_fail_at(fail_at);
    for (round = 0; round < ROUNDS_MAX && n != 0; round++) {
        (void)sf_loop_run_until(loop, &never, 1);
        n = recv(fd, answer + len, size - 1 - len, MSG_DONTWAIT);
        if (n > 0)
            len += (size_t)n;
        else if (n < 0 && errno == ECONNRESET)
            n = 0;
    }
    has_failed = oom_has_failed();
    ck_assert_msg(n == 0, "failure %d: the server neither answers nor closes", fail_at);
    (void)close(fd);
    answer[len] = '\0';
    return has_failed;
}

static void expect_both(void)
{
    char answer[4096];

    (void)exchange(-1, answer, sizeof(answer));
    ck_assert_ptr_nonnull(strstr(answer, "\r\n\r\none"));
    ck_assert_ptr_nonnull(strstr(answer, "\r\n\r\ntwo"));
}

START_TEST(an_exchange_without_memory_ends_and_the_next_is_served)
{
    char answer[4096];
    int n;

    for (n = 0; n < FAILURES_MAX; n++) {
        if (!exchange(n, answer, sizeof(answer)))
            break;
        ck_assert_msg(answer[0] == '\0' || strncmp(answer, "HTTP/1.1 ", 9) == 0,
                      "failure %d: %s", n, answer);
        expect_both();
    }
    ck_assert_int_ge(n, 4); /* connection, request, what came, what goes */
    ck_assert_int_lt(n, FAILURES_MAX);
}
END_TEST

static void httpd_oom_cases(Suite *s)
{
    TCase *tc = tcase_create("httpd_oom");

    tcase_add_checked_fixture(tc, start, stop);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, an_exchange_without_memory_ends_and_the_next_is_served);
    suite_add_tcase(s, tc);
}

RUN_SUITE("httpd_oom", httpd_oom_cases)
