/* COLLECT [name = expr, ...] [AGGREGATE name = FUNCTION(expr), ...] [INTO name [= expr]
 * [KEEP variable, ...] | WITH COUNT INTO name] [OPTIONS {...}]. */
#include "aql_parse.h"

static bool accept_word(struct aql_parser *p, const char *word)
{
    if (p->lex.token != AQL_T_NAME || !sf_str_eq_nocase(p->lex.raw, sf_str_from(word)))
        return false;
    aql_lex_next(&p->lex);
    return true;
}

static bool take_name(struct aql_parser *p, struct sf_str *ret)
{
    if (p->lex.token != AQL_T_NAME)
        return aql_unexpected(p, AQL_T_NAME);
    *ret = p->lex.string;
    aql_lex_next(&p->lex);
    return true;
}

static bool out_of_room(struct aql_parser *p)
{
    return fault_set(p->f, FAULT_RESOURCE_LIMIT, NULL);
}

static bool parse_groups(struct aql_parser *p, struct aql_collect *c)
{
    struct aql_group **end = &c->groups;

    do {
        struct aql_group *g = arena_alloc(p->mem, sizeof(*g));

        if (!g)
            return out_of_room(p);
        if (!take_name(p, &g->name) || !aql_expect(p, AQL_T_ASSIGN))
            return false;
        g->expr = aql_parse_expr(p);
        if (!g->expr)
            return false;
        *end = g;
        end = &g->next;
        c->groups_n++;
    } while (aql_accept(p, AQL_T_COMMA));
    return true;
}

/* ------------------------------------------------------------------- AGGREGATE */

static bool find_aggregator(struct aql_parser *p, struct sf_str name,
                            struct aql_aggregate *ret)
{
    ret->fn = aql_aggregator_find(name);
    if (ret->fn)
        return true;
    if (sf_str_starts(name, SF_STR("BIT_")))
        return fault_set_http(p->f, 501, FAULT_QUERY_PARSE,
                              "not implemented: aggregation by '%" SF_STR_FMT "()'",
                              SF_STR_ARG(name));
    return fault_set(p->f, FAULT_QUERY_AGGREGATE, NULL);
}

/* FUNCTION(expr), the functions that only count also without. */
static bool parse_aggregation(struct aql_parser *p, struct aql_aggregate *a)
{
    struct sf_str name = p->lex.string;

    if (p->lex.token != AQL_T_NAME || aql_lex_peek(&p->lex) != AQL_T_OPEN)
        return fault_set(p->f, FAULT_QUERY_AGGREGATE, NULL);
    if (!find_aggregator(p, name, a))
        return false;
    aql_lex_next(&p->lex);
    aql_lex_next(&p->lex);
    if (p->lex.token != AQL_T_CLOSE) {
        a->expr =
            aql_starts_query(p->lex.token) ? aql_parse_subquery(p) : aql_parse_expr(p);
        if (!a->expr)
            return false;
    } else if (!aql_aggregator_counts(a->fn)) {
        return fault_set(p->f, FAULT_QUERY_FN_ARGS,
                         "invalid number of arguments for function '%" SF_STR_FMT
                         "()', expected number of arguments: minimum: 1, maximum: 1",
                         SF_STR_ARG(name));
    }
    return aql_expect(p, AQL_T_CLOSE);
}

static struct aql_aggregate *add_aggregate(struct aql_parser *p, struct aql_collect *c)
{
    struct aql_aggregate *a = arena_alloc(p->mem, sizeof(*a)), **end = &c->aggregates;

    if (!a) {
        (void)out_of_room(p);
        return NULL;
    }
    while (*end)
        end = &(*end)->next;
    *end = a;
    c->aggregates_n++;
    return a;
}

static bool parse_aggregates(struct aql_parser *p, struct aql_collect *c)
{
    do {
        struct aql_aggregate *a = add_aggregate(p, c);

        if (!a || !take_name(p, &a->name) || !aql_expect(p, AQL_T_ASSIGN) ||
            !parse_aggregation(p, a))
            return false;
    } while (aql_accept(p, AQL_T_COMMA));
    return true;
}

/* WITH COUNT INTO name is AGGREGATE name = COUNT(). */
static bool parse_count(struct aql_parser *p, struct aql_collect *c)
{
    struct aql_aggregate *a;

    if (c->aggregates)
        return aql_unexpected(p, AQL_T_END);
    aql_lex_next(&p->lex);
    if (!accept_word(p, "COUNT"))
        return aql_unexpected(p, AQL_T_END);
    a = add_aggregate(p, c);
    if (!a)
        return false;
    a->fn = aql_aggregator_find(SF_STR("COUNT"));
    return aql_expect(p, AQL_T_INTO) && take_name(p, &a->name);
}

/* ------------------------------------------------------------------------ INTO */

/* {name: variable, ...} of those that INTO gathers. */
static bool add_member(struct aql_parser *p, struct aql_node *object,
                       const struct aql_variable *variable)
{
    struct aql_node *n = aql_node_new(p, AQL_MEMBER), **end = &object->list;
    struct aql_node *value = aql_node_new(p, AQL_VAR);

    if (!n || !value)
        return false;
    n->name = variable->name;
    n->a = value;
    value->slot = variable->slot;
    while (*end)
        end = &(*end)->next;
    *end = n;
    object->list_n++;
    return true;
}

static bool parse_keep(struct aql_parser *p, struct aql_node *object)
{
    do {
        const struct aql_variable *variable;
        struct sf_str name = SF_STR_EMPTY;

        if (!take_name(p, &name))
            return false;
        variable = aql_find_variable(p, name);
        if (!variable)
            return fault_set(p->f, FAULT_QUERY_UNKNOWN_VAR,
                             "unknown variable '%" SF_STR_FMT "'", SF_STR_ARG(name));
        if (!add_member(p, object, variable))
            return false;
    } while (aql_accept(p, AQL_T_COMMA));
    return true;
}

/* Without KEEP: what differs by row; all, when there is no FOR. */
static bool keep_all(struct aql_parser *p, struct aql_node *object)
{
    unsigned from = p->query->loop_slot == AQL_SLOTS_MAX ? 0 : p->query->loop_slot;

    for (unsigned i = p->scope_from; i < p->variables_n; i++)
        if (p->variables[i].slot >= from && !add_member(p, object, &p->variables[i]))
            return false;
    return true;
}

static bool parse_into(struct aql_parser *p, struct aql_collect *c)
{
    aql_lex_next(&p->lex);
    if (!take_name(p, &c->into_name))
        return false;
    if (aql_accept(p, AQL_T_ASSIGN)) {
        c->into_expr = aql_parse_expr(p);
        return c->into_expr != NULL;
    }
    c->into_expr = aql_node_new(p, AQL_OBJECT);
    if (!c->into_expr)
        return false;
    return accept_word(p, "KEEP") ? parse_keep(p, c->into_expr)
                                  : keep_all(p, c->into_expr);
}

/* ----------------------------------------------------------------- all of it */

/* What differs by row ends here; the new variables take its place. */
static bool declare_all(struct aql_parser *p, struct aql_collect *c)
{
    while (p->variables_n > p->scope_from &&
           p->variables[p->variables_n - 1].slot >= p->query->loop_slot)
        p->variables_n--;
    for (struct aql_group *g = c->groups; g; g = g->next)
        if (!aql_declare(p, g->name, &g->slot))
            return false;
    for (struct aql_aggregate *a = c->aggregates; a; a = a->next)
        if (!aql_declare(p, a->name, &a->slot))
            return false;
    return !c->into_expr || aql_declare(p, c->into_name, &c->into);
}

/* How it is done is no matter of the client's here: the result is the same. */
static bool parse_options(struct aql_parser *p)
{
    struct aql_node *n;

    if (!accept_word(p, "OPTIONS"))
        return true;
    if (p->lex.token != AQL_T_OBJECT_OPEN)
        return aql_unexpected(p, AQL_T_OBJECT_OPEN);
    n = aql_parse_expr(p);
    return n != NULL;
}

bool aql_parse_collect(struct aql_parser *p, struct aql_stage *s)
{
    struct aql_collect *c = arena_alloc(p->mem, sizeof(*c));
    enum aql_token token = p->lex.token;

    if (!c)
        return out_of_room(p);
    s->collect = c;
    c->into_name = SF_STR_EMPTY;
    if (token != AQL_T_AGGREGATE && token != AQL_T_WITH && token != AQL_T_INTO &&
        !parse_groups(p, c))
        return false;
    if (aql_accept(p, AQL_T_AGGREGATE) && !parse_aggregates(p, c))
        return false;
    if (p->lex.token == AQL_T_WITH ? !parse_count(p, c)
                                   : p->lex.token == AQL_T_INTO && !parse_into(p, c))
        return false;
    return parse_options(p) && declare_all(p, c);
}
