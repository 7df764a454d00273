/* What earlier runs of a queue left in its topic (DESIGN section 9).
 *
 * The whole topic is read: counts go by position, which ascends strictly per symbol, so
 * that a record that stands twice after a crash counts once. */
#include "loader_internal.h"

#include <string.h>

#define STILL_MS 500 /* the topic's end must have stood still this long */

static void walk_record(struct sf_loader *l, const struct sf_message *msg)
{
    struct sf_record_head head;
    struct lane *lane;
    struct sf_loader_past *past;
    enum sf_kind kind = l->program.conf.type_ref.type->kind;
    bool is_book = kind == SF_KIND_ORDERBOOK;

    if (sf_record_head(msg->value, kind, &head, NULL) != SF_OK) {
        sf_metric_add(SF_M_BAD_INPUT, 1); /* not ours: the connector reports it */
        return;
    }
    if (head.run >= l->run)
        l->run = head.run + 1;
    lane = sf_loader_lane(l, head.symbol);
    /* Book events of one update may follow each other: snapshots, parts, resets. None of
     * them is written twice, as a new process begins with a new snapshot. */
    if (!lane || head.position < lane->past.last ||
        (!is_book && head.position == lane->past.last))
        return;
    past = &lane->past;
    if (past->records == 0)
        past->first = head.position;
    past->last = head.position;
    past->records++;
    past->is_ended = false;
    if (lane->late_gap_records >= 0) {
        past->gaps++;
        past->gap_records += lane->late_gap_records;
        lane->late_gap_records = -1;
    }
}

/* How many records a gap record misses. */
static int64_t gap_records(struct sf_str json)
{
    struct sf_scan s;
    int64_t n = 0;

    sf_scan_init(&s, json);
    (void)sf_scan_next(&s);
    while (sf_scan_next(&s) == SF_TOK_KEY) {
        bool is_records = sf_str_eq(s.text, SF_STR("records"));

        if (is_records &&
            (sf_scan_next(&s) != SF_TOK_NUMBER || sf_str_to_i64(s.text, &n) != SF_OK))
            return 0;
        if (!is_records && !sf_scan_skip(&s))
            return 0;
    }
    return n;
}

static void walk_control(struct sf_loader *l, const struct sf_message *msg)
{
    struct lane *lane = sf_loader_lane(l, msg->key);

    if (!lane || !msg->control)
        return;
    if (strcmp(msg->control, SF_CONTROL_END) == 0)
        lane->past.is_ended = true;
    /* Counted when a record follows: a gap at the very end is found and told again. */
    if (strcmp(msg->control, SF_CONTROL_GAP) == 0)
        lane->late_gap_records = gap_records(msg->header);
}

static void on_walk(void *arg, const struct sf_message *msg)
{
    if (msg->is_null)
        walk_control(arg, msg);
    else
        walk_record(arg, msg);
}

enum sf_status sf_loader_walk(struct sf_loader *l)
{
    const struct sf_conf *conf = &l->program.conf;
    int64_t records = 0;

    for (int32_t i = 0; i < l->partitions; i++) {
        struct sf_walk walk = { .topic = conf->topic,
                                .partition = i,
                                .from = SF_OFFSET_BEGINNING,
                                .still_ms = STILL_MS,
                                .fn = on_walk,
                                .arg = l };
        enum sf_status status = sf_kafka_walk(conf, &walk, &l->program.failure);

        if (status != SF_OK)
            return status;
    }
    for (size_t i = 0; i < l->lanes_n; i++) {
        l->lanes[i].position = l->lanes[i].past.last;
        records += l->lanes[i].past.records;
    }
    if (records > 0)
        sf_log(SF_LOG_INFO, "resumed", SF_LOG_I("records", records),
               SF_LOG_I("run", l->run), SF_LOG_I("position", l->lanes[0].position));
    return SF_OK;
}
