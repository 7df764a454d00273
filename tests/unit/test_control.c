#include "kafka_mock.h"
#include "oom.h"
#include "runner.h"

#include <sf/control.h>

#include <stdio.h>
#include <string.h>

#define QUEUE  "loader-btcusdt-api_candles_5m-2024_06_01-abc123"
#define TARGET "loader-api-candles"
#define TID    "loader-api-candles__abc123"
#define Q      "\"queue_id\":\"" QUEUE "\""

static char symbols[2][SF_SYMBOL_MAX + 1] = { "BTCUSDT", "ETHUSDT" };
static struct sf_conf conf;
static void on_command(void *arg, enum sf_command command, struct sf_str id);
static const struct sf_control_self self = {
    QUEUE, TARGET, TID, &conf, on_command, NULL
};

static void start(void)
{
    mock_conf(&conf, "");
    ck_assert(sf_str_copy(SF_STR("MAJORS"), conf.subject, sizeof(conf.subject)));
    conf.symbols = symbols;
    conf.symbols_n = 2;
}

/* ---------------------------------------------------------------------------- judging */

static const struct {
    const char *json;
    enum sf_command want;
    const char *id;
} ours[] = {
    { "{\"command\":\"stop\"," Q ",\"command_id\":\"cmd__1\",\"timestamp\":1.5}",
      SF_COMMAND_STOP, "cmd__1" },
    { "{\"command\":\"pause\",\"queue_id\":\"*\"}", SF_COMMAND_PAUSE, "" },
    { "{\"command\":\"resume\",\"queue_id\":\"all\"}", SF_COMMAND_RESUME, "" },
    { "{\"command\":\"ping\"," Q ",\"target\":\"" TARGET "\"}", SF_COMMAND_PING, "" },
    { "{\"command\":\"ping\"," Q ",\"telemetry_id\":\"" TID "\"}", SF_COMMAND_PING, "" },
    { "{\"command\":\"ping\"," Q ",\"symbol\":\"ETHUSDT\"}", SF_COMMAND_PING, "" },
    { "{\"command\":\"ping\"," Q ",\"symbol\":\"majors\"}", SF_COMMAND_PING, "" },
    { "{\"command\":\"stop\",\"queue_id\":\"*\",\"target\":\"" TARGET
      "\",\"telemetry_id\":\"" TID "\",\"symbol\":\"BTCUSDT\",\"sent_at\":\"now\"}",
      SF_COMMAND_STOP, "" },
    { " {\"queue_id\" : \"*\", \"command\" : \"stop\"} ", SF_COMMAND_STOP, "" },
};

START_TEST(command_for_us_is_obeyed)
{
    enum sf_command command;
    const char *why = "unset";
    struct sf_buf id;

    sf_buf_init(&id, 100);
    ck_assert(sf_control_match(&self, sf_str_from(ours[_i].json), &command, &id, &why));
    ck_assert_ptr_null(why);
    ck_assert_int_eq(command, ours[_i].want);
    ck_assert_str_eq(sf_buf_cstr(&id), ours[_i].id);
    sf_buf_release(&id);
}
END_TEST

static const char *const others[] = {
    "{\"command\":\"stop\",\"queue_id\":\"another\"}",
    "{\"command\":\"stop\",\"queue_id\":\"\"}",
    "{\"command\":\"stop\",\"queue_id\":\"*\",\"target\":\"arango-candles\"}",
    /* NOLINTNEXTLINE(bugprone-suspicious-missing-comma): one string with TID inside */
    "{\"command\":\"stop\",\"queue_id\":\"*\",\"telemetry_id\":\"" TID "x\"}",
    "{\"command\":\"stop\",\"queue_id\":\"*\",\"symbol\":\"XRPUSDT\"}",
    "{\"command\":\"stop\",\"queue_id\":\"*\",\"symbol\":\"\"}",
    "{\"command\":\"stop\"," Q ",\"symbol\":\"BTC\"}",
    /* the manager's, with fields that only it knows */
    "{\"command\":\"start\",\"queue_id\":\"*\",\"type\":\"api_trades\",\"image\":\"x\"}",
    /* wrong, but not for us: whoever it is for reports it */
    "{\"command\":\"reload\",\"queue_id\":\"another\"}",
    "{\"command\":\"stop\",\"queue_id\":\"another\",\"why\":1}",
};

START_TEST(command_for_others_is_left_alone)
{
    enum sf_command command = SF_COMMAND_PING;
    const char *why = "unset";
    struct sf_buf id;

    sf_buf_init(&id, 100);
    ck_assert(!sf_control_match(&self, sf_str_from(others[_i]), &command, &id, &why));
    ck_assert_ptr_null(why);
    ck_assert_int_eq(command, SF_COMMAND_PING);
    ck_assert_uint_eq(id.len, 0);
    sf_buf_release(&id);
}
END_TEST

static const struct {
    const char *json, *why;
} refused[] = {
    { "", "expected a JSON object" },
    { "stop", "expected a JSON object" },
    { "[\"stop\"]", "expected a JSON object" },
    { "{\"command\":\"stop\"," Q "} x", "expected a JSON object" },
    { "{\"command\":\"stop\"," Q ",\"command\":\"ping\"}", "expected a JSON object" },
    { "{\"command\":\"stop\"}", "queue_id: missing" },
    { "{" Q "}", "command: missing" },
    { "{\"command\":7," Q "}", "command: expected a string" },
    { "{\"command\":null," Q "}", "command: expected a string" },
    { "{\"command\":\"stop\",\"queue_id\":7}", "queue_id: expected a string" },
    { "{\"command\":\"stop\"," Q ",\"symbol\":[]}", "symbol: expected a string" },
    { "{\"command\":\"stop\"," Q ",\"command_id\":{}}", "command_id: expected a string" },
    { "{\"command\":\"stop\"," Q ",\"Target\":\"x\"}", "a field that is not known" },
    { "{\"command\":\"STOP\"," Q "}", "command: expected stop, pause, resume or ping" },
    { "{\"command\":\"\"," Q "}", "command: expected stop, pause, resume or ping" },
    { "{\"command\":\"stop\\u0000\"," Q "}", "expected a JSON object" },
};

START_TEST(what_is_not_understood_is_reported_and_not_obeyed)
{
    enum sf_command command = SF_COMMAND_PING;
    const char *why = NULL;
    struct sf_buf id;

    sf_buf_init(&id, 100);
    ck_assert(
        !sf_control_match(&self, sf_str_from(refused[_i].json), &command, &id, &why));
    ck_assert_str_eq(why, refused[_i].why);
    ck_assert_int_eq(command, SF_COMMAND_PING);
    ck_assert_uint_eq(id.len, 0);
    sf_buf_release(&id);
}
END_TEST

START_TEST(flood_is_not_parsed)
{
    static char big[65537];
    enum sf_command command;
    const char *why = NULL;
    struct sf_buf id;

    memset(big, ' ', sizeof(big));
    sf_buf_init(&id, 100);
    ck_assert(
        !sf_control_match(&self, sf_str_make(big, sizeof(big)), &command, &id, &why));
    ck_assert_str_eq(why, "larger than 64 KiB");
}
END_TEST

/* ---------------------------------------------------------------------------- reading */

static struct {
    int n;
    enum sf_command last;
    char id[32];
    bool flag;
} got;

static void on_command(void *arg, enum sf_command command, struct sf_str id)
{
    (void)arg;
    got.n++;
    got.last = command;
    ck_assert(sf_str_copy(id, got.id, sizeof(got.id)));
    got.flag = true;
}

static void nothing(void *arg)
{
    (void)arg;
}

static void on_fatal(void *arg, const struct sf_error *err)
{
    (void)arg;
    ck_abort_msg("%s", err->text);
}

static struct mock mock;
static struct sf_loop *loop;
static struct sf_producer *p;
static char control_topic[] = "queue-control";

static void connect_all(int partitions)
{
    static const struct sf_producer_hooks hooks = { nothing, on_fatal, NULL };

    mock_start(&mock);
    mock_topic(&mock, control_topic, partitions);
    conf.kafka_brokers = (char *)mock.brokers;
    conf.control_topic = control_topic;
    ck_assert_int_eq(sf_loop_create(&loop, NULL), SF_OK);
    ck_assert_int_eq(sf_producer_create(loop, &conf, &hooks, &p, NULL), SF_OK);
}

static void disconnect_all(void)
{
    sf_producer_destroy(p);
    mock_stop(&mock);
    sf_loop_destroy(loop);
}

START_TEST(old_command_never_acts_and_a_new_one_does)
{
    struct sf_control *control = NULL;
    struct sf_topic *topic;

    connect_all(1);
    ck_assert_int_eq(sf_producer_topic(p, control_topic, &topic, NULL), SF_OK);
    ck_assert_int_eq(sf_producer_put(topic, 0, SF_STR(""),
                                     SF_STR("{\"command\":\"stop\",\"queue_id\":\"*\"}")),
                     SF_OK);
    ck_assert_int_eq(sf_producer_flush(p, 10000, NULL), SF_OK);
    ck_assert_int_eq(sf_control_open(loop, p, &self, &control, NULL), SF_OK);
    ck_assert_int_eq(sf_producer_put(topic, 0, SF_STR(""), SF_STR("nonsense")), SF_OK);
    ck_assert_int_eq(sf_producer_put(topic, 0, SF_STR(""),
                                     SF_STR("{\"command\":\"ping\",\"queue_id\":\"*\","
                                            "\"command_id\":\"cmd__2\"}")),
                     SF_OK);
    ck_assert(sf_loop_run_until(loop, &got.flag, 10000));
    ck_assert_int_eq(got.n, 1);
    ck_assert_int_eq(got.last, SF_COMMAND_PING);
    ck_assert_str_eq(got.id, "cmd__2");
    sf_control_close(control);
    disconnect_all();
}
END_TEST

START_TEST(control_topic_of_several_partitions_is_refused)
{
    struct sf_control *control = NULL;
    struct sf_error err = { 0 };

    connect_all(3);
    ck_assert_int_eq(sf_control_open(loop, p, &self, &control, &err), SF_EREFUSED);
    ck_assert_ptr_null(control);
    ck_assert_ptr_nonnull(
        strstr(err.text, "queue-control has 3 partitions, expected one"));
    disconnect_all();
}
END_TEST

START_TEST(lack_of_memory_is_told)
{
    struct sf_control *control = NULL;
    struct sf_error err;
    enum sf_status status;
    int n;

    connect_all(1);
    for (n = 0;; n++) {
        err = (struct sf_error){ 0 };
        oom_fail_at(n);
        status = sf_control_open(loop, p, &self, &control, &err);
        if (!oom_has_failed())
            break;
        ck_assert_int_eq(status, SF_ENOMEM);
        ck_assert_ptr_null(control);
        ck_assert_ptr_nonnull(strstr(err.text, "memory"));
    }
    ck_assert_int_ge(n, 2); /* itself, and its reader */
    ck_assert_msg(status == SF_OK, "%s", err.text);
    sf_control_close(control);
    disconnect_all();
}
END_TEST

static void control_cases(Suite *s)
{
    TCase *tc = tcase_create("control");

    tcase_add_checked_fixture(tc, start, NULL);
    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, command_for_us_is_obeyed, 0, COUNT(ours));
    tcase_add_loop_test(tc, command_for_others_is_left_alone, 0, COUNT(others));
    tcase_add_loop_test(tc, what_is_not_understood_is_reported_and_not_obeyed, 0,
                        COUNT(refused));
    tcase_add_test(tc, flood_is_not_parsed);
    tcase_add_test(tc, old_command_never_acts_and_a_new_one_does);
    tcase_add_test(tc, control_topic_of_several_partitions_is_refused);
    tcase_add_test(tc, lack_of_memory_is_told);
    suite_add_tcase(s, tc);
}

RUN_SUITE("control", control_cases)
