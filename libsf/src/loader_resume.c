/* What earlier runs of a queue left in its topic (DESIGN section 9).
 *
 * Of a history the whole topic is read: counts go by position, which ascends strictly per
 * symbol, so that a record that stands twice after a crash counts once. A live topic may
 * be far longer than what a start can wait for: its tail is read, back to an sf-pos
 * record and a coverage record for each symbol. Ids of trades are contiguous and count
 * the records; of books the coverage record does. */
#include "loader_internal.h"

#include <string.h>

#define STILL_MS   500           /* the topic's end must have stood still this long */
#define TAIL_FIRST 50000         /* records; four times as many until it is enough */
#define TAIL_BOOKS 2000          /* the same of order books, which are larger and fewer */
#define DOC_MAX    (1024 * 1024) /* of one record; they are at most 512 KiB */

struct walker {
    struct sf_loader *l;
    struct sf_buf doc; /* of the record at hand, as the connector would make it */
};

static bool is_live_book(const struct sf_loader *l)
{
    return (l->spec->scopes & SF_SCOPE_BOOKS) != 0;
}

/* Is the end of the topic enough to know where it goes on? */
static bool has_tail(const struct sf_loader *l)
{
    const struct sf_type *type = l->program.conf.type_ref.type;

    return !type->has_range && (is_live_book(l) || type->kind == SF_KIND_TRADES ||
                                type->kind == SF_KIND_AGG_TRADES);
}

/* What the connector will store; else it is not ours, and the connector reports it. */
static bool is_record(struct walker *w, struct sf_str value, enum sf_kind kind,
                      struct sf_record_head *ret_head)
{
    struct sf_record_head head; /* without the time */

    sf_buf_clear(&w->doc);
    if (sf_record_head(value, kind, ret_head, NULL) == SF_OK &&
        sf_record_to_doc(value, kind, SF_DECIMALS_TEXT, &w->doc, &head, NULL) == SF_OK)
        return true;
    sf_metric_add(SF_M_BAD_INPUT, 1);
    return false;
}

static void walk_record(struct walker *w, const struct sf_message *msg)
{
    struct sf_loader *l = w->l;
    struct sf_record_head head;
    struct lane *lane;
    struct sf_loader_past *past;
    enum sf_kind kind = l->program.conf.type_ref.type->kind;
    bool is_book = kind == SF_KIND_ORDERBOOK;

    l->said[msg->partition] = (struct said){ 0, 0, 0, 0 };
    if (!is_record(w, msg->value, kind, &head))
        return;
    if (head.run >= l->run)
        l->run = head.run + 1;
    if (kind == SF_KIND_CANDLES &&
        sf_str_contains(msg->value, SF_STR("\"closed\":false")))
        return; /* it still ran: no position */
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
    if (head.time_ms > past->last_ms)
        past->last_ms = head.time_ms;
    past->records++;
    if (lane->late_gap_records >= 0) {
        past->gaps++;
        past->gap_records += lane->late_gap_records;
        lane->late_gap_records = -1;
    }
}

/* The integer member @name of a control record, 0 without. */
static int64_t int_member(struct sf_str json, const char *name)
{
    struct sf_scan s;
    int64_t n = 0;

    sf_scan_init(&s, json);
    (void)sf_scan_next(&s);
    while (sf_scan_next(&s) == SF_TOK_KEY) {
        bool is_it = sf_str_eq(s.text, sf_str_from(name));

        if (is_it &&
            (sf_scan_next(&s) != SF_TOK_NUMBER || sf_str_to_i64(s.text, &n) != SF_OK))
            return 0;
        if (!is_it && !sf_scan_skip(&s))
            return 0;
    }
    return n;
}

/* {"BTCUSDT":1,...}: where the symbols of a partition stood. */
static void walk_pos(struct sf_loader *l, struct sf_str json)
{
    struct sf_scan s;

    sf_scan_init(&s, json);
    (void)sf_scan_next(&s);
    while (sf_scan_next(&s) == SF_TOK_KEY) {
        struct lane *lane = sf_loader_lane(l, s.text);
        int64_t n;

        if (sf_scan_next(&s) != SF_TOK_NUMBER || sf_str_to_i64(s.text, &n) != SF_OK)
            return;
        if (!lane)
            continue;
        lane->is_in_pos = true;
        if (n > lane->past.last)
            lane->past.last = n;
    }
}

static void keep_said(struct sf_loader *l, const struct sf_message *msg)
{
    uint64_t *said = sf_loader_said(l, msg->partition, msg->control);

    l->said[msg->partition].end = 0; /* unless this is one, it is not the last any more */
    if (said)
        *said = sf_str_hash(msg->header);
}

static void walk_control(struct sf_loader *l, const struct sf_message *msg)
{
    struct lane *lane = sf_loader_lane(l, msg->key);

    if (!msg->control)
        return;
    keep_said(l, msg);
    if (!lane)
        return;
    /* Counted when a record follows: a gap at the very end is found and told again. */
    if (strcmp(msg->control, SF_CONTROL_GAP) == 0)
        lane->late_gap_records = int_member(msg->header, "records");
    if (!has_tail(l))
        return;
    if (strcmp(msg->control, SF_CONTROL_POS) == 0)
        walk_pos(l, msg->header);
    if (strcmp(msg->control, SF_CONTROL_COVERAGE) != 0)
        return;
    lane->covered_from = int_member(msg->header, "from");
    if (is_live_book(l))
        lane->past.records = int_member(msg->header, "records");
}

static void on_walk(void *arg, const struct sf_message *msg)
{
    struct walker *w = arg;

    if (msg->is_null)
        walk_control(w->l, msg);
    else
        walk_record(w, msg);
}

/* Does what was read tell where each symbol of the partition stood? */
static bool is_tail_enough(const struct sf_loader *l, int32_t partition)
{
    bool has_pos = false;

    for (size_t i = 0; i < l->lanes_n; i++) {
        const struct lane *lane = &l->lanes[i];

        if (lane->partition != partition || !lane->is_in_pos)
            continue;
        has_pos = true;
        /* A reset of a restart stands at the time of the last record. */
        if (lane->covered_from < 0 || (is_live_book(l) && lane->past.last_ms < 0))
            return false;
    }
    return has_pos;
}

static void forget(struct sf_loader *l, int32_t partition)
{
    l->said[partition] = (struct said){ 0, 0, 0, 0 };
    for (size_t i = 0; i < l->lanes_n; i++) {
        struct lane *lane = &l->lanes[i];

        if (lane->partition != partition)
            continue;
        lane->past = (struct sf_loader_past){ .first = -1, .last = -1, .last_ms = -1 };
        lane->late_gap_records = lane->covered_from = -1;
        lane->is_in_pos = false;
    }
}

static enum sf_status walk_tail(struct sf_loader *l, struct sf_walk *walk)
{
    const struct sf_conf *conf = &l->program.conf;
    enum sf_status status;

    walk->from = SF_OFFSET_END; /* to see where that is */
    status = sf_kafka_walk(conf, walk, &l->program.failure);
    walk->still_ms = 0;
    for (int64_t tail = is_live_book(l) ? TAIL_BOOKS : TAIL_FIRST;
         status == SF_OK && walk->end > walk->begin; tail *= 4) {
        walk->from = walk->end - tail > walk->begin ? walk->end - tail : walk->begin;
        forget(l, walk->partition);
        status = sf_kafka_walk(conf, walk, &l->program.failure);
        if (walk->from <= walk->begin || is_tail_enough(l, walk->partition))
            break;
    }
    for (size_t i = 0; i < l->lanes_n; i++) {
        struct lane *lane = &l->lanes[i];

        if (lane->partition != walk->partition || lane->covered_from < 0)
            continue;
        lane->past.first = lane->covered_from;
        if (!is_live_book(l))
            lane->past.records = lane->past.last - lane->past.first + 1;
    }
    return status;
}

static enum sf_status walk_partitions(struct walker *w)
{
    struct sf_loader *l = w->l;
    const struct sf_conf *conf = &l->program.conf;
    enum sf_status status = SF_OK;

    for (int32_t i = 0; i < l->partitions && status == SF_OK; i++) {
        struct sf_walk walk = { .topic = conf->topic,
                                .partition = i,
                                .from = SF_OFFSET_BEGINNING,
                                .still_ms = STILL_MS,
                                .fn = on_walk,
                                .arg = w };

        status = has_tail(l) ? walk_tail(l, &walk)
                             : sf_kafka_walk(conf, &walk, &l->program.failure);
    }
    return status;
}

enum sf_status sf_loader_walk(struct sf_loader *l)
{
    struct walker w = { .l = l };
    enum sf_status status;
    int64_t records = 0;

    sf_buf_init(&w.doc, DOC_MAX);
    status = walk_partitions(&w);
    sf_buf_release(&w.doc);
    if (status != SF_OK)
        return status;
    for (size_t i = 0; i < l->lanes_n; i++) {
        l->lanes[i].position = l->lanes[i].past.last;
        records += l->lanes[i].past.records;
    }
    if (records > 0)
        sf_log(SF_LOG_INFO, "resumed", SF_LOG_I("records", records),
               SF_LOG_I("run", l->run), SF_LOG_I("position", l->lanes[0].position));
    return SF_OK;
}
