/* A page of klines is taken whole, with sane values, or refused with a reason; and so are
 * its rows by the judge of pages. */
#include "libsf/src/candle_page.h"

#include <sf/dec.h>
#include <sf/exchange.h>

#include <stdlib.h>

#define ROWS_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool is_true)
{
    if (!is_true)
        abort();
}

static void check_dec(struct sf_str dec, struct sf_str body)
{
    must(sf_dec_is_valid(dec));
    must(dec.p > body.p && dec.p + dec.len < body.p + body.len);
}

static void check_row(const struct sf_candle *c, struct sf_str body)
{
    must(c->open_time >= 0 && c->open_time <= c->close_time);
    must(c->close_time < SF_TIME_MAX_MS);
    must(c->trades >= 0);
    check_dec(c->open, body);
    check_dec(c->high, body);
    check_dec(c->low, body);
    check_dec(c->close, body);
    check_dec(c->volume, body);
    check_dec(c->quote_volume, body);
    check_dec(c->taker_base, body);
    check_dec(c->taker_quote, body);
}

static void write_rows(struct sf_buf *b, const struct sf_candle *rows, size_t n)
{
    sf_buf_add_char(b, '[');
    for (size_t i = 0; i < n; i++) {
        const struct sf_candle *c = &rows[i];
        const struct sf_str decs[] = { c->open,       c->high,       c->low,
                                       c->close,      c->volume,     c->quote_volume,
                                       c->taker_base, c->taker_quote };

        sf_buf_addf(b, "%s[%lld", i > 0 ? "," : "", (long long)c->open_time);
        for (int d = 0; d < 8; d++) {
            if (d == 5)
                sf_buf_addf(b, ",%lld", (long long)c->close_time);
            if (d == 6)
                sf_buf_addf(b, ",%lld", (long long)c->trades);
            sf_buf_addf(b, ",\"%" SF_STR_FMT "\"", SF_STR_ARG(decs[d]));
        }
        sf_buf_add_lit(b, ",\"0\"]");
    }
    sf_buf_add_char(b, ']');
}

/* What was read, written and read again, is the same; cut off, it is refused. */
static void check_again(const struct sf_exchange *x, const struct sf_candle *rows,
                        size_t n)
{
    struct sf_candle again[ROWS_MAX];
    struct sf_buf one, two;
    size_t again_n = 0;

    sf_buf_init(&one, 1 << 20);
    sf_buf_init(&two, 1 << 20);
    write_rows(&one, rows, n);
    must(x->klines_parse(sf_buf_str(&one), again, ROWS_MAX, &again_n, NULL) == SF_OK);
    must(again_n == n);
    write_rows(&two, again, n);
    must(sf_str_eq(sf_buf_str(&one), sf_buf_str(&two)));
    must(x->klines_parse(sf_str_make(two.p, two.len - 1), again, ROWS_MAX, &again_n,
                         NULL) == SF_EPROTO);
    sf_buf_release(&one);
    sf_buf_release(&two);
}

static void check_page(struct sf_candle *rows, size_t n)
{
    const struct sf_page_ask ask = { sf_interval_find(SF_STR("1m")),
                                     n > 0 ? rows[0].open_time / 60000 * 60000 : 0,
                                     SF_TIME_MAX_MS, SF_TIME_MAX_MS / 2, ROWS_MAX };
    struct sf_page_verdict v;
    struct sf_error err = { 0 };

    if (sf_page_judge(&ask, rows, n, &v, &err) != SF_OK) {
        must(err.status != SF_OK && err.text[0]);
        return;
    }
    must(v.rows_n + v.duplicates_n + v.running_n <= n);
    for (size_t i = 0; i < v.rows_n; i++) {
        must(rows[i].open_time >= ask.from && rows[i].open_time < ask.to);
        must(i == 0 || rows[i].open_time > rows[i - 1].open_time);
    }
    must(v.is_complete || (v.next_from >= ask.from && v.next_from < ask.to));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct sf_exchange *x = sf_exchange_find(SF_STR("binance"));
    struct sf_str body = sf_str_make((const char *)data, size);
    struct sf_candle rows[ROWS_MAX];
    struct sf_error err = { 0 };
    size_t n = 4711;
    enum sf_status status = x->klines_parse(body, rows, ROWS_MAX, &n, &err);

    if (status != SF_OK) {
        must(n == 4711 && err.status == status && err.text[0]);
        must(status == SF_EPROTO || status == SF_ETOOBIG);
        return 0;
    }
    must(n <= ROWS_MAX && err.status == SF_OK);
    for (size_t i = 0; i < n; i++)
        check_row(&rows[i], body);
    check_again(x, rows, n);
    check_page(rows, n);
    return 0;
}
