/* Numbers of a market as the exchange prints them. */
#ifndef EXCHANGE_RENDER_H
#define EXCHANGE_RENDER_H

#include <sf/buf.h>

/* @n in units of 10^-@digits, printed with 8 decimals: 6000001, 2 -> 60000.01000000. */
void render_dec(struct sf_buf *b, int64_t n, unsigned digits);
/* The same in quotes, with a comma behind. */
void render_quoted(struct sf_buf *b, int64_t n, unsigned digits);
void render_bool(struct sf_buf *b, bool is_true);

#endif
