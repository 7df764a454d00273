/* Any bytes as a frame of a stream: split or not, a trade or a candle or a reason, never
 * more than the bytes there are. */
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

static void check_candle(const struct sf_exchange *binance, struct sf_str event)
{
    struct sf_candle_event e;
    struct sf_error err = { 0 };

    if (binance->candle_parse(event, &e, &err) != SF_OK) {
        expect(err.text[0] != '\0');
        return;
    }
    expect_inside(e.candle.open, event);
    expect_inside(e.candle.taker_quote, event);
    expect(e.candle.open_time <= e.candle.close_time && e.candle.open_time <= e.time_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct sf_exchange *binance = sf_exchange_find(SF_STR("binance"));
    struct sf_str frame = sf_str_make((const char *)data, size), stream, event;

    if (!binance->frame_split(frame, &stream, &event))
        return 0;
    expect_inside(event, frame);
    expect(stream.len > 0);
    check_candle(binance, event);
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
