/* Memory that is given back all at once: chunks that grow, no single free.
 *
 * Running out is remembered (is_failed), so that a long build-up checks once at its end;
 * each allocation still returns NULL then. One thread at a time. */
#ifndef STORE_ARENA_H
#define STORE_ARENA_H

#include "budget.h"

#include <sf/str.h>

struct arena_chunk;

struct arena {
    struct arena_chunk *last; /* newest chunk */
    size_t used_bytes;        /* in all chunks */
    size_t max_bytes;         /* ceiling of used_bytes; over it: failed */
    bool is_failed;
    struct budget *budget; /* chunks are taken from it; may be NULL */
};

void arena_init(struct arena *a, size_t max_bytes);
/* The same with the limits of @budget, which outlives it. */
void arena_init_budget(struct arena *a, struct budget *budget);
void arena_release(struct arena *a);
/* Give all back but one chunk for the next use. */
void arena_clear(struct arena *a);

/* @n bytes, zeroed, aligned for any type; NULL when out of memory or over the ceiling. */
void *arena_alloc(struct arena *a, size_t n);
/* A copy of @s; the empty view on failure. */
struct sf_str arena_str(struct arena *a, struct sf_str s);
/* The same with a NUL behind it; "" on failure. */
const char *arena_cstr(struct arena *a, struct sf_str s);

#endif
