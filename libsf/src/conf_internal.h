/* The row type of the settings table, and what the conf_*.c files share. */
#ifndef CONF_INTERNAL_H
#define CONF_INTERNAL_H

#include <sf/conf.h>

enum sf_setting_kind {
    SF_SET_TEXT,     /* char *: as given; with choices: one of them */
    SF_SET_TOPIC,    /* char *: what Kafka takes as a topic */
    SF_SET_BROKERS,  /* char *: host[:port],... */
    SF_SET_PATH,     /* char *: a file that can be read */
    SF_SET_LISTEN,   /* char *: host:port */
    SF_SET_URL,      /* char *: http:// or https://, no trailing slash kept */
    SF_SET_WS_URL,   /* char *: ws:// or wss://, likewise */
    SF_SET_URLS,     /* char *: several of SF_SET_URL, comma-separated */
    SF_SET_INT,      /* int64_t: min to max */
    SF_SET_BOOL,     /* int64_t: true, false */
    SF_SET_DURATION, /* int64_t ms: a number with ms, s, m, h or d; -1 where min allows */
    SF_SET_SHARE,    /* int64_t percent: 0.01 to 1.00 */
    SF_SET_CHOICE,   /* int64_t: index into choices */
};

struct sf_setting {
    const char *name, *alias; /* alias: an older spelling, or NULL */
    unsigned scopes;
    enum sf_setting_kind kind;
    size_t offset;              /* in struct sf_conf */
    const char *initial;        /* as it would be given; NULL: empty or derived */
    int64_t min, max;           /* SF_SET_INT, SF_SET_DURATION */
    const char *const *choices; /* NULL-terminated */
    bool is_required, is_secret;
    bool has_roles; /* also NAME_PRODUCER in loaders, NAME_CONSUMER in connectors */
    const char *help;
};

extern const struct sf_setting sf_settings[]; /* ends with name NULL */

/* Collects problems: each is reported as one line. */
#define SF_SETTINGS_MAX 128

struct sf_problems {
    sf_problem_fn report;
    void *arg;
    bool is_bad, is_out_of_memory;
    bool refused[SF_SETTINGS_MAX]; /* by row of the table: its value was refused */
};
/* @fmt must begin with the name of a setting. */
void sf_conf_problem(struct sf_problems *p, const char *fmt, ...) SF_PRINTF(2, 3);
void sf_conf_out_of_memory(struct sf_problems *p);

static inline bool sf_setting_is_text(const struct sf_setting *s)
{
    return s->kind <= SF_SET_URLS;
}

static inline char **sf_setting_text(const struct sf_setting *s, struct sf_conf *conf)
{
    return (char **)(void *)((char *)conf + s->offset);
}

static inline bool sf_setting_is_refused(const struct sf_setting *s,
                                         const struct sf_problems *p)
{
    return p->refused[s - sf_settings];
}

/* "NAME='value': expected ...", without the value of a secret. Always false. */
bool sf_setting_refuse(const struct sf_setting *s, struct sf_str value,
                       struct sf_problems *p, const char *expected);

/* Parse @value for @s into @conf. False when it was refused (and reported). */
bool sf_setting_parse(const struct sf_setting *s, struct sf_str value,
                      struct sf_conf *conf, struct sf_problems *problems);
/* Store @value as it is. */
bool sf_setting_set(const struct sf_setting *s, struct sf_str value, struct sf_conf *conf,
                    struct sf_problems *problems);

/* The combination of settings, and everything derived from them. */
void sf_conf_derive(struct sf_conf *conf, const char *image, unsigned scopes,
                    struct sf_problems *problems);

#endif
