/* queue-events in, queue-control out. */
#include "live.h"

#include <stdio.h>
#include <stdlib.h>

#define KAFKA_MS     30000
#define COMMAND_SIZE 2048

/* The queue's state from one event. */
static void hear(struct manager *m, struct queue *q, const struct telemetry *t,
                 json_t *event)
{
    for (size_t i = 0; i < q->spec.members_n; i++) {
        bool is_change;

        if (strcmp(q->spec.members[i].telemetry_id, t->telemetry_id) != 0 ||
            t->offset <= q->members[i].offset)
            continue;
        is_change = member_hear(&q->members[i], t);
        if (is_change || t->status == SF_EVENT_GAP || t->status == SF_EVENT_PONG)
            queue_keep_event(m, q, event, t->offset);
        store_event(m, t, event);
        live_event(m, q, event, t->offset);
        if (!is_change)
            continue;
        queue_touch(q);
        queue_refresh(m, q);
        queue_step(m, q);
    }
}

static void on_message(void *arg, const struct sf_message *msg)
{
    struct manager *m = arg;
    json_t *event = json_loadb(msg->value.p, msg->value.len, 0, NULL);
    struct telemetry t;
    struct sf_error err = { 0 };

    m->position = msg->offset + 1;
    m->n.events++;
    if (telemetry_parse(event, &t, &err) != SF_OK) {
        sf_log(SF_LOG_DEBUG, "event_not_understood", SF_LOG_I("offset", msg->offset),
               SF_LOG_S("text", err.text));
    } else {
        struct queue *q = queue_find(m, sf_str_from(t.queue_id));

        t.offset = msg->offset;
        t.seen_ms = manager_now_ms();
        if (q)
            hear(m, q, &t, event);
    }
    json_decref(event);
}

static void on_fatal(void *arg, const struct sf_error *err)
{
    manager_fail(arg, err);
}

static enum sf_status open_topics(struct manager *m, struct sf_error *err)
{
    const char *const names[] = { m->conf.events_topic, m->conf.control_topic };
    enum sf_status status = SF_OK;
    int32_t partitions;

    for (size_t i = 0; i < 2 && status == SF_OK; i++) {
        const struct sf_topic_spec spec = { names[i], 1,
                                            (int32_t)m->conf.topic_replication, 0 };

        status = sf_kafka_ensure_topic(m->producer, &spec, m->conf.topic_create != 0,
                                       KAFKA_MS, &partitions, err);
        if (status == SF_OK && partitions != 1)
            status = sf_error_set(err, SF_EUNSUPPORTED,
                                  "topic %s has %d partitions, expected 1", names[i],
                                  (int)partitions);
    }
    if (status == SF_OK)
        status =
            sf_producer_topic(m->producer, m->conf.control_topic, &m->control_topic, err);
    return status;
}

enum sf_status follow_open(struct manager *m, struct sf_error *err)
{
    const struct sf_producer_hooks hooks = { .on_fatal = on_fatal, .arg = m };
    struct sf_walk walk = { .topic = m->conf.events_topic,
                            .from = m->position >= 0 ? m->position : SF_OFFSET_END,
                            .fn = on_message,
                            .arg = m };
    struct sf_reader_opts opts = {
        .topic = m->conf.events_topic, .timeout_ms = KAFKA_MS, .fn = on_message, .arg = m
    };
    enum sf_status status =
        sf_producer_create(m->loop, &m->conf, &hooks, &m->producer, err);

    if (status == SF_OK)
        status = open_topics(m, err);
    if (status == SF_OK)
        status = sf_kafka_walk(&m->conf, &walk, err);
    if (status != SF_OK)
        return status;
    m->position = walk.end;
    opts.offset = walk.end;
    return sf_reader_open(m->loop, &m->conf, &opts, &m->reader, err);
}

void follow_close(struct manager *m)
{
    struct sf_error err = { 0 };

    sf_reader_close(m->reader);
    if (m->producer && sf_producer_flush(m->producer, 5000, &err) != SF_OK)
        sf_log_error(SF_LOG_WARN, "commands_not_delivered", &err);
    sf_producer_destroy(m->producer);
}

static void on_sent(void *arg, enum sf_status status)
{
    (void)arg;
    if (status != SF_OK)
        sf_log(SF_LOG_ERROR, "command_lost", SF_LOG_S("status", sf_status_name(status)));
}

void follow_command(struct manager *m, const struct queue *q,
                    const struct member_spec *member, const char *command)
{
    char id[SF_NAME_MAX + 1];
    int64_t now_ms = sf_time_now_ms();
    struct sf_outgoing out = { .partition = 0,
                               .key = sf_str_from(q->spec.queue_id),
                               .has_value = true,
                               .on_done = on_sent };
    struct sf_error err = { 0 };
    struct sf_buf b;

    sf_buf_init(&b, COMMAND_SIZE);
    if (sf_name_command_id(id, &err) == SF_OK) {
        sf_buf_addf(&b, "{\"command\":\"%s\",\"queue_id\":\"%s\"", command,
                    q->spec.queue_id);
        if (member)
            sf_buf_addf(&b, ",\"target\":\"%s\"", member->image);
        sf_buf_addf(&b, ",\"command_id\":\"%s\",\"timestamp\":%lld.%03d}", id,
                    (long long)(now_ms / 1000), (int)(now_ms % 1000));
        out.value = sf_buf_str(&b);
        if (sf_buf_status(&b, &err) == SF_OK &&
            sf_producer_send(m->control_topic, &out, &err) != SF_OK)
            on_sent(NULL, err.status);
    }
    if (err.status != SF_OK)
        sf_log_error(SF_LOG_ERROR, "command_not_sent", &err);
    else
        sf_log(SF_LOG_INFO, "command_sent", SF_LOG_S("queue", q->spec.queue_id),
               SF_LOG_S("command", command),
               SF_LOG_S("target", member ? member->image : "*"),
               SF_LOG_S("command_id", id));
    m->n.commands++;
    sf_buf_release(&b);
}
