/* What a SORT keeps of each row: the variables that differ by row and are used behind it.
 */
#include "aql_parse.h"

struct live {
    bool is_used[AQL_SLOTS_MAX];
};

static void mark_query(struct live *live, const struct aql_query *q);

static void mark(struct live *live, const struct aql_node *n)
{
    for (; n; n = n->next) {
        if (n->kind == AQL_VAR)
            live->is_used[n->slot] = true;
        if (n->query)
            mark_query(live, n->query);
        mark(live, n->a);
        mark(live, n->b);
        mark(live, n->c);
        mark(live, n->list);
    }
}

static void mark_collect(struct live *live, const struct aql_collect *c)
{
    for (const struct aql_group *g = c->groups; g; g = g->next)
        mark(live, g->expr);
    for (const struct aql_aggregate *a = c->aggregates; a; a = a->next)
        mark(live, a->expr);
    mark(live, c->into_expr);
}

static void mark_stage(struct live *live, const struct aql_stage *s)
{
    mark(live, s->expr);
    if (s->collect)
        mark_collect(live, s->collect);
    for (const struct aql_sort_key *key = s->keys; key; key = key->next)
        mark(live, key->expr);
}

static void mark_query(struct live *live, const struct aql_query *q)
{
    for (const struct aql_stage *s = q->stages; s; s = s->next)
        mark_stage(live, s);
}

/* Those between the first FOR and @s. */
static bool keep_used(const struct live *live, const struct aql_query *q,
                      struct aql_stage *s)
{
    s->keeps_n = 0;
    if (q->loop_slot >= s->slots_before)
        return true;
    s->keeps = arena_alloc(q->mem, (s->slots_before - q->loop_slot) * sizeof(*s->keeps));
    for (unsigned i = q->loop_slot; s->keeps && i < s->slots_before; i++)
        if (live->is_used[i])
            s->keeps[s->keeps_n++] = i;
    return s->keeps != NULL;
}

bool aql_find_live(struct aql_query *q)
{
    struct aql_stage *stages[AQL_STAGES_MAX];
    struct live live = { .is_used = { false } };
    bool is_good = true;
    size_t n = 0;

    for (struct aql_stage *s = q->stages; s && n < AQL_STAGES_MAX; s = s->next)
        stages[n++] = s;
    while (n > 0 && is_good) {
        struct aql_stage *s = stages[--n];

        if (s->kind == AQL_SORT)
            is_good = keep_used(&live, q, s);
        mark_stage(&live, s);
    }
    return is_good;
}
