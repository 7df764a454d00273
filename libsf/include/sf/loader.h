/* The life of a loader: sf_loader_main() does everything that loaders have in common.
 *
 * Settings, signals, telemetry, control, topic, resume, delivery, end record, exit code.
 * A source (one struct of functions) does what is different: where records come from. See
 * loaders/api-candles/main.c, and examples/ for one built outside the tree. Everything
 * runs on one thread, in one loop. */
#ifndef SF_LOADER_H
#define SF_LOADER_H

#include <sf/event.h>
#include <sf/record.h>

struct sf_loader;

struct sf_source {
    /* Begin to produce records, by callbacks of the loop; *ret_state is handed to the
     * other functions. Positions of an earlier run: sf_loader_last(). */
    enum sf_status (*open)(struct sf_loader *l, void **ret_state, struct sf_error *err);
    /* Stop asking (is_paused) or go on. NULL: the loader refuses nothing, the queue does.
     */
    void (*pause)(void *state, bool is_paused);
    /* There is room again after sf_loader_put returned SF_EFULL. */
    void (*on_room)(void *state);
    /* Free everything; no record after this. */
    void (*close)(void *state);
    /* Fill "percent" and the like for the next `loading` event: members of a JSON object,
     * each with a comma before it. May be NULL. */
    void (*progress)(void *state, struct sf_buf *extra);
};

struct sf_loader_spec {
    const char *image; /* "loader-api-candles": its name in the registry */
    const char *what;  /* one line for --help */
    unsigned scopes;   /* SF_SCOPE_* beside QUEUE and LOADER */
    const struct sf_source *source;
};

/* main() of a loader: returns the exit code (docs/OPERATIONS.md). */
int sf_loader_main(const struct sf_loader_spec *spec, int argc, char **argv);

/* ----------------------------------------------------- what a source may call */

const struct sf_conf *sf_loader_conf(const struct sf_loader *l);
struct sf_loop *sf_loader_loop(const struct sf_loader *l);
int64_t sf_loader_run(const struct sf_loader *l); /* for struct sf_record_common */

/* What earlier runs left in the topic for @symbol: last position (-1: nothing), number of
 * different records, first position. */
struct sf_loader_past {
    int64_t first, last, records;
    int64_t gaps, gap_records; /* of the ledger records in the topic */
    int64_t last_ms;           /* order books: the highest timestamp; -1: none */
};
const struct sf_loader_past *sf_loader_past(const struct sf_loader *l,
                                            struct sf_str symbol);

#define SF_NO_POSITION \
    (-1) /* of a record that comes again, as a candle that still runs */

/* Publish a record. @position: its id or open_time, which must ascend per symbol; with
 * SF_NO_POSITION it is not counted, and a later run does not go on behind it.
 * Errors: SF_EFULL wait for on_room, nothing was taken; SF_EINVAL not a symbol of this
 * queue; SF_ETOOBIG; SF_EFATAL; SF_ENOMEM an empty record, for which there was none. */
enum sf_status sf_loader_put(struct sf_loader *l, struct sf_str symbol, int64_t position,
                             struct sf_str record) SF_MUST_CHECK;
/* Ledger rows: a control record, an event and a metric. Never full: kept until they fit.
 */
void sf_loader_gap(struct sf_loader *l, const struct sf_gap *gap);
void sf_loader_coverage(struct sf_loader *l, const struct sf_gap *range);

/* The range is complete: flush, end record, `finished`, exit 0. @end->records and first,
 * last are those of the whole queue, earlier runs included; @end->to is set here. */
void sf_loader_finish(struct sf_loader *l, const struct sf_end *end);
/* Give up: flush, `error`, exit 1. */
void sf_loader_fail(struct sf_loader *l, const struct sf_error *err);
/* Tell a `loading` event soon (a wait, a retry): @message is copied. */
void sf_loader_tell(struct sf_loader *l, const char *message);

/* Sources that libsf brings. */
extern const struct sf_source sf_source_candles_history; /* REST klines of a range */
extern const struct sf_source sf_source_trades_history;  /* REST trades of a range */
extern const struct sf_source sf_source_book_snapshots;  /* REST depth, every so often */
extern const struct sf_source sf_source_books_live;  /* depth streams, joined to REST */
extern const struct sf_source sf_source_trades_live; /* trade streams, repaired by REST */
extern const struct sf_source sf_source_candles_live; /* candle streams, likewise */

#endif
