/* A WebSocket's life and what it sends. Frames are put behind one another in the
 * connection's buffer and go out when the socket is next writable, many with one call. */
#include "wsd_internal.h"

#include <stdlib.h>
#include <sys/socket.h>

#define TLS_RECORD    16384 /* bytes that OpenSSL may hold encrypted, not yet written */
#define COMPACT_BYTES ((size_t)64 << 10)
#define REASON_MAX    123
#define STREAM_PING   ":\n\n"

static void on_ping(void *arg)
{
    struct sf_wsd *ws = arg;
    int64_t pong_ms = ws->opts.pong_ms ? ws->opts.pong_ms : 3 * ws->opts.ping_ms;
    char text[24];
    struct sf_buf b;

    if (ws->state != WSD_OPEN)
        return;
    if (ws->is_stream) {
        sf_wsd_queue(ws, SF_WSD_PING, SF_STR(STREAM_PING));
        return;
    }
    if (ws->ping_first_ms != 0 && sf_mono_us() - ws->pinged_us > pong_ms * 1000) {
        sf_wsd_cut(ws, SF_STR_EMPTY, 0);
        return;
    }
    ws->ping_last_ms = sf_time_now_ms();
    if (ws->ping_first_ms == 0) {
        ws->ping_first_ms = ws->ping_last_ms;
        ws->pinged_us = sf_mono_us();
    }
    sf_buf_init(&b, sizeof(text));
    sf_buf_add_i64(&b, ws->ping_last_ms);
    sf_wsd_queue(ws, SF_WSD_PING, sf_buf_str(&b));
    sf_buf_release(&b);
}

struct sf_wsd *sf_wsd_make(struct sf_loop *loop, const struct sf_wsd_opts *opts)
{
    struct sf_wsd *ws = calloc(1, sizeof(*ws));

    if (!ws)
        return NULL;
    ws->opts = *opts;
    if (ws->opts.frames_per_s > SF_WSD_FRAMES_MAX)
        ws->opts.frames_per_s = SF_WSD_FRAMES_MAX;
    if (opts->ping_ms > 0) {
        if (sf_timer_create(loop, on_ping, ws, &ws->ping) != SF_OK) {
            free(ws);
            return NULL;
        }
        sf_timer_set(ws->ping, opts->ping_ms, opts->ping_ms);
    }
    return ws;
}

void sf_wsd_free(struct sf_wsd *ws)
{
    if (!ws)
        return;
    sf_timer_destroy(ws->ping);
    sf_buf_release(&ws->message);
    free(ws);
}

/* httpd_conn.c closed the socket; it frees us in the next round. */
void sf_wsd_gone(struct sf_wsd *ws)
{
    ws->state = WSD_CUT;
    sf_timer_destroy(ws->ping);
    ws->ping = NULL;
}

void sf_wsd_over(struct sf_wsd *ws)
{
    ws->conn = NULL;
    if (ws->opts.on_closed)
        ws->opts.on_closed(ws->opts.arg, ws, ws->code != 0 ? ws->code : SF_WSD_LOST);
    sf_wsd_free(ws);
}

/* ---------------------------------------------------------------------------- sending */

size_t sf_wsd_waiting(const struct sf_wsd *ws)
{
    return ws->conn ? ws->conn->out.len - ws->conn->sent : 0;
}

/* Move edge behind the frame that has begun to go out; OpenSSL wants a write that it
 * could not finish again, with the same bytes. */
static void move_edge(struct sf_wsd *ws)
{
    struct conn *c = ws->conn;
    size_t begun = c->sent + (c->tls ? TLS_RECORD : 0);

    if (ws->is_stream)
        ws->edge = c->out.len; /* a part of a message cannot be left out */
    while (ws->edge < begun && ws->edge < c->out.len) {
        struct sf_wsd_frame frame;

        if (sf_wsd_frame_parse(sf_str_make(c->out.p + ws->edge, c->out.len - ws->edge),
                               &frame) != 1)
            return; /* not of ours: cannot be */
        ws->edge += frame.head_len + (size_t)frame.len;
    }
}

/* What was sent is dropped from the front now and then. */
static void compact(struct sf_wsd *ws)
{
    struct conn *c = ws->conn;

    if (c->sent < COMPACT_BYTES || c->sent < c->out.len / 2)
        return;
    move_edge(ws);
    memmove(c->out.p, c->out.p + c->sent, c->out.len - c->sent);
    c->out.len -= c->sent;
    ws->edge -= c->sent;
    c->sent = 0;
}

static void add_frame(struct sf_wsd *ws, unsigned opcode, struct sf_str payload)
{
    struct conn *c = ws->conn;

    compact(ws);
    if (ws->is_stream)
        sf_buf_add_str(&c->out, payload);
    else
        sf_wsd_frame_add(&c->out, opcode, payload);
    if (sf_buf_status(&c->out, NULL) != SF_OK)
        ws->state = WSD_CUT;
    sf_conn_watch(c);
}

static void close_with(struct sf_wsd *ws, int code, struct sf_str reason)
{
    char text[2 + REASON_MAX];

    if (reason.len > REASON_MAX)
        reason.len = REASON_MAX;
    text[0] = (char)(code >> 8);
    text[1] = (char)code;
    memcpy(text + 2, reason.p, reason.len);
    if (ws->code == 0)
        ws->code = code;
    ws->state = ws->is_stream ? WSD_CLOSED : WSD_CLOSING;
    ws->conn->deadline_us = sf_mono_us() + LINGER_US;
    if (ws->is_stream) {
        sf_conn_watch(ws->conn);
        return;
    }
    add_frame(ws, SF_WSD_CLOSE, sf_str_make(text, 2 + reason.len));
}

/* The reader does not keep up: what no byte is out of is dropped, and it is told. */
static void drop_waiting(struct sf_wsd *ws)
{
    struct conn *c = ws->conn;

    if (ws->is_stream) {
        ws->code = SF_WSD_POLICY;
        sf_wsd_cut(ws, SF_STR_EMPTY, 0);
        return;
    }
    move_edge(ws);
    c->out.len = ws->edge;
    close_with(ws, SF_WSD_POLICY, SF_STR("too slow: messages were dropped"));
}

void sf_wsd_queue(struct sf_wsd *ws, unsigned opcode, struct sf_str payload)
{
    if (ws->state != WSD_OPEN)
        return;
    if (sf_wsd_waiting(ws) + payload.len > ws->opts.waiting_max)
        drop_waiting(ws);
    else
        add_frame(ws, opcode, payload);
}

bool sf_wsd_send(struct sf_wsd *ws, struct sf_str message, bool is_binary)
{
    sf_wsd_queue(ws, is_binary ? SF_WSD_BINARY : SF_WSD_TEXT, message);
    return ws->state == WSD_OPEN;
}

void sf_wsd_close(struct sf_wsd *ws, int code, struct sf_str reason)
{
    if (ws->state == WSD_OPEN)
        close_with(ws, code, reason);
}

void sf_wsd_cut(struct sf_wsd *ws, struct sf_str message, size_t frame_bytes)
{
    struct conn *c = ws->conn;

    if (!c || c->is_dead || ws->state == WSD_CUT)
        return;
    if (message.len > 0 && ws->state == WSD_OPEN) {
        size_t before;

        compact(ws);
        before = c->out.len;
        sf_wsd_frame_add(&c->out, SF_WSD_TEXT, message);
        if (c->out.len - before > frame_bytes)
            c->out.len = before + frame_bytes;
    }
    ws->state = WSD_CUT;
    sf_conn_watch(c);
}

/* ------------------------------------------------------------------------------ events
 */

static void flush(struct sf_wsd *ws)
{
    struct conn *c = ws->conn;
    bool had = c->sent < c->out.len;

    while (c->sent < c->out.len) {
        ssize_t put = sf_conn_send(c, c->out.p + c->sent, c->out.len - c->sent);

        if (put == CONN_AGAIN) {
            move_edge(ws);
            return;
        }
        if (put <= 0) {
            sf_conn_close(c);
            return;
        }
        c->sent += (size_t)put;
    }
    c->sent = 0;
    ws->edge = 0;
    if (c->out.cap > KEEP_BYTES)
        sf_buf_release(&c->out);
    sf_buf_clear(&c->out);
    if (had && ws->state == WSD_OPEN && ws->opts.on_drained)
        ws->opts.on_drained(ws->opts.arg, ws);
}

/* As after an HTTP answer that ends its connection: no reset that overtakes the data. */
static void hang_up(struct conn *c, bool has_goodbye)
{
    if (has_goodbye)
        sf_tls_shutdown(c);
    if (c->is_eof || shutdown(c->fd, SHUT_WR) != 0) {
        sf_conn_close(c);
        return;
    }
    c->state = CONN_LINGERING;
    c->deadline_us = sf_mono_us() + LINGER_US;
}

unsigned sf_wsd_wants(const struct sf_wsd *ws)
{
    unsigned wants = ws->state < WSD_CLOSED ? SF_READABLE : 0;

    return sf_wsd_waiting(ws) > 0 || wants == 0 ? wants | SF_WRITABLE : wants;
}

void sf_wsd_on_event(struct sf_wsd *ws)
{
    struct conn *c = ws->conn;

    flush(ws);
    if (!c->is_dead && ws->state < WSD_CLOSED)
        sf_wsd_receive(ws);
    if (!c->is_dead && ws->state == WSD_CUT)
        flush(ws);
    if (c->is_dead)
        return;
    if (ws->state == WSD_CUT || (ws->state == WSD_CLOSED && c->sent == c->out.len))
        hang_up(c, ws->state == WSD_CLOSED);
    sf_conn_watch(c);
}
