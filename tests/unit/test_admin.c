#include "oom.h"
#include "runner.h"

#include <sf/admin.h>
#include <sf/metrics.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROUNDS_MAX 20000 /* of at most 1 ms each */

static struct sf_loop *loop;
static struct sf_admin *admin;
static struct sf_conf conf;
static struct sf_buf got;
static char listen_at[32], queue_id[] = "loader-btcusdt-api_candles_5m-2024_06_01-abc123";
static bool ready;

static bool is_ready(void *arg, struct sf_buf *why)
{
    ck_assert_ptr_eq(arg, &ready);
    if (!ready)
        sf_buf_add_lit(why, "lag 12 over its limit \"10\"");
    return ready;
}

/* A port that was free a moment ago: admin tells its own in the log only. */
static int free_port(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, len), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    close(fd);
    return ntohs(at.sin_port);
}

static void start(void)
{
    enum sf_status rc = SF_EIO;

    ck_assert_int_eq(sf_loop_create(&loop, NULL), SF_OK);
    conf.queue_id = queue_id;
    conf.admin_listen = listen_at;
    (void)snprintf(conf.subject, sizeof(conf.subject), "BTCUSDT");
    for (int i = 0; i < 10 && rc == SF_EIO; i++) { /* another may take the port */
        (void)snprintf(listen_at, sizeof(listen_at), "127.0.0.1:%d", free_port());
        rc = sf_admin_create(loop, &conf, is_ready, &ready, &admin, NULL);
    }
    ck_assert_int_eq(rc, SF_OK);
    ck_assert_ptr_nonnull(admin);
    sf_metrics_reset();
    sf_buf_init(&got, 1 << 20);
    ready = true;
}

static void stop(void)
{
    sf_admin_destroy(admin);
    sf_loop_destroy(loop);
    sf_buf_release(&got);
}

/* The whole answer to "METHOD PATH", as text. */
static const char *ask(const char *what)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM, 0), n;
    const bool never = false;
    char request[256];
    int64_t port;

    ck_assert_int_eq(sf_str_to_i64(sf_str_from(strchr(listen_at, ':') + 1), &port),
                     SF_OK);
    at.sin_port = htons((uint16_t)port);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    n = snprintf(request, sizeof(request),
                 "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", what);
    ck_assert_int_eq(send(fd, request, (size_t)n, 0), n);
    sf_buf_clear(&got);
    for (int round = 0; round < ROUNDS_MAX; round++) {
        char piece[65536];
        ssize_t len;

        (void)sf_loop_run_until(loop, &never, 1);
        len = recv(fd, piece, sizeof(piece), MSG_DONTWAIT);
        if (len == 0)
            break;
        if (len > 0)
            sf_buf_add(&got, piece, (size_t)len);
    }
    close(fd);
    return sf_buf_cstr(&got);
}

static void expect(const char *what, const char *begins, const char *ends)
{
    (void)ask(what);
    ck_assert_msg(sf_str_starts(sf_buf_str(&got), sf_str_from(begins)) &&
                      sf_str_ends(sf_buf_str(&got), sf_str_from(ends)),
                  "%s: %s", what, sf_buf_cstr(&got));
}

static const struct {
    const char *what, *begins, *ends;
} routes[] = {
    { "GET /health/live", "HTTP/1.1 200 ", "\r\n\r\n{\"status\":\"live\"}\n" },
    { "GET /health/ready", "HTTP/1.1 200 ", "\r\n\r\n{\"status\":\"ready\"}\n" },
    { "GET /health/ready?verbose", "HTTP/1.1 200 ", "{\"status\":\"ready\"}\n" },
    { "HEAD /health/live", "HTTP/1.1 200 ", "\r\n\r\n" },
    { "POST /health/live", "HTTP/1.1 405 ", "{\"error\":\"GET only\"}\n" },
    { "GET /", "HTTP/1.1 404 ", "or /metrics\"}\n" },
    { "GET /health", "HTTP/1.1 404 ", "or /metrics\"}\n" },
    { "GET /metrics/", "HTTP/1.1 404 ", "or /metrics\"}\n" },
};

START_TEST(each_path_has_its_answer)
{
    expect(routes[_i].what, routes[_i].begins, routes[_i].ends);
}
END_TEST

START_TEST(not_ready_says_why)
{
    ready = false;
    expect("GET /health/ready", "HTTP/1.1 503 ",
           "\r\n\r\n{\"status\":\"not ready\",\"why\":\"lag 12 over its limit "
           "\\\"10\\\"\"}\n");
    expect("GET /health/live", "HTTP/1.1 200 ", "{\"status\":\"live\"}\n");
    ready = true;
    expect("GET /health/ready", "HTTP/1.1 200 ", "{\"status\":\"ready\"}\n");
}
END_TEST

START_TEST(metrics_have_their_labels_and_values)
{
    const char *text;

    sf_metric_add(SF_M_RECORDS_SENT, 41);
    sf_metric_add(SF_M_RECORDS_SENT, 1);
    text = ask("GET /metrics");
    ck_assert(sf_str_starts(sf_buf_str(&got), SF_STR("HTTP/1.1 200 ")));
    ck_assert_ptr_nonnull(
        strstr(text, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    ck_assert_ptr_nonnull(strstr(
        text, "\n# TYPE records_sent_total counter\nrecords_sent_total{queue_id=\"loader-"
              "btcusdt-api_candles_5m-2024_06_01-abc123\",symbol=\"BTCUSDT\"} 42\n"));
    ck_assert(sf_str_ends(sf_buf_str(&got), SF_STR("\n")));
}
END_TEST

START_TEST(nothing_listens_when_no_address_is_set)
{
    static char empty[] = "";
    struct sf_conf quiet = { .admin_listen = empty };
    struct sf_admin *none = admin;

    ck_assert_int_eq(sf_admin_create(loop, &quiet, NULL, NULL, &none, NULL), SF_OK);
    ck_assert_ptr_null(none);
    sf_admin_destroy(NULL);
}
END_TEST

START_TEST(an_address_in_use_is_told)
{
    struct sf_admin *none = NULL;
    struct sf_error err = { 0 };

    ck_assert_int_eq(sf_admin_create(loop, &conf, is_ready, &ready, &none, &err), SF_EIO);
    ck_assert_ptr_null(none);
    ck_assert_msg(strstr(err.text, listen_at), "%s", err.text);
}
END_TEST

START_TEST(without_memory_nothing_is_left_behind)
{
    struct sf_admin *other = NULL;
    int n = 0;

    sf_admin_destroy(admin);
    admin = NULL;
    for (; n < 100; n++) {
        struct sf_error err = { 0 };
        enum sf_status rc;

        oom_fail_at(n);
        rc = sf_admin_create(loop, &conf, is_ready, &ready, &other, &err);
        if (!oom_has_failed())
            break;
        ck_assert_int_eq(rc, SF_ENOMEM);
        ck_assert_ptr_null(other);
    }
    ck_assert_int_gt(n, 2);
    ck_assert_ptr_nonnull(other);
    admin = other;
    expect("GET /health/live", "HTTP/1.1 200 ", "{\"status\":\"live\"}\n");
}
END_TEST

static void admin_cases(Suite *s)
{
    TCase *tc = tcase_create("admin");

    tcase_add_checked_fixture(tc, start, stop);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, each_path_has_its_answer, 0, COUNT(routes));
    tcase_add_test(tc, not_ready_says_why);
    tcase_add_test(tc, metrics_have_their_labels_and_values);
    tcase_add_test(tc, nothing_listens_when_no_address_is_set);
    tcase_add_test(tc, an_address_in_use_is_told);
    tcase_add_test(tc, without_memory_nothing_is_left_behind);
    suite_add_tcase(s, tc);
}

RUN_SUITE("admin", admin_cases)
