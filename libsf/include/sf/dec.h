/* Decimals as text: prices and quantities never pass through a floating-point number.
 *
 * The form is -?digits[.digits]: no exponent, no leading '+', no bare '.', at most
 * SF_DEC_MAX characters. Pure functions; any thread. */
#ifndef SF_DEC_H
#define SF_DEC_H

#include <sf/str.h>

#define SF_DEC_MAX 64 /* characters; Binance sends at most 20 digits and a point */

/* Check the form of @s.
 * Errors:
 *   SF_EPROTO   empty, or not a plain decimal.
 *   SF_ETOOBIG  longer than SF_DEC_MAX. */
enum sf_status sf_dec_check(struct sf_str s, struct sf_error *err) SF_MUST_CHECK;
bool sf_dec_is_valid(struct sf_str s);

/* Compare by value: <0, 0, >0. Both must have passed sf_dec_check. "1.0" equals "1". */
int sf_dec_cmp(struct sf_str a, struct sf_str b);
bool sf_dec_is_zero(struct sf_str s);

/* Digits that the value needs: without leading zeros and without trailing zeros behind
 * the point ("0.0100" 1, "123.450" 5, "100" 3, "0" 1). A double keeps any value of up to
 * SF_DEC_DOUBLE_DIGITS significant digits apart from its neighbours. */
unsigned sf_dec_digits(struct sf_str s);
#define SF_DEC_DOUBLE_DIGITS 15

/* The view of @s that is a JSON number: superfluous leading zeros cut ("007.50" gives
 * "7.50"), everything else digit for digit. *ret_minus tells whether a '-' goes before.
 */
struct sf_str sf_dec_number(struct sf_str s, bool *ret_minus);

#endif
