#include "conf_env.h"

#include <stdio.h>
#include <string.h>

static struct sf_str name_of(const char *pair)
{
    struct sf_str rest;

    return sf_str_cut(sf_str_from(pair), '=', &rest);
}

void conf_env_change(struct fake_env *env, const char *pair)
{
    size_t i = 0;

    while (i < env->pairs_n && !sf_str_eq(name_of(env->pairs[i]), name_of(pair)))
        i++;
    if (i < sizeof(env->pairs) / sizeof(env->pairs[0]))
        env->pairs[i] = pair;
    if (i == env->pairs_n)
        env->pairs_n++;
}

struct fake_env conf_env(bool is_connector)
{
    struct fake_env env = { .is_connector = is_connector };

    conf_env_change(&env, "QUEUE_ID=loader-btcusdt-api_candles_5m-2024_06_01-abc123");
    conf_env_change(&env, "SYMBOL=BTCUSDT");
    conf_env_change(&env, "TYPE=api_candles_5m");
    conf_env_change(&env, "KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:9092");
    conf_env_change(&env, is_connector ? "ARANGO_URL=http://127.0.0.1:8529"
                                       : "TIME_RANGE=2024-06-01:2024-06-30");
    return env;
}

static const char *get(void *arg, const char *name)
{
    const struct fake_env *env = arg;

    for (size_t i = 0; i < env->pairs_n; i++)
        if (sf_str_eq(name_of(env->pairs[i]), sf_str_from(name)))
            return strchr(env->pairs[i], '=') ? strchr(env->pairs[i], '=') + 1 : NULL;
    return NULL;
}

static void report(void *arg, const char *text)
{
    struct fake_env *env = arg;
    size_t n = strlen(env->problems);

    (void)snprintf(env->problems + n, sizeof(env->problems) - n, "%s%s", n ? "; " : "",
                   text);
    env->problems_n++;
}

enum sf_status conf_env_load(struct fake_env *env, struct sf_conf *conf)
{
    unsigned scopes = env->is_connector ? SF_SCOPE_QUEUE | SF_SCOPE_CONNECTOR
                                        : SF_SCOPE_QUEUE | SF_SCOPE_LOADER |
                                              SF_SCOPE_REST | SF_SCOPE_HISTORY;

    env->problems[0] = '\0';
    env->problems_n = 0;
    return sf_conf_load(conf, env->is_connector ? "arango-candles" : "loader-api-candles",
                        scopes | env->more_scopes, get, env, report, env);
}
