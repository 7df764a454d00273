/* The listening socket, the connections' list and their deadlines. */
#include "httpd_internal.h"

#include <sf/time.h>

#include <uv.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG      512
#define ACCEPT_BURST 64 /* of one loop round, so that accepting starves nobody */

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* "host:port" with a numeric host, [IPv6], or localhost. */
static enum sf_status parse_listen(const char *listen, union address *ret,
                                   socklen_t *ret_len, struct sf_error *err)
{
    struct sf_str s = sf_str_from(listen);
    size_t colon = s.len;
    char host[64] = "";
    int64_t port;
    bool is_v6;

    while (colon > 0 && s.p[colon - 1] != ':')
        colon--;
    is_v6 = colon > 2 && s.p[0] == '[' && s.p[colon - 2] == ']';
    if (colon < 2 ||
        sf_str_to_i64(sf_str_make(s.p + colon, s.len - colon), &port) != SF_OK ||
        port < 0 || port > 65535 ||
        !sf_str_copy(is_v6 ? sf_str_make(s.p + 1, colon - 3)
                           : sf_str_make(s.p, colon - 1),
                     host, sizeof(host)))
        return sf_error_set(err, SF_EINVAL, "listen='%.80s': expected host:port", listen);
    if (is_v6) {
        ret->v6.sin6_family = AF_INET6;
        ret->v6.sin6_port = htons((uint16_t)port);
        *ret_len = sizeof(ret->v6);
        if (inet_pton(AF_INET6, host, &ret->v6.sin6_addr) == 1)
            return SF_OK;
    } else {
        const char *numeric = strcmp(host, "localhost") == 0 ? "127.0.0.1" : host;

        ret->v4.sin_family = AF_INET;
        ret->v4.sin_port = htons((uint16_t)port);
        *ret_len = sizeof(ret->v4);
        if (inet_pton(AF_INET, numeric, &ret->v4.sin_addr) == 1)
            return SF_OK;
    }
    return sf_error_set(err, SF_EINVAL,
                        "listen='%.80s': expected a numeric address or localhost",
                        listen);
}

static enum sf_status open_listener(struct sf_httpd *httpd, struct sf_error *err)
{
    const char *listen_at = httpd->opts.listen;
    union address at;
    socklen_t len = 0;
    int on = 1;

    memset(&at, 0, sizeof(at));
    if (parse_listen(listen_at, &at, &len, err) != SF_OK)
        return SF_EINVAL;
    httpd->fd = socket(at.any.sa_family, SOCK_STREAM, 0);
    if (httpd->fd < 0 || fcntl(httpd->fd, F_SETFL, O_NONBLOCK) != 0 ||
        fcntl(httpd->fd, F_SETFD, FD_CLOEXEC) != 0)
        return sf_error_set(err, SF_EIO, "listen on %s: %s", listen_at,
                            uv_strerror(-errno));
    (void)setsockopt(httpd->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(httpd->fd, &at.any, len) != 0 || listen(httpd->fd, BACKLOG) != 0 ||
        getsockname(httpd->fd, &at.any, &len) != 0)
        return sf_error_set(err, SF_EIO, "listen on %s: %s", listen_at,
                            uv_strerror(-errno));
    httpd->port = ntohs(at.any.sa_family == AF_INET6 ? at.v6.sin6_port : at.v4.sin_port);
    return SF_OK;
}

static void welcome(struct sf_httpd *httpd, int fd, const union address *from)
{
    char peer[PEER_SIZE] = "";
    int on = 1;

    if (httpd->conns_n >= httpd->opts.connections_max ||
        fcntl(fd, F_SETFL, O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
        (void)close(fd);
        return;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (from->any.sa_family == AF_INET)
        (void)inet_ntop(AF_INET, &from->v4.sin_addr, peer, sizeof(peer));
    else
        (void)inet_ntop(AF_INET6, &from->v6.sin6_addr, peer, sizeof(peer));
    sf_conn_open(httpd, fd, peer);
}

static void on_accept(void *arg, int fd, unsigned events)
{
    struct sf_httpd *httpd = arg;

    (void)events;
    for (int i = 0; i < ACCEPT_BURST; i++) {
        union address from;
        socklen_t len = sizeof(from);
        int got = accept(fd, &from.any, &len);

        if (got >= 0) {
            welcome(httpd, got, &from);
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED)
            continue;
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            /* readable for ever: look away until the next sweep */
            sf_watch_stop(httpd->watch);
            httpd->watch = NULL;
        }
        return;
    }
}

static void on_reap(void *arg)
{
    sf_conn_reap(arg);
}

static void on_sweep(void *arg)
{
    struct sf_httpd *httpd = arg;
    int64_t now_us = sf_mono_us();
    struct conn *next;

    for (struct conn *c = httpd->conns; c; c = next) {
        next = c->next;
        if (c->deadline_us != 0 && now_us > c->deadline_us)
            sf_conn_close(c);
    }
    if (!httpd->watch) /* without memory for it the next sweep tries again */
        (void)!sf_watch_start(httpd->loop, httpd->fd, SF_READABLE, on_accept, httpd,
                              &httpd->watch);
}

enum sf_status sf_httpd_create(struct sf_loop *loop, const struct sf_httpd_opts *opts,
                               struct sf_httpd **ret_httpd, struct sf_error *err)
{
    struct sf_httpd *httpd = calloc(1, sizeof(*httpd));
    enum sf_status rc;

    if (!httpd)
        return sf_error_set(err, SF_ENOMEM, "no memory for the HTTP server");
    httpd->loop = loop;
    httpd->fd = -1;
    httpd->opts = *opts;
    if (httpd->opts.body_max == 0)
        httpd->opts.body_max = BODY_MAX_DEFAULT;
    if (httpd->opts.connections_max == 0)
        httpd->opts.connections_max = CONNS_MAX_DEFAULT;
    rc = sf_tls_create(httpd, err);
    if (rc == SF_OK)
        rc = open_listener(httpd, err);
    if (rc == SF_OK)
        rc = sf_timer_create(loop, on_sweep, httpd, &httpd->sweep);
    if (rc == SF_OK)
        rc = sf_timer_create(loop, on_reap, httpd, &httpd->reap);
    if (rc == SF_OK)
        rc =
            sf_watch_start(loop, httpd->fd, SF_READABLE, on_accept, httpd, &httpd->watch);
    if (rc != SF_OK) {
        sf_httpd_destroy(httpd);
        return sf_error_set(err, rc, "HTTP server on %s: %s", opts->listen,
                            sf_status_text(rc));
    }
    sf_timer_set(httpd->sweep, SWEEP_MS, SWEEP_MS);
    *ret_httpd = httpd;
    return SF_OK;
}

void sf_httpd_destroy(struct sf_httpd *httpd)
{
    if (!httpd)
        return;
    while (httpd->conns)
        sf_conn_close(httpd->conns);
    sf_conn_reap(httpd);
    sf_watch_stop(httpd->watch);
    sf_timer_destroy(httpd->sweep);
    sf_timer_destroy(httpd->reap);
    if (httpd->fd >= 0)
        (void)close(httpd->fd);
    sf_tls_destroy(httpd);
    free(httpd);
}

int sf_httpd_port(const struct sf_httpd *httpd)
{
    return httpd->port;
}
