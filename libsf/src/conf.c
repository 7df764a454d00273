/* Reading the table from an environment. conf_check.c judges the whole, conf_print.c
 * prints. */
#include "conf_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SECRET_MAX 65536 /* bytes of a NAME_FILE */
#define SHOWN_MAX  80    /* characters of a wrong value that are shown */

void sf_conf_problem(struct sf_problems *p, const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    p->is_bad = true;
    if (p->report)
        p->report(p->arg, text);
}

static int shown(struct sf_str s)
{
    return (int)(s.len < SHOWN_MAX ? s.len : SHOWN_MAX);
}

/* "NAME='value': expected ..."; a secret's value is not shown. */
static bool refuse(const struct sf_setting *s, struct sf_str value, struct sf_problems *p,
                   const char *expected)
{
    if (s->is_secret)
        sf_conf_problem(p, "%s: expected %s", s->name, expected);
    else
        sf_conf_problem(p, "%s='%.*s': expected %s", s->name, shown(value), value.p,
                        expected);
    return false;
}

static bool set_text(const struct sf_setting *s, struct sf_str value,
                     struct sf_conf *conf, struct sf_problems *p)
{
    char **field = (char **)(void *)((char *)conf + s->offset);
    char *copy = sf_str_dup(value);

    if (!copy) {
        sf_conf_problem(p, "%s: out of memory", s->name);
        return false;
    }
    free(*field);
    *field = copy;
    return true;
}

static bool set_int(const struct sf_setting *s, int64_t n, struct sf_conf *conf)
{
    *(int64_t *)(void *)((char *)conf + s->offset) = n;
    return true;
}

/* ------------------------------------------------------------------- kinds of values */

static bool parse_int(const struct sf_setting *s, struct sf_str value,
                      struct sf_conf *conf, struct sf_problems *p)
{
    char expected[96];
    int64_t n;

    if (sf_str_to_i64(value, &n) == SF_OK && n >= s->min && n <= s->max)
        return set_int(s, n, conf);
    if (s->max == INT64_MAX)
        (void)snprintf(expected, sizeof(expected), "an integer from %lld",
                       (long long)s->min);
    else
        (void)snprintf(expected, sizeof(expected), "an integer from %lld to %lld",
                       (long long)s->min, (long long)s->max);
    return refuse(s, value, p, expected);
}

static bool parse_duration(const struct sf_setting *s, struct sf_str value,
                           struct sf_conf *conf, struct sf_problems *p)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = { { "ms", 1 },      { "s", 1000 },     { "m", 60000 },
                  { "h", 3600000 }, { "d", 86400000 }, { "", 1 } };

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        struct sf_str unit = sf_str_from(units[i].unit);
        struct sf_str number = value;
        int64_t n;

        if (!sf_str_ends(value, unit))
            continue;
        number.len -= unit.len;
        if (sf_str_to_i64(number, &n) != SF_OK)
            continue;
        if (n == -1 && s->min == -1)
            return set_int(s, -1, conf);
        if (n >= 0 && n <= s->max / units[i].ms)
            return set_int(s, n * units[i].ms, conf);
    }
    return refuse(s, value, p, "a length of time like 500ms, 30s, 5m, 12h, 7d, or -1");
}

/* "0.7", ".7", "1", "1.0" to percent; digits behind the second are refused. */
static bool parse_share(const struct sf_setting *s, struct sf_str value,
                        struct sf_conf *conf, struct sf_problems *p)
{
    struct sf_str fraction;
    struct sf_str whole = sf_str_cut(value, '.', &fraction);
    uint64_t w = 0, f = 0;
    bool is_good = (whole.len == 0 || sf_str_to_u64(whole, &w) == SF_OK) &&
                   value.len > 0 &&
                   (fraction.len == 0 || sf_str_to_u64(fraction, &f) == SF_OK) &&
                   fraction.len <= 2 && w <= 1;

    if (fraction.len == 1)
        f *= 10;
    if (is_good && w * 100 + f >= 1 && w * 100 + f <= 100)
        return set_int(s, (int64_t)(w * 100 + f), conf);
    return refuse(s, value, p, "a share from 0.01 to 1");
}

static bool parse_choice(const struct sf_setting *s, struct sf_str value,
                         struct sf_conf *conf, struct sf_problems *p)
{
    char expected[200];
    struct sf_buf b = { .p = expected,
                        .cap = sizeof(expected) - 1,
                        .max = sizeof(expected) - 1 };
    const char *nearest;

    for (int i = 0; s->choices[i]; i++)
        if (sf_str_eq_nocase(value, sf_str_from(s->choices[i])))
            return set_int(s, i, conf);
    nearest = sf_nearest(value, s->choices);
    sf_buf_add_lit(&b, "one of");
    for (int i = 0; s->choices[i]; i++)
        sf_buf_addf(&b, " %s", s->choices[i]);
    if (nearest)
        sf_buf_addf(&b, "; did you mean %s?", nearest);
    expected[b.len] = '\0';
    return refuse(s, value, p, expected);
}

static bool parse_bool(const struct sf_setting *s, struct sf_str value,
                       struct sf_conf *conf, struct sf_problems *p)
{
    static const char *const words[] = { "false", "true", "0", "1", "no", "yes", NULL };

    for (int i = 0; words[i]; i++)
        if (sf_str_eq_nocase(value, sf_str_from(words[i])))
            return set_int(s, i % 2, conf);
    return refuse(s, value, p, "true or false");
}

static bool is_url(struct sf_str url)
{
    static const char *const schemes[] = { "http://", "https://", "ws://", "wss://",
                                           NULL };

    for (int i = 0; schemes[i]; i++) {
        struct sf_str scheme = sf_str_from(schemes[i]);

        if (sf_str_starts(url, scheme) && url.len > scheme.len &&
            url.p[scheme.len] != '/' && !memchr(url.p, ' ', url.len))
            return true;
    }
    return false;
}

static bool parse_url(const struct sf_setting *s, struct sf_str value,
                      struct sf_conf *conf, struct sf_problems *p)
{
    struct sf_str rest = value, one;

    if (memchr(value.p, '@', value.len)) { /* may hold a password: not shown */
        sf_conf_problem(
            p,
            "%s: expected http://host:port or https://host:port, without user "
            "or password ('@')",
            s->name);
        return false;
    }
    do {
        one = sf_str_trim(s->kind == SF_SET_URLS ? sf_str_cut(rest, ',', &rest) : rest);
        if (!is_url(one))
            return refuse(
                s, value, p,
                "http://host:port or https://host:port, without user or password");
    } while (s->kind == SF_SET_URLS && rest.len > 0);
    while (value.len > 0 && value.p[value.len - 1] == '/')
        value.len--;
    return set_text(s, value, conf, p);
}

static bool parse_listen(const struct sf_setting *s, struct sf_str value,
                         struct sf_conf *conf, struct sf_problems *p)
{
    size_t colon = value.len;
    uint64_t port;

    while (colon > 0 && value.p[colon - 1] != ':')
        colon--;
    if (colon >= 2 &&
        sf_str_to_u64((struct sf_str){ value.p + colon, value.len - colon }, &port) ==
            SF_OK &&
        port <= 65535)
        return set_text(s, value, conf, p);
    return refuse(s, value, p, "host:port, like 127.0.0.1:9108");
}

static bool parse_path(const struct sf_setting *s, struct sf_str value,
                       struct sf_conf *conf, struct sf_problems *p)
{
    char **field = (char **)(void *)((char *)conf + s->offset);

    if (!set_text(s, value, conf, p))
        return false;
    if (access(*field, R_OK) == 0)
        return true;
    return refuse(s, value, p, "a file that can be read");
}

bool sf_setting_parse(const struct sf_setting *s, struct sf_str value,
                      struct sf_conf *conf, struct sf_problems *p)
{
    switch (s->kind) {
    case SF_SET_TEXT:
        return set_text(s, value, conf, p);
    case SF_SET_PATH:
        return parse_path(s, value, conf, p);
    case SF_SET_LISTEN:
        return parse_listen(s, value, conf, p);
    case SF_SET_URL:
    case SF_SET_URLS:
        return parse_url(s, value, conf, p);
    case SF_SET_INT:
        return parse_int(s, value, conf, p);
    case SF_SET_BOOL:
        return parse_bool(s, value, conf, p);
    case SF_SET_DURATION:
        return parse_duration(s, value, conf, p);
    case SF_SET_SHARE:
        return parse_share(s, value, conf, p);
    case SF_SET_CHOICE:
        return parse_choice(s, value, conf, p);
    }
    return false;
}

/* --------------------------------------------------------------------- environment */

struct source {
    sf_getenv_fn get;
    void *arg;
    struct sf_problems *problems;
};

const char *sf_conf_env(void *arg, const char *name)
{
    (void)arg;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): main thread, before any other exists */
    return getenv(name);
}

/* The content of a secret's file without the line end. NULL: reported. */
static char *read_secret(const char *name, const char *path, struct sf_problems *p)
{
    char *text = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = -1;

    if (fd >= 0)
        text = malloc(SECRET_MAX + 1);
    if (text)
        n = read(fd, text, SECRET_MAX + 1);
    if (fd >= 0)
        (void)close(fd);
    if (n < 0 || n > SECRET_MAX) {
        sf_conf_problem(
            p, "%s_FILE='%s': expected a file of at most %d bytes that can be read", name,
            path, SECRET_MAX);
        free(text);
        return NULL;
    }
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
        n--;
    text[n] = '\0';
    return text;
}

/* Look @name up, and NAME_FILE for a secret. *ret_owned is to be freed. */
static const char *look_up(const struct source *src, const struct sf_setting *s,
                           const char *name, char **ret_owned)
{
    const char *value = src->get(src->arg, name);
    char file_name[96];
    const char *path;

    if (!s->is_secret || (value && value[0] != '\0'))
        return value;
    (void)snprintf(file_name, sizeof(file_name), "%s_FILE", name);
    path = src->get(src->arg, file_name);
    if (!path || path[0] == '\0')
        return value;
    *ret_owned = read_secret(name, path, src->problems);
    return *ret_owned;
}

/* The specific form wins, then the name, then its older spelling. */
static const char *find_value(const struct source *src, const struct sf_setting *s,
                              unsigned scopes, char **ret_owned)
{
    const char *names[3] = { NULL };
    char role_name[96];
    const char *value = NULL;

    if (s->has_roles) {
        (void)snprintf(role_name, sizeof(role_name), "%s_%s", s->name,
                       scopes & SF_SCOPE_CONNECTOR ? "CONSUMER" : "PRODUCER");
        names[0] = role_name;
    }
    names[1] = s->name;
    names[2] = s->alias;
    for (int i = 0; i < 3 && (!value || value[0] == '\0'); i++)
        if (names[i])
            value = look_up(src, s, names[i], ret_owned);
    return value && value[0] != '\0' ? value : NULL;
}

static void read_setting(const struct source *src, const struct sf_setting *s,
                         unsigned scopes, struct sf_conf *conf)
{
    bool is_used = (s->scopes & scopes) != 0;
    char *owned = NULL;
    const char *value = is_used ? find_value(src, s, scopes, &owned) : NULL;

    if (s->initial)
        (void)sf_setting_parse(s, sf_str_from(s->initial), conf, src->problems);
    else if (sf_setting_is_text(s))
        (void)set_text(s, SF_STR_EMPTY, conf, src->problems);
    if (value)
        (void)sf_setting_parse(
            s, s->is_secret ? sf_str_from(value) : sf_str_trim(sf_str_from(value)), conf,
            src->problems);
    else if (is_used && s->is_required)
        sf_conf_problem(src->problems, "%s is not set: %s", s->name, s->help);
    free(owned);
}

enum sf_status sf_conf_load(struct sf_conf *conf, const char *image, unsigned scopes,
                            sf_getenv_fn get, void *get_arg, sf_problem_fn report,
                            void *report_arg)
{
    struct sf_problems problems = { report, report_arg, false };
    const struct source src = { get, get_arg, &problems };
    enum sf_status status;

    *conf = (struct sf_conf){ 0 };
    for (const struct sf_setting *s = sf_settings; s->name; s++)
        read_setting(&src, s, scopes, conf);
    for (const struct sf_setting *s = sf_settings; s->name; s++)
        if (sf_setting_is_text(s) && !*(char **)(void *)((char *)conf + s->offset))
            return SF_ENOMEM;
    status = sf_conf_derive(conf, image, scopes, &problems);
    return status == SF_OK && problems.is_bad ? SF_EINVAL : status;
}

void sf_conf_release(struct sf_conf *conf)
{
    for (const struct sf_setting *s = sf_settings; s->name; s++)
        if (sf_setting_is_text(s))
            free(*(char **)(void *)((char *)conf + s->offset));
    free(conf->symbols);
    *conf = (struct sf_conf){ 0 };
}
