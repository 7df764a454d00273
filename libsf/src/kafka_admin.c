/* Topics: look, create. */
#include "kafka_internal.h"

#include <sf/buf.h>

#include <stdio.h>

#define CREATE_TIMEOUT_MS 10000 /* of one request; the whole step has its own */

static enum sf_status fill(rd_kafka_NewTopic_t *topic, const struct sf_topic_spec *spec,
                           struct sf_error *err)
{
    char digits[32];
    rd_kafka_resp_err_t rc;

    rc = rd_kafka_NewTopic_set_config(topic, "cleanup.policy", "delete");
    if (rc == RD_KAFKA_RESP_ERR_NO_ERROR && spec->retention_ms != 0) {
        (void)snprintf(digits, sizeof(digits), "%lld", (long long)spec->retention_ms);
        rc = rd_kafka_NewTopic_set_config(topic, "retention.ms", digits);
    }
    if (rc != RD_KAFKA_RESP_ERR_NO_ERROR)
        return sf_error_set(err, SF_EINVAL, "Kafka: topic %s: %s", spec->name,
                            rd_kafka_err2str(rc));
    return SF_OK;
}

/* The broker's verdict; *ret_text is lent by @event. */
static rd_kafka_resp_err_t verdict(rd_kafka_event_t *event, const char **ret_text)
{
    const rd_kafka_CreateTopics_result_t *result =
        rd_kafka_event_CreateTopics_result(event);
    const rd_kafka_topic_result_t **topics;
    size_t n = 0;

    *ret_text = rd_kafka_event_error_string(event);
    if (rd_kafka_event_error(event) || !result)
        return rd_kafka_event_error(event);
    topics = rd_kafka_CreateTopics_result_topics(result, &n);
    if (n != 1)
        return RD_KAFKA_RESP_ERR__BAD_MSG;
    *ret_text = rd_kafka_topic_result_error_string(topics[0]);
    return rd_kafka_topic_result_error(topics[0]);
}

/* One CreateTopics request. SF_OK when the topic is there, whoever made it; *ret_rc is
 * transient when another try may help. */
static enum sf_status request(struct sf_kafka_wait *w, rd_kafka_queue_t *queue,
                              rd_kafka_NewTopic_t *topic, rd_kafka_resp_err_t *ret_rc,
                              struct sf_error *err)
{
    rd_kafka_t *rk = w->c->rk;
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_event_t *event = NULL;
    enum sf_status status = SF_OK;
    const char *text = NULL;

    (void)rd_kafka_AdminOptions_set_request_timeout(options, CREATE_TIMEOUT_MS, NULL, 0);
    rd_kafka_CreateTopics(rk, &topic, 1, options, queue);
    rd_kafka_AdminOptions_destroy(options);
    while (!event && status == SF_OK) {
        event = rd_kafka_queue_poll(queue, 50);
        if (!event)
            status = sf_kafka_wait_more(w, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
                                        "creating a topic", err);
    }
    if (status != SF_OK)
        return status;
    *ret_rc = verdict(event, &text);
    if (*ret_rc == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
        *ret_rc = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (*ret_rc != RD_KAFKA_RESP_ERR_NO_ERROR && !sf_kafka_is_transient(*ret_rc))
        status = sf_error_set(err, sf_kafka_status(*ret_rc), "%s",
                              text ? text : rd_kafka_err2str(*ret_rc));
    rd_kafka_event_destroy(event);
    return status;
}

static enum sf_status create(struct sf_kafka_wait *w, const struct sf_topic_spec *spec,
                             struct sf_error *err)
{
    char why[256] = "";
    rd_kafka_queue_t *queue = rd_kafka_queue_new(w->c->rk);
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(
        spec->name, spec->partitions, spec->replication, why, sizeof(why));
    rd_kafka_resp_err_t rc = RD_KAFKA_RESP_ERR__IN_PROGRESS;
    enum sf_status status;

    if (!topic)
        status = sf_error_set(err, SF_EINVAL, "%s", why);
    else
        status = fill(topic, spec, err);
    while (status == SF_OK && rc != RD_KAFKA_RESP_ERR_NO_ERROR) {
        status = request(w, queue, topic, &rc, err);
        if (status == SF_OK && rc != RD_KAFKA_RESP_ERR_NO_ERROR)
            status = sf_kafka_wait_more(w, rc, "creating a topic", err);
    }
    if (status != SF_OK)
        (void)sf_error_wrap(err, "Kafka: creating topic %s at %s", spec->name,
                            w->c->conf->kafka_brokers);
    if (topic)
        rd_kafka_NewTopic_destroy(topic);
    rd_kafka_queue_destroy(queue);
    return status;
}

enum sf_status sf_kafka_ensure_topic(struct sf_producer *p,
                                     const struct sf_topic_spec *spec, bool may_create,
                                     int64_t timeout_ms, int32_t *ret_partitions,
                                     struct sf_error *err)
{
    struct sf_error missing = { 0 };
    struct sf_kafka_wait w;
    enum sf_status status;

    sf_kafka_wait_begin(&w, sf_producer_client(p), timeout_ms);
    status = sf_kafka_partitions(&w, spec->name, ret_partitions, &missing);
    if (status == SF_ENOTFOUND && may_create) {
        status = create(&w, spec, err);
        if (status != SF_OK)
            return status;
        /* Made, but this broker may hear of it a moment later. */
        do {
            missing = (struct sf_error){ 0 };
            status = sf_kafka_partitions(&w, spec->name, ret_partitions, &missing);
        } while (status == SF_ENOTFOUND &&
                 (status = sf_kafka_wait_more(&w, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
                                              spec->name, &missing)) == SF_OK);
    }
    if (status == SF_ENOTFOUND)
        return sf_error_set(err, SF_ENOTFOUND,
                            "Kafka: topic %s does not exist at %s and may not be created "
                            "(TOPIC_CREATE)",
                            spec->name, w.c->conf->kafka_brokers);
    if (status != SF_OK)
        return sf_error_set(err, status, "%s", missing.text);
    return SF_OK;
}
