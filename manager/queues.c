/* Queues in memory: find, step, tell. */
#include "live.h"

#include <stdio.h>
#include <stdlib.h>

#define STOP_HINT "stopped because a member failed for good"

int64_t manager_now_ms(void)
{
    return sf_mono_us() / 1000;
}

struct queue *queue_find(struct manager *m, struct sf_str id)
{
    uint64_t hash = sf_str_hash(id);

    for (size_t i = 0; i < m->queues_n; i++)
        if (m->queues[i]->hash == hash &&
            sf_str_eq(sf_str_from(m->queues[i]->spec.queue_id), id))
            return m->queues[i];
    return NULL;
}

struct queue *queue_find_serial(struct manager *m, uint64_t serial)
{
    for (size_t i = 0; i < m->queues_n; i++)
        if (m->queues[i]->serial == serial)
            return m->queues[i];
    return NULL;
}

static bool make_room(struct manager *m)
{
    size_t cap = m->queues_cap ? m->queues_cap * 2 : 64;
    struct queue **grown;

    if (m->queues_n < m->queues_cap)
        return true;
    grown = realloc(m->queues, cap * sizeof(struct queue *));
    if (!grown)
        return false;
    m->queues = grown;
    m->queues_cap = cap;
    return true;
}

struct queue *queue_add(struct manager *m, struct queue_spec *spec)
{
    struct queue *q = make_room(m) ? calloc(1, sizeof(*q)) : NULL;

    if (!q)
        return NULL;
    q->events = calloc((size_t)m->conf.events_keep, sizeof(*q->events));
    if (!q->events) {
        free(q);
        return NULL;
    }
    q->spec = *spec;
    *spec = (struct queue_spec){ 0 };
    q->serial = ++m->next_serial;
    q->hash = sf_str_hash(sf_str_from(q->spec.queue_id));
    q->created_ms = q->updated_ms = sf_time_now_ms();
    for (size_t i = 0; i < q->spec.members_n; i++)
        member_init(&q->members[i], q->spec.members[i].is_loader);
    m->queues[m->queues_n++] = q;
    return q;
}

static void release(struct manager *m, struct queue *q)
{
    for (size_t i = 0; i < q->spec.members_n; i++)
        member_release(&q->members[i]);
    for (size_t i = 0; i < (size_t)m->conf.events_keep; i++)
        json_decref(q->events[i].event);
    queue_spec_release(&q->spec);
    while (q->refs) {
        struct batch_ref *ref = q->refs;

        q->refs = ref->next;
        free(ref);
    }
    free(q->events);
    free(q);
}

void queue_remove(struct manager *m, struct queue *q)
{
    size_t i = 0;

    while (i < m->queues_n && m->queues[i] != q)
        i++;
    if (i == m->queues_n)
        return;
    m->queues_n--;
    (void)memmove(&m->queues[i], &m->queues[i + 1],
                  (m->queues_n - i) * sizeof(struct queue *));
    release(m, q);
}

void queues_release(struct manager *m)
{
    while (m->queues_n > 0)
        release(m, m->queues[--m->queues_n]);
    free(m->queues);
    m->queues = NULL;
}

/* ------------------------------------------------------------------------------ status
 */

void queue_touch(struct queue *q)
{
    q->version++;
    q->updated_ms = sf_time_now_ms();
    q->is_dirty = true;
}

void queue_refresh(struct manager *m, struct queue *q)
{
    enum status now = queue_status(q->members, q->spec.members_n, q->wish,
                                   q->spec.type_ref.type->has_range);

    if (now == q->status)
        return;
    sf_log(SF_LOG_INFO, "queue", SF_LOG_S("queue", q->spec.queue_id),
           SF_LOG_S("was", status_name(q->status)), SF_LOG_S("is", status_name(now)));
    q->status = now;
    queue_touch(q);
    live_status(m, q, status_name(now));
}

void queue_wish(struct manager *m, struct queue *q, enum wish wish)
{
    if (q->wish == wish)
        return;
    q->wish = wish;
    q->wish_ms = manager_now_ms();
    queue_touch(q);
    queue_refresh(m, q);
    queue_step(m, q);
}

bool queue_is_over(const struct queue *q)
{
    for (size_t i = 0; i < q->spec.members_n; i++)
        if (!q->members[i].is_final || q->members[i].is_running)
            return false;
    return true;
}

void queue_keep_event(struct manager *m, struct queue *q, json_t *event, int64_t offset)
{
    size_t keep = (size_t)m->conf.events_keep;
    struct heard *h = &q->events[q->events_at];

    if (q->events_n > 0 && q->events[(q->events_at + keep - 1) % keep].offset >= offset)
        return; /* read back from the store, now replayed */
    json_decref(h->event);
    *h = (struct heard){ offset, json_incref(event) };
    q->events_at = (q->events_at + 1) % keep;
    if (q->events_n < keep)
        q->events_n++;
}

const struct heard *queue_heard(const struct manager *m, const struct queue *q, size_t i)
{
    size_t keep = (size_t)m->conf.events_keep;

    return &q->events[(q->events_at + keep - q->events_n + i) % keep];
}

/* ------------------------------------------------------------------------------- steps
 */

static struct member_rules rules_of(const struct manager *m, const struct queue *q)
{
    struct member_rules r = { .wish = q->wish,
                              .wish_ms = q->wish_ms,
                              .now_ms = manager_now_ms(),
                              .loader_is_over = true,
                              .restarts = q->spec.restarts,
                              .restart_max = q->spec.restart_max,
                              .backoff_ms = m->conf.restart_backoff_ms,
                              .lost_after_ms = m->conf.lost_after_s * 1000,
                              .stop_wait_ms = m->conf.stop_wait_s * 1000 };

    for (size_t i = 0; i < q->spec.members_n; i++)
        if (q->members[i].is_loader && !q->members[i].is_over)
            r.loader_is_over = false;
    return r;
}

static enum sf_status launch(struct manager *m, struct queue *q, size_t i,
                             const struct member_rules *r, struct sf_error *err)
{
    struct member *member = &q->members[i];
    const struct member_spec *spec = &q->spec.members[i];
    enum sf_status status = m->launcher->kind->start(m->launcher, &q->spec, spec, err);

    if (member->restarts > 0)
        m->n.restarts++;
    else
        m->n.starts++;
    queue_touch(q);
    if (status == SF_OK || status == SF_EEXIST) {
        sf_log(SF_LOG_INFO, "launched", SF_LOG_S("queue", q->spec.queue_id),
               SF_LOG_S("image", spec->image), SF_LOG_I("restarts", member->restarts));
        member_launched(member, r->now_ms);
        return SF_OK;
    }
    sf_log_error(SF_LOG_ERROR, "not_launched", err);
    member_not_launched(member, r, err->text);
    return status;
}

enum sf_status queue_launch(struct manager *m, struct queue *q, struct sf_error *err)
{
    struct member_rules r = rules_of(m, q);
    enum sf_status status = SF_OK;

    r.restarts = false; /* who asked is told, and asks again */
    for (size_t i = 0; i < q->spec.members_n && status == SF_OK; i++)
        status = launch(m, q, i, &r, err);
    queue_refresh(m, q);
    return status;
}

static void act(struct manager *m, struct queue *q, size_t i, enum member_action action,
                const struct member_rules *r)
{
    const struct member_spec *spec = &q->spec.members[i];
    struct sf_error err = { 0 };

    switch (action) {
    case MEMBER_WAIT:
        return;
    case MEMBER_START:
        (void)launch(m, q, i, r, &err);
        return;
    case MEMBER_SEND_STOP:
        follow_command(m, q, spec, "stop");
        return;
    case MEMBER_SEND_PAUSE:
        follow_command(m, q, spec, "pause");
        return;
    case MEMBER_SEND_RESUME:
        follow_command(m, q, spec, "resume");
        return;
    case MEMBER_TERMINATE:
    case MEMBER_KILL:
        sf_log(SF_LOG_WARN, action == MEMBER_KILL ? "killed" : "terminated",
               SF_LOG_S("queue", q->spec.queue_id), SF_LOG_S("image", spec->image));
        m->launcher->kind->stop(m->launcher, &q->spec, spec, action == MEMBER_KILL);
        return;
    }
}

/* One that failed for good takes the others with it: nobody else would end them. */
static void end_together(struct manager *m, struct queue *q)
{
    bool has_failed = false, is_over = true;

    for (size_t i = 0; i < q->spec.members_n; i++) {
        enum status s = member_status(&q->members[i], q->wish);

        has_failed = has_failed ||
                     (q->members[i].is_final && (s == STATUS_ERROR || s == STATUS_LOST));
        is_over = is_over && q->members[i].is_final;
    }
    if (!has_failed || is_over || q->wish == WISH_STOP)
        return;
    if (q->error[0] == '\0')
        (void)snprintf(q->error, sizeof(q->error), "%s", STOP_HINT);
    queue_wish(m, q, WISH_STOP);
}

void queue_step(struct manager *m, struct queue *q)
{
    struct member_rules r;

    if (!m->is_started || q->is_held || q->is_deleted)
        return;
    for (size_t i = 0; i < q->spec.members_n; i++) {
        struct member *member = &q->members[i];
        bool was_final = member->is_final;

        if (member->is_final && !member->is_running)
            continue;
        r = rules_of(m, q);
        member->is_running = m->launcher->kind->is_running(
            m->launcher, &q->spec, &q->spec.members[i], &member->exit_code);
        act(m, q, i, member_step(member, &r), &r);
        if (member->is_final != was_final)
            queue_touch(q);
    }
    queue_refresh(m, q);
    end_together(m, q);
}

void queues_tick(struct manager *m)
{
    for (size_t i = 0; i < m->queues_n; i++)
        queue_step(m, m->queues[i]);
    store_flush(m);
}

/* ------------------------------------------------------------------------------ as JSON
 */

static json_t *iso(int64_t time_ms)
{
    char text[SF_TIME_ISO_SIZE];

    return json_string(sf_time_iso(time_ms, text));
}

static json_t *member_json(const struct queue *q, size_t i)
{
    const struct member *m = &q->members[i];
    const struct member_spec *s = &q->spec.members[i];
    json_t *one = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:i, s:b}", "role",
                            m->is_loader ? "loader" : "connector", "target", s->image,
                            "image", s->image_ref, "telemetry_id", s->telemetry_id, "job",
                            s->job, "status", status_name(member_status(m, q->wish)),
                            "records_written", (json_int_t)m->records, "restarts",
                            m->restarts, "running", m->is_running);

    if (!m->is_loader)
        (void)json_object_set_new(one, "consumer_group", json_string(s->group));
    if (m->instance[0])
        (void)json_object_set_new(one, "instance", json_string(m->instance));
    if (m->message[0])
        (void)json_object_set_new(one, "message", json_string(m->message));
    if (m->error[0])
        (void)json_object_set_new(one, "error_message", json_string(m->error));
    if (m->exit_code >= 0)
        (void)json_object_set_new(one, "exit_code", json_integer(m->exit_code));
    if (m->extra)
        (void)json_object_set(one, "extra", m->extra);
    return one;
}

const char *wish_name(enum wish wish)
{
    static const char *const names[] = { "run", "pause", "stop" };

    return names[wish];
}

json_t *queue_json(const struct queue *q)
{
    json_t *members = json_array(), *body;

    for (size_t i = 0; i < q->spec.members_n; i++)
        (void)json_array_append_new(members, member_json(q, i));
    body = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:O, s:o, s:o, s:o}",
                     "queue_id", q->spec.queue_id, "status", status_name(q->status),
                     "wish", wish_name(q->wish), "symbol", q->spec.subject, "type",
                     q->spec.type, "kafka_topic", q->spec.topic, "collection_name",
                     q->spec.collection, "request", q->spec.request, "members", members,
                     "created_at", iso(q->created_ms), "updated_at", iso(q->updated_ms));
    if (q->spec.pipeline_id[0])
        (void)json_object_set_new(body, "pipeline_id", json_string(q->spec.pipeline_id));
    if (q->error[0])
        (void)json_object_set_new(body, "error_message", json_string(q->error));
    return body;
}
