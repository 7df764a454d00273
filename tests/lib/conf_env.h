/* An environment to load settings from, and what was reported of it. */
#ifndef TESTS_CONF_ENV_H
#define TESTS_CONF_ENV_H

#include <sf/conf.h>

struct fake_env {
    const char *pairs[64]; /* "NAME=value", borrowed */
    size_t pairs_n;
    bool is_connector; /* arango-candles, else loader-api-candles */
    unsigned more_scopes;
    char problems[2048]; /* one after the other, "; " between */
    int problems_n;
};

/* What is enough for a program: a queue of BTCUSDT, 5m, June 2024, and addresses. */
struct fake_env conf_env(bool is_connector);
/* "NAME=value" sets, "NAME" unsets. @pair is borrowed. */
void conf_env_change(struct fake_env *env, const char *pair);
/* sf_conf_load for the program; problems are those of this call. */
enum sf_status conf_env_load(struct fake_env *env, struct sf_conf *conf) SF_MUST_CHECK;

#endif
