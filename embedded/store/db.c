#include "db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 1024 /* kept statements; a power of two */

struct slot {
    sqlite3_stmt *stmt;
    enum db_sql which;
    uint64_t table;
};

struct db {
    sqlite3 *handle;
    struct slot slots[SLOTS];
};

/* %llu is the table's number. */
static const char *const texts[DB_SQL_N] = {
    [DB_BEGIN] = "BEGIN IMMEDIATE",
    [DB_COMMIT] = "COMMIT",
    [DB_ROLLBACK] = "ROLLBACK",
    [DB_DOC_INSERT] = ("INSERT INTO c%llu(k,rev,doc) VALUES(?1,?2,?3) "
                       "ON CONFLICT DO NOTHING"),
    [DB_DOC_FIND] = "SELECT id,rev,doc FROM c%llu WHERE k=?1",
    [DB_DOC_ROW] = "SELECT k,rev,doc FROM c%llu WHERE id=?1",
    [DB_DOC_UPDATE] = "UPDATE c%llu SET rev=?2,doc=?3 WHERE id=?1",
    [DB_DOC_DELETE] = "DELETE FROM c%llu WHERE id=?1",
    [DB_IX_INSERT] = "INSERT OR IGNORE INTO x%llu(v,id) VALUES(?1,?2)",
    [DB_IX_DELETE] = "DELETE FROM x%llu WHERE v=?1 AND id=?2",
    [DB_IX_FIND] = "SELECT id FROM x%llu WHERE v=?1 LIMIT 1",
    [DB_IX_UNTIL] = "SELECT id FROM x%llu WHERE v<=?1 ORDER BY v LIMIT ?2",
    [DB_COUNT_ADD] = "UPDATE coll SET n=n+?2,last_key=max(last_key,?3) WHERE id=?1",
    [DB_COUNT] = "SELECT n,last_key FROM coll WHERE id=?1",
    [DB_TICK_SET] = "UPDATE meta SET v=?1 WHERE k='tick'",
};

static const char *const writer_setup = "PRAGMA page_size=8192;"
                                        "PRAGMA journal_mode=WAL;"
                                        "PRAGMA synchronous=FULL;"
                                        "PRAGMA wal_autocheckpoint=0;"
                                        "PRAGMA journal_size_limit=268435456;"
                                        "PRAGMA cache_size=-131072;" /* KiB */
                                        "PRAGMA temp_store=MEMORY;";
static const char *const reader_setup = "PRAGMA query_only=1;"
                                        "PRAGMA cache_size=-16384;"
                                        "PRAGMA temp_store=MEMORY;";

enum sf_status db_open(const char *path, bool is_writer, struct db **ret_db,
                       struct sf_error *err)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
                (is_writer ? SQLITE_OPEN_CREATE : 0);
    struct db *db = calloc(1, sizeof(*db));
    struct fault f = { 0 };

    if (!db)
        return sf_error_set(err, SF_ENOMEM, "no memory for a database connection");
    if (sqlite3_open_v2(path, &db->handle, flags, NULL) != SQLITE_OK) {
        (void)sf_error_set(err, SF_EIO, "open %s: %s", path,
                           db->handle ? sqlite3_errmsg(db->handle) : "out of memory");
        db_close(db);
        return SF_EIO;
    }
    (void)sqlite3_busy_timeout(db->handle, DB_BUSY_MS);
    if (!db_exec(db, is_writer ? writer_setup : reader_setup, &f)) {
        (void)sf_error_set(err, SF_EIO, "open %s: %s", path, f.text);
        db_close(db);
        return SF_EIO;
    }
    *ret_db = db;
    return SF_OK;
}

void db_forget(struct db *db)
{
    for (size_t i = 0; i < SLOTS; i++) {
        (void)sqlite3_finalize(db->slots[i].stmt);
        db->slots[i].stmt = NULL;
    }
}

void db_close(struct db *db)
{
    if (!db)
        return;
    db_forget(db);
    (void)sqlite3_close(db->handle);
    free(db);
}

sqlite3 *db_handle(struct db *db)
{
    return db->handle;
}

bool db_fault(struct db *db, struct fault *f)
{
    const char *text = sqlite3_errmsg(db->handle);

    switch (sqlite3_errcode(db->handle) & 0xff) {
    case SQLITE_FULL:
        return fault_set(f, FAULT_DISK_FULL, NULL);
    case SQLITE_NOMEM:
        return fault_set(f, FAULT_OUT_OF_MEMORY, NULL);
    case SQLITE_TOOBIG:
        return fault_set(f, FAULT_TOO_LARGE, NULL);
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
        return fault_set(f, FAULT_IO_ERROR, "storage engine I/O error: %s", text);
    default:
        /* a collection that was dropped between look-up and use */
        if (strncmp(text, "no such table", 13) == 0)
            return fault_set(f, FAULT_NO_COLLECTION, NULL);
        return fault_set(f, FAULT_INTERNAL, "internal error: %s", text);
    }
}

bool db_is_broken(const struct fault *f)
{
    return f->num == FAULT_DISK_FULL || f->num == FAULT_IO_ERROR ||
           f->num == FAULT_INTERNAL || f->num == FAULT_OUT_OF_MEMORY;
}

/* The slot that holds the statement, else a free one, else one that is not in use. */
static struct slot *find_slot(struct db *db, enum db_sql which, uint64_t table)
{
    size_t at =
        (size_t)((table * 31 + (unsigned)which) * UINT64_C(0x9e3779b97f4a7c15) >> 54);
    struct slot *victim = NULL;

    for (size_t i = 0; i < 8; i++) {
        struct slot *s = &db->slots[(at + i) % SLOTS];

        if (s->stmt && s->which == which && s->table == table)
            return s;
        if (!victim && (!s->stmt || !sqlite3_stmt_busy(s->stmt)))
            victim = s;
    }
    return victim;
}

sqlite3_stmt *db_stmt(struct db *db, enum db_sql which, uint64_t table, struct fault *f)
{
    struct slot *s = find_slot(db, which, table);
    char sql[160];

    if (!s) {
        (void)fault_set(f, FAULT_INTERNAL, "internal error: statements in use");
        return NULL;
    }
    if (s->stmt && s->which == which && s->table == table) {
        (void)sqlite3_reset(s->stmt);
        return s->stmt;
    }
    (void)sqlite3_finalize(s->stmt);
    s->stmt = NULL;
    (void)sqlite3_snprintf(sizeof(sql), sql, texts[which], (unsigned long long)table);
    if (sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->stmt,
                           NULL) != SQLITE_OK) {
        (void)db_fault(db, f);
        return NULL;
    }
    s->which = which;
    s->table = table;
    return s->stmt;
}

sqlite3_stmt *db_prepare(struct db *db, const char *sql, struct fault *f)
{
    sqlite3_stmt *stmt = NULL;

    if (sqlite3_prepare_v2(db->handle, sql, -1, &stmt, NULL) == SQLITE_OK)
        return stmt;
    (void)db_fault(db, f);
    return NULL;
}

bool db_step(struct db *db, sqlite3_stmt *stmt, bool *ret_has_row, struct fault *f)
{
    int rc = sqlite3_step(stmt);

    if (ret_has_row)
        *ret_has_row = rc == SQLITE_ROW;
    return rc == SQLITE_ROW || rc == SQLITE_DONE || db_fault(db, f);
}

bool db_do(struct db *db, enum db_sql which, uint64_t table, struct fault *f)
{
    sqlite3_stmt *stmt = db_stmt(db, which, table, f);
    bool is_good = stmt && db_step(db, stmt, NULL, f);

    (void)sqlite3_reset(stmt);
    return is_good;
}

bool db_exec(struct db *db, const char *sql, struct fault *f)
{
    return sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK ||
           db_fault(db, f);
}

void db_bind_str(sqlite3_stmt *stmt, int at, struct sf_str s)
{
    (void)sqlite3_bind_text64(stmt, at, s.p, s.len, SQLITE_STATIC, SQLITE_UTF8);
}

void db_bind_blob(sqlite3_stmt *stmt, int at, struct sf_str s)
{
    (void)sqlite3_bind_blob64(stmt, at, s.p, s.len, SQLITE_STATIC);
}

struct sf_str db_col(sqlite3_stmt *stmt, int col)
{
    const char *p = sqlite3_column_blob(stmt, col);

    return p ? (struct sf_str){ p, (size_t)sqlite3_column_bytes(stmt, col) }
             : SF_STR_EMPTY;
}
