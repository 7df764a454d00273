/* The idempotent producer. Its bound counts bytes of keys and values, ours, so that a
 * refusal costs nothing and "half empty" is exact. */
#include "kafka_internal.h"

#include <stdio.h>
#include <stdlib.h>

#define MESSAGE_OVERHEAD_BYTES 256 /* librdkafka's own, measured with 2.0.2 */

/* A record whose sender wants to know, or waits to be freed with its producer. */
struct ticket {
    void (*on_done)(void *arg, enum sf_status status);
    void *arg;
    struct ticket *prev, *next;
};

struct sf_topic {
    struct sf_producer *p;
    rd_kafka_topic_t *rkt;
    struct sf_topic *next;
    int64_t *confirmed_n; /* by partition; NULL: not counted */
    int32_t partitions;
};

struct sf_producer {
    struct sf_kafka_client client;
    struct sf_producer_hooks hooks;
    struct sf_topic *topics, *counted; /* one of them, or NULL */
    struct ticket *tickets;
    size_t pending_n, pending_bytes, failed_n;
    size_t max_bytes;
    bool is_full, has_delivered, has_told_fatal;
    bool is_settled; /* for sf_producer_flush: nothing pending, or hopeless */
};

/* clang-format off */
static const struct sf_kafka_prop producer_props[] = {
    { "enable.idempotence",           "true"   },
    { "acks",                         "all"    },
    { "compression.codec",            "lz4"    },
    { "message.timeout.ms",           "0"      }, /* never give a record up */
    { "linger.ms",                    "5"      },
    { "batch.size",                   "262144" }, /* bounds what a consumer unpacks at once */
    { "partitioner",                  "murmur2_random" }, /* as Java's */
    /* ours is the bound; these are the next round numbers above it */
    { "queue.buffering.max.messages", "10000000" },
    { "queue.buffering.max.kbytes",   "2097151"  },
    { NULL, NULL },
};
/* clang-format on */

static size_t cost(size_t key_n, size_t value_n)
{
    return key_n + value_n + MESSAGE_OVERHEAD_BYTES;
}

static void drop_ticket(struct sf_producer *p, struct ticket *t)
{
    if (t->prev)
        t->prev->next = t->next;
    else
        p->tickets = t->next;
    if (t->next)
        t->next->prev = t->prev;
    free(t);
}

static void on_lost(struct sf_producer *p, const rd_kafka_message_t *rkm, bool is_told)
{
    p->failed_n++;
    if (!is_told)
        (void)sf_error_set(&p->client.fatal, SF_EFATAL, "Kafka: record for %s lost: %s",
                           rd_kafka_topic_name(rkm->rkt), rd_kafka_err2str(rkm->err));
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *rkm, void *opaque)
{
    struct sf_producer *p = opaque; /* its first member is the client */
    struct ticket *ticket = rkm->_private;

    (void)rk;
    if (p->counted && rkm->rkt == p->counted->rkt && !rkm->err && rkm->partition >= 0 &&
        rkm->partition < p->counted->partitions)
        p->counted->confirmed_n[rkm->partition]++;
    p->pending_n--;
    p->pending_bytes -= cost(rkm->key_len, rkm->len);
    if (rkm->err)
        on_lost(p, rkm, ticket && ticket->on_done);
    else
        p->has_delivered = true;
    if (ticket) {
        if (ticket->on_done)
            ticket->on_done(ticket->arg, sf_kafka_status(rkm->err));
        drop_ticket(p, ticket);
    }
}

static void setup(rd_kafka_conf_t *kc)
{
    rd_kafka_conf_set_dr_msg_cb(kc, on_delivery);
}

static void tell(struct sf_producer *p)
{
    struct sf_error dead = { 0 };

    if (p->is_full && p->pending_bytes <= p->max_bytes / 2) {
        p->is_full = false;
        if (p->hooks.on_room)
            p->hooks.on_room(p->hooks.arg);
    }
    if (!p->has_told_fatal && sf_kafka_is_dead(&p->client, &dead)) {
        p->has_told_fatal = true;
        p->client.fatal = dead;
        if (p->hooks.on_fatal)
            p->hooks.on_fatal(p->hooks.arg, &dead);
    }
}

/* Nothing will be delivered any more. A record that was lost is no such end: events that
 * tell of it still go out. */
static bool is_hopeless(const struct sf_producer *p)
{
    return p->client.is_refused_long ||
           rd_kafka_fatal_error(p->client.rk, NULL, 0) != RD_KAFKA_RESP_ERR_NO_ERROR;
}

static void serve(void *arg)
{
    struct sf_producer *p = arg;

    p->has_delivered = false;
    (void)rd_kafka_poll(p->client.rk, 0);
    if (p->has_delivered)
        sf_kafka_worked(&p->client);
    tell(p);
    if (p->pending_n == 0 || is_hopeless(p))
        p->is_settled = true;
}

enum sf_status sf_producer_create(struct sf_loop *loop, const struct sf_conf *conf,
                                  const struct sf_producer_hooks *hooks,
                                  struct sf_producer **ret_p, struct sf_error *err)
{
    struct sf_producer *p = calloc(1, sizeof(*p));
    enum sf_status status;

    if (!p)
        return sf_error_set(err, SF_ENOMEM, "no memory for the producer");
    p->hooks = *hooks;
    p->max_bytes = (size_t)conf->producer_queue_kb * 1024;
    status =
        sf_kafka_open(&p->client, RD_KAFKA_PRODUCER, conf, producer_props, setup, err);
    if (status == SF_OK)
        status = sf_kafka_attach(&p->client, loop, serve, p, err);
    if (status != SF_OK) {
        sf_producer_destroy(p);
        return status;
    }
    *ret_p = p;
    return SF_OK;
}

void sf_producer_destroy(struct sf_producer *p)
{
    if (!p)
        return;
    sf_kafka_detach(&p->client);
    p->counted = NULL;
    while (p->topics) {
        struct sf_topic *topic = p->topics;

        p->topics = topic->next;
        rd_kafka_topic_destroy(topic->rkt);
        free(topic->confirmed_n);
        free(topic);
    }
    if (p->client.rk)
        (void)rd_kafka_purge(p->client.rk, RD_KAFKA_PURGE_F_QUEUE |
                                               RD_KAFKA_PURGE_F_INFLIGHT |
                                               RD_KAFKA_PURGE_F_NON_BLOCKING);
    sf_kafka_close(&p->client, 0);
    while (p->tickets) {
        struct ticket *ticket = p->tickets;

        p->tickets = ticket->next;
        free(ticket);
    }
    free(p);
}

struct sf_kafka_client *sf_producer_client(struct sf_producer *p)
{
    return &p->client;
}

enum sf_status sf_producer_topic(struct sf_producer *p, const char *name,
                                 struct sf_topic **ret_topic, struct sf_error *err)
{
    struct sf_topic *topic = calloc(1, sizeof(*topic));

    if (!topic)
        return sf_error_set(err, SF_ENOMEM, "no memory for topic %s", name);
    topic->rkt = rd_kafka_topic_new(p->client.rk, name, NULL);
    if (!topic->rkt) {
        free(topic);
        return sf_error_set(err, SF_EINVAL, "Kafka: topic %s: %s", name,
                            rd_kafka_err2str(rd_kafka_last_error()));
    }
    topic->p = p;
    topic->next = p->topics;
    p->topics = topic;
    *ret_topic = topic;
    return SF_OK;
}

enum sf_status sf_topic_count(struct sf_topic *topic, int32_t partitions)
{
    topic->confirmed_n = calloc((size_t)partitions, sizeof(*topic->confirmed_n));
    topic->partitions = topic->confirmed_n ? partitions : 0;
    topic->p->counted = topic;
    return topic->confirmed_n ? SF_OK : SF_ENOMEM;
}

int64_t sf_topic_confirmed(const struct sf_topic *topic, int32_t partition)
{
    return partition < topic->partitions ? topic->confirmed_n[partition] : 0;
}

/* --------------------------------------------------------------------------- sending */

/* Is there room, and is there a point? A record larger than the whole queue passes when
 * it is empty, or it would wait for ever. */
static enum sf_status admit(struct sf_producer *p, size_t bytes)
{
    if (p->client.fatal.status != SF_OK)
        return SF_EFATAL;
    if (p->is_full)
        return SF_EFULL;
    if (p->pending_n > 0 && p->pending_bytes + bytes > p->max_bytes) {
        p->is_full = true;
        return SF_EFULL;
    }
    return SF_OK;
}

static enum sf_status taken(struct sf_producer *p, rd_kafka_resp_err_t rc, size_t bytes)
{
    if (rc == RD_KAFKA_RESP_ERR_NO_ERROR) {
        p->pending_n++;
        p->pending_bytes += bytes;
        return SF_OK;
    }
    if (rc == RD_KAFKA_RESP_ERR__QUEUE_FULL)
        p->is_full = true;
    return sf_kafka_status(rc);
}

enum sf_status sf_producer_put(struct sf_topic *topic, int32_t partition,
                               struct sf_str key, struct sf_str value)
{
    struct sf_producer *p = topic->p;
    size_t bytes = cost(key.len, value.len);
    enum sf_status status = admit(p, bytes);

    if (status != SF_OK)
        return status;
    /* librdkafka copies the value and does not write to it */
    if (rd_kafka_produce(topic->rkt, partition, RD_KAFKA_MSG_F_COPY, (void *)value.p,
                         value.len, key.len > 0 ? key.p : NULL, key.len, NULL) == 0)
        return taken(p, RD_KAFKA_RESP_ERR_NO_ERROR, bytes);
    return taken(p, rd_kafka_last_error(), bytes);
}

static struct ticket *new_ticket(struct sf_producer *p, const struct sf_outgoing *out)
{
    struct ticket *t = calloc(1, sizeof(*t));

    if (!t)
        return NULL;
    t->on_done = out->on_done;
    t->arg = out->arg;
    t->next = p->tickets;
    if (t->next)
        t->next->prev = t;
    p->tickets = t;
    return t;
}

static rd_kafka_resp_err_t produce(struct sf_topic *topic, const struct sf_outgoing *out,
                                   rd_kafka_headers_t *headers, struct ticket *ticket)
{
    /* librdkafka copies key and value and does not write to them */
    void *key = out->key.len > 0 ? (void *)out->key.p : NULL;
    void *value = out->has_value ? (void *)out->value.p : NULL;
    size_t value_n = out->has_value ? out->value.len : 0;
    const rd_kafka_vu_t fields[] = {
        { .vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = topic->rkt },
        { .vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = out->partition },
        { .vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY },
        { .vtype = RD_KAFKA_VTYPE_KEY, .u.mem = { key, out->key.len } },
        { .vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = { value, value_n } },
        { .vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers },
        { .vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = ticket },
    };
    rd_kafka_error_t *error = rd_kafka_produceva(topic->p->client.rk, fields,
                                                 sizeof(fields) / sizeof(fields[0]));
    rd_kafka_resp_err_t rc =
        error ? rd_kafka_error_code(error) : RD_KAFKA_RESP_ERR_NO_ERROR;

    if (error)
        rd_kafka_error_destroy(error);
    return rc;
}

static size_t cost_of(const struct sf_outgoing *out)
{
    return cost(out->key.len, out->has_value ? out->value.len : 0);
}

enum sf_status sf_producer_send(struct sf_topic *topic, const struct sf_outgoing *out,
                                struct sf_error *err)
{
    enum sf_status status = admit(topic->p, cost_of(out));

    if (status == SF_EFULL)
        return sf_error_set(err, SF_EFULL, "Kafka: the producer's queue is full");
    if (status != SF_OK)
        return sf_error_set(err, status, "%s", topic->p->client.fatal.text);
    return sf_producer_send_anyway(topic, out, err);
}

enum sf_status sf_producer_send_anyway(struct sf_topic *topic,
                                       const struct sf_outgoing *out,
                                       struct sf_error *err)
{
    struct sf_producer *p = topic->p;
    struct ticket *ticket;
    rd_kafka_headers_t *headers;
    rd_kafka_resp_err_t rc;
    enum sf_status status;

    if (is_hopeless(p))
        return sf_error_set(err, SF_EFATAL, "%s",
                            p->client.fatal.status != SF_OK ? p->client.fatal.text
                                                            : p->client.refused.text);
    ticket = new_ticket(p, out);
    if (!ticket)
        return sf_error_set(err, SF_ENOMEM, "no memory for a record");
    headers = rd_kafka_headers_new(out->headers_n);
    for (size_t i = 0; i < out->headers_n; i++)
        (void)rd_kafka_header_add(headers, out->headers[i].name, -1,
                                  out->headers[i].value.p,
                                  (ssize_t)out->headers[i].value.len);
    rc = produce(topic, out, headers, ticket);
    status = taken(p, rc, cost_of(out));
    if (status != SF_OK) {
        rd_kafka_headers_destroy(headers);
        drop_ticket(p, ticket);
        return sf_error_set(err, status, "Kafka: %s: %s", rd_kafka_topic_name(topic->rkt),
                            rd_kafka_err2str(rc));
    }
    return SF_OK;
}

void sf_producer_forget(struct sf_producer *p, const void *arg)
{
    for (struct ticket *t = p->tickets; t; t = t->next)
        if (t->arg == arg) {
            t->on_done = NULL;
            t->arg = NULL;
        }
}

size_t sf_producer_pending(const struct sf_producer *p)
{
    return p->pending_n;
}

size_t sf_producer_failed(const struct sf_producer *p)
{
    return p->failed_n;
}

const struct sf_error *sf_producer_fatal(const struct sf_producer *p)
{
    return p->client.fatal.status != SF_OK ? &p->client.fatal : NULL;
}

enum sf_status sf_producer_flush(struct sf_producer *p, int64_t timeout_ms,
                                 struct sf_error *err)
{
    p->is_settled = false;
    serve(p);
    if (!p->is_settled)
        (void)sf_loop_run_until(p->client.loop, &p->is_settled, timeout_ms);
    if (p->client.fatal.status != SF_OK && (p->pending_n == 0 || is_hopeless(p)))
        return sf_error_set(err, SF_EFATAL, "%s", p->client.fatal.text);
    if (p->pending_n > 0)
        return sf_error_set(err, SF_ETIMEOUT,
                            "Kafka: %zu records undelivered after %lld ms%s%s",
                            p->pending_n, (long long)timeout_ms,
                            p->client.trouble[0] ? ": " : "", p->client.trouble);
    return SF_OK;
}
