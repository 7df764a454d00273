#include "tx.h"

#include "key.h"

#include <stdlib.h>

#define TICK_BLOCK \
    100000 /* numbers reserved at once; those left at a crash are skipped */
#define DOC_MAX ((size_t)512 << 20)

bool tx_init(struct tx *tx, struct db *db, struct fault *f)
{
    sqlite3_stmt *stmt = db_prepare(db, "SELECT v FROM meta WHERE k='tick'", f);
    bool has_row = false;

    *tx = (struct tx){ .db = db };
    sf_buf_init(&tx->before, DOC_MAX);
    sf_buf_init(&tx->after, DOC_MAX);
    sf_buf_init(&tx->patch, DOC_MAX);
    sf_buf_init(&tx->entry, DOC_MAX);
    if (stmt && db_step(db, stmt, &has_row, f) && has_row)
        tx->tick = tx->tick_end = (uint64_t)sqlite3_column_int64(stmt, 0);
    (void)sqlite3_finalize(stmt);
    return has_row || fault_set(f, FAULT_INTERNAL, "no tick in the database file");
}

void tx_release(struct tx *tx)
{
    free(tx->counts);
    sf_buf_release(&tx->before);
    sf_buf_release(&tx->after);
    sf_buf_release(&tx->patch);
    sf_buf_release(&tx->entry);
}

bool tx_begin(struct tx *tx, struct fault *f)
{
    tx->counts_n = 0;
    return db_do(tx->db, DB_BEGIN, 0, f);
}

static bool write_counts(struct tx *tx, struct fault *f)
{
    for (size_t i = 0; i < tx->counts_n; i++) {
        const struct tx_count *c = &tx->counts[i];
        sqlite3_stmt *stmt;
        bool is_good;

        if (c->difference == 0 && c->last_key == 0)
            continue;
        stmt = db_stmt(tx->db, DB_COUNT_ADD, 0, f);
        if (!stmt)
            return false;
        (void)sqlite3_bind_int64(stmt, 1, (sqlite3_int64)c->collection);
        (void)sqlite3_bind_int64(stmt, 2, c->difference);
        (void)sqlite3_bind_int64(stmt, 3, c->last_key);
        is_good = db_step(tx->db, stmt, NULL, f);
        (void)sqlite3_reset(stmt);
        if (!is_good)
            return false;
    }
    return true;
}

bool tx_commit(struct tx *tx, struct fault *f)
{
    return write_counts(tx, f) && db_do(tx->db, DB_COMMIT, 0, f);
}

/* Reserved numbers went with the transaction, too: they are reserved again. */
void tx_rollback(struct tx *tx)
{
    struct fault f = { 0 };

    tx->counts_n = 0;
    tx->tick_end = tx->tick;
    if (!sqlite3_get_autocommit(db_handle(tx->db)))
        (void)db_do(tx->db, DB_ROLLBACK, 0, &f);
}

bool tx_reserve(struct tx *tx, uint64_t n, struct fault *f)
{
    uint64_t end = tx->tick + n + TICK_BLOCK;
    sqlite3_stmt *stmt;
    bool is_good;

    if (tx->tick_end - tx->tick >= n)
        return true;
    stmt = db_stmt(tx->db, DB_TICK_SET, 0, f);
    if (!stmt)
        return false;
    (void)sqlite3_bind_int64(stmt, 1, (sqlite3_int64)end);
    is_good = db_step(tx->db, stmt, NULL, f);
    (void)sqlite3_reset(stmt);
    if (is_good)
        tx->tick_end = end;
    return is_good;
}

uint64_t tx_tick(struct tx *tx)
{
    return ++tx->tick;
}

uint64_t tx_rev(struct tx *tx)
{
    tx->last_rev = rev_next(tx->last_rev);
    return tx->last_rev;
}

struct tx_count *tx_count(struct tx *tx, uint64_t collection, struct fault *f)
{
    struct tx_count *grown;
    size_t cap;

    for (size_t i = 0; i < tx->counts_n; i++)
        if (tx->counts[i].collection == collection)
            return &tx->counts[i];
    if (tx->counts_n == tx->counts_cap) {
        cap = tx->counts_cap ? tx->counts_cap * 2 : 16;
        grown = realloc(tx->counts, cap * sizeof(*grown));
        if (!grown) {
            (void)fault_set(f, FAULT_OUT_OF_MEMORY, NULL);
            return NULL;
        }
        tx->counts = grown;
        tx->counts_cap = cap;
    }
    tx->counts[tx->counts_n] = (struct tx_count){ .collection = collection };
    return &tx->counts[tx->counts_n++];
}
