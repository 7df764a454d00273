/* What httpd.c (server), httpd_conn.c (connections), httpd_send.c (answers) and
 * httpd_req.c (what was asked) share. Loop thread only. */
#ifndef SF_SRC_HTTPD_INTERNAL_H
#define SF_SRC_HTTPD_INTERNAL_H

#include "httpd_head.h"

#include <sf/httpd.h>
#include <sf/time.h>

#include <sys/types.h>

#define READ_BYTES        65536              /* of one read */
#define SLOW_TICK_MS      50                 /* a slow body goes out in steps */
#define IDLE_US           INT64_C(120000000) /* between two requests */
#define PROGRESS_US       INT64_C(30000000)  /* a head, or an answer that stands still */
#define BODY_BYTES_PER_S  16384              /* a body that comes slower is given up */
#define LINGER_US         INT64_C(2000000)   /* for the peer to read a refusal */
#define LINGER_READS      16                 /* of one loop round */
#define SWEEP_MS          1000               /* how often these are looked at */
#define PIPELINE_MAX      READ_BYTES         /* read ahead while a request is answered */
#define BODY_MAX_DEFAULT  (1u << 20)
#define CONNS_MAX_DEFAULT 1024
#define PEER_SIZE         46 /* numeric address, IPv6 at longest */
#define KEEP_BYTES                                                      \
    (4 * READ_BYTES) /* a connection's buffers over this are given back \
                      */

struct sf_httpd {
    struct sf_loop *loop;
    struct sf_httpd_opts opts;
    int fd, port;
    struct sf_watch *watch; /* NULL while out of descriptors, until the next sweep */
    struct sf_timer *sweep;
    struct sf_timer *reap;
    struct conn *conns, *dead; /* dead: closed, to be freed by reap */
    unsigned conns_n;
    void *tls;                    /* SSL_CTX, or NULL */
    int64_t date_s;               /* the second that date holds */
    char date[SF_TIME_HTTP_SIZE]; /* "Sun, 06 Nov 1994 08:49:37 GMT" */
};

enum conn_state {
    CONN_HANDSHAKE, /* TLS */
    CONN_READING,   /* a request, or waiting for one */
    CONN_WAITING,   /* the handler has it */
    CONN_SENDING,   /* its answer */
    CONN_LINGERING, /* all said; reads and drops until the peer closes */
    CONN_WS,        /* a WebSocket's since its handshake */
};

struct conn {
    struct sf_httpd *httpd;
    struct conn *prev, *next;
    enum conn_state state;
    int fd;
    void *tls; /* SSL, or NULL */
    struct sf_watch *watch;
    unsigned events;       /* watched for */
    struct sf_timer *pace; /* delayed or slow answer; made when first needed */
    struct sf_buf in;      /* received, not yet handed to a request */
    size_t need;           /* bytes of in that the request takes, once its head is read */
    struct sf_httpd_req *req, *spare;
    struct sf_wsd *ws; /* NULL before its handshake */
    struct sf_buf out; /* the answer: what is not sent yet begins at sent */
    size_t sent;
    int64_t pace_bytes; /* a tick; 0: no pacing */
    size_t allowed;     /* of out, when pacing */
    int64_t deadline_us;
    size_t timed;   /* what deadline_us is of: 0 idle, 1 a head, else need */
    unsigned depth; /* in the handler's call: its answer does not go on reading */
    bool is_dead, is_eof, close_after;
    bool tls_wants_write; /* a read that needs the socket writable, and the reverse */
    bool tls_wants_read;
    char peer[PEER_SIZE];
};

struct sf_httpd_req {
    struct conn *conn; /* NULL when the peer is gone */
    struct sf_buf bytes;
    struct sf_httpd_head head;
    struct sf_str body;
    char peer[PEER_SIZE];
};

/* httpd_conn.c: takes @fd; @peer is PEER_SIZE bytes. */
void sf_conn_open(struct sf_httpd *httpd, int fd, const char *peer);
void sf_conn_close(struct conn *c);
void sf_conn_reap(struct sf_httpd *httpd);
/* Go on with what was received, after an answer is out. */
void sf_conn_continue(struct conn *c);
/* Set what is watched for by the state. */
void sf_conn_watch(struct conn *c);
void sf_req_free(struct sf_httpd_req *req);

/* httpd_send.c: send what is queued; moves the state on when all is out. */
void sf_conn_flush(struct conn *c);
/* Refuse what cannot be a request: answer @status, then close. */
void sf_conn_refuse(struct conn *c, int status);

/* wsd.c. The connection's events; its end; and later, when nobody up the stack looks at
 * it any more, the news of it. */
struct sf_wsd_opts;
struct sf_wsd *sf_wsd_make(struct sf_loop *loop, const struct sf_wsd_opts *opts);
void sf_wsd_free(struct sf_wsd *ws);
void sf_wsd_on_event(struct sf_wsd *ws);
void sf_wsd_gone(struct sf_wsd *ws);
void sf_wsd_over(struct sf_wsd *ws);
/* SF_READABLE, SF_WRITABLE: what it would do next. */
unsigned sf_wsd_wants(const struct sf_wsd *ws);

/* httpd_tls.c, or the plain socket. Bytes moved, 0 at the peer's end, CONN_AGAIN, or
 * CONN_GONE. */
#define CONN_AGAIN (-1)
#define CONN_GONE  (-2)
ssize_t sf_conn_recv(struct conn *c, void *p, size_t n);
ssize_t sf_conn_send(struct conn *c, const void *p, size_t n);

enum sf_status sf_tls_create(struct sf_httpd *httpd, struct sf_error *err) SF_MUST_CHECK;
void sf_tls_destroy(struct sf_httpd *httpd);
bool sf_tls_open(struct conn *c);
/* CONN_AGAIN while the handshake goes on, CONN_GONE when it failed, 1 when done. */
int sf_tls_handshake(struct conn *c);
/* Say goodbye; then free. */
void sf_tls_shutdown(struct conn *c);
void sf_tls_close(struct conn *c);
bool sf_tls_has_more(const struct conn *c);
ssize_t sf_tls_recv(struct conn *c, void *p, size_t n);
ssize_t sf_tls_send(struct conn *c, const void *p, size_t n);

#endif
