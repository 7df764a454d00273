#include "shapes.h"

#include <stddef.h>
#include <stdlib.h>

#define TRADES_MAX ((size_t)60 * 8) /* of a minute: at most 8 a second, times density */

uint64_t mix_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t state = a ^ (b * UINT64_C(0xd6e8feb86659fd93));

    return mix_next(&state);
}

void bar_append(struct bar *sum, const struct bar *next)
{
    int64_t at = sum->close;

    if (next->trades_n == 0)
        return;
    if (sum->trades_n == 0) {
        sum->open = at + next->open;
        sum->high = at + next->high;
        sum->low = at + next->low;
    }
    if (at + next->high > sum->high)
        sum->high = at + next->high;
    if (at + next->low < sum->low)
        sum->low = at + next->low;
    sum->close = at + next->close;
    sum->volume += next->volume;
    sum->buy_volume += next->buy_volume;
    sum->quote += at * next->volume + next->quote;
    sum->buy_quote += at * next->buy_volume + next->buy_quote;
    sum->trades_n += next->trades_n;
    sum->aggs_n += next->aggs_n;
}

struct bar bar_turn(const struct bar *bar, int sign, int64_t factor)
{
    struct bar b = *bar;

    if (sign < 0) {
        b.open = -bar->open;
        b.high = -bar->low;
        b.low = -bar->high;
        b.close = -bar->close;
    }
    b.volume *= factor;
    b.buy_volume *= factor;
    b.quote *= factor * sign;
    b.buy_quote *= factor * sign;
    return b;
}

struct bar bar_at(const struct bar *bar, int64_t price)
{
    struct bar b = { .close = price };

    bar_append(&b, bar);
    return b;
}

static struct bar bar_of_trade(const struct shape_trade *t)
{
    struct bar b = { .open = t->price,
                     .high = t->price,
                     .low = t->price,
                     .close = t->price,
                     .volume = t->lots,
                     .quote = (int64_t)t->price * t->lots,
                     .trades_n = 1,
                     .aggs_n = t->begins_agg };

    b.buy_volume = t->buyer_is_maker ? 0 : b.volume;
    b.buy_quote = t->buyer_is_maker ? 0 : b.quote;
    return b;
}

/* Sum a minute's trades; their prices are relative to its start, not to each other. */
static void sum_minute(struct minute_shape *m)
{
    struct bar sum = { 0 };

    for (unsigned i = 0; i < m->first[60]; i++) {
        struct bar b = bar_of_trade(&m->trades[i]);

        sum.close = 0;
        bar_append(&sum, &b);
    }
    m->bar = sum;
}

/* What the trades of a market are like: see shapes_create(). */
struct kind {
    int32_t step, lots;
    unsigned density;
};

/* From -@step to @step. */
static int32_t move(uint64_t *state, int32_t step)
{
    return (int32_t)(mix_next(state) % (2 * (uint64_t)step + 1)) - step;
}

/* One second: a first trade that moves, then some close to it. Each fourth second is
 * busy, and a third of what follows is the same order hitting the next counter-order. */
static unsigned make_second(struct shape_trade *to, unsigned second, int32_t *price,
                            struct kind kind, uint64_t *state)
{
    unsigned n = mix_next(state) % 4 == 0 ? 2 + (unsigned)(mix_next(state) % 7) : 1;
    unsigned ms = second * 1000 + (unsigned)(mix_next(state) % 300), from_ms = ms;

    n *= kind.density;
    for (unsigned i = 0; i < n; i++) {
        bool joins = i > 0 && mix_next(state) % 3 == 0;
        uint64_t size = mix_next(state);

        if (!joins) {
            *price += move(state, i == 0 ? kind.step : 1 + kind.step / 50);
            ms += i == 0 ? 0 : 1 + (unsigned)(mix_next(state) % 80);
        }
        if (!joins && kind.density > 1) /* spread over what is left of the second */
            ms = from_ms + (second * 1000 + 999 - from_ms) * i / n;
        to[i].price = *price;
        to[i].ms = (uint16_t)ms;
        to[i].lots = 1 + (int32_t)(size % (2 * (uint64_t)kind.lots));
        if (size >> 60 == 0) /* one of sixteen is large */
            to[i].lots *= 9;
        to[i].buyer_is_maker = joins ? to[i - 1].buyer_is_maker : mix_next(state) % 2;
        to[i].begins_agg = !joins;
    }
    return n;
}

static bool make_minute(struct minute_shape *m, uint64_t seed, struct kind kind)
{
    struct shape_trade *trades = calloc(TRADES_MAX * kind.density, sizeof(*trades));
    struct shape_trade *fitted;
    uint64_t state = seed;
    int32_t price = 0;
    unsigned n = 0;

    if (!trades)
        return false;
    for (unsigned second = 0; second < 60; second++) {
        m->first[second] = n;
        n += make_second(trades + n, second, &price, kind, &state);
    }
    m->first[60] = n;
    fitted = realloc(trades, n * sizeof(*trades));
    m->trades = fitted ? fitted : trades;
    sum_minute(m);
    return true;
}

static void make_group(struct group_shape *g, unsigned parts_n, const struct bar *below,
                       size_t below_size, uint64_t seed)
{
    uint64_t state = seed;
    struct bar sum = { 0 };

    g->parts_n = parts_n;
    for (unsigned i = 0; i < parts_n; i++) {
        uint64_t r = mix_next(&state);
        struct pick pick = { .shape = (uint8_t)(r % SHAPES_N),
                             .sign = (r >> 8) % 2 ? 1 : -1,
                             .factor = (uint8_t)(1 + (r >> 16) % 2) };
        const struct bar *part =
            (const struct bar *)((const char *)below + pick.shape * below_size);
        struct bar turned = bar_turn(part, pick.sign, pick.factor);

        g->picks[i] = pick;
        g->before[i] = (struct offset){ sum.close, sum.trades_n, sum.aggs_n };
        bar_append(&sum, &turned);
    }
    g->before[parts_n] = (struct offset){ sum.close, sum.trades_n, sum.aggs_n };
    g->bar = sum;
}

struct shapes *shapes_create(uint64_t seed, int32_t step, int32_t lots, unsigned density)
{
    struct kind kind = { .step = step, .lots = lots, .density = density };
    struct shapes *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    for (unsigned i = 0; i < SHAPES_N; i++) {
        if (!make_minute(&s->minutes[i], mix(seed, i), kind)) {
            shapes_destroy(s);
            return NULL;
        }
    }
    for (unsigned i = 0; i < SHAPES_N; i++)
        make_group(&s->hours[i], 60, &s->minutes[0].bar, sizeof(s->minutes[0]),
                   mix(seed, 1000 + i));
    for (unsigned i = 0; i < SHAPES_N; i++)
        make_group(&s->days[i], 24, &s->hours[0].bar, sizeof(s->hours[0]),
                   mix(seed, 2000 + i));
    return s;
}

void shapes_destroy(struct shapes *s)
{
    if (!s)
        return;
    for (unsigned i = 0; i < SHAPES_N; i++)
        free(s->minutes[i].trades);
    free(s);
}
