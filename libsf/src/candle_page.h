/* Judging one page of candles: pure, so that every oddity is a row in a test.
 *
 * A page answers "candles of [from, to), oldest first, at most limit". What may come
 * instead: rows twice (a running candle stored before the final one), holes, rows that
 * are still running, rows out of order or out of the window (then the page is refused).
 */
#ifndef CANDLE_PAGE_H
#define CANDLE_PAGE_H

#include <sf/exchange.h>

struct sf_page_ask {
    const struct sf_interval *interval;
    int64_t from, to; /* open times asked for, [from, to) */
    int64_t
        closed_before; /* a candle whose close_time is not below this is still running */
    size_t limit;      /* rows at most: a page of as many may have been cut */
};

struct sf_page_verdict {
    size_t rows_n;       /* rows that stay, at the front of the array */
    size_t duplicates_n; /* rows dropped for another one of the same open_time */
    size_t running_n;    /* rows dropped because they are not closed */
    bool is_complete;    /* nothing of [from, to) is left to ask */
    int64_t next_from;   /* else: where the next page begins */
    bool has_holes;      /* open times inside what was answered that no row has */
};

/* Judge and tidy @rows. Of rows with the same open_time the one with the most trades
 * stays (the later one of equals): a running candle only grows. When a cut page ends in
 * such a double, its last row is given back to the next page. Errors: SF_EPROTO out of
 * order, or outside [from, to): which row. */
enum sf_status sf_page_judge(const struct sf_page_ask *ask, struct sf_candle *rows,
                             size_t n, struct sf_page_verdict *ret,
                             struct sf_error *err) SF_MUST_CHECK;

/* The first open time of @iv that is not before @time_ms. */
int64_t sf_interval_ceil(const struct sf_interval *iv, int64_t time_ms);

#endif
