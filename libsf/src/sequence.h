/* The order of one symbol's live records: pure, so that every mishap is a row in a test.
 *
 * Ids are contiguous. What comes next is published; what comes later waits, and between
 * the two is a hole that REST fills, or another connection. Where the held records are
 * kept is the caller's matter: this says what to do with each id, what hole is open, and
 * what the ledger is to be told. Numbers only, no time, no I/O. */
#ifndef SEQUENCE_H
#define SEQUENCE_H

#include <stdbool.h>
#include <stdint.h>

#define SEQUENCE_OPEN INT64_MAX /* the end of a hole that is not known yet */

struct sequence {
    int64_t next; /* the id that is published next; -1: the first that comes */
    int64_t held_from, held_to; /* ids that wait, [from, to); equal: none */
    bool is_open;               /* there may be ids from next on that were not seen */
    bool is_blocked;            /* the queue behind takes nothing */
    int64_t run_from;           /* what REST repaired and the ledger does not know yet */
    int64_t rest_n;             /* records of that run that came by REST */
};

enum sequence_verdict {
    SEQUENCE_PUT,  /* publish it, then sequence_took(); if refused, sequence_block() */
    SEQUENCE_OLD,  /* published, held, or brought by REST anyway: forget it */
    SEQUENCE_HOLD, /* keep it behind those that are held */
    SEQUENCE_HOLD_NEW, /* forget those that are held, keep it as the first */
    SEQUENCE_BEYOND,   /* behind the hole: stop asking, then sequence_rest_done() */
};

/* A stretch of ids for the ledger, [from, to). */
struct sequence_piece {
    int64_t from, to;
    bool is_repaired;
};

/* @next: as the field. With an earlier run's last id + 1 the hole begins at once. */
void sequence_init(struct sequence *s, int64_t next);

/* An id from the stream. The held range is updated; next is not: see sequence_took. */
enum sequence_verdict sequence_offer(struct sequence *s, int64_t id);
/* @id, to be held, found no room: all held records are dropped, it is the first one now.
 * Without room for even that: sequence_drop. */
void sequence_overflow(struct sequence *s, int64_t id);
/* All held records are dropped, and so is what comes: the hole's end is open. */
void sequence_drop(struct sequence *s);
/* Ids may have been missed from now on (a cut, a pause): the hole's end is open. */
void sequence_miss(struct sequence *s);

/* @id was published. @is_rest: REST brought it. */
void sequence_took(struct sequence *s, int64_t id, bool is_rest);
/* @id was to be published and the queue behind is full; it came from the stream
 * (@is_held false), is the first of the held, or REST will bring it again. */
void sequence_block(struct sequence *s);
void sequence_unblock(struct sequence *s);

/* Is the first of the held records next? Take it out with sequence_took(held_from). */
bool sequence_may_release(const struct sequence *s);

/* Is there a hole? [*ret_from, *ret_to), to SEQUENCE_OPEN while its end is unknown. */
bool sequence_hole(const struct sequence *s, int64_t *ret_from, int64_t *ret_to);

/* A row by REST, which has passed over none: PUT, OLD or BEYOND. Ids before it that are
 * missing (REST has none) are skipped: then *ret_pieces holds what the ledger is to be
 * told first. */
enum sequence_verdict sequence_offer_rest(struct sequence *s, int64_t id,
                                          struct sequence_piece pieces[2], int *ret_n);
/* REST has no more of the hole: what is left of it up to its end (none when open) is
 * missing. The ledger's pieces, in order. */
int sequence_rest_done(struct sequence *s, struct sequence_piece pieces[2]);
/* The hole is closed, by whatever: what REST repaired of it, for the ledger. */
int sequence_repaired(struct sequence *s, struct sequence_piece pieces[1]);

#endif
