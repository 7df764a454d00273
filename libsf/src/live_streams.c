#include "live_streams.h"

#include <stdlib.h>

#define NAME_MAX_BYTES 64 /* a symbol and what is behind it */

enum sf_status live_streams_init(struct live_streams *s, size_t n_max)
{
    size_t size = 16;

    while (size < 2 * n_max)
        size *= 2;
    *s = (struct live_streams){ .mask = size - 1 };
    sf_buf_init(&s->names, n_max * NAME_MAX_BYTES);
    s->ends = calloc(n_max > 0 ? n_max : 1, sizeof(*s->ends));
    s->table = calloc(size, sizeof(*s->table));
    if (s->ends && s->table)
        return SF_OK;
    live_streams_release(s);
    return SF_ENOMEM;
}

void live_streams_release(struct live_streams *s)
{
    sf_buf_release(&s->names);
    free(s->ends);
    free(s->table);
    *s = (struct live_streams){ 0 };
}

struct sf_str live_streams_name(const struct live_streams *s, size_t i)
{
    size_t begin = i > 0 ? s->ends[i - 1] : 0;

    return (struct sf_str){ s->names.p + begin, s->ends[i] - begin };
}

/* The place of @name in the table, or the free one where it belongs. */
static size_t place(const struct live_streams *s, struct sf_str name)
{
    size_t at = (size_t)sf_str_hash(name) & s->mask;

    while (s->table[at] != 0 && !sf_str_eq(live_streams_name(s, s->table[at] - 1), name))
        at = (at + 1) & s->mask;
    return at;
}

enum sf_status live_streams_add(struct live_streams *s)
{
    if (s->names.status != SF_OK)
        return s->names.status;
    s->ends[s->n] = s->names.len;
    s->table[place(s, live_streams_name(s, s->n))] = (uint32_t)s->n + 1;
    s->n++;
    return SF_OK;
}

size_t live_streams_find(const struct live_streams *s, struct sf_str name)
{
    uint32_t found = s->table[place(s, name)];

    return found > 0 ? found - 1 : LIVE_STREAMS_NONE;
}
