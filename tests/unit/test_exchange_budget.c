/* sf-exchange: the request budget, and the switches for faults. */
#include "runner.h"

#include <embedded/exchange/budget.h>
#include <embedded/exchange/faults.h>
#include <string.h>

#define NOW_MS INT64_C(1717200000000) /* begins a minute, and five minutes */

static struct budget b;
static struct faults f;

static void fresh(void)
{
    budget_init(&b, 10);
    memset(&f, 0, sizeof(f));
}

START_TEST(windows_are_minutes_of_the_clock)
{
    int64_t wait_ms = -1;

    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(budget_take(&b, 2, NOW_MS + 59000, &wait_ms), 200);
    ck_assert_int_eq(wait_ms, -1);
    ck_assert_int_eq(budget_take(&b, 2, NOW_MS + 59000, &wait_ms), 429);
    ck_assert_int_eq(wait_ms, 1000);
    ck_assert_int_eq(budget_take(&b, 2, NOW_MS + 60000, &wait_ms), 200);
    ck_assert_int_eq(b.used, 2);
}
END_TEST

START_TEST(who_goes_on_is_banned_longer_each_time)
{
    int64_t wait_ms = 0, now_ms = NOW_MS, want_ms = BUDGET_BAN_MS;

    for (int round = 0; round < 3; round++, want_ms *= 2) {
        ck_assert_int_eq(budget_take(&b, 10, now_ms, &wait_ms), 200);
        for (int i = 0; i < BUDGET_PATIENCE; i++)
            ck_assert_int_eq(budget_take(&b, 1, now_ms, &wait_ms), 429);
        ck_assert_int_eq(budget_take(&b, 1, now_ms, &wait_ms), 418);
        ck_assert_int_eq(wait_ms, want_ms);
        ck_assert_int_eq(budget_take(&b, 1, now_ms + want_ms - 1, &wait_ms), 418);
        ck_assert_int_eq(wait_ms, 1);
        now_ms += want_ms;
    }
}
END_TEST

START_TEST(requests_are_counted_beside_weight)
{
    int64_t wait_ms = 0;

    budget_init(&b, INT64_MAX);
    for (int i = 0; i < BUDGET_RAW_LIMIT; i++)
        ck_assert_int_eq(budget_take(&b, 1, NOW_MS, &wait_ms), 200);
    ck_assert_int_eq(budget_take(&b, 1, NOW_MS + 61000, &wait_ms), 429);
    ck_assert_int_eq(wait_ms, BUDGET_RAW_WINDOW_MS - 61000);
}
END_TEST

START_TEST(a_ban_is_not_shortened)
{
    int64_t wait_ms = 0;

    budget_ban(&b, 5000, NOW_MS);
    budget_ban(&b, 100, NOW_MS);
    ck_assert_int_eq(budget_take(&b, 1, NOW_MS + 1000, &wait_ms), 418);
    ck_assert_int_eq(wait_ms, 4000);
    ck_assert_int_eq(budget_take(&b, 1, NOW_MS + 5000, &wait_ms), 200);
}
END_TEST

static const struct {
    const char *text, *why; /* why: part of the refusal, or NULL */
} lists[] = {
    { "[]", NULL },
    { "[{\"kind\":\"5xx\"}]", NULL },
    { "[{\"probability\":0.25,\"kind\":\"cut\",\"after\":10}]", NULL },
    { "[{\"kind\":\"missing\",\"from\":1,\"to\":2,\"symbol\":\"BTCUSDT\"}]", NULL },
    { "[{\"kind\":\"clock\",\"ms\":-5}]", NULL },
    { "", "array" },
    { "{}", "array" },
    { "[1]", "objects" },
    { "[{}]", "kind=''" },
    { "[{\"kind\":\"4xx\"}]", "kind='4xx': expected 429, 418" },
    { "[{\"kind\":1}]", "kind" },
    { "[{\"kind\":\"5xx\",\"status\":100}]", "status='100': expected 200 to 599" },
    { "[{\"kind\":\"5xx\",\"count\":1.5}]", "count='1.5'" },
    { "[{\"kind\":\"5xx\",\"probability\":1.5}]", "0 to 1" },
    { "[{\"kind\":\"5xx\",\"probability\":-0.5}]", "0 to 1" },
    { "[{\"kind\":\"5xx\",\"probability\":1e-3}]", "0 to 1" },
    { "[{\"kind\":\"5xx\",\"path\":null}]", "path: expected a text or a number" },
    { "[{\"kind\":\"5xx\",\"symbol\":\"ABCDEFGHIJKLMNOPQRSTUVWXYZ\"}]", "at most 23" },
    { "[{\"kind\":\"5xx\"}", "byte" },
    { "[{\"kind\":\"5xx\"}] x", "expected" },
};

START_TEST(lists_are_taken_whole_or_not_at_all)
{
    struct sf_error err = { 0 };

    ck_assert_int_eq(
        faults_parse(&f, SF_STR("[{\"kind\":\"html\",\"count\":3}]"), 1, NULL), SF_OK);
    if (!lists[_i].why) {
        ck_assert_int_eq(faults_parse(&f, sf_str_from(lists[_i].text), 1, &err), SF_OK);
        return;
    }
    ck_assert_int_eq(faults_parse(&f, sf_str_from(lists[_i].text), 1, &err), SF_EPROTO);
    ck_assert_msg(strstr(err.text, lists[_i].why), "%s: %s", lists[_i].text, err.text);
    ck_assert_uint_eq(f.n, 1);
    ck_assert_int_eq(f.list[0].kind, FAULT_HTML);
    ck_assert_int_eq(f.list[0].count, 3);
}
END_TEST

START_TEST(a_probability_is_met)
{
    uint32_t used = 0;
    int hits = 0;

    ck_assert_int_eq(
        faults_parse(&f, SF_STR("[{\"kind\":\"duplicates\",\"probability\":0.25}]"), 9,
                     NULL),
        SF_OK);
    for (int64_t i = 0; i < 10000; i++)
        hits += faults_row(&f, 1, NOW_MS + i * 60000, &used) == ROW_DOUBLED;
    ck_assert_int_gt(hits, 2300);
    ck_assert_int_lt(hits, 2700);
    ck_assert_uint_eq(used, 1);
}
END_TEST

START_TEST(rows_go_missing_in_their_range_as_often_as_told)
{
    uint32_t used = 0;

    ck_assert_int_eq(
        faults_parse(
            &f, SF_STR("[{\"kind\":\"missing\",\"from\":100,\"to\":200,\"count\":2}]"), 1,
            NULL),
        SF_OK);
    ck_assert_int_eq(faults_row(&f, 1, 99, &used), ROW_STAYS);
    ck_assert_int_eq(faults_row(&f, 1, 201, &used), ROW_STAYS);
    ck_assert_uint_eq(used, 0);
    ck_assert_int_eq(faults_row(&f, 1, 100, &used), ROW_DROPPED);
    ck_assert_int_eq(faults_row(&f, 1, 200, &used), ROW_DROPPED);
    faults_count(&f, used); /* an answer counts once, however many rows it lacks */
    ck_assert_int_eq(f.list[0].count, 1);
    ck_assert_int_eq(f.list[0].hits, 1);
}
END_TEST

static void budget_cases(Suite *s)
{
    TCase *tc = tcase_create("budget");

    tcase_add_checked_fixture(tc, fresh, NULL);
    tcase_add_test(tc, windows_are_minutes_of_the_clock);
    tcase_add_test(tc, who_goes_on_is_banned_longer_each_time);
    tcase_add_test(tc, requests_are_counted_beside_weight);
    tcase_add_test(tc, a_ban_is_not_shortened);
    tcase_add_loop_test(tc, lists_are_taken_whole_or_not_at_all, 0, COUNT(lists));
    tcase_add_test(tc, a_probability_is_met);
    tcase_add_test(tc, rows_go_missing_in_their_range_as_often_as_told);
    suite_add_tcase(s, tc);
}

RUN_SUITE("exchange_budget", budget_cases)
