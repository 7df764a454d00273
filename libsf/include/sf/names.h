/* Every name in the system, one pure function each (DESIGN section 4).
 *
 * No other code builds a name. All write into a caller's buffer of SF_NAME_MAX + 1 bytes,
 * NUL-terminated. Any thread. Each of them returns:
 *   SF_EINVAL   an argument is not what the rule takes; the text says what was
 *               expected, the value is the caller's to show.
 *   SF_ETOOBIG  the name would pass its limit. */
#ifndef SF_NAMES_H
#define SF_NAMES_H

#include <sf/types.h>

#define SF_NAME_MAX         256 /* characters: ArangoDB collection; the longest of all */
#define SF_TOPIC_MAX        249 /* Kafka */
#define SF_LABEL_MAX        63  /* DNS-1123 */
#define SF_SYMBOL_MAX       20
#define SF_SHORT_ID_LEN     6
#define SF_DEFAULT_EXCHANGE "binance"

/* What a queue's names are made of. All views borrowed. */
struct sf_subject {
    struct sf_str exchange; /* empty or "binance": not part of the names */
    struct sf_str symbol;   /* symbol, or GROUP of a queue of several */
    struct sf_type_ref type;
    int64_t date_ms; /* start of the time range, else today */
    struct sf_str short_id;
};

/* Trim and upper-case @given into @dst: [A-Z0-9][A-Z0-9._-]{0,19}. */
enum sf_status sf_name_symbol(struct sf_str given, char *dst,
                              struct sf_error *err) SF_MUST_CHECK;

/* 6 random characters of [a-z0-9] from getrandom(2), unbiased. Errors: SF_EIO. */
enum sf_status sf_name_short_id(char *dst, struct sf_error *err) SF_MUST_CHECK;
/* The short id at the end of @queue_id; of an id in another form, 6 characters that are a
 * hash of it. */
enum sf_status sf_name_short_id_of(struct sf_str queue_id, char *dst,
                                   struct sf_error *err) SF_MUST_CHECK;
/* The date in @queue_id (..-YYYY_MM_DD-xxxxxx, also with '-'). Errors: SF_ENOTFOUND. */
enum sf_status sf_name_date_of(struct sf_str queue_id, int64_t *ret_ms) SF_MUST_CHECK;

/* What Kafka takes as a topic: [A-Za-z0-9._-], 1 to 249 of them, not "." or "..". */
enum sf_status sf_name_check_topic(struct sf_str topic,
                                   struct sf_error *err) SF_MUST_CHECK;
/* queue_id: the same, as a topic is derived from it. */
enum sf_status sf_name_check_queue_id(struct sf_str queue_id,
                                      struct sf_error *err) SF_MUST_CHECK;

enum sf_status sf_name_queue_id(const struct sf_subject *s, char *dst,
                                struct sf_error *err) SF_MUST_CHECK;
/* Does @queue_id speak of another symbol or TYPE than @s? One in another form than that
 * of sf_name_queue_id speaks of none. Errors: SF_EINVAL it does; which id was expected.
 */
enum sf_status sf_name_check_subject(struct sf_str queue_id, const struct sf_subject *s,
                                     struct sf_error *err) SF_MUST_CHECK;
enum sf_status sf_name_topic(struct sf_str queue_id, char *dst,
                             struct sf_error *err) SF_MUST_CHECK;
enum sf_status sf_name_dlq(struct sf_str topic, char *dst,
                           struct sf_error *err) SF_MUST_CHECK;
enum sf_status sf_name_collection(const struct sf_subject *s, char *dst,
                                  struct sf_error *err) SF_MUST_CHECK;
enum sf_status sf_name_telemetry_id(struct sf_str image, struct sf_str short_id,
                                    char *dst, struct sf_error *err) SF_MUST_CHECK;
enum sf_status sf_name_group(struct sf_str image, struct sf_str queue_id, char *dst,
                             struct sf_error *err) SF_MUST_CHECK;
enum sf_status sf_name_job(struct sf_str image, const struct sf_subject *s, char *dst,
                           struct sf_error *err) SF_MUST_CHECK;
/* "registry/prefix" may be empty: then "image:tag". */
enum sf_status sf_name_image(struct sf_str registry, struct sf_str image,
                             struct sf_str tag, char *dst,
                             struct sf_error *err) SF_MUST_CHECK;
enum sf_status sf_name_command_id(char *dst, struct sf_error *err) SF_MUST_CHECK;

/* The name of what a record describes: "BTCUSDT", or "bybit_BTCUSDT" of another exchange.
 * Every record _key begins with it, and so does the _key of ledger rows. */
enum sf_status sf_name_key_prefix(struct sf_str exchange, struct sf_str symbol, char *dst,
                                  struct sf_error *err) SF_MUST_CHECK;
/* The kind as the ledger spells it: "candles_5m", "candles_1mo", "trades". */
enum sf_status sf_name_ledger_kind(struct sf_type_ref type, char *dst,
                                   struct sf_error *err) SF_MUST_CHECK;

#endif
