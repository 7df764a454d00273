/* Expressions, by precedence climbing. Precedence and associativity are ArangoDB's
 * grammar's: ternary, OR, AND, equality and LIKE, IN, order, range, + -, * / %, unary. */
#include "aql_parse.h"

#include <stdio.h>

struct aql_node *aql_node_new(struct aql_parser *p, enum aql_kind kind)
{
    struct aql_node *n = arena_alloc(p->mem, sizeof(*n));

    if (!n) {
        (void)fault_set(p->f, FAULT_RESOURCE_LIMIT, "resource limit exceeded: query");
        return NULL;
    }
    n->kind = kind;
    n->name = SF_STR_EMPTY;
    n->value = val_null();
    return n;
}

static struct aql_node *refuse(struct aql_parser *p, const char *what)
{
    (void)aql_unsupported(p, what);
    return NULL;
}

static struct aql_node *unexpected(struct aql_parser *p, enum aql_token expected)
{
    (void)aql_unexpected(p, expected);
    return NULL;
}

static struct aql_node *value_node(struct aql_parser *p, struct val v)
{
    struct aql_node *n = aql_node_new(p, AQL_VALUE);

    if (n)
        n->value = v;
    return n;
}

/* ------------------------------------------------------------------ parameters */

bool aql_bind_value(struct aql_parser *p, struct sf_str name, struct sf_str *ret)
{
    size_t i = 0;

    while (i < p->used_n && !sf_str_eq(p->used[i], name))
        i++;
    if (i == AQL_BINDS_MAX) {
        (void)fault_set(p->f, FAULT_QUERY_NESTING, "too many bind parameters");
        return false;
    }
    if (i == p->used_n)
        p->used[p->used_n++] = name;
    if (js_get(p->binds, name, ret))
        return true;
    if (p->missing.len == 0)
        p->missing = name;
    return false;
}

static struct aql_node *param(struct aql_parser *p)
{
    struct sf_str name = p->lex.raw, text;
    struct aql_node *n;

    if (aql_bind_value(p, name, &text))
        n = value_node(p, val_from(text));
    else
        n = aql_node_new(p, AQL_PARAM);
    if (n)
        n->name = name;
    aql_lex_next(&p->lex);
    return n;
}

/* -------------------------------------------------------------------- literals */

static void append(struct aql_node *parent, struct aql_node ***end,
                   struct aql_node *child)
{
    **end = child;
    *end = &child->next;
    parent->list_n++;
}

static struct aql_node *array(struct aql_parser *p)
{
    struct aql_node *n = aql_node_new(p, AQL_ARRAY), **end = n ? &n->list : NULL;

    aql_lex_next(&p->lex);
    while (n && p->lex.token != AQL_T_ARRAY_CLOSE) {
        struct aql_node *item = aql_parse_expr(p);

        if (!item)
            return NULL;
        append(n, &end, item);
        if (!aql_accept(p, AQL_T_COMMA))
            break;
    }
    return n && aql_expect(p, AQL_T_ARRAY_CLOSE) ? n : NULL;
}

static bool is_name(enum aql_token token)
{
    return token == AQL_T_NAME || aql_token_word(token) != NULL;
}

/* name: value, "name": value, [expression]: value, @param: value, or a variable's name
 * alone. */
static struct aql_node *member(struct aql_parser *p)
{
    struct aql_node *n = aql_node_new(p, AQL_MEMBER);
    const struct aql_variable *variable;
    struct sf_str text;

    if (!n)
        return NULL;
    if (p->lex.token == AQL_T_PARAM) {
        n->b = param(p);
        if (!n->b)
            return NULL;
    } else if (aql_accept(p, AQL_T_ARRAY_OPEN)) {
        n->b = aql_parse_expr(p);
        if (!n->b || !aql_expect(p, AQL_T_ARRAY_CLOSE))
            return NULL;
    } else if (is_name(p->lex.token) || p->lex.token == AQL_T_STRING) {
        bool is_plain = p->lex.token == AQL_T_NAME;

        text = p->lex.string;
        n->name = text;
        aql_lex_next(&p->lex);
        if (is_plain &&
            (p->lex.token == AQL_T_COMMA || p->lex.token == AQL_T_OBJECT_CLOSE)) {
            variable = aql_find_variable(p, text);
            n->a = aql_node_new(p, AQL_VAR);
            if (!variable || !n->a)
                return unexpected(p, AQL_T_COLON);
            n->a->slot = variable->slot;
            return n;
        }
    } else {
        return unexpected(p, AQL_T_END);
    }
    if (!aql_expect(p, AQL_T_COLON))
        return NULL;
    n->a = aql_parse_expr(p);
    return n->a ? n : NULL;
}

static struct aql_node *object(struct aql_parser *p)
{
    struct aql_node *n = aql_node_new(p, AQL_OBJECT), **end = n ? &n->list : NULL;

    aql_lex_next(&p->lex);
    while (n && p->lex.token != AQL_T_OBJECT_CLOSE) {
        struct aql_node *item = member(p);

        if (!item)
            return NULL;
        append(n, &end, item);
        if (!aql_accept(p, AQL_T_COMMA))
            break;
    }
    return n && aql_expect(p, AQL_T_OBJECT_CLOSE) ? n : NULL;
}

static struct aql_node *literal_number(struct aql_parser *p)
{
    struct aql_node *n = NULL;
    struct num number;

    if (num_parse(p->lex.raw, &number))
        n = value_node(p, val_num(number));
    else
        (void)fault_set(p->f, FAULT_QUERY_RANGE, NULL);
    aql_lex_next(&p->lex);
    return n;
}

/* ----------------------------------------------------------------------- names */

static bool starts_query(enum aql_token token)
{
    return token == AQL_T_FOR || token == AQL_T_LET || token == AQL_T_RETURN ||
           token == AQL_T_INSERT || token == AQL_T_UPDATE || token == AQL_T_REPLACE ||
           token == AQL_T_REMOVE || token == AQL_T_UPSERT;
}

static bool check_arguments(struct aql_parser *p, const struct aql_node *call)
{
    const char *name = aql_function_name(call->function);
    size_t min = aql_function_min(call->function), max = aql_function_max(call->function);

    if (call->list_n >= min && call->list_n <= max)
        return true;
    return fault_set(
        p->f, FAULT_QUERY_FN_ARGS,
        "invalid number of arguments for function '%s()', expected number of "
        "arguments: minimum: %zu, maximum: %zu",
        name, min, max);
}

static struct aql_node *call(struct aql_parser *p, struct sf_str name)
{
    struct aql_node *n = aql_node_new(p, AQL_CALL), **end = n ? &n->list : NULL;

    if (!n)
        return NULL;
    n->function = aql_function_find(name);
    if (!n->function) {
        (void)fault_set(p->f, FAULT_QUERY_UNKNOWN_FN,
                        "usage of unknown function '%" SF_STR_FMT "()'",
                        SF_STR_ARG(name));
        return NULL;
    }
    aql_lex_next(&p->lex);
    if (starts_query(p->lex.token))
        return refuse(p, "a subquery");
    while (p->lex.token != AQL_T_CLOSE) {
        struct aql_node *item = aql_parse_expr(p);

        if (!item)
            return NULL;
        append(n, &end, item);
        if (!aql_accept(p, AQL_T_COMMA))
            break;
    }
    return aql_expect(p, AQL_T_CLOSE) && check_arguments(p, n) ? n : NULL;
}

/* A variable, a function call, CURRENT; anything else could only be a collection, and
 * those are no values. */
static struct aql_node *name(struct aql_parser *p)
{
    struct sf_str text = p->lex.string;
    const struct aql_variable *variable = aql_find_variable(p, text);
    struct aql_node *n;

    aql_lex_next(&p->lex);
    if (p->lex.token == AQL_T_OPEN)
        return call(p, text);
    if (p->lex.token == AQL_T_SCOPE)
        return refuse(p, "a user-defined function");
    if (variable) {
        n = aql_node_new(p, AQL_VAR);
        if (n)
            n->slot = variable->slot;
        return n;
    }
    if (p->is_in_expand && sf_str_eq_nocase(text, SF_STR("CURRENT")))
        return aql_node_new(p, AQL_CURRENT);
    if (p->names && !p->names->collection(p->names->arg, text, p->f))
        return NULL;
    (void)fault_set(p->f, FAULT_QUERY_PARSE,
                    "collection '%" SF_STR_FMT "' used as expression operand",
                    SF_STR_ARG(text));
    return NULL;
}

static struct aql_node *parenthesis(struct aql_parser *p)
{
    struct aql_node *n;

    aql_lex_next(&p->lex);
    if (starts_query(p->lex.token))
        return refuse(p, "a subquery");
    n = aql_parse_expr(p);
    return n && aql_expect(p, AQL_T_CLOSE) ? n : NULL;
}

static struct aql_node *primary(struct aql_parser *p)
{
    struct aql_node *n;
    enum aql_token token = p->lex.token;

    switch ((int)token) {
    case AQL_T_NULL_:
    case AQL_T_TRUE_:
    case AQL_T_FALSE_:
        n = value_node(p, token == AQL_T_NULL_ ? val_null()
                                               : val_bool(token == AQL_T_TRUE_));
        aql_lex_next(&p->lex);
        return n;
    case AQL_T_STRING:
        n = value_node(p, val_string(p->lex.string));
        aql_lex_next(&p->lex);
        return n;
    case AQL_T_INTEGER:
    case AQL_T_REAL:
        return literal_number(p);
    case AQL_T_PARAM:
        return param(p);
    case AQL_T_ARRAY_OPEN:
        return array(p);
    case AQL_T_OBJECT_OPEN:
        return object(p);
    case AQL_T_OPEN:
        return parenthesis(p);
    case AQL_T_NAME:
        return name(p);
    case AQL_T_LIKE:
        if (aql_lex_peek(&p->lex) == AQL_T_OPEN)
            return name(p);
        break;
    default:
        break;
    }
    return unexpected(p, AQL_T_END);
}

/* --------------------------------------------------------------------- postfix */

static struct aql_node *attribute(struct aql_parser *p, struct aql_node *of,
                                  struct sf_str name_text)
{
    struct aql_node *n = aql_node_new(p, AQL_ATTR);

    if (!n)
        return NULL;
    n->a = of;
    n->name = name_text;
    return n;
}

/* .@name: a string names one attribute, an array a path. */
static struct aql_node *bound_attribute(struct aql_parser *p, struct aql_node *of)
{
    struct sf_str bind = p->lex.raw, text;
    struct js_it it;

    aql_lex_next(&p->lex);
    if (!aql_bind_value(p, bind, &text))
        return attribute(p, of, bind); /* the missing value is reported at the end */
    if (text.p[0] == '"')
        return attribute(p, of, val_from(text).raw);
    if (text.p[0] == '[' && text.len > 2) {
        js_it_init(&it, text);
        while (of && js_it_next(&it) && it.value.p[0] == '"')
            of = attribute(p, of, val_from(it.value).raw);
        if (it.p[0] == ']')
            return of;
    }
    (void)fault_set(p->f, FAULT_QUERY_BIND_TYPE,
                    "bind parameter '%" SF_STR_FMT "' has an invalid value or type",
                    SF_STR_ARG(bind));
    return NULL;
}

static struct aql_node *postfix(struct aql_parser *p, struct aql_node *n);

/* [*]: what follows it applies to each element. */
static struct aql_node *expand(struct aql_parser *p, struct aql_node *of)
{
    struct aql_node *n = aql_node_new(p, AQL_EXPAND), *current;

    aql_lex_next(&p->lex);
    if (p->lex.token != AQL_T_ARRAY_CLOSE)
        return refuse(p, "an inline expression in [* ]");
    aql_lex_next(&p->lex);
    current = aql_node_new(p, AQL_CURRENT);
    if (!n || !current)
        return NULL;
    n->a = of;
    n->b = postfix(p, current);
    return n->b ? n : NULL;
}

static struct aql_node *subscript(struct aql_parser *p, struct aql_node *of)
{
    struct aql_node *n;

    aql_lex_next(&p->lex);
    if (p->lex.token == AQL_T_MUL)
        return expand(p, of);
    n = aql_node_new(p, AQL_INDEX);
    if (!n)
        return NULL;
    n->a = of;
    n->b = aql_parse_expr(p);
    if (!n->b || !aql_expect(p, AQL_T_ARRAY_CLOSE))
        return NULL;
    if (n->b->kind != AQL_VALUE || n->b->value.kind != VAL_STRING)
        return n;
    n->kind = AQL_ATTR; /* d["a"] is d.a */
    n->name = n->b->value.raw;
    return n;
}

static struct aql_node *postfix(struct aql_parser *p, struct aql_node *n)
{
    while (n) {
        if (p->lex.token == AQL_T_ARRAY_OPEN) {
            n = subscript(p, n);
        } else if (p->lex.token == AQL_T_DOT) {
            aql_lex_next(&p->lex);
            if (p->lex.token == AQL_T_PARAM) {
                n = bound_attribute(p, n);
            } else if (is_name(p->lex.token)) {
                n = attribute(p, n, p->lex.string);
                aql_lex_next(&p->lex);
            } else {
                return unexpected(p, AQL_T_END);
            }
        } else {
            return n;
        }
    }
    return NULL;
}

/* ------------------------------------------------------------------- operators */

static const struct {
    enum aql_token token;
    enum aql_op op;
    int level;
} operators[] = {
    { AQL_T_OR, AQL_OR, 1 },   { AQL_T_AND, AQL_AND, 2 },   { AQL_T_EQ, AQL_EQ, 3 },
    { AQL_T_NE, AQL_NE, 3 },   { AQL_T_LIKE, AQL_LIKE, 3 }, { AQL_T_IN, AQL_IN, 4 },
    { AQL_T_LT, AQL_LT, 5 },   { AQL_T_GT, AQL_GT, 5 },     { AQL_T_LE, AQL_LE, 5 },
    { AQL_T_GE, AQL_GE, 5 },   { AQL_T_ADD, AQL_ADD, 7 },   { AQL_T_SUB, AQL_SUB, 7 },
    { AQL_T_MUL, AQL_MUL, 8 }, { AQL_T_DIV, AQL_DIV, 8 },   { AQL_T_MOD, AQL_MOD, 8 },
};

#define RANGE_LEVEL 6

/* Is the current token a binary operator of @level or above? It is not passed. */
static bool find_operator(struct aql_parser *p, int level, enum aql_op *ret_op,
                          int *ret_level)
{
    enum aql_token token = p->lex.token;

    if (token == AQL_T_NOT) { /* NOT IN, NOT LIKE */
        enum aql_token next = aql_lex_peek(&p->lex);

        *ret_op = next == AQL_T_IN ? AQL_NOT_IN : AQL_NOT_LIKE;
        *ret_level = next == AQL_T_IN ? 4 : 3;
        return (next == AQL_T_IN || next == AQL_T_LIKE) && *ret_level >= level;
    }
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        if (operators[i].token != token)
            continue;
        *ret_op = operators[i].op;
        *ret_level = operators[i].level;
        return *ret_level >= level;
    }
    return false;
}

static struct aql_node *binary(struct aql_parser *p, int level);

/* -1 is a value. */
static struct aql_node *negative(struct aql_parser *p, struct aql_node *n)
{
    int64_t i = n->value.num.v.i;

    if (n->kind != AQL_VALUE || n->value.kind != VAL_NUM)
        return NULL;
    if (n->value.num.kind == NUM_INT && i != 0 && i != INT64_MIN)
        return value_node(p, val_num(num_from_i64(-i)));
    if (n->value.num.kind == NUM_UINT && n->value.num.v.u == (uint64_t)INT64_MAX + 1)
        return value_node(p, val_num(num_from_i64(INT64_MIN)));
    if (n->value.num.kind == NUM_REAL)
        return value_node(p, val_num(num_from_real(-n->value.num.v.d)));
    return NULL;
}

static struct aql_node *unary(struct aql_parser *p)
{
    enum aql_kind kind = p->lex.token == AQL_T_NOT   ? AQL_NOT
                         : p->lex.token == AQL_T_SUB ? AQL_MINUS
                                                     : AQL_PLUS;
    struct aql_node *n, *folded, *of;

    if (p->lex.token != AQL_T_NOT && p->lex.token != AQL_T_SUB &&
        p->lex.token != AQL_T_ADD) {
        n = primary(p);
        return n ? postfix(p, n) : NULL;
    }
    if (++p->depth > AQL_DEPTH_MAX) {
        (void)fault_set(p->f, FAULT_QUERY_NESTING, NULL);
        return NULL;
    }
    aql_lex_next(&p->lex);
    of = unary(p);
    p->depth--;
    if (!of)
        return NULL;
    folded = kind == AQL_MINUS ? negative(p, of) : NULL;
    if (folded)
        return folded;
    n = aql_node_new(p, kind);
    if (n)
        n->a = of;
    return n;
}

static struct aql_node *range(struct aql_parser *p, struct aql_node *low)
{
    struct aql_node *n = aql_node_new(p, AQL_RANGE);

    aql_lex_next(&p->lex);
    if (!n)
        return NULL;
    n->a = low;
    n->b = binary(p, RANGE_LEVEL + 1);
    return n->b ? n : NULL;
}

static struct aql_node *operation(struct aql_parser *p, struct aql_node *left,
                                  enum aql_op op, int level)
{
    struct aql_node *n = aql_node_new(p, AQL_BINARY);

    if (p->lex.token == AQL_T_NOT)
        aql_lex_next(&p->lex);
    aql_lex_next(&p->lex);
    if (!n)
        return NULL;
    n->op = op;
    n->a = left;
    n->b = binary(p, level + 1);
    return n->b ? n : NULL;
}

static struct aql_node *binary(struct aql_parser *p, int level)
{
    struct aql_node *n = unary(p);
    enum aql_op op;
    int found;

    while (n) {
        enum aql_token token = p->lex.token;

        if (token == AQL_T_MATCH || token == AQL_T_NO_MATCH)
            return refuse(p, "a regular expression operator");
        if (token == AQL_T_ALL || token == AQL_T_ANY || token == AQL_T_NONE)
            return refuse(p, "an array comparison operator");
        if (token == AQL_T_RANGE && level <= RANGE_LEVEL)
            n = range(p, n);
        else if (find_operator(p, level, &op, &found))
            n = operation(p, n, op, found);
        else
            return n;
    }
    return NULL;
}

static struct aql_node *ternary(struct aql_parser *p, struct aql_node *condition)
{
    struct aql_node *n = aql_node_new(p, AQL_TERNARY);

    aql_lex_next(&p->lex);
    if (!n)
        return NULL;
    n->a = condition;
    if (p->lex.token != AQL_T_COLON) {
        n->b = aql_parse_expr(p);
        if (!n->b)
            return NULL;
    }
    if (!aql_expect(p, AQL_T_COLON))
        return NULL;
    n->c = aql_parse_expr(p);
    return n->c ? n : NULL;
}

struct aql_node *aql_parse_expr(struct aql_parser *p)
{
    struct aql_node *n;

    if (++p->depth > AQL_DEPTH_MAX) {
        (void)fault_set(p->f, FAULT_QUERY_NESTING, NULL);
        return NULL;
    }
    n = binary(p, 1);
    if (n && p->lex.token == AQL_T_QUESTION)
        n = ternary(p, n);
    p->depth--;
    return n;
}
