/* The library's Kafka client against librdkafka's mock cluster, for its unit tests. */
#ifndef TESTS_KAFKA_FIXTURE_H
#define TESTS_KAFKA_FIXTURE_H

#include "kafka_mock.h"
#include "runner.h"

#include <sf/kafka.h>

#define TOPIC "loader-btcusdt"

/* Of the test that runs; made by start(), gone after stop(). */
extern struct mock mock;
extern struct sf_conf conf;
extern struct sf_loop *loop;

/* What the producer told. */
struct seen {
    int rooms, fatals, dones;
    enum sf_status done;
    struct sf_error fatal;
    bool flag;
};
extern struct seen seen;

/* What a reader or a walk saw. */
struct shown {
    int n;
    int64_t sum, last_offset;
    char control[16], header[64], key[16];
};
extern struct shown shown;

extern const struct sf_producer_hooks hooks; /* they fill seen */

void start(void);
void stop(void);
struct sf_producer *producer(struct sf_topic **ret_topic);
/* Records {"n":from}, ... to partition 0. */
void put_n(struct sf_topic *topic, int from, int n);
void on_done(void *arg, enum sf_status status);
/* sf_message_fn; @arg NULL or an int: seen.flag once so many were shown. */
void on_message(void *arg, const struct sf_message *msg);
void walk(int64_t from, int64_t still_ms, int64_t *ret_begin, int64_t *ret_end);

#endif
