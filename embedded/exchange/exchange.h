/* sf-exchange: what its parts share. One thread, the loop's. */
#ifndef EXCHANGE_EXCHANGE_H
#define EXCHANGE_EXCHANGE_H

#include "budget.h"
#include "market.h"

#include <sf/httpd.h>

struct faults;
struct live;
struct tapes;

struct stats {
    int64_t requests, weight, ok, refused_429, refused_418, other, faults;
};

struct exchange {
    uint64_t seed;
    int64_t clock_offset_ms;
    int64_t fixed_now_ms; /* a clock that stands still; 0: it runs */
    int64_t start_ms;     /* where a clock of its own began; 0: the real one */
    int64_t start_us;     /* of sf_mono_us() then */
    int64_t speed;        /* of that clock, times the real one's */
    int64_t density;      /* of trades, times the usual */
    struct market
        *markets[SYMBOLS_MAX]; /* by index of symbols[]; made when first asked */
    struct budget budget;
    struct faults *faults; /* main's, never NULL */
    struct tapes *tapes;   /* likewise */
    struct live *live;     /* the streams */
    struct stats stats;
    struct sf_buf out; /* the answer being built */
};

/* The exchange's clock. */
int64_t exchange_now_ms(const struct exchange *ex);
/* Tapes first, then the synthetic market; NULL: unknown. */
const struct symbol *exchange_symbol(const struct exchange *ex, struct sf_str name);
/* NULL: unknown symbol, or out of memory. */
const struct market *exchange_market(struct exchange *ex, struct sf_str name);

#define PARAMS_MAX 16

/* One request under /api/v3. */
struct call {
    struct exchange *ex;
    struct sf_httpd_req *req;
    int64_t now_ms; /* the exchange's clock, once a request */
    struct sf_str names[PARAMS_MAX], values[PARAMS_MAX]; /* values decoded, in text */
    size_t params_n;
    char text[2048];
    size_t text_len;
    int status; /* 200 until it failed */
};

/* Fail with @status and {"code":...,"msg":...}; returns false for `return`. */
bool call_fail(struct call *call, int status, int code, const char *fmt, ...)
    SF_PRINTF(4, 5);

/* rest.c: every request. */
void rest_on_request(void *arg, struct sf_httpd_req *req);

/* The endpoints: fill call->ex->out, or fail. */
void klines_serve(struct call *call);
void agg_trades_serve(struct call *call);
void trades_serve(struct call *call);
void depth_serve(struct call *call);
void info_serve(struct call *call);

/* Weight of a request that depends on its parameters. */
int64_t depth_weight(const struct call *call);

#endif
