/* The order book of a synthetic market: for every moment the same, without keeping any.
 * It changes every BOOK_STEP_MS, and stands around the last trade's price. */
#ifndef EXCHANGE_BOOK_H
#define EXCHANGE_BOOK_H

#include "market.h"

#include <sf/buf.h>

#define BOOK_STEP_MS  100
#define BOOK_SIDE_MAX 5000 /* levels; about one price in four has one */

struct level {
    int64_t price, lots;
};

struct book {
    int64_t id;                                            /* of its last update */
    struct level bids[BOOK_SIDE_MAX], asks[BOOK_SIDE_MAX]; /* best first */
    size_t bids_n, asks_n;
};

/* The book at @time_ms. False: no trade yet, and no book. */
bool book_at(const struct market *m, int64_t time_ms, struct book *ret);
/* What a snapshot at @time_ms calls its last update: that of the book, or one behind it,
 * since at the exchange snapshots fall between two events of the stream too. */
int64_t book_snapshot_id(const struct market *m, int64_t time_ms);

/* From one book to the next. */
struct book_pair;

/* NULL: out of memory. */
struct book_pair *book_pair_create(const struct market *m, int64_t time_ms);
/* Step to @time_ms; false: there is no book, or no change. */
bool book_pair_step(struct book_pair *p, const struct market *m, int64_t time_ms);
/* "U":...,"u":...,"b":[...],"a":[...]} of the last step. */
void book_pair_print(const struct book_pair *p, const struct market *m, struct sf_buf *b);

#endif
