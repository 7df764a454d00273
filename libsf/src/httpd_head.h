/* The head of an HTTP/1.1 request, strictly by RFC 9112: whatever two servers might read
 * differently is refused, not guessed. Pure; lends views into the bytes it was given. */
#ifndef SF_SRC_HTTPD_HEAD_H
#define SF_SRC_HTTPD_HEAD_H

#include <sf/str.h>

#define SF_HTTPD_HEAD_MAX    16384 /* request line and headers; over it: 431 */
#define SF_HTTPD_HEADERS_MAX 64

struct sf_httpd_field {
    struct sf_str name, value;
};

struct sf_httpd_head {
    struct sf_str method, path, query;
    struct sf_httpd_field fields[SF_HTTPD_HEADERS_MAX];
    unsigned fields_n;
    size_t len;            /* of the head, with its empty line */
    uint64_t body_len;     /* Content-Length, or 0 */
    bool is_persistent;    /* the connection may serve another request */
    bool expects_continue; /* waits for 100 before it sends the body */
};

/* Parse what @in begins with. Returns 0 when the empty line is not there yet, 200 when
 * @ret_head is filled, else the status to refuse the request with:
 * 400 malformed, 411 a chunked body, 431 over a limit, 501 another transfer coding,
 * 505 not HTTP/1.0 or 1.1. */
int sf_httpd_head_parse(struct sf_str in, struct sf_httpd_head *ret_head);

/* Value of the first field @name (any case), or the empty view. */
struct sf_str sf_httpd_head_field(const struct sf_httpd_head *head, struct sf_str name);

#endif
