/* AQL, the part that reads: FOR, FILTER, LET, COLLECT, SORT, LIMIT, RETURN, subqueries
 * and expressions.
 *
 * text -> tokens (aql_lex.c) -> tree (aql_parse*.c) -> access paths
 * (aql_plan.c) -> rows (aql_exec.c) with values from expressions (aql_eval.c,
 * aql_func.c). What ArangoDB has and we do not is refused by name, with 1501. One thread
 * at a time. */
#ifndef STORE_AQL_H
#define STORE_AQL_H

#include "aql_tree.h"
#include "budget.h"

#include <stdatomic.h>

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

/* Choose access paths, drop sorts that they make needless; of subqueries, too. */
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
