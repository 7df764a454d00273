/* HTTP/1.1 server on the program's loop: strict, keep-alive, plain or TLS.
 *
 * Admin endpoints, the embedded store and exchange, and the queue-manager are handlers
 * behind it. A request reaches the handler whole, body included; the answer may be given
 * at once or later. Request bodies need a Content-Length (chunked ones get
 * 411). Loop thread only: a worker thread hands its result over with an
 * sf_wake. */
#ifndef SF_HTTPD_H
#define SF_HTTPD_H

#include <sf/buf.h>
#include <sf/loop.h>

struct sf_httpd;
struct sf_httpd_req; /* one request, until its answer is sent or its peer is gone */

typedef void (*sf_httpd_fn)(void *arg, struct sf_httpd_req *req);

struct sf_httpd_opts {
    const char *listen;    /* "127.0.0.1:8529"; port 0: any free one */
    const char *cert_path; /* PEM chain and key: HTTPS; both NULL: plain */
    const char *key_path;
    size_t body_max;          /* bytes; over it: 413. 0: 1 MiB */
    unsigned connections_max; /* over it: closed at accept. 0: 1024 */
    sf_httpd_fn fn;           /* every request */
    void *arg;
};

/* Listens when it returns. Errors: SF_EINVAL (listen), SF_EIO (in use, TLS files),
 * SF_ENOMEM. */
enum sf_status sf_httpd_create(struct sf_loop *loop, const struct sf_httpd_opts *opts,
                               struct sf_httpd **ret_httpd,
                               struct sf_error *err) SF_MUST_CHECK;
/* Not from its own handler. Requests that are open stay valid until their reply. NULL is
 * fine. */
void sf_httpd_destroy(struct sf_httpd *httpd);
/* The port that it listens on. */
int sf_httpd_port(const struct sf_httpd *httpd);

/* What was asked. Views are lent until the answer. */
struct sf_str sf_httpd_method(const struct sf_httpd_req *req); /* "GET" */
struct sf_str
sf_httpd_path(const struct sf_httpd_req *req); /* raw, still encoded, no query */
struct sf_str
sf_httpd_query(const struct sf_httpd_req *req); /* raw: "a=1&b=%20", or empty */
struct sf_str sf_httpd_body(const struct sf_httpd_req *req);
struct sf_str sf_httpd_peer(const struct sf_httpd_req *req); /* "127.0.0.1" */
/* Value of a header (any name), the empty view when absent. */
struct sf_str sf_httpd_header(struct sf_httpd_req *req, const char *name);
/* Decode %XX (and '+' when @is_query) of @s into @b. Errors: SF_EPROTO. */
enum sf_status sf_httpd_decode(struct sf_str s, bool is_query,
                               struct sf_buf *b) SF_MUST_CHECK;
/* Find @name among the query's parameters; the value still encoded. */
bool sf_httpd_param(const struct sf_httpd_req *req, const char *name,
                    struct sf_str *ret_value);

struct sf_httpd_answer {
    int status;
    const char *content_type; /* NULL: "application/json; charset=utf-8" */
    const char *const
        *headers;       /* name, value, name, value, ..., NULL; copied. May be NULL */
    struct sf_str body; /* copied */
    /* For stand-ins that must misbehave on demand: */
    size_t cut_after;    /* close after this many body bytes; 0: never */
    int64_t bytes_per_s; /* send the body slowly; 0: at once */
    int64_t delay_ms;    /* before the first byte */
};

/* Answer, once. Safe when the peer has gone meanwhile: then nothing is sent. @req is
 * invalid afterwards. HEAD requests get the headers of @answer without its body. */
void sf_httpd_reply(struct sf_httpd_req *req, const struct sf_httpd_answer *answer);
/* Shorthand: JSON text. */
void sf_httpd_reply_json(struct sf_httpd_req *req, int status, struct sf_str body);

#endif
