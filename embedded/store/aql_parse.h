/* The parser's state, shared by statements (aql_parse.c) and expressions
 * (aql_parse_expr.c). */
#ifndef STORE_AQL_PARSE_H
#define STORE_AQL_PARSE_H

#include "aql_lex.h"

#define AQL_BINDS_MAX 1000 /* bind parameters of a query */

struct aql_variable {
    struct sf_str name;
    unsigned slot;
};

struct aql_parser {
    struct aql_lex lex;
    struct arena *mem;
    struct sf_str binds; /* canonical object */
    struct sf_str used[AQL_BINDS_MAX];
    size_t used_n;
    struct sf_str missing; /* the first parameter without a value */
    const struct aql_names *names;
    struct aql_variable variables[AQL_VARIABLES_MAX]; /* visible ones */
    unsigned variables_n;
    unsigned scope_from; /* those of the current (sub)query begin here */
    unsigned slots_n, stages_n;
    struct aql_query *query; /* the current one */
    struct aql_query *first, **last;
    unsigned depth;
    bool is_in_expand; /* AQL_CURRENT has a meaning */
    struct fault *f;
};

/* NULL or false: p->f is set. */
struct aql_node *aql_parse_expr(struct aql_parser *p);
struct aql_node *aql_parse_term(struct aql_parser *p); /* aql_parse_term.c */
/* At its first word; ends behind its RETURN's expression. */
struct aql_node *aql_parse_subquery(struct aql_parser *p);
bool aql_starts_query(enum aql_token token);
/* At @@name. False: p->f; *ret_collection stays when its value is missing. */
bool aql_parse_bound_collection(struct aql_parser *p,
                                const struct cat_collection **ret_collection);
bool aql_parse_collect(struct aql_parser *p,
                       struct aql_stage *s); /* aql_parse_collect.c */
struct aql_node *aql_node_new(struct aql_parser *p, enum aql_kind kind);
struct aql_node *aql_node_value(struct aql_parser *p, struct val v);
/* NULL, with a fault: unsupported, unexpected token. */
struct aql_node *aql_node_refuse(struct aql_parser *p, const char *what);
struct aql_node *aql_node_unexpected(struct aql_parser *p, enum aql_token expected);
const struct aql_variable *aql_find_variable(const struct aql_parser *p,
                                             struct sf_str name);
/* A new variable. */
bool aql_declare(struct aql_parser *p, struct sf_str name, unsigned *ret_slot);
/* The value of a parameter; false: there is none, noted in p->missing. */
bool aql_bind_value(struct aql_parser *p, struct sf_str name, struct sf_str *ret);

bool aql_accept(struct aql_parser *p, enum aql_token token);
bool aql_expect(struct aql_parser *p, enum aql_token token);
bool aql_unexpected(struct aql_parser *p, enum aql_token expected); /* END: none told */
/* A part of AQL that we do not have. */
bool aql_unsupported(struct aql_parser *p, const char *what);

const struct aql_aggregator *aql_aggregator_find(struct sf_str name);
bool aql_aggregator_counts(const struct aql_aggregator *fn); /* rows, of no argument */
/* aql_live.c: which variables each SORT must keep. */
bool aql_find_live(struct aql_query *q); /* false: out of room */

/* Functions: by name without regard to case, NULL when unknown. */
struct aql_function;
const struct aql_function *aql_function_find(struct sf_str name);
/* Does ArangoDB have the function, and we do not? */
bool aql_function_is_arango(struct sf_str name);
const char *aql_function_name(const struct aql_function *fn);
size_t aql_function_min(const struct aql_function *fn);
size_t aql_function_max(const struct aql_function *fn);

#endif
