#include "wal.h"

#include <sf/log.h>

#include <pthread.h>
#include <stdlib.h>

#define PIECE_PAGES 2048  /* 16 MiB: then the thread copies them */
#define LIMIT_PAGES 32768 /* 256 MiB: then the log starts over */
#define RESTART_MS  100   /* how long that waits for readers of the log */

struct wal {
    const char *path;
    struct db *writer;
    int pages; /* as of the last commit */
    int limit; /* pages at which the log should start over */
    pthread_t thread;
    bool has_thread;

    pthread_mutex_t lock;
    pthread_cond_t wanted, idle;
    bool wants_copy, is_copying, is_closing; /* under the lock */
};

static int on_commit(void *arg, sqlite3 *handle, const char *name, int pages)
{
    struct wal *wal = arg;

    (void)handle;
    (void)name;
    wal->pages = pages;
    return SQLITE_OK;
}

static void *copy_main(void *arg)
{
    struct wal *wal = arg;
    struct sf_error err = { 0 };
    struct db *db = NULL;

    if (db_open(wal->path, true, &db, &err) != SF_OK) {
        sf_log_error(SF_LOG_WARN, "checkpointer_failed", &err);
        return NULL; /* starting over bounds the log */
    }
    (void)pthread_mutex_lock(&wal->lock);
    while (!wal->is_closing) {
        if (!wal->wants_copy) {
            (void)pthread_cond_wait(&wal->wanted, &wal->lock);
            continue;
        }
        wal->wants_copy = false;
        wal->is_copying = true;
        (void)pthread_mutex_unlock(&wal->lock);
        (void)sqlite3_wal_checkpoint_v2(db_handle(db), NULL, SQLITE_CHECKPOINT_PASSIVE,
                                        NULL, NULL);
        (void)pthread_mutex_lock(&wal->lock);
        wal->is_copying = false;
        (void)pthread_cond_signal(&wal->idle);
    }
    (void)pthread_mutex_unlock(&wal->lock);
    db_close(db);
    return NULL;
}

/* The log starts over when all of it is copied and nobody reads it. A long query does
 * read it: then the log grows instead, and this is tried again when it grew by a piece.
 */
static void start_over(struct wal *wal)
{
    sqlite3 *handle = db_handle(wal->writer);
    int code;

    (void)pthread_mutex_lock(&wal->lock);
    wal->wants_copy = false;
    while (wal->is_copying)
        (void)pthread_cond_wait(&wal->idle, &wal->lock);
    (void)pthread_mutex_unlock(&wal->lock);
    (void)sqlite3_busy_timeout(handle, RESTART_MS);
    code = sqlite3_wal_checkpoint_v2(handle, NULL, SQLITE_CHECKPOINT_RESTART, NULL, NULL);
    (void)sqlite3_busy_timeout(handle, DB_BUSY_MS);
    wal->limit = code == SQLITE_OK ? LIMIT_PAGES : wal->pages + PIECE_PAGES;
    wal->pages = 0;
}

void wal_tend(struct wal *wal)
{
    if (wal->pages < PIECE_PAGES)
        return;
    if (wal->pages >= wal->limit) {
        start_over(wal);
        return;
    }
    (void)pthread_mutex_lock(&wal->lock);
    wal->wants_copy = true;
    (void)pthread_cond_signal(&wal->wanted);
    (void)pthread_mutex_unlock(&wal->lock);
}

enum sf_status wal_create(const char *path, struct db *writer, struct wal **ret_wal,
                          struct sf_error *err)
{
    struct wal *wal = calloc(1, sizeof(*wal));

    if (!wal)
        return sf_error_set(err, SF_ENOMEM, "no memory for the log's thread");
    wal->path = path;
    wal->writer = writer;
    wal->limit = LIMIT_PAGES;
    (void)pthread_mutex_init(&wal->lock, NULL);
    (void)pthread_cond_init(&wal->wanted, NULL);
    (void)pthread_cond_init(&wal->idle, NULL);
    if (pthread_create(&wal->thread, NULL, copy_main, wal) != 0) {
        wal_destroy(wal);
        return sf_error_set(err, SF_EIO, "cannot start a thread");
    }
    wal->has_thread = true;
    (void)sqlite3_wal_hook(db_handle(writer), on_commit, wal);
    *ret_wal = wal;
    return SF_OK;
}

void wal_destroy(struct wal *wal)
{
    if (!wal)
        return;
    (void)pthread_mutex_lock(&wal->lock);
    wal->is_closing = true;
    (void)pthread_cond_signal(&wal->wanted);
    (void)pthread_mutex_unlock(&wal->lock);
    if (wal->has_thread)
        (void)pthread_join(wal->thread, NULL);
    (void)sqlite3_wal_hook(db_handle(wal->writer), NULL, NULL);
    free(wal);
}
