/* librdkafka's mock cluster and the settings to reach it, for unit tests. */
#ifndef TESTS_KAFKA_MOCK_H
#define TESTS_KAFKA_MOCK_H

#include <sf/conf.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

struct mock {
    rd_kafka_t *rk;
    rd_kafka_mock_cluster_t *cluster;
    const char *brokers;
};

/* One broker on a free port of 127.0.0.1. */
void mock_start(struct mock *mock);
void mock_stop(struct mock *mock);
void mock_topic(struct mock *mock, const char *topic, int partitions);

/* Settings with every text empty but what a client of @brokers needs; nothing in it is
 * allocated, so it is not released. */
void mock_conf(struct sf_conf *conf, const char *brokers);

#endif
