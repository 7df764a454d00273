/* What the kafka_*.c files share: one librdkafka instance with its troubles, and blocking
 * start-up steps that notice a stop. */
#ifndef SF_KAFKA_INTERNAL_H
#define SF_KAFKA_INTERNAL_H

#include <sf/kafka.h>

#include <librdkafka/rdkafka.h>

struct sf_kafka_prop {
    const char *name, *value; /* name NULL ends a table */
};

/* Lives in its owner at a fixed address: librdkafka's callbacks get it as their opaque.
 */
struct sf_kafka_client {
    rd_kafka_t *rk;
    const struct sf_conf *conf;
    struct sf_loop *loop;       /* NULL: used by blocking calls only */
    rd_kafka_queue_t *events;   /* the instance's own: errors, delivery reports */
    rd_kafka_queue_t *messages; /* of consumers, else NULL. They are never forwarded */
    struct sf_wake *wake;
    struct sf_timer *tick;

    struct sf_error fatal;   /* librdkafka gave up */
    struct sf_error refused; /* the broker, or TLS, turned us away */
    int64_t refused_us;      /* since when */
    bool is_refused_long;    /* again, and again without success in between */
    char trouble[256];       /* the last transient failure, for the text of a time-out */

    int64_t next_warn_us; /* of librdkafka's log, one a second */
};

/* Create the instance: settings every client (of this type) has, then @props, then what
 * @setup adds (callbacks; may be NULL). @c must be zeroed. Errors: SF_EINVAL. */
enum sf_status sf_kafka_open(struct sf_kafka_client *c, rd_kafka_type_t type,
                             const struct sf_conf *conf,
                             const struct sf_kafka_prop *props,
                             void (*setup)(rd_kafka_conf_t *kc), struct sf_error *err);
/* Call @serve(@arg) on the loop whenever one of the queues has something, and now and
 * then. Errors: SF_ENOMEM. */
enum sf_status sf_kafka_attach(struct sf_kafka_client *c, struct sf_loop *loop,
                               void (*serve)(void *arg), void *arg, struct sf_error *err);
void sf_kafka_detach(struct sf_kafka_client *c);
/* Detach and destroy, within seconds; a half-open or zeroed client is fine. */
void sf_kafka_close(struct sf_kafka_client *c, int destroy_flags);

enum sf_status sf_kafka_status(rd_kafka_resp_err_t rc);
/* Something worked: a refusal before it was passing. */
void sf_kafka_worked(struct sf_kafka_client *c);
/* For good: fatal, or refused for long. The text is in *ret_err. */
bool sf_kafka_is_dead(const struct sf_kafka_client *c, struct sf_error *ret_err);

/* A blocking step, made of librdkafka calls of slice_ms each. */
struct sf_kafka_wait {
    struct sf_kafka_client *c;
    int64_t timeout_ms, until_us;
    int slice_ms; /* for the next call; grows when a broker answers slowly */
};
void sf_kafka_wait_begin(struct sf_kafka_wait *w, struct sf_kafka_client *c,
                         int64_t timeout_ms);
/* After a call returned @rc, which is worth another try: serves callbacks, naps a little
 * and returns SF_OK to try again. Errors: SF_ESTOPPED, SF_EAUTH, SF_EIO (TLS, or no
 * broker answered in time), SF_ETIMEOUT, SF_EFATAL; the text tells @what was tried. */
enum sf_status sf_kafka_wait_more(struct sf_kafka_wait *w, rd_kafka_resp_err_t rc,
                                  const char *what, struct sf_error *err);
/* Is @rc of the kind that passes by itself? */
bool sf_kafka_is_transient(rd_kafka_resp_err_t rc);

/* First and next offset of the partitions in @list, into @ret_begin and @ret_end (either
 * may be NULL), which have the list's length. One request to each leader and end. */
enum sf_status sf_kafka_log_ends(struct sf_kafka_wait *w,
                                 const rd_kafka_topic_partition_list_t *list,
                                 int64_t *ret_begin, int64_t *ret_end,
                                 struct sf_error *err);
/* How many partitions @topic has. Errors: SF_ENOTFOUND, and as sf_kafka_wait_more. */
enum sf_status sf_kafka_partitions(struct sf_kafka_wait *w, const char *topic,
                                   int32_t *ret_n, struct sf_error *err);

struct sf_kafka_client *sf_producer_client(struct sf_producer *p);
/* As sf_producer_send, even when the queue is full: for the few records that tell how it
 * goes. */
enum sf_status sf_producer_send_anyway(struct sf_topic *topic,
                                       const struct sf_outgoing *out,
                                       struct sf_error *err) SF_MUST_CHECK;
/* No on_done is called with @arg any more: its owner goes. */
void sf_producer_forget(struct sf_producer *p, const void *arg);

/* Show @rkm to @fn. */
void sf_kafka_show(const rd_kafka_message_t *rkm, sf_message_fn fn, void *arg);
/* librdkafka 2.0.2 looks up to a second later whether a full queue has room again; this
 * makes it look now. */
void sf_kafka_fetch_now(struct sf_kafka_client *c);

#endif
