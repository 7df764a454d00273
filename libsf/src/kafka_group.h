/* The group consumer's inside, shared by kafka_consumer.c (messages, assignment) and
 * kafka_offsets.c (what is done, what is left). */
#ifndef SF_KAFKA_GROUP_H
#define SF_KAFKA_GROUP_H

#include "kafka_internal.h"

#define SF_KAFKA_BATCH_N 1000 /* messages taken from librdkafka at once */

struct sf_kafka_part {
    int32_t id;
    int64_t next;      /* behind the last message shown; the start before the first */
    int64_t stored;    /* done up to here, -1: nothing said yet */
    int64_t committed; /* the group's, -1: none */
    int64_t end;       /* of the log, as last asked */
};

struct sf_consumer {
    struct sf_kafka_client client;
    struct sf_consumer_hooks hooks;
    struct sf_kafka_part *parts; /* assigned */
    size_t parts_n;

    /* The rebalance callback only notes what is asked; it is done between two batches. */
    rd_kafka_topic_partition_list_t *assigning; /* NULL: nothing to assign */
    bool is_revoking, is_closing;

    bool is_paused;
    bool is_held; /* paused in librdkafka too */
    int64_t paused_us, next_ends_us;
    /* Taken and not shown; while held there may be a few on top of a batch. */
    rd_kafka_message_t *stash[2 * SF_KAFKA_BATCH_N];
    size_t stash_at, stash_n;

    bool is_committing;             /* a commit is under way */
    rd_kafka_resp_err_t commit_err; /* of the last one that came back */
    int64_t next_commit_us;

    int64_t missing_us; /* since when the broker says there is no such topic; 0: it is */
    bool has_failed;    /* on_error was told */
    int64_t next_warn_us;
};

struct sf_kafka_part *sf_kafka_part_find(struct sf_consumer *c, int32_t id);
/* Committed offsets of the partitions in @list into *ret_committed, -1 without. */
enum sf_status sf_kafka_committed(struct sf_kafka_wait *w,
                                  rd_kafka_topic_partition_list_t *list,
                                  int64_t *ret_committed, struct sf_error *err);
/* Start a commit of what is stored and not committed, unless one is under way. */
void sf_kafka_commit_start(struct sf_consumer *c);

#endif
