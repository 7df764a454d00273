/* Rows through the stages. Each row is pushed on to the end of the query; SORT and
 * COLLECT keep what they are given until there is no more. */
#include "aql_exec.h"

#include "doc.h"

#include <sf/time.h>

#include <stdlib.h>

#define WORK_MAX ((size_t)1 << 30) /* bytes, of a query without a limit */

/* Arenas count themselves; what else grows is counted here, once a row. */
bool aql_check_memory(struct aql_run *r)
{
    struct budget *b = &r->memory;

    if (!aql_count_work(&r->e))
        return false;
    if (b->used_bytes + r->given_bytes > r->e.stats->peak_bytes)
        r->e.stats->peak_bytes = b->used_bytes + r->given_bytes;
    if (b->max_bytes > 0 && b->used_bytes + r->given_bytes > b->max_bytes) {
        b->is_total_full = false;
        return budget_fault(b, r->e.f);
    }
    return true;
}

/* ---------------------------------------------------------------------------- FOR */

static bool for_documents(struct aql_run *r, struct aql_pipe *p, size_t at)
{
    struct aql_state *st = &p->states[at];
    struct aql_slot *slot = &r->e.slots[st->stage->slot];
    bool has_row = true;

    if (!aql_scan_start(&st->scan, &r->e))
        return false;
    while (p->stopped <= at) {
        if (!aql_scan_next(&st->scan, &r->e, slot, &has_row))
            return false;
        if (!has_row)
            break;
        arena_clear(&st->row);
        r->e.mem = &st->row;
        if (!aql_push(r, p, at + 1))
            return false;
    }
    (void)sqlite3_reset(st->scan.stmt);
    return true;
}

static bool for_elements(struct aql_run *r, struct aql_pipe *p, size_t at)
{
    struct aql_state *st = &p->states[at];
    struct val list = aql_eval(&r->e, st->stage->expr);
    struct js_it it;

    if (list.kind != VAL_ARRAY) {
        (void)aql_warn(&r->e, FAULT_QUERY_ARRAY_EXPECTED);
        return r->e.f->num == FAULT_NONE;
    }
    js_it_init(&it, list.raw);
    while (p->stopped <= at && js_it_next(&it)) {
        arena_clear(&st->row);
        r->e.mem = &st->row;
        r->e.slots[st->stage->slot] = (struct aql_slot){ .v = val_from(it.value) };
        if (!aql_push(r, p, at + 1))
            return false;
    }
    return true;
}

static bool run_for(struct aql_run *r, struct aql_pipe *p, size_t at)
{
    struct arena *outer = r->e.mem;
    bool is_good = p->states[at].stage->collection ? for_documents(r, p, at)
                                                   : for_elements(r, p, at);

    r->e.mem = outer;
    return is_good;
}

/* -------------------------------------------------------------------------- LIMIT */

static bool limit(struct aql_run *r, struct aql_pipe *p, size_t at)
{
    struct aql_state *st = &p->states[at];
    bool counts = r->opts->counts_full && st->stage->is_last_limit;

    if (counts)
        r->e.stats->full_count++;
    if (st->skip > 0) {
        st->skip--;
        return true;
    }
    if (st->left > 0) {
        st->left--;
        if (!aql_push(r, p, at + 1))
            return false;
    }
    if (st->left == 0 && !counts && p->stopped < at)
        p->stopped = at;
    return true;
}

int64_t aql_limit_value(const struct aql_node *n, int64_t initial)
{
    int64_t v = initial;

    if (n && n->value.kind == VAL_NUM)
        (void)num_to_i64(n->value.num, &v);
    return v;
}

/* ------------------------------------------------------------------------- RETURN */

/* *ret: no equal value was given before. */
static bool is_first(struct aql_run *r, struct aql_state *st, struct val v, bool *ret)
{
    struct sf_buf *work = &r->e.work;
    size_t from = work->len;

    val_order(work, v);
    if (work->status != SF_OK || !aql_set_add(&st->set, aql_work(&r->e, from), ret))
        return budget_fault(&r->memory, r->e.f);
    work->len = from;
    return aql_check_memory(r);
}

/* Of a subquery. */
static bool add_row(struct aql_run *r, struct aql_pipe *p, struct sf_str text)
{
    size_t grown;

    sf_buf_add_char(&p->rows, p->rows.len > 0 ? ',' : '[');
    sf_buf_add_str(&p->rows, text);
    grown = p->rows.cap - p->rows_bytes;
    if (p->rows.status != SF_OK || (grown > 0 && !budget_take(&r->memory, grown)))
        return budget_fault(&r->memory, r->e.f);
    p->rows_bytes += grown;
    return true;
}

static bool add_result(struct aql_run *r, struct aql_pipe *p, struct sf_str text)
{
    if (p->q->number > 0)
        return add_row(r, p, text);
    r->given_bytes += text.len;
    return r->fn(r->arg, text, r->e.f);
}

static bool give(struct aql_run *r, struct aql_pipe *p, size_t at)
{
    struct aql_state *st = &p->states[at];
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
    if (work->status != SF_OK)
        return budget_fault(&r->memory, r->e.f);
    if (is_wanted && !add_result(r, p, aql_work(&r->e, from)))
        return false;
    work->len = from;
    return aql_check_memory(r);
}

/* ------------------------------------------------------------------------ one query */

/* Recursion: at most AQL_STAGES_MAX deep, with those of subqueries. */
bool aql_push(struct aql_run *r, struct aql_pipe *p, size_t at)
{
    const struct aql_stage *s = p->states[at].stage;

    if (!aql_is_going_on(&r->e))
        return false;
    switch (s->kind) {
    case AQL_FOR:
        return run_for(r, p, at);
    case AQL_FILTER:
        if (val_is_true(aql_eval(&r->e, s->expr)))
            return aql_push(r, p, at + 1);
        r->e.stats->filtered++;
        return r->e.f->num == FAULT_NONE;
    case AQL_LET:
        r->e.slots[s->slot] = (struct aql_slot){ .v = aql_eval(&r->e, s->expr) };
        return aql_push(r, p, at + 1);
    case AQL_SORT:
        return aql_sort_take(r, p, at);
    case AQL_LIMIT:
        return limit(r, p, at);
    case AQL_COLLECT:
        return aql_collect_take(r, p, at);
    case AQL_RETURN:
        break;
    }
    return give(r, p, at);
}

/* Made at the first use, kept for the next. */
static bool prepare(struct aql_run *r, struct aql_pipe *p)
{
    const struct aql_stage *s = p->q->stages;

    p->states = calloc(p->q->stages_n, sizeof(*p->states));
    if (!p->states)
        return fault_set(r->e.f, FAULT_OUT_OF_MEMORY, NULL);
    for (; s; s = s->next) {
        struct aql_state *st = &p->states[p->states_n++];

        st->stage = s;
        arena_init_budget(&st->row, &r->memory);
        arena_init_budget(&st->stored, &r->memory);
        if (s->kind == AQL_SORT)
            st->wanted_n = aql_sort_wants(s);
        if (s->kind == AQL_FOR && s->collection)
            aql_scan_init(&st->scan, s, r->db);
    }
    sf_buf_init(&p->rows, r->e.work.max);
    return true;
}

static void reset(struct aql_pipe *p)
{
    p->stopped = 0;
    sf_buf_clear(&p->rows);
    for (size_t i = 0; i < p->states_n; i++) {
        struct aql_state *st = &p->states[i];

        st->kept = NULL;
        st->kept_n = 0;
        arena_clear(&st->stored);
        aql_set_init(&st->set, &st->stored);
        if (st->stage->kind == AQL_LIMIT) {
            st->skip = aql_limit_value(st->stage->offset, 0);
            st->left = aql_limit_value(st->stage->count, INT64_MAX);
        }
    }
}

static bool run_pipe(struct aql_run *r, struct aql_pipe *p)
{
    bool is_good = p->states || prepare(r, p);

    if (!is_good)
        return false;
    reset(p);
    is_good = aql_push(r, p, 0);
    for (size_t i = 0; is_good && i < p->states_n; i++) {
        if (p->states[i].stage->kind == AQL_SORT)
            is_good = aql_sort_give(r, p, i);
        else if (p->states[i].stage->kind == AQL_COLLECT)
            is_good = aql_collect_give(r, p, i);
    }
    return is_good;
}

struct val aql_subquery(struct aql_eval *e, const struct aql_query *q)
{
    struct aql_pipe *p = &e->run->pipes[q->number];
    struct arena *mem = e->mem;
    struct sf_str rows = SF_STR_EMPTY;
    bool is_good;

    p->q = q;
    is_good = run_pipe(e->run, p);
    e->mem = mem;
    if (is_good && p->rows.len > 0) {
        sf_buf_add_char(&p->rows, ']');
        rows = arena_str(mem, sf_buf_str(&p->rows));
        if (p->rows.status != SF_OK || mem->is_failed)
            is_good = budget_fault(e->memory, e->f);
    }
    if (!is_good)
        return val_null();
    return val_from(rows.len > 0 ? rows : SF_STR("[]"));
}

/* What the collection's row says, as the query sees it. */
struct val aql_count_of(struct aql_eval *e, const struct cat_collection *coll)
{
    struct db *db = e->run->db;
    sqlite3_stmt *stmt = db_stmt(db, DB_COUNT, 0, e->f);
    struct val v = val_null();
    bool has_row = false;

    if (!stmt)
        return v;
    (void)sqlite3_bind_int64(stmt, 1, (sqlite3_int64)coll->id);
    if (db_step(db, stmt, &has_row, e->f)) {
        if (has_row)
            v = val_num(num_from_i64(sqlite3_column_int64(stmt, 0)));
        else /* dropped since it was looked up */
            (void)fault_set(e->f, FAULT_NO_COLLECTION, NULL);
    }
    (void)sqlite3_reset(stmt);
    return v;
}

/* ------------------------------------------------------------------------ all of it */

static void release_pipe(struct aql_pipe *p)
{
    for (size_t i = 0; i < p->states_n; i++) {
        struct aql_state *st = &p->states[i];

        arena_release(&st->row);
        arena_release(&st->stored);
        if (st->stage->kind == AQL_FOR && st->stage->collection)
            aql_scan_release(&st->scan);
    }
    free(p->states);
    sf_buf_release(&p->rows);
}

static void release(struct aql_run *r)
{
    for (unsigned i = 0; r->pipes && i < r->pipes_n; i++)
        release_pipe(&r->pipes[i]);
    free(r->pipes);
    free(r->e.slots);
    sf_buf_release(&r->e.work);
    arena_release(&r->top);
    budget_give(&r->memory, r->memory.used_bytes);
}

bool aql_run(const struct aql_query *q, struct db *db, const struct aql_options *opts,
             aql_row_fn fn, void *arg, struct aql_stats *stats, struct fault *f)
{
    struct aql_run r = { .db = db, .opts = opts, .fn = fn, .arg = arg };
    bool is_good = false;

    r.memory =
        (struct budget){ .total = opts->memory_total, .max_bytes = opts->memory_max };
    arena_init_budget(&r.top, &r.memory);
    r.e = (struct aql_eval){ .mem = &r.top,
                             .stats = stats,
                             .f = f,
                             .fails_on_warning = opts->fails_on_warning,
                             .memory = &r.memory,
                             .is_stopping = opts->is_stopping,
                             .run = &r };
    if (opts->runtime_max_us > 0)
        r.e.until_us = sf_mono_us() + opts->runtime_max_us;
    sf_buf_init(&r.e.work, opts->memory_max > 0 ? opts->memory_max : WORK_MAX);
    r.pipes = calloc(q->queries_n, sizeof(*r.pipes));
    r.e.slots = calloc(q->slots_n + 1, sizeof(*r.e.slots));
    if (r.pipes && r.e.slots) {
        r.pipes_n = q->queries_n;
        r.pipes[0].q = q;
        is_good = run_pipe(&r, &r.pipes[0]);
    } else {
        (void)fault_set(f, FAULT_OUT_OF_MEMORY, NULL);
    }
    release(&r);
    return is_good && f->num == FAULT_NONE;
}
