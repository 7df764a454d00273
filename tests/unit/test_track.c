#include "libsf/src/track.h"
#include "oom.h"
#include "runner.h"

START_TEST(lowest_unconfirmed_is_what_counts)
{
    struct sf_track t = { .next = -1 };
    uint64_t n[4];

    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(sf_track_take(&t, 100 + 2 * i, 1000 + i, &n[i]), SF_OK);
    ck_assert_int_eq(t.next, 100);
    ck_assert_int_eq(sf_track_done(&t, n[2]), 1002);
    ck_assert_int_eq(t.next, 100);
    ck_assert_int_eq(sf_track_done(&t, n[0]), 1000);
    ck_assert_int_eq(t.next, 101);
    ck_assert_int_eq(sf_track_done(&t, n[1]), 1001);
    ck_assert_int_eq(t.next, 105);
    ck_assert_int_eq(sf_track_pending(&t), 1);
    ck_assert_int_eq(sf_track_done(&t, n[3]), 1003);
    ck_assert_int_eq(t.next, 107);
    sf_track_release(&t);
}
END_TEST

START_TEST(answers_of_a_former_assignment_are_ignored)
{
    struct sf_track t = { .next = -1 };
    uint64_t old, young;

    ck_assert_int_eq(sf_track_take(&t, 7, 1, &old), SF_OK);
    sf_track_release(&t);
    ck_assert_int_eq(t.next, -1);
    ck_assert_int_eq(sf_track_take(&t, 5, 2, &young), SF_OK);
    ck_assert_int_eq(sf_track_done(&t, old), -1);
    ck_assert_int_eq(t.next, 5);
    ck_assert_int_eq(sf_track_done(&t, young), 2);
    ck_assert_int_eq(t.next, 6);
    sf_track_release(&t);
}
END_TEST

/* Against a model: random completion order over a ring that wraps and grows. */
START_TEST(random_order_never_commits_past_a_hole)
{
    enum { N = 5000 };
    struct sf_track t = { .next = -1 };
    static uint64_t number[N];
    static bool done[N];
    unsigned seed = 12345;
    int taken = 0, finished = 0, lowest = 0;

    while (finished < N) {
        seed = seed * 1103515245u + 12345u;
        if (taken < N && (seed >> 16) % 3 != 0) {
            ck_assert_int_eq(sf_track_take(&t, taken, taken + 1, &number[taken]), SF_OK);
            taken++;
            continue;
        }
        for (int tries = 0, i = (int)((seed >> 8) % N); tries < N;
             tries++, i = (i + 1) % N) {
            if (i >= taken || done[i])
                continue;
            done[i] = true;
            finished++;
            ck_assert_int_eq(sf_track_done(&t, number[i]), i + 1);
            break;
        }
        while (lowest < N && done[lowest])
            lowest++;
        if (taken > 0)
            ck_assert_int_eq(t.next, lowest);
    }
    sf_track_release(&t);
}
END_TEST

START_TEST(lack_of_memory_changes_nothing)
{
    struct sf_track t = { .next = -1 };
    uint64_t n = 77;

    oom_fail_at(0);
    ck_assert_int_eq(sf_track_take(&t, 1, 1, &n), SF_ENOMEM);
    ck_assert(oom_has_failed());
    ck_assert_int_eq(n, 77);
    ck_assert_int_eq(sf_track_pending(&t), 0);
    ck_assert_int_eq(sf_track_take(&t, 1, 1, &n), SF_OK);
    sf_track_release(&t);
}
END_TEST

static void track_cases(Suite *s)
{
    TCase *tc = tcase_create("track");

    tcase_add_test(tc, lowest_unconfirmed_is_what_counts);
    tcase_add_test(tc, answers_of_a_former_assignment_are_ignored);
    tcase_add_test(tc, random_order_never_commits_past_a_hole);
    tcase_add_test(tc, lack_of_memory_changes_nothing);
    suite_add_tcase(s, tc);
}

RUN_SUITE("track", track_cases)
