/* One question to the server, blocking on the loop: asked until there is an answer that
 * is final. A server that is away is waited for, on the next coordinator each time, until
 * a stop is asked for. */
#include "arango_internal.h"

#include <sf/stop.h>

#define SLICE_MS   100  /* how often the stop flag is looked at */
#define BASE_MS    250  /* first back-off */
#define LOCKED_MS  2000 /* first back-off of a read-only server */
#define WAIT_LOG_N 20   /* back-offs between two lines on the same wait */
#define STRANGERS  5    /* answers in a row that are not ArangoDB's: it is none */

static void on_answer(void *arg, struct sf_http_answer *answer)
{
    struct arango_step *s = arg;

    s->is_done = true;
    s->status = answer->status;
    s->err = answer->err;
    sf_http_take_body(answer, &s->body);
}

/* Let the loop run for @ms or until the answer is there. SF_ESTOPPED. */
static enum sf_status serve(struct arango_step *s, int64_t ms, struct sf_error *err)
{
    int64_t left_us, until_us = sf_mono_us() + ms * 1000;

    while (!s->is_done && (left_us = until_us - sf_mono_us()) > 0) {
        int64_t left_ms = left_us / 1000 + 1;

        if (sf_stop_signal() != 0)
            return sf_error_set(err, SF_ESTOPPED, "stopped while waiting for ArangoDB");
        (void)sf_loop_run_until(s->a->loop, &s->is_done,
                                left_ms < SLICE_MS ? left_ms : SLICE_MS);
    }
    return SF_OK;
}

static enum sf_status back_off(struct arango_step *s, int64_t base_ms,
                               struct sf_error *err)
{
    if (s->failures++ % WAIT_LOG_N == 0)
        sf_log_error(SF_LOG_WARN, "database_away", &s->err);
    s->is_done = false;
    return serve(s, arango_backoff_ms(s->a, s->failures, base_ms), err);
}

/* Send and wait for one answer or for the failure to get one. */
static enum sf_status exchange_once(struct arango_step *s, struct sf_error *err)
{
    enum sf_status status;

    s->is_done = false;
    s->err = (struct sf_error){ 0 };
    s->status = 0;
    while ((status = arango_send(s->a, &s->call, &s->ticket, &s->err)) == SF_EBUSY) {
        if (s->a->login_err.status != SF_OK && s->failures++ % WAIT_LOG_N == 0)
            sf_log_error(SF_LOG_WARN, "database_away", &s->a->login_err);
        s->err = (struct sf_error){ 0 };
        status = serve(s, ARANGO_POLL_MS, err);
        if (status != SF_OK)
            return status;
    }
    if (status != SF_OK)
        return sf_error_set(err, status, "%s", s->err.text);
    /* libcurl ends every request in time; the 5 s are for its own work */
    status = serve(s, s->a->conf->arango_timeout_ms + 5000, err);
    if (!s->is_done) {
        sf_http_cancel(s->a->http, s->ticket.id);
        (void)sf_error_set(&s->err, SF_ETIMEOUT, "no answer");
    }
    return status;
}

/* The request failed in a way that passes. */
static enum sf_status wait_for_server(struct arango_step *s, struct sf_error *err)
{
    bool is_locked = s->verdict.class == ARANGO_LOCKED;

    if (s->status == 0)
        (void)sf_error_wrap(&s->err, "ArangoDB");
    else
        (void)arango_verdict_error(&s->verdict, s->a->endpoints[s->ticket.endpoint],
                                   SF_EIO, &s->err);
    if (s->verdict.class == ARANGO_AWAY)
        arango_next(s->a, &s->ticket);
    return back_off(s, is_locked ? LOCKED_MS : BASE_MS, err);
}

/* An answer of something else that speaks HTTP, and has not just lost its backend. */
static bool is_stranger(const struct arango_step *s)
{
    return s->status >= 200 && s->status < 500 && s->status != 408 && s->status != 429 &&
           s->verdict.class == ARANGO_AWAY && s->verdict.error_num == 0;
}

/* What the last exchange means. Errors: SF_EIO a certificate, SF_EINVAL the address, or
 * no ArangoDB behind it. */
static enum sf_status judge(struct arango_step *s, struct sf_error *err)
{
    s->verdict = (struct arango_verdict){ .class = ARANGO_AWAY };
    if (s->status != 0)
        arango_judge(s->status, sf_buf_str(&s->body), false, &s->verdict);
    s->strangers = is_stranger(s) ? s->strangers + 1 : 0;
    if (s->strangers >= STRANGERS)
        return sf_error_set(err, SF_EINVAL,
                            "ARANGO_URL: %s answers HTTP %d, but not as ArangoDB does; "
                            "expected the address of a coordinator",
                            s->a->endpoints[s->ticket.endpoint], s->status);
    if (s->status != 0)
        return SF_OK;
    if (s->err.status == SF_EDENIED || s->err.status == SF_EINVAL)
        return sf_error_set(err, s->err.status == SF_EDENIED ? SF_EIO : SF_EINVAL,
                            "ARANGO_URL, ARANGO_CA_PATH: %s", s->err.text);
    return SF_OK;
}

static bool is_final(struct arango_step *s)
{
    switch (s->verdict.class) {
    case ARANGO_AUTH:
        return s->denials++ > 0 || !arango_relogin(s->a, &s->ticket);
    case ARANGO_RETRY:
    case ARANGO_AWAY:
    case ARANGO_LOCKED:
        return false;
    case ARANGO_OK:
    case ARANGO_ITEMS:
    case ARANGO_DATA:
    case ARANGO_REFUSED:
    case ARANGO_DENIED:
    case ARANGO_GONE:
        return true;
    }
    return true;
}

static enum sf_status ask(struct arango_step *s, struct sf_error *err)
{
    for (;;) {
        enum sf_status status = exchange_once(s, err);

        if (status == SF_OK)
            status = judge(s, err);
        if (status != SF_OK || is_final(s))
            return status;
        if (s->verdict.class != ARANGO_AUTH)
            status = wait_for_server(s, err);
        if (status != SF_OK)
            return status;
    }
}

enum sf_status arango_ask(struct arango_step *s, const char *method, struct sf_buf *path,
                          struct sf_str body, struct sf_error *err)
{
    s->call = (struct arango_call){ .method = method,
                                    .path = sf_buf_cstr(path),
                                    .body = body,
                                    .fn = on_answer,
                                    .arg = s };
    s->denials = 0;
    if (sf_buf_status(path, err) != SF_OK)
        return path->status;
    return ask(s, err);
}

void arango_step_init(struct arango_step *s, struct sf_arango *a)
{
    *s = (struct arango_step){ .a = a };
    sf_buf_init(&s->body, ARANGO_BODY_MAX);
}
