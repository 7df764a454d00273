/* What rest.c (queue, sending, verdicts) shares with rest_hello.c (the first questions)
 * and rest_tape.c (answers from a tape). */
#ifndef REST_INTERNAL_H
#define REST_INTERNAL_H

#include "tape.h"

#include <sf/limit.h>
#include <sf/rest.h>

struct call {
    struct sf_rest *rest;
    struct call *next; /* in the queue, or in the list of those under way */
    uint64_t id;       /* of the HTTP request, while under way */
    char *path;
    int64_t weight;
    unsigned tries;
    int64_t not_before_us;
    bool is_matched;       /* with a line of the tape that is played */
    int64_t asked_tape_us; /* the tape's time when it was made */
    sf_rest_fn fn;
    void *arg;
};

struct sf_rest {
    struct sf_http *http;
    const struct sf_conf *conf;
    const struct sf_exchange *exchange;
    struct sf_loop *loop;
    struct sf_timer *turn_timer;
    struct sf_limit limit;
    struct call *queue; /* waiting */
    struct call *sent;  /* under way: sent_n, at most sent_max */
    unsigned sent_n, sent_max;
    bool is_paused;
    int64_t failing_since_us; /* 0: the exchange answers */
    int64_t unknown_wait_ms;  /* the next wait for a limit without a time */
    int64_t told_until_us;    /* a wait for the budget was told of, until then */
    uint64_t random;
    /* the exchange's time at our monotonic time; 0: unknown */
    int64_t clock_ms, clock_us;
    int64_t answer_ms; /* the exchange's time of the answer that is told; 0: none is */
    sf_rest_wait_fn on_wait;
    void *wait_arg;
    struct sf_tape tape;
};

/* End the call, which is in no list any more. */
void rest_end_call(struct call *call, enum sf_status status, struct sf_buf *body,
                   const struct sf_error *err);

struct sf_loop *rest_loop(const struct sf_rest *rest);
const struct sf_exchange *rest_exchange(const struct sf_rest *rest);

/* The exchange's time is @server_ms now. */
void rest_set_clock(struct sf_rest *rest, int64_t server_ms);
/* The budget as the exchange publishes it. */
void rest_publish(struct sf_rest *rest, int64_t weight_limit, int64_t window_ms);

/* Forget the calls with this @arg, waiting or under way; their callback is not called. */
void rest_drop(struct sf_rest *rest, const void *arg);

#endif
