#include "track.h"

#include <stdlib.h>

#define FIRST_CAP 1024

void sf_track_release(struct sf_track *t)
{
    free(t->ring);
    *t = (struct sf_track){ .head = t->tail, .tail = t->tail, .next = -1 };
}

static struct sf_track_entry *at(const struct sf_track *t, uint64_t number)
{
    return &t->ring[number & (t->cap - 1)];
}

static enum sf_status grow(struct sf_track *t)
{
    size_t cap = t->cap > 0 ? t->cap * 2 : FIRST_CAP;
    struct sf_track bigger = *t;

    if (cap > SF_TRACK_MAX)
        return SF_ETOOBIG;
    bigger.cap = cap;
    bigger.ring = calloc(cap, sizeof(*bigger.ring));
    if (!bigger.ring)
        return SF_ENOMEM;
    for (uint64_t n = t->head; n < t->tail; n++)
        *at(&bigger, n) = *at(t, n);
    free(t->ring);
    *t = bigger;
    return SF_OK;
}

enum sf_status sf_track_take(struct sf_track *t, int64_t offset, int64_t time_ms,
                             uint64_t *ret_number)
{
    if (t->tail - t->head == t->cap) {
        enum sf_status status = grow(t);

        if (status != SF_OK)
            return status;
    }
    *at(t, t->tail) = (struct sf_track_entry){ offset, time_ms, false };
    if (t->next < 0)
        t->next = offset;
    *ret_number = t->tail++;
    return SF_OK;
}

int64_t sf_track_done(struct sf_track *t, uint64_t number)
{
    int64_t time_ms;

    if (number < t->head || number >= t->tail)
        return -1;
    time_ms = at(t, number)->time_ms;
    at(t, number)->is_done = true;
    while (t->head < t->tail && at(t, t->head)->is_done) {
        t->next = at(t, t->head)->offset + 1;
        t->head++;
    }
    return time_ms;
}

size_t sf_track_pending(const struct sf_track *t)
{
    return (size_t)(t->tail - t->head);
}
