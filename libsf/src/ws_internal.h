/* Between ws.c (connections) and ws_frames.c (what libwebsockets calls). */
#ifndef SF_WS_INTERNAL_H
#define SF_WS_INTERNAL_H

#include <sf/ws.h>

/* uv.h first: libwebsockets.h looks whether it is there */
#include <libwebsockets.h>
#include <uv.h>

#define WS_PROTOCOL "streamforge" /* libwebsockets' name for our callback; never sent */
#define WS_HOST_MAX 256
#define WS_PATH_MAX 65536 /* 1024 streams of 60 bytes */

struct sf_ws_hub {
    struct sf_loop *loop;
    struct lws_context *context;
};

struct sf_ws_lookup {
    uv_getaddrinfo_t req;
    struct sf_ws *ws; /* NULL: closed meanwhile */
    struct addrinfo *answer;
    bool is_done;
};

/* A message to send, with libwebsockets' room in front. */
struct sf_ws_out {
    unsigned char *bytes;
    size_t len;
};

struct sf_ws {
    struct sf_ws_hub *hub;
    struct sf_ws_opts opts;
    char host[WS_HOST_MAX], path[WS_PATH_MAX];
    int port;
    bool is_tls, is_open, is_paused, is_over;
    bool is_in_connect, has_failed; /* inside lws_client_connect_via_info */
    struct lws *wsi;                /* NULL: none, or not ours any more */
    struct sf_ws_lookup *lookup;
    const struct addrinfo *next_address;
    struct sf_timer *watch, *sender;
    int64_t seen_us;
    struct sf_buf parts; /* a message that came in pieces */
    struct sf_ws_out out[SF_WS_SEND_MAX];
    size_t out_n;
    char why[200]; /* the last attempt's failure, or what the server said */
    struct sf_error err;
};

/* ws.c */
/* Begin with the next address of the name. False: there is none, ws->why. */
bool sf_ws_connect_next(struct sf_ws *ws);
void sf_ws_opened(struct sf_ws *ws);
/* Tell on_close, once; the socket goes by itself. The handle may be gone when it returns.
 */
void sf_ws_finish(struct sf_ws *ws, enum sf_status status, const char *why);

/* ws_frames.c */
enum sf_status sf_ws_context(struct sf_ws_hub *hub, const char *ca_path,
                             struct sf_error *err);
void sf_ws_send_next(void *arg); /* sf_timer_fn */

#endif
