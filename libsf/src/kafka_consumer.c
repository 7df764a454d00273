/* The group consumer: messages in batches, assignment between batches.
 *
 * librdkafka's queue is read only as fast as messages are shown. A short pause just
 * leaves it alone. After HOLD_AFTER_US the partitions are paused in librdkafka too, which
 * empties the queue, so that polling can go on (a member that does not poll is put out)
 * and memory is given back; a database may be away for hours. */
#include "kafka_group.h"

#include <sf/stop.h>
#include <sf/time.h>

#include <stdlib.h>
#include <string.h>

#define BATCH_N          SF_KAFKA_BATCH_N
#define BATCHES_A_TURN   4    /* then other callbacks have their turn */
#define QUEUE_LOW_N      2500 /* half of queued.min.messages: fetch again */
#define HOLD_AFTER_US    INT64_C(1000000)
#define COMMIT_EVERY_US  INT64_C(1000000)
#define MISSING_LONG_US  (20 * INT64_C(1000000)) /* restarting brokers say so a while */
#define WARN_EVERY_US    INT64_C(1000000)
#define ENDS_EVERY_US    (5 * INT64_C(1000000))
#define ENDS_MS          200  /* of one look; the next one may have more luck */
#define ASSIGN_MS        2000 /* of one try; the next comes with the next tick */
#define REVOKE_COMMIT_MS 3000 /* well under the time a rebalance waits for us */
#define CLOSE_US         (3 * INT64_C(1000000))

static void fail(struct sf_consumer *c, const struct sf_error *err)
{
    if (c->has_failed)
        return;
    c->has_failed = true;
    if (c->hooks.on_error)
        c->hooks.on_error(c->hooks.arg, err);
}

/* ------------------------------------------------------------------------- assignment */

static void drop_stash(struct sf_consumer *c)
{
    while (c->stash_at < c->stash_n)
        rd_kafka_message_destroy(c->stash[c->stash_at++]);
    c->stash_at = c->stash_n = 0;
}

static void forget_assigning(struct sf_consumer *c)
{
    if (c->assigning)
        rd_kafka_topic_partition_list_destroy(c->assigning);
    c->assigning = NULL;
}

static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t rc,
                         rd_kafka_topic_partition_list_t *list, void *opaque)
{
    struct sf_consumer *c = opaque;

    forget_assigning(c);
    c->is_revoking = false;
    if (c->is_closing || (rc != RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS &&
                          rc != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS))
        (void)rd_kafka_assign(rk, NULL);
    else if (rc == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS)
        c->assigning = rd_kafka_topic_partition_list_copy(list);
    else
        c->is_revoking = true;
}

static rd_kafka_topic_partition_list_t *parts_list(const struct sf_consumer *c)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)c->parts_n);

    for (size_t i = 0; i < c->parts_n; i++)
        rd_kafka_topic_partition_list_add(list, c->client.conf->topic, c->parts[i].id)
            ->offset = c->parts[i].next;
    return list;
}

static void hold(struct sf_consumer *c, bool is_held)
{
    rd_kafka_topic_partition_list_t *list = parts_list(c);

    if (is_held)
        (void)rd_kafka_pause_partitions(c->client.rk, list);
    else
        (void)rd_kafka_resume_partitions(c->client.rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    c->is_held = is_held;
}

static void revoke(struct sf_consumer *c)
{
    struct sf_error err = { 0 };

    c->is_revoking = false;
    for (size_t i = 0; i < c->parts_n; i++)
        if (c->hooks.on_revoke)
            c->hooks.on_revoke(c->hooks.arg, c->parts[i].id);
    if (!rd_kafka_assignment_lost(c->client.rk) &&
        sf_consumer_commit(c, REVOKE_COMMIT_MS, &err) != SF_OK)
        sf_log_error(SF_LOG_WARN, "commit_failed", &err);
    drop_stash(c);
    if (c->is_held) /* or the mark would wait there should the partition come back */
        hold(c, false);
    c->parts_n = 0;
    (void)rd_kafka_assign(c->client.rk, NULL);
}

/* Ask where each partition stands, and the hook where to begin. */
static enum sf_status settle(struct sf_consumer *c, struct sf_kafka_part *parts,
                             int64_t *offsets, struct sf_error *err)
{
    rd_kafka_topic_partition_list_t *list = c->assigning;
    int64_t *committed = offsets, *begin = offsets + list->cnt, *end = begin + list->cnt;
    struct sf_kafka_wait w;
    enum sf_status status;

    sf_kafka_wait_begin(&w, &c->client, ASSIGN_MS);
    status = sf_kafka_log_ends(&w, list, begin, end, err);
    if (status == SF_OK)
        status = sf_kafka_committed(&w, list, committed, err);
    for (int i = 0; i < list->cnt && status == SF_OK; i++) {
        parts[i] = (struct sf_kafka_part){ .id = list->elems[i].partition,
                                           .stored = -1,
                                           .committed = committed[i],
                                           .end = end[i] };
        parts[i].next =
            c->hooks.on_assign(c->hooks.arg, parts[i].id, committed[i], begin[i], end[i]);
        if (parts[i].next < 0)
            status = sf_error_set(err, SF_EREFUSED, "Kafka: partition %d was refused",
                                  (int)parts[i].id);
    }
    return status;
}

static void take_over(struct sf_consumer *c, struct sf_kafka_part *parts)
{
    rd_kafka_topic_partition_list_t *list;

    free(c->parts);
    c->parts = parts;
    c->parts_n = (size_t)c->assigning->cnt;
    forget_assigning(c);
    list = parts_list(c);
    (void)rd_kafka_assign(c->client.rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (c->parts_n > 0)
        c->missing_us = 0;
    sf_kafka_worked(&c->client);
    sf_log(SF_LOG_INFO, "partitions_assigned", SF_LOG_I("partitions", c->parts_n));
}

/* Try to settle what is assigning; a failure that passes leaves it for the next tick. */
static void assign(struct sf_consumer *c)
{
    struct sf_error err = { 0 };
    size_t n = (size_t)c->assigning->cnt;
    struct sf_kafka_part *parts = calloc(n + 1, sizeof(*parts));
    int64_t *offsets = calloc(3 * n + 1, sizeof(*offsets));
    enum sf_status status = SF_OK;

    if (!parts || !offsets)
        status = sf_error_set(&err, SF_ENOMEM, "no memory for %zu partitions", n);
    else if (n > 0)
        status = settle(c, parts, offsets, &err);
    free(offsets);
    if (status == SF_OK) {
        take_over(c, parts);
        return;
    }
    free(parts);
    /* The group has given us these partitions: one that librdkafka does not know is
     * behind a broker that hangs. That of a topic that was deleted the group takes back.
     */
    if (status == SF_ETIMEOUT || status == SF_EIO || status == SF_ENOTFOUND) {
        if (sf_mono_us() >= c->next_warn_us) {
            c->next_warn_us = sf_mono_us() + WARN_EVERY_US;
            sf_log_error(SF_LOG_WARN, "assign_waits", &err);
        }
        return;
    }
    forget_assigning(c);
    (void)rd_kafka_assign(c->client.rk, NULL);
    if (status != SF_EREFUSED && status != SF_ESTOPPED) /* those know already */
        fail(c, &err);
}

/* --------------------------------------------------------------------------- messages */

static void on_lost_offset(struct sf_consumer *c, const rd_kafka_message_t *rkm)
{
    const struct sf_kafka_part *part = sf_kafka_part_find(c, rkm->partition);
    struct sf_error err = { 0 };

    (void)sf_error_set(&err, SF_ELOST,
                       "Kafka: topic %s partition %d: offset %lld is not in the log any "
                       "more: %s",
                       c->client.conf->topic, (int)rkm->partition,
                       (long long)(part ? part->next : rkm->offset),
                       rd_kafka_message_errstr(rkm));
    fail(c, &err);
}

static void on_trouble(struct sf_consumer *c, const rd_kafka_message_t *rkm)
{
    struct sf_error err = { 0 };
    enum sf_status status = sf_kafka_status(rkm->err);

    if (status == SF_ELOST) {
        on_lost_offset(c, rkm);
        return;
    }
    if (status == SF_EDENIED) {
        (void)sf_error_set(&err, SF_EDENIED, "Kafka: %s", rd_kafka_message_errstr(rkm));
        fail(c, &err);
        return;
    }
    if (status == SF_ENOTFOUND && c->missing_us == 0)
        c->missing_us = sf_mono_us();
    if (sf_mono_us() >= c->next_warn_us) {
        c->next_warn_us = sf_mono_us() + WARN_EVERY_US;
        sf_log(SF_LOG_WARN, "kafka_consume_failed",
               SF_LOG_S("topic", c->client.conf->topic),
               SF_LOG_S("text", rd_kafka_message_errstr(rkm)));
    }
}

static void show(struct sf_consumer *c, const rd_kafka_message_t *rkm)
{
    struct sf_kafka_part *part;

    if (rkm->err) {
        on_trouble(c, rkm);
        return;
    }
    part = sf_kafka_part_find(c, rkm->partition);
    if (!part || rkm->offset < part->next)
        return; /* from before a rebalance */
    part->next = rkm->offset + 1;
    sf_kafka_show(rkm, c->hooks.on_message, c->hooks.arg);
}

/* Show what is in the stash until it is empty or we are told to pause. */
static void show_stash(struct sf_consumer *c)
{
    while (c->stash_at < c->stash_n && !c->is_paused) {
        rd_kafka_message_t *rkm = c->stash[c->stash_at++];

        show(c, rkm);
        rd_kafka_message_destroy(rkm);
    }
    if (c->stash_at == c->stash_n)
        c->stash_at = c->stash_n = 0;
}

/* Add to the stash what librdkafka has, at most a batch; true when there may be more. */
static bool fill_stash(struct sf_consumer *c)
{
    size_t room;
    ssize_t n;

    if (c->stash_at > 0) {
        c->stash_n -= c->stash_at;
        memmove(c->stash, c->stash + c->stash_at,
                c->stash_n * sizeof(rd_kafka_message_t *));
        c->stash_at = 0;
    }
    room = sizeof(c->stash) / sizeof(rd_kafka_message_t *) - c->stash_n;
    if (room > BATCH_N)
        room = BATCH_N;
    if (room == 0)
        return false;
    n = rd_kafka_consume_batch_queue(c->client.messages, 0, c->stash + c->stash_n, room);
    if (n <= 0)
        return false;
    c->stash_n += (size_t)n;
    sf_kafka_worked(&c->client);
    if ((size_t)n < room)
        return false;
    if (rd_kafka_queue_length(c->client.messages) < QUEUE_LOW_N)
        sf_kafka_fetch_now(&c->client);
    return true;
}

static bool has_rebalance(const struct sf_consumer *c)
{
    return c->is_revoking || c->assigning;
}

static void serve_messages(struct sf_consumer *c)
{
    bool has_more = true;

    show_stash(c);
    for (int i = 0; i < BATCHES_A_TURN && has_more && !c->is_paused; i++) {
        has_more = fill_stash(c) && !has_rebalance(c);
        show_stash(c);
    }
    if (has_more && !c->is_paused)
        sf_wake_send(c->client.wake);
}

/* Nothing is fetched while held, so nothing tells how the log grows: ask. */
static void look_at_ends(struct sf_consumer *c)
{
    rd_kafka_topic_partition_list_t *list = parts_list(c);

    for (int i = 0; i < list->cnt; i++)
        list->elems[i].offset = RD_KAFKA_OFFSET_END;
    if (rd_kafka_offsets_for_times(c->client.rk, list, ENDS_MS) ==
        RD_KAFKA_RESP_ERR_NO_ERROR)
        for (int i = 0; i < list->cnt; i++)
            if (!list->elems[i].err && list->elems[i].offset > c->parts[i].end)
                c->parts[i].end = list->elems[i].offset;
    rd_kafka_topic_partition_list_destroy(list);
}

static void serve_paused(struct sf_consumer *c)
{
    if (sf_mono_us() - c->paused_us < HOLD_AFTER_US)
        return;
    if (!c->is_held)
        hold(c, true);
    (void)fill_stash(c); /* serves rebalances; of messages hardly one is left */
    if (sf_mono_us() >= c->next_ends_us && c->parts_n > 0) {
        c->next_ends_us = sf_mono_us() + ENDS_EVERY_US;
        look_at_ends(c);
    }
}

static void check_health(struct sf_consumer *c)
{
    struct sf_error err = { 0 };

    if (c->missing_us != 0 && sf_mono_us() - c->missing_us > MISSING_LONG_US)
        (void)sf_error_set(&err, SF_ENOTFOUND, "Kafka: topic %s does not exist at %s",
                           c->client.conf->topic, c->client.conf->kafka_brokers);
    else
        (void)sf_kafka_is_dead(&c->client, &err);
    if (err.status != SF_OK)
        fail(c, &err);
}

static void serve(void *arg)
{
    struct sf_consumer *c = arg;
    int64_t now_us = sf_mono_us();

    (void)rd_kafka_poll(c->client.rk, 0);
    check_health(c);
    if (c->is_paused)
        serve_paused(c);
    else
        serve_messages(c);
    if (c->is_revoking)
        revoke(c);
    else if (c->assigning)
        assign(c);
    if (now_us >= c->next_commit_us) {
        c->next_commit_us = now_us + COMMIT_EVERY_US;
        sf_kafka_commit_start(c);
    }
}

void sf_consumer_pause(struct sf_consumer *c, bool is_paused)
{
    if (c->is_paused == is_paused)
        return;
    c->is_paused = is_paused;
    c->paused_us = sf_mono_us();
    if (is_paused)
        return;
    if (c->is_held)
        hold(c, false);
    sf_wake_send(c->client.wake);
}

/* ------------------------------------------------------------------------------- life */

static void setup(rd_kafka_conf_t *kc)
{
    rd_kafka_conf_set_rebalance_cb(kc, on_rebalance);
}

static enum sf_status subscribe(struct sf_consumer *c, struct sf_error *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_resp_err_t rc;

    (void)rd_kafka_topic_partition_list_add(list, c->client.conf->topic,
                                            RD_KAFKA_PARTITION_UA);
    rc = rd_kafka_subscribe(c->client.rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (rc != RD_KAFKA_RESP_ERR_NO_ERROR)
        return sf_error_set(err, SF_EINVAL, "Kafka: topic %s: %s", c->client.conf->topic,
                            rd_kafka_err2str(rc));
    return SF_OK;
}

enum sf_status sf_consumer_create(struct sf_loop *loop, const struct sf_conf *conf,
                                  const struct sf_consumer_hooks *hooks,
                                  struct sf_consumer **ret_c, struct sf_error *err)
{
    const struct sf_kafka_prop props[] = {
        { "group.id", conf->consumer_group },
        { "auto.offset.reset", "error" }, /* a lost offset is an error, never a reset */
        { "session.timeout.ms", "6000" }, /* brokers' minimum: so long the partitions of a
                                             killed process stay its own */
        { "heartbeat.interval.ms", "1500" },
        { "fetch.wait.max.ms", "100" }, /* sf_consumer_progress waits behind a fetch */
        { NULL, NULL },
    };
    struct sf_consumer *c = calloc(1, sizeof(*c));
    enum sf_status status;

    if (!c)
        return sf_error_set(err, SF_ENOMEM, "no memory for the consumer");
    c->hooks = *hooks;
    status = sf_kafka_open(&c->client, RD_KAFKA_CONSUMER, conf, props, setup, err);
    if (status == SF_OK) {
        c->client.messages = rd_kafka_queue_get_consumer(c->client.rk);
        status = sf_kafka_attach(&c->client, loop, serve, c, err);
    }
    if (status == SF_OK)
        status = subscribe(c, err);
    if (status != SF_OK) {
        sf_consumer_destroy(c);
        return status;
    }
    *ret_c = c;
    return SF_OK;
}

/* Leave the group, bounded: rd_kafka_consumer_close() may wait for a broker for long. */
static void leave(struct sf_consumer *c)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(c->client.rk);
    rd_kafka_error_t *error;
    int64_t until_us = sf_mono_us() + CLOSE_US;

    c->is_closing = true;
    if (has_rebalance(c))
        (void)rd_kafka_assign(c->client.rk, NULL); /* the answer that is still owed */
    error = rd_kafka_consumer_close_queue(c->client.rk, queue);
    if (error)
        rd_kafka_error_destroy(error);
    else
        while (!rd_kafka_consumer_closed(c->client.rk) && sf_mono_us() < until_us) {
            /* of the polling calls this one runs on_rebalance */
            rd_kafka_message_t *left = rd_kafka_consume_queue(queue, 20);

            if (left)
                rd_kafka_message_destroy(left);
        }
    rd_kafka_queue_destroy(queue);
}

void sf_consumer_destroy(struct sf_consumer *c)
{
    struct sf_error err = { 0 };

    if (!c)
        return;
    if (c->client.rk && c->client.events &&
        sf_consumer_commit(c, REVOKE_COMMIT_MS, &err) != SF_OK)
        sf_log_error(SF_LOG_WARN, "commit_failed", &err);
    drop_stash(c);
    sf_kafka_detach(&c->client);
    if (c->client.rk)
        leave(c);
    forget_assigning(c);
    sf_kafka_close(&c->client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    free(c->parts);
    free(c);
}
