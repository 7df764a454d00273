/* The synthetic market of sf-exchange: whatever way a time is cut, its candles are what
 * its trades add up to, digit for digit. */
#include "embedded/exchange/market.h"
#include "oom.h"
#include "runner.h"

#define DAY_MS  INT64_C(86400000)
#define RANGES  60
#define LATE_MS INT64_C(1767225600000) /* 2026-01-01: all symbols exist long before */

static struct market *market;
static uint64_t state; /* of the ranges to look at */

static void start(void)
{
    market = market_create(symbol_find(SF_STR("BTCUSDT")), 1, 1);
    ck_assert_ptr_nonnull(market);
    state = 20240601;
}

static void stop(void)
{
    market_destroy(market);
}

static int64_t below(int64_t n)
{
    return (int64_t)(mix_next(&state) % (uint64_t)n);
}

static int64_t any_time(void)
{
    int64_t listed_ms = market_listed_ms(market);

    return listed_ms + below(LATE_MS - listed_ms);
}

/* Add @next, both absolute. */
static void join(struct bar *sum, const struct bar *next)
{
    if (next->trades_n == 0)
        return;
    if (sum->trades_n == 0) {
        *sum = *next;
        return;
    }
    sum->high = next->high > sum->high ? next->high : sum->high;
    sum->low = next->low < sum->low ? next->low : sum->low;
    sum->close = next->close;
    sum->volume += next->volume;
    sum->buy_volume += next->buy_volume;
    sum->quote += next->quote;
    sum->buy_quote += next->buy_quote;
    sum->trades_n += next->trades_n;
    sum->aggs_n += next->aggs_n;
}

static struct bar bar_between(int64_t from_ms, int64_t to_ms)
{
    struct bar b = { 0 };

    ck_assert(market_bar(market, from_ms, to_ms, &b));
    return b;
}

static void expect_same(const struct bar *a, const struct bar *b)
{
    ck_assert_int_eq(a->open, b->open);
    ck_assert_int_eq(a->high, b->high);
    ck_assert_int_eq(a->low, b->low);
    ck_assert_int_eq(a->close, b->close);
    ck_assert_int_eq(a->volume, b->volume);
    ck_assert_int_eq(a->buy_volume, b->buy_volume);
    ck_assert_int_eq(a->quote, b->quote);
    ck_assert_int_eq(a->buy_quote, b->buy_quote);
    ck_assert_int_eq(a->trades_n, b->trades_n);
    ck_assert_int_eq(a->aggs_n, b->aggs_n);
}

static const struct {
    const char *whole, *part;
} intervals[] = {
    { "1m", "1s" },  { "3m", "1s" },  { "5m", "1m" },  { "15m", "3m" }, { "30m", "5m" },
    { "1h", "1m" },  { "1h", "1s" },  { "2h", "15m" }, { "4h", "1h" },  { "6h", "30m" },
    { "8h", "4h" },  { "12h", "1m" }, { "1d", "1m" },  { "3d", "1h" },  { "1w", "1d" },
    { "1w", "15m" }, { "1M", "1d" },  { "1M", "1h" },  { "1M", "5m" },
};

START_TEST(a_candle_is_what_its_parts_add_up_to)
{
    const struct sf_interval *whole = sf_interval_find(sf_str_from(intervals[_i].whole));
    const struct sf_interval *part = sf_interval_find(sf_str_from(intervals[_i].part));

    for (int n = 0; n < RANGES; n++) {
        /* behind the first week: that the listing cuts is another test */
        int64_t open_ms = sf_interval_floor(whole, any_time() + 31 * DAY_MS);
        int64_t end_ms = sf_interval_add(whole, open_ms, 1);
        struct bar sum = { 0 }, want = bar_between(open_ms, end_ms);

        for (int64_t at = open_ms; at < end_ms; at = sf_interval_add(part, at, 1)) {
            struct bar one = bar_between(at, sf_interval_add(part, at, 1));

            join(&sum, &one);
        }
        expect_same(&sum, &want);
    }
}
END_TEST

static struct bar bar_of(const struct trade *t)
{
    struct bar b = { .open = t->price,
                     .high = t->price,
                     .low = t->price,
                     .close = t->price,
                     .volume = t->lots,
                     .quote = t->price * t->lots,
                     .trades_n = 1,
                     .aggs_n = t->begins_agg };

    b.buy_volume = t->buyer_is_maker ? 0 : b.volume;
    b.buy_quote = t->buyer_is_maker ? 0 : b.quote;
    return b;
}

/* Ranges that begin and end at any millisecond, over hours and days. */
START_TEST(a_candle_is_what_its_trades_add_up_to)
{
    for (int n = 0; n < RANGES; n++) {
        int64_t from_ms = any_time(), to_ms = from_ms + 2000 + below(DAY_MS / 8);
        struct bar sum = { 0 }, want = bar_between(from_ms, to_ms);
        struct trade_cursor c;
        struct trade t, last = { 0 };

        trade_at_time(&c, market, from_ms);
        while (trade_next(&c, &t) && t.time_ms < to_ms) {
            struct bar one = bar_of(&t);

            ck_assert_int_ge(t.time_ms, from_ms);
            if (sum.trades_n > 0) {
                ck_assert_int_eq(t.id, last.id + 1);
                ck_assert_int_ge(t.time_ms, last.time_ms);
                ck_assert_int_eq(t.agg_id, last.agg_id + t.begins_agg);
            }
            join(&sum, &one);
            last = t;
        }
        expect_same(&sum, &want);
        ck_assert_int_eq(market_trades_before(market, to_ms, false) -
                             market_trades_before(market, from_ms, false),
                         want.trades_n);
        ck_assert_int_eq(market_trades_before(market, to_ms, true) -
                             market_trades_before(market, from_ms, true),
                         want.aggs_n);
    }
}
END_TEST

/* An aggregate trade is one order at one price and time (Binance's definition). */
START_TEST(trades_of_an_aggregate_are_alike)
{
    struct trade_cursor c;
    struct trade t, last = { 0 };
    int64_t joined_n = 0;

    trade_at_id(&c, market, 0);
    for (int64_t n = 0; n < 200000; n++) {
        ck_assert(trade_next(&c, &t));
        ck_assert_int_eq(t.id, n);
        ck_assert_int_gt(t.lots, 0);
        if (n > 0 && t.agg_id == last.agg_id) {
            joined_n++;
            ck_assert_int_eq(t.price, last.price);
            ck_assert_int_eq(t.time_ms, last.time_ms);
            ck_assert(t.buyer_is_maker == last.buyer_is_maker);
        }
        last = t;
    }
    ck_assert_int_gt(joined_n, 1000);
}
END_TEST

START_TEST(a_trade_is_found_by_time_id_and_aggregate)
{
    for (int n = 0; n < 500; n++) {
        struct trade_cursor by_time, by_id, by_agg;
        struct trade a, b;
        int64_t time_ms = any_time();

        trade_at_time(&by_time, market, time_ms);
        ck_assert(trade_next(&by_time, &a));
        ck_assert_int_ge(a.time_ms, time_ms);
        ck_assert_int_eq(a.id, market_trades_before(market, time_ms, false));
        trade_at_id(&by_id, market, a.id);
        ck_assert(trade_next(&by_id, &b));
        ck_assert_int_eq(b.id, a.id);
        ck_assert_int_eq(b.agg_id, a.agg_id);
        ck_assert_int_eq(b.time_ms, a.time_ms);
        ck_assert_int_eq(b.price, a.price);
        ck_assert_int_eq(b.lots, a.lots);
        trade_at_agg(&by_agg, market, a.agg_id);
        ck_assert(trade_next(&by_agg, &b));
        ck_assert_int_eq(b.agg_id, a.agg_id);
        ck_assert(b.begins_agg);
        ck_assert_int_le(b.id, a.id);
    }
}
END_TEST

START_TEST(nothing_before_the_listing_and_all_of_it_behind)
{
    int64_t listed_ms = market_listed_ms(market);
    struct bar untouched = { .open = 77 }, a, b;
    struct trade_cursor c;
    struct trade t;

    ck_assert(!market_bar(market, listed_ms - DAY_MS, listed_ms, &untouched));
    ck_assert_int_eq(untouched.open, 77);
    a = bar_between(listed_ms - 20 * DAY_MS, listed_ms + DAY_MS);
    b = bar_between(listed_ms, listed_ms + DAY_MS);
    expect_same(&a, &b);
    ck_assert_int_eq(market_trades_before(market, listed_ms, false), 0);
    trade_at_time(&c, market, 0);
    ck_assert(trade_next(&c, &t));
    ck_assert_int_eq(t.id, 0);
    ck_assert_int_eq(t.agg_id, 0);
    ck_assert(t.begins_agg);
    ck_assert_int_ge(t.time_ms, listed_ms);
    trade_at_id(&c, market, INT64_MAX);
    ck_assert(!trade_next(&c, &t));
    trade_at_time(&c, market, SF_TIME_MAX_MS);
    ck_assert(!trade_next(&c, &t));
}
END_TEST

START_TEST(a_seed_and_a_symbol_say_it_all)
{
    struct market *same = market_create(symbol_find(SF_STR("BTCUSDT")), 1, 1);
    struct market *seed = market_create(symbol_find(SF_STR("BTCUSDT")), 2, 1);
    struct market *other = market_create(symbol_find(SF_STR("ETHUSDT")), 1, 1);
    int differ_n = 0;

    for (int n = 0; n < RANGES; n++) {
        int64_t from_ms = any_time(), to_ms = from_ms + 1 + below(10 * DAY_MS);
        struct bar want = bar_between(from_ms, to_ms), got;

        ck_assert(market_bar(same, from_ms, to_ms, &got));
        expect_same(&got, &want);
        ck_assert(market_bar(seed, from_ms, to_ms, &got));
        differ_n += got.trades_n != want.trades_n;
        ck_assert(market_bar(other, from_ms, to_ms, &got));
        differ_n += got.trades_n != want.trades_n;
    }
    ck_assert_int_gt(differ_n, RANGES);
    market_destroy(other);
    market_destroy(seed);
    market_destroy(same);
}
END_TEST

static int count_symbols(void)
{
    int n = 0;

    while (symbols[n].name)
        n++;
    return n;
}

/* A sum that overflowed would not lie between its lowest and highest price. */
START_TEST(every_month_of_every_symbol_is_sane)
{
    const struct sf_interval *month = sf_interval_find(SF_STR("1M"));
    struct market *m = market_create(&symbols[_i], (uint64_t)_i + 7, 1);
    int64_t open_ms;

    ck_assert_ptr_nonnull(m);
    ck_assert_uint_le(symbols[_i].price_digits + symbols[_i].lot_digits, 8);
    for (open_ms = sf_interval_floor(month, market_listed_ms(m));
         open_ms < SF_TIME_MAX_MS - 32 * DAY_MS;
         open_ms = sf_interval_add(month, open_ms, 1)) {
        struct bar b;

        ck_assert(market_bar(m, open_ms, sf_interval_add(month, open_ms, 1), &b));
        ck_assert_int_gt(b.low, 0);
        ck_assert(b.low <= b.open && b.open <= b.high);
        ck_assert(b.low <= b.close && b.close <= b.high);
        ck_assert(b.buy_volume > 0 && b.buy_volume < b.volume);
        ck_assert(b.low <= b.quote / b.volume && b.quote / b.volume <= b.high);
        ck_assert(b.low <= b.buy_quote / b.buy_volume &&
                  b.buy_quote / b.buy_volume <= b.high);
        ck_assert(b.aggs_n > 0 && b.aggs_n <= b.trades_n);
    }
    market_destroy(m);
}
END_TEST

START_TEST(without_memory_there_is_no_market)
{
    struct market *m = NULL;
    int n = 0;

    for (; n < 200; n++) {
        oom_fail_at(n);
        m = market_create(symbol_find(SF_STR("SOLUSDT")), 3, 1);
        if (!oom_has_failed())
            break;
        if (m) { /* a smaller array that could not be had: what there is serves */
            struct bar b;

            ck_assert(market_bar(m, LATE_MS, LATE_MS + DAY_MS, &b));
            market_destroy(m);
        }
    }
    ck_assert_int_lt(n, 200);
    ck_assert_int_gt(n, 2);
    market_destroy(m);
}
END_TEST

static void market_cases(Suite *s)
{
    TCase *tc = tcase_create("market");

    tcase_add_checked_fixture(tc, start, stop);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, a_candle_is_what_its_parts_add_up_to, 0, COUNT(intervals));
    tcase_add_test(tc, a_candle_is_what_its_trades_add_up_to);
    tcase_add_test(tc, trades_of_an_aggregate_are_alike);
    tcase_add_test(tc, a_trade_is_found_by_time_id_and_aggregate);
    tcase_add_test(tc, nothing_before_the_listing_and_all_of_it_behind);
    tcase_add_test(tc, a_seed_and_a_symbol_say_it_all);
    tcase_add_loop_test(tc, every_month_of_every_symbol_is_sane, 0, count_symbols());
    tcase_add_test(tc, without_memory_there_is_no_market);
    suite_add_tcase(s, tc);
}

RUN_SUITE("market", market_cases)
