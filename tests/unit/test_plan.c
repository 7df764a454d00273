/* Requests to start queues: what is refused and how it is told, what names come out. */
#include "manager/plan.h"
#include "runner.h"

#include <stdio.h>
#include <string.h>

static const char *get(void *arg, const char *name)
{
    static const char *const env[][2] = {
        { "KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092" },
        { "ARANGO_URL", "http://127.0.0.1:8529" },
        { "QUEUE_ID", "not-for-members" },
        { "SYMBOL", "NOTTHIS" },
        { "COLLECTION_NAME", "not_this" },
    };

    (void)arg;
    for (int i = 0; i < COUNT(env); i++)
        if (strcmp(env[i][0], name) == 0)
            return env[i][1];
    return NULL;
}

static const struct plan_env env = { get, NULL, "registry.dmz.home/streamforge",
                                     "v0.1.0" };

static enum sf_status make(const char *text, struct plan *plan, json_t *errors)
{
    json_t *body = json_loads(text, 0, NULL);
    struct sf_error err = { 0 };
    enum sf_status status;

    ck_assert_ptr_nonnull(body);
    status = plan_make(&env, body, errors, plan, &err);
    json_decref(body);
    return status;
}

/* ---------------------------------------------------------------------------- refusals
 */

#define GOOD                                                                          \
    "\"symbol\":\"BTCUSDT\",\"type\":\"api_candles_5m\",\"time_range\":\"2024-06-01:" \
    "2024-06-30\""

/* clang-format off */
static const struct {
    const char *request;
    const char *pointer, *detail; /* of the first problem; detail: a part of it */
    const char *nearest;          /* NULL: none */
    size_t n;                     /* problems */
} refused[] = {
    { "{}", "/symbol", "required", NULL, 2 },
    { "[]", "", "expected an object", NULL, 1 },
    { "{" GOOD ",\"symbl\":1}", "/symbl", "unknown field", "symbol", 1 },
    { "{" GOOD ",\"a/b~c\":1}", "/a~1b~0c", "unknown field", NULL, 1 },
    { "{" GOOD ",\"command\":\"stop\"}", "/command", "not allowed here", NULL, 1 },
    { "{" GOOD ",\"command\":\"strat\"}", "/command", "not allowed here", "start", 1 },
    { "{\"symbol\":\"BTCUSDT\",\"type\":\"api_candels_5m\"}", "/type", "expected api_candles_<i>", "api_candles_5m", 1 },
    { "{\"symbol\":\"BTCUSDT\",\"type\":\"api_candles_7m\"}", "/type", "expected", "api_candles_1m", 1 },
    { "{\"symbol\":\"BTCUSDT\",\"type\":5}", "/type", "expected a text", NULL, 1 },
    { "{\"symbol\":\"BTC/USDT\",\"type\":\"api_candles_5m\",\"time_range\":\"2024-06-01:2024-06-30\"}", "/symbol", "expected a letter or digit", NULL, 1 },
    { "{\"symbol\":\"BTCUSDT\",\"type\":\"api_candles_5m\"}", "/time_range", "a history requires it", NULL, 1 },
    { "{\"symbol\":\"BTCUSDT\",\"type\":\"api_candles_5m\",\"time_range\":\"june\"}", "/time_range", "expected YYYY-MM-DD", NULL, 1 },
    { "{\"symbol\":\"BTCUSDT\",\"type\":\"api_candles_5m\",\"time_range\":\"2024-06-30:2024-06-01\"}", "/time_range", "begins after it ends", NULL, 1 },
    { "{" GOOD ",\"interval\":\"1m\"}", "/interval", "expected 5m", NULL, 1 },
    { "{" GOOD ",\"image\":\"loader-api-trades\"}", "/image", "does not serve this type", NULL, 1 },
    { "{" GOOD ",\"image\":\"loader-api-candle\"}", "/image", "not an image of the registry", "loader-api-candles", 1 },
    { "{" GOOD ",\"image\":\"evil.example/streamforge/loader-api-candles\"}", "/image", "foreign registry", "loader-api-candles", 1 },
    { "{" GOOD ",\"image\":\"loader-api-candles:v9\"}", "/image", "another tag", "loader-api-candles", 1 },
    { "{" GOOD ",\"image\":\"loader-api-candles\",\"target_image\":\"arango-candles\"}", "/target_image", "differ", "arango-candles", 1 },
    { "{" GOOD ",\"image\":\"arango-candles\"}", "/kafka_topic", "required", NULL, 1 },
    { "{" GOOD ",\"target\":\"loader-api-candles\"}", "/target", "unknown field", NULL, 1 },
    { "{" GOOD ",\"queue_id\":\"a b\"}", "/queue_id", "expected 1 to 249", NULL, 1 },
    { "{" GOOD ",\"kafka_topic\":\"queue-events\"}", "/kafka_topic", "expected another topic", NULL, 1 },
    { "{" GOOD ",\"collection_name\":\"1a\"}", "/collection_name", "expected a letter", NULL, 1 },
    { "{" GOOD ",\"exchange\":\"binanse\"}", "/exchange", "did you mean binance", NULL, 1 },
    { "{" GOOD ",\"until\":\"2024-06-01\"}", "/until", "is a history", NULL, 1 },
    { "{" GOOD ",\"restart\":\"always\"}", "/restart", "not allowed here", NULL, 1 },
    { "{" GOOD ",\"restart_max\":1001}", "/restart_max", "expected an integer", NULL, 1 },
    { "{" GOOD ",\"labels\":{\"a b\":\"c\"}}", "/labels", "expected at most 16", NULL, 1 },
    { "{" GOOD ",\"connector\":\"no\"}", "/connector", "expected true or false", NULL, 1 },
    { "{\"symbol\":[\"BTCUSDT\",\"ETHUSDT\"],\"type\":\"api_orderbook\"}", "/group", "2 symbols need a name", NULL, 1 },
    { "{\"symbol\":[],\"type\":\"api_orderbook\"}", "/symbol", "expected a text, or an array", NULL, 1 },
    { "{\"requests\":[]}", "/requests", "expected an array of 1 to 64", NULL, 1 },
    { "{\"requests\":[5]}", "/requests/0", "expected an object", NULL, 1 },
    { "{\"symbol\":\"BTCUSDT\",\"requests\":[{\"type\":\"api_trades\"},{\"typ\":1}]}", "/requests/0/time_range", "a history requires it", NULL, 3 },
    { "{\"symbol\":\"B/\",\"time_range\":\"2024-06-01:2024-06-01\",\"requests\":[{\"type\":\"api_trades\"}]}", "/symbol", "expected a letter", NULL, 1 },
    { "{\"type\":\"api_trades\",\"symbol\":\"A\",\"requests\":[{\"type\":\"api_orderbook\"}]}", "/type", "unknown field", NULL, 1 },
};
/* clang-format on */

START_TEST(what_is_refused_is_told_by_field)
{
    struct plan plan = { 0 };
    json_t *errors = json_array();
    const json_t *first;
    const char *nearest;

    ck_assert_int_eq(make(refused[_i].request, &plan, errors), SF_EINVAL);
    ck_assert_ptr_null(plan.queues);
    first = json_array_get(errors, 0);
    ck_assert_str_eq(json_string_value(json_object_get(first, "pointer")),
                     refused[_i].pointer);
    ck_assert_msg(strstr(json_string_value(json_object_get(first, "detail")),
                         refused[_i].detail) != NULL,
                  "%s: %s", refused[_i].request,
                  json_string_value(json_object_get(first, "detail")));
    nearest = json_string_value(json_object_get(first, "nearest"));
    ck_assert_str_eq(nearest ? nearest : "",
                     refused[_i].nearest ? refused[_i].nearest : "");
    ck_assert_uint_eq(json_array_size(errors), refused[_i].n);
    json_decref(errors);
}
END_TEST

START_TEST(every_type_of_the_registry_is_planned_or_refused)
{
    char text[256];

    for (const struct sf_type *t = sf_types; t->name; t++) {
        struct plan plan = { 0 };
        json_t *errors = json_array();
        enum sf_status status;

        (void)snprintf(text, sizeof(text), "{\"symbol\":\"BTCUSDT\",\"type\":\"%s%s\"%s}",
                       t->name, t->has_interval ? "_1M" : "",
                       t->has_range ? ",\"time_range\":\"2024-06-01:2024-06-02\"" : "");
        status = make(text, &plan, errors);
        ck_assert_int_eq(status, t->is_available ? SF_OK : SF_EINVAL);
        if (status == SF_OK) {
            ck_assert_uint_eq(plan.n, 1);
            ck_assert_str_eq(plan.queues[0].members[0].image, t->loader);
            ck_assert_str_eq(plan.queues[0].members[1].image, t->connector);
        }
        plan_release(&plan);
        json_decref(errors);
    }
}
END_TEST

/* ------------------------------------------------------------------------------- names
 */

START_TEST(names_are_those_of_the_specification)
{
    struct plan plan = { 0 };
    json_t *errors = json_array();
    const struct queue_spec *q;
    char want[128];

    ck_assert_int_eq(
        make(
            "{\"command\":\"start\",\"symbol\":\" btcusdt \",\"type\":\"api_candles_5m\","
            "\"target_image\":\"registry.dmz.home/streamforge/"
            "loader-api-candles:v0.1.0\","
            "\"time_range\":\"2024-06-01:2024-06-30\"}",
            &plan, errors),
        SF_OK);
    q = &plan.queues[0];
    ck_assert_uint_eq(strlen(q->queue_id),
                      strlen("loader-btcusdt-api_candles_5m-2024_06_01-abc123"));
    ck_assert_int_eq(
        strncmp(q->queue_id, "loader-btcusdt-api_candles_5m-2024_06_01-", 41), 0);
    ck_assert_str_eq(q->collection, "btcusdt_candles_5m_2024_06_01");
    ck_assert_uint_eq(q->members_n, 2);
    ck_assert_str_eq(q->members[0].image_ref,
                     "registry.dmz.home/streamforge/loader-api-candles:v0.1.0");
    ck_assert_str_eq(q->members[1].image_ref,
                     "registry.dmz.home/streamforge/arango-candles:v0.1.0");
    (void)snprintf(want, sizeof(want), "loader-api-candles__%s", q->queue_id + 41);
    ck_assert_str_eq(q->members[0].telemetry_id, want);
    (void)snprintf(want, sizeof(want), "arango-candles-btcusdt-5m-20240601-%s",
                   q->queue_id + 41);
    ck_assert_str_eq(q->members[1].job, want);
    (void)snprintf(want, sizeof(want), "arango-candles-%s", q->queue_id);
    ck_assert_str_eq(q->members[1].group, want);
    ck_assert(q->restarts);
    plan_release(&plan);
    json_decref(errors);
}
END_TEST

START_TEST(the_canonical_request_plans_the_same_again)
{
    struct plan plan = { 0 }, again = { 0 };
    json_t *errors = json_array();
    char *text;

    ck_assert_int_eq(
        make("{\"time_range\":\"2024-06-01:2024-06-02\",\"symbol\":\"BTCUSDT\","
             "\"labels\":{\"a\":\"b\"},\"restart\":\"never\",\"requests\":["
             "{\"type\":\"api_candles\",\"interval\":\"1m\"},"
             "{\"type\":\"api_trades\",\"symbol\":\"ETHUSDT\",\"target\":\"loader-api-"
             "trades\"},{\"type\":\"ws_trades\"}]}",
             &plan, errors),
        SF_OK);
    ck_assert_uint_eq(plan.n, 3);
    ck_assert_ptr_null(json_object_get(plan.queues[2].request, "time_range"));
    ck_assert_str_eq(plan.queues[0].type, "api_candles_1m");
    ck_assert_str_eq(plan.queues[1].subject, "ETHUSDT");
    ck_assert_str_eq(plan.queues[0].pipeline_id, plan.queues[1].pipeline_id);
    for (size_t i = 0; i < plan.n; i++) {
        text = json_dumps(plan.queues[i].request, 0);
        ck_assert_int_eq(make(text, &again, errors), SF_OK);
        ck_assert_str_eq(again.queues[0].queue_id, plan.queues[i].queue_id);
        ck_assert_str_eq(again.queues[0].topic, plan.queues[i].topic);
        ck_assert_str_eq(again.queues[0].members[1].job, plan.queues[i].members[1].job);
        ck_assert(!again.queues[0].restarts);
        plan_release(&again);
        free(text);
    }
    plan_release(&plan);
    json_decref(errors);
}
END_TEST

struct seen {
    char text[4096];
};

static void collect(void *arg, const char *name, const char *value)
{
    struct seen *seen = arg;
    size_t len = strlen(seen->text);

    (void)snprintf(seen->text + len, sizeof(seen->text) - len, "%s=%s\n", name, value);
}

START_TEST(members_get_the_settings_of_the_request)
{
    struct plan plan = { 0 };
    json_t *errors = json_array();
    struct seen seen = { "" };

    ck_assert_int_eq(
        make("{\"symbol\":[\"btcusdt\",\"ETHUSDT\"],\"group\":\"MAJORS\",\"type\":\"api_"
             "orderbook\","
             "\"queue_id\":\"loader-majors-api_orderbook-2024_06_01-abc123\"}",
             &plan, errors),
        SF_OK);
    plan_settings(&plan.queues[0], &plan.queues[0].members[1], collect, &seen);
    ck_assert_str_eq(seen.text,
                     "QUEUE_ID=loader-majors-api_orderbook-2024_06_01-abc123\n"
                     "SYMBOL=btcusdt,ETHUSDT\nGROUP=MAJORS\nTYPE=api_orderbook\n"
                     "TELEMETRY_PRODUCER_ID=arango-orderbook__abc123\n"
                     "KAFKA_TOPIC=loader-majors-api-orderbook-2024-06-01-abc123\n"
                     "COLLECTION_NAME=majors_orderbook_2024_06_01\n");
    plan_release(&plan);
    json_decref(errors);
}
END_TEST

static void cases(Suite *s)
{
    TCase *tc = tcase_create("plan");

    tcase_add_loop_test(tc, what_is_refused_is_told_by_field, 0, COUNT(refused));
    tcase_add_test(tc, every_type_of_the_registry_is_planned_or_refused);
    tcase_add_test(tc, names_are_those_of_the_specification);
    tcase_add_test(tc, the_canonical_request_plans_the_same_again);
    tcase_add_test(tc, members_get_the_settings_of_the_request);
    suite_add_tcase(s, tc);
}

RUN_SUITE("plan", cases)
