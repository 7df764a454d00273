/* nullserver: answers like ArangoDB and keeps nothing, to measure the client side of a
 * connector. Counts requests, documents and bytes of POST /_api/document.
 *
 *   nullserver [PORT]        port 0 (default): any free one; prints "port=N"
 *   GET /_null/stats         {"requests":N,"documents":N,"bytes":N}
 *   GET /_null/delay?ms=N    from now on answer writes N ms late; 0: at once
 *
 * One thread, epoll, keep-alive, 127.0.0.1 only. Ends on SIGTERM or SIGINT. */
/* NOLINTNEXTLINE(bugprone-reserved-identifier): libc's switch, for memmem, accept4 */
#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNS_MAX 256
#define BUF_FIRST ((size_t)64 << 10)
#define BUF_MAX   ((size_t)64 << 20) /* one request, headers and body */
#define KEY       "\"_key\":"        /* once in each document */

struct conn {
    int fd; /* -1: free */
    char *buf;
    size_t len, cap;
    int64_t due_us;  /* when the answer to the request in buf may go; 0: at once */
    size_t searched; /* of buf, for the end of the headers */
};

struct server {
    int epoll_fd, listen_fd;
    struct conn conns[CONNS_MAX];
    uint64_t requests, documents, bytes;
    int64_t delay_us;
};

struct request {
    const char *line, *body; /* "POST /_db/..." and the body, not NUL-terminated */
    size_t line_len, body_len, all_len;
};

static volatile sig_atomic_t is_stopping;

static void on_signal(int signo)
{
    (void)signo;
    is_stopping = 1;
}

static int64_t mono_us(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void drop(struct conn *c)
{
    if (c->fd >= 0)
        (void)close(c->fd); /* leaves the epoll set with it */
    free(c->buf);
    *c = (struct conn){ .fd = -1 };
}

/* --------------------------------------------------------------------------- requests */

/* The number at the start of @p; large ones saturate. */
static long long number(const char *p, const char *end)
{
    long long n = 0;

    for (; p < end && *p >= '0' && *p <= '9' && n < INT32_MAX; p++)
        n = n * 10 + (*p - '0');
    return n;
}

/* Value of Content-Length in the headers, 0 when there is none, -1 when it is bad. */
static long long content_length(const char *p, const char *end)
{
    static const char name[] = "\nContent-Length:";
    const size_t name_len = sizeof(name) - 1;
    long long n;

    for (; p + name_len < end; p++) {
        p = memchr(p, '\n', (size_t)(end - p));
        if (!p || p + name_len >= end)
            return 0;
        if (strncasecmp(p, name, name_len) != 0)
            continue;
        for (p += name_len; p < end && *p == ' '; p++)
            ;
        n = number(p, end);
        return n > (long long)BUF_MAX ? -1 : n;
    }
    return 0;
}

/* 1 a whole request, 0 more is to come, -1 not ours. */
static int parse(struct conn *c, struct request *req)
{
    size_t from = c->searched > 3 ? c->searched - 3 : 0;
    const char *head_end = memmem(c->buf + from, c->len - from, "\r\n\r\n", 4);
    const char *line_end;
    long long body_len;

    if (!head_end) {
        c->searched = c->len;
        return c->len > BUF_FIRST ? -1 : 0;
    }
    c->searched = (size_t)(head_end - c->buf);
    line_end = memchr(c->buf, '\r', c->len);
    body_len = content_length(c->buf, head_end + 2);
    if (body_len < 0)
        return -1;
    *req = (struct request){ .line = c->buf,
                             .line_len = (size_t)(line_end - c->buf),
                             .body = head_end + 4,
                             .body_len = (size_t)body_len };
    req->all_len = (size_t)(req->body - c->buf) + req->body_len;
    return c->len >= req->all_len ? 1 : 0;
}

static bool has(const struct request *req, const char *part)
{
    return memmem(req->line, req->line_len, part, strlen(part)) != NULL;
}

static uint64_t count_documents(const struct request *req)
{
    const char *p = req->body, *end = req->body + req->body_len;
    uint64_t n = 0;

    while ((p = memmem(p, (size_t)(end - p), KEY, sizeof(KEY) - 1))) {
        p += sizeof(KEY) - 1;
        n++;
    }
    return n;
}

/* -------------------------------------------------------------------------- answers */

static bool write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t k = send(fd, p, n, MSG_NOSIGNAL);

        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return false; /* answers are small: a full socket is a peer that is stuck */
        p += k;
        n -= (size_t)k;
    }
    return true;
}

static bool answer(const struct conn *c, int status, const char *body)
{
    char head[512];
    int n = snprintf(head, sizeof(head),
                     "HTTP/1.1 %d %s\r\nServer: ArangoDB\r\n"
                     "Content-Type: application/json; charset=utf-8\r\n"
                     "Content-Length: %zu\r\n\r\n%s",
                     status, status < 400 ? "OK" : "Error", strlen(body), body);

    return n > 0 && (size_t)n < sizeof(head) && write_all(c->fd, head, (size_t)n);
}

/* Set-up calls: what lets a client begin. The first row whose part is in the line. */
static const struct {
    const char *method, *part;
    int status;
    const char *body;
} rows[] = {
    { "GET ", "/_api/version", 200,
      "{\"server\":\"arango\",\"license\":\"community\",\"version\":\"3.12.4\"}" },
    { "GET ", "/_api/user/", 200, "{\"error\":false,\"code\":200,\"result\":\"rw\"}" },
    { "POST ", "/_open/auth", 200, "{\"jwt\":\"bnVsbA.bnVsbA.bnVsbA\"}" },
    { "GET ", "/_api/index", 200, "{\"error\":false,\"code\":200,\"indexes\":[]}" },
    { "POST ", "/_api/index", 201, "{\"id\":\"c/1\",\"isNewlyCreated\":true}" },
    { "GET ", "/_api/collection", 200,
      "{\"error\":false,\"code\":200,\"type\":2,\"status\":3,\"result\":[]}" },
    { "POST ", "/_api/collection", 200, "{\"error\":false,\"code\":200,\"type\":2}" },
    { "POST ", "/_api/database", 201, "{\"error\":false,\"code\":201,\"result\":true}" },
};

static bool answer_setup(const struct conn *c, const struct request *req)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strncmp(req->line, rows[i].method, strlen(rows[i].method)) == 0 &&
            has(req, rows[i].part))
            return answer(c, rows[i].status, rows[i].body);
    return answer(c, 404,
                  "{\"error\":true,\"code\":404,\"errorNum\":404,"
                  "\"errorMessage\":\"nullserver does not know this\"}");
}

static bool answer_null(struct server *s, const struct conn *c, const struct request *req)
{
    static const char ms[] = "/_null/delay?ms=";
    const char *at = memmem(req->line, req->line_len, ms, sizeof(ms) - 1);
    char body[128];

    if (at)
        s->delay_us = number(at + sizeof(ms) - 1, req->line + req->line_len) * 1000;
    (void)snprintf(body, sizeof(body),
                   "{\"requests\":%llu,\"documents\":%llu,\"bytes\":%llu}",
                   (unsigned long long)s->requests, (unsigned long long)s->documents,
                   (unsigned long long)s->bytes);
    return answer(c, 200, body);
}

/* One whole request. False: the peer is gone. */
static bool serve(struct server *s, const struct conn *c, const struct request *req)
{
    char body[160];
    uint64_t n;

    if (has(req, "/_null/"))
        return answer_null(s, c, req);
    if (strncmp(req->line, "POST ", 5) != 0 ||
        !(has(req, "/_api/document/") || has(req, "/_api/import")))
        return answer_setup(c, req);
    n = count_documents(req);
    s->requests++;
    s->documents += n;
    s->bytes += req->body_len;
    if (has(req, "/_api/document/"))
        return answer(c, 202, "{}");
    (void)snprintf(body, sizeof(body),
                   "{\"error\":false,\"created\":%llu,\"errors\":0,\"empty\":0,"
                   "\"updated\":0,\"ignored\":0}",
                   (unsigned long long)n);
    return answer(c, 201, body);
}

/* ------------------------------------------------------------------------ connections */

static bool grow(struct conn *c)
{
    size_t cap = c->cap > 0 ? c->cap * 2 : BUF_FIRST;
    char *p = cap <= BUF_MAX * 2 ? realloc(c->buf, cap) : NULL;

    if (!p)
        return false;
    c->buf = p;
    c->cap = cap;
    return true;
}

/* Answer what is complete in the buffer. */
static bool serve_buffer(struct server *s, struct conn *c)
{
    struct request req;
    int rc;

    while ((rc = c->len > 0 ? parse(c, &req) : 0) == 1) {
        if (s->delay_us > 0 && c->due_us == 0 && has(&req, "/_api/document/"))
            c->due_us = mono_us() + s->delay_us;
        if (c->due_us > mono_us())
            return true;
        c->due_us = 0;
        if (!serve(s, c, &req))
            return false;
        c->len -= req.all_len;
        c->searched = 0;
        memmove(c->buf, c->buf + req.all_len, c->len);
    }
    return rc == 0;
}

static bool read_some(struct server *s, struct conn *c)
{
    ssize_t n;

    if (c->len == c->cap && !grow(c))
        return false;
    n = recv(c->fd, c->buf + c->len, c->cap - c->len, MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    if (n == 0)
        return false;
    c->len += (size_t)n;
    return serve_buffer(s, c);
}

static void accept_one(struct server *s)
{
    int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    int one = 1;

    for (int i = 0; fd >= 0 && i < CONNS_MAX; i++) {
        struct conn *c = &s->conns[i];
        struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };

        if (c->fd >= 0)
            continue;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        *c = (struct conn){ .fd = fd };
        if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &ev) != 0)
            drop(c);
        return;
    }
    if (fd >= 0)
        (void)close(fd);
}

/* Answers that are due; returns ms until the next, -1 when none waits. */
static int serve_due(struct server *s)
{
    int64_t next_us = -1, now_us = mono_us();

    for (int i = 0; i < CONNS_MAX; i++) {
        struct conn *c = &s->conns[i];

        if (c->fd < 0 || c->due_us == 0)
            continue;
        if (c->due_us <= now_us) {
            if (!serve_buffer(s, c))
                drop(c);
        } else if (next_us < 0 || c->due_us < next_us) {
            next_us = c->due_us;
        }
    }
    return next_us < 0 ? -1 : (int)((next_us - now_us) / 1000 + 1);
}

static void run(struct server *s)
{
    struct epoll_event events[64];

    while (!is_stopping) {
        int wait_ms = s->delay_us > 0 ? serve_due(s) : -1;
        int n = epoll_wait(s->epoll_fd, events, 64, wait_ms);

        for (int i = 0; i < n; i++) {
            struct conn *c = events[i].data.ptr;

            if (!c)
                accept_one(s);
            else if (c->fd >= 0 && !read_some(s, c))
                drop(c);
        }
    }
}

static int listen_on(uint16_t port, uint16_t *ret_port)
{
    struct sockaddr_in addr = { .sin_family = AF_INET,
                                .sin_port = htons(port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0 || listen(fd, 128) != 0 ||
        getsockname(fd, (struct sockaddr *)&addr, &size) != 0) {
        (void)close(fd);
        return -1;
    }
    *ret_port = ntohs(addr.sin_port);
    return fd;
}

int main(int argc, char **argv)
{
    static struct server s;
    struct sigaction sa = { .sa_handler = on_signal };
    struct epoll_event ev = { .events = EPOLLIN };
    long long port = argc > 1 ? number(argv[1], argv[1] + strlen(argv[1])) : 0;
    uint16_t bound = 0;

    if (port > 65535) {
        (void)fprintf(stderr, "nullserver: port '%s': expected 0 to 65535\n", argv[1]);
        return 2;
    }
    for (int i = 0; i < CONNS_MAX; i++)
        s.conns[i].fd = -1;
    (void)sigaction(SIGTERM, &sa, NULL);
    (void)sigaction(SIGINT, &sa, NULL);
    s.listen_fd = listen_on((uint16_t)port, &bound);
    s.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (s.listen_fd < 0 || s.epoll_fd < 0 ||
        epoll_ctl(s.epoll_fd, EPOLL_CTL_ADD, s.listen_fd, &ev) != 0) {
        perror("nullserver");
        return 1;
    }
    (void)printf("port=%u\n", bound);
    (void)fflush(stdout);
    run(&s);
    (void)printf("requests=%llu documents=%llu bytes=%llu\n",
                 (unsigned long long)s.requests, (unsigned long long)s.documents,
                 (unsigned long long)s.bytes);
    for (int i = 0; i < CONNS_MAX; i++)
        drop(&s.conns[i]);
    (void)close(s.listen_fd);
    (void)close(s.epoll_fd);
    return 0;
}
