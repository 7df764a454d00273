/* The head of a record; control records there and back, and what is refused of them. */
#include "oom.h"
#include "runner.h"

#include <sf/record.h>

#include <jansson.h>

#include <string.h>

/* ---------------------------------------------------------------------------- heads */

static const struct {
    const char *record;
    enum sf_kind kind;
    const char *key; /* NULL: refused */
    int64_t position, run;
} heads[] = {
    { "{\"_key\":\"A_5m_7\",\"symbol\":\"A\",\"run\":3,\"open_time\":7}", SF_KIND_CANDLES,
      "A_5m_7", 7, 3 },
    { "{\"trade_id\":9,\"run\":1,\"x\":[{}],\"symbol\":\"A\",\"_key\":\"A_9\"}",
      SF_KIND_TRADES, "A_9", 9, 1 },
    { "{\"_key\":\"k\",\"symbol\":\"A\",\"run\":1,\"agg_id\":5}", SF_KIND_AGG_TRADES, "k",
      5, 1 },
    { "{\"_key\":\"k\",\"symbol\":\"A\",\"run\":1,\"last_update_id\":5}",
      SF_KIND_ORDERBOOK, "k", 5, 1 },
    /* another kind's position is none */
    { "{\"_key\":\"k\",\"symbol\":\"A\",\"run\":2,\"trade_id\":9}", SF_KIND_CANDLES, "k",
      -1, 2 },
    /* a member that another kind has its time in may hold anything */
    { "{\"_key\":\"k\",\"timestamp\":\"noon\",\"symbol\":\"A\",\"run\":2}",
      SF_KIND_GENERIC, "k", -1, 2 },
    { "{\"_key\":\"k\",\"timestamp\":1.5,\"symbol\":\"A\",\"run\":2}", SF_KIND_TRADES,
      NULL, 0, 0 },
    { "{\"open_time\":9223372036854775807}", SF_KIND_CANDLES, "", INT64_MAX, 0 },
    { "{}", SF_KIND_CANDLES, "", -1, 0 },
    { "", SF_KIND_CANDLES, NULL, 0, 0 },
    { "null", SF_KIND_CANDLES, NULL, 0, 0 },
    { "[1]", SF_KIND_CANDLES, NULL, 0, 0 },
    { "{\"_key\":5}", SF_KIND_CANDLES, NULL, 0, 0 },
    { "{\"symbol\":null}", SF_KIND_CANDLES, NULL, 0, 0 },
    { "{\"run\":\"3\"}", SF_KIND_CANDLES, NULL, 0, 0 },
    { "{\"run\":3.0}", SF_KIND_CANDLES, NULL, 0, 0 },
    { "{\"open_time\":9223372036854775808}", SF_KIND_CANDLES, NULL, 0, 0 },
    { "{\"a\":{\"b\":}}", SF_KIND_CANDLES, NULL, 0, 0 },
    { "{\"_key\":\"k\"", SF_KIND_CANDLES, NULL, 0, 0 },
};

START_TEST(a_head_is_read_or_refused)
{
    struct sf_record_head head = { .position = -7 };
    struct sf_error err = { 0 };
    enum sf_status status =
        sf_record_head(sf_str_from(heads[_i].record), heads[_i].kind, &head, &err);

    if (!heads[_i].key) {
        ck_assert_int_eq(status, SF_EPROTO);
        ck_assert_int_eq(head.position, -7);
        ck_assert_str_ne(err.text, "");
        return;
    }
    ck_assert_int_eq(status, SF_OK);
    ck_assert(sf_str_eq(head.key, sf_str_from(heads[_i].key)));
    ck_assert_int_eq(head.position, heads[_i].position);
    ck_assert_int_eq(head.run, heads[_i].run);
}
END_TEST

/* ----------------------------------------------------------------------------- ends */

static const struct {
    struct sf_end end;
    const char *json;
} ends[] = {
    { { 5, 10, 50, 10, -1, 60 },
      "{\"records\":5,\"first\":10,\"last\":50,\"listed_from\":10,\"cut_to\":null,"
      "\"to\":60}" },
    { { 0, -1, -1, -1, -1, -1 },
      "{\"records\":0,\"first\":-1,\"last\":-1,\"listed_from\":null,\"cut_to\":null,"
      "\"to\":null}" },
    { { INT64_MAX, 0, INT64_MAX, -1, 0, INT64_MAX },
      "{\"records\":9223372036854775807,\"first\":0,\"last\":9223372036854775807,"
      "\"listed_from\":null,\"cut_to\":0,\"to\":9223372036854775807}" },
};

START_TEST(an_end_is_written_and_read_back)
{
    const struct sf_end *end = &ends[_i].end;
    struct sf_end got;
    struct sf_buf b;

    sf_buf_init(&b, 1024);
    sf_record_end(&b, end);
    ck_assert_str_eq(sf_buf_cstr(&b), ends[_i].json);
    ck_assert_int_eq(sf_record_end_parse(sf_buf_str(&b), &got, NULL), SF_OK);
    ck_assert_int_eq(got.records, end->records);
    ck_assert_int_eq(got.first, end->first);
    ck_assert_int_eq(got.last, end->last);
    ck_assert_int_eq(got.listed_from, end->listed_from);
    ck_assert_int_eq(got.cut_to, end->cut_to);
    ck_assert_int_eq(got.to, end->to);
    sf_buf_release(&b);
}
END_TEST

static const struct {
    const char *json, *why;
} no_ends[] = {
    { "", "expected a JSON object" },
    { "5", "expected a JSON object" },
    { "[]", "expected a JSON object" },
    { "{\"records\":5", "expected a JSON object" },
    { "{\"records\":1,\"records\":2}", "expected a JSON object" },
    { "{} x", "expected a JSON object" },
    { "{}", "records: expected an integer" },
    { "{\"records\":1,\"first\":1}", "last: expected an integer" },
    { "{\"records\":\"5\"}", "records: expected an integer" },
    { "{\"records\":5.0}", "records: expected an integer" },
    { "{\"records\":1,\"first\":[]}", "first: expected an integer" },
    { "{\"records\":1,\"first\":1,\"last\":true}", "last: expected an integer" },
    { "{\"records\":1,\"first\":1,\"last\":1,\"cut_to\":\"\"}",
      "cut_to: expected an integer" },
    { "{\"records\":1,\"first\":1,\"last\":1,\"to\":1.5}", "to: expected an integer" },
};

START_TEST(what_is_no_end_is_named)
{
    struct sf_end got = { .records = -7 };
    struct sf_error err = { 0 };

    ck_assert_int_eq(sf_record_end_parse(sf_str_from(no_ends[_i].json), &got, &err),
                     SF_EPROTO);
    ck_assert_int_eq(got.records, -7);
    ck_assert_msg(strstr(err.text, no_ends[_i].why) != NULL, "%s", err.text);
}
END_TEST

/* --------------------------------------------------------------------------- ledger */

static struct sf_gap some_gap(const char *exchange)
{
    return (struct sf_gap){ .exchange = sf_str_from(exchange),
                            .symbol = SF_STR("BTCUSDT"),
                            .kind = SF_STR("candles_5m"),
                            .from = 100,
                            .to = 200,
                            .cause = SF_STR("a \"halt\"\n"),
                            .is_repaired = true,
                            .records = 3,
                            .took_ms = 12 };
}

static json_t *ledger_row(const struct sf_buf *record)
{
    struct sf_buf doc;
    json_t *row;

    sf_buf_init(&doc, 1024);
    ck_assert_int_eq(sf_record_ledger_doc(sf_buf_str(record), &doc, NULL), SF_OK);
    row = json_loads(sf_buf_cstr(&doc), JSON_REJECT_DUPLICATES, NULL);
    ck_assert_msg(row != NULL, "%s", sf_buf_cstr(&doc));
    sf_buf_release(&doc);
    return row;
}

static void expect(const json_t *row, const char *name, const char *json)
{
    char *got = json_dumps(json_object_get(row, name), JSON_ENCODE_ANY);

    ck_assert_str_eq(got ? got : "(absent)", json);
    free(got);
}

START_TEST(a_gap_becomes_a_row_of_the_ledger)
{
    struct sf_gap gap = some_gap("binance");
    struct sf_buf record;
    json_t *row;

    sf_buf_init(&record, 1024);
    sf_record_gap(&record, &gap);
    row = ledger_row(&record);
    expect(row, "_key", "\"BTCUSDT_candles_5m_100\"");
    expect(row, "exchange", "\"binance\"");
    expect(row, "symbol", "\"BTCUSDT\"");
    expect(row, "kind", "\"candles_5m\"");
    expect(row, "from", "100");
    expect(row, "to", "200");
    expect(row, "cause", "\"a \\\"halt\\\"\\n\"");
    expect(row, "repaired", "true");
    expect(row, "records", "3");
    expect(row, "ms", "12");
    ck_assert_uint_eq(json_object_size(row), 10);
    json_decref(row);
    sf_buf_release(&record);
}
END_TEST

/* Another exchange's rows stand beside those of the default one. */
START_TEST(coverage_becomes_a_row_of_its_exchange)
{
    struct sf_gap range = some_gap("bybit");
    struct sf_buf record;
    json_t *row;

    sf_buf_init(&record, 1024);
    range.records = 0;
    sf_record_coverage(&record, &range);
    row = ledger_row(&record);
    expect(row, "_key", "\"bybit_BTCUSDT_candles_5m_100\"");
    expect(row, "to", "200");
    ck_assert_uint_eq(json_object_size(row), 6);
    json_decref(row);
    sf_buf_clear(&record);
    range.records = 3;
    sf_record_coverage(&record, &range);
    row = ledger_row(&record);
    expect(row, "records", "3");
    ck_assert_uint_eq(json_object_size(row), 7);
    json_decref(row);
    sf_buf_release(&record);
}
END_TEST

START_TEST(positions_of_several_symbols_are_one_record)
{
    struct sf_buf b;

    sf_buf_init(&b, 1024);
    sf_record_pos(&b, SF_STR("BTCUSDT"), 17);
    sf_record_pos(&b, SF_STR("ETHUSDT"), -1);
    sf_buf_add_char(&b, '}');
    ck_assert_str_eq(sf_buf_cstr(&b), "{\"BTCUSDT\":17,\"ETHUSDT\":-1}");
    sf_buf_release(&b);
}
END_TEST

#define ROW "\"exchange\":\"binance\",\"symbol\":\"A\",\"kind\":\"k\",\"from\":1"

static const char *const no_ledger[] = {
    "",
    "[]",
    "{}",
    "{\"symbol\":\"A\",\"kind\":\"k\"}",
    "{\"symbol\":\"A\",\"kind\":\"k\",\"from\":\"1\"}",
    "{\"symbol\":\"A\",\"kind\":\"k\",\"from\":1.5}",
    "{\"symbol\":\"A\",\"kind\":null,\"from\":1}",
    "{\"symbol\":7,\"kind\":\"k\",\"from\":1}",
    "{\"symbol\":\"A B\",\"kind\":\"k\",\"from\":1}",
    "{\"exchange\":5,\"symbol\":\"A\",\"kind\":\"k\",\"from\":1}",
    ("{" ROW ",\"from\":2}"),
    ("{" ROW ",\"_key\":\"x\"}"),
    ("{" ROW "} ,"),
    ("{" ROW),
};

START_TEST(what_is_no_row_leaves_nothing)
{
    struct sf_error err = { 0 };
    struct sf_buf doc;

    sf_buf_init(&doc, 1024);
    sf_buf_add_lit(&doc, "before");
    ck_assert_int_eq(sf_record_ledger_doc(sf_str_from(no_ledger[_i]), &doc, &err),
                     SF_EPROTO);
    ck_assert_str_ne(err.text, "");
    ck_assert_str_eq(sf_buf_cstr(&doc), "before");
    sf_buf_release(&doc);
}
END_TEST

START_TEST(a_row_without_room_or_memory_leaves_nothing)
{
    struct sf_buf doc;

    sf_buf_init(&doc, 40);
    sf_buf_add_lit(&doc, "before");
    ck_assert_int_eq(sf_record_ledger_doc(SF_STR("{" ROW "}"), &doc, NULL), SF_ETOOBIG);
    ck_assert_str_eq(sf_buf_cstr(&doc), "before");
    sf_buf_release(&doc);
    sf_buf_init(&doc, 1024);
    oom_fail_at(0);
    ck_assert_int_eq(sf_record_ledger_doc(SF_STR("{" ROW "}"), &doc, NULL), SF_ENOMEM);
    ck_assert(oom_has_failed());
    ck_assert_uint_eq(doc.len, 0);
    ck_assert_int_eq(sf_record_ledger_doc(SF_STR("{" ROW "}"), &doc, NULL), SF_OK);
    ck_assert_str_eq(sf_buf_cstr(&doc), "{\"_key\":\"A_k_1\"," ROW "}");
    sf_buf_release(&doc);
}
END_TEST

static void control_cases(Suite *s)
{
    TCase *tc = tcase_create("record_control");

    tcase_add_loop_test(tc, a_head_is_read_or_refused, 0, COUNT(heads));
    tcase_add_loop_test(tc, an_end_is_written_and_read_back, 0, COUNT(ends));
    tcase_add_loop_test(tc, what_is_no_end_is_named, 0, COUNT(no_ends));
    tcase_add_test(tc, a_gap_becomes_a_row_of_the_ledger);
    tcase_add_test(tc, coverage_becomes_a_row_of_its_exchange);
    tcase_add_test(tc, positions_of_several_symbols_are_one_record);
    tcase_add_loop_test(tc, what_is_no_row_leaves_nothing, 0, COUNT(no_ledger));
    tcase_add_test(tc, a_row_without_room_or_memory_leaves_nothing);
    suite_add_tcase(s, tc);
}

RUN_SUITE("record_control", control_cases)
