/* Order books: levels as they stand in a message, snapshot and diffs joined, a book kept.
 *
 * An exchange sends a snapshot (all levels, by REST) and diffs (new quantities of levels,
 * by WebSocket), each with the ids of the updates it holds. struct sf_join says which
 * diffs belong behind a snapshot; struct sf_book keeps the levels. Prices and quantities
 * are decimal text and stay so, digit for digit. Pure but for memory; one thread at a
 * time. */
#ifndef SF_BOOK_H
#define SF_BOOK_H

#include <sf/scan.h>

struct sf_level {
    struct sf_str price, quantity; /* plain decimals, not negative */
};

/* One side of a message: an array of levels that a parser has checked. */
struct sf_levels {
    struct sf_str text; /* with its brackets */
    size_t n;
    bool is_compact; /* exactly [["price","quantity"],...]: nothing to leave out */
};

/* Check @text and fill @ret, which borrows it. Elements of a level behind the second are
 * passed over. Errors: SF_EPROTO which level, what was expected. */
enum sf_status sf_levels_parse(struct sf_str text, struct sf_levels *ret,
                               struct sf_error *err) SF_MUST_CHECK;

/* A walk over checked levels, which are borrowed. */
struct sf_levels_walk {
    const char *p;       /* compact: behind the last level */
    struct sf_scan scan; /* else */
    bool is_compact;
};
struct sf_levels_walk sf_levels_begin(const struct sf_levels *levels);
/* False when there is none left. */
bool sf_levels_next(struct sf_levels_walk *walk, struct sf_level *ret_level);

/* A snapshot, or a diff. Views into the message. */
struct sf_depth {
    struct sf_str symbol;        /* empty where the message does not say */
    int64_t time_ms;             /* of the event by the exchange's clock; -1: not said */
    int64_t first_id;            /* of the updates in a diff; -1: a snapshot */
    int64_t last_id;             /* of the last update in it */
    struct sf_levels bids, asks; /* best first in a snapshot */
};

/* ---------------------------------------------------------------------------- join */

/* What becomes of a diff. */
enum sf_join_step {
    SF_JOIN_HELD,  /* copied: it comes back by sf_join_next when it is its turn */
    SF_JOIN_APPLY, /* it continues the book */
    SF_JOIN_OLD,   /* the book has it already: drop it */
    SF_JOIN_GAP,   /* updates are missing before it: the book is void; it is held */
};

/* The state of one symbol. Ids must touch: a diff applies when its first id is at most
 * one behind the last one applied, and its last id is higher (Binance, "How to manage a
 * local order book correctly"; the first diff behind a snapshot follows the same rule,
 * as recorded joins show). */
struct sf_join {
    bool is_live;    /* a snapshot was taken, and nothing since then is missing */
    int64_t last_id; /* of the book while live, or of the last one; -1: none yet */
    /* private */
    struct sf_held *first, *last, *lent; /* last: valid while there is a first */
    size_t held_bytes, held_max;
    int64_t held_last; /* highest id seen while not live: a snapshot must reach what is
                          held, or this; -1: nothing seen */
    unsigned old_n;    /* old diffs in a row */
};

/* @held_max: bytes of diffs held; over it the oldest go, and only a snapshot that reaches
 * those that are left joins. */
void sf_join_init(struct sf_join *j, size_t held_max);
void sf_join_release(struct sf_join *j);
/* Not live any more. Diffs are held from now on; what is held stays. */
void sf_join_wait(struct sf_join *j);
/* The same, and what is held is forgotten: a new connection begins. */
void sf_join_reset(struct sf_join *j);

/* Ids that go back for good (the exchange counts anew) are a gap after this many. */
#define SF_JOIN_OLD_MAX 100

/* Judge a diff. While anything is held, it is held behind that. */
enum sf_join_step sf_join_diff(struct sf_join *j, const struct sf_depth *diff);
/* Hold a diff although it could be applied: there is no room for it now. */
void sf_join_hold(struct sf_join *j, const struct sf_depth *diff);

/* A snapshot with @last_id arrived. True: live; call sf_join_next for what was held.
 * False: what is held cannot continue it (it is too old); ask for another one. */
bool sf_join_snapshot(struct sf_join *j, int64_t last_id) SF_MUST_CHECK;

/* The next held diff, which continues the book; lent until the next call on @j. NULL:
 * none is held, or (then the book is not live any more) a gap lies before the next. */
const struct sf_depth *sf_join_next(struct sf_join *j);

/* ---------------------------------------------------------------------------- book */

enum sf_side { SF_BIDS, SF_ASKS, SF_SIDES };

struct sf_book;

/* @levels_max: ceiling of a side. */
enum sf_status sf_book_create(size_t levels_max, struct sf_book **ret_book,
                              struct sf_error *err) SF_MUST_CHECK;
void sf_book_destroy(struct sf_book *book);
void sf_book_clear(struct sf_book *book);

/* Set the quantity of a level, copied; zero removes it (an unknown one is no error).
 * Equal prices are one level however they are written. Errors: SF_ETOOBIG over the
 * ceiling; SF_ENOMEM; the level is then unchanged. */
enum sf_status sf_book_set(struct sf_book *book, enum sf_side side, struct sf_level level,
                           struct sf_error *err) SF_MUST_CHECK;
/* All levels of a diff, or of a snapshot into an empty book. Errors: as sf_book_set; the
 * book must then be cleared. */
enum sf_status sf_book_apply(struct sf_book *book, const struct sf_depth *depth,
                             struct sf_error *err) SF_MUST_CHECK;

size_t sf_book_n(const struct sf_book *book, enum sf_side side);
/* @i 0 is the best one; must be below sf_book_n. Lent until the next change. */
struct sf_level sf_book_level(const struct sf_book *book, enum sf_side side, size_t i);
/* Append the best @n levels as [["price","quantity"],...]; returns how many. */
size_t sf_book_print(const struct sf_book *book, enum sf_side side, size_t n,
                     struct sf_buf *b);

/* Levels of @side that stand in one book only or with another quantity (by value), up to
 * and including price @limit; an empty @limit is no limit. */
size_t sf_book_differ(const struct sf_book *a, const struct sf_book *b, enum sf_side side,
                      struct sf_str limit);

#endif
