/* The opening handshake (RFC 6455, 4.2). */
#include "wsd_internal.h"

#include <openssl/evp.h>
#include <stdlib.h>

#define KEY_LEN     24 /* 16 bytes in base64 */
#define MESSAGE_MAX ((size_t)64 << 10)
#define WAITING_MAX ((size_t)1 << 20)

/* Is @word in the comma-separated list, in any case? */
static bool has_word(struct sf_str list, struct sf_str word)
{
    while (list.len > 0)
        if (sf_str_eq_nocase(sf_str_trim(sf_str_cut(list, ',', &list)), word))
            return true;
    return false;
}

bool sf_wsd_is_upgrade(struct sf_httpd_req *req)
{
    return has_word(sf_httpd_header(req, "Upgrade"), SF_STR("websocket"));
}

static bool is_key(struct sf_str key)
{
    unsigned char bytes[KEY_LEN];

    return key.len == KEY_LEN && sf_str_ends(key, SF_STR("==")) &&
           EVP_DecodeBlock(bytes, (const unsigned char *)key.p, KEY_LEN) == 18;
}

/* The answer to the key: base64 of SHA-1 of it and a fixed text. */
static bool answer_key(struct sf_str key, unsigned char ret[32])
{
    static const struct sf_str guid = { "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36 };
    unsigned char digest[EVP_MAX_MD_SIZE];
    char text[KEY_LEN + 36];

    memcpy(text, key.p, KEY_LEN);
    memcpy(text + KEY_LEN, guid.p, guid.len);
    if (EVP_Digest(text, sizeof(text), digest, NULL, EVP_sha1(), NULL) != 1)
        return false;
    return EVP_EncodeBlock(ret, digest, 20) == 28;
}

/* Answer what is no handshake. */
static enum sf_status refuse(struct sf_httpd_req *req, const char *expected,
                             struct sf_error *err)
{
    static const char *const version[] = { "Sec-WebSocket-Version", "13", "Upgrade",
                                           "websocket", NULL };
    bool is_version =
        !sf_str_eq(sf_httpd_header(req, "Sec-WebSocket-Version"), SF_STR("13"));
    struct sf_httpd_answer answer = { .status = is_version ? 426 : 400,
                                      .content_type = "text/plain; charset=utf-8",
                                      .headers = version,
                                      .body =
                                          SF_STR("a WebSocket handshake is expected\n") };

    sf_httpd_reply(req, &answer);
    return sf_error_set(err, SF_EPROTO, "WebSocket handshake: expected %s", expected);
}

/* What is wrong with the request, or NULL. */
static const char *judge(struct sf_httpd_req *req)
{
    if (!sf_str_eq(sf_httpd_method(req), SF_STR("GET")))
        return "GET";
    if (!sf_wsd_is_upgrade(req))
        return "Upgrade: websocket";
    if (!has_word(sf_httpd_header(req, "Connection"), SF_STR("upgrade")))
        return "Connection: Upgrade";
    if (!sf_str_eq(sf_httpd_header(req, "Sec-WebSocket-Version"), SF_STR("13")))
        return "Sec-WebSocket-Version: 13";
    if (!is_key(sf_httpd_header(req, "Sec-WebSocket-Key")))
        return "Sec-WebSocket-Key: 16 bytes in base64";
    return NULL;
}

/* NULL: out of memory. */
static struct sf_wsd *make(struct conn *c, const struct sf_wsd_opts *opts)
{
    struct sf_wsd *ws = sf_wsd_make(c->httpd->loop, opts);

    if (!ws)
        return NULL;
    if (ws->opts.message_max == 0)
        ws->opts.message_max = MESSAGE_MAX;
    if (ws->opts.waiting_max == 0)
        ws->opts.waiting_max = WAITING_MAX;
    sf_buf_init(&ws->message, ws->opts.message_max);
    return ws;
}

/* The connection is the socket's now, its request is done. */
static void take_conn(struct sf_wsd *ws, struct sf_httpd_req *req)
{
    struct conn *c = req->conn;

    c->req = NULL;
    c->ws = ws;
    c->state = CONN_WS;
    c->deadline_us = 0;
    c->in.max = ws->opts.message_max + SF_WSD_HEAD_MAX + 2 * READ_BYTES;
    sf_buf_clear(&c->out);
    c->sent = 0;
    ws->conn = c;
    req->conn = NULL;
    sf_req_free(req);
}

/* The head that is in the connection's buffer goes out first. */
static void begin(struct sf_wsd *ws, struct sf_wsd **ret_ws)
{
    ws->edge = ws->conn->out.len;
    sf_conn_watch(ws->conn);
    *ret_ws = ws;
}

static enum sf_status refuse_gone(struct sf_httpd_req *req, struct sf_error *err)
{
    struct sf_httpd_answer gone = { .status = 400 };

    sf_httpd_reply(req, &gone);
    return sf_error_set(err, SF_EIO, "WebSocket handshake: the peer is gone");
}

static enum sf_status refuse_memory(struct sf_httpd_req *req, struct sf_error *err)
{
    sf_conn_close(req->conn);
    sf_req_free(req);
    return sf_error_set(err, SF_ENOMEM, "no memory for a WebSocket");
}

enum sf_status sf_wsd_accept(struct sf_httpd_req *req, const struct sf_wsd_opts *opts,
                             struct sf_wsd **ret_ws, struct sf_error *err)
{
    struct conn *c = req->conn;
    unsigned char answer[32] = "";
    const char *expected;
    struct sf_wsd *ws;

    if (!c || c->is_eof)
        return refuse_gone(req, err);
    expected = judge(req);
    if (expected)
        return refuse(req, expected, err);
    ws = make(c, opts);
    if (!ws || !answer_key(sf_httpd_header(req, "Sec-WebSocket-Key"), answer)) {
        sf_wsd_free(ws);
        return refuse_memory(req, err);
    }
    take_conn(ws, req);
    sf_buf_addf(&c->out,
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                (const char *)answer);
    begin(ws, ret_ws);
    return SF_OK;
}

enum sf_status sf_wsd_stream(struct sf_httpd_req *req, const char *content_type,
                             const struct sf_wsd_opts *opts, struct sf_wsd **ret_ws,
                             struct sf_error *err)
{
    struct conn *c = req->conn;
    struct sf_wsd *ws;

    if (!c || c->is_eof)
        return refuse_gone(req, err);
    ws = make(c, opts);
    if (!ws)
        return refuse_memory(req, err);
    ws->is_stream = true;
    take_conn(ws, req);
    sf_buf_addf(&c->out,
                "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nCache-Control: no-store\r\n"
                "Connection: close\r\n\r\n",
                content_type);
    begin(ws, ret_ws);
    return SF_OK;
}
