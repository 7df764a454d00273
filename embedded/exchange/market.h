/* A synthetic market: for a seed and a symbol every trade and candle of any time,
 * the same on every machine, without keeping any of it. */
#ifndef EXCHANGE_MARKET_H
#define EXCHANGE_MARKET_H

#include "shapes.h"

#include <sf/str.h>
#include <sf/time.h>

struct symbol {
    const char *name, *base, *quote;
    int64_t price_ticks;               /* that the price keeps near to */
    unsigned price_digits, lot_digits; /* decimals of a tick and of a lot; sum <= 8 */
    const char *listed;                /* first day */
};

extern const struct symbol symbols[]; /* ends with name NULL */
#define SYMBOLS_MAX 16

const struct symbol *symbol_find(struct sf_str name); /* or NULL */

struct market;

/* @density: of trades, 1 to SHAPES_DENSITY_MAX; 1 is about two a second. NULL when out of
 * memory. */
struct market *market_create(const struct symbol *symbol, uint64_t seed,
                             unsigned density);
void market_destroy(struct market *m);
const struct symbol *market_symbol(const struct market *m);
int64_t market_listed_ms(const struct market *m);

/* What the trades of [@from_ms, @to_ms) add up to, prices absolute. Without a trade in it
 * the bar's prices are that of the last trade before. False before the listing. */
bool market_bar(const struct market *m, int64_t from_ms, int64_t to_ms, struct bar *ret);

struct trade {
    int64_t id, agg_id, time_ms, price, lots;
    bool buyer_is_maker, begins_agg;
};

/* The trades in order of id, one after another. */
struct trade_cursor {
    const struct market *m;
    const struct minute_shape *shape;
    int64_t minute_ms, id, agg_id, price; /* before the minute's first trade */
    int sign;
    int64_t factor;
    unsigned i; /* next trade of the minute */
    unsigned aggs_n;
};

/* Go to the first trade at or after @time_ms, or to trade (aggregate trade) @id. */
void trade_at_time(struct trade_cursor *c, const struct market *m, int64_t time_ms);
void trade_at_id(struct trade_cursor *c, const struct market *m, int64_t id);
void trade_at_agg(struct trade_cursor *c, const struct market *m, int64_t agg_id);
/* Lend the next; false at the end of time (2100). */
bool trade_next(struct trade_cursor *c, struct trade *ret);
/* How many trades (aggregate trades) there were before @time_ms: the next one's id. */
int64_t market_trades_before(const struct market *m, int64_t time_ms, bool is_agg);

#endif
