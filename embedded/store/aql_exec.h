/* What the parts of the executor share: rows (aql_exec.c), SORT (aql_keep.c), COLLECT
 * (aql_collect.c). */
#ifndef STORE_AQL_EXEC_H
#define STORE_AQL_EXEC_H

#include "aql_aggr.h"
#include "aql_scan.h"
#include "aql_set.h"

/* A row that a SORT keeps. */
struct aql_kept {
    struct aql_ordered key;
    struct aql_slot *slots; /* of the stage's keeps */
    struct aql_kept *next;
};

/* What a stage remembers while its query runs. */
struct aql_state {
    const struct aql_stage *stage;
    struct arena row;      /* values of the row that is on its way from here */
    struct arena stored;   /* what is kept until there are no more rows */
    struct aql_scan scan;  /* FOR over a collection */
    struct aql_kept *kept; /* SORT: newest first */
    size_t kept_n;
    size_t wanted_n;    /* SORT in front of a LIMIT: rows that it lets through; else 0 */
    struct aql_set set; /* DISTINCT: seen; COLLECT: groups */
    int64_t skip, left; /* LIMIT */
};

/* A query or subquery at work. */
struct aql_pipe {
    const struct aql_query *q;
    struct aql_state *states; /* one a stage; NULL: not used yet */
    size_t states_n;
    size_t stopped;     /* stages below this one need no more rows */
    struct sf_buf rows; /* of a subquery: elements and commas */
    size_t rows_bytes;  /* of it, counted in memory */
};

struct aql_run {
    struct db *db;
    const struct aql_options *opts;
    struct aql_eval e;
    struct aql_pipe *pipes; /* by number of the query */
    unsigned pipes_n;
    struct arena top; /* values in front of the outermost FOR */
    struct budget memory;
    size_t given_bytes; /* of rows: counted by who keeps them */
    aql_row_fn fn;
    void *arg;
};

/* The current row goes into stage @at. False: e.f. */
bool aql_push(struct aql_run *r, struct aql_pipe *p, size_t at);
bool aql_check_memory(struct aql_run *r);

/* A value of LIMIT; @initial when there is none. */
int64_t aql_limit_value(const struct aql_node *n, int64_t initial);

/* How many of its rows a SORT needs; 0: all of them. */
size_t aql_sort_wants(const struct aql_stage *s);
/* SORT and COLLECT take a row; when there are no more, they give theirs. */
bool aql_sort_take(struct aql_run *r, struct aql_pipe *p, size_t at);
bool aql_sort_give(struct aql_run *r, struct aql_pipe *p, size_t at);
bool aql_collect_take(struct aql_run *r, struct aql_pipe *p, size_t at);
bool aql_collect_give(struct aql_run *r, struct aql_pipe *p, size_t at);

#endif
