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

struct aql_node *aql_node_refuse(struct aql_parser *p, const char *what)
{
    (void)aql_unsupported(p, what);
    return NULL;
}

struct aql_node *aql_node_unexpected(struct aql_parser *p, enum aql_token expected)
{
    (void)aql_unexpected(p, expected);
    return NULL;
}

struct aql_node *aql_node_value(struct aql_parser *p, struct val v)
{
    struct aql_node *n = aql_node_new(p, AQL_VALUE);

    if (n)
        n->value = v;
    return n;
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
        return aql_node_value(p, val_num(num_from_i64(-i)));
    if (n->value.num.kind == NUM_UINT && n->value.num.v.u == (uint64_t)INT64_MAX + 1)
        return aql_node_value(p, val_num(num_from_i64(INT64_MIN)));
    if (n->value.num.kind == NUM_REAL)
        return aql_node_value(p, val_num(num_from_real(-n->value.num.v.d)));
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
        return aql_parse_term(p);
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
            return aql_node_refuse(p, "a regular expression operator");
        if (token == AQL_T_ALL || token == AQL_T_ANY || token == AQL_T_NONE)
            return aql_node_refuse(p, "an array comparison operator");
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
