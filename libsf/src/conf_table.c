/* Every setting of every program, one row each. */
#include "conf_internal.h"

#define Q         SF_SCOPE_QUEUE
#define L         SF_SCOPE_LOADER
#define R         SF_SCOPE_REST
#define H         SF_SCOPE_HISTORY
#define C         SF_SCOPE_CONNECTOR
#define B         SF_SCOPE_SNAPSHOTS
#define S         SF_SCOPE_LIVE
#define K         SF_SCOPE_BOOKS
#define AT(field) offsetof(struct sf_conf, field)

static const char *const protocols[] = { "auto",           "PLAINTEXT", "SSL",
                                         "SASL_PLAINTEXT", "SASL_SSL",  NULL };
static const char *const mechanisms[] = { "SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN",
                                          NULL };
static const char *const levels[] = { "error", "warn", "info", "debug", NULL };
static const char *const formats[] = { "logfmt", "json", NULL };
static const char *const decimals[] = { "number", "text", NULL };
static const char *const auths[] = { "basic", "jwt", NULL };

/* clang-format off */
const struct sf_setting sf_settings[] = {
    /* the queue */
    { .name = "QUEUE_ID", .scopes = Q, .kind = SF_SET_TEXT, .offset = AT(queue_id), .is_required = true,
      .help = "the queue, loader-btcusdt-api_candles_5m-2024_06_01-abc123; names are derived from it" },
    { .name = "SYMBOL", .scopes = Q, .kind = SF_SET_TEXT, .offset = AT(symbol), .is_required = true,
      .help = "what is traded, BTCUSDT; live queues may have several, separated by commas" },
    { .name = "GROUP", .scopes = Q, .kind = SF_SET_TEXT, .offset = AT(group),
      .help = "the name that stands for several symbols in every name" },
    { .name = "TYPE", .scopes = Q, .kind = SF_SET_TEXT, .offset = AT(type), .is_required = true,
      .help = "what is read, api_candles_5m; see docs/TYPES.md" },
    { .name = "INTERVAL", .scopes = Q, .kind = SF_SET_TEXT, .offset = AT(interval),
      .help = "the interval of TYPE again; must agree with it" },
    { .name = "TIME_RANGE", .scopes = Q, .kind = SF_SET_TEXT, .offset = AT(time_range),
      .help = "YYYY-MM-DD:YYYY-MM-DD (UTC, both days) or from/to in ISO 8601 (to excluded); histories require it" },
    { .name = "UNTIL", .scopes = L, .kind = SF_SET_TEXT, .offset = AT(until),
      .help = "instant in ISO 8601 at which a queue without TIME_RANGE is complete; not set: it runs until it is stopped" },
    { .name = "EXCHANGE", .scopes = Q, .kind = SF_SET_TEXT, .offset = AT(exchange), .initial = SF_DEFAULT_EXCHANGE,
      .help = "the exchange; another one than binance prefixes the symbol in every name" },
    { .name = "KAFKA_TOPIC", .scopes = Q, .kind = SF_SET_TOPIC, .offset = AT(kafka_topic),
      .help = "data topic; derived from QUEUE_ID" },
    { .name = "COLLECTION_NAME", .scopes = Q, .kind = SF_SET_TEXT, .offset = AT(collection_name),
      .help = "collection; derived from SYMBOL, TYPE and the date in QUEUE_ID" },
    { .name = "TELEMETRY_PRODUCER_ID", .scopes = Q, .kind = SF_SET_TEXT, .offset = AT(telemetry_producer_id),
      .help = "telemetry id; derived from the image and QUEUE_ID" },
    /* Kafka */
    { .name = "KAFKA_BOOTSTRAP_SERVERS", .scopes = Q, .kind = SF_SET_BROKERS, .offset = AT(kafka_brokers), .is_required = true,
      .help = "brokers, host:port, separated by commas" },
    { .name = "KAFKA_USER", .scopes = Q, .kind = SF_SET_TEXT, .offset = AT(kafka_user), .has_roles = true,
      .help = "SASL user; with it the default is SASL_SSL with SCRAM-SHA-512" },
    { .name = "KAFKA_PASSWORD", .scopes = Q, .kind = SF_SET_TEXT, .offset = AT(kafka_password), .has_roles = true, .is_secret = true,
      .help = "SASL password" },
    { .name = "KAFKA_PROTOCOL", .scopes = Q, .kind = SF_SET_CHOICE, .offset = AT(kafka_protocol), .initial = "auto", .choices = protocols,
      .help = "how to talk to the brokers; auto: SASL_SSL with a user, else PLAINTEXT" },
    { .name = "KAFKA_MECHANISM", .scopes = Q, .kind = SF_SET_TEXT, .offset = AT(kafka_mechanism), .initial = "SCRAM-SHA-512", .choices = mechanisms,
      .help = "SASL mechanism" },
    { .name = "CA_PATH", .alias = "KAFKA_CA_PATH", .scopes = Q, .kind = SF_SET_PATH, .offset = AT(kafka_ca_path),
      .help = "PEM file with the authority of the brokers' certificates; default: the system's" },
    { .name = "QUEUE_CONTROL_TOPIC", .alias = "CONTROL_TOPIC", .scopes = Q, .kind = SF_SET_TOPIC, .offset = AT(control_topic), .initial = "queue-control",
      .help = "topic of commands" },
    { .name = "QUEUE_EVENTS_TOPIC", .alias = "TELEMETRY_TOPIC", .scopes = Q, .kind = SF_SET_TOPIC, .offset = AT(events_topic), .initial = "queue-events",
      .help = "topic of telemetry" },
    { .name = "TOPIC_CREATE", .scopes = Q, .kind = SF_SET_BOOL, .offset = AT(topic_create), .initial = "true",
      .help = "create topics that do not exist" },
    { .name = "TOPIC_PARTITIONS", .scopes = Q, .kind = SF_SET_INT, .offset = AT(topic_partitions), .initial = "0", .min = 0, .max = 1024,
      .help = "partitions of a new data topic; 0: one a symbol, at most 8" },
    { .name = "TOPIC_REPLICATION", .scopes = Q, .kind = SF_SET_INT, .offset = AT(topic_replication), .initial = "-1", .min = -1, .max = 15,
      .help = "replicas of new topics; -1: the broker's default" },
    { .name = "TOPIC_RETENTION", .scopes = Q, .kind = SF_SET_DURATION, .offset = AT(topic_retention_ms), .initial = "7d", .min = -1, .max = INT64_C(3153600000000),
      .help = "how long a new data topic keeps records; -1: for ever" },
    { .name = "PRODUCER_QUEUE_KB", .scopes = Q, .kind = SF_SET_INT, .offset = AT(producer_queue_kb), .initial = "4096", .min = 64, .max = 1048576,
      .help = "bound on what waits for delivery; when it is full the source waits" },
    /* telemetry, logs, admin */
    { .name = "TELEMETRY_INTERVAL", .scopes = Q, .kind = SF_SET_INT, .offset = AT(telemetry_interval_s), .initial = "5", .min = 1, .max = 3600,
      .help = "seconds between loading events" },
    { .name = "LOG_LEVEL", .scopes = Q, .kind = SF_SET_CHOICE, .offset = AT(log_level), .initial = "info", .choices = levels,
      .help = "what is logged" },
    { .name = "LOG_FORMAT", .scopes = Q, .kind = SF_SET_CHOICE, .offset = AT(log_format), .initial = "logfmt", .choices = formats,
      .help = "how it is logged" },
    { .name = "ADMIN_LISTEN", .scopes = Q, .kind = SF_SET_LISTEN, .offset = AT(admin_listen),
      .help = "host:port for /health and /metrics; empty: none" },
    { .name = "READY_LAG_MAX", .scopes = C, .kind = SF_SET_INT, .offset = AT(ready_lag_max), .initial = "0", .min = 0, .max = INT64_MAX,
      .help = "records of lag up to which the connector counts as ready; 0: any" },
    { .name = "STOP_DRAIN_S", .scopes = C, .kind = SF_SET_INT, .offset = AT(stop_drain_s), .initial = "60", .min = 0, .max = 86400,
      .help = "seconds a stopped connector may take to store what the topic still holds" },
    /* exchange */
    { .name = "BINANCE_API_URL", .scopes = R, .kind = SF_SET_URL, .offset = AT(binance_api_url), .initial = "https://api.binance.com",
      .help = "base of the exchange's REST API" },
    { .name = "BINANCE_WS_URL", .scopes = S, .kind = SF_SET_WS_URL, .offset = AT(binance_ws_url), .initial = "wss://stream.binance.com:9443",
      .help = "base of the exchange's WebSocket streams" },
    { .name = "WS_ROLLOVER", .scopes = S, .kind = SF_SET_INT, .offset = AT(ws_rollover_s), .initial = "82800", .min = 1, .max = 86400,
      .help = "seconds after which a connection is replaced, before the exchange cuts it (Binance: 86400)" },
    { .name = "WS_IDLE", .scopes = S, .kind = SF_SET_INT, .offset = AT(ws_idle_s), .initial = "60", .min = 1, .max = 3600,
      .help = "seconds without a frame or a ping after which a connection counts as dead" },
    { .name = "LIVE_BUFFER_KB", .scopes = S, .kind = SF_SET_INT, .offset = AT(live_buffer_kb), .initial = "4096", .min = 16, .max = 1048576,
      .help = "what waits while a hole is repaired, or Kafka is full; more is dropped and repaired by REST" },
    { .name = "TAPE_RECORD", .scopes = S, .kind = SF_SET_TEXT, .offset = AT(tape_record),
      .help = "file, or folder for a file of each run, to which everything received is recorded" },
    { .name = "TAPE_REPLAY", .scopes = S, .kind = SF_SET_PATH, .offset = AT(tape_replay),
      .help = "recorded tape that is played in place of the exchange; at its end the queue is complete" },
    { .name = "TAPE_SPEED", .scopes = S, .kind = SF_SET_INT, .offset = AT(tape_speed), .initial = "1", .min = 0, .max = 1000000,
      .help = "times as fast as recorded; 0: as fast as Kafka takes it" },
    { .name = "BINANCE_API_KEY", .scopes = R, .kind = SF_SET_TEXT, .offset = AT(binance_api_key), .is_secret = true,
      .help = "sent as X-MBX-APIKEY when set" },
    { .name = "RATE_SHARE", .scopes = R, .kind = SF_SET_SHARE, .offset = AT(rate_share_percent), .initial = "0.7",
      .help = "share of the published request limit that may be used" },
    { .name = "HTTP_TIMEOUT_MS", .scopes = R, .kind = SF_SET_INT, .offset = AT(http_timeout_ms), .initial = "15000", .min = 100, .max = 600000,
      .help = "time-out of one REST request" },
    { .name = "PAGES_IN_FLIGHT", .scopes = R, .kind = SF_SET_INT, .offset = AT(pages_in_flight), .initial = "4", .min = 1, .max = 32,
      .help = "pages asked for at once" },
    { .name = "RETRY_LIMIT_S", .scopes = R, .kind = SF_SET_INT, .offset = AT(retry_limit_s), .initial = "900", .min = 0, .max = 604800,
      .help = "seconds of failures in a row before a loader gives up" },
    { .name = "CLOSED_MARGIN_MS", .scopes = H, .kind = SF_SET_INT, .offset = AT(closed_margin_ms), .initial = "2000", .min = 0, .max = 600000,
      .help = "a candle counts as closed this long after its end, by the exchange's clock" },
    { .name = "SNAPSHOT_EVERY", .scopes = B, .kind = SF_SET_DURATION, .offset = AT(snapshot_every_ms), .initial = "60s", .min = 100, .max = 604800000,
      .help = "time between two snapshots of a book" },
    { .name = "SNAPSHOT_LEVELS", .scopes = B | K, .kind = SF_SET_INT, .offset = AT(snapshot_levels), .initial = "1000", .min = 1, .max = 5000,
      .help = "levels of each side that a snapshot holds; Binance takes 250 of its weight above 1000, 50 up to it" },
    { .name = "BOOK_TOP", .scopes = K, .kind = SF_SET_INT, .offset = AT(book_top), .initial = "0", .min = 0, .max = 5000,
      .help = "keep each book and publish so many of its best levels a side; 0: do not" },
    { .name = "BOOK_TOP_EVERY", .scopes = K, .kind = SF_SET_DURATION, .offset = AT(book_top_every_ms), .initial = "1s", .min = 10, .max = 86400000,
      .help = "how often by the exchange's clock, where the book has changed" },
    { .name = "BOOK_AUDIT_EVERY", .scopes = K, .kind = SF_SET_DURATION, .offset = AT(book_audit_ms), .initial = "10m", .min = 0, .max = 604800000,
      .help = "keep each book, compare it with REST so often, and publish it as a new snapshot; 0: do not" },
    /* ArangoDB */
    { .name = "ARANGO_URL", .scopes = C, .kind = SF_SET_URLS, .offset = AT(arango_url), .is_required = true,
      .help = "coordinators, separated by commas; the next one is taken when one fails" },
    { .name = "ARANGO_DB", .scopes = C, .kind = SF_SET_TEXT, .offset = AT(arango_db), .initial = "streamforge",
      .help = "database" },
    { .name = "ARANGO_USER", .scopes = C, .kind = SF_SET_TEXT, .offset = AT(arango_user), .initial = "root",
      .help = "user" },
    { .name = "ARANGO_PASSWORD", .scopes = C, .kind = SF_SET_TEXT, .offset = AT(arango_password), .is_secret = true,
      .help = "password" },
    { .name = "ARANGO_CA_PATH", .scopes = C, .kind = SF_SET_PATH, .offset = AT(arango_ca_path),
      .help = "PEM file with the authority of the database's certificate; default: the system's" },
    { .name = "ARANGO_AUTH", .scopes = C, .kind = SF_SET_CHOICE, .offset = AT(arango_auth), .initial = "basic", .choices = auths,
      .help = "how to log in; jwt: a token, renewed before it expires" },
    { .name = "ARANGO_CREATE", .scopes = C, .kind = SF_SET_BOOL, .offset = AT(arango_create), .initial = "true",
      .help = "create database, collections and indexes that do not exist" },
    { .name = "ARANGO_LANES", .scopes = C, .kind = SF_SET_INT, .offset = AT(arango_lanes), .initial = "4", .min = 1, .max = 64,
      .help = "requests in flight; a key keeps its lane" },
    { .name = "ARANGO_BATCH_DOCS", .scopes = C, .kind = SF_SET_INT, .offset = AT(arango_batch_docs), .initial = "1000", .min = 1, .max = 100000,
      .help = "documents of one request" },
    { .name = "ARANGO_BATCH_KB", .scopes = C, .kind = SF_SET_INT, .offset = AT(arango_batch_kb), .initial = "1024", .min = 16, .max = 65536,
      .help = "size of one request" },
    { .name = "ARANGO_BATCH_AGE_MS", .scopes = C, .kind = SF_SET_INT, .offset = AT(arango_batch_age_ms), .initial = "100", .min = 0, .max = 60000,
      .help = "how long an incomplete batch may wait" },
    { .name = "ARANGO_TIMEOUT_MS", .scopes = C, .kind = SF_SET_INT, .offset = AT(arango_timeout_ms), .initial = "120000", .min = 100, .max = 3600000,
      .help = "time-out of one request; ArangoDB may stall for minutes" },
    { .name = "DECIMALS", .scopes = C, .kind = SF_SET_CHOICE, .offset = AT(decimals), .initial = "number", .choices = decimals,
      .help = "prices as JSON numbers (with exact.* beside them where a double loses digits) or as text" },
    { .name = NULL },
};
/* clang-format on */

_Static_assert(sizeof(sf_settings) / sizeof(sf_settings[0]) <= 65,
               "struct sf_problems has a bit for each row");
