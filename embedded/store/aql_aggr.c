#include "aql_aggr.h"

#include "aql_parse.h"
#include "aql_sort.h"

#include <math.h>
#include <string.h>

enum kind {
    COUNT,
    MIN,
    MAX,
    SUM,
    AVERAGE,
    VARIANCE_POPULATION,
    VARIANCE_SAMPLE,
    STDDEV_POPULATION,
    STDDEV_SAMPLE,
    COUNT_DISTINCT,
    UNIQUE,
    SORTED_UNIQUE,
    PUSH,
};

struct aql_aggregator {
    const char *name;
    enum kind kind;
};

/* clang-format off */
static const struct aql_aggregator aggregators[] = {
    { "AVERAGE", AVERAGE },
    { "AVG", AVERAGE },
    { "COUNT", COUNT },
    { "COUNT_DISTINCT", COUNT_DISTINCT },
    { "COUNT_UNIQUE", COUNT_DISTINCT },
    { "LENGTH", COUNT },
    { "MAX", MAX },
    { "MIN", MIN },
    { "PUSH", PUSH },
    { "SORTED_UNIQUE", SORTED_UNIQUE },
    { "STDDEV", STDDEV_POPULATION },
    { "STDDEV_POPULATION", STDDEV_POPULATION },
    { "STDDEV_SAMPLE", STDDEV_SAMPLE },
    { "SUM", SUM },
    { "UNIQUE", UNIQUE },
    { "VARIANCE", VARIANCE_POPULATION },
    { "VARIANCE_POPULATION", VARIANCE_POPULATION },
    { "VARIANCE_SAMPLE", VARIANCE_SAMPLE },
};
/* clang-format on */

const struct aql_aggregator *aql_aggregator_find(struct sf_str name)
{
    for (size_t i = 0; i < sizeof(aggregators) / sizeof(aggregators[0]); i++)
        if (sf_str_eq_nocase(name, sf_str_from(aggregators[i].name)))
            return &aggregators[i];
    return NULL;
}

bool aql_aggregator_counts(const struct aql_aggregator *fn)
{
    return fn->kind == COUNT;
}

/* ------------------------------------------------------------------------ items */

/* A copy of @v's text in @mem. */
static bool copy_text(struct aql_eval *e, struct arena *mem, struct val v,
                      struct sf_str *ret)
{
    size_t from = e->work.len;

    val_add(&e->work, v);
    if (e->work.status != SF_OK)
        return budget_fault(e->memory, e->f);
    *ret = arena_str(mem, aql_work(e, from));
    e->work.len = from;
    return !mem->is_failed || budget_fault(e->memory, e->f);
}

bool aql_items_add(struct aql_items *items, struct aql_eval *e, struct arena *mem,
                   struct val v)
{
    struct aql_item *item = arena_alloc(mem, sizeof(*item));

    if (!item)
        return budget_fault(e->memory, e->f);
    if (!copy_text(e, mem, v, &item->text))
        return false;
    if (items->last)
        items->last->next = item;
    else
        items->first = item;
    items->last = item;
    return true;
}

struct val aql_items_value(const struct aql_items *items, struct aql_eval *e)
{
    size_t from = e->work.len;

    sf_buf_add_char(&e->work, '[');
    for (const struct aql_item *item = items->first; item; item = item->next) {
        if (item != items->first)
            sf_buf_add_char(&e->work, ',');
        sf_buf_add_str(&e->work, item->text);
    }
    sf_buf_add_char(&e->work, ']');
    return aql_take_json(e, from);
}

/* ----------------------------------------------------------------------- values */

void aql_acc_init(struct aql_acc *acc, struct arena *mem)
{
    *acc = (struct aql_acc){ .n = 0 };
    aql_set_init(&acc->set, mem);
}

/* Room for the text is used again, so that many values cost no more than the longest. */
static bool keep_best(struct aql_acc *acc, struct aql_eval *e, struct arena *mem,
                      struct val v)
{
    size_t from = e->work.len, len;

    val_add(&e->work, v);
    if (e->work.status != SF_OK)
        return budget_fault(e->memory, e->f);
    len = e->work.len - from;
    if (len > acc->best_cap) {
        acc->best = arena_alloc(mem, 2 * len);
        acc->best_cap = 2 * len;
    }
    if (!acc->best)
        return budget_fault(e->memory, e->f);
    memcpy(acc->best, e->work.p + from, len);
    acc->best_len = len;
    e->work.len = from;
    return true;
}

static struct val best(const struct aql_acc *acc)
{
    return acc->best ? val_from((struct sf_str){ acc->best, acc->best_len }) : val_null();
}

static bool add_extreme(struct aql_acc *acc, struct aql_eval *e, struct arena *mem,
                        struct val v, int sign)
{
    if (v.kind == VAL_NULL || (acc->best && sign * val_cmp(v, best(acc)) <= 0))
        return true;
    return keep_best(acc, e, mem, v);
}

/* Nulls do not count. Mean and squares by Welford's method. */
static bool add_number(struct aql_acc *acc, struct val v)
{
    double d, delta;

    if (v.kind == VAL_NULL)
        return true;
    if (v.kind != VAL_NUM) {
        acc->is_invalid = true;
        return true;
    }
    d = num_to_real(v.num);
    delta = d - acc->mean;
    acc->n++;
    acc->sum += d;
    acc->mean += delta / (double)acc->n;
    acc->squares += delta * (d - acc->mean);
    return true;
}

static bool add_distinct(struct aql_acc *acc, struct aql_eval *e, struct arena *mem,
                         struct val v, bool keeps)
{
    size_t from = e->work.len;
    struct aql_set_entry *entry;
    bool is_new;

    val_order(&e->work, v);
    if (e->work.status != SF_OK)
        return budget_fault(e->memory, e->f);
    entry = aql_set_add(&acc->set, aql_work(e, from), &is_new);
    e->work.len = from;
    if (!entry)
        return budget_fault(e->memory, e->f);
    return !is_new || !keeps || copy_text(e, mem, v, &entry->text);
}

bool aql_acc_add(struct aql_acc *acc, const struct aql_aggregator *fn, struct aql_eval *e,
                 struct arena *mem, struct val v)
{
    switch (fn->kind) {
    case COUNT:
        acc->n++;
        return true;
    case MIN:
    case MAX:
        return add_extreme(acc, e, mem, v, fn->kind == MAX ? 1 : -1);
    case SUM:
        acc->is_asked = true;
        return add_number(acc, v);
    case COUNT_DISTINCT:
    case UNIQUE:
    case SORTED_UNIQUE:
        return add_distinct(acc, e, mem, v, fn->kind != COUNT_DISTINCT);
    case PUSH:
        return aql_items_add(&acc->items, e, mem, v);
    case AVERAGE:
    case VARIANCE_POPULATION:
    case VARIANCE_SAMPLE:
    case STDDEV_POPULATION:
    case STDDEV_SAMPLE:
        break;
    }
    return add_number(acc, v);
}

/* ---------------------------------------------------------------------- results */

static struct val number(const struct aql_acc *acc, double d)
{
    return acc->is_invalid || !isfinite(d) ? val_null() : val_num(num_from_real(d));
}

static struct val variance(const struct aql_acc *acc, uint64_t less, bool is_root)
{
    double d;

    if (acc->n <= less)
        return val_null();
    d = acc->squares / (double)(acc->n - less);
    return number(acc, is_root ? sqrt(d) : d);
}

static struct val distinct(const struct aql_acc *acc, struct aql_eval *e, bool is_sorted)
{
    const struct aql_set_entry *entry = acc->set.first;
    struct aql_ordered **sorted = NULL;
    size_t from = e->work.len;

    if (is_sorted && !aql_set_sort(&acc->set, e, e->mem, &sorted))
        return val_null();
    sf_buf_add_char(&e->work, '[');
    for (size_t i = 0; i < acc->set.n; i++, entry = entry->next) {
        const struct aql_set_entry *at =
            sorted ? (const struct aql_set_entry *)sorted[i] : entry;

        if (i > 0)
            sf_buf_add_char(&e->work, ',');
        sf_buf_add_str(&e->work, at->text);
    }
    sf_buf_add_char(&e->work, ']');
    return aql_take_json(e, from);
}

struct val aql_acc_value(const struct aql_acc *acc, const struct aql_aggregator *fn,
                         struct aql_eval *e)
{
    switch (fn->kind) {
    case COUNT:
        return val_num(num_from_i64((int64_t)acc->n));
    case MIN:
    case MAX:
        return best(acc);
    case SUM:
        return acc->is_asked ? number(acc, acc->sum) : val_null();
    case AVERAGE:
        return acc->n > 0 ? number(acc, acc->sum / (double)acc->n) : val_null();
    case VARIANCE_POPULATION:
    case STDDEV_POPULATION:
        return variance(acc, 0, fn->kind == STDDEV_POPULATION);
    case VARIANCE_SAMPLE:
    case STDDEV_SAMPLE:
        return variance(acc, 1, fn->kind == STDDEV_SAMPLE);
    case COUNT_DISTINCT:
        return val_num(num_from_i64((int64_t)acc->set.n));
    case UNIQUE:
    case SORTED_UNIQUE:
        return distinct(acc, e, fn->kind == SORTED_UNIQUE);
    case PUSH:
        break;
    }
    return aql_items_value(&acc->items, e);
}
