/* What Binance really sent, each value compared with what another parser reads. */
#include "recorded.h"
#include "runner.h"

#include <sf/exchange.h>

#include <jansson.h>

#include <glob.h>
#include <stdio.h>

#define ROWS_MAX 100000
#define FILE_MAX ((size_t)64 * 1024 * 1024)
#define ROWS_15M 46673 /* by the README of the recordings */

static void assert_text(struct sf_str got, const json_t *row, size_t column)
{
    const json_t *want = json_array_get(row, column);

    ck_assert(
        sf_str_eq(got, sf_str_make(json_string_value(want), json_string_length(want))));
}

static void assert_row(const struct sf_candle *c, const json_t *row)
{
    ck_assert_int_eq(c->open_time, json_integer_value(json_array_get(row, 0)));
    ck_assert_int_eq(c->close_time, json_integer_value(json_array_get(row, 6)));
    ck_assert_int_eq(c->trades, json_integer_value(json_array_get(row, 8)));
    assert_text(c->open, row, 1);
    assert_text(c->high, row, 2);
    assert_text(c->low, row, 3);
    assert_text(c->close, row, 4);
    assert_text(c->volume, row, 5);
    assert_text(c->quote_volume, row, 7);
    assert_text(c->taker_base, row, 9);
    assert_text(c->taker_quote, row, 10);
}

/* Returns the number of rows. */
static size_t check_page(const char *path, struct sf_buf *body, struct sf_candle *rows)
{
    const struct sf_exchange *x = sf_exchange_find(SF_STR("binance"));
    struct sf_error err = { 0 };
    json_t *want;
    size_t n = 0;

    body->len = 0;
    ck_assert_msg(recorded_read(path, body), "%s", path);
    want = json_loadb(body->p, body->len, 0, NULL);
    ck_assert_msg(x->klines_parse(sf_buf_str(body), rows, ROWS_MAX, &n, &err) == SF_OK,
                  "%s: %s", path, err.text);
    ck_assert_uint_eq(n, json_array_size(want));
    for (size_t i = 0; i < n; i++)
        assert_row(&rows[i], json_array_get(want, i));
    json_decref(want);
    return n;
}

START_TEST(every_recorded_page_is_parsed_digit_for_digit)
{
    char dir[] = "/tmp/sf-recorded-XXXXXX", pattern[64];
    struct sf_candle *rows = calloc(ROWS_MAX, sizeof(*rows));
    struct sf_buf body;
    size_t rows_15m = 0;
    glob_t pages;

    ck_assert_ptr_nonnull(rows);
    ck_assert_ptr_nonnull(mkdtemp(dir));
    sf_buf_init(&body, FILE_MAX);
    if (recorded_untar("static-klines/BTCUSDT-all-intervals.tar.zst", dir)) {
        (void)snprintf(pattern, sizeof(pattern), "%s/klines/*/*/*.json", dir);
        /* NOLINTNEXTLINE(concurrency-mt-unsafe): this test is one thread */
        ck_assert_int_eq(glob(pattern, 0, NULL, &pages), 0);
        for (size_t i = 0; i < pages.gl_pathc; i++) {
            size_t n = check_page(pages.gl_pathv[i], &body, rows);

            if (strstr(pages.gl_pathv[i], "/15m/"))
                rows_15m += n;
        }
        globfree(&pages);
        ck_assert_uint_eq(rows_15m, ROWS_15M);
    }
    recorded_remove(dir);
    sf_buf_release(&body);
    free(rows);
}
END_TEST

START_TEST(recorded_exchange_info_is_read)
{
    const struct sf_exchange *x = sf_exchange_find(SF_STR("binance"));
    struct sf_market m;
    struct sf_error err = { 0 };
    struct sf_buf file;
    struct sf_str body;

    sf_buf_init(&file, FILE_MAX);
    if (recorded_gunzip("cryptofeed/BINANCE.0.exchangeInfo.gz", &file)) {
        const char *json =
            strchr(sf_buf_cstr(&file), '{'); /* "<url> -> <time>: <body>" */

        ck_assert_ptr_nonnull(json);
        body = sf_str_make(json, strcspn(json, "\n"));
        ck_assert_msg(x->info_parse(body, SF_STR("BTCUSDT"), &m, &err) == SF_OK, "%s",
                      err.text);
        ck_assert(m.is_known && m.is_trading);
        ck_assert_int_eq(m.weight_limit, 1200);
        ck_assert_int_eq(m.weight_window_ms, 60000);
        ck_assert_int_eq(x->info_parse(body, SF_STR("NOSUCH"), &m, NULL), SF_OK);
        ck_assert(!m.is_known);
    }
    sf_buf_release(&file);
}
END_TEST

static void recorded_cases(Suite *s)
{
    TCase *tc = tcase_create("binance_recorded");

    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, every_recorded_page_is_parsed_digit_for_digit);
    tcase_add_test(tc, recorded_exchange_info_is_read);
    suite_add_tcase(s, tc);
}

RUN_SUITE("binance_recorded", recorded_cases)
