/* One request object to one queue with its members; a pipeline is several of them. */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>

#define POINTER_SIZE 256
/* Any id will do while the id itself still depends on what is checked. */
#define PLACEHOLDER_ID "loader-x-x-2024_01_01-000000"

/* What is being planned. */
struct draft {
    const struct plan_env *env;
    const json_t *top;    /* the pipeline around it, or NULL */
    const json_t *object; /* as given */
    const char *pointer;  /* to object */
    json_t *errors;
    json_t *request; /* canonical, grows */
    const char *queue_id;
};

/* ----------------------------------------------------------------------- settings */

static const struct field *field_of_setting(const char *name)
{
    for (size_t i = 0; i < FIELDS_N; i++)
        if (fields[i].setting && strcmp(fields[i].setting, name) == 0)
            return &fields[i];
    return NULL;
}

/* Settings that no member may inherit from the manager. */
static bool is_own(const char *name)
{
    return strcmp(name, "TELEMETRY_PRODUCER_ID") == 0 ||
           strcmp(name, "ADMIN_LISTEN") == 0;
}

static const char *look_up(void *arg, const char *name)
{
    const struct draft *d = arg;
    const struct field *f = field_of_setting(name);
    const char *value;

    if (strcmp(name, "QUEUE_ID") == 0)
        return d->queue_id;
    if (is_own(name))
        return NULL;
    if (!f)
        return d->env->get(d->env->get_arg, name);
    value = json_string_value(json_object_get(d->request, f->name));
    if (!value && strcmp(name, "EXCHANGE") == 0)
        return d->env->get(d->env->get_arg, name);
    return value;
}

/* "NAME='value': text" or "NAME is not set: text" of libsf to the field behind NAME. */
static void on_problem(void *arg, const char *text)
{
    const struct draft *d = arg;
    size_t len = strcspn(text, "=: ");
    char name[64], pointer[POINTER_SIZE];
    const struct field *f;
    const char *colon;
    struct problem p = { .pointer = "", .detail = text };

    (void)snprintf(name, sizeof(name), "%.*s", (int)(len < 63 ? len : 63), text);
    f = field_of_setting(name);
    if (f) {
        bool is_top = !json_object_get(d->object, f->name) && d->top &&
                      json_object_get(d->top, f->name);

        problem_pointer(is_top ? "" : d->pointer, f->name, pointer, sizeof(pointer));
        p.pointer = pointer;
        p.value = json_object_get(is_top ? d->top : d->object, f->name);
        colon = strstr(text, text[len] == '=' ? "': " : ": ");
        if (colon)
            p.detail = colon + (text[len] == '=' ? 3 : 2);
    }
    (void)problem_add(d->errors, &p);
}

unsigned plan_scopes(const struct queue_spec *q, const struct member_spec *m)
{
    const struct sf_type *type = q->type_ref.type;
    bool is_live = sf_str_starts(sf_str_from(type->name), SF_STR("ws_"));
    bool is_book = type->kind == SF_KIND_ORDERBOOK;
    unsigned scopes = SF_SCOPE_QUEUE;

    if (!m->is_loader)
        return scopes | SF_SCOPE_CONNECTOR;
    scopes |= SF_SCOPE_LOADER | SF_SCOPE_REST;
    if (type->has_range)
        scopes |= SF_SCOPE_HISTORY;
    if (is_live)
        scopes |= SF_SCOPE_LIVE;
    if (is_live && type->kind == SF_KIND_CANDLES)
        scopes |= SF_SCOPE_CANDLES;
    if (is_book)
        scopes |= is_live ? SF_SCOPE_BOOKS : SF_SCOPE_SNAPSHOTS;
    return scopes;
}

/* ------------------------------------------------------------------ canonical request */

/* An array of symbols to a text with commas. */
static json_t *join(const json_t *symbols)
{
    struct sf_buf b;
    json_t *text;

    if (json_is_string(symbols))
        return json_string(json_string_value(symbols));
    sf_buf_init(&b, FIELD_CHARS_MAX);
    for (size_t i = 0; i < json_array_size(symbols); i++)
        sf_buf_addf(&b, "%s%s", i > 0 ? "," : "",
                    json_string_value(json_array_get(symbols, i)));
    text = json_string(sf_buf_cstr(&b));
    sf_buf_release(&b);
    return text;
}

/* Every field in force, its pipeline's where it has none of its own. */
static json_t *canonical(const struct draft *d)
{
    json_t *request = json_object();

    for (size_t i = 0; i < FIELDS_N; i++) {
        const struct field *f = &fields[i];
        const json_t *value = json_object_get(d->object, f->name);

        if (!value && d->top && f->places & FIELD_IN_PIPELINE)
            value = json_object_get(d->top, f->name);
        if (!value || f->kind == FIELD_IMAGE || strcmp(f->name, "command") == 0)
            continue;
        (void)json_object_set_new(request, f->name,
                                  f->kind == FIELD_SYMBOLS ? join(value)
                                                           : json_deep_copy(value));
    }
    return request;
}

/* ---------------------------------------------------------------------------- names */

static enum sf_status name_member(const struct draft *d, struct queue_spec *q,
                                  const struct sf_subject *s, struct member_spec *m,
                                  struct sf_error *err)
{
    struct sf_str image = sf_str_from(m->image);
    struct sf_conf conf;
    enum sf_status status = sf_conf_load(&conf, m->image, plan_scopes(q, m), look_up,
                                         (void *)d, on_problem, (void *)d);

    if (status == SF_OK) {
        (void)memcpy(q->topic, conf.topic, sizeof(q->topic));
        (void)memcpy(q->collection, conf.collection, sizeof(q->collection));
        (void)memcpy(m->telemetry_id, conf.telemetry_id, sizeof(m->telemetry_id));
        if (!m->is_loader)
            (void)memcpy(m->group, conf.consumer_group, sizeof(m->group));
        status = sf_name_job(image, s, m->job, err);
    }
    if (status == SF_OK)
        status = sf_name_image(sf_str_from(d->env->registry), image,
                               sf_str_from(d->env->tag), m->image_ref, err);
    sf_conf_release(&conf);
    return status;
}

/* @conf: of the draft with a placeholder for the id. */
static enum sf_status name_queue(struct draft *d, struct queue_spec *q,
                                 const struct sf_conf *conf, struct sf_error *err)
{
    char short_id[SF_SHORT_ID_LEN + 1] = "";
    const char *given = json_string_value(json_object_get(d->request, "queue_id"));
    struct sf_subject s = { sf_str_from(conf->exchange), sf_str_from(conf->subject),
                            q->type_ref, conf->range_from_ms, SF_STR_EMPTY };
    enum sf_status status = SF_OK;

    if (conf->range_to_ms == 0 &&
        (!given || sf_name_date_of(sf_str_from(given), &s.date_ms) != SF_OK))
        s.date_ms = sf_time_now_ms();
    if (given && !sf_str_copy(sf_str_from(given), q->queue_id, sizeof(q->queue_id)))
        status = sf_error_set(err, SF_EINVAL, "queue_id is too long");
    else
        status = given ? sf_name_short_id_of(sf_str_from(given), short_id, err)
                       : sf_name_short_id(short_id, err);
    s.short_id = sf_str_from(short_id);
    if (status == SF_OK && !given)
        status = sf_name_queue_id(&s, q->queue_id, err);
    d->queue_id = q->queue_id;
    (void)memcpy(q->subject, conf->subject, sizeof(q->subject));
    for (size_t i = 0; status == SF_OK && i < q->members_n; i++)
        status = name_member(d, q, &s, &q->members[i], err);
    if (status == SF_OK)
        (void)json_object_set_new(d->request, "queue_id", json_string(q->queue_id));
    return status;
}

/* --------------------------------------------------------------------------- members */

static void pick_members(const struct draft *d, struct queue_spec *q, const char *image)
{
    const struct sf_type *type = q->type_ref.type;
    bool is_connector_only =
        !type->loader || (image && strcmp(image, type->connector) == 0);
    bool has_connector = !json_is_false(json_object_get(d->request, "connector"));

    if (!is_connector_only)
        q->members[q->members_n++] =
            (struct member_spec){ .image = type->loader, .is_loader = true };
    if (has_connector || is_connector_only)
        q->members[q->members_n++] = (struct member_spec){ .image = type->connector };
    if (is_connector_only) {
        (void)json_object_set_new(d->request, "image", json_string(type->connector));
        if (!json_object_get(d->request, "kafka_topic")) {
            char pointer[POINTER_SIZE];
            const struct problem p = { .pointer = pointer,
                                       .detail = "required: a connector alone reads the "
                                                 "topic of another queue" };

            problem_pointer(d->pointer, "kafka_topic", pointer, sizeof(pointer));
            (void)problem_add(d->errors, &p);
        }
    }
}

static void take_policy(const struct draft *d, struct queue_spec *q)
{
    const char *policy = json_string_value(json_object_get(d->request, "restart"));
    const json_t *max = json_object_get(d->request, "restart_max");

    q->restarts = !policy || strcmp(policy, "never") != 0;
    q->restart_max = max ? (int)json_integer_value(max) : RESTART_MAX_DEFAULT;
}

static void require_symbol(const struct draft *d)
{
    char pointer[POINTER_SIZE];
    const struct problem p = { .pointer = pointer, .detail = "required" };

    problem_pointer(d->pointer, "symbol", pointer, sizeof(pointer));
    if (d->top && !json_object_get(d->request, "symbol"))
        (void)problem_add(d->errors, &p);
}

static enum sf_status draft_queue(struct draft *d, struct queue_spec *q,
                                  struct sf_error *err)
{
    const char *image = NULL;
    struct sf_conf conf;
    enum sf_status status;

    plan_check_fields(d->object, d->top ? FIELD_IN_REQUEST : FIELD_IN_COMMAND, d->pointer,
                      d->errors);
    d->request = canonical(d);
    q->request = d->request;
    require_symbol(d);
    if (!plan_check_type(d->object, d->pointer, d->errors, q->type, sizeof(q->type),
                         &q->type_ref) ||
        !plan_check_image(d->env, d->object, &q->type_ref, d->pointer, d->errors, &image))
        return SF_EINVAL;
    (void)json_object_set_new(d->request, "type", json_string(q->type));
    if (d->top && !sf_type_takes_range(q->type_ref.type) &&
        !json_object_get(d->object, "time_range"))
        (void)json_object_del(d->request, "time_range"); /* is of the others */
    pick_members(d, q, image);
    take_policy(d, q);
    if (json_array_size(d->errors) > 0)
        return SF_EINVAL;
    d->queue_id = json_string_value(json_object_get(d->request, "queue_id"));
    if (!d->queue_id)
        d->queue_id = PLACEHOLDER_ID;
    status = sf_conf_load(&conf, q->members[0].image, plan_scopes(q, &q->members[0]),
                          look_up, d, on_problem, d);
    if (status == SF_OK)
        status = name_queue(d, q, &conf, err);
    sf_conf_release(&conf);
    return status;
}

/* -------------------------------------------------------------------------- pipelines */

static enum sf_status add_queue(const struct plan_env *env, const json_t *top,
                                const json_t *object, const char *pointer, json_t *errors,
                                struct plan *plan, struct sf_error *err)
{
    struct draft d = { env, top, object, pointer, errors, NULL, NULL };
    size_t before = json_array_size(errors);
    enum sf_status status;
    json_t *own = json_array();

    d.errors = own;
    status = draft_queue(&d, &plan->queues[plan->n++], err);
    (void)json_array_extend(errors, own);
    if (status != SF_OK && json_array_size(own) == 0 && status == SF_EINVAL) {
        const struct problem p = { .pointer = pointer,
                                   .detail =
                                       err && err->text[0] ? err->text : "refused" };

        (void)problem_add(errors, &p);
    }
    json_decref(own);
    return json_array_size(errors) > before ? SF_EINVAL : status;
}

static void refuse_whole(json_t *errors, const char *pointer, const char *detail,
                         const json_t *value)
{
    const struct problem p = { .pointer = pointer, .detail = detail, .value = value };

    (void)problem_add(errors, &p);
}

static enum sf_status add_requests(const struct plan_env *env, const json_t *body,
                                   json_t *errors, struct plan *plan,
                                   struct sf_error *err)
{
    const json_t *requests = json_object_get(body, "requests");
    size_t n = json_array_size(requests);
    enum sf_status status = SF_OK, one;
    char pointer[64];

    plan_check_fields(body, FIELD_IN_PIPELINE, "", errors);
    if (n == 0 || n > REQUESTS_MAX) {
        refuse_whole(errors, "/requests", "expected an array of 1 to 64 requests",
                     requests);
        return SF_EINVAL;
    }
    plan->queues = calloc(n, sizeof(*plan->queues));
    if (!plan->queues)
        return sf_error_set(err, SF_ENOMEM, "no memory for a plan");
    for (size_t i = 0; i < n; i++) {
        const json_t *request = json_array_get(requests, i);

        (void)snprintf(pointer, sizeof(pointer), "/requests/%zu", i);
        if (!json_is_object(request)) {
            refuse_whole(errors, pointer, "expected an object", request);
            continue;
        }
        one = add_queue(env, body, request, pointer, errors, plan, err);
        status = status == SF_OK ? one : status;
    }
    return json_array_size(errors) > 0 ? SF_EINVAL : status;
}

static enum sf_status name_pipeline(struct plan *plan, struct sf_error *err)
{
    char id[SF_SHORT_ID_LEN + 1];
    enum sf_status status = sf_name_short_id(id, err);

    for (size_t i = 0; status == SF_OK && i < plan->n; i++)
        (void)snprintf(plan->queues[i].pipeline_id, sizeof(plan->queues[i].pipeline_id),
                       "pipeline-%s", id);
    return status;
}

enum sf_status plan_make(const struct plan_env *env, const json_t *body, json_t *errors,
                         struct plan *ret_plan, struct sf_error *err)
{
    struct plan plan = { 0 };
    enum sf_status status;

    if (!json_is_object(body)) {
        refuse_whole(errors, "", "expected an object: a command or a pipeline", body);
        return SF_EINVAL;
    }
    if (json_object_get(body, "requests")) {
        status = add_requests(env, body, errors, &plan, err);
        if (status == SF_OK)
            status = name_pipeline(&plan, err);
    } else {
        plan.queues = calloc(1, sizeof(*plan.queues));
        status = plan.queues ? add_queue(env, NULL, body, "", errors, &plan, err)
                             : sf_error_set(err, SF_ENOMEM, "no memory for a plan");
    }
    if (status == SF_OK)
        *ret_plan = plan;
    else
        plan_release(&plan);
    return status;
}

void queue_spec_release(struct queue_spec *q)
{
    json_decref(q->request);
    *q = (struct queue_spec){ 0 };
}

void plan_release(struct plan *plan)
{
    for (size_t i = 0; i < plan->n; i++)
        queue_spec_release(&plan->queues[i]);
    free(plan->queues);
    *plan = (struct plan){ 0 };
}

/* ------------------------------------------------------------------- what comes out */

void plan_settings(const struct queue_spec *q, const struct member_spec *m,
                   plan_setting_fn fn, void *arg)
{
    for (size_t i = 0; i < FIELDS_N; i++) {
        const char *value =
            json_string_value(json_object_get(q->request, fields[i].name));

        if (fields[i].setting && value)
            fn(arg, fields[i].setting, value);
    }
    fn(arg, "TELEMETRY_PRODUCER_ID", m->telemetry_id);
    if (!json_object_get(q->request, "kafka_topic"))
        fn(arg, "KAFKA_TOPIC", q->topic);
    if (!json_object_get(q->request, "collection_name"))
        fn(arg, "COLLECTION_NAME", q->collection);
}

bool plan_is_setting(const char *name)
{
    if (strcmp(name, "EXCHANGE") == 0) /* the manager's is the default */
        return false;
    return field_of_setting(name) != NULL || is_own(name);
}

json_t *plan_json(const struct queue_spec *q)
{
    json_t *members = json_array();

    for (size_t i = 0; i < q->members_n; i++) {
        const struct member_spec *m = &q->members[i];
        json_t *one =
            json_pack("{s:s, s:s, s:s, s:s, s:s}", "role",
                      m->is_loader ? "loader" : "connector", "target", m->image, "image",
                      m->image_ref, "telemetry_id", m->telemetry_id, "job", m->job);

        if (!m->is_loader)
            (void)json_object_set_new(one, "consumer_group", json_string(m->group));
        (void)json_array_append_new(members, one);
    }
    return json_pack("{s:s, s:s*, s:s, s:s, s:s, s:s, s:O, s:o}", "queue_id", q->queue_id,
                     "pipeline_id", q->pipeline_id[0] ? q->pipeline_id : NULL, "symbol",
                     q->subject, "type", q->type, "kafka_topic", q->topic,
                     "collection_name", q->collection, "request", q->request, "members",
                     members);
}
