/* What trades_history.c (publication) and trades_start.c (plan) share. */
#ifndef TRADES_INTERNAL_H
#define TRADES_INTERNAL_H

#include "trades_pager.h"

#include <sf/loader.h>

struct trades {
    struct sf_loader *l;
    const struct sf_conf *conf;
    const struct sf_exchange *exchange;
    struct sf_rest *rest;
    struct trades_pager *pager;
    struct sf_timer *coverage_timer;
    struct sf_str symbol;
    bool is_agg;
    char key_prefix[SF_NAME_MAX + 1], ledger_kind[SF_NAME_MAX + 1];
    struct sf_record_common common;
    struct sf_buf record;
    int64_t from_ms, to_ms; /* of the range, [from, to) */
    int64_t from, to;       /* ids of the range, [from, to); -1: not known yet */
    int64_t expected;       /* the id that comes next */
    int64_t records, first, last, listed_from, voided;
    int64_t probe_id, probe_ms; /* answer of the question under way; -1: none */
    void (*on_probe)(struct trades *t);
    struct sf_trade *probe_rows;
    bool is_probe_newest; /* which row of the answer is wanted */
    bool is_paused, is_ended, is_cut;
};

enum sf_status sf_trades_open(struct sf_loader *l, void **ret_state,
                              struct sf_error *err) SF_MUST_CHECK;
/* End the loader with @cause, after where it happened. */
void sf_trades_fail(struct trades *t, const char *where, const struct sf_error *cause);
/* The ids are known: ask for them. */
void sf_trades_begin(struct trades *t);
/* The pager's callbacks. */
enum sf_status sf_trades_put(void *arg, const struct sf_trade *row);
void sf_trades_done(void *arg);
void sf_trades_give_up(void *arg, const struct sf_error *cause);
/* Timer callback: the ledger's range grows. */
void sf_trades_coverage(void *arg);

#endif
