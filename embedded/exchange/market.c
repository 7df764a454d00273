#include "market.h"

#include <stdlib.h>

#define SECOND_MS 1000
#define MINUTE_MS 60000
#define HOUR_MS   3600000
#define DAY_MS    86400000

/* Tick and lot sizes are those of the real pairs; prices near which they stay are made
 * up, the first days too where the year is right. */
/* clang-format off */
const struct symbol symbols[] = {
    { "BTCUSDT",  "BTC",  "USDT", 6000000, 2, 5, "2017-08-17" },
    { "ETHUSDT",  "ETH",  "USDT",  300000, 2, 4, "2017-08-17" },
    { "BNBUSDT",  "BNB",  "USDT",   60000, 2, 3, "2017-11-06" },
    { "SOLUSDT",  "SOL",  "USDT",   15000, 2, 3, "2020-08-11" },
    { "XRPUSDT",  "XRP",  "USDT",    6000, 4, 1, "2018-05-04" },
    { "ADAUSDT",  "ADA",  "USDT",    5000, 4, 1, "2018-04-17" },
    { "DOGEUSDT", "DOGE", "USDT",   15000, 5, 0, "2019-07-05" },
    { "LTCUSDT",  "LTC",  "USDT",    8000, 2, 3, "2017-12-13" },
    { "LINKUSDT", "LINK", "USDT",   15000, 3, 2, "2019-01-16" },
    { "ETHBTC",   "ETH",  "BTC",     5000, 5, 3, "2017-07-14" },
    { .name = NULL },
};
/* clang-format on */

/* Where a day begins. */
struct day {
    int64_t price, trade_id, agg_id;
    struct pick pick;
};

struct market {
    const struct symbol *symbol;
    struct shapes *shapes;
    int64_t listed_ms;
    struct day *days; /* from the listing to 2100, and one that ends the last */
    int64_t days_n;
};

/* A unit of time (day, hour, minute) where it stands. */
struct place {
    int64_t price, trade_id, agg_id; /* before its first trade */
    int sign;
    int64_t factor;
    unsigned shape;
};

const struct symbol *symbol_find(struct sf_str name)
{
    for (const struct symbol *s = symbols; s->name; s++)
        if (sf_str_eq(sf_str_from(s->name), name))
            return s;
    return NULL;
}

/* The price is free to walk near its home, and walks back when it is far. */
static struct pick pick_day(const struct market *m, uint64_t seed, int64_t day,
                            int64_t price)
{
    uint64_t r = mix(seed, (uint64_t)day);
    int64_t home = m->symbol->price_ticks, close;
    struct pick pick = { .shape = (uint8_t)(r % SHAPES_N),
                         .sign = (r >> 8) % 2 ? 1 : -1,
                         .factor = (uint8_t)(1 + (r >> 16) % 3) };

    close = m->shapes->days[pick.shape].bar.close;
    if (price > home + home / 2)
        pick.sign = close > 0 ? -1 : 1;
    if (price < home - home / 3)
        pick.sign = close > 0 ? 1 : -1;
    return pick;
}

static void walk_days(struct market *m, uint64_t seed)
{
    struct day at = { .price = m->symbol->price_ticks };

    for (int64_t i = 0; i <= m->days_n; i++) {
        const struct group_shape *shape;

        at.pick = pick_day(m, seed, i, at.price);
        m->days[i] = at;
        shape = &m->shapes->days[at.pick.shape];
        at.price += at.pick.sign * shape->bar.close;
        at.trade_id += shape->bar.trades_n;
        at.agg_id += shape->bar.aggs_n;
    }
}

struct market *market_create(const struct symbol *symbol, uint64_t seed, unsigned density)
{
    struct market *m = calloc(1, sizeof(*m));
    uint64_t mixed = mix(seed, sf_str_hash(sf_str_from(symbol->name)));
    int64_t lots = 300; /* a common trade is worth about 300 of a dollar-like quote */

    if (!m)
        return NULL;
    for (unsigned i = 0; i < symbol->price_digits + symbol->lot_digits; i++)
        lots *= 10;
    lots = lots / symbol->price_ticks;
    if (sf_str_eq(sf_str_from(symbol->quote), SF_STR("BTC")))
        lots /= 10000;
    lots /= density;
    m->symbol = symbol;
    m->shapes = shapes_create(mixed, 1 + (int32_t)(symbol->price_ticks / 12000),
                              lots > 0 ? (int32_t)lots : 1, density);
    if (sf_time_parse_date(sf_str_from(symbol->listed), &m->listed_ms) == SF_OK)
        m->days_n = (SF_TIME_MAX_MS - m->listed_ms) / DAY_MS;
    m->days = calloc((size_t)m->days_n + 1, sizeof(*m->days));
    if (!m->shapes || !m->days || m->days_n == 0) {
        market_destroy(m);
        return NULL;
    }
    walk_days(m, mixed);
    return m;
}

void market_destroy(struct market *m)
{
    if (!m)
        return;
    shapes_destroy(m->shapes);
    free(m->days);
    free(m);
}

const struct symbol *market_symbol(const struct market *m)
{
    return m->symbol;
}

int64_t market_listed_ms(const struct market *m)
{
    return m->listed_ms;
}

/* ----------------------------------------------------------------------------- places */

static struct place day_place(const struct market *m, int64_t day)
{
    const struct day *d = &m->days[day];

    return (struct place){ .price = d->price,
                           .trade_id = d->trade_id,
                           .agg_id = d->agg_id,
                           .sign = d->pick.sign,
                           .factor = d->pick.factor,
                           .shape = d->pick.shape };
}

static struct place part_place(const struct place *whole, const struct group_shape *g,
                               unsigned part)
{
    struct pick pick = g->picks[part];
    struct offset o = g->before[part];

    return (struct place){ .price = whole->price + whole->sign * o.price,
                           .trade_id = whole->trade_id + o.trades_n,
                           .agg_id = whole->agg_id + o.aggs_n,
                           .sign = whole->sign * pick.sign,
                           .factor = whole->factor * pick.factor,
                           .shape = pick.shape };
}

/* @since_ms: since the listing, everywhere below. */
static struct place hour_place(const struct market *m, int64_t since_ms)
{
    struct place day = day_place(m, since_ms / DAY_MS);

    return part_place(&day, &m->shapes->days[day.shape],
                      (unsigned)(since_ms % DAY_MS / HOUR_MS));
}

static struct place minute_place(const struct market *m, int64_t since_ms)
{
    struct place hour = hour_place(m, since_ms);

    return part_place(&hour, &m->shapes->hours[hour.shape],
                      (unsigned)(since_ms % HOUR_MS / MINUTE_MS));
}

/* ------------------------------------------------------------------------------- bars */

static struct bar placed(const struct place *p, const struct bar *bar)
{
    struct bar turned = bar_turn(bar, p->sign, p->factor);

    return bar_at(&turned, p->price);
}

/* The trades of the minute at @since_ms with times in [@from, @to) of that minute. */
static struct bar part_of_minute(const struct market *m, int64_t since_ms, unsigned from,
                                 unsigned to)
{
    struct place p = minute_place(m, since_ms);
    const struct minute_shape *shape = &m->shapes->minutes[p.shape];
    unsigned i = shape->first[from / SECOND_MS];
    struct bar sum = { .close = p.price };

    if (i > 0)
        sum.close += p.sign * shape->trades[i - 1].price;
    for (; i < shape->first[60] && shape->trades[i].ms < to; i++) {
        const struct shape_trade *t = &shape->trades[i];
        int64_t lots = t->lots * p.factor, price = p.price + p.sign * t->price;
        struct bar one = { .volume = lots,
                           .buy_volume = t->buyer_is_maker ? 0 : lots,
                           .trades_n = 1,
                           .aggs_n = t->begins_agg };

        if (t->ms < from) {
            sum.close = price;
            continue;
        }
        one.open = one.high = one.low = one.close = price - sum.close;
        one.quote = one.open * one.volume;
        one.buy_quote = one.open * one.buy_volume;
        bar_append(&sum, &one);
    }
    return sum;
}

/* The largest unit that begins at @since_ms and ends by @end_ms; its length. */
static int64_t take_unit(const struct market *m, int64_t since_ms, int64_t end_ms,
                         struct bar *ret)
{
    int64_t left = end_ms - since_ms, of_minute = since_ms % MINUTE_MS;
    struct place p;

    if (since_ms % DAY_MS == 0 && left >= DAY_MS) {
        p = day_place(m, since_ms / DAY_MS);
        *ret = placed(&p, &m->shapes->days[p.shape].bar);
        return DAY_MS;
    }
    if (since_ms % HOUR_MS == 0 && left >= HOUR_MS) {
        p = hour_place(m, since_ms);
        *ret = placed(&p, &m->shapes->hours[p.shape].bar);
        return HOUR_MS;
    }
    if (of_minute == 0 && left >= MINUTE_MS) {
        p = minute_place(m, since_ms);
        *ret = placed(&p, &m->shapes->minutes[p.shape].bar);
        return MINUTE_MS;
    }
    if (left > MINUTE_MS - of_minute)
        left = MINUTE_MS - of_minute;
    *ret = part_of_minute(m, since_ms, (unsigned)of_minute, (unsigned)(of_minute + left));
    return left;
}

bool market_bar(const struct market *m, int64_t from_ms, int64_t to_ms, struct bar *ret)
{
    int64_t at = from_ms - m->listed_ms, end = to_ms - m->listed_ms;
    struct bar sum = { 0 };
    bool is_first = true;

    if (at < 0)
        at = 0;
    if (end > m->days_n * DAY_MS)
        end = m->days_n * DAY_MS;
    if (end <= at)
        return false;
    while (at < end) {
        struct bar unit;

        at += take_unit(m, at, end, &unit);
        /* what is appended to is relative to its close */
        unit.quote -= sum.close * unit.volume;
        unit.buy_quote -= sum.close * unit.buy_volume;
        unit.open -= sum.close;
        unit.high -= sum.close;
        unit.low -= sum.close;
        unit.close -= sum.close;
        if (is_first && unit.trades_n == 0)
            sum.close = unit.close;
        is_first = false;
        bar_append(&sum, &unit);
    }
    if (sum.trades_n == 0)
        sum.open = sum.high = sum.low = sum.close;
    *ret = sum;
    return true;
}

/* ----------------------------------------------------------------------------- trades */

static void enter_minute(struct trade_cursor *c, int64_t since_ms)
{
    struct place p = minute_place(c->m, since_ms);

    c->shape = &c->m->shapes->minutes[p.shape];
    c->minute_ms = since_ms - since_ms % MINUTE_MS;
    c->id = p.trade_id;
    c->agg_id = p.agg_id;
    c->price = p.price;
    c->sign = p.sign;
    c->factor = p.factor;
    c->i = 0;
    c->aggs_n = 0;
}

void trade_at_time(struct trade_cursor *c, const struct market *m, int64_t time_ms)
{
    int64_t since_ms = time_ms < m->listed_ms ? 0 : time_ms - m->listed_ms;

    c->m = m;
    c->shape = NULL;
    if (since_ms >= m->days_n * DAY_MS)
        return;
    enter_minute(c, since_ms);
    while (c->i < c->shape->first[60] && c->shape->trades[c->i].ms < since_ms % MINUTE_MS)
        c->aggs_n += c->shape->trades[c->i++].begins_agg;
}

bool trade_next(struct trade_cursor *c, struct trade *ret)
{
    const struct shape_trade *t;

    if (!c->shape)
        return false;
    if (c->i == c->shape->first[60]) {
        if (c->minute_ms + MINUTE_MS >= c->m->days_n * DAY_MS)
            return false;
        enter_minute(c, c->minute_ms + MINUTE_MS);
    }
    t = &c->shape->trades[c->i];
    c->aggs_n += t->begins_agg;
    *ret = (struct trade){ .id = c->id + c->i,
                           .agg_id = c->agg_id + c->aggs_n - 1,
                           .time_ms = c->m->listed_ms + c->minute_ms + t->ms,
                           .price = c->price + c->sign * t->price,
                           .lots = t->lots * c->factor,
                           .buyer_is_maker = t->buyer_is_maker,
                           .begins_agg = t->begins_agg };
    c->i++;
    return true;
}

/* The last part of @g that begins at or before the @n-th trade. */
static unsigned find_part(const struct group_shape *g, int64_t n, bool is_agg)
{
    unsigned part = 0;

    while (part + 1 < g->parts_n &&
           (is_agg ? g->before[part + 1].aggs_n : g->before[part + 1].trades_n) <= n)
        part++;
    return part;
}

static void find_id(struct trade_cursor *c, const struct market *m, int64_t id,
                    bool is_agg)
{
    int64_t low = 0, high = m->days_n;
    const struct group_shape *g;
    struct place p;
    unsigned hour, minute;

    c->m = m;
    c->shape = NULL;
    if (id >= (is_agg ? m->days[high].agg_id : m->days[high].trade_id))
        return;
    while (high - low > 1) {
        int64_t mid = (low + high) / 2;

        if ((is_agg ? m->days[mid].agg_id : m->days[mid].trade_id) <= id)
            low = mid;
        else
            high = mid;
    }
    p = day_place(m, low);
    g = &m->shapes->days[p.shape];
    hour = find_part(g, id - (is_agg ? p.agg_id : p.trade_id), is_agg);
    p = part_place(&p, g, hour);
    g = &m->shapes->hours[p.shape];
    minute = find_part(g, id - (is_agg ? p.agg_id : p.trade_id), is_agg);
    enter_minute(c, low * DAY_MS + hour * (int64_t)HOUR_MS + minute * (int64_t)MINUTE_MS);
}

void trade_at_id(struct trade_cursor *c, const struct market *m, int64_t id)
{
    find_id(c, m, id < 0 ? 0 : id, false);
    while (c->shape && c->id + c->i < id)
        c->aggs_n += c->shape->trades[c->i++].begins_agg;
}

void trade_at_agg(struct trade_cursor *c, const struct market *m, int64_t agg_id)
{
    find_id(c, m, agg_id < 0 ? 0 : agg_id, true);
    while (c->shape && c->agg_id + c->aggs_n < agg_id)
        c->aggs_n += c->shape->trades[c->i++].begins_agg;
    /* past what still belongs to the aggregate before */
    while (c->shape && c->i < c->shape->first[60] && !c->shape->trades[c->i].begins_agg)
        c->i++;
}

int64_t market_trades_before(const struct market *m, int64_t time_ms, bool is_agg)
{
    struct trade_cursor c;
    struct trade t;

    if (time_ms <= m->listed_ms)
        return 0;
    trade_at_time(&c, m, time_ms);
    if (trade_next(&c, &t))
        return is_agg ? t.agg_id + !t.begins_agg : t.id;
    return is_agg ? m->days[m->days_n].agg_id : m->days[m->days_n].trade_id;
}
