#include "fields.h"

#define C FIELD_IN_COMMAND
#define P FIELD_IN_PIPELINE
#define R FIELD_IN_REQUEST

static const char *const commands[] = { "start", NULL };
static const char *const policies[] = { "never", "on-failure", NULL };

/* clang-format off */
const struct field fields[FIELDS_N] = {
    { "command", FIELD_CHOICE, C, 0, NULL, commands, 0, "the only command of this route", "start" },
    { "queue_id", FIELD_TEXT, C, 0, "QUEUE_ID", NULL, 0, "given: this id, else one is made", "loader-btcusdt-api_candles_5m-2024_06_01-abc123" },
    { "symbol", FIELD_SYMBOLS, C | P | R, C, "SYMBOL", NULL, 0, "what is traded; several of a live queue as an array or with commas, then with group", "BTCUSDT" },
    { "group", FIELD_TEXT, C | P | R, 0, "GROUP", NULL, 0, "the name that stands for several symbols", "MAJORS" },
    { "type", FIELD_TYPE, C | R, C | R, "TYPE", NULL, 0, "what is read; GET /types lists them", "api_candles_5m" },
    { "interval", FIELD_TEXT, C | R, 0, "INTERVAL", NULL, 0, "of candles, where type does not say it", "5m" },
    { "image", FIELD_IMAGE, C | R, 0, NULL, NULL, 0, "image that serves type; the connector's alone reads kafka_topic", "loader-api-candles" },
    { "target_image", FIELD_IMAGE, C | R, 0, NULL, NULL, 0, "the same as image", "loader-api-candles" },
    { "target", FIELD_IMAGE, R, 0, NULL, NULL, 0, "the same as image", "loader-api-candles" },
    { "time_range", FIELD_TEXT, C | P | R, 0, "TIME_RANGE", NULL, 0, "YYYY-MM-DD:YYYY-MM-DD, both days included, or from/to in ISO 8601, to excluded; histories require it", "2024-06-01:2024-06-30" },
    { "until", FIELD_TEXT, C | P | R, 0, "UNTIL", NULL, 0, "instant at which a live queue is complete", "2024-06-01T00:00:00Z" },
    { "exchange", FIELD_TEXT, C | P | R, 0, "EXCHANGE", NULL, 0, "the exchange", "binance" },
    { "kafka_topic", FIELD_TEXT, C | R, 0, "KAFKA_TOPIC", NULL, 0, "data topic; derived from the queue's id", "loader-btcusdt-api-candles-5m-2024-06-01-abc123" },
    { "collection_name", FIELD_TEXT, C | R, 0, "COLLECTION_NAME", NULL, 0, "collection; derived", "btcusdt_candles_5m_2024_06_01" },
    { "connector", FIELD_BOOL, C | R, 0, NULL, NULL, 0, "false: the loader alone", "true" },
    { "restart", FIELD_CHOICE, C | P | R, 0, NULL, policies, 0, "what happens when a member fails; default on-failure", "on-failure" },
    { "restart_max", FIELD_COUNT, C | P | R, 0, NULL, NULL, 1000, "restarts of a member at most; default 5", "5" },
    { "labels", FIELD_LABELS, C | P | R, 0, NULL, NULL, 0, "at most 16 texts under names of one's own", NULL },
};
/* clang-format on */

const struct field *field_find(const char *name, unsigned places)
{
    for (size_t i = 0; i < FIELDS_N; i++)
        if (fields[i].places & places && strcmp(fields[i].name, name) == 0)
            return &fields[i];
    return NULL;
}
