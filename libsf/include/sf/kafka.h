/* Kafka over librdkafka: an idempotent producer, a group consumer, a reader without
 * group.
 *
 * All callbacks run on the loop's thread. Handles of librdkafka never show. */
#ifndef SF_KAFKA_H
#define SF_KAFKA_H

#include <sf/conf.h>
#include <sf/loop.h>

/* ------------------------------------------------------------------- producer */

struct sf_producer;
struct sf_topic; /* a topic to produce to; belongs to its producer */

struct sf_producer_hooks {
    void (*on_room)(void *arg); /* the queue fell below half after SF_EFULL */
    void (*on_fatal)(void *arg,
                     const struct sf_error *err); /* nothing more will be sent */
    void *arg;
};

/* enable.idempotence, acks=all, lz4, no message timeout; its queue is bounded by
 * conf->producer_queue_kb. Does not wait for a connection.
 * Errors: SF_EINVAL a setting that librdkafka refuses (named); SF_ENOMEM. */
enum sf_status sf_producer_create(struct sf_loop *loop, const struct sf_conf *conf,
                                  const struct sf_producer_hooks *hooks,
                                  struct sf_producer **ret_p,
                                  struct sf_error *err) SF_MUST_CHECK;
/* What was not delivered is given up. NULL is fine. */
void sf_producer_destroy(struct sf_producer *p);

enum sf_status sf_producer_topic(struct sf_producer *p, const char *name,
                                 struct sf_topic **ret_topic,
                                 struct sf_error *err) SF_MUST_CHECK;

/* Count what is confirmed, partition by partition; before the first record, of one topic
 * of a producer.
 * Errors: SF_ENOMEM. */
enum sf_status sf_topic_count(struct sf_topic *topic, int32_t partitions) SF_MUST_CHECK;
int64_t sf_topic_confirmed(const struct sf_topic *topic, int32_t partition);

#define SF_PARTITION_BY_KEY (-1)

struct sf_header {
    const char *name;
    struct sf_str value;
};

struct sf_outgoing {
    int32_t partition;   /* or SF_PARTITION_BY_KEY */
    struct sf_str key;   /* copied */
    struct sf_str value; /* copied; has_value false: null */
    bool has_value;
    const struct sf_header *headers;
    size_t headers_n;
    /* Told when this very record is confirmed (SF_OK) or lost; may be NULL. */
    void (*on_done)(void *arg, enum sf_status status);
    void *arg;
};

/* Queue a record with headers or a callback: control records, events, dead letters.
 * Errors: SF_EFULL (on_room follows), SF_ETOOBIG, SF_EFATAL, SF_ENOMEM. */
enum sf_status sf_producer_send(struct sf_topic *topic, const struct sf_outgoing *out,
                                struct sf_error *err) SF_MUST_CHECK;
/* The record path: no headers, no callback, one copy. Errors as above; cheap on SF_EFULL.
 */
enum sf_status sf_producer_put(struct sf_topic *topic, int32_t partition,
                               struct sf_str key, struct sf_str value) SF_MUST_CHECK;

/* Records accepted and not yet confirmed; records that failed for good. */
size_t sf_producer_pending(const struct sf_producer *p);
size_t sf_producer_failed(const struct sf_producer *p);
/* Why records are refused with SF_EFATAL; NULL: they are not. Lent. */
const struct sf_error *sf_producer_fatal(const struct sf_producer *p);
/* Run the loop until all is confirmed or @timeout_ms passed.
 * Errors: SF_ETIMEOUT ("N records undelivered"), SF_EFATAL. */
enum sf_status sf_producer_flush(struct sf_producer *p, int64_t timeout_ms,
                                 struct sf_error *err) SF_MUST_CHECK;

/* --------------------------------------------------------------- admin, start-up */

/* Blocking, bounded by @timeout_ms, gives up when a stop is asked for. */

struct sf_topic_spec {
    const char *name;
    int32_t partitions, replication; /* replication -1: the broker's default */
    int64_t retention_ms;            /* -1: for ever; 0: the broker's default */
};

/* Make the topic unless it exists. *ret_partitions: how many it has.
 * Errors: SF_ENOTFOUND missing and !@may_create; SF_EAUTH, SF_EDENIED, SF_EIO (no broker
 * answers: names the address), SF_EREFUSED. */
enum sf_status sf_kafka_ensure_topic(struct sf_producer *p,
                                     const struct sf_topic_spec *spec, bool may_create,
                                     int64_t timeout_ms, int32_t *ret_partitions,
                                     struct sf_error *err) SF_MUST_CHECK;

/* --------------------------------------------------------------------- messages */

struct sf_message {
    int32_t partition;
    int64_t offset;
    int64_t time_ms; /* the broker's stamp of production */
    struct sf_str key, value;
    bool is_null;         /* no value: a control record */
    const char *control;  /* its header's name ("sf-end"), NULL for none */
    struct sf_str header; /* its header's value */
};
typedef void (*sf_message_fn)(void *arg, const struct sf_message *msg);

/* --------------------------------------------- reader: no group, start-up and control */

#define SF_OFFSET_BEGINNING (-2)
#define SF_OFFSET_END       (-1)

struct sf_reader;

struct sf_reader_opts {
    const char *topic;
    int32_t partition;
    int64_t offset;     /* begin here: SF_OFFSET_*, or a number */
    int64_t timeout_ms; /* of opening */
    sf_message_fn fn;   /* called from the loop */
    void *arg;
};

/* Positions are settled when it returns: with SF_OFFSET_END nothing that is produced
 * later is missed, nothing older is shown. Blocking. Copies @opts.
 * Errors: SF_ENOTFOUND no such topic or partition; SF_EAUTH, SF_EIO. */
enum sf_status sf_reader_open(struct sf_loop *loop, const struct sf_conf *conf,
                              const struct sf_reader_opts *opts,
                              struct sf_reader **ret_reader,
                              struct sf_error *err) SF_MUST_CHECK;
void sf_reader_close(struct sf_reader *r); /* NULL is fine */

struct sf_walk {
    const char *topic;
    int32_t partition;
    int64_t from; /* as of sf_reader_opts.offset; below the log's start: its start */
    int64_t still_ms;
    sf_message_fn fn;
    void *arg;
    int64_t begin, end; /* answer: of the log */
};

/* Blocking walk for start-up: show every message in [from, end) to fn, where end is the
 * log's end once it has stood still for still_ms (0: as first seen; a log that was never
 * written to needs no wait). Errors: as sf_reader_open, SF_ESTOPPED. */
enum sf_status sf_kafka_walk(const struct sf_conf *conf, struct sf_walk *walk,
                             struct sf_error *err) SF_MUST_CHECK;

/* -------------------------------------------------------------------- group consumer */

struct sf_consumer;

struct sf_consumer_hooks {
    sf_message_fn on_message;
    /* A partition is ours: where to begin. @committed -1: none. [@begin, @end) is the
     * log. Return the offset to start at, or -1 to refuse (the hook has called
     * sf_consumer_fail or the like). */
    int64_t (*on_assign)(void *arg, int32_t partition, int64_t committed, int64_t begin,
                         int64_t end);
    /* Going away: finish or forget its work; offsets stored until now are committed. */
    void (*on_revoke)(void *arg, int32_t partition);
    void (*on_error)(void *arg,
                     const struct sf_error *err); /* for good: auth, topic gone */
    void *arg;
};

/* Subscribe to conf->topic in conf->consumer_group; nothing is committed by itself.
 * Errors: SF_EINVAL, SF_ENOMEM. */
enum sf_status sf_consumer_create(struct sf_loop *loop, const struct sf_conf *conf,
                                  const struct sf_consumer_hooks *hooks,
                                  struct sf_consumer **ret_c,
                                  struct sf_error *err) SF_MUST_CHECK;
void sf_consumer_destroy(struct sf_consumer *c); /* leaves the group; NULL is fine */

/* No messages while paused; membership is kept (heartbeats, polls go on). */
void sf_consumer_pause(struct sf_consumer *c, bool is_paused);
/* Remember that everything below @offset is done; committed every second and at close. */
void sf_consumer_store(struct sf_consumer *c, int32_t partition, int64_t offset);
/* Commit what is stored, now, and wait for it. Errors: SF_EIO, SF_ETIMEOUT. */
enum sf_status sf_consumer_commit(struct sf_consumer *c, int64_t timeout_ms,
                                  struct sf_error *err) SF_MUST_CHECK;
struct sf_progress {
    int64_t committed; /* of the group, -1: none */
    int64_t end;       /* of the log */
};
/* Of every partition of the topic, into @progress of @n_max. Blocking, bounded. For the
 * question whether the whole topic is done. */
enum sf_status sf_consumer_progress(struct sf_consumer *c, struct sf_progress *progress,
                                    int32_t n_max, int32_t *ret_n, int64_t timeout_ms,
                                    struct sf_error *err) SF_MUST_CHECK;
/* Records between the last one shown and the log's end, of our partitions; -1 unknown. */
int64_t sf_consumer_lag(struct sf_consumer *c);

#endif
