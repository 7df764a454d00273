/* Any environment as settings: taken whole with sane values, or every problem is one
 * line; no secret is shown. What is in force, given again, is the same.
 *
 * Input: a byte (bit 0: a connector), then NAME=value lines; the first value of a name
 * counts. What a program cannot do without is there unless a line takes it away. */
#include <sf/conf.h>

#include <stdlib.h>
#include <string.h>

#define PAIRS_MAX 64
#define SECRET    "5ecret-that-nobody-shows"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool is_true)
{
    if (!is_true)
        abort();
}

struct env {
    char *text; /* lines, each ended by a NUL */
    const char *pairs[PAIRS_MAX];
    size_t pairs_n;
    unsigned problems_n;
    bool
        is_known; /* the input names the secret itself: libFuzzer learns what we search */
};

static const char *value_of(const char *pair, const char *name)
{
    size_t n = strlen(name);

    return strncmp(pair, name, n) == 0 && pair[n] == '=' ? pair + n + 1 : NULL;
}

static const char *get(void *arg, const char *name)
{
    static const char *const given[] = {
        "QUEUE_ID=loader-btcusdt-api_candles_5m-2024_06_01-abc123",
        "SYMBOL=BTCUSDT",
        "TYPE=api_candles_5m",
        "KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:9092",
        "KAFKA_USER=u",
        ("KAFKA_PASSWORD=" SECRET),
        "ARANGO_URL=http://127.0.0.1:8529",
        "TIME_RANGE=2024-06-01:2024-06-30",
    };
    const struct env *env = arg;
    const char *value = NULL;
    size_t len = strlen(name);

    /* files of this machine are none of a fuzzer's business */
    if (len > 5 && strcmp(name + len - 5, "_FILE") == 0)
        return NULL;
    for (size_t i = 0; i < env->pairs_n && !value; i++)
        value = value_of(env->pairs[i], name);
    for (size_t i = 0; i < sizeof(given) / sizeof(given[0]) && !value; i++)
        value = value_of(given[i], name);
    return value;
}

/* One line of well-formed text that does not show the password. */
static void report(void *arg, const char *text)
{
    struct env *env = arg;
    struct sf_str rest = sf_str_from(text);

    env->problems_n++;
    must(rest.len > 0 && (env->is_known || !strstr(text, SECRET)));
    while (rest.len > 0) {
        size_t n = sf_str_utf8(rest);

        must(n > 0 && (unsigned char)rest.p[0] >= 0x20);
        rest = sf_str_make(rest.p + n, rest.len - n);
    }
}

static enum sf_status load(struct env *env, bool is_connector, struct sf_conf *conf)
{
    unsigned scopes = is_connector ? SF_SCOPE_QUEUE | SF_SCOPE_CONNECTOR
                                   : SF_SCOPE_QUEUE | SF_SCOPE_LOADER | SF_SCOPE_REST |
                                         SF_SCOPE_HISTORY;

    env->problems_n = 0;
    return sf_conf_load(conf, is_connector ? "arango-candles" : "loader-api-candles",
                        scopes, get, env, report, env);
}

static void check_good(const struct sf_conf *c, bool is_connector)
{
    struct sf_error err = { 0 };

    must(c->type_ref.type && c->type_ref.interval);
    must(c->symbols_n >= 1 && c->symbols_n <= SF_SYMBOLS_MAX);
    must(sf_name_check_topic(sf_str_from(c->topic), &err) == SF_OK);
    must(sf_name_check_topic(sf_str_from(c->dlq_topic), &err) == SF_OK);
    must(strcmp(c->topic, c->control_topic) != 0);
    must(strcmp(c->topic, c->events_topic) != 0);
    must(c->range_from_ms <= c->range_to_ms && c->range_from_ms >= SF_TIME_MIN_MS);
    must(c->range_to_ms <= SF_TIME_MAX_MS);
    must(is_connector || c->range_from_ms < c->range_to_ms);
    must(!is_connector || c->collection[0]);
    must(c->rate_share_percent >= 1 && c->rate_share_percent <= 100);
    must(c->pages_in_flight >= 1 && c->arango_lanes >= 1);
    must(c->short_id[0] && c->telemetry_id[0] && c->subject[0]);
}

static void print(const struct env *env, const struct sf_conf *conf, bool is_connector,
                  struct sf_buf *b)
{
    sf_conf_print(b, conf,
                  is_connector ? SF_SCOPE_QUEUE | SF_SCOPE_CONNECTOR
                               : SF_SCOPE_QUEUE | SF_SCOPE_LOADER);
    must(b->status == SF_OK);
    must(env->is_known || !strstr(sf_buf_cstr(b), SECRET));
}

static void split(struct env *env, const uint8_t *data, size_t size)
{
    struct sf_str line, rest = sf_str_make((const char *)data, size);
    char *to;

    env->text = malloc(size + 1);
    must(env->text != NULL);
    to = env->text;
    while (rest.len > 0 && env->pairs_n < PAIRS_MAX) {
        line = sf_str_cut(rest, '\n', &rest);
        memcpy(to, line.p, line.len);
        to[line.len] = '\0';
        env->pairs[env->pairs_n++] = to;
        env->is_known |= strstr(to, SECRET) != NULL;
        to += line.len + 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct env env = { 0 };
    struct sf_conf conf;
    struct sf_buf b;
    bool is_connector = size > 0 && (data[0] & 1);
    enum sf_status status;

    if (size == 0 || size > 65536)
        return 0;
    split(&env, data + 1, size - 1);
    status = load(&env, is_connector, &conf);
    must(status == (env.problems_n == 0 ? SF_OK : SF_EINVAL));
    sf_buf_init(&b, 1 << 22);
    print(&env, &conf, is_connector, &b);
    if (status == SF_OK)
        check_good(&conf, is_connector);
    sf_buf_release(&b);
    sf_conf_release(&conf);
    free(env.text);
    return 0;
}
