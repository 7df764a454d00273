#include "oom.h"
#include "runner.h"

#include <sf/book.h>

#include <stdio.h>

#define ROOM 1000000

static struct sf_depth diff(int64_t first, int64_t last)
{
    return (struct sf_depth){ .symbol = SF_STR("BTCUSDT"),
                              .time_ms = last,
                              .first_id = first,
                              .last_id = last,
                              .bids = { SF_STR("[]"), 0, true },
                              .asks = { SF_STR("[]"), 0, true } };
}

/* A script: "3-5" a diff of these ids, "s4" a snapshot, "w" wait, "r" reset, "h3-5" hold.
 * Each tells what became of it: A applied, O old, G gap, H held, + live (then the held
 * ones that follow: their last ids), - too old. */
static const struct {
    const char *what, *script, *want;
} scripts[] = {
    /* clang-format off */
    { "in sequence",                     "s4 5-5 6-9 10-12",                 "+ A A A" },
    { "first diff touches the snapshot", "s4 5-9",                           "+ A" },
    { "first diff holds the snapshot",   "s4 3-9",                           "+ A" },
    { "first diff holds the snapshot's id alone", "s4 4-5",                  "+ A" },
    { "first diff behind a hole",        "s4 6-9",                           "+ G" },
    { "old ones are dropped",            "s4 1-3 2-4 5-6",                   "+ O O A" },
    { "an overlap applies",              "s4 5-8 7-9",                       "+ A A" },
    { "a double is old",                 "s4 5-8 5-8 9-9",                   "+ A O A" },
    { "held before the snapshot",        "5-6 7-8 s4 9-9",                   "H H +6,8 A" },
    { "snapshot in the middle of a held one", "5-6 7-9 s8 10-11",            "H H +9 A" },
    { "snapshot newer than all held",    "5-6 7-8 s20 21-22",                "H H + A" },
    { "snapshot newer than all, then a hole", "5-6 s20 22-22",               "H + G" },
    { "snapshot too old",                "5-6 s3 s4 7-7",                    "H - +6 A" },
    { "a hole in what is held begins anew", "5-6 9-10 s4 s8 11-11",          "H H - +10 A" },
    { "an overlap in what is held",      "5-8 7-10 s4",                      "H H +8,10" },
    { "a double in what is held",        "5-8 5-8 9-10 s4",                  "H H H +8,10" },
    { "gap: the diff behind it joins the next snapshot", "s4 7-8 s3 s6 9-9", "+ G - +8 A" },
    { "gap: a newer snapshot",           "s4 7-8 s8 9-9",                    "+ G + A" },
    { "wait: a snapshot older than the book would lose what was applied", "s4 5-9 w s8 s9 10-10", "+ A - + A" },
    { "reset forgets what is held",      "5-6 r s2 3-3",                     "H + A" },
    { "reset of a live one",             "s4 5-5 r 9-9 s4 s8",               "+ A H - +9" },
    { "held for want of room",           "s4 h5-6 7-8 h9-9 n n n n 10-10",   "+ H H H 6 8 9 . A" },
    { "held for want of room, with a hole", "s4 h5-6 9-9 n s9 10-10",        "+ H H . + A" },
    { "a snapshot without anything",     "s0 1-1",                           "+ A" },
    /* clang-format on */
};

static void tell(struct sf_buf *got, const char *what)
{
    sf_buf_addf(got, "%s%s", got->len > 0 ? " " : "", what);
}

static void tell_held(struct sf_join *j, struct sf_buf *got)
{
    const struct sf_depth *d;

    for (int n = 0; (d = sf_join_next(j)) != NULL; n++) {
        ck_assert(sf_str_eq(d->symbol, SF_STR("BTCUSDT")));
        ck_assert(sf_str_eq(d->bids.text, SF_STR("[]")));
        ck_assert_int_eq(d->time_ms, d->last_id);
        sf_buf_addf(got, "%s%lld", n > 0 ? "," : "", (long long)d->last_id);
    }
}

static void tell_next(struct sf_join *j, struct sf_buf *got)
{
    const struct sf_depth *d = sf_join_next(j);
    char text[32];

    (void)snprintf(text, sizeof(text), "%lld", d ? (long long)d->last_id : 0);
    tell(got, d ? text : ".");
}

static struct sf_depth read_diff(struct sf_str word)
{
    struct sf_str last, first = sf_str_cut(word, '-', &last);
    int64_t a, b;

    ck_assert_int_eq(sf_str_to_i64(first, &a), SF_OK);
    ck_assert_int_eq(sf_str_to_i64(last, &b), SF_OK);
    return diff(a, b);
}

static void obey(struct sf_join *j, struct sf_str word, struct sf_buf *got)
{
    static const char *const steps[] = { [SF_JOIN_HELD] = "H",
                                         [SF_JOIN_APPLY] = "A",
                                         [SF_JOIN_OLD] = "O",
                                         [SF_JOIN_GAP] = "G" };
    struct sf_str rest = sf_str_make(word.p + 1, word.len - 1);
    struct sf_depth d;
    int64_t id;

    switch (word.p[0]) {
    case 's':
        ck_assert_int_eq(sf_str_to_i64(rest, &id), SF_OK);
        tell(got, sf_join_snapshot(j, id) ? "+" : "-");
        if (j->is_live)
            tell_held(j, got);
        break;
    case 'w':
        sf_join_wait(j);
        break;
    case 'r':
        sf_join_reset(j);
        break;
    case 'n':
        tell_next(j, got);
        break;
    case 'h':
        d = read_diff(rest);
        sf_join_hold(j, &d);
        tell(got, "H");
        break;
    default:
        d = read_diff(word);
        tell(got, steps[sf_join_diff(j, &d)]);
    }
}

START_TEST(diffs_join_by_their_ids)
{
    struct sf_str rest = sf_str_from(scripts[_i].script);
    struct sf_join j;
    struct sf_buf got;

    sf_join_init(&j, ROOM);
    sf_buf_init(&got, 4096);
    while (rest.len > 0)
        obey(&j, sf_str_cut(rest, ' ', &rest), &got);
    ck_assert_msg(strcmp(sf_buf_cstr(&got), scripts[_i].want) == 0, "%s: %s",
                  scripts[_i].what, sf_buf_cstr(&got));
    sf_buf_release(&got);
    sf_join_release(&j);
}
END_TEST

START_TEST(ids_that_go_back_for_good_are_a_gap)
{
    struct sf_depth d = diff(1, 1);
    struct sf_join j;

    sf_join_init(&j, ROOM);
    ck_assert(sf_join_snapshot(&j, 1000000));
    for (int i = 0; i < SF_JOIN_OLD_MAX; i++) {
        d = diff(i + 1, i + 1);
        ck_assert_int_eq(sf_join_diff(&j, &d), SF_JOIN_OLD);
    }
    d = diff(SF_JOIN_OLD_MAX + 1, SF_JOIN_OLD_MAX + 1);
    ck_assert_int_eq(sf_join_diff(&j, &d), SF_JOIN_GAP);
    ck_assert(!j.is_live);
    ck_assert(sf_join_snapshot(&j, SF_JOIN_OLD_MAX)); /* the new count is believed */
    ck_assert_int_eq(sf_join_next(&j)->last_id, SF_JOIN_OLD_MAX + 1);
    sf_join_release(&j);
}
END_TEST

START_TEST(what_is_held_is_bounded_and_the_oldest_go)
{
    struct sf_depth d;
    struct sf_join j;
    size_t max;

    sf_join_init(&j, 4096);
    for (int64_t id = 1; id <= 1000; id++) {
        d = diff(id, id);
        ck_assert_int_eq(sf_join_diff(&j, &d), SF_JOIN_HELD);
        ck_assert_uint_le(j.held_bytes, 4096);
    }
    max = j.held_bytes;
    ck_assert_uint_gt(max, 2048);
    ck_assert(!sf_join_snapshot(&j, 100)); /* what would continue it is gone */
    ck_assert(sf_join_snapshot(&j, 999));
    ck_assert_int_eq(sf_join_next(&j)->last_id, 1000);
    ck_assert_ptr_null(sf_join_next(&j));
    ck_assert_uint_eq(j.held_bytes, 0);
    sf_join_release(&j);
}
END_TEST

START_TEST(one_larger_than_the_bound_is_a_gap)
{
    struct sf_depth d = diff(5, 9);
    struct sf_join j;

    sf_join_init(&j, 10);
    ck_assert_int_eq(sf_join_diff(&j, &d), SF_JOIN_HELD);
    ck_assert(!sf_join_snapshot(&j, 8));
    ck_assert(sf_join_snapshot(&j, 9));
    ck_assert_ptr_null(sf_join_next(&j));
    sf_join_release(&j);
}
END_TEST

START_TEST(without_memory_the_join_waits_for_a_newer_snapshot)
{
    struct sf_depth d = diff(5, 9);
    struct sf_join j;

    sf_join_init(&j, ROOM);
    oom_fail_at(0);
    ck_assert_int_eq(sf_join_diff(&j, &d), SF_JOIN_HELD);
    ck_assert(oom_has_failed());
    ck_assert(!sf_join_snapshot(&j, 8));
    ck_assert(sf_join_snapshot(&j, 9));
    sf_join_release(&j);
}
END_TEST

/* ------------------------------------------------------------------- random scenarios */

static uint64_t mix(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

/* The exchange's truth: updates 1, 2, 3, ...; whoever applies them all in order has its
 * book. @has: the highest id up to which all were seen, since the last snapshot. */
struct world {
    uint64_t seed;
    struct sf_join j;
    int64_t truth; /* ids that exist */
    int64_t has;
    int applied, gaps, joins;
};

static void see(struct world *w, const struct sf_depth *d)
{
    ck_assert_int_le(d->first_id, w->has + 1);
    ck_assert_int_gt(d->last_id, w->has);
    w->has = d->last_id;
    w->applied++;
}

static void see_held(struct world *w)
{
    const struct sf_depth *d;

    while ((d = sf_join_next(&w->j)) != NULL)
        see(w, d);
}

static void receive(struct world *w, const struct sf_depth *d)
{
    switch (sf_join_diff(&w->j, d)) {
    case SF_JOIN_APPLY:
        see(w, d);
        break;
    case SF_JOIN_OLD:
        ck_assert_int_le(d->last_id, w->has);
        break;
    case SF_JOIN_GAP:
        ck_assert_int_gt(d->first_id, w->has + 1);
        w->gaps++;
        break;
    case SF_JOIN_HELD:
        ck_assert(!w->j.is_live);
        break;
    }
}

static void take_snapshot(struct world *w)
{
    int64_t id = w->truth - (int64_t)(mix(&w->seed) % 30); /* answers lag */

    if (id < 0 || !sf_join_snapshot(&w->j, id))
        return;
    w->has = id;
    w->joins++;
    see_held(w);
    ck_assert(w->j.is_live);
}

START_TEST(what_is_applied_never_has_a_hole)
{
    struct world w = { .seed = (uint64_t)_i + 1 };

    sf_join_init(&w.j, _i % 2 ? ROOM : 2000);
    for (int step = 0; step < 3000; step++) {
        int64_t n = 1 + (int64_t)(mix(&w.seed) % 5);
        int64_t back = mix(&w.seed) % 10 == 0 ? (int64_t)(mix(&w.seed) % 3) : 0;
        struct sf_depth d = diff(w.truth + 1 - (back < w.truth ? back : 0), w.truth + n);

        w.truth += n;
        if (mix(&w.seed) % 40 > 0) /* else: lost */
            receive(&w, &d);
        if (mix(&w.seed) % 30 == 0)
            receive(&w, &d); /* twice */
        if (mix(&w.seed) % 300 == 0)
            sf_join_reset(&w.j);
        if (!w.j.is_live && mix(&w.seed) % 4 == 0)
            take_snapshot(&w);
        if (w.j.is_live)
            ck_assert_int_eq(w.j.last_id, w.has);
    }
    ck_assert_int_gt(w.applied, 1000);
    ck_assert_int_gt(w.gaps, 10);
    ck_assert_int_gt(w.joins, 10);
    sf_join_release(&w.j);
}
END_TEST

static void join_cases(Suite *s)
{
    TCase *tc = tcase_create("book_join");

    tcase_add_loop_test(tc, diffs_join_by_their_ids, 0, COUNT(scripts));
    tcase_add_test(tc, ids_that_go_back_for_good_are_a_gap);
    tcase_add_test(tc, what_is_held_is_bounded_and_the_oldest_go);
    tcase_add_test(tc, one_larger_than_the_bound_is_a_gap);
    tcase_add_test(tc, without_memory_the_join_waits_for_a_newer_snapshot);
    tcase_add_loop_test(tc, what_is_applied_never_has_a_hole, 0, 20);
    suite_add_tcase(s, tc);
}

RUN_SUITE("book_join", join_cases)
