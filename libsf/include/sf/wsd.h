/* WebSocket, server side: a request to the HTTP server becomes a connection of messages.
 *
 * A handler of httpd.h hands its request over to sf_wsd_accept(), plain or TLS. What is
 * sent waits in memory up to a ceiling: a reader that is too slow for it is told so
 * (close code 1008) and cut. No extension is agreed on, so no frame is compressed.
 * Source: RFC 6455. Loop thread only. */
#ifndef SF_WSD_H
#define SF_WSD_H

#include <sf/httpd.h>

struct sf_wsd; /* one connection, valid until on_closed returns */

/* Close codes (RFC 6455, 7.4.1). */
enum sf_wsd_code {
    SF_WSD_NORMAL = 1000,
    SF_WSD_GOING_AWAY = 1001,
    SF_WSD_PROTOCOL = 1002,
    SF_WSD_NOT_UTF8 = 1007,
    SF_WSD_POLICY = 1008, /* too slow, too many frames */
    SF_WSD_TOO_BIG = 1009,
    SF_WSD_LOST = 1006, /* never sent: the connection went without a close frame */
};

#define SF_WSD_FRAMES_MAX 32 /* of frames_per_s */

struct sf_wsd_opts {
    size_t message_max; /* bytes of a message of the peer; over it: 1009. 0: 64 KiB */
    size_t waiting_max; /* bytes that wait to be sent; over it: 1008. 0: 1 MiB */
    int64_t ping_ms;    /* a ping so often, its payload the time in ms; 0: none */
    int64_t pong_ms;    /* no pong for this long after a ping: cut. 0: 3 times ping_ms */
    unsigned frames_per_s; /* of the peer in any second, pings and pongs too; over it:
                              1008. 0: as many as it likes */
    /* A whole message; a text is UTF-8. Lent for the call. May be NULL, as the next. */
    void (*on_message)(void *arg, struct sf_wsd *ws, struct sf_str message,
                       bool is_binary);
    /* All that waited is out: a sender that goes by sf_wsd_waiting() may go on. */
    void (*on_drained)(void *arg, struct sf_wsd *ws);
    /* Over, however it came; the last call, never from within one of these functions but
     * sf_httpd_destroy(). @code: of the close frame, ours or theirs, whichever came
     * first.
     */
    void (*on_closed)(void *arg, struct sf_wsd *ws, int code);
    void *arg;
};

/* Does @req ask for a WebSocket? */
bool sf_wsd_is_upgrade(struct sf_httpd_req *req);

/* Agree. @req is used up in any case. Sending may begin at once.
 * Errors: SF_EPROTO the handshake is not RFC 6455's (answered with 400 or 426); SF_EIO
 * the peer has gone meanwhile; SF_ENOMEM (then the connection is closed). */
enum sf_status sf_wsd_accept(struct sf_httpd_req *req, const struct sf_wsd_opts *opts,
                             struct sf_wsd **ret_ws, struct sf_error *err) SF_MUST_CHECK;

/* The same with an answer that does not end, as for server-sent events: each message goes
 * out as it is behind the head, a ping is the comment ":\n\n", what the peer sends is
 * dropped. One that is too slow is cut; a close is the end of the answer. Errors: SF_EIO,
 * SF_ENOMEM, as above. */
enum sf_status sf_wsd_stream(struct sf_httpd_req *req, const char *content_type,
                             const struct sf_wsd_opts *opts, struct sf_wsd **ret_ws,
                             struct sf_error *err) SF_MUST_CHECK;

/* Send one message; copied. False: not sent, for the connection is closing, or closes now
 * since too much waits. Goes out in the next round of the loop, together with others. */
bool sf_wsd_send(struct sf_wsd *ws, struct sf_str message, bool is_binary);
/* Bytes that wait to be sent. */
size_t sf_wsd_waiting(const struct sf_wsd *ws);
/* A close frame behind what waits; the peer has two seconds to answer it. @reason: at
 * most 123 bytes, the rest is cut off. */
void sf_wsd_close(struct sf_wsd *ws, int code, struct sf_str reason);
/* For who misbehaves, and for stand-ins that must: send what the socket takes at once,
 * the first @frame_bytes bytes of @message's frame behind it, then close the socket
 * without a close frame. An empty @message: no frame. */
void sf_wsd_cut(struct sf_wsd *ws, struct sf_str message, size_t frame_bytes);

#endif
