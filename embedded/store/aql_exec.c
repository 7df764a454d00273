/* Rows through the stages. Each row is pushed on to the end of the query; SORT keeps what
 * it is given until there is no more. */
#include "aql_scan.h"
#include "aql_set.h"
#include "doc.h"

#include <sf/time.h>

#include <stdlib.h>
#include <string.h>

#define CLOCK_EVERY 256 /* rows between two looks at the clock */
#define FIRST_KEPT  64
#define WORK_MAX    ((size_t)1 << 30) /* bytes, of a query without a limit */

struct kept {
    struct aql_slot *slots;
    struct sf_str order; /* memcmp order of the sort keys */
    size_t at;           /* rows that are equal keep their order */
};

/* What a stage remembers while the query runs. */
struct state {
    const struct aql_stage *stage;
    struct arena row;     /* FOR, SORT: values of the row that is on its way */
    struct arena stored;  /* SORT: kept rows; DISTINCT: what was seen */
    struct aql_scan scan; /* FOR over a collection */
    struct kept *kept;    /* SORT */
    size_t n, cap;        /* of kept */
    struct aql_set seen;  /* DISTINCT */
    int64_t skip, left;   /* LIMIT */
};

struct run {
    const struct aql_query *q;
    const struct aql_options *opts;
    struct aql_eval e;
    struct state *states;
    size_t states_n;
    struct arena top; /* values in front of the first FOR */
    size_t stopped;   /* stages below this one need no more rows */
    struct budget memory;
    size_t work_bytes;  /* of e.work, counted in memory */
    size_t given_bytes; /* of rows: counted by who keeps them */
    uint64_t pushed;
    int64_t until_us;
    aql_row_fn fn;
    void *arg;
};

static bool push(struct run *r, size_t at);

/* ------------------------------------------------------------------------- limits */

/* Arenas count themselves; what else grows is counted here, once a row. */
static bool check_memory(struct run *r)
{
    struct budget *b = &r->memory;
    size_t grown = r->e.work.cap - r->work_bytes;

    if (grown > 0 && !budget_take(b, grown))
        return budget_fault(b, r->e.f);
    r->work_bytes += grown;
    if (b->used_bytes + r->given_bytes > r->e.stats->peak_bytes)
        r->e.stats->peak_bytes = b->used_bytes + r->given_bytes;
    if (b->max_bytes > 0 && b->used_bytes + r->given_bytes > b->max_bytes) {
        b->is_total_full = false;
        return budget_fault(b, r->e.f);
    }
    return true;
}

static bool is_going_on(struct run *r)
{
    if (r->e.f->num != FAULT_NONE)
        return false;
    if (r->opts->is_stopping && atomic_load(r->opts->is_stopping))
        return fault_set(r->e.f, FAULT_SHUTTING_DOWN, NULL);
    if (r->until_us > 0 && r->pushed++ % CLOCK_EVERY == 0 && sf_mono_us() > r->until_us)
        return fault_set(r->e.f, FAULT_QUERY_KILLED, NULL);
    return true;
}

/* ---------------------------------------------------------------------------- FOR */

static bool for_documents(struct run *r, size_t at)
{
    struct state *st = &r->states[at];
    struct aql_slot *slot = &r->e.slots[st->stage->slot];
    bool has_row = true;

    if (!aql_scan_start(&st->scan, &r->e))
        return false;
    while (r->stopped <= at) {
        if (!aql_scan_next(&st->scan, &r->e, slot, &has_row))
            return false;
        if (!has_row)
            break;
        arena_clear(&st->row);
        r->e.mem = &st->row;
        if (!push(r, at + 1))
            return false;
    }
    (void)sqlite3_reset(st->scan.stmt);
    return true;
}

static bool for_elements(struct run *r, size_t at)
{
    struct state *st = &r->states[at];
    struct val list = aql_eval(&r->e, st->stage->expr);
    struct js_it it;

    if (list.kind != VAL_ARRAY) {
        (void)aql_warn(&r->e, FAULT_QUERY_ARRAY_EXPECTED);
        return r->e.f->num == FAULT_NONE;
    }
    js_it_init(&it, list.raw);
    while (r->stopped <= at && js_it_next(&it)) {
        arena_clear(&st->row);
        r->e.mem = &st->row;
        r->e.slots[st->stage->slot] = (struct aql_slot){ .v = val_from(it.value) };
        if (!push(r, at + 1))
            return false;
    }
    return true;
}

static bool run_for(struct run *r, size_t at)
{
    struct arena *outer = r->e.mem;
    bool is_good =
        r->states[at].stage->collection ? for_documents(r, at) : for_elements(r, at);

    r->e.mem = outer;
    return is_good;
}

/* --------------------------------------------------------------------------- SORT */

static bool grow(struct run *r, void **p, size_t *cap, size_t first, size_t size)
{
    size_t wanted = *cap > 0 ? *cap * 2 : first;
    void *grown;

    if (!budget_take(&r->memory, (wanted - *cap) * size))
        return budget_fault(&r->memory, r->e.f);
    grown = realloc(*p, wanted * size);

    if (!grown)
        return false;
    *p = grown;
    *cap = wanted;
    return true;
}

static void copy_slot(struct arena *mem, struct aql_slot *slot)
{
    if (slot->is_document) {
        slot->key = arena_str(mem, slot->key);
        slot->body = arena_str(mem, slot->body);
    } else if (slot->v.kind >= VAL_STRING) {
        slot->v.raw = arena_str(mem, slot->v.raw);
    }
}

static struct sf_str sort_order(struct run *r, struct state *st)
{
    struct sf_buf *work = &r->e.work;
    size_t from = work->len;
    struct sf_str order;

    for (const struct aql_sort_key *key = st->stage->keys; key; key = key->next) {
        struct val v = aql_eval(&r->e, key->expr);
        size_t begin = work->len;

        val_order(work, v);
        if (key->is_descending)
            val_order_invert(work, begin);
    }
    order = arena_str(&st->stored, (struct sf_str){ work->p + from, work->len - from });
    if (work->status != SF_OK)
        (void)fault_set(r->e.f, FAULT_RESOURCE_LIMIT, NULL);
    else
        work->len = from;
    return order;
}

static bool keep(struct run *r, size_t at)
{
    struct state *st = &r->states[at];
    struct kept *row;

    if (st->n == st->cap &&
        !grow(r, (void **)&st->kept, &st->cap, FIRST_KEPT, sizeof(*st->kept)))
        return fault_set(r->e.f, FAULT_OUT_OF_MEMORY, NULL);
    row = &st->kept[st->n];
    row->at = st->n;
    row->order = sort_order(r, st);
    row->slots = arena_alloc(&st->stored, r->q->slots_n * sizeof(*row->slots) + 1);
    if (row->slots)
        memcpy(row->slots, r->e.slots, r->q->slots_n * sizeof(*row->slots));
    for (size_t i = 0; row->slots && i < r->q->slots_n; i++)
        copy_slot(&st->stored, &row->slots[i]);
    if (st->stored.is_failed)
        return budget_fault(&r->memory, r->e.f);
    st->n++;
    return check_memory(r);
}

static int by_order(const void *a, const void *b)
{
    const struct kept *x = a, *y = b;
    size_t n = x->order.len < y->order.len ? x->order.len : y->order.len;
    int order = memcmp(x->order.p, y->order.p, n);

    return order != 0 ? order : x->at < y->at ? -1 : 1;
}

/* All rows are there: pass them on in order. */
static bool sort(struct run *r, size_t at)
{
    struct state *st = &r->states[at];

    if (st->n > 1)
        qsort(st->kept, st->n, sizeof(*st->kept), by_order);
    for (size_t i = 0; i < st->n && r->stopped <= at; i++) {
        memcpy(r->e.slots, st->kept[i].slots, r->q->slots_n * sizeof(*r->e.slots));
        arena_clear(&st->row);
        r->e.mem = &st->row;
        if (!push(r, at + 1))
            return false;
    }
    return true;
}

/* -------------------------------------------------------------------------- LIMIT */

static bool limit(struct run *r, size_t at)
{
    struct state *st = &r->states[at];
    bool counts = r->opts->counts_full && st->stage->is_last_limit;

    if (counts)
        r->e.stats->full_count++;
    if (st->skip > 0) {
        st->skip--;
        return true;
    }
    if (st->left > 0) {
        st->left--;
        if (!push(r, at + 1))
            return false;
    }
    if (st->left == 0 && !counts && r->stopped < at)
        r->stopped = at;
    return true;
}

static int64_t limit_value(const struct aql_node *n, int64_t initial)
{
    int64_t v = initial;

    if (n && n->value.kind == VAL_NUM)
        (void)num_to_i64(n->value.num, &v);
    return v;
}

/* ------------------------------------------------------------------------- RETURN */

/* *ret: no equal value was given before. */
static bool is_first(struct run *r, struct state *st, struct val v, bool *ret)
{
    struct sf_buf *work = &r->e.work;
    size_t from = work->len;

    val_order(work, v);
    if (work->status != SF_OK ||
        !aql_set_add(&st->seen, (struct sf_str){ work->p + from, work->len - from }, ret))
        return budget_fault(&r->memory, r->e.f);
    work->len = from;
    return check_memory(r);
}

static bool give(struct run *r, size_t at)
{
    struct state *st = &r->states[at];
    const struct aql_node *n = st->stage->expr;
    const struct aql_slot *slot = n->kind == AQL_VAR ? &r->e.slots[n->slot] : NULL;
    struct sf_buf *work = &r->e.work;
    size_t from = work->len;
    bool is_wanted = true;

    if (slot && slot->is_document && !st->stage->is_distinct) {
        doc_add_full(work, slot->collection, slot->key, slot->rev, slot->body);
    } else {
        struct val v = aql_eval(&r->e, n);

        if (st->stage->is_distinct && !is_first(r, st, v, &is_wanted))
            return false;
        val_add(work, v);
    }
    if (r->e.f->num != FAULT_NONE)
        return false;
    r->given_bytes += is_wanted ? work->len - from : 0;
    if (work->status != SF_OK)
        return budget_fault(&r->memory, r->e.f);
    if (is_wanted &&
        !r->fn(r->arg, (struct sf_str){ work->p + from, work->len - from }, r->e.f))
        return false;
    work->len = from;
    return check_memory(r);
}

/* ------------------------------------------------------------------------ all of it */

/* The current row goes into stage @at. Recursion: at most AQL_STAGES_MAX deep. */
static bool push(struct run *r, size_t at)
{
    const struct aql_stage *s = r->states[at].stage;

    if (!is_going_on(r))
        return false;
    switch (s->kind) {
    case AQL_FOR:
        return run_for(r, at);
    case AQL_FILTER:
        if (val_is_true(aql_eval(&r->e, s->expr)))
            return push(r, at + 1);
        r->e.stats->filtered++;
        return r->e.f->num == FAULT_NONE;
    case AQL_LET:
        r->e.slots[s->slot] = (struct aql_slot){ .v = aql_eval(&r->e, s->expr) };
        return push(r, at + 1);
    case AQL_SORT:
        return keep(r, at);
    case AQL_LIMIT:
        return limit(r, at);
    case AQL_RETURN:
        break;
    }
    return give(r, at);
}

static void prepare(struct run *r, struct db *db)
{
    const struct aql_stage *s = r->q->stages;

    for (size_t i = 0; i < r->states_n; i++, s = s->next) {
        struct state *st = &r->states[i];

        st->stage = s;
        arena_init_budget(&st->row, &r->memory);
        arena_init_budget(&st->stored, &r->memory);
        aql_set_init(&st->seen, &st->stored);
        if (s->kind == AQL_FOR && s->collection)
            aql_scan_init(&st->scan, s, db);
        if (s->kind == AQL_LIMIT) {
            st->skip = limit_value(s->offset, 0);
            st->left = limit_value(s->count, INT64_MAX);
        }
    }
}

static void release(struct run *r)
{
    for (size_t i = 0; i < r->states_n; i++) {
        struct state *st = &r->states[i];

        arena_release(&st->row);
        arena_release(&st->stored);
        if (st->stage && st->stage->kind == AQL_FOR && st->stage->collection)
            aql_scan_release(&st->scan);
        free(st->kept);
    }
    free(r->states);
    free(r->e.slots);
    sf_buf_release(&r->e.work);
    arena_release(&r->top);
    budget_give(&r->memory, r->memory.used_bytes);
}

bool aql_run(const struct aql_query *q, struct db *db, const struct aql_options *opts,
             aql_row_fn fn, void *arg, struct aql_stats *stats, struct fault *f)
{
    struct run r = { .q = q, .opts = opts, .fn = fn, .arg = arg };
    bool is_good;

    r.e = (struct aql_eval){ .stats = stats,
                             .f = f,
                             .fails_on_warning = opts->fails_on_warning };
    r.memory =
        (struct budget){ .total = opts->memory_total, .max_bytes = opts->memory_max };
    r.e.memory = &r.memory;
    arena_init_budget(&r.top, &r.memory);
    r.e.mem = &r.top;
    sf_buf_init(&r.e.work, opts->memory_max > 0 ? opts->memory_max : WORK_MAX);
    r.until_us = opts->runtime_max_us > 0 ? sf_mono_us() + opts->runtime_max_us : 0;
    r.states = calloc(q->stages_n, sizeof(*r.states));
    r.e.slots = calloc(q->slots_n + 1, sizeof(*r.e.slots));
    r.states_n = r.states ? q->stages_n : 0;
    prepare(&r, db);
    is_good =
        r.states && r.e.slots ? push(&r, 0) : fault_set(f, FAULT_OUT_OF_MEMORY, NULL);
    for (size_t i = 0; is_good && i < r.states_n; i++)
        if (r.states[i].stage->kind == AQL_SORT)
            is_good = sort(&r, i);
    release(&r);
    return is_good && f->num == FAULT_NONE;
}
