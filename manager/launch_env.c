/* What a member inherits: the settings of the manager that it reads, its own on top. */
#include "launcher.h"

#include <stdlib.h>

#define ENV_MAX_BYTES ((size_t)1 << 20)
#define ENV_MAX       256 /* settings, in all forms */

struct block {
    struct sf_buf text; /* NAME=value\0 ... */
    size_t n;
};

static void add(struct block *b, const char *name, const char *value)
{
    if (b->n == ENV_MAX)
        return;
    sf_buf_addf(&b->text, "%s=%s", name, value);
    sf_buf_add_char(&b->text, '\0');
    b->n++;
}

static void add_inherited(void *arg, const char *name, const char *value, bool is_secret)
{
    (void)is_secret; /* an environment is its owner's alone to read */
    if (!plan_is_setting(name) && strcmp(name, "EXCHANGE") != 0)
        add(arg, name, value);
}

static void add_own(void *arg, const char *name, const char *value)
{
    add(arg, name, value);
}

char **launch_environment(const struct queue_spec *q, const struct member_spec *m,
                          sf_getenv_fn get, void *get_arg)
{
    struct block b = { .n = 0 };
    const char *path = get(get_arg, "PATH"), *exchange = get(get_arg, "EXCHANGE");
    char **env = NULL;

    sf_buf_init(&b.text, ENV_MAX_BYTES);
    if (path)
        add(&b, "PATH", path);
    if (exchange && !json_object_get(q->request, "exchange"))
        add(&b, "EXCHANGE", exchange);
    sf_conf_each_set(plan_scopes(q, m), get, get_arg, add_inherited, &b);
    plan_settings(q, m, add_own, &b);
    if (sf_buf_status(&b.text, NULL) == SF_OK)
        env = malloc((b.n + 1) * sizeof(*env) + b.text.len);
    if (env) {
        char *at = (char *)(env + b.n + 1);

        (void)memcpy(at, b.text.p, b.text.len);
        for (size_t i = 0; i < b.n; i++) {
            env[i] = at;
            at += strlen(at) + 1;
        }
        env[b.n] = NULL;
    }
    sf_buf_release(&b.text);
    return env;
}
