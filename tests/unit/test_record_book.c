#include "runner.h"

#include <sf/record.h>

#include <jansson.h>

#include <stdio.h>

static struct sf_record_common common(void)
{
    return (struct sf_record_common){ SF_STR("binance"), SF_STR("BTCUSDT"),
                                      SF_STR("BTCUSDT"), SF_STR("ws"), 3 };
}

static struct sf_levels levels(const char *text)
{
    struct sf_levels l;

    ck_assert_int_eq(sf_levels_parse(sf_str_from(text), &l, NULL), SF_OK);
    return l;
}

#define HEAD(key)                                                                    \
    "{\"_key\":\"BTCUSDT_" key "\",\"exchange\":\"binance\",\"symbol\":\"BTCUSDT\"," \
    "\"source\":\"ws\",\"run\":3,"

static const struct {
    struct sf_book_event event;
    const char *bids, *asks, *want, *want_doc; /* NULL: the same without run */
} events[] = {
    { { .kind = SF_BOOK_SNAPSHOT, .time_ms = 1723161254206, .last_id = 50093239218 },
      "[[\"1.50\",\"2\"],[\"1\",\"3\"]]",
      "[]",
      HEAD("s_0000050093239218_1723161254206") "\"event\":\"snapshot\",\"timestamp\":"
                                               "1723161254206,\"last_update_id\":"
                                               "50093239218,\"bids\":[[\"1.50\",\"2\"],["
                                               "\"1\",\"3\"]],\"asks\":[]}",
      "\"bids\":[[1.50,2],[1,3]],\"asks\":[]}" },
    { { .kind = SF_BOOK_DELTA, .time_ms = 7, .first_id = 3, .last_id = 5 },
      "[]",
      "[ [\"2\", \"0.0\",[]] ]",
      HEAD(
          "d_0000000000000005") "\"event\":\"delta\",\"timestamp\":7,\"first_update_id\":"
                                "3,\"last_update_id\":5,\"bids\":[],\"asks\":[[\"2\","
                                "\"0.0\"]]}",
      "\"bids\":[],\"asks\":[[2,0.0]]}" },
    { { .kind = SF_BOOK_RESET, .time_ms = 8, .last_id = 5, .cause = { "gap", 3 } },
      "[]",
      "[]",
      HEAD("r_0000000000000005_8") "\"event\":\"reset\",\"timestamp\":8,\"last_update_"
                                   "id\":5,\"cause\":\"gap\"}",
      "\"cause\":\"gap\"}" },
    { { .kind = SF_BOOK_SNAPSHOT, .time_ms = 9, .last_id = 12345678901234567, .top = 20 },
      "[]",
      "[[\"12345678901234567890.1\",\"1\"]]",
      HEAD("s_12345678901234567_9_t20") "\"event\":\"snapshot\",\"timestamp\":9,\"last_"
                                        "update_id\":12345678901234567,\"bids\":[],"
                                        "\"asks\":[[\"12345678901234567890.1\",\"1\"]],"
                                        "\"top\":20}",
      "\"asks\":[[12345678901234567890.1,1]],\"top\":20,\"exact\":{\"asks\":[["
      "\"12345678901234567890.1\",\"1\"]]}}" },
};

START_TEST(events_become_records_and_documents)
{
    struct sf_book_event event = events[_i].event;
    struct sf_record_common c = common();
    struct sf_book_parts parts;
    struct sf_record_head head;
    struct sf_error err = { 0 };
    struct sf_buf b, doc;

    sf_buf_init(&b, 65536);
    sf_buf_init(&doc, 65536);
    event.bids = levels(events[_i].bids);
    event.asks = levels(events[_i].asks);
    parts = sf_record_book(&event);
    ck_assert(sf_record_book_next(&parts, &c, &b));
    ck_assert(!sf_record_book_next(&parts, &c, &b));
    ck_assert_str_eq(sf_buf_cstr(&b), events[_i].want);
    ck_assert_msg(sf_record_to_doc(sf_buf_str(&b), SF_KIND_ORDERBOOK, SF_DECIMALS_NUMBER,
                                   &doc, &head, &err) == SF_OK,
                  "%s", err.text);
    ck_assert_int_eq(head.position, event.last_id);
    ck_assert_int_eq(head.run, 3);
    ck_assert_msg(sf_str_ends(sf_buf_str(&doc), sf_str_from(events[_i].want_doc)), "%s",
                  sf_buf_cstr(&doc));
    ck_assert(!sf_str_contains(sf_buf_str(&doc), SF_STR("\"run\"")));
    sf_buf_release(&b);
    sf_buf_release(&doc);
}
END_TEST

/* ------------------------------------------------------------------------------ parts */

#define PRICE "1234567890123456789012345678901234567890123456789012345.%08d" /* 64 */

static void add_big_side(struct sf_buf *b, int from, int n)
{
    sf_buf_add_char(b, '[');
    for (int i = 0; i < n; i++)
        sf_buf_addf(b, "%s[\"" PRICE "\",\"" PRICE "\"]", i > 0 ? "," : "", from + i, i);
    sf_buf_add_char(b, ']');
}

/* Levels of one part behind those of the parts before it. */
static void check_part(const struct sf_buf *record, const char *side, int from, int *at)
{
    json_t *root = json_loadb(record->p, record->len, 0, NULL);
    const json_t *all = json_object_get(root, side);
    char want[80];

    ck_assert(json_is_array(all));
    for (size_t i = 0; i < json_array_size(all); i++, (*at)++) {
        const json_t *l = json_array_get(all, i);

        (void)snprintf(want, sizeof(want), PRICE, from + *at);
        ck_assert_str_eq(json_string_value(json_array_get(l, 0)), want);
        (void)snprintf(want, sizeof(want), PRICE, *at);
        ck_assert_str_eq(json_string_value(json_array_get(l, 1)), want);
    }
    json_decref(root);
}

static const struct {
    int bids, asks;
    unsigned want;
} sizes[] = {
    { 3847, 0, 1 },    { 3848, 0, 2 },    { 0, 3848, 2 },       { 2000, 1847, 1 },
    { 2000, 1848, 2 }, { 5000, 5000, 3 }, { 20000, 20001, 11 },
};

START_TEST(a_large_event_comes_in_parts)
{
    struct sf_record_common c = common();
    struct sf_buf bids, asks, b, doc;
    struct sf_book_event event = { .kind = SF_BOOK_SNAPSHOT, .time_ms = 5, .last_id = 6 };
    struct sf_book_parts parts;
    struct sf_record_head head;
    int bids_at = 0, asks_at = 0;
    unsigned n = 0;

    sf_buf_init(&bids, SIZE_MAX);
    sf_buf_init(&asks, SIZE_MAX);
    sf_buf_init(&b, SF_BOOK_PART_BYTES);
    sf_buf_init(&doc, (size_t)2 * SF_BOOK_PART_BYTES); /* what a connector takes */
    add_big_side(&bids, 0, sizes[_i].bids);
    add_big_side(&asks, 50000, sizes[_i].asks);
    event.bids = levels(sf_buf_cstr(&bids));
    event.asks = levels(sf_buf_cstr(&asks));
    parts = sf_record_book(&event);
    while (sf_buf_clear(&b), sf_record_book_next(&parts, &c, &b)) {
        char key[64];

        n++;
        ck_assert_int_eq(b.status, SF_OK); /* within its bound */
        check_part(&b, "bids", 0, &bids_at);
        check_part(&b, "asks", 50000, &asks_at);
        sf_buf_clear(&doc);
        ck_assert_int_eq(sf_record_to_doc(sf_buf_str(&b), SF_KIND_ORDERBOOK,
                                          SF_DECIMALS_NUMBER, &doc, &head, NULL),
                         SF_OK);
        if (sizes[_i].want > 1) {
            (void)snprintf(key, sizeof(key), "BTCUSDT_s_0000000000000006_5_p%03u", n);
            ck_assert(sf_str_eq(head.key, sf_str_from(key)));
            (void)snprintf(key, sizeof(key), ",\"part\":%u,\"parts\":%u}", n,
                           sizes[_i].want);
            ck_assert(sf_str_ends(sf_buf_str(&b), sf_str_from(key)));
        }
    }
    ck_assert_uint_eq(n, sizes[_i].want);
    ck_assert_int_eq(bids_at, sizes[_i].bids);
    ck_assert_int_eq(asks_at, sizes[_i].asks);
    sf_buf_release(&bids);
    sf_buf_release(&asks);
    sf_buf_release(&b);
    sf_buf_release(&doc);
}
END_TEST

static void record_book_cases(Suite *s)
{
    TCase *tc = tcase_create("record_book");

    tcase_add_loop_test(tc, events_become_records_and_documents, 0, COUNT(events));
    tcase_add_loop_test(tc, a_large_event_comes_in_parts, 0, COUNT(sizes));
    suite_add_tcase(s, tc);
}

RUN_SUITE("record_book", record_book_cases)
