/* One connection: bytes in, requests out to the handler, one at a time. What a peer sends
 * ahead waits in the connection's buffer, bounded, until the answer before it is sent. */
#include "httpd_internal.h"

#include <sf/time.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void conn_on_event(void *arg, int fd, unsigned events);

void sf_req_free(struct sf_httpd_req *req)
{
    if (!req)
        return;
    sf_buf_release(&req->bytes);
    free(req);
}

ssize_t sf_conn_recv(struct conn *c, void *p, size_t n)
{
    ssize_t got;

    if (c->tls)
        return sf_tls_recv(c, p, n);
    do
        got = recv(c->fd, p, n, 0);
    while (got < 0 && errno == EINTR);
    if (got >= 0)
        return got;
    return errno == EAGAIN || errno == EWOULDBLOCK ? CONN_AGAIN : CONN_GONE;
}

ssize_t sf_conn_send(struct conn *c, const void *p, size_t n)
{
    ssize_t put;

    if (c->tls)
        return sf_tls_send(c, p, n);
    do
        put = send(c->fd, p, n, MSG_NOSIGNAL);
    while (put < 0 && errno == EINTR);
    if (put >= 0)
        return put;
    return errno == EAGAIN || errno == EWOULDBLOCK ? CONN_AGAIN : CONN_GONE;
}

void sf_conn_open(struct sf_httpd *httpd, int fd, const char *peer)
{
    struct conn *c = calloc(1, sizeof(*c));

    if (!c) {
        (void)close(fd);
        return;
    }
    c->httpd = httpd;
    c->fd = fd;
    memcpy(c->peer, peer, PEER_SIZE);
    sf_buf_init(&c->in, SF_HTTPD_HEAD_MAX + httpd->opts.body_max + 2 * READ_BYTES);
    sf_buf_init(&c->out, SIZE_MAX / 2); /* bounded by the handlers' answers */
    c->deadline_us = sf_mono_us() + PROGRESS_US;
    c->state = httpd->tls ? CONN_HANDSHAKE : CONN_READING;
    c->next = httpd->conns;
    if (c->next)
        c->next->prev = c;
    httpd->conns = c;
    httpd->conns_n++;
    c->events = SF_READABLE;
    if ((httpd->tls && !sf_tls_open(c)) ||
        sf_watch_start(httpd->loop, fd, SF_READABLE, conn_on_event, c, &c->watch) !=
            SF_OK)
        sf_conn_close(c);
}

/* Its memory goes in the next round of the loop: callers up the stack still look at it.
 */
void sf_conn_close(struct conn *c)
{
    struct sf_httpd *httpd = c->httpd;

    if (c->is_dead)
        return;
    c->is_dead = true;
    if (c->req)
        c->req->conn = NULL; /* the handler's now; its reply frees it */
    c->req = NULL;
    if (c->ws)
        sf_wsd_gone(c->ws);
    sf_watch_stop(c->watch);
    sf_timer_destroy(c->pace);
    sf_tls_close(c);
    (void)close(c->fd);
    if (c->prev)
        c->prev->next = c->next;
    else
        httpd->conns = c->next;
    if (c->next)
        c->next->prev = c->prev;
    httpd->conns_n--;
    c->next = httpd->dead;
    httpd->dead = c;
    sf_timer_set(httpd->reap, 0, 0);
}

void sf_conn_reap(struct sf_httpd *httpd)
{
    while (httpd->dead) {
        struct conn *c = httpd->dead;

        httpd->dead = c->next;
        if (c->ws)
            sf_wsd_over(c->ws);
        sf_req_free(c->spare);
        sf_buf_release(&c->in);
        sf_buf_release(&c->out);
        free(c);
    }
}

void sf_conn_watch(struct conn *c)
{
    unsigned events = 0, wants;
    bool reads = c->state != CONN_SENDING && !c->is_eof;
    bool writes = c->state == CONN_SENDING && !(c->pace && sf_timer_is_set(c->pace));

    if (c->is_dead)
        return;
    if (c->state == CONN_WAITING && c->in.len >= PIPELINE_MAX)
        reads = false;
    if (c->state == CONN_WS) {
        wants = sf_wsd_wants(c->ws);
        reads = wants & SF_READABLE;
        writes = wants & SF_WRITABLE;
    }
    if (reads)
        events |= c->tls_wants_write ? SF_WRITABLE : SF_READABLE;
    if (reads && sf_tls_has_more(c))
        events |= SF_WRITABLE; /* it is: comes back at once for what OpenSSL holds */
    if (writes)
        events |= c->tls_wants_read ? SF_READABLE : SF_WRITABLE;
    if (events != c->events) {
        c->events = events;
        sf_watch_change(c->watch, events);
    }
}

/* The request that begins in->p is all there: its bytes move into a request object. */
static struct sf_httpd_req *take_request(struct conn *c)
{
    struct sf_httpd_req *req = c->spare ? c->spare : calloc(1, sizeof(*req));
    struct sf_buf bytes;
    size_t ahead = c->in.len - c->need;

    if (!req)
        return NULL;
    c->spare = NULL;
    bytes = req->bytes;
    req->bytes = c->in;
    req->bytes.len = c->need;
    c->in = bytes;
    if (!c->in.p)
        sf_buf_init(&c->in, req->bytes.max);
    sf_buf_clear(&c->in);
    sf_buf_add(&c->in, req->bytes.p + c->need, ahead);
    (void)sf_httpd_head_parse(sf_buf_str(&req->bytes), &req->head);
    req->body = sf_str_make(req->bytes.p + req->head.len, c->need - req->head.len);
    memcpy(req->peer, c->peer, PEER_SIZE);
    req->conn = c;
    c->need = c->timed = 0;
    return req;
}

/* Read the head at the start of in. True when need is known. */
static bool read_head(struct conn *c)
{
    struct sf_httpd_head head;
    int status = sf_httpd_head_parse(sf_buf_str(&c->in), &head);

    if (status == 0)
        return false;
    if (status == 200 && head.body_len > c->httpd->opts.body_max)
        status = 413;
    if (status != 200) {
        sf_conn_refuse(c, status);
        return false;
    }
    c->need = head.len + (size_t)head.body_len;
    if (head.expects_continue && c->in.len < c->need) {
        static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

        /* 25 bytes into an empty socket buffer; a peer that sees them late sends anyway
         */
        (void)sf_conn_send(c, go_on, sizeof(go_on) - 1);
    }
    return true;
}

/* Once for the wait, the head and the body each: what trickles in does not move it, or a
 * few peers that send a byte now and then could hold all connections. */
static void set_deadline(struct conn *c)
{
    size_t timed = c->in.len == 0 ? 0 : c->need > 0 ? c->need : 1;

    if (timed != 0 && timed == c->timed)
        return;
    c->timed = timed;
    c->deadline_us = sf_mono_us() + IDLE_US;
    if (timed != 0)
        c->deadline_us =
            sf_mono_us() + PROGRESS_US + (int64_t)(c->need / BODY_BYTES_PER_S) * 1000000;
}

void sf_conn_continue(struct conn *c)
{
    c->depth++;
    while (!c->is_dead && c->state == CONN_READING && c->in.len > 0) {
        if (c->need == 0 && !read_head(c))
            break;
        if (c->in.len < c->need)
            break;
        c->req = take_request(c);
        if (!c->req) {
            sf_conn_close(c);
            break;
        }
        /* without memory what came behind it is lost */
        c->close_after =
            !c->req->head.is_persistent || sf_buf_status(&c->in, NULL) != SF_OK;
        c->state = CONN_WAITING;
        c->deadline_us = 0; /* the handler may take its time */
        c->httpd->opts.fn(c->httpd->opts.arg, c->req);
    }
    c->depth--;
    if (!c->is_dead && c->state == CONN_READING) {
        if (c->is_eof) {
            sf_conn_close(c);
            return;
        }
        set_deadline(c);
    }
    sf_conn_watch(c);
}

/* Drop what a refused peer still sends, so that closing does not reset its connection
 * before it has read why. */
static void linger(struct conn *c)
{
    char waste[4096];
    ssize_t got = 1;

    /* bounded: one that sends without end must not keep the loop to itself */
    for (int i = 0; i < LINGER_READS && got > 0; i++)
        got = recv(c->fd, waste, sizeof(waste), 0);
    if (got == 0 ||
        (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
        sf_conn_close(c);
}

static void receive(struct conn *c)
{
    size_t want = READ_BYTES;
    char *to;
    ssize_t got;

    if (c->need > c->in.len && c->need - c->in.len > want)
        want = c->need - c->in.len; /* a long body: as few reads as it takes */
    to = sf_buf_reserve(&c->in, want);
    if (!to) {
        sf_conn_close(c);
        return;
    }
    got = sf_conn_recv(c, to, want);
    if (got == CONN_AGAIN) {
        sf_conn_watch(c);
        return;
    }
    if (got == CONN_GONE || (got == 0 && c->state == CONN_READING)) {
        sf_conn_close(c);
        return;
    }
    if (got == 0)
        c->is_eof = true; /* closed its side only: it may still read the answer */
    c->in.len += (size_t)got;
    if (c->state == CONN_READING)
        sf_conn_continue(c);
    else
        sf_conn_watch(c);
}

static void conn_on_event(void *arg, int fd, unsigned events)
{
    struct conn *c = arg;
    int rc;

    (void)fd;
    (void)events;
    switch (c->state) {
    case CONN_HANDSHAKE:
        rc = sf_tls_handshake(c);
        if (rc == CONN_GONE) {
            sf_conn_close(c);
            return;
        }
        if (rc == 1)
            c->state = CONN_READING;
        sf_conn_watch(c);
        break;
    case CONN_READING:
    case CONN_WAITING:
        receive(c);
        break;
    case CONN_SENDING:
        sf_conn_flush(c);
        break;
    case CONN_LINGERING:
        linger(c);
        break;
    case CONN_WS:
        sf_wsd_on_event(c->ws);
        break;
    }
}
