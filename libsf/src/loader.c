#include "loader_internal.h"

#include <stdlib.h>
#include <string.h>

#define POSITION_MS   10000             /* DESIGN 5: sf-pos this often */
#define WAITING_MAX   (4 * 1024 * 1024) /* bytes of control records that wait for room */
#define CONTROL_MAX   65536 /* one control record: sf-pos of 1024 symbols fits */
#define UNTIL_LOOK_MS 1000  /* how late a queue ends whose clock was set back */
#define GAP_EVENTS_US                                                \
    1000000 /* at most one gap event a second; every gap is a record \
             */

const struct sf_conf *sf_loader_conf(const struct sf_loader *l)
{
    return &l->program.conf;
}

struct sf_loop *sf_loader_loop(const struct sf_loader *l)
{
    return l->program.loop;
}

int64_t sf_loader_run(const struct sf_loader *l)
{
    return l->run;
}

const struct sf_tape *sf_loader_tape(const struct sf_loader *l)
{
    return &l->tape;
}

const struct sf_loader_past *sf_loader_past(const struct sf_loader *l,
                                            struct sf_str symbol)
{
    const struct lane *lane = sf_loader_lane(l, symbol);

    return lane ? &lane->past : NULL;
}

/* ----------------------------------------------------------------- control records */

static enum sf_status send_control(struct sf_loader *l, int32_t partition,
                                   struct sf_str key, const char *name,
                                   struct sf_str json)
{
    const struct sf_header header = { name, json };
    const struct sf_outgoing out = {
        .partition = partition, .key = key, .headers = &header, .headers_n = 1
    };
    const struct spool_entry entry = { partition, -1, key, sf_str_from(name), json };

    if (l->spooling)
        return sf_spooling_put(l, &entry);
    return sf_producer_send(l->topic, &out, NULL);
}

/* Send what waits, oldest first; false when the queue is still full. */
static bool send_waiting(struct sf_loader *l)
{
    while (l->first) {
        struct waiting *w = l->first;
        struct sf_str json = sf_str_from(w->json);

        if (send_control(l, w->partition, w->key, w->name, json) == SF_EFULL)
            return false;
        l->waiting_bytes -= json.len;
        l->first = w->next;
        if (!l->first)
            l->last = &l->first;
        free(w->json);
        free(w);
    }
    return true;
}

static void out_of_memory(struct sf_loader *l)
{
    struct sf_error err = { 0 };

    (void)sf_error_set(&err, SF_ENOMEM, "no memory for a control record");
    sf_program_fail(&l->program, &err);
}

static void wait_for_room(struct sf_loader *l, int32_t partition, struct sf_str key,
                          const char *name, struct sf_str json)
{
    struct waiting *w = calloc(1, sizeof(*w));
    char *copy = sf_str_dup(json);

    if (!w || !copy || l->waiting_bytes + json.len > WAITING_MAX) {
        free(w);
        free(copy);
        out_of_memory(l);
        return;
    }
    *w = (struct waiting){ NULL, partition, name, key, copy };
    *l->last = w;
    l->last = &w->next;
    l->waiting_bytes += json.len;
}

/* A restart of a finished queue has nothing to add: the topic says all of it already. */
static bool is_said(const struct sf_loader *l, int32_t partition, const char *name,
                    struct sf_str json)
{
    const uint64_t *said = sf_loader_said(l, partition, name);

    return !l->has_news && said && *said == sf_str_hash(json);
}

static void put_control(struct sf_loader *l, int32_t partition, struct sf_str key,
                        const char *name, struct sf_buf *json)
{
    struct sf_error err = { 0 };
    enum sf_status status = sf_buf_status(json, &err);

    if (status == SF_OK && is_said(l, partition, name, sf_buf_str(json)))
        return;
    l->has_news = true;
    if (status == SF_OK &&
        (l->first || send_control(l, partition, key, name, sf_buf_str(json)) == SF_EFULL))
        wait_for_room(l, partition, key, name, sf_buf_str(json));
    if (status != SF_OK)
        sf_program_fail(&l->program, &err);
}

/* Where a restart goes on: one record a partition with the positions of its symbols. */
static void put_positions(struct sf_loader *l)
{
    struct sf_buf json;

    for (int32_t partition = 0; partition < l->partitions; partition++) {
        const struct lane *any = NULL;

        sf_buf_init(&json, CONTROL_MAX);
        for (size_t i = 0; i < l->lanes_n; i++) {
            if (l->lanes[i].partition != partition || l->lanes[i].position < 0)
                continue;
            any = &l->lanes[i];
            sf_record_pos(&json, any->symbol, any->position);
        }
        if (any) {
            sf_buf_add_char(&json, '}');
            put_control(l, partition, any->symbol, SF_CONTROL_POS, &json);
        }
        sf_buf_release(&json);
    }
}

static void on_position_timer(void *arg)
{
    struct sf_loader *l = arg;

    if (!l->first) /* while Kafka is away one waits, and says the same */
        put_positions(l);
}

static void tell_gap(struct sf_loader *l, const struct sf_gap *gap)
{
    struct sf_buf extra;
    int64_t now_us = sf_mono_us();

    if (l->gap_told_us != 0 && now_us - l->gap_told_us < GAP_EVENTS_US)
        return;
    l->gap_told_us = now_us;
    sf_buf_init(&extra, 4096);
    sf_record_gap(&extra, gap);
    sf_program_tell(&l->program, SF_EVENT_GAP, NULL, sf_buf_str(&extra));
    sf_buf_release(&extra);
}

void sf_loader_gap(struct sf_loader *l, const struct sf_gap *gap)
{
    const struct lane *lane = sf_loader_lane(l, gap->symbol);
    struct sf_buf json;

    if (!lane)
        return;
    sf_buf_init(&json, CONTROL_MAX);
    sf_record_gap(&json, gap);
    put_control(l, lane->partition, lane->symbol, SF_CONTROL_GAP, &json);
    sf_buf_release(&json);
    l->gaps++;
    sf_metric_add(SF_M_GAPS, 1);
    sf_metric_add(SF_M_GAP_RECORDS, gap->is_repaired ? 0 : gap->records);
    sf_log(SF_LOG_WARN, "gap", SF_LOG_V("symbol", gap->symbol),
           SF_LOG_I("from", gap->from), SF_LOG_I("to", gap->to),
           SF_LOG_I("records", gap->records), SF_LOG_V("cause", gap->cause));
    tell_gap(l, gap);
}

void sf_loader_coverage(struct sf_loader *l, const struct sf_gap *range)
{
    const struct lane *lane = sf_loader_lane(l, range->symbol);
    struct sf_gap counted = *range;
    struct sf_buf json;

    if (!lane)
        return;
    /* Update ids do not say how many book events there were; a restart reads it here. */
    if (l->program.conf.type_ref.type->kind == SF_KIND_ORDERBOOK)
        counted.records = lane->past.records + lane->put;
    sf_buf_init(&json, CONTROL_MAX);
    sf_record_coverage(&json, &counted);
    put_control(l, lane->partition, lane->symbol, SF_CONTROL_COVERAGE, &json);
    sf_buf_release(&json);
}

/* --------------------------------------------------------------------- data records */

/* exec to first record in the topic: what starting a loader costs. */
static void on_first_record(void *arg, enum sf_status status)
{
    const struct sf_loader *l = arg;

    if (status == SF_OK)
        sf_log(SF_LOG_INFO, "first_record_delivered",
               SF_LOG_I("us", sf_mono_us() - l->program.begun_us));
}

static enum sf_status put_record(struct sf_loader *l, const struct lane *lane,
                                 int64_t position, struct sf_str record)
{
    const struct spool_entry entry = { lane->partition, position, lane->symbol,
                                       SF_STR_EMPTY, record };
    const struct sf_outgoing out = { .partition = lane->partition,
                                     .key = lane->symbol,
                                     .value = record,
                                     .has_value = true,
                                     .on_done = on_first_record,
                                     .arg = l };

    if (l->spooling)
        return sf_spooling_put(l, &entry);
    if (l->put == 0)
        return sf_producer_send(l->topic, &out, NULL);
    return sf_producer_put(l->topic, lane->partition, lane->symbol, record);
}

enum sf_status sf_loader_put(struct sf_loader *l, struct sf_str symbol, int64_t position,
                             struct sf_str record)
{
    struct lane *lane = sf_loader_lane(l, symbol);
    enum sf_status status;

    if (!lane)
        return SF_EINVAL;
    if (record.len == 0)
        return SF_ENOMEM;
    if (l->first && !send_waiting(l)) {
        l->is_full = true;
        return SF_EFULL;
    }
    status = put_record(l, lane, position, record);
    if (status == SF_EFULL)
        l->is_full = true;
    if (status != SF_OK) {
        sf_loader_say_why(l, status);
        return status;
    }
    if (position != SF_NO_POSITION) {
        lane->position = position;
        if (lane->first < 0)
            lane->first = position;
        lane->put++;
    }
    l->put++;
    l->has_news = true;
    l->put_bytes += (int64_t)record.len;
    sf_metric_add(SF_M_RECORDS_SENT, 1);
    return SF_OK;
}

void sf_loader_finish(struct sf_loader *l, const struct sf_end *end)
{
    l->end = *end;
    l->end.to = l->program.conf.range_to_ms > 0 ? l->program.conf.range_to_ms
                                                : l->program.conf.until_ms;
    sf_program_end(&l->program, SF_OUTCOME_FINISHED);
}

void sf_loader_fail(struct sf_loader *l, const struct sf_error *err)
{
    sf_program_fail(&l->program, err);
}

void sf_loader_tell(struct sf_loader *l, const char *message)
{
    sf_program_tell(&l->program, SF_EVENT_LOADING, message, SF_STR_EMPTY);
}

/* ---------------------------------------------------------------------------- hooks */

static void on_pause(void *arg, bool is_paused)
{
    struct sf_loader *l = arg;

    if (l->is_open && l->spec->source->pause)
        l->spec->source->pause(l->state, is_paused);
}

static void on_room(void *arg)
{
    struct sf_loader *l = arg;

    if ((l->spooling && !sf_spooling_drain(l)) || !send_waiting(l))
        return;
    l->is_full = false;
    if (l->is_open && l->spec->source->on_room)
        l->spec->source->on_room(l->state);
    tape_play_go(l->tape.player);
}

static int64_t written(const struct sf_loader *l)
{
    int64_t pending =
        l->program.producer ? (int64_t)sf_producer_pending(l->program.producer) : 0;

    pending += sf_spooling_left(l);
    return l->put > pending ? l->put - pending : 0;
}

static int64_t on_report(void *arg, struct sf_buf *extra)
{
    struct sf_loader *l = arg;
    int64_t total = written(l);

    for (size_t i = 0; i < l->lanes_n; i++)
        total += l->lanes[i].past.records;
    sf_buf_addf(extra, ",\"total\":%lld,\"gaps\":%lld,\"run\":%lld", (long long)total,
                (long long)l->gaps, (long long)l->run);
    if (l->lanes_n == 1)
        sf_buf_addf(extra, ",\"position\":%lld", (long long)l->lanes[0].position);
    if (l->is_open && l->spec->source->progress)
        l->spec->source->progress(l->state, extra);
    sf_buf_add_str(extra, sf_buf_str(&l->progress));
    sf_metric_set(SF_M_QUEUE_FILL, l->program.producer
                                       ? (int64_t)sf_producer_pending(l->program.producer)
                                       : 0);
    return written(l);
}

static bool is_ready(void *arg, struct sf_buf *why)
{
    const struct sf_loader *l = arg;

    if (!l->is_open)
        sf_buf_add_lit(why, "starting");
    return l->is_open;
}

/* ----------------------------------------------------------------------------- life */

static enum sf_status open_topic(struct sf_loader *l)
{
    const struct sf_conf *conf = &l->program.conf;
    enum sf_status status = sf_program_data_topic(&l->program, &l->partitions);

    if (status == SF_OK)
        status = sf_producer_topic(l->program.producer, conf->topic, &l->topic,
                                   &l->program.failure);
    if (status != SF_OK)
        return status;
    status = sf_loader_make_lanes(l);
    if (status == SF_OK)
        status = sf_loader_walk(l);
    if (status == SF_OK)
        status = sf_spooling_open(l);
    return status == SF_OK ? sf_loader_open_tape(l) : status;
}

/* A queue without a range is complete at its UNTIL. */
static void on_until(void *arg)
{
    struct sf_loader *l = arg;
    int64_t left_ms = l->program.conf.until_ms - sf_time_now_ms();

    if (left_ms <= 0)
        sf_loader_complete(l);
    else /* the wall clock was set, or it is far */
        sf_timer_set(l->until_timer, left_ms < UNTIL_LOOK_MS ? left_ms : UNTIL_LOOK_MS,
                     0);
}

static enum sf_status open_source(struct sf_loader *l)
{
    enum sf_status status;

    status = sf_timer_create(l->program.loop, on_position_timer, l, &l->position_timer);
    if (status == SF_OK)
        status = sf_timer_create(l->program.loop, on_until, l, &l->until_timer);
    if (status != SF_OK)
        return sf_error_set(&l->program.failure, status, "no memory for a timer");
    sf_timer_set(l->position_timer, POSITION_MS, POSITION_MS);
    if (l->program.conf.until_ms > 0)
        sf_timer_set(l->until_timer, 0, 0);
    status = l->spec->source->open(l, &l->state, &l->program.failure);
    l->is_open = status == SF_OK;
    if (l->is_open)
        sf_metric_set(SF_M_UP, 1);
    return status;
}

/* The end of a queue: an end record into every partition, then everything delivered. */
static void finish(struct sf_loader *l)
{
    struct sf_error err = { 0 };
    struct sf_buf json;
    bool is_finished = l->program.outcome == SF_OUTCOME_FINISHED;

    put_positions(l);
    sf_buf_init(&json, CONTROL_MAX);
    sf_record_end(&json, &l->end);
    for (int32_t i = 0; is_finished && i < l->partitions; i++)
        put_control(l, i, l->lanes[0].symbol, SF_CONTROL_END, &json);
    sf_buf_release(&json);
    while (!send_waiting(l) && sf_program_flush(&l->program, is_finished ? -1 : 0))
        ;
    if (sf_program_flush(&l->program, is_finished ? -1 : SF_PROGRAM_STOP_FLUSH_MS))
        return;
    if (is_finished && sf_stop_signal() != 0) { /* not delivered, but not lost either */
        l->program.outcome = SF_OUTCOME_SIGNALLED;
        if (sf_program_flush(&l->program, SF_PROGRAM_STOP_FLUSH_MS))
            return;
    }
    (void)sf_error_set(&err, SF_EIO, "%zu records undelivered, %zu refused by the broker",
                       sf_producer_pending(l->program.producer),
                       sf_producer_failed(l->program.producer));
    sf_program_fail(&l->program, &err);
}

/* The source goes; how far it came stays for the last event. */
static void close_source(struct sf_loader *l)
{
    if (l->is_open && l->spec->source->progress)
        l->spec->source->progress(l->state, &l->progress);
    if (l->state)
        l->spec->source->close(l->state);
    l->is_open = false;
    sf_loader_close_tape(l);
}

static void release(struct sf_loader *l)
{
    sf_buf_release(&l->progress);
    while (l->first) {
        struct waiting *w = l->first;

        l->first = w->next;
        free(w->json);
        free(w);
    }
    sf_timer_destroy(l->position_timer);
    sf_timer_destroy(l->until_timer);
    free(l->lanes);
    free(l->said);
    free(l->table);
}

int sf_loader_main(const struct sf_loader_spec *spec, int argc, char **argv)
{
    struct sf_loader l = { .spec = spec, .run = 1 };
    const struct sf_program_hooks hooks = {
        .on_pause = on_pause,
        .on_room = on_room,
        .on_report = on_report,
        .is_ready = is_ready,
        .arg = &l,
    };
    int code;

    l.last = &l.first;
    sf_buf_init(&l.progress, 4096);
    if (!sf_program_begin(&l.program, spec->image, spec->what,
                          spec->scopes | SF_SCOPE_QUEUE | SF_SCOPE_LOADER, argc, argv,
                          &code))
        return code;
    if (sf_program_open(&l.program, &hooks) != SF_OK || open_topic(&l) != SF_OK ||
        open_source(&l) != SF_OK)
        sf_program_stop_or_fail(&l.program);
    sf_program_run(&l.program);
    sf_timer_destroy(l.position_timer);
    sf_timer_destroy(l.until_timer);
    l.position_timer = l.until_timer = NULL;
    close_source(&l);
    if (l.topic && l.lanes_n > 0 && l.program.outcome != SF_OUTCOME_FAILED)
        finish(&l);
    sf_spooling_close(&l);
    code = sf_program_close(&l.program, NULL);
    release(&l);
    return code;
}
