#include "arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CHUNK ((size_t)4096)
#define CHUNK_MAX   ((size_t)1 << 20)

struct arena_chunk {
    struct arena_chunk *before;
    size_t size, used;
    alignas(max_align_t) char bytes[];
};

void arena_init(struct arena *a, size_t max_bytes)
{
    *a = (struct arena){ .max_bytes = max_bytes };
}

void arena_init_budget(struct arena *a, struct budget *budget)
{
    *a = (struct arena){ .max_bytes = SIZE_MAX / 2, .budget = budget };
}

static void free_from(struct arena *a, struct arena_chunk *c)
{
    while (c) {
        struct arena_chunk *before = c->before;

        if (a->budget)
            budget_give(a->budget, sizeof(*c) + c->size);
        free(c);
        c = before;
    }
}

void arena_release(struct arena *a)
{
    free_from(a, a->last);
    *a = (struct arena){ .max_bytes = a->max_bytes, .budget = a->budget };
}

void arena_clear(struct arena *a)
{
    if (a->last) {
        free_from(a, a->last->before);
        a->last->before = NULL;
        a->last->used = 0;
    }
    a->used_bytes = 0;
    a->is_failed = false;
}

static bool add_chunk(struct arena *a, size_t n)
{
    size_t size = a->last ? a->last->size * 2 : FIRST_CHUNK;
    struct arena_chunk *c;

    if (size > CHUNK_MAX)
        size = CHUNK_MAX;
    if (size < n)
        size = n;
    if (a->budget && !budget_take(a->budget, sizeof(*c) + size))
        return false;
    c = malloc(sizeof(*c) + size);
    if (!c) {
        if (a->budget)
            budget_give(a->budget, sizeof(*c) + size);
        return false;
    }
    c->before = a->last;
    c->size = size;
    c->used = 0;
    a->last = c;
    return true;
}

void *arena_alloc(struct arena *a, size_t n)
{
    size_t align = alignof(max_align_t);
    void *p;

    if (n > a->max_bytes || a->used_bytes > a->max_bytes - n) {
        a->is_failed = true;
        return NULL;
    }
    n = (n + align - 1) / align * align;
    if ((!a->last || a->last->size - a->last->used < n) && !add_chunk(a, n)) {
        a->is_failed = true;
        return NULL;
    }
    p = a->last->bytes + a->last->used;
    a->last->used += n;
    a->used_bytes += n;
    memset(p, 0, n);
    return p;
}

const char *arena_cstr(struct arena *a, struct sf_str s)
{
    char *p = arena_alloc(a, s.len + 1);

    if (!p)
        return "";
    memcpy(p, s.p, s.len);
    return p;
}

struct sf_str arena_str(struct arena *a, struct sf_str s)
{
    char *p = arena_alloc(a, s.len + 1);

    if (!p)
        return SF_STR_EMPTY;
    memcpy(p, s.p, s.len);
    return (struct sf_str){ p, s.len };
}
