/* WebSocket client: text frames from an exchange, on the program's loop, over
 * libwebsockets.
 *
 * One handle is one connection, from its URL to its end; who wants to stay connected
 * opens the next one (live.h). Pings are answered by themselves. Certificates are always
 * verified. No extension is offered, so no frame is compressed. Error texts name host and
 * reason, never credentials. Loop thread only. Source: RFC 6455. */
#ifndef SF_WS_H
#define SF_WS_H

#include <sf/buf.h>
#include <sf/loop.h>

/* What the connections of a loop share: TLS settings, buffers. */
struct sf_ws_hub;

/* @ca_path: PEM file; NULL: the system's certificates. Borrows @loop.
 * Errors: SF_EINVAL @ca_path cannot be read; SF_ENOMEM; SF_EIO libwebsockets. */
enum sf_status sf_ws_hub_create(struct sf_loop *loop, const char *ca_path,
                                struct sf_ws_hub **ret_hub,
                                struct sf_error *err) SF_MUST_CHECK;
/* After all its connections are closed; runs the loop until their sockets are. Not from a
 * callback. NULL is fine. */
void sf_ws_hub_destroy(struct sf_ws_hub *hub);

struct sf_ws;

/* Each is called from the loop, never from sf_ws_open itself, and none after
 * sf_ws_close, which any of them may call. */
struct sf_ws_hooks {
    void (*on_open)(void *arg); /* the server agreed; may be NULL */
    /* A whole message, lent for the call: in place where it arrived in one piece. */
    void (*on_frame)(void *arg, struct sf_str text);
    /* It is over, or never began; the last call. SF_EIO cut, refused, closed by the
     * server (with its code); SF_ETIMEOUT no connection or no frame in time; SF_EDENIED
     * the certificate does not verify; SF_ETOOBIG a message over frame_max. */
    void (*on_close)(void *arg, const struct sf_error *err);
    void *arg;
};

struct sf_ws_opts {
    const char *url;            /* ws:// or wss://; copied */
    size_t frame_max;           /* bytes of a message; 0: 8 MiB */
    int64_t connect_timeout_ms; /* name, TCP, TLS and upgrade together; 0: 10 s */
    int64_t idle_ms;            /* no frame for so long: it is dead; 0: never */
    struct sf_ws_hooks hooks;
};

/* Errors: SF_EINVAL not such a URL; SF_ENOMEM. */
enum sf_status sf_ws_open(struct sf_ws_hub *hub, const struct sf_ws_opts *opts,
                          struct sf_ws **ret_ws, struct sf_error *err) SF_MUST_CHECK;
/* Hang up, if that is still to do, and free. NULL is fine. */
void sf_ws_close(struct sf_ws *ws);

/* Send a text message; copied. They go out one by one, SF_WS_SEND_GAP_MS apart: exchanges
 * cut who sends more than 5 frames a second, pongs included.
 * Errors: SF_EFULL too many wait; SF_ENOMEM. */
#define SF_WS_SEND_GAP_MS 250
#define SF_WS_SEND_MAX    64
enum sf_status sf_ws_send(struct sf_ws *ws, struct sf_str text,
                          struct sf_error *err) SF_MUST_CHECK;

/* Stop reading, or go on: what the server sends meanwhile waits in the sockets, then at
 * the server. The idle watch rests. */
void sf_ws_pause(struct sf_ws *ws, bool is_paused);

#endif
