/* Functions: one table. Arguments come evaluated; what has no sense gives null, with a
 * warning where ArangoDB warns. */
#include "aql_eval.h"
#include "aql_parse.h"

#include <sf/time.h>

#include <math.h>

#define ANY_N 64 /* most arguments of those that take any number */

typedef struct val (*function_fn)(struct aql_eval *e, const struct val *a, size_t n);

struct aql_function {
    const char *name;
    size_t min, max;
    function_fn fn;
};

/* ----------------------------------------------------------------------- types */

static struct val fn_typename(struct aql_eval *e, const struct val *a, size_t n)
{
    (void)e;
    (void)n;
    return val_string(sf_str_from(val_type_name(a[0])));
}

#define IS_KIND(name, wanted)                                                 \
    static struct val name(struct aql_eval *e, const struct val *a, size_t n) \
    {                                                                         \
        (void)e;                                                              \
        (void)n;                                                              \
        return val_bool(a[0].kind == (wanted));                               \
    }

IS_KIND(fn_is_null, VAL_NULL)
IS_KIND(fn_is_bool, VAL_BOOL)
IS_KIND(fn_is_number, VAL_NUM)
IS_KIND(fn_is_string, VAL_STRING)
IS_KIND(fn_is_array, VAL_ARRAY)
IS_KIND(fn_is_object, VAL_OBJECT)

static struct val fn_to_bool(struct aql_eval *e, const struct val *a, size_t n)
{
    (void)e;
    (void)n;
    return val_bool(val_is_true(a[0]));
}

static struct val fn_to_number(struct aql_eval *e, const struct val *a, size_t n)
{
    (void)e;
    (void)n;
    return val_num(aql_to_number(a[0]));
}

static struct val fn_to_string(struct aql_eval *e, const struct val *a, size_t n)
{
    size_t from = e->work.len;

    (void)n;
    aql_add_string(&e->work, a[0]);
    return aql_take_string(e, from);
}

static struct val fn_not_null(struct aql_eval *e, const struct val *a, size_t n)
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

static struct val fn_floor(struct aql_eval *e, const struct val *a, size_t n)
{
    (void)n;
    return rounded(e, a[0], floor);
}

static struct val fn_ceil(struct aql_eval *e, const struct val *a, size_t n)
{
    (void)n;
    return rounded(e, a[0], ceil);
}

static struct val fn_round(struct aql_eval *e, const struct val *a, size_t n)
{
    (void)n;
    return rounded(e, a[0], half_up);
}

static struct val fn_abs(struct aql_eval *e, const struct val *a, size_t n)
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

static struct val fn_min(struct aql_eval *e, const struct val *a, size_t n)
{
    (void)n;
    return extreme(e, a[0], -1);
}

static struct val fn_max(struct aql_eval *e, const struct val *a, size_t n)
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

static struct val fn_sum(struct aql_eval *e, const struct val *a, size_t n)
{
    return sum(e, a[0], &n);
}

static struct val fn_average(struct aql_eval *e, const struct val *a, size_t n)
{
    struct val total = sum(e, a[0], &n);

    if (total.kind != VAL_NUM || n == 0)
        return val_null();
    return val_num(num_from_real(total.num.v.d / (double)n));
}

/* --------------------------------------------------------------------- strings */

/* Characters of canonical text. */
static int64_t characters(struct sf_str raw)
{
    int64_t n = 0;

    for (size_t i = 0; i < raw.len; i++) {
        unsigned char c = (unsigned char)raw.p[i];

        if (c == '\\')
            i += raw.p[i + 1] == 'u' ? 5 : 1;
        n += (c & 0xc0) != 0x80;
    }
    return n;
}

static struct val fn_length(struct aql_eval *e, const struct val *a, size_t n)
{
    struct sf_buf text;
    int64_t len = 0;

    (void)e;
    (void)n;
    switch (a[0].kind) {
    case VAL_NULL:
        break;
    case VAL_BOOL:
        len = a[0].is_true;
        break;
    case VAL_NUM: /* of its text */
        sf_buf_init(&text, 64);
        num_add(&text, a[0].num);
        len = (int64_t)text.len;
        sf_buf_release(&text);
        break;
    case VAL_STRING:
        len = characters(a[0].raw);
        break;
    case VAL_ARRAY:
    case VAL_OBJECT:
        len = (int64_t)js_count(a[0].raw);
        break;
    }
    return val_num(num_from_i64(len));
}

static struct val fn_concat(struct aql_eval *e, const struct val *a, size_t n)
{
    size_t from = e->work.len;
    struct js_it it;

    if (n == 1 && a[0].kind == VAL_ARRAY) {
        js_it_init(&it, a[0].raw);
        while (js_it_next(&it))
            aql_add_string(&e->work, val_from(it.value));
        return aql_take_string(e, from);
    }
    for (size_t i = 0; i < n; i++)
        aql_add_string(&e->work, a[i]);
    return aql_take_string(e, from);
}

/* ASCII letters only: what market data has. Others stay as they are. */
static struct val cased(struct aql_eval *e, struct val v, char first, char last)
{
    size_t from = e->work.len;

    aql_add_string(&e->work, v);
    for (size_t i = from; i < e->work.len && e->work.status == SF_OK; i++) {
        if (e->work.p[i] == '\\') {
            i += e->work.p[i + 1] == 'u' ? 5 : 1; /* an escape is no letter */
            continue;
        }
        if (e->work.p[i] >= first && e->work.p[i] <= last)
            e->work.p[i] = (char)(e->work.p[i] ^ 0x20);
    }
    return aql_take_string(e, from);
}

static struct val fn_lower(struct aql_eval *e, const struct val *a, size_t n)
{
    (void)n;
    return cased(e, a[0], 'A', 'Z');
}

static struct val fn_upper(struct aql_eval *e, const struct val *a, size_t n)
{
    (void)n;
    return cased(e, a[0], 'a', 'z');
}

/* Canonical texts are equal where the strings are, so they can be searched as they are;
 * a match must not begin inside an escape. */
static bool contains(struct sf_str text, struct sf_str part)
{
    for (size_t i = 0; i + part.len <= text.len; i++) {
        if (memcmp(text.p + i, part.p, part.len) == 0)
            return true;
        if (text.p[i] == '\\')
            i += text.p[i + 1] == 'u' ? 5 : 1;
    }
    return false;
}

static struct val fn_contains(struct aql_eval *e, const struct val *a, size_t n)
{
    struct val text = fn_to_string(e, &a[0], 1), part = fn_to_string(e, &a[1], 1);

    (void)n;
    return val_bool(contains(text.raw, part.raw));
}

static struct val fn_starts_with(struct aql_eval *e, const struct val *a, size_t n)
{
    (void)n;
    if (a[0].kind != VAL_STRING || a[1].kind != VAL_STRING)
        return aql_warn(e, FAULT_QUERY_FN_TYPE);
    return val_bool(sf_str_starts(a[0].raw, a[1].raw));
}

/* ------------------------------------------------------- arrays and documents */

static struct val fn_first(struct aql_eval *e, const struct val *a, size_t n)
{
    struct js_it it;

    (void)n;
    if (a[0].kind != VAL_ARRAY)
        return aql_warn(e, FAULT_QUERY_ARRAY_EXPECTED);
    js_it_init(&it, a[0].raw);
    return js_it_next(&it) ? val_from(it.value) : val_null();
}

static struct val fn_last(struct aql_eval *e, const struct val *a, size_t n)
{
    struct val last = val_null();
    struct js_it it;

    (void)n;
    if (a[0].kind != VAL_ARRAY)
        return aql_warn(e, FAULT_QUERY_ARRAY_EXPECTED);
    js_it_init(&it, a[0].raw);
    while (js_it_next(&it))
        last = val_from(it.value);
    return last;
}

static struct val fn_has(struct aql_eval *e, const struct val *a, size_t n)
{
    struct sf_str value;

    (void)e;
    (void)n;
    return val_bool(a[0].kind == VAL_OBJECT && a[1].kind == VAL_STRING &&
                    js_get(a[0].raw, a[1].raw, &value));
}

static struct val fn_attributes(struct aql_eval *e, const struct val *a, size_t n)
{
    size_t from = e->work.len;
    struct js_it it;

    (void)n;
    if (a[0].kind != VAL_OBJECT)
        return aql_warn(e, FAULT_QUERY_FN_TYPE);
    sf_buf_add_char(&e->work, '[');
    js_it_init(&it, a[0].raw);
    while (js_it_next(&it)) {
        if (e->work.len > from + 1)
            sf_buf_add_char(&e->work, ',');
        val_add(&e->work, val_string(it.name));
    }
    sf_buf_add_char(&e->work, ']');
    return aql_take_json(e, from);
}

/* Is @name among the arguments, which are names or arrays of names? */
static bool is_named(struct sf_str name, const struct val *a, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct js_it it;

        if (a[i].kind == VAL_STRING && sf_str_eq(a[i].raw, name))
            return true;
        if (a[i].kind != VAL_ARRAY)
            continue;
        js_it_init(&it, a[i].raw);
        while (js_it_next(&it)) {
            struct val v = val_from(it.value);

            if (v.kind == VAL_STRING && sf_str_eq(v.raw, name))
                return true;
        }
    }
    return false;
}

static struct val filtered(struct aql_eval *e, const struct val *a, size_t n, bool keeps)
{
    size_t from = e->work.len;
    struct js_it it;

    if (a[0].kind != VAL_OBJECT)
        return aql_warn(e, FAULT_QUERY_FN_TYPE);
    sf_buf_add_char(&e->work, '{');
    js_it_init(&it, a[0].raw);
    while (js_it_next(&it)) {
        if (is_named(it.name, a + 1, n - 1) != keeps)
            continue;
        if (e->work.len > from + 1)
            sf_buf_add_char(&e->work, ',');
        val_add(&e->work, val_string(it.name));
        sf_buf_add_char(&e->work, ':');
        sf_buf_add_str(&e->work, it.value);
    }
    sf_buf_add_char(&e->work, '}');
    return aql_take_json(e, from);
}

static struct val fn_keep(struct aql_eval *e, const struct val *a, size_t n)
{
    return filtered(e, a, n, true);
}

static struct val fn_unset(struct aql_eval *e, const struct val *a, size_t n)
{
    return filtered(e, a, n, false);
}

/* ----------------------------------------------------------------------- dates */

static struct val fn_date_now(struct aql_eval *e, const struct val *a, size_t n)
{
    (void)e;
    (void)a;
    (void)n;
    return val_num(num_from_i64(sf_time_now_ms()));
}

/* Milliseconds, or ISO 8601. */
static bool date_of(struct val v, int64_t *ret_ms)
{
    if (v.kind == VAL_NUM)
        return num_to_i64(num_from_real(trunc(num_to_real(v.num))), ret_ms);
    return v.kind == VAL_STRING && sf_time_parse_iso(v.raw, ret_ms) == SF_OK;
}

static struct val fn_date_timestamp(struct aql_eval *e, const struct val *a, size_t n)
{
    int64_t ms;

    (void)n;
    return date_of(a[0], &ms) ? val_num(num_from_i64(ms)) : aql_warn(e, FAULT_QUERY_DATE);
}

static struct val fn_date_iso8601(struct aql_eval *e, const struct val *a, size_t n)
{
    size_t from = e->work.len;
    char text[SF_TIME_ISO_SIZE];
    int64_t ms;

    (void)n;
    if (!date_of(a[0], &ms) || ms < SF_TIME_MIN_MS || ms >= SF_TIME_MAX_MS)
        return aql_warn(e, FAULT_QUERY_DATE);
    sf_buf_add_str(&e->work, sf_str_from(sf_time_iso(ms, text)));
    return aql_take_string(e, from);
}

/* clang-format off */
static const struct aql_function functions[] = {
    { "ABS",            1, 1,     fn_abs },
    { "ATTRIBUTES",     1, 1,     fn_attributes },
    { "AVERAGE",        1, 1,     fn_average },
    { "AVG",            1, 1,     fn_average },
    { "CEIL",           1, 1,     fn_ceil },
    { "CONCAT",         1, ANY_N, fn_concat },
    { "CONTAINS",       2, 2,     fn_contains },
    { "COUNT",          1, 1,     fn_length },
    { "DATE_ISO8601",   1, 1,     fn_date_iso8601 },
    { "DATE_NOW",       0, 0,     fn_date_now },
    { "DATE_TIMESTAMP", 1, 1,     fn_date_timestamp },
    { "FIRST",          1, 1,     fn_first },
    { "FLOOR",          1, 1,     fn_floor },
    { "HAS",            2, 2,     fn_has },
    { "IS_ARRAY",       1, 1,     fn_is_array },
    { "IS_BOOL",        1, 1,     fn_is_bool },
    { "IS_DOCUMENT",    1, 1,     fn_is_object },
    { "IS_LIST",        1, 1,     fn_is_array },
    { "IS_NULL",        1, 1,     fn_is_null },
    { "IS_NUMBER",      1, 1,     fn_is_number },
    { "IS_OBJECT",      1, 1,     fn_is_object },
    { "IS_STRING",      1, 1,     fn_is_string },
    { "KEEP",           2, ANY_N, fn_keep },
    { "LAST",           1, 1,     fn_last },
    { "LENGTH",         1, 1,     fn_length },
    { "LOWER",          1, 1,     fn_lower },
    { "MAX",            1, 1,     fn_max },
    { "MIN",            1, 1,     fn_min },
    { "NOT_NULL",       1, ANY_N, fn_not_null },
    { "ROUND",          1, 1,     fn_round },
    { "STARTS_WITH",    2, 2,     fn_starts_with },
    { "SUM",            1, 1,     fn_sum },
    { "TO_BOOL",        1, 1,     fn_to_bool },
    { "TO_NUMBER",      1, 1,     fn_to_number },
    { "TO_STRING",      1, 1,     fn_to_string },
    { "TYPENAME",       1, 1,     fn_typename },
    { "UNSET",          2, ANY_N, fn_unset },
    { "UPPER",          1, 1,     fn_upper },
};
/* clang-format on */

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
