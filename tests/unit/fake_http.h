/* http.h without a network, for tests that script each answer: a test links this file
 * instead of libsf's http.c. Answers come from the loop, one tick after the request. */
#ifndef TESTS_FAKE_HTTP_H
#define TESTS_FAKE_HTTP_H

#include <sf/http.h>

struct fake_request {
    int n; /* counts from 0 */
    struct sf_str method, url, body, auth;
};

struct fake_answer {
    int status;          /* 0: no answer, with @failure */
    struct sf_buf *body; /* to be appended to */
    const char *codes;   /* x-arango-error-codes; NULL: absent */
    enum sf_status failure;
    bool never; /* keep the request open for ever */
};

typedef void (*fake_fn)(void *arg, const struct fake_request *req,
                        struct fake_answer *answer);

/* Who answers; before sf_http_create. */
void fake_http_script(fake_fn fn, void *arg);
/* Requests since then. */
int fake_http_requests(void);

#endif
