/* Reading one partition without a group: a reader on the loop, and the walk of start-up.
 */
#include "kafka_internal.h"

#include <sf/stop.h>
#include <sf/time.h>

#include <stdlib.h>

#define BATCH_N         1000  /* messages taken from librdkafka at once */
#define BATCHES_A_TURN  8     /* then other callbacks have their turn */
#define QUEUE_LOW_N     2500  /* half of queued.min.messages: fetch again */
#define POLL_MS         50    /* the walk looks at the stop flag this often */
#define WALK_TIMEOUT_MS 30000 /* without one message, while there should be some */

struct sf_reader {
    struct sf_kafka_client client;
    rd_kafka_topic_t *rkt;
    int32_t partition;
    bool is_consuming;
    sf_message_fn fn;
    void *arg;
    int64_t begin, end; /* of the log, as last asked */
    int64_t next;       /* offset behind the last message shown */
};

void sf_kafka_show(const rd_kafka_message_t *rkm, sf_message_fn fn, void *arg)
{
    struct sf_message msg = {
        .partition = rkm->partition,
        .offset = rkm->offset,
        .time_ms = rd_kafka_message_timestamp(rkm, NULL),
        .key = sf_str_make(rkm->key, rkm->key_len),
        .value = sf_str_make(rkm->payload, rkm->len),
        .is_null = !rkm->payload,
        .header = SF_STR_EMPTY,
    };
    rd_kafka_headers_t *headers = NULL;
    const void *value = NULL;
    size_t value_n = 0;

    if (msg.is_null &&
        rd_kafka_message_headers(rkm, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR &&
        rd_kafka_header_get_all(headers, 0, &msg.control, &value, &value_n) ==
            RD_KAFKA_RESP_ERR_NO_ERROR)
        msg.header = sf_str_make(value, value_n);
    fn(arg, &msg);
}

void sf_kafka_fetch_now(struct sf_kafka_client *c)
{
    /* The one public call of 2.0.2 that wakes a consumer's broker threads and leaves its
     * queues alone; it sets what is set already. */
    rd_kafka_error_t *error = rd_kafka_sasl_set_credentials(c->rk, c->conf->kafka_user,
                                                            c->conf->kafka_password);

    if (error)
        rd_kafka_error_destroy(error);
}

/* ------------------------------------------------------------- what both have in common
 */

/* @ret_begin: NULL asks for the end only. */
static enum sf_status ask_ends(struct sf_reader *r, struct sf_kafka_wait *w,
                               int64_t *ret_begin, struct sf_error *err)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    enum sf_status status;

    (void)rd_kafka_topic_partition_list_add(list, rd_kafka_topic_name(r->rkt),
                                            r->partition);
    status = sf_kafka_log_ends(w, list, ret_begin, &r->end, err);
    rd_kafka_topic_partition_list_destroy(list);
    return status;
}

static enum sf_status check_partition(struct sf_reader *r, struct sf_kafka_wait *w,
                                      const char *topic, struct sf_error *err)
{
    int32_t partitions = 0;
    enum sf_status status = sf_kafka_partitions(w, topic, &partitions, err);

    if (status == SF_OK && (r->partition < 0 || r->partition >= partitions))
        status =
            sf_error_set(err, SF_ENOTFOUND, "Kafka: topic %s has %d partitions, no %d",
                         topic, (int)partitions, (int)r->partition);
    return status;
}

static enum sf_status open_client(struct sf_reader *r, const struct sf_conf *conf,
                                  bool is_walk, struct sf_error *err)
{
    const struct sf_kafka_prop props[] = {
        { "enable.partition.eof",
          "true" }, /* ends a walk behind offsets that hold nothing */
        /* A broker answers no other question while it waits for messages. */
        { "fetch.wait.max.ms", is_walk ? "20" : "500" },
        /* Without a group there is nobody to ask when the log was cut below us. What is
         * left of it is newer than all that was shown. */
        { "auto.offset.reset", "earliest" },
        { NULL, NULL },
    };

    return sf_kafka_open(&r->client, RD_KAFKA_CONSUMER, conf, props, NULL, err);
}

/* Look where the log begins and ends, consume from @from on. */
static enum sf_status begin(struct sf_reader *r, const char *topic, int64_t from,
                            struct sf_kafka_wait *w, struct sf_error *err)
{
    enum sf_status status;

    r->rkt = rd_kafka_topic_new(r->client.rk, topic, NULL);
    if (!r->rkt)
        return sf_error_set(err, SF_EINVAL, "Kafka: topic %s: %s", topic,
                            rd_kafka_err2str(rd_kafka_last_error()));
    status = check_partition(r, w, topic, err);
    if (status == SF_OK)
        status = ask_ends(r, w, &r->begin, err);
    if (status != SF_OK)
        return status;
    r->next = from == SF_OFFSET_END ? r->end : from < r->begin ? r->begin : from;
    r->client.messages = rd_kafka_queue_new(r->client.rk);
    if (rd_kafka_consume_start_queue(r->rkt, r->partition, r->next, r->client.messages) !=
        0)
        return sf_error_set(err, SF_EIO, "Kafka: topic %s: %s", topic,
                            rd_kafka_err2str(rd_kafka_last_error()));
    r->is_consuming = true;
    return SF_OK;
}

static void end(struct sf_reader *r)
{
    if (r->is_consuming)
        (void)rd_kafka_consume_stop(r->rkt, r->partition);
    sf_kafka_detach(&r->client);
    if (r->rkt)
        rd_kafka_topic_destroy(r->rkt);
    sf_kafka_close(&r->client, 0);
}

/* ------------------------------------------------------------------ reader on the loop
 */

static void show_or_log(struct sf_reader *r, const rd_kafka_message_t *rkm)
{
    if (rkm->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        return;
    if (rkm->err) {
        sf_log(SF_LOG_WARN, "kafka_read_failed",
               SF_LOG_S("topic", rd_kafka_topic_name(r->rkt)),
               SF_LOG_S("text", rd_kafka_message_errstr(rkm)));
        return;
    }
    if (rkm->offset < r->next)
        return; /* shown already: a reset to the beginning */
    r->next = rkm->offset + 1;
    sf_kafka_show(rkm, r->fn, r->arg);
}

static void serve(void *arg)
{
    struct sf_reader *r = arg;
    rd_kafka_message_t *batch[BATCH_N];
    ssize_t n = BATCH_N;

    (void)rd_kafka_poll(r->client.rk, 0);
    for (int i = 0; i < BATCHES_A_TURN && n == BATCH_N; i++) {
        n = rd_kafka_consume_batch_queue(r->client.messages, 0, batch, BATCH_N);
        for (ssize_t k = 0; k < n; k++) {
            show_or_log(r, batch[k]);
            rd_kafka_message_destroy(batch[k]);
        }
    }
    if (n == BATCH_N)
        sf_wake_send(r->client.wake);
}

enum sf_status sf_reader_open(struct sf_loop *loop, const struct sf_conf *conf,
                              const struct sf_reader_opts *opts,
                              struct sf_reader **ret_reader, struct sf_error *err)
{
    struct sf_reader *r = calloc(1, sizeof(*r));
    struct sf_kafka_wait w;
    enum sf_status status;

    if (!r)
        return sf_error_set(err, SF_ENOMEM, "no memory for a reader");
    r->partition = opts->partition;
    r->fn = opts->fn;
    r->arg = opts->arg;
    sf_kafka_wait_begin(&w, &r->client, opts->timeout_ms);
    status = open_client(r, conf, false, err);
    if (status == SF_OK)
        status = begin(r, opts->topic, opts->offset, &w, err);
    if (status == SF_OK)
        status = sf_kafka_attach(&r->client, loop, serve, r, err);
    if (status != SF_OK) {
        sf_reader_close(r);
        return status;
    }
    *ret_reader = r;
    return SF_OK;
}

void sf_reader_close(struct sf_reader *r)
{
    if (!r)
        return;
    end(r);
    free(r);
}

/* ------------------------------------------------------------------------------- walk */

struct state {
    struct sf_reader r;
    struct sf_kafka_wait w; /* begun anew with every message */
    int64_t still_ms;
    int64_t stands_since_us; /* the log's end has been r.end */
};

static enum sf_status walk_take(struct state *k, const rd_kafka_message_t *rkm,
                                struct sf_error *err)
{
    struct sf_reader *r = &k->r;

    if (rkm->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        if (rkm->offset > r->next) /* the last offsets hold no message */
            r->next = rkm->offset;
        return SF_OK;
    }
    if (rkm->err)
        return sf_error_set(err, sf_kafka_status(rkm->err), "Kafka: reading %s: %s",
                            rd_kafka_topic_name(r->rkt), rd_kafka_message_errstr(rkm));
    if (rkm->offset >= r->end) {
        if (k->still_ms == 0)
            return SF_OK; /* came later than our first look */
        r->end = rkm->offset + 1;
        k->stands_since_us = sf_mono_us();
    }
    if (rkm->offset >= r->next) {
        r->next = rkm->offset + 1;
        sf_kafka_show(rkm, r->fn, r->arg);
    }
    return SF_OK;
}

/* Wait for the first message, then take what is there without waiting. */
static ssize_t take(rd_kafka_queue_t *queue, rd_kafka_message_t **batch)
{
    ssize_t n;

    batch[0] = rd_kafka_consume_queue(queue, POLL_MS);
    if (!batch[0])
        return 0;
    n = rd_kafka_consume_batch_queue(queue, 0, batch + 1, BATCH_N - 1);
    return n > 0 ? n + 1 : 1;
}

/* Show one batch; SF_OK also when there was nothing yet. */
static enum sf_status walk_batch(struct state *k, struct sf_error *err)
{
    rd_kafka_message_t *batch[BATCH_N];
    struct sf_reader *r = &k->r;
    enum sf_status status = SF_OK;
    ssize_t n;

    n = take(r->client.messages, batch);
    if (n == BATCH_N && rd_kafka_queue_length(r->client.messages) < QUEUE_LOW_N)
        sf_kafka_fetch_now(&r->client);
    for (ssize_t i = 0; i < n; i++) {
        if (status == SF_OK)
            status = walk_take(k, batch[i], err);
        rd_kafka_message_destroy(batch[i]);
    }
    if (n == 0 && r->next < r->end)
        return sf_kafka_wait_more(&k->w, RD_KAFKA_RESP_ERR__TIMED_OUT, "reading a topic",
                                  err);
    if (sf_stop_signal() != 0)
        return sf_error_set(err, SF_ESTOPPED, "Kafka: reading a topic: stopped");
    sf_kafka_wait_begin(&k->w, &r->client, WALK_TIMEOUT_MS);
    return status;
}

static enum sf_status walk_all(struct state *k, struct sf_error *err)
{
    enum sf_status status = SF_OK;

    if (k->r.end == 0) /* never written to: there is nobody whose last words may come */
        return SF_OK;
    k->stands_since_us = sf_mono_us();
    for (;;) {
        int64_t known_end;

        while (status == SF_OK && k->r.next < k->r.end)
            status = walk_batch(k, err);
        if (status != SF_OK || k->still_ms == 0)
            return status;
        known_end = k->r.end;
        status = ask_ends(&k->r, &k->w, NULL, err);
        if (status != SF_OK)
            return status;
        if (k->r.end > known_end)
            k->stands_since_us = sf_mono_us();
        else if (sf_mono_us() - k->stands_since_us >= k->still_ms * 1000)
            return SF_OK;
        else
            status = walk_batch(k, err); /* waits for what may come */
    }
}

enum sf_status sf_kafka_walk(const struct sf_conf *conf, struct sf_walk *walk,
                             struct sf_error *err)
{
    struct state k = {
        .r = { .partition = walk->partition, .fn = walk->fn, .arg = walk->arg },
        .still_ms = walk->still_ms,
    };
    enum sf_status status;

    sf_kafka_wait_begin(&k.w, &k.r.client, WALK_TIMEOUT_MS);
    status = open_client(&k.r, conf, true, err);
    if (status == SF_OK)
        status = begin(&k.r, walk->topic, walk->from, &k.w, err);
    if (status == SF_OK)
        status = walk_all(&k, err);
    end(&k.r);
    if (status != SF_OK)
        return status;
    walk->begin = k.r.begin;
    walk->end = k.r.end;
    return SF_OK;
}
