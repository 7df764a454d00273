/* Removing what has expired, a bounded piece at a time, as a write among others. */
#include "doc.h"
#include "handlers.h"
#include "ix.h"

#include <sf/time.h>

#include <stdlib.h>

#define PIECE 2000 /* documents of one index in one transaction */

/* Rows of @x that expired; *ret_n of them in @ids. */
static bool expired_rows(struct call *c, const struct cat_index *x, int64_t *ids,
                         size_t *ret_n)
{
    double until_s = (double)sf_time_now_ms() / 1000.0 - x->expire_after_s;
    sqlite3_stmt *stmt = db_stmt(c->db, DB_IX_UNTIL, x->id, &c->fault);
    bool has_row = true, is_good = true;
    struct sf_buf until;

    *ret_n = 0;
    if (!stmt)
        return false;
    sf_buf_init(&until, 64);
    val_order(&until, val_num(num_from_real(until_s)));
    db_bind_blob(stmt, 1, sf_buf_str(&until));
    (void)sqlite3_bind_int(stmt, 2, PIECE);
    while (is_good && has_row && *ret_n < PIECE) {
        is_good = db_step(c->db, stmt, &has_row, &c->fault);
        if (is_good && has_row)
            ids[(*ret_n)++] = sqlite3_column_int64(stmt, 0);
    }
    (void)sqlite3_reset(stmt);
    sf_buf_release(&until);
    return is_good;
}

static bool expire(struct call *c, const struct cat_collection *coll, int64_t *ids)
{
    for (size_t i = 0; i < coll->indexes_n; i++) {
        size_t n = 0;

        if (coll->indexes[i].kind != CAT_TTL)
            continue;
        if (!expired_rows(c, &coll->indexes[i], ids, &n))
            return false;
        for (size_t k = 0; k < n; k++)
            if (!doc_remove_row(c->tx, coll, ids[k], &c->fault))
                return false;
        if (n == PIECE)
            c->status = 1; /* there is more: come again soon */
    }
    return true;
}

void ttl_run(struct call *c)
{
    int64_t *ids = malloc(PIECE * sizeof(*ids));
    bool is_good = ids != NULL;

    c->status = 0;
    for (size_t d = 0; d < c->cat->databases_n; d++)
        for (size_t i = 0; i < c->cat->databases[d].collections_n && is_good; i++)
            is_good = expire(c, &c->cat->databases[d].collections[i], ids);
    free(ids);
}
