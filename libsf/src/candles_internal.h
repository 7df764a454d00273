/* What candles_history.c (windows, publication) and candles_start.c (plan, probe) share.
 */
#ifndef CANDLES_INTERNAL_H
#define CANDLES_INTERNAL_H

#include "candle_page.h"

#include <sf/loader.h>
#include <sf/rest.h>

struct history;

struct slot {
    struct history *h;
    bool is_used, is_ready;
    int64_t from, to;  /* window of open times, [from, to) */
    int64_t next_from; /* where the page asked for begins */
    bool is_second;    /* the page had holes and was asked for again */
    bool is_complete;  /* no page behind this one */
    unsigned bad_n;
    struct sf_buf body;     /* the rows point into it */
    struct sf_candle *rows; /* of the history */
    size_t rows_n, at;      /* next row to publish */
    struct sf_timer *retry;
};

struct history {
    struct sf_loader *l;
    const struct sf_conf *conf;
    const struct sf_exchange *exchange;
    const struct sf_interval *interval;
    struct sf_rest *rest;
    struct sf_timer *coverage_timer;
    struct sf_str symbol;
    char key_prefix[SF_NAME_MAX + 1], ledger_kind[SF_NAME_MAX + 1];
    struct sf_record_common common;
    struct sf_buf record;
    struct sf_candle probe; /* one row: the first of the range, or the oldest of all */
    int64_t from, to;       /* open times of the range, [from, to) */
    int64_t expected;       /* open time that comes next */
    int64_t planned;        /* begin of the next window */
    int64_t closed_before;  /* ms: the range was cut here */
    struct slot *slots;
    struct sf_candle *rows; /* of all slots */
    size_t slots_n, head, used_n;
    int64_t records, first, last, listed_from;
    bool is_paused, is_ended, is_cut;
};

enum sf_status sf_history_open(struct sf_loader *l, void **ret_state,
                               struct sf_error *err) SF_MUST_CHECK;

/* Ask for candles of [@from, @to), oldest first. */
void sf_history_get(struct history *h, int64_t from, int64_t to, unsigned limit,
                    sf_rest_fn fn, void *arg);
/* End the loader with @cause, after where it happened. */
void sf_history_fail(struct history *h, const char *where, const struct sf_error *cause);
/* Give free slots the next windows of the range. */
void sf_history_fill(struct history *h);
/* Publish what is ready and in turn; end the queue when nothing is left. */
void sf_history_publish(struct history *h);
/* Timer callbacks: the ledger's range grows; a slot (@arg) asks again. */
void sf_history_coverage(void *arg);
void sf_history_retry(void *arg);

#endif
