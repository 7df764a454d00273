#include "http_stub.h"

#include <sf/buf.h>
#include <sf/time.h>

#include <check.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 256
#define REQUESTS_MAX    8192
#define REQUEST_BYTES   ((size_t)16 * 1024 * 1024)

struct connection {
    struct stub *stub;
    unsigned n;
    int fd;
    pthread_t thread;
    struct sf_buf in;   /* what was read and not answered */
    struct sf_buf head; /* of the answer */
};

struct kept {
    struct stub_request req;
    char *bytes; /* what its views point to */
};

struct stub {
    stub_fn fn;
    void *arg;
    const struct stub_answer *script;
    int script_n;
    int listener, port;
    int stop[2]; /* a pipe: its reading end is readable once we stop */
    char url[64];
    pthread_t acceptor;
    pthread_mutex_t lock; /* over everything below, and the calls of fn */
    struct connection connections[CONNECTIONS_MAX];
    int connections_n;
    struct kept *requests[REQUESTS_MAX];
    int requests_n;
};

static void must(bool is_good, const char *what)
{
    if (!is_good)
        ck_abort_msg("http_stub: %s (errno %d)", what, errno);
}

/* Wait for @events on @fd (-1: none). False: the stub stops, or the time is over. */
static bool wait_for(const struct stub *stub, int fd, short events, int timeout_ms)
{
    struct pollfd fds[2] = { { stub->stop[0], POLLIN, 0 }, { fd, events, 0 } };
    int n;

    do
        n = poll(fds, fd < 0 ? 1 : 2, timeout_ms);
    while (n < 0 && errno == EINTR);
    return n > 0 && fds[0].revents == 0;
}

static bool is_stopping(const struct stub *stub)
{
    struct pollfd fd = { stub->stop[0], POLLIN, 0 };

    return poll(&fd, 1, 0) != 0;
}

/* --------------------------------------------------------------------------- reading */

static bool read_more(struct connection *c)
{
    char *to = sf_buf_reserve(&c->in, 65536);
    ssize_t n;

    if (!to || !wait_for(c->stub, c->fd, POLLIN, -1))
        return false;
    n = recv(c->fd, to, 65536, 0);
    if (n > 0)
        c->in.len += (size_t)n;
    return n > 0;
}

/* Length of the head with its empty line, 0 when that has not arrived. */
static size_t head_len(struct sf_str in)
{
    for (size_t i = 3; i < in.len; i++)
        if (memcmp(in.p + i - 3, "\r\n\r\n", 4) == 0)
            return i + 1;
    return 0;
}

struct sf_str stub_header(const struct stub_request *req, const char *name)
{
    struct sf_str rest = req->head;

    while (rest.len > 0) {
        struct sf_str value, line = sf_str_cut(rest, '\n', &rest);
        struct sf_str found = sf_str_cut(line, ':', &value);

        if (sf_str_eq_nocase(found, sf_str_from(name)))
            return sf_str_trim(value);
    }
    return SF_STR_EMPTY;
}

static void parse_head(struct stub_request *req, struct sf_str head)
{
    struct sf_str rest, line = sf_str_cut(head, '\n', &rest);

    req->method = sf_str_cut(line, ' ', &line);
    req->path = sf_str_cut(line, ' ', &line);
    req->head = rest;
}

/* One request into @kept, which then owns its bytes. False: the connection is over. */
static bool read_request(struct connection *c, struct kept *kept)
{
    size_t head, all;
    int64_t body = 0;

    while ((head = head_len(sf_buf_str(&c->in))) == 0)
        if (!read_more(c))
            return false;
    parse_head(&kept->req, sf_str_make(c->in.p, head));
    if (stub_header(&kept->req, "Content-Length").len > 0 &&
        sf_str_to_i64(stub_header(&kept->req, "Content-Length"), &body) != SF_OK)
        return false;
    all = head + (size_t)body;
    while (c->in.len < all)
        if (!read_more(c))
            return false;
    kept->bytes = malloc(all + 1);
    if (!kept->bytes)
        return false;
    memcpy(kept->bytes, c->in.p, all);
    memmove(c->in.p, c->in.p + all, c->in.len - all);
    c->in.len -= all;
    parse_head(&kept->req, sf_str_make(kept->bytes, head));
    kept->req.body = sf_str_make(kept->bytes + head, (size_t)body);
    kept->req.connection = c->n;
    kept->req.arrived_us = sf_mono_us();
    return true;
}

/* --------------------------------------------------------------------------- writing */

static bool write_all(struct connection *c, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t done = send(c->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (done < 0 && errno != EAGAIN && errno != EINTR)
            return false;
        if (done < 0 && !wait_for(c->stub, c->fd, POLLOUT, -1))
            return false;
        if (done > 0) {
            p += done;
            n -= (size_t)done;
        }
    }
    return true;
}

static bool write_body(struct connection *c, const struct stub_answer *a)
{
    size_t n = a->cut > 0 && a->cut < a->body_n ? a->cut : a->body_n, i = 0;
    char size[32];

    for (; a->slow_ms > 0 && i < n && i < 8; i++) {
        if (!write_all(c, a->body + i, 1))
            return false;
        (void)wait_for(c->stub, -1, 0, a->slow_ms);
    }
    if (!a->is_chunked)
        return write_all(c, a->body + i, n - i) && n == a->body_n;
    (void)snprintf(size, sizeof(size), "%zx\r\n", a->body_n);
    return write_all(c, size, strlen(size)) && write_all(c, a->body, n) &&
           n == a->body_n && write_all(c, "\r\n0\r\n\r\n", 7);
}

static void make_head(struct sf_buf *head, const struct stub_answer *a)
{
    sf_buf_clear(head);
    sf_buf_addf(head, "HTTP/1.1 %d Scripted\r\n%s%s", a->status,
                a->headers ? a->headers : "",
                a->is_closing ? "Connection: close\r\n" : "");
    if (a->is_chunked)
        sf_buf_add_lit(head, "Transfer-Encoding: chunked\r\n\r\n");
    else
        sf_buf_addf(head, "Content-Length: %zu\r\n\r\n", a->body_n);
}

/* False: close the connection. */
static bool write_answer(struct connection *c, const struct stub_answer *a, bool is_head)
{
    if (a->delay_ms > 0)
        (void)wait_for(c->stub, -1, 0, a->delay_ms);
    if (a->status == 0 || is_stopping(c->stub))
        return false;
    return sf_buf_status(&c->head, NULL) == SF_OK &&
           write_all(c, c->head.p, c->head.len) && (is_head || write_body(c, a)) &&
           !a->is_closing;
}

/* --------------------------------------------------------------------------- threads */

/* @kept goes into the list. False: the list is full. */
static bool decide(struct connection *c, struct kept *kept, struct stub_answer *answer)
{
    struct stub *stub = c->stub;

    (void)pthread_mutex_lock(&stub->lock);
    if (stub->requests_n == REQUESTS_MAX) {
        (void)pthread_mutex_unlock(&stub->lock);
        return false;
    }
    kept->req.n = stub->requests_n;
    stub->requests[stub->requests_n++] = kept;
    if (stub->fn)
        stub->fn(stub->arg, &kept->req, answer);
    else
        *answer =
            stub->script[kept->req.n < stub->script_n ? kept->req.n : stub->script_n - 1];
    if (!answer->body)
        answer->body = "";
    if (answer->body_n == 0)
        answer->body_n = strlen(answer->body);
    make_head(&c->head, answer);
    (void)pthread_mutex_unlock(&stub->lock);
    return true;
}

static void free_kept(struct kept *kept)
{
    free(kept->bytes);
    free(kept);
}

static void *serve(void *arg)
{
    struct connection *c = arg;
    bool goes_on = true;

    while (goes_on) {
        struct kept *kept = calloc(1, sizeof(*kept));
        struct stub_answer answer = { 0 };

        if (!kept)
            break;
        if (!read_request(c, kept) || !decide(c, kept, &answer)) {
            free_kept(kept);
            break;
        }
        goes_on = write_answer(c, &answer, sf_str_eq(kept->req.method, SF_STR("HEAD")));
    }
    (void)shutdown(c->fd, SHUT_RDWR);
    sf_buf_release(&c->in);
    sf_buf_release(&c->head);
    return NULL;
}

static void *accept_all(void *arg)
{
    struct stub *stub = arg;

    while (wait_for(stub, stub->listener, POLLIN, -1)) {
        struct connection *c = &stub->connections[stub->connections_n];
        int fd = accept(stub->listener, NULL, NULL), one = 1;

        if (fd < 0)
            continue;
        if (stub->connections_n == CONNECTIONS_MAX) {
            (void)close(fd);
            continue;
        }
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        *c = (struct connection){ .stub = stub,
                                  .n = (unsigned)stub->connections_n,
                                  .fd = fd };
        sf_buf_init(&c->in, REQUEST_BYTES);
        sf_buf_init(&c->head, 65536);
        (void)pthread_mutex_lock(&stub->lock);
        if (pthread_create(&c->thread, NULL, serve, c) == 0)
            stub->connections_n++;
        else
            (void)close(fd);
        (void)pthread_mutex_unlock(&stub->lock);
    }
    return NULL;
}

static void listen_on_any(struct stub *stub)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t size = sizeof(at);

    stub->listener = socket(AF_INET, SOCK_STREAM, 0);
    must(stub->listener >= 0, "socket");
    must(bind(stub->listener, (struct sockaddr *)&at, size) == 0, "bind");
    must(listen(stub->listener, 128) == 0, "listen");
    must(getsockname(stub->listener, (struct sockaddr *)&at, &size) == 0, "getsockname");
    stub->port = ntohs(at.sin_port);
    (void)snprintf(stub->url, sizeof(stub->url), "http://127.0.0.1:%d", stub->port);
}

static struct stub *start(struct stub *stub)
{
    must(pipe(stub->stop) == 0, "pipe");
    must(pthread_mutex_init(&stub->lock, NULL) == 0, "mutex");
    listen_on_any(stub);
    must(pthread_create(&stub->acceptor, NULL, accept_all, stub) == 0, "thread");
    return stub;
}

struct stub *stub_start(stub_fn fn, void *arg)
{
    struct stub *stub = calloc(1, sizeof(*stub));

    must(stub != NULL, "memory");
    stub->fn = fn;
    stub->arg = arg;
    return start(stub);
}

struct stub *stub_start_script(const struct stub_answer *answers, int answers_n)
{
    struct stub *stub = calloc(1, sizeof(*stub));

    must(stub != NULL, "memory");
    stub->script = answers;
    stub->script_n = answers_n;
    return start(stub);
}

void stub_stop(struct stub *stub)
{
    (void)close(stub->stop[1]); /* now the other end is readable for ever */
    (void)pthread_join(stub->acceptor, NULL);
    for (int i = 0; i < stub->connections_n; i++) {
        (void)pthread_join(stub->connections[i].thread, NULL);
        (void)close(stub->connections[i].fd);
    }
    for (int i = 0; i < stub->requests_n; i++)
        free_kept(stub->requests[i]);
    (void)close(stub->listener);
    (void)close(stub->stop[0]);
    (void)pthread_mutex_destroy(&stub->lock);
    free(stub);
}

const char *stub_url(const struct stub *stub)
{
    return stub->url;
}

int stub_port(const struct stub *stub)
{
    return stub->port;
}

static int locked(struct stub *stub, const int *value)
{
    int n;

    (void)pthread_mutex_lock(&stub->lock);
    n = *value;
    (void)pthread_mutex_unlock(&stub->lock);
    return n;
}

int stub_requests_n(struct stub *stub)
{
    return locked(stub, &stub->requests_n);
}

int stub_connections_n(struct stub *stub)
{
    return locked(stub, &stub->connections_n);
}

const struct stub_request *stub_request(struct stub *stub, int n)
{
    const struct stub_request *req = NULL;

    (void)pthread_mutex_lock(&stub->lock);
    if (n >= 0 && n < stub->requests_n)
        req = &stub->requests[n]->req;
    (void)pthread_mutex_unlock(&stub->lock);
    must(req != NULL, "no such request");
    return req;
}
