/* Every name (DESIGN section 4). */
#include "runner.h"

#include <sf/conf.h>

static struct sf_type_ref type_of(const char *text)
{
    struct sf_type_ref ref = { NULL, NULL };

    ck_assert_int_eq(sf_type_parse(sf_str_from(text), &ref, NULL), SF_OK);
    return ref;
}

static struct sf_subject subject(const char *exchange, const char *symbol,
                                 const char *type)
{
    return (struct sf_subject){ sf_str_from(exchange), sf_str_from(symbol), type_of(type),
                                INT64_C(1717200000000), SF_STR("abc123") };
}

/* exchange, symbol, TYPE; what follows from them */
static const struct {
    const char *exchange, *symbol, *type, *queue_id, *topic, *collection, *job;
} names[] = {
    { "", "BTCUSDT", "api_candles_5m", "loader-btcusdt-api_candles_5m-2024_06_01-abc123",
      "loader-btcusdt-api-candles-5m-2024-06-01-abc123", "btcusdt_candles_5m_2024_06_01",
      "arango-candles-btcusdt-5m-20240601-abc123" },
    { "binance", "BTCUSDT", "api_candles_1M",
      "loader-btcusdt-api_candles_1mo-2024_06_01-abc123",
      "loader-btcusdt-api-candles-1mo-2024-06-01-abc123",
      "btcusdt_candles_1mo_2024_06_01", "arango-candles-btcusdt-1mo-20240601-abc123" },
    { "bybit", "BTCUSDT", "api_candles_1m",
      "loader-bybit-btcusdt-api_candles_1m-2024_06_01-abc123",
      "loader-bybit-btcusdt-api-candles-1m-2024-06-01-abc123",
      "bybit_btcusdt_candles_1m_2024_06_01",
      "arango-candles-bybit-btcusdt-1m-20240601-abc123" },
    { "", "1000SHIB.X", "ws_trades", "loader-1000shib.x-ws_trades-2024_06_01-abc123",
      "loader-1000shib.x-ws-trades-2024-06-01-abc123", "s_1000shib-x_trades_2024_06_01",
      "arango-candles-1000shib-x-20240601-abc123" },
    { "", "BTCUSDT", "api_agg_trades", "loader-btcusdt-api_agg_trades-2024_06_01-abc123",
      "loader-btcusdt-api-agg-trades-2024-06-01-abc123", "btcusdt_agg_trades_2024_06_01",
      "arango-candles-btcusdt-20240601-abc123" },
    { "", "BTCUSDT", "graph_build", "graph-btcusdt-graph_build-2024_06_01-abc123",
      "graph-btcusdt-graph-build-2024-06-01-abc123", "btcusdt_graph_2024_06_01",
      "arango-candles-btcusdt-20240601-abc123" },
};

START_TEST(names_follow_the_rules)
{
    struct sf_subject s = subject(names[_i].exchange, names[_i].symbol, names[_i].type);
    char name[SF_NAME_MAX + 1], short_id[SF_SHORT_ID_LEN + 1];
    int64_t date = 0;

    ck_assert_int_eq(sf_name_queue_id(&s, name, NULL), SF_OK);
    ck_assert_str_eq(name, names[_i].queue_id);
    ck_assert_int_eq(sf_name_short_id_of(sf_str_from(name), short_id, NULL), SF_OK);
    ck_assert_str_eq(short_id, "abc123");
    ck_assert_int_eq(sf_name_date_of(sf_str_from(name), &date), SF_OK);
    ck_assert_int_eq(date, s.date_ms);
    ck_assert_int_eq(sf_name_topic(sf_str_from(names[_i].queue_id), name, NULL), SF_OK);
    ck_assert_str_eq(name, names[_i].topic);
    ck_assert_int_eq(sf_name_date_of(sf_str_from(name), &date),
                     SF_OK); /* also with '-' */
    ck_assert_int_eq(sf_name_collection(&s, name, NULL), SF_OK);
    ck_assert_str_eq(name, names[_i].collection);
    ck_assert_int_eq(sf_name_job(SF_STR("arango-candles"), &s, name, NULL), SF_OK);
    ck_assert_str_eq(name, names[_i].job);
}
END_TEST

START_TEST(other_names)
{
    char name[SF_NAME_MAX + 1];

    ck_assert_int_eq(sf_name_dlq(SF_STR("a-topic"), name, NULL), SF_OK);
    ck_assert_str_eq(name, "a-topic-dlq");
    ck_assert_int_eq(
        sf_name_telemetry_id(SF_STR("loader-api-candles"), SF_STR("abc123"), name, NULL),
        SF_OK);
    ck_assert_str_eq(name, "loader-api-candles__abc123");
    ck_assert_int_eq(sf_name_group(SF_STR("arango-candles"), SF_STR("q"), name, NULL),
                     SF_OK);
    ck_assert_str_eq(name, "arango-candles-q");
    ck_assert_int_eq(sf_name_image(SF_STR("registry.dmz.home/streamforge"),
                                   SF_STR("loader-api-candles"), SF_STR("v0.1.0"), name,
                                   NULL),
                     SF_OK);
    ck_assert_str_eq(name, "registry.dmz.home/streamforge/loader-api-candles:v0.1.0");
    ck_assert_int_eq(sf_name_image(SF_STR(""), SF_STR("x"), SF_STR("t"), name, NULL),
                     SF_OK);
    ck_assert_str_eq(name, "x:t");
    ck_assert_int_eq(sf_name_key_prefix(SF_STR("bybit"), SF_STR("BTCUSDT"), name, NULL),
                     SF_OK);
    ck_assert_str_eq(name, "bybit_BTCUSDT");
    ck_assert_int_eq(sf_name_key_prefix(SF_STR("binance"), SF_STR("BTCUSDT"), name, NULL),
                     SF_OK);
    ck_assert_str_eq(name, "BTCUSDT");
    ck_assert_int_eq(sf_name_ledger_kind(type_of("api_candles_1M"), name, NULL), SF_OK);
    ck_assert_str_eq(name, "candles_1mo");
    ck_assert_int_eq(sf_name_ledger_kind(type_of("ws_trades"), name, NULL), SF_OK);
    ck_assert_str_eq(name, "trades");
}
END_TEST

START_TEST(long_job_names_keep_apart)
{
    struct sf_subject a = subject("bybit", "ABCDEFGHIJKLMNOPQRST", "api_candles_15m");
    struct sf_subject b = subject("bybit", "ABCDEFGHIJKLMNOPQRST", "api_candles_30m");
    char one[SF_NAME_MAX + 1], two[SF_NAME_MAX + 1];

    ck_assert_int_eq(sf_name_job(SF_STR("loader-api-orderbook"), &a, one, NULL), SF_OK);
    ck_assert_int_eq(sf_name_job(SF_STR("loader-api-orderbook"), &b, two, NULL), SF_OK);
    ck_assert_uint_le(strlen(one), SF_LABEL_MAX);
    ck_assert_str_ne(one, two);
    ck_assert(sf_str_ends(sf_str_from(one), SF_STR("-abc123")));
}
END_TEST

START_TEST(over_the_limit_is_refused_not_cut)
{
    char topic[SF_TOPIC_MAX + 1], name[SF_NAME_MAX + 1];

    memset(topic, 'a', sizeof(topic));
    ck_assert_int_eq(sf_name_topic((struct sf_str){ topic, SF_TOPIC_MAX }, name, NULL),
                     SF_OK);
    ck_assert_int_eq(sf_name_dlq((struct sf_str){ topic, SF_TOPIC_MAX - 3 }, name, NULL),
                     SF_ETOOBIG);
    ck_assert_str_eq(name, "");
    ck_assert_int_eq(
        sf_name_check_queue_id((struct sf_str){ topic, SF_TOPIC_MAX + 1 }, NULL),
        SF_EINVAL);
}
END_TEST

static const struct {
    const char *given, *symbol; /* NULL: refused */
} symbols[] = {
    { " btcusdt ", "BTCUSDT" },
    { "1000SHIB", "1000SHIB" },
    { "a.b_c-d", "A.B_C-D" },
    { "", NULL },
    { "-BTC", NULL },
    { "BTC/USDT", NULL },
    { "BTC USDT", NULL },
    { "ABCDEFGHIJKLMNOPQRST", "ABCDEFGHIJKLMNOPQRST" },
    { "ABCDEFGHIJKLMNOPQRSTU", NULL },
    { "\xe8\xbf\x99", NULL },
};

START_TEST(symbols_are_checked)
{
    char symbol[SF_SYMBOL_MAX + 1] = "77";
    enum sf_status status = sf_name_symbol(sf_str_from(symbols[_i].given), symbol, NULL);

    ck_assert_int_eq(status, symbols[_i].symbol ? SF_OK : SF_EINVAL);
    ck_assert_str_eq(symbol, symbols[_i].symbol ? symbols[_i].symbol : "77");
}
END_TEST

START_TEST(random_names_differ_and_fit)
{
    char a[SF_NAME_MAX + 1], b[SF_NAME_MAX + 1];

    ck_assert_int_eq(sf_name_short_id(a, NULL), SF_OK);
    ck_assert_int_eq(sf_name_short_id(b, NULL), SF_OK);
    ck_assert_uint_eq(strlen(a), SF_SHORT_ID_LEN);
    ck_assert_uint_eq(strspn(a, "abcdefghijklmnopqrstuvwxyz0123456789"), SF_SHORT_ID_LEN);
    ck_assert_str_ne(a, b);
    ck_assert_int_eq(sf_name_command_id(a, NULL), SF_OK);
    ck_assert_uint_eq(strlen(a), 5 + 36);
    ck_assert_int_eq(a[5 + 14], '4');
}
END_TEST

START_TEST(ids_of_another_form_get_a_stable_short_id)
{
    char a[SF_SHORT_ID_LEN + 1], b[SF_SHORT_ID_LEN + 1];
    int64_t date;

    ck_assert_int_eq(sf_name_short_id_of(SF_STR("test"), a, NULL), SF_OK);
    ck_assert_int_eq(sf_name_short_id_of(SF_STR("test"), b, NULL), SF_OK);
    ck_assert_str_eq(a, b);
    ck_assert_int_eq(sf_name_short_id_of(SF_STR("a-ABC123"), b, NULL), SF_OK);
    ck_assert_str_ne(b, "ABC123");
    ck_assert_int_eq(sf_name_date_of(SF_STR("test"), &date), SF_ENOTFOUND);
    ck_assert_int_eq(sf_name_date_of(SF_STR("q-2024_13_01-abc123"), &date), SF_ENOTFOUND);
}
END_TEST

static void names_cases(Suite *s)
{
    TCase *tc = tcase_create("names");

    tcase_add_loop_test(tc, names_follow_the_rules, 0, COUNT(names));
    tcase_add_test(tc, other_names);
    tcase_add_test(tc, long_job_names_keep_apart);
    tcase_add_test(tc, over_the_limit_is_refused_not_cut);
    tcase_add_loop_test(tc, symbols_are_checked, 0, COUNT(symbols));
    tcase_add_test(tc, random_names_differ_and_fit);
    tcase_add_test(tc, ids_of_another_form_get_a_stable_short_id);
    suite_add_tcase(s, tc);
}

RUN_SUITE("names", names_cases)
