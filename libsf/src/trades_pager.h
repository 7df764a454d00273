/* Trades of a range of ids by REST, handed out in strict order.
 *
 * The range is cut into windows of one page each; several are asked for at once and wait
 * for their turn. Ids that an answer lacks are asked for again: once without delay, or
 * for as long as the patience lasts. What is missing then is passed over: who takes the
 * rows sees it by their ids. Used for histories, and for the holes of live trades. */
#ifndef TRADES_PAGER_H
#define TRADES_PAGER_H

#include <sf/rest.h>

struct trades_pager;

struct trades_pager_opts {
    struct sf_loop *loop;
    struct sf_rest *rest;
    const struct sf_exchange *exchange;
    bool is_agg;
    unsigned pages_n;    /* asked for at once */
    int64_t patience_ms; /* 0: absent ids are asked for a second time, at once */
    /* The next row, ids ascending. SF_EFULL: the same row comes again after
     * trades_pager_go(). Any other failure ends the range; put has told it. */
    enum sf_status (*put)(void *arg, const struct sf_trade *row);
    void (*done)(void *arg); /* nothing of the range is left to ask */
    void (*fail)(void *arg, const struct sf_error *err); /* the range is given up */
    void *arg;
};

/* Borrows loop, rest, exchange. Errors: SF_ENOMEM. */
enum sf_status trades_pager_create(const struct trades_pager_opts *opts,
                                   struct trades_pager **ret_p) SF_MUST_CHECK;
/* After sf_rest_destroy() of its client. NULL is fine. */
void trades_pager_destroy(struct trades_pager *p);

/* Begin with ids [@from, @to) of @symbol (borrowed); @to INT64_MAX: until an answer comes
 * short. Only while it is idle. */
void trades_pager_start(struct trades_pager *p, struct sf_str symbol, int64_t from,
                        int64_t to);
/* The range grows, or an open one gets its end; an end below what was asked for does
 * nothing. */
void trades_pager_extend(struct trades_pager *p, int64_t to);
/* Forget the range; no callback any more. */
void trades_pager_stop(struct trades_pager *p);
/* Hand out what is ready. */
void trades_pager_go(struct trades_pager *p);
/* No range, and no answer of an earlier one under way. */
bool trades_pager_is_idle(const struct trades_pager *p);

#endif
