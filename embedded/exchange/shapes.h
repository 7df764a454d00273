/* The pattern library of a synthetic market: minutes made of trades, hours made of
 * minutes, days made of hours, all relative to the price before their first trade.
 *
 * Everything in a candle is linear in that price (its quote volume too), so a day's
 * candle at any price costs a few multiplications, and every candle is exactly what its
 * trades add up to. A shape may be turned upside down and its quantities multiplied,
 * which makes a small library look like a long history. Integers only: prices in ticks,
 * quantities in lots. */
#ifndef EXCHANGE_SHAPES_H
#define EXCHANGE_SHAPES_H

#include <stdbool.h>
#include <stdint.h>

/* Sum of trades; prices are relative to the price before the first, or absolute. */
struct bar {
    int64_t open, high, low, close;
    int64_t volume, buy_volume; /* lots; buy: the taker bought */
    int64_t quote, buy_quote;   /* ticks times lots */
    int64_t trades_n, aggs_n;   /* aggs: aggregate trades that begin here */
};

struct shape_trade {
    int32_t price; /* ticks above the price before the minute */
    int32_t lots;
    uint16_t ms; /* of the minute */
    bool buyer_is_maker;
    bool begins_agg; /* false: same order, price and time as the trade before */
};

struct minute_shape {
    struct bar bar;
    uint32_t first[61]; /* index of the first trade of each second, and the count */
    struct shape_trade *trades;
};

/* Which shape of the level below, how turned. */
struct pick {
    uint8_t shape;
    int8_t sign;    /* 1, or -1: upside down */
    uint8_t factor; /* of quantities */
};

/* Where a part begins, seen from the start of the whole. */
struct offset {
    int64_t price, trades_n, aggs_n;
};

struct group_shape {
    struct bar bar;
    unsigned parts_n;
    struct pick picks[60];
    struct offset before[61];
};

#define SHAPES_N 64 /* of each level: a pick is a byte, and repeats are rare enough */

struct shapes {
    struct minute_shape minutes[SHAPES_N];
    struct group_shape hours[SHAPES_N]; /* of 60 minutes */
    struct group_shape days[SHAPES_N];  /* of 24 hours */
};

/* Add @next, which begins at the close of @sum. */
void bar_append(struct bar *sum, const struct bar *next);
struct bar bar_turn(const struct bar *bar, int sign, int64_t factor);
/* A relative bar that begins at @price as an absolute one. */
struct bar bar_at(const struct bar *bar, int64_t price);

/* Next of a stream of well mixed numbers (splitmix64, Steele, Lea and Flood 2014). */
uint64_t mix_next(uint64_t *state);
uint64_t mix(uint64_t a, uint64_t b);

#define SHAPES_DENSITY_MAX 500

/* @step: how far the price moves in a second, in ticks; @lots: of a common trade;
 * @density: there are about twice as many trades a second. NULL when out of memory. */
struct shapes *shapes_create(uint64_t seed, int32_t step, int32_t lots, unsigned density);
void shapes_destroy(struct shapes *s);

#endif
