/* One stream of a symbol, such as btcusdt@kline_1m: its payloads in order, up to a
 * moment. */
#ifndef EXCHANGE_STREAM_H
#define EXCHANGE_STREAM_H

#include "exchange.h"

#define STREAM_NAME_MAX 64

enum stream_kind {
    STREAM_UNKNOWN, /* is accepted and stays silent, as the real one's do */
    STREAM_TRADE,
    STREAM_AGG,
    STREAM_KLINE,
    STREAM_DEPTH,
};

struct book_pair;

struct stream {
    char name[STREAM_NAME_MAX];
    enum stream_kind kind;
    const struct market *m; /* NULL of an unknown one */
    const struct sf_interval *iv;
    int64_t step_ms; /* of klines and depth: how often there may be a payload */
    int64_t done_ms; /* all payloads up to here are out */
    struct trade_cursor cursor;
    struct trade next; /* the first trade that is not out */
    bool has_next;
    struct book_pair *books; /* of depth */
};

/* Payloads of @s with times in (done_ms, @until_ms] go to @fn, one after another, in the
 * text of milliseconds and, if @is_us, of microseconds too. */
typedef void (*stream_fn)(void *arg, struct sf_str ms, struct sf_str us);

/* Begin behind @now_ms. False: out of memory. */
bool stream_init(struct stream *s, struct exchange *ex, struct sf_str name,
                 int64_t now_ms);
void stream_release(struct stream *s);
/* How many payloads an hour's jump of the clock may cost at once is bounded: call again
 * while it returns false. */
bool stream_run(struct stream *s, int64_t until_ms, bool is_us, stream_fn fn, void *arg);

#endif
