/* The group's offsets: what is done, what is left. */
#include "kafka_group.h"

#include <sf/stop.h>
#include <sf/time.h>

#include <stdlib.h>

#define POLL_MS 20

struct sf_kafka_part *sf_kafka_part_find(struct sf_consumer *c, int32_t id)
{
    for (size_t i = 0; i < c->parts_n; i++)
        if (c->parts[i].id == id)
            return &c->parts[i];
    return NULL;
}

void sf_consumer_store(struct sf_consumer *c, int32_t partition, int64_t offset)
{
    struct sf_kafka_part *part = sf_kafka_part_find(c, partition);

    if (part && offset > part->stored)
        part->stored = offset;
}

/* ----------------------------------------------------------------------------- commit */

static void on_committed(rd_kafka_t *rk, rd_kafka_resp_err_t rc,
                         rd_kafka_topic_partition_list_t *list, void *opaque)
{
    struct sf_consumer *c = opaque;

    (void)rk;
    c->is_committing = false;
    c->commit_err = rc;
    for (int i = 0; list && i < list->cnt; i++) {
        struct sf_kafka_part *part = sf_kafka_part_find(c, list->elems[i].partition);

        if (list->elems[i].err)
            c->commit_err = list->elems[i].err;
        else if (part && !rc && list->elems[i].offset > part->committed)
            part->committed = list->elems[i].offset;
    }
    if (c->commit_err)
        sf_log(SF_LOG_DEBUG, "commit_failed",
               SF_LOG_S("text", rd_kafka_err2str(c->commit_err)));
    else
        sf_kafka_worked(&c->client);
}

static rd_kafka_topic_partition_list_t *uncommitted(struct sf_consumer *c)
{
    rd_kafka_topic_partition_list_t *list = NULL;

    for (size_t i = 0; i < c->parts_n; i++) {
        if (c->parts[i].stored <= c->parts[i].committed)
            continue;
        if (!list)
            list = rd_kafka_topic_partition_list_new((int)c->parts_n);
        rd_kafka_topic_partition_list_add(list, c->client.conf->topic, c->parts[i].id)
            ->offset = c->parts[i].stored;
    }
    return list;
}

void sf_kafka_commit_start(struct sf_consumer *c)
{
    rd_kafka_topic_partition_list_t *list = c->is_committing ? NULL : uncommitted(c);

    if (!list)
        return;
    c->commit_err =
        rd_kafka_commit_queue(c->client.rk, list, c->client.events, on_committed, c);
    c->is_committing = c->commit_err == RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_topic_partition_list_destroy(list);
}

static bool has_uncommitted(struct sf_consumer *c)
{
    for (size_t i = 0; i < c->parts_n; i++)
        if (c->parts[i].stored > c->parts[i].committed)
            return true;
    return false;
}

enum sf_status sf_consumer_commit(struct sf_consumer *c, int64_t timeout_ms,
                                  struct sf_error *err)
{
    int64_t until_us = sf_mono_us() + timeout_ms * 1000;

    while (has_uncommitted(c)) {
        sf_kafka_commit_start(c);
        (void)rd_kafka_poll(c->client.rk, POLL_MS);
        if (!c->is_committing && c->commit_err && !sf_kafka_is_transient(c->commit_err))
            return sf_error_set(err, SF_EIO, "Kafka: committing offsets of group %s: %s",
                                c->client.conf->consumer_group,
                                rd_kafka_err2str(c->commit_err));
        if (sf_mono_us() > until_us)
            return sf_error_set(
                err, SF_ETIMEOUT,
                "Kafka: offsets of group %s not committed within %lld ms%s%s",
                c->client.conf->consumer_group, (long long)timeout_ms,
                c->client.trouble[0] ? ": " : "", c->client.trouble);
    }
    return SF_OK;
}

/* --------------------------------------------------------------------------- progress */

enum sf_status sf_kafka_committed(struct sf_kafka_wait *w,
                                  rd_kafka_topic_partition_list_t *list,
                                  int64_t *ret_committed, struct sf_error *err)
{
    for (;;) {
        rd_kafka_resp_err_t rc = rd_kafka_committed(w->c->rk, list, w->slice_ms);
        enum sf_status status;

        for (int i = 0; i < list->cnt && rc == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
            rc = list->elems[i].err;
            ret_committed[i] = list->elems[i].offset >= 0 ? list->elems[i].offset : -1;
        }
        if (rc == RD_KAFKA_RESP_ERR_NO_ERROR)
            return SF_OK;
        if (!sf_kafka_is_transient(rc))
            return sf_error_set(err, sf_kafka_status(rc),
                                "Kafka: committed offsets of group %s: %s",
                                w->c->conf->consumer_group, rd_kafka_err2str(rc));
        status = sf_kafka_wait_more(w, rc, "asking for committed offsets", err);
        if (status != SF_OK)
            return status;
    }
}

static enum sf_status ask_progress(struct sf_kafka_wait *w,
                                   rd_kafka_topic_partition_list_t *list,
                                   struct sf_progress *progress, struct sf_error *err)
{
    size_t n = (size_t)list->cnt;
    int64_t *offsets = calloc(2 * n + 1, sizeof(*offsets));
    enum sf_status status;

    if (!offsets)
        return sf_error_set(err, SF_ENOMEM, "no memory for %zu partitions", n);
    status = sf_kafka_committed(w, list, offsets, err);
    if (status == SF_OK)
        status = sf_kafka_log_ends(w, list, NULL, offsets + n, err);
    for (size_t i = 0; i < n && status == SF_OK; i++)
        progress[i] = (struct sf_progress){ offsets[i], offsets[n + i] };
    free(offsets);
    return status;
}

enum sf_status sf_consumer_progress(struct sf_consumer *c, struct sf_progress *progress,
                                    int32_t n_max, int32_t *ret_n, int64_t timeout_ms,
                                    struct sf_error *err)
{
    const char *topic = c->client.conf->topic;
    rd_kafka_topic_partition_list_t *list;
    struct sf_kafka_wait w;
    int32_t n = 0;
    enum sf_status status;

    sf_kafka_wait_begin(&w, &c->client, timeout_ms);
    status = sf_kafka_partitions(&w, topic, &n, err);
    if (status == SF_OK && n > n_max)
        status = sf_error_set(err, SF_ETOOBIG,
                              "Kafka: topic %s has %d partitions, expected at most %d",
                              topic, (int)n, (int)n_max);
    if (status != SF_OK)
        return status;
    list = rd_kafka_topic_partition_list_new(n);
    for (int32_t i = 0; i < n; i++)
        (void)rd_kafka_topic_partition_list_add(list, topic, i);
    status = ask_progress(&w, list, progress, err);
    rd_kafka_topic_partition_list_destroy(list);
    if (status == SF_OK)
        *ret_n = n;
    return status;
}

int64_t sf_consumer_lag(struct sf_consumer *c)
{
    int64_t lag = 0;

    for (size_t i = 0; i < c->parts_n; i++) {
        const struct sf_kafka_part *part = &c->parts[i];
        int64_t low = -1, high = -1; /* as of the last fetch; no request */

        if (rd_kafka_get_watermark_offsets(c->client.rk, c->client.conf->topic, part->id,
                                           &low, &high) != RD_KAFKA_RESP_ERR_NO_ERROR ||
            high < part->end)
            high = part->end;
        lag += high > part->next ? high - part->next : 0;
    }
    return c->parts_n > 0 ? lag : -1;
}
