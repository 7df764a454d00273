/* SORT: all rows are kept until there are no more. Of each, what is used behind it. With
 * a LIMIT right behind, only as many as that lets through, and some to save work. */
#include "aql_exec.h"
#include "aql_sort.h"

#define WANTED_MAX 1000000 /* rows; a LIMIT above it saves nothing worth the work */
#define SPARE      256     /* rows kept beside twice those that are wanted */

static void copy_slot(struct arena *mem, struct aql_slot *slot)
{
    if (slot->is_document) {
        slot->key = arena_str(mem, slot->key);
        slot->body = arena_str(mem, slot->body);
        slot->asked = NULL; /* what was found is in the old body */
    } else if (slot->v.kind >= VAL_NUM && slot->v.raw.len > 0) {
        slot->v.raw = arena_str(mem, slot->v.raw);
    }
}

static struct sf_str sort_order(struct aql_run *r, struct aql_state *st)
{
    struct sf_buf *work = &r->e.work;
    size_t from = work->len;
    struct sf_str order = SF_STR_EMPTY;

    for (const struct aql_sort_key *key = st->stage->keys; key; key = key->next) {
        struct val v = aql_eval(&r->e, key->expr);
        size_t begin = work->len;

        val_order(work, v);
        if (key->is_descending)
            val_order_invert(work, begin);
    }
    if (work->status == SF_OK) {
        order = arena_str(&st->stored, aql_work(&r->e, from));
        work->len = from;
    }
    return order;
}

/* All that is kept, in order of arrival. NULL: e.f. */
static struct aql_ordered **list_rows(struct aql_run *r, struct aql_state *st)
{
    struct aql_ordered **rows =
        arena_alloc(&st->stored, st->kept_n * sizeof(struct aql_ordered *) + 1);
    size_t i = st->kept_n;

    if (!rows) {
        (void)budget_fault(&r->memory, r->e.f);
        return NULL;
    }
    for (struct aql_kept *row = st->kept; row; row = row->next)
        rows[--i] = &row->key;
    return rows;
}

size_t aql_sort_wants(const struct aql_stage *s)
{
    int64_t offset, count;

    if (s->next->kind != AQL_LIMIT)
        return 0;
    offset = aql_limit_value(s->next->offset, 0);
    count = aql_limit_value(s->next->count, INT64_MAX);
    return offset < WANTED_MAX && count < WANTED_MAX ? (size_t)(offset + count) : 0;
}

static struct aql_kept *copy_row(struct arena *to, const struct aql_kept *from, size_t n)
{
    struct aql_kept *row = arena_alloc(to, sizeof(*row));
    struct aql_slot *slots = arena_alloc(to, n * sizeof(struct aql_slot) + 1);

    if (!row || !slots)
        return NULL;
    row->key.order = arena_str(to, from->key.order);
    row->slots = slots;
    for (size_t i = 0; i < n; i++) {
        slots[i] = from->slots[i];
        copy_slot(to, &slots[i]);
    }
    return to->is_failed ? NULL : row;
}

/* Only those that come first stay. Their order among each other is kept by the list. */
static bool drop_rest(struct aql_run *r, struct aql_state *st)
{
    struct aql_ordered **rows = list_rows(r, st);
    struct aql_kept *kept = NULL;
    struct arena fresh;

    if (!rows || !aql_sort(&r->e, &st->stored, rows, st->kept_n, &rows))
        return false;
    arena_init_budget(&fresh, &r->memory);
    for (size_t i = 0; i < st->wanted_n; i++) {
        struct aql_kept *row =
            copy_row(&fresh, (const struct aql_kept *)rows[i], st->stage->keeps_n);

        if (!row) {
            arena_release(&fresh);
            return budget_fault(&r->memory, r->e.f);
        }
        row->next = kept;
        kept = row;
    }
    if (r->opts->counts_full && st->stage->next->is_last_limit)
        r->e.stats->full_count += st->kept_n - st->wanted_n;
    arena_release(&st->stored);
    st->stored = fresh;
    st->kept = kept;
    st->kept_n = st->wanted_n;
    return true;
}

bool aql_sort_take(struct aql_run *r, struct aql_pipe *p, size_t at)
{
    struct aql_state *st = &p->states[at];
    const struct aql_stage *s = st->stage;
    struct aql_kept *row = arena_alloc(&st->stored, sizeof(*row));
    struct aql_slot *slots =
        arena_alloc(&st->stored, s->keeps_n * sizeof(struct aql_slot) + 1);

    if (!row || !slots)
        return budget_fault(&r->memory, r->e.f);
    row->key.order = sort_order(r, st);
    row->slots = slots;
    for (size_t i = 0; i < s->keeps_n; i++) {
        slots[i] = r->e.slots[s->keeps[i]];
        copy_slot(&st->stored, &slots[i]);
    }
    if (st->stored.is_failed || r->e.work.status != SF_OK)
        return budget_fault(&r->memory, r->e.f);
    row->next = st->kept;
    st->kept = row;
    st->kept_n++;
    if (st->wanted_n > 0 && st->kept_n >= 2 * st->wanted_n + SPARE && !drop_rest(r, st))
        return false;
    return aql_check_memory(r);
}

bool aql_sort_give(struct aql_run *r, struct aql_pipe *p, size_t at)
{
    struct aql_state *st = &p->states[at];
    const struct aql_stage *s = st->stage;
    struct aql_ordered **rows = list_rows(r, st);

    if (!rows || !aql_sort(&r->e, &st->stored, rows, st->kept_n, &rows))
        return false;
    for (size_t i = 0; i < st->kept_n && p->stopped <= at; i++) {
        const struct aql_kept *row = (const struct aql_kept *)rows[i];

        for (size_t k = 0; k < s->keeps_n; k++)
            r->e.slots[s->keeps[k]] = row->slots[k];
        arena_clear(&st->row);
        r->e.mem = &st->row;
        if (!aql_push(r, p, at + 1))
            return false;
    }
    return true;
}
