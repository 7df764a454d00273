/* Telemetry: what a process tells the world about its queue (DESIGN section 6).
 *
 * One JSON object an event on conf->events_topic, key = queue_id. Loop thread only. */
#ifndef SF_EVENT_H
#define SF_EVENT_H

#include <sf/kafka.h>

#define SF_EVENT_MAP(X)           \
    X(STARTED, "started")         \
    X(LOADING, "loading")         \
    X(PAUSED, "paused")           \
    X(GAP, "gap")                 \
    X(FINISHED, "finished")       \
    X(INTERRUPTED, "interrupted") \
    X(ERROR, "error")             \
    X(PONG, "pong")

enum sf_event {
#define SF_EVENT_ENUM(name, text) SF_EVENT_##name,
    SF_EVENT_MAP(SF_EVENT_ENUM)
#undef SF_EVENT_ENUM
};
const char *sf_event_name(enum sf_event event);

struct sf_telemetry;

/* Ensures conf->events_topic (one partition). @image: target. Borrows all three. Errors:
 * as sf_kafka_ensure_topic. */
enum sf_status sf_telemetry_create(struct sf_producer *p, const struct sf_conf *conf,
                                   const char *image, struct sf_telemetry **ret_t,
                                   struct sf_error *err) SF_MUST_CHECK;
void sf_telemetry_destroy(struct sf_telemetry *t);               /* NULL is fine */
const char *sf_telemetry_instance(const struct sf_telemetry *t); /* 6 characters */

struct sf_event_fields {
    enum sf_event event;
    bool is_last; /* finished: true. At most one an instance: a second is dropped */
    const char *message;        /* for people */
    int64_t records_written;    /* by this instance */
    const struct sf_error *err; /* error_message; NULL: none */
    struct sf_str extra;        /* a JSON object, or empty */
};

/* Queue an event. When the queue is full it waits inside (one `loading` is replaced by
 * the next, others are kept, at most 1000). */
void sf_telemetry_send(struct sf_telemetry *t, const struct sf_event_fields *fields);

#endif
