#include "runner.h"

#include <sf/http.h>

#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS 10000

extern char **environ;

/* ------------------------------------------------------- an HTTPS server: openssl */

static char dir[] = "/tmp/sf-tls-XXXXXX";

static pid_t spawn(const char *const *argv, int out)
{
    posix_spawn_file_actions_t actions;
    pid_t pid = -1;

    ck_assert_int_eq(posix_spawn_file_actions_init(&actions), 0);
    ck_assert_int_eq(posix_spawn_file_actions_adddup2(&actions, out, 1), 0);
    ck_assert_int_eq(posix_spawn_file_actions_addopen(&actions, 2, "log", 01101, 0600),
                     0);
    if (posix_spawnp(&pid, argv[0], &actions, NULL, (char **)argv, environ) != 0)
        pid = -1;
    (void)posix_spawn_file_actions_destroy(&actions);
    return pid;
}

static bool run(const char *const *argv)
{
    pid_t pid = spawn(argv, 2);
    int state;

    return pid > 0 && waitpid(pid, &state, 0) == pid && state == 0;
}

/* <name>.key and the self-signed <name>.pem for @san, in dir. */
static bool make_certificate(const char *name, const char *san)
{
    char key[32], pem[32], alt[64];
    const char *const argv[] = { "openssl",
                                 "req",
                                 "-x509",
                                 "-newkey",
                                 "ec",
                                 "-pkeyopt",
                                 "ec_paramgen_curve:prime256v1",
                                 "-nodes",
                                 "-keyout",
                                 key,
                                 "-out",
                                 pem,
                                 "-subj",
                                 "/CN=test",
                                 "-addext",
                                 alt,
                                 "-days",
                                 "2",
                                 NULL };

    (void)snprintf(key, sizeof(key), "%s.key", name);
    (void)snprintf(pem, sizeof(pem), "%s.pem", name);
    (void)snprintf(alt, sizeof(alt), "subjectAltName=%s", san);
    return run(argv);
}

struct server {
    pid_t pid;
    int port;
};

/* The port that "ACCEPT 127.0.0.1:<port>" tells. */
static int read_port(int fd)
{
    char line[256] = "";
    size_t n = 0;

    while (n < sizeof(line) - 1) {
        struct pollfd wait = { fd, POLLIN, 0 };
        const char *colon;
        int64_t port;

        if (poll(&wait, 1, WAIT_MS) != 1 || read(fd, line + n, 1) != 1)
            return -1;
        if (line[n++] != '\n')
            continue;
        line[--n] = '\0';
        colon = strrchr(line, ':');
        if (strncmp(line, "ACCEPT ", 7) == 0 && colon &&
            sf_str_to_i64(sf_str_from(colon + 1), &port) == SF_OK)
            return (int)port;
        memset(line, 0, sizeof(line));
        n = 0;
    }
    return -1;
}

static struct server serve(const char *name)
{
    char key[32], pem[32];
    const char *const argv[] = { "openssl", "s_server", "-accept", "127.0.0.1:0", "-key",
                                 key,       "-cert",    pem,       "-www",        NULL };
    struct server server;
    int out[2];

    (void)snprintf(key, sizeof(key), "%s.key", name);
    (void)snprintf(pem, sizeof(pem), "%s.pem", name);
    ck_assert_int_eq(pipe(out), 0);
    server.pid = spawn(argv, out[1]);
    ck_assert_int_gt(server.pid, 0);
    (void)close(out[1]);
    server.port = read_port(out[0]);
    ck_assert_int_gt(server.port, 0);
    return server;
}

static void stop(const struct server *server)
{
    (void)kill(server->pid, SIGKILL);
    (void)waitpid(server->pid, NULL, 0);
}

/* ------------------------------------------------------------------------- the test */

static bool is_done;

static void on_answer(void *arg, struct sf_http_answer *answer)
{
    struct sf_error *err = arg;

    *err = answer->err;
    if (answer->status == 200)
        ck_assert_int_eq(err->status, SF_OK);
    else
        ck_assert_int_ne(err->status, SF_OK);
    is_done = true;
}

static void ask(int port, const char *ca, struct sf_error *err)
{
    char path[64], url[64];
    const struct sf_http_opts opts = { .ca_path = path };
    const struct sf_http_request req = { .url = url, .fn = on_answer, .arg = err };
    struct sf_loop *loop;
    struct sf_http *http;

    (void)snprintf(path, sizeof(path), ca[0] ? "%s/%s" : "%.0s", dir, ca);
    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%d/", port);
    ck_assert_int_eq(sf_loop_create(&loop, NULL), SF_OK);
    ck_assert_int_eq(sf_http_create(loop, &opts, &http, NULL), SF_OK);
    ck_assert_int_eq(sf_http_send(http, &req, NULL, NULL), SF_OK);
    is_done = false;
    ck_assert(sf_loop_run_until(loop, &is_done, WAIT_MS));
    sf_http_destroy(http);
    sf_loop_destroy(loop);
}

static const struct {
    const char *server, *ca; /* "": the system's */
    enum sf_status want;
} handshakes[] = {
    { "good", "good.pem", SF_OK },      { "good", "", SF_EDENIED }, /* self-signed */
    { "good", "name.pem", SF_EDENIED }, /* another authority */
    { "name", "name.pem", SF_EDENIED }, /* of another host */
    { "good", "none.pem", SF_EDENIED }, /* no such file */
    { "good", "good.key", SF_EDENIED }, /* no certificate in it */
};

static void clean_up(void)
{
    const char *const argv[] = { "rm", "-rf", dir, NULL };

    (void)run(argv);
}

START_TEST(certificate_is_verified)
{
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(chdir(dir), 0);
    if (!make_certificate("good", "IP:127.0.0.1") ||
        !make_certificate("name", "DNS:elsewhere.test")) {
        (void)printf("SKIP: http_tls: openssl makes no certificate here\n");
        clean_up();
        return;
    }
    for (int i = 0; i < COUNT(handshakes); i++) {
        struct server server = serve(handshakes[i].server);
        struct sf_error err = { 0 };
        char host[32];

        ask(server.port, handshakes[i].ca, &err);
        stop(&server);
        ck_assert_msg(err.status == handshakes[i].want, "%d: %s %s", i,
                      sf_status_name(err.status), err.text);
        (void)snprintf(host, sizeof(host), "127.0.0.1:%d: ", server.port);
        if (err.status != SF_OK)
            ck_assert_msg(strncmp(err.text, host, strlen(host)) == 0, "%s", err.text);
    }
    clean_up();
}
END_TEST

static void tls_cases(Suite *s)
{
    TCase *tc = tcase_create("http_tls");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, certificate_is_verified);
    suite_add_tcase(s, tc);
}

RUN_SUITE("http_tls", tls_cases)
