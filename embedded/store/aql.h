/* AQL, the part that reads: FOR, FILTER, LET, SORT, LIMIT, RETURN and expressions.
 *
 * text -> tokens (aql_lex.c) -> tree (aql_parse*.c) -> access paths
 * (aql_plan.c) -> rows (aql_exec.c) with values from expressions (aql_eval.c,
 * aql_func.c). What ArangoDB has and we do not is refused by name, with 1501. One thread
 * at a time. */
#ifndef STORE_AQL_H
#define STORE_AQL_H

#include "arena.h"
#include "budget.h"
#include "cat.h"
#include "fault.h"
#include "val.h"

#include <stdatomic.h>

#define AQL_DEPTH_MAX     200 /* nesting of expressions */
#define AQL_VARIABLES_MAX 100
#define AQL_STAGES_MAX    200

/* ------------------------------------------------------------------------- tree */

enum aql_kind {
    AQL_VALUE,   /* value */
    AQL_PARAM,   /* name: a bind parameter without a value (when only parsed) */
    AQL_VAR,     /* slot */
    AQL_CURRENT, /* the element of the nearest AQL_EXPAND around it */
    AQL_ATTR,    /* a . name */
    AQL_INDEX,   /* a [ b ] */
    AQL_EXPAND,  /* a [*], b of each element (NULL: the element) */
    AQL_NOT,     /* !a */
    AQL_MINUS,   /* -a */
    AQL_PLUS,    /* +a */
    AQL_BINARY,  /* a op b */
    AQL_TERNARY, /* a ? b : c; b NULL: a ?: c */
    AQL_RANGE,   /* a .. b */
    AQL_ARRAY,   /* list */
    AQL_OBJECT,  /* list of AQL_MEMBER */
    AQL_MEMBER,  /* name (or b: its expression) : a */
    AQL_CALL,    /* function (list) */
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
    struct aql_node *a, *b, *c;
    struct aql_node *list, *next; /* children, and their chain */
    size_t list_n;
};

enum aql_stage_kind { AQL_FOR, AQL_FILTER, AQL_LET, AQL_SORT, AQL_LIMIT, AQL_RETURN };

struct aql_sort_key {
    struct aql_node *expr;
    bool is_descending;
    struct aql_sort_key *next;
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
    struct aql_sort_key *keys;       /* SORT */
    bool is_distinct;                /* RETURN */
    struct aql_node *offset, *count; /* LIMIT; count NULL: no limit */
    bool is_last_limit;              /* fullCount counts in front of it */
};

struct aql_query {
    struct arena *mem;
    struct aql_stage *stages;
    size_t stages_n;
    unsigned slots_n;
};

/* What names mean. */
struct aql_names {
    void *arg;
    /* The collection, when the caller may read it; NULL: @f is set. */
    const struct cat_collection *(*collection)(void *arg, struct sf_str name,
                                               struct fault *f);
};

/* Parse @text. @binds: canonical object, all of it must be used. The tree is in @mem.
 * Faults are those of ArangoDB, with position, without "AQL: " in front. */
bool aql_parse(struct arena *mem, struct sf_str text, struct sf_str binds,
               const struct aql_names *names, struct aql_query *ret, struct fault *f);

/* Choose access paths, drop sorts that they make needless. */
void aql_plan(struct aql_query *q);

/* --------------------------------------------------------------------- running */

struct aql_options {
    bool counts_full; /* rows in front of the last LIMIT */
    bool fails_on_warning;
    size_t memory_max;                 /* bytes, 0: none */
    struct budget_total *memory_total; /* of all queries; may be NULL */
    int64_t runtime_max_us;            /* 0: none */
    const atomic_bool *is_stopping;    /* the program ends; may be NULL */
};

#define AQL_WARNINGS_MAX 10

struct aql_stats {
    uint64_t scanned_full, scanned_index, filtered, full_count;
    size_t peak_bytes;
    enum fault_num warnings[AQL_WARNINGS_MAX];
    size_t warnings_n;
};

/* Called for each result, canonical text, lent. False: @f. */
typedef bool (*aql_row_fn)(void *arg, struct sf_str text, struct fault *f);

/* Run @q in the transaction that is open on @db. False: @f. */
bool aql_run(const struct aql_query *q, struct db *db, const struct aql_options *opts,
             aql_row_fn fn, void *arg, struct aql_stats *stats, struct fault *f);

#endif
