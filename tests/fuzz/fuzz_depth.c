/* A depth message is taken or refused with a reason; one that was taken becomes a record,
 * a document and a book whose sides are in order, whatever it holds. */
#include <sf/dec.h>
#include <sf/record.h>

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool is_so)
{
    if (!is_so)
        abort();
}

static void expect_walk(const struct sf_levels *levels)
{
    struct sf_levels_walk walk = sf_levels_begin(levels);
    struct sf_level l;
    size_t n = 0;

    while (sf_levels_next(&walk, &l)) {
        expect(sf_dec_is_valid(l.price) && sf_dec_is_valid(l.quantity));
        n++;
    }
    expect(n == levels->n);
}

static void expect_record(const struct sf_depth *d, bool is_diff)
{
    const struct sf_record_common c = { SF_STR("binance"), SF_STR("A"), SF_STR("A"),
                                        SF_STR("ws"), 1 };
    const struct sf_book_event event = { .kind =
                                             is_diff ? SF_BOOK_DELTA : SF_BOOK_SNAPSHOT,
                                         .time_ms = 1,
                                         .first_id = d->first_id,
                                         .last_id = d->last_id,
                                         .bids = d->bids,
                                         .asks = d->asks };
    struct sf_book_parts parts = sf_record_book(&event);
    struct sf_record_head head;
    struct sf_buf b, doc;
    unsigned n = 0;

    sf_buf_init(&b, SF_BOOK_PART_BYTES);
    sf_buf_init(&doc, 2 * SF_BOOK_PART_BYTES);
    while (sf_buf_clear(&b), sf_record_book_next(&parts, &c, &b)) {
        expect(b.status == SF_OK);
        sf_buf_clear(&doc);
        expect(sf_record_to_doc(sf_buf_str(&b), SF_KIND_ORDERBOOK, SF_DECIMALS_NUMBER,
                                &doc, &head, NULL) == SF_OK);
        expect(head.position == d->last_id);
        n++;
    }
    expect(n == parts.parts_n);
    sf_buf_release(&b);
    sf_buf_release(&doc);
}

static void expect_book(const struct sf_depth *d)
{
    struct sf_book *book = NULL;

    expect(sf_book_create(SIZE_MAX, &book, NULL) == SF_OK);
    expect(sf_book_apply(book, d, NULL) == SF_OK);
    for (int side = SF_BIDS; side < SF_SIDES; side++)
        for (size_t i = 1; i < sf_book_n(book, (enum sf_side)side); i++) {
            int order = sf_dec_cmp(sf_book_level(book, (enum sf_side)side, i - 1).price,
                                   sf_book_level(book, (enum sf_side)side, i).price);

            expect(side == SF_BIDS ? order > 0 : order < 0);
        }
    sf_book_destroy(book);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct sf_exchange *x = sf_exchange_find(SF_STR("binance"));

    for (int is_diff = 0; is_diff < 2; is_diff++) {
        struct sf_error err = { 0 };
        struct sf_depth d;

        if (x->depth_parse(sf_str_make((const char *)data, size), is_diff, &d, &err) !=
            SF_OK) {
            expect(err.text[0] != '\0');
            continue;
        }
        expect_walk(&d.bids);
        expect_walk(&d.asks);
        expect_record(&d, is_diff);
        expect_book(&d);
    }
    return 0;
}
