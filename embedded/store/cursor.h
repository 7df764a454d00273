/* Results of queries that clients fetch in batches.
 *
 * A cursor holds all rows of its query, as they were in one snapshot. It belongs to the
 * user and database that made it, ends with its last batch, with a DELETE, or after its
 * ttl without a call. Any thread. */
#ifndef STORE_CURSOR_H
#define STORE_CURSOR_H

#include "budget.h"
#include "fault.h"

#include <sf/buf.h>

struct cursor {
    /* filled in before cursors_add() */
    struct sf_buf rows; /* elements one behind the other, no commas */
    size_t *ends;       /* where each of them ends; malloc'ed */
    size_t n, cap;
    size_t batch_size;
    bool may_retry, has_count;
    int64_t ttl_ms;
    struct sf_buf owner, database, extra; /* extra: `,"count":..` and `"extra":{...}` */

    /* the rest is cursor.c's */
    struct cursor *next;
    struct budget memory; /* of rows and ends */
    uint64_t id;
    size_t at;      /* row that the next batch begins with */
    size_t begun;   /* row that the last batch began with */
    uint64_t batch; /* number of the last batch, from 1 */
    int64_t until_us;
    bool is_busy;
};

struct cursors;

struct cursors *cursors_create(void);      /* NULL: out of memory */
void cursors_destroy(struct cursors *all); /* NULL is fine */
/* Free those whose time is over; every call does that, too. */
void cursors_expire(struct cursors *all);

/* NULL: out of memory. What it keeps counts in @total, which outlives it. */
struct cursor *cursor_new(struct budget_total *total);
void cursor_free(struct cursor *cur); /* NULL is fine */
bool cursor_add_row(struct cursor *cur, struct sf_str text, struct fault *f);

/* Append the first batch to @out, as `"result":[...],"hasMore":..,...`. @cur goes over:
 * kept for the batches that follow, or freed. */
void cursors_begin(struct cursors *all, struct cursor *cur, struct sf_buf *out);

struct cursor_ref {
    struct sf_str id, owner, database;
    struct sf_str batch; /* empty: the next one */
};
/* The next batch, or the last one once more. Faults: NO_CURSOR, CURSOR_BUSY. */
bool cursors_next(struct cursors *all, const struct cursor_ref *ref, struct sf_buf *out,
                  struct fault *f);
bool cursors_drop(struct cursors *all, const struct cursor_ref *ref, struct fault *f);

#endif
