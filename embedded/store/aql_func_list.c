/* Functions of arrays, and those that make one object of several. */
#include "aql_func.h"
#include "aql_set.h"
#include "aql_sort.h"

#include <math.h>

#define RANGE_MAX   1000000 /* elements of RANGE() */
#define FLATTEN_MAX 200     /* levels: more than a value has */

/* ---------------------------------------------------------------- building arrays */

static size_t begin(struct aql_eval *e)
{
    size_t from = e->work.len;

    sf_buf_add_char(&e->work, '[');
    return from;
}

static void add(struct aql_eval *e, size_t from, struct sf_str text)
{
    if (e->work.len > from + 1)
        sf_buf_add_char(&e->work, ',');
    sf_buf_add_str(&e->work, text);
}

static void add_value(struct aql_eval *e, size_t from, struct val v)
{
    if (e->work.len > from + 1)
        sf_buf_add_char(&e->work, ',');
    val_add(&e->work, v);
}

static void add_all(struct aql_eval *e, size_t from, struct val list)
{
    struct js_it it;

    js_it_init(&it, list.raw);
    while (js_it_next(&it))
        add(e, from, it.value);
}

static struct val end(struct aql_eval *e, size_t from)
{
    sf_buf_add_char(&e->work, ']');
    return aql_take_json(e, from);
}

static bool are_arrays(const struct val *a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (a[i].kind != VAL_ARRAY)
            return false;
    return true;
}

/* A whole number; false when @v is none. */
static bool whole(struct val v, int64_t *ret)
{
    struct num n = aql_to_number(v);
    double d = trunc(num_to_real(n));

    if (fabs(d) > 9e15)
        return false;
    *ret = (int64_t)d;
    return true;
}

/* ---------------------------------------------------------------------------- sets */

/* The entry of @v in @set, its text set when it is new. NULL: out of room, e->f is set.
 */
static struct aql_set_entry *into_set(struct aql_eval *e, struct aql_set *set,
                                      struct sf_str text, bool *ret_is_new)
{
    size_t from = e->work.len;
    struct aql_set_entry *entry = NULL;

    val_order(&e->work, val_from(text));
    if (e->work.status == SF_OK)
        entry = aql_set_add(set, aql_work(e, from), ret_is_new);
    if (!entry) {
        (void)budget_fault(e->memory, e->f);
        return NULL;
    }
    e->work.len = from;
    if (*ret_is_new)
        entry->text = text; /* an argument's: it outlives the call */
    return entry;
}

/* The distinct elements of @list, added to @set. */
static bool gather(struct aql_eval *e, struct aql_set *set, struct val list)
{
    struct js_it it;
    bool is_new;

    js_it_init(&it, list.raw);
    while (js_it_next(&it))
        if (!into_set(e, set, it.value, &is_new) || !aql_is_going_on(e))
            return false;
    return true;
}

static struct val set_value(struct aql_eval *e, const struct aql_set *set)
{
    size_t from = begin(e);

    for (const struct aql_set_entry *x = set->first; x; x = x->next)
        add(e, from, x->text);
    return end(e, from);
}

struct val aql_fn_unique(struct aql_eval *e, const struct val *a, size_t n)
{
    struct aql_set set;

    (void)n;
    if (a[0].kind != VAL_ARRAY)
        return aql_warn(e, FAULT_QUERY_ARRAY_EXPECTED);
    aql_set_init(&set, e->mem);
    return gather(e, &set, a[0]) ? set_value(e, &set) : val_null();
}

struct val aql_fn_count_distinct(struct aql_eval *e, const struct val *a, size_t n)
{
    struct aql_set set;

    (void)n;
    if (a[0].kind != VAL_ARRAY)
        return aql_warn(e, FAULT_QUERY_ARRAY_EXPECTED);
    aql_set_init(&set, e->mem);
    if (!gather(e, &set, a[0]))
        return val_null();
    return val_num(num_from_i64((int64_t)set.n));
}

struct val aql_fn_sorted_unique(struct aql_eval *e, const struct val *a, size_t n)
{
    struct aql_ordered **sorted;
    struct aql_set set;
    size_t from;

    (void)n;
    if (a[0].kind != VAL_ARRAY)
        return aql_warn(e, FAULT_QUERY_ARRAY_EXPECTED);
    aql_set_init(&set, e->mem);
    if (!gather(e, &set, a[0]) || !aql_set_sort(&set, e, e->mem, &sorted))
        return val_null();
    from = begin(e);
    for (size_t i = 0; i < set.n; i++)
        add(e, from, ((const struct aql_set_entry *)sorted[i])->text);
    return end(e, from);
}

struct val aql_fn_union_distinct(struct aql_eval *e, const struct val *a, size_t n)
{
    struct aql_set set;

    if (!are_arrays(a, n))
        return aql_warn(e, FAULT_QUERY_FN_TYPE);
    aql_set_init(&set, e->mem);
    for (size_t i = 0; i < n; i++)
        if (!gather(e, &set, a[i]))
            return val_null();
    return set_value(e, &set);
}

/* Distinct elements of the first array that all of the others have, or that none has. */
static struct val compared(struct aql_eval *e, const struct val *a, size_t n,
                           bool is_wanted)
{
    struct aql_set first, other;
    size_t from;

    if (!are_arrays(a, n))
        return aql_warn(e, FAULT_QUERY_FN_TYPE);
    aql_set_init(&first, e->mem);
    if (!gather(e, &first, a[0]))
        return val_null();
    for (size_t i = 1; i < n; i++) {
        aql_set_init(&other, e->mem);
        if (!gather(e, &other, a[i]))
            return val_null();
        for (struct aql_set_entry *x = first.first; x; x = x->next)
            if ((aql_set_find(&other, x->key.order) != NULL) != is_wanted)
                x->text = SF_STR_EMPTY;
    }
    from = begin(e);
    for (const struct aql_set_entry *x = first.first; x; x = x->next)
        if (x->text.len > 0)
            add(e, from, x->text);
    return end(e, from);
}

struct val aql_fn_intersection(struct aql_eval *e, const struct val *a, size_t n)
{
    return compared(e, a, n, true);
}

struct val aql_fn_minus(struct aql_eval *e, const struct val *a, size_t n)
{
    return compared(e, a, n, false);
}

/* --------------------------------------------------------------------------- order */

struct ordered_text {
    struct aql_ordered key;
    struct sf_str text;
};

static bool order_of(struct aql_eval *e, struct sf_str text, struct ordered_text *ret)
{
    size_t from = e->work.len;

    val_order(&e->work, val_from(text));
    if (e->work.status == SF_OK)
        ret->key.order = arena_str(e->mem, aql_work(e, from));
    if (e->work.status != SF_OK || e->mem->is_failed)
        return budget_fault(e->memory, e->f);
    e->work.len = from;
    ret->text = text;
    return true;
}

struct val aql_fn_sorted(struct aql_eval *e, const struct val *a, size_t n)
{
    struct aql_ordered **items;
    struct ordered_text *texts;
    struct js_it it;
    size_t from, i = 0;

    if (a[0].kind != VAL_ARRAY)
        return aql_warn(e, FAULT_QUERY_ARRAY_EXPECTED);
    n = js_count(a[0].raw);
    items = arena_alloc(e->mem, n * sizeof(struct aql_ordered *) + 1);
    texts = arena_alloc(e->mem, n * sizeof(*texts) + 1);
    js_it_init(&it, a[0].raw);
    while (items && texts && js_it_next(&it)) {
        if (!order_of(e, it.value, &texts[i]))
            return val_null();
        items[i] = &texts[i].key;
        i++;
    }
    if (!items || !texts) {
        (void)budget_fault(e->memory, e->f);
        return val_null();
    }
    if (!aql_sort(e, e->mem, items, n, &items))
        return val_null();
    from = begin(e);
    for (i = 0; i < n; i++)
        add(e, from, ((const struct ordered_text *)items[i])->text);
    return end(e, from);
}

/* ----------------------------------------------------------------------- sequences */

struct val aql_fn_nth(struct aql_eval *e, const struct val *a, size_t n)
{
    struct js_it it;
    int64_t at;

    (void)n;
    if (a[0].kind != VAL_ARRAY)
        return aql_warn(e, FAULT_QUERY_ARRAY_EXPECTED);
    if (!whole(a[1], &at) || at < 0)
        return val_null();
    js_it_init(&it, a[0].raw);
    while (js_it_next(&it))
        if (at-- == 0)
            return val_from(it.value);
    return val_null();
}

/* SLICE(array, start, length): negative ones count from the end. */
struct val aql_fn_slice(struct aql_eval *e, const struct val *a, size_t n)
{
    int64_t len, at, until, i = 0;
    struct js_it it;
    size_t from;

    if (a[0].kind != VAL_ARRAY)
        return aql_warn(e, FAULT_QUERY_ARRAY_EXPECTED);
    len = until = (int64_t)js_count(a[0].raw);
    if (!whole(a[1], &at))
        return val_null();
    if (at < 0)
        at = at + len > 0 ? at + len : 0;
    if (n > 2 && a[2].kind != VAL_NULL) {
        if (!whole(a[2], &until))
            return val_null();
        until = until < 0 ? len + until : at + until;
    }
    from = begin(e);
    js_it_init(&it, a[0].raw);
    for (; js_it_next(&it) && i < until; i++)
        if (i >= at)
            add(e, from, it.value);
    return end(e, from);
}

struct val aql_fn_reverse(struct aql_eval *e, const struct val *a, size_t n)
{
    struct sf_str *texts;
    struct js_it it;
    size_t from, i = 0;

    if (a[0].kind != VAL_ARRAY)
        return aql_warn(e, FAULT_QUERY_ARRAY_EXPECTED);
    n = js_count(a[0].raw);
    texts = arena_alloc(e->mem, n * sizeof(*texts) + 1);
    if (!texts) {
        (void)budget_fault(e->memory, e->f);
        return val_null();
    }
    js_it_init(&it, a[0].raw);
    while (js_it_next(&it))
        texts[i++] = it.value;
    from = begin(e);
    while (i > 0)
        add(e, from, texts[--i]);
    return end(e, from);
}

/* Recursion: @levels deep at most. */
static void flatten(struct aql_eval *e, size_t from, struct val list, int64_t levels)
{
    struct js_it it;

    js_it_init(&it, list.raw);
    while (js_it_next(&it)) {
        struct val v = val_from(it.value);

        if (v.kind == VAL_ARRAY && levels > 0)
            flatten(e, from, v, levels - 1);
        else
            add(e, from, it.value);
    }
}

struct val aql_fn_flatten(struct aql_eval *e, const struct val *a, size_t n)
{
    int64_t levels = 1;
    size_t from;

    if (a[0].kind != VAL_ARRAY)
        return aql_warn(e, FAULT_QUERY_ARRAY_EXPECTED);
    if (n > 1 && (!whole(a[1], &levels) || levels < 1))
        levels = 1;
    from = begin(e);
    flatten(e, from, a[0], levels < FLATTEN_MAX ? levels : FLATTEN_MAX);
    return end(e, from);
}

struct val aql_fn_union(struct aql_eval *e, const struct val *a, size_t n)
{
    size_t from;

    if (!are_arrays(a, n))
        return aql_warn(e, FAULT_QUERY_FN_TYPE);
    from = begin(e);
    for (size_t i = 0; i < n; i++)
        add_all(e, from, a[i]);
    return end(e, from);
}

static bool has(struct val list, struct val v)
{
    struct js_it it;

    js_it_init(&it, list.raw);
    while (js_it_next(&it))
        if (val_cmp(v, val_from(it.value)) == 0)
            return true;
    return false;
}

/* PUSH(array, value, is_unique) */
struct val aql_fn_push(struct aql_eval *e, const struct val *a, size_t n)
{
    size_t from;

    if (a[0].kind != VAL_ARRAY && a[0].kind != VAL_NULL)
        return aql_warn(e, FAULT_QUERY_FN_TYPE);
    if (n > 2 && val_is_true(a[2]) && a[0].kind == VAL_ARRAY && has(a[0], a[1]))
        return a[0];
    from = begin(e);
    if (a[0].kind == VAL_ARRAY)
        add_all(e, from, a[0]);
    add_value(e, from, a[1]);
    return end(e, from);
}

/* APPEND(array, values, is_unique) */
struct val aql_fn_append(struct aql_eval *e, const struct val *a, size_t n)
{
    struct val both[2] = { a[0], a[1] };

    if (a[1].kind == VAL_NULL)
        return a[0];
    both[0] = aql_fn_to_array(e, &a[0], 1);
    if (a[1].kind != VAL_ARRAY)
        both[1] = aql_fn_to_array(e, &a[1], 1);
    if (!are_arrays(both, 2))
        return val_null();
    return n > 2 && val_is_true(a[2]) ? aql_fn_union_distinct(e, both, 2)
                                      : aql_fn_union(e, both, 2);
}

struct val aql_fn_to_array(struct aql_eval *e, const struct val *a, size_t n)
{
    size_t from;

    (void)n;
    if (a[0].kind == VAL_ARRAY)
        return a[0];
    from = begin(e);
    if (a[0].kind == VAL_OBJECT)
        add_all(e, from, a[0]);
    else if (a[0].kind != VAL_NULL)
        add_value(e, from, a[0]);
    return end(e, from);
}

/* POSITION(array, value, returns_index) */
struct val aql_fn_position(struct aql_eval *e, const struct val *a, size_t n)
{
    bool wants_index = n > 2 && val_is_true(a[2]);
    struct js_it it;

    if (a[0].kind != VAL_ARRAY)
        return aql_warn(e, FAULT_QUERY_ARRAY_EXPECTED);
    js_it_init(&it, a[0].raw);
    for (int64_t i = 0; js_it_next(&it); i++)
        if (val_cmp(a[1], val_from(it.value)) == 0)
            return wants_index ? val_num(num_from_i64(i)) : val_bool(true);
    return wants_index ? val_num(num_from_i64(-1)) : val_bool(false);
}

/* RANGE(start, stop, step) */
struct val aql_fn_range(struct aql_eval *e, const struct val *a, size_t n)
{
    double at = num_to_real(aql_to_number(a[0]));
    double stop = num_to_real(aql_to_number(a[1]));
    double step = n > 2 ? num_to_real(aql_to_number(a[2])) : at <= stop ? 1 : -1;
    size_t from, count = 0;

    if (n == 2) {
        at = trunc(at);
        stop = trunc(stop);
    }
    if (num_cmp(num_from_real(step), num_from_i64(0)) == 0 || (at < stop && step < 0) ||
        (at > stop && step > 0))
        return aql_warn(e, FAULT_QUERY_FN_TYPE);
    from = begin(e);
    while (step > 0 ? at <= stop : at >= stop) {
        if (++count > RANGE_MAX) {
            (void)fault_set(e->f, FAULT_RESOURCE_LIMIT,
                            "resource limit exceeded: range too large");
            return val_null();
        }
        add_value(e, from, val_num(num_from_real(at)));
        at += step;
    }
    return end(e, from);
}
