/* Streams of Binance: their names, and the envelope of combined ones.
 * Source: binance-spot-api-docs, web-socket-streams.md. */
#include "exchanges.h"

void binance_stream_symbol(struct sf_buf *b, struct sf_str symbol)
{
    for (size_t i = 0; i < symbol.len; i++) {
        char c = symbol.p[i];

        sf_buf_add_char(b, c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
    }
}

/* The diffs of a book come packed, ten times a second. */
void binance_depth_stream(struct sf_buf *b, struct sf_str symbol)
{
    binance_stream_symbol(b, symbol);
    sf_buf_add_lit(b, "@depth@100ms");
}

void binance_trade_stream(struct sf_buf *b, struct sf_str symbol, bool is_agg)
{
    binance_stream_symbol(b, symbol);
    sf_buf_add_str(b, is_agg ? SF_STR("@aggTrade") : SF_STR("@trade"));
}

/* The members of an envelope in whatever order. */
static bool split_slowly(struct sf_str frame, struct sf_str *ret_stream,
                         struct sf_str *ret_event)
{
    struct sf_scan s;
    enum sf_token token;

    sf_scan_init(&s, frame);
    if (sf_scan_next(&s) != SF_TOK_OBJECT)
        return false;
    while ((token = sf_scan_next(&s)) == SF_TOK_KEY) {
        if (sf_str_eq(s.text, SF_STR("stream"))) {
            if (sf_scan_next(&s) != SF_TOK_STRING)
                return false;
            *ret_stream = s.text;
        } else if (sf_str_eq(s.text, SF_STR("data"))) {
            if (sf_scan_raw(&s, ret_event, NULL) != SF_OK)
                return false;
        } else if (sf_str_eq(s.text, SF_STR("e"))) { /* raw: without an envelope */
            if (sf_scan_next(&s) != SF_TOK_STRING ||
                !sf_str_eq(s.text, SF_STR("serverShutdown")))
                return false;
            *ret_stream = SF_STR("!serverShutdown");
            *ret_event = frame;
        } else if (!sf_scan_skip(&s)) {
            return false;
        }
    }
    return token == SF_TOK_OBJECT_END && ret_stream->len > 0 && ret_event->len > 0;
}

bool binance_frame_split(struct sf_str frame, struct sf_str *ret_stream,
                         struct sf_str *ret_event)
{
    static const char head[] = "{\"stream\":\"", middle[] = "\",\"data\":";
    const size_t head_n = sizeof(head) - 1, middle_n = sizeof(middle) - 1;
    const char *quote;
    size_t left;

    *ret_stream = *ret_event = SF_STR_EMPTY;
    if (frame.len <= head_n + middle_n || memcmp(frame.p, head, head_n) != 0)
        return split_slowly(frame, ret_stream, ret_event);
    quote = memchr(frame.p + head_n, '"', frame.len - head_n);
    left = quote ? frame.len - (size_t)(quote - frame.p) : 0;
    if (left <= middle_n + 1 || quote == frame.p + head_n ||
        memcmp(quote, middle, middle_n) != 0 || frame.p[frame.len - 1] != '}' ||
        frame.p[frame.len - 2] != '}')
        return split_slowly(frame, ret_stream, ret_event);
    *ret_stream = (struct sf_str){ frame.p + head_n, (size_t)(quote - frame.p) - head_n };
    *ret_event = (struct sf_str){ quote + middle_n, left - middle_n - 1 };
    return true;
}
