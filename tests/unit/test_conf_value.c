/* One value at a time: what each kind of setting takes, and how it refuses. */
#include "conf_env.h"
#include "runner.h"

#include <stddef.h>
#include <stdio.h>

#define AT(field) offsetof(struct sf_conf, field)

/* clang-format off */
static const struct {
    const char *setting;
    size_t offset;
    int64_t n;            /* when expected is NULL */
    const char *expected; /* NULL: taken */
} numbers[] = {
    { "PAGES_IN_FLIGHT=1", AT(pages_in_flight), 1, NULL },
    { "PAGES_IN_FLIGHT= 32 ", AT(pages_in_flight), 32, NULL },
    { "PAGES_IN_FLIGHT=33", 0, 0, "PAGES_IN_FLIGHT='33': expected an integer from 1 to 32" },
    { "PAGES_IN_FLIGHT=0", 0, 0, "PAGES_IN_FLIGHT='0': expected an integer from 1 to 32" },
    { "PAGES_IN_FLIGHT=4x", 0, 0, "PAGES_IN_FLIGHT='4x': expected an integer from 1 to 32" },
    { "PAGES_IN_FLIGHT=4.0", 0, 0, "PAGES_IN_FLIGHT='4.0': expected an integer from 1 to 32" },
    { "PAGES_IN_FLIGHT=+4", 0, 0, "PAGES_IN_FLIGHT='+4': expected an integer from 1 to 32" },
    { "PAGES_IN_FLIGHT=99999999999999999999", 0, 0, "PAGES_IN_FLIGHT='99999999999999999999': expected an integer from 1 to 32" },
    { "TOPIC_REPLICATION=-1", AT(topic_replication), -1, NULL },
    { "TOPIC_REPLICATION=-2", 0, 0, "TOPIC_REPLICATION='-2': expected an integer from -1 to 15" },
    { "RATE_SHARE=0.7", AT(rate_share_percent), 70, NULL },
    { "RATE_SHARE=.7", AT(rate_share_percent), 70, NULL },
    { "RATE_SHARE=0.07", AT(rate_share_percent), 7, NULL },
    { "RATE_SHARE=1", AT(rate_share_percent), 100, NULL },
    { "RATE_SHARE=1.00", AT(rate_share_percent), 100, NULL },
    { "RATE_SHARE=1.01", 0, 0, "RATE_SHARE='1.01': expected a share from 0.01 to 1" },
    { "RATE_SHARE=0", 0, 0, "RATE_SHARE='0': expected a share from 0.01 to 1" },
    { "RATE_SHARE=.", 0, 0, "RATE_SHARE='.': expected a share from 0.01 to 1" },
    { "RATE_SHARE=0.001", 0, 0, "RATE_SHARE='0.001': expected a share from 0.01 to 1" },
    { "RATE_SHARE=70%", 0, 0, "RATE_SHARE='70%': expected a share from 0.01 to 1" },
    { "RATE_SHARE=0,7", 0, 0, "RATE_SHARE='0,7': expected a share from 0.01 to 1" },
    { "RATE_SHARE=-1", 0, 0, "RATE_SHARE='-1': expected a share from 0.01 to 1" },
    { "TOPIC_RETENTION=500ms", AT(topic_retention_ms), 500, NULL },
    { "TOPIC_RETENTION=30s", AT(topic_retention_ms), 30000, NULL },
    { "TOPIC_RETENTION=5m", AT(topic_retention_ms), 300000, NULL },
    { "TOPIC_RETENTION=168h", AT(topic_retention_ms), 604800000, NULL },
    { "TOPIC_RETENTION=7d", AT(topic_retention_ms), 604800000, NULL },
    { "TOPIC_RETENTION=604800000", AT(topic_retention_ms), 604800000, NULL },
    { "TOPIC_RETENTION=-1", AT(topic_retention_ms), -1, NULL },
    { "TOPIC_RETENTION=0", 0, 0, "TOPIC_RETENTION='0': expected a length of time like 500ms, 30s, 5m, 12h, 7d, or -1" },
    { "TOPIC_RETENTION=-1d", 0, 0, "TOPIC_RETENTION='-1d': expected a length of time like 500ms, 30s, 5m, 12h, 7d, or -1" },
    { "TOPIC_RETENTION=7 d", 0, 0, "TOPIC_RETENTION='7 d': expected a length of time like 500ms, 30s, 5m, 12h, 7d, or -1" },
    { "TOPIC_RETENTION=1w", 0, 0, "TOPIC_RETENTION='1w': expected a length of time like 500ms, 30s, 5m, 12h, 7d, or -1" },
    { "TOPIC_RETENTION=d", 0, 0, "TOPIC_RETENTION='d': expected a length of time like 500ms, 30s, 5m, 12h, 7d, or -1" },
    { "TOPIC_RETENTION=99999999999d", 0, 0, "TOPIC_RETENTION='99999999999d': expected a length of time like 500ms, 30s, 5m, 12h, 7d, or -1" },
    { "SNAPSHOT_EVERY=100", AT(snapshot_every_ms), 100, NULL },
    { "SNAPSHOT_EVERY=99ms", 0, 0, "SNAPSHOT_EVERY='99ms': expected a length of time like 500ms, 30s, 5m, 12h, 7d, from 100 ms on" },
    { "SNAPSHOT_LEVELS=5001", 0, 0, "SNAPSHOT_LEVELS='5001': expected an integer from 1 to 5000" },
    { "TOPIC_CREATE=Yes", AT(topic_create), 1, NULL },
    { "TOPIC_CREATE=0", AT(topic_create), 0, NULL },
    { "TOPIC_CREATE=maybe", 0, 0, "TOPIC_CREATE='maybe': expected true or false" },
    { "LOG_LEVEL=DEBUG", AT(log_level), SF_LOG_DEBUG, NULL },
    { "LOG_LEVEL=inof", 0, 0, "LOG_LEVEL='inof': expected one of error warn info debug; did you mean info?" },
    { "LOG_FORMAT=json", AT(log_format), SF_LOG_JSON, NULL },
    { "DECIMALS=text", AT(decimals), SF_DECIMALS_TEXT, NULL },
    { "DECIMALS=float", 0, 0, "DECIMALS='float': expected one of number text" },
    { "ARANGO_AUTH=jwt", AT(arango_auth), SF_ARANGO_JWT, NULL },
    { "READY_LAG_MAX=-1", 0, 0, "READY_LAG_MAX='-1': expected an integer from 0" },
};

static const struct {
    const char *setting;
    size_t offset;
    const char *value, *expected;
} texts[] = {
    { "BINANCE_API_URL=http://127.0.0.1:8080/", AT(binance_api_url), "http://127.0.0.1:8080", NULL },
    { "BINANCE_API_URL=https://a.b/base//", AT(binance_api_url), "https://a.b/base", NULL },
    { "BINANCE_API_URL=http://[::1]:80", AT(binance_api_url), "http://[::1]:80", NULL },
    { "BINANCE_API_URL=ws://x", 0, NULL, "BINANCE_API_URL='ws://x': expected http://host:port or https://host:port, without user or password" },
    { "BINANCE_API_URL=http://", 0, NULL, "BINANCE_API_URL='http://': expected http://host:port or https://host:port, without user or password" },
    { "BINANCE_API_URL=http:///x", 0, NULL, "BINANCE_API_URL='http:///x': expected http://host:port or https://host:port, without user or password" },
    { "BINANCE_API_URL=http://a:0", 0, NULL, "BINANCE_API_URL='http://a:0': expected http://host:port or https://host:port, without user or password" },
    { "BINANCE_API_URL=http://a:65536", 0, NULL, "BINANCE_API_URL='http://a:65536': expected http://host:port or https://host:port, without user or password" },
    { "BINANCE_API_URL=http://a b", 0, NULL, "BINANCE_API_URL='http://a b': expected http://host:port or https://host:port, without user or password" },
    { "BINANCE_API_URL=http://a/?key=1", 0, NULL, "BINANCE_API_URL='http://a/?key=1': expected http://host:port or https://host:port, without user or password" },
    { "BINANCE_WS_URL=wss://stream.binance.com:9443", AT(binance_ws_url), "wss://stream.binance.com:9443", NULL },
    { "BINANCE_WS_URL=https://x", 0, NULL, "BINANCE_WS_URL='https://x': expected ws://host:port or wss://host:port" },
    { "ARANGO_URL=http://a:1/, https://b/x// ,http://c", AT(arango_url), "http://a:1,https://b/x,http://c", NULL },
    { "ARANGO_URL=http://a,", 0, NULL, "ARANGO_URL='http://a,': expected http://host:port or https://host:port, without user or password" },
    { "ARANGO_URL=http://a,,http://b", 0, NULL, "ARANGO_URL='http://a,,http://b': expected http://host:port or https://host:port, without user or password" },
    { "KAFKA_BOOTSTRAP_SERVERS=a, b:1 ,[::1]:9092", AT(kafka_brokers), "a,b:1,[::1]:9092", NULL },
    { "KAFKA_BOOTSTRAP_SERVERS=a:1,b:x", 0, NULL, "KAFKA_BOOTSTRAP_SERVERS='a:1,b:x': expected host:port, or several by comma" },
    { "KAFKA_BOOTSTRAP_SERVERS=http://a", 0, NULL, "KAFKA_BOOTSTRAP_SERVERS='http://a': expected host:port, or several by comma" },
    { "ADMIN_LISTEN=127.0.0.1:0", AT(admin_listen), "127.0.0.1:0", NULL },
    { "ADMIN_LISTEN=[::]:9108", AT(admin_listen), "[::]:9108", NULL },
    { "ADMIN_LISTEN=9108", 0, NULL, "ADMIN_LISTEN='9108': expected host:port, like 127.0.0.1:9108" },
    { "ADMIN_LISTEN=:9108", 0, NULL, "ADMIN_LISTEN=':9108': expected host:port, like 127.0.0.1:9108" },
    { "ADMIN_LISTEN=a:70000", 0, NULL, "ADMIN_LISTEN='a:70000': expected host:port, like 127.0.0.1:9108" },
    { "KAFKA_MECHANISM=plain", AT(kafka_mechanism), "PLAIN", NULL },
    { "KAFKA_MECHANISM=SCRAM-SHA-521", 0, NULL, "KAFKA_MECHANISM='SCRAM-SHA-521': expected one of SCRAM-SHA-512 SCRAM-SHA-256 PLAIN; did you mean SCRAM-SHA-512?" },
    { "QUEUE_EVENTS_TOPIC=a.b_c-1", AT(events_topic), "a.b_c-1", NULL },
    { "QUEUE_EVENTS_TOPIC=..", 0, NULL, "QUEUE_EVENTS_TOPIC='..': expected 1 to 249 of letters, digits, '.', '_', '-'" },
    { "CONTROL_TOPIC=a/b", 0, NULL, "QUEUE_CONTROL_TOPIC='a/b': expected 1 to 249 of letters, digits, '.', '_', '-'" },
};

static const struct {
    const char *text;
    const char *from, *to; /* NULL: refused */
    const char *problem;
} ranges[] = {
    { "2024-06-01:2024-06-30", "2024-06-01", "2024-07-01", NULL },
    { "2024-02-29:2024-02-29", "2024-02-29", "2024-03-01", NULL },
    { "2024-06-01T00:00:00Z/2024-06-01T00:05:00Z", "2024-06-01T00:00Z", "2024-06-01T00:05Z", NULL },
    { "2024-06-01/2024-06-02", "2024-06-01", "2024-06-02", NULL },
    { "2024-06-01T02:00+02:00/2024-06-01T00:00:00.001Z", "2024-06-01", "2024-06-01T00:00:00.001Z", NULL },
    { "1970-01-01:2099-12-31", "1970-01-01", "2100-01-01", NULL },
    { "2024-06-02:2024-06-01", NULL, NULL, "begins after it ends; expected from before to" },
    { "2024-06-01/2024-06-01", NULL, NULL, "begins after it ends; expected from before to" },
    { "1969-12-31:1970-01-02", NULL, NULL, "expected instants from 1970 to 2099" },
    { "2024-06-01:2100-01-01", NULL, NULL, "expected instants from 1970 to 2099" },
    { "2024-06-01", NULL, NULL, "expected YYYY-MM-DD:YYYY-MM-DD (both days included) or from/to in ISO 8601 (to excluded)" },
    { "2024-06-31:2024-07-01", NULL, NULL, "expected YYYY-MM-DD:YYYY-MM-DD (both days included) or from/to in ISO 8601 (to excluded)" },
    { "2024-06-01:2024-06-02:2024-06-03", NULL, NULL, "expected YYYY-MM-DD:YYYY-MM-DD (both days included) or from/to in ISO 8601 (to excluded)" },
    { "2024-06-01T00:00:2024-06-02T00:00", NULL, NULL, "expected YYYY-MM-DD:YYYY-MM-DD (both days included) or from/to in ISO 8601 (to excluded)" },
    { "2024-06-01/2024-06-02/2024-06-03", NULL, NULL, "expected YYYY-MM-DD:YYYY-MM-DD (both days included) or from/to in ISO 8601 (to excluded)" },
    { "/", NULL, NULL, "expected YYYY-MM-DD:YYYY-MM-DD (both days included) or from/to in ISO 8601 (to excluded)" },
    { "June", NULL, NULL, "expected YYYY-MM-DD:YYYY-MM-DD (both days included) or from/to in ISO 8601 (to excluded)" },
};
/* clang-format on */

static const void *field(const struct sf_conf *conf, size_t offset)
{
    return (const char *)conf + offset;
}

/* The setting's problem, and nothing else. */
static void expect(struct fake_env *env, struct sf_conf *conf, const char *problem)
{
    enum sf_status status = conf_env_load(env, conf);

    ck_assert_str_eq(env->problems, problem ? problem : "");
    ck_assert_int_eq(status, problem ? SF_EINVAL : SF_OK);
}

/* A program of all scopes, so that every setting counts. */
static struct fake_env everything(const char *setting)
{
    struct fake_env env = conf_env(true);

    env.more_scopes = SF_SCOPE_REST | SF_SCOPE_HISTORY | SF_SCOPE_LIVE |
                      SF_SCOPE_SNAPSHOTS | SF_SCOPE_CANDLES;
    conf_env_change(&env, "TIME_RANGE=2024-06-01:2024-06-30");
    conf_env_change(&env, setting);
    return env;
}

START_TEST(numbers_are_taken_whole_or_refused)
{
    struct fake_env env = everything(numbers[_i].setting);
    struct sf_conf conf;

    expect(&env, &conf, numbers[_i].expected);
    if (!numbers[_i].expected)
        ck_assert_int_eq(*(const int64_t *)field(&conf, numbers[_i].offset),
                         numbers[_i].n);
    sf_conf_release(&conf);
}
END_TEST

START_TEST(texts_are_checked_and_tidied)
{
    struct fake_env env = everything(texts[_i].setting);
    struct sf_conf conf;

    expect(&env, &conf, texts[_i].expected);
    if (!texts[_i].expected)
        ck_assert_str_eq(*(const char *const *)field(&conf, texts[_i].offset),
                         texts[_i].value);
    sf_conf_release(&conf);
}
END_TEST

START_TEST(both_forms_of_a_range)
{
    char setting[160], problem[256];
    struct sf_conf conf;
    struct fake_env env;
    int64_t from, to;

    (void)snprintf(setting, sizeof(setting), "TIME_RANGE=%s", ranges[_i].text);
    (void)snprintf(problem, sizeof(problem), "TIME_RANGE='%s': %s", ranges[_i].text,
                   ranges[_i].problem ? ranges[_i].problem : "");
    env = everything(setting);
    expect(&env, &conf, ranges[_i].problem ? problem : NULL);
    if (!ranges[_i].problem) {
        ck_assert_int_eq(sf_time_parse_iso(sf_str_from(ranges[_i].from), &from), SF_OK);
        ck_assert_int_eq(sf_time_parse_iso(sf_str_from(ranges[_i].to), &to), SF_OK);
        ck_assert_int_eq(conf.range_from_ms, from);
        ck_assert_int_eq(conf.range_to_ms, to);
    }
    sf_conf_release(&conf);
}
END_TEST

START_TEST(a_long_value_is_clipped)
{
    char setting[512] = "LOG_LEVEL=", text[80 + 1];
    struct sf_conf conf;
    struct fake_env env;

    memset(setting + 10, 'x', 400);
    memset(text, 'x', 80);
    text[80] = '\0';
    env = everything(setting);
    ck_assert_int_eq(conf_env_load(&env, &conf), SF_EINVAL);
    ck_assert(sf_str_starts(sf_str_from(env.problems), SF_STR("LOG_LEVEL='xxxx")));
    ck_assert_ptr_nonnull(strstr(env.problems, text));
    ck_assert_uint_lt(strlen(env.problems), 160);
    sf_conf_release(&conf);
}
END_TEST

static void conf_value_cases(Suite *s)
{
    TCase *tc = tcase_create("conf_value");

    tcase_add_loop_test(tc, numbers_are_taken_whole_or_refused, 0, COUNT(numbers));
    tcase_add_loop_test(tc, texts_are_checked_and_tidied, 0, COUNT(texts));
    tcase_add_loop_test(tc, both_forms_of_a_range, 0, COUNT(ranges));
    tcase_add_test(tc, a_long_value_is_clipped);
    suite_add_tcase(s, tc);
}

RUN_SUITE("conf_value", conf_value_cases)
