/* sf-store: ArangoDB's HTTP API on SQLite, for one machine. */
#include "options.h"

#include <sf/httpd.h>
#include <sf/stop.h>

#include <sqlite3.h>

#include <stdio.h>

#define BODY_MAX ((size_t)256 << 20) /* of a request; ArangoDB: 1 GB */

static void on_stop(void *arg, int fd, unsigned events)
{
    (void)fd;
    (void)events;
    sf_loop_quit(arg);
}

static enum sf_status serve(struct sf_loop *loop, const struct store_opts *opts,
                            struct sf_error *err)
{
    struct sf_httpd_opts http = { .listen = opts->listen,
                                  .cert_path = opts->cert,
                                  .key_path = opts->key,
                                  .body_max = BODY_MAX,
                                  .connections_max = 4096,
                                  .fn = store_serve };
    struct store *store = NULL;
    struct sf_httpd *httpd = NULL;
    struct sf_watch *watch = NULL;
    enum sf_status status;

    status = store_create(loop, opts, &store, err);
    http.arg = store;
    if (status == SF_OK)
        status = sf_httpd_create(loop, &http, &httpd, err);
    if (status == SF_OK)
        status = sf_watch_start(loop, sf_stop_fd(), SF_READABLE, on_stop, loop, &watch);
    if (status == SF_OK) {
        sf_log(SF_LOG_INFO, "listening", SF_LOG_I("port", sf_httpd_port(httpd)),
               SF_LOG_S("data", opts->data),
               SF_LOG_S("auth", opts->has_auth ? "on" : "off"));
        if (!sf_stop_signal())
            sf_loop_run(loop);
        sf_log(SF_LOG_INFO, "stopping", SF_LOG_I("signal", sf_stop_signal()));
    }
    store_destroy(store); /* before the connections: it answers what is under way */
    sf_httpd_destroy(httpd);
    sf_watch_stop(watch);
    return status;
}

int main(int argc, char **argv)
{
    struct sf_error err = { 0 };
    struct sf_loop *loop = NULL;
    struct options o;
    enum sf_status status;

    sf_log_init("sf-store", NULL, SF_LOG_INFO, SF_LOG_LOGFMT);
    if (options_parse(argc, argv, &o, &err) != SF_OK) {
        sf_log_error(SF_LOG_ERROR, "bad_options", &err);
        return 2;
    }
    if (o.wants_help || o.wants_version) {
        if (o.wants_help)
            options_print();
        else
            (void)printf("sf-store %s\n", SF_VERSION);
        return 0;
    }
    sf_log_init("sf-store", NULL, o.log_level, SF_LOG_LOGFMT);
    status = sf_stop_init(&err);
    if (status == SF_OK)
        status = sf_loop_create(&loop, &err);
    if (status == SF_OK)
        status = serve(loop, &o.store, &err);
    if (status != SF_OK)
        sf_log_error(SF_LOG_ERROR, "failed", &err);
    sf_loop_destroy(loop);
    return status == SF_OK ? 0 : status == SF_EINVAL ? 2 : 1;
}
