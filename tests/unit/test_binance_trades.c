/* Trades of Binance: URLs, pages, and the records made of them. */
#include "runner.h"

#include <sf/record.h>

static const struct sf_exchange *binance(void)
{
    return sf_exchange_find(SF_STR("binance"));
}

START_TEST(urls_are_built)
{
    struct sf_buf url;

    sf_buf_init(&url, 512);
    binance()->trades_url(&url, SF_STR("A&B"), false, 6681954163, 1000);
    ck_assert_str_eq(
        sf_buf_cstr(&url),
        "/api/v3/historicalTrades?symbol=A%26B&fromId=6681954163&limit=1000");
    sf_buf_clear(&url);
    binance()->trades_url(&url, SF_STR("BTCUSDT"), true, 0, 5);
    ck_assert_str_eq(sf_buf_cstr(&url),
                     "/api/v3/aggTrades?symbol=BTCUSDT&fromId=0&limit=5");
    sf_buf_clear(&url);
    binance()->agg_trades_at_url(&url, SF_STR("BTCUSDT"), 0, 7, 10);
    ck_assert_str_eq(sf_buf_cstr(&url),
                     "/api/v3/aggTrades?symbol=BTCUSDT&startTime=0&limit=10");
    sf_buf_clear(&url);
    binance()->agg_trades_at_url(&url, SF_STR("BTCUSDT"), -1, 1717200000000, 10);
    ck_assert_str_eq(sf_buf_cstr(&url),
                     "/api/v3/aggTrades?symbol=BTCUSDT&endTime=1717200000000&limit=10");
    sf_buf_release(&url);
}
END_TEST

#define TRADE                                                              \
    "{\"id\":6681954163,\"price\":\"60123.45000000\",\"qty\":\"0.00123\"," \
    "\"quoteQty\":\"73.9518435\",\"time\":1717200000123,"                  \
    "\"isBuyerMaker\":true,\"isBestMatch\":true}"
#define TRADE_TURNED                                                              \
    "{ \"isBuyerMaker\" : true, \"news\" : {\"id\":[1]}, \"time\" : "             \
    "1717200000123456,\"qty\":\"0.00123\",\"price\":\"60123.45000000\",\"id\" : " \
    "6681954163 }"
#define AGG                                                                 \
    "{\"a\":4063759318,\"p\":\"60123.45000000\",\"q\":\"0.00123\",\"f\":7," \
    "\"l\":9,\"T\":1717200000123,\"m\":true,\"M\":true}"

static const struct {
    const char *body;
    bool is_agg;
    size_t want_n;
} good[] = {
    { "[]", false, 0 },          { " [ ] ", true, 0 },
    { "[" TRADE "]", false, 1 }, { "[" TRADE "," TRADE_TURNED "]", false, 2 },
    { "[" AGG "]", true, 1 },
};

START_TEST(page_is_parsed)
{
    struct sf_trade rows[2];
    struct sf_error err = { 0 };
    size_t n = 77;

    ck_assert_int_eq(binance()->trades_parse(sf_str_from(good[_i].body), good[_i].is_agg,
                                             rows, 2, &n, &err),
                     SF_OK);
    ck_assert_str_eq(err.text, "");
    ck_assert_uint_eq(n, good[_i].want_n);
    for (size_t i = 0; i < n; i++) {
        ck_assert_int_eq(rows[i].id, good[_i].is_agg ? 4063759318 : 6681954163);
        ck_assert(sf_str_eq(rows[i].price, SF_STR("60123.45000000")));
        ck_assert(sf_str_eq(rows[i].quantity, SF_STR("0.00123")));
        ck_assert_int_eq(rows[i].time_ms, 1717200000123);
        ck_assert(rows[i].is_buyer_maker);
        ck_assert_int_eq(rows[i].first_id, good[_i].is_agg ? 7 : -1);
        ck_assert_int_eq(rows[i].last_id, good[_i].is_agg ? 9 : -1);
    }
}
END_TEST

START_TEST(voided_aggregate_is_a_row)
{
    struct sf_trade row;
    size_t n;

    ck_assert_int_eq(
        binance()->trades_parse(
            SF_STR("[{\"a\":5,\"p\":\"0\",\"q\":\"0\",\"f\":-1,\"l\":-1,\"T\":"
                   "1717200000123,\"m\":false,\"M\":false}]"),
            true, &row, 1, &n, NULL),
        SF_OK);
    ck_assert_int_eq(row.id, 5);
    ck_assert_int_eq(row.first_id, -1);
}
END_TEST

#define ROW(id, price, time, maker)                                    \
    "[{\"id\":" id ",\"price\":" price ",\"qty\":\"1\",\"time\":" time \
    ",\"isBuyerMaker\":" maker "}]"
#define AGG_ROW(f, l)                                                       \
    "[{\"a\":1,\"p\":\"1\",\"q\":\"1\",\"f\":" f ",\"l\":" l ",\"T\":" T_OK \
    ",\"m\":true}]"
#define T_OK "1717200000123"

static const struct {
    const char *body;
    bool is_agg;
    enum sf_status want;
    const char *want_text;
} bad[] = {
    /* clang-format off */
    { "", false, SF_EPROTO, "trades: expected an array of rows, got ''" },
    { "{\"code\":-1}", false, SF_EPROTO, "trades: expected an array of rows, got '{\"code\":-1}'" },
    { "[", false, SF_EPROTO, "unexpected end at byte 1: ''" },
    { "[[]]", false, SF_EPROTO, "row 0: expected an object, got 'a nested value'" },
    { "[" TRADE "]]", false, SF_EPROTO, "expected nothing more at byte 144: ']'" },
    { "[" TRADE "," TRADE "," TRADE "]", false, SF_ETOOBIG, "trades: more than 2 rows" },
    { "[{}]", false, SF_EPROTO, "row 0, id is missing" },
    { "[" TRADE ",{\"id\":1}]", false, SF_EPROTO, "row 1, price is missing" },
    { "[{\"id\":1,\"id\":1}]", false, SF_EPROTO, "row 0, id stands twice" },
    { ROW("-1", "\"1\"", T_OK, "true"), false, SF_EPROTO, "row 0, id: expected an id, got '-1'" },
    { ROW("\"1\"", "\"1\"", T_OK, "true"), false, SF_EPROTO, "row 0, id: expected an id, got '1'" },
    { ROW("1.0", "\"1\"", T_OK, "true"), false, SF_EPROTO, "row 0, id: expected an id, got '1.0'" },
    { ROW("9223372036854775808", "\"1\"", T_OK, "true"), false, SF_EPROTO, "row 0, id: expected an id, got '9223372036854775808'" },
    { ROW("1", "1", T_OK, "true"), false, SF_EPROTO, "row 0, price: expected a decimal string, got '1'" },
    { ROW("1", "\"1e3\"", T_OK, "true"), false, SF_EPROTO, "row 0, price: expected a decimal string, got '1e3'" },
    { ROW("1", "null", T_OK, "true"), false, SF_EPROTO, "row 0, price: expected a decimal string, got 'a literal'" },
    { ROW("1", "\"1\"", "1717200000", "true"), false, SF_EPROTO, "row 0, time: expected a time in ms or us, got '1717200000'" },
    { ROW("1", "\"1\"", T_OK, "1"), false, SF_EPROTO, "row 0, isBuyerMaker: expected true or false, got '1'" },
    { ROW("1", "\"1\"", T_OK, "tru"), false, SF_EPROTO, "row 0, isBuyerMaker: expected a value at byte 67: 'tru}]'" },
    { AGG_ROW("-2", "1"), true, SF_EPROTO, "row 0, f: expected an id or -1, got '-2'" },
    { AGG_ROW("-1", "1"), true, SF_EPROTO, "row 0, f -1 and l 1 do not agree" },
    { AGG_ROW("3", "2"), true, SF_EPROTO, "row 0, f 3 and l 2 do not agree" },
    { "[" TRADE "]", true, SF_EPROTO, "row 0, a is missing" },
    /* clang-format on */
};

START_TEST(bad_page_is_refused_with_row_and_member)
{
    struct sf_trade rows[2];
    struct sf_error err = { 0 };
    size_t n = 77;

    ck_assert_int_eq(binance()->trades_parse(sf_str_from(bad[_i].body), bad[_i].is_agg,
                                             rows, 2, &n, &err),
                     bad[_i].want);
    ck_assert_str_eq(err.text, bad[_i].want_text);
    ck_assert_uint_eq(n, 77);
}
END_TEST

START_TEST(cut_page_is_refused)
{
    static const char body[] = "[" TRADE "," TRADE_TURNED "]";
    struct sf_trade rows[2];
    size_t n = 77;

    for (size_t len = 0; len < sizeof(body) - 1; len++)
        ck_assert_int_eq(
            binance()->trades_parse(sf_str_make(body, len), false, rows, 2, &n, NULL),
            SF_EPROTO);
    ck_assert_uint_eq(n, 77);
}
END_TEST

/* --------------------------------------------------------------------------- records */

static const struct {
    bool is_agg;
    const char *record, *doc;
} records[] = {
    { false,
      "{\"_key\":\"bybit_BTCUSDT_6681954163\",\"exchange\":\"bybit\",\"symbol\":"
      "\"BTCUSDT\",\"source\":\"rest\",\"run\":3,\"trade_id\":6681954163,\"price\":"
      "\"0060123.45000000\",\"quantity\":\"1234567890.12345678\",\"timestamp\":"
      "1717200000123,\"is_buyer_maker\":false}",
      "{\"_key\":\"bybit_BTCUSDT_6681954163\",\"exchange\":\"bybit\",\"symbol\":"
      "\"BTCUSDT\",\"source\":\"rest\",\"trade_id\":6681954163,\"price\":"
      "60123.45000000,\"quantity\":1234567890.12345678,\"timestamp\":"
      "1717200000123,\"is_buyer_maker\":false,\"exact\":{\"quantity\":"
      "\"1234567890.12345678\"}}" },
    { true,
      "{\"_key\":\"bybit_BTCUSDT_a6681954163\",\"exchange\":\"bybit\",\"symbol\":"
      "\"BTCUSDT\",\"source\":\"rest\",\"run\":3,\"agg_id\":6681954163,"
      "\"first_trade_id\":5,\"last_trade_id\":8,\"price\":\"0060123.45000000\","
      "\"quantity\":\"1234567890.12345678\",\"timestamp\":1717200000123,"
      "\"is_buyer_maker\":false}",
      "{\"_key\":\"bybit_BTCUSDT_a6681954163\",\"exchange\":\"bybit\",\"symbol\":"
      "\"BTCUSDT\",\"source\":\"rest\",\"agg_id\":6681954163,\"first_trade_id\":5,"
      "\"last_trade_id\":8,\"price\":60123.45000000,\"quantity\":"
      "1234567890.12345678,\"timestamp\":1717200000123,\"is_buyer_maker\":false,"
      "\"exact\":{\"quantity\":\"1234567890.12345678\"}}" },
};

START_TEST(record_and_document_keep_every_digit)
{
    const struct sf_record_common common = { SF_STR("bybit"), SF_STR("BTCUSDT"),
                                             SF_STR("bybit_BTCUSDT"), SF_STR("rest"), 3 };
    const struct sf_trade trade = {
        6681954163,
        5,
        8,
        1717200000123,
        SF_STR("0060123.45000000"),
        SF_STR("1234567890.12345678"),
        false,
    };
    enum sf_kind kind = records[_i].is_agg ? SF_KIND_AGG_TRADES : SF_KIND_TRADES;
    struct sf_record_head head;
    struct sf_buf b, doc;

    sf_buf_init(&b, 4096);
    sf_buf_init(&doc, 4096);
    sf_record_trade(&b, &common, records[_i].is_agg, &trade);
    ck_assert_str_eq(sf_buf_cstr(&b), records[_i].record);
    ck_assert_int_eq(
        sf_record_to_doc(sf_buf_str(&b), kind, SF_DECIMALS_NUMBER, &doc, &head, NULL),
        SF_OK);
    ck_assert_str_eq(sf_buf_cstr(&doc), records[_i].doc);
    ck_assert_int_eq(head.position, 6681954163);
    ck_assert_int_eq(head.run, 3);
    /* neither is the other */
    ck_assert_int_eq(
        sf_record_to_doc(sf_buf_str(&b),
                         records[_i].is_agg ? SF_KIND_TRADES : SF_KIND_AGG_TRADES,
                         SF_DECIMALS_NUMBER, &doc, &head, NULL),
        SF_EPROTO);
    sf_buf_release(&b);
    sf_buf_release(&doc);
}
END_TEST

static void trades_cases(Suite *s)
{
    TCase *tc = tcase_create("binance_trades");

    tcase_add_test(tc, urls_are_built);
    tcase_add_loop_test(tc, page_is_parsed, 0, COUNT(good));
    tcase_add_test(tc, voided_aggregate_is_a_row);
    tcase_add_loop_test(tc, bad_page_is_refused_with_row_and_member, 0, COUNT(bad));
    tcase_add_test(tc, cut_page_is_refused);
    tcase_add_loop_test(tc, record_and_document_keep_every_digit, 0, COUNT(records));
    suite_add_tcase(s, tc);
}

RUN_SUITE("binance_trades", trades_cases)
