/* Live streams of many symbols, over as few connections as the exchange allows.
 *
 * Symbols are cut into groups, one connection each. A connection that is cut is made
 * again with back-off and jitter; before the exchange cuts it by age, or when it says
 * that it will, a second one is up and overlaps the first. What is seen twice, or not at
 * all, is the caller's to find by ids: it is told when a group's stream begins anew. */
#ifndef LIVE_H
#define LIVE_H

#include "tape.h"

#include <sf/exchange.h>
#include <sf/loop.h>

struct sf_live;

struct sf_live_opts {
    struct sf_loop *loop;
    const struct sf_conf *conf; /* borrowed; its symbols are the streams */
    const struct sf_exchange *exchange;
    /* Recorded to, or played in place of connections; NULL: neither. */
    const struct sf_tape *tape;
    /* Append the name of a symbol's stream. */
    void (*stream)(void *arg, struct sf_buf *b, struct sf_str symbol);
    /* An event of the stream of symbol @i (of conf); the text is lent. */
    void (*on_event)(void *arg, size_t i, struct sf_str event);
    /* Symbols [@first, @first + @n) are listened to (again): what happened before may
     * have been missed. */
    void (*on_up)(void *arg, size_t first, size_t n);
    /* They are not, since now; told once a loss. */
    void (*on_down)(void *arg, size_t first, size_t n, const struct sf_error *why);
    void *arg;
};

/* Begins to connect. Errors: SF_EINVAL the address, SF_ENOMEM. */
enum sf_status sf_live_create(const struct sf_live_opts *opts, struct sf_live **ret_live,
                              struct sf_error *err) SF_MUST_CHECK;
void sf_live_destroy(struct sf_live *live); /* NULL is fine */
/* Close all connections and make none, or begin again. */
void sf_live_pause(struct sf_live *live, bool is_paused);
/* Members of a JSON object, each with a comma before it, for the `loading` event. */
void sf_live_progress(const struct sf_live *live, struct sf_buf *extra);

#endif
