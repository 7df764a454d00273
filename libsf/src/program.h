/* What the lives of loaders and connectors share: options, settings, signals, Kafka,
 * telemetry, control, admin endpoint, the last event and the exit code.
 *
 * The order of a life (DESIGN sections 6 and 9):
 *   sf_program_begin   options, settings, signals       -> may end the process (exit 0 or
 * 2) sf_program_open    producer, control at its end, telemetry, `started`, admin
 * endpoint sf_program_run     the loop, until somebody calls sf_program_end
 *   sf_program_close   the last event, delivered; everything freed; the exit code
 * A failure anywhere between goes through sf_program_fail, so that it is logged once and
 * told in one `error` event. One thread. */
#ifndef SF_PROGRAM_H
#define SF_PROGRAM_H

#include <sf/admin.h>
#include <sf/control.h>
#include <sf/event.h>
#include <sf/metrics.h>
#include <sf/stop.h>

#define SF_PROGRAM_KAFKA_MS      30000 /* start-up: how long a broker may stay silent */
#define SF_PROGRAM_STOP_FLUSH_MS 10000 /* at the end: for what is under way */
#define SF_PROGRAM_LAST_EVENT_MS 5000  /* at the end: for the last event */

/* Why the loop ended. The first reason stays, but a failure replaces any. */
enum sf_outcome {
    SF_RUNNING,
    SF_OUTCOME_FINISHED,
    SF_OUTCOME_STOPPED,   /* by command */
    SF_OUTCOME_SIGNALLED, /* SIGTERM, SIGINT */
    SF_OUTCOME_FAILED,
};

struct sf_program_hooks {
    void (*on_pause)(void *arg, bool is_paused);
    void (*on_stop)(void *arg); /* stop command: NULL ends the loop at once */
    void (*on_room)(void *arg); /* the producer has room again */
    /* Members for `loading` events, each with a comma before it; records_written. */
    int64_t (*on_report)(void *arg, struct sf_buf *extra);
    bool (*is_ready)(void *arg, struct sf_buf *why);
    void *arg;
};

struct sf_program {
    const char *image;
    struct sf_conf conf;
    struct sf_loop *loop;
    struct sf_producer *producer;
    struct sf_telemetry *telemetry;
    struct sf_control *control;
    struct sf_admin *admin;
    struct sf_watch *stop_watch;
    struct sf_timer *report_timer;
    struct sf_program_hooks hooks;
    enum sf_outcome outcome;
    struct sf_error failure; /* of SF_OUTCOME_FAILED */
    int64_t begun_us;
    int64_t reported_us, reported_records; /* for the rate */
    bool is_paused;
    const char *note; /* message of `loading` events while something lasts; or NULL */
};

/* Returns true when the program shall go on; else *ret_code is the exit code. */
bool sf_program_begin(struct sf_program *p, const char *image, const char *what,
                      unsigned scopes, int argc, char **argv, int *ret_code);
/* On failure the error is in p->failure: sf_program_stop_or_fail, then sf_program_close.
 */
enum sf_status sf_program_open(struct sf_program *p,
                               const struct sf_program_hooks *hooks) SF_MUST_CHECK;
/* Serve the loop until sf_program_end or sf_program_fail. */
void sf_program_run(struct sf_program *p);
/* Leave the loop with this reason; callable from any callback. */
void sf_program_end(struct sf_program *p, enum sf_outcome outcome);
void sf_program_fail(struct sf_program *p, const struct sf_error *err);
/* A start-up step returned an error (in p->failure): a stop that was asked for ends the
 * program as such, anything else is a failure. */
void sf_program_stop_or_fail(struct sf_program *p);
/* Make the queue's data topic unless it exists: as many partitions as the settings say,
 * else one a symbol, at most 8. Errors: as sf_kafka_ensure_topic, in p->failure. */
enum sf_status sf_program_data_topic(struct sf_program *p,
                                     int32_t *ret_partitions) SF_MUST_CHECK;
/* Send an event now; @extra: a JSON object or empty. */
void sf_program_tell(struct sf_program *p, enum sf_event event, const char *message,
                     struct sf_str extra);
/* Wait until all records are delivered; true when they are. Bounded by @timeout_ms, or
 * for as long as no stop is asked for (-1). Not from a callback. */
bool sf_program_flush(struct sf_program *p, int64_t timeout_ms);
/* The last event, free everything. @message: for the last event (NULL: a plain one). */
int sf_program_close(struct sf_program *p, const char *message);

#endif
