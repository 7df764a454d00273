/* The exchanges that libsf knows; exchange.c lists them. */
#ifndef EXCHANGES_H
#define EXCHANGES_H

#include <sf/exchange.h>
#include <sf/scan.h>

#define SHOWN_MAX 40 /* bytes of bad input in an error */

extern const struct sf_exchange sf_exchange_binance;

/* binance.c: is it a stamp of this century; what stands where something else was
 * expected. */
bool binance_is_time(int64_t time_ms);
struct sf_str binance_shown(const struct sf_scan *s, enum sf_token token);

/* binance_trades.c: members of sf_exchange. */
void binance_trades_url(struct sf_buf *url, struct sf_str symbol, bool is_agg,
                        int64_t from_id, unsigned limit);
void binance_agg_trades_at_url(struct sf_buf *url, struct sf_str symbol, int64_t from_ms,
                               int64_t to_incl_ms, unsigned limit);
enum sf_status binance_trades_parse(struct sf_str body, bool is_agg,
                                    struct sf_trade *rows, size_t rows_max, size_t *ret_n,
                                    struct sf_error *err);

/* binance_depth.c: members of sf_exchange. */
int64_t binance_depth_weight(unsigned limit);
void binance_depth_url(struct sf_buf *url, struct sf_str symbol, unsigned limit);
enum sf_status binance_depth_parse(struct sf_str json, bool is_diff, struct sf_depth *ret,
                                   struct sf_error *err);

enum sf_status binance_trade_parse(struct sf_str event, bool is_agg, struct sf_trade *ret,
                                   struct sf_error *err);

/* binance_kline.c: members of sf_exchange. */
void binance_candle_stream(struct sf_buf *b, struct sf_str symbol,
                           const struct sf_interval *iv);
enum sf_status binance_candle_parse(struct sf_str event, struct sf_candle_event *ret,
                                    struct sf_error *err);

/* binance_stream.c: a symbol as streams spell it; members of sf_exchange. */
void binance_stream_symbol(struct sf_buf *b, struct sf_str symbol);
void binance_trade_stream(struct sf_buf *b, struct sf_str symbol, bool is_agg);
void binance_depth_stream(struct sf_buf *b, struct sf_str symbol);
bool binance_frame_split(struct sf_str frame, struct sf_str *ret_stream,
                         struct sf_str *ret_event);

/* sf_exchange.judge of Binance. */
void binance_judge(int status, struct sf_str body, sf_header_fn header,
                   const void *header_arg, int64_t now_ms, struct sf_rest_answer *ret,
                   struct sf_error *err);

#endif
