/* What libwebsockets tells, and what it is given to send. Source: libwebsockets 4.1, API
 * documentation of lws_callback_reasons and of libuv as a foreign loop. */
#include "ws_internal.h"

#include <sf/log.h>
#include <sf/time.h>

#include <stdlib.h>
#include <unistd.h>

#define RX_BYTES (128 * 1024) /* of one read; most messages lie in it whole */
#define FDS_MAX  64           /* WebSockets of a process, with room */

/* ----------------------------------------------------------------------- receiving */

static void deliver(struct sf_ws *ws, struct sf_str text)
{
    ws->opts.hooks.on_frame(ws->opts.hooks.arg, text);
}

/* A piece of a message. Whole ones go on as they lie in libwebsockets' buffer. */
static void receive(struct sf_ws *ws, struct lws *wsi, const char *bytes, size_t len)
{
    bool is_last = lws_is_final_fragment(wsi) && lws_remaining_packet_payload(wsi) == 0;
    char why[64];

    ws->seen_us = sf_mono_us();
    if (is_last && ws->parts.len == 0) {
        if (len <= ws->parts.max) {
            deliver(ws, (struct sf_str){ bytes, len });
            return;
        }
        ws->parts.status = SF_ETOOBIG;
    }
    sf_buf_add(&ws->parts, bytes, len);
    if (ws->parts.status == SF_OK && !is_last)
        return;
    if (ws->parts.status == SF_OK) {
        struct sf_str text = sf_buf_str(&ws->parts);

        ws->parts.len = 0; /* the bytes stay for the call */
        deliver(ws, text);
        return;
    }
    (void)snprintf(why, sizeof(why), "a message over %zu bytes", ws->parts.max);
    sf_ws_finish(ws, ws->parts.status,
                 ws->parts.status == SF_ETOOBIG ? why : "out of memory");
}

/* ------------------------------------------------------------------------- sending */

enum sf_status sf_ws_send(struct sf_ws *ws, struct sf_str text, struct sf_error *err)
{
    unsigned char *bytes;

    if (ws->out_n == SF_WS_SEND_MAX)
        return sf_error_set(err, SF_EFULL, "%d messages wait to be sent", SF_WS_SEND_MAX);
    bytes = malloc(LWS_PRE + text.len);
    if (!bytes)
        return sf_error_set(err, SF_ENOMEM, "no memory for a message");
    memcpy(bytes + LWS_PRE, text.p, text.len);
    ws->out[ws->out_n++] = (struct sf_ws_out){ bytes, text.len };
    if (ws->is_open && !sf_timer_is_set(ws->sender))
        sf_timer_set(ws->sender, 0, 0);
    return SF_OK;
}

/* sf_timer_fn: ask for the moment at which one can be written. */
void sf_ws_send_next(void *arg)
{
    struct sf_ws *ws = arg;

    if (ws->out_n > 0 && ws->wsi)
        (void)lws_callback_on_writable(ws->wsi);
}

static int write_one(struct sf_ws *ws, struct lws *wsi)
{
    struct sf_ws_out out;
    int written;

    if (ws->out_n == 0 || sf_timer_is_set(ws->sender))
        return 0;
    out = ws->out[0];
    ws->out_n--;
    memmove(ws->out, ws->out + 1, ws->out_n * sizeof(out));
    written = lws_write(wsi, out.bytes + LWS_PRE, out.len, LWS_WRITE_TEXT);
    free(out.bytes);
    sf_timer_set(ws->sender, SF_WS_SEND_GAP_MS, 0);
    return written < (int)out.len ? -1 : 0;
}

/* -------------------------------------------------------------------------- ending */

/* The server's close frame: a code in network order, perhaps a reason. */
static void note_close(struct sf_ws *ws, const unsigned char *in, size_t len)
{
    int code = len >= 2 ? in[0] << 8 | in[1] : 1005;

    (void)snprintf(ws->why, sizeof(ws->why), "closed by the server: %d %.*s", code,
                   len > 2 ? (int)(len - 2) : 0, len > 2 ? (const char *)in + 2 : "");
}

static bool is_certificate(const char *why)
{
    return strstr(why, "cert") || strstr(why, "X509") || strstr(why, "verify");
}

static void connection_failed(struct sf_ws *ws, const char *in, size_t len)
{
    if (in && len > 0)
        (void)snprintf(ws->why, sizeof(ws->why), "%.*s", (int)len, in);
    ws->wsi = NULL;
    if (ws->is_in_connect)
        ws->has_failed = true;
    else if (is_certificate(ws->why))
        sf_ws_finish(ws, SF_EDENIED, ws->why);
    else if (!sf_ws_connect_next(ws))
        sf_ws_finish(ws, SF_EIO, ws->why);
}

static void closed(struct sf_ws *ws)
{
    ws->wsi = NULL;
    sf_ws_finish(ws, SF_EIO, ws->why);
}

/* lws_callback_function */
static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user,
                    void *in, size_t len)
{
    struct sf_ws *ws = wsi ? lws_get_opaque_user_data(wsi) : NULL;

    (void)user;
    if (!ws) /* its handle is gone; so shall it */
        return reason == LWS_CALLBACK_CLIENT_RECEIVE ||
                       reason == LWS_CALLBACK_CLIENT_ESTABLISHED
                   ? -1
                   : 0;
    switch ((int)reason) {
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        sf_ws_opened(ws);
        break;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        receive(ws, wsi, in, len);
        break;
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
        ws->seen_us = sf_mono_us();
        break;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return write_one(ws, wsi);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        note_close(ws, in, len);
        break;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        lws_set_opaque_user_data(wsi, NULL); /* its last words */
        connection_failed(ws, in, len);
        return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
    case LWS_CALLBACK_WSI_DESTROY:
        lws_set_opaque_user_data(wsi, NULL);
        closed(ws);
        return 0;
    default:
        return 0;
    }
    return lws_get_opaque_user_data(wsi) ? 0 : -1;
}

/* ------------------------------------------------------------------------- context */

static void log_line(int level, const char *line)
{
    struct sf_str text = sf_str_trim(sf_str_from(line));

    sf_log(level == LLL_ERR ? SF_LOG_WARN : SF_LOG_DEBUG, "lws_log",
           SF_LOG_V("text", text));
}

enum sf_status sf_ws_context(struct sf_ws_hub *hub, const char *ca_path,
                             struct sf_error *err)
{
    static const struct lws_protocols protocols[] = {
        { .name = WS_PROTOCOL, .callback = on_event, .rx_buffer_size = RX_BYTES },
        { .name = NULL },
    };
    void *loops[1] = { sf_loop_uv(hub->loop) };
    struct lws_context_creation_info info = { 0 };

    if (ca_path && access(ca_path, R_OK) != 0)
        return sf_error_set(err, SF_EINVAL, "%s: cannot be read", ca_path);
    lws_set_log_level(LLL_ERR | LLL_WARN, log_line);
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.protocols = protocols;
    info.foreign_loops = loops;
    info.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    info.client_ssl_ca_filepath = ca_path;
    info.pt_serv_buf_size = RX_BYTES;
    info.fd_limit_per_thread = FDS_MAX;
    info.http_proxy_address = "none:0"; /* not the one of the environment */
    info.gid = (gid_t)-1;
    info.uid = (uid_t)-1;
    info.pcontext = &hub->context;
    hub->context = lws_create_context(&info);
    if (!hub->context)
        return sf_error_set(err, SF_EIO, "libwebsockets: no context");
    return SF_OK;
}
