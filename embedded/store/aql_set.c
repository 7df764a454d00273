#include "aql_set.h"

#define FIRST_CAP 16

void aql_set_init(struct aql_set *s, struct arena *mem)
{
    *s = (struct aql_set){ .mem = mem };
}

static uint64_t hash(struct sf_str s)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

    for (size_t i = 0; i < s.len; i++)
        h = (h ^ (unsigned char)s.p[i]) * UINT64_C(0x100000001b3);
    return h;
}

/* Where the entry stands, or an empty place. The table has one. */
static struct aql_set_entry **place(const struct aql_set *s, struct sf_str order,
                                    uint64_t h)
{
    size_t at = (size_t)h & (s->cap - 1);

    while (s->table[at] &&
           (s->table[at]->hash != h || !sf_str_eq(s->table[at]->key.order, order)))
        at = (at + 1) & (s->cap - 1);
    return &s->table[at];
}

/* At most half full. The old table stays in the arena: together they are no larger than
 * the new one. */
static bool grow(struct aql_set *s)
{
    size_t cap = s->cap > 0 ? s->cap * 2 : FIRST_CAP;
    struct aql_set_entry **table =
        arena_alloc(s->mem, cap * sizeof(struct aql_set_entry *));

    if (!table)
        return false;
    s->table = table;
    s->cap = cap;
    for (struct aql_set_entry *e = s->first; e; e = e->next)
        *place(s, e->key.order, e->hash) = e;
    return true;
}

struct aql_set_entry *aql_set_find(const struct aql_set *s, struct sf_str order)
{
    return s->cap > 0 ? *place(s, order, hash(order)) : NULL;
}

struct aql_set_entry *aql_set_add(struct aql_set *s, struct sf_str order,
                                  bool *ret_is_new)
{
    uint64_t h = hash(order);
    struct aql_set_entry *e, **at;

    if (s->n * 2 >= s->cap && !grow(s))
        return NULL;
    at = place(s, order, h);
    e = *at;
    *ret_is_new = !e;
    if (e)
        return e;
    e = arena_alloc(s->mem, sizeof(*e));
    if (!e)
        return NULL;
    e->key.order = arena_str(s->mem, order);
    e->text = SF_STR_EMPTY;
    e->hash = h;
    if (s->mem->is_failed)
        return NULL;
    *at = e;
    if (s->last)
        s->last->next = e;
    else
        s->first = e;
    s->last = e;
    s->n++;
    return e;
}
