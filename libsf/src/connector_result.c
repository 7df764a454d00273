/* What became of documents: confirmed offsets, dead letters. */
#include "connector_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void sf_connector_done(struct connector *c, uint64_t tag)
{
    int32_t partition = (int32_t)(tag >> 48);
    struct part *part;
    int64_t time_ms, before;

    if (tag == TAG_UNTRACKED) {
        c->untracked--;
        return;
    }
    part = &c->parts[partition];
    before = part->track.next;
    time_ms = sf_track_done(&part->track, tag & ((UINT64_C(1) << 48) - 1));
    if (time_ms > 0)
        sf_histogram_observe(SF_H_CONSUME_LATENCY, (sf_time_now_ms() - time_ms) * 1000);
    if (part->is_ours && part->track.next > before && (c->is_known || c->stored > 0))
        sf_consumer_store(c->consumer, partition, part->track.next);
}

bool sf_connector_is_nothing_stored(const struct connector *c)
{
    return !c->is_known && c->stored == 0 && c->refused > 0;
}

void sf_connector_store_offsets(struct connector *c)
{
    if (sf_connector_is_nothing_stored(c))
        return;
    for (int32_t i = 0; i < c->partitions; i++)
        if (c->parts[i].is_ours && c->parts[i].track.next >= 0)
            sf_consumer_store(c->consumer, i, c->parts[i].track.next);
}

/* ----------------------------------------------------------------------- dead letters */

struct letter {
    struct connector *c;
    uint64_t tag;
};

static void on_letter(void *arg, enum sf_status status)
{
    struct letter *letter = arg;
    struct sf_error err = { 0 };

    if (status == SF_OK) {
        sf_connector_done(letter->c, letter->tag);
    } else {
        (void)sf_error_set(&err, status, "dead letter not delivered to %s: %s",
                           letter->c->program.conf.dlq_topic, sf_status_text(status));
        sf_program_fail(&letter->c->program, &err);
    }
    free(letter);
}

static enum sf_status open_dlq(struct connector *c, struct sf_error *err)
{
    const struct sf_conf *conf = &c->program.conf;
    const struct sf_topic_spec spec = { .name = conf->dlq_topic,
                                        .partitions = 1,
                                        .replication = (int32_t)conf->topic_replication,
                                        .retention_ms = conf->topic_retention_ms };
    int32_t partitions;
    enum sf_status status;

    if (c->dlq)
        return SF_OK;
    status = sf_kafka_ensure_topic(c->program.producer, &spec, conf->topic_create != 0,
                                   SF_PROGRAM_KAFKA_MS, &partitions, err);
    if (status != SF_OK)
        return status;
    return sf_producer_topic(c->program.producer, conf->dlq_topic, &c->dlq, err);
}

static enum sf_status send_letter(struct connector *c, struct letter *letter,
                                  const struct sf_outgoing *what, struct sf_error *err)
{
    struct sf_outgoing out = *what;
    enum sf_status status = open_dlq(c, err);

    if (status != SF_OK) {
        (void)sf_error_wrap(err, "dead letter");
        return status;
    }
    out.on_done = on_letter;
    out.arg = letter;
    return sf_producer_send(c->dlq, &out, err);
}

static int64_t offset_of(const struct connector *c, uint64_t tag)
{
    const struct sf_track *t = &c->parts[tag >> 48].track;
    uint64_t number = tag & ((UINT64_C(1) << 48) - 1);

    if (number < t->head || number >= t->tail)
        return -1;
    return t->ring[number & (t->cap - 1)].offset;
}

void sf_connector_dead_letter(struct connector *c, uint64_t tag, struct sf_str key,
                              struct sf_str value, int error_num, struct sf_str reason)
{
    char num[16], partition[16], offset[24];
    struct letter *letter = malloc(sizeof(*letter));
    struct sf_error err = { 0 };
    enum sf_status status = SF_ENOMEM;

    (void)snprintf(num, sizeof(num), "%d", error_num);
    (void)snprintf(partition, sizeof(partition), "%u", (unsigned)(tag >> 48));
    (void)snprintf(offset, sizeof(offset), "%" PRId64, offset_of(c, tag));
    if (letter) {
        const struct sf_header headers[] = {
            { "reason", reason },
            { "error_num", sf_str_from(num) },
            { "topic", sf_str_from(c->program.conf.topic) },
            { "partition", sf_str_from(partition) },
            { "offset", sf_str_from(offset) },
        };
        const struct sf_outgoing out = { .partition = 0,
                                         .key = key,
                                         .value = value,
                                         .has_value = true,
                                         .headers = headers,
                                         .headers_n =
                                             sizeof(headers) / sizeof(headers[0]) };

        *letter = (struct letter){ c, tag };
        status = send_letter(c, letter, &out, &err);
    }
    if (status != SF_OK) {
        free(letter);
        (void)sf_error_set(&err, status, "dead letter: %s", sf_status_text(status));
        sf_program_fail(&c->program, &err);
        return;
    }
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the producer holds it for on_letter */
    c->dead_letters++;
    sf_metric_add(SF_M_DEAD_LETTERS, 1);
    sf_log(SF_LOG_WARN, "dead_letter", SF_LOG_V("reason", reason),
           SF_LOG_I("error_num", error_num), SF_LOG_S("partition", partition),
           SF_LOG_S("offset", offset));
}

void sf_connector_refuse(struct connector *c, uint64_t tag, struct sf_str key,
                         struct sf_str value, int error_num, struct sf_str reason)
{
    c->refused++;
    c->refusal = (struct sf_error){ .status = SF_OK };
    (void)sf_error_set(&c->refusal, SF_EPROTO, "%" SF_STR_FMT, SF_STR_ARG(reason));
    sf_connector_dead_letter(c, tag, key, value, error_num, reason);
}

void sf_connector_on_result(void *arg, const struct sf_arango_result *result)
{
    struct connector *c = arg;

    if (result->status != SF_OK) {
        sf_connector_refuse(c, result->tag, SF_STR_EMPTY, result->doc, result->error_num,
                            result->text);
        return;
    }
    if (c->stored++ == 0)
        sf_connector_store_offsets(c);
    sf_metric_add(SF_M_UPSERTS, 1);
    sf_metric_add(SF_M_RECORDS_WRITTEN, 1);
    sf_connector_done(c, result->tag);
}

/* Rows of the ledger: ours (of an expired topic) come from no offset. */
void sf_connector_on_ledger_result(void *arg, const struct sf_arango_result *result)
{
    struct connector *c = arg;

    if (result->tag == TAG_UNTRACKED || result->status == SF_OK)
        sf_connector_done(c, result->tag);
    else
        sf_connector_dead_letter(c, result->tag, SF_STR_EMPTY, result->doc,
                                 result->error_num, result->text);
}
