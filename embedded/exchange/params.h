/* Parameters of a request, judged as Binance does (errors.md of its documentation). */
#ifndef EXCHANGE_PARAMS_H
#define EXCHANGE_PARAMS_H

#include "exchange.h"

/* Decode the query. @allowed: names, blank-separated. False: failed with -1100, -1101,
 * -1104 or -1105. */
bool params_read(struct call *call, const char *allowed);
bool param_find(const struct call *call, const char *name, struct sf_str *ret);

/* The market of the mandatory symbol. NULL: failed (-1102, -1100, -1121). */
bool param_symbol(struct call *call, struct sf_str *ret);
const struct market *param_market(struct call *call, struct sf_str symbol);
/* The mandatory interval, or NULL: failed (-1102, -1120). */
const struct sf_interval *param_interval(struct call *call);
/* limit: @fallback when absent, cut at @max. */
bool param_limit(struct call *call, int64_t fallback, int64_t max, int64_t *ret);
/* A time in ms or us, clamped to 2017 .. @now; absent: *ret is left. */
bool param_time(struct call *call, const char *name, int64_t *ret, bool *ret_is_given);
bool param_i64(struct call *call, const char *name, int64_t *ret, bool *ret_is_given);
/* timeZone as an offset in ms; absent: 0. */
bool param_zone(struct call *call, int64_t *ret_ms);

#endif
