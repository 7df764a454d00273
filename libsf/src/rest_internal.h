/* What rest.c (queue, sending, verdicts) lends to rest_hello.c (the first questions).
 */
#ifndef REST_INTERNAL_H
#define REST_INTERNAL_H

#include <sf/rest.h>

struct sf_loop *rest_loop(const struct sf_rest *rest);
const struct sf_exchange *rest_exchange(const struct sf_rest *rest);

/* The exchange's time is @server_ms now. */
void rest_set_clock(struct sf_rest *rest, int64_t server_ms);
/* The budget as the exchange publishes it. */
void rest_publish(struct sf_rest *rest, int64_t weight_limit, int64_t window_ms);

/* Forget the calls with this @arg, waiting or under way; their callback is not called. */
void rest_drop(struct sf_rest *rest, const void *arg);

#endif
