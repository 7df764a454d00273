#include "connector_internal.h"

#include <stdlib.h>

#define TICK_MS      100     /* how often the end of the queue is looked for */
#define QUIET_US     2000000 /* draining: the loader stops within a second; twice that */
#define LOOK_US      1000000 /* between questions whether other members are done, too */
#define COMMIT_MS    10000
#define PROGRESS_MS  10000
#define LEDGER_BATCH 100 /* ledger rows are few: small batches, soon */
#define AWAY         "the database does not answer; waiting"

/* ------------------------------------------------------------------- database hooks */

static void on_room(void *arg)
{
    (void)sf_connector_unhold(arg);
}

static void on_away(void *arg, bool is_away, const struct sf_error *why)
{
    struct connector *c = arg;

    if (c->is_away == is_away)
        return;
    c->is_away = is_away;
    sf_metric_set(SF_M_UP, is_away ? 0 : 1);
    if (is_away)
        sf_log_error(SF_LOG_WARN, "database_away", why);
    else
        sf_log_write(SF_LOG_INFO, "database_back", NULL);
    c->program.note = is_away ? AWAY : NULL;
    sf_program_tell(&c->program, SF_EVENT_LOADING,
                    is_away ? AWAY : "the database is back", SF_STR_EMPTY);
}

static void on_fatal(void *arg, const struct sf_error *err)
{
    sf_program_fail(&((struct connector *)arg)->program, err);
}

/* -------------------------------------------------------------------------- the end */

static size_t pending(const struct connector *c)
{
    size_t n = c->held.is_set ? 1 : 0;

    for (int32_t i = 0; i < c->partitions; i++)
        if (c->parts[i].is_ours)
            n += sf_track_pending(&c->parts[i].track);
    return n;
}

/* The end record is that of a shorter range: the loader that extends it comes yet. */
static void wait_for_loader(struct connector *c)
{
    const struct sf_conf *conf = &c->program.conf;

    if (c->is_waiting_told)
        return;
    c->is_waiting_told = true;
    sf_log(SF_LOG_WARN, "end_passed_over", SF_LOG_S("time_range", conf->time_range),
           SF_LOG_S("until", conf->until));
    sf_program_tell(&c->program, SF_EVENT_LOADING,
                    "the topic ends before this queue does; waiting for its loader",
                    SF_STR_EMPTY);
}

/* Have all partitions that are ours been read behind their end record, and stored? */
static bool ours_are_done(struct connector *c)
{
    const struct sf_conf *conf = &c->program.conf;
    int64_t wanted_ms = conf->range_to_ms > 0 ? conf->range_to_ms : conf->until_ms;
    bool has_any = false;

    if (pending(c) > 0 || sf_consumer_lag(c->consumer) != 0)
        return false;
    for (int32_t i = 0; i < c->partitions; i++) {
        const struct part *part = &c->parts[i];

        if (!part->is_ours)
            continue;
        has_any = true;
        if (part->ending.offset < 0 || part->track.next <= part->ending.offset)
            return false;
        if (!sf_ending_is_final(&part->ending, wanted_ms)) {
            wait_for_loader(c);
            return false;
        }
    }
    return has_any;
}

/* Have the partitions of other members of the group been committed to their ends? An
 * empty one has no end record yet. */
static bool others_are_done(struct connector *c, bool may_be_empty, struct sf_error *err)
{
    struct sf_progress progress[PARTITIONS_MAX];
    int32_t n = 0;

    for (int32_t i = 0; i < c->partitions; i++)
        n += c->parts[i].is_ours ? 0 : 1;
    if (n == 0)
        return true;
    if (sf_consumer_progress(c->consumer, progress, PARTITIONS_MAX, &n, PROGRESS_MS,
                             err) != SF_OK)
        return false;
    for (int32_t i = 0; i < n && i < c->partitions; i++) {
        bool is_done = progress[i].end == 0 ? may_be_empty
                                            : progress[i].committed >= progress[i].end;

        if (!c->parts[i].is_ours && !is_done)
            return false;
    }
    return true;
}

/* Ours are done: commit them, and end when those of other members are done, too. Asks the
 * broker, thus not at each tick. */
static void end_with_others(struct connector *c, bool may_be_empty,
                            enum sf_outcome outcome)
{
    struct sf_error err = { 0 };

    if (sf_mono_us() < c->look_again_us)
        return;
    c->look_again_us = sf_mono_us() + LOOK_US;
    if (sf_consumer_commit(c->consumer, COMMIT_MS, &err) != SF_OK)
        sf_log_error(SF_LOG_WARN, "commit_failed", &err); /* the next tick tries again */
    else if (others_are_done(c, may_be_empty, &err))
        sf_program_end(&c->program, outcome);
}

/* Everything was read, and nothing of it was a record of this TYPE, or fit the
 * collection: that is no queue that was stored. */
static void fail_refused(struct connector *c)
{
    const struct sf_conf *conf = &c->program.conf;
    struct sf_error err = { 0 };

    (void)sf_error_set(&err, SF_EPROTO,
                       "topic %s: none of its %lld records could be stored, all are in "
                       "%s; expected records of TYPE='%s'; the last one: %s",
                       conf->topic, (long long)c->refused, conf->dlq_topic, conf->type,
                       c->refusal.text);
    sf_program_fail(&c->program, &err);
}

static void look_for_end(struct connector *c)
{
    if (!ours_are_done(c))
        return;
    sf_connector_store_offsets(c);
    if (sf_connector_is_nothing_stored(c))
        fail_refused(c);
    else
        end_with_others(c, false, SF_OUTCOME_FINISHED);
}

/* A stopped queue: everything that its loader still writes is stored, or the time is up.
 * Partitions of a member that was killed become ours after a while. */
static void drain(struct connector *c)
{
    int64_t now_us = sf_mono_us();
    bool is_quiet = pending(c) == 0 && sf_consumer_lag(c->consumer) == 0;

    if (!is_quiet)
        c->quiet_since_us = 0;
    else if (c->quiet_since_us == 0)
        c->quiet_since_us = now_us;
    if (now_us >= c->drain_until_us) {
        sf_program_end(&c->program, SF_OUTCOME_STOPPED);
    } else if (is_quiet && now_us - c->quiet_since_us >= QUIET_US) {
        sf_connector_store_offsets(c);
        end_with_others(c, true, SF_OUTCOME_STOPPED);
    }
}

static void on_tick(void *arg)
{
    struct connector *c = arg;

    if (c->program.outcome != SF_RUNNING)
        return;
    look_for_end(c);
    if (c->program.outcome == SF_RUNNING && c->drain_until_us > 0)
        drain(c);
}

/* ------------------------------------------------------------------- program hooks */

static void on_stop(void *arg)
{
    struct connector *c = arg;

    if (c->drain_until_us > 0)
        return;
    if (!c->consumer) {
        sf_program_end(&c->program, SF_OUTCOME_STOPPED);
        return;
    }
    c->drain_until_us = sf_mono_us() + c->program.conf.stop_drain_s * 1000000;
    c->is_paused = false; /* what was produced before the stop is still stored */
    sf_connector_flow(c);
    sf_program_tell(&c->program, SF_EVENT_LOADING, "stopping: draining", SF_STR_EMPTY);
}

static void on_pause(void *arg, bool is_paused)
{
    struct connector *c = arg;

    c->is_paused = is_paused;
    if (c->consumer)
        sf_connector_flow(c);
}

static int64_t lag_of(const struct connector *c)
{
    return c->consumer ? sf_consumer_lag(c->consumer) : c->last_lag;
}

static int64_t on_report(void *arg, struct sf_buf *extra)
{
    struct connector *c = arg;
    int64_t lag = lag_of(c);

    sf_buf_addf(extra,
                ",\"lag\":%lld,\"in_flight\":%zu,\"dead_letters\":%lld,\"skipped\":%lld,"
                "\"database\":\"%s\"",
                (long long)lag, c->parts ? pending(c) : 0, (long long)c->dead_letters,
                (long long)c->skipped, c->is_away ? "away" : "up");
    sf_metric_set(SF_M_LAG, lag);
    sf_metric_set(SF_M_QUEUE_FILL, c->parts ? (int64_t)pending(c) : 0);
    return c->stored;
}

static bool is_ready(void *arg, struct sf_buf *why)
{
    const struct connector *c = arg;
    int64_t limit = c->program.conf.ready_lag_max;

    if (c->is_away && c->arango)
        sf_buf_add_lit(why, "the database does not answer");
    else if (!c->consumer)
        sf_buf_add_lit(why, "starting");
    else if (limit > 0 && lag_of(c) > limit)
        sf_buf_addf(why, "lag %lld is over %lld", (long long)lag_of(c), (long long)limit);
    return why->len == 0;
}

/* ----------------------------------------------------------------------------- life */

static const char *const ledger_collections[SINK_N] = {
    [SINK_GAPS] = "gaps",
    [SINK_COVERAGE] = "coverage",
};

static enum sf_status open_writers(struct connector *c)
{
    const struct sf_conf *conf = &c->program.conf;

    for (int i = 0; i < SINK_N; i++) {
        bool is_data = i == SINK_DATA;
        const struct sf_arango_writer_opts opts = {
            .collection = is_data ? conf->collection : ledger_collections[i],
            .version_attribute = is_data ? c->spec->version_attribute : NULL,
            .lanes = is_data ? (unsigned)conf->arango_lanes : 1,
            .batch_docs = is_data ? (size_t)conf->arango_batch_docs : LEDGER_BATCH,
            .batch_bytes = (size_t)conf->arango_batch_kb * 1024,
            .batch_age_ms = conf->arango_batch_age_ms,
            .fn = is_data ? sf_connector_on_result : sf_connector_on_ledger_result,
            .on_room = on_room,
            .on_away = on_away,
            .on_fatal = on_fatal,
            .arg = c,
        };
        enum sf_status status = sf_arango_ensure_collection(
            c->arango, opts.collection, is_data ? c->spec->indexes : NULL,
            is_data ? c->spec->indexes_n : 0, &c->program.failure);

        if (status == SF_OK)
            status = sf_arango_writer_create(c->arango, &opts, &c->writers[i],
                                             &c->program.failure);
        if (status != SF_OK)
            return status;
    }
    return SF_OK;
}

static enum sf_status open_database(struct connector *c)
{
    struct sf_program *p = &c->program;
    enum sf_status status = sf_arango_create(p->loop, &p->conf, &c->arango, &p->failure);

    p->note = AWAY; /* until it has answered for the first time */
    if (status == SF_OK)
        status = sf_arango_ensure_database(c->arango, &p->failure);
    if (status == SF_OK)
        status = open_writers(c);
    c->is_away = status != SF_OK;
    p->note = NULL;
    return status;
}

static enum sf_status open_topic(struct connector *c)
{
    struct sf_program *p = &c->program;
    enum sf_status status = sf_program_data_topic(p, &c->partitions);

    if (status == SF_OK && c->partitions > PARTITIONS_MAX)
        status = sf_error_set(&p->failure, SF_ETOOBIG,
                              "topic %s has %d partitions, at most %d", p->conf.topic,
                              c->partitions, PARTITIONS_MAX);
    return status;
}

static enum sf_status open_consumer(struct connector *c)
{
    struct sf_program *p = &c->program;
    const struct sf_consumer_hooks hooks = {
        .on_message = sf_connector_on_message,
        .on_assign = sf_connector_on_assign,
        .on_revoke = sf_connector_on_revoke,
        .on_error = on_fatal,
        .arg = c,
    };

    c->parts = calloc((size_t)c->partitions, sizeof(*c->parts));
    if (!c->parts || sf_timer_create(p->loop, on_tick, c, &c->tick) != SF_OK)
        return sf_error_set(&p->failure, SF_ENOMEM, "no memory for %d partitions",
                            c->partitions);
    sf_timer_set(c->tick, TICK_MS, TICK_MS);
    sf_metric_set(SF_M_UP, 1);
    return sf_consumer_create(p->loop, &p->conf, &hooks, &c->consumer, &p->failure);
}

/* What fails leaves nothing behind: a topic that may not be created is looked for before
 * anything is made in the database, one that may be is made after. */
static enum sf_status open_both_ends(struct connector *c)
{
    bool is_topic_made = c->program.conf.topic_create != 0;
    enum sf_status status = is_topic_made ? SF_OK : open_topic(c);

    if (status == SF_OK)
        status = open_database(c);
    if (status == SF_OK && is_topic_made)
        status = open_topic(c);
    return status == SF_OK ? open_consumer(c) : status;
}

/* Let what is in flight reach the database, then commit it. */
static void settle(struct connector *c)
{
    int64_t end_us = sf_mono_us() + (int64_t)SF_PROGRAM_STOP_FLUSH_MS * 1000;
    struct sf_error err = { 0 };
    const bool never = false;

    if (!c->consumer)
        return;
    sf_consumer_pause(c->consumer, true);
    for (int i = 0; i < SINK_N; i++)
        sf_arango_writer_flush(c->writers[i]);
    while ((pending(c) > 0 || c->untracked > 0) && sf_mono_us() < end_us && !c->is_away)
        (void)sf_loop_run_until(c->program.loop, &never, TICK_MS);
    sf_connector_store_offsets(c);
    if (sf_consumer_commit(c->consumer, COMMIT_MS, &err) != SF_OK)
        sf_log_error(SF_LOG_WARN, "commit_failed", &err);
    c->last_lag = sf_consumer_lag(c->consumer);
}

/* What lives on the loop goes before it; what the last event reports goes after that. */
static void leave_loop(struct connector *c)
{
    sf_consumer_destroy(c->consumer);
    c->consumer = NULL;
    for (int i = 0; i < SINK_N; i++)
        sf_arango_writer_destroy(c->writers[i]);
    sf_arango_destroy(c->arango);
    sf_timer_destroy(c->tick);
}

static void release(struct connector *c)
{
    for (int32_t i = 0; c->parts && i < c->partitions; i++)
        sf_track_release(&c->parts[i].track);
    free(c->parts);
    sf_buf_release(&c->doc);
    sf_buf_release(&c->ledger);
    sf_buf_release(&c->held.key);
    sf_buf_release(&c->held.doc);
}

int sf_connector_main(const struct sf_connector_spec *spec, int argc, char **argv)
{
    struct connector c = { .spec = spec, .last_lag = -1, .is_away = true };
    const struct sf_program_hooks hooks = {
        .on_pause = on_pause,
        .on_stop = on_stop,
        .on_report = on_report,
        .is_ready = is_ready,
        .arg = &c,
    };
    int code;

    sf_buf_init(&c.doc, DOC_MAX);
    sf_buf_init(&c.ledger, DOC_MAX);
    sf_buf_init(&c.held.key, DOC_MAX);
    sf_buf_init(&c.held.doc, DOC_MAX);
    if (!sf_program_begin(&c.program, spec->image, spec->what,
                          SF_SCOPE_QUEUE | SF_SCOPE_CONNECTOR, argc, argv, &code))
        return code;
    if (sf_program_open(&c.program, &hooks) != SF_OK || open_both_ends(&c) != SF_OK)
        sf_program_stop_or_fail(&c.program);
    sf_program_run(&c.program);
    settle(&c);
    leave_loop(&c);
    code = sf_program_close(&c.program, NULL);
    release(&c);
    return code;
}
