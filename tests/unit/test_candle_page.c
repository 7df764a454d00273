#include "libsf/src/candle_page.h"
#include "runner.h"

#define MIN  60000
#define LATE INT64_MAX

/* A row: open time in minutes, number of trades; closes a minute later. */
struct row {
    int open_min, trades;
};

/* A page asked for [from, to) minutes, limit rows; what must come of it. */
static const struct {
    const char *what;
    int from, to, limit, n;
    struct row rows[6];
    int closed_before; /* minutes; 0: all are closed */
    int want_n, want_dup, want_running;
    bool want_complete, want_holes;
    int want_next_ms; /* only when not complete: offset of next_from behind minute 0 */
    int want_trades[6];
} pages[] = {
    /* clang-format off */
    { "a whole window", 0, 3, 3, 3, { { 0, 1 }, { 1, 1 }, { 2, 1 } }, 0, 3, 0, 0, true, false, 0, { 1, 1, 1 } },
    { "fewer rows than the limit", 0, 5, 5, 4, { { 0, 1 }, { 1, 1 }, { 2, 1 }, { 4, 1 } }, 0, 4, 0, 0, true, true, 0, { 1, 1, 1, 1 } },
    { "nothing at all", 0, 5, 5, 0, { { 0, 0 } }, 0, 0, 0, 0, true, true, 0, { 0 } },
    { "hole in front", 0, 2, 5, 1, { { 1, 1 } }, 0, 1, 0, 0, true, true, 0, { 1 } },
    { "hole behind", 0, 2, 5, 1, { { 0, 1 } }, 0, 1, 0, 0, true, true, 0, { 1 } },
    { "cut by the limit", 0, 9, 2, 2, { { 0, 1 }, { 1, 1 } }, 0, 2, 0, 0, false, false, 1 * MIN + 1, { 1, 1 } },
    { "a running candle stored before the final one", 0, 3, 9, 4, { { 0, 1 }, { 1, 3 }, { 1, 8 }, { 2, 1 } }, 0, 3, 1, 0, true, false, 0, { 1, 8, 1 } },
    { "the final one stored first", 0, 2, 9, 3, { { 0, 1 }, { 1, 8 }, { 1, 3 } }, 0, 2, 1, 0, true, false, 0, { 1, 8 } },
    { "equal copies", 0, 1, 9, 2, { { 0, 5 }, { 0, 5 } }, 0, 1, 1, 0, true, false, 0, { 5 } },
    { "cut inside a double: the last row is asked again", 0, 9, 3, 3, { { 0, 1 }, { 1, 2 }, { 1, 3 } }, 0, 1, 1, 0, false, false, 1 * MIN, { 1 } },
    { "cut page of one double alone goes on behind it", 0, 9, 2, 2, { { 0, 1 }, { 0, 2 } }, 0, 1, 1, 0, false, false, 1, { 2 } },
    { "the last one is still running", 0, 3, 9, 3, { { 0, 1 }, { 1, 1 }, { 2, 1 } }, 2, 2, 0, 1, true, true, 0, { 1, 1 } },
    /* clang-format on */
};

START_TEST(page_is_judged)
{
    struct sf_candle rows[6] = { 0 };
    struct sf_page_ask ask = { .interval = sf_interval_find(SF_STR("1m")),
                               .from = (int64_t)pages[_i].from * MIN,
                               .to = (int64_t)pages[_i].to * MIN,
                               .closed_before = LATE,
                               .limit = (size_t)pages[_i].limit };
    struct sf_page_verdict v;

    if (pages[_i].closed_before > 0)
        ask.closed_before = (int64_t)pages[_i].closed_before * MIN;
    for (int i = 0; i < pages[_i].n; i++) {
        rows[i].open_time = (int64_t)pages[_i].rows[i].open_min * MIN;
        rows[i].close_time = rows[i].open_time + MIN - 1;
        rows[i].trades = pages[_i].rows[i].trades;
    }
    ck_assert_int_eq(sf_page_judge(&ask, rows, (size_t)pages[_i].n, &v, NULL), SF_OK);
    ck_assert_msg(v.rows_n == (size_t)pages[_i].want_n, "%s: %zu rows", pages[_i].what,
                  v.rows_n);
    ck_assert_int_eq(v.duplicates_n, pages[_i].want_dup);
    ck_assert_int_eq(v.running_n, pages[_i].want_running);
    ck_assert_msg(v.is_complete == pages[_i].want_complete, "%s", pages[_i].what);
    ck_assert_msg(v.has_holes == pages[_i].want_holes, "%s", pages[_i].what);
    if (!v.is_complete)
        ck_assert_int_eq(v.next_from, pages[_i].want_next_ms);
    for (size_t i = 0; i < v.rows_n; i++)
        ck_assert_int_eq(rows[i].trades, pages[_i].want_trades[i]);
}
END_TEST

static const struct {
    int n;
    struct row rows[3];
    const char *text;
} refused[] = {
    { 2, { { 1, 1 }, { 0, 1 } }, "row 1: open_time 0 goes back" },
    { 1, { { 7, 1 } }, "row 0: open_time 420000 is outside of [0, 300000)" },
};

START_TEST(page_out_of_order_or_window_is_refused)
{
    struct sf_candle rows[3] = { 0 };
    const struct sf_page_ask ask = { sf_interval_find(SF_STR("1m")), 0, 5 * MIN, LATE,
                                     5 };
    struct sf_page_verdict v = { .next_from = 77 };
    struct sf_error err = { 0 };

    for (int i = 0; i < refused[_i].n; i++)
        rows[i].open_time = (int64_t)refused[_i].rows[i].open_min * MIN;
    ck_assert_int_eq(sf_page_judge(&ask, rows, (size_t)refused[_i].n, &v, &err),
                     SF_EPROTO);
    ck_assert_str_eq(err.text, refused[_i].text);
    ck_assert_int_eq(v.next_from, 77);
}
END_TEST

START_TEST(truncated_close_and_odd_open_are_no_hole)
{
    const struct sf_interval *iv = sf_interval_find(SF_STR("2h"));
    struct sf_candle rows[2] = { { .open_time = 0, .close_time = 5 },
                                 { .open_time = 7200000 + 1695000,
                                   .close_time = 14399999 } };
    const struct sf_page_ask ask = { iv, 0, 14400000, LATE, 1000 };
    struct sf_page_verdict v;

    ck_assert_int_eq(sf_page_judge(&ask, rows, 2, &v, NULL), SF_OK);
    ck_assert(!v.has_holes);
    ck_assert_int_eq(v.rows_n, 2);
}
END_TEST

static void page_cases(Suite *s)
{
    TCase *tc = tcase_create("candle_page");

    tcase_add_loop_test(tc, page_is_judged, 0, COUNT(pages));
    tcase_add_loop_test(tc, page_out_of_order_or_window_is_refused, 0, COUNT(refused));
    tcase_add_test(tc, truncated_close_and_odd_open_are_no_hole);
    suite_add_tcase(s, tc);
}

RUN_SUITE("candle_page", page_cases)
