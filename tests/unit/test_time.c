#include "runner.h"

#include <sf/time.h>

static const struct {
    const char *text;
    const char *iso; /* NULL: refused */
} instants[] = {
    { "2024-02-29", "2024-02-29T00:00:00.000Z" },
    { "2023-02-29", NULL },
    { "1900-02-29", NULL },
    { "2000-02-29", "2000-02-29T00:00:00.000Z" },
    { "2024-06-01T12:34:56.789Z", "2024-06-01T12:34:56.789Z" },
    { "2024-06-01T12:34:56.789999Z", "2024-06-01T12:34:56.789Z" },
    { "2024-06-01T12:34", "2024-06-01T12:34:00.000Z" },
    { "2024-06-01 12:34:56", "2024-06-01T12:34:56.000Z" },
    { "2024-06-01T00:30+02:00", "2024-05-31T22:30:00.000Z" },
    { "2024-06-01T00:30-0230", "2024-06-01T03:00:00.000Z" },
    { "2024-13-01", NULL },
    { "2024-00-01", NULL },
    { "2024-06-31", NULL },
    { "2024-06-01T24:00", NULL },
    { "2024-06-01T12", NULL },
    { "2024-06-01T12:34Zx", NULL },
    { "24-06-01", NULL },
    { "2024-6-1", NULL },
    { "", NULL },
};

START_TEST(iso_in_and_out)
{
    char iso[SF_TIME_ISO_SIZE];
    int64_t ms = 77;
    enum sf_status status = sf_time_parse_iso(sf_str_from(instants[_i].text), &ms);

    if (!instants[_i].iso) {
        ck_assert_int_eq(status, SF_EPROTO);
        ck_assert_int_eq(ms, 77);
        return;
    }
    ck_assert_int_eq(status, SF_OK);
    ck_assert_str_eq(sf_time_iso(ms, iso), instants[_i].iso);
}
END_TEST

START_TEST(every_day_of_six_centuries_there_and_back)
{
    int64_t days = sf_time_days(1800, 1, 1), year;
    unsigned month, day;

    for (int64_t y = 1800; y < 2400; y++)
        for (unsigned m = 1; m <= 12; m++) {
            bool is_leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
            unsigned last = m == 2 ? (is_leap ? 29 : 28)
                                   : (m == 4 || m == 6 || m == 9 || m == 11 ? 30 : 31);

            for (unsigned d = 1; d <= last; d++, days++) {
                ck_assert_int_eq(sf_time_days(y, m, d), days);
                sf_time_civil(days, &year, &month, &day);
                ck_assert(year == y && month == m && day == d);
            }
        }
}
END_TEST

START_TEST(http_dates)
{
    int64_t ms = 77;

    ck_assert_int_eq(sf_time_parse_http(SF_STR("Sun, 06 Nov 1994 08:49:37 GMT"), &ms),
                     SF_OK);
    ck_assert_int_eq(ms, INT64_C(784111777000));
    ck_assert_int_eq(sf_time_parse_http(SF_STR("06 Nov 1994"), &ms), SF_EPROTO);
    ck_assert_int_eq(sf_time_parse_http(SF_STR("Sun, 06 Now 1994 08:49:37 GMT"), &ms),
                     SF_EPROTO);
    ck_assert_int_eq(sf_time_parse_http(SF_STR("Sun, 31 Feb 1994 08:49:37 GMT"), &ms),
                     SF_EPROTO);
    ck_assert_int_eq(sf_time_parse_http(SF_STR(""), &ms), SF_EPROTO);
    ck_assert_int_eq(ms, INT64_C(784111777000));
}
END_TEST

/* A prime step, so that every field of the clock takes many values. */
START_TEST(stamps_are_written_and_read_back)
{
    char text[SF_TIME_ISO_SIZE], http[SF_TIME_HTTP_SIZE];
    int64_t again;

    for (int64_t ms = SF_TIME_MIN_MS; ms < SF_TIME_MAX_MS; ms += 86341000123) {
        ck_assert_int_eq(sf_time_parse_iso(sf_str_from(sf_time_iso(ms, text)), &again),
                         SF_OK);
        ck_assert_int_eq(again, ms);
        ck_assert_int_eq(sf_time_parse_http(sf_str_from(sf_time_http(ms, http)), &again),
                         SF_OK);
        ck_assert_int_eq(again, ms / 1000 * 1000);
        ck_assert_int_eq(
            sf_time_parse_date(sf_str_from(sf_time_date(ms, '-', text)), &again), SF_OK);
        ck_assert_int_eq(again, ms / 86400000 * 86400000);
    }
    ck_assert_str_eq(sf_time_http(784111777999, http), "Sun, 06 Nov 1994 08:49:37 GMT");
    ck_assert_str_eq(sf_time_date(1717286399999, '_', text), "2024_06_01");
    ck_assert_str_eq(sf_time_date(1717286399999, '\0', text), "20240601");
    ck_assert_str_eq(sf_time_iso(-1, text), "1969-12-31T23:59:59.999Z");
}
END_TEST

START_TEST(the_monotonic_clock_does_not_go_back)
{
    int64_t was = sf_mono_us();

    for (int i = 0; i < 10000; i++) {
        int64_t now = sf_mono_us();

        ck_assert_int_ge(now, was);
        was = now;
    }
    ck_assert_int_gt(sf_time_now_ms(), 1700000000000);
}
END_TEST

/* interval, a moment, the open time of its candle, the next one */
static const struct {
    const char *interval, *at, *open, *next;
} candles[] = {
    { "1s", "2024-06-01T00:00:00.999Z", "2024-06-01T00:00:00.000Z",
      "2024-06-01T00:00:01.000Z" },
    { "5m", "2024-06-01T00:04:59.999Z", "2024-06-01T00:00:00.000Z",
      "2024-06-01T00:05:00.000Z" },
    { "8h", "2024-06-01T23:59:59.999Z", "2024-06-01T16:00:00.000Z",
      "2024-06-02T00:00:00.000Z" },
    { "3d", "2024-06-01", "2024-05-30T00:00:00.000Z", "2024-06-02T00:00:00.000Z" },
    { "3d", "2017-08-17", "2017-08-17T00:00:00.000Z", "2017-08-20T00:00:00.000Z" },
    { "1w", "2024-06-02T23:59:59.999Z", "2024-05-27T00:00:00.000Z",
      "2024-06-03T00:00:00.000Z" },
    { "1w", "2024-06-03", "2024-06-03T00:00:00.000Z", "2024-06-10T00:00:00.000Z" },
    { "1M", "2024-02-29T23:59:59.999Z", "2024-02-01T00:00:00.000Z",
      "2024-03-01T00:00:00.000Z" },
    { "1M", "2023-12-31", "2023-12-01T00:00:00.000Z", "2024-01-01T00:00:00.000Z" },
    { "1d", "1969-12-31T23:00Z", "1969-12-31T00:00:00.000Z", "1970-01-01T00:00:00.000Z" },
};

START_TEST(candles_open_where_the_calendar_says)
{
    const struct sf_interval *iv = sf_interval_find(sf_str_from(candles[_i].interval));
    char iso[SF_TIME_ISO_SIZE];
    int64_t at, open;

    ck_assert_int_eq(sf_time_parse_iso(sf_str_from(candles[_i].at), &at), SF_OK);
    open = sf_interval_floor(iv, at);
    ck_assert_str_eq(sf_time_iso(open, iso), candles[_i].open);
    ck_assert_str_eq(sf_time_iso(sf_interval_add(iv, open, 1), iso), candles[_i].next);
    ck_assert_int_eq(sf_interval_add(iv, sf_interval_add(iv, open, 1), -1), open);
    ck_assert_int_eq(sf_interval_floor(iv, open), open);
}
END_TEST

START_TEST(counts_agree_with_counting)
{
    const int64_t begin =
        1704067200000 - INT64_C(86400000) * 40; /* 40 days before 2024 */

    for (const struct sf_interval *iv = sf_intervals; iv->name; iv++) {
        int64_t span = iv->span_ms ? iv->span_ms : INT64_C(2678400000);
        int64_t to = begin + 20 * span + 12345, n = 0;

        for (int64_t t = sf_interval_floor(iv, begin); t < to;
             t = sf_interval_add(iv, t, 1))
            n += t >= begin;
        ck_assert_int_eq(sf_interval_count(iv, begin, to), n);
        ck_assert_int_eq(sf_interval_count(iv, to, begin), 0);
    }
}
END_TEST

START_TEST(sixteen_intervals_by_name_and_label)
{
    int n = 0;

    for (const struct sf_interval *iv = sf_intervals; iv->name; iv++, n++) {
        ck_assert_ptr_eq(sf_interval_find(sf_str_from(iv->name)), iv);
        ck_assert_ptr_eq(sf_interval_find_label(sf_str_from(iv->label)), iv);
    }
    ck_assert_int_eq(n, SF_INTERVAL_N);
    ck_assert_ptr_ne(sf_interval_find(SF_STR("1m")), sf_interval_find(SF_STR("1M")));
    ck_assert_ptr_null(sf_interval_find(SF_STR("7m")));
    ck_assert_ptr_null(sf_interval_find(SF_STR("")));
}
END_TEST

START_TEST(stamps_in_us_become_ms)
{
    ck_assert_int_eq(sf_time_to_ms(1789430400000), 1789430400000);
    ck_assert_int_eq(sf_time_to_ms(INT64_C(1789430459999999)), 1789430459999);
}
END_TEST

static void time_cases(Suite *s)
{
    TCase *tc = tcase_create("time");

    tcase_add_loop_test(tc, iso_in_and_out, 0, COUNT(instants));
    tcase_add_test(tc, every_day_of_six_centuries_there_and_back);
    tcase_add_test(tc, http_dates);
    tcase_add_test(tc, stamps_are_written_and_read_back);
    tcase_add_test(tc, the_monotonic_clock_does_not_go_back);
    tcase_add_loop_test(tc, candles_open_where_the_calendar_says, 0, COUNT(candles));
    tcase_add_test(tc, counts_agree_with_counting);
    tcase_add_test(tc, sixteen_intervals_by_name_and_label);
    tcase_add_test(tc, stamps_in_us_become_ms);
    suite_add_tcase(s, tc);
}

RUN_SUITE("time", time_cases)
