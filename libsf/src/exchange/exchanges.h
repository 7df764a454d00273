/* The exchanges that libsf knows; exchange.c lists them. */
#ifndef EXCHANGES_H
#define EXCHANGES_H

#include <sf/exchange.h>

extern const struct sf_exchange sf_exchange_binance;

/* sf_exchange.judge of Binance. */
void binance_judge(int status, struct sf_str body, sf_header_fn header,
                   const void *header_arg, int64_t now_ms, struct sf_rest_answer *ret,
                   struct sf_error *err);

#endif
