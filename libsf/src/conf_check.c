/* The settings as a whole: do they agree, and what follows from them? */
#include "conf_internal.h"

#include <sf/exchange.h>

#include <stdlib.h>

#define DAY_MS       INT64_C(86400000)
#define DATABASE_MAX 128 /* bytes: ArangoDB's limit of extended names */

/* Report what a name function or parser expected of setting @name. */
static void wrong(struct sf_problems *p, const char *name, const char *value,
                  const struct sf_error *err)
{
    sf_conf_problem(p, "%s='%.80s': %s", name, value, err->text);
}

/* -------------------------------------------------------------------------- type */

static void check_type(struct sf_conf *conf, const char *image, struct sf_problems *p)
{
    struct sf_error err = { 0 };
    const struct sf_type *type;

    if (conf->type[0] == '\0')
        return; /* reported as missing */
    if (sf_type_parse(sf_str_from(conf->type), &conf->type_ref, &err) != SF_OK) {
        wrong(p, "TYPE", conf->type, &err);
        return;
    }
    type = conf->type_ref.type;
    if (sf_type_is_image(sf_str_from(image)) &&
        !sf_type_has_image(type, sf_str_from(image)))
        sf_conf_problem(p, "TYPE='%s': served by %s and %s, not by %s", conf->type,
                        type->loader ? type->loader : "no loader", type->connector,
                        image);
    if (conf->interval[0] == '\0')
        return;
    if (!conf->type_ref.interval)
        sf_conf_problem(p, "INTERVAL='%.80s': TYPE='%s' has no interval", conf->interval,
                        conf->type);
    else if (!sf_str_eq(sf_str_from(conf->interval),
                        sf_str_from(conf->type_ref.interval->name)))
        sf_conf_problem(p, "INTERVAL='%.80s': expected %s, as TYPE='%s' says",
                        conf->interval, conf->type_ref.interval->name, conf->type);
}

/* ----------------------------------------------------------------------- symbols */

static bool has_symbol(const struct sf_conf *conf, const char *symbol)
{
    for (size_t i = 0; i < conf->symbols_n; i++)
        if (sf_str_eq(sf_str_from(conf->symbols[i]), sf_str_from(symbol)))
            return true;
    return false;
}

/* Every part of SYMBOL, an empty one too: a comma at the end is a slip. */
static void add_symbols(struct sf_conf *conf, size_t n, struct sf_problems *p)
{
    struct sf_str rest = sf_str_from(conf->symbol);

    while (conf->symbols_n < n) {
        struct sf_str one = sf_str_cut(rest, ',', &rest);
        char *symbol = conf->symbols[conf->symbols_n];
        struct sf_error err = { 0 };

        if (sf_name_symbol(one, symbol, &err) != SF_OK) {
            wrong(p, "SYMBOL", conf->symbol, &err);
            return;
        }
        if (has_symbol(conf, symbol)) {
            sf_conf_problem(p, "SYMBOL='%.80s': %s stands twice", conf->symbol, symbol);
            return;
        }
        conf->symbols_n++;
    }
}

static void check_subject(struct sf_conf *conf, struct sf_problems *p)
{
    struct sf_error err = { 0 };

    if (conf->group[0] != '\0') {
        if (sf_name_symbol(sf_str_from(conf->group), conf->subject, &err) != SF_OK)
            wrong(p, "GROUP", conf->group, &err);
    } else if (conf->symbols_n == 1) {
        memcpy(conf->subject, conf->symbols[0], sizeof(conf->subject));
    } else {
        sf_conf_problem(p,
                        "GROUP is not set: %zu symbols need a name that stands for them",
                        conf->symbols_n);
    }
}

static void check_symbols(struct sf_conf *conf, struct sf_problems *p)
{
    size_t n = 1;

    for (const char *c = conf->symbol; *c; c++)
        n += *c == ',';
    if (n > SF_SYMBOLS_MAX) {
        sf_conf_problem(p, "SYMBOL='%.80s': %zu symbols, expected at most %d",
                        conf->symbol, n, SF_SYMBOLS_MAX);
        return;
    }
    conf->symbols = calloc(n, sizeof(*conf->symbols));
    if (!conf->symbols) {
        sf_conf_out_of_memory(p);
        return;
    }
    add_symbols(conf, n, p);
    if (conf->symbols_n < n)
        return;
    if (n > 1 && conf->type_ref.type && conf->type_ref.type->has_range)
        sf_conf_problem(p, "SYMBOL='%.80s': TYPE='%s' is a history and takes one symbol",
                        conf->symbol, conf->type);
    else
        check_subject(conf, p);
}

/* ------------------------------------------------------------------------- range */

static bool parse_range(struct sf_conf *conf)
{
    struct sf_str text = sf_str_from(conf->time_range), to;
    struct sf_str from = sf_str_cut(text, '/', &to);

    if (from.len < text.len)
        return sf_time_parse_iso(from, &conf->range_from_ms) == SF_OK &&
               sf_time_parse_iso(to, &conf->range_to_ms) == SF_OK;
    from = sf_str_cut(text, ':', &to);
    if (sf_time_parse_date(from, &conf->range_from_ms) != SF_OK ||
        sf_time_parse_date(to, &conf->range_to_ms) != SF_OK)
        return false;
    conf->range_to_ms += DAY_MS; /* both days are included */
    return true;
}

static void check_range(struct sf_conf *conf, unsigned scopes, struct sf_problems *p)
{
    if (conf->time_range[0] == '\0') {
        if (scopes & SF_SCOPE_HISTORY)
            sf_conf_problem(p, "TIME_RANGE is not set: a history requires it, as "
                               "YYYY-MM-DD:YYYY-MM-DD or from/to in ISO 8601");
        return;
    }
    if (!p->is_bad && conf->type_ref.type && !sf_type_takes_range(conf->type_ref.type)) {
        sf_conf_problem(p,
                        "TIME_RANGE='%.80s': TYPE='%s' is live and has none; UNTIL ends "
                        "it",
                        conf->time_range, conf->type);
        return;
    }
    if (!parse_range(conf)) {
        sf_conf_problem(p,
                        "TIME_RANGE='%.80s': expected YYYY-MM-DD:YYYY-MM-DD (both days "
                        "included) or from/to in ISO 8601 (to excluded)",
                        conf->time_range);
        conf->range_from_ms = conf->range_to_ms = 0;
        return;
    }
    if (conf->range_from_ms >= conf->range_to_ms)
        sf_conf_problem(
            p, "TIME_RANGE='%.80s': begins after it ends; expected from before to",
            conf->time_range);
    else if (conf->range_from_ms < SF_TIME_MIN_MS || conf->range_to_ms > SF_TIME_MAX_MS)
        sf_conf_problem(p, "TIME_RANGE='%.80s': expected instants from 1970 to 2099",
                        conf->time_range);
}

static void check_until(struct sf_conf *conf, struct sf_problems *p)
{
    if (conf->until[0] == '\0')
        return;
    if (sf_time_parse_iso(sf_str_from(conf->until), &conf->until_ms) != SF_OK ||
        conf->until_ms <= SF_TIME_MIN_MS || conf->until_ms > SF_TIME_MAX_MS)
        sf_conf_problem(p, "UNTIL='%.80s': expected an instant in ISO 8601", conf->until);
    else if (conf->type_ref.type && conf->type_ref.type->has_range)
        sf_conf_problem(p,
                        "UNTIL='%.80s': TYPE='%s' is a history and ends with its "
                        "TIME_RANGE",
                        conf->until, conf->type);
}

static void check_tape(const struct sf_conf *conf, struct sf_problems *p)
{
    if (conf->tape_record[0] != '\0' && conf->tape_replay[0] != '\0')
        sf_conf_problem(p, "TAPE_RECORD='%.80s': expected it without TAPE_REPLAY",
                        conf->tape_record);
}

/* ------------------------------------------------------------------------- names */

static void check_exchange(const struct sf_conf *conf, struct sf_problems *p)
{
    const char *const *names = sf_exchange_names();
    const char *nearest = sf_nearest(sf_str_from(conf->exchange), names);
    char list[128];
    struct sf_buf b = { .p = list, .cap = sizeof(list) - 1, .max = sizeof(list) - 1 };

    if (sf_exchange_find(sf_str_from(conf->exchange)))
        return;
    for (; *names; names++)
        sf_buf_addf(&b, " %s", *names);
    if (nearest)
        sf_buf_addf(&b, "; did you mean %s?", nearest);
    sf_conf_problem(p, "EXCHANGE='%.80s': expected one of%s", conf->exchange,
                    sf_buf_cstr(&b));
}

/* A name that was given is taken as it is; else the caller derives it. */
static bool take_given(const char *value, char *dst, struct sf_problems *p,
                       const char *name)
{
    if (value[0] == '\0')
        return false;
    if (!sf_str_copy(sf_str_from(value), dst, SF_NAME_MAX + 1))
        sf_conf_problem(p, "%s='%.80s...': expected at most %d characters", name, value,
                        SF_NAME_MAX);
    return true;
}

static void derive_from_queue(struct sf_conf *conf, const char *image,
                              struct sf_problems *p)
{
    struct sf_str queue_id = sf_str_from(conf->queue_id);
    struct sf_error err = { 0 };
    enum sf_status status = sf_name_short_id_of(queue_id, conf->short_id, &err);

    if (status == SF_OK && !take_given(conf->kafka_topic, conf->topic, p, "KAFKA_TOPIC"))
        status = sf_name_topic(queue_id, conf->topic, &err);
    if (status == SF_OK && !take_given(conf->telemetry_producer_id, conf->telemetry_id, p,
                                       "TELEMETRY_PRODUCER_ID"))
        status = sf_name_telemetry_id(sf_str_from(image), sf_str_from(conf->short_id),
                                      conf->telemetry_id, &err);
    if (status == SF_OK)
        status = sf_name_group(sf_str_from(image), queue_id, conf->consumer_group, &err);
    if (status != SF_OK) {
        wrong(p, "QUEUE_ID", conf->queue_id, &err);
        conf->queue_id[0] = '\0'; /* no event can be sent for it */
        return;
    }
    if (sf_name_dlq(sf_str_from(conf->topic), conf->dlq_topic, &err) != SF_OK)
        wrong(p, conf->kafka_topic[0] ? "KAFKA_TOPIC" : "QUEUE_ID", conf->topic, &err);
}

/* A queue id that is used again for something else would mix two queues. */
static void check_queue_id(const struct sf_conf *conf, struct sf_problems *p)
{
    struct sf_subject s = { sf_str_from(conf->exchange), sf_str_from(conf->subject),
                            conf->type_ref, 0, SF_STR_EMPTY };
    struct sf_error err = { 0 };

    if (!p->is_bad &&
        sf_name_check_subject(sf_str_from(conf->queue_id), &s, &err) != SF_OK)
        sf_conf_problem(p, "QUEUE_ID='%s': %s, as TYPE='%s' %s='%s' say", conf->queue_id,
                        err.text, conf->type, conf->group[0] ? "GROUP" : "SYMBOL",
                        conf->subject);
}

static void check_topics(const struct sf_conf *conf, struct sf_problems *p)
{
    struct sf_str control = sf_str_from(conf->control_topic);
    struct sf_str events = sf_str_from(conf->events_topic);
    struct sf_str data = sf_str_from(conf->topic);

    if (sf_str_eq(events, control))
        sf_conf_problem(p,
                        "QUEUE_EVENTS_TOPIC='%s': expected another topic than for "
                        "commands",
                        conf->events_topic);
    if (sf_str_eq(data, control) || sf_str_eq(data, events))
        sf_conf_problem(p,
                        "KAFKA_TOPIC='%s': expected another topic than for commands "
                        "or events",
                        conf->topic);
}

static bool is_collection(struct sf_str s)
{
    bool is_good = s.len >= 1 && s.len <= SF_NAME_MAX;

    for (size_t i = 0; is_good && i < s.len; i++) {
        char c = s.p[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

        is_good =
            is_letter || (i > 0 && ((c >= '0' && c <= '9') || c == '_' || c == '-'));
    }
    return is_good;
}

static void derive_collection(struct sf_conf *conf, unsigned scopes,
                              struct sf_problems *p)
{
    struct sf_subject s = { sf_str_from(conf->exchange), sf_str_from(conf->subject),
                            conf->type_ref, 0, SF_STR_EMPTY };
    struct sf_error err = { 0 };
    bool has_date = sf_name_date_of(sf_str_from(conf->queue_id), &s.date_ms) == SF_OK;

    /* Today's date would be another collection after a restart tomorrow. */
    if (!has_date && conf->time_range[0] == '\0' && scopes & SF_SCOPE_CONNECTOR)
        sf_conf_problem(p,
                        "COLLECTION_NAME is not set: QUEUE_ID='%.80s' holds no date "
                        "(-YYYY_MM_DD-) to derive it from",
                        conf->queue_id);
    if (p->is_bad)
        return; /* the name would be made of what was refused */
    if (!has_date)
        s.date_ms = conf->range_to_ms > 0 ? conf->range_from_ms : sf_time_now_ms();
    if (sf_name_collection(&s, conf->collection, &err) != SF_OK)
        wrong(p, "COLLECTION_NAME", conf->collection_name, &err);
}

/* Collections of which StreamForge keeps its books: records among them would be lost. */
static bool is_own_collection(struct sf_str name)
{
    static const char *const own[] = { "gaps", "coverage", "queues", "queue_events" };

    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if (sf_str_eq(name, sf_str_from(own[i])))
            return true;
    return false;
}

/* What ArangoDB takes as a name, extended ones included. */
static void check_database(const struct sf_conf *conf, struct sf_problems *p)
{
    struct sf_str name = sf_str_from(conf->arango_db);
    bool is_good = name.len > 0 && name.len <= DATABASE_MAX &&
                   !(name.p[0] >= '0' && name.p[0] <= '9');

    for (size_t i = 0; i < name.len; i++)
        is_good = is_good && (unsigned char)name.p[i] >= ' ' && name.p[i] != 0x7f &&
                  name.p[i] != '/' && name.p[i] != ':';
    if (!is_good)
        sf_conf_problem(p,
                        "ARANGO_DB='%.80s': expected a letter, then no '/', ':' or "
                        "control character, at most %d bytes",
                        conf->arango_db, DATABASE_MAX);
}

static void check_collection(struct sf_conf *conf, struct sf_problems *p)
{
    struct sf_str name = sf_str_from(conf->collection_name);

    if (is_own_collection(name)) {
        sf_conf_problem(p,
                        "COLLECTION_NAME='%s': expected another one than gaps, coverage, "
                        "queues, queue_events, which are StreamForge's own",
                        conf->collection_name);
        return;
    }
    if (!is_collection(name) ||
        !sf_str_copy(name, conf->collection, sizeof(conf->collection)))
        sf_conf_problem(p,
                        "COLLECTION_NAME='%.80s': expected a letter, then letters, "
                        "digits, '_', '-', at most %d characters",
                        conf->collection_name, SF_NAME_MAX);
}

/* ------------------------------------------------------------------------- Kafka */

static bool is_refused(const struct sf_problems *p, const char *name)
{
    for (const struct sf_setting *s = sf_settings; s->name; s++)
        if (strcmp(s->name, name) == 0)
            return sf_setting_is_refused(s, p);
    return false;
}

static void check_kafka(const struct sf_conf *conf, struct sf_problems *p)
{
    bool has_sasl = conf->kafka_protocol == SF_KAFKA_SASL_PLAINTEXT ||
                    conf->kafka_protocol == SF_KAFKA_SASL_SSL;
    bool has_user = conf->kafka_user[0] != '\0';
    bool has_password = conf->kafka_password[0] != '\0';

    if (has_user && !has_password && !is_refused(p, "KAFKA_PASSWORD"))
        sf_conf_problem(p, "KAFKA_PASSWORD is not set: KAFKA_USER='%.80s' needs one",
                        conf->kafka_user);
    if (has_password && !has_user)
        sf_conf_problem(p, "KAFKA_USER is not set: KAFKA_PASSWORD is");
    else if (has_sasl && !has_user)
        sf_conf_problem(p, "KAFKA_USER is not set: KAFKA_PROTOCOL asks for SASL");
    if (has_user && !has_sasl && conf->kafka_protocol != SF_KAFKA_AUTO)
        sf_conf_problem(p,
                        "KAFKA_PROTOCOL='%s': KAFKA_USER is set; expected SASL_SSL, "
                        "SASL_PLAINTEXT or auto",
                        conf->kafka_protocol == SF_KAFKA_SSL ? "SSL" : "PLAINTEXT");
}

/* --------------------------------------------------------------------- queue-manager */

/* Host part of host:port, brackets of an IPv6 address included. */
static bool is_loopback(const char *listen)
{
    struct sf_str s = sf_str_from(listen);

    return sf_str_starts(s, SF_STR("127.")) || sf_str_starts(s, SF_STR("localhost:")) ||
           sf_str_starts(s, SF_STR("[::1]:")) || sf_str_starts(s, SF_STR("::1:"));
}

static void check_manager(const struct sf_conf *conf, struct sf_problems *p)
{
    bool has_cert = conf->manager_cert_path[0] != '\0';

    if (!is_loopback(conf->manager_listen) && conf->manager_token[0] == '\0')
        sf_conf_problem(p,
                        "MANAGER_TOKEN is not set: MANAGER_LISTEN='%.80s' is not on the "
                        "loopback",
                        conf->manager_listen);
    if (conf->manager_read_token[0] != '\0' && conf->manager_token[0] == '\0')
        sf_conf_problem(p, "MANAGER_TOKEN is not set: MANAGER_READ_TOKEN is");
    if (has_cert != (conf->manager_key_path[0] != '\0'))
        sf_conf_problem(p, "%s is not set: %s is",
                        has_cert ? "MANAGER_KEY" : "MANAGER_CERT",
                        has_cert ? "MANAGER_CERT" : "MANAGER_KEY");
}

void sf_conf_derive(struct sf_conf *conf, const char *image, unsigned scopes,
                    struct sf_problems *p)
{
    check_exchange(conf, p);
    check_type(conf, image, p);
    if (conf->symbol[0] != '\0')
        check_symbols(conf, p);
    check_range(conf, scopes, p);
    check_until(conf, p);
    check_tape(conf, p);
    check_kafka(conf, p);
    if (conf->queue_id[0] != '\0')
        derive_from_queue(conf, image, p);
    check_topics(conf, p);
    if (scopes & (SF_SCOPE_CONNECTOR | SF_SCOPE_MANAGER))
        check_database(conf, p);
    if (scopes & SF_SCOPE_MANAGER)
        check_manager(conf, p);
    if (conf->collection_name[0] != '\0')
        check_collection(conf, p);
    else if (conf->queue_id[0] != '\0')
        derive_collection(conf, scopes, p);
    if (conf->queue_id[0] != '\0' && conf->symbol[0] != '\0' && conf->type_ref.type)
        check_queue_id(conf, p);
}
