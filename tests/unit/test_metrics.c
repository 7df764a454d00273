#include "runner.h"

#include <sf/metrics.h>
#include <sf/time.h>

static struct sf_buf out;

static void fresh(void)
{
    sf_metrics_reset();
    sf_buf_init(&out, 1 << 20);
}

static void done(void)
{
    sf_buf_release(&out);
}

static void print(const char *queue_id, const char *symbol)
{
    sf_buf_clear(&out);
    sf_metrics_print(&out, sf_str_from(queue_id), sf_str_from(symbol));
    ck_assert_int_eq(sf_buf_status(&out, NULL), SF_OK);
}

static void expect_line(const char *line)
{
    ck_assert_msg(sf_str_contains(sf_buf_str(&out), sf_str_from(line)),
                  "no line \"%s\" in:\n%s", line, sf_buf_cstr(&out));
}

START_TEST(counters_add_and_gauges_replace)
{
    sf_metric_add(SF_M_RECORDS_SENT, 40);
    sf_metric_add(SF_M_RECORDS_SENT, 2);
    sf_metric_set(SF_M_LAG, 7);
    sf_metric_set(SF_M_LAG, 5);
    ck_assert_int_eq(sf_metric_get(SF_M_RECORDS_SENT), 42);
    print("q1", "BTCUSDT");
    expect_line("# TYPE records_sent_total counter\n"
                "records_sent_total{queue_id=\"q1\",symbol=\"BTCUSDT\"} 42\n");
    expect_line("# TYPE consumer_lag_records gauge\n"
                "consumer_lag_records{queue_id=\"q1\",symbol=\"BTCUSDT\"} 5\n");
}
END_TEST

START_TEST(every_metric_has_a_name_and_help)
{
    size_t types = 0, helps = 0;
    struct sf_str rest, line;

    print("q", "S");
    for (rest = sf_buf_str(&out); rest.len > 0;) {
        line = sf_str_cut(rest, '\n', &rest);
        types += sf_str_starts(line, SF_STR("# TYPE "));
        helps += sf_str_starts(line, SF_STR("# HELP "));
        ck_assert(!sf_str_contains(line, SF_STR("(null)")));
    }
    ck_assert_uint_eq(types, SF_M_N + SF_H_N);
    ck_assert_uint_eq(helps, types);
}
END_TEST

START_TEST(the_age_of_the_last_event_is_that_of_the_scrape)
{
    int64_t age;

    print("q", "S");
    expect_line("event_age_seconds{queue_id=\"q\",symbol=\"S\"} 0\n");
    sf_metric_set(SF_M_LAST_EVENT_SECONDS, sf_time_now_ms() / 1000 - 90);
    print("q", "S");
    age = sf_metric_get(SF_M_EVENT_AGE_SECONDS);
    ck_assert_int_ge(age, 90);
    ck_assert_int_lt(age, 150);
}
END_TEST

START_TEST(label_values_are_escaped)
{
    print("a\"b\\c\nd", "");
    expect_line("counterparts_up{queue_id=\"a\\\"b\\\\c\\nd\",symbol=\"\"} 0\n");
}
END_TEST

START_TEST(histogram_buckets_are_cumulative)
{
    sf_histogram_observe(SF_H_REQUEST_SECONDS, 1000);     /* on a limit: belongs to it */
    sf_histogram_observe(SF_H_REQUEST_SECONDS, 1001);     /* in le=0.005 */
    sf_histogram_observe(SF_H_REQUEST_SECONDS, 90000000); /* over the last */
    sf_histogram_observe(SF_H_REQUEST_SECONDS, -5);       /* clocks differ: counts as 0 */
    print("q", "S");
    expect_line(
        "request_duration_seconds_bucket{queue_id=\"q\",symbol=\"S\",le=\"0.001\"} 2\n");
    expect_line(
        "request_duration_seconds_bucket{queue_id=\"q\",symbol=\"S\",le=\"0.005\"} 3\n");
    expect_line(
        "request_duration_seconds_bucket{queue_id=\"q\",symbol=\"S\",le=\"30\"} 3\n");
    expect_line(
        "request_duration_seconds_bucket{queue_id=\"q\",symbol=\"S\",le=\"+Inf\"} 4\n");
    expect_line("request_duration_seconds_sum{queue_id=\"q\",symbol=\"S\"} 90.002001\n");
    expect_line("request_duration_seconds_count{queue_id=\"q\",symbol=\"S\"} 4\n");
}
END_TEST

START_TEST(plain_numbers_are_told_in_micro_units)
{
    sf_histogram_observe(SF_H_BATCH_DOCS, INT64_C(500) * 1000000);
    print("q", "S");
    expect_line(
        "batch_size_documents_bucket{queue_id=\"q\",symbol=\"S\",le=\"250\"} 0\n");
    expect_line(
        "batch_size_documents_bucket{queue_id=\"q\",symbol=\"S\",le=\"500\"} 1\n");
    expect_line("batch_size_documents_sum{queue_id=\"q\",symbol=\"S\"} 500\n");
}
END_TEST

static void metrics_cases(Suite *s)
{
    TCase *tc = tcase_create("metrics");

    tcase_add_checked_fixture(tc, fresh, done);
    tcase_add_test(tc, counters_add_and_gauges_replace);
    tcase_add_test(tc, every_metric_has_a_name_and_help);
    tcase_add_test(tc, the_age_of_the_last_event_is_that_of_the_scrape);
    tcase_add_test(tc, label_values_are_escaped);
    tcase_add_test(tc, histogram_buckets_are_cumulative);
    tcase_add_test(tc, plain_numbers_are_told_in_micro_units);
    suite_add_tcase(s, tc);
}

RUN_SUITE("metrics", metrics_cases)
