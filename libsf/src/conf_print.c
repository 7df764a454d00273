/* The settings table for people: --help, --check, docs/SETTINGS.md. */
#include "conf_internal.h"

#include <stdio.h>

/* "text", "one of a b", "integer 1 to 5". */
static void add_kind(struct sf_buf *b, const struct sf_setting *s)
{
    static const char *const words[] = {
        [SF_SET_TEXT] = "text",
        [SF_SET_TOPIC] = "topic",
        [SF_SET_BROKERS] = "addresses",
        [SF_SET_PATH] = "file",
        [SF_SET_LISTEN] = "host:port",
        [SF_SET_URL] = "URL",
        [SF_SET_WS_URL] = "URL",
        [SF_SET_URLS] = "URLs",
        [SF_SET_INT] = "integer",
        [SF_SET_BOOL] = "true, false",
        [SF_SET_DURATION] = "time (ms s m h d)",
        [SF_SET_SHARE] = "0.01 to 1",
        [SF_SET_CHOICE] = "one of",
    };

    sf_buf_add_str(b, sf_str_from(s->choices ? "one of" : words[s->kind]));
    if (s->kind == SF_SET_INT && s->max == INT64_MAX)
        sf_buf_addf(b, " from %lld", (long long)s->min);
    else if (s->kind == SF_SET_INT)
        sf_buf_addf(b, " %lld to %lld", (long long)s->min, (long long)s->max);
    for (int i = 0; s->choices && s->choices[i]; i++)
        sf_buf_addf(b, " %s", s->choices[i]);
}

void sf_conf_print_help(struct sf_buf *b, const char *image, const char *what,
                        unsigned scopes)
{
    sf_buf_addf(
        b,
        "%s: %s\n\nusage: %s [--help | --check | --version]\n\n"
        "Settings come from the environment; a secret also from the file NAME_FILE.\n"
        "Exit codes: 0 finished or stopped by command, 1 failed, 2 settings,\n"
        "143 stopped by SIGTERM.\n\n",
        image, what, image);
    for (const struct sf_setting *s = sf_settings; s->name; s++) {
        if (!(s->scopes & scopes))
            continue;
        sf_buf_addf(b, "  %s%s\n      %s.\n      ", s->name,
                    s->is_required ? " (required)" : "", s->help);
        add_kind(b, s);
        if (s->initial)
            sf_buf_addf(b, "; default %s", s->initial);
        if (s->is_secret)
            sf_buf_addf(b, "; or %s_FILE", s->name);
        if (s->has_roles)
            sf_buf_addf(b, "; %s_%s wins", s->name,
                        scopes & SF_SCOPE_CONNECTOR ? "CONSUMER" : "PRODUCER");
        if (s->alias)
            sf_buf_addf(b, "; older spelling %s", s->alias);
        sf_buf_add_char(b, '\n');
    }
}

static void add_value(struct sf_buf *b, const struct sf_setting *s,
                      const struct sf_conf *conf)
{
    const char *at = (const char *)conf + s->offset;
    int64_t n;

    if (sf_setting_is_text(s)) {
        const char *text = *(char *const *)(const void *)at;

        sf_buf_add_str(b, s->is_secret && text[0] ? SF_STR("***") : sf_str_from(text));
        return;
    }
    n = *(const int64_t *)(const void *)at;
    if (s->kind == SF_SET_CHOICE)
        sf_buf_add_str(b, sf_str_from(s->choices[n]));
    else if (s->kind == SF_SET_BOOL)
        sf_buf_add_str(b, n ? SF_STR("true") : SF_STR("false"));
    else if (s->kind == SF_SET_SHARE)
        sf_buf_addf(b, "%lld.%02lld", (long long)n / 100, (long long)n % 100);
    else if (s->kind == SF_SET_DURATION && n >= 0)
        sf_buf_addf(b, "%lldms", (long long)n);
    else
        sf_buf_add_i64(b, n);
}

void sf_conf_print(struct sf_buf *b, const struct sf_conf *conf, unsigned scopes)
{
    for (const struct sf_setting *s = sf_settings; s->name; s++) {
        if (!(s->scopes & scopes))
            continue;
        sf_buf_addf(b, "%s=", s->name);
        add_value(b, s, conf);
        sf_buf_add_char(b, '\n');
    }
    sf_buf_addf(b, "# derived: topic %s, collection %s, group %s, telemetry id %s\n",
                conf->topic, conf->collection, conf->consumer_group, conf->telemetry_id);
}

static void add_users(struct sf_buf *b, unsigned scopes)
{
    static const struct {
        unsigned scope;
        const char *who;
    } rows[] = {
        { SF_SCOPE_QUEUE, "all" },
        { SF_SCOPE_LOADER, "loaders" },
        { SF_SCOPE_REST, "loaders that ask REST" },
        { SF_SCOPE_HISTORY, "histories" },
        { SF_SCOPE_CONNECTOR, "connectors" },
        { SF_SCOPE_LIVE, "live loaders" },
        { SF_SCOPE_SNAPSHOTS, "snapshots of order books" },
        { SF_SCOPE_BOOKS, "live order books" },
        { SF_SCOPE_CANDLES, "live candles" },
        { SF_SCOPE_MANAGER, "queue-manager" },
    };
    const char *before = "";

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!(scopes & rows[i].scope))
            continue;
        sf_buf_addf(b, "%s%s", before, rows[i].who);
        before = ", ";
    }
}

void sf_conf_print_markdown(struct sf_buf *b)
{
    sf_buf_add_lit(
        b,
        "# Settings\n\nPrinted from the table (`libsf/src/conf_table.c`) by `make docs`. "
        "Settings come from the environment; a secret also from the file that "
        "`NAME_FILE` names. Every program prints its own with `--help` and checks them "
        "with `--check`.\n\n"
        "| setting | who | kind | default | what |\n|---|---|---|---|---|\n");
    for (const struct sf_setting *s = sf_settings; s->name; s++) {
        sf_buf_addf(b, "| `%s`", s->name);
        if (s->alias)
            sf_buf_addf(b, " (`%s`)", s->alias);
        if (s->has_roles)
            sf_buf_addf(b, " (`_PRODUCER`, `_CONSUMER` forms win)");
        sf_buf_add_lit(b, " | ");
        add_users(b, s->scopes);
        sf_buf_add_lit(b, " | ");
        add_kind(b, s);
        sf_buf_addf(b, "%s | %s%s%s | %s |\n", s->is_secret ? ", secret" : "",
                    s->initial ? "`" : "",
                    s->initial       ? s->initial
                    : s->is_required ? "required"
                                     : "",
                    s->initial ? "`" : "", s->help);
    }
}
