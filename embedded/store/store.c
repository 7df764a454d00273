#include "store.h"

#include "auth.h"
#include "cursor.h"
#include "handlers.h"
#include "work.h"

#include <sf/log.h>

#include <uv.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define QUERY_DEFAULT_MAX ((size_t)1 << 30) /* bytes */

struct store {
    struct store_opts opts;
    char *db_path;
    int lock_fd;
    char secret[AUTH_SECRET_BYTES];
    struct sf_str server_id;
    pthread_mutex_t cat_lock, done_lock;
    const struct cat *cat;
    struct call *done, **done_last; /* answers on their way to the loop */
    struct sf_wake *wake;
    struct sf_timer *ttl_timer;
    bool is_expiring; /* a ttl job is on its way */
    struct work *work;
    struct cursors *cursors;
    struct budget_total query_memory;
    size_t query_max_bytes;
    atomic_bool is_stopping;
};

/* Removing expired documents is the one job that is not a request. */
static const struct route ttl_route = { "", "", ROUTE_WRITE, NULL, ttl_run, NULL };

bool store_needs_auth(const struct store *store)
{
    return store->opts.has_auth;
}

struct sf_str store_secret(const struct store *store)
{
    return (struct sf_str){ store->secret, sizeof(store->secret) };
}

struct sf_str store_server_id(const struct store *store)
{
    return store->server_id;
}

struct sf_str store_data(const struct store *store)
{
    return sf_str_from(store->opts.data);
}

struct cursors *store_cursors(const struct store *store)
{
    return store->cursors;
}

struct budget_total *store_query_memory(struct store *store)
{
    return &store->query_memory;
}

size_t store_query_max(const struct store *store)
{
    return store->query_max_bytes;
}

const atomic_bool *store_stopping(const struct store *store)
{
    return &store->is_stopping;
}

const char *store_db_path(const struct store *store)
{
    return store->db_path;
}

const struct cat *store_cat(struct store *store)
{
    const struct cat *cat;

    (void)pthread_mutex_lock(&store->cat_lock);
    cat = cat_ref(store->cat);
    (void)pthread_mutex_unlock(&store->cat_lock);
    return cat;
}

void store_publish(struct store *store, const struct cat *cat)
{
    const struct cat *before;

    (void)pthread_mutex_lock(&store->cat_lock);
    before = store->cat;
    store->cat = cat;
    (void)pthread_mutex_unlock(&store->cat_lock);
    cat_unref(before);
}

/* ------------------------------------------------------------------------ answers */

void store_done(struct store *store, struct call *c)
{
    c->next = NULL;
    (void)pthread_mutex_lock(&store->done_lock);
    *store->done_last = c;
    store->done_last = &c->next;
    (void)pthread_mutex_unlock(&store->done_lock);
    sf_wake_send(store->wake);
}

static void send_answer(struct call *c)
{
    struct sf_httpd_answer answer = {
        .status = c->status,
        .headers = c->headers,
        .body = sf_buf_str(&c->out),
    };

    sf_httpd_reply(c->http, &answer);
}

static void start_ttl(void *arg);

static void own_job_done(struct store *store, const struct call *c)
{
    store->is_expiring = false;
    if (c->fault.num != FAULT_NONE)
        sf_log(SF_LOG_WARN, "ttl_failed", SF_LOG_S("text", c->fault.text));
    else if (c->status == 1)
        start_ttl(store);
}

/* sf_wake: hand out what the threads have finished. */
static void on_done(void *arg)
{
    struct store *store = arg;
    struct call *list;

    (void)pthread_mutex_lock(&store->done_lock);
    list = store->done;
    store->done = NULL;
    store->done_last = &store->done;
    (void)pthread_mutex_unlock(&store->done_lock);
    while (list) {
        struct call *c = list;

        list = c->next;
        if (c->http)
            send_answer(c);
        else
            own_job_done(store, c);
        call_destroy(c);
    }
}

void store_serve(void *arg, struct sf_httpd_req *req)
{
    struct store *store = arg;
    struct call *c = call_create(store, req);

    if (!c) {
        sf_httpd_reply_json(req, 503,
                            SF_STR("{\"error\":true,\"code\":503,\"errorNum\":3,"
                                   "\"errorMessage\":\"out of memory\"}"));
        return;
    }
    if (work_add(store->work, c))
        return;
    (void)fault_set(&c->fault, FAULT_QUEUE_FULL, NULL);
    call_finish(c);
    send_answer(c);
    call_destroy(c);
}

/* sf_timer. A job that is still on its way is enough. */
static void start_ttl(void *arg)
{
    struct store *store = arg;
    struct call *c;

    cursors_expire(store->cursors);
    if (store->is_expiring)
        return;
    c = call_create(store, NULL);
    if (!c)
        return;
    c->route = &ttl_route;
    store->is_expiring = work_add(store->work, c);
    if (!store->is_expiring)
        call_destroy(c);
}

/* ------------------------------------------------------------------------- opening */

static enum sf_status lock_folder(struct store *store, struct sf_error *err)
{
    const char *data = store->opts.data;
    struct sf_buf path;
    enum sf_status status;

    if (mkdir(data, 0700) != 0 && errno != EEXIST)
        return sf_error_set(err, SF_EIO, "--data %s: %s", data, uv_strerror(-errno));
    sf_buf_init(&path, 4096);
    sf_buf_addf(&path, "%s/LOCK", data);
    store->lock_fd = open(sf_buf_cstr(&path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    sf_buf_clear(&path);
    sf_buf_addf(&path, "%s/store.db", data);
    store->db_path = sf_buf_take(&path);
    status = store->db_path ? SF_OK : SF_ENOMEM;
    sf_buf_release(&path);
    if (status != SF_OK)
        return sf_error_set(err, status, "--data %.200s: path too long", data);
    if (store->lock_fd < 0)
        return sf_error_set(err, SF_EIO, "--data %s: %s", data, uv_strerror(-errno));
    if (flock(store->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return sf_error_set(err, SF_EIO, "--data %s: in use by another sf-store", data);
    return SF_OK;
}

static bool read_meta(struct db *db, const char *sql, struct sf_buf *out, struct fault *f)
{
    sqlite3_stmt *stmt = db_prepare(db, sql, f);
    bool has_row = false, is_good = stmt && db_step(db, stmt, &has_row, f) && has_row;

    if (is_good)
        sf_buf_add_str(out, db_col(stmt, 0));
    (void)sqlite3_finalize(stmt);
    return is_good || fault_set(f, FAULT_INTERNAL, "the database file is incomplete");
}

static bool load_meta(struct store *store, struct db *db, struct fault *f)
{
    struct sf_buf text;
    bool is_good;

    sf_buf_init(&text, 4096);
    is_good = read_meta(db, "SELECT v FROM meta WHERE k='jwt'", &text, f) &&
              (text.len == sizeof(store->secret) ||
               fault_set(f, FAULT_INTERNAL, "the database file is damaged"));
    if (is_good)
        memcpy(store->secret, text.p, sizeof(store->secret));
    sf_buf_clear(&text);
    if (is_good && read_meta(db, "SELECT v FROM meta WHERE k='server'", &text, f)) {
        size_t len = text.len;
        char *id = sf_buf_take(&text);

        if (id)
            store->server_id = (struct sf_str){ id, len };
        is_good = id != NULL;
    }
    sf_buf_release(&text);
    return is_good;
}

/* Root may do everything. Its password is set when it is given, and must be for a new
 * data folder with authentication on. */
static bool ensure_root(struct store *store, struct db *db, struct fault *f)
{
    const char *password = store->opts.root_password;
    sqlite3_stmt *stmt = db_prepare(db, "SELECT 1 FROM usr WHERE name='root'", f);
    char hash[AUTH_HASH_SIZE];
    bool has_root = false, is_good = stmt && db_step(db, stmt, &has_root, f);

    (void)sqlite3_finalize(stmt);
    if (!is_good || (has_root && !password))
        return is_good;
    if (!has_root && !password && store->opts.has_auth)
        return fault_set(f, FAULT_BAD_PARAMETER,
                         "a new data folder needs --root-password or "
                         "SF_STORE_ROOT_PASSWORD (or --no-auth)");
    if (!auth_hash(sf_str_from(password), hash))
        return fault_set(f, FAULT_INTERNAL, "cannot hash a password");
    stmt = db_prepare(db,
                      "INSERT INTO usr VALUES('root',?1,1,'{}') "
                      "ON CONFLICT(name) DO UPDATE SET hash=?1",
                      f);
    if (!stmt)
        return false;
    db_bind_str(stmt, 1, sf_str_from(hash));
    is_good = db_step(db, stmt, NULL, f);
    (void)sqlite3_finalize(stmt);
    return is_good && db_exec(db,
                              "INSERT OR IGNORE INTO grt VALUES('root','*','','rw'),"
                              "('root','*','*','rw')",
                              f);
}

static enum sf_status open_file(struct store *store, struct sf_error *err)
{
    struct db *db = NULL;
    struct cat *cat = NULL;
    struct fault f = { 0 };

    if (db_open(store->db_path, true, &db, err) != SF_OK)
        return SF_EIO;
    if (!cat_create_tables(db, &f) || !load_meta(store, db, &f) ||
        !ensure_root(store, db, &f) || !cat_load(db, &cat, &f))
        (void)sf_error_set(err, f.num == FAULT_BAD_PARAMETER ? SF_EINVAL : SF_EIO,
                           "%s: %s", store->db_path, f.text);
    else
        store->cat = cat;
    db_close(db);
    if (f.num == FAULT_NONE)
        return SF_OK;
    return f.num == FAULT_BAD_PARAMETER ? SF_EINVAL : SF_EIO;
}

/* Less than ArangoDB takes (most of the machine): there are other programs here. */
static void set_limits(struct store *store)
{
    size_t all = budget_machine_bytes() / 4, one = all / 2;

    if (store->opts.queries_max_bytes >= 0)
        all = (size_t)store->opts.queries_max_bytes;
    if (one > QUERY_DEFAULT_MAX)
        one = QUERY_DEFAULT_MAX;
    if (store->opts.query_max_bytes >= 0)
        one = (size_t)store->opts.query_max_bytes;
    store->query_memory.max_bytes = all;
    store->query_max_bytes = one;
}

enum sf_status store_create(struct sf_loop *loop, const struct store_opts *opts,
                            struct store **ret_store, struct sf_error *err)
{
    struct store *store = calloc(1, sizeof(*store));
    enum sf_status status;

    if (!store)
        return sf_error_set(err, SF_ENOMEM, "no memory for the store");
    store->opts = *opts;
    store->lock_fd = -1;
    store->server_id = SF_STR_EMPTY;
    store->done_last = &store->done;
    set_limits(store);
    (void)pthread_mutex_init(&store->cat_lock, NULL);
    (void)pthread_mutex_init(&store->done_lock, NULL);
    store->cursors = cursors_create();
    status = store->cursors ? lock_folder(store, err) : SF_ENOMEM;
    if (status == SF_OK)
        status = open_file(store, err);
    if (status == SF_OK)
        status = sf_wake_create(loop, on_done, store, &store->wake);
    if (status == SF_OK)
        status = sf_timer_create(loop, start_ttl, store, &store->ttl_timer);
    if (status == SF_OK)
        status = work_create(store, &store->work, err);
    if (status != SF_OK) {
        store_destroy(store);
        return sf_error_set(err, status, "cannot start: %s", sf_status_text(status));
    }
    sf_timer_set(store->ttl_timer, opts->ttl_every_ms, opts->ttl_every_ms);
    *ret_store = store;
    return SF_OK;
}

void store_destroy(struct store *store)
{
    if (!store)
        return;
    store->is_expiring = true; /* no new ones */
    atomic_store(&store->is_stopping, true);
    work_destroy(store->work);
    on_done(store);
    sf_wake_destroy(store->wake);
    sf_timer_destroy(store->ttl_timer);
    cursors_destroy(store->cursors);
    cat_unref(store->cat);
    if (store->lock_fd >= 0)
        (void)close(store->lock_fd);
    if (store->server_id.len > 0)
        free((void *)(uintptr_t)store->server_id.p);
    free(store->db_path);
    free(store);
}
