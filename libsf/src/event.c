/* Events go beside the producer's bound, a few at a time: a full data queue must not keep
 * a process from telling that it waits, and a broker that is away for hours must not pile
 * them up. */
#include "kafka_internal.h"

#include <sf/event.h>
#include <sf/scan.h>
#include <sf/time.h>

#include <stdlib.h>
#include <string.h>

#define ENSURE_TIMEOUT_MS 30000
#define FLYING_MAX        16   /* handed to the producer and not confirmed */
#define WAITING_MAX       1000 /* behind them; a day of a broker's absence makes fewer */
#define EVENT_MAX_BYTES   262144

struct waiting {
    struct waiting *next;
    enum sf_event event;
    size_t len;
    char json[];
};

struct sf_telemetry {
    struct sf_producer *p;
    const struct sf_conf *conf;
    const char *image;
    struct sf_topic *topic;
    char instance[SF_SHORT_ID_LEN + 1];
    bool is_finished;
    size_t flying_n, waiting_n;
    struct waiting *first;
    struct sf_buf json;
};

const char *sf_event_name(enum sf_event event)
{
    static const char *const names[] = {
#define SF_EVENT_TEXT(name, text) text,
        SF_EVENT_MAP(SF_EVENT_TEXT)
#undef SF_EVENT_TEXT
    };

    return names[event];
}

enum sf_status sf_telemetry_create(struct sf_producer *p, const struct sf_conf *conf,
                                   const char *image, struct sf_telemetry **ret_t,
                                   struct sf_error *err)
{
    struct sf_topic_spec spec = { conf->events_topic, 1, (int32_t)conf->topic_replication,
                                  0 };
    struct sf_telemetry *t = calloc(1, sizeof(*t));
    int32_t partitions;
    enum sf_status status;

    if (!t)
        return sf_error_set(err, SF_ENOMEM, "no memory for telemetry");
    t->p = p;
    t->conf = conf;
    t->image = image;
    sf_buf_init(&t->json, EVENT_MAX_BYTES);
    status = sf_name_short_id(t->instance, err);
    if (status == SF_OK)
        status = sf_kafka_ensure_topic(p, &spec, conf->topic_create != 0,
                                       ENSURE_TIMEOUT_MS, &partitions, err);
    if (status == SF_OK)
        status = sf_producer_topic(p, conf->events_topic, &t->topic, err);
    if (status != SF_OK) {
        sf_telemetry_destroy(t);
        return status;
    }
    *ret_t = t;
    return SF_OK;
}

void sf_telemetry_destroy(struct sf_telemetry *t)
{
    if (!t)
        return;
    sf_producer_forget(t->p, t);
    while (t->first) {
        struct waiting *w = t->first;

        t->first = w->next;
        free(w);
    }
    sf_buf_release(&t->json);
    free(t);
}

const char *sf_telemetry_instance(const struct sf_telemetry *t)
{
    return t->instance;
}

/* --------------------------------------------------------------------------- writing */

/* First bytes of UTF-8 characters (RFC 3629), and what their second byte may be. */
static const struct {
    unsigned char from, to, len, second_from, second_to;
} utf8[] = {
    { 0x00, 0x7f, 1, 0x00, 0x00 }, { 0xc2, 0xdf, 2, 0x80, 0xbf },
    { 0xe0, 0xe0, 3, 0xa0, 0xbf }, { 0xe1, 0xec, 3, 0x80, 0xbf },
    { 0xed, 0xed, 3, 0x80, 0x9f }, { 0xee, 0xef, 3, 0x80, 0xbf },
    { 0xf0, 0xf0, 4, 0x90, 0xbf }, { 0xf1, 0xf3, 4, 0x80, 0xbf },
    { 0xf4, 0xf4, 4, 0x80, 0x8f },
};

/* Length of the character at @p, 0 when there is none. Texts of errors are clipped and
 * come from anywhere; JSON must be UTF-8. */
static size_t utf8_len(const unsigned char *p, size_t left)
{
    size_t row = 0, rows = sizeof(utf8) / sizeof(utf8[0]);

    while (row < rows && (p[0] < utf8[row].from || p[0] > utf8[row].to))
        row++;
    if (row == rows || utf8[row].len > left)
        return 0;
    if (utf8[row].len > 1 && (p[1] < utf8[row].second_from || p[1] > utf8[row].second_to))
        return 0;
    for (size_t i = 2; i < utf8[row].len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return utf8[row].len;
}

static void put_text(struct sf_buf *b, const char *name, const char *text)
{
    struct sf_str s = sf_str_from(text);
    size_t plain = 0, i = 0;

    sf_buf_addf(b, "%c\"%s\":\"", b->len > 0 ? ',' : '{', name);
    while (i < s.len) {
        size_t n = utf8_len((const unsigned char *)s.p + i, s.len - i);

        if (n == 0) {
            sf_buf_add_json(b, sf_str_make(s.p + plain, i - plain));
            sf_buf_add_char(b, '?');
            plain = i + 1;
        }
        i += n == 0 ? 1 : n;
    }
    sf_buf_add_json(b, sf_str_make(s.p + plain, s.len - plain));
    sf_buf_add_char(b, '"');
}

static bool is_json_object(struct sf_str json)
{
    struct sf_scan scan;
    enum sf_token token;

    sf_scan_init(&scan, json);
    if (sf_scan_next(&scan) != SF_TOK_OBJECT)
        return false;
    do
        token = sf_scan_next(&scan);
    while (token != SF_TOK_END && token != SF_TOK_ERROR);
    return token == SF_TOK_END;
}

static void write_event(struct sf_telemetry *t, const struct sf_event_fields *f)
{
    const struct sf_conf *conf = t->conf;
    int64_t now_ms = sf_time_now_ms();
    struct sf_buf *b = &t->json;

    sf_buf_clear(b);
    put_text(b, "queue_id", conf->queue_id);
    put_text(b, "telemetry_id", conf->telemetry_id);
    put_text(b, "instance", t->instance);
    put_text(b, "producer", conf->telemetry_id);
    put_text(b, "target", t->image);
    put_text(b, "symbol", conf->subject);
    put_text(b, "type", conf->type);
    put_text(b, "status", sf_event_name(f->event));
    put_text(b, "message", f->message);
    sf_buf_addf(b, ",\"records_written\":%lld,\"finished\":%s,\"timestamp\":%lld.%03d",
                (long long)f->records_written, f->is_last ? "true" : "false",
                (long long)(now_ms / 1000), (int)(now_ms % 1000));
    if (f->err)
        put_text(b, "error_message", f->err->text);
    if (f->extra.len > 0) {
        sf_buf_add_lit(b, ",\"extra\":");
        sf_buf_add_str(b, f->extra);
    }
    sf_buf_add_char(b, '}');
}

/* --------------------------------------------------------------------------- sending */

static void drain(struct sf_telemetry *t);

static void on_done(void *arg, enum sf_status status)
{
    struct sf_telemetry *t = arg;

    t->flying_n--;
    if (status != SF_OK)
        sf_log(SF_LOG_WARN, "event_lost", SF_LOG_S("status", sf_status_name(status)));
    drain(t);
}

static void hand_over(struct sf_telemetry *t, struct sf_str json)
{
    struct sf_outgoing out = {
        .partition = SF_PARTITION_BY_KEY,
        .key = sf_str_from(t->conf->queue_id),
        .value = json,
        .has_value = true,
        .on_done = on_done,
        .arg = t,
    };
    struct sf_error err = { 0 };

    if (sf_producer_send_anyway(t->topic, &out, &err) == SF_OK)
        t->flying_n++;
    else
        sf_log_error(SF_LOG_WARN, "event_lost", &err);
}

static void drain(struct sf_telemetry *t)
{
    while (t->first && t->flying_n < FLYING_MAX) {
        struct waiting *w = t->first;

        t->first = w->next;
        t->waiting_n--;
        hand_over(t, sf_str_make(w->json, w->len));
        free(w);
    }
}

static void drop_waiting(struct sf_telemetry *t, struct waiting **at)
{
    struct waiting *w = *at;

    *at = w->next;
    t->waiting_n--;
    free(w);
}

/* At the end of the line; an older `loading` gives way, the oldest when it is too long.
 */
static void wait_in_line(struct sf_telemetry *t, enum sf_event event, struct sf_str json)
{
    struct waiting **at = &t->first;
    struct waiting *w = malloc(sizeof(*w) + json.len);

    if (!w) {
        sf_log(SF_LOG_WARN, "event_lost", SF_LOG_S("status", "ENOMEM"));
        return;
    }
    w->next = NULL;
    w->event = event;
    w->len = json.len;
    memcpy(w->json, json.p, json.len);
    if (t->waiting_n >= WAITING_MAX) {
        sf_log(SF_LOG_WARN, "event_lost", SF_LOG_S("status", "EFULL"));
        drop_waiting(t, &t->first);
    }
    while (*at)
        if (event == SF_EVENT_LOADING && (*at)->event == SF_EVENT_LOADING)
            drop_waiting(t, at);
        else
            at = &(*at)->next;
    *at = w;
    t->waiting_n++;
}

void sf_telemetry_send(struct sf_telemetry *t, const struct sf_event_fields *fields)
{
    struct sf_event_fields f = *fields;
    struct sf_error err = { 0 };

    if (t->is_finished) {
        sf_log(SF_LOG_DEBUG, "event_after_last",
               SF_LOG_S("status", sf_event_name(f.event)));
        return;
    }
    t->is_finished = f.is_last;
    if (f.extra.len > 0 && !is_json_object(f.extra)) {
        sf_log(SF_LOG_WARN, "event_extra_malformed", SF_LOG_V("extra", f.extra));
        f.extra = SF_STR_EMPTY;
    }
    write_event(t, &f);
    if (sf_buf_status(&t->json, &err) != SF_OK)
        sf_log_error(SF_LOG_WARN, "event_lost", &err);
    else if (t->flying_n < FLYING_MAX && !t->first)
        hand_over(t, sf_buf_str(&t->json));
    else
        wait_in_line(t, f.event, sf_buf_str(&t->json));
}
