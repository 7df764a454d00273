/* Blocking start-up steps: librdkafka's blocking calls in slices, so that a stop, a wrong
 * password or a broker that is not there ends them with one clear error. */
#include "kafka_internal.h"

#include <sf/stop.h>
#include <sf/time.h>

#include <stdio.h>

#define SLICE_MIN_MS 100  /* a stop is noticed within this */
#define SLICE_MAX_MS 2000 /* when a broker needs longer for an answer */
#define NAP_MS       20

void sf_kafka_wait_begin(struct sf_kafka_wait *w, struct sf_kafka_client *c,
                         int64_t timeout_ms)
{
    w->c = c;
    w->timeout_ms = timeout_ms;
    w->until_us = sf_mono_us() + timeout_ms * 1000;
    w->slice_ms = SLICE_MIN_MS;
}

bool sf_kafka_is_transient(rd_kafka_resp_err_t rc)
{
    switch ((int)rc) {
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION: /* told by the error callback */
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR__WAIT_COORD:
    case RD_KAFKA_RESP_ERR__WAIT_CACHE:
    case RD_KAFKA_RESP_ERR__IN_PROGRESS:
    case RD_KAFKA_RESP_ERR__OUTDATED:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
    case RD_KAFKA_RESP_ERR_NOT_CONTROLLER:
        return true;
    default:
        return false;
    }
}

static enum sf_status late(const struct sf_kafka_wait *w, rd_kafka_resp_err_t rc,
                           const char *what, struct sf_error *err)
{
    const struct sf_kafka_client *c = w->c;

    if (rc == RD_KAFKA_RESP_ERR__TRANSPORT || rc == RD_KAFKA_RESP_ERR__RESOLVE ||
        rc == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        return sf_error_set(err, SF_EIO,
                            "Kafka: %s: no broker answers at %s for %lld ms%s%s", what,
                            c->conf->kafka_brokers, (long long)w->timeout_ms,
                            c->trouble[0] ? ": " : "", c->trouble);
    return sf_error_set(err, SF_ETIMEOUT, "Kafka: %s: %s at %s for %lld ms", what,
                        rd_kafka_err2str(rc), c->conf->kafka_brokers,
                        (long long)w->timeout_ms);
}

enum sf_status sf_kafka_wait_more(struct sf_kafka_wait *w, rd_kafka_resp_err_t rc,
                                  const char *what, struct sf_error *err)
{
    struct sf_kafka_client *c = w->c;
    int64_t left_ms = (w->until_us - sf_mono_us()) / 1000;

    (void)rd_kafka_poll(c->rk, left_ms > NAP_MS ? NAP_MS : 0);
    if (c->loop)
        sf_loop_turn(c->loop); /* health is asked while we wait for a broker */
    if (c->fatal.status != SF_OK)
        return sf_error_set(err, SF_EFATAL, "%s", c->fatal.text);
    if (c->refused.status != SF_OK)
        return sf_error_set(err, c->refused.status, "%s", c->refused.text);
    if (sf_stop_signal() != 0)
        return sf_error_set(err, SF_ESTOPPED, "Kafka: %s: stopped by signal %d", what,
                            sf_stop_signal());
    if (left_ms <= 0)
        return late(w, rc, what, err);
    if (rc == RD_KAFKA_RESP_ERR__TIMED_OUT && w->slice_ms < SLICE_MAX_MS)
        w->slice_ms *= 2;
    return SF_OK;
}

/* What librdkafka answers to offsets_for_times for one end of the log. */
static enum sf_status one_end(struct sf_kafka_wait *w,
                              const rd_kafka_topic_partition_list_t *list, int64_t which,
                              int64_t *ret_offsets, struct sf_error *err)
{
    for (;;) {
        rd_kafka_topic_partition_list_t *ask = rd_kafka_topic_partition_list_copy(list);
        rd_kafka_resp_err_t rc;
        enum sf_status status;

        for (int i = 0; i < ask->cnt; i++)
            ask->elems[i].offset = which; /* the protocol's times for the ends: -2, -1 */
        rc = rd_kafka_offsets_for_times(w->c->rk, ask, w->slice_ms);
        for (int i = 0; i < ask->cnt && rc == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
            rc = ask->elems[i].err;
            ret_offsets[i] = ask->elems[i].offset;
        }
        rd_kafka_topic_partition_list_destroy(ask);
        if (rc == RD_KAFKA_RESP_ERR_NO_ERROR)
            return SF_OK;
        if (!sf_kafka_is_transient(rc))
            return sf_error_set(err, sf_kafka_status(rc), "Kafka: topic %s: %s",
                                list->elems[0].topic, rd_kafka_err2str(rc));
        status = sf_kafka_wait_more(w, rc, "asking for the ends of the log", err);
        if (status != SF_OK)
            return status;
    }
}

enum sf_status sf_kafka_log_ends(struct sf_kafka_wait *w,
                                 const rd_kafka_topic_partition_list_t *list,
                                 int64_t *ret_begin, int64_t *ret_end,
                                 struct sf_error *err)
{
    enum sf_status status = SF_OK;

    if (ret_begin)
        status = one_end(w, list, RD_KAFKA_OFFSET_BEGINNING, ret_begin, err);
    if (status == SF_OK && ret_end)
        status = one_end(w, list, RD_KAFKA_OFFSET_END, ret_end, err);
    return status;
}

/* The topic's own answer in the metadata; rc is transient until it has its leaders. */
static rd_kafka_resp_err_t ask_partitions(struct sf_kafka_client *c, const char *topic,
                                          int slice_ms, int32_t *ret_n)
{
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(c->rk, topic, NULL);
    const struct rd_kafka_metadata *md = NULL;
    rd_kafka_resp_err_t rc = rd_kafka_last_error();

    if (!rkt)
        return rc;
    rc = rd_kafka_metadata(c->rk, 0, rkt, &md, slice_ms);
    if (rc == RD_KAFKA_RESP_ERR_NO_ERROR) {
        const struct rd_kafka_metadata_topic *t = md->topics;

        rc = md->topic_cnt == 1 ? t->err : RD_KAFKA_RESP_ERR__WAIT_CACHE;
        for (int i = 0; rc == RD_KAFKA_RESP_ERR_NO_ERROR && i < t->partition_cnt; i++)
            if (t->partitions[i].leader < 0)
                rc = RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
        if (rc == RD_KAFKA_RESP_ERR_NO_ERROR)
            *ret_n = t->partition_cnt;
        rd_kafka_metadata_destroy(md);
    }
    rd_kafka_topic_destroy(rkt);
    return rc;
}

enum sf_status sf_kafka_partitions(struct sf_kafka_wait *w, const char *topic,
                                   int32_t *ret_n, struct sf_error *err)
{
    char what[320];

    (void)snprintf(what, sizeof(what), "looking for topic %s", topic);
    for (;;) {
        rd_kafka_resp_err_t rc = ask_partitions(w->c, topic, w->slice_ms, ret_n);
        enum sf_status status;

        if (rc == RD_KAFKA_RESP_ERR_NO_ERROR) {
            sf_kafka_worked(w->c);
            return SF_OK;
        }
        if (!sf_kafka_is_transient(rc))
            return sf_error_set(err, sf_kafka_status(rc), "Kafka: topic %s at %s: %s",
                                topic, w->c->conf->kafka_brokers, rd_kafka_err2str(rc));
        status = sf_kafka_wait_more(w, rc, what, err);
        if (status != SF_OK)
            return status;
    }
}
