#include "oom.h"
#include "runner.h"

#include <sf/record.h>

#include <jansson.h>

#include <stdio.h>
#include <string.h>

#define COMMON \
    "\"exchange\":\"binance\",\"symbol\":\"BTCUSDT\",\"source\":\"rest\",\"run\":3"
#define CANDLE_HEAD                                  \
    "{\"_key\":\"BTCUSDT_5m_1717200000000\"," COMMON \
    ",\"interval\":\"5m\",\"open_time\":1717200000000,\"close_time\":1717200299999,"
#define CANDLE_TAIL                                                                 \
    "\"high\":\"2\",\"low\":\"1\",\"close\":\"1.5\",\"volume\":\"0.00000000\","     \
    "\"quote_asset_volume\":\"10\",\"number_of_trades\":7,"                         \
    "\"taker_buy_base_asset_volume\":\"0\",\"taker_buy_quote_asset_volume\":\"0\"," \
    "\"closed\":true,\"version\":9007199254740991}"
#define TRADE                                                             \
    "{\"_key\":\"BTCUSDT_5\"," COMMON ",\"trade_id\":5,\"price\":\"%s\"," \
    "\"quantity\":\"%s\",\"timestamp\":1717200000123,\"is_buyer_maker\":false}"

/* The document of @record, or NULL and the reason in @err. The caller frees it. */
static json_t *document(const char *record, enum sf_kind kind, enum sf_decimals decimals,
                        struct sf_record_head *head, struct sf_error *err, char *text,
                        size_t size)
{
    struct sf_buf b;
    json_t *doc = NULL;

    sf_buf_init(&b, 1 << 20);
    if (sf_record_to_doc(sf_str_from(record), kind, decimals, &b, head, err) == SF_OK) {
        doc = json_loads(sf_buf_cstr(&b), JSON_REJECT_DUPLICATES, NULL);
        ck_assert_msg(doc != NULL, "%s", sf_buf_cstr(&b));
        ck_assert(sf_str_copy(sf_buf_str(&b), text, size));
    } else {
        ck_assert_uint_eq(b.len, 0);
        ck_assert_int_eq(b.status, SF_OK);
    }
    sf_buf_release(&b);
    return doc;
}

/* ------------------------------------------------------------------------- digits */

static const struct {
    const char *decimal, *number; /* as it stands in the document */
    bool is_exact;                /* a double keeps it: no text beside it */
} digits[] = {
    { "0", "0", true },
    { "0.00000000", "0.00000000", true },
    { "97123.45000000", "97123.45000000", true },
    { "000012.50", "12.50", true },
    { "-0.5", "-0.5", true },
    { "0.1", "0.1", true },
    { "123456789012345", "123456789012345", true },
    { "1234567890123456", "1234567890123456", false },
    { "0.000000123456789012345", "0.000000123456789012345", true },
    { "12345678.90123456", "12345678.90123456", false },
    { "12345678901234567890.12345678", "12345678901234567890.12345678", false },
    { "100000000000000000000.5", "100000000000000000000.5", false },
};

START_TEST(decimals_keep_their_digits)
{
    struct sf_record_head head;
    char record[512], text[1024], want[128];
    json_t *doc;

    (void)snprintf(record, sizeof(record), TRADE, digits[_i].decimal, "1");
    doc = document(record, SF_KIND_TRADES, SF_DECIMALS_NUMBER, &head, NULL, text,
                   sizeof(text));
    ck_assert_ptr_nonnull(doc);
    (void)snprintf(want, sizeof(want), "\"price\":%s,", digits[_i].number);
    ck_assert_msg(strstr(text, want) != NULL, "%s in %s", want, text);
    if (digits[_i].is_exact) {
        ck_assert_ptr_null(json_object_get(doc, "exact"));
    } else {
        ck_assert_str_eq(
            json_string_value(json_object_get(json_object_get(doc, "exact"), "price")),
            digits[_i].decimal);
    }
    json_decref(doc);
    doc = document(record, SF_KIND_TRADES, SF_DECIMALS_TEXT, &head, NULL, text,
                   sizeof(text));
    ck_assert_str_eq(json_string_value(json_object_get(doc, "price")),
                     digits[_i].decimal);
    ck_assert_ptr_null(json_object_get(doc, "exact"));
    json_decref(doc);
}
END_TEST

static const char *const no_decimals[] = { "",      ".",  "1.",  ".5",      "+1",  "1e5",
                                           "--1",   "1 ", " 1",  "0x10",    "NaN", "1,5",
                                           "1.2.3", "-",  "-.5", "Infinity" };

START_TEST(what_is_no_decimal_is_named)
{
    struct sf_record_head head;
    struct sf_error err = { 0 };
    char record[512], text[1024];

    (void)snprintf(record, sizeof(record), TRADE, "1", no_decimals[_i]);
    ck_assert_ptr_null(document(record, SF_KIND_TRADES, SF_DECIMALS_NUMBER, &head, &err,
                                text, sizeof(text)));
    ck_assert_int_eq(err.status, SF_EPROTO);
    ck_assert_ptr_nonnull(strstr(err.text, "quantity"));
    ck_assert_ptr_nonnull(strstr(err.text, "decimal"));
}
END_TEST

/* -------------------------------------------------------------------------- candles */

START_TEST(a_written_candle_is_read_back)
{
    struct sf_candle candle = { .open_time = 1717200000000,
                                .close_time = 1717200299999,
                                .open = SF_STR("97123.45000000"),
                                .high = SF_STR("97200.00000000"),
                                .low = SF_STR("97000.10000000"),
                                .close = SF_STR("97100.00000000"),
                                .volume = SF_STR("12.50000000"),
                                .quote_volume = SF_STR("1214043.12500000"),
                                .taker_base = SF_STR("6.00000000"),
                                .taker_quote = SF_STR("582740.70000000"),
                                .trades = 42 };
    struct sf_record_common common = { .exchange = SF_STR("binance"),
                                       .symbol = SF_STR("BTCUSDT"),
                                       .key_prefix = SF_STR("BTCUSDT"),
                                       .source = SF_STR("rest"),
                                       .run = 3 };
    struct sf_record_head head;
    char text[1024];
    struct sf_buf b;
    json_t *doc;

    sf_buf_init(&b, 1 << 16);
    sf_record_candle(&b, &common, sf_interval_find(SF_STR("5m")), &candle, true,
                     SF_VERSION_CLOSED);
    ck_assert_int_eq(b.status, SF_OK);
    doc = document(sf_buf_cstr(&b), SF_KIND_CANDLES, SF_DECIMALS_NUMBER, &head, NULL,
                   text, sizeof(text));
    ck_assert_ptr_nonnull(doc);
    ck_assert(sf_str_eq(head.key, SF_STR("BTCUSDT_5m_1717200000000")));
    ck_assert(sf_str_eq(head.symbol, SF_STR("BTCUSDT")));
    ck_assert_int_eq(head.position, 1717200000000);
    ck_assert_int_eq(head.run, 3);
    ck_assert_ptr_null(json_object_get(doc, "run"));
    ck_assert_ptr_nonnull(strstr(text, "\"open\":97123.45000000,"));
    ck_assert_int_eq(json_integer_value(json_object_get(doc, "number_of_trades")), 42);
    ck_assert(json_is_true(json_object_get(doc, "closed")));
    ck_assert_int_eq(json_integer_value(json_object_get(doc, "version")),
                     SF_VERSION_CLOSED);
    json_decref(doc);
    sf_buf_release(&b);
}
END_TEST

static const struct {
    const char *record, *why;
} bad[] = {
    { "", "" },
    { "[]", "object" },
    { "{\"_key\":1", "_key" },
    { CANDLE_HEAD CANDLE_TAIL, "open is missing" },
    { CANDLE_HEAD "\"open\":1.5," CANDLE_TAIL, "open" },
    { CANDLE_HEAD "\"open\":\"1\",\"open\":\"1\"," CANDLE_TAIL, "twice" },
    { CANDLE_HEAD "\"open\":\"1\"," CANDLE_TAIL "x", "byte" },
    { CANDLE_HEAD "\"open\":null," CANDLE_TAIL,
      "field open: expected a decimal string, got something else" },
    { CANDLE_HEAD "\"open\":[\"1\"]," CANDLE_TAIL,
      "field open: expected a decimal string, got something else" },
    { CANDLE_HEAD "\"open\":x", "field open: expected a value at byte" },
    { CANDLE_HEAD "\"open\":", "field open: unexpected end at byte 175" },
    { CANDLE_HEAD "\"open\":\"1e5\"," CANDLE_TAIL, "got '1e5'" },
    { "{\"_key\":\"\"," COMMON "}",
      "field _key: expected a string that is not empty, got ''" },
    { "{\"_key\":\"x\",\"run\":0}", "field run: expected an integer from 1, got '0'" },
    { "{\"_key\":\"x\",\"run\":1.0}",
      "field run: expected an integer from 1, got '1.0'" },
    { "{\"_key\":\"x\",\"run\":9223372036854775808}",
      "field run: expected an integer from 1" },
    { "{\"open_time\":1e3}", "field open_time: expected an integer, got '1e3'" },
    { "{\"closed\":1}", "field closed: expected true or false, got '1'" },
    { "{\"interval\":true}", "field interval: expected a string, got something else" },
    { "{" COMMON ",\"open\":\"1\"}", "" },
    { CANDLE_HEAD "\"open\":\"1\",\"close_time\":\"5\"," CANDLE_TAIL, "close_time" },
};

START_TEST(a_bad_candle_is_refused_whole)
{
    struct sf_record_head head;
    struct sf_error err = { 0 };
    char text[1024];

    ck_assert_ptr_null(document(bad[_i].record, SF_KIND_CANDLES, SF_DECIMALS_NUMBER,
                                &head, &err, text, sizeof(text)));
    ck_assert_int_eq(err.status, SF_EPROTO);
    ck_assert_msg(strstr(err.text, bad[_i].why) != NULL, "%s: %s", bad[_i].record,
                  err.text);
}
END_TEST

/* A field that the table does not know goes into the document as it stands. */
START_TEST(unknown_fields_are_kept)
{
    struct sf_record_head head;
    char text[2048];
    json_t *doc =
        document(CANDLE_HEAD "\"open\":\"1\",\"note\":{\"a\":[1,\"x\"]}," CANDLE_TAIL,
                 SF_KIND_CANDLES, SF_DECIMALS_NUMBER, &head, NULL, text, sizeof(text));

    ck_assert_ptr_nonnull(doc);
    ck_assert_ptr_nonnull(strstr(text, "\"note\":{\"a\":[1,\"x\"]}"));
    json_decref(doc);
}
END_TEST

START_TEST(a_small_buffer_is_told)
{
    struct sf_record_head head;
    struct sf_error err = { 0 };
    struct sf_buf b;

    sf_buf_init(&b, 64);
    ck_assert_int_eq(sf_record_to_doc(SF_STR(CANDLE_HEAD "\"open\":\"1\"," CANDLE_TAIL),
                                      SF_KIND_CANDLES, SF_DECIMALS_NUMBER, &b, &head,
                                      &err),
                     SF_ETOOBIG);
    ck_assert_uint_eq(b.len, 0);
    ck_assert_int_eq(b.status, SF_OK);
    sf_buf_release(&b);
}
END_TEST

START_TEST(no_memory_is_an_error_not_a_crash)
{
    struct sf_record_head head;

    for (int n = 0;; n++) {
        struct sf_buf b;
        enum sf_status status;

        sf_buf_init(&b, 1 << 16);
        oom_fail_at(n);
        status = sf_record_to_doc(SF_STR(CANDLE_HEAD "\"open\":\"1\"," CANDLE_TAIL),
                                  SF_KIND_CANDLES, SF_DECIMALS_NUMBER, &b, &head, NULL);
        if (!oom_has_failed()) {
            ck_assert_int_eq(status, SF_OK);
            sf_buf_release(&b);
            break;
        }
        ck_assert_int_eq(status, SF_ENOMEM);
        sf_buf_release(&b);
    }
}
END_TEST

static void record_cases(Suite *s)
{
    TCase *tc = tcase_create("record");

    tcase_add_loop_test(tc, decimals_keep_their_digits, 0, COUNT(digits));
    tcase_add_loop_test(tc, what_is_no_decimal_is_named, 0, COUNT(no_decimals));
    tcase_add_test(tc, a_written_candle_is_read_back);
    tcase_add_loop_test(tc, a_bad_candle_is_refused_whole, 0, COUNT(bad));
    tcase_add_test(tc, unknown_fields_are_kept);
    tcase_add_test(tc, a_small_buffer_is_told);
    tcase_add_test(tc, no_memory_is_an_error_not_a_crash);
    suite_add_tcase(s, tc);
}

RUN_SUITE("record", record_cases)
