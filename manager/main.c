/* queue-manager: one request starts the right images, follows them, and stops them. */
#include "api.h"

#include <sf/stop.h>

#include <curl/curl.h>

#include <stdio.h>

#define IMAGE   "queue-manager"
#define WHAT    "starts loaders and connectors, follows them, stops them"
#define TICK_MS 100 /* processes that ended, waits that are over */

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

void manager_fail(struct manager *m, const struct sf_error *err)
{
    if (!m->is_failed)
        m->failure = *err;
    m->is_failed = true;
    sf_loop_quit(m->loop);
}

static void on_problem(void *arg, const char *text)
{
    (void)arg;
    sf_log(SF_LOG_ERROR, "bad_setting", SF_LOG_S("text", text));
}

static void on_stop(void *arg, int fd, unsigned events)
{
    (void)fd;
    (void)events;
    sf_loop_quit(arg);
}

static void on_tick(void *arg)
{
    queues_tick(arg);
    store_look(arg);
}

static enum sf_status listen_for_requests(struct manager *m, struct sf_error *err)
{
    const struct sf_conf *c = &m->conf;
    const struct sf_httpd_opts opts = {
        .listen = c->manager_listen,
        .cert_path = c->manager_cert_path[0] ? c->manager_cert_path : NULL,
        .key_path = c->manager_key_path[0] ? c->manager_key_path : NULL,
        .body_max = (size_t)c->request_max_kb << 10,
        .connections_max = (unsigned)c->connections_max,
        .fn = api_on_request,
        .arg = m,
    };

    return sf_httpd_create(m->loop, &opts, &m->httpd, err);
}

static enum sf_status open_all(struct manager *m, struct sf_error *err)
{
    enum sf_status status = sf_loop_create(&m->loop, err);

    if (status == SF_OK)
        status = sf_watch_start(m->loop, sf_stop_fd(), SF_READABLE, on_stop, m->loop,
                                &m->stop_watch);
    if (status == SF_OK)
        status = launcher_process(&m->conf, &m->launcher, err);
    if (status == SF_OK)
        status = store_open(m, err);
    if (status == SF_OK)
        status = follow_open(m, err);
    if (status == SF_OK)
        status = sf_timer_create(m->loop, on_tick, m, &m->tick);
    if (status == SF_OK)
        status = listen_for_requests(m, err);
    return status;
}

static void close_all(struct manager *m)
{
    sf_timer_destroy(m->tick);
    sf_httpd_destroy(m->httpd);
    follow_close(m);
    queues_release(m);
    store_close(m);
    if (m->launcher)
        m->launcher->kind->destroy(m->launcher);
    sf_watch_stop(m->stop_watch);
    sf_loop_destroy(m->loop);
}

static int run(struct manager *m)
{
    struct sf_error err = { 0 };
    enum sf_status status = open_all(m, &err);

    if (status == SF_OK) {
        m->is_started = true;
        sf_timer_set(m->tick, 0, TICK_MS);
        sf_log(SF_LOG_INFO, "listening", SF_LOG_I("port", sf_httpd_port(m->httpd)),
               SF_LOG_I("queues", (int64_t)m->queues_n));
        sf_loop_run(m->loop);
        store_settle(m);
    } else if (sf_stop_signal() == 0) {
        m->failure = err;
        m->is_failed = true;
    }
    if (m->is_failed)
        sf_log_error(SF_LOG_ERROR, "failed", &m->failure);
    else
        sf_log_write(SF_LOG_INFO, "stopped", NULL);
    close_all(m);
    return m->is_failed ? EXIT_FAILED : EXIT_DONE;
}

static int print(struct sf_buf *b)
{
    size_t n = b->len > 0 ? fwrite(b->p, 1, b->len, stdout) : 0;
    int code = n == b->len && fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;

    sf_buf_release(b);
    return code;
}

/* True: done, with *ret_code. */
static bool options(int argc, char **argv, bool *ret_is_check, int *ret_code)
{
    struct sf_str option = sf_str_from(argc == 2 ? argv[1] : NULL);
    struct sf_buf b;

    *ret_is_check = sf_str_eq(option, SF_STR("--check"));
    if (argc == 1 || *ret_is_check)
        return false;
    sf_buf_init(&b, 256 * 1024); /* the whole settings table */
    *ret_code = EXIT_USAGE;
    if (sf_str_eq(option, SF_STR("--help")))
        sf_conf_print_help(&b, IMAGE, WHAT, SF_SCOPE_MANAGER);
    else if (sf_str_eq(option, SF_STR("--version")))
        sf_buf_addf(&b, "%s %s\n", IMAGE, SF_VERSION);
    else
        (void)fputs(IMAGE ": expected --help, --check or --version\n", stderr);
    if (b.len > 0)
        *ret_code = print(&b);
    return true;
}

int main(int argc, char **argv)
{
    struct manager m = { .position = -1 };
    struct sf_error err = { 0 };
    bool is_check = false;
    struct sf_buf b;
    int code = EXIT_FAILED;

    sf_log_init(IMAGE, NULL, SF_LOG_INFO, SF_LOG_LOGFMT);
    if (options(argc, argv, &is_check, &code))
        return code;
    if (sf_stop_init(&err) != SF_OK || curl_global_init(CURL_GLOBAL_DEFAULT) != 0) {
        sf_log_error(SF_LOG_ERROR, "failed", &err);
        return EXIT_FAILED;
    }
    json_object_seed(0); /* before any thread (jansson, "Thread safety") */
    if (sf_conf_load(&m.conf, IMAGE, SF_SCOPE_MANAGER, sf_conf_env, NULL, on_problem,
                     NULL) != SF_OK) {
        code = EXIT_USAGE;
    } else if (is_check) {
        sf_buf_init(&b, 256 * 1024);
        sf_conf_print(&b, &m.conf, SF_SCOPE_MANAGER);
        code = print(&b);
    } else {
        sf_log_init(IMAGE, NULL, (enum sf_log_level)m.conf.log_level,
                    (enum sf_log_format)m.conf.log_format);
        m.plan_env = (struct plan_env){ sf_conf_env, NULL, m.conf.image_registry,
                                        m.conf.image_tag };
        code = run(&m);
    }
    sf_conf_release(&m.conf);
    return code;
}
