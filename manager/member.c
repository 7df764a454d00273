#include "member.h"

#include <stdio.h>
#include <string.h>

#define GRACE_MS           3000 /* from the end of a process to its last event in our hands */
#define EXIT_MS            10000 /* from the last event to the end of the process */
#define KILL_AFTER_MS      10000 /* SIGTERM to SIGKILL: more than a member's last flush */
#define DRAIN_AFTER_MS     900   /* the connector hears of a stop within a second */
#define BACKOFF_FACTOR_MAX 60

static const char *const status_names[] = {
#define STATUS_TEXT(name, text) text,
    STATUS_MAP(STATUS_TEXT)
#undef STATUS_TEXT
};

const char *status_name(enum status status)
{
    return status_names[status];
}

enum status status_find(struct sf_str name)
{
    size_t i = 0;

    while (i < STATUS_N && !sf_str_eq(name, sf_str_from(status_names[i])))
        i++;
    return (enum status)i;
}

/* -------------------------------------------------------------------------- telemetry */

static const char *text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));

    return text ? text : "";
}

void member_text(char *dst, const char *text)
{
    struct sf_str rest = sf_str_from(text);
    size_t n, len = 0;

    while ((n = sf_str_utf8(rest)) > 0 && len + n < MEMBER_TEXT) {
        (void)memcpy(dst + len, rest.p, n);
        rest = sf_str_make(rest.p + n, rest.len - n);
        len += n;
    }
    dst[len] = '\0';
}

static bool find_event(const char *name, enum sf_event *ret_event)
{
    for (int i = SF_EVENT_STARTED; i <= SF_EVENT_PONG; i++)
        if (strcmp(sf_event_name((enum sf_event)i), name) == 0) {
            *ret_event = (enum sf_event)i;
            return true;
        }
    return false;
}

enum sf_status telemetry_parse(const json_t *json, struct telemetry *ret,
                               struct sf_error *err)
{
    struct telemetry t = { .queue_id = text_of(json, "queue_id"),
                           .telemetry_id = text_of(json, "telemetry_id"),
                           .instance = text_of(json, "instance"),
                           .message = text_of(json, "message"),
                           .error = text_of(json, "error_message"),
                           .is_last = json_is_true(json_object_get(json, "finished")),
                           .records = json_integer_value(
                               json_object_get(json, "records_written")),
                           .extra = json_object_get(json, "extra") };
    const char *status = text_of(json, "status");

    if (!t.queue_id[0] || !t.telemetry_id[0] || !t.instance[0] ||
        strlen(t.instance) > SF_SHORT_ID_LEN || !find_event(status, &t.status))
        return sf_error_set(err, SF_EPROTO,
                            "expected queue_id, telemetry_id, instance and a status, not "
                            "'%.20s'",
                            status);
    if (!json_is_object(t.extra))
        t.extra = NULL;
    *ret = t;
    return SF_OK;
}

void member_init(struct member *m, bool is_loader)
{
    *m = (struct member){ .is_loader = is_loader, .offset = -1, .exit_code = -1 };
}

void member_release(struct member *m)
{
    json_decref(m->extra);
    m->extra = NULL;
}

static void begin_instance(struct member *m, const struct telemetry *t)
{
    (void)snprintf(m->instance, sizeof(m->instance), "%s", t->instance);
    m->is_over = m->is_lost = false;
    m->stop_sent = m->pause_sent = false; /* a wish is repeated on every `started` */
    m->error[0] = '\0';
    m->gone_ms = m->over_ms = m->restart_at_ms = 0;
}

bool member_hear(struct member *m, const struct telemetry *t)
{
    bool is_same = strcmp(m->instance, t->instance) == 0;
    bool is_change = !is_same || m->last != t->status;

    if (t->offset <= m->offset || m->is_final)
        return false;
    if (!is_same && m->instance[0] && !m->is_over && t->status != SF_EVENT_STARTED)
        return false; /* last words of one that was replaced */
    m->offset = t->offset;
    if (!is_same)
        begin_instance(m, t);
    m->heard_ms = t->seen_ms;
    if (t->status == SF_EVENT_PONG || t->status == SF_EVENT_GAP)
        return false; /* they say nothing about how it is */
    m->last = t->status;
    m->is_over = t->is_last;
    m->over_ms = t->is_last ? t->seen_ms : 0;
    m->records = t->records;
    member_text(m->message, t->message);
    if (t->error[0])
        member_text(m->error, t->error);
    if (t->extra) {
        json_decref(m->extra);
        m->extra = json_incref(t->extra);
    }
    return is_change || t->is_last;
}

/* ------------------------------------------------------------------------------- steps
 */

/* The instance failed: again after a wait, or never. */
static void fail(struct member *m, const struct member_rules *r)
{
    int64_t factor = m->restarts < 6 ? INT64_C(1) << m->restarts : BACKOFF_FACTOR_MAX;

    m->stop_sent = m->pause_sent = false;
    m->term_ms = m->kill_ms = 0;
    if (r->wish == WISH_STOP || !r->restarts || m->restarts >= r->restart_max ||
        m->exit_code == 2) { /* 2: settings, which do not mend themselves */
        m->is_final = true;
        return;
    }
    m->restarts++;
    m->restart_at_ms = r->now_ms + r->backoff_ms * factor;
}

static enum member_action start_when_due(struct member *m, const struct member_rules *r)
{
    if (r->wish == WISH_STOP) {
        m->is_final = m->is_over = true;
        m->last = SF_EVENT_INTERRUPTED;
        return MEMBER_WAIT;
    }
    return r->now_ms >= m->restart_at_ms ? MEMBER_START : MEMBER_WAIT;
}

/* Its process is gone. */
static enum member_action step_gone(struct member *m, const struct member_rules *r)
{
    if (m->restart_at_ms > 0)
        return start_when_due(m, r);
    if (!m->is_over && m->launched_ms == 0 && !m->instance[0])
        return start_when_due(m, r);
    if (m->gone_ms == 0)
        m->gone_ms = r->now_ms;
    if (!m->is_over) {
        if (r->now_ms - m->gone_ms < GRACE_MS)
            return MEMBER_WAIT;
        m->is_over = true;
        m->over_ms = r->now_ms;
        m->last = SF_EVENT_ERROR;
        if (!m->is_lost)
            (void)snprintf(m->error, sizeof(m->error),
                           "ended without a last event (exit code %d)", m->exit_code);
    }
    if (m->last == SF_EVENT_FINISHED ||
        (m->last == SF_EVENT_INTERRUPTED && r->wish == WISH_STOP))
        m->is_final = true;
    else
        fail(m, r);
    return MEMBER_WAIT;
}

/* Once SIGTERM, then once SIGKILL. */
static enum member_action force(struct member *m, const struct member_rules *r)
{
    if (m->term_ms == 0) {
        m->term_ms = r->now_ms;
        return MEMBER_TERMINATE;
    }
    if (m->kill_ms == 0 && r->now_ms - m->term_ms >= KILL_AFTER_MS) {
        m->kill_ms = r->now_ms;
        return MEMBER_KILL;
    }
    return MEMBER_WAIT;
}

static enum member_action step_stopping(struct member *m, const struct member_rules *r)
{
    int64_t since_ms = r->now_ms - r->wish_ms;

    if (!m->stop_sent &&
        (m->is_loader || r->loader_is_over || since_ms >= DRAIN_AFTER_MS)) {
        m->stop_sent = true;
        return MEMBER_SEND_STOP;
    }
    return since_ms >= r->stop_wait_ms ? force(m, r) : MEMBER_WAIT;
}

static bool is_silent(const struct member *m, const struct member_rules *r)
{
    int64_t heard_ms = m->heard_ms > m->launched_ms ? m->heard_ms : m->launched_ms;

    return m->last != SF_EVENT_PAUSED && r->now_ms - heard_ms >= r->lost_after_ms;
}

static enum member_action step_running(struct member *m, const struct member_rules *r)
{
    m->gone_ms = 0;
    m->restart_at_ms = 0;
    if (m->is_over)
        return r->now_ms - m->over_ms >= EXIT_MS ? force(m, r) : MEMBER_WAIT;
    if (r->wish == WISH_STOP)
        return step_stopping(m, r);
    if (is_silent(m, r) && m->kill_ms == 0) {
        m->is_lost = true;
        m->kill_ms = r->now_ms;
        (void)snprintf(m->error, sizeof(m->error), "silent for %lld s",
                       (long long)(r->lost_after_ms / 1000));
        return MEMBER_KILL;
    }
    if (r->wish == WISH_PAUSE && !m->pause_sent) {
        m->pause_sent = true;
        return MEMBER_SEND_PAUSE;
    }
    if (r->wish == WISH_RUN && (m->pause_sent || m->last == SF_EVENT_PAUSED)) {
        if (!m->pause_sent && r->now_ms - r->wish_ms > 1000)
            return MEMBER_WAIT; /* said already; its answer is under way */
        m->pause_sent = false;
        return MEMBER_SEND_RESUME;
    }
    return MEMBER_WAIT;
}

enum member_action member_step(struct member *m, const struct member_rules *r)
{
    if (m->is_final && !m->is_running)
        return MEMBER_WAIT;
    return m->is_running ? step_running(m, r) : step_gone(m, r);
}

void member_launched(struct member *m, int64_t now_ms)
{
    m->is_running = true;
    m->is_over = m->is_lost = false;
    m->exit_code = -1;
    m->launched_ms = now_ms;
    m->restart_at_ms = m->gone_ms = m->over_ms = m->term_ms = m->kill_ms = 0;
    m->last = SF_EVENT_STARTED;
    m->stop_sent = m->pause_sent = false;
}

void member_not_launched(struct member *m, const struct member_rules *r, const char *why)
{
    m->last = SF_EVENT_ERROR;
    m->is_over = true;
    member_text(m->error, why);
    m->restart_at_ms = 0;
    fail(m, r);
}

/* ---------------------------------------------------------------------------- statuses
 */

enum status member_status(const struct member *m, enum wish wish)
{
    if (m->is_final || m->is_over) {
        bool is_settled = m->is_final || m->last == SF_EVENT_FINISHED;

        if (m->restart_at_ms > 0 && !is_settled)
            return STATUS_STARTING;
        if (m->last == SF_EVENT_FINISHED)
            return STATUS_FINISHED;
        if (m->last == SF_EVENT_INTERRUPTED)
            return STATUS_INTERRUPTED;
        return m->is_lost ? STATUS_LOST : STATUS_ERROR;
    }
    if (wish == WISH_STOP)
        return STATUS_STOPPING;
    if (m->is_lost)
        return STATUS_LOST;
    if (!m->instance[0] || m->last == SF_EVENT_STARTED)
        return STATUS_STARTING;
    return m->last == SF_EVENT_PAUSED ? STATUS_PAUSED : STATUS_LOADING;
}

static bool is_end(enum status s)
{
    return s == STATUS_FINISHED || s == STATUS_INTERRUPTED || s == STATUS_ERROR ||
           s == STATUS_LOST;
}

/* What a queue is when its members differ: the first of these that one of them has. */
static const enum status worst_first[] = { STATUS_ERROR,       STATUS_LOST,
                                           STATUS_STARTING,    STATUS_STOPPING,
                                           STATUS_PAUSED,      STATUS_LOADING,
                                           STATUS_INTERRUPTED, STATUS_FINISHED };

enum status queue_status(const struct member *members, size_t n, enum wish wish,
                         bool is_history)
{
    bool has[STATUS_N] = { false };
    bool is_over = true;

    for (size_t i = 0; i < n; i++) {
        enum status s = member_status(&members[i], wish);

        has[s] = true;
        is_over = is_over && is_end(s);
    }
    if (wish == WISH_STOP && !is_over)
        return STATUS_STOPPING;
    for (size_t i = 0; i < sizeof(worst_first) / sizeof(worst_first[0]); i++)
        if (has[worst_first[i]])
            return worst_first[i] == STATUS_LOADING && !is_history ? STATUS_LIVE
                                                                   : worst_first[i];
    return STATUS_STARTING;
}
