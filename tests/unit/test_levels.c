#include "runner.h"

#include <sf/exchange.h>

static const struct {
    const char *text;
    size_t want_n;
    bool want_compact;
    const char *want; /* price=quantity, separated by blanks */
} good[] = {
    { "[]", 0, true, "" },
    { "[[\"1.50\",\"0.0\"]]", 1, true, "1.50=0.0" },
    { "[[\"1\",\"2\"],[\"3\",\"4\"]]", 2, true, "1=2 3=4" },
    { " [ ]", 0, false, "" },
    { "[[\"1\", \"2\"]]", 1, false, "1=2" },
    { "[\n[\"1\",\"2\"],\n[\"3\",\"4\"] ]", 2, false, "1=2 3=4" },
    { "[[\"1\",\"2\",[]],[\"3\",\"4\",\"x\",{\"y\":[1]}]]", 2, false, "1=2 3=4" },
    { "[[\"12345678901234567890.123\",\"92233720368.54775807\"]]", 1, true,
      "12345678901234567890.123=92233720368.54775807" },
};

START_TEST(levels_are_walked_as_they_stand)
{
    struct sf_levels levels;
    struct sf_levels_walk walk;
    struct sf_level l;
    struct sf_error err = { 0 };
    struct sf_buf got;

    sf_buf_init(&got, 4096);
    ck_assert_msg(sf_levels_parse(sf_str_from(good[_i].text), &levels, &err) == SF_OK,
                  "%s", err.text);
    ck_assert_uint_eq(levels.n, good[_i].want_n);
    ck_assert_int_eq(levels.is_compact, good[_i].want_compact);
    walk = sf_levels_begin(&levels);
    while (sf_levels_next(&walk, &l))
        sf_buf_addf(&got, "%s%.*s=%.*s", got.len > 0 ? " " : "", SF_STR_ARG(l.price),
                    SF_STR_ARG(l.quantity));
    ck_assert_str_eq(sf_buf_cstr(&got), good[_i].want);
    ck_assert(!sf_levels_next(&walk, &l));
    sf_buf_release(&got);
}
END_TEST

static const struct {
    const char *text, *want;
} bad[] = {
    { "", "level 0: unexpected end at byte 0: ''" },
    { "7", "level 0: expected an array of levels, got '7'" },
    { "[", "level 0: unexpected end at byte 1: ''" },
    { "[7]", "level 0: expected [price, quantity], got '7'" },
    { "[[]]", "level 0: expected a price as decimal string, not negative, got 'something "
              "else'" },
    { "[[\"1\"]]", "level 0: expected a quantity as decimal string, not negative, got "
                   "'something else'" },
    { "[[\"1\",\"2\"],[\"3\",4]]",
      "level 1: expected a quantity as decimal string, not negative, got '4'" },
    { "[[\"-1\",\"2\"]]",
      "level 0: expected a price as decimal string, not negative, got '-1'" },
    { "[[\"1e3\",\"2\"]]",
      "level 0: expected a price as decimal string, not negative, got '1e3'" },
    { "[[\"1\",\"\"]]",
      "level 0: expected a quantity as decimal string, not negative, got ''" },
    { "[[\"1\",\"2\"]", "level 1: unexpected end at byte 10: ''" },
    { "[[\"1\",\"2\"]]]", "level 1: expected nothing more at byte 11: ']'" },
};

START_TEST(bad_levels_are_refused_with_their_place)
{
    struct sf_levels levels = { .n = 77 };
    struct sf_error err = { 0 };

    ck_assert_int_eq(sf_levels_parse(sf_str_from(bad[_i].text), &levels, &err),
                     SF_EPROTO);
    ck_assert_str_eq(err.text, bad[_i].want);
    ck_assert_uint_eq(levels.n, 77);
}
END_TEST

/* ------------------------------------------------------------------------------ depth */

static const struct sf_exchange *binance(void)
{
    return sf_exchange_find(SF_STR("binance"));
}

#define DIFF                                                                  \
    "{\"e\":\"depthUpdate\",\"E\":1723161255208,\"s\":\"BTCUSDT\",\"U\":157," \
    "\"u\":160,\"b\":[[\"0.0024\",\"10\"]],\"a\":[[\"0.0026\",\"100\"]]}"

START_TEST(a_diff_and_a_snapshot_are_read)
{
    static const char *const diffs[] = {
        DIFF,
        "{\"a\":[[\"0.0026\",\"100\"]],\"new\":{\"x\":[1,{}]},\"b\":[[\"0.0024\",\"10\"]"
        "],\"u\":160,\"U\":157,\"s\":\"BTCUSDT\",\"E\":1723161255208999,\"e\":"
        "\"depthUpdate\"}",
    };
    struct sf_depth d;
    struct sf_error err = { 0 };

    for (int i = 0; i < COUNT(diffs); i++) {
        ck_assert_msg(binance()->depth_parse(sf_str_from(diffs[i]), true, &d, &err) ==
                          SF_OK,
                      "%s", err.text);
        ck_assert(sf_str_eq(d.symbol, SF_STR("BTCUSDT")));
        ck_assert_int_eq(d.time_ms, 1723161255208);
        ck_assert_int_eq(d.first_id, 157);
        ck_assert_int_eq(d.last_id, 160);
        ck_assert(sf_str_eq(d.bids.text, SF_STR("[[\"0.0024\",\"10\"]]")));
        ck_assert(sf_str_eq(d.asks.text, SF_STR("[[\"0.0026\",\"100\"]]")));
    }
    ck_assert_int_eq(binance()->depth_parse(SF_STR("{\"lastUpdateId\":9007199254740993,"
                                                   "\"bids\":[],\"asks\":[[\"1\",\"2\"]]"
                                                   "}"),
                                            false, &d, NULL),
                     SF_OK);
    ck_assert_int_eq(d.last_id, 9007199254740993);
    ck_assert_int_eq(d.first_id, -1);
    ck_assert_int_eq(d.time_ms, -1);
    ck_assert_uint_eq(d.symbol.len, 0);
    ck_assert_uint_eq(d.bids.n, 0);
    ck_assert_uint_eq(d.asks.n, 1);
}
END_TEST

#define DIFF_OF(members) "{\"e\":\"depthUpdate\",\"E\":1723161255208," members "}"

static const struct {
    bool is_diff;
    const char *json, *want;
} bad_depths[] = {
    { false, "[]", "depth: expected an object, got '[]'" },
    { false, "{\"lastUpdateId\":1,\"bids\":[]}", "depth: asks is missing" },
    { false, "{\"lastUpdateId\":1,\"bids\":[],\"bids\":[],\"asks\":[]}",
      "depth: bids stands twice" },
    { false, "{\"lastUpdateId\":\"1\",\"bids\":[],\"asks\":[]}",
      "depth: lastUpdateId: expected an update id, got '1'" },
    { false, "{\"lastUpdateId\":-1,\"bids\":[],\"asks\":[]}",
      "depth: lastUpdateId: expected an update id, got '-1'" },
    { false, "{\"lastUpdateId\":1,\"bids\":[[1,2]],\"asks\":[]}",
      "depth: bids: level 0: expected a price as decimal string, not negative, got '1'" },
    { false, "{\"lastUpdateId\":1,\"bids\":{},\"asks\":[]}",
      "depth: bids: level 0: expected an array of levels, got 'something else'" },
    { false, "{\"lastUpdateId\":1,\"bids\":[],\"asks\":[]",
      "depth: unexpected end at byte 37: ''" },
    { true, "{\"e\":\"trade\"}",
      "depthUpdate: e: expected \"depthUpdate\", got 'trade'" },
    { true, DIFF_OF("\"s\":\"\""), "depthUpdate: s: expected a symbol, got ''" },
    { true, DIFF_OF("\"s\":\"A\",\"U\":9223372036854775808"),
      "depthUpdate: U: expected an update id, got '9223372036854775808'" },
    { true, DIFF_OF("\"s\":\"A\",\"U\":5,\"u\":4,\"b\":[],\"a\":[]"),
      "depthUpdate: u 4 is behind U 5" },
    { true, "{\"e\":\"depthUpdate\",\"E\":17}",
      "depthUpdate: E: expected a time in ms or us, got '17'" },
};

START_TEST(bad_depths_are_refused)
{
    struct sf_depth d = { .last_id = 77 };
    struct sf_error err = { 0 };

    ck_assert_int_eq(binance()->depth_parse(sf_str_from(bad_depths[_i].json),
                                            bad_depths[_i].is_diff, &d, &err),
                     SF_EPROTO);
    ck_assert_str_eq(err.text, bad_depths[_i].want);
    ck_assert_int_eq(d.last_id, 77);
}
END_TEST

START_TEST(a_diff_cut_anywhere_is_refused)
{
    struct sf_depth d;
    struct sf_error err = { 0 };

    for (size_t n = 0; n < strlen(DIFF); n++) {
        char *cut = sf_str_dup(sf_str_make(DIFF, n)); /* ends where its memory does */

        ck_assert_ptr_nonnull(cut);
        err = (struct sf_error){ 0 };
        ck_assert_int_eq(binance()->depth_parse(sf_str_make(cut, n), true, &d, &err),
                         SF_EPROTO);
        ck_assert_uint_ne(strlen(err.text), 0);
        free(cut);
    }
}
END_TEST

START_TEST(depth_is_asked_for_at_its_price)
{
    static const struct {
        unsigned limit;
        int want;
    } weights[] = { { 1, 5 },    { 100, 5 },   { 101, 25 },   { 500, 25 },
                    { 501, 50 }, { 1000, 50 }, { 1001, 250 }, { 5000, 250 } };
    struct sf_buf url;

    for (int i = 0; i < COUNT(weights); i++)
        ck_assert_int_eq(binance()->depth_weight(weights[i].limit), weights[i].want);
    sf_buf_init(&url, 512);
    binance()->depth_url(&url, SF_STR("BTC&"), 1000);
    ck_assert_str_eq(sf_buf_cstr(&url), "/api/v3/depth?symbol=BTC%26&limit=1000");
    sf_buf_release(&url);
}
END_TEST

static void levels_cases(Suite *s)
{
    TCase *tc = tcase_create("levels");

    tcase_add_loop_test(tc, levels_are_walked_as_they_stand, 0, COUNT(good));
    tcase_add_loop_test(tc, bad_levels_are_refused_with_their_place, 0, COUNT(bad));
    tcase_add_test(tc, a_diff_and_a_snapshot_are_read);
    tcase_add_loop_test(tc, bad_depths_are_refused, 0, COUNT(bad_depths));
    tcase_add_test(tc, a_diff_cut_anywhere_is_refused);
    tcase_add_test(tc, depth_is_asked_for_at_its_price);
    suite_add_tcase(s, tc);
}

RUN_SUITE("levels", levels_cases)
