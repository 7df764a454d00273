#include "kafka_fixture.h"

#include <sf/stop.h>
#include <sf/time.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* NOLINTNEXTLINE(readability-non-const-parameter): it leaves as the void * of a hook */
static struct sf_reader *reader_at(int64_t offset, int *until)
{
    const struct sf_reader_opts opts = { .topic = TOPIC,
                                         .offset = offset,
                                         .timeout_ms = 5000,
                                         .fn = on_message,
                                         .arg = until };
    struct sf_reader *reader = NULL;

    ck_assert_int_eq(sf_reader_open(loop, &conf, &opts, &reader, NULL), SF_OK);
    return reader;
}

/* ---------------------------------------------------------------------------- reading */

START_TEST(reader_from_the_end_sees_what_comes_later)
{
    struct sf_topic *topic;
    struct sf_producer *p;
    struct sf_reader *reader = NULL;
    int until = 10;

    mock_topic(&mock, TOPIC, 1);
    p = producer(&topic);
    put_n(topic, 0, 5);
    ck_assert_int_eq(sf_producer_flush(p, 10000, NULL), SF_OK);
    reader = reader_at(SF_OFFSET_END, &until);
    put_n(topic, 100, 10);
    ck_assert(sf_loop_run_until(loop, &seen.flag, 10000));
    ck_assert_int_eq(shown.n, 10);
    ck_assert_int_eq(shown.sum, 1045);
    ck_assert_int_eq(shown.last_offset, 14);
    sf_reader_close(reader);
    sf_producer_destroy(p);
}
END_TEST

START_TEST(reader_from_an_offset)
{
    struct sf_topic *topic;
    struct sf_producer *p;
    struct sf_reader *reader = NULL;
    int until = 2;

    mock_topic(&mock, TOPIC, 1);
    p = producer(&topic);
    put_n(topic, 0, 5);
    ck_assert_int_eq(sf_producer_flush(p, 10000, NULL), SF_OK);
    reader = reader_at(3, &until);
    ck_assert(sf_loop_run_until(loop, &seen.flag, 10000));
    ck_assert_int_eq(shown.sum, 7);
    sf_reader_close(reader);
    sf_producer_destroy(p);
}
END_TEST

START_TEST(partition_that_is_not_there_is_named)
{
    const struct sf_reader_opts opts = { .topic = TOPIC,
                                         .partition = 2,
                                         .offset = SF_OFFSET_END,
                                         .timeout_ms = 5000,
                                         .fn = on_message };
    struct sf_reader *reader = NULL;
    struct sf_error err = { 0 };

    mock_topic(&mock, TOPIC, 2);
    ck_assert_int_eq(sf_reader_open(loop, &conf, &opts, &reader, &err), SF_ENOTFOUND);
    ck_assert_ptr_null(reader);
    ck_assert_str_eq(err.text, "Kafka: topic " TOPIC " has 2 partitions, no 2");
}
END_TEST

START_TEST(walk_waits_until_the_end_stands_still)
{
    int64_t begin = -1, end = -1, from_us;
    struct sf_topic *topic;
    struct sf_producer *p;

    mock_topic(&mock, TOPIC, 1);
    p = producer(&topic);
    put_n(topic, 0, 3);
    ck_assert_int_eq(sf_producer_flush(p, 10000, NULL), SF_OK);
    from_us = sf_mono_us();
    walk(0, 250, &begin, &end);
    ck_assert_int_ge(sf_mono_us() - from_us, 250000);
    ck_assert_int_eq(begin, 0);
    ck_assert_int_eq(end, 3);
    ck_assert_int_eq(shown.n, 3);
    sf_producer_destroy(p);
}
END_TEST

START_TEST(walk_of_an_empty_topic_is_over_at_once)
{
    int64_t begin = -1, end = -1;

    mock_topic(&mock, TOPIC, 1);
    walk(0, 60000, &begin, &end);
    ck_assert_int_eq(begin, 0);
    ck_assert_int_eq(end, 0);
    ck_assert_int_eq(shown.n, 0);
}
END_TEST

START_TEST(walk_begins_where_told)
{
    int64_t begin, end;
    struct sf_topic *topic;
    struct sf_producer *p;

    mock_topic(&mock, TOPIC, 1);
    p = producer(&topic);
    put_n(topic, 0, 20);
    ck_assert_int_eq(sf_producer_flush(p, 10000, NULL), SF_OK);
    walk(18, 0, &begin, &end);
    ck_assert_int_eq(shown.n, 2);
    ck_assert_int_eq(shown.sum, 37);
    sf_producer_destroy(p);
}
END_TEST

static void kafka_reader_cases(Suite *s)
{
    TCase *tc = tcase_create("kafka_reader");

    tcase_add_checked_fixture(tc, start, stop);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, reader_from_the_end_sees_what_comes_later);
    tcase_add_test(tc, reader_from_an_offset);
    tcase_add_test(tc, partition_that_is_not_there_is_named);
    tcase_add_test(tc, walk_waits_until_the_end_stands_still);
    tcase_add_test(tc, walk_of_an_empty_topic_is_over_at_once);
    tcase_add_test(tc, walk_begins_where_told);
    suite_add_tcase(s, tc);
}

RUN_SUITE("kafka_reader", kafka_reader_cases)
