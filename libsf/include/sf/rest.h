/* REST requests to an exchange: budget, back-off and verdicts in one place.
 *
 * sf_rest_get() ends in exactly one callback: a good body, or a final error. In between
 * the client waits for the request budget (limit.h), obeys Retry-After for all its
 * requests, and tries transient failures again with exponential back-off and jitter (250
 * ms doubling to 30 s) until retry_limit_s of failures in a row. Loop thread only. */
#ifndef SF_REST_H
#define SF_REST_H

#include <sf/exchange.h>
#include <sf/http.h>

struct sf_rest;

/* Uses conf's address of the exchange, timeouts, share and key; borrows @conf and @loop.
 */
enum sf_status sf_rest_create(struct sf_loop *loop, const struct sf_conf *conf,
                              const struct sf_exchange *exchange,
                              struct sf_rest **ret_rest,
                              struct sf_error *err) SF_MUST_CHECK;
/* Not from a callback; none is called any more. NULL is fine. */
void sf_rest_destroy(struct sf_rest *rest);

/* @status: SF_OK and *@body (take it with sf_buf moves: *@body may be swapped out), or a
 * final error: SF_ENOTFOUND this symbol is refused, SF_EUNSUPPORTED the host has no such
 * endpoint, SF_EAUTH it wants an API key, SF_EREFUSED this request, SF_EIO gave up,
 * SF_EDENIED the certificate does not verify, SF_EINVAL the URL, SF_ENOMEM. It may
 * get again and pause, not destroy. */
typedef void (*sf_rest_fn)(void *arg, enum sf_status status, struct sf_buf *body,
                           const struct sf_error *err);

/* @path: what exchange->*_url appended, copied. A callback may judge a 200 body bad and
 * call sf_rest_get again. Errors: SF_ENOMEM. */
enum sf_status sf_rest_get(struct sf_rest *rest, struct sf_str path, int64_t weight,
                           sf_rest_fn fn, void *arg, struct sf_error *err) SF_MUST_CHECK;
/* The same of a path that was built. Errors: also those of building it. */
enum sf_status sf_rest_get_built(struct sf_rest *rest, const struct sf_buf *path,
                                 int64_t weight, sf_rest_fn fn, void *arg,
                                 struct sf_error *err) SF_MUST_CHECK;

/* Hold back new sends while paused; what is under way still completes. */
void sf_rest_pause(struct sf_rest *rest, bool is_paused);

/* Told of waits of a second and more, for events and logs. @why: "request budget", "HTTP
 * 503: ...", ... */
typedef void (*sf_rest_wait_fn)(void *arg, int64_t wait_ms, const char *why);
/* @fn NULL: nobody is told. */
void sf_rest_on_wait(struct sf_rest *rest, sf_rest_wait_fn fn, void *arg);

/* Blocking start-up step on the loop: read the exchange's clock and exchangeInfo of
 * @symbol. Publishes the limits to the budget. Gives up when a stop is asked for. Errors:
 * SF_EINVAL unknown symbol; else as sf_rest_fn, SF_EPROTO, SF_ESTOPPED. */
enum sf_status sf_rest_hello(struct sf_rest *rest, struct sf_str symbol,
                             struct sf_market *ret_market,
                             struct sf_error *err) SF_MUST_CHECK;
/* The exchange's time now, by its clock at sf_rest_hello plus our monotonic one. */
int64_t sf_rest_server_ms(const struct sf_rest *rest);

#endif
