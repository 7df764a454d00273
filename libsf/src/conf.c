/* Reading the table from an environment. conf_value.c judges one value, conf_check.c the
 * whole, conf_print.c prints. */
#include "conf_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SECRET_MAX 65536 /* bytes of a NAME_FILE */
#define NAME_SIZE  64    /* of a setting's name with _PRODUCER_FILE behind it */

/* A value may hold anything, and may be cut in the middle of a character: what is no
 * printable UTF-8 becomes '?'. */
static void make_one_line(char *text)
{
    struct sf_str rest = sf_str_from(text);

    while (rest.len > 0) {
        size_t n = sf_str_utf8(rest);
        bool is_good = n > 0 && (unsigned char)*text >= ' ' && *text != 0x7f;

        if (!is_good) {
            *text = '?';
            n = 1;
        }
        text += n;
        rest = (struct sf_str){ text, rest.len - n };
    }
}

void sf_conf_problem(struct sf_problems *p, const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    make_one_line(text);
    p->is_bad = true;
    if (p->report)
        p->report(p->arg, text);
}

void sf_conf_out_of_memory(struct sf_problems *p)
{
    if (!p->is_out_of_memory)
        sf_conf_problem(p, "settings: out of memory");
    p->is_out_of_memory = true;
}

const char *sf_conf_env(void *arg, const char *name)
{
    (void)arg;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): main thread, before any other exists */
    return getenv(name);
}

/* ------------------------------------------------------------------------- secrets */

struct source {
    sf_getenv_fn get;
    void *arg;
    struct sf_problems *problems;
};

/* What is set in the environment and not blank, else NULL. */
static const char *look_up(const struct source *src, const char *name)
{
    const char *value = src->get(src->arg, name);

    return value && sf_str_trim(sf_str_from(value)).len > 0 ? value : NULL;
}

/* All of @fd into @text of @size bytes; the length, @size when there is more, -1. */
static ssize_t read_all(int fd, char *text, size_t size)
{
    size_t len = 0;

    while (len < size) {
        ssize_t n = read(fd, text + len, size - len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        len += (size_t)n;
    }
    return (ssize_t)len;
}

/* The content of a secret's file without the line end. NULL: reported. */
static char *read_secret(const char *file_name, const char *path, struct sf_problems *p)
{
    char *text = malloc(SECRET_MAX + 1);
    int fd = text ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    ssize_t n = fd >= 0 ? read_all(fd, text, SECRET_MAX + 1) : -1;

    if (!text) {
        sf_conf_out_of_memory(p);
        return NULL;
    }
    if (fd >= 0)
        (void)close(fd);
    while (n > 0 && n <= SECRET_MAX && (text[n - 1] == '\n' || text[n - 1] == '\r'))
        n--;
    if (n <= 0 || n > SECRET_MAX || memchr(text, '\0', (size_t)n)) {
        sf_conf_problem(p, "%s='%.80s': expected a file with 1 to %d bytes of text",
                        file_name, path, SECRET_MAX);
        free(text);
        return NULL;
    }
    text[n] = '\0';
    return text;
}

/* The value of @name, for a secret also from NAME_FILE, which *ret_owned frees. */
static const char *find_secret(const struct source *src, const struct sf_setting *s,
                               const char *name, char **ret_owned)
{
    const char *value = look_up(src, name), *path;
    char file_name[NAME_SIZE];

    if (!s->is_secret)
        return value;
    (void)snprintf(file_name, sizeof(file_name), "%s_FILE", name);
    path = look_up(src, file_name);
    if (!path)
        return value;
    if (value) {
        sf_conf_problem(src->problems,
                        "%s='%.80s': %s is set as well; expected one of them", file_name,
                        path, name);
        return value;
    }
    *ret_owned = read_secret(file_name, path, src->problems);
    if (!*ret_owned)
        src->problems->refused[s - sf_settings] = true;
    return *ret_owned;
}

/* -------------------------------------------------------------------------- values */

/* The specific form wins, then the name, then its older spelling. NULL: not set. */
static const char *find_value(const struct source *src, const struct sf_setting *s,
                              unsigned scopes, char **ret_owned)
{
    const char *value = NULL, *older = s->alias ? look_up(src, s->alias) : NULL;
    char role_name[NAME_SIZE];

    if (s->has_roles) {
        (void)snprintf(role_name, sizeof(role_name), "%s_%s", s->name,
                       scopes & SF_SCOPE_CONNECTOR ? "CONSUMER" : "PRODUCER");
        value = find_secret(src, s, role_name, ret_owned);
    }
    if (!value && !sf_setting_is_refused(s, src->problems))
        value = find_secret(src, s, s->name, ret_owned);
    if (value && older && !sf_str_eq(sf_str_from(value), sf_str_from(older)))
        sf_conf_problem(src->problems, "%s='%.80s': expected the same as %s='%.80s'",
                        s->alias, older, s->name, value);
    return value ? value : older;
}

static void read_setting(const struct source *src, const struct sf_setting *s,
                         unsigned scopes, struct sf_conf *conf)
{
    bool is_used = (s->scopes & scopes) != 0;
    char *owned = NULL;
    const char *value = is_used ? find_value(src, s, scopes, &owned) : NULL;
    struct sf_str text = sf_str_from(value);

    if (s->initial)
        (void)sf_setting_parse(s, sf_str_from(s->initial), conf, src->problems);
    else if (sf_setting_is_text(s))
        (void)sf_setting_set(s, SF_STR_EMPTY, conf, src->problems);
    if (value)
        (void)sf_setting_parse(s, s->is_secret ? text : sf_str_trim(text), conf,
                               src->problems);
    else if (is_used && s->is_required)
        sf_conf_problem(src->problems, "%s is not set: %s", s->name, s->help);
    free(owned);
}

/* Every text is there: only lack of memory leaves one NULL. */
static bool is_complete(struct sf_conf *conf)
{
    for (const struct sf_setting *s = sf_settings; s->name; s++)
        if (sf_setting_is_text(s) && !*sf_setting_text(s, conf))
            return false;
    return true;
}

enum sf_status sf_conf_load(struct sf_conf *conf, const char *image, unsigned scopes,
                            sf_getenv_fn get, void *get_arg, sf_problem_fn report,
                            void *report_arg)
{
    struct sf_problems problems = { .report = report, .arg = report_arg };
    const struct source src = { get, get_arg, &problems };

    *conf = (struct sf_conf){ 0 };
    for (const struct sf_setting *s = sf_settings; s->name; s++)
        read_setting(&src, s, scopes, conf);
    if (is_complete(conf))
        sf_conf_derive(conf, image, scopes, &problems);
    if (problems.is_out_of_memory)
        return SF_ENOMEM;
    return problems.is_bad ? SF_EINVAL : SF_OK;
}

/* NAME and NAME_FILE, each when it is set. */
static void tell_set(const struct source *src, const struct sf_setting *s,
                     const char *name, sf_conf_set_fn fn, void *arg)
{
    const char *value = look_up(src, name);
    char file_name[NAME_SIZE];

    if (value)
        fn(arg, name, value, s->is_secret);
    if (!s->is_secret)
        return;
    (void)snprintf(file_name, sizeof(file_name), "%s_FILE", name);
    value = look_up(src, file_name);
    if (value)
        fn(arg, file_name, value, false);
}

void sf_conf_each_set(unsigned scopes, sf_getenv_fn get, void *get_arg, sf_conf_set_fn fn,
                      void *arg)
{
    const struct source src = { get, get_arg, NULL };
    static const char *const roles[] = { "PRODUCER", "CONSUMER" };
    char name[NAME_SIZE];

    for (const struct sf_setting *s = sf_settings; s->name; s++) {
        if (!(s->scopes & scopes))
            continue;
        tell_set(&src, s, s->name, fn, arg);
        if (s->alias)
            tell_set(&src, s, s->alias, fn, arg);
        for (size_t i = 0; s->has_roles && i < 2; i++) {
            (void)snprintf(name, sizeof(name), "%s_%s", s->name, roles[i]);
            tell_set(&src, s, name, fn, arg);
        }
    }
}

void sf_conf_release(struct sf_conf *conf)
{
    for (const struct sf_setting *s = sf_settings; s->name; s++)
        if (sf_setting_is_text(s))
            free(*sf_setting_text(s, conf));
    free(conf->symbols);
    *conf = (struct sf_conf){ 0 };
}
