/* POST /queues/start: planned, stored, launched, answered, in this order.
 *
 * Stored first: a manager that is killed in between finds the queue in the database and
 * launches it then; a client that saw no answer asks again with its Idempotency-Key. */
#include "api.h"

#include <stdio.h>
#include <stdlib.h>

struct batch *batch_create(struct sf_httpd_req *req, int status)
{
    struct batch *b = calloc(1, sizeof(*b));

    if (b)
        *b = (struct batch){
            .req = req, .left = 1, .status = status, .ids = json_array()
        };
    if (b && b->ids)
        return b;
    free(b);
    api_refuse(req, 503, "out of memory", NULL);
    return NULL;
}

void batch_add(struct batch *b, struct queue *q)
{
    (void)json_array_append_new(b->ids, json_string(q->spec.queue_id));
    b->is_bad = b->is_bad || !store_then(q, b);
}

/* The queue number @i of @b, or NULL: it is gone. */
static struct queue *queue_of(struct manager *m, const struct batch *b, size_t i)
{
    return queue_find(m, sf_str_from(json_string_value(json_array_get(b->ids, i))));
}

static void roll_back(struct manager *m, const struct batch *b, const char *why)
{
    for (size_t i = 0; i < json_array_size(b->ids); i++) {
        struct queue *q = queue_of(m, b, i);

        if (!q)
            continue;
        member_text(q->error, why);
        queue_wish(m, q, WISH_STOP);
    }
}

static enum sf_status launch_all(struct manager *m, const struct batch *b,
                                 struct sf_error *err)
{
    enum sf_status status = SF_OK;

    for (size_t i = 0; i < json_array_size(b->ids); i++) {
        struct queue *q = queue_of(m, b, i);

        if (!q || !q->is_held)
            continue;
        q->is_held = false;
        if (status == SF_OK)
            status = queue_launch(m, q, err);
    }
    if (status != SF_OK)
        roll_back(m, b, err->text);
    return status;
}

/* One queue alone, or all of a pipeline. */
static json_t *answer_of(struct manager *m, const struct batch *b)
{
    json_t *queues = json_array(), *answer;
    const struct queue *first = queue_of(m, b, 0);

    if (first && json_array_size(b->ids) == 1 && !first->spec.pipeline_id[0]) {
        json_decref(queues);
        return queue_json(first);
    }
    for (size_t i = 0; i < json_array_size(b->ids); i++) {
        const struct queue *q = queue_of(m, b, i);

        if (q)
            (void)json_array_append_new(queues, queue_json(q));
    }
    answer = json_pack("{s:o}", "queues", queues);
    if (first && first->spec.pipeline_id[0])
        (void)json_object_set_new(answer, "pipeline_id",
                                  json_string(first->spec.pipeline_id));
    return answer;
}

static void forget_all(struct manager *m, const struct batch *b)
{
    for (size_t i = 0; i < json_array_size(b->ids); i++) {
        struct queue *q = queue_of(m, b, i);

        if (q && q->is_held)
            queue_remove(m, q);
    }
}

void batch_release(struct manager *m, struct batch *b)
{
    struct sf_error err = { 0 };

    if (--b->left > 0)
        return;
    if (b->is_bad) {
        if (b->is_start)
            forget_all(m, b);
        api_refuse(b->req, 502, "the database did not store it", NULL);
    } else if (b->is_start && launch_all(m, b, &err) != SF_OK) {
        api_refuse(b->req, 502, err.text, NULL);
    } else {
        api_reply(b->req, b->status, answer_of(m, b), NULL);
    }
    json_decref(b->ids);
    free(b);
}

/* ------------------------------------------------------------------------------- start
 */

/* Was this request made before? Then it is answered. */
static bool replay(struct manager *m, struct sf_httpd_req *req, const char *key,
                   uint64_t hash)
{
    struct batch *b = NULL;

    for (size_t i = 0; i < m->queues_n; i++) {
        struct queue *q = m->queues[i];

        if (strcmp(q->idempotency_key, key) != 0)
            continue;
        if (q->body_hash != hash) {
            api_refuse(req, 409, "this Idempotency-Key came with another request", NULL);
            return true;
        }
        if (!b && !(b = batch_create(req, 200)))
            return true;
        batch_add(b, q);
    }
    if (!b)
        return false;
    store_flush(m);
    batch_release(m, b);
    return true;
}

static bool refuse_existing(struct manager *m, struct sf_httpd_req *req,
                            const struct plan *plan)
{
    if (m->queues_n + plan->n > (size_t)m->conf.queues_max) {
        api_refuse(req, 429, "QUEUES_MAX queues are kept already: delete some", NULL);
        return true;
    }
    for (size_t i = 0; i < plan->n; i++)
        if (queue_find(m, sf_str_from(plan->queues[i].queue_id))) {
            api_refuse(req, 409, "a queue with this queue_id exists", NULL);
            return true;
        }
    return false;
}

static void start_plan(struct manager *m, struct sf_httpd_req *req, struct plan *plan,
                       const char *key, uint64_t hash)
{
    struct batch *b = batch_create(req, 201);

    if (!b)
        return;
    b->is_start = true;
    for (size_t i = 0; i < plan->n; i++) {
        struct queue *q = queue_add(m, &plan->queues[i]);

        if (!q) {
            b->is_bad = true;
            break;
        }
        q->is_held = true;
        q->body_hash = hash;
        q->request_n = plan->n;
        (void)snprintf(q->idempotency_key, sizeof(q->idempotency_key), "%s", key);
        queue_touch(q);
        batch_add(b, q);
    }
    store_flush(m);
    batch_release(m, b);
}

static void answer_dry(struct sf_httpd_req *req, const struct plan *plan)
{
    json_t *queues = json_array();

    for (size_t i = 0; i < plan->n; i++)
        (void)json_array_append_new(queues, plan_json(&plan->queues[i]));
    api_reply(req, 200, json_pack("{s:b, s:o}", "dry_run", 1, "queues", queues), NULL);
}

static bool is_dry(struct sf_httpd_req *req)
{
    char value[8];

    return api_param(req, "dry_run", value, sizeof(value)) && strcmp(value, "false") != 0;
}

void api_start(struct manager *m, struct sf_httpd_req *req, struct queue *q)
{
    uint64_t hash = sf_str_hash(sf_httpd_body(req));
    json_t *body, *errors;
    char key[SF_NAME_MAX + 1];
    struct plan plan = { 0 };
    struct sf_error err = { 0 };
    enum sf_status status;

    (void)q;
    if (!sf_str_copy(sf_httpd_header(req, "Idempotency-Key"), key, sizeof(key))) {
        api_refuse(req, 400, "Idempotency-Key: expected at most 256 characters", NULL);
        return;
    }
    if (key[0] && replay(m, req, key, hash))
        return;
    body = api_body(req);
    if (!body)
        return;
    errors = json_array();
    status = plan_make(&m->plan_env, body, errors, &plan, &err);
    if (status == SF_EINVAL) {
        api_refuse(req, 422, "the request cannot be carried out as it is",
                   json_incref(errors));
    } else if (status != SF_OK) {
        api_refuse(req, 500, err.text, NULL);
    } else if (is_dry(req)) {
        answer_dry(req, &plan);
    } else if (!refuse_existing(m, req, &plan)) {
        start_plan(m, req, &plan, key, hash);
    }
    plan_release(&plan);
    json_decref(errors);
    json_decref(body);
}
