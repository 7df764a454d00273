/* A lane is a queue of two batches: one fills, one is in flight. What the database says
 * of the batch in flight decides what happens to its front, the window:
 *
 *   silent, `{}`            all of the window is stored
 *   silent, anything else   the same again without silent, at most JUDGED_MAX at a time
 *   an array                each document: stored, refused for good, or kept for later
 *   400, 413, error 32      half the window, until the bad document is alone
 *   no answer, 5xx, HTML    the same again on the next coordinator, after a while
 *
 * A time-out leaves open whether the write happened; writing the same again does no harm.
 * The server works through an array in its order, so a _key may stand in it twice. When
 * a document is kept for later, those of the same _key behind it are kept as well, even
 * when they were stored, so that the last one stays the last. */
#include "arango_lane.h"

#include <sf/metrics.h>

#include <stdio.h>

#define JUDGED_MAX   1000 /* documents; bounds the answer to about 1 MB */
#define AWAY_MS      250  /* first back-off; doubles to ARANGO_BACKOFF_MAX */
#define LOCKED_MS    2000
#define RETRY_MS     25 /* conflicts and lock time-outs pass quickly */
#define RETRY_AWAY_N 8  /* retries in a row without a stored document: counts as away */

/* ------------------------------------------------------------------------- telling */

static void tell_away(struct sf_arango_writer *w, bool is_away,
                      const struct sf_error *why)
{
    if (w->is_away == is_away)
        return;
    w->is_away = is_away;
    if (w->opts.on_away)
        w->opts.on_away(w->opts.arg, is_away, why);
}

static void die(struct sf_arango_writer *w, const struct sf_error *err)
{
    if (w->is_dead)
        return;
    w->is_dead = true;
    sf_timer_clear(w->tick);
    if (w->opts.on_fatal)
        w->opts.on_fatal(w->opts.arg, err);
}

static void tell_result(struct sf_arango_writer *w, const struct arango_walk *walk,
                        const struct arango_verdict *v)
{
    struct sf_arango_result result = { .text = SF_STR_EMPTY,
                                       .doc = walk->doc,
                                       .tag = walk->entry.tag };

    if (v) {
        sf_buf_clear(&w->text);
        result.status = SF_EREFUSED;
        result.error_num = v->error_num;
        result.text = sf_scan_unescape(v->text, &w->text, NULL) == SF_OK
                          ? sf_buf_str(&w->text)
                          : v->text;
    }
    w->pending--;
    w->opts.fn(w->opts.arg, &result);
}

/* --------------------------------------------------------------------------- verdicts */

/* What the documents that are kept ask for: the worst of them. */
struct tally {
    size_t told, kept;
    struct arango_verdict worst; /* class OK: nothing was kept */
};

static unsigned badness(enum arango_class class)
{
    switch (class) {
    case ARANGO_OK:
    case ARANGO_ITEMS:
    case ARANGO_REFUSED:
        return 0;
    case ARANGO_DATA:
        return 1;
    case ARANGO_RETRY:
        return 2;
    case ARANGO_AWAY:
        return 3;
    case ARANGO_LOCKED:
        return 4;
    case ARANGO_AUTH:
    case ARANGO_DENIED:
    case ARANGO_GONE:
        return 5;
    }
    return 0;
}

/* Keys of kept documents, as a set of bits: a false hit only means one more write. */
#define KEYS_N 4096
struct keys {
    uint64_t bits[KEYS_N / 64];
};

static bool keys_has(const struct keys *keys, uint32_t hash)
{
    return keys->bits[hash % KEYS_N / 64] >> (hash % 64) & 1;
}

static void keys_add(struct keys *keys, uint32_t hash)
{
    keys->bits[hash % KEYS_N / 64] |= UINT64_C(1) << (hash % 64);
}

/* Item by item: tell what is final, keep the rest in its order. @items NULL: all stored.
 * Error 32 is the sum's fault unless the document was alone. */
static void judge_items(struct arango_lane *lane, struct arango_items *items,
                        struct tally *tally)
{
    struct arango_verdict v = { .class = ARANGO_OK };
    struct keys keys = { { 0 } };
    struct arango_walk walk;

    *tally = (struct tally){ .worst = { .class = ARANGO_OK } };
    arango_walk_begin(&walk, &lane->flight);
    for (size_t i = 0; i < lane->window; i++) {
        arango_walk_next(&walk);
        if (items && !arango_items_next(items, &v))
            v.class = ARANGO_RETRY;
        bool is_final =
            v.class == ARANGO_OK ||
            (v.class == ARANGO_DATA && (v.error_num != 32 || lane->window == 1));
        if (is_final && !keys_has(&keys, walk.entry.key_hash)) {
            tally->told++;
            tell_result(lane->w, &walk, v.class == ARANGO_OK ? NULL : &v);
            continue;
        }
        tally->kept++;
        keys_add(&keys, walk.entry.key_hash);
        if (!is_final && badness(v.class) > badness(tally->worst.class))
            tally->worst = v;
        arango_walk_keep(&walk);
    }
    arango_walk_end(&walk);
}

/* The whole window was refused for what stands in it: halve it, or tell the one. */
static void split(struct arango_lane *lane, const struct arango_verdict *v)
{
    struct sf_arango_writer *w = lane->w;

    lane->failures = 0;
    lane->suspects = lane->window;
    tell_away(w, false, NULL);
    if (lane->window == 1) {
        struct arango_walk walk;

        arango_walk_begin(&walk, &lane->flight);
        arango_walk_next(&walk);
        tell_result(w, &walk, v);
        arango_walk_end(&walk);
        lane->suspects = 0;
    }
}

static void verdict_fatal(struct arango_lane *lane, const struct arango_verdict *v)
{
    struct sf_error err = { 0 };
    char what[SF_NAME_MAX + 64];
    enum sf_status status = v->class == ARANGO_AUTH     ? SF_EAUTH
                            : v->class == ARANGO_GONE   ? SF_ENOTFOUND
                            : v->class == ARANGO_DENIED ? SF_EDENIED
                                                        : SF_EREFUSED;

    (void)snprintf(what, sizeof(what), "write to collection %s",
                   lane->w->opts.collection);
    (void)arango_verdict_error(v, what, status, &err);
    die(lane->w, &err);
}

static void wait_then_send(struct arango_lane *lane, int64_t wait_ms)
{
    sf_timer_set(lane->again, wait_ms, 0);
}

/* Not stored and not refused: again, later. @why says what happened. */
static void try_again(struct arango_lane *lane, enum arango_class class,
                      const struct sf_error *why)
{
    struct sf_arango *a = lane->w->a;
    int64_t base_ms = class == ARANGO_RETRY    ? RETRY_MS
                      : class == ARANGO_LOCKED ? LOCKED_MS
                                               : AWAY_MS;
    unsigned failures = ++lane->failures;

    if (class == ARANGO_AWAY)
        arango_next(a, &lane->ticket);
    else
        failures *= a->endpoints_n; /* stays here: no coordinator is untried */
    if (class != ARANGO_RETRY || lane->failures >= RETRY_AWAY_N)
        tell_away(lane->w, true, why);
    wait_then_send(lane, arango_backoff_ms(a, failures, base_ms));
}

static void try_again_verdict(struct arango_lane *lane, const struct arango_verdict *v)
{
    struct sf_error why = { 0 };

    (void)arango_verdict_error(v, lane->w->a->endpoints[lane->ticket.endpoint], SF_EIO,
                               &why);
    try_again(lane, v->class, &why);
}

/* Documents of the window were told; what follows from those that were kept. */
static void after_items(struct arango_lane *lane, const struct tally *tally)
{
    lane->suspects -= tally->told < lane->suspects ? tally->told : lane->suspects;
    if (tally->told > 0) {
        lane->failures = 0;
        tell_away(lane->w, false, NULL);
    }
    if (badness(tally->worst.class) == badness(ARANGO_GONE)) {
        verdict_fatal(lane, &tally->worst);
    } else if (tally->worst.class == ARANGO_DATA) {
        lane->suspects = tally->kept;
        arango_lane_send(lane);
    } else if (tally->kept > 0) {
        try_again_verdict(lane, &tally->worst);
    } else if (lane->flight.n > 0) {
        arango_lane_send(lane);
    } else {
        arango_lane_land(lane);
    }
}

static void judged_answer(struct arango_lane *lane, struct sf_str body)
{
    struct arango_items items;
    struct tally tally;
    struct sf_error why = { 0 };
    size_t n = 0;

    if (arango_items_count(body, &n, &why) == SF_OK && n != lane->window)
        (void)sf_error_set(&why, SF_EPROTO, "%zu results for %zu documents", n,
                           lane->window);
    if (why.status != SF_OK) {
        (void)sf_error_wrap(&why, "answer of %s",
                            lane->w->a->endpoints[lane->ticket.endpoint]);
        try_again(lane, ARANGO_AWAY, &why);
        return;
    }
    arango_items_begin(&items, body);
    judge_items(lane, &items, &tally);
    after_items(lane, &tally);
}

static void unauthorised(struct arango_lane *lane, const struct arango_verdict *v)
{
    if (lane->denials++ > 0 || !arango_relogin(lane->w->a, &lane->ticket))
        verdict_fatal(lane, v);
    else
        wait_then_send(lane, ARANGO_POLL_MS);
}

static void act(struct arango_lane *lane, const struct arango_verdict *v,
                struct sf_str body)
{
    struct tally tally;
    struct arango_verdict odd = *v;

    switch (v->class) {
    case ARANGO_OK:
        if (v->is_empty && !lane->is_judged) {
            judge_items(lane, NULL, &tally);
            after_items(lane, &tally);
            return;
        }
        odd.class = ARANGO_AWAY; /* 2xx from something that is not ArangoDB */
        odd.text = SF_STR("not the answer of ArangoDB");
        try_again_verdict(lane, &odd);
        return;
    case ARANGO_ITEMS:
        if (lane->is_judged) {
            judged_answer(lane, body);
            return;
        }
        lane->is_judged = true;
        arango_lane_send(lane);
        return;
    case ARANGO_DATA:
        split(lane, v);
        if (lane->flight.n > 0)
            arango_lane_send(lane);
        else
            arango_lane_land(lane);
        return;
    case ARANGO_RETRY:
    case ARANGO_AWAY:
    case ARANGO_LOCKED:
        try_again_verdict(lane, v);
        return;
    case ARANGO_AUTH:
        unauthorised(lane, v);
        return;
    case ARANGO_REFUSED:
    case ARANGO_DENIED:
    case ARANGO_GONE:
        verdict_fatal(lane, v);
        return;
    }
}

static void on_answer(void *arg, struct sf_http_answer *answer)
{
    struct arango_lane *lane = arg;
    struct arango_verdict v;
    bool has_codes;

    lane->is_sent = false;
    sf_histogram_observe(SF_H_REQUEST_SECONDS, answer->took_us);
    arango_batch_open(&lane->flight, lane->window);
    if (lane->w->is_dead)
        return;
    if (answer->status == 0) {
        (void)sf_error_wrap(&answer->err, "ArangoDB");
        try_again(lane, ARANGO_AWAY, &answer->err);
        return;
    }
    has_codes = sf_http_header(answer, "x-arango-error-codes").len > 0;
    arango_judge(answer->status, sf_buf_str(&answer->body), has_codes, &v);
    if (v.class != ARANGO_AUTH)
        lane->denials = 0;
    act(lane, &v, sf_buf_str(&answer->body));
}

/* ---------------------------------------------------------------------------- sending */

static void choose_window(struct arango_lane *lane)
{
    size_t n = lane->flight.n;

    if (lane->suspects > 1)
        n = lane->suspects / 2;
    else if (lane->suspects == 1)
        n = 1;
    if (lane->is_judged && n > JUDGED_MAX)
        n = JUDGED_MAX;
    lane->window = n;
}

void arango_lane_send(struct arango_lane *lane)
{
    struct sf_arango_writer *w = lane->w;
    struct arango_call call = { .method = "POST", .fn = on_answer, .arg = lane };
    struct sf_error err = { 0 };
    enum sf_status status;

    if (w->is_dead)
        return;
    choose_window(lane);
    call.path = lane->is_judged ? w->path : w->path_silent;
    call.body = arango_batch_close(&lane->flight, lane->window);
    status = arango_send(w->a, &call, &lane->ticket, &err);
    if (status == SF_OK) {
        lane->is_sent = true;
        sf_histogram_observe(SF_H_BATCH_DOCS, (int64_t)lane->window * 1000000);
        sf_histogram_observe(SF_H_BATCH_BYTES, (int64_t)call.body.len * 1000000);
        return;
    }
    arango_batch_open(&lane->flight, lane->window);
    if (status == SF_EAUTH || status == SF_EINVAL) {
        die(w, &err);
        return;
    }
    if (status != SF_EBUSY || w->a->login_err.status != SF_OK)
        tell_away(w, true, &err); /* no memory, or the login fails */
    wait_then_send(lane, status == SF_EBUSY ? ARANGO_POLL_MS : AWAY_MS);
}
