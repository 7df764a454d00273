/* The settings as a whole: do they agree, and what follows from them? */
#include "conf_internal.h"

#include <sf/exchange.h>

#include <stdlib.h>

#define DAY_MS INT64_C(86400000)

/* Report what a name function or parser said about setting @name. */
static void wrong(struct sf_problems *p, const char *name, const struct sf_error *err)
{
    sf_conf_problem(p, "%s: %s", name, err->text);
}

/* -------------------------------------------------------------------------- type */

static void check_type(struct sf_conf *conf, const char *image, struct sf_problems *p)
{
    struct sf_error err = { 0 };
    const struct sf_type *type;

    if (conf->type[0] == '\0')
        return; /* reported as missing */
    if (sf_type_parse(sf_str_from(conf->type), &conf->type_ref, &err) != SF_OK) {
        wrong(p, "TYPE", &err);
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
        sf_conf_problem(p, "INTERVAL='%s': TYPE='%s' has no interval", conf->interval,
                        conf->type);
    else if (!sf_str_eq(sf_str_from(conf->interval),
                        sf_str_from(conf->type_ref.interval->name)))
        sf_conf_problem(p, "INTERVAL='%s': expected %s, as TYPE='%s' says",
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

static void add_symbols(struct sf_conf *conf, struct sf_problems *p)
{
    struct sf_str rest = sf_str_from(conf->symbol);

    while (rest.len > 0) {
        struct sf_str one = sf_str_cut(rest, ',', &rest);
        char symbol[SF_SYMBOL_MAX + 1];
        struct sf_error err = { 0 };

        if (sf_name_symbol(one, symbol, &err) != SF_OK) {
            wrong(p, "SYMBOL", &err);
            return;
        }
        if (has_symbol(conf, symbol)) {
            sf_conf_problem(p, "SYMBOL: %s stands twice", symbol);
            return;
        }
        memcpy(conf->symbols[conf->symbols_n++], symbol, sizeof(symbol));
    }
}

static enum sf_status check_symbols(struct sf_conf *conf, struct sf_problems *p)
{
    struct sf_error err = { 0 };
    size_t n = 1;

    for (const char *c = conf->symbol; *c; c++)
        n += *c == ',';
    if (n > SF_SYMBOLS_MAX) {
        sf_conf_problem(p, "SYMBOL: %zu symbols, at most %d", n, SF_SYMBOLS_MAX);
        return SF_OK;
    }
    conf->symbols = calloc(n, sizeof(*conf->symbols));
    if (!conf->symbols)
        return SF_ENOMEM;
    add_symbols(conf, p);
    if (conf->group[0] != '\0') {
        if (sf_name_symbol(sf_str_from(conf->group), conf->subject, &err) != SF_OK)
            wrong(p, "GROUP", &err);
    } else if (conf->symbols_n == 1) {
        memcpy(conf->subject, conf->symbols[0], sizeof(conf->subject));
    } else if (conf->symbols_n > 1) {
        sf_conf_problem(p,
                        "GROUP is not set: %zu symbols need a name that stands for them",
                        conf->symbols_n);
    }
    if (conf->symbols_n > 1 && conf->type_ref.type && conf->type_ref.type->has_range)
        sf_conf_problem(p, "SYMBOL='%s': TYPE='%s' is a history and takes one symbol",
                        conf->symbol, conf->type);
    return SF_OK;
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
    if (!parse_range(conf)) {
        sf_conf_problem(p,
                        "TIME_RANGE='%.80s': expected YYYY-MM-DD:YYYY-MM-DD (both days "
                        "included) or from/to in ISO 8601 (to excluded)",
                        conf->time_range);
        conf->range_from_ms = conf->range_to_ms = 0;
        return;
    }
    if (conf->range_from_ms >= conf->range_to_ms)
        sf_conf_problem(p, "TIME_RANGE='%.80s': begins after it ends", conf->time_range);
    else if (conf->range_from_ms < SF_TIME_MIN_MS || conf->range_to_ms > SF_TIME_MAX_MS)
        sf_conf_problem(p, "TIME_RANGE='%.80s': expected instants from 1970 to 2099",
                        conf->time_range);
}

/* ------------------------------------------------------------------------- names */

static void check_exchange(const struct sf_conf *conf, struct sf_problems *p)
{
    const char *const *names = sf_exchange_names();
    const char *nearest = sf_nearest(sf_str_from(conf->exchange), names);

    if (!sf_exchange_find(sf_str_from(conf->exchange)))
        sf_conf_problem(p, "EXCHANGE='%s': expected one of %s%s%s", conf->exchange,
                        names[0], nearest ? "; did you mean " : "",
                        nearest ? nearest : "");
}

static bool is_kafka_topic(const char *topic)
{
    struct sf_error err = { 0 };

    return sf_name_check_queue_id(sf_str_from(topic), &err) == SF_OK &&
           !sf_str_eq(sf_str_from(topic), SF_STR(".")) &&
           !sf_str_eq(sf_str_from(topic), SF_STR(".."));
}

/* A name that was given is taken as it is; else @derive makes it. */
static bool given(const char *value, char *dst, struct sf_problems *p, const char *name)
{
    if (value[0] == '\0')
        return false;
    if (!sf_str_copy(sf_str_from(value), dst, SF_NAME_MAX + 1))
        sf_conf_problem(p, "%s: longer than %d characters", name, SF_NAME_MAX);
    return true;
}

static void derive_from_queue(struct sf_conf *conf, const char *image,
                              struct sf_problems *p)
{
    struct sf_str queue_id = sf_str_from(conf->queue_id);
    struct sf_error err = { 0 };
    enum sf_status status = sf_name_short_id_of(queue_id, conf->short_id, &err);

    if (status == SF_OK && !given(conf->kafka_topic, conf->topic, p, "KAFKA_TOPIC"))
        status = sf_name_topic(queue_id, conf->topic, &err);
    if (status == SF_OK)
        status = sf_name_dlq(sf_str_from(conf->topic), conf->dlq_topic, &err);
    if (status == SF_OK && !given(conf->telemetry_producer_id, conf->telemetry_id, p,
                                  "TELEMETRY_PRODUCER_ID"))
        status = sf_name_telemetry_id(sf_str_from(image), sf_str_from(conf->short_id),
                                      conf->telemetry_id, &err);
    if (status == SF_OK)
        status = sf_name_group(sf_str_from(image), queue_id, conf->consumer_group, &err);
    if (status != SF_OK) {
        wrong(p, "QUEUE_ID", &err);
        conf->queue_id[0] = '\0'; /* no event can be sent for it */
        return;
    }
    if (!is_kafka_topic(conf->topic))
        sf_conf_problem(
            p,
            "KAFKA_TOPIC='%.80s': expected 1 to %d of letters, digits, '.', '_', "
            "'-'",
            conf->topic, SF_TOPIC_MAX);
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

static void derive_collection(struct sf_conf *conf, struct sf_problems *p)
{
    struct sf_subject s = { sf_str_from(conf->exchange), sf_str_from(conf->subject),
                            conf->type_ref, 0, sf_str_from(conf->short_id) };
    struct sf_error err = { 0 };

    if (given(conf->collection_name, conf->collection, p, "COLLECTION_NAME")) {
        if (!is_collection(sf_str_from(conf->collection)))
            sf_conf_problem(p,
                            "COLLECTION_NAME='%.80s': expected a letter, then letters, "
                            "digits, '_', '-', at most %d characters",
                            conf->collection, SF_NAME_MAX);
        return;
    }
    if (sf_name_date_of(sf_str_from(conf->queue_id), &s.date_ms) != SF_OK)
        s.date_ms = conf->range_to_ms > 0 ? conf->range_from_ms : sf_time_now_ms();
    if (sf_name_collection(&s, conf->collection, &err) != SF_OK)
        wrong(p, "COLLECTION_NAME", &err);
}

static void check_kafka(const struct sf_conf *conf, struct sf_problems *p)
{
    bool has_sasl = conf->kafka_protocol == SF_KAFKA_SASL_PLAINTEXT ||
                    conf->kafka_protocol == SF_KAFKA_SASL_SSL;

    if (has_sasl && conf->kafka_user[0] == '\0')
        sf_conf_problem(p, "KAFKA_USER is not set: KAFKA_PROTOCOL asks for SASL");
    if (conf->kafka_user[0] != '\0' && conf->kafka_password[0] == '\0')
        sf_conf_problem(p, "KAFKA_PASSWORD is not set: KAFKA_USER='%s' needs one",
                        conf->kafka_user);
}

enum sf_status sf_conf_derive(struct sf_conf *conf, const char *image, unsigned scopes,
                              struct sf_problems *p)
{
    enum sf_status status = SF_OK;

    check_exchange(conf, p);
    check_type(conf, image, p);
    if (conf->symbol[0] != '\0')
        status = check_symbols(conf, p);
    if (status != SF_OK)
        return status;
    check_range(conf, scopes, p);
    check_kafka(conf, p);
    if (conf->queue_id[0] != '\0')
        derive_from_queue(conf, image, p);
    if (conf->type_ref.type && conf->subject[0] != '\0')
        derive_collection(conf, p);
    return SF_OK;
}
