/* The face of the writer: which lane a document goes to, and when its batch is sent. What
 * becomes of a batch is in arango_lane.c.
 *
 * A batch goes when it is full, when it is old, when nothing was added to it for a tick,
 * or on flush; always when its lane is free. A document larger than a batch goes alone.
 */
#include "arango_lane.h"

#include <stdio.h>
#include <stdlib.h>

#define TICK_MS 2 /* how finely the age of a batch is measured */

/* ------------------------------------------------------------------------- the lanes */

static bool is_full(const struct arango_lane *lane)
{
    const struct arango_batch *b = &lane->fill;

    return b->n == b->docs_max || b->len >= b->bytes_max;
}

static bool is_old(const struct arango_lane *lane, int64_t now_us)
{
    return now_us - lane->fill_since_us >= lane->w->opts.batch_age_ms * 1000;
}

static void launch(struct arango_lane *lane)
{
    struct arango_batch empty = lane->flight;

    lane->flight = lane->fill;
    lane->fill = empty;
    lane->is_busy = true;
    lane->is_judged = lane->is_due = false;
    lane->suspects = 0;
    lane->seen_n = 0;
    arango_lane_send(lane);
}

static void start_tick(struct sf_arango_writer *w)
{
    if (!sf_timer_is_set(w->tick))
        sf_timer_set(w->tick, TICK_MS, TICK_MS);
}

/* A batch goes when nothing was added for a tick, or it is old enough. Lanes that are
 * busy do not count: their batch goes when the one in flight is done. */
static void on_tick(void *arg)
{
    struct sf_arango_writer *w = arg;
    int64_t now_us = sf_mono_us();
    bool is_needed = false;

    for (unsigned i = 0; i < w->opts.lanes && !w->is_dead; i++) {
        struct arango_lane *lane = &w->lanes[i];

        if (lane->fill.n == 0 || lane->is_busy)
            continue;
        if (lane->fill.n == lane->seen_n || is_old(lane, now_us)) {
            launch(lane);
        } else {
            lane->seen_n = lane->fill.n;
            is_needed = true;
        }
    }
    if (!is_needed)
        sf_timer_clear(w->tick);
}

void arango_lane_land(struct arango_lane *lane)
{
    struct sf_arango_writer *w = lane->w;
    bool wants_room = lane->wants_room;

    arango_batch_trim(&lane->flight);
    lane->is_busy = false;
    lane->wants_room = false;
    if (lane->fill.n > 0 &&
        (lane->is_due || wants_room || is_full(lane) || is_old(lane, sf_mono_us())))
        launch(lane);
    else if (lane->fill.n > 0)
        start_tick(w);
    if (wants_room && !w->is_dead && w->opts.on_room)
        w->opts.on_room(w->opts.arg);
}

/* ------------------------------------------------------------------------------- life */

static void warn_of_version(struct sf_arango *a)
{
    char version[32];

    if (a->version == 0 || a->version >= 312 || a->is_version_told)
        return;
    a->is_version_told = true;
    (void)snprintf(version, sizeof(version), "%d.%d", a->version / 100, a->version % 100);
    sf_log(SF_LOG_WARN, "arango_version_old", SF_LOG_S("version", version),
           SF_LOG_S("text", "versionAttribute needs ArangoDB 3.12: an older document may "
                            "replace a newer one that came first"));
}

static void on_again(void *arg)
{
    arango_lane_send(arg);
}

static enum sf_status build_paths(struct sf_arango_writer *w, struct sf_error *err)
{
    struct sf_buf b;

    sf_buf_init(&b, 4096);
    sf_buf_addf(&b, "%s/_api/document/", w->a->db_path);
    sf_buf_add_url(&b, sf_str_from(w->opts.collection));
    sf_buf_add_lit(&b, "?overwriteMode=replace&keepNull=true");
    if (w->opts.version_attribute) {
        sf_buf_add_lit(&b, "&versionAttribute=");
        sf_buf_add_url(&b, sf_str_from(w->opts.version_attribute));
    }
    if (b.status == SF_OK)
        w->path = sf_str_dup(sf_buf_str(&b));
    sf_buf_add_lit(&b, "&silent=true");
    w->path_silent = sf_buf_take(&b);
    if (!w->path || !w->path_silent)
        return sf_error_set(err, SF_ENOMEM, "no memory for a writer");
    return SF_OK;
}

static enum sf_status init_lanes(struct sf_arango_writer *w, struct sf_error *err)
{
    w->lanes = calloc(w->opts.lanes, sizeof(*w->lanes));
    if (!w->lanes || sf_timer_create(w->a->loop, on_tick, w, &w->tick) != SF_OK)
        return sf_error_set(err, SF_ENOMEM, "no memory for a writer");
    for (unsigned i = 0; i < w->opts.lanes; i++) {
        struct arango_lane *lane = &w->lanes[i];
        enum sf_status status;

        lane->w = w;
        status = sf_timer_create(w->a->loop, on_again, lane, &lane->again);
        if (status != SF_OK)
            return sf_error_set(err, status, "no memory for a writer");
        status =
            arango_batch_init(&lane->fill, w->opts.batch_docs, w->opts.batch_bytes, err);
        if (status == SF_OK)
            status = arango_batch_init(&lane->flight, w->opts.batch_docs,
                                       w->opts.batch_bytes, err);
        if (status != SF_OK)
            return status;
    }
    return SF_OK;
}

enum sf_status sf_arango_writer_create(struct sf_arango *a,
                                       const struct sf_arango_writer_opts *opts,
                                       struct sf_arango_writer **ret_w,
                                       struct sf_error *err)
{
    struct sf_arango_writer *w;
    enum sf_status status;

    if (opts->lanes == 0 || opts->batch_docs == 0 || opts->batch_bytes < 16)
        return sf_error_set(err, SF_EINVAL,
                            "a writer needs lanes, documents and bytes, got %u, %zu, %zu",
                            opts->lanes, opts->batch_docs, opts->batch_bytes);
    w = calloc(1, sizeof(*w));
    if (!w)
        return sf_error_set(err, SF_ENOMEM, "no memory for a writer");
    w->a = a;
    w->opts = *opts;
    sf_buf_init(&w->text, 4096);
    status = build_paths(w, err);
    if (status == SF_OK)
        status = init_lanes(w, err);
    if (status != SF_OK) {
        sf_arango_writer_destroy(w);
        return status;
    }
    if (opts->version_attribute)
        warn_of_version(a);
    *ret_w = w;
    return SF_OK;
}

void sf_arango_writer_destroy(struct sf_arango_writer *w)
{
    if (!w)
        return;
    for (unsigned i = 0; w->lanes && i < w->opts.lanes; i++) {
        struct arango_lane *lane = &w->lanes[i];

        if (lane->is_sent)
            sf_http_cancel(w->a->http, lane->ticket.id);
        sf_timer_destroy(lane->again);
        arango_batch_release(&lane->fill);
        arango_batch_release(&lane->flight);
    }
    free(w->lanes);
    sf_timer_destroy(w->tick);
    sf_buf_release(&w->text);
    free(w->path);
    free(w->path_silent);
    free(w);
}

enum sf_status sf_arango_put(struct sf_arango_writer *w, struct sf_str key,
                             struct sf_str doc, uint64_t tag)
{
    uint64_t hash = sf_str_hash(key);
    struct arango_lane *lane = &w->lanes[hash % w->opts.lanes];
    enum sf_status status = SF_EFULL;

    if (w->is_dead)
        return SF_EFATAL;
    if (doc.len > ARANGO_DOC_MAX)
        return SF_ETOOBIG;
    for (int i = 0; i < 2 && status == SF_EFULL; i++) {
        if (!is_full(lane))
            status = arango_batch_put(&lane->fill, doc, tag, (uint32_t)(hash >> 32));
        if (status == SF_EFULL && lane->is_busy)
            break;
        if (status == SF_EFULL)
            launch(lane);
    }
    if (status == SF_EFULL)
        lane->wants_room = true;
    if (status != SF_OK)
        return status;
    w->pending++;
    if (lane->fill.n == 1)
        lane->fill_since_us = sf_mono_us();
    if (!lane->is_busy) {
        if (is_full(lane))
            launch(lane);
        else
            start_tick(w);
    }
    return SF_OK;
}

void sf_arango_writer_flush(struct sf_arango_writer *w)
{
    for (unsigned i = 0; i < w->opts.lanes && !w->is_dead; i++) {
        struct arango_lane *lane = &w->lanes[i];

        if (lane->fill.n == 0)
            continue;
        if (lane->is_busy)
            lane->is_due = true;
        else
            launch(lane);
    }
}

size_t sf_arango_writer_pending(const struct sf_arango_writer *w)
{
    return w->pending;
}
