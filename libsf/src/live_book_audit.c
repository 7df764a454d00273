/* The kept books: their best levels every so often, and their comparison with REST.
 *
 * A comparison takes a snapshot and joins the stream's diffs to it a second time, in a
 * book of its own; when both have the same last update they must have the same levels, as
 * far as both know them. Afterwards the new book, which knows the levels around today's
 * price, takes the kept one's place and is published as a snapshot: books are rebuilt
 * from the last one, and what differed is mended. */
#include "live_books.h"

#include <sf/dec.h>
#include <sf/metrics.h>

#define AUDIT_MAX_MS 60000 /* a comparison that takes longer is given up */
#define TOP_LATE_MS  1000  /* a diff may be on its way for so long */
#define LEVELS_MAX   100000

/* --------------------------------------------------------------------------- snapshots
 */

static bool put_levels(struct live_book *k, struct sf_book *book, size_t top)
{
    struct live_books *b = k->b;
    struct sf_book_event event = { .kind = SF_BOOK_SNAPSHOT,
                                   .time_ms = k->last_ms,
                                   .last_id = k->last_id,
                                   .top = (int64_t)top };
    struct sf_levels *sides[SF_SIDES] = { &event.bids, &event.asks };
    struct sf_error err = { 0 };

    for (int side = SF_BIDS; side < SF_SIDES; side++) {
        struct sf_buf *text = &b->sides[side];

        sf_buf_clear(text);
        sides[side]->n =
            sf_book_print(book, (enum sf_side)side, top > 0 ? top : SIZE_MAX, text);
        sides[side]->is_compact = true;
        if (sf_buf_status(text, &err) != SF_OK) {
            live_books_fail(b, k, &err);
            return false;
        }
        sides[side]->text = sf_buf_str(text);
    }
    return live_book_put(k, top > 0 ? "ws" : "rest", &event);
}

/* By the exchange's clock, so that a tape gives the same. */
static int64_t slot_of(int64_t time_ms, int64_t every_ms)
{
    return time_ms / every_ms;
}

static bool put_top(struct live_book *k)
{
    if (k->top_id == k->last_id || book_out_is_full(&k->out))
        return true;
    k->top_id = k->last_id;
    return put_levels(k, k->kept, (size_t)k->b->conf->book_top);
}

bool live_book_top(struct live_book *k, int64_t time_ms)
{
    int64_t slot, before = k->top_slot;

    if (k->b->conf->book_top == 0)
        return true;
    if (time_ms < 0)
        return put_top(k);
    slot = slot_of(time_ms, k->b->conf->book_top_every_ms);
    k->top_slot = slot;
    return before < 0 || before == slot || put_top(k);
}

/* A symbol that went quiet has no diff that would end its interval. Its record stands
 * where the next diff, or the end of the book, would have put it. */
static void on_top(void *arg)
{
    struct live_books *b = arg;
    int64_t quiet_us = sf_mono_us() - (b->conf->book_top_every_ms + TOP_LATE_MS) * 1000;

    for (size_t i = 0; i < b->books_n; i++) {
        struct live_book *k = &b->books[i];

        if (k->join.is_live && k->diff_us < quiet_us && !put_top(k))
            return;
    }
}

void live_book_limits(const struct live_books *b, const struct sf_depth *snapshot,
                      char limit[SF_SIDES][SF_DEC_MAX + 1])
{
    const struct sf_levels *sides[SF_SIDES] = { &snapshot->bids, &snapshot->asks };

    for (int side = SF_BIDS; side < SF_SIDES; side++) {
        struct sf_levels_walk walk = sf_levels_begin(sides[side]);
        struct sf_level l = { SF_STR_EMPTY, SF_STR_EMPTY };

        limit[side][0] = '\0';
        if (sides[side]->n < (size_t)b->conf->snapshot_levels)
            continue; /* these are all */
        while (sf_levels_next(&walk, &l))
            ;
        if (!sf_str_copy(l.price, limit[side], SF_DEC_MAX + 1))
            limit[side][0] = '\0'; /* a checked decimal always fits */
    }
}

/* ------------------------------------------------------------------------------ audits
 */

static void end_audit(struct audit *a)
{
    a->book = NULL;
    a->has_snapshot = false;
    sf_join_reset(&a->join);
    sf_book_clear(a->shadow);
}

void live_audit_drop(struct live_book *k)
{
    if (k->b->audit.book == k)
        end_audit(&k->b->audit);
}

/* The nearer one to the best price of two limits. */
static struct sf_str nearer(enum sf_side side, const char *a, const char *b)
{
    struct sf_str x = sf_str_from(a), y = sf_str_from(b);
    int order;

    if (x.len == 0 || y.len == 0)
        return x.len == 0 ? y : x;
    order = sf_dec_cmp(x, y);
    return (side == SF_BIDS) == (order > 0) ? x : y;
}

/* Both have the same last update. */
static void compare(struct live_books *b)
{
    struct audit *a = &b->audit;
    struct live_book *k = a->book;
    struct sf_book *kept = k->kept;
    size_t differ = 0;
    char text[96];
    struct sf_buf message = { .p = text,
                              .cap = sizeof(text) - 1,
                              .max = sizeof(text) - 1 };

    if (book_out_is_full(&k->out)) { /* there is no room to publish what is found */
        sf_log(SF_LOG_INFO, "audit_given_up", SF_LOG_V("symbol", k->symbol),
               SF_LOG_S("text", "Kafka takes no more"));
        end_audit(a);
        return;
    }
    for (int side = SF_BIDS; side < SF_SIDES; side++)
        differ +=
            sf_book_differ(kept, a->shadow, (enum sf_side)side,
                           nearer((enum sf_side)side, k->limit[side], a->limit[side]));
    b->audits++;
    b->differ += (int64_t)differ;
    sf_metric_add(SF_M_BOOK_AUDITS, 1);
    sf_metric_add(SF_M_BOOK_DIFFER, (int64_t)differ);
    sf_log(differ > 0 ? SF_LOG_WARN : SF_LOG_INFO, "book_audit",
           SF_LOG_V("symbol", k->symbol), SF_LOG_I("last_update_id", k->last_id),
           SF_LOG_I("differ", (int64_t)differ));
    sf_buf_addf(&message, "audit of %" SF_STR_FMT ": %zu levels differ",
                SF_STR_ARG(k->symbol), differ);
    sf_loader_tell(b->l, sf_buf_cstr(&message));
    k->kept = a->shadow;
    a->shadow = kept;
    memcpy(k->limit, a->limit, sizeof(k->limit));
    end_audit(a);
    k->top_id = k->last_id; /* this shows them, too */
    (void)put_levels(k, k->kept, 0);
}

static void compare_if_level(struct live_books *b)
{
    struct audit *a = &b->audit;

    if (a->book && a->has_snapshot && a->book->join.is_live &&
        a->join.last_id == a->book->last_id)
        compare(b);
}

static bool shadow_apply(struct live_books *b, const struct sf_depth *d)
{
    struct sf_error err = { 0 };

    if (sf_book_apply(b->audit.shadow, d, &err) == SF_OK)
        return true;
    sf_log_error(SF_LOG_WARN, "audit_given_up", &err);
    end_audit(&b->audit);
    return false;
}

static void on_audit_snapshot(void *arg, enum sf_status status, struct sf_buf *body,
                              const struct sf_error *cause)
{
    struct live_book *k = arg;
    struct live_books *b = k->b;
    struct audit *a = &b->audit;
    struct sf_error err = *cause;
    const struct sf_depth *held;
    struct sf_depth d;

    if (a->book != k || a->has_snapshot) /* given up meanwhile */
        return;
    if (status == SF_OK)
        status = b->exchange->depth_parse(sf_buf_str(body), false, &d, &err);
    if (status == SF_OK && !sf_join_snapshot(&a->join, d.last_id))
        status = sf_error_set(&err, SF_EIO, "the snapshot is too old");
    if (status != SF_OK) {
        sf_log_error(SF_LOG_WARN, "audit_given_up", &err);
        end_audit(a);
        return;
    }
    a->has_snapshot = true;
    live_book_limits(b, &d, a->limit);
    if (!shadow_apply(b, &d))
        return;
    while ((held = sf_join_next(&a->join)) != NULL)
        if (!shadow_apply(b, held))
            return;
    /* Without diffs since the question the snapshot must not be older than the book. */
    if (a->join.last_id < k->last_id) {
        sf_log_write(SF_LOG_INFO, "audit_too_old", NULL);
        end_audit(a);
    }
    compare_if_level(b);
}

static void begin_audit(struct live_books *b, struct live_book *k, int64_t time_ms)
{
    unsigned levels = (unsigned)b->conf->snapshot_levels;
    struct audit *a = &b->audit;
    struct sf_error err = { 0 };
    struct sf_buf path;

    a->book = k;
    a->begun_ms = time_ms;
    sf_buf_init(&path, 4096);
    b->exchange->depth_url(&path, k->symbol, levels);
    if (sf_rest_get_built(b->rest, &path, b->exchange->depth_weight(levels),
                          on_audit_snapshot, k, &err) != SF_OK)
        live_books_fail(b, k, &err);
    sf_buf_release(&path);
}

/* Each symbol at its own moment of BOOK_AUDIT_EVERY, or as soon as no other is compared.
 */
static void audit_if_due(struct live_book *k, int64_t time_ms)
{
    struct live_books *b = k->b;
    struct audit *a = &b->audit;
    int64_t every_ms = b->conf->book_audit_ms, slot, before = k->audit_slot;

    if (a->book && time_ms - a->begun_ms > AUDIT_MAX_MS) {
        sf_log(SF_LOG_WARN, "audit_given_up", SF_LOG_V("symbol", a->book->symbol),
               SF_LOG_S("text", "it has taken too long"));
        end_audit(a);
    }
    if (every_ms == 0 || (a->book && before >= 0))
        return;
    slot = slot_of(time_ms + every_ms * (k - b->books) / (int64_t)b->books_n, every_ms);
    k->audit_slot = slot;
    if (before >= 0 && before != slot)
        begin_audit(b, k, time_ms);
}

void live_audit_diff(struct live_book *k, const struct sf_depth *diff)
{
    struct live_books *b = k->b;
    struct audit *a = &b->audit;

    audit_if_due(k, diff->time_ms);
    if (a->book != k)
        return;
    switch (sf_join_diff(&a->join, diff)) {
    case SF_JOIN_APPLY:
        if (shadow_apply(b, diff))
            compare_if_level(b);
        break;
    case SF_JOIN_GAP:
        end_audit(a);
        break;
    case SF_JOIN_OLD:
        compare_if_level(b);
        break;
    case SF_JOIN_HELD:
        break;
    }
}

enum sf_status live_audit_open(struct live_books *b, struct sf_error *err)
{
    struct sf_loop *loop = sf_loader_loop(b->l);

    sf_join_init(&b->audit.join, (size_t)b->conf->live_buffer_kb * 1024);
    if (sf_timer_create(loop, on_top, b, &b->top_timer) != SF_OK ||
        sf_book_create(LEVELS_MAX, &b->audit.shadow, NULL) != SF_OK)
        return sf_error_set(err, SF_ENOMEM, "no memory to keep books");
    if (b->conf->book_top > 0 && !sf_loader_tape(b->l)->player)
        sf_timer_set(b->top_timer, b->conf->book_top_every_ms,
                     b->conf->book_top_every_ms);
    return SF_OK;
}

void live_audit_close(struct live_books *b)
{
    sf_timer_destroy(b->top_timer);
    sf_join_release(&b->audit.join);
    sf_book_destroy(b->audit.shadow);
}
