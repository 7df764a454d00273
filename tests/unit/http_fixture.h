/* The library's HTTP client against a scripted server, for its unit tests. */
#ifndef TESTS_HTTP_FIXTURE_H
#define TESTS_HTTP_FIXTURE_H

#include "http_stub.h"
#include "runner.h"

#include <sf/http.h>

#define WAIT_MS 10000 /* far beyond what any case takes */

/* What became of a request. */
struct got {
    int calls;
    bool is_done;
    int status;
    enum sf_status err;
    char text[512], type[64];
    struct sf_buf body;
};

struct fixture {
    struct sf_loop *loop;
    struct sf_http *http;
};

/* @opts NULL: none. */
struct fixture setup(const struct sf_http_opts *opts);
void teardown(struct fixture *f);
/* sf_http_fn; @arg is a struct got. */
void on_answer(void *arg, struct sf_http_answer *answer);
/* Send @req to @path of the server at @base and serve the loop until its answer. */
struct got ask(struct fixture *f, const char *base, const char *path,
               struct sf_http_request req);
/* ... which is released. */
void assert_body(struct got *got, const char *want);

#endif
