/* The names of a queue's streams: from a name to its symbol, and to URLs. */
#ifndef LIVE_STREAMS_H
#define LIVE_STREAMS_H

#include <sf/buf.h>

struct live_streams {
    struct sf_buf names; /* one behind the other */
    size_t *ends;        /* of each name in it */
    size_t n;
    uint32_t *table; /* by hash: index + 1, 0 free */
    size_t mask;
};

#define LIVE_STREAMS_NONE SIZE_MAX

/* For @n_max names. Errors: SF_ENOMEM. */
enum sf_status live_streams_init(struct live_streams *s, size_t n_max) SF_MUST_CHECK;
void live_streams_release(struct live_streams *s);
/* What was appended to s->names is the next name. Errors: SF_ENOMEM. */
enum sf_status live_streams_add(struct live_streams *s) SF_MUST_CHECK;

struct sf_str live_streams_name(const struct live_streams *s, size_t i);
/* Its index, or LIVE_STREAMS_NONE. */
size_t live_streams_find(const struct live_streams *s, struct sf_str name);

#endif
