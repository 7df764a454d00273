/* A REST client of a scripted exchange, for the tests of rest.h. */
#ifndef TESTS_REST_FIXTURE_H
#define TESTS_REST_FIXTURE_H

#include "http_stub.h"

#include <sf/rest.h>

#define WAIT_MS 20000 /* far beyond what any case takes */

/* What became of one call. */
struct got {
    int calls;
    bool is_done;
    enum sf_status status;
    char text[512], body[256];
};

/* Binance with a budget of one's own, a client of it, and its server. */
struct fixture {
    struct sf_loop *loop;
    struct sf_exchange exchange;
    struct sf_conf conf;
    struct sf_rest *rest;
    struct stub *stub;
    char url[64];
    /* waits that were told */
    int waits;
    int64_t wait_ms;
    char why[512];
};

/* @f->stub runs: settings for it, and a client. */
void rest_setup(struct fixture *f);
void rest_teardown(struct fixture *f);
/* A client as f->conf and f->exchange say now. */
void rest_make_client(struct fixture *f);

/* Ask for @path at a weight of 2. */
void rest_ask(struct fixture *f, struct got *got, const char *path);
/* sf_rest_fn; @arg is a struct got. */
void rest_on_body(void *arg, enum sf_status status, struct sf_buf *body,
                  const struct sf_error *err);
void rest_await(struct fixture *f, struct got *got);
/* Serve the loop for a while in which nothing is to happen. */
void rest_idle(struct fixture *f, int64_t ms);
/* When the @n-th request reached the stub, mono. */
int64_t rest_arrival_us(struct fixture *f, int n);

#endif
