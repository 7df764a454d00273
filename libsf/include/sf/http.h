/* HTTP client: many requests at once on the program's loop, over libcurl.
 *
 * One request, one answer, no retry: rest.h and arango.h decide what to try again. Sends
 * no `Expect:` and no chunked bodies (ArangoDB refuses them), follows no redirect, always
 * verifies certificates. Error texts name host and reason, never credentials. Loop thread
 * only. */
#ifndef SF_HTTP_H
#define SF_HTTP_H

#include <sf/buf.h>
#include <sf/loop.h>

struct sf_http;

struct sf_http_opts {
    const char *ca_path;        /* PEM file; NULL: the system's certificates */
    int64_t connect_timeout_ms; /* 0: 10 s */
    size_t body_max;            /* ceiling of an answer's body; 0: 64 MiB */
    unsigned connections_max;   /* open at once, all hosts; 0: 8 */
};

/* @opts and what it points to are copied. Errors: SF_ENOMEM, SF_EIO (libcurl). */
enum sf_status sf_http_create(struct sf_loop *loop, const struct sf_http_opts *opts,
                              struct sf_http **ret_http,
                              struct sf_error *err) SF_MUST_CHECK;
/* Requests still under way are dropped without their callback. Not from a callback. NULL
 * is fine. */
void sf_http_destroy(struct sf_http *http);

#define SF_HTTP_HEADERS_MAX 8

struct sf_http_answer {
    /* 0: no answer; then err says why: SF_EIO, SF_ETIMEOUT (the wait for a free
     * connection counts), SF_ETOOBIG, SF_ENOMEM, SF_EDENIED the certificate does not
     * verify, SF_EINVAL the URL cannot be read. */
    int status;
    struct sf_buf
        body; /* take it with sf_http_take_body, else freed after the callback */
    struct sf_error err;
    int64_t took_us;
    void *priv;
};

/* Value of a response header, without regard to case; the empty view when absent. Lent
 * for the callback. */
struct sf_str sf_http_header(const struct sf_http_answer *a, const char *name);
/* Move the body to @to (which is released first). */
void sf_http_take_body(struct sf_http_answer *a, struct sf_buf *to);

typedef void (*sf_http_fn)(void *arg, struct sf_http_answer *answer);

struct sf_http_request {
    const char *method; /* "GET", "POST", ...; NULL: GET */
    const char *url;    /* absolute */
    struct sf_str body; /* copied unless body_is_lent */
    bool body_is_lent;  /* the caller keeps the bytes until the callback or cancel */
    const char *headers[SF_HTTP_HEADERS_MAX]; /* "Name: value", NULL-terminated; copied */
    int64_t timeout_ms;                       /* whole request; 0: 30 s */
    sf_http_fn fn; /* called once, from the loop, never from sf_http_send itself */
    void *arg;
};

/* Start a request. *ret_id (may be NULL) names it for sf_http_cancel. Errors: SF_ENOMEM;
 * SF_EINVAL neither http:// nor https://, or a header with a line break. On failure @fn
 * is not called. */
enum sf_status sf_http_send(struct sf_http *http, const struct sf_http_request *req,
                            uint64_t *ret_id, struct sf_error *err) SF_MUST_CHECK;
/* Drop a request; its callback is not called. Unknown ids are ignored. */
void sf_http_cancel(struct sf_http *http, uint64_t id);
/* Requests under way. */
size_t sf_http_pending(const struct sf_http *http);

#endif
