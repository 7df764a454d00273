#include "libsf/src/trades_page.h"
#include "runner.h"

#define ROWS_MAX 8

/* Ids asked for: [10, 14). */
static const struct {
    const char *what;
    int n;
    int64_t ids[ROWS_MAX];
    int want_n;
    int64_t want[ROWS_MAX];
    int64_t missing, next;
    int duplicates;
} pages[] = {
    /* clang-format off */
    { "nothing", 0, { 0 }, 0, { 0 }, 10, 14, 0 },
    { "all", 4, { 10, 11, 12, 13 }, 4, { 10, 11, 12, 13 }, 14, 14, 0 },
    { "more than asked", 6, { 10, 11, 12, 13, 14, 15 }, 4, { 10, 11, 12, 13 }, 14, 14, 0 },
    { "the end is missing", 2, { 10, 11 }, 2, { 10, 11 }, 12, 14, 0 },
    { "the begin is missing", 2, { 12, 13 }, 2, { 12, 13 }, 10, 14, 0 },
    { "a hole", 3, { 10, 12, 13 }, 3, { 10, 12, 13 }, 11, 14, 0 },
    { "two holes, the first counts", 2, { 11, 13 }, 2, { 11, 13 }, 10, 14, 0 },
    { "a hole, and beyond", 4, { 10, 13, 14, 15 }, 2, { 10, 13 }, 11, 14, 0 },
    { "hole to the end, and beyond", 3, { 10, 14, 15 }, 1, { 10 }, 11, 14, 0 },
    { "wholly beyond", 2, { 437921759, 437921760 }, 0, { 0 }, 10, 437921759, 0 },
    { "doubles", 6, { 10, 10, 11, 12, 12, 13 }, 4, { 10, 11, 12, 13 }, 14, 14, 2 },
    /* clang-format on */
};

START_TEST(page_is_judged)
{
    struct sf_trade rows[ROWS_MAX] = { 0 };
    struct trades_verdict v;
    struct sf_error err = { 0 };

    for (int i = 0; i < pages[_i].n; i++)
        rows[i].id = pages[_i].ids[i];
    ck_assert_int_eq(trades_page_judge(10, 14, rows, (size_t)pages[_i].n, &v, &err),
                     SF_OK);
    ck_assert_msg(v.rows_n == (size_t)pages[_i].want_n, "%s", pages[_i].what);
    for (int i = 0; i < pages[_i].want_n; i++)
        ck_assert_int_eq(rows[i].id, pages[_i].want[i]);
    ck_assert_msg(v.missing == pages[_i].missing, "%s", pages[_i].what);
    ck_assert_msg(v.next == pages[_i].next, "%s", pages[_i].what);
    ck_assert_msg(v.duplicates_n == (size_t)pages[_i].duplicates, "%s", pages[_i].what);
}
END_TEST

static const struct {
    int n;
    int64_t ids[ROWS_MAX];
    const char *text;
} refused[] = {
    { 1, { 9 }, "row 0: id 9, asked for 10 and up" },
    { 3, { 10, 12, 11 }, "row 2: id 11 goes back" },
    { 3, { 20, 21, 13 }, "row 2: id 13 goes back" },
};

START_TEST(page_out_of_order_is_refused)
{
    struct sf_trade rows[ROWS_MAX] = { 0 };
    struct trades_verdict v = { .next = 77 };
    struct sf_error err = { 0 };

    for (int i = 0; i < refused[_i].n; i++)
        rows[i].id = refused[_i].ids[i];
    ck_assert_int_eq(trades_page_judge(10, 14, rows, (size_t)refused[_i].n, &v, &err),
                     SF_EPROTO);
    ck_assert_str_eq(err.text, refused[_i].text);
    ck_assert_int_eq(v.next, 77);
}
END_TEST

static void page_cases(Suite *s)
{
    TCase *tc = tcase_create("trades_page");

    tcase_add_loop_test(tc, page_is_judged, 0, COUNT(pages));
    tcase_add_loop_test(tc, page_out_of_order_is_refused, 0, COUNT(refused));
    suite_add_tcase(s, tc);
}

RUN_SUITE("trades_page", page_cases)
