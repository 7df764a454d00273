/* The request budget that all of this machine shares, as one address does at the real
 * exchange: weight in fixed windows of one minute, requests in windows of five. */
#ifndef EXCHANGE_BUDGET_H
#define EXCHANGE_BUDGET_H

#include <stdint.h>

#define BUDGET_WINDOW_MS     60000
#define BUDGET_RAW_WINDOW_MS 300000
#define BUDGET_RAW_LIMIT     300000
#define BUDGET_PATIENCE      5      /* answers 429 of a window before a ban */
#define BUDGET_BAN_MS        120000 /* the first ban; each further is twice as long */
#define BUDGET_BAN_MAX_MS    INT64_C(259200000) /* three days */

struct budget {
    int64_t weight_limit;
    int64_t window, used;         /* number of the minute, and its weight */
    int64_t raw_window, requests; /* number of the five minutes, and its requests */
    int64_t refused_n;            /* in this window */
    int64_t banned_until_ms, ban_ms;
};

void budget_init(struct budget *b, int64_t weight_limit);
/* Book a request. Returns 200, 429 or 418, and for those how long until it is worth
 * trying again. */
int budget_take(struct budget *b, int64_t weight, int64_t now_ms, int64_t *ret_wait_ms);
/* Ban for @ms from now, as the exchange would. */
void budget_ban(struct budget *b, int64_t ms, int64_t now_ms);

#endif
