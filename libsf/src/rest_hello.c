/* The exchange's clock and its facts on a symbol, before anything else is asked. */
#include "rest_internal.h"

#include <sf/stop.h>

#define PATH_MAX_BYTES 4096
#define LOOK_MS        100 /* between two looks at the stop flag */

struct hello {
    struct sf_rest *rest;
    struct sf_str symbol;
    struct sf_market market;
    unsigned answers;
    bool is_done;
    enum sf_status status;
    struct sf_error err;
};

static void hello_failed(struct hello *h, const char *what, enum sf_status status,
                         const struct sf_error *err)
{
    if (h->err.status == SF_OK) {
        (void)sf_error_set(&h->err, status, "%s", err->text);
        (void)sf_error_wrap(&h->err, "%s", what);
        h->status = status;
    }
    h->is_done = true;
}

static void on_time(void *arg, enum sf_status status, struct sf_buf *body,
                    const struct sf_error *why)
{
    struct hello *h = arg;
    struct sf_error err = *why;
    int64_t ms;

    if (status == SF_OK)
        status = rest_exchange(h->rest)->time_parse(sf_buf_str(body), &ms, &err);
    if (status != SF_OK) {
        hello_failed(h, "the exchange's clock", status, &err);
        return;
    }
    rest_set_clock(h->rest, ms);
    h->is_done = h->is_done || ++h->answers == 2;
}

static void on_info(void *arg, enum sf_status status, struct sf_buf *body,
                    const struct sf_error *why)
{
    struct hello *h = arg;
    struct sf_error err = *why;

    if (status == SF_OK)
        status = rest_exchange(h->rest)->info_parse(sf_buf_str(body), h->symbol,
                                                    &h->market, &err);
    if (status == SF_ENOTFOUND || (status == SF_OK && !h->market.is_known)) {
        struct sf_error unknown = { 0 };

        (void)sf_error_set(&unknown, SF_EINVAL,
                           "SYMBOL='%" SF_STR_FMT "': %s does not know it%s%s",
                           SF_STR_ARG(h->symbol), rest_exchange(h->rest)->name,
                           err.text[0] ? ": " : "", err.text);
        status = SF_EINVAL;
        err = unknown;
    }
    if (status != SF_OK) {
        hello_failed(h, "exchangeInfo", status, &err);
        return;
    }
    if (h->market.weight_limit > 0)
        rest_publish(h->rest, h->market.weight_limit, h->market.weight_window_ms);
    h->is_done = h->is_done || ++h->answers == 2;
}

/* Ask for @path, which is empty afterwards. */
static enum sf_status get(struct sf_rest *rest, struct sf_buf *path, int64_t weight,
                          sf_rest_fn fn, void *arg, struct sf_error *err)
{
    enum sf_status status = sf_buf_status(path, err);

    if (status == SF_OK)
        status = sf_rest_get_built(rest, path, weight, fn, arg, err);
    sf_buf_clear(path);
    return status;
}

enum sf_status sf_rest_hello(struct sf_rest *rest, struct sf_str symbol,
                             struct sf_market *ret_market, struct sf_error *err)
{
    struct hello h = { .rest = rest, .symbol = symbol };
    const struct sf_exchange *x = rest_exchange(rest);
    struct sf_buf path;
    enum sf_status status;

    sf_buf_init(&path, PATH_MAX_BYTES);
    x->time_url(&path);
    status = get(rest, &path, x->time_weight, on_time, &h, err);
    x->info_url(&path, symbol);
    if (status == SF_OK)
        status = get(rest, &path, x->info_weight, on_info, &h, err);
    sf_buf_release(&path);
    while (status == SF_OK && !h.is_done) {
        (void)sf_loop_run_until(rest_loop(rest), &h.is_done, LOOK_MS);
        if (!h.is_done && sf_stop_signal() != 0)
            status = sf_error_set(err, SF_ESTOPPED, "stopped while asking the exchange");
    }
    rest_drop(rest, &h); /* a failure does not wait for the other answer */
    if (status == SF_OK && h.status != SF_OK)
        status = sf_error_set(err, h.status, "%s", h.err.text);
    if (status == SF_OK)
        *ret_market = h.market;
    return status;
}
