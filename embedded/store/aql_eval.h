/* Values of expressions, for one row at a time. */
#ifndef STORE_AQL_EVAL_H
#define STORE_AQL_EVAL_H

#include "aql.h"

/* A variable's value. A document is put together only when it is asked for as a whole. */
struct aql_slot {
    bool is_document;
    struct val v; /* unless is_document */
    struct sf_str collection, key, body;
    uint64_t rev;
    /* The attribute of the body that was asked for last, by where its name stands in the
     * tree; loops over arrays ask for the same again and again. */
    const char *asked;
    struct val found;
};

struct aql_eval {
    struct arena *mem;  /* of the row */
    struct sf_buf work; /* scratch */
    struct aql_slot *slots;
    struct val current; /* element of the nearest [*] */
    struct aql_stats *stats;
    struct fault *f; /* set: the query ends */
    bool fails_on_warning;
    struct budget *memory;          /* of the query */
    size_t work_bytes;              /* of work, taken from memory */
    const atomic_bool *is_stopping; /* may be NULL */
    int64_t until_us;               /* 0: no limit */
    uint64_t steps;                 /* between two looks at the clock */
    struct aql_run *run;            /* subqueries run in it */
};

struct val aql_eval(struct aql_eval *e, const struct aql_node *n);
/* A slot's value; documents are built in e->mem. */
struct val aql_slot_value(struct aql_eval *e, const struct aql_slot *slot);

/* False: the query must end, e->f is set. Cheap; ask in every loop that may be long. */
bool aql_is_going_on(struct aql_eval *e);
/* Take from the budget what work has grown by. False: e->f. */
bool aql_count_work(struct aql_eval *e);
/* The rows of a subquery, in e->mem. */
struct val aql_subquery(struct aql_eval *e, const struct aql_query *q); /* aql_exec.c */
struct val aql_count_of(struct aql_eval *e, const struct cat_collection *coll);

/* What e->work holds from @from on, lent. */
static inline struct sf_str aql_work(const struct aql_eval *e, size_t from)
{
    if (e->work.len == from)
        return SF_STR_EMPTY;
    return (struct sf_str){ e->work.p + from, e->work.len - from };
}

/* Note a warning; the value of what went wrong is null, which is returned. */
struct val aql_warn(struct aql_eval *e, enum fault_num num);
/* What sf_buf @from on holds as a string value (without quotes) in e->mem; the buffer is
 * cut back to @from. */
struct val aql_take_string(struct aql_eval *e, size_t from);
/* The same for canonical JSON text of an array or object. */
struct val aql_take_json(struct aql_eval *e, size_t from);

/* AQL's casts. */
struct num aql_to_number(struct val v);
void aql_add_string(struct sf_buf *out, struct val v); /* canonical, without quotes */

/* aql_ops.c. Integers stay integers while they fit. */
struct val aql_binary(struct aql_eval *e, const struct aql_node *n);
struct val aql_arithmetic(struct aql_eval *e, enum aql_op op, struct val a, struct val b);

struct val aql_call(struct aql_eval *e, const struct aql_function *fn,
                    const struct val *args, size_t n);

#endif
