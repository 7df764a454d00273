/* The documents of a FOR, one after another, by the path that was chosen for it. */
#ifndef STORE_AQL_SCAN_H
#define STORE_AQL_SCAN_H

#include "aql_eval.h"

struct aql_scan {
    const struct aql_stage *stage;
    struct db *db;
    sqlite3_stmt *stmt; /* made at the first start, kept for the next */
    struct sf_buf low, high;
    struct sf_str *keys; /* AQL_BY_KEY: those still to look up, in @mem of the start */
    size_t keys_n, keys_at;
};

void aql_scan_init(struct aql_scan *s, const struct aql_stage *stage, struct db *db);
void aql_scan_release(struct aql_scan *s);

/* Begin from the front, with the values that the variables have now. False: e->f. */
bool aql_scan_start(struct aql_scan *s, struct aql_eval *e);
/* The next document into @slot, lent until the next call. *ret_has_row false: there are
 * no more. False: e->f. */
bool aql_scan_next(struct aql_scan *s, struct aql_eval *e, struct aql_slot *slot,
                   bool *ret_has_row);

#endif
