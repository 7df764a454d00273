#include "kafka_mock.h"
#include "oom.h"
#include "runner.h"

#include <sf/event.h>
#include <sf/time.h>

#include <jansson.h>

#include <ctype.h>
#include <string.h>

#define QUEUE "loader-btcusdt-api_candles_5m-2024_06_01-abc123"
#define IMAGE "loader-api-candles"

static char events_topic[] = "queue-events", queue_id[] = QUEUE,
            type[] = "api_candles_5m";
static struct mock mock;
static struct sf_conf conf;
static struct sf_loop *loop;
static struct sf_producer *p;
static struct sf_telemetry *t;

static void nothing(void *arg)
{
    (void)arg;
}

static void on_fatal(void *arg, const struct sf_error *err)
{
    (void)arg;
    (void)err;
}

static void start(void)
{
    static const struct sf_producer_hooks hooks = { nothing, on_fatal, NULL };

    mock_start(&mock);
    mock_topic(&mock, events_topic, 1);
    mock_conf(&conf, mock.brokers);
    conf.events_topic = events_topic;
    conf.queue_id = queue_id;
    conf.type = type;
    ck_assert(sf_str_copy(SF_STR(IMAGE "__abc123"), conf.telemetry_id,
                          sizeof(conf.telemetry_id)));
    ck_assert(sf_str_copy(SF_STR("BTCUSDT"), conf.subject, sizeof(conf.subject)));
    ck_assert_int_eq(sf_loop_create(&loop, NULL), SF_OK);
    ck_assert_int_eq(sf_producer_create(loop, &conf, &hooks, &p, NULL), SF_OK);
    ck_assert_int_eq(sf_telemetry_create(p, &conf, IMAGE, &t, NULL), SF_OK);
}

static void stop(void)
{
    sf_telemetry_destroy(t);
    sf_producer_destroy(p);
    mock_stop(&mock);
    sf_loop_destroy(loop);
}

/* The events that are in the topic. */
static json_t *events;
static char raw[4096], key[128];

static void on_message(void *arg, const struct sf_message *msg)
{
    (void)arg;
    ck_assert(sf_str_copy(msg->key, key, sizeof(key)));
    ck_assert(sf_str_copy(msg->value, raw, sizeof(raw)));
    ck_assert_int_eq(
        json_array_append_new(events, json_loadb(msg->value.p, msg->value.len, 0, NULL)),
        0);
}

static size_t read_events(void)
{
    struct sf_walk walk = { .topic = events_topic, .fn = on_message };

    ck_assert_int_eq(sf_producer_flush(p, 10000, NULL), SF_OK);
    events = json_array();
    ck_assert_int_eq(sf_kafka_walk(&conf, &walk, NULL), SF_OK);
    return json_array_size(events);
}

static const char *text_of(size_t i, const char *name)
{
    const char *text =
        json_string_value(json_object_get(json_array_get(events, i), name));

    ck_assert_msg(text != NULL, "event %zu has no text %s", i, name);
    return text;
}

static void tell(enum sf_event event, bool is_last, const char *message)
{
    const struct sf_event_fields f = { .event = event,
                                       .is_last = is_last,
                                       .message = message };

    sf_telemetry_send(t, &f);
}

START_TEST(every_field_of_an_event)
{
    struct sf_error err = { SF_EIO, "a \"quoted\" reason" };
    const struct sf_event_fields f = { SF_EVENT_ERROR, true, "failed",
                                       4242,           &err, SF_STR("{\"lag\":7}") };
    int64_t before_ms = sf_time_now_ms();
    const char *instance = sf_telemetry_instance(t);
    json_t *e;

    sf_telemetry_send(t, &f);
    ck_assert_uint_eq(read_events(), 1);
    e = json_array_get(events, 0);
    ck_assert_str_eq(key, QUEUE);
    ck_assert_str_eq(text_of(0, "queue_id"), QUEUE);
    ck_assert_str_eq(text_of(0, "telemetry_id"), IMAGE "__abc123");
    ck_assert_str_eq(text_of(0, "producer"), IMAGE "__abc123");
    ck_assert_str_eq(text_of(0, "instance"), instance);
    ck_assert_uint_eq(strlen(instance), 6);
    for (size_t i = 0; i < 6; i++)
        ck_assert(islower((unsigned char)instance[i]) ||
                  isdigit((unsigned char)instance[i]));
    ck_assert_str_eq(text_of(0, "target"), IMAGE);
    ck_assert_str_eq(text_of(0, "symbol"), "BTCUSDT");
    ck_assert_str_eq(text_of(0, "type"), "api_candles_5m");
    ck_assert_str_eq(text_of(0, "status"), "error");
    ck_assert_str_eq(text_of(0, "message"), "failed");
    ck_assert_str_eq(text_of(0, "error_message"), "a \"quoted\" reason");
    ck_assert_int_eq(json_integer_value(json_object_get(e, "records_written")), 4242);
    ck_assert(json_is_true(json_object_get(e, "finished")));
    ck_assert_int_eq(
        json_integer_value(json_object_get(json_object_get(e, "extra"), "lag")), 7);
    ck_assert(json_is_real(json_object_get(e, "timestamp")));
    ck_assert_int_ge((int64_t)(json_real_value(json_object_get(e, "timestamp")) * 1000) +
                         1,
                     before_ms);
    ck_assert_uint_eq(json_object_size(e), 14);
    json_decref(events);
}
END_TEST

START_TEST(optional_fields_are_absent)
{
    tell(SF_EVENT_STARTED, false, "");
    ck_assert_uint_eq(read_events(), 1);
    ck_assert(json_is_false(json_object_get(json_array_get(events, 0), "finished")));
    ck_assert_uint_eq(json_object_size(json_array_get(events, 0)), 12);
    json_decref(events);
}
END_TEST

START_TEST(nothing_follows_the_last_event)
{
    tell(SF_EVENT_STARTED, false, "");
    tell(SF_EVENT_INTERRUPTED, true, "by command");
    tell(SF_EVENT_ERROR, true, "a second last one");
    tell(SF_EVENT_PONG, false, "late");
    ck_assert_uint_eq(read_events(), 2);
    ck_assert_str_eq(text_of(1, "status"), "interrupted");
    json_decref(events);
}
END_TEST

static const struct {
    const char *given, *want;
} texts[] = {
    { "plain", "plain" },
    { "tab\tline\nquote\"back\\", "tab\tline\nquote\"back\\" },
    { "\xe2\x82\xac and \xf0\x9f\x98\x80", "\xe2\x82\xac and \xf0\x9f\x98\x80" },
    { "clipped \xe2\x82", "clipped ??" },
    { "\xff\x80 bytes", "?? bytes" },
    { "overlong \xc0\xaf", "overlong ??" },
    { "surrogate \xed\xa0\x80", "surrogate ???" },
    { "past the end \xf4\x90\x80\x80", "past the end ????" },
};

START_TEST(text_is_always_utf8)
{
    tell(SF_EVENT_LOADING, false, texts[_i].given);
    ck_assert_uint_eq(read_events(), 1);
    ck_assert_str_eq(text_of(0, "message"), texts[_i].want);
    json_decref(events);
}
END_TEST

static const char *const malformed[] = { "[]", "{", "{\"a\":}", "{} {}", "7" };

START_TEST(malformed_extra_is_left_out)
{
    const struct sf_event_fields f = { .event = SF_EVENT_GAP,
                                       .message = "",
                                       .extra = sf_str_from(malformed[_i]) };

    sf_telemetry_send(t, &f);
    ck_assert_uint_eq(read_events(), 1);
    ck_assert_ptr_null(json_object_get(json_array_get(events, 0), "extra"));
    json_decref(events);
}
END_TEST

START_TEST(a_broker_away_leaves_one_loading_and_all_changes)
{
    rd_kafka_mock_broker_set_down(mock.cluster, 1);
    for (int i = 0; i < 16; i++) /* as many as fly at once */
        tell(SF_EVENT_LOADING, false, "flying");
    for (int i = 0; i < 100; i++)
        tell(SF_EVENT_LOADING, false, i < 99 ? "old" : "newest");
    tell(SF_EVENT_PAUSED, false, "");
    tell(SF_EVENT_FINISHED, true, "");
    rd_kafka_mock_broker_set_up(mock.cluster, 1);
    ck_assert_uint_eq(read_events(), 19);
    ck_assert_str_eq(text_of(15, "message"), "flying");
    ck_assert_str_eq(text_of(16, "message"), "newest");
    ck_assert_str_eq(text_of(17, "status"), "paused");
    ck_assert_str_eq(text_of(18, "status"), "finished");
    json_decref(events);
}
END_TEST

START_TEST(full_data_queue_does_not_keep_an_event)
{
    struct sf_topic *topic;
    int n = 0;

    mock_topic(&mock, "data", 1);
    ck_assert_int_eq(sf_producer_topic(p, "data", &topic, NULL), SF_OK);
    while (sf_producer_put(topic, 0, SF_STR("k"), SF_STR("v")) == SF_OK)
        n++;
    ck_assert_int_gt(n, 100);
    tell(SF_EVENT_LOADING, false, "full");
    ck_assert_uint_eq(sf_producer_pending(p), (size_t)n + 1);
    ck_assert_uint_eq(read_events(), 1);
    json_decref(events);
}
END_TEST

START_TEST(lack_of_memory_is_told)
{
    struct sf_telemetry *other = NULL;
    struct sf_error err;
    enum sf_status status;
    int n;

    for (n = 0;; n++) {
        err = (struct sf_error){ 0 };
        oom_fail_at(n);
        status = sf_telemetry_create(p, &conf, IMAGE, &other, &err);
        if (!oom_has_failed())
            break;
        ck_assert_int_eq(status, SF_ENOMEM);
        ck_assert_ptr_null(other);
        ck_assert_ptr_nonnull(strstr(err.text, "memory"));
    }
    ck_assert_int_ge(n, 1);
    ck_assert_msg(status == SF_OK, "%s", err.text);
    sf_telemetry_destroy(other);
}
END_TEST

/* An event there is no memory for is lost; the ones behind it are not. */
START_TEST(event_without_memory_does_not_keep_the_next)
{
    for (int n = 0; n < 3; n++) {
        oom_fail_at(n);
        tell(SF_EVENT_STARTED, false, "short of memory");
        (void)oom_has_failed();
    }
    tell(SF_EVENT_FINISHED, true, "done");
    ck_assert_uint_ge(read_events(), 1);
    ck_assert_str_eq(text_of(json_array_size(events) - 1, "message"), "done");
    json_decref(events);
}
END_TEST

static void event_cases(Suite *s)
{
    TCase *tc = tcase_create("event");

    tcase_add_checked_fixture(tc, start, stop);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, every_field_of_an_event);
    tcase_add_test(tc, optional_fields_are_absent);
    tcase_add_test(tc, nothing_follows_the_last_event);
    tcase_add_loop_test(tc, text_is_always_utf8, 0, COUNT(texts));
    tcase_add_loop_test(tc, malformed_extra_is_left_out, 0, COUNT(malformed));
    tcase_add_test(tc, a_broker_away_leaves_one_loading_and_all_changes);
    tcase_add_test(tc, full_data_queue_does_not_keep_an_event);
    tcase_add_test(tc, lack_of_memory_is_told);
    tcase_add_test(tc, event_without_memory_does_not_keep_the_next);
    suite_add_tcase(s, tc);
}

RUN_SUITE("event", event_cases)
