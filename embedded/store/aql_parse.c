/* Statements: a chain of stages that ends with RETURN. */
#include "aql_parse.h"

#include <stdio.h>

bool aql_accept(struct aql_parser *p, enum aql_token token)
{
    if (p->lex.token != token)
        return false;
    aql_lex_next(&p->lex);
    return true;
}

bool aql_unexpected(struct aql_parser *p, enum aql_token expected)
{
    char what[160];

    if (p->lex.token == AQL_T_BAD)
        (void)snprintf(what, sizeof(what), "syntax error, %s", p->lex.why);
    else if (expected == AQL_T_END)
        (void)snprintf(what, sizeof(what), "syntax error, unexpected %s",
                       aql_token_name(p->lex.token));
    else
        (void)snprintf(what, sizeof(what), "syntax error, unexpected %s, expecting %s",
                       aql_token_name(p->lex.token), aql_token_name(expected));
    return aql_lex_fault(&p->lex, p->f, what);
}

bool aql_expect(struct aql_parser *p, enum aql_token token)
{
    return aql_accept(p, token) || aql_unexpected(p, token);
}

bool aql_unsupported(struct aql_parser *p, const char *what)
{
    char text[160];

    (void)snprintf(text, sizeof(text), "not implemented: %s", what);
    return aql_lex_fault(&p->lex, p->f, text);
}

const struct aql_variable *aql_find_variable(const struct aql_parser *p,
                                             struct sf_str name)
{
    for (unsigned i = 0; i < p->variables_n; i++)
        if (sf_str_eq(p->variables[i].name, name))
            return &p->variables[i];
    return NULL;
}

bool aql_declare(struct aql_parser *p, struct sf_str name, unsigned *ret_slot)
{
    if (aql_find_variable(p, name))
        return fault_set(p->f, FAULT_QUERY_REDECLARED,
                         "variable '%" SF_STR_FMT "' is assigned multiple times",
                         SF_STR_ARG(name));
    if (p->variables_n == AQL_VARIABLES_MAX || p->slots_n == AQL_SLOTS_MAX)
        return fault_set(p->f, FAULT_QUERY_NESTING, "too many variables");
    *ret_slot = p->slots_n++;
    p->variables[p->variables_n++] = (struct aql_variable){ name, *ret_slot };
    return true;
}

/* The current token names a new variable. It is not visible before its value is known:
 * show(*ret) then. */
static bool declare_hidden(struct aql_parser *p, unsigned *ret_slot,
                           struct aql_variable *ret)
{
    struct sf_str name = p->lex.string;

    if (p->lex.token != AQL_T_NAME)
        return aql_unexpected(p, AQL_T_NAME);
    if (!aql_declare(p, name, ret_slot))
        return false;
    *ret = p->variables[--p->variables_n];
    aql_lex_next(&p->lex);
    return true;
}

static bool show(struct aql_parser *p, struct aql_variable variable)
{
    if (p->variables_n == AQL_VARIABLES_MAX)
        return fault_set(p->f, FAULT_QUERY_NESTING, "too many variables");
    p->variables[p->variables_n++] = variable;
    return true;
}

/* ------------------------------------------------------------------------- FOR */

static bool is_graph_word(enum aql_token token)
{
    return token == AQL_T_OUTBOUND || token == AQL_T_INBOUND || token == AQL_T_ANY ||
           token == AQL_T_SHORTEST_PATH || token == AQL_T_K_SHORTEST_PATHS ||
           token == AQL_T_K_PATHS || token == AQL_T_ALL_SHORTEST_PATHS;
}

bool aql_parse_bound_collection(struct aql_parser *p,
                                const struct cat_collection **ret_collection)
{
    struct sf_str raw = p->lex.raw, text, key;
    char name[280];

    (void)snprintf(name, sizeof(name), "@%" SF_STR_FMT, SF_STR_ARG(raw));
    key = arena_str(p->mem, sf_str_from(name));
    aql_lex_next(&p->lex);
    if (!aql_bind_value(p, key, &text))
        return p->f->num == FAULT_NONE; /* missing: told at the end */
    if (text.p[0] != '"')
        return fault_set(p->f, FAULT_QUERY_BIND_TYPE,
                         "bind parameter '%s' has an invalid value or type", name);
    *ret_collection = p->names->collection(p->names->arg, val_from(text).raw, p->f);
    return *ret_collection != NULL;
}

/* A name that is no variable and no call is a collection. */
static bool source(struct aql_parser *p, struct aql_stage *s)
{
    if (is_graph_word(p->lex.token))
        return aql_unsupported(p, "a graph traversal");
    if (p->lex.token == AQL_T_SOURCE_PARAM)
        return aql_parse_bound_collection(p, &s->collection);
    if (p->lex.token == AQL_T_NAME && !aql_find_variable(p, p->lex.string) &&
        aql_lex_peek(&p->lex) != AQL_T_OPEN && aql_lex_peek(&p->lex) != AQL_T_SCOPE) {
        s->collection = p->names->collection(p->names->arg, p->lex.string, p->f);
        aql_lex_next(&p->lex);
        return s->collection != NULL;
    }
    s->expr = aql_parse_expr(p);
    return s->expr != NULL;
}

static bool parse_for(struct aql_parser *p, struct aql_stage *s)
{
    struct aql_variable own;

    if (!declare_hidden(p, &s->slot, &own))
        return false;
    if (p->lex.token == AQL_T_COMMA)
        return aql_unsupported(p, "a graph traversal");
    if (!aql_expect(p, AQL_T_IN))
        return false;
    if (p->query->loop_slot == AQL_SLOTS_MAX)
        p->query->loop_slot = s->slot;
    if (!source(p, s) || !show(p, own))
        return false;
    if (is_graph_word(p->lex.token))
        return aql_unsupported(p, "a graph traversal");
    if (p->lex.token == AQL_T_NAME && sf_str_eq_nocase(p->lex.raw, SF_STR("SEARCH")))
        return aql_unsupported(p, "SEARCH");
    if (p->lex.token == AQL_T_NAME && sf_str_eq_nocase(p->lex.raw, SF_STR("OPTIONS")))
        return aql_unsupported(p, "OPTIONS of a FOR");
    return true;
}

/* ------------------------------------------------------------ the other stages */

static bool parse_let(struct aql_parser *p, struct aql_stage *s)
{
    struct aql_variable own;

    if (!declare_hidden(p, &s->slot, &own) || !aql_expect(p, AQL_T_ASSIGN))
        return false;
    s->expr = aql_parse_expr(p);
    return s->expr && show(p, own);
}

static bool parse_sort(struct aql_parser *p, struct aql_stage *s)
{
    struct aql_sort_key **end = &s->keys;

    do {
        struct aql_sort_key *key = arena_alloc(p->mem, sizeof(*key));

        if (!key)
            return fault_set(p->f, FAULT_RESOURCE_LIMIT, NULL);
        key->expr = aql_parse_expr(p);
        if (!key->expr)
            return false;
        if (aql_accept(p, AQL_T_DESC))
            key->is_descending = true;
        else
            (void)aql_accept(p, AQL_T_ASC);
        *end = key;
        end = &key->next;
    } while (aql_accept(p, AQL_T_COMMA));
    return true;
}

static bool check_limit(struct aql_parser *p, const struct aql_node *n, bool may_be_null)
{
    int64_t v;

    if (n->kind == AQL_PARAM)
        return true; /* missing: told at the end */
    if (n->kind != AQL_VALUE)
        return aql_lex_fault(&p->lex, p->f,
                             "syntax error, LIMIT values must be constants");
    if (n->value.kind == VAL_NULL && may_be_null)
        return true;
    if (n->value.kind != VAL_NUM || !num_to_i64(n->value.num, &v) || v < 0)
        return fault_set(p->f, FAULT_QUERY_RANGE, "number out of range");
    return true;
}

static bool parse_limit(struct aql_parser *p, struct aql_stage *s)
{
    s->count = aql_parse_expr(p);
    if (!s->count)
        return false;
    if (!aql_accept(p, AQL_T_COMMA))
        return check_limit(p, s->count, true);
    s->offset = s->count;
    s->count = aql_parse_expr(p);
    return s->count && check_limit(p, s->offset, true) && check_limit(p, s->count, true);
}

static bool parse_return(struct aql_parser *p, struct aql_stage *s)
{
    s->is_distinct = aql_accept(p, AQL_T_DISTINCT);
    s->expr = aql_parse_expr(p);
    return s->expr != NULL;
}

static bool parse_filter(struct aql_parser *p, struct aql_stage *s)
{
    s->expr = aql_parse_expr(p);
    return s->expr != NULL;
}

static const struct {
    enum aql_token token;
    enum aql_stage_kind kind;
    bool (*parse)(struct aql_parser *p, struct aql_stage *s);
} statements[] = {
    { AQL_T_FOR, AQL_FOR, parse_for },
    { AQL_T_FILTER, AQL_FILTER, parse_filter },
    { AQL_T_LET, AQL_LET, parse_let },
    { AQL_T_SORT, AQL_SORT, parse_sort },
    { AQL_T_LIMIT, AQL_LIMIT, parse_limit },
    { AQL_T_RETURN, AQL_RETURN, parse_return },
    { AQL_T_COLLECT, AQL_COLLECT, aql_parse_collect },
};

#define STATEMENTS_N (sizeof(statements) / sizeof(statements[0]))

static const enum aql_token not_ours[] = {
    AQL_T_WINDOW, AQL_T_INSERT, AQL_T_UPDATE, AQL_T_REPLACE,
    AQL_T_REMOVE, AQL_T_UPSERT, AQL_T_WITH,
};

/* ------------------------------------------------------------------ the query */

static struct aql_stage *add_stage(struct aql_parser *p, struct aql_query *q,
                                   enum aql_stage_kind kind)
{
    struct aql_stage *s = arena_alloc(p->mem, sizeof(*s)), **end = &q->stages;

    if (!s || p->stages_n == AQL_STAGES_MAX) {
        (void)fault_set(p->f, FAULT_QUERY_NESTING, NULL);
        return NULL;
    }
    p->stages_n++;
    s->kind = kind;
    s->slots_before = p->slots_n;
    while (*end)
        end = &(*end)->next;
    *end = s;
    q->stages_n++;
    return s;
}

/* One statement. LET a = 1, b = 2 are two stages. */
static bool parse_statement(struct aql_parser *p, struct aql_query *q)
{
    size_t i = 0;
    struct aql_stage *s;

    while (i < STATEMENTS_N && statements[i].token != p->lex.token)
        i++;
    if (i == STATEMENTS_N) {
        for (size_t k = 0; k < sizeof(not_ours) / sizeof(not_ours[0]); k++)
            if (not_ours[k] == p->lex.token)
                return aql_unsupported(p, aql_token_word(p->lex.token));
        return aql_unexpected(p, AQL_T_END);
    }
    do {
        aql_lex_next(&p->lex);
        s = add_stage(p, q, statements[i].kind);
        if (!s || !statements[i].parse(p, s))
            return false;
    } while (statements[i].kind == AQL_LET && p->lex.token == AQL_T_COMMA);
    return true;
}

static bool check_binds(struct aql_parser *p)
{
    struct js_it it;

    if (p->missing.len > 0)
        return fault_set(p->f, FAULT_QUERY_BIND_MISSING,
                         "no value specified for declared bind parameter '%" SF_STR_FMT
                         "'",
                         SF_STR_ARG(p->missing));
    js_it_init(&it, p->binds);
    while (js_it_next(&it)) {
        size_t i = 0;

        while (i < p->used_n && !sf_str_eq(p->used[i], it.name))
            i++;
        if (i == p->used_n)
            return fault_set(p->f, FAULT_QUERY_BIND_UNDECLARED,
                             "bind parameter '%" SF_STR_FMT
                             "' was not declared in the query",
                             SF_STR_ARG(it.name));
    }
    return true;
}

/* fullCount counts what reaches the last LIMIT. */
static void mark_last_limit(struct aql_query *q)
{
    struct aql_stage *last = NULL;

    for (struct aql_stage *s = q->stages; s; s = s->next)
        if (s->kind == AQL_LIMIT)
            last = s;
    if (last)
        last->is_last_limit = true;
}

/* Up to its RETURN. */
static bool parse_stages(struct aql_parser *p, struct aql_query *q)
{
    bool is_return = false;

    while (!is_return) {
        is_return = p->lex.token == AQL_T_RETURN;
        if (p->lex.token == AQL_T_END || !parse_statement(p, q))
            return p->f->num == FAULT_NONE ? aql_unexpected(p, AQL_T_END) : false;
    }
    return aql_find_live(q) || fault_set(p->f, FAULT_RESOURCE_LIMIT, NULL);
}

static struct aql_query *add_query(struct aql_parser *p)
{
    struct aql_query *q = arena_alloc(p->mem, sizeof(*q));

    if (!q) {
        (void)fault_set(p->f, FAULT_RESOURCE_LIMIT, NULL);
        return NULL;
    }
    q->mem = p->mem;
    q->loop_slot = AQL_SLOTS_MAX;
    q->number = p->first->queries_n++;
    *p->last = q;
    p->last = &q->next;
    return q;
}

/* Its variables end with it. */
struct aql_node *aql_parse_subquery(struct aql_parser *p)
{
    struct aql_node *n = aql_node_new(p, AQL_SUBQUERY);
    struct aql_query *outer = p->query, *q = n ? add_query(p) : NULL;
    unsigned variables_n = p->variables_n, scope_from = p->scope_from;
    bool is_in_expand = p->is_in_expand, is_good;

    if (!q)
        return NULL;
    n->query = p->query = q;
    p->scope_from = variables_n;
    p->is_in_expand = false;
    is_good = parse_stages(p, q);
    p->query = outer;
    p->variables_n = variables_n;
    p->scope_from = scope_from;
    p->is_in_expand = is_in_expand;
    return is_good ? n : NULL;
}

static bool parse_query(struct aql_parser *p, struct aql_query *q)
{
    if (p->lex.token == AQL_T_END)
        return fault_set(p->f, FAULT_QUERY_EMPTY, NULL);
    if (!parse_stages(p, q))
        return false;
    if (p->lex.token != AQL_T_END)
        return aql_unexpected(p, AQL_T_END);
    mark_last_limit(q);
    q->slots_n = p->slots_n;
    return check_binds(p);
}

bool aql_parse(struct arena *mem, struct sf_str text, struct sf_str binds,
               const struct aql_names *names, struct aql_query *ret, struct fault *f)
{
    struct aql_parser *p = arena_alloc(mem, sizeof(*p));

    if (!p)
        return fault_set(f, FAULT_OUT_OF_MEMORY, NULL);
    *ret = (struct aql_query){ .mem = mem, .queries_n = 1, .loop_slot = AQL_SLOTS_MAX };
    *p = (struct aql_parser){ .mem = mem,
                              .binds = binds,
                              .names = names,
                              .query = ret,
                              .first = ret,
                              .last = &ret->next,
                              .f = f,
                              .missing = SF_STR_EMPTY };
    aql_lex_init(&p->lex, mem, text);
    return parse_query(p, ret) &&
           (!mem->is_failed || fault_set(f, FAULT_RESOURCE_LIMIT, NULL));
}
