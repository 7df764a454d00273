/* The registry: every TYPE, its images, its kind. Nothing else knows the types.
 *
 * docs/TYPES.md, GET /types, OpenAPI and the Helm schema are printed from it. Constant
 * data; any thread. */
#ifndef SF_TYPES_H
#define SF_TYPES_H

#include <sf/time.h>

enum sf_kind {
    SF_KIND_CANDLES,
    SF_KIND_TRADES,
    SF_KIND_AGG_TRADES, /* another id space than that of trades */
    SF_KIND_ORDERBOOK,
    SF_KIND_GRAPH,
    SF_KIND_GENERIC,
};

struct sf_type {
    const char *name;      /* "api_candles": the TYPE without its interval */
    bool has_interval;     /* TYPE ends in _<interval> */
    bool has_range;        /* a history: TIME_RANGE is required and the queue ends */
    const char *loader;    /* image name, NULL: reads other queues' topics */
    const char *connector; /* image name */
    enum sf_kind kind;
    bool is_available; /* false: no program serves it in this version */
    const char *what;  /* one line for people */
};

extern const struct sf_type sf_types[]; /* ends with name NULL */

/* A TYPE as given: its row, and its interval where it has one (else NULL). */
struct sf_type_ref {
    const struct sf_type *type;
    const struct sf_interval *interval;
};

/* "api_candles_5m" to its row and interval. Case matters in the interval (1m, 1M).
 * Errors: SF_EINVAL "expected <all that is allowed>; did you mean <the nearest>?". */
enum sf_status sf_type_parse(struct sf_str text, struct sf_type_ref *ret_ref,
                             struct sf_error *err) SF_MUST_CHECK;

/* "candles": as names and the ledger spell it. */
const char *sf_kind_name(enum sf_kind kind);

/* May a TIME_RANGE stand beside it? Live queues have none, but UNTIL; graphs and files
 * may have one to be named by. */
bool sf_type_takes_range(const struct sf_type *type);

/* Does @image (loader or connector) serve @type? */
bool sf_type_has_image(const struct sf_type *type, struct sf_str image);

/* Is @image the name of any image of the registry? */
bool sf_type_is_image(struct sf_str image);

/* Of the NULL-terminated @names the one nearest to @given, or NULL when none is near
 * enough to be a slip of the finger (2 edits, 3 from 8 characters on). */
const char *sf_nearest(struct sf_str given, const char *const *names);

/* docs/TYPES.md to @b. */
void sf_types_print(struct sf_buf *b);

#endif
