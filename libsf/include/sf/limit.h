/* The request budget of one exchange, per IP address (DESIGN section 9).
 *
 * Exchanges count "weight" in fixed windows and say in each answer how much this address
 * has used, other processes included. Used weight of the last answer plus what is in
 * flight stays under a share of the published limit; after 429 or 418 nothing is sent
 * until the deadline. Pure: time comes in as an argument (mono_us). One thread. Source:
 * Binance, rest-api.md, "LIMITS" (X-MBX-USED-WEIGHT-1M, Retry-After). */
#ifndef SF_LIMIT_H
#define SF_LIMIT_H

#include <sf/err.h>

#include <stdint.h>

struct sf_limit {
    int64_t limit;     /* weight a window, as published */
    int64_t window_us; /* length of a window */
    int64_t share_percent;
    int64_t used;      /* of this window, by the last answer; grows by our own sends */
    int64_t in_flight; /* weight sent and not answered */
    int64_t window_end_us;    /* mono: when `used` counts from zero again */
    int64_t blocked_until_us; /* mono: 0, or no request before */
};

void sf_limit_init(struct sf_limit *l, int64_t limit, int64_t window_us,
                   int64_t share_percent);
/* The published limit changed (exchangeInfo read). */
void sf_limit_publish(struct sf_limit *l, int64_t limit, int64_t window_us);

/* May a request of @weight go now? 0 yes, and it is booked as in flight; else the us to
 * wait before asking again (at least 1). A single request over the whole share goes
 * alone. */
int64_t sf_limit_take(struct sf_limit *l, int64_t weight, int64_t now_us);

/* The answer of a booked request arrived (or it failed). @used: the exchange's count, or
 * -1 when it did not say; @to_window_end_us: how long until its window ends, by its own
 * clock. */
void sf_limit_answer(struct sf_limit *l, int64_t weight, int64_t used,
                     int64_t to_window_end_us, int64_t now_us);

/* 429 or 418: nothing before @now_us + @wait_us. Never shortens a longer wait. */
void sf_limit_block(struct sf_limit *l, int64_t wait_us, int64_t now_us);

#endif
