/* Data and control records of a queue's topic (DESIGN section 5), and their documents.
 *
 * One table of fields a kind says what a record holds; writing, reading and turning one
 * into a document walk it. Decimals are copied digit for digit. Pure; any thread. */
#ifndef SF_RECORD_H
#define SF_RECORD_H

#include <sf/exchange.h>
#include <sf/scan.h>

#define SF_VERSION_CLOSED \
    INT64_C(9007199254740991) /* 2^53 - 1: newer than any event time */

enum sf_field_kind {
    SF_FIELD_TEXT,
    SF_FIELD_INT,
    SF_FIELD_DEC, /* decimal string */
    SF_FIELD_BOOL,
    SF_FIELD_LEVELS, /* [[price, quantity], ...] of decimal strings */
};

struct sf_field {
    const char *name; /* NULL ends a table */
    enum sf_field_kind kind;
    bool is_required;
};

/* The fields of a kind's records, without _key, exchange, symbol, source, run. */
const struct sf_field *sf_record_fields(enum sf_kind kind);

/* What every record of a queue and symbol has in common. */
struct sf_record_common {
    struct sf_str exchange, symbol; /* "binance", "BTCUSDT" */
    struct sf_str key_prefix;       /* sf_name_key_prefix of the two */
    struct sf_str source;           /* "ws", "rest", "backfill", "tape", "file" */
    int64_t run;
};

/* Append one candle record. @version: SF_VERSION_CLOSED when closed, else the event time.
 */
void sf_record_candle(struct sf_buf *b, const struct sf_record_common *c,
                      const struct sf_interval *iv, const struct sf_candle *candle,
                      bool is_closed, int64_t version);

/* Append one trade record, or that of an aggregate trade. */
void sf_record_trade(struct sf_buf *b, const struct sf_record_common *c, bool is_agg,
                     const struct sf_trade *trade);

/* A record of an order book: a snapshot, a delta, or a reset (the book is void from here
 * on; no levels). */
struct sf_book_event {
    enum sf_book_event_kind { SF_BOOK_SNAPSHOT, SF_BOOK_DELTA, SF_BOOK_RESET } kind;
    int64_t time_ms;
    int64_t first_id, last_id; /* first_id: deltas only */
    int64_t top;               /* a snapshot of the best so many levels only; 0: of all */
    struct sf_levels bids, asks;
    struct sf_str cause; /* resets only: "start", "gap", ... */
};

/* The records of one event: one, or parts where it is larger than SF_BOOK_PART_BYTES. */
struct sf_book_parts {
    const struct sf_book_event *event;
    struct sf_levels_walk walk[SF_SIDES]; /* what comes next */
    size_t left[SF_SIDES];
    unsigned part, parts_n;
};
#define SF_BOOK_PART_BYTES ((size_t)512 * 1024)
/* Borrows @event while the parts are written. */
struct sf_book_parts sf_record_book(const struct sf_book_event *event);
/* Append the next record to @b; false when there is none left. */
bool sf_record_book_next(struct sf_book_parts *parts, const struct sf_record_common *c,
                         struct sf_buf *b);

/* What a reader must know of a record: its place in the order, its run. */
struct sf_record_head {
    struct sf_str key, symbol; /* views into the record; empty: absent */
    int64_t position;          /* open_time, trade_id, ...; -1: absent */
    int64_t run;               /* 0: absent */
    int64_t time_ms;           /* timestamp of a trade or book; -1: absent, or it stands
                                * behind all these */
};
/* Errors: SF_EPROTO not a record of this kind. */
enum sf_status sf_record_head(struct sf_str value, enum sf_kind kind,
                              struct sf_record_head *ret_head,
                              struct sf_error *err) SF_MUST_CHECK;

/* Append the ArangoDB document of record @value: the same fields but `run`; decimals as
 * numbers with the digits copied, and beside them exact.{field} where a double would lose
 * digits (SF_DECIMALS_NUMBER), or all as text (SF_DECIMALS_TEXT). Checks every field; on
 * failure @b is left as it was. *ret_head is filled from it on the way.
 * Errors: SF_EPROTO which field, what was expected; SF_ETOOBIG. */
enum sf_status sf_record_to_doc(struct sf_str value, enum sf_kind kind,
                                enum sf_decimals decimals, struct sf_buf *b,
                                struct sf_record_head *ret_head,
                                struct sf_error *err) SF_MUST_CHECK;

/* ------------------------------------------------------------------ control records */

#define SF_CONTROL_END      "sf-end"
#define SF_CONTROL_POS      "sf-pos"
#define SF_CONTROL_GAP      "sf-gap"
#define SF_CONTROL_COVERAGE "sf-coverage"

/* sf-end: first, last are positions of the queue, -1 when it has none. */
struct sf_end {
    int64_t records, first, last;
    int64_t listed_from; /* -1: the range lies within the listing */
    int64_t cut_to;      /* -1: the range was taken as given; else it was cut to here */
    int64_t to;          /* ms: end of TIME_RANGE, or UNTIL; up to 0: neither was set */
};
void sf_record_end(struct sf_buf *b, const struct sf_end *end);
enum sf_status sf_record_end_parse(struct sf_str json, struct sf_end *ret_end,
                                   struct sf_error *err) SF_MUST_CHECK;

/* A row of the ledger. from and to are positions (open times, ids), both included. */
struct sf_gap {
    struct sf_str exchange, symbol, kind; /* kind: sf_name_ledger_kind */
    int64_t from, to;
    struct sf_str cause; /* "exchange", "cut", "paused", "retention", ... */
    bool is_repaired;
    int64_t records; /* missing, or repaired */
    int64_t took_ms;
};
void sf_record_gap(struct sf_buf *b, const struct sf_gap *gap);
/* cause, ... unused; @range->records, above 0: data records of the queue so far. */
void sf_record_coverage(struct sf_buf *b, const struct sf_gap *range);
/* sf-pos: one symbol, or several by repeated calls between open and close braces. */
void sf_record_pos(struct sf_buf *b, struct sf_str symbol, int64_t position);

/* Append the ledger document of an sf-gap or sf-coverage record: its fields and
 * `_key` {symbol}_{kind}_{from}. On failure @b is left as it was.
 * Errors: SF_EPROTO; SF_ETOOBIG, SF_ENOMEM @b has no room. */
enum sf_status sf_record_ledger_doc(struct sf_str json, struct sf_buf *b,
                                    struct sf_error *err) SF_MUST_CHECK;

#endif
