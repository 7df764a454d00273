/* Any bytes as a frame of a stream: split or not, a trade or a reason, never more than
 * the bytes there are. */
#include <sf/exchange.h>

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool is_so)
{
    if (!is_so)
        abort();
}

static void expect_inside(struct sf_str part, struct sf_str whole)
{
    expect(part.p >= whole.p && part.p + part.len <= whole.p + whole.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct sf_exchange *binance = sf_exchange_find(SF_STR("binance"));
    struct sf_str frame = sf_str_make((const char *)data, size), stream, event;

    if (!binance->frame_split(frame, &stream, &event))
        return 0;
    expect_inside(event, frame);
    expect(stream.len > 0);
    for (int is_agg = 0; is_agg < 2; is_agg++) {
        struct sf_error err = { 0 };
        struct sf_trade t;

        if (binance->trade_parse(event, is_agg, &t, &err) != SF_OK) {
            expect(err.text[0] != '\0');
            continue;
        }
        expect_inside(t.price, frame);
        expect_inside(t.quantity, frame);
        expect(t.id >= 0);
    }
    return 0;
}
