/* The exchanges that libsf knows; exchange.c lists them. */
#ifndef EXCHANGES_H
#define EXCHANGES_H

#include <sf/exchange.h>

extern const struct sf_exchange sf_exchange_binance;

#endif
