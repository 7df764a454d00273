/* Live order books of many symbols: a snapshot, then diffs in sequence, into the topic.
 *
 * book_join.c says which diffs belong behind a snapshot. What was published is void as
 * soon as an update is missing: the symbol alone gets a reset, and a new snapshot begins
 * its next stretch. What the queue has no room for is held in the join, which is bounded;
 * over that bound the book is void, too. */
#include "live_books.h"

#include <sf/metrics.h>

#include <stdlib.h>

#define COVERAGE_MS 10000
#define BAD_US      1000000 /* at most one line a second on events that are refused */
#define FIRST_MS    1000  /* a quiet symbol's snapshot does not wait for a diff longer */
#define HELD_MIN    65536 /* bytes that a symbol may hold at least */
#define LIVED_US    10000000 /* a book that lived so long is asked for at once */
#define LEVELS_MAX  100000   /* of a side of a kept book: 6 MiB */

void live_books_fail(struct live_books *b, const struct live_book *k,
                     const struct sf_error *cause)
{
    struct sf_error err = *cause;

    (void)sf_error_wrap(&err, "%" SF_STR_FMT " order book", SF_STR_ARG(k->symbol));
    sf_loader_fail(b->l, &err);
}

/* ------------------------------------------------------------------------------ events
 */

bool live_book_put(struct live_book *k, const char *source,
                   const struct sf_book_event *event)
{
    struct sf_error err = { 0 };

    if (book_out_put(&k->out, source, event, &err) != SF_OK) {
        live_books_fail(k->b, k, &err);
        return false;
    }
    k->last_id = event->last_id;
    if (event->time_ms > k->last_ms)
        k->last_ms = event->time_ms;
    sf_metric_set(SF_M_LAST_EVENT_SECONDS, event->time_ms / 1000);
    return true;
}

static bool put_reset(struct live_book *k)
{
    const struct sf_book_event event = { .kind = SF_BOOK_RESET,
                                         .time_ms = k->last_ms,
                                         .last_id = k->last_id,
                                         .cause = sf_str_from(k->cause) };

    k->is_void = true;
    return live_book_put(k, "ws", &event);
}

static bool keep(struct live_book *k, const struct sf_depth *depth)
{
    struct sf_error err = { 0 };

    if (!k->kept || sf_book_apply(k->kept, depth, &err) == SF_OK)
        return true;
    sf_log_error(SF_LOG_WARN, "book_not_kept", &err);
    k->top_id = k->last_id; /* nothing to publish of it */
    live_book_break(k, "too_large");
    return false;
}

static void put_delta(struct live_book *k, const struct sf_depth *d)
{
    const struct sf_book_event event = { .kind = SF_BOOK_DELTA,
                                         .time_ms = d->time_ms,
                                         .first_id = d->first_id,
                                         .last_id = d->last_id,
                                         .bids = d->bids,
                                         .asks = d->asks };

    k->diff_us = sf_mono_us();
    if (live_book_top(k, d->time_ms) && live_book_put(k, "ws", &event) && keep(k, d))
        live_audit_diff(k, d);
}

void live_book_go(struct live_book *k)
{
    bool was_live = k->join.is_live;
    const struct sf_depth *d;

    while (!book_out_is_full(&k->out) && (d = sf_join_next(&k->join)) != NULL)
        put_delta(k, d);
    if (was_live && !k->join.is_live)
        live_book_break(k, "full");
}

/* Updates between what was published and the snapshot. */
static void tell_gap(struct live_book *k, int64_t snapshot_id)
{
    struct live_books *b = k->b;
    const struct sf_gap gap = { .exchange = sf_str_from(b->conf->exchange),
                                .symbol = k->symbol,
                                .kind = sf_str_from(b->ledger_kind),
                                .from = k->last_id + 1,
                                .to = snapshot_id,
                                .cause = sf_str_from(k->cause),
                                .records = snapshot_id - k->last_id,
                                .took_ms = (sf_mono_us() - k->broken_us) / 1000 };

    if (k->last_id >= 0 && snapshot_id > k->last_id)
        sf_loader_gap(b->l, &gap);
}

/* Later than all that was published before: a reset lies between the two. */
static int64_t snapshot_ms(const struct live_book *k)
{
    int64_t now_ms = sf_rest_server_ms(k->b->rest);

    return now_ms > k->last_ms ? now_ms : k->last_ms + 1;
}

void live_book_joined(struct live_book *k, const struct sf_depth *snapshot)
{
    const struct sf_book_event event = { .kind = SF_BOOK_SNAPSHOT,
                                         .time_ms = snapshot_ms(k),
                                         .last_id = snapshot->last_id,
                                         .bids = snapshot->bids,
                                         .asks = snapshot->asks };

    tell_gap(k, snapshot->last_id);
    if (!live_book_put(k, "rest", &event))
        return;
    if (k->first_id < 0)
        k->first_id = snapshot->last_id;
    k->is_void = false;
    k->joined_us = sf_mono_us();
    k->old_n = 0;
    k->top_id = k->last_id; /* the snapshot shows them */
    k->top_slot = -1;
    sf_log(SF_LOG_INFO, "book_joined", SF_LOG_V("symbol", k->symbol),
           SF_LOG_I("last_update_id", snapshot->last_id));
    if (k->kept)
        sf_book_clear(k->kept);
    live_book_limits(k->b, snapshot, k->limit);
    if (keep(k, snapshot))
        live_book_go(k);
}

void live_book_break(struct live_book *k, const char *cause)
{
    sf_join_wait(&k->join);
    live_audit_drop(k);
    if (!k->is_void) {
        k->cause = cause;
        k->broken_us = sf_mono_us();
        k->b->resyncs++;
        sf_metric_add(SF_M_BOOK_RESYNCS, 1);
        sf_log(SF_LOG_WARN, "book_void", SF_LOG_V("symbol", k->symbol),
               SF_LOG_S("cause", cause), SF_LOG_I("last_update_id", k->last_id));
        if (!live_book_top(k, -1) || !put_reset(k))
            return;
    }
    if (k->joined_us != 0 && sf_mono_us() - k->joined_us < LIVED_US) {
        live_book_ask_again(k); /* snapshots cost: not one after the other */
        return;
    }
    k->useless_n = 0;
    live_book_ask(k, 0);
}

/* ----------------------------------------------------------------------------- streams
 */

static void take_diff(struct live_book *k, const struct sf_depth *d)
{
    if (k->join.is_live && book_out_is_full(&k->out)) {
        sf_join_hold(&k->join, d);
        return;
    }
    switch (sf_join_diff(&k->join, d)) {
    case SF_JOIN_APPLY:
        put_delta(k, d);
        break;
    case SF_JOIN_OLD:
        sf_metric_add(SF_M_DUPLICATES, 1);
        break;
    case SF_JOIN_GAP:
        live_book_break(k, "gap");
        break;
    case SF_JOIN_HELD:
        if (!k->join.is_live)
            live_book_ask(k, 0);
        break;
    }
}

static void bad_event(struct live_book *k, const struct sf_error *err)
{
    int64_t now_us = sf_mono_us();

    sf_metric_add(SF_M_BAD_INPUT, 1);
    if (k->b->bad_told_us != 0 && now_us - k->b->bad_told_us < BAD_US)
        return;
    k->b->bad_told_us = now_us;
    sf_log(SF_LOG_WARN, "bad_event", SF_LOG_V("symbol", k->symbol),
           SF_LOG_S("text", err->text));
}

static void on_event(void *arg, size_t i, struct sf_str event)
{
    struct live_books *b = arg;
    struct live_book *k = &b->books[i];
    struct sf_error err = { 0 };
    struct sf_depth d;

    if (k->is_refused)
        return;
    if (b->exchange->depth_parse(event, true, &d, &err) == SF_OK)
        take_diff(k, &d);
    else
        bad_event(k, &err);
}

static void on_up(void *arg, size_t first, size_t n)
{
    struct live_books *b = arg;

    for (size_t i = first; i < first + n; i++) {
        struct live_book *k = &b->books[i];

        k->is_up = true;
        sf_join_reset(&k->join);
        live_book_ask(k, FIRST_MS); /* or with the first diff */
    }
}

static void on_down(void *arg, size_t first, size_t n, const struct sf_error *why)
{
    struct live_books *b = arg;
    bool is_paused = why->status == SF_ESTOPPED;

    for (size_t i = first; i < first + n; i++) {
        b->books[i].is_up = false;
        live_book_break(&b->books[i], is_paused ? "paused" : "cut");
    }
    if (!is_paused)
        sf_loader_tell(b->l, why->text);
}

static void add_stream(void *arg, struct sf_buf *buf, struct sf_str symbol)
{
    const struct live_books *b = arg;

    b->exchange->depth_stream(buf, symbol);
}

static void on_coverage(void *arg)
{
    struct live_books *b = arg;

    for (size_t i = 0; i < b->books_n; i++) {
        struct live_book *k = &b->books[i];
        const struct sf_gap range = { .exchange = sf_str_from(b->conf->exchange),
                                      .symbol = k->symbol,
                                      .kind = sf_str_from(b->ledger_kind),
                                      .from = k->first_id,
                                      .to = k->last_id };

        if (k->first_id < 0 || k->last_id <= k->covered)
            continue;
        k->covered = k->last_id;
        sf_loader_coverage(b->l, &range);
    }
}

/* -------------------------------------------------------------------------------- life
 */

static void on_wait(void *arg, int64_t wait_ms, const char *why)
{
    struct live_books *b = arg;

    sf_log(SF_LOG_WARN, "waiting", SF_LOG_I("ms", wait_ms),
           SF_LOG_S("text", why ? why : ""));
    if (why)
        sf_loader_tell(b->l, why);
}

static enum sf_status open_book(struct live_books *b, struct live_book *k, size_t i,
                                struct sf_error *err)
{
    size_t held = (size_t)b->conf->live_buffer_kb * 1024 / b->conf->symbols_n;
    bool is_kept = b->conf->book_top > 0 || b->conf->book_audit_ms > 0;
    const struct sf_loader_past *past;
    enum sf_status status;

    k->b = b;
    k->symbol = sf_str_from(b->conf->symbols[i]);
    past = sf_loader_past(b->l, k->symbol);
    k->last_id = past->last;
    k->first_id = past->first;
    k->last_ms = past->last_ms;
    k->covered = k->top_id = k->top_slot = k->audit_slot = -1;
    k->cause = past->last >= 0 ? "restart" : "start";
    k->broken_us = sf_mono_us();
    k->is_void = past->last < 0;
    sf_join_init(&k->join, held > HELD_MIN ? held : HELD_MIN);
    status = book_out_init(&k->out, b->l, k->symbol, &b->record, err);
    if (status == SF_OK && is_kept)
        status = sf_book_create(LEVELS_MAX, &k->kept, err);
    if (status == SF_OK)
        status =
            sf_timer_create(sf_loader_loop(b->l), live_book_on_ask, k, &k->ask_timer);
    /* What an earlier run left is void: it was not followed since then. */
    if (status == SF_OK && !k->is_void && !put_reset(k))
        status = sf_error_set(err, SF_EFATAL, "the reset was not accepted");
    return status;
}

static enum sf_status open_parts(struct live_books *b, struct sf_error *err)
{
    struct sf_loop *loop = sf_loader_loop(b->l);
    enum sf_status status = sf_rest_create(loop, b->conf, b->exchange, &b->rest, err);

    if (status != SF_OK)
        return status;
    sf_rest_on_wait(b->rest, on_wait, b);
    b->books = calloc(b->conf->symbols_n, sizeof(*b->books));
    if (!b->books || sf_timer_create(loop, on_coverage, b, &b->coverage_timer) != SF_OK)
        return sf_error_set(err, SF_ENOMEM, "no memory for %zu symbols",
                            b->conf->symbols_n);
    while (status == SF_OK && b->books_n < b->conf->symbols_n) {
        size_t i = b->books_n++;

        status = open_book(b, &b->books[i], i, err);
    }
    return status == SF_OK ? live_audit_open(b, err) : status;
}

static enum sf_status open_streams(struct live_books *b, struct sf_error *err)
{
    const struct sf_live_opts opts = {
        .loop = sf_loader_loop(b->l),
        .conf = b->conf,
        .exchange = b->exchange,
        .tape = sf_loader_tape(b->l),
        .stream = add_stream,
        .on_event = on_event,
        .on_up = on_up,
        .on_down = on_down,
        .arg = b,
    };

    sf_rest_tape(b->rest, opts.tape);
    return sf_live_create(&opts, &b->live, err);
}

static enum sf_status books_open(struct sf_loader *l, void **ret_state,
                                 struct sf_error *err)
{
    struct live_books *b = calloc(1, sizeof(*b));
    struct sf_market market;
    enum sf_status status;

    if (!b)
        return sf_error_set(err, SF_ENOMEM, "no memory to begin with");
    *ret_state = b; /* books_close frees it whatever follows */
    b->l = l;
    b->conf = sf_loader_conf(l);
    sf_buf_init(&b->record, SF_BOOK_PART_BYTES);
    for (int side = SF_BIDS; side < SF_SIDES; side++)
        sf_buf_init(&b->sides[side], (size_t)LEVELS_MAX * (2 * SF_DEC_MAX + 8));
    b->exchange = sf_exchange_find(sf_str_from(b->conf->exchange));
    if (!b->exchange)
        return sf_error_set(err, SF_EINVAL, "EXCHANGE='%s' is unknown",
                            b->conf->exchange);
    status = sf_name_ledger_kind(b->conf->type_ref, b->ledger_kind, err);
    if (status == SF_OK)
        status = open_parts(b, err);
    if (status == SF_OK && !sf_loader_tape(l)->player) /* else nobody is asked */
        status = sf_rest_hello(b->rest, b->books[0].symbol, &market, err);
    if (status == SF_OK)
        status = open_streams(b, err);
    if (status == SF_OK)
        sf_timer_set(b->coverage_timer, COVERAGE_MS, COVERAGE_MS);
    return status;
}

static void books_pause(void *state, bool is_paused)
{
    struct live_books *b = state;

    sf_rest_pause(b->rest, is_paused);
    sf_live_pause(b->live, is_paused);
}

static void books_on_room(void *state)
{
    struct live_books *b = state;

    for (size_t i = 0; i < b->books_n; i++) {
        struct sf_error err = { 0 };
        enum sf_status status = book_out_go(&b->books[i].out, &err);

        if (status == SF_OK)
            live_book_go(&b->books[i]);
        else if (status != SF_EFULL)
            live_books_fail(b, &b->books[i], &err);
    }
}

static void books_progress(void *state, struct sf_buf *extra)
{
    const struct live_books *b = state;
    size_t joined = 0;

    for (size_t i = 0; i < b->books_n; i++)
        joined += b->books[i].join.is_live;
    sf_buf_addf(extra,
                ",\"books\":%zu,\"joined\":%zu,\"resyncs\":%lld,\"audits\":%lld,"
                "\"levels_differing\":%lld",
                b->books_n, joined, (long long)b->resyncs, (long long)b->audits,
                (long long)b->differ);
    sf_live_progress(b->live, extra);
}

static void books_close(void *state)
{
    struct live_books *b = state;

    b->is_closing = true;
    sf_live_destroy(b->live);
    on_coverage(b);
    sf_rest_destroy(b->rest);
    live_audit_close(b);
    sf_timer_destroy(b->coverage_timer);
    for (size_t i = 0; i < b->books_n; i++) {
        struct live_book *k = &b->books[i];

        sf_timer_destroy(k->ask_timer);
        sf_join_release(&k->join);
        sf_book_destroy(k->kept);
        book_out_release(&k->out);
    }
    free(b->books);
    sf_buf_release(&b->record);
    for (int side = SF_BIDS; side < SF_SIDES; side++)
        sf_buf_release(&b->sides[side]);
    free(b);
}

const struct sf_source sf_source_books_live = {
    .open = books_open,
    .pause = books_pause,
    .on_room = books_on_room,
    .close = books_close,
    .progress = books_progress,
};
