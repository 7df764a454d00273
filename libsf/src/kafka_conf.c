/* One librdkafka instance: its settings and its troubles. */
#include "kafka_internal.h"

#include <sf/time.h>

#include <stdio.h>
#include <string.h>

#define REFUSED_LONG_US   (20 * INT64_C(1000000)) /* librdkafka repeats every 30 s */
#define WARN_EVERY_US     INT64_C(1000000)
#define DEFAULT_MECHANISM "SCRAM-SHA-512"

/* clang-format off */
static const struct sf_kafka_prop common_props[] = {
    { "allow.auto.create.topics", "false" }, /* we create topics with our own settings */
    { "socket.nagle.disable",     "true"  }, /* requests are whole; 40 ms of delayed ACK else */
    { "socket.keepalive.enable",  "true"  },
    { "log.queue",                "true"  },
    { "log.connection.close",     "false" }, /* idle connections are closed every 10 min */
    { "reconnect.backoff.ms",     "50"    },
    { "reconnect.backoff.max.ms", "2000"  }, /* a restarted broker is found within 2 s */
    { NULL, NULL },
};

static const struct sf_kafka_prop consumer_props[] = {
    { "enable.auto.commit",         "false" },
    { "enable.auto.offset.store",   "false" },
    { "check.crcs",                 "true"  },
    /* memory: what waits here at most, about 400 bytes a message on top of its own */
    { "queued.min.messages",        "5000" },
    { "queued.max.messages.kbytes", "4096"  },
    { "fetch.message.max.bytes",    "65536" }, /* of a partition; lz4 unpacks to more */
    { "fetch.error.backoff.ms",     "100"   },
    { "topic.metadata.refresh.interval.ms", "10000" }, /* so long a new topic is unseen */
    { NULL, NULL },
};

static const struct {
    rd_kafka_resp_err_t rc;
    enum sf_status status;
} statuses[] = {
    { RD_KAFKA_RESP_ERR_NO_ERROR,                     SF_OK        },
    { RD_KAFKA_RESP_ERR__AUTHENTICATION,              SF_EAUTH     },
    { RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED,   SF_EAUTH     },
    { RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,   SF_EDENIED   },
    { RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,   SF_EDENIED   },
    { RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, SF_EDENIED   },
    { RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,        SF_ENOTFOUND },
    { RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,               SF_ENOTFOUND },
    { RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION,           SF_ENOTFOUND },
    { RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS,         SF_EEXIST    },
    { RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,           SF_ETOOBIG   },
    { RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE,        SF_ETOOBIG   },
    { RD_KAFKA_RESP_ERR__QUEUE_FULL,                  SF_EFULL     },
    { RD_KAFKA_RESP_ERR__FATAL,                       SF_EFATAL    },
    { RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET,           SF_ELOST     },
    { RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE,          SF_ELOST     },
    { RD_KAFKA_RESP_ERR__TIMED_OUT,                   SF_ETIMEOUT  },
    { RD_KAFKA_RESP_ERR__MSG_TIMED_OUT,               SF_ETIMEOUT  },
    { RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE,             SF_ETIMEOUT  },
    { RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,            SF_ETIMEOUT  },
    { RD_KAFKA_RESP_ERR__TRANSPORT,                   SF_EIO       },
    { RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN,            SF_EIO       },
    { RD_KAFKA_RESP_ERR__RESOLVE,                     SF_EIO       },
    { RD_KAFKA_RESP_ERR__SSL,                         SF_EIO       },
};
/* clang-format on */

enum sf_status sf_kafka_status(rd_kafka_resp_err_t rc)
{
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        if (statuses[i].rc == rc)
            return statuses[i].status;
    return SF_EREFUSED;
}

/* ----------------------------------------------------------- librdkafka's callbacks */

/* Runs where the instance is polled (log.queue), so never in librdkafka's threads. */
static void on_log(const rd_kafka_t *rk, int level, const char *facility,
                   const char *text)
{
    struct sf_kafka_client *c = rk ? rd_kafka_opaque(rk) : NULL;
    enum sf_log_level ours = SF_LOG_DEBUG;
    int64_t now_us = sf_mono_us();

    if (level <= 3 && c && now_us >= c->next_warn_us) { /* syslog's LOG_ERR */
        c->next_warn_us = now_us + WARN_EVERY_US;
        ours = SF_LOG_WARN;
    }
    sf_log(ours, "kafka_log", SF_LOG_S("facility", facility), SF_LOG_S("text", text));
}

static void on_refused(struct sf_kafka_client *c, rd_kafka_resp_err_t rc,
                       const char *reason)
{
    int64_t now_us = sf_mono_us();

    if (c->refused.status != SF_OK) {
        c->is_refused_long |= now_us - c->refused_us > REFUSED_LONG_US;
        return;
    }
    c->refused_us = now_us;
    if (rc == RD_KAFKA_RESP_ERR__SSL)
        (void)sf_error_set(&c->refused, SF_EIO, "Kafka: TLS to %s failed: %s",
                           c->conf->kafka_brokers, reason);
    else
        (void)sf_error_set(&c->refused, SF_EAUTH,
                           "Kafka: SASL authentication failed for user %s at %s: %s",
                           c->conf->kafka_user, c->conf->kafka_brokers, reason);
}

static void on_error(rd_kafka_t *rk, int rc, const char *reason, void *opaque)
{
    struct sf_kafka_client *c = opaque;
    char text[256] = "";

    if (rc == RD_KAFKA_RESP_ERR__FATAL) {
        rd_kafka_resp_err_t why = rd_kafka_fatal_error(rk, text, sizeof(text));
        (void)sf_error_set(&c->fatal, SF_EFATAL, "Kafka: %s: %s", rd_kafka_err2name(why),
                           text);
    } else if (rc == RD_KAFKA_RESP_ERR__AUTHENTICATION || rc == RD_KAFKA_RESP_ERR__SSL) {
        on_refused(c, rc, reason);
    } else if (rc != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) { /* says nothing about why */
        (void)snprintf(c->trouble, sizeof(c->trouble), "%s", reason);
    }
}

void sf_kafka_worked(struct sf_kafka_client *c)
{
    if (c->refused.status != SF_OK)
        c->refused = (struct sf_error){ 0 };
    c->is_refused_long = false;
}

bool sf_kafka_is_dead(const struct sf_kafka_client *c, struct sf_error *ret_err)
{
    if (c->fatal.status == SF_OK && !c->is_refused_long)
        return false;
    *ret_err = c->fatal.status != SF_OK ? c->fatal : c->refused;
    return true;
}

/* ------------------------------------------------------------------------- settings */

static enum sf_status set(rd_kafka_conf_t *kc, const char *name, const char *value,
                          struct sf_error *err)
{
    char why[256] = "";

    if (rd_kafka_conf_set(kc, name, value, why, sizeof(why)) == RD_KAFKA_CONF_OK)
        return SF_OK;
    return sf_error_set(err, SF_EINVAL, "Kafka setting %s: %s", name, why);
}

static enum sf_status set_all(rd_kafka_conf_t *kc, const struct sf_kafka_prop *props,
                              struct sf_error *err)
{
    enum sf_status status = SF_OK;

    for (; props && props->name && status == SF_OK; props++)
        status = set(kc, props->name, props->value, err);
    return status;
}

static const char *protocol_of(const struct sf_conf *conf)
{
    switch ((enum sf_kafka_protocol)conf->kafka_protocol) {
    case SF_KAFKA_AUTO:
        break;
    case SF_KAFKA_PLAINTEXT:
        return "plaintext";
    case SF_KAFKA_SSL:
        return "ssl";
    case SF_KAFKA_SASL_PLAINTEXT:
        return "sasl_plaintext";
    case SF_KAFKA_SASL_SSL:
        return "sasl_ssl";
    }
    return conf->kafka_user[0] ? "sasl_ssl" : "plaintext";
}

static enum sf_status set_security(rd_kafka_conf_t *kc, const struct sf_conf *conf,
                                   struct sf_error *err)
{
    const char *protocol = protocol_of(conf);
    const char *mechanism =
        conf->kafka_mechanism[0] ? conf->kafka_mechanism : DEFAULT_MECHANISM;
    /* "probe": a static OpenSSL does not know where this system keeps its CAs */
    const char *ca = conf->kafka_ca_path[0] ? conf->kafka_ca_path : "probe";
    enum sf_status status = set(kc, "security.protocol", protocol, err);

    if (status == SF_OK && strstr(protocol, "ssl"))
        status = set(kc, "ssl.ca.location", ca, err);
    if (status != SF_OK || !strstr(protocol, "sasl"))
        return status;
    if (!conf->kafka_user[0] || !conf->kafka_password[0])
        return sf_error_set(err, SF_EINVAL,
                            "Kafka: %s needs KAFKA_USER and KAFKA_PASSWORD", protocol);
    status = set(kc, "sasl.mechanism", mechanism, err);
    if (status == SF_OK)
        status = set(kc, "sasl.username", conf->kafka_user, err);
    if (status == SF_OK && rd_kafka_conf_set(kc, "sasl.password", conf->kafka_password,
                                             NULL, 0) != RD_KAFKA_CONF_OK)
        status = sf_error_set(err, SF_EINVAL, "Kafka setting sasl.password: not usable");
    return status;
}

enum sf_status sf_kafka_open(struct sf_kafka_client *c, rd_kafka_type_t type,
                             const struct sf_conf *conf,
                             const struct sf_kafka_prop *props,
                             void (*setup)(rd_kafka_conf_t *kc), struct sf_error *err)
{
    char why[256] = "";
    rd_kafka_conf_t *kc = rd_kafka_conf_new();
    enum sf_status status = set_all(kc, common_props, err);

    c->conf = conf;
    if (status == SF_OK && !conf->kafka_brokers[0])
        status = sf_error_set(err, SF_EINVAL, "KAFKA_BOOTSTRAP_SERVERS is not set");
    if (status == SF_OK)
        status = set(kc, "bootstrap.servers", conf->kafka_brokers, err);
    if (status == SF_OK)
        status = set(kc, "client.id",
                     conf->telemetry_id[0] ? conf->telemetry_id : "streamforge", err);
    if (status == SF_OK)
        status = set_security(kc, conf, err);
    if (status == SF_OK && type == RD_KAFKA_CONSUMER)
        status = set_all(kc, consumer_props, err);
    if (status == SF_OK)
        status = set_all(kc, props, err);
    if (status != SF_OK)
        goto out;
    rd_kafka_conf_set_opaque(kc, c);
    rd_kafka_conf_set_log_cb(kc, on_log);
    rd_kafka_conf_set_error_cb(kc, on_error);
    if (setup)
        setup(kc);
    c->rk = rd_kafka_new(type, kc, why, sizeof(why));
    if (!c->rk)
        status = sf_error_set(err, SF_EINVAL, "Kafka client: %s", why);
    else
        kc = NULL; /* taken */
    if (c->rk)
        (void)rd_kafka_set_log_queue(c->rk, NULL); /* NULL: with all other events */
out:
    if (kc)
        rd_kafka_conf_destroy(kc);
    return status;
}
