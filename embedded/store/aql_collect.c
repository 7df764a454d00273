/* COLLECT: groups by the order of their values; each gives one row, in that order. */
#include "aql_exec.h"
#include "aql_sort.h"

/* The data of a set's entry. */
struct group {
    struct sf_str *values; /* canonical texts, one for each group expression */
    struct aql_acc *accs;
    struct aql_items into;
};

static struct group *new_group(struct aql_state *st)
{
    const struct aql_collect *c = st->stage->collect;
    struct group *g = arena_alloc(&st->stored, sizeof(*g));

    if (!g)
        return NULL;
    g->values = arena_alloc(&st->stored, c->groups_n * sizeof(*g->values) + 1);
    g->accs = arena_alloc(&st->stored, c->aggregates_n * sizeof(*g->accs) + 1);
    if (!g->values || !g->accs)
        return NULL;
    for (size_t i = 0; i < c->aggregates_n; i++)
        aql_acc_init(&g->accs[i], &st->stored);
    return g;
}

/* Evaluates the group expressions: their order goes to e.work behind @from, the values
 * stay as they are in the row. */
static struct sf_str group_order(struct aql_run *r, const struct aql_collect *c,
                                 struct val *values, size_t from)
{
    struct sf_buf *work = &r->e.work;
    size_t i = 0;

    for (const struct aql_group *g = c->groups; g; g = g->next)
        values[i++] = aql_eval(&r->e, g->expr);
    for (i = 0; i < c->groups_n; i++)
        val_order(work, values[i]);
    if (work->status != SF_OK)
        return SF_STR_EMPTY;
    return aql_work(&r->e, from);
}

static bool keep_values(struct aql_run *r, struct aql_state *st, struct group *g,
                        const struct val *values)
{
    struct sf_buf *work = &r->e.work;

    for (size_t i = 0; i < st->stage->collect->groups_n; i++) {
        size_t from = work->len;

        val_add(work, values[i]);
        if (work->status != SF_OK)
            return false;
        g->values[i] = arena_str(&st->stored, aql_work(&r->e, from));
        work->len = from;
    }
    return !st->stored.is_failed;
}

/* The group of the current row. NULL: e.f. */
static struct group *find_group(struct aql_run *r, struct aql_state *st)
{
    const struct aql_collect *c = st->stage->collect;
    struct val *values = arena_alloc(r->e.mem, c->groups_n * sizeof(*values) + 1);
    size_t from = r->e.work.len;
    struct aql_set_entry *entry = NULL;
    bool is_new = false;

    if (values) {
        struct sf_str order = group_order(r, c, values, from);

        if (r->e.work.status == SF_OK)
            entry = aql_set_add(&st->set, order, &is_new);
        r->e.work.len = from;
    }
    if (entry && is_new) {
        entry->data = new_group(st);
        if (!entry->data || !keep_values(r, st, entry->data, values))
            entry = NULL;
    }
    if (entry)
        return entry->data;
    (void)budget_fault(&r->memory, r->e.f);
    return NULL;
}

bool aql_collect_take(struct aql_run *r, struct aql_pipe *p, size_t at)
{
    struct aql_state *st = &p->states[at];
    const struct aql_collect *c = st->stage->collect;
    struct group *g = find_group(r, st);
    struct aql_acc *acc = g ? g->accs : NULL;

    for (const struct aql_aggregate *a = c->aggregates; a && acc; a = a->next, acc++) {
        struct val v = a->expr ? aql_eval(&r->e, a->expr) : val_null();

        if (!aql_acc_add(acc, a->fn, &r->e, &st->stored, v))
            return false;
    }
    if (!g)
        return false;
    if (c->into_expr &&
        !aql_items_add(&g->into, &r->e, &st->stored, aql_eval(&r->e, c->into_expr)))
        return false;
    return r->e.f->num == FAULT_NONE && aql_check_memory(r);
}

/* ------------------------------------------------------------------------ groups */

static void set_slot(struct aql_run *r, unsigned slot, struct val v)
{
    r->e.slots[slot] = (struct aql_slot){ .v = v };
}

static bool give_group(struct aql_run *r, struct aql_pipe *p, size_t at,
                       const struct group *g)
{
    struct aql_state *st = &p->states[at];
    const struct aql_collect *c = st->stage->collect;
    size_t i = 0;

    arena_clear(&st->row);
    r->e.mem = &st->row;
    for (const struct aql_group *x = c->groups; x; x = x->next)
        set_slot(r, x->slot, val_from(g->values[i++]));
    i = 0;
    for (const struct aql_aggregate *a = c->aggregates; a; a = a->next)
        set_slot(r, a->slot, aql_acc_value(&g->accs[i++], a->fn, &r->e));
    if (c->into_expr)
        set_slot(r, c->into, aql_items_value(&g->into, &r->e));
    return r->e.f->num == FAULT_NONE && aql_push(r, p, at + 1);
}

bool aql_collect_give(struct aql_run *r, struct aql_pipe *p, size_t at)
{
    struct aql_state *st = &p->states[at];
    struct aql_ordered **groups;

    if (!st->stage->collect->groups && st->set.n == 0) { /* one row for no rows */
        struct group *g = new_group(st);

        return g ? give_group(r, p, at, g) : budget_fault(&r->memory, r->e.f);
    }
    if (!aql_set_sort(&st->set, &r->e, &st->stored, &groups))
        return false;
    for (size_t i = 0; i < st->set.n && p->stopped <= at; i++)
        if (!give_group(r, p, at, ((const struct aql_set_entry *)groups[i])->data))
            return false;
    return true;
}
