#include "kafka_fixture.h"

#include <sf/stop.h>
#include <sf/time.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define NOBODY "127.0.0.1:1" /* tcpmux: nothing listens there */

/* -------------------------------------------------------------------------- producer */

START_TEST(records_are_confirmed_and_read_back)
{
    struct sf_topic *topic;
    struct sf_producer *p;
    int64_t begin = -1, end = -1;

    mock_topic(&mock, TOPIC, 1);
    p = producer(&topic);
    put_n(topic, 0, 3000);
    ck_assert_uint_eq(sf_producer_pending(p), 3000);
    ck_assert_int_eq(sf_producer_flush(p, 10000, NULL), SF_OK);
    ck_assert_uint_eq(sf_producer_pending(p), 0);
    ck_assert_uint_eq(sf_producer_failed(p), 0);
    walk(0, 0, &begin, &end);
    ck_assert_int_eq(begin, 0);
    ck_assert_int_eq(end, 3000);
    ck_assert_int_eq(shown.n, 3000);
    ck_assert_int_eq(shown.sum, 2999 * 1500);
    ck_assert_int_eq(shown.last_offset, 2999);
    ck_assert_str_eq(shown.key, "BTCUSDT");
    sf_producer_destroy(p);
}
END_TEST

START_TEST(control_record_keeps_its_header)
{
    const struct sf_header header = { "sf-end", SF_STR("{\"records\":1}") };
    struct sf_outgoing out = { .partition = 0,
                               .key = SF_STR("BTCUSDT"),
                               .headers = &header,
                               .headers_n = 1,
                               .on_done = on_done };
    int64_t begin, end;
    struct sf_topic *topic;
    struct sf_producer *p;

    mock_topic(&mock, TOPIC, 1);
    p = producer(&topic);
    put_n(topic, 7, 1);
    ck_assert_int_eq(sf_producer_send(topic, &out, NULL), SF_OK);
    ck_assert_int_eq(sf_producer_flush(p, 10000, NULL), SF_OK);
    ck_assert_int_eq(seen.dones, 1);
    ck_assert_int_eq(seen.done, SF_OK);
    walk(0, 0, &begin, &end);
    ck_assert_int_eq(shown.n, 2);
    ck_assert_str_eq(shown.control, "sf-end");
    ck_assert_str_eq(shown.header, "{\"records\":1}");
    sf_producer_destroy(p);
}
END_TEST

START_TEST(full_queue_refuses_and_tells_when_there_is_room)
{
    struct sf_topic *topic;
    struct sf_producer *p;
    int taken = 0;

    mock_topic(&mock, TOPIC, 1);
    conf.producer_queue_kb = 8;
    p = producer(&topic);
    while (sf_producer_put(topic, 0, SF_STR("k"), SF_STR("{\"n\":1}")) == SF_OK)
        ck_assert_int_lt(++taken, 1000);
    ck_assert_int_gt(taken, 10);
    ck_assert_int_eq(sf_producer_put(topic, 0, SF_STR("k"), SF_STR("v")), SF_EFULL);
    ck_assert_int_eq(seen.rooms, 0);
    ck_assert_int_eq(sf_producer_flush(p, 10000, NULL), SF_OK);
    ck_assert_int_eq(seen.rooms, 1);
    put_n(topic, 0, 1);
    ck_assert_int_eq(sf_producer_flush(p, 10000, NULL), SF_OK);
    sf_producer_destroy(p);
}
END_TEST

START_TEST(flush_says_how_many_are_left)
{
    struct sf_error err = { 0 };
    struct sf_topic *topic;
    struct sf_producer *p;

    mock_conf(&conf, NOBODY);
    p = producer(&topic);
    put_n(topic, 0, 5);
    ck_assert_int_eq(sf_producer_flush(p, 300, &err), SF_ETIMEOUT);
    ck_assert_ptr_nonnull(strstr(err.text, "5 records undelivered"));
    ck_assert_ptr_nonnull(strstr(err.text, NOBODY));
    sf_producer_destroy(p);
}
END_TEST

START_TEST(lost_record_is_fatal_when_nobody_is_told)
{
    struct sf_error err = { 0 };
    struct sf_topic *topic;
    struct sf_producer *p;

    mock_topic(&mock, TOPIC, 1);
    rd_kafka_mock_push_request_errors(mock.cluster, 0 /* Produce */, 1,
                                      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    p = producer(&topic);
    put_n(topic, 0, 1);
    ck_assert_int_eq(sf_producer_flush(p, 10000, &err), SF_EFATAL);
    ck_assert_int_eq(seen.fatals, 1);
    ck_assert_ptr_nonnull(strstr(seen.fatal.text, TOPIC));
    ck_assert_str_eq(err.text, seen.fatal.text);
    ck_assert_uint_eq(sf_producer_failed(p), 1);
    ck_assert_int_eq(sf_producer_put(topic, 0, SF_STR("k"), SF_STR("v")), SF_EFATAL);
    sf_producer_destroy(p);
}
END_TEST

START_TEST(sender_is_told_of_its_lost_record)
{
    struct sf_outgoing out = {
        .partition = 0, .value = SF_STR("v"), .has_value = true, .on_done = on_done
    };
    struct sf_topic *topic;
    struct sf_producer *p;

    mock_topic(&mock, TOPIC, 1);
    rd_kafka_mock_push_request_errors(mock.cluster, 0, 1,
                                      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    p = producer(&topic);
    ck_assert_int_eq(sf_producer_send(topic, &out, NULL), SF_OK);
    ck_assert_int_eq(sf_producer_flush(p, 10000, NULL), SF_OK);
    ck_assert_int_eq(seen.dones, 1);
    ck_assert_int_eq(seen.done, SF_EDENIED);
    ck_assert_int_eq(seen.fatals, 0);
    ck_assert_uint_eq(sf_producer_failed(p), 1);
    sf_producer_destroy(p);
}
END_TEST

START_TEST(record_over_the_limit_is_refused)
{
    static char big[2 * 1024 * 1024];
    struct sf_topic *topic;
    struct sf_producer *p;

    mock_topic(&mock, TOPIC, 1);
    p = producer(&topic);
    memset(big, 'x', sizeof(big));
    ck_assert_int_eq(
        sf_producer_put(topic, 0, SF_STR("k"), sf_str_make(big, sizeof(big))),
        SF_ETOOBIG);
    ck_assert_uint_eq(sf_producer_pending(p), 0);
    sf_producer_destroy(p);
}
END_TEST

/* -------------------------------------------------------------------------- settings */

static const struct {
    const char *user, *password, *mechanism;
    enum sf_kafka_protocol protocol;
    const char *text;
} refused[] = {
    { "u", "hunter2", "SCRAM-SHA-7", SF_KAFKA_AUTO, "SCRAM-SHA-7" },
    { "u", "", "", SF_KAFKA_AUTO, "KAFKA_PASSWORD" },
    { "", "", "", SF_KAFKA_SASL_SSL, "KAFKA_USER" },
};

START_TEST(setting_is_refused_by_name_and_without_secret)
{
    struct sf_producer *p = NULL;
    struct sf_error err = { 0 };

    conf.kafka_user = (char *)refused[_i].user;
    conf.kafka_password = (char *)refused[_i].password;
    conf.kafka_mechanism = (char *)refused[_i].mechanism;
    conf.kafka_protocol = refused[_i].protocol;
    ck_assert_int_eq(sf_producer_create(loop, &conf, &hooks, &p, &err), SF_EINVAL);
    ck_assert_ptr_null(p);
    ck_assert_ptr_nonnull(strstr(err.text, refused[_i].text));
    ck_assert_ptr_null(strstr(err.text, "hunter2"));
}
END_TEST

/* ------------------------------------------------------------------- topics, start-up */

START_TEST(existing_topic_tells_its_partitions)
{
    const struct sf_topic_spec spec = { TOPIC, 1, 1, 0 };
    struct sf_topic *topic;
    struct sf_producer *p = producer(&topic);
    int32_t partitions = 0;

    mock_topic(&mock, TOPIC, 3);
    ck_assert_int_eq(sf_kafka_ensure_topic(p, &spec, false, 5000, &partitions, NULL),
                     SF_OK);
    ck_assert_int_eq(partitions, 3);
    sf_producer_destroy(p);
}
END_TEST

START_TEST(missing_topic_is_named)
{
    const struct sf_topic_spec spec = { "nowhere", 1, 1, 0 };
    struct sf_error err = { 0 };
    struct sf_topic *topic;
    struct sf_producer *p = producer(&topic);
    int32_t partitions = -7;

    rd_kafka_mock_topic_set_error(mock.cluster, "nowhere",
                                  RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    ck_assert_int_eq(sf_kafka_ensure_topic(p, &spec, false, 5000, &partitions, &err),
                     SF_ENOTFOUND);
    ck_assert_ptr_nonnull(strstr(err.text, "topic nowhere does not exist"));
    ck_assert_int_eq(partitions, -7);
    sf_producer_destroy(p);
}
END_TEST

START_TEST(no_broker_is_one_clear_error)
{
    const struct sf_topic_spec spec = { TOPIC, 1, 1, 0 };
    struct sf_error err = { 0 };
    struct sf_topic *topic;
    struct sf_producer *p;
    int32_t partitions;

    mock_conf(&conf, NOBODY);
    p = producer(&topic);
    ck_assert_int_eq(sf_kafka_ensure_topic(p, &spec, true, 400, &partitions, &err),
                     SF_EIO);
    ck_assert_ptr_nonnull(strstr(err.text, "no broker answers at " NOBODY));
    ck_assert_ptr_nonnull(strstr(err.text, "refused"));
    sf_producer_destroy(p);
}
END_TEST

START_TEST(stop_ends_a_start_up_step)
{
    const struct sf_topic_spec spec = { TOPIC, 1, 1, 0 };
    struct sf_topic *topic;
    struct sf_producer *p;
    int32_t partitions;
    int64_t from_us = sf_mono_us();

    mock_conf(&conf, NOBODY);
    p = producer(&topic);
    sf_stop_raise(SIGTERM);
    ck_assert_int_eq(sf_kafka_ensure_topic(p, &spec, true, 60000, &partitions, NULL),
                     SF_ESTOPPED);
    ck_assert_int_lt(sf_mono_us() - from_us, 5000000);
    sf_producer_destroy(p);
}
END_TEST

static void kafka_cases(Suite *s)
{
    TCase *tc = tcase_create("kafka");

    tcase_add_checked_fixture(tc, start, stop);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, records_are_confirmed_and_read_back);
    tcase_add_test(tc, control_record_keeps_its_header);
    tcase_add_test(tc, full_queue_refuses_and_tells_when_there_is_room);
    tcase_add_test(tc, flush_says_how_many_are_left);
    tcase_add_test(tc, lost_record_is_fatal_when_nobody_is_told);
    tcase_add_test(tc, sender_is_told_of_its_lost_record);
    tcase_add_test(tc, record_over_the_limit_is_refused);
    tcase_add_loop_test(tc, setting_is_refused_by_name_and_without_secret, 0,
                        COUNT(refused));
    tcase_add_test(tc, existing_topic_tells_its_partitions);
    tcase_add_test(tc, missing_topic_is_named);
    tcase_add_test(tc, no_broker_is_one_clear_error);
    tcase_add_test(tc, stop_ends_a_start_up_step);
    suite_add_tcase(s, tc);
}

RUN_SUITE("kafka", kafka_cases)
