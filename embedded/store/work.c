#include "work.h"

#include "store.h"
#include "wal.h"

#include <sf/log.h>

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define POOL_MAX    16
#define QUERIES_MIN 4    /* queries that run at the same time also on one core */
#define QUEUE_MAX   4096 /* requests waiting, beside those that are being served */
#define GROUP_MAX   512  /* requests in one transaction: bounds the wait of the first */

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct call *first, **last;
    size_t n;
    bool is_closed;
};

typedef void (*serve_fn)(struct work *w, struct call *c, struct db *db);

/* Threads with a database connection each, and the calls they serve. */
struct pool {
    struct work *work;
    serve_fn serve;
    struct queue queue;
    pthread_t threads[POOL_MAX];
    size_t n;
};

struct work {
    struct store *store;
    struct pool calls, queries; /* every call goes through the first, quickly */
    struct queue write_queue;
    pthread_t writer;
    bool has_writer;
    struct db *db; /* the writer's */
    struct tx tx;
    struct wal *wal;
};

/* ------------------------------------------------------------------------ queues */

static void queue_init(struct queue *q)
{
    (void)pthread_mutex_init(&q->lock, NULL);
    (void)pthread_cond_init(&q->filled, NULL);
    q->last = &q->first;
}

static void queue_close(struct queue *q)
{
    (void)pthread_mutex_lock(&q->lock);
    q->is_closed = true;
    (void)pthread_cond_broadcast(&q->filled);
    (void)pthread_mutex_unlock(&q->lock);
}

static bool queue_put(struct queue *q, struct call *c, size_t max)
{
    bool has_room;

    c->next = NULL;
    (void)pthread_mutex_lock(&q->lock);
    has_room = q->n < max;
    if (has_room) {
        *q->last = c;
        q->last = &c->next;
        q->n++;
        (void)pthread_cond_signal(&q->filled);
    }
    (void)pthread_mutex_unlock(&q->lock);
    return has_room;
}

/* Up to @max calls as a list, at least one; NULL when closed and empty. */
static struct call *queue_take(struct queue *q, size_t max)
{
    struct call *list, **end = &list;
    size_t n = 0;

    (void)pthread_mutex_lock(&q->lock);
    while (!q->first && !q->is_closed)
        (void)pthread_cond_wait(&q->filled, &q->lock);
    list = q->first;
    while (*end && n < max) {
        end = &(*end)->next;
        n++;
    }
    q->first = *end;
    *end = NULL;
    if (!q->first)
        q->last = &q->first;
    q->n -= n;
    (void)pthread_mutex_unlock(&q->lock);
    return list;
}

/* -------------------------------------------------------------------------- pool */

static void done(struct work *w, struct call *c)
{
    call_finish(c);
    store_done(w->store, c);
}

/* One snapshot for all that a request reads. */
static void run_read(struct call *c, struct db *db)
{
    c->db = db;
    if (db_exec(db, "BEGIN", &c->fault))
        c->route->fn(c);
    if (!sqlite3_get_autocommit(db_handle(db))) {
        struct fault f = { 0 };

        (void)db_exec(db, "COMMIT", &f);
    }
    c->db = NULL;
}

/* A call that waited sees the newest catalogue, as the user it has there. */
static bool refresh(struct work *w, struct call *c)
{
    cat_unref(c->cat);
    c->cat = store_cat(w->store);
    if (!c->http)
        return true;
    c->user = NULL;
    return call_admit(c);
}

static void serve_query(struct work *w, struct call *c, struct db *db)
{
    if (refresh(w, c))
        run_read(c, db);
    done(w, c);
}

static void serve_call(struct work *w, struct call *c, struct db *db)
{
    struct queue *next;

    c->cat = store_cat(w->store);
    if (c->http && (!call_parse(c) || !call_admit(c))) {
        done(w, c);
        return;
    }
    if (c->route->prepare)
        c->route->prepare(c);
    if (c->fault.num != FAULT_NONE) {
        done(w, c);
        return;
    }
    if (!(c->route->flags & (ROUTE_WRITE | ROUTE_DDL | ROUTE_LONG))) {
        run_read(c, db);
        done(w, c);
        return;
    }
    next = c->route->flags & ROUTE_LONG ? &w->queries.queue : &w->write_queue;
    if (!queue_put(next, c, QUEUE_MAX)) {
        (void)fault_set(&c->fault, FAULT_QUEUE_FULL, NULL);
        done(w, c);
    }
}

static void *pool_main(void *arg)
{
    struct pool *pool = arg;
    struct work *w = pool->work;
    struct sf_error err = { 0 };
    struct db *db = NULL;
    struct call *c;

    if (db_open(store_db_path(w->store), false, &db, &err) != SF_OK)
        sf_log_error(SF_LOG_ERROR, "reader_failed", &err);
    while ((c = queue_take(&pool->queue, 1))) {
        if (db) {
            pool->serve(w, c, db);
            continue;
        }
        (void)fault_set(&c->fault, FAULT_IO_ERROR, "cannot open the database file");
        done(w, c);
    }
    db_close(db);
    return NULL;
}

/* As many threads as cores, @min at least. */
static enum sf_status pool_start(struct pool *pool, size_t min, struct sf_error *err)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t n = cores > (long)min ? (size_t)cores : min;

    for (; pool->n < n && pool->n < POOL_MAX; pool->n++)
        if (pthread_create(&pool->threads[pool->n], NULL, pool_main, pool) != 0)
            return sf_error_set(err, SF_EIO, "cannot start a thread");
    return SF_OK;
}

static void pool_stop(struct pool *pool)
{
    queue_close(&pool->queue);
    while (pool->n > 0)
        (void)pthread_join(pool->threads[--pool->n], NULL);
}

/* ------------------------------------------------------------------------ writer */

/* Run @c in the open transaction. False: the storage failed. */
static bool run_write(struct work *w, struct call *c)
{
    c->db = w->db;
    c->tx = &w->tx;
    /* more numbers than documents: each takes at least "{}," of the body */
    if (refresh(w, c) && tx_reserve(&w->tx, c->body.len / 2 + 16, &c->fault))
        c->route->fn(c);
    return !db_is_broken(&c->fault);
}

/* A transaction of its own. */
static void run_alone(struct work *w, struct call *c)
{
    bool is_ddl = c->route->flags & ROUTE_DDL;
    struct fault f = { 0 };
    struct cat *cat = NULL;

    if (!tx_begin(&w->tx, &c->fault))
        return;
    if (!run_write(w, c) || (is_ddl && c->fault.num != FAULT_NONE)) {
        tx_rollback(&w->tx);
        return;
    }
    /* the new picture is read before the commit: when that fails, nothing happened */
    if (is_ddl && !cat_load(w->db, &cat, &f))
        (void)fault_set(&c->fault, f.num, "%s", f.text);
    if (c->fault.num == FAULT_NONE || !is_ddl)
        (void)tx_commit(&w->tx, &f);
    if (f.num != FAULT_NONE) {
        fault_clear(&c->fault);
        (void)fault_set(&c->fault, f.num, "%s", f.text);
        tx_rollback(&w->tx);
        cat_unref(cat);
        return;
    }
    if (cat) {
        db_forget(w->db);
        store_publish(w->store, cat);
    }
}

/* All of @list in one transaction. False: nothing of it was kept. */
static bool run_group(struct work *w, struct call *list)
{
    struct fault f = { 0 };
    bool is_good = tx_begin(&w->tx, &f);

    for (struct call *c = list; c && is_good; c = c->next)
        is_good = run_write(w, c);
    if (is_good && tx_commit(&w->tx, &f))
        return true;
    tx_rollback(&w->tx);
    return false;
}

static void answer_all(struct work *w, struct call *list)
{
    while (list) {
        struct call *next = list->next;

        done(w, list);
        list = next;
    }
}

static void run_list(struct work *w, struct call *list)
{
    if (!list)
        return;
    if (list->next && run_group(w, list)) {
        answer_all(w, list);
        return;
    }
    while (list) {
        struct call *next = list->next;

        call_restart(list);
        run_alone(w, list);
        done(w, list);
        list = next;
    }
}

/* Cut the list at calls that must be alone. */
static void run_all(struct work *w, struct call *list)
{
    struct call *group = NULL, **end = &group;

    while (list) {
        struct call *c = list;

        list = c->next;
        c->next = NULL;
        if (!(c->route->flags & ROUTE_DDL)) {
            *end = c;
            end = &c->next;
            continue;
        }
        run_list(w, group);
        group = NULL;
        end = &group;
        run_alone(w, c);
        done(w, c);
    }
    run_list(w, group);
}

static void *writer_main(void *arg)
{
    struct work *w = arg;
    struct call *list;

    while ((list = queue_take(&w->write_queue, GROUP_MAX))) {
        run_all(w, list);
        wal_tend(w->wal);
    }
    return NULL;
}

/* ------------------------------------------------------------------------- life */

bool work_add(struct work *work, struct call *c)
{
    return queue_put(&work->calls.queue, c, QUEUE_MAX);
}

static enum sf_status open_writer(struct work *w, struct sf_error *err)
{
    struct fault f = { 0 };

    if (db_open(store_db_path(w->store), true, &w->db, err) != SF_OK)
        return SF_EIO;
    if (!tx_init(&w->tx, w->db, &f))
        return sf_error_set(err, SF_EIO, "%s", f.text);
    return wal_create(store_db_path(w->store), w->db, &w->wal, err);
}

static enum sf_status start_threads(struct work *w, struct sf_error *err)
{
    enum sf_status status;

    if (pthread_create(&w->writer, NULL, writer_main, w) != 0)
        return sf_error_set(err, SF_EIO, "cannot start a thread");
    w->has_writer = true;
    status = pool_start(&w->queries, QUERIES_MIN, err);
    return status == SF_OK ? pool_start(&w->calls, 2, err) : status;
}

enum sf_status work_create(struct store *store, struct work **ret_work,
                           struct sf_error *err)
{
    struct work *w = calloc(1, sizeof(*w));
    enum sf_status status;

    if (!w)
        return sf_error_set(err, SF_ENOMEM, "no memory for the threads");
    w->store = store;
    w->calls = (struct pool){ .work = w, .serve = serve_call };
    w->queries = (struct pool){ .work = w, .serve = serve_query };
    queue_init(&w->calls.queue);
    queue_init(&w->queries.queue);
    queue_init(&w->write_queue);
    status = open_writer(w, err);
    if (status == SF_OK)
        status = start_threads(w, err);
    if (status != SF_OK) {
        work_destroy(w);
        return status;
    }
    *ret_work = w;
    return SF_OK;
}

/* The calls first: they feed the others. */
void work_destroy(struct work *w)
{
    if (!w)
        return;
    pool_stop(&w->calls);
    pool_stop(&w->queries);
    queue_close(&w->write_queue);
    if (w->has_writer)
        (void)pthread_join(w->writer, NULL);
    wal_destroy(w->wal);
    tx_release(&w->tx);
    db_close(w->db);
    free(w);
}
