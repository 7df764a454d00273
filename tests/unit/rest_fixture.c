#include "rest_fixture.h"

#include "kafka_mock.h"

#include <check.h>

#include <stdio.h>

static void on_wait(void *arg, int64_t wait_ms, const char *why)
{
    struct fixture *f = arg;

    f->waits++;
    f->wait_ms = wait_ms;
    (void)snprintf(f->why, sizeof(f->why), "%s", why);
}

void rest_make_client(struct fixture *f)
{
    ck_assert_int_eq(sf_rest_create(f->loop, &f->conf, &f->exchange, &f->rest, NULL),
                     SF_OK);
    sf_rest_on_wait(f->rest, on_wait, f);
}

/* @f->stub runs. */
void rest_setup(struct fixture *f)
{
    mock_conf(&f->conf, "");
    (void)snprintf(f->url, sizeof(f->url), "%s", stub_url(f->stub));
    f->conf.binance_api_url = f->url;
    f->conf.rate_share_percent = 70;
    f->conf.http_timeout_ms = 5000;
    f->conf.pages_in_flight = 4;
    f->conf.retry_limit_s = 60;
    f->exchange = *sf_exchange_find(SF_STR("binance"));
    ck_assert_int_eq(sf_loop_create(&f->loop, NULL), SF_OK);
    rest_make_client(f);
}

void rest_teardown(struct fixture *f)
{
    sf_rest_destroy(f->rest);
    sf_loop_destroy(f->loop);
    stub_stop(f->stub);
}

void rest_on_body(void *arg, enum sf_status status, struct sf_buf *body,
                  const struct sf_error *err)
{
    struct got *got = arg;

    got->calls++;
    got->is_done = true;
    got->status = status;
    (void)snprintf(got->text, sizeof(got->text), "%s", err->text);
    if (status == SF_OK)
        (void)snprintf(got->body, sizeof(got->body), "%s", sf_buf_cstr(body));
}

void rest_ask(struct fixture *f, struct got *got, const char *path)
{
    *got = (struct got){ 0 };
    ck_assert_int_eq(sf_rest_get(f->rest, sf_str_from(path), 2, rest_on_body, got, NULL),
                     SF_OK);
}

void rest_await(struct fixture *f, struct got *got)
{
    ck_assert(sf_loop_run_until(f->loop, &got->is_done, WAIT_MS));
    ck_assert_int_eq(got->calls, 1);
}

/* Serve the loop for a while in which nothing is to happen. */
void rest_idle(struct fixture *f, int64_t ms)
{
    static const bool never = false;

    (void)sf_loop_run_until(f->loop, &never, ms);
}

int64_t rest_arrival_us(struct fixture *f, int n)
{
    return stub_request(f->stub, n)->arrived_us;
}
