/* What AGGREGATE makes of the values of a group. */
#ifndef STORE_AQL_AGGR_H
#define STORE_AQL_AGGR_H

#include "aql_eval.h"
#include "aql_set.h"

struct aql_item {
    struct sf_str text;
    struct aql_item *next;
};

/* Canonical texts in order of arrival. */
struct aql_items {
    struct aql_item *first, *last;
};

/* One group's. */
struct aql_acc {
    uint64_t n; /* values that count */
    double sum, mean, squares;
    bool is_asked;   /* by a row; SUM of no rows is null, of nulls 0 */
    bool is_invalid; /* a value that is no number: the result is null */
    char *best;      /* MIN, MAX: canonical text */
    size_t best_len, best_cap;
    struct aql_set set;
    struct aql_items items;
};

void aql_acc_init(struct aql_acc *acc, struct arena *mem);
/* @mem as in init. False: it failed, or e->f is set. */
bool aql_acc_add(struct aql_acc *acc, const struct aql_aggregator *fn, struct aql_eval *e,
                 struct arena *mem, struct val v);
/* The result, in e->mem. */
struct val aql_acc_value(const struct aql_acc *acc, const struct aql_aggregator *fn,
                         struct aql_eval *e);

bool aql_items_add(struct aql_items *items, struct aql_eval *e, struct arena *mem,
                   struct val v);
struct val aql_items_value(const struct aql_items *items, struct aql_eval *e);

#endif
