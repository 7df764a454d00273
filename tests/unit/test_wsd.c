#include "runner.h"

#include <sf/wsd.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROUNDS_MAX  20000 /* of at most 1 ms each */
#define MESSAGE_MAX 1000
#define WAITING_MAX ((size_t)256 << 10)

static struct sf_loop *loop;
static struct sf_httpd *httpd;
static struct sf_wsd *ws; /* the last that was accepted; NULL when it is over */
static struct sf_wsd_opts opts;
static struct sf_buf got;
static int messages_n, drained_n, closed_n, code;
static int fd;

/* "cut" and "bye" act, everything else comes back. */
static void on_message(void *arg, struct sf_wsd *from, struct sf_str message,
                       bool is_binary)
{
    ck_assert_ptr_eq(arg, &opts);
    messages_n++;
    if (sf_str_eq(message, SF_STR("cut")))
        sf_wsd_cut(from, SF_STR("0123456789"), 5);
    else if (sf_str_eq(message, SF_STR("bye")))
        sf_wsd_close(from, SF_WSD_GOING_AWAY, SF_STR("that's all"));
    else
        ck_assert(sf_wsd_send(from, message, is_binary));
}

static void on_drained(void *arg, struct sf_wsd *from)
{
    (void)arg;
    ck_assert_uint_eq(sf_wsd_waiting(from), 0);
    drained_n++;
}

static void on_closed(void *arg, struct sf_wsd *from, int closed_with)
{
    (void)arg;
    ck_assert_ptr_eq(from, ws);
    ck_assert(!sf_wsd_send(from, SF_STR("too late"), false));
    closed_n++;
    code = closed_with;
    ws = NULL;
}

static void on_request(void *arg, struct sf_httpd_req *req)
{
    struct sf_error err = { 0 };

    (void)arg;
    if (sf_wsd_accept(req, &opts, &ws, &err) != SF_OK)
        ck_assert_int_eq(err.status, SF_EPROTO);
}

static void turn(void)
{
    const bool never = false;

    (void)sf_loop_run_until(loop, &never, 1);
}

static void dial(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)sf_httpd_port(httpd)),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int small = 4096;

    fd = socket(AF_INET, SOCK_STREAM, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
}

static void start(void)
{
    struct sf_httpd_opts server = { .listen = "127.0.0.1:0", .fn = on_request };

    opts = (struct sf_wsd_opts){ .message_max = MESSAGE_MAX,
                                 .waiting_max = WAITING_MAX,
                                 .on_message = on_message,
                                 .on_drained = on_drained,
                                 .on_closed = on_closed,
                                 .arg = &opts };
    ck_assert_int_eq(sf_loop_create(&loop, NULL), SF_OK);
    ck_assert_int_eq(sf_httpd_create(loop, &server, &httpd, NULL), SF_OK);
    sf_buf_init(&got, (size_t)1 << 24);
    messages_n = drained_n = closed_n = code = 0;
    ws = NULL;
    dial();
}

static void stop(void)
{
    (void)close(fd);
    sf_httpd_destroy(httpd);
    sf_loop_destroy(loop);
    sf_buf_release(&got);
}

/* False when the peer closed. */
static bool take(void)
{
    char piece[65536];
    ssize_t n = recv(fd, piece, sizeof(piece), MSG_DONTWAIT);

    if (n > 0)
        sf_buf_add(&got, piece, (size_t)n);
    return n != 0;
}

static void say(struct sf_str bytes)
{
    size_t sent = 0;

    for (int round = 0; round < ROUNDS_MAX && sent < bytes.len; round++) {
        ssize_t n =
            send(fd, bytes.p + sent, bytes.len - sent, MSG_DONTWAIT | MSG_NOSIGNAL);

        sent += n > 0 ? (size_t)n : 0;
        turn();
    }
    ck_assert_uint_eq(sent, bytes.len);
}

static void hear(size_t n)
{
    for (int round = 0; round < ROUNDS_MAX && got.len < n; round++) {
        turn();
        if (!take())
            break;
    }
    ck_assert_uint_ge(got.len, n);
}

static void hear_end(void)
{
    for (int round = 0; round < ROUNDS_MAX; round++) {
        turn();
        if (!take())
            return;
    }
    ck_abort_msg("the server did not hang up");
}

/* The key and its answer are those of RFC 6455, section 1.3. */
#define HELLO                                                          \
    "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"            \
    "Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n" \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
#define WELCOME                                                  \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" \
    "Connection: Upgrade\r\nSec-WebSocket-Accept: "              \
    "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

static void meet(void)
{
    say(SF_STR(HELLO));
    hear(sizeof(WELCOME) - 1);
    ck_assert(sf_str_starts(sf_buf_str(&got), SF_STR(WELCOME)));
    ck_assert_ptr_nonnull(ws);
    got.len -= sizeof(WELCOME) - 1; /* the first ping may have come with it */
    memmove(got.p, got.p + sizeof(WELCOME) - 1, got.len);
}

START_TEST(a_handshake_is_answered_as_the_rfc_says)
{
    start();
    meet();
    stop();
    ck_assert_int_eq(closed_n, 1);
    ck_assert_int_eq(code, SF_WSD_LOST);
}
END_TEST

/* --------------------------------------------------------------------------- handshakes
 */

#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define UP  "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define V13 "Sec-WebSocket-Version: 13\r\n"

static const struct {
    const char *request, *status;
} no_handshakes[] = {
    { "GET / HTTP/1.1\r\nHost: x\r\n" V13 "\r\n", "400" },
    { "POST / HTTP/1.1\r\nHost: x\r\n" UP V13 KEY "\r\n", "400" },
    { "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n" V13 KEY "\r\n", "400" },
    { "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n" V13 KEY "\r\n", "400" },
    { "GET / HTTP/1.1\r\nHost: x\r\n" UP KEY "Sec-WebSocket-Version: 8\r\n\r\n", "426" },
    { "GET / HTTP/1.1\r\nHost: x\r\n" UP V13 "\r\n", "400" },
    { "GET / HTTP/1.1\r\nHost: x\r\n" UP V13 "Sec-WebSocket-Key: dGhl\r\n\r\n", "400" },
    { "GET / HTTP/1.1\r\nHost: x\r\n" UP V13
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j!Q==\r\n\r\n",
      "400" },
};

START_TEST(what_is_no_handshake_is_refused)
{
    start();
    say(sf_str_from(no_handshakes[_i].request));
    hear(12);
    ck_assert_int_eq(strncmp(sf_buf_cstr(&got) + 9, no_handshakes[_i].status, 3), 0);
    ck_assert_ptr_null(ws);
    /* the connection is still HTTP's */
    sf_buf_clear(&got);
    meet();
    stop();
}
END_TEST

/* ------------------------------------------------------------------------------ frames
 */

/* The mask of all frames here is 0: their payload can be read. */
#define M "\0\0\0\0"
#define B(literal)                        \
    {                                     \
        ("" literal), sizeof(literal) - 1 \
    }

static const struct {
    struct sf_str in, out;
    int code; /* 0: stays open */
} talks[] = {
    { B("\x81\x82" M "hi"), B("\x81\x02hi"), 0 },
    { B("\x82\x82" M "\xff\x00"), B("\x82\x02\xff\x00"), 0 },
    { B("\x81\x80" M), B("\x81\x00"), 0 },
    { B("\x81\x82\x01\x02\x03\x04ik"), B("\x81\x02hi"), 0 }, /* a real mask */
    { B("\x89\x83" M "abc"),
      B("\x8a\x03"
        "abc"),
      0 },
    { B("\x8a\x83" M "abc\x89\x81" M "x"), B("\x8a\x01x"),
      0 }, /* a pong nobody asked for */
    { B("\x01\x82" M "hi\x89\x81" M "x\x00\x81" M "-\x80\x82" M "ho"),
      B("\x8a\x01x\x81\x05hi-ho"), 0 },
    { B("\x81\x84" M "\xf0\x9f\x98\x80"), B("\x81\x04\xf0\x9f\x98\x80"), 0 },
    { B("\x01\x82" M "\xf0\x9f\x80\x82" M "\x98\x80"), B("\x81\x04\xf0\x9f\x98\x80"), 0 },
    { B("\x88\x82" M "\x03\xe8"), B("\x88\x02\x03\xe8"), 1000 },
    { B("\x88\x80" M), B("\x88\x02\x03\xe8"), 1000 },
    { B("\x88\x85" M "\x0f\xa0"
        "bye"),
      B("\x88\x02\x0f\xa0"), 4000 },
    { B("\x88\x81" M "\x03"), B("\x88\x02\x03\xea"), 1002 },
    { B("\x88\x82" M "\x03\xee"), B("\x88\x02\x03\xea"), 1002 }, /* 1006 is never sent */
    { B("\x88\x83" M "\x03\xe8\xff"), B("\x88\x02\x03\xea"), 1002 },
    { B("\x81\x83" M "bye\x88\x82" M "\x03\xe9"), B("\x88\x0c\x03\xe9that's all"), 1001 },
    { B("\x81\x02hi"), B("\x88\x11\x03\xeamalformed frame"), 1002 },
    { B("\xc1\x82" M "hi"), B("\x88\x11\x03\xeamalformed frame"), 1002 },
    { B("\x83\x82" M "hi"), B("\x88\x11\x03\xeamalformed frame"), 1002 },
    { B("\x09\x81" M "x"), B("\x88\x11\x03\xeamalformed frame"), 1002 },
    { B("\x89\xfe\x00\x7e" M), B("\x88\x11\x03\xeamalformed frame"), 1002 },
    { B("\x81\xff\x80\x00\x00\x00\x00\x00\x00\x00" M),
      B("\x88\x11\x03\xeamalformed frame"), 1002 },
    { B("\x80\x81" M "x\x88\x80" M),
      B("\x88\x24\x03\xea"
        "a message's parts are out of order"),
      1002 },
    { B("\x01\x81" M "x\x81\x81" M "x\x88\x80" M),
      B("\x88\x24\x03\xea"
        "a message's parts are out of order"),
      1002 },
    { B("\x81\x81" M "\xff\x88\x80" M), B("\x88\x17\x03\xefthe text is not UTF-8"),
      1007 },
    { B("\x81\xfe\x03\xe9" M), B("\x88\x19\x03\xf1the message is too long"), 1009 },
};

START_TEST(frames_are_answered_as_the_rfc_says)
{
    start();
    meet();
    say(talks[_i].in);
    hear(talks[_i].out.len);
    if (talks[_i].code != 0) {
        hear_end();
        (void)close(fd);
        for (int round = 0; round < ROUNDS_MAX && ws; round++)
            turn();
        ck_assert_int_eq(code, talks[_i].code);
        fd = -1;
    }
    ck_assert_uint_eq(got.len, talks[_i].out.len);
    ck_assert_mem_eq(got.p, talks[_i].out.p, got.len);
    ck_assert_int_eq(closed_n, talks[_i].code != 0);
    stop();
}
END_TEST

START_TEST(frames_may_come_with_the_handshake_or_byte_by_byte)
{
    static const struct sf_str in = B("\x01\x82" M "hi\x89\x81" M "x\x80\x83" M "-ho");

    start();
    say(SF_STR(HELLO "\x81\x82" M "hi"));
    hear(sizeof(WELCOME) - 1 + 4);
    ck_assert_mem_eq(got.p + sizeof(WELCOME) - 1, "\x81\x02hi", 4);
    sf_buf_clear(&got);
    for (size_t i = 0; i < in.len; i++)
        say(sf_str_make(in.p + i, 1));
    hear(10);
    ck_assert_mem_eq(got.p, "\x8a\x01x\x81\x05hi-ho", 10);
    stop();
}
END_TEST

static const size_t lengths[] = { 125, 126, 999, 1000 };

START_TEST(a_message_of_any_length_comes_back)
{
    size_t n = lengths[_i], head = n < 126 ? 2 : 4;
    struct sf_buf b;

    start();
    meet();
    sf_buf_init(&b, 4096);
    sf_buf_add_char(&b, '\x81');
    sf_buf_add_char(&b, (char)(0x80 | (n < 126 ? n : 126)));
    if (n >= 126) {
        sf_buf_add_char(&b, (char)(n >> 8));
        sf_buf_add_char(&b, (char)n);
    }
    sf_buf_add(&b, M, 4);
    for (size_t i = 0; i < n; i++)
        sf_buf_add_char(&b, (char)('a' + i % 26));
    say(sf_buf_str(&b));
    hear(head + n);
    ck_assert_uint_eq(got.len, head + n);
    ck_assert_mem_eq(got.p + head, b.p + head + 4, n);
    sf_buf_release(&b);
    stop();
}
END_TEST

START_TEST(parts_that_add_up_to_too_much_are_refused)
{
    char part[8 + 600] = "\x01\xfe\x02\x58";

    start();
    meet();
    memset(part + 8, 'x', 600);
    say(sf_str_make(part, sizeof(part)));
    part[0] = 0;
    say(sf_str_make(part, sizeof(part)));
    hear(4);
    ck_assert_mem_eq(got.p, "\x88\x19\x03\xf1", 4);
    stop();
}
END_TEST

/* ------------------------------------------------------------------------------ limits
 */

START_TEST(a_cut_ends_in_the_middle_of_a_frame)
{
    start();
    meet();
    say((struct sf_str)B("\x81\x81" M "a\x81\x83" M "cut\x81\x81" M "b"));
    hear_end();
    ck_assert_uint_eq(got.len, 8);
    ck_assert_mem_eq(got.p,
                     "\x81\x01"
                     "a\x81\x0a"
                     "012",
                     8);
    ck_assert_int_eq(messages_n, 2);
    stop();
    ck_assert_int_eq(code, SF_WSD_LOST);
}
END_TEST

/* Frames up to the last whole one; returns the last one's opcode and code. */
static void check_frames(unsigned *ret_opcode, unsigned *ret_code, size_t *ret_n)
{
    const unsigned char *p = (const unsigned char *)got.p;
    size_t at = 0;

    for (*ret_n = 0; at < got.len; (*ret_n)++) {
        size_t len = p[at + 1], head = 2;

        if (len == 126) {
            len = (size_t)p[at + 2] << 8 | p[at + 3];
            head = 4;
        }
        ck_assert_uint_le(at + head + len, got.len);
        *ret_opcode = p[at] & 0x0f;
        *ret_code = (unsigned)p[at + head] << 8 | p[at + head + 1];
        at += head + len;
    }
}

START_TEST(a_slow_reader_is_told_and_cut)
{
    char message[4000];
    unsigned opcode = 0, last_code = 0;
    size_t sent_n = 0, n;

    start();
    meet();
    memset(message, 'm', sizeof(message));
    while (sf_wsd_send(ws, sf_str_make(message, sizeof(message)), false)) {
        ck_assert_uint_le(sf_wsd_waiting(ws), WAITING_MAX + 4100);
        sent_n++;
        turn(); /* the kernel's buffers fill up, then ours */
        ck_assert_uint_lt(sent_n, 100000);
    }
    ck_assert(!sf_wsd_send(ws, SF_STR("more"), false));
    hear_end();
    check_frames(&opcode, &last_code, &n);
    ck_assert(opcode == 8 && last_code == SF_WSD_POLICY);
    ck_assert_uint_lt(n - 1, sent_n); /* whole frames, some dropped */
    stop();
    ck_assert_int_eq(closed_n, 1);
    ck_assert_int_eq(code, SF_WSD_POLICY);
}
END_TEST

START_TEST(who_sends_too_many_frames_is_cut)
{
    start();
    opts.frames_per_s = 3;
    meet();
    say((struct sf_str)B("\x81\x81" M "1\x8a\x80" M "\x89\x80" M "\x81\x81" M "2"));
    hear(9);
    ck_assert_mem_eq(got.p, "\x81\x01\x31\x8a\x00\x88\x13\x03\xf0", 9);
    ck_assert_int_eq(messages_n, 1);
    stop();
    ck_assert_int_eq(code, SF_WSD_POLICY);
}
END_TEST

START_TEST(pings_come_and_who_answers_stays)
{
    start();
    opts.ping_ms = 10;
    opts.pong_ms = 1000;
    meet();
    for (int i = 0; i < 30; i++) {
        char pong[6 + 32] = "\x8a\x80";
        size_t n;

        hear(2);
        n = (unsigned char)got.p[1];
        hear(2 + n);
        ck_assert_int_eq((unsigned char)got.p[0], 0x89);
        pong[1] = (char)(0x80 | n);
        memcpy(pong + 6, got.p + 2, n);
        say(sf_str_make(pong, 6 + n));
        memmove(got.p, got.p + 2 + n, got.len - 2 - n);
        got.len -= 2 + n;
    }
    ck_assert_int_eq(closed_n, 0);
    say((struct sf_str)B("\x8a\x81" M "7")); /* an answer to nothing does not help */
    hear_end();
    stop();
    ck_assert_int_eq(code, SF_WSD_LOST);
}
END_TEST

START_TEST(drained_is_told_once_all_is_out)
{
    start();
    meet();
    drained_n = 0;
    for (int i = 0; i < 10; i++)
        ck_assert(sf_wsd_send(ws, SF_STR("0123456789"), true));
    ck_assert(sf_wsd_waiting(ws) == 120 && drained_n == 0);
    hear(120);
    ck_assert_int_eq(drained_n, 1);
    stop();
}
END_TEST

static void wsd_cases(Suite *s)
{
    TCase *tc = tcase_create("wsd");

    tcase_add_test(tc, a_handshake_is_answered_as_the_rfc_says);
    tcase_add_loop_test(tc, what_is_no_handshake_is_refused, 0, COUNT(no_handshakes));
    tcase_add_loop_test(tc, frames_are_answered_as_the_rfc_says, 0, COUNT(talks));
    tcase_add_test(tc, frames_may_come_with_the_handshake_or_byte_by_byte);
    tcase_add_loop_test(tc, a_message_of_any_length_comes_back, 0, COUNT(lengths));
    tcase_add_test(tc, parts_that_add_up_to_too_much_are_refused);
    tcase_add_test(tc, a_cut_ends_in_the_middle_of_a_frame);
    tcase_add_test(tc, a_slow_reader_is_told_and_cut);
    tcase_add_test(tc, who_sends_too_many_frames_is_cut);
    tcase_add_test(tc, pings_come_and_who_answers_stays);
    tcase_add_test(tc, drained_is_told_once_all_is_out);
    tcase_set_timeout(tc, 30);
    suite_add_tcase(s, tc);
}

RUN_SUITE("wsd", wsd_cases)
