/* Queue ids against the symbol and TYPE of the settings. */
#include "runner.h"

#include <sf/names.h>

#include <string.h>

#define TAIL "-2024_06_01-abc123"

static const struct {
    const char *queue_id, *symbol, *type;
    const char *want; /* the id expected; NULL: taken */
} cases[] = {
    { "loader-btcusdt-api_candles_5m" TAIL, "BTCUSDT", "api_candles_5m", NULL },
    { "loader-BTCUSDT-api_candles_5m-2024-06-01-abc123", "BTCUSDT", "api_candles_5m",
      NULL },
    { "loader-a-api_trades-api_trades" TAIL, "A-API_TRADES", "api_trades", NULL },
    { "loader-btcusdt-api_candles_1mo" TAIL, "BTCUSDT", "api_candles_1M", NULL },
    { "graph-btcusdt-graph_build" TAIL, "BTCUSDT", "graph_build", NULL },
    { "loader-ethusdt-api_candles_5m" TAIL, "BTCUSDT", "api_candles_5m",
      "loader-btcusdt-api_candles_5m" TAIL },
    { "loader-btcusdt-ws_candles_5m" TAIL, "BTCUSDT", "api_candles_5m",
      "loader-btcusdt-api_candles_5m" TAIL },
    { "loader-btcusdt-api_candles_1m" TAIL, "BTCUSDT", "api_candles_1M",
      "loader-btcusdt-api_candles_1mo" TAIL },
    { "loader-btcusdt-api_candles_1mo" TAIL, "BTCUSDT", "api_candles_1m",
      "loader-btcusdt-api_candles_1m" TAIL },
    /* in another form: they say nothing */
    { "loader-ethusdt-candles" TAIL, "BTCUSDT", "api_candles_5m", NULL },
    { "loader-ethusdt-api_candles" TAIL, "BTCUSDT", "api_candles_5m", NULL },
    { "my-ethusdt-api_candles_5m" TAIL, "BTCUSDT", "api_candles_5m", NULL },
    { "loader-ethusdt-api_candles_5m-2024_06_01-mine", "BTCUSDT", "api_candles_5m",
      NULL },
    { "loader-ethusdt-api_candles_5m-2024_06_31-abc123", "BTCUSDT", "api_candles_5m",
      NULL },
    { "loader-ethusdt-api_candles_5m", "BTCUSDT", "api_candles_5m", NULL },
    { "loader-" TAIL, "BTCUSDT", "api_candles_5m", NULL },
    { "-2024_06_01-abc123", "BTCUSDT", "api_candles_5m", NULL },
    { "", "BTCUSDT", "api_candles_5m", NULL },
};

START_TEST(an_id_speaks_of_its_queue_only)
{
    struct sf_subject s = {
        SF_STR("binance"), sf_str_from(cases[_i].symbol), { NULL, NULL }, 0, SF_STR_EMPTY
    };
    struct sf_error err = { 0 };
    enum sf_status status;

    ck_assert_int_eq(sf_type_parse(sf_str_from(cases[_i].type), &s.type, NULL), SF_OK);
    status = sf_name_check_subject(sf_str_from(cases[_i].queue_id), &s, &err);
    ck_assert_int_eq(status, cases[_i].want ? SF_EINVAL : SF_OK);
    if (cases[_i].want)
        ck_assert_msg(strstr(err.text, cases[_i].want) != NULL, "%s", err.text);
}
END_TEST

static void names_check_cases(Suite *s)
{
    TCase *tc = tcase_create("names_check");

    tcase_add_loop_test(tc, an_id_speaks_of_its_queue_only, 0, COUNT(cases));
    suite_add_tcase(s, tc);
}

RUN_SUITE("names_check", names_check_cases)
