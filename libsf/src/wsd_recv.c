/* What a WebSocket's peer sends: frames are unmasked in place, messages of several frames
 * put together, control frames answered. */
#include "wsd_internal.h"

#define SECOND_US 1000000

static void fail(struct sf_wsd *ws, int code, const char *reason)
{
    sf_wsd_close(ws, code, sf_str_from(reason));
}

/* Strictly: no more than frames_per_s in any second, wherever it begins. */
static bool too_many_frames(struct sf_wsd *ws)
{
    int64_t now_us = sf_mono_us(), *oldest;

    if (ws->opts.frames_per_s == 0)
        return false;
    oldest = &ws->frames_us[ws->frames_n % ws->opts.frames_per_s];
    if (ws->frames_n >= ws->opts.frames_per_s && now_us - *oldest < SECOND_US)
        return true;
    *oldest = now_us;
    ws->frames_n++;
    return false;
}

static void on_close_frame(struct sf_wsd *ws, struct sf_str payload)
{
    int code = SF_WSD_NORMAL;

    if (payload.len >= 2)
        code = (unsigned char)payload.p[0] << 8 | (unsigned char)payload.p[1];
    if (payload.len == 1 || !sf_wsd_code_is_valid(code) ||
        !sf_wsd_is_utf8(payload.len > 2 ? sf_str_make(payload.p + 2, payload.len - 2)
                                        : SF_STR_EMPTY))
        code = SF_WSD_PROTOCOL;
    if (ws->state == WSD_OPEN)
        sf_wsd_close(ws, code, SF_STR_EMPTY);
    if (ws->state == WSD_CLOSING)
        ws->state = WSD_CLOSED;
}

/* Only the payload of a ping that waits for it is an answer. */
static void on_pong(struct sf_wsd *ws, struct sf_str payload)
{
    int64_t sent_ms;

    if (ws->ping_first_ms != 0 && sf_str_to_i64(payload, &sent_ms) == SF_OK &&
        sent_ms >= ws->ping_first_ms && sent_ms <= ws->ping_last_ms)
        ws->ping_first_ms = 0;
}

static void on_message(struct sf_wsd *ws, unsigned opcode, struct sf_str message)
{
    if (ws->state != WSD_OPEN)
        return;
    if (opcode == SF_WSD_TEXT && !sf_wsd_is_utf8(message))
        fail(ws, SF_WSD_NOT_UTF8, "the text is not UTF-8");
    else if (ws->opts.on_message)
        ws->opts.on_message(ws->opts.arg, ws, message, opcode == SF_WSD_BINARY);
}

static void on_data(struct sf_wsd *ws, const struct sf_wsd_frame *frame,
                    struct sf_str payload)
{
    bool is_first = frame->opcode != SF_WSD_CONTINUATION;

    if (is_first == (ws->message_opcode != 0)) {
        fail(ws, SF_WSD_PROTOCOL, "a message's parts are out of order");
        return;
    }
    if (is_first && frame->is_final) {
        on_message(ws, frame->opcode, payload);
        return;
    }
    if (is_first) {
        ws->message_opcode = frame->opcode;
        sf_buf_clear(&ws->message);
    }
    sf_buf_add_str(&ws->message, payload);
    if (sf_buf_status(&ws->message, NULL) != SF_OK) {
        fail(ws, SF_WSD_TOO_BIG, "the message is too long");
        return;
    }
    if (frame->is_final) {
        on_message(ws, ws->message_opcode, sf_buf_str(&ws->message));
        ws->message_opcode = 0;
        if (ws->message.cap > KEEP_BYTES)
            sf_buf_release(&ws->message);
    }
}

static void on_frame(struct sf_wsd *ws, const struct sf_wsd_frame *frame,
                     struct sf_str payload)
{
    if (frame->opcode == SF_WSD_CLOSE)
        on_close_frame(ws, payload);
    else if (ws->state != WSD_OPEN)
        return; /* only the close frame is still of interest */
    else if (too_many_frames(ws))
        fail(ws, SF_WSD_POLICY, "Too many requests");
    else if (frame->opcode == SF_WSD_PING)
        sf_wsd_queue(ws, SF_WSD_PONG, payload);
    else if (frame->opcode == SF_WSD_PONG)
        on_pong(ws, payload);
    else
        on_data(ws, frame, payload);
}

/* What is wrong with the head of a frame: 0, or the code to close with. */
static int judge(const struct sf_wsd *ws, int rc, const struct sf_wsd_frame *frame)
{
    if (rc < 0 || (rc > 0 && !frame->is_masked))
        return SF_WSD_PROTOCOL;
    return rc > 0 && frame->len > ws->opts.message_max && frame->opcode < SF_WSD_CLOSE
               ? SF_WSD_TOO_BIG
               : 0;
}

/* Act on the whole frames in the buffer. What follows a frame that cannot be read has no
 * frames: then nothing is kept, and the connection goes without their close frame. */
static void read_frames(struct sf_wsd *ws)
{
    struct conn *c = ws->conn;
    size_t at = 0;

    while (!c->is_dead && ws->state < WSD_CLOSED) {
        struct sf_wsd_frame frame;
        int rc = sf_wsd_frame_parse(sf_str_make(c->in.p + at, c->in.len - at), &frame);
        int code = judge(ws, rc, &frame);

        if (code != 0) {
            fail(ws, code,
                 code == SF_WSD_TOO_BIG ? "the message is too long" : "malformed frame");
            ws->state = WSD_CLOSED;
            at = c->in.len;
            break;
        }
        if (rc == 0 || c->in.len - at < frame.head_len + frame.len)
            break;
        at += frame.head_len;
        sf_wsd_unmask(c->in.p + at, (size_t)frame.len, frame.mask);
        on_frame(ws, &frame, sf_str_make(c->in.p + at, (size_t)frame.len));
        at += (size_t)frame.len;
    }
    if (at > 0) {
        memmove(c->in.p, c->in.p + at, c->in.len - at);
        c->in.len -= at;
    }
}

void sf_wsd_receive(struct sf_wsd *ws)
{
    struct conn *c = ws->conn;
    char *to = sf_buf_reserve(&c->in, READ_BYTES);
    ssize_t got;

    if (!to) {
        sf_conn_close(c);
        return;
    }
    got = sf_conn_recv(c, to, READ_BYTES);
    if (got == CONN_GONE || got == 0) {
        sf_conn_close(c);
        return;
    }
    if (got > 0)
        c->in.len += (size_t)got;
    if (ws->is_stream)
        c->in.len = 0;
    if (c->in.len > 0)
        read_frames(ws);
}
