/* What live_trades.c (stream, order, life), live_repair.c (holes), live_ledger.c and
 * live_check.c (silent symbols) share. */
#ifndef LIVE_TRADES_H
#define LIVE_TRADES_H

#include "live.h"
#include "sequence.h"
#include "trades_pager.h"

#include <sf/loader.h>

#define REPAIRS_N 4 /* symbols that are repaired at once */

struct live_trades;
struct repair;

/* One symbol of the queue. */
struct live_symbol {
    struct live_trades *t;
    struct sf_str symbol;
    char key_prefix[SF_NAME_MAX + 1];
    struct sequence seq;
    struct sf_buf held; /* length and record, of ids held_from.. in order */
    size_t held_at;     /* where the first of them begins */
    struct repair *repair;
    bool is_waiting;   /* for a repair */
    bool is_checked;   /* the exchange was asked whether it knows the symbol */
    int64_t up_us;     /* mono: since when it is listened to; 0: not */
    const char *cause; /* of the next hole */
    int64_t hole_us;   /* mono: when the hole was seen; 0 none */
    int64_t first;     /* id where the ledger's coverage begins, -1 */
    int64_t covered;   /* id up to which coverage was told */
    int64_t retry_us;  /* mono: a failed repair begins again; 0: at once */
    unsigned fails_n;
};

/* One repair at work, or free (symbol NULL). */
struct repair {
    struct live_trades *t;
    struct live_symbol *symbol;
    struct trades_pager *pager;
    int64_t to; /* what it asks for ends here */
};

struct live_trades {
    struct sf_loader *l;
    const struct sf_conf *conf;
    const struct sf_exchange *exchange;
    struct sf_rest *rest;
    struct sf_live *live;
    struct sf_timer *coverage_timer, *repair_timer;
    bool is_agg, is_paused, is_closing, is_checking;
    bool has_no_rest; /* this host cannot repair */
    char ledger_kind[SF_NAME_MAX + 1];
    struct sf_buf record;
    struct live_symbol *symbols;
    size_t symbols_n;
    struct repair repairs[REPAIRS_N];
    size_t held_bytes, held_max; /* of all symbols together */
    int64_t repaired;            /* records brought by REST */
    unsigned coverage_n;         /* how often coverage was looked at */
    int64_t bad_told_us, dropped_told_us;
};

/* live_trades.c */
enum sf_status sf_live_put(struct live_symbol *s, const struct sf_trade *trade,
                           bool is_rest);
/* The hole is closed, or its begin moved: publish what was held and may be now. */
void sf_live_release(struct live_symbol *s);
void sf_live_fail(struct live_trades *t, const char *where, const struct sf_error *cause);

/* live_repair.c */
enum sf_status sf_repairs_open(struct live_trades *t, struct sf_error *err) SF_MUST_CHECK;
void sf_repairs_close(struct live_trades *t);
/* The symbol's hole changed, or closed: begin, extend or end its repair. */
void sf_repair_look(struct live_symbol *s);
/* There is room again, or no pause any more. */
void sf_repairs_go(struct live_trades *t);

/* live_check.c: ask for symbols that never said anything; now and then. */
void sf_live_check(struct live_trades *t);

/* live_ledger.c */
void sf_ledger_pieces(struct live_symbol *s, const struct sequence_piece *pieces, int n);
/* Coverage of all symbols that grew. */
void sf_ledger_coverage(void *arg);

#endif
