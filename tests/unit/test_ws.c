#include "oom.h"
#include "runner.h"
#include "ws_stub.h"

#include <sf/time.h>
#include <sf/ws.h>

#include <stdio.h>
#include <string.h>

#define WAIT_MS 20000 /* far beyond what any case takes */

/* What a connection told. */
static struct {
    struct sf_loop *loop;
    struct sf_ws_hub *hub;
    struct sf_ws *ws;
    int opens, closes, frames;
    int close_at; /* frames after which the handle is closed; 0: never */
    size_t bytes;
    struct sf_buf text; /* all frames, a line feed behind each of up to 99 bytes */
    struct sf_error err;
    bool is_closed, is_enough;
    int enough; /* frames */
} w;

static void on_open(void *arg)
{
    (void)arg;
    w.opens++;
}

static void on_frame(void *arg, struct sf_str text)
{
    (void)arg;
    w.frames++;
    w.bytes += text.len;
    if (text.len < 100) {
        sf_buf_add_str(&w.text, text);
        sf_buf_add_char(&w.text, '\n');
    }
    w.is_enough = w.frames == w.enough;
    if (w.frames == w.close_at) {
        sf_ws_close(w.ws);
        w.ws = NULL;
    }
}

static void on_close(void *arg, const struct sf_error *err)
{
    (void)arg;
    w.closes++;
    w.err = *err;
    w.is_closed = true;
}

static void start(void)
{
    memset(&w, 0, sizeof(w));
    sf_buf_init(&w.text, 1 << 20);
    ck_assert_int_eq(sf_loop_create(&w.loop, NULL), SF_OK);
    ck_assert_int_eq(sf_ws_hub_create(w.loop, NULL, &w.hub, NULL), SF_OK);
}

static void stop(void)
{
    sf_ws_close(w.ws);
    sf_ws_hub_destroy(w.hub);
    sf_loop_destroy(w.loop);
    sf_buf_release(&w.text);
}

static void open_ws(int port, const char *path, struct sf_ws_opts opts)
{
    char url[128];

    (void)snprintf(url, sizeof(url), "ws://localhost:%d%s", port, path);
    opts.url = url;
    opts.hooks = (struct sf_ws_hooks){ on_open, on_frame, on_close, NULL };
    ck_assert_int_eq(sf_ws_open(w.hub, &opts, &w.ws, NULL), SF_OK);
    ck_assert_int_eq(w.opens + w.closes, 0);
}

/* One connection to a server that sends @bytes and hangs up, to its end. */
static void receive(const struct sf_buf *bytes, struct sf_ws_opts opts)
{
    const struct ws_step steps[] = { { WS_SEND, bytes->p, bytes->len },
                                     { WS_CUT, NULL, 0 } };
    struct ws_stub *stub = ws_stub_start(steps, COUNT(steps));

    open_ws(ws_stub_port(stub), "/stream?streams=a/b", opts);
    ck_assert(sf_loop_run_until(w.loop, &w.is_closed, WAIT_MS));
    ck_assert_int_eq(w.closes, 1);
    ws_stub_stop(stub, NULL);
}

/* ----------------------------------------------------------------------- receiving */

START_TEST(frames_come_in_order)
{
    struct sf_buf b;

    sf_buf_init(&b, 1 << 20);
    ws_frame(&b, 0x81, "one", 3);
    ws_frame(&b, 0x81, "", 0);
    ws_frame(&b, 0x82, "two", 3);
    receive(&b, (struct sf_ws_opts){ .url = NULL });
    ck_assert_int_eq(w.opens, 1);
    ck_assert_str_eq(sf_buf_cstr(&w.text), "one\n\ntwo\n");
    ck_assert_int_eq(w.err.status, SF_EIO);
    ck_assert_ptr_nonnull(strstr(w.err.text, "the connection was cut"));
    sf_buf_release(&b);
}
END_TEST

static const size_t sizes[] = { 1,     125,    126,    127,     65535,
                                65536, 131072, 131073, 1000000, 5 << 20 };

START_TEST(frames_of_any_size_are_whole)
{
    size_t len = sizes[_i];
    char *bytes = malloc(len);
    struct sf_buf b;

    ck_assert_ptr_nonnull(bytes);
    memset(bytes, 'x', len);
    sf_buf_init(&b, 16 << 20);
    ws_frame(&b, 0x81, bytes, len);
    ws_frame(&b, 0x81, "next", 4);
    receive(&b, (struct sf_ws_opts){ .url = NULL });
    ck_assert_int_eq(w.frames, 2);
    ck_assert_uint_eq(w.bytes, len + 4);
    sf_buf_release(&b);
    free(bytes);
}
END_TEST

START_TEST(fragments_become_one_message)
{
    struct sf_buf b;

    sf_buf_init(&b, 1 << 20);
    ws_frame(&b, 0x01, "{\"a\":", 5);
    ws_frame(&b, 0x89, "ping", 4); /* between them a ping is allowed */
    ws_frame(&b, 0x00, "1", 1);
    ws_frame(&b, 0x80, "}", 1);
    ws_frame(&b, 0x81, "{}", 2);
    receive(&b, (struct sf_ws_opts){ .url = NULL });
    ck_assert_str_eq(sf_buf_cstr(&w.text), "{\"a\":1}\n{}\n");
    sf_buf_release(&b);
}
END_TEST

START_TEST(many_small_frames_all_come)
{
    struct sf_buf b;
    char text[32];

    sf_buf_init(&b, 16 << 20);
    for (int i = 0; i < 100000; i++) {
        int len = snprintf(text, sizeof(text), "{\"t\":%d}", i);

        ws_frame(&b, 0x81, text, (size_t)len);
    }
    receive(&b, (struct sf_ws_opts){ .url = NULL });
    ck_assert_int_eq(w.frames, 100000);
    sf_buf_release(&b);
}
END_TEST

START_TEST(too_large_a_message_ends_the_connection)
{
    char bytes[2000];
    struct sf_buf b;

    memset(bytes, 'x', sizeof(bytes));
    sf_buf_init(&b, 1 << 20);
    ws_frame(&b, 0x81, bytes, 1000);
    if (_i == 0) {
        ws_frame(&b, 0x81, bytes, 1001);
    } else { /* ... also in pieces */
        ws_frame(&b, 0x01, bytes, 600);
        ws_frame(&b, 0x80, bytes, 600);
    }
    receive(&b, (struct sf_ws_opts){ .frame_max = 1000 });
    ck_assert_int_eq(w.frames, 1);
    ck_assert_int_eq(w.err.status, SF_ETOOBIG);
    ck_assert_ptr_nonnull(strstr(w.err.text, "a message over 1000 bytes"));
    sf_buf_release(&b);
}
END_TEST

/* ------------------------------------------------------------------------- endings */

static const struct {
    struct ws_step step;
    enum sf_status status;
    const char *why;
} ends[] = {
    { { WS_SEND, "\x88\x14\x03\xe9going away, friend", 22 },
      SF_EIO,
      "closed by the server: 1001 going away, friend" },
    { { WS_SEND,
        "\x81\x05"
        "ab",
        4 },
      SF_EIO,
      "the connection was cut" },
    { { WS_SEND, "\xf3\x05xxxxx", 7 }, SF_EIO, "the connection was cut" },
    { { WS_REFUSE, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", 40 },
      SF_EIO,
      "upgrade response not 101" },
    { { WS_REFUSE, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 38 }, SF_EIO, "" },
    { { WS_REFUSE, "\0\0\0\0\r\n\r\n", 8 }, SF_EIO, "" },
    { { WS_REFUSE, "", 0 }, SF_EIO, "" },
    { { WS_SILENCE, NULL, 0 }, SF_ETIMEOUT, "no connection in time" },
};

START_TEST(each_end_has_its_reason)
{
    const struct ws_step steps[] = { ends[_i].step, { WS_CUT, NULL, 0 } };
    bool is_silent = ends[_i].step.what == WS_SILENCE;
    const struct ws_step silent[] = { { WS_SILENCE, NULL, 0 }, { WS_STAY, NULL, 0 } };
    struct ws_stub *stub = ws_stub_start(is_silent ? silent : steps, 2);

    open_ws(ws_stub_port(stub), "/", (struct sf_ws_opts){ .connect_timeout_ms = 2000 });
    ck_assert(sf_loop_run_until(w.loop, &w.is_closed, WAIT_MS));
    ck_assert_int_eq(w.closes, 1);
    ck_assert_msg(w.err.status == ends[_i].status, "%s", w.err.text);
    ck_assert_msg(strstr(w.err.text, ends[_i].why) != NULL, "%s", w.err.text);
    ck_assert_ptr_nonnull(strstr(w.err.text, "ws://localhost:"));
    ws_stub_stop(stub, NULL);
}
END_TEST

START_TEST(silence_is_noticed)
{
    const struct ws_step steps[] = { { WS_SEND, "\x81\x02hi", 4 }, { WS_STAY, NULL, 0 } };
    struct ws_stub *stub = ws_stub_start(steps, COUNT(steps));

    open_ws(ws_stub_port(stub), "/", (struct sf_ws_opts){ .idle_ms = 300 });
    ck_assert(sf_loop_run_until(w.loop, &w.is_closed, WAIT_MS));
    ck_assert_int_eq(w.frames, 1);
    ck_assert_int_eq(w.err.status, SF_ETIMEOUT);
    ck_assert_ptr_nonnull(strstr(w.err.text, "no frame for 300 ms"));
    ws_stub_stop(stub, NULL);
}
END_TEST

START_TEST(nobody_listens)
{
    open_ws(1, "/", (struct sf_ws_opts){ .url = NULL }); /* tcpmux */
    ck_assert(sf_loop_run_until(w.loop, &w.is_closed, WAIT_MS));
    ck_assert_int_eq(w.err.status, SF_EIO);
    ck_assert_int_eq(w.closes, 1);
}
END_TEST

static const char *const bad_urls[] = { "",
                                        "http://x/",
                                        "ws://",
                                        "ws:///path",
                                        "ws://host:0/",
                                        "ws://host:65536/",
                                        "ws://host:x/",
                                        "ws://user:secret@host/" };

START_TEST(bad_url_is_refused_at_once)
{
    struct sf_ws_opts opts = { .url = bad_urls[_i],
                               .hooks = { on_open, on_frame, on_close, NULL } };
    struct sf_error err = { 0 };

    ck_assert_int_eq(sf_ws_open(w.hub, &opts, &w.ws, &err), SF_EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "expected"));
}
END_TEST

START_TEST(unknown_name_is_an_error_of_the_connection)
{
    struct sf_ws_opts opts = { .url = "ws://no-such-host.invalid/",
                               .hooks = { on_open, on_frame, on_close, NULL } };

    ck_assert_int_eq(sf_ws_open(w.hub, &opts, &w.ws, NULL), SF_OK);
    ck_assert(sf_loop_run_until(w.loop, &w.is_closed, WAIT_MS));
    ck_assert_int_eq(w.err.status, SF_EIO);
    ck_assert_ptr_nonnull(strstr(w.err.text, "no-such-host.invalid"));
}
END_TEST

START_TEST(authorities_that_cannot_be_read_are_named)
{
    struct sf_error err = { 0 };
    struct sf_ws_hub *hub = NULL;

    ck_assert_int_eq(sf_ws_hub_create(w.loop, "/nonexistent/ca.pem", &hub, &err),
                     SF_EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent/ca.pem"));
}
END_TEST

/* ---------------------------------------------------------------------- the handle */

START_TEST(messages_go_out_in_order_and_slowly)
{
    const struct ws_step steps[] = { { WS_WAIT, NULL, 12 },
                                     { WS_SEND, "\x81\x02ok", 4 },
                                     { WS_STAY, NULL, 0 } };
    struct ws_stub *stub = ws_stub_start(steps, COUNT(steps));
    struct sf_buf got;
    int64_t begun_us;

    sf_buf_init(&got, 1024);
    open_ws(ws_stub_port(stub), "/", (struct sf_ws_opts){ .url = NULL });
    ck_assert_int_eq(sf_ws_send(w.ws, SF_STR("one"), NULL), SF_OK);
    ck_assert_int_eq(sf_ws_send(w.ws, SF_STR("two"), NULL), SF_OK);
    ck_assert_int_eq(sf_ws_send(w.ws, SF_STR("six"), NULL), SF_OK);
    w.enough = 1;
    begun_us = sf_mono_us();
    ck_assert(sf_loop_run_until(w.loop, &w.is_enough, WAIT_MS));
    ck_assert_int_ge(sf_mono_us() - begun_us, 2 * SF_WS_SEND_GAP_MS * 1000);
    ws_stub_stop(stub, &got);
    ck_assert_str_eq(sf_buf_cstr(&got), "one\ntwo\nsix\n");
    sf_buf_release(&got);
}
END_TEST

START_TEST(too_many_messages_are_refused)
{
    struct sf_error err = { 0 };

    open_ws(1, "/", (struct sf_ws_opts){ .url = NULL });
    for (int i = 0; i < SF_WS_SEND_MAX; i++)
        ck_assert_int_eq(sf_ws_send(w.ws, SF_STR("x"), NULL), SF_OK);
    ck_assert_int_eq(sf_ws_send(w.ws, SF_STR("x"), &err), SF_EFULL);
}
END_TEST

/* The handle goes inside its own callback; nothing comes after. */
START_TEST(closing_from_a_frame)
{
    const struct ws_step steps[] = { { WS_SEND,
                                       "\x81\x01"
                                       "a\x81\x01"
                                       "b\x81\x01"
                                       "c",
                                       9 },
                                     { WS_STAY, NULL, 0 } };
    struct ws_stub *stub = ws_stub_start(steps, COUNT(steps));
    bool never = false;

    w.close_at = 2;
    open_ws(ws_stub_port(stub), "/", (struct sf_ws_opts){ .url = NULL });
    w.enough = 2;
    ck_assert(sf_loop_run_until(w.loop, &w.is_enough, WAIT_MS));
    (void)sf_loop_run_until(w.loop, &never, 100);
    ck_assert_int_eq(w.frames, 2);
    ck_assert_int_eq(w.closes, 0);
    ws_stub_stop(stub, NULL);
}
END_TEST

/* At any moment of its life: right after open, while connecting, when it stands. */
START_TEST(closing_at_any_moment)
{
    const struct ws_step steps[] = { { WS_SEND, "\x81\x01x", 3 }, { WS_STAY, NULL, 0 } };
    struct ws_stub *stub = ws_stub_start(steps, COUNT(steps));
    bool never = false;

    open_ws(ws_stub_port(stub), "/", (struct sf_ws_opts){ .url = NULL });
    if (_i > 0)
        (void)sf_loop_run_until(w.loop, &never, _i - 1);
    sf_ws_close(w.ws);
    w.ws = NULL;
    (void)sf_loop_run_until(w.loop, &never, 50);
    ck_assert_int_eq(w.closes, 0);
    ws_stub_stop(stub, NULL);
}
END_TEST

START_TEST(paused_means_no_frames)
{
    const struct ws_step steps[] = { { WS_WAIT, NULL, 3 },
                                     { WS_SEND, "\x81\x01x", 3 },
                                     { WS_STAY, NULL, 0 } };
    struct ws_stub *stub = ws_stub_start(steps, COUNT(steps));
    bool never = false;

    open_ws(ws_stub_port(stub), "/", (struct sf_ws_opts){ .idle_ms = 100 });
    sf_ws_pause(w.ws, true);
    ck_assert_int_eq(sf_ws_send(w.ws, SF_STR("go"), NULL), SF_OK);
    (void)sf_loop_run_until(w.loop, &never, 500);
    ck_assert_int_eq(w.frames + w.closes, 0);
    w.enough = 1;
    sf_ws_pause(w.ws, false);
    ck_assert(sf_loop_run_until(w.loop, &w.is_enough, WAIT_MS));
    ws_stub_stop(stub, NULL);
}
END_TEST

START_TEST(no_memory_fails_the_open)
{
    struct sf_ws_opts opts = { .url = "ws://127.0.0.1:1/",
                               .hooks = { on_open, on_frame, on_close, NULL } };

    for (int n = 0;; n++) {
        enum sf_status status;

        oom_fail_at(n);
        status = sf_ws_open(w.hub, &opts, &w.ws, NULL);
        if (!oom_has_failed()) {
            ck_assert_int_eq(status, SF_OK);
            break;
        }
        ck_assert_int_eq(status, SF_ENOMEM);
    }
}
END_TEST

static void ws_cases(Suite *s)
{
    TCase *tc = tcase_create("ws");

    tcase_add_checked_fixture(tc, start, stop);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, frames_come_in_order);
    tcase_add_loop_test(tc, frames_of_any_size_are_whole, 0, COUNT(sizes));
    tcase_add_test(tc, fragments_become_one_message);
    tcase_add_test(tc, many_small_frames_all_come);
    tcase_add_loop_test(tc, too_large_a_message_ends_the_connection, 0, 2);
    tcase_add_loop_test(tc, each_end_has_its_reason, 0, COUNT(ends));
    tcase_add_test(tc, silence_is_noticed);
    tcase_add_test(tc, nobody_listens);
    tcase_add_loop_test(tc, bad_url_is_refused_at_once, 0, COUNT(bad_urls));
    tcase_add_test(tc, unknown_name_is_an_error_of_the_connection);
    tcase_add_test(tc, authorities_that_cannot_be_read_are_named);
    tcase_add_test(tc, messages_go_out_in_order_and_slowly);
    tcase_add_test(tc, too_many_messages_are_refused);
    tcase_add_test(tc, closing_from_a_frame);
    tcase_add_loop_test(tc, closing_at_any_moment, 0, 12);
    tcase_add_test(tc, paused_means_no_frames);
    tcase_add_test(tc, no_memory_fails_the_open);
    suite_add_tcase(s, tc);
}

RUN_SUITE("ws", ws_cases)
