#include "http_fixture.h"

#include <stdio.h>

struct fixture setup(const struct sf_http_opts *opts)
{
    struct sf_http_opts none = { 0 };
    struct fixture f = { 0 };

    ck_assert_int_eq(sf_loop_create(&f.loop, NULL), SF_OK);
    ck_assert_int_eq(sf_http_create(f.loop, opts ? opts : &none, &f.http, NULL), SF_OK);
    return f;
}

void teardown(struct fixture *f)
{
    sf_http_destroy(f->http);
    sf_loop_destroy(f->loop);
}

void on_answer(void *arg, struct sf_http_answer *answer)
{
    struct got *got = arg;

    got->calls++;
    got->is_done = true;
    got->status = answer->status;
    got->err = answer->err.status;
    ck_assert(sf_str_copy(sf_str_from(answer->err.text), got->text, sizeof(got->text)));
    if (answer->status != 0)
        ck_assert(sf_str_copy(sf_http_header(answer, "content-TYPE"), got->type,
                              sizeof(got->type)));
    sf_http_take_body(answer, &got->body);
}

struct got ask(struct fixture *f, const char *base, const char *path,
               struct sf_http_request req)
{
    struct got got = { 0 };
    char url[256];

    (void)snprintf(url, sizeof(url), "%s%s", base, path);
    req.url = url;
    req.fn = on_answer;
    req.arg = &got;
    ck_assert_int_eq(sf_http_send(f->http, &req, NULL, NULL), SF_OK);
    ck_assert_int_eq(got.calls, 0);
    ck_assert_uint_eq(sf_http_pending(f->http), 1);
    ck_assert(sf_loop_run_until(f->loop, &got.is_done, WAIT_MS));
    ck_assert_int_eq(got.calls, 1);
    ck_assert_uint_eq(sf_http_pending(f->http), 0);
    return got;
}

void assert_body(struct got *got, const char *want)
{
    ck_assert_str_eq(sf_buf_cstr(&got->body), want);
    sf_buf_release(&got->body);
}
