#include "kafka_mock.h"
#include "runner.h"

#include <sf/kafka.h>
#include <sf/time.h>

#include <stdio.h>
#include <string.h>

#define TOPIC "loader-btcusdt"

static struct mock mock;
static struct sf_conf conf;
static struct sf_loop *loop;
static struct sf_producer *p;
static struct sf_topic *topic;

/* One consumer's view. */
struct view {
    struct sf_consumer *c;
    int assigned, revoked, errors, shown;
    int64_t committed, begin, end; /* of the last on_assign */
    int64_t start;                 /* what on_assign answers; -2: begin */
    int64_t first, last;           /* offsets shown */
    int pause_after;               /* sf_consumer_pause when so many were shown */
    int want;                      /* done when so many were shown */
    bool done, is_assigned, has_failed, has_paused;
    struct sf_error err;
};

static void on_message(void *arg, const struct sf_message *msg)
{
    struct view *v = arg;

    if (v->shown++ == 0)
        v->first = msg->offset;
    v->last = msg->offset;
    if (v->shown == v->pause_after) {
        sf_consumer_pause(v->c, true);
        v->has_paused = true;
    }
    v->done = v->shown >= v->want;
}

static int64_t on_assign(void *arg, int32_t partition, int64_t committed, int64_t begin,
                         int64_t end)
{
    struct view *v = arg;

    (void)partition;
    v->assigned++;
    v->is_assigned = true;
    v->committed = committed;
    v->begin = begin;
    v->end = end;
    return v->start == -2 ? begin : v->start;
}

static void on_revoke(void *arg, int32_t partition)
{
    struct view *v = arg;

    (void)partition;
    v->revoked++;
}

static void on_error(void *arg, const struct sf_error *err)
{
    struct view *v = arg;

    v->errors++;
    v->err = *err;
    v->has_failed = true;
}

static void nothing(void *arg)
{
    (void)arg;
}

static void on_fatal(void *arg, const struct sf_error *err)
{
    (void)arg;
    ck_abort_msg("%s", err->text);
}

static void put_n(int n)
{
    for (int i = 0; i < n; i++)
        ck_assert_int_eq(
            sf_producer_put(topic, i % 2, SF_STR("k"), SF_STR("{\"a\":\"0.1\"}")), SF_OK);
    ck_assert_int_eq(sf_producer_flush(p, 10000, NULL), SF_OK);
}

static void start(void)
{
    static const struct sf_producer_hooks hooks = { nothing, on_fatal, NULL };

    ck_assert_int_eq(sf_loop_create(&loop, NULL), SF_OK);
    mock_start(&mock);
    mock_topic(&mock, TOPIC, 2);
    mock_conf(&conf, mock.brokers);
    ck_assert(sf_str_copy(SF_STR(TOPIC), conf.topic, sizeof(conf.topic)));
    ck_assert(sf_str_copy(SF_STR("g"), conf.consumer_group, sizeof(conf.consumer_group)));
    ck_assert_int_eq(sf_producer_create(loop, &conf, &hooks, &p, NULL), SF_OK);
    ck_assert_int_eq(sf_producer_topic(p, TOPIC, &topic, NULL), SF_OK);
}

static void stop(void)
{
    sf_producer_destroy(p);
    mock_stop(&mock);
    sf_loop_destroy(loop);
}

static void open_view(struct view *v, int64_t from, int want)
{
    const struct sf_consumer_hooks hooks = { on_message, on_assign, on_revoke, on_error,
                                             v };

    memset(v, 0, sizeof(*v));
    v->start = from;
    v->want = want;
    ck_assert_int_eq(sf_consumer_create(loop, &conf, &hooks, &v->c, NULL), SF_OK);
}

START_TEST(every_message_is_shown_from_the_beginning)
{
    struct view v;

    put_n(5000);
    open_view(&v, -2, 5000);
    ck_assert_int_eq(sf_consumer_lag(v.c), -1);
    ck_assert(sf_loop_run_until(loop, &v.done, 20000));
    ck_assert_int_eq(v.shown, 5000);
    ck_assert_int_eq(v.assigned, 2);
    ck_assert_int_eq(v.committed, -1);
    ck_assert_int_eq(v.begin, 0);
    ck_assert_int_eq(v.end, 2500);
    ck_assert_int_eq(sf_consumer_lag(v.c), 0);
    sf_consumer_destroy(v.c);
    ck_assert_int_eq(v.errors, 0);
}
END_TEST

START_TEST(stored_offsets_are_committed_and_come_back)
{
    struct sf_progress progress[4] = { { -7, -7 }, { -7, -7 } };
    int32_t n = 0;
    struct view v;

    put_n(20);
    open_view(&v, -2, 20);
    ck_assert(sf_loop_run_until(loop, &v.done, 20000));
    sf_consumer_store(v.c, 0, 7);
    sf_consumer_store(v.c, 0, 5); /* never goes back */
    ck_assert_int_eq(sf_consumer_commit(v.c, 5000, NULL), SF_OK);
    ck_assert_int_eq(sf_consumer_progress(v.c, progress, 4, &n, 5000, NULL), SF_OK);
    ck_assert_int_eq(n, 2);
    ck_assert_int_eq(progress[0].committed, 7);
    ck_assert_int_eq(progress[1].committed, -1);
    ck_assert_int_eq(progress[0].end, 10);
    ck_assert_int_eq(progress[1].end, 10);
    sf_consumer_store(v.c, 1, 9); /* committed by the close */
    sf_consumer_destroy(v.c);

    open_view(&v, 9, 2);
    ck_assert(sf_loop_run_until(loop, &v.done, 20000));
    ck_assert_int_eq(v.committed, 9); /* of partition 1, the last */
    ck_assert_int_eq(v.first, 9);
    sf_consumer_destroy(v.c);
}
END_TEST

START_TEST(commit_goes_out_by_itself)
{
    struct sf_progress progress[2];
    int32_t n = 0;
    bool never = false;
    struct view v;

    put_n(2);
    open_view(&v, -2, 2);
    ck_assert(sf_loop_run_until(loop, &v.done, 20000));
    sf_consumer_store(v.c, 0, 1);
    for (int i = 0; i < 50; i++) {
        (void)sf_loop_run_until(loop, &never, 100);
        ck_assert_int_eq(sf_consumer_progress(v.c, progress, 2, &n, 5000, NULL), SF_OK);
        if (progress[0].committed == 1)
            break;
    }
    ck_assert_int_eq(progress[0].committed, 1);
    sf_consumer_destroy(v.c);
}
END_TEST

START_TEST(nothing_is_shown_while_paused_and_nothing_is_lost)
{
    bool never = false;
    struct view v;

    put_n(4000);
    open_view(&v, -2, 4000);
    v.pause_after = 100;
    ck_assert(sf_loop_run_until(loop, &v.has_paused, 20000));
    /* longer than HOLD_AFTER_US: both ways of pausing */
    (void)sf_loop_run_until(loop, &never, _i == 0 ? 600 : 3000);
    ck_assert_int_eq(v.shown, 100);
    ck_assert_int_eq(sf_consumer_lag(v.c), 3900);
    sf_consumer_pause(v.c, false);
    ck_assert(sf_loop_run_until(loop, &v.done, 20000));
    (void)sf_loop_run_until(loop, &never, 50);
    ck_assert_int_eq(v.shown, 4000);
    ck_assert_int_eq(v.last, 1999);
    sf_consumer_destroy(v.c);
}
END_TEST

START_TEST(lag_grows_while_paused)
{
    bool never = false;
    struct view v;

    put_n(20);
    open_view(&v, -2, 1000);
    v.pause_after = 20;
    ck_assert(sf_loop_run_until(loop, &v.has_paused, 20000));
    put_n(100);
    for (int i = 0; i < 100 && sf_consumer_lag(v.c) == 0; i++)
        (void)sf_loop_run_until(loop, &never, 100);
    ck_assert_int_eq(sf_consumer_lag(v.c), 100);
    ck_assert_int_eq(v.shown, 20);
    sf_consumer_destroy(v.c);
}
END_TEST

START_TEST(lost_offset_is_an_error_and_no_reset)
{
    struct view v;

    put_n(10);
    open_view(&v, 99, 1);
    ck_assert(sf_loop_run_until(loop, &v.has_failed, 20000));
    ck_assert_int_eq(v.errors, 1);
    ck_assert_int_eq(v.err.status, SF_ELOST);
    ck_assert_ptr_nonnull(strstr(v.err.text, "offset 99 "));
    ck_assert_ptr_nonnull(strstr(v.err.text, TOPIC));
    ck_assert_int_eq(v.shown, 0);
    sf_consumer_destroy(v.c);
}
END_TEST

/* A broker that hangs makes librdkafka forget its partitions for a while; the group has
 * given us this one, so that it will be there again. */
START_TEST(a_partition_that_is_not_known_for_a_while_is_waited_for)
{
    struct view v;

    put_n(10);
    rd_kafka_mock_push_request_errors(
        mock.cluster, 2 /* ListOffsets */, 3, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
        RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    open_view(&v, -2, 10);
    ck_assert(sf_loop_run_until(loop, &v.done, 20000));
    ck_assert_int_eq(v.errors, 0);
    ck_assert_int_eq(v.shown, 10);
    sf_consumer_destroy(v.c);
}
END_TEST

START_TEST(refused_partition_shows_nothing)
{
    bool never = false;
    struct view v;

    put_n(10);
    open_view(&v, -1, 1);
    ck_assert(sf_loop_run_until(loop, &v.is_assigned, 20000));
    (void)sf_loop_run_until(loop, &never, 300);
    ck_assert_int_eq(v.shown, 0);
    ck_assert_int_eq(v.errors, 0);
    sf_consumer_destroy(v.c);
}
END_TEST

START_TEST(second_member_takes_its_share)
{
    struct view a, b;

    put_n(10);
    open_view(&a, -2, 10);
    ck_assert(sf_loop_run_until(loop, &a.done, 20000));
    open_view(&b, -2, 5);
    ck_assert(sf_loop_run_until(loop, &b.done, 30000));
    ck_assert_int_ge(a.revoked, 2); /* the mock may rebalance more than once */
    ck_assert_int_ge(b.assigned, 1);
    ck_assert_int_eq(b.shown, 5);
    sf_consumer_destroy(b.c);
    sf_consumer_destroy(a.c);
}
END_TEST

START_TEST(too_many_partitions_for_the_caller)
{
    struct sf_progress progress[1];
    struct sf_error err = { 0 };
    int32_t n = -7;
    struct view v;

    open_view(&v, -2, 1);
    ck_assert_int_eq(sf_consumer_progress(v.c, progress, 1, &n, 5000, &err), SF_ETOOBIG);
    ck_assert_ptr_nonnull(strstr(err.text, "has 2 partitions, expected at most 1"));
    ck_assert_int_eq(n, -7);
    sf_consumer_destroy(v.c);
}
END_TEST

static void consumer_cases(Suite *s)
{
    TCase *tc = tcase_create("consumer");

    tcase_add_checked_fixture(tc, start, stop);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, every_message_is_shown_from_the_beginning);
    tcase_add_test(tc, stored_offsets_are_committed_and_come_back);
    tcase_add_test(tc, commit_goes_out_by_itself);
    tcase_add_loop_test(tc, nothing_is_shown_while_paused_and_nothing_is_lost, 0, 2);
    tcase_add_test(tc, lag_grows_while_paused);
    tcase_add_test(tc, lost_offset_is_an_error_and_no_reset);
    tcase_add_test(tc, a_partition_that_is_not_known_for_a_while_is_waited_for);
    tcase_add_test(tc, refused_partition_shows_nothing);
    tcase_add_test(tc, second_member_takes_its_share);
    tcase_add_test(tc, too_many_partitions_for_the_caller);
    suite_add_tcase(s, tc);
}

RUN_SUITE("kafka_consumer", consumer_cases)
