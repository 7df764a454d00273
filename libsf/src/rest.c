/* Calls wait in one queue, oldest first. The turn goes round whenever something may have
 * changed: a call came, an answer came, a wait is over. An answer either ends its call or
 * puts it back into the queue with a time before which it must not go. */
#include "rest_internal.h"

#include <sf/metrics.h>

#include <stdlib.h>
#include <sys/random.h>

#define BACKOFF_FIRST_MS  250
#define BACKOFF_MAX_MS    30000
#define BODY_MAX          (8u * 1024 * 1024) /* exchangeInfo of all symbols is 3 MB */
#define URL_MAX           8192
#define CONNECTIONS_EXTRA 2     /* beside the pages: the exchange's clock and facts */
#define WAIT_JITTER_MS    1000  /* behind Retry-After: not all processes in one instant */
#define WAIT_UNKNOWN_MS   10000 /* a limit without a time; doubles each time */
#define WAIT_LONGEST_MS   320000 /* of those; the shortest ban is 2 minutes */
#define WAIT_TOLD_MS      1000   /* shorter waits are not worth a word */

static void turn(struct sf_rest *rest);

static void on_turn(void *arg)
{
    turn(arg);
}

/* Processes that begin in the same instant must not wait in step. */
static uint64_t seed(void)
{
    uint64_t n = 0;

    if (getrandom(&n, sizeof(n), 0) != (ssize_t)sizeof(n) || n == 0)
        n = (uint64_t)sf_mono_us() | 1;
    return n;
}

enum sf_status sf_rest_create(struct sf_loop *loop, const struct sf_conf *conf,
                              const struct sf_exchange *exchange,
                              struct sf_rest **ret_rest, struct sf_error *err)
{
    struct sf_rest *rest = calloc(1, sizeof(*rest));
    const struct sf_http_opts opts = {
        .body_max = BODY_MAX,
        .connections_max = (unsigned)conf->pages_in_flight + CONNECTIONS_EXTRA,
    };
    enum sf_status status;

    if (!rest)
        return sf_error_set(err, SF_ENOMEM, "no memory for the REST client");
    rest->conf = conf;
    rest->exchange = exchange;
    rest->loop = loop;
    rest->sent_max = opts.connections_max; /* inside libcurl a request would time out */
    rest->random = seed();
    rest->unknown_wait_ms = WAIT_UNKNOWN_MS;
    sf_limit_init(&rest->limit, exchange->weight_limit, exchange->weight_window_ms * 1000,
                  conf->rate_share_percent);
    status = sf_http_create(loop, &opts, &rest->http, err);
    if (status == SF_OK &&
        sf_timer_create(loop, on_turn, rest, &rest->turn_timer) != SF_OK)
        status = sf_error_set(err, SF_ENOMEM, "no memory for the REST client");
    if (status != SF_OK) {
        sf_rest_destroy(rest);
        return status;
    }
    *ret_rest = rest;
    return SF_OK;
}

static void free_call(struct call *call)
{
    free(call->path);
    free(call);
}

static void free_list(struct call *call)
{
    while (call) {
        struct call *next = call->next;

        free_call(call);
        call = next;
    }
}

void sf_rest_destroy(struct sf_rest *rest)
{
    if (!rest)
        return;
    sf_http_destroy(rest->http);
    free_list(rest->queue);
    free_list(rest->sent);
    sf_timer_destroy(rest->turn_timer);
    free(rest);
}

/* -------------------------------------------------------------------------- waiting */

/* xorshift64: spread, not secrecy. */
static int64_t random_below(struct sf_rest *rest, int64_t n)
{
    rest->random ^= rest->random << 13;
    rest->random ^= rest->random >> 7;
    rest->random ^= rest->random << 17;
    return (int64_t)(rest->random % (uint64_t)n);
}

static int64_t backoff_ms(struct sf_rest *rest, unsigned tries)
{
    int64_t ms = BACKOFF_FIRST_MS;

    while (tries-- > 1 && ms < BACKOFF_MAX_MS)
        ms *= 2;
    if (ms > BACKOFF_MAX_MS)
        ms = BACKOFF_MAX_MS;
    return ms / 2 + random_below(rest, ms / 2);
}

static void tell_wait(struct sf_rest *rest, int64_t wait_ms, const char *why)
{
    if (rest->on_wait && wait_ms >= WAIT_TOLD_MS)
        rest->on_wait(rest->wait_arg, wait_ms, why);
}

static void enqueue(struct sf_rest *rest, struct call *call, bool is_first)
{
    struct call **at = &rest->queue;

    while (!is_first && *at)
        at = &(*at)->next;
    call->next = *at;
    *at = call;
}

static void unlink_call(struct call **list, struct call *call)
{
    while (*list != call)
        list = &(*list)->next;
    *list = call->next;
}

/* -------------------------------------------------------------------------- answers */

void rest_end_call(struct call *call, enum sf_status status, struct sf_buf *body,
                   const struct sf_error *err)
{
    struct sf_rest *rest = call->rest;
    sf_rest_fn fn = call->fn;
    void *arg = call->arg;

    if (!rest->tape.player)
        rest->answer_ms = sf_rest_server_ms(rest);
    tape_write_answer(rest->tape.writer, sf_str_from(call->path), status, rest->answer_ms,
                      body, err);
    free_call(call);
    fn(arg, status, body, err);
    rest->answer_ms = 0;
}

/* Try again later, not before @least_ms, unless nothing has worked for too long. */
static void retry(struct call *call, int64_t least_ms, const struct sf_error *why)
{
    struct sf_rest *rest = call->rest;
    int64_t now_us = sf_mono_us(), wait_ms;
    struct sf_error err = *why;

    if (rest->failing_since_us == 0)
        rest->failing_since_us = now_us;
    if (now_us - rest->failing_since_us >= rest->conf->retry_limit_s * 1000000) {
        (void)sf_error_wrap(&err, "gave up after %lld s of failures",
                            (long long)((now_us - rest->failing_since_us) / 1000000));
        rest_end_call(call, SF_EIO, NULL, &err);
        return;
    }
    wait_ms = backoff_ms(rest, ++call->tries);
    if (wait_ms < least_ms)
        wait_ms = least_ms < BACKOFF_MAX_MS ? least_ms : BACKOFF_MAX_MS;
    call->not_before_us = now_us + wait_ms * 1000;
    sf_metric_add(SF_M_REQUEST_RETRIES, 1);
    enqueue(rest, call, true);
    tell_wait(rest, wait_ms, why->text);
}

/* Nothing is sent until the limit allows. Answers to what was sent before the block say
 * the same again: they do not lengthen a wait of unknown length. */
static void wait_for_limit(struct call *call, int64_t wait_ms, const struct sf_error *why)
{
    struct sf_rest *rest = call->rest;
    int64_t now_us = sf_mono_us();

    enqueue(rest, call, true);
    sf_metric_add(SF_M_RATE_WAITS, 1);
    if (wait_ms <= 0 && now_us < rest->limit.blocked_until_us)
        return;
    if (wait_ms <= 0) {
        wait_ms = rest->unknown_wait_ms;
        if (rest->unknown_wait_ms < WAIT_LONGEST_MS)
            rest->unknown_wait_ms *= 2;
    }
    wait_ms += random_below(rest, WAIT_JITTER_MS);
    sf_limit_block(&rest->limit, wait_ms * 1000, now_us);
    tell_wait(rest, wait_ms, why->text);
}

static int64_t to_window_end_us(const struct sf_rest *rest, int64_t server_ms)
{
    int64_t window_ms = rest->limit.window_us / 1000;

    if (server_ms == 0 && rest->clock_us > 0)
        server_ms = sf_rest_server_ms(rest);
    return server_ms > 0 ? (window_ms - server_ms % window_ms) * 1000
                         : rest->limit.window_us;
}

static struct sf_str header_of(const void *answer, const char *name)
{
    return sf_http_header(answer, name);
}

static void judge(struct call *call, struct sf_http_answer *answer)
{
    struct sf_rest *rest = call->rest;
    struct sf_rest_answer a;
    struct sf_error err = { 0 };
    struct sf_buf body = { 0 };

    rest->exchange->judge(answer->status, sf_buf_str(&answer->body), header_of, answer,
                          sf_rest_server_ms(rest), &a, &err);
    sf_limit_answer(&rest->limit, call->weight, a.used_weight,
                    to_window_end_us(rest, a.server_ms), sf_mono_us());
    sf_metric_set(SF_M_USED_WEIGHT, rest->limit.used);
    if (a.verdict != SF_VERDICT_RETRY)
        rest->failing_since_us = 0;
    switch (a.verdict) {
    case SF_VERDICT_OK:
        rest->unknown_wait_ms = WAIT_UNKNOWN_MS;
        sf_http_take_body(answer, &body);
        rest_end_call(call, SF_OK, &body, &err);
        sf_buf_release(&body);
        return;
    case SF_VERDICT_RETRY:
        retry(call, a.wait_ms, &err);
        return;
    case SF_VERDICT_WAIT:
        wait_for_limit(call, a.wait_ms, &err);
        return;
    case SF_VERDICT_SYMBOL:
        rest_end_call(call, SF_ENOTFOUND, NULL, &err);
        return;
    case SF_VERDICT_ABSENT:
        rest_end_call(call, SF_EUNSUPPORTED, NULL, &err);
        return;
    case SF_VERDICT_KEY:
        rest_end_call(call, SF_EAUTH, NULL, &err);
        return;
    case SF_VERDICT_FATAL:
        rest_end_call(call, SF_EREFUSED, NULL, &err);
        return;
    }
}

static void on_answer(void *arg, struct sf_http_answer *answer)
{
    struct call *call = arg;
    struct sf_rest *rest = call->rest;

    unlink_call(&rest->sent, call);
    rest->sent_n--;
    sf_metric_add(SF_M_REQUESTS, 1);
    sf_histogram_observe(SF_H_REQUEST_SECONDS, answer->took_us);
    if (answer->status != 0) {
        judge(call, answer);
    } else {
        sf_limit_answer(&rest->limit, call->weight, -1, to_window_end_us(rest, 0),
                        sf_mono_us());
        if (answer->err.status == SF_EDENIED || answer->err.status == SF_EINVAL)
            rest_end_call(call, answer->err.status, NULL, &answer->err);
        else
            retry(call, 0, &answer->err);
    }
    sf_timer_set(rest->turn_timer, 0, 0);
}

/* -------------------------------------------------------------------------- sending */

static enum sf_status send_call(struct call *call, struct sf_error *err)
{
    const struct sf_rest *rest = call->rest;
    const char *secret = rest->conf->binance_api_key;
    struct sf_str base = sf_str_from(rest->conf->binance_api_url);
    struct sf_http_request req = { .timeout_ms = rest->conf->http_timeout_ms,
                                   .fn = on_answer,
                                   .arg = call };
    struct sf_buf url, key;
    enum sf_status status;

    if (sf_str_ends(base, SF_STR("/")) && call->path[0] == '/')
        base.len--;
    sf_buf_init(&url, URL_MAX);
    sf_buf_init(&key, URL_MAX);
    sf_buf_add_str(&url, base);
    sf_buf_add_str(&url, sf_str_from(call->path));
    req.url = sf_buf_cstr(&url);
    if (secret[0] != '\0') {
        sf_buf_addf(&key, "%s: %s", rest->exchange->key_header, secret);
        req.headers[0] = sf_buf_cstr(&key);
    }
    status = sf_buf_status(&url, err);
    if (status == SF_OK)
        status = sf_buf_status(&key, err);
    if (status == SF_OK)
        status = sf_http_send(rest->http, &req, &call->id, err);
    sf_buf_release(&url);
    sf_buf_release(&key);
    return status;
}

/* The budget is used up: say so once for each window. */
static void tell_budget(struct sf_rest *rest, int64_t wait_us, int64_t now_us)
{
    if (now_us < rest->told_until_us || now_us < rest->limit.blocked_until_us)
        return;
    rest->told_until_us = now_us + wait_us;
    tell_wait(rest, wait_us / 1000, "request budget");
}

/* Send a call that the budget has room for. */
static void send_now(struct call *call)
{
    struct sf_rest *rest = call->rest;
    struct sf_error err = { 0 };

    if (send_call(call, &err) == SF_OK) {
        call->next = rest->sent;
        rest->sent = call;
        rest->sent_n++;
        return;
    }
    sf_limit_answer(&rest->limit, call->weight, -1, rest->limit.window_us, sf_mono_us());
    rest_end_call(call, err.status, NULL, &err);
}

static void turn(struct sf_rest *rest)
{
    int64_t now_us = sf_mono_us(), next_us = INT64_MAX;
    struct call **at = &rest->queue;

    if (rest->tape.player) /* which answers */
        return;
    while (*at && !rest->is_paused && rest->sent_n < rest->sent_max) {
        struct call *call = *at;
        int64_t wait_us = call->not_before_us - now_us;

        if (wait_us <= 0) {
            wait_us = sf_limit_take(&rest->limit, call->weight, now_us);
            if (wait_us > 0)
                tell_budget(rest, wait_us, now_us);
        }
        if (wait_us > 0) {
            next_us = wait_us < next_us ? wait_us : next_us;
            at = &call->next;
            continue;
        }
        *at = call->next;
        send_now(call);
    }
    if (next_us != INT64_MAX)
        sf_timer_set(rest->turn_timer, next_us / 1000 + 1, 0);
}

enum sf_status sf_rest_get(struct sf_rest *rest, struct sf_str path, int64_t weight,
                           sf_rest_fn fn, void *arg, struct sf_error *err)
{
    struct call *call = calloc(1, sizeof(*call));

    if (call)
        call->path = sf_str_dup(path);
    if (!call || !call->path) {
        free(call);
        return sf_error_set(err, SF_ENOMEM, "no memory for a request");
    }
    call->rest = rest;
    call->weight = weight;
    call->fn = fn;
    call->arg = arg;
    if (rest->tape.player)
        call->asked_tape_us = tape_play_time_us(rest->tape.player);
    tape_write_ask(rest->tape.writer, path);
    enqueue(rest, call, false);
    sf_timer_set(rest->turn_timer, 0, 0);
    return SF_OK;
}

enum sf_status sf_rest_get_built(struct sf_rest *rest, const struct sf_buf *path,
                                 int64_t weight, sf_rest_fn fn, void *arg,
                                 struct sf_error *err)
{
    enum sf_status status = sf_buf_status(path, err);

    return status == SF_OK ? sf_rest_get(rest, sf_buf_str(path), weight, fn, arg, err)
                           : status;
}

void sf_rest_pause(struct sf_rest *rest, bool is_paused)
{
    rest->is_paused = is_paused;
    if (is_paused)
        return;
    rest->failing_since_us = 0; /* a pause is no failure */
    sf_timer_set(rest->turn_timer, 0, 0);
}

void sf_rest_on_wait(struct sf_rest *rest, sf_rest_wait_fn fn, void *arg)
{
    rest->on_wait = fn;
    rest->wait_arg = arg;
}

int64_t sf_rest_server_ms(const struct sf_rest *rest)
{
    if (rest->answer_ms > 0)
        return rest->answer_ms;
    if (rest->tape.player)
        return tape_play_time_us(rest->tape.player) / 1000;
    if (rest->clock_us == 0)
        return sf_time_now_ms();
    return rest->clock_ms + (sf_mono_us() - rest->clock_us) / 1000;
}

/* --------------------------------------------------------------- for rest_hello.c */

struct sf_loop *rest_loop(const struct sf_rest *rest)
{
    return rest->loop;
}

const struct sf_exchange *rest_exchange(const struct sf_rest *rest)
{
    return rest->exchange;
}

void rest_set_clock(struct sf_rest *rest, int64_t server_ms)
{
    rest->clock_ms = server_ms;
    rest->clock_us = sf_mono_us();
}

void rest_publish(struct sf_rest *rest, int64_t weight_limit, int64_t window_ms)
{
    sf_limit_publish(&rest->limit, weight_limit, window_ms * 1000);
}

static void drop(struct sf_rest *rest, struct call **at, const void *arg, bool is_sent)
{
    while (*at) {
        struct call *call = *at;

        if (call->arg != arg) {
            at = &call->next;
            continue;
        }
        *at = call->next;
        if (is_sent) {
            sf_http_cancel(rest->http, call->id);
            rest->sent_n--;
            sf_limit_answer(&rest->limit, call->weight, -1, rest->limit.window_us,
                            sf_mono_us());
        }
        free_call(call);
    }
}

void rest_drop(struct sf_rest *rest, const void *arg)
{
    drop(rest, &rest->queue, arg, false);
    drop(rest, &rest->sent, arg, true);
}
