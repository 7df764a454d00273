/* Functions: one table. Arguments come evaluated; what has no sense gives null, with a
 * warning where ArangoDB warns. */
#include "aql_func.h"

#include "aql_parse.h"

#include <math.h>

typedef struct val (*function_fn)(struct aql_eval *e, const struct val *a, size_t n);

struct aql_function {
    const char *name;
    size_t min, max;
    function_fn fn;
};

/* ----------------------------------------------------------------------- types */

struct val aql_fn_typename(struct aql_eval *e, const struct val *a, size_t n)
{
    (void)e;
    (void)n;
    return val_string(sf_str_from(val_type_name(a[0])));
}

#define IS_KIND(name, wanted)                                          \
    struct val name(struct aql_eval *e, const struct val *a, size_t n) \
    {                                                                  \
        (void)e;                                                       \
        (void)n;                                                       \
        return val_bool(a[0].kind == (wanted));                        \
    }

IS_KIND(aql_fn_is_null, VAL_NULL)
IS_KIND(aql_fn_is_bool, VAL_BOOL)
IS_KIND(aql_fn_is_number, VAL_NUM)
IS_KIND(aql_fn_is_string, VAL_STRING)
IS_KIND(aql_fn_is_array, VAL_ARRAY)
IS_KIND(aql_fn_is_object, VAL_OBJECT)

struct val aql_fn_to_bool(struct aql_eval *e, const struct val *a, size_t n)
{
    (void)e;
    (void)n;
    return val_bool(val_is_true(a[0]));
}

struct val aql_fn_to_number(struct aql_eval *e, const struct val *a, size_t n)
{
    (void)e;
    (void)n;
    return val_num(aql_to_number(a[0]));
}

struct val aql_fn_to_string(struct aql_eval *e, const struct val *a, size_t n)
{
    size_t from = e->work.len;

    (void)n;
    aql_add_string(&e->work, a[0]);
    return aql_take_string(e, from);
}

struct val aql_fn_not_null(struct aql_eval *e, const struct val *a, size_t n)
{
    (void)e;
    for (size_t i = 0; i < n; i++)
        if (a[i].kind != VAL_NULL)
            return a[i];
    return val_null();
}

/* --------------------------------------------------------------------- numbers */

static struct val rounded(struct aql_eval *e, struct val v, double (*fn)(double))
{
    struct num n = aql_to_number(v);
    double d;

    (void)e;
    if (n.kind != NUM_REAL)
        return val_num(n);
    d = fn(n.v.d);
    if (fabs(d) < 9007199254740992.0)
        return val_num(num_from_i64((int64_t)d));
    return val_num(num_from_real(d));
}

static double half_up(double d)
{
    return floor(d + 0.5);
}

struct val aql_fn_floor(struct aql_eval *e, const struct val *a, size_t n)
{
    (void)n;
    return rounded(e, a[0], floor);
}

struct val aql_fn_ceil(struct aql_eval *e, const struct val *a, size_t n)
{
    (void)n;
    return rounded(e, a[0], ceil);
}

struct val aql_fn_round(struct aql_eval *e, const struct val *a, size_t n)
{
    (void)n;
    return rounded(e, a[0], half_up);
}

struct val aql_fn_abs(struct aql_eval *e, const struct val *a, size_t n)
{
    struct num v = aql_to_number(a[0]);

    (void)e;
    (void)n;
    if (v.kind == NUM_INT && v.v.i != INT64_MIN)
        return val_num(num_from_i64(v.v.i < 0 ? -v.v.i : v.v.i));
    return val_num(num_from_real(fabs(num_to_real(v))));
}

static struct val extreme(struct aql_eval *e, struct val list, int sign)
{
    struct val best = val_null();
    struct js_it it;

    if (list.kind != VAL_ARRAY)
        return aql_warn(e, FAULT_QUERY_ARRAY_EXPECTED);
    js_it_init(&it, list.raw);
    while (js_it_next(&it)) {
        struct val v = val_from(it.value);

        if (v.kind != VAL_NULL && (best.kind == VAL_NULL || sign * val_cmp(v, best) > 0))
            best = v;
    }
    return best;
}

struct val aql_fn_min(struct aql_eval *e, const struct val *a, size_t n)
{
    (void)n;
    return extreme(e, a[0], -1);
}

struct val aql_fn_max(struct aql_eval *e, const struct val *a, size_t n)
{
    (void)n;
    return extreme(e, a[0], 1);
}

/* Null elements do not count; anything but a number makes it null. *ret_n: numbers. */
static struct val sum(struct aql_eval *e, struct val list, size_t *ret_n)
{
    struct js_it it;
    double total = 0;

    *ret_n = 0;
    if (list.kind != VAL_ARRAY)
        return aql_warn(e, FAULT_QUERY_ARRAY_EXPECTED);
    js_it_init(&it, list.raw);
    while (js_it_next(&it)) {
        struct val v = val_from(it.value);

        if (v.kind == VAL_NULL)
            continue;
        if (v.kind != VAL_NUM)
            return aql_warn(e, FAULT_QUERY_ARITHMETIC);
        total += num_to_real(v.num);
        ++*ret_n;
    }
    return isfinite(total) ? val_num(num_from_real(total))
                           : aql_warn(e, FAULT_QUERY_RANGE);
}

struct val aql_fn_sum(struct aql_eval *e, const struct val *a, size_t n)
{
    return sum(e, a[0], &n);
}

struct val aql_fn_average(struct aql_eval *e, const struct val *a, size_t n)
{
    struct val total = sum(e, a[0], &n);

    if (total.kind != VAL_NUM || n == 0)
        return val_null();
    return val_num(num_from_real(total.num.v.d / (double)n));
}

/* ----------------------------------------------------------------------- table */

static const struct aql_function functions[] = {
#define AQL_FUNCTION_ROW(name, min, max, fn) { #name, (min), (max), fn },
    AQL_FUNCTION_MAP(AQL_FUNCTION_ROW)
#undef AQL_FUNCTION_ROW
};

const struct aql_function *aql_function_find(struct sf_str name)
{
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
        if (sf_str_eq_nocase(name, sf_str_from(functions[i].name)))
            return &functions[i];
    return NULL;
}

const char *aql_function_name(const struct aql_function *fn)
{
    return fn->name;
}

size_t aql_function_min(const struct aql_function *fn)
{
    return fn->min;
}

size_t aql_function_max(const struct aql_function *fn)
{
    return fn->max;
}

struct val aql_call(struct aql_eval *e, const struct aql_function *fn,
                    const struct val *args, size_t n)
{
    return fn->fn(e, args, n);
}
