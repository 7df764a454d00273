/* What live_candles.c (streams, order, life) and live_candles_repair.c (candles that the
 * stream did not close for us, by REST) share. */
#ifndef LIVE_CANDLES_H
#define LIVE_CANDLES_H

#include "candle_page.h"
#include "live.h"

#include <sf/loader.h>
#include <sf/rest.h>

#define CANDLE_REPAIRS_N 4 /* symbols that are repaired at once */

struct live_candles;
struct candle_repair;

/* One symbol of the queue. Times are open times, ms. */
struct live_candle {
    struct live_candles *c;
    struct sf_str symbol;
    char key_prefix[SF_NAME_MAX + 1];
    int64_t next; /* the closed candle that is published next; -1: not known yet */
    int64_t
        wanted; /* closed ones of [next, wanted) are asked for by REST; else <= next */
    struct sf_buf held; /* length and record, of [held_from, held_next): they wait */
    size_t held_at;     /* where the first of them begins */
    int64_t held_from, held_next;
    int64_t first;     /* where the ledger's coverage begins; -1 */
    int64_t covered;   /* up to where coverage was told */
    int64_t hole_from; /* of the repair that is not told yet */
    int64_t hole_us;   /* mono: since when candles are missing; 0: none are */
    const char *cause; /* of the next hole */
    struct candle_repair *repair;
    int64_t retry_us; /* mono: not before this */
    unsigned fails_n;
    int64_t asked_from; /* the page that was asked for last, and how often */
    unsigned asks_n;
};

/* A page that is asked for or published, or free (symbol NULL). */
struct candle_repair {
    struct live_candles *c;
    struct live_candle *symbol;
    struct sf_buf body;     /* the rows point into it */
    struct sf_candle *rows; /* of a page */
    size_t rows_n, at;      /* next row to publish */
    int64_t from, to;       /* asked for, [from, to) */
    int64_t answered_to;    /* what the rows say of open times ends here */
    bool is_ready;
};

struct live_candles {
    struct sf_loader *l;
    const struct sf_conf *conf;
    const struct sf_exchange *exchange;
    const struct sf_interval *interval;
    struct sf_rest *rest;
    struct sf_live *live;
    struct sf_timer *coverage_timer, *repair_timer;
    struct sf_buf record;
    struct live_candle *symbols;
    size_t symbols_n;
    struct candle_repair repairs[CANDLE_REPAIRS_N];
    char ledger_kind[SF_NAME_MAX + 1];
    bool is_paused, is_closing;
    int64_t repaired, bad_told_us;
};

/* live_candles.c */
/* Publish @s->next. Errors: SF_EFULL come again; others have ended the loader. */
enum sf_status live_candle_put(struct live_candle *s, const struct sf_candle *candle,
                               const char *source) SF_MUST_CHECK;
/* The hole is closed, or there is room: publish what was held and may be now. */
void live_candle_release(struct live_candle *s);
struct sf_gap live_candle_row(const struct live_candle *s, int64_t from, int64_t to);

/* live_candles_repair.c */
enum sf_status live_candles_repairs(struct live_candles *c,
                                    struct sf_error *err) SF_MUST_CHECK;
void live_candles_repairs_end(struct live_candles *c);
/* The exchange has closed all before @until: those from s->next on are missing. */
void live_candle_want(struct live_candle *s, int64_t until);
/* There is room, or no pause any more. */
void live_candles_go(struct live_candles *c);

#endif
