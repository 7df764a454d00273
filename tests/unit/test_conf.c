/* The settings as a whole: every problem one line, everything derived, nothing secret
 * shown. */
#include "conf_env.h"
#include "oom.h"
#include "runner.h"

#include <stdio.h>
#include <unistd.h>

#define ALLOWED_TYPES                                                                    \
    "expected api_candles_<i> ws_candles_<i> api_trades ws_trades api_agg_trades "       \
    "ws_agg_trades "                                                                     \
    "api_orderbook ws_orderbook graph_build graph_rsi_vol manual_upload json_feed with " \
    "<i> one of 1s "                                                                     \
    "1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M"

/* clang-format off */
static const struct {
    bool is_connector;
    const char *changes[4];
    const char *problem; /* NULL: none */
} cases[] = {
    { false, { "QUEUE_ID" }, "QUEUE_ID is not set: the queue, loader-btcusdt-api_candles_5m-2024_06_01-abc123; names are derived from it" },
    { false, { "QUEUE_ID=  " }, "QUEUE_ID is not set: the queue, loader-btcusdt-api_candles_5m-2024_06_01-abc123; names are derived from it" },
    { false, { "QUEUE_ID=a b" }, "QUEUE_ID='a b': expected 1 to 249 of letters, digits, '.', '_', '-'" },
    { false, { "QUEUE_ID=.." }, "QUEUE_ID='..': expected 1 to 249 of letters, digits, '.', '_', '-'" },
    { false, { "SYMBOL" }, "SYMBOL is not set: what is traded, BTCUSDT; live queues may have several, separated by commas" },
    { false, { "SYMBOL= " }, "SYMBOL is not set: what is traded, BTCUSDT; live queues may have several, separated by commas" },
    { false, { "SYMBOL=btc/usdt" }, "SYMBOL='btc/usdt': expected a letter or digit, then letters, digits, '.', '_', '-', at most 20 characters" },
    { false, { "SYMBOL=BTCUSDT," }, "SYMBOL='BTCUSDT,': expected a letter or digit, then letters, digits, '.', '_', '-', at most 20 characters" },
    { false, { "SYMBOL=BTC\nUSDT" }, "SYMBOL='BTC?USDT': expected a letter or digit, then letters, digits, '.', '_', '-', at most 20 characters" },
    { false, { "SYMBOL=\xc3\xa4\xff\xe2\x82" }, "SYMBOL='\xc3\xa4?\?\?': expected a letter or digit, then letters, digits, '.', '_', '-', at most 20 characters" },
    { false, { "SYMBOL=BTCUSDT,ETHUSDT", "GROUP=MAJORS" }, "SYMBOL='BTCUSDT,ETHUSDT': TYPE='api_candles_5m' is a history and takes one symbol" },
    { true, { "SYMBOL=BTCUSDT,ETHUSDT", "TYPE=ws_candles_5m" }, "GROUP is not set: 2 symbols need a name that stands for them" },
    { true, { "SYMBOL=BTCUSDT,btcusdt", "TYPE=ws_candles_5m", "GROUP=G" }, "SYMBOL='BTCUSDT,btcusdt': BTCUSDT stands twice" },
    { true, { "SYMBOL=A,B", "TYPE=ws_candles_5m", "GROUP=a b" }, "GROUP='a b': expected a letter or digit, then letters, digits, '.', '_', '-', at most 20 characters" },
    { true, { "SYMBOL=A,B", "TYPE=ws_candles_5m", "GROUP=majors", "QUEUE_ID=loader-majors-ws_candles_5m-2024_06_01-abc123" }, NULL },
    { false, { "TYPE" }, "TYPE is not set: what is read, api_candles_5m; see docs/TYPES.md" },
    { false, { "TYPE=api_candels_5m" }, "TYPE='api_candels_5m': " ALLOWED_TYPES "; did you mean api_candles_5m?" },
    { false, { "TYPE=klines" }, "TYPE='klines': " ALLOWED_TYPES },
    { false, { "TYPE=ws_trades" }, "TYPE='ws_trades': served by loader-ws-trades and arango-trades, not by loader-api-candles" },
    { true, { "TYPE=graph_build" }, "TYPE='graph_build': served by no loader and arango-graph-prep, not by arango-candles" },
    { true, { "TYPE=ws_candles_5m", "QUEUE_ID=loader-btcusdt-ws_candles_5m-2024_06_01-abc123" }, NULL },
    { true, { "TYPE=ws_candles_5m" }, "QUEUE_ID='loader-btcusdt-api_candles_5m-2024_06_01-abc123': expected loader-btcusdt-ws_candles_5m-2024_06_01-abc123, or another form, as TYPE='ws_candles_5m' SYMBOL='BTCUSDT' say" },
    { false, { "INTERVAL=5m" }, NULL },
    { false, { "INTERVAL=1m" }, "INTERVAL='1m': expected 5m, as TYPE='api_candles_5m' says" },
    { false, { "TYPE=api_candles_1M", "INTERVAL=1m" }, "INTERVAL='1m': expected 1M, as TYPE='api_candles_1M' says" },
    { false, { "EXCHANGE=binanse" }, "EXCHANGE='binanse': expected one of binance; did you mean binance?" },
    { false, { "EXCHANGE=BYBIT" }, "EXCHANGE='BYBIT': expected one of binance" },
    { false, { "KAFKA_BOOTSTRAP_SERVERS" }, "KAFKA_BOOTSTRAP_SERVERS is not set: brokers, host:port, separated by commas; a host alone: port 9092" },
    { false, { "KAFKA_USER=u" }, "KAFKA_PASSWORD is not set: KAFKA_USER='u' needs one" },
    { false, { "KAFKA_USER=u", "KAFKA_PASSWORD=p" }, NULL },
    { false, { "KAFKA_USER=u", "KAFKA_PASSWORD_FILE=/no/such" }, "KAFKA_PASSWORD_FILE='/no/such': expected a file with 1 to 65536 bytes of text" },
    { false, { "KAFKA_USER=u", "KAFKA_PASSWORD_FILE=/dev/null" }, "KAFKA_PASSWORD_FILE='/dev/null': expected a file with 1 to 65536 bytes of text" },
    { false, { "KAFKA_USER=u", "KAFKA_PASSWORD_FILE=/" }, "KAFKA_PASSWORD_FILE='/': expected a file with 1 to 65536 bytes of text" },
    { false, { "KAFKA_USER=u", "KAFKA_PASSWORD_FILE=/dev/zero" }, "KAFKA_PASSWORD_FILE='/dev/zero': expected a file with 1 to 65536 bytes of text" },
    { false, { "KAFKA_USER=u", "KAFKA_PASSWORD=p", "KAFKA_PASSWORD_FILE=/x" }, "KAFKA_PASSWORD_FILE='/x': KAFKA_PASSWORD is set as well; expected one of them" },
    { false, { "KAFKA_PASSWORD=p" }, "KAFKA_USER is not set: KAFKA_PASSWORD is" },
    { false, { "KAFKA_PROTOCOL=sasl_ssl" }, "KAFKA_USER is not set: KAFKA_PROTOCOL asks for SASL" },
    { false, { "KAFKA_PROTOCOL=PLAINTEXT", "KAFKA_USER=u", "KAFKA_PASSWORD=p" }, "KAFKA_PROTOCOL='PLAINTEXT': KAFKA_USER is set; expected SASL_SSL, SASL_PLAINTEXT or auto" },
    { false, { "KAFKA_USER_CONSUMER=u" }, NULL }, /* not a loader's */
    { false, { "KAFKA_USER_PRODUCER=u" }, "KAFKA_PASSWORD is not set: KAFKA_USER='u' needs one" },
    { false, { "CA_PATH=/no/such" }, "CA_PATH='/no/such': expected a file that can be read" },
    { false, { "KAFKA_CA_PATH=/" }, "CA_PATH='/': expected a file that can be read" },
    { false, { "CA_PATH=Makefile", "KAFKA_CA_PATH=Makefile" }, NULL },
    { false, { "CA_PATH=Makefile", "KAFKA_CA_PATH=VERSION" }, "KAFKA_CA_PATH='VERSION': expected the same as CA_PATH='Makefile'" },
    { false, { "TELEMETRY_TOPIC=events" }, NULL },
    { false, { "TELEMETRY_TOPIC=queue-control" }, "QUEUE_EVENTS_TOPIC='queue-control': expected another topic than for commands" },
    { false, { "KAFKA_TOPIC=queue-events" }, "KAFKA_TOPIC='queue-events': expected another topic than for commands or events" },
    { true, { "ARANGO_URL" }, "ARANGO_URL is not set: coordinators, separated by commas; the next one is taken when one fails" },
    { true, { "ARANGO_URL=http://root:secret@db" }, "ARANGO_URL: expected a URL without user or password ('@')" },
    { true, { "COLLECTION_NAME=9lives" }, "COLLECTION_NAME='9lives': expected a letter, then letters, digits, '_', '-', at most 256 characters" },
    { true, { "ARANGO_DB=a/b" }, "ARANGO_DB='a/b': expected a letter, then no '/', ':' or control character, at most 128 bytes" },
    { true, { "KAFKA_BOOTSTRAP_SERVERS=kafka1,[::1]" }, NULL }, /* librdkafka's port: 9092 */
    { true, { "TYPE=ws_candles_5m", "QUEUE_ID=loader-btcusdt-ws_candles_5m-2024_06_01-abc123", "TIME_RANGE=2024-06-01:2024-06-02" }, "TIME_RANGE='2024-06-01:2024-06-02': TYPE='ws_candles_5m' is live and has none; UNTIL ends it" },
    { true, { "QUEUE_ID=mine" }, "COLLECTION_NAME is not set: QUEUE_ID='mine' holds no date (-YYYY_MM_DD-) to derive it from" },
    { true, { "QUEUE_ID=mine", "COLLECTION_NAME=mine" }, NULL },
    { true, { "QUEUE_ID=mine", "TIME_RANGE=2024-06-01:2024-06-02" }, NULL },
    { true, { "TIME_RANGE" }, NULL },
    { false, { "ARANGO_URL=nonsense" }, NULL }, /* not a loader's */
};
/* clang-format on */

START_TEST(each_problem_is_one_line)
{
    struct fake_env env = conf_env(cases[_i].is_connector);
    struct sf_conf conf;
    enum sf_status status;

    for (int i = 0; i < 4 && cases[_i].changes[i]; i++)
        conf_env_change(&env, cases[_i].changes[i]);
    status = conf_env_load(&env, &conf);
    if (cases[_i].problem) {
        ck_assert_int_eq(status, SF_EINVAL);
        ck_assert_str_eq(env.problems, cases[_i].problem);
        ck_assert_int_eq(env.problems_n, 1);
    } else {
        ck_assert_str_eq(env.problems, "");
        ck_assert_int_eq(status, SF_OK);
    }
    sf_conf_release(&conf);
}
END_TEST

START_TEST(every_problem_is_reported)
{
    struct fake_env env = { .is_connector = true };
    struct sf_conf conf;

    conf_env_change(&env, "TYPE=x");
    conf_env_change(&env, "ARANGO_LANES=0");
    conf_env_change(&env, "LOG_LEVEL=loud");
    ck_assert_int_eq(conf_env_load(&env, &conf), SF_EINVAL);
    ck_assert_int_eq(env.problems_n, 7);
    ck_assert_str_eq(conf.queue_id, "");
    ck_assert_int_eq(conf.arango_lanes, 4);
    sf_conf_release(&conf);
}
END_TEST

/* ------------------------------------------------------------------------- derived */

START_TEST(four_settings_and_addresses_suffice)
{
    struct fake_env env = conf_env(false);
    struct sf_conf conf;

    ck_assert_int_eq(conf_env_load(&env, &conf), SF_OK);
    ck_assert_str_eq(conf.topic, "loader-btcusdt-api-candles-5m-2024-06-01-abc123");
    ck_assert_str_eq(conf.dlq_topic,
                     "loader-btcusdt-api-candles-5m-2024-06-01-abc123-dlq");
    ck_assert_str_eq(conf.telemetry_id, "loader-api-candles__abc123");
    ck_assert_str_eq(conf.collection, "btcusdt_candles_5m_2024_06_01");
    ck_assert_str_eq(
        conf.consumer_group,
        "loader-api-candles-loader-btcusdt-api_candles_5m-2024_06_01-abc123");
    ck_assert_str_eq(conf.short_id, "abc123");
    ck_assert_str_eq(conf.subject, "BTCUSDT");
    ck_assert_uint_eq(conf.symbols_n, 1);
    ck_assert_str_eq(conf.symbols[0], "BTCUSDT");
    ck_assert_str_eq(conf.type_ref.type->name, "api_candles");
    ck_assert_str_eq(conf.type_ref.interval->name, "5m");
    ck_assert_str_eq(conf.binance_api_url, "https://api.binance.com");
    ck_assert_int_eq(conf.rate_share_percent, 70);
    ck_assert_int_eq(conf.topic_retention_ms, INT64_C(604800000));
    ck_assert_int_eq(conf.kafka_protocol, SF_KAFKA_AUTO);
    ck_assert_str_eq(conf.kafka_mechanism, "SCRAM-SHA-512");
    sf_conf_release(&conf);
}
END_TEST

START_TEST(names_that_are_given_are_taken)
{
    struct fake_env env = conf_env(true);
    struct sf_conf conf;

    conf_env_change(&env, "KAFKA_TOPIC=my_topic");
    conf_env_change(&env, "COLLECTION_NAME=My_docs");
    conf_env_change(&env, "TELEMETRY_PRODUCER_ID=me");
    ck_assert_int_eq(conf_env_load(&env, &conf), SF_OK);
    ck_assert_str_eq(conf.topic, "my_topic");
    ck_assert_str_eq(conf.dlq_topic, "my_topic-dlq");
    ck_assert_str_eq(conf.collection, "My_docs");
    ck_assert_str_eq(conf.telemetry_id, "me");
    sf_conf_release(&conf);
}
END_TEST

START_TEST(the_date_comes_from_the_queue_id)
{
    struct fake_env env = conf_env(true);
    struct sf_conf conf;

    conf_env_change(&env, "TIME_RANGE=2020-01-01:2020-01-02");
    ck_assert_int_eq(conf_env_load(&env, &conf), SF_OK);
    ck_assert_str_eq(conf.collection, "btcusdt_candles_5m_2024_06_01");
    sf_conf_release(&conf);
}
END_TEST

START_TEST(a_group_stands_for_its_symbols)
{
    struct fake_env env = conf_env(true);
    struct sf_conf conf;

    conf_env_change(&env, "QUEUE_ID=loader-majors-ws_candles_1mo-2024_06_01-abc123");
    conf_env_change(&env, "TYPE=ws_candles_1M");
    conf_env_change(&env, "SYMBOL= btcusdt , ETHUSDT,1000shib");
    conf_env_change(&env, "GROUP=majors");
    ck_assert_int_eq(conf_env_load(&env, &conf), SF_OK);
    ck_assert_uint_eq(conf.symbols_n, 3);
    ck_assert_str_eq(conf.symbols[0], "BTCUSDT");
    ck_assert_str_eq(conf.symbols[2], "1000SHIB");
    ck_assert_str_eq(conf.subject, "MAJORS");
    ck_assert_str_eq(conf.collection, "majors_candles_1mo_2024_06_01");
    sf_conf_release(&conf);
}
END_TEST

static const struct {
    const char *type, *until, *problem; /* NULL: taken */
    int64_t want_ms;
} ends[] = {
    { "ws_trades", "2024-06-01T00:00:01Z", NULL, 1717200001000 },
    { "ws_trades", "2024-06-01", NULL, 1717200000000 },
    { "ws_trades", "soon", "UNTIL='soon': expected an instant in ISO 8601", 0 },
    { "api_trades", "2024-06-01",
      "UNTIL='2024-06-01': TYPE='api_trades' is a history and ends with its TIME_RANGE",
      0 },
};

START_TEST(a_queue_without_a_range_may_have_an_end)
{
    struct fake_env env = conf_env(false);
    char type[64], until[64];
    struct sf_conf conf;

    (void)snprintf(type, sizeof(type), "TYPE=%s", ends[_i].type);
    (void)snprintf(until, sizeof(until), "UNTIL=%s", ends[_i].until);
    conf_env_change(&env, type);
    conf_env_change(&env, until);
    if (conf_env_load(&env, &conf) != SF_OK && !ends[_i].problem)
        ck_assert_int_eq(env.problems_n, 1); /* another image serves the type */
    if (ends[_i].problem)
        ck_assert_ptr_nonnull(strstr(env.problems, ends[_i].problem));
    else
        ck_assert_ptr_null(strstr(env.problems, "UNTIL"));
    if (!ends[_i].problem)
        ck_assert_int_eq(conf.until_ms, ends[_i].want_ms);
    sf_conf_release(&conf);
}
END_TEST

START_TEST(as_many_symbols_as_one_connection_streams)
{
    struct fake_env env = conf_env(true);
    char text[8 * (SF_SYMBOLS_MAX + 1)] = "SYMBOL=";
    size_t n = strlen(text);
    struct sf_conf conf;

    for (int i = 0; i < SF_SYMBOLS_MAX; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%sS%d", i ? "," : "", i);
    conf_env_change(&env, "QUEUE_ID=loader-all-ws_candles_5m-2024_06_01-abc123");
    conf_env_change(&env, "TYPE=ws_candles_5m");
    conf_env_change(&env, "GROUP=ALL");
    conf_env_change(&env, text);
    ck_assert_int_eq(conf_env_load(&env, &conf), SF_OK);
    ck_assert_uint_eq(conf.symbols_n, SF_SYMBOLS_MAX);
    sf_conf_release(&conf);
    (void)snprintf(text + n, sizeof(text) - n, ",X");
    ck_assert_int_eq(conf_env_load(&env, &conf), SF_EINVAL);
    ck_assert_ptr_nonnull(strstr(env.problems, "1025 symbols, expected at most 1024"));
    sf_conf_release(&conf);
}
END_TEST

/* ------------------------------------------------------------------------- secrets */

START_TEST(a_secret_comes_from_a_file_without_its_line_end)
{
    struct fake_env env = conf_env(true);
    char path[] = "/tmp/sf-secret-XXXXXX", setting[64];
    int fd = mkstemp(path);
    struct sf_conf conf;
    struct sf_buf b;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, " p w\r\n", 6), 6);
    ck_assert_int_eq(close(fd), 0);
    (void)snprintf(setting, sizeof(setting), "KAFKA_PASSWORD_FILE=%s", path);
    conf_env_change(&env, setting);
    conf_env_change(&env, "KAFKA_USER=u");
    conf_env_change(&env, "ARANGO_PASSWORD=s3cret");
    ck_assert_int_eq(conf_env_load(&env, &conf), SF_OK);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_str_eq(conf.kafka_password, " p w");

    sf_buf_init(&b, 65536);
    sf_conf_print(&b, &conf, SF_SCOPE_QUEUE | SF_SCOPE_CONNECTOR);
    ck_assert_ptr_nonnull(strstr(sf_buf_cstr(&b), "\nKAFKA_PASSWORD=***\n"));
    ck_assert_ptr_nonnull(strstr(sf_buf_cstr(&b), "\nARANGO_PASSWORD=***\n"));
    ck_assert_ptr_null(strstr(sf_buf_cstr(&b), "s3cret"));
    ck_assert_ptr_null(strstr(sf_buf_cstr(&b), " p w"));
    sf_buf_release(&b);
    sf_conf_release(&conf);
}
END_TEST

START_TEST(the_form_of_the_role_wins)
{
    struct fake_env env = conf_env(_i == 1);
    struct sf_conf conf;

    conf_env_change(&env, "KAFKA_USER=any");
    conf_env_change(&env, "KAFKA_USER_PRODUCER=producer");
    conf_env_change(&env, "KAFKA_USER_CONSUMER=consumer");
    conf_env_change(&env, "KAFKA_PASSWORD=p");
    conf_env_change(&env, _i ? "KAFKA_PASSWORD_CONSUMER=of consumers" : "X=");
    ck_assert_int_eq(conf_env_load(&env, &conf), SF_OK);
    ck_assert_str_eq(conf.kafka_user, _i ? "consumer" : "producer");
    ck_assert_str_eq(conf.kafka_password, _i ? "of consumers" : "p");
    sf_conf_release(&conf);
}
END_TEST

/* ------------------------------------------------------------------------- printing */

START_TEST(help_and_pages_name_every_setting)
{
    const struct {
        const char *name;
        unsigned scope;
    } some[] = { { "QUEUE_ID (required)", SF_SCOPE_QUEUE },
                 { "RATE_SHARE", SF_SCOPE_REST },
                 { "CLOSED_MARGIN_MS", SF_SCOPE_HISTORY },
                 { "ARANGO_URL (required)", SF_SCOPE_CONNECTOR } };
    struct sf_buf b;

    sf_buf_init(&b, 65536);
    for (int i = 0; i < COUNT(some); i++) {
        sf_buf_clear(&b);
        sf_conf_print_help(&b, "image", "what it does", some[i].scope);
        ck_assert(sf_str_starts(sf_buf_str(&b), SF_STR("image: what it does\n")));
        for (int k = 0; k < COUNT(some); k++)
            ck_assert_int_eq(strstr(sf_buf_cstr(&b), some[k].name) != NULL, i == k);
    }
    sf_buf_clear(&b);
    sf_conf_print_markdown(&b);
    ck_assert_ptr_nonnull(strstr(sf_buf_cstr(&b), "| `CA_PATH` (`KAFKA_CA_PATH`)"));
    ck_assert_ptr_nonnull(strstr(sf_buf_cstr(&b), "| `0.7` |"));
    sf_buf_release(&b);
}
END_TEST

START_TEST(what_is_in_force_can_be_given_again)
{
    struct fake_env env = conf_env(true), again = { .is_connector = true };
    struct sf_conf conf;
    struct sf_buf first, second;
    struct sf_str rest, line;
    char text[64][256];
    int n = 0;

    conf_env_change(&env, "TOPIC_RETENTION=90s");
    conf_env_change(&env, "DECIMALS=TEXT");
    sf_buf_init(&first, 65536);
    sf_buf_init(&second, 65536);
    ck_assert_int_eq(conf_env_load(&env, &conf), SF_OK);
    sf_conf_print(&first, &conf, SF_SCOPE_QUEUE | SF_SCOPE_CONNECTOR);
    sf_conf_release(&conf);
    for (rest = sf_buf_str(&first); rest.len > 0 && rest.p[0] != '#';) {
        line = sf_str_cut(rest, '\n', &rest);
        ck_assert(sf_str_copy(line, text[n], sizeof(text[n])));
        conf_env_change(&again, text[n++]);
    }
    ck_assert_int_eq(conf_env_load(&again, &conf), SF_OK);
    sf_conf_print(&second, &conf, SF_SCOPE_QUEUE | SF_SCOPE_CONNECTOR);
    ck_assert_str_eq(sf_buf_cstr(&second), sf_buf_cstr(&first));
    sf_buf_release(&first);
    sf_buf_release(&second);
    sf_conf_release(&conf);
}
END_TEST

static void collect_set(void *arg, const char *name, const char *value, bool is_secret)
{
    sf_buf_addf(arg, "%s=%s%s\n", name, value, is_secret ? " (secret)" : "");
}

static const char *get_forms(void *arg, const char *name)
{
    static const char *const set[][2] = {
        { "KAFKA_CA_PATH", "/ca" },          { "KAFKA_USER_CONSUMER", "u" },
        { "KAFKA_PASSWORD_CONSUMER", "p" },  { "ARANGO_PASSWORD_FILE", "/secret" },
        { "BINANCE_API_URL", "not theirs" }, { "MANAGER_TOKEN", "not theirs" },
    };

    (void)arg;
    for (int i = 0; i < COUNT(set); i++)
        if (strcmp(set[i][0], name) == 0)
            return set[i][1];
    return NULL;
}

START_TEST(what_is_set_is_passed_on_in_the_form_it_has)
{
    struct sf_buf b;

    sf_buf_init(&b, 4096);
    sf_conf_each_set(SF_SCOPE_CONNECTOR | SF_SCOPE_QUEUE, get_forms, NULL, collect_set,
                     &b);
    ck_assert_str_eq(sf_buf_cstr(&b),
                     "KAFKA_USER_CONSUMER=u\nKAFKA_PASSWORD_CONSUMER=p (secret)\n"
                     "KAFKA_CA_PATH=/ca\nARANGO_PASSWORD_FILE=/secret\n");
    sf_buf_release(&b);
}
END_TEST

/* clang-format off */
static const struct {
    const char *listen, *token, *read_token, *cert;
    const char *problem;
} managers[] = {
    { "127.0.0.1:0", NULL, NULL, NULL, "" },
    { "[::1]:8080", NULL, NULL, NULL, "" },
    { "0.0.0.0:8080", "t", "r", NULL, "" },
    { "0.0.0.0:8080", NULL, NULL, NULL, "MANAGER_TOKEN is not set: MANAGER_LISTEN='0.0.0.0:8080' is not on the loopback\n" },
    { "127.0.0.1:0", NULL, "r", NULL, "MANAGER_TOKEN is not set: MANAGER_READ_TOKEN is\n" },
    { "127.0.0.1:0", NULL, NULL, "/dev/null", "MANAGER_CERT='/dev/null': expected a file that can be read\nMANAGER_KEY is not set: MANAGER_CERT is\n" },
};
/* clang-format on */

static const char *get_manager(void *arg, const char *name)
{
    const int *row = arg;
    const char *const set[][2] = {
        { "KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092" },
        { "ARANGO_URL", "http://127.0.0.1:8529" },
        { "MANAGER_LISTEN", managers[*row].listen },
        { "MANAGER_TOKEN", managers[*row].token },
        { "MANAGER_READ_TOKEN", managers[*row].read_token },
        { "MANAGER_CERT", managers[*row].cert },
    };

    for (int i = 0; i < COUNT(set); i++)
        if (strcmp(set[i][0], name) == 0)
            return set[i][1];
    return NULL;
}

static void collect_problem(void *arg, const char *text)
{
    sf_buf_addf(arg, "%s\n", text);
}

START_TEST(a_manager_off_the_loopback_needs_a_token)
{
    struct sf_conf conf;
    struct sf_buf b;
    enum sf_status status;
    int row = _i;

    sf_buf_init(&b, 4096);
    status = sf_conf_load(&conf, "queue-manager", SF_SCOPE_MANAGER, get_manager, &row,
                          collect_problem, &b);
    ck_assert_str_eq(sf_buf_cstr(&b), managers[_i].problem);
    ck_assert_int_eq(status, managers[_i].problem[0] ? SF_EINVAL : SF_OK);
    sf_conf_release(&conf);
    sf_buf_release(&b);
}
END_TEST

START_TEST(lack_of_memory_is_told)
{
    struct fake_env env = conf_env(true);
    struct sf_conf conf;
    int n = 0;

    conf_env_change(&env, "ARANGO_PASSWORD_FILE=VERSION");
    for (;; n++) {
        enum sf_status status;

        env.problems_n = 0;
        oom_fail_at(n);
        status = conf_env_load(&env, &conf);
        if (!oom_has_failed())
            break;
        ck_assert_int_eq(status, SF_ENOMEM);
        ck_assert_int_eq(env.problems_n, 1);
        ck_assert_str_eq(env.problems, "settings: out of memory");
        sf_conf_release(&conf);
    }
    sf_conf_release(&conf);
    ck_assert_int_gt(n, 30);
}
END_TEST

static void conf_cases(Suite *s)
{
    TCase *tc = tcase_create("conf");

    tcase_add_loop_test(tc, each_problem_is_one_line, 0, COUNT(cases));
    tcase_add_test(tc, every_problem_is_reported);
    tcase_add_test(tc, four_settings_and_addresses_suffice);
    tcase_add_test(tc, names_that_are_given_are_taken);
    tcase_add_test(tc, the_date_comes_from_the_queue_id);
    tcase_add_test(tc, a_group_stands_for_its_symbols);
    tcase_add_test(tc, as_many_symbols_as_one_connection_streams);
    tcase_add_loop_test(tc, a_queue_without_a_range_may_have_an_end, 0, COUNT(ends));
    tcase_add_test(tc, a_secret_comes_from_a_file_without_its_line_end);
    tcase_add_loop_test(tc, the_form_of_the_role_wins, 0, 2);
    tcase_add_test(tc, help_and_pages_name_every_setting);
    tcase_add_test(tc, what_is_in_force_can_be_given_again);
    tcase_add_test(tc, what_is_set_is_passed_on_in_the_form_it_has);
    tcase_add_loop_test(tc, a_manager_off_the_loopback_needs_a_token, 0, COUNT(managers));
    tcase_add_test(tc, lack_of_memory_is_told);
    suite_add_tcase(s, tc);
}

RUN_SUITE("conf", conf_cases)
