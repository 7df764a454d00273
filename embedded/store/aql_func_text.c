/* Functions of strings, arrays, documents and dates. */
#include "aql_func.h"

#include <sf/time.h>

#include <math.h>

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

struct val aql_fn_length(struct aql_eval *e, const struct val *a, size_t n)
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

struct val aql_fn_concat(struct aql_eval *e, const struct val *a, size_t n)
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

struct val aql_fn_lower(struct aql_eval *e, const struct val *a, size_t n)
{
    (void)n;
    return cased(e, a[0], 'A', 'Z');
}

struct val aql_fn_upper(struct aql_eval *e, const struct val *a, size_t n)
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

struct val aql_fn_contains(struct aql_eval *e, const struct val *a, size_t n)
{
    struct val text = aql_fn_to_string(e, &a[0], 1), part = aql_fn_to_string(e, &a[1], 1);

    (void)n;
    return val_bool(contains(text.raw, part.raw));
}

struct val aql_fn_starts_with(struct aql_eval *e, const struct val *a, size_t n)
{
    (void)n;
    if (a[0].kind != VAL_STRING || a[1].kind != VAL_STRING)
        return aql_warn(e, FAULT_QUERY_FN_TYPE);
    return val_bool(sf_str_starts(a[0].raw, a[1].raw));
}

/* ------------------------------------------------------- arrays and documents */

struct val aql_fn_first(struct aql_eval *e, const struct val *a, size_t n)
{
    struct js_it it;

    (void)n;
    if (a[0].kind != VAL_ARRAY)
        return aql_warn(e, FAULT_QUERY_ARRAY_EXPECTED);
    js_it_init(&it, a[0].raw);
    return js_it_next(&it) ? val_from(it.value) : val_null();
}

struct val aql_fn_last(struct aql_eval *e, const struct val *a, size_t n)
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

struct val aql_fn_has(struct aql_eval *e, const struct val *a, size_t n)
{
    struct sf_str value;

    (void)e;
    (void)n;
    return val_bool(a[0].kind == VAL_OBJECT && a[1].kind == VAL_STRING &&
                    js_get(a[0].raw, a[1].raw, &value));
}

struct val aql_fn_attributes(struct aql_eval *e, const struct val *a, size_t n)
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

struct val aql_fn_keep(struct aql_eval *e, const struct val *a, size_t n)
{
    return filtered(e, a, n, true);
}

struct val aql_fn_unset(struct aql_eval *e, const struct val *a, size_t n)
{
    return filtered(e, a, n, false);
}

/* ----------------------------------------------------------------------- dates */

struct val aql_fn_date_now(struct aql_eval *e, const struct val *a, size_t n)
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

struct val aql_fn_date_timestamp(struct aql_eval *e, const struct val *a, size_t n)
{
    int64_t ms;

    (void)n;
    return date_of(a[0], &ms) ? val_num(num_from_i64(ms)) : aql_warn(e, FAULT_QUERY_DATE);
}

struct val aql_fn_date_iso8601(struct aql_eval *e, const struct val *a, size_t n)
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
