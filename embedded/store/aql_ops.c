/* Binary operators. */
#include "aql_eval.h"

#include <math.h>

static struct val real(struct aql_eval *e, double d)
{
    return isfinite(d) ? val_num(num_from_real(d)) : aql_warn(e, FAULT_QUERY_RANGE);
}

static struct val remainder_of(struct aql_eval *e, struct num x, struct num y)
{
    if (x.kind == NUM_INT && y.kind == NUM_INT) {
        if (y.v.i == 0)
            return aql_warn(e, FAULT_QUERY_DIVISION);
        return val_num(num_from_i64(y.v.i == -1 ? 0 : x.v.i % y.v.i));
    }
    if (num_cmp(y, num_from_i64(0)) == 0)
        return aql_warn(e, FAULT_QUERY_DIVISION);
    return real(e, fmod(num_to_real(x), num_to_real(y)));
}

/* Integers stay integers while they fit; a quotient that is exact, too. */
struct val aql_arithmetic(struct aql_eval *e, enum aql_op op, struct val a, struct val b)
{
    struct num x = aql_to_number(a), y = aql_to_number(b);
    bool are_ints = x.kind == NUM_INT && y.kind == NUM_INT;
    int64_t i;

    switch ((int)op) {
    case AQL_ADD:
        if (are_ints && !__builtin_add_overflow(x.v.i, y.v.i, &i))
            return val_num(num_from_i64(i));
        return real(e, num_to_real(x) + num_to_real(y));
    case AQL_SUB:
        if (are_ints && !__builtin_sub_overflow(x.v.i, y.v.i, &i))
            return val_num(num_from_i64(i));
        return real(e, num_to_real(x) - num_to_real(y));
    case AQL_MUL:
        if (are_ints && !__builtin_mul_overflow(x.v.i, y.v.i, &i))
            return val_num(num_from_i64(i));
        return real(e, num_to_real(x) * num_to_real(y));
    case AQL_DIV:
        if (num_cmp(y, num_from_i64(0)) == 0)
            return aql_warn(e, FAULT_QUERY_DIVISION);
        return real(e, num_to_real(x) / num_to_real(y));
    default:
        return remainder_of(e, x, y);
    }
}

static bool is_in(struct aql_eval *e, struct val v, struct val list)
{
    struct js_it it;

    if (list.kind != VAL_ARRAY) {
        (void)aql_warn(e, FAULT_QUERY_ARRAY_EXPECTED);
        return false;
    }
    js_it_init(&it, list.raw);
    while (js_it_next(&it))
        if (val_cmp(v, val_from(it.value)) == 0)
            return true;
    return false;
}

/* Behind the character that begins at @at. */
static size_t next_character(struct sf_str text, size_t at)
{
    for (at++; at < text.len && ((unsigned char)text.p[at] & 0xc0) == 0x80;)
        at++;
    return at;
}

/* Does one element of the pattern, not '%', match here? Then both move behind it. */
static bool like_one(struct sf_str text, size_t *t, struct sf_str pattern, size_t *p)
{
    bool is_escaped = *p + 1 < pattern.len && pattern.p[*p] == '\\';

    if (*p == pattern.len)
        return false;
    if (!is_escaped && pattern.p[*p] == '_') {
        *t = next_character(text, *t);
        ++*p;
        return true;
    }
    if (pattern.p[*p + is_escaped] != text.p[*t])
        return false;
    ++*t;
    *p += is_escaped ? 2 : 1;
    return true;
}

/* LIKE: '%' any text, '_' one character, '\' takes the next for itself. On plain bytes,
 * backtracking to the last '%' only. */
static bool like(struct sf_str text, struct sf_str pattern)
{
    size_t t = 0, p = 0, star = SIZE_MAX, mark = 0;

    while (t < text.len) {
        if (p < pattern.len && pattern.p[p] == '%') {
            star = p++;
            mark = t;
        } else if (!like_one(text, &t, pattern, &p)) {
            if (star == SIZE_MAX)
                return false;
            p = star + 1;
            t = ++mark;
        }
    }
    while (p < pattern.len && pattern.p[p] == '%')
        p++;
    return p == pattern.len;
}

static struct val is_like(struct aql_eval *e, struct val text, struct val pattern,
                          bool is_wanted)
{
    struct sf_buf a, b;
    bool is_match;

    if (text.kind != VAL_STRING || pattern.kind != VAL_STRING)
        return val_bool(!is_wanted);
    sf_buf_init(&a, e->work.max);
    sf_buf_init(&b, e->work.max);
    js_add_unescaped(&a, text.raw);
    js_add_unescaped(&b, pattern.raw);
    is_match = like(sf_buf_str(&a), sf_buf_str(&b));
    sf_buf_release(&a);
    sf_buf_release(&b);
    return val_bool(is_match == is_wanted);
}

/* AND and OR give one of their operands. */
struct val aql_binary(struct aql_eval *e, const struct aql_node *n)
{
    struct val a = aql_eval(e, n->a), b;

    if (n->op == AQL_AND || n->op == AQL_OR)
        return val_is_true(a) == (n->op == AQL_OR) ? a : aql_eval(e, n->b);
    b = aql_eval(e, n->b);
    switch (n->op) {
    case AQL_EQ:
        return val_bool(val_cmp(a, b) == 0);
    case AQL_NE:
        return val_bool(val_cmp(a, b) != 0);
    case AQL_LT:
        return val_bool(val_cmp(a, b) < 0);
    case AQL_LE:
        return val_bool(val_cmp(a, b) <= 0);
    case AQL_GT:
        return val_bool(val_cmp(a, b) > 0);
    case AQL_GE:
        return val_bool(val_cmp(a, b) >= 0);
    case AQL_IN:
        return val_bool(is_in(e, a, b));
    case AQL_NOT_IN:
        return val_bool(!is_in(e, a, b));
    case AQL_LIKE:
        return is_like(e, a, b, true);
    case AQL_NOT_LIKE:
        return is_like(e, a, b, false);
    case AQL_OR:
    case AQL_AND:
    case AQL_ADD:
    case AQL_SUB:
    case AQL_MUL:
    case AQL_DIV:
    case AQL_MOD:
        break;
    }
    return aql_arithmetic(e, n->op, a, b);
}
