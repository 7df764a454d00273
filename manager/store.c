/* Queues and their events as documents: `queues`, `queue_events`.
 *
 * A queue is one document, written whole whenever it changed; its _key keeps the order of
 * the writes. What a request promised is answered when its write is confirmed. */
#include "api.h"
#include "live.h"

#include <sf/stop.h>

#include <stdio.h>
#include <stdlib.h>

#define EVENTS_LIFE_S (30 * 86400) /* events are forgotten then */
#define DOC_MAX       ((size_t)1 << 20)
/* At the end; whatever is missing then is known again from queue-events. */
#define SETTLE_MS      3000
#define SETTLE_LOOK_MS 20
#define LOOK_US        2000000
#define REMOVE_MS      60000

/* One put under way. */
struct write {
    struct manager *m;
    uint64_t serial;
    struct batch_ref *refs;
};

static void settle(struct manager *m, struct batch_ref *refs, bool is_good)
{
    while (refs) {
        struct batch_ref *ref = refs;
        struct batch *b = ref->batch;

        refs = ref->next;
        free(ref);
        b->is_bad = b->is_bad || !is_good;
        batch_release(m, b);
    }
}

static void on_written(void *arg, const struct sf_arango_result *result)
{
    struct write *w = (struct write *)(uintptr_t)result->tag;

    (void)arg;
    if (result->status != SF_OK)
        sf_log(SF_LOG_ERROR, "queue_not_stored", SF_LOG_I("number", result->error_num),
               SF_LOG_V("text", result->text));
    settle(w->m, w->refs, result->status == SF_OK);
    free(w);
}

static void on_event_written(void *arg, const struct sf_arango_result *result)
{
    (void)arg;
    if (result->status != SF_OK)
        sf_log(SF_LOG_WARN, "event_not_stored", SF_LOG_I("number", result->error_num),
               SF_LOG_V("text", result->text));
}

static void on_away(void *arg, bool is_away, const struct sf_error *why)
{
    struct manager *m = arg;

    if (m->store_is_away == is_away)
        return;
    m->store_is_away = is_away;
    if (is_away)
        sf_log_error(SF_LOG_WARN, "database_away", why);
    else
        sf_log_write(SF_LOG_INFO, "database_back", NULL);
}

static void on_look(void *arg, int status, int error_num)
{
    struct manager *m = arg;
    struct sf_error why = { 0 };

    (void)error_num; /* whatever it says: it is there */
    m->is_looking = false;
    m->look_again_us = sf_mono_us() + LOOK_US;
    if (status == 0 || status >= 500)
        (void)sf_error_set(&why, SF_EIO, "ArangoDB does not answer");
    on_away(m, why.status != SF_OK, &why);
}

void store_look(struct manager *m)
{
    struct sf_error err = { 0 };

    if (m->is_looking || sf_mono_us() < m->look_again_us)
        return;
    m->is_looking = sf_arango_request(m->arango, "GET", "/_api/version", SF_STR_EMPTY,
                                      on_look, m, &err) == SF_OK;
    m->look_again_us = sf_mono_us() + LOOK_US;
}

static void on_fatal(void *arg, const struct sf_error *err)
{
    manager_fail(arg, err);
}

bool store_then(struct queue *q, struct batch *b)
{
    struct batch_ref *ref = malloc(sizeof(*ref));

    if (!ref)
        return false;
    *ref = (struct batch_ref){ q->refs, b };
    q->refs = ref;
    q->is_dirty = true;
    b->left++;
    return true;
}

/* -------------------------------------------------------------------------- documents */

static json_t *member_doc(const struct member_spec *s, const struct member *m)
{
    return json_pack("{s:s, s:s, s:s, s:b, s:I, s:I, s:s, s:s, s:O?, s:i, s:b, s:b, s:b, "
                     "s:i}",
                     "telemetry_id", s->telemetry_id, "instance", m->instance, "last",
                     sf_event_name(m->last), "is_over", m->is_over, "records",
                     (json_int_t)m->records, "offset", (json_int_t)m->offset, "message",
                     m->message, "error", m->error, "extra", m->extra, "exit_code",
                     m->exit_code, "is_final", m->is_final, "is_lost", m->is_lost,
                     "is_launched", m->launched_ms > 0, "restarts", m->restarts);
}

static json_t *queue_doc(const struct manager *m, const struct queue *q)
{
    json_t *members = json_array();

    for (size_t i = 0; i < q->spec.members_n; i++)
        (void)json_array_append_new(members,
                                    member_doc(&q->spec.members[i], &q->members[i]));
    return json_pack("{s:s, s:I, s:I, s:s, s:s, s:s, s:O, s:s, s:s, s:I, s:I, s:s, s:s, "
                     "s:s, s:I, s:I, s:o}",
                     "_key", q->spec.queue_id, "serial", (json_int_t)q->serial, "version",
                     (json_int_t)q->version, "symbol", q->spec.subject, "type",
                     q->spec.type, "pipeline_id", q->spec.pipeline_id, "request",
                     q->spec.request, "wish", wish_name(q->wish), "status",
                     status_name(q->status), "created_ms", (json_int_t)q->created_ms,
                     "updated_ms", (json_int_t)q->updated_ms, "error", q->error,
                     "collection", q->spec.collection, "idempotency_key",
                     q->idempotency_key, "position", (json_int_t)m->position, "request_n",
                     (json_int_t)q->request_n, "members", members);
}

/* The hash is 64 bits wide: as text, for JSON's readers keep 53. */
static json_t *with_hash(json_t *doc, uint64_t hash)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "%016llx", (unsigned long long)hash);
    if (doc)
        (void)json_object_set_new(doc, "body_hash", json_string(text));
    return doc;
}

/* @doc is taken over. */
static enum sf_status put(struct sf_arango_writer *w, const char *key, json_t *doc,
                          uint64_t tag)
{
    char *text = doc ? json_dumps(doc, JSON_COMPACT) : NULL;
    enum sf_status status = SF_ENOMEM;

    if (text)
        status = sf_arango_put(w, sf_str_from(key), sf_str_from(text), tag);
    free(text);
    json_decref(doc);
    return status;
}

static void store_queue(struct manager *m, struct queue *q)
{
    struct write *w = malloc(sizeof(*w));

    if (!w)
        return; /* the next tick tries again */
    *w = (struct write){ m, q->serial, q->refs };
    q->refs = NULL;
    q->is_dirty = false;
    if (put(m->queue_writer, q->spec.queue_id, with_hash(queue_doc(m, q), q->body_hash),
            (uint64_t)(uintptr_t)w) != SF_OK) {
        q->refs = w->refs;
        q->is_dirty = true;
        free(w);
    }
}

void store_flush(struct manager *m)
{
    for (size_t i = 0; i < m->queues_n; i++)
        if (m->queues[i]->is_dirty && !m->queues[i]->is_deleted)
            store_queue(m, m->queues[i]);
    sf_arango_writer_flush(m->queue_writer);
}

void store_event(struct manager *m, const struct telemetry *t, const json_t *event)
{
    char key[2 * SF_NAME_MAX + 32];
    json_t *doc = json_copy((json_t *)event);

    if (t->status == SF_EVENT_LOADING) /* the last one of a member is enough */
        (void)snprintf(key, sizeof(key), "%s_loading", t->telemetry_id);
    else
        (void)snprintf(key, sizeof(key), "%s_%lld", t->telemetry_id,
                       (long long)t->offset);
    (void)json_object_set_new(doc, "_key", json_string(key));
    (void)json_object_set_new(doc, "offset", json_integer(t->offset));
    (void)json_object_set_new(doc, "stored_at", json_integer(sf_time_now_ms() / 1000));
    if (put(m->event_writer, key, doc, 0) != SF_OK)
        sf_log(SF_LOG_WARN, "event_not_stored", SF_LOG_S("text", "no room"));
}

/* ---------------------------------------------------------------------------- deletion
 */

struct deletion {
    struct manager *m;
    uint64_t serial;
    struct sf_httpd_req *req;
    char collection[SF_NAME_MAX + 1]; /* "": stays */
};

static void on_doc_deleted(void *arg, int status, int error_num)
{
    struct deletion *d = arg;
    struct queue *q = queue_find_serial(d->m, d->serial);

    (void)error_num;
    if (q && (status == 200 || status == 202 || status == 404)) {
        d->m->launcher->kind->forget(d->m->launcher, &q->spec);
        live_status(d->m, q, "deleted");
        queue_remove(d->m, q);
        api_reply(d->req, 200, json_pack("{s:b}", "deleted", 1), NULL);
    } else {
        if (q)
            q->is_deleted = false;
        api_refuse(d->req, 502, "the database did not delete the queue", NULL);
    }
    free(d);
}

static void delete_doc(struct deletion *d)
{
    struct queue *q = queue_find_serial(d->m, d->serial);
    char path[SF_NAME_MAX + 64];
    struct sf_error err = { 0 };

    (void)snprintf(path, sizeof(path), "/_api/document/queues/%s",
                   q ? q->spec.queue_id : "");
    if (!q || sf_arango_request(d->m->arango, "DELETE", path, SF_STR_EMPTY,
                                on_doc_deleted, d, &err) != SF_OK)
        on_doc_deleted(d, 0, 0);
}

static void on_collection_deleted(void *arg, int status, int error_num)
{
    struct deletion *d = arg;

    if (status == 200 || status == 404)
        delete_doc(d);
    else
        on_doc_deleted(d, 0, error_num);
}

void store_delete(struct manager *m, struct queue *q, const char *collection,
                  struct sf_httpd_req *req)
{
    struct deletion *d = calloc(1, sizeof(*d));
    char path[SF_NAME_MAX + 64];
    struct sf_error err = { 0 };

    if (!d) {
        api_refuse(req, 503, "out of memory", NULL);
        return;
    }
    *d = (struct deletion){ .m = m, .serial = q->serial, .req = req };
    q->is_deleted = true;
    if (!collection) {
        delete_doc(d);
        return;
    }
    (void)snprintf(path, sizeof(path), "/_api/collection/%s", collection);
    if (sf_arango_request(m->arango, "DELETE", path, SF_STR_EMPTY, on_collection_deleted,
                          d, &err) != SF_OK)
        on_doc_deleted(d, 0, 0);
}

/* ---------------------------------------------------------------------------- opening */

static void on_index(void *arg, int status, int error_num)
{
    (void)arg;
    if (status != 200 && status != 201)
        sf_log(SF_LOG_WARN, "events_will_not_expire", SF_LOG_I("status", status),
               SF_LOG_I("number", error_num));
}

static void expire_events(struct manager *m)
{
    char body[128];
    struct sf_error err = { 0 };

    (void)snprintf(body, sizeof(body),
                   "{\"type\":\"ttl\",\"fields\":[\"stored_at\"],\"expireAfter\":%d}",
                   EVENTS_LIFE_S);
    if (sf_arango_request(m->arango, "POST", "/_api/index?collection=queue_events",
                          sf_str_from(body), on_index, m, &err) != SF_OK)
        sf_log_error(SF_LOG_WARN, "events_will_not_expire", &err);
}

struct removal {
    bool is_done;
    int status;
};

static void on_removed(void *arg, int status, int error_num)
{
    struct removal *r = arg;

    (void)error_num;
    r->status = status;
    r->is_done = true;
}

enum sf_status store_remove(struct manager *m, const char *key, struct sf_error *err)
{
    struct removal r = { .is_done = false };
    int64_t until_ms = manager_now_ms() + REMOVE_MS;
    char path[SF_NAME_MAX + 64];
    enum sf_status status;

    (void)snprintf(path, sizeof(path), "/_api/document/queues/%s", key);
    status =
        sf_arango_request(m->arango, "DELETE", path, SF_STR_EMPTY, on_removed, &r, err);
    if (status != SF_OK)
        return status;
    while (!r.is_done && sf_stop_signal() == 0 && manager_now_ms() < until_ms)
        (void)sf_loop_run_until(m->loop, &r.is_done, SETTLE_LOOK_MS);
    if (r.status == 200 || r.status == 202 || r.status == 404)
        return SF_OK;
    return sf_error_set(err, SF_EIO, "ArangoDB does not write to queues: HTTP %d",
                        r.status);
}

enum sf_status store_open(struct manager *m, struct sf_error *err)
{
    static const char *const by_queue[] = { "queue_id", "offset", NULL };
    const struct sf_arango_index index = { by_queue, false };
    struct sf_arango_writer_opts opts = { .collection = "queues",
                                          .lanes = 2,
                                          .batch_docs = 200,
                                          .batch_bytes = DOC_MAX,
                                          .batch_age_ms = 20,
                                          .fn = on_written,
                                          .on_away = on_away,
                                          .on_fatal = on_fatal,
                                          .arg = m };
    enum sf_status status = sf_arango_create(m->loop, &m->conf, &m->arango, err);

    if (status == SF_OK)
        status = sf_arango_ensure_database(m->arango, err);
    if (status == SF_OK)
        status = sf_arango_ensure_collection(m->arango, "queues", NULL, 0, err);
    if (status == SF_OK)
        status = sf_arango_ensure_collection(m->arango, "queue_events", &index, 1, err);
    /* What a manager that was killed had sent may still wait in the database, behind
     * writes of others. A removal of nothing waits behind it, so that what is read then
     * has all of it: a queue that shows up later would be a second one for its
     * Idempotency-Key. */
    if (status == SF_OK)
        status = store_remove(m, "fence", err);
    if (status == SF_OK)
        status = store_read(m, err);
    if (status == SF_OK)
        status = sf_arango_writer_create(m->arango, &opts, &m->queue_writer, err);
    opts.collection = "queue_events";
    opts.batch_age_ms = 200;
    opts.fn = on_event_written;
    opts.on_away = NULL;
    if (status == SF_OK)
        status = sf_arango_writer_create(m->arango, &opts, &m->event_writer, err);
    if (status == SF_OK)
        expire_events(m);
    return status;
}

void store_settle(struct manager *m)
{
    bool never = false;
    int64_t until_ms = manager_now_ms() + SETTLE_MS;

    do {
        store_flush(m);
        sf_arango_writer_flush(m->event_writer);
        (void)sf_loop_run_until(m->loop, &never, SETTLE_LOOK_MS);
    } while (sf_arango_writer_pending(m->queue_writer) +
                     sf_arango_writer_pending(m->event_writer) >
                 0 &&
             manager_now_ms() < until_ms);
}

void store_close(struct manager *m)
{
    sf_arango_writer_destroy(m->event_writer);
    sf_arango_writer_destroy(m->queue_writer);
    sf_arango_destroy(m->arango);
}
