/* What operators stand between: literals, parameters, names, calls, and what follows them
 * with a dot or in brackets. */
#include "aql_parse.h"

#include <stdio.h>

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
        n = aql_node_value(p, val_from(text));
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

/* {a} is {a: a}. */
static struct aql_node *shorthand(struct aql_parser *p, struct aql_node *n)
{
    const struct aql_variable *variable = aql_find_variable(p, n->name);

    n->a = aql_node_new(p, AQL_VAR);
    if (!variable || !n->a)
        return aql_node_unexpected(p, AQL_T_COLON);
    n->a->slot = variable->slot;
    return n;
}

/* [expression] or @param as a name. */
static bool member_name(struct aql_parser *p, struct aql_node *n)
{
    if (p->lex.token == AQL_T_PARAM) {
        n->b = param(p);
        return n->b != NULL;
    }
    if (!aql_expect(p, AQL_T_ARRAY_OPEN))
        return false;
    n->b = aql_parse_expr(p);
    return n->b && aql_expect(p, AQL_T_ARRAY_CLOSE);
}

/* name: value, "name": value, [expression]: value, @param: value, or a variable's name
 * alone. */
static struct aql_node *member(struct aql_parser *p)
{
    struct aql_node *n = aql_node_new(p, AQL_MEMBER);
    bool is_plain = p->lex.token == AQL_T_NAME;

    if (!n)
        return NULL;
    if (is_name(p->lex.token) || p->lex.token == AQL_T_STRING) {
        n->name = p->lex.string;
        aql_lex_next(&p->lex);
        if (is_plain &&
            (p->lex.token == AQL_T_COMMA || p->lex.token == AQL_T_OBJECT_CLOSE))
            return shorthand(p, n);
    } else if (!member_name(p, n)) {
        return NULL;
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
        n = aql_node_value(p, val_num(number));
    else
        (void)fault_set(p->f, FAULT_QUERY_RANGE, NULL);
    aql_lex_next(&p->lex);
    return n;
}

/* ----------------------------------------------------------------------- names */

bool aql_starts_query(enum aql_token token)
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

static bool no_function(struct aql_parser *p, struct sf_str name)
{
    if (aql_function_is_arango(name))
        return fault_set_http(p->f, 501, FAULT_QUERY_PARSE,
                              "not implemented: function '%" SF_STR_FMT "()'",
                              SF_STR_ARG(name));
    return fault_set(p->f, FAULT_QUERY_UNKNOWN_FN,
                     "usage of unknown function '%" SF_STR_FMT "()'", SF_STR_ARG(name));
}

/* LENGTH(c), COUNT(c), and with @@c: the only calls that take a collection. */
static bool takes_collection(struct aql_parser *p, struct sf_str name)
{
    if (!sf_str_eq_nocase(name, SF_STR("LENGTH")) &&
        !sf_str_eq_nocase(name, SF_STR("COUNT")))
        return false;
    return p->lex.token == AQL_T_SOURCE_PARAM ||
           (p->lex.token == AQL_T_NAME && aql_lex_peek(&p->lex) == AQL_T_CLOSE &&
            !aql_find_variable(p, p->lex.string) &&
            !(p->is_in_expand && sf_str_eq_nocase(p->lex.string, SF_STR("CURRENT"))));
}

static struct aql_node *count_of(struct aql_parser *p)
{
    struct aql_node *n = aql_node_new(p, AQL_COUNT_OF);

    if (!n)
        return NULL;
    if (p->lex.token == AQL_T_SOURCE_PARAM) {
        if (!aql_parse_bound_collection(p, &n->collection))
            return NULL;
    } else {
        if (p->names)
            n->collection = p->names->collection(p->names->arg, p->lex.string, p->f);
        if (p->names && !n->collection)
            return NULL;
        aql_lex_next(&p->lex);
    }
    return aql_expect(p, AQL_T_CLOSE) ? n : NULL;
}

static struct aql_node *call(struct aql_parser *p, struct sf_str name)
{
    struct aql_node *n = aql_node_new(p, AQL_CALL), **end = n ? &n->list : NULL;

    if (!n)
        return NULL;
    n->function = aql_function_find(name);
    if (!n->function) {
        (void)no_function(p, name);
        return NULL;
    }
    aql_lex_next(&p->lex);
    if (takes_collection(p, name))
        return count_of(p);
    while (p->lex.token != AQL_T_CLOSE) {
        struct aql_node *item =
            aql_starts_query(p->lex.token) ? aql_parse_subquery(p) : aql_parse_expr(p);

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
        return aql_node_refuse(p, "a user-defined function");
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
    n = aql_starts_query(p->lex.token) ? aql_parse_subquery(p) : aql_parse_expr(p);
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
        n = aql_node_value(p, token == AQL_T_NULL_ ? val_null()
                                                   : val_bool(token == AQL_T_TRUE_));
        aql_lex_next(&p->lex);
        return n;
    case AQL_T_STRING:
        n = aql_node_value(p, val_string(p->lex.string));
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
    return aql_node_unexpected(p, AQL_T_END);
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
        return aql_node_refuse(p, "an inline expression in [* ]");
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

/* Behind a dot. */
static struct aql_node *dotted(struct aql_parser *p, struct aql_node *of)
{
    struct aql_node *n;

    if (p->lex.token == AQL_T_PARAM)
        return bound_attribute(p, of);
    if (!is_name(p->lex.token))
        return aql_node_unexpected(p, AQL_T_END);
    n = attribute(p, of, p->lex.string);
    aql_lex_next(&p->lex);
    return n;
}

static struct aql_node *postfix(struct aql_parser *p, struct aql_node *n)
{
    while (n) {
        if (p->lex.token == AQL_T_ARRAY_OPEN)
            n = subscript(p, n);
        else if (aql_accept(p, AQL_T_DOT))
            n = dotted(p, n);
        else
            break;
    }
    return n;
}

struct aql_node *aql_parse_term(struct aql_parser *p)
{
    struct aql_node *n = primary(p);

    return n ? postfix(p, n) : NULL;
}
