/* Judging one page of trades: pure, so that every oddity is a row in a test.
 *
 * A page answers "the trades of ids [from, to), oldest first": the exchange knows only
 * where to begin and how many, so rows of @to and more may follow when ids are missing
 * before. Rows out of order, or before what was asked for, refuse the page. */
#ifndef TRADES_PAGE_H
#define TRADES_PAGE_H

#include <sf/exchange.h>

struct trades_verdict {
    size_t rows_n;       /* rows of [from, to), at the front of the array */
    size_t duplicates_n; /* rows dropped for another one of the same id */
    int64_t missing;     /* the first id of [from, to) without a row; @to: none */
    int64_t next;        /* the first id from @to on that the page shows, or @to */
};

/* Judge and tidy @rows. Errors: SF_EPROTO which row goes back. */
enum sf_status trades_page_judge(int64_t from, int64_t to, struct sf_trade *rows,
                                 size_t n, struct trades_verdict *ret,
                                 struct sf_error *err) SF_MUST_CHECK;

#endif
