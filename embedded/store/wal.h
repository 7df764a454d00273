/* SQLite's write-ahead log, kept short: a thread copies it into the file while the writer
 * goes on. */
#ifndef STORE_WAL_H
#define STORE_WAL_H

#include "db.h"

struct wal;

/* Watch the log of @writer, a connection to @path that outlives it; start the thread. */
enum sf_status wal_create(const char *path, struct db *writer, struct wal **ret_wal,
                          struct sf_error *err) SF_MUST_CHECK;
/* Joins the thread. NULL is fine. */
void wal_destroy(struct wal *wal);
/* The writer's thread, between transactions. Waits only when the log outgrew its limit:
 * for the copy to be complete, and for readers a moment. */
void wal_tend(struct wal *wal);

#endif
