#include "kafka_mock.h"

#include <check.h>

#include <string.h>

void mock_start(struct mock *mock)
{
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    (void)rd_kafka_conf_set(conf, "log_level", "3", NULL, 0); /* it misses a bootstrap */
    mock->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    ck_assert_ptr_nonnull(mock->rk);
    mock->cluster = rd_kafka_mock_cluster_new(mock->rk, 1);
    ck_assert_ptr_nonnull(mock->cluster);
    mock->brokers = rd_kafka_mock_cluster_bootstraps(mock->cluster);
}

void mock_stop(struct mock *mock)
{
    rd_kafka_mock_cluster_destroy(mock->cluster);
    rd_kafka_destroy(mock->rk);
}

void mock_topic(struct mock *mock, const char *topic, int partitions)
{
    ck_assert_int_eq(rd_kafka_mock_topic_create(mock->cluster, topic, partitions, 1),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
}

void mock_conf(struct sf_conf *conf, const char *brokers)
{
    static char nothing[] = "";
    char **const texts[] = {
        &conf->queue_id,        &conf->symbol,
        &conf->group,           &conf->type,
        &conf->interval,        &conf->time_range,
        &conf->exchange,        &conf->kafka_topic,
        &conf->collection_name, &conf->kafka_user,
        &conf->kafka_password,  &conf->kafka_mechanism,
        &conf->kafka_ca_path,   &conf->control_topic,
        &conf->events_topic,    &conf->admin_listen,
        &conf->binance_api_url, &conf->binance_ws_url,
        &conf->binance_api_key, &conf->arango_url,
        &conf->arango_db,       &conf->arango_user,
        &conf->arango_password, &conf->arango_ca_path,
        &conf->kafka_brokers,   &conf->telemetry_producer_id,
    };

    memset(conf, 0, sizeof(*conf));
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        *texts[i] = nothing;
    conf->kafka_brokers = (char *)brokers; /* nothing writes to it */
    conf->topic_replication = 1;
    conf->producer_queue_kb = 4096;
}
