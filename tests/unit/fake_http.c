#include "fake_http.h"

#include <sf/str.h>

#include <stdlib.h>

#define OPEN_MAX_N 64

struct open_request {
    uint64_t id; /* 0: free */
    sf_http_fn fn;
    void *arg;
    struct fake_answer answer;
    struct sf_buf body;
};

struct sf_http {
    struct sf_timer *soon;
    struct open_request open[OPEN_MAX_N];
};

static struct {
    fake_fn fn;
    void *arg;
    int requests;
} script;

void fake_http_script(fake_fn fn, void *arg)
{
    script.fn = fn;
    script.arg = arg;
    script.requests = 0;
}

int fake_http_requests(void)
{
    return script.requests;
}

static void deliver(struct open_request *slot)
{
    struct open_request r = *slot;
    struct sf_http_answer answer = { .status = r.answer.status,
                                     .body = r.body,
                                     .priv = (void *)(uintptr_t)r.answer.codes };

    *slot = (struct open_request){ 0 };
    if (r.answer.status == 0)
        (void)sf_error_set(&answer.err, r.answer.failure, "scripted failure");
    r.fn(r.arg, &answer);
    sf_buf_release(&answer.body);
}

static void on_soon(void *arg)
{
    struct sf_http *http = arg;

    for (int i = 0; i < OPEN_MAX_N; i++)
        if (http->open[i].id != 0 && !http->open[i].answer.never)
            deliver(&http->open[i]);
}

enum sf_status sf_http_create(struct sf_loop *loop, const struct sf_http_opts *opts,
                              struct sf_http **ret_http, struct sf_error *err)
{
    struct sf_http *http = calloc(1, sizeof(*http));

    (void)opts;
    if (!http || sf_timer_create(loop, on_soon, http, &http->soon) != SF_OK) {
        free(http);
        return sf_error_set(err, SF_ENOMEM, "no memory");
    }
    *ret_http = http;
    return SF_OK;
}

void sf_http_destroy(struct sf_http *http)
{
    if (!http)
        return;
    for (int i = 0; i < OPEN_MAX_N; i++)
        sf_buf_release(&http->open[i].body);
    sf_timer_destroy(http->soon);
    free(http);
}

struct sf_str sf_http_header(const struct sf_http_answer *a, const char *name)
{
    if (sf_str_eq_nocase(sf_str_from(name), SF_STR("x-arango-error-codes")))
        return sf_str_from(a->priv);
    return SF_STR_EMPTY;
}

void sf_http_take_body(struct sf_http_answer *a, struct sf_buf *to)
{
    sf_buf_release(to);
    *to = a->body;
    sf_buf_init(&a->body, to->max);
}

enum sf_status sf_http_send(struct sf_http *http, const struct sf_http_request *req,
                            uint64_t *ret_id, struct sf_error *err)
{
    struct fake_request asked = { .n = script.requests,
                                  .method = sf_str_from(req->method),
                                  .url = sf_str_from(req->url),
                                  .body = req->body,
                                  .auth = SF_STR_EMPTY };
    int i = 0;

    while (i < OPEN_MAX_N && http->open[i].id != 0)
        i++;
    if (i == OPEN_MAX_N)
        return sf_error_set(err, SF_ENOMEM, "too many requests for the fake");
    for (int k = 0; k < SF_HTTP_HEADERS_MAX && req->headers[k]; k++)
        if (sf_str_starts(sf_str_from(req->headers[k]), SF_STR("Authorization: ")))
            asked.auth = sf_str_from(req->headers[k] + 15);
    sf_buf_init(&http->open[i].body, (size_t)16 << 20);
    http->open[i].answer = (struct fake_answer){ .body = &http->open[i].body };
    script.fn(script.arg, &asked, &http->open[i].answer);
    http->open[i].id = (uint64_t)++script.requests;
    http->open[i].fn = req->fn;
    http->open[i].arg = req->arg;
    if (ret_id)
        *ret_id = http->open[i].id;
    sf_timer_set(http->soon, 0, 0);
    return SF_OK;
}

void sf_http_cancel(struct sf_http *http, uint64_t id)
{
    for (int i = 0; i < OPEN_MAX_N; i++) {
        if (http->open[i].id == id) {
            sf_buf_release(&http->open[i].body);
            http->open[i] = (struct open_request){ 0 };
        }
    }
}

size_t sf_http_pending(const struct sf_http *http)
{
    size_t n = 0;

    for (int i = 0; i < OPEN_MAX_N; i++)
        n += http->open[i].id != 0 ? 1 : 0;
    return n;
}
