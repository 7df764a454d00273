/* Books of recorded data, compared with an independent rebuild (a list searched from end
 * to end, prices compared as text), and with what the exchange said of its best levels.
 */
#include "recorded.h"
#include "runner.h"

#include <sf/dec.h>
#include <sf/exchange.h>

#include <stdio.h>

#define FILE_MAX       ((size_t)64 * 1024 * 1024)
#define LEVELS_MAX     20000
#define COMPARED_EVERY 1000

/* ------------------------------------------------------------------- the plain rebuild
 */

struct plain_level {
    char price[32], quantity[32];
};

struct plain {
    struct plain_level side[SF_SIDES][LEVELS_MAX];
    size_t n[SF_SIDES];
};

static void plain_set(struct plain *p, enum sf_side side, struct sf_level l)
{
    size_t i = 0;

    while (i < p->n[side] && !sf_str_eq(sf_str_from(p->side[side][i].price), l.price))
        i++;
    if (strspn(l.quantity.p, "0.") >= l.quantity.len) {
        if (i < p->n[side])
            p->side[side][i] = p->side[side][--p->n[side]];
        return;
    }
    ck_assert_uint_lt(i, LEVELS_MAX);
    if (i == p->n[side])
        p->n[side]++;
    ck_assert(sf_str_copy(l.price, p->side[side][i].price, 32));
    ck_assert(sf_str_copy(l.quantity, p->side[side][i].quantity, 32));
}

static void plain_apply(struct plain *p, const struct sf_depth *d)
{
    const struct sf_levels *sides[] = { &d->bids, &d->asks };
    struct sf_level l;

    for (int side = SF_BIDS; side < SF_SIDES; side++) {
        struct sf_levels_walk walk = sf_levels_begin(sides[side]);

        while (sf_levels_next(&walk, &l))
            plain_set(p, (enum sf_side)side, l);
    }
}

static int bids_first(const void *a, const void *b)
{
    return -sf_dec_cmp(sf_str_from(((const struct plain_level *)a)->price),
                       sf_str_from(((const struct plain_level *)b)->price));
}

static int asks_first(const void *a, const void *b)
{
    return -bids_first(a, b);
}

static void assert_same(const struct sf_book *book, struct plain *p)
{
    for (int side = SF_BIDS; side < SF_SIDES; side++) {
        ck_assert_uint_eq(sf_book_n(book, (enum sf_side)side), p->n[side]);
        qsort(p->side[side], p->n[side], sizeof(p->side[side][0]),
              side == SF_BIDS ? bids_first : asks_first);
        for (size_t i = 0; i < p->n[side]; i++) {
            struct sf_level l = sf_book_level(book, (enum sf_side)side, i);

            ck_assert(sf_str_eq(l.price, sf_str_from(p->side[side][i].price)));
            ck_assert(sf_str_eq(l.quantity, sf_str_from(p->side[side][i].quantity)));
        }
    }
}

/* --------------------------------------------------------------------------- recording
 */

#define TICKERS_MAX 4096 /* between two diffs */

/* The best levels as the exchange says them apart from the diffs. Views. */
struct ticker {
    int64_t id;
    struct sf_str bid, bid_quantity, ask, ask_quantity;
};

struct replay {
    const struct sf_exchange *exchange;
    struct sf_str symbol; /* of the stream, lower case */
    struct sf_join join;
    struct sf_book *book;
    struct plain *plain;
    int diffs, snapshots, applied, old, gaps, compared, crossed;
    struct ticker pending[TICKERS_MAX];
    size_t pending_n;
    int tickers, tickers_same;
};

static struct replay *replay_new(const char *symbol)
{
    struct replay *r = calloc(1, sizeof(*r));

    ck_assert_ptr_nonnull(r);
    r->exchange = sf_exchange_find(SF_STR("binance"));
    r->symbol = sf_str_from(symbol);
    r->plain = calloc(1, sizeof(*r->plain));
    ck_assert_ptr_nonnull(r->plain);
    sf_join_init(&r->join, FILE_MAX);
    ck_assert_int_eq(sf_book_create(LEVELS_MAX, &r->book, NULL), SF_OK);
    return r;
}

static void replay_free(struct replay *r)
{
    sf_join_release(&r->join);
    sf_book_destroy(r->book);
    free(r->plain);
    free(r);
}

static bool is_best(const struct sf_book *book, enum sf_side side, struct sf_str price,
                    struct sf_str quantity)
{
    struct sf_level l;

    if (sf_book_n(book, side) == 0)
        return false;
    l = sf_book_level(book, side, 0);
    return sf_str_eq(l.price, price) && sf_str_eq(l.quantity, quantity);
}

/* The newest ticker that the book has reached says the same best levels. */
static void check_ticker(struct replay *r)
{
    const struct ticker *t = NULL;
    size_t n = 0;

    while (n < r->pending_n && r->pending[n].id <= r->join.last_id)
        t = &r->pending[n++];
    if (!t)
        return;
    r->tickers++;
    r->tickers_same += is_best(r->book, SF_BIDS, t->bid, t->bid_quantity) &&
                       is_best(r->book, SF_ASKS, t->ask, t->ask_quantity);
    r->pending_n -= n;
    memmove(r->pending, r->pending + n, r->pending_n * sizeof(r->pending[0]));
}

static void apply(struct replay *r, const struct sf_depth *d)
{
    struct sf_error err = { 0 };

    ck_assert_msg(sf_book_apply(r->book, d, &err) == SF_OK, "%s", err.text);
    plain_apply(r->plain, d);
    r->applied++;
    if (r->applied % COMPARED_EVERY == 0) {
        assert_same(r->book, r->plain);
        r->compared++;
    }
    if (sf_book_n(r->book, SF_BIDS) > 0 && sf_book_n(r->book, SF_ASKS) > 0 &&
        sf_dec_cmp(sf_book_level(r->book, SF_BIDS, 0).price,
                   sf_book_level(r->book, SF_ASKS, 0).price) >= 0)
        r->crossed++;
}

static void on_snapshot(struct replay *r, struct sf_str body)
{
    struct sf_error err = { 0 };
    const struct sf_depth *held;
    struct sf_depth d;

    ck_assert_msg(r->exchange->depth_parse(body, false, &d, &err) == SF_OK, "%s",
                  err.text);
    r->snapshots++;
    if (!sf_join_snapshot(&r->join, d.last_id))
        return;
    sf_book_clear(r->book);
    memset(r->plain->n, 0, sizeof(r->plain->n));
    apply(r, &d);
    while ((held = sf_join_next(&r->join)) != NULL)
        apply(r, held);
    ck_assert(r->join.is_live);
}

static void on_diff(struct replay *r, struct sf_str payload)
{
    struct sf_error err = { 0 };
    struct sf_depth d;

    ck_assert_msg(r->exchange->depth_parse(payload, true, &d, &err) == SF_OK, "%s",
                  err.text);
    r->diffs++;
    switch (sf_join_diff(&r->join, &d)) {
    case SF_JOIN_APPLY:
        apply(r, &d);
        check_ticker(r);
        break;
    case SF_JOIN_OLD:
        r->old++;
        break;
    case SF_JOIN_GAP:
        r->gaps++;
        break;
    case SF_JOIN_HELD:
        break;
    }
}

static struct sf_str member(struct sf_str object, const char *name)
{
    struct sf_scan s;
    struct sf_str raw = SF_STR_EMPTY;

    sf_scan_init(&s, object);
    if (sf_scan_next(&s) != SF_TOK_OBJECT)
        return raw;
    while (sf_scan_next(&s) == SF_TOK_KEY) {
        bool is_it = sf_str_eq(s.text, sf_str_from(name));

        if (sf_scan_raw(&s, &raw, NULL) != SF_OK)
            return SF_STR_EMPTY;
        if (is_it)
            return raw.len > 1 && raw.p[0] == '"' ? sf_str_make(raw.p + 1, raw.len - 2)
                                                  : raw;
    }
    return SF_STR_EMPTY;
}

static void on_ticker(struct replay *r, struct sf_str t)
{
    struct ticker *p = &r->pending[r->pending_n++];

    ck_assert_uint_lt(r->pending_n, TICKERS_MAX);
    ck_assert_int_eq(sf_str_to_i64(member(t, "u"), &p->id), SF_OK);
    p->bid = member(t, "b");
    p->bid_quantity = member(t, "B");
    p->ask = member(t, "a");
    p->ask_quantity = member(t, "A");
}

static void on_frame(struct replay *r, struct sf_str frame)
{
    struct sf_str kind, stream = member(frame, "stream");

    if (!sf_str_eq_nocase(sf_str_cut(stream, '@', &kind), r->symbol))
        return;
    if (sf_str_starts(kind, SF_STR("depth")))
        on_diff(r, member(frame, "data"));
    else if (sf_str_eq(kind, SF_STR("bookTicker")))
        on_ticker(r, member(frame, "data"));
}

/* "<receive time> <frame>" a line; a frame without "stream" is a snapshot. */
static void play_file(struct replay *r, const char *name, bool *ret_is_there)
{
    struct sf_buf file;
    struct sf_str rest, frame;

    sf_buf_init(&file, FILE_MAX);
    *ret_is_there = recorded_gunzip(name, &file);
    rest = sf_buf_str(&file);
    while (*ret_is_there && rest.len > 0) {
        (void)sf_str_cut(sf_str_cut(rest, '\n', &rest), ' ', &frame);
        if (sf_str_starts(frame, SF_STR("{\"lastUpdateId\"")))
            on_snapshot(r, frame);
        else
            on_frame(r, frame);
    }
    r->pending_n = 0; /* views into the file */
    sf_buf_release(&file);
}

START_TEST(a_busy_book_is_rebuilt_at_every_thousandth_update)
{
    struct replay *r = replay_new("btcusdt");
    bool is_there;

    play_file(r, "hftbacktest/btcusdt_20240808.gz", &is_there);
    if (is_there)
        play_file(r, "hftbacktest/btcusdt_20240809.gz", &is_there);
    if (is_there) {
        (void)printf("%d diffs, %d applied, %d gaps, %d compared, best levels %d of %d\n",
                     r->diffs, r->applied, r->gaps, r->compared, r->tickers_same,
                     r->tickers);
        ck_assert_int_eq(r->diffs, 6495); /* by the README of the recordings */
        ck_assert_int_eq(r->gaps, 0);
        ck_assert_int_eq(r->crossed, 0);
        ck_assert_int_ge(r->compared, 6);
        ck_assert_int_gt(r->tickers, 5000);
        /* Twice a diff overtook the ticker that says the same. */
        ck_assert_int_le(r->tickers - r->tickers_same, 2);
        assert_same(r->book, r->plain);
    }
    replay_free(r);
}
END_TEST

/* ------------------------------------------------------------ joins of quiet symbols */

static const struct {
    const char *http, *ws, *symbol;
} quiet[] = {
    /* clang-format off */
    { "cryptofeed/BINANCE.http.0.0",    "cryptofeed/BINANCE.ws.1.0",    "NKNUSDT" },
    { "cryptofeed/BINANCE.http.0.0",    "cryptofeed/BINANCE.ws.1.0",    "BLZETH" },
    { "cryptofeed/BINANCE.http.0.0",    "cryptofeed/BINANCE.ws.1.0",    "LRCBTC" },
    { "cryptofeed/BINANCE.http.0.0",    "cryptofeed/BINANCE.ws.1.0",    "RUNEEUR" },
    { "cryptofeed/BINANCE_US.http.0.0", "cryptofeed/BINANCE_US.ws.1.0", "COMPUSDT" },
    { "cryptofeed/BINANCE_US.http.0.0", "cryptofeed/BINANCE_US.ws.1.0", "OMGBUSD" },
    { "cryptofeed/BINANCE_US.http.0.0", "cryptofeed/BINANCE_US.ws.1.0", "CRVUSDT" },
    { "cryptofeed/BINANCE_US.http.0.0", "cryptofeed/BINANCE_US.ws.1.0", "ZRXUSDT" },
    /* clang-format on */
};

static void play_snapshot_of(struct replay *r, struct sf_str http)
{
    char pattern[64];

    (void)snprintf(pattern, sizeof(pattern), "symbol=%.20s&", r->symbol.p);
    while (http.len > 0) {
        struct sf_str line = sf_str_cut(http, '\n', &http);
        const char *brace = memchr(line.p, '{', line.len);

        if (brace && sf_str_contains(line, sf_str_from(pattern)))
            on_snapshot(r, sf_str_make(brace, line.len - (size_t)(brace - line.p)));
    }
}

START_TEST(a_quiet_book_joins_its_recorded_snapshot)
{
    struct replay *r = replay_new(quiet[_i].symbol);
    struct sf_buf http, ws;
    struct sf_str rest, frame;

    sf_buf_init(&http, FILE_MAX);
    sf_buf_init(&ws, FILE_MAX);
    if (recorded_plain(quiet[_i].http, &http) && recorded_plain(quiet[_i].ws, &ws)) {
        /* All diffs arrive first: the join must find its place among them. */
        rest = sf_buf_str(&ws);
        while (rest.len > 0) {
            (void)sf_str_cut(sf_str_cut(rest, '\n', &rest), ' ', &frame);
            if (frame.len > 0 && frame.p[0] == '{')
                on_frame(r, frame);
        }
        ck_assert_int_gt(r->diffs, 0);
        play_snapshot_of(r, sf_buf_str(&http));
        ck_assert_int_eq(r->snapshots, 1);
        ck_assert(r->join.is_live);
        ck_assert_int_gt(r->applied, 1);
        ck_assert_int_eq(r->crossed, 0);
        assert_same(r->book, r->plain);
    }
    sf_buf_release(&http);
    sf_buf_release(&ws);
    replay_free(r);
}
END_TEST

static void recorded_cases(Suite *s)
{
    TCase *tc = tcase_create("book_recorded");

    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, a_busy_book_is_rebuilt_at_every_thousandth_update);
    tcase_add_loop_test(tc, a_quiet_book_joins_its_recorded_snapshot, 0, COUNT(quiet));
    suite_add_tcase(s, tc);
}

RUN_SUITE("book_recorded", recorded_cases)
