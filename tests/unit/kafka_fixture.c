#include "kafka_fixture.h"

#include <sf/time.h>

#include <stdio.h>
#include <string.h>

struct mock mock;
struct sf_conf conf;
struct sf_loop *loop;
struct seen seen;
struct shown shown;

static void on_room(void *arg)
{
    (void)arg;
    seen.rooms++;
}

static void on_fatal(void *arg, const struct sf_error *err)
{
    (void)arg;
    seen.fatals++;
    seen.fatal = *err;
    seen.flag = true;
}

void on_done(void *arg, enum sf_status status)
{
    (void)arg;
    seen.dones++;
    seen.done = status;
    seen.flag = true;
}

const struct sf_producer_hooks hooks = { on_room, on_fatal, NULL };

void start(void)
{
    memset(&seen, 0, sizeof(seen));
    ck_assert_int_eq(sf_loop_create(&loop, NULL), SF_OK);
    mock_start(&mock);
    mock_conf(&conf, mock.brokers);
}

void stop(void)
{
    mock_stop(&mock);
    sf_loop_destroy(loop);
}

struct sf_producer *producer(struct sf_topic **ret_topic)
{
    struct sf_producer *p = NULL;

    ck_assert_int_eq(sf_producer_create(loop, &conf, &hooks, &p, NULL), SF_OK);
    ck_assert_int_eq(sf_producer_topic(p, TOPIC, ret_topic, NULL), SF_OK);
    return p;
}

void put_n(struct sf_topic *topic, int from, int n)
{
    char value[32];

    for (int i = from; i < from + n; i++) {
        int len = snprintf(value, sizeof(value), "{\"n\":%d}", i);

        ck_assert_int_eq(
            sf_producer_put(topic, 0, SF_STR("BTCUSDT"), sf_str_make(value, (size_t)len)),
            SF_OK);
    }
}

void on_message(void *arg, const struct sf_message *msg)
{
    int64_t n = 0;
    const int *until = arg;

    if (msg->is_null) {
        ck_assert_ptr_nonnull(msg->control);
        ck_assert(sf_str_copy(sf_str_from(msg->control), shown.control, 16));
        ck_assert(sf_str_copy(msg->header, shown.header, 64));
    } else {
        ck_assert_int_eq(msg->value.p[msg->value.len - 1], '}');
        ck_assert_int_eq(
            sf_str_to_i64(sf_str_make(msg->value.p + 5, msg->value.len - 6), &n), SF_OK);
    }
    ck_assert(sf_str_copy(msg->key, shown.key, sizeof(shown.key)));
    ck_assert_int_gt(msg->time_ms, SF_TIME_MIN_MS);
    shown.n++;
    shown.sum += n;
    shown.last_offset = msg->offset;
    seen.flag = until && shown.n == *until;
}

void walk(int64_t from, int64_t still_ms, int64_t *ret_begin, int64_t *ret_end)
{
    struct sf_walk walk = {
        .topic = TOPIC, .from = from, .still_ms = still_ms, .fn = on_message
    };

    ck_assert_int_eq(sf_kafka_walk(&conf, &walk, NULL), SF_OK);
    *ret_begin = walk.begin;
    *ret_end = walk.end;
}
