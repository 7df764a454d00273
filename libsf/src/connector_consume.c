/* Records in: from a message to a document in its lane. */
#include "connector_internal.h"

#include <string.h>

/* Stop or go on showing messages: paused by command, or one document waits for its lane.
 */
void sf_connector_flow(struct connector *c)
{
    sf_consumer_pause(c->consumer, c->is_paused || c->held.is_set);
}

static void out_of_memory(struct connector *c)
{
    struct sf_error err = { 0 };

    (void)sf_error_set(&err, SF_ENOMEM, "no memory for the records in flight");
    sf_program_fail(&c->program, &err);
}

static void hold(struct connector *c, enum sink sink, struct sf_str key,
                 struct sf_str doc, uint64_t tag)
{
    sf_buf_clear(&c->held.key);
    sf_buf_clear(&c->held.doc);
    sf_buf_add_str(&c->held.key, key);
    sf_buf_add_str(&c->held.doc, doc);
    if (c->held.key.status != SF_OK || c->held.doc.status != SF_OK) {
        out_of_memory(c);
        return;
    }
    c->held.is_set = true;
    c->held.sink = sink;
    c->held.tag = tag;
    sf_connector_flow(c);
}

/* One document to its lane. False when the lane is full: nothing was taken. */
static bool put_now(struct connector *c, enum sink sink, struct sf_str key,
                    struct sf_str doc, uint64_t tag)
{
    enum sf_status status = sf_arango_put(c->writers[sink], key, doc, tag);
    struct sf_error err = { 0 };

    if (status == SF_EFULL)
        return false;
    if (status == SF_ETOOBIG) {
        sf_connector_refuse(c, tag, key, doc, 0, SF_STR("larger than a batch"));
    } else if (status != SF_OK) {
        (void)sf_error_set(&err, status, "document not taken: %s",
                           sf_status_text(status));
        sf_program_fail(&c->program, &err);
    }
    return true;
}

bool sf_connector_unhold(struct connector *c)
{
    if (!c->held.is_set)
        return true;
    if (!put_now(c, c->held.sink, sf_buf_str(&c->held.key), sf_buf_str(&c->held.doc),
                 c->held.tag))
        return false;
    c->held.is_set = false;
    sf_connector_flow(c);
    return true;
}

static void put(struct connector *c, enum sink sink, struct sf_str key, struct sf_str doc,
                uint64_t tag)
{
    if (!put_now(c, sink, key, doc, tag))
        hold(c, sink, key, doc, tag);
}

/* Written by a process that another one had replaced, which has written as much itself.
 * What only the replaced one wrote is stored: nobody will write it again. Books of two
 * runs never mix; positions of several symbols say nothing about each other. */
static bool is_replaced(const struct connector *c, const struct part *part,
                        const struct sf_record_head *head)
{
    const struct sf_conf *conf = &c->program.conf;

    if (head->run >= part->run)
        return false;
    return conf->type_ref.type->kind == SF_KIND_ORDERBOOK ||
           (conf->symbols_n == 1 && head->position <= part->position);
}

static void data_record(struct connector *c, struct part *part,
                        const struct sf_message *msg, uint64_t tag)
{
    struct sf_record_head head;
    struct sf_error err = { 0 };

    sf_buf_clear(&c->doc);
    if (sf_record_to_doc(msg->value, c->program.conf.type_ref.type->kind,
                         (enum sf_decimals)c->program.conf.decimals, &c->doc, &head,
                         &err) != SF_OK) {
        sf_metric_add(SF_M_BAD_INPUT, 1);
        sf_connector_refuse(c, tag, msg->key, msg->value, 0, sf_str_from(err.text));
        return;
    }
    if (is_replaced(c, part, &head)) {
        c->skipped++;
        sf_metric_add(SF_M_DUPLICATES, 1);
        sf_connector_done(c, tag);
        return;
    }
    sf_ending_follow(&part->ending, head.position, c->program.conf.symbols_n == 1);
    if (head.run > part->run) {
        part->run = head.run;
        part->position = -1;
    }
    if (head.run == part->run && head.position > part->position)
        part->position = head.position;
    put(c, SINK_DATA, head.key, sf_buf_str(&c->doc), tag);
}

static void bad_control(struct connector *c, const struct sf_message *msg, uint64_t tag,
                        const struct sf_error *why)
{
    sf_metric_add(SF_M_BAD_INPUT, 1);
    sf_connector_dead_letter(c, tag, msg->key, msg->header, 0, sf_str_from(why->text));
}

static void end_record(struct connector *c, struct part *part,
                       const struct sf_message *msg, uint64_t tag)
{
    struct sf_error err = { 0 };
    struct sf_end end;

    if (sf_record_end_parse(msg->header, &end, &err) != SF_OK) {
        bad_control(c, msg, tag, &err);
        return;
    }
    sf_ending_take(&part->ending, msg->offset, &end);
    sf_connector_done(c, tag);
}

static void ledger_record(struct connector *c, enum sink sink,
                          const struct sf_message *msg, uint64_t tag)
{
    struct sf_error err = { 0 };

    sf_buf_clear(&c->ledger);
    if (sf_record_ledger_doc(msg->header, &c->ledger, &err) != SF_OK) {
        bad_control(c, msg, tag, &err);
        return;
    }
    if (sink == SINK_GAPS)
        sf_metric_add(SF_M_GAPS, 1);
    put(c, sink, msg->key, sf_buf_str(&c->ledger), tag);
}

static void control_record(struct connector *c, struct part *part,
                           const struct sf_message *msg, uint64_t tag)
{
    const char *name = msg->control ? msg->control : "";

    if (strcmp(name, SF_CONTROL_GAP) == 0) {
        ledger_record(c, SINK_GAPS, msg, tag);
        return;
    }
    if (strcmp(name, SF_CONTROL_COVERAGE) == 0) {
        ledger_record(c, SINK_COVERAGE, msg, tag);
        return;
    }
    if (strcmp(name, SF_CONTROL_END) == 0) {
        end_record(c, part, msg, tag);
        return;
    }
    if (strcmp(name, SF_CONTROL_POS) != 0)
        sf_log(SF_LOG_WARN, "unknown_control_record", SF_LOG_S("name", name),
               SF_LOG_I("partition", msg->partition), SF_LOG_I("offset", msg->offset));
    sf_connector_done(c, tag);
}

void sf_connector_on_message(void *arg, const struct sf_message *msg)
{
    struct connector *c = arg;
    struct part *part = &c->parts[msg->partition];
    uint64_t number;

    if (sf_track_take(&part->track, msg->offset, msg->time_ms, &number) != SF_OK) {
        out_of_memory(c);
        return;
    }
    part->read = msg->offset + 1;
    sf_metric_set(SF_M_LAST_OFFSET, msg->offset);
    if (msg->is_null)
        control_record(c, part, msg, make_tag(msg->partition, number));
    else
        data_record(c, part, msg, make_tag(msg->partition, number));
}

/* ----------------------------------------------------------------------- partitions */

/* Records that the topic lost before we stored them: a row in the ledger, and the end. */
static void expired(struct connector *c, int32_t partition, int64_t wanted, int64_t begin)
{
    struct sf_conf *conf = &c->program.conf;
    char kind[SF_NAME_MAX + 1] = "";
    struct sf_error err = { 0 };
    struct sf_buf json, ledger_kind;
    struct sf_gap gap = { .exchange = sf_str_from(conf->exchange),
                          .symbol = sf_str_from(conf->subject),
                          .from = wanted,
                          .to = begin - 1,
                          .cause = SF_STR("retention"),
                          .records = begin - wanted };

    sf_buf_init(&json, 8192);
    sf_buf_init(&ledger_kind, SF_NAME_MAX);
    if (sf_name_ledger_kind(conf->type_ref, kind, &err) == SF_OK) {
        sf_buf_addf(&ledger_kind, "%s_offsets", kind);
        gap.kind = sf_buf_str(&ledger_kind);
        sf_record_gap(&json, &gap);
        sf_program_tell(&c->program, SF_EVENT_GAP, "the topic expired",
                        sf_buf_str(&json));
        sf_buf_clear(&c->ledger);
        if (sf_record_ledger_doc(sf_buf_str(&json), &c->ledger, &err) == SF_OK &&
            sf_arango_put(c->writers[SINK_GAPS], gap.symbol, sf_buf_str(&c->ledger),
                          TAG_UNTRACKED) == SF_OK)
            c->untracked++;
    }
    (void)sf_error_set(
        &err, SF_ELOST,
        "topic %s partition %d: offsets %lld to %lld expired before they were "
        "stored (the log begins at %lld)",
        conf->topic, partition, (long long)wanted, (long long)(begin - 1),
        (long long)begin);
    sf_buf_release(&json);
    sf_buf_release(&ledger_kind);
    sf_program_fail(&c->program, &err);
}

int64_t sf_connector_on_assign(void *arg, int32_t partition, int64_t committed,
                               int64_t begin, int64_t end)
{
    struct connector *c = arg;
    struct part *part = &c->parts[partition];
    int64_t wanted = committed >= 0 ? committed : 0;

    sf_log(SF_LOG_INFO, "assigned", SF_LOG_I("partition", partition),
           SF_LOG_I("committed", committed), SF_LOG_I("begin", begin),
           SF_LOG_I("end", end));
    sf_track_release(&part->track);
    part->is_ours = true;
    c->is_known = c->is_known || committed >= 0;
    sf_ending_clear(&part->ending);
    part->run = 0;
    part->position = -1;
    part->read = 0;
    if (wanted < begin) {
        expired(c, partition, wanted, begin);
        return -1;
    }
    /* One record before: an end record that was committed is seen again. */
    return committed > begin ? committed - 1 : begin;
}

void sf_connector_on_revoke(void *arg, int32_t partition)
{
    struct connector *c = arg;
    struct part *part = &c->parts[partition];

    sf_log(SF_LOG_INFO, "revoked", SF_LOG_I("partition", partition),
           SF_LOG_I("in_flight", (int64_t)sf_track_pending(&part->track)));
    part->is_ours = false;
    sf_track_release(&part->track); /* the next owner reads them again */
}
