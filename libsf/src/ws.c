/* libwebsockets on our libuv loop. It would look names up with a blocking call, so libuv
 * does that and libwebsockets is given addresses. Our handle may go before its socket
 * does: then the socket's opaque pointer is NULL and it closes by itself. */
#include "ws_internal.h"

#include <sf/time.h>

#include <netdb.h>
#include <stdlib.h>

#define CONNECT_TIMEOUT_MS 10000
#define FRAME_MAX          ((size_t)8 << 20)
#define WATCHES_A_PERIOD   4 /* how exactly the idle time is kept */
#define CLOSE_TURNS        5

void sf_ws_finish(struct sf_ws *ws, enum sf_status status, const char *why)
{
    if (ws->wsi) {
        lws_set_opaque_user_data(ws->wsi, NULL);
        lws_set_timeout(ws->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
        (void)lws_callback_on_writable(ws->wsi);
        ws->wsi = NULL;
    }
    if (ws->is_over)
        return;
    sf_timer_clear(ws->watch);
    sf_timer_clear(ws->sender);
    ws->is_over = true;
    (void)sf_error_set(&ws->err, status, "%s://%s:%d: %s", ws->is_tls ? "wss" : "ws",
                       ws->host, ws->port, why);
    ws->opts.hooks.on_close(ws->opts.hooks.arg, &ws->err);
}

/* ---------------------------------------------------------------------- connecting */

/* A failure may be told before libwebsockets returns; then it is only noted. */
static bool connect_to(struct sf_ws *ws, const struct addrinfo *to)
{
    struct lws_client_connect_info info = { 0 };
    char address[NI_MAXHOST], host[WS_HOST_MAX + 8];
    struct lws *wsi;

    if (getnameinfo(to->ai_addr, to->ai_addrlen, address, sizeof(address), NULL, 0,
                    NI_NUMERICHOST) != 0)
        return false;
    (void)snprintf(host, sizeof(host), "%s:%d", ws->host, ws->port);
    info.context = ws->hub->context;
    info.address = address;
    info.port = ws->port;
    info.path = ws->path;
    info.host = host;
    info.origin = host;
    info.ssl_connection = ws->is_tls ? LCCSCF_USE_SSL : 0;
    info.local_protocol_name = WS_PROTOCOL;
    info.opaque_user_data = ws;
    ws->is_in_connect = true;
    ws->has_failed = false;
    wsi = lws_client_connect_via_info(&info);
    ws->is_in_connect = false;
    if (!wsi || ws->has_failed)
        return false;
    ws->wsi = wsi;
    return true;
}

bool sf_ws_connect_next(struct sf_ws *ws)
{
    while (ws->next_address) {
        const struct addrinfo *to = ws->next_address;

        ws->next_address = to->ai_next;
        if (connect_to(ws, to))
            return true;
    }
    return false;
}

static void free_lookup(struct sf_ws_lookup *lookup)
{
    uv_freeaddrinfo(lookup->answer);
    free(lookup);
}

/* uv_getaddrinfo_cb; the handle may be gone. */
static void on_addresses(uv_getaddrinfo_t *req, int status, struct addrinfo *answer)
{
    struct sf_ws_lookup *lookup = req->data;
    struct sf_ws *ws = lookup->ws;

    lookup->answer = answer;
    lookup->is_done = true;
    if (!ws) {
        free_lookup(lookup);
        return;
    }
    ws->next_address = answer;
    (void)snprintf(ws->why, sizeof(ws->why), "%s",
                   status != 0 ? uv_strerror(status) : "no connection");
    if (!ws->is_over && !sf_ws_connect_next(ws))
        sf_ws_finish(ws, SF_EIO, ws->why);
}

static enum sf_status look_up(struct sf_ws *ws, struct sf_error *err)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct sf_ws_lookup *lookup = calloc(1, sizeof(*lookup));
    char port[8];
    int rc;

    if (!lookup)
        return sf_error_set(err, SF_ENOMEM, "no memory for a connection");
    lookup->req.data = lookup;
    lookup->ws = ws;
    (void)snprintf(port, sizeof(port), "%d", ws->port);
    rc = uv_getaddrinfo(sf_loop_uv(ws->hub->loop), &lookup->req, on_addresses, ws->host,
                        port, &hints);
    if (rc != 0) {
        free(lookup);
        return sf_error_set(err, SF_ENOMEM, "%s: %s", ws->host, uv_strerror(rc));
    }
    ws->lookup = lookup;
    return SF_OK;
}

/* sf_timer: the connection must stand by now; later: something must have come. */
static void on_watch(void *arg)
{
    struct sf_ws *ws = arg;
    char why[64];

    if (!ws->is_open) {
        sf_ws_finish(ws, SF_ETIMEOUT, "no connection in time");
        return;
    }
    if (ws->is_paused || sf_mono_us() - ws->seen_us < ws->opts.idle_ms * 1000)
        return;
    (void)snprintf(why, sizeof(why), "no frame for %lld ms", (long long)ws->opts.idle_ms);
    sf_ws_finish(ws, SF_ETIMEOUT, why);
}

void sf_ws_opened(struct sf_ws *ws)
{
    ws->is_open = true;
    (void)snprintf(ws->why, sizeof(ws->why), "the connection was cut");
    ws->seen_us = sf_mono_us();
    if (ws->opts.idle_ms > 0) {
        int64_t every_ms = ws->opts.idle_ms / WATCHES_A_PERIOD + 1;

        sf_timer_set(ws->watch, every_ms, every_ms);
    } else {
        sf_timer_clear(ws->watch);
    }
    if (ws->is_paused)
        (void)lws_rx_flow_control(ws->wsi, 0);
    if (ws->out_n > 0)
        sf_timer_set(ws->sender, 0, 0);
    if (ws->opts.hooks.on_open)
        ws->opts.hooks.on_open(ws->opts.hooks.arg);
}

/* -------------------------------------------------------------------------- the URL */

/* ws[s]://host[:port][/path?query] */
static enum sf_status read_url(struct sf_ws *ws, struct sf_str url, struct sf_error *err)
{
    struct sf_str rest = url, authority, path;
    int64_t port;

    ws->is_tls = sf_str_starts(url, SF_STR("wss://"));
    if (!ws->is_tls && !sf_str_starts(url, SF_STR("ws://")))
        return sf_error_set(err, SF_EINVAL, "'%.80s': expected ws:// or wss://",
                            ws->opts.url);
    rest.p += ws->is_tls ? 6 : 5;
    rest.len -= ws->is_tls ? 6 : 5;
    authority = sf_str_cut(rest, '/', &path);
    port = ws->is_tls ? 443 : 80;
    if (authority.len > 0 && authority.p[0] == '[') { /* IPv6 */
        authority.p++;
        authority.len--;
        authority = sf_str_cut(authority, ']', &rest);
        if (rest.len > 0 && rest.p[0] == ':')
            rest = (struct sf_str){ rest.p + 1, rest.len - 1 };
    } else {
        authority = sf_str_cut(authority, ':', &rest);
    }
    if (rest.len > 0 && (sf_str_to_i64(rest, &port) != SF_OK || port < 1 || port > 65535))
        return sf_error_set(err, SF_EINVAL, "'%.80s': expected a port", ws->opts.url);
    if (authority.len == 0 || memchr(authority.p, '@', authority.len) ||
        !sf_str_copy(authority, ws->host, sizeof(ws->host)))
        return sf_error_set(err, SF_EINVAL, "'%.80s': expected a host name",
                            ws->opts.url);
    ws->port = (int)port;
    ws->path[0] = '/';
    if (!sf_str_copy(path, ws->path + 1, sizeof(ws->path) - 1))
        return sf_error_set(err, SF_EINVAL, "'%.80s...': the path is over %d bytes",
                            ws->opts.url, WS_PATH_MAX);
    return SF_OK;
}

/* --------------------------------------------------------------------------- life */

enum sf_status sf_ws_open(struct sf_ws_hub *hub, const struct sf_ws_opts *opts,
                          struct sf_ws **ret_ws, struct sf_error *err)
{
    struct sf_ws *ws = calloc(1, sizeof(*ws));
    enum sf_status status;

    if (!ws)
        return sf_error_set(err, SF_ENOMEM, "no memory for a connection");
    ws->hub = hub;
    ws->opts = *opts;
    if (ws->opts.connect_timeout_ms <= 0)
        ws->opts.connect_timeout_ms = CONNECT_TIMEOUT_MS;
    sf_buf_init(&ws->parts, opts->frame_max > 0 ? opts->frame_max : FRAME_MAX);
    status = read_url(ws, sf_str_from(opts->url), err);
    ws->opts.url = NULL; /* the caller's */
    if (status == SF_OK)
        status = sf_timer_create(hub->loop, on_watch, ws, &ws->watch);
    if (status == SF_OK)
        status = sf_timer_create(hub->loop, sf_ws_send_next, ws, &ws->sender);
    if (status == SF_OK)
        status = look_up(ws, err);
    if (status != SF_OK) {
        sf_ws_close(ws);
        return sf_error_set(err, status, "cannot connect");
    }
    sf_timer_set(ws->watch, ws->opts.connect_timeout_ms, 0);
    *ret_ws = ws;
    return SF_OK;
}

void sf_ws_close(struct sf_ws *ws)
{
    if (!ws)
        return;
    ws->is_over = true; /* no call any more */
    sf_ws_finish(ws, SF_OK, "");
    if (ws->lookup && ws->lookup->is_done) {
        free_lookup(ws->lookup);
    } else if (ws->lookup) {
        ws->lookup->ws = NULL;
        (void)uv_cancel((uv_req_t *)&ws->lookup->req);
    }
    while (ws->out_n > 0)
        free(ws->out[--ws->out_n].bytes);
    sf_timer_destroy(ws->watch);
    sf_timer_destroy(ws->sender);
    sf_buf_release(&ws->parts);
    free(ws);
}

void sf_ws_pause(struct sf_ws *ws, bool is_paused)
{
    if (ws->is_paused == is_paused)
        return;
    ws->is_paused = is_paused;
    ws->seen_us = sf_mono_us();
    if (ws->is_open && ws->wsi)
        (void)lws_rx_flow_control(ws->wsi, is_paused ? 0 : 1);
}

/* ---------------------------------------------------------------------------- hub */

enum sf_status sf_ws_hub_create(struct sf_loop *loop, const char *ca_path,
                                struct sf_ws_hub **ret_hub, struct sf_error *err)
{
    struct sf_ws_hub *hub = calloc(1, sizeof(*hub));
    enum sf_status status;

    if (!hub)
        return sf_error_set(err, SF_ENOMEM, "no memory for WebSockets");
    hub->loop = loop;
    status = sf_ws_context(hub, ca_path, err);
    if (status != SF_OK) {
        free(hub);
        return status;
    }
    *ret_hub = hub;
    return SF_OK;
}

void sf_ws_hub_destroy(struct sf_ws_hub *hub)
{
    const bool never = false;

    if (!hub)
        return;
    /* the first call closes its handles, which takes turns of the loop; the second frees
     */
    lws_context_destroy(hub->context);
    for (int i = 0; i < CLOSE_TURNS; i++)
        (void)sf_loop_run_until(hub->loop, &never, 1);
    lws_context_destroy(hub->context);
    free(hub);
}
