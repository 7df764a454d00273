/* What was known when the last manager ended, from its documents. */
#include "manager.h"

#include <stdio.h>
#include <stdlib.h>

/* Rows of a query, and what went wrong with one. */
struct reading {
    struct manager *m;
    enum sf_status status;
    struct sf_error *err;
};

static int64_t number(const json_t *doc, const char *name)
{
    return json_integer_value(json_object_get(doc, name));
}

static const char *text(const json_t *doc, const char *name)
{
    const char *value = json_string_value(json_object_get(doc, name));

    return value ? value : "";
}

static bool flag(const json_t *doc, const char *name)
{
    return json_is_true(json_object_get(doc, name));
}

static void read_member(struct member *m, const json_t *doc)
{
    int64_t now_ms = manager_now_ms();

    (void)snprintf(m->instance, sizeof(m->instance), "%s", text(doc, "instance"));
    member_text(m->message, text(doc, "message"));
    member_text(m->error, text(doc, "error"));
    for (int i = SF_EVENT_STARTED; i <= SF_EVENT_PONG; i++)
        if (strcmp(sf_event_name((enum sf_event)i), text(doc, "last")) == 0)
            m->last = (enum sf_event)i;
    m->is_over = flag(doc, "is_over");
    m->is_final = flag(doc, "is_final");
    m->is_lost = flag(doc, "is_lost");
    m->records = number(doc, "records");
    m->offset = number(doc, "offset");
    m->exit_code = (int)number(doc, "exit_code");
    m->restarts = (int)number(doc, "restarts");
    m->extra = json_incref(json_object_get(doc, "extra"));
    if (json_is_null(m->extra)) {
        json_decref(m->extra);
        m->extra = NULL;
    }
    m->launched_ms = flag(doc, "is_launched") ? now_ms : 0;
    m->heard_ms = now_ms; /* silence counts from here */
    m->over_ms = m->is_over ? now_ms : 0;
}

static void read_state(struct queue *q, const json_t *doc)
{
    static const enum wish wishes[] = { WISH_RUN, WISH_PAUSE, WISH_STOP };
    const json_t *members = json_object_get(doc, "members");

    q->serial = (uint64_t)number(doc, "serial");
    q->version = (uint64_t)number(doc, "version");
    q->created_ms = number(doc, "created_ms");
    q->updated_ms = number(doc, "updated_ms");
    q->request_n = (size_t)number(doc, "request_n");
    q->wish_ms = manager_now_ms();
    q->body_hash = 0;
    for (const char *c = text(doc, "body_hash"); *c; c++)
        q->body_hash =
            q->body_hash * 16 + (uint64_t)(*c <= '9' ? *c - '0' : *c - 'a' + 10);
    member_text(q->error, text(doc, "error"));
    (void)snprintf(q->spec.pipeline_id, sizeof(q->spec.pipeline_id), "%s",
                   text(doc, "pipeline_id"));
    (void)snprintf(q->idempotency_key, sizeof(q->idempotency_key), "%s",
                   text(doc, "idempotency_key"));
    for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++)
        if (strcmp(wish_name(wishes[i]), text(doc, "wish")) == 0)
            q->wish = wishes[i];
    for (size_t i = 0; i < q->spec.members_n; i++)
        read_member(&q->members[i], json_array_get(members, i));
    q->status = queue_status(q->members, q->spec.members_n, q->wish,
                             q->spec.type_ref.type->has_range);
}

static enum sf_status read_queue(struct manager *m, const json_t *doc,
                                 struct sf_error *err)
{
    json_t *errors = json_array();
    struct plan plan = { 0 };
    struct queue *q = NULL;
    enum sf_status status =
        plan_make(&m->plan_env, json_object_get(doc, "request"), errors, &plan, err);
    int64_t position = number(doc, "position");

    if (status == SF_EINVAL) { /* settings have changed under it: it cannot run */
        char *why = json_dumps(errors, JSON_COMPACT);

        sf_log(SF_LOG_ERROR, "queue_not_understood", SF_LOG_S("queue", text(doc, "_key")),
               SF_LOG_S("text", why ? why : ""));
        free(why);
        status = SF_OK;
    } else if (status == SF_OK) {
        q = queue_add(m, &plan.queues[0]);
        status = q ? SF_OK : sf_error_set(err, SF_ENOMEM, "no memory for a queue");
    }
    if (q) {
        read_state(q, doc);
        if (q->serial > m->next_serial)
            m->next_serial = q->serial;
        if (!queue_is_over(q) && (m->position < 0 || position < m->position))
            m->position = position;
    }
    plan_release(&plan);
    json_decref(errors);
    return status;
}

static void on_queue(void *arg, struct sf_str row)
{
    struct reading *r = arg;
    json_t *doc = json_loadb(row.p, row.len, 0, NULL);

    if (r->status == SF_OK)
        r->status = read_queue(r->m, doc, r->err);
    json_decref(doc);
}

static void on_event(void *arg, struct sf_str row)
{
    struct reading *r = arg;
    json_t *doc = json_loadb(row.p, row.len, 0, NULL);
    struct queue *q = queue_find(r->m, sf_str_from(text(doc, "queue_id")));
    int64_t offset = number(doc, "offset");

    (void)json_object_del(doc, "offset");
    (void)json_object_del(doc, "stored_at");
    if (q)
        queue_keep_event(r->m, q, doc, offset);
    json_decref(doc);
}

/* Was @q's pipeline stored in part, and then its manager killed? Nothing of it was
 * launched then, and nobody was answered. */
static bool is_half_started(const struct manager *m, const struct queue *q)
{
    size_t n = 0;

    if (q->request_n < 2)
        return false;
    for (size_t i = 0; i < m->queues_n; i++) {
        const struct queue *other = m->queues[i];

        if (strcmp(other->spec.pipeline_id, q->spec.pipeline_id) != 0)
            continue;
        n++;
        for (size_t k = 0; k < other->spec.members_n; k++)
            if (other->members[k].launched_ms > 0)
                return false;
    }
    return n < q->request_n;
}

static enum sf_status roll_back_halves(struct manager *m, struct sf_error *err)
{
    enum sf_status status = SF_OK;
    size_t i = 0;

    while (i < m->queues_n && status == SF_OK) {
        struct queue *q = m->queues[i];

        if (!is_half_started(m, q)) {
            i++;
            continue;
        }
        sf_log(SF_LOG_WARN, "half_started", SF_LOG_S("queue", q->spec.queue_id));
        status = store_remove(m, q->spec.queue_id, err);
        queue_remove(m, q);
    }
    return status;
}

enum sf_status store_read(struct manager *m, struct sf_error *err)
{
    struct reading r = { m, SF_OK, err };
    enum sf_status status = sf_arango_query(
        m->arango, "FOR q IN queues SORT q.serial RETURN q", on_queue, &r, err);

    if (status == SF_OK)
        status = r.status;
    if (status == SF_OK)
        status = roll_back_halves(m, err);
    if (status == SF_OK)
        status = sf_arango_query(
            m->arango,
            "FOR e IN queue_events FILTER e.status != 'loading' SORT e.offset "
            "RETURN UNSET(e, '_key', '_id', '_rev')",
            on_event, &r, err);
    return status;
}
