#include "ending.h"

void sf_ending_clear(struct sf_ending *e)
{
    *e = (struct sf_ending){ .offset = -1, .last = -1, .to_ms = -1 };
}

void sf_ending_take(struct sf_ending *e, int64_t offset, const struct sf_end *end)
{
    int64_t to_ms = end->to > 0 ? end->to : INT64_MAX;

    e->offset = offset;
    if (end->last > e->last)
        e->last = end->last;
    if (to_ms > e->to_ms)
        e->to_ms = to_ms;
}

void sf_ending_follow(struct sf_ending *e, int64_t position, bool is_alone)
{
    if (!is_alone || position > e->last)
        sf_ending_clear(e);
}

bool sf_ending_is_final(const struct sf_ending *e, int64_t wanted_ms)
{
    return e->offset >= 0 && e->to_ms >= wanted_ms;
}
