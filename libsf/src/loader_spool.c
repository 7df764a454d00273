/* A loader's records on their way to Kafka by way of the disk (SPOOL_PATH).
 *
 * Records go straight to the producer until it takes no more; then what it holds and has
 * not confirmed is copied into the spool, and everything follows it there, until the
 * producer has read the spool to its end. So what was accepted is always in the topic, in
 * the spool, or among the few records that a kill may cost while Kafka answers; those
 * come again from the exchange, as without a spool. */
#include "loader_internal.h"
#include "spool.h"

#include <stdlib.h>

#define TICK_MS        200
#define LINE_MAX_BYTES ((size_t)2 << 20) /* a record has 512 KiB, a control record 64 */
#define TOLD_US        1000000 /* at most one line a second on what comes with every record */

/* A record that the producer holds; its line is in the ring. */
struct flying {
    size_t len;
    int32_t partition;
    int64_t number; /* of the records given to the producer for the partition */
};

struct spooling {
    struct spool *spool;
    struct sf_timer *timer;
    struct sf_buf line, ring;
    size_t ring_at;
    struct sf_buf flights; /* of struct flying */
    size_t flying_at;      /* the first of them that is not forgotten */
    int64_t *given_n;      /* by partition */
    int64_t *mark_n;       /* given_n when everything below mark_segment had been read */
    int64_t mark_segment;  /* 0: none */
    int64_t restored_to;   /* segments below are of an earlier process */
    int64_t *topic_last;   /* by lane: what the topic held when this process began */
    bool is_strict; /* positions ascend: one that is in the topic is not repeated */
    int64_t told_us;
};

/* ------------------------------------------------------------------ what is under way */

static bool is_confirmed(const struct sf_loader *l, const struct flying *f)
{
    return f->number <= sf_topic_confirmed(l->topic, f->partition);
}

static struct flying *flying_of(const struct spooling *sp, size_t *ret_n)
{
    *ret_n = sp->flights.len / sizeof(struct flying);
    return (struct flying *)(void *)sp->flights.p;
}

static void cut_front(struct sf_buf *b, size_t n)
{
    memmove(b->p, b->p + n, b->len - n);
    b->len -= n;
}

/* Forget what is confirmed, oldest first. */
static void trim(struct sf_loader *l)
{
    struct spooling *sp = l->spooling;
    size_t n;
    const struct flying *flying = flying_of(sp, &n);

    if (n == 0)
        return;
    while (sp->flying_at < n && is_confirmed(l, &flying[sp->flying_at]))
        sp->ring_at += flying[sp->flying_at++].len;
    if (sp->flying_at < n - sp->flying_at) /* more is held than is forgotten */
        return;
    cut_front(&sp->flights, sp->flying_at * sizeof(*flying));
    cut_front(&sp->ring, sp->ring_at);
    sp->flying_at = sp->ring_at = 0;
}

static void remember(struct sf_loader *l, const struct spool_entry *e)
{
    struct spooling *sp = l->spooling;
    struct flying f = { 0, e->partition, sp->given_n[e->partition] };
    size_t was;

    trim(l);
    was = sp->ring.len;
    spool_print(&sp->ring, e);
    f.len = sp->ring.len - was;
    if (sp->ring.status == SF_OK)
        sf_buf_add(&sp->flights, &f, sizeof(f));
    if (sp->ring.status == SF_OK && sp->flights.status == SF_OK)
        return;
    sp->ring.len = was; /* without a copy: the exchange has it, too */
    sp->ring.status = sp->flights.status = SF_OK;
}

/* ------------------------------------------------------------------------- to the disk
 */

static void tell(struct sf_loader *l, const struct sf_error *err)
{
    int64_t now_us = sf_mono_us();

    if (now_us - l->spooling->told_us < TOLD_US && l->spooling->told_us != 0)
        return;
    l->spooling->told_us = now_us;
    sf_log_error(SF_LOG_ERROR, "spool_failed", err);
    sf_loader_tell(l, err->text);
}

static enum sf_status append(struct sf_loader *l, const struct spool_entry *e)
{
    struct spooling *sp = l->spooling;
    struct sf_error err = { 0 };

    sf_buf_clear(&sp->line);
    spool_print(&sp->line, e);
    if (sf_buf_status(&sp->line, &err) == SF_OK &&
        spool_append(sp->spool, sf_buf_str(&sp->line), 1, &err) == SF_OK)
        return SF_OK;
    tell(l, &err);
    return SF_EFULL; /* the source waits, and repairs, as without a spool */
}

/* The producer is full: what it holds is copied, and counts as read. */
static void dump(struct sf_loader *l)
{
    struct spooling *sp = l->spooling;
    struct sf_error err = { 0 };
    struct sf_str lines;
    size_t n;

    trim(l);
    (void)flying_of(sp, &n);
    if (sp->flying_at == n)
        return;
    lines = sf_str_make(sp->ring.p + sp->ring_at, sp->ring.len - sp->ring_at);
    if (spool_append(sp->spool, lines, 0, &err) == SF_OK)
        spool_skip_all(sp->spool);
    else
        tell(l, &err);
    sp->flying_at = sp->ring_at = 0;
    sf_buf_clear(&sp->flights);
    sf_buf_clear(&sp->ring);
    sf_log(SF_LOG_WARN, "spooling", SF_LOG_I("bytes", spool_bytes(sp->spool)));
}

/* ----------------------------------------------------------------------- to the producer
 */

static enum sf_status give(struct sf_loader *l, const struct spool_entry *e)
{
    struct spooling *sp = l->spooling;
    char name[32];
    struct sf_header header = { name, e->value };
    const struct sf_outgoing out = {
        .partition = e->partition, .key = e->key, .headers = &header, .headers_n = 1
    };
    enum sf_status status;

    if (e->control.len == 0)
        status = sf_producer_put(l->topic, e->partition, e->key, e->value);
    else if (sf_str_copy(e->control, name, sizeof(name)))
        status = sf_producer_send(l->topic, &out, NULL);
    else
        status = SF_OK; /* no name of ours */
    if (status == SF_OK)
        sp->given_n[e->partition]++;
    return status;
}

enum sf_status sf_spooling_put(struct sf_loader *l, const struct spool_entry *e)
{
    enum sf_status status;

    if (!spool_is_drained(l->spooling->spool))
        return append(l, e);
    status = give(l, e);
    if (status == SF_OK)
        remember(l, e);
    if (status != SF_EFULL)
        return status;
    dump(l);
    return append(l, e);
}

/* Is it in the topic already? Only what an earlier process left may be. */
static bool is_old(const struct sf_loader *l, const struct spool_entry *e)
{
    const struct spooling *sp = l->spooling;
    const struct lane *lane = sf_loader_lane(l, e->key);
    int64_t last;

    if (!lane || e->position < 0 || spool_read_number(sp->spool) >= sp->restored_to)
        return false;
    last = sp->topic_last[lane - l->lanes];
    return sp->is_strict ? e->position <= last : e->position < last;
}

bool sf_spooling_drain(struct sf_loader *l)
{
    struct spooling *sp = l->spooling;
    bool was_drained = spool_is_drained(sp->spool);
    struct sf_error err = { 0 };
    struct spool_entry e;

    while (spool_peek(sp->spool, &e, &err)) {
        enum sf_status status = SF_OK;

        if (e.partition < l->partitions && !is_old(l, &e))
            status = give(l, &e);
        if (status == SF_EFULL)
            return false;
        if (status != SF_OK)
            (void)sf_error_set(&err, status, "a record of the spool: %s",
                               sf_status_text(status));
        spool_pop(sp->spool);
    }
    if (err.status != SF_OK)
        sf_loader_fail(l, &err);
    if (!was_drained)
        sf_log_write(SF_LOG_INFO, "spool_drained", NULL);
    return err.status == SF_OK;
}

/* Segments go when all that was given to the producer up to their end is confirmed. */
static void on_tick(void *arg)
{
    struct sf_loader *l = arg;
    struct spooling *sp = l->spooling;
    bool is_done = sp->mark_segment > 0;

    for (int32_t i = 0; is_done && i < l->partitions; i++)
        is_done = sf_topic_confirmed(l->topic, i) >= sp->mark_n[i];
    if (is_done) {
        spool_confirm(sp->spool, sp->mark_segment);
        sp->mark_segment = 0;
    }
    if (sp->mark_segment == 0 &&
        spool_oldest_number(sp->spool) < spool_read_number(sp->spool)) {
        sp->mark_segment = spool_read_number(sp->spool);
        memcpy(sp->mark_n, sp->given_n, (size_t)l->partitions * sizeof(*sp->mark_n));
    }
}

int64_t sf_spooling_left(const struct sf_loader *l)
{
    return l->spooling ? spool_left_n(l->spooling->spool) : 0;
}

bool sf_spooling_is_drained(const struct sf_loader *l)
{
    return !l->spooling || spool_is_drained(l->spooling->spool);
}

/* -------------------------------------------------------------------------------- life
 */

/* What an earlier process left belongs to what is known of the topic. */
static void restore(struct sf_loader *l)
{
    struct spooling *sp = l->spooling;
    enum sf_kind kind = l->program.conf.type_ref.type->kind;
    struct sf_record_head head;
    struct sf_error err = { 0 };
    struct spool_entry e;
    int64_t n = 0;

    for (size_t i = 0; i < l->lanes_n; i++)
        sp->topic_last[i] = l->lanes[i].past.last;
    sp->restored_to = spool_read_number(sp->spool);
    for (; spool_peek(sp->spool, &e, &err); spool_pop(sp->spool)) {
        struct lane *lane = sf_loader_lane(l, e.key);

        sp->restored_to = spool_read_number(sp->spool) + 1;
        if (e.position < 0 || !lane ||
            sf_record_head(e.value, kind, &head, NULL) != SF_OK)
            continue;
        n++;
        if (head.run >= l->run)
            l->run = head.run + 1;
        if (head.time_ms > lane->past.last_ms)
            lane->past.last_ms = head.time_ms;
        if (e.position <= lane->past.last)
            continue;
        if (lane->past.records++ == 0)
            lane->past.first = e.position;
        lane->past.last = lane->position = e.position;
    }
    spool_rewind(sp->spool);
    if (n > 0)
        sf_log(SF_LOG_INFO, "spool_found", SF_LOG_I("records", n),
               SF_LOG_I("bytes", spool_bytes(sp->spool)));
}

static enum sf_status make(struct sf_loader *l, struct sf_error *err)
{
    const struct sf_conf *conf = &l->program.conf;
    struct spooling *sp = l->spooling = calloc(1, sizeof(*sp));
    size_t n = (size_t)l->partitions;

    if (!sp)
        return sf_error_set(err, SF_ENOMEM, "no memory for a spool");
    sf_buf_init(&sp->line, LINE_MAX_BYTES);
    /* the producer's bound counts what it holds, and more for each record than we do */
    sf_buf_init(&sp->ring, 2 * (size_t)conf->producer_queue_kb * 1024 + LINE_MAX_BYTES);
    sf_buf_init(&sp->flights, (size_t)conf->producer_queue_kb * 1024);
    sp->given_n = calloc(n, sizeof(*sp->given_n));
    sp->mark_n = calloc(n, sizeof(*sp->mark_n));
    sp->topic_last = calloc(l->lanes_n, sizeof(*sp->topic_last));
    if (!sp->given_n || !sp->mark_n || !sp->topic_last ||
        sf_topic_count(l->topic, l->partitions) != SF_OK ||
        sf_timer_create(l->program.loop, on_tick, l, &sp->timer) != SF_OK)
        return sf_error_set(err, SF_ENOMEM, "no memory for a spool");
    return spool_open(conf->spool_path, conf->queue_id, conf->spool_mb * 1024 * 1024,
                      &sp->spool, err);
}

enum sf_status sf_spooling_open(struct sf_loader *l)
{
    const struct sf_conf *conf = &l->program.conf;
    enum sf_kind kind = conf->type_ref.type->kind;
    enum sf_status status;

    if (!(l->spec->scopes & SF_SCOPE_LIVE) || conf->spool_path[0] == '\0')
        return SF_OK;
    status = make(l, &l->program.failure);
    if (status != SF_OK)
        return status;
    l->spooling->is_strict = kind == SF_KIND_TRADES || kind == SF_KIND_AGG_TRADES;
    restore(l);
    sf_timer_set(l->spooling->timer, TICK_MS, TICK_MS);
    (void)sf_spooling_drain(l);
    return SF_OK;
}

void sf_spooling_close(struct sf_loader *l)
{
    struct spooling *sp = l->spooling;

    if (!sp)
        return;
    if (sp->spool) {
        if (spool_is_drained(sp->spool))
            dump(l); /* what is not confirmed by now is for the next process */
        on_tick(l);
        on_tick(l);
    }
    spool_close(sp->spool);
    sf_timer_destroy(sp->timer);
    sf_buf_release(&sp->line);
    sf_buf_release(&sp->ring);
    sf_buf_release(&sp->flights);
    free(sp->given_n);
    free(sp->mark_n);
    free(sp->topic_last);
    free(sp);
    l->spooling = NULL;
}
