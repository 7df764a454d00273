/* Routes of queues: list, show, command, delete. */
#include "api.h"

#include <stdio.h>
#include <stdlib.h>

#define PAGE_MAX     1000
#define PAGE_INITIAL 100
#define LOG_MAX      ((int64_t)1 << 20)
#define LOG_INITIAL  65536

/* ------------------------------------------------------------------------------- list */

struct filter {
    const char *name;
    char value[SF_NAME_MAX + 1]; /* "": any */
};

static bool passes(const struct queue *q, const struct filter *filters, size_t n)
{
    const char *const values[] = { status_name(q->status), q->spec.subject, q->spec.type,
                                   q->spec.pipeline_id };

    for (size_t i = 0; i < n; i++)
        if (filters[i].value[0] && strcmp(filters[i].value, values[i]) != 0)
            return false;
    return true;
}

void api_list(struct manager *m, struct sf_httpd_req *req, struct queue *q)
{
    struct filter filters[] = {
        { "status", "" }, { "symbol", "" }, { "type", "" }, { "pipeline_id", "" }
    };
    size_t n = sizeof(filters) / sizeof(filters[0]);
    int64_t limit, cursor, last = 0;
    json_t *queues, *body;
    bool has_more = false;

    (void)q;
    for (size_t i = 0; i < n; i++)
        (void)api_param(req, filters[i].name, filters[i].value, sizeof(filters[i].value));
    if (filters[0].value[0] && status_find(sf_str_from(filters[0].value)) == STATUS_N) {
        api_refuse(req, 400, "status: not one that queues have", NULL);
        return;
    }
    if (!api_param_int(req, "limit", 1, PAGE_MAX, PAGE_INITIAL, &limit) ||
        !api_param_int(req, "cursor", 0, INT64_MAX, 0, &cursor))
        return;
    queues = json_array();
    for (size_t i = 0; i < m->queues_n && !has_more; i++) {
        if ((int64_t)m->queues[i]->serial <= cursor || !passes(m->queues[i], filters, n))
            continue;
        has_more = (int64_t)json_array_size(queues) == limit;
        if (!has_more)
            (void)json_array_append_new(queues, queue_json(m->queues[i]));
        if (!has_more)
            last = (int64_t)m->queues[i]->serial;
    }
    body = json_pack("{s:o}", "queues", queues);
    if (has_more)
        (void)json_object_set_new(body, "cursor", json_integer(last));
    api_reply_tagged(req, body);
}

/* --------------------------------------------------------------------------- one queue
 */

void api_show(struct manager *m, struct sf_httpd_req *req, struct queue *q)
{
    char etag[64];
    const char *const headers[] = { "ETag", etag, NULL };
    const struct sf_httpd_answer same = { .status = 304, .headers = headers };
    int64_t records = 0;

    (void)m;
    for (size_t i = 0; i < q->spec.members_n; i++)
        records += q->members[i].records;
    (void)snprintf(etag, sizeof(etag), "\"%llu-%llu-%lld\"",
                   (unsigned long long)q->serial, (unsigned long long)q->version,
                   (long long)records);
    if (sf_str_eq(sf_httpd_header(req, "If-None-Match"), sf_str_from(etag)))
        sf_httpd_reply(req, &same);
    else
        api_reply(req, 200, queue_json(q), headers);
}

void api_events(struct manager *m, struct sf_httpd_req *req, struct queue *q)
{
    json_t *events = json_array();

    for (size_t i = 0; i < q->events_n; i++) {
        const struct heard *h = queue_heard(m, q, i);

        (void)json_array_append_new(
            events,
            json_pack("{s:I, s:O}", "id", (json_int_t)h->offset, "event", h->event));
    }
    api_reply(req, 200, json_pack("{s:o}", "events", events), NULL);
}

static const struct member_spec *member_named(const struct queue *q, const char *name)
{
    for (size_t i = 0; i < q->spec.members_n; i++) {
        const struct member_spec *m = &q->spec.members[i];

        if (strcmp(name, m->image) == 0 ||
            strcmp(name, m->is_loader ? "loader" : "connector") == 0)
            return m;
    }
    return NULL;
}

void api_logs(struct manager *m, struct sf_httpd_req *req, struct queue *q)
{
    struct sf_httpd_answer answer = { .status = 200,
                                      .content_type = "text/plain; charset=utf-8" };
    char name[SF_NAME_MAX + 1] = "loader";
    const struct member_spec *member;
    struct sf_error err = { 0 };
    struct sf_buf b;
    int64_t bytes;

    (void)api_param(req, "member", name, sizeof(name));
    if (!api_param_int(req, "bytes", 1, LOG_MAX, LOG_INITIAL, &bytes))
        return;
    member = member_named(q, name);
    if (!member) {
        api_refuse(req, 404, "the queue has no such member", NULL);
        return;
    }
    sf_buf_init(&b, (size_t)LOG_MAX);
    if (m->launcher->kind->logs(m->launcher, &q->spec, member, (size_t)bytes, &b, &err) ==
        SF_OK) {
        answer.body = sf_buf_str(&b);
        sf_httpd_reply(req, &answer);
    } else {
        api_refuse(req, err.status == SF_ENOTFOUND ? 404 : 500, err.text, NULL);
    }
    sf_buf_release(&b);
}

/* ---------------------------------------------------------------------------- commands
 */

static void wish_for(struct manager *m, struct sf_httpd_req *req, struct queue *q,
                     enum wish wish)
{
    struct batch *b;

    if (wish != WISH_STOP && (q->wish == WISH_STOP || queue_is_over(q))) {
        api_refuse(req, 409, "the queue is over or is being stopped", NULL);
        return;
    }
    b = batch_create(req, 202);
    if (!b)
        return;
    sf_log(SF_LOG_INFO, "audit", SF_LOG_S("wish", wish_name(wish)),
           SF_LOG_S("queue", q->spec.queue_id), SF_LOG_V("peer", sf_httpd_peer(req)));
    if (!queue_is_over(q))
        queue_wish(m, q, wish);
    batch_add(b, q);
    store_flush(m);
    batch_release(m, b);
}

void api_stop(struct manager *m, struct sf_httpd_req *req, struct queue *q)
{
    wish_for(m, req, q, WISH_STOP);
}

void api_pause(struct manager *m, struct sf_httpd_req *req, struct queue *q)
{
    wish_for(m, req, q, WISH_PAUSE);
}

void api_resume(struct manager *m, struct sf_httpd_req *req, struct queue *q)
{
    wish_for(m, req, q, WISH_RUN);
}

void api_stop_all(struct manager *m, struct sf_httpd_req *req, struct queue *q)
{
    struct batch *b = batch_create(req, 202);

    (void)q;
    if (!b)
        return;
    sf_log(SF_LOG_INFO, "audit", SF_LOG_S("wish", "stop"), SF_LOG_S("queue", "*"),
           SF_LOG_V("peer", sf_httpd_peer(req)));
    for (size_t i = 0; i < m->queues_n; i++) {
        if (queue_is_over(m->queues[i]) || m->queues[i]->is_deleted)
            continue;
        queue_wish(m, m->queues[i], WISH_STOP);
        batch_add(b, m->queues[i]);
    }
    store_flush(m);
    batch_release(m, b);
}

void api_ping(struct manager *m, struct sf_httpd_req *req, struct queue *q)
{
    follow_command(m, q, NULL, "ping");
    api_reply(req, 202, queue_json(q), NULL);
}

/* ---------------------------------------------------------------------------- deletion
 */

static bool is_shared(const struct manager *m, const struct queue *q)
{
    for (size_t i = 0; i < m->queues_n; i++)
        if (m->queues[i] != q &&
            strcmp(m->queues[i]->spec.collection, q->spec.collection) == 0)
            return true;
    return false;
}

void api_delete(struct manager *m, struct sf_httpd_req *req, struct queue *q)
{
    char given[SF_NAME_MAX + 1] = "";
    bool has_collection = api_param(req, "collection", given, sizeof(given));

    if (q->is_deleted)
        api_refuse(req, 409, "it is being deleted", NULL);
    else if (!queue_is_over(q))
        api_refuse(req, 409,
                   "the queue is not over, or its processes are just ending: stop it, or "
                   "ask again",
                   NULL);
    else if (has_collection && strcmp(given, q->spec.collection) != 0)
        api_refuse(req, 409,
                   "collection: expected the queue's collection_name, to be sure that "
                   "the data is meant",
                   NULL);
    else if (has_collection && is_shared(m, q))
        api_refuse(req, 409, "another queue names this collection", NULL);
    else {
        sf_log(SF_LOG_INFO, "audit", SF_LOG_S("wish", "delete"),
               SF_LOG_S("queue", q->spec.queue_id), SF_LOG_V("peer", sf_httpd_peer(req)),
               SF_LOG_S("collection", given));
        store_delete(m, q, has_collection ? q->spec.collection : NULL, req);
    }
}
