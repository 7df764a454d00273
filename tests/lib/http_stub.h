/* An HTTP/1.1 server with scripted answers on a free port of 127.0.0.1, in threads of its
 * own, for tests of HTTP clients.
 *
 *   struct stub *stub = stub_start_script(answers, COUNT(answers));
 *   ... stub_url(stub) ...
 *   ck_assert_int_eq(stub_requests_n(stub), 2);
 *   stub_stop(stub);
 *
 * A failure of the stub itself fails the test. Functions: the test's thread. */
#ifndef TESTS_HTTP_STUB_H
#define TESTS_HTTP_STUB_H

#include <sf/str.h>

struct stub;

/* Zeroed fields are the plain case. Headers are copied when stub_fn returns, the body
 * must live until stub_stop. */
struct stub_answer {
    int status;          /* 0: close the connection without a word */
    const char *headers; /* "Name: value\r\n" lines; NULL: none */
    const char *body;    /* NULL: none */
    size_t body_n;       /* 0: body is text with a NUL */
    int delay_ms;        /* before the answer */
    int slow_ms;         /* between the bytes of the body's first 8 */
    size_t cut;          /* close behind so many bytes of the body; 0: send all */
    bool is_closing;     /* say "Connection: close", and do */
    bool is_chunked;     /* Transfer-Encoding instead of Content-Length */
};

struct stub_request {
    int n;               /* counts from 0 */
    unsigned connection; /* likewise: requests of one connection share it */
    int64_t arrived_us;  /* mono */
    struct sf_str method, path;
    struct sf_str head; /* header lines, each with its "\r\n" */
    struct sf_str body;
};

/* Decide on an answer. Called in a connection's thread, one call at a time. */
typedef void (*stub_fn)(void *arg, const struct stub_request *req,
                        struct stub_answer *answer);

struct stub *stub_start(stub_fn fn, void *arg);
/* The n-th request gets the n-th answer, later ones the last. */
struct stub *stub_start_script(const struct stub_answer *answers, int answers_n);
/* Closes every connection and waits for the threads. */
void stub_stop(struct stub *stub);

const char *stub_url(const struct stub *stub); /* "http://127.0.0.1:<port>" */
int stub_port(const struct stub *stub);

int stub_requests_n(struct stub *stub);
/* Requests in order of arrival, lent until stub_stop; @n must be below the number. */
const struct stub_request *stub_request(struct stub *stub, int n);
/* How many connections were accepted. */
int stub_connections_n(struct stub *stub);

/* Value of a request header, without regard to case; the empty view when absent. */
struct sf_str stub_header(const struct stub_request *req, const char *name);

#endif
