/* Which offsets of a partition are done: the lowest unconfirmed one is what may be
 * committed.
 *
 * Offsets are taken in the order they are read and finish in any order. Pure; one thread.
 */
#ifndef SF_TRACK_H
#define SF_TRACK_H

#include <sf/err.h>

#include <stddef.h>
#include <stdint.h>

#define SF_TRACK_MAX \
    (1u << 20) /* in flight per partition; lanes and batches bound it lower */

struct sf_track_entry {
    int64_t offset;
    int64_t time_ms; /* of the record, for the latency */
    bool is_done;
};

struct sf_track {
    struct sf_track_entry *ring;
    size_t cap;    /* power of two, or 0 */
    uint64_t head; /* number of the oldest that is not done */
    uint64_t tail; /* number of the next to be taken */
    int64_t next;  /* every offset below it is done; -1: nothing was taken yet */
};

void sf_track_release(struct sf_track *t); /* back to empty */

/* Take the next offset. *ret_number names it for sf_track_done.
 * Errors: SF_ENOMEM, SF_ETOOBIG (SF_TRACK_MAX). */
enum sf_status sf_track_take(struct sf_track *t, int64_t offset, int64_t time_ms,
                             uint64_t *ret_number) SF_MUST_CHECK;
/* @number is done. Returns its record's time, or -1 when it is not in flight (forgotten
 * by a release). Moves t->next. */
int64_t sf_track_done(struct sf_track *t, uint64_t number);
/* Offsets in flight. */
size_t sf_track_pending(const struct sf_track *t);

#endif
