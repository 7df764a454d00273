/* One SQLite connection: opening, statements that are kept, errors.
 *
 * One file holds everything, so that one commit covers writes to several databases. WAL,
 * synchronous=FULL: what a commit returned for is on disk. A connection belongs to one
 * thread at a time. */
#ifndef STORE_DB_H
#define STORE_DB_H

#include "fault.h"

#include <sf/str.h>

#include <sqlite3.h>

/* Statements of which one is kept for each table, by its number. `c` tables hold
 * documents, `x` tables index entries: encoded value, document row. */
enum db_sql {
    DB_BEGIN,
    DB_COMMIT,
    DB_ROLLBACK,
    DB_DOC_INSERT, /* 1 key, 2 rev, 3 body */
    DB_DOC_FIND,   /* 1 key: id, rev, body */
    DB_DOC_ROW,    /* 1 id: key, rev, body */
    DB_DOC_UPDATE, /* 1 id, 2 rev, 3 body */
    DB_DOC_DELETE, /* 1 id */
    DB_IX_INSERT,  /* 1 value, 2 id */
    DB_IX_DELETE,  /* 1 value, 2 id */
    DB_IX_FIND,    /* 1 value: id, for unique ones */
    DB_IX_UNTIL,   /* 1 highest value, 2 limit: id */
    DB_COUNT_ADD,  /* 1 collection, 2 difference, 3 highest automatic key */
    DB_COUNT,      /* 1 collection: documents, highest automatic key */
    DB_TICK_SET,   /* 1 value */
    DB_SQL_N,
};

/* How long a connection waits for a lock of another one. */
#define DB_BUSY_MS 10000

struct db;

/* Open (and with @is_writer create) the file at @path. Errors: SF_EIO, SF_ENOMEM. */
enum sf_status db_open(const char *path, bool is_writer, struct db **ret_db,
                       struct sf_error *err) SF_MUST_CHECK;
void db_close(struct db *db); /* NULL is fine */
sqlite3 *db_handle(struct db *db);

/* The kept statement for @table (0 where none is needed), reset, without values. NULL:
 * @f is set. Reset it after use: an open one holds a snapshot. */
sqlite3_stmt *db_stmt(struct db *db, enum db_sql which, uint64_t table, struct fault *f);
/* A statement of the caller's own; finalize it. NULL: @f is set. */
sqlite3_stmt *db_prepare(struct db *db, const char *sql, struct fault *f);
/* One step. *ret_has_row may be NULL when none is expected. False: @f is set. */
bool db_step(struct db *db, sqlite3_stmt *stmt, bool *ret_has_row, struct fault *f);
/* Kept statement without values or rows, to its end. */
bool db_do(struct db *db, enum db_sql which, uint64_t table, struct fault *f);
/* SQL text without values or rows, any number of statements. */
bool db_exec(struct db *db, const char *sql, struct fault *f);
/* Forget kept statements (tables are going away). */
void db_forget(struct db *db);

/* Values in and out; text and blobs are borrowed until the statement is reset. */
void db_bind_str(sqlite3_stmt *stmt, int at, struct sf_str s);
void db_bind_blob(sqlite3_stmt *stmt, int at, struct sf_str s);
struct sf_str db_col(sqlite3_stmt *stmt, int col);

/* @f from the connection's last error. Returns false. */
bool db_fault(struct db *db, struct fault *f);
/* Is @f a failure of the storage (not of the request)? Then the transaction is lost. */
bool db_is_broken(const struct fault *f);

#endif
