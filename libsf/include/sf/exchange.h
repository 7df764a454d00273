/* What differs between exchanges: URLs, row layouts, error bodies.
 *
 * One descriptor an exchange, one folder of code behind it (libsf/src/exchange/); nothing
 * outside asks which exchange it is. Pure functions over bytes; any thread. */
#ifndef SF_EXCHANGE_H
#define SF_EXCHANGE_H

#include <sf/book.h>
#include <sf/conf.h>

/* A closed or running candle. Views into the text that was parsed. */
struct sf_candle {
    int64_t open_time, close_time; /* ms */
    struct sf_str open, high, low, close, volume, quote_volume;
    struct sf_str taker_base, taker_quote;
    int64_t trades;
};

/* What a stream says of a candle. */
struct sf_candle_event {
    struct sf_candle candle;
    int64_t time_ms; /* when the exchange said it */
    bool is_closed;  /* this is its last word */
};

/* A trade, or an aggregate trade (what one order took at one price, merged). Views. */
struct sf_trade {
    int64_t id; /* of the trade, or the aggregate's own: another id space */
    int64_t first_id, last_id; /* trades of an aggregate; -1: the exchange voided it */
    int64_t time_ms;
    struct sf_str price, quantity;
    bool is_buyer_maker;
};

/* What a REST answer asks for. */
enum sf_verdict {
    SF_VERDICT_OK,
    SF_VERDICT_RETRY,  /* transient: try again with backoff */
    SF_VERDICT_WAIT,   /* rate limit: all requests of the process wait for wait_ms */
    SF_VERDICT_SYMBOL, /* this symbol is refused; others may go on */
    SF_VERDICT_ABSENT, /* this host does not serve the endpoint */
    SF_VERDICT_KEY,    /* the endpoint wants an API key, or another one */
    SF_VERDICT_FATAL,  /* the request will never succeed */
};

struct sf_rest_answer {
    enum sf_verdict verdict;
    int64_t wait_ms;     /* SF_VERDICT_WAIT, RETRY; 0: the exchange did not say */
    int64_t used_weight; /* -1: it did not say */
    int64_t server_ms;   /* of the Date header; 0: none */
};

/* Header look-up of an answer, as sf_http_header. */
typedef struct sf_str (*sf_header_fn)(const void *arg, const char *name);

/* Facts on a symbol and on the limits, from exchangeInfo. */
struct sf_market {
    bool is_known;                          /* the symbol stands in the answer */
    bool is_trading;                        /* false: halted, in a break, delisted */
    int64_t weight_limit, weight_window_ms; /* 0: not said */
};

struct sf_exchange {
    const char *name;                       /* "binance" */
    const char *key_header;                 /* carries BINANCE_API_KEY where one is set */
    int64_t weight_limit, weight_window_ms; /* until exchangeInfo was read */
    unsigned klines_max;                    /* rows a page */
    unsigned trades_max;                    /* likewise */
    unsigned depth_max;                     /* levels of a side in a snapshot */
    int64_t klines_weight, info_weight, time_weight;
    int64_t trades_weight, agg_trades_weight;

    /* Append path and query of a request to @url (which holds the base URL). Times are
     * ms, [from, to_incl]; an exchange converts. */
    void (*klines_url)(struct sf_buf *url, struct sf_str symbol,
                       const struct sf_interval *iv, int64_t from_ms, int64_t to_incl_ms,
                       unsigned limit);
    /* Trades (@is_agg: aggregate trades) from @from_id on, oldest first. */
    void (*trades_url)(struct sf_buf *url, struct sf_str symbol, bool is_agg,
                       int64_t from_id, unsigned limit);
    /* Aggregate trades by time: the oldest from @from_ms on, or with -1 the newest up to
     * @to_incl_ms. */
    void (*agg_trades_at_url)(struct sf_buf *url, struct sf_str symbol, int64_t from_ms,
                              int64_t to_incl_ms, unsigned limit);
    /* A snapshot of the book with @limit levels a side, and what it costs. */
    void (*depth_url)(struct sf_buf *url, struct sf_str symbol, unsigned limit);
    int64_t (*depth_weight)(unsigned limit);
    void (*info_url)(struct sf_buf *url, struct sf_str symbol);
    void (*time_url)(struct sf_buf *url);

    /* Parse a page completely into @rows (room for @rows_max), as they stand in it: their
     * order is the caller's to judge. Checks every field: times sane, decimals plain, 12
     * columns. *ret_n is untouched on failure, @rows is not. Errors: SF_EPROTO with row
     * number and field; SF_ETOOBIG. */
    enum sf_status (*klines_parse)(struct sf_str body, struct sf_candle *rows,
                                   size_t rows_max, size_t *ret_n, struct sf_error *err);
    /* The same for trades or aggregate trades, any order of members, unknown ones passed
     * over. */
    enum sf_status (*trades_parse)(struct sf_str body, bool is_agg, struct sf_trade *rows,
                                   size_t rows_max, size_t *ret_n, struct sf_error *err);
    /* A snapshot, or (@is_diff) the payload of a diff: every member checked, in any
     * order, unknown ones passed over. *ret is untouched on failure. Errors: SF_EPROTO.
     */
    enum sf_status (*depth_parse)(struct sf_str json, bool is_diff, struct sf_depth *ret,
                                  struct sf_error *err);
    /* One event of a trade stream. Errors: SF_EPROTO; SF_EUNSUPPORTED another event. */
    enum sf_status (*trade_parse)(struct sf_str event, bool is_agg, struct sf_trade *ret,
                                  struct sf_error *err);
    /* One event of a candle stream. Errors as trade_parse. */
    enum sf_status (*candle_parse)(struct sf_str event, struct sf_candle_event *ret,
                                   struct sf_error *err);

    /* Streams. A connection's URL is its base, streams_path, and stream names joined by
     * '/'. */
    const char *streams_path;
    const char *shutdown_stream; /* says that the exchange is about to cut */
    unsigned streams_max;        /* of a connection, well below the published limit */
    int64_t stream_life_s;       /* the exchange cuts a connection that is older */
    void (*trade_stream)(struct sf_buf *b, struct sf_str symbol, bool is_agg);
    void (*candle_stream)(struct sf_buf *b, struct sf_str symbol,
                          const struct sf_interval *iv);
    void (*depth_stream)(struct sf_buf *b, struct sf_str symbol);
    /* A frame to the stream it is of and its event. False: an answer to a command, or
     * nothing known. */
    bool (*frame_split)(struct sf_str frame, struct sf_str *ret_stream,
                        struct sf_str *ret_event);
    enum sf_status (*info_parse)(struct sf_str body, struct sf_str symbol,
                                 struct sf_market *ret, struct sf_error *err);
    enum sf_status (*time_parse)(struct sf_str body, int64_t *ret_ms,
                                 struct sf_error *err);

    /* Judge an answer by status, headers and body. Unless OK, @err says what the exchange
     * said ("HTTP 400: -1121 Invalid symbol."). An OK body must at least look like JSON.
     */
    void (*judge)(int status, struct sf_str body, sf_header_fn header,
                  const void *header_arg, int64_t now_ms, struct sf_rest_answer *ret,
                  struct sf_error *err);
};

/* By name, or NULL. */
const struct sf_exchange *sf_exchange_find(struct sf_str name);
/* NULL-terminated list of the names. */
const char *const *sf_exchange_names(void);

#endif
