#include "libsf/src/ending.h"
#include "runner.h"

static struct sf_end closing(int64_t last, int64_t to)
{
    return (struct sf_end){ .records = 1, .last = last, .to = to };
}

static const struct {
    int64_t to, wanted_ms;
    bool is_final;
} ranges[] = {
    { 1000, 0, true },     { 1000, 999, true }, { 1000, 1000, true },
    { 1000, 1001, false }, { -1, 1001, true }, /* an end that names no range */
    { 0, 1001, true },
};

START_TEST(an_end_is_final_for_what_it_covers)
{
    struct sf_end end = closing(5, ranges[_i].to);
    struct sf_ending e;

    sf_ending_clear(&e);
    ck_assert(!sf_ending_is_final(&e, 0));
    sf_ending_take(&e, 7, &end);
    ck_assert_int_eq(sf_ending_is_final(&e, ranges[_i].wanted_ms), ranges[_i].is_final);
}
END_TEST

START_TEST(new_records_take_an_end_back_and_repeated_ones_do_not)
{
    struct sf_end end = closing(5, 1000);
    struct sf_ending e;

    sf_ending_clear(&e);
    sf_ending_take(&e, 7, &end);
    sf_ending_follow(&e, 5, true);
    ck_assert(sf_ending_is_final(&e, 1000));
    sf_ending_follow(&e, 6, true);
    ck_assert(!sf_ending_is_final(&e, 0));
    sf_ending_take(&e, 9, &end);
    ck_assert_int_eq(e.offset, 9);
    sf_ending_follow(&e, 5, false);
    ck_assert(!sf_ending_is_final(&e, 0));
}
END_TEST

START_TEST(a_later_end_of_a_shorter_range_takes_nothing_back)
{
    struct sf_end wide = closing(9, 2000), narrow = closing(9, 1000);
    struct sf_ending e;

    sf_ending_clear(&e);
    sf_ending_take(&e, 7, &wide);
    sf_ending_take(&e, 8, &narrow);
    ck_assert_int_eq(e.offset, 8);
    ck_assert(sf_ending_is_final(&e, 2000));
}
END_TEST

static void ending_cases(Suite *s)
{
    TCase *tc = tcase_create("ending");

    tcase_add_loop_test(tc, an_end_is_final_for_what_it_covers, 0, COUNT(ranges));
    tcase_add_test(tc, new_records_take_an_end_back_and_repeated_ones_do_not);
    tcase_add_test(tc, a_later_end_of_a_shorter_range_takes_nothing_back);
    suite_add_tcase(s, tc);
}

RUN_SUITE("ending", ending_cases)
