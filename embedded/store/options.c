#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { TEXT, OFF, MS, BYTES, LEVEL, YES };

static const struct option {
    const char *name, *value, *env, *help;
    enum kind kind;
    size_t at;
} options[] = {
    { "--listen", "HOST:PORT", NULL, "address; port 0 takes a free one (127.0.0.1:8529)",
      TEXT, offsetof(struct options, store.listen) },
    { "--data", "DIR", NULL, "data folder, made when missing (./data/store)", TEXT,
      offsetof(struct options, store.data) },
    { "--root-password", "TEXT", "SF_STORE_ROOT_PASSWORD",
      "password of root; needed by a new data folder", TEXT,
      offsetof(struct options, store.root_password) },
    { "--no-auth", NULL, NULL, "nobody needs to log in", OFF,
      offsetof(struct options, store.has_auth) },
    { "--cert", "FILE", NULL, "PEM certificate chain: HTTPS", TEXT,
      offsetof(struct options, store.cert) },
    { "--key", "FILE", NULL, "PEM key of --cert", TEXT,
      offsetof(struct options, store.key) },
    { "--ttl-every-ms", "N", NULL, "how often expired documents are removed (30000)", MS,
      offsetof(struct options, store.ttl_every_ms) },
    { "--query.memory-limit", "BYTES", NULL,
      "of one query, 0: none (1/8 of the machine, at most 1 GiB)", BYTES,
      offsetof(struct options, store.query_max_bytes) },
    { "--query.global-memory-limit", "BYTES", NULL,
      "of all queries and waiting results, 0: none (1/4 of the machine)", BYTES,
      offsetof(struct options, store.queries_max_bytes) },
    { "--log-level", "LEVEL", NULL, "error, warn, info or debug (info)", LEVEL,
      offsetof(struct options, log_level) },
    { "--help", NULL, NULL, "this text", YES, offsetof(struct options, wants_help) },
    { "--version", NULL, NULL, "the version", YES,
      offsetof(struct options, wants_version) },
};

#define OPTIONS_N (sizeof(options) / sizeof(options[0]))

static enum sf_status set_level(const char *text, enum sf_log_level *ret,
                                struct sf_error *err)
{
    static const char *const names[] = { "error", "warn", "info", "debug" };

    for (int i = 0; i < 4; i++) {
        if (strcmp(text, names[i]) == 0) {
            *ret = (enum sf_log_level)i;
            return SF_OK;
        }
    }
    return sf_error_set(err, SF_EINVAL,
                        "--log-level '%.40s': expected error, warn, info or debug", text);
}

static enum sf_status set(struct options *o, const struct option *row, const char *value,
                          struct sf_error *err)
{
    char *at = (char *)o + row->at;
    int64_t n;

    switch (row->kind) {
    case TEXT:
        memcpy(at, &value, sizeof(value));
        break;
    case OFF:
        *(bool *)(void *)at = false;
        break;
    case YES:
        *(bool *)(void *)at = true;
        break;
    case MS:
        if (sf_str_to_i64(sf_str_from(value), &n) != SF_OK || n < 10 || n > 86400000)
            return sf_error_set(err, SF_EINVAL, "%s '%.40s': expected 10 to 86400000",
                                row->name, value);
        memcpy(at, &n, sizeof(n));
        break;
    case BYTES:
        if (sf_str_to_i64(sf_str_from(value), &n) != SF_OK || n < 0)
            return sf_error_set(err, SF_EINVAL, "%s '%.40s': expected bytes, 0 or more",
                                row->name, value);
        memcpy(at, &n, sizeof(n));
        break;
    case LEVEL:
        return set_level(value, &o->log_level, err);
    }
    return SF_OK;
}

/* "--name value" or "--name=value". *at moves behind it. */
static enum sf_status take(struct options *o, int argc, char **argv, int *at,
                           struct sf_error *err)
{
    struct sf_str value, name = sf_str_cut(sf_str_from(argv[*at]), '=', &value);
    bool is_joined = name.len < strlen(argv[*at]);

    for (size_t i = 0; i < OPTIONS_N; i++) {
        const char *text = value.p;

        if (!sf_str_eq(name, sf_str_from(options[i].name)))
            continue;
        if (options[i].value && !is_joined) {
            if (++*at == argc)
                return sf_error_set(err, SF_EINVAL, "%s: expected %s", options[i].name,
                                    options[i].value);
            text = argv[*at];
        }
        ++*at;
        return set(o, &options[i], text, err);
    }
    return sf_error_set(err, SF_EINVAL, "'%.60s': unknown option, see --help", argv[*at]);
}

enum sf_status options_parse(int argc, char **argv, struct options *ret,
                             struct sf_error *err)
{
    struct options o = {
        .store = { .listen = "127.0.0.1:8529",
                   .data = "data/store",
                   .has_auth = true,
                   .ttl_every_ms = 30000,
                   .query_max_bytes = -1,
                   .queries_max_bytes = -1 },
        .log_level = SF_LOG_INFO,
    };

    for (size_t i = 0; i < OPTIONS_N; i++) {
        /* NOLINTNEXTLINE(concurrency-mt-unsafe): at start, nothing else runs yet */
        const char *value = options[i].env ? getenv(options[i].env) : NULL;

        if (value && *value && set(&o, &options[i], value, err) != SF_OK)
            return SF_EINVAL;
    }
    for (int at = 1; at < argc;)
        if (take(&o, argc, argv, &at, err) != SF_OK)
            return SF_EINVAL;
    if (!o.store.cert != !o.store.key)
        return sf_error_set(err, SF_EINVAL, "--cert and --key: expected both or none");
    *ret = o;
    return SF_OK;
}

void options_print(void)
{
    (void)printf("usage: sf-store [options]\n\n");
    for (size_t i = 0; i < OPTIONS_N; i++)
        (void)printf("  %-27s %-10s %s%s%s\n", options[i].name,
                     options[i].value ? options[i].value : "", options[i].help,
                     options[i].env ? "; also " : "",
                     options[i].env ? options[i].env : "");
}
