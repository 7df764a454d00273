/* One loader or connector of a queue as its telemetry and its launcher tell it, and what
 * has to be done about it next. Pure: no clock, no I/O; any thread. */
#ifndef MANAGER_MEMBER_H
#define MANAGER_MEMBER_H

#include <sf/event.h>

#include <jansson.h>

/* One event of the topic, lent from its JSON. */
struct telemetry {
    const char *queue_id, *telemetry_id, *instance, *message, *error;
    enum sf_event status;
    bool is_last;
    int64_t records, offset;
    int64_t seen_ms; /* by the manager's clock */
    json_t *extra;   /* or NULL */
};

/* Errors: SF_EPROTO not an event of ours. Lends from @json. */
enum sf_status telemetry_parse(const json_t *json, struct telemetry *ret,
                               struct sf_error *err) SF_MUST_CHECK;

enum wish { WISH_RUN, WISH_PAUSE, WISH_STOP };

#define STATUS_MAP(X)             \
    X(STARTING, "starting")       \
    X(LOADING, "loading")         \
    X(LIVE, "live")               \
    X(PAUSED, "paused")           \
    X(STOPPING, "stopping")       \
    X(FINISHED, "finished")       \
    X(INTERRUPTED, "interrupted") \
    X(ERROR, "error")             \
    X(LOST, "lost")
enum status {
#define STATUS_ENUM(name, text) STATUS_##name,
    STATUS_MAP(STATUS_ENUM)
#undef STATUS_ENUM
        STATUS_N
};
const char *status_name(enum status status);
/* STATUS_N: no such name. */
enum status status_find(struct sf_str name);

#define MEMBER_TEXT 256
/* Copy @text to @dst of MEMBER_TEXT bytes, clipped between two characters of UTF-8. */
void member_text(char *dst, const char *text);

struct member {
    bool is_loader;
    /* of the last instance that was heard */
    char instance[SF_SHORT_ID_LEN + 1]; /* "" none yet */
    enum sf_event last;
    bool is_over;            /* its last event was seen, or it ended without one */
    int64_t records, offset; /* offset: of the last event that counted, -1 none */
    char message[MEMBER_TEXT], error[MEMBER_TEXT];
    json_t *extra; /* of the last event that had one; owned */
    int64_t heard_ms;
    /* of the launcher */
    bool is_running;
    int exit_code;                         /* -1 unknown */
    int64_t launched_ms, gone_ms, over_ms; /* 0: not yet */
    /* what was done about it */
    bool is_final; /* nothing will change any more */
    bool is_lost;
    int restarts;
    int64_t restart_at_ms;
    bool stop_sent, pause_sent;
    int64_t term_ms, kill_ms;
};

void member_init(struct member *m, bool is_loader);
void member_release(struct member *m);

/* Take @t into account. True when the status changed, false for mere progress, older
 * events and other instances. */
bool member_hear(struct member *m, const struct telemetry *t);

struct member_rules {
    enum wish wish;
    int64_t wish_ms; /* when it was wished */
    int64_t now_ms;
    bool loader_is_over; /* or there is none */
    bool restarts;
    int restart_max;
    int64_t backoff_ms, lost_after_ms, stop_wait_ms;
};

enum member_action {
    MEMBER_WAIT,
    MEMBER_START, /* launch; then member_launched() */
    MEMBER_SEND_STOP,
    MEMBER_SEND_PAUSE,
    MEMBER_SEND_RESUME,
    MEMBER_TERMINATE, /* SIGTERM */
    MEMBER_KILL,
};

/* What to do now. Changes @m to remember that it was asked for. */
enum member_action member_step(struct member *m, const struct member_rules *r);
void member_launched(struct member *m, int64_t now_ms);
/* It could not be launched, for good or until the next try. */
void member_not_launched(struct member *m, const struct member_rules *r, const char *why);

enum status member_status(const struct member *m, enum wish wish);

/* The one status of a queue. @is_history: it loads, else it is live. */
enum status queue_status(const struct member *members, size_t n, enum wish wish,
                         bool is_history);

#endif
