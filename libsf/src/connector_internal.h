/* What connector.c (life), connector_consume.c (records in) and connector_result.c
 * (answers) share. */
#ifndef CONNECTOR_INTERNAL_H
#define CONNECTOR_INTERNAL_H

#include "ending.h"
#include "program.h"
#include "track.h"

#include <sf/connector.h>

#define PARTITIONS_MAX 1024
#define DOC_MAX        (1024 * 1024) /* one document; records are at most 512 KiB */

/* One partition that is ours. */
struct part {
    bool is_ours;
    struct sf_track track;
    struct sf_ending ending;
    int64_t run;      /* highest run seen: lower ones are left-overs */
    int64_t position; /* the highest one that run has written */
    int64_t read;     /* offset behind the last message shown */
};

enum sink { SINK_DATA, SINK_GAPS, SINK_COVERAGE, SINK_N };

/* A document that found its lane full. */
struct held {
    bool is_set;
    enum sink sink;
    uint64_t tag;
    struct sf_buf key, doc;
};

struct connector {
    struct sf_program program;
    const struct sf_connector_spec *spec;
    int32_t partitions;
    struct part *parts; /* of @partitions */
    struct sf_consumer *consumer;
    struct sf_arango *arango;
    struct sf_arango_writer *writers[SINK_N];
    struct sf_topic *dlq; /* NULL until the first dead letter */
    struct sf_timer *tick;
    struct sf_buf doc, ledger;
    struct held held;
    int64_t stored, dead_letters, skipped;
    int64_t refused;         /* data records among the dead letters */
    struct sf_error refusal; /* why, of the last one */
    bool is_known;           /* offsets of this group were committed before */
    int64_t last_lag;        /* when the consumer is gone; -1 unknown */
    int64_t untracked;       /* ledger rows of our own on their way */
    bool is_away;            /* the database does not answer */
    bool is_paused;          /* by command */
    int64_t drain_until_us;  /* 0: not draining */
    int64_t quiet_since_us;  /* while draining: nothing left to do since; 0: busy */
    int64_t look_again_us;   /* mono: the end is not looked for before */
    bool is_waiting_told;    /* that the topic ends before this queue does */
};

/* A document's tag: partition and number in its track. */
static inline uint64_t make_tag(int32_t partition, uint64_t number)
{
    return (uint64_t)partition << 48 | (number & ((UINT64_C(1) << 48) - 1));
}
#define TAG_UNTRACKED UINT64_MAX

/* connector_consume.c */
void sf_connector_on_message(void *arg, const struct sf_message *msg);
int64_t sf_connector_on_assign(void *arg, int32_t partition, int64_t committed,
                               int64_t begin, int64_t end);
void sf_connector_on_revoke(void *arg, int32_t partition);
/* Try the held document again; true when none is held any more. */
bool sf_connector_unhold(struct connector *c);
/* Consume or not, by pause command and held document. */
void sf_connector_flow(struct connector *c);

/* connector_result.c */
void sf_connector_on_result(void *arg, const struct sf_arango_result *result);
void sf_connector_on_ledger_result(void *arg, const struct sf_arango_result *result);
/* @tag is done with, one way or another. */
void sf_connector_done(struct connector *c, uint64_t tag);
/* As long as everything was refused nothing is committed: it is the wrong topic, and a
 * restart shall find that, too. */
bool sf_connector_is_nothing_stored(const struct connector *c);
/* Let the offsets be committed that are done: all of them are when nothing was refused.
 */
void sf_connector_store_offsets(struct connector *c);
/* A data record that is never stored: a dead letter, remembered with its reason. */
void sf_connector_refuse(struct connector *c, uint64_t tag, struct sf_str key,
                         struct sf_str value, int error_num, struct sf_str reason);
/* Send @value to the dead-letter topic; @tag is done when it is delivered. */
void sf_connector_dead_letter(struct connector *c, uint64_t tag, struct sf_str key,
                              struct sf_str value, int error_num, struct sf_str reason);

#endif
