/* Settings: one table from the environment to a struct (DESIGN section 7).
 *
 * `--help`, `--check`, docs/SETTINGS.md and validation come from the table in
 * conf_table.c; there is one spelling of each variable. Main thread; read-only
 * afterwards. */
#ifndef SF_CONF_H
#define SF_CONF_H

#include <sf/log.h>
#include <sf/names.h>

/* Which programs use a setting. */
enum sf_scope {
    SF_SCOPE_QUEUE = 1,      /* works for a queue: loader or connector */
    SF_SCOPE_LOADER = 2,     /* publishes a queue's data topic */
    SF_SCOPE_REST = 4,       /* asks an exchange by REST */
    SF_SCOPE_HISTORY = 8,    /* of a range that ends */
    SF_SCOPE_CONNECTOR = 16, /* consumes a data topic into ArangoDB */
    SF_SCOPE_LIVE = 32,      /* listens to streams of an exchange */
    SF_SCOPE_SNAPSHOTS = 64, /* asks for order books as a whole, every so often */
    SF_SCOPE_BOOKS = 128,    /* follows order books */
    SF_SCOPE_CANDLES = 256,  /* follows candles */
    SF_SCOPE_MANAGER = 512,  /* starts, follows and stops queues */
};

#define SF_SYMBOLS_MAX 1024 /* streams of one Binance connection */

enum sf_decimals { SF_DECIMALS_NUMBER, SF_DECIMALS_TEXT };
enum sf_kafka_protocol {
    SF_KAFKA_AUTO, /* SASL_SSL when a user is set, else PLAINTEXT */
    SF_KAFKA_PLAINTEXT,
    SF_KAFKA_SSL,
    SF_KAFKA_SASL_PLAINTEXT,
    SF_KAFKA_SASL_SSL,
};
enum sf_launcher { SF_LAUNCHER_PROCESS };
enum sf_arango_auth { SF_ARANGO_BASIC, SF_ARANGO_JWT };

/* Strings are owned by the struct, never NULL: not set is "". */
struct sf_conf {
    /* the queue */
    char *queue_id, *symbol, *group, *type, *interval, *time_range, *exchange;
    char *kafka_topic, *collection_name, *telemetry_producer_id, *until;
    /* Kafka */
    char *kafka_brokers, *kafka_user, *kafka_password, *kafka_mechanism, *kafka_ca_path;
    int64_t kafka_protocol; /* enum sf_kafka_protocol */
    char *control_topic, *events_topic;
    int64_t topic_create, topic_partitions, topic_replication, topic_retention_ms;
    int64_t producer_queue_kb; /* bound on what waits for delivery */
    /* telemetry, logs, admin */
    int64_t telemetry_interval_s, log_level, log_format;
    char *admin_listen;
    int64_t ready_lag_max; /* records; 0: no limit */
    int64_t stop_drain_s;
    /* exchange */
    char *binance_api_url, *binance_ws_url, *binance_api_key;
    int64_t rate_share_percent; /* RATE_SHARE 0.7 -> 70 */
    int64_t live_buffer_kb, ws_rollover_s, ws_idle_s;
    char *spool_path;
    int64_t spool_mb;
    char *tape_record, *tape_replay;
    int64_t tape_speed; /* times as fast as recorded; 0: as fast as it is taken */
    int64_t http_timeout_ms, pages_in_flight, retry_limit_s, closed_margin_ms;
    int64_t snapshot_every_ms, snapshot_levels;
    int64_t book_top, book_top_every_ms, book_audit_ms;
    int64_t running_candles; /* bool */
    /* ArangoDB */
    char *arango_url, *arango_db, *arango_user, *arango_password, *arango_ca_path;
    int64_t arango_auth, arango_create; /* enum sf_arango_auth; bool */
    int64_t arango_lanes, arango_batch_docs, arango_batch_kb, arango_batch_age_ms;
    int64_t arango_timeout_ms, decimals; /* enum sf_decimals */

    /* queue-manager */
    char *manager_listen, *manager_token, *manager_read_token;
    char *manager_cert_path, *manager_key_path;
    char *launcher_dir, *launcher_bin, *image_registry, *image_tag;
    int64_t launcher; /* enum sf_launcher */
    int64_t queues_max, request_max_kb, connections_max, streams_max;
    int64_t lost_after_s, stop_wait_s, restart_backoff_ms, events_keep;

    /* derived by sf_conf_load from the above */
    struct sf_type_ref type_ref;
    int64_t range_from_ms, range_to_ms; /* [from, to); 0, 0 without TIME_RANGE */
    int64_t until_ms;                   /* 0 without UNTIL */
    char (*symbols)[SF_SYMBOL_MAX + 1]; /* symbols_n of them, upper case */
    size_t symbols_n;
    char subject[SF_SYMBOL_MAX + 1]; /* the symbol, or GROUP */
    char short_id[SF_SHORT_ID_LEN + 1];
    char topic[SF_NAME_MAX + 1], dlq_topic[SF_NAME_MAX + 1], collection[SF_NAME_MAX + 1];
    char telemetry_id[SF_NAME_MAX + 1], consumer_group[SF_NAME_MAX + 1];
};

/* Where values come from; NULL when @name is not set. Production passes getenv through
 * sf_conf_env. */
typedef const char *(*sf_getenv_fn)(void *arg, const char *name);
const char *sf_conf_env(void *arg, const char *name);

/* Told once for each problem, one line: "SYMBOL='btc/usdt': expected ...". */
typedef void (*sf_problem_fn)(void *arg, const char *text);

/* Fill @conf for program @image, which uses @scopes: read (also NAME_FILE for each
 * secret, _PRODUCER/_CONSUMER forms, older spellings), check each value and the
 * combination, derive the names. Every problem is reported, not only the first. On
 * failure @conf holds what was understood (so that an error event can still be sent) and
 * must be released all the same.
 *
 * Errors: SF_EINVAL at least one problem; SF_ENOMEM (strings may then be NULL). */
enum sf_status sf_conf_load(struct sf_conf *conf, const char *image, unsigned scopes,
                            sf_getenv_fn get, void *get_arg, sf_problem_fn report,
                            void *report_arg) SF_MUST_CHECK;
void sf_conf_release(struct sf_conf *conf); /* zeroed or half-filled is fine */

/* Every variable that is set and that programs of @scopes read, other spellings, forms
 * and NAME_FILE included: what a program passes on to those that it starts. */
typedef void (*sf_conf_set_fn)(void *arg, const char *name, const char *value,
                               bool is_secret);
void sf_conf_each_set(unsigned scopes, sf_getenv_fn get, void *get_arg, sf_conf_set_fn fn,
                      void *arg);

/* --help: the settings of @scopes with kind, default, range and one line of help. */
void sf_conf_print_help(struct sf_buf *b, const char *image, const char *what,
                        unsigned scopes);
/* NAME=value lines of what is in force, secrets as ***. For --check. */
void sf_conf_print(struct sf_buf *b, const struct sf_conf *conf, unsigned scopes);
/* docs/SETTINGS.md. */
void sf_conf_print_markdown(struct sf_buf *b);

#endif
