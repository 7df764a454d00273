/* Any bytes as a page of trades: refused with a reason, or rows that make records whose
 * documents keep their ids; a judged page ascends inside its window. */
#include "libsf/src/trades_page.h"

#include <sf/record.h>

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROWS_MAX 64

static void expect(bool is_so)
{
    if (!is_so)
        abort();
}

static void expect_record(const struct sf_trade *t, bool is_agg)
{
    const struct sf_record_common common = { SF_STR("binance"), SF_STR("BTCUSDT"),
                                             SF_STR("BTCUSDT"), SF_STR("rest"), 1 };
    struct sf_record_head head;
    struct sf_buf record, doc;

    sf_buf_init(&record, 8192);
    sf_buf_init(&doc, 8192);
    sf_record_trade(&record, &common, is_agg, t);
    expect(sf_record_to_doc(sf_buf_str(&record),
                            is_agg ? SF_KIND_AGG_TRADES : SF_KIND_TRADES,
                            SF_DECIMALS_NUMBER, &doc, &head, NULL) == SF_OK);
    expect(head.position == t->id);
    sf_buf_release(&record);
    sf_buf_release(&doc);
}

static void expect_page(struct sf_trade *rows, size_t n)
{
    int64_t from = n > 0 ? rows[0].id : 0, to = from > INT64_MAX - 10 ? from : from + 10;
    struct trades_verdict v;

    if (trades_page_judge(from, to, rows, n, &v, NULL) != SF_OK)
        return;
    expect(v.rows_n <= n && v.missing >= from && v.missing <= to && v.next >= to);
    for (size_t i = 0; i < v.rows_n; i++)
        expect(rows[i].id >= from && rows[i].id < to &&
               (i == 0 || rows[i].id > rows[i - 1].id));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct sf_exchange *binance = sf_exchange_find(SF_STR("binance"));
    struct sf_str body = sf_str_make((const char *)data, size);
    struct sf_trade rows[ROWS_MAX];

    for (int is_agg = 0; is_agg < 2; is_agg++) {
        struct sf_error err = { 0 };
        size_t n;

        if (binance->trades_parse(body, is_agg, rows, ROWS_MAX, &n, &err) != SF_OK) {
            expect(err.text[0] != '\0');
            continue;
        }
        for (size_t i = 0; i < n; i++)
            expect_record(&rows[i], is_agg);
        expect_page(rows, n);
    }
    return 0;
}
