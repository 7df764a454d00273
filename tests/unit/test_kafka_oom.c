/* Without memory a Kafka client says so, keeps nothing, and goes on with what it has. */
#include "kafka_fixture.h"
#include "oom.h"

#include <string.h>

#define FAILURES_MAX 100

static void nothing_shown(void *arg, const struct sf_message *msg)
{
    (void)arg;
    (void)msg;
}

static int64_t from_begin(void *arg, int32_t partition, int64_t committed, int64_t begin,
                          int64_t end)
{
    (void)arg;
    (void)partition;
    (void)committed;
    (void)end;
    return begin;
}

static void nothing_revoked(void *arg, int32_t partition)
{
    (void)arg;
    (void)partition;
}

static void nothing_failed(void *arg, const struct sf_error *err)
{
    (void)arg;
    ck_abort_msg("%s", err->text);
}

static enum sf_status open_producer(void **ret, struct sf_error *err)
{
    return sf_producer_create(loop, &conf, &hooks, (struct sf_producer **)ret, err);
}

static void close_producer(void *p)
{
    sf_producer_destroy(p);
}

static enum sf_status open_consumer(void **ret, struct sf_error *err)
{
    const struct sf_consumer_hooks own = { nothing_shown, from_begin, nothing_revoked,
                                           nothing_failed, NULL };

    return sf_consumer_create(loop, &conf, &own, (struct sf_consumer **)ret, err);
}

static void close_consumer(void *c)
{
    sf_consumer_destroy(c);
}

static enum sf_status open_reader(void **ret, struct sf_error *err)
{
    const struct sf_reader_opts opts = {
        .topic = TOPIC, .offset = SF_OFFSET_END, .timeout_ms = 5000, .fn = nothing_shown
    };

    return sf_reader_open(loop, &conf, &opts, (struct sf_reader **)ret, err);
}

static void close_reader(void *r)
{
    sf_reader_close(r);
}

static const struct {
    enum sf_status (*open)(void **ret, struct sf_error *err);
    void (*close)(void *client);
} clients[] = {
    { open_producer, close_producer },
    { open_consumer, close_consumer },
    { open_reader, close_reader },
};

static void start_topic(void)
{
    start();
    mock_topic(&mock, TOPIC, 1);
    ck_assert(sf_str_copy(SF_STR(TOPIC), conf.topic, sizeof(conf.topic)));
    ck_assert(sf_str_copy(SF_STR("g"), conf.consumer_group, sizeof(conf.consumer_group)));
}

START_TEST(client_without_memory_is_not_opened)
{
    enum sf_status status = SF_ENOMEM;
    void *client = NULL;
    int n;

    for (n = 0; n < FAILURES_MAX; n++) {
        struct sf_error err = { 0 };

        oom_fail_at(n);
        status = clients[_i].open(&client, &err);
        if (!oom_has_failed())
            break;
        ck_assert_int_eq(status, SF_ENOMEM);
        ck_assert_ptr_null(client);
        ck_assert_ptr_nonnull(strstr(err.text, "memory"));
    }
    ck_assert_int_ge(n, 2); /* the client, and what watches its queue */
    ck_assert_int_eq(status, SF_OK);
    clients[_i].close(client);
}
END_TEST

START_TEST(record_without_memory_is_refused_and_the_next_is_sent)
{
    struct sf_topic *topic = NULL, *other = NULL;
    struct sf_producer *p = producer(&topic);
    const struct sf_outgoing out = {
        .key = SF_STR("k"), .value = SF_STR("v"), .has_value = true, .on_done = on_done
    };
    struct sf_error err = { 0 };

    oom_fail_at(0);
    ck_assert_int_eq(sf_producer_topic(p, "other", &other, &err), SF_ENOMEM);
    ck_assert(oom_has_failed());
    ck_assert_ptr_null(other);
    ck_assert_str_eq(err.text, "no memory for topic other");
    err.status = SF_OK;
    oom_fail_at(0);
    ck_assert_int_eq(sf_producer_send(topic, &out, &err), SF_ENOMEM);
    ck_assert(oom_has_failed());
    ck_assert_str_eq(err.text, "no memory for a record");
    ck_assert_uint_eq(sf_producer_pending(p), 0);
    ck_assert_int_eq(sf_producer_send(topic, &out, NULL), SF_OK);
    ck_assert_int_eq(sf_producer_flush(p, 10000, NULL), SF_OK);
    ck_assert_int_eq(seen.dones, 1);
    ck_assert_int_eq(seen.done, SF_OK);
    ck_assert_uint_eq(sf_producer_failed(p), 0);
    sf_producer_destroy(p);
}
END_TEST

START_TEST(client_closes_without_memory)
{
    struct sf_topic *topic = NULL;
    struct sf_producer *p = producer(&topic);

    put_n(topic, 0, 1);
    ck_assert_int_eq(sf_producer_flush(p, 10000, NULL), SF_OK);
    oom_fail_at(0);
    sf_producer_destroy(p);
    ck_assert(oom_has_failed());
}
END_TEST

static void kafka_oom_cases(Suite *s)
{
    TCase *tc = tcase_create("kafka_oom");

    tcase_add_checked_fixture(tc, start_topic, stop);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, client_without_memory_is_not_opened, 0, COUNT(clients));
    tcase_add_test(tc, record_without_memory_is_refused_and_the_next_is_sent);
    tcase_add_test(tc, client_closes_without_memory);
    suite_add_tcase(s, tc);
}

RUN_SUITE("kafka_oom", kafka_oom_cases)
