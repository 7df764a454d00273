/* What a query's text says: expressions, stages, queries. Made by the parser, in its
 * arena; aql_plan.c adds access paths. */
#ifndef STORE_AQL_TREE_H
#define STORE_AQL_TREE_H

#include "arena.h"
#include "cat.h"
#include "fault.h"
#include "val.h"

#define AQL_DEPTH_MAX     200 /* nesting of expressions, subqueries included */
#define AQL_VARIABLES_MAX 100 /* visible at the same time */
#define AQL_SLOTS_MAX     1000
#define AQL_STAGES_MAX    400 /* with those of all subqueries */

enum aql_kind {
    AQL_VALUE,    /* value */
    AQL_PARAM,    /* name: a bind parameter without a value (when only parsed) */
    AQL_VAR,      /* slot */
    AQL_CURRENT,  /* the element of the nearest AQL_EXPAND around it */
    AQL_ATTR,     /* a . name */
    AQL_INDEX,    /* a [ b ] */
    AQL_EXPAND,   /* a [*], b of each element (NULL: the element) */
    AQL_NOT,      /* !a */
    AQL_MINUS,    /* -a */
    AQL_PLUS,     /* +a */
    AQL_BINARY,   /* a op b */
    AQL_TERNARY,  /* a ? b : c; b NULL: a ?: c */
    AQL_RANGE,    /* a .. b */
    AQL_ARRAY,    /* list */
    AQL_OBJECT,   /* list of AQL_MEMBER */
    AQL_MEMBER,   /* name (or b: its expression) : a */
    AQL_CALL,     /* function (list) */
    AQL_SUBQUERY, /* query: the array of its rows */
    AQL_COUNT_OF, /* collection: how many documents it has */
};

enum aql_op {
    AQL_OR,
    AQL_AND,
    AQL_EQ,
    AQL_NE,
    AQL_LT,
    AQL_LE,
    AQL_GT,
    AQL_GE,
    AQL_IN,
    AQL_NOT_IN,
    AQL_LIKE,
    AQL_NOT_LIKE,
    AQL_ADD,
    AQL_SUB,
    AQL_MUL,
    AQL_DIV,
    AQL_MOD,
};

struct aql_function;

struct aql_node {
    enum aql_kind kind;
    enum aql_op op;
    struct val value;
    struct sf_str name; /* canonical text */
    unsigned slot;
    const struct aql_function *function;
    struct aql_query *query;
    const struct cat_collection *collection;
    struct aql_node *a, *b, *c;
    struct aql_node *list, *next; /* children, and their chain */
    size_t list_n;
};

enum aql_stage_kind {
    AQL_FOR,
    AQL_FILTER,
    AQL_LET,
    AQL_SORT,
    AQL_LIMIT,
    AQL_COLLECT,
    AQL_RETURN,
};

struct aql_sort_key {
    struct aql_node *expr;
    bool is_descending;
    struct aql_sort_key *next;
};

/* Rows with equal values of all groups become one row. Their variables end here. */
struct aql_group {
    unsigned slot;
    struct sf_str name;
    struct aql_node *expr;
    struct aql_group *next;
};

struct aql_aggregator;

struct aql_aggregate {
    unsigned slot;
    struct sf_str name;
    const struct aql_aggregator *fn;
    struct aql_node *expr; /* NULL: rows are counted */
    struct aql_aggregate *next;
};

struct aql_collect {
    struct aql_group *groups; /* none: one row, also of no rows */
    struct aql_aggregate *aggregates;
    size_t groups_n, aggregates_n;
    struct sf_str into_name;
    unsigned into; /* slot of INTO */
    struct aql_node
        *into_expr; /* what INTO gathers of each row; NULL: there is no INTO */
};

/* How the documents of a FOR are found; see aql_plan.c. */
enum aql_access { AQL_SCAN, AQL_BY_KEY, AQL_KEY_ORDER, AQL_BY_INDEX };

struct aql_path {
    enum aql_access access;
    const struct cat_index *index; /* AQL_BY_INDEX */
    struct aql_node **equals;      /* values of its first fields */
    size_t equals_n;
    struct aql_node *low, *high; /* of the next field; NULL: open */
    struct aql_node *key;        /* AQL_BY_KEY: a _key, an _id, or an array */
    bool is_id, is_descending;
};

struct aql_stage {
    enum aql_stage_kind kind;
    struct aql_stage *next;
    struct aql_node *expr; /* of all but SORT and LIMIT; FOR: of an array */
    unsigned slot;         /* FOR, LET */
    const struct cat_collection *collection; /* FOR over one */
    struct aql_path path;
    struct aql_collect *collect; /* COLLECT */
    struct aql_sort_key *keys;   /* SORT */
    unsigned slots_before;       /* variables made in front of this stage */
    unsigned *keeps;             /* SORT: variables that differ by row, used later */
    size_t keeps_n;
    bool is_distinct;                /* RETURN */
    struct aql_node *offset, *count; /* LIMIT; count NULL: no limit */
    bool is_last_limit;              /* fullCount counts in front of it */
};

struct aql_query {
    struct arena *mem;
    struct aql_stage *stages;
    size_t stages_n;
    unsigned slots_n; /* of all queries of the text */
    unsigned number;  /* 0: the outermost */
    /* From this slot on variables differ by row: they were made by or behind the first
     * FOR. AQL_SLOTS_MAX: there is no FOR yet. */
    unsigned loop_slot;
    unsigned queries_n;     /* outermost: itself and all subqueries */
    struct aql_query *next; /* all of them in one chain */
};

#endif
