#include "live.h"

#include "api.h"

#include <sf/wsd.h>

#include <stdio.h>
#include <stdlib.h>

#define FILTER_SIZE ((size_t)4096)       /* ids of a client's queues, and commas */
#define MESSAGE_MAX ((size_t)4096)       /* of a client, which has nothing to say */
#define WAITING_MAX ((size_t)1 << 20)    /* bytes for a client that does not read */
#define REPLAY_STEP ((size_t)128 * 1024) /* bytes of the past at once */
#define PING_MS     20000
#define TRUNCATED   "{\"truncated\":true}"

struct live_client {
    struct live_client *next;
    struct manager *m;
    struct sf_wsd *ws;
    bool is_sse;   /* server-sent events, no WebSocket */
    bool is_live;  /* else it is still being told what it missed */
    int64_t after; /* offset that it knows */
    char queue_ids[FILTER_SIZE];
    char pipeline_id[SF_NAME_MAX + 1];
};

/* ---------------------------------------------------------------------------- messages
 */

static bool wants(const struct live_client *c, const struct queue *q)
{
    struct sf_str ids = sf_str_from(c->queue_ids);

    if (q->is_held ||
        (c->pipeline_id[0] && strcmp(c->pipeline_id, q->spec.pipeline_id) != 0))
        return false;
    if (ids.len == 0)
        return true;
    while (ids.len > 0)
        if (sf_str_eq(sf_str_trim(sf_str_cut(ids, ',', &ids)),
                      sf_str_from(q->spec.queue_id)))
            return true;
    return false;
}

/* NULL: out of memory. @event NULL: the status alone. */
static char *message(const struct queue *q, const char *status, json_t *event, int64_t id)
{
    json_t *body = json_pack("{s:I, s:s, s:s, s:s, s:O*}", "id", (json_int_t)id,
                             "queue_id", q->spec.queue_id, "status", status, "wish",
                             wish_name(q->wish), "event", event);
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;

    json_decref(body);
    return text;
}

/* False: @c is closing. */
static bool say(struct live_client *c, const char *text, int64_t id)
{
    struct sf_buf b;
    bool is_sent;

    if (!c->is_sse)
        return sf_wsd_send(c->ws, sf_str_from(text), false);
    sf_buf_init(&b, WAITING_MAX);
    sf_buf_addf(&b, "id: %lld\ndata: ", (long long)id);
    sf_buf_add_str(&b, sf_str_from(text)); /* JSON_COMPACT: one line */
    sf_buf_add_lit(&b, "\n\n");
    is_sent =
        sf_buf_status(&b, NULL) == SF_OK && sf_wsd_send(c->ws, sf_buf_str(&b), false);
    sf_buf_release(&b);
    return is_sent;
}

static void tell(struct manager *m, const struct queue *q, const char *status,
                 json_t *event, int64_t id)
{
    char *text = NULL;

    for (struct live_client *c = m->live; c; c = c->next) {
        if (!c->is_live || !wants(c, q))
            continue;
        if (!text)
            text = message(q, status, event, id);
        if (!text)
            return;
        (void)say(c, text, id);
    }
    free(text);
}

void live_event(struct manager *m, const struct queue *q, json_t *event, int64_t offset)
{
    tell(m, q, status_name(q->status), event, offset);
}

void live_status(struct manager *m, const struct queue *q, const char *status)
{
    tell(m, q, status, NULL, m->position - 1);
}

/* ------------------------------------------------------------------------------ replay
 */

struct past {
    int64_t offset;
    const struct queue *q;
    json_t *event;
};

/* Is some of what it missed not kept any more? */
static bool is_truncated(const struct live_client *c)
{
    for (size_t k = 0; k < c->m->queues_n; k++) {
        const struct queue *q = c->m->queues[k];

        if (wants(c, q) && q->events_n == (size_t)c->m->conf.events_keep &&
            queue_heard(c->m, q, 0)->offset > c->after)
            return true;
    }
    return false;
}

static int by_offset(const void *a, const void *b)
{
    const struct past *x = a, *y = b;

    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* What @c missed, to @ret (NULL: only count). */
static size_t missed(const struct live_client *c, struct past *ret)
{
    size_t n = 0;

    for (size_t k = 0; k < c->m->queues_n; k++) {
        const struct queue *q = c->m->queues[k];

        for (size_t i = 0; wants(c, q) && i < q->events_n; i++) {
            const struct heard *h = queue_heard(c->m, q, i);

            if (h->offset <= c->after)
                continue;
            if (ret)
                ret[n] = (struct past){ h->offset, q, h->event };
            n++;
        }
    }
    return n;
}

/* The next of what it missed, as much as may wait; then it is live. */
static void replay(struct live_client *c)
{
    size_t n = missed(c, NULL);
    struct past *all = n > 0 ? calloc(n, sizeof(*all)) : NULL;

    if (n > 0 && !all) {
        sf_wsd_close(c->ws, SF_WSD_GOING_AWAY, SF_STR("out of memory"));
        return;
    }
    if (all) {
        (void)missed(c, all);
        qsort(all, n, sizeof(*all), by_offset);
    }
    for (size_t i = 0; i < n && sf_wsd_waiting(c->ws) < REPLAY_STEP; i++) {
        char *text =
            message(all[i].q, status_name(all[i].q->status), all[i].event, all[i].offset);

        if (!text || !say(c, text, all[i].offset))
            i = n;
        else
            c->after = all[i].offset;
        free(text);
    }
    c->is_live = missed(c, NULL) == 0;
    free(all);
}

/* ------------------------------------------------------------------------------ clients
 */

static void on_drained(void *arg, struct sf_wsd *ws)
{
    struct live_client *c = arg;

    (void)ws;
    if (!c->is_live)
        replay(c);
}

static void on_closed(void *arg, struct sf_wsd *ws, int code)
{
    struct live_client *c = arg, **at = &c->m->live;

    (void)ws;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    c->m->live_n--;
    sf_log(SF_LOG_DEBUG, "follower_gone", SF_LOG_I("code", code));
    free(c);
}

/* What is wrong with the request was answered: false. */
static bool read_wishes(struct live_client *c, struct sf_httpd_req *req)
{
    struct sf_str last = sf_httpd_header(req, "Last-Event-ID");

    if (!api_param_int(req, "after", -1, INT64_MAX, INT64_MAX, &c->after))
        return false;
    if (c->is_sse && last.len > 0 && sf_str_to_i64(last, &c->after) != SF_OK) {
        api_refuse(req, 400, "Last-Event-ID: expected an integer", NULL);
        return false;
    }
    if (api_param(req, "queue_id", c->queue_ids, sizeof(c->queue_ids)) &&
        c->queue_ids[0] == '\0') {
        api_refuse(req, 400, "queue_id: expected ids of queues, with commas between them",
                   NULL);
        return false;
    }
    (void)api_param(req, "pipeline_id", c->pipeline_id, sizeof(c->pipeline_id));
    return true;
}

static enum sf_status take(struct live_client *c, struct sf_httpd_req *req)
{
    struct sf_wsd_opts opts = { .message_max = MESSAGE_MAX,
                                .waiting_max = WAITING_MAX,
                                .ping_ms = PING_MS,
                                .frames_per_s = SF_WSD_FRAMES_MAX,
                                .on_drained = on_drained,
                                .on_closed = on_closed,
                                .arg = c };

    return c->is_sse ? sf_wsd_stream(req, "text/event-stream", &opts, &c->ws, NULL)
                     : sf_wsd_accept(req, &opts, &c->ws, NULL);
}

static void admit(struct manager *m, struct sf_httpd_req *req, bool is_sse)
{
    struct live_client *c;

    if (m->live_n >= (size_t)m->conf.streams_max) {
        api_refuse(req, 429, "STREAMS_MAX clients follow already", NULL);
        return;
    }
    c = calloc(1, sizeof(*c));
    if (!c) {
        api_refuse(req, 500, "out of memory", NULL);
        return;
    }
    c->m = m;
    c->is_sse = is_sse;
    if (!read_wishes(c, req) || take(c, req) != SF_OK) {
        free(c);
        return;
    }
    c->next = m->live;
    m->live = c;
    m->live_n++;
    if (is_truncated(c))
        (void)say(c, TRUNCATED, c->after);
    replay(c);
}

void api_ws_events(struct manager *m, struct sf_httpd_req *req, struct queue *q)
{
    (void)q;
    if (sf_wsd_is_upgrade(req))
        admit(m, req, false);
    else
        api_refuse(req, 426, "expected a WebSocket handshake", NULL);
}

void api_sse_events(struct manager *m, struct sf_httpd_req *req, struct queue *q)
{
    const struct sf_httpd_answer head = { .status = 200,
                                          .content_type = "text/event-stream" };

    (void)q;
    if (sf_str_eq(sf_httpd_method(req), SF_STR("HEAD")))
        sf_httpd_reply(req, &head);
    else
        admit(m, req, true);
}
