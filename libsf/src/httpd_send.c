/* Answers: the head is built here, the body copied behind it, and what the socket does
 * not take at once goes out as it becomes writable. */
#include "httpd_internal.h"

#include <sf/time.h>

#include <stdio.h>
#include <sys/socket.h>

static const struct {
    int status;
    const char *reason;
} reasons[] = {
    { 200, "OK" },
    { 201, "Created" },
    { 202, "Accepted" },
    { 204, "No Content" },
    { 301, "Moved Permanently" },
    { 302, "Found" },
    { 304, "Not Modified" },
    { 307, "Temporary Redirect" },
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 406, "Not Acceptable" },
    { 408, "Request Timeout" },
    { 409, "Conflict" },
    { 410, "Gone" },
    { 411, "Length Required" },
    { 412, "Precondition Failed" },
    { 413, "Content Too Large" },
    { 415, "Unsupported Media Type" },
    { 418, "I'm a teapot" },
    { 422, "Unprocessable Content" },
    { 426, "Upgrade Required" },
    { 429, "Too Many Requests" },
    { 431, "Request Header Fields Too Large" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 502, "Bad Gateway" },
    { 503, "Service Unavailable" },
    { 504, "Gateway Timeout" },
    { 505, "HTTP Version Not Supported" },
};

static const char *reason_of(int status)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return ""; /* the reason is optional and read by nobody (RFC 9112, 4) */
}

/* The Date field's value, formatted once a second. */
static const char *date_now(struct sf_httpd *httpd)
{
    int64_t now_s = sf_time_now_ms() / 1000;

    if (now_s == httpd->date_s)
        return httpd->date;
    (void)sf_time_http(now_s * 1000, httpd->date);
    httpd->date_s = now_s;
    return httpd->date;
}

static bool has_field(const char *const *headers, struct sf_str name)
{
    for (; headers && headers[0]; headers += 2)
        if (sf_str_eq_nocase(sf_str_from(headers[0]), name))
            return true;
    return false;
}

static bool has_body(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

static void build_head(struct conn *c, const struct sf_httpd_answer *answer)
{
    const char *type =
        answer->content_type ? answer->content_type : "application/json; charset=utf-8";
    struct sf_buf *b = &c->out;

    sf_buf_addf(b, "HTTP/1.1 %d %s\r\n", answer->status, reason_of(answer->status));
    if (!has_field(answer->headers, SF_STR("Date")))
        sf_buf_addf(b, "Date: %s\r\n", date_now(c->httpd));
    if (has_body(answer->status))
        sf_buf_addf(b, "Content-Type: %s\r\nContent-Length: %zu\r\n", type,
                    answer->body.len);
    for (const char *const *h = answer->headers; h && h[0]; h += 2)
        sf_buf_addf(b, "%s: %s\r\n", h[0], h[1]);
    if (c->close_after)
        sf_buf_add_lit(b, "Connection: close\r\n");
    sf_buf_add_lit(b, "\r\n");
}

/* All of the answer is out: close, or on to the next request. */
static void answer_is_out(struct conn *c)
{
    c->sent = 0;
    if (c->out.cap > KEEP_BYTES)
        sf_buf_release(&c->out);
    sf_buf_clear(&c->out);
    c->pace_bytes = 0;
    if (!c->close_after) {
        c->state = CONN_READING;
        if (c->depth == 0)
            sf_conn_continue(c);
        return;
    }
    sf_tls_shutdown(c);
    if (c->is_eof || shutdown(c->fd, SHUT_WR) != 0) {
        sf_conn_close(c);
        return;
    }
    c->state = CONN_LINGERING;
    c->deadline_us = sf_mono_us() + LINGER_US;
    sf_conn_watch(c);
}

void sf_conn_flush(struct conn *c)
{
    size_t end = c->pace_bytes > 0 ? c->allowed : c->out.len;

    while (c->sent < end) {
        ssize_t put = sf_conn_send(c, c->out.p + c->sent, end - c->sent);

        if (put == CONN_AGAIN) {
            sf_conn_watch(c);
            return;
        }
        if (put <= 0) {
            sf_conn_close(c);
            return;
        }
        c->sent += (size_t)put;
        c->deadline_us = sf_mono_us() + PROGRESS_US;
    }
    if (c->sent < c->out.len) { /* paced: the next tick goes on */
        sf_timer_set(c->pace, SLOW_TICK_MS, 0);
        sf_conn_watch(c);
        return;
    }
    answer_is_out(c);
}

static void on_pace(void *arg)
{
    struct conn *c = arg;

    if (c->pace_bytes > 0) {
        size_t step = (size_t)c->pace_bytes;

        c->allowed = c->out.len - c->allowed > step ? c->allowed + step : c->out.len;
    }
    sf_conn_flush(c);
}

/* Hold the answer back, or meter its body. False: no memory for the timer. */
static bool start_pacing(struct conn *c, const struct sf_httpd_answer *answer,
                         size_t head_len)
{
    int64_t per_tick = answer->bytes_per_s * SLOW_TICK_MS / 1000;

    if (!c->pace && sf_timer_create(c->httpd->loop, on_pace, c, &c->pace) != SF_OK)
        return false;
    if (answer->bytes_per_s > 0) {
        c->pace_bytes = per_tick > 0 ? per_tick : 1;
        c->allowed = head_len;
    }
    c->deadline_us = sf_mono_us() + PROGRESS_US + answer->delay_ms * 1000;
    sf_timer_set(c->pace, answer->delay_ms, 0);
    return true;
}

static void send_answer(struct conn *c, const struct sf_httpd_answer *answer,
                        bool is_head)
{
    size_t body_n = is_head || !has_body(answer->status) ? 0 : answer->body.len;
    size_t head_len;

    if (answer->cut_after > 0 && answer->cut_after < body_n) {
        body_n = answer->cut_after;
        c->close_after = true;
    }
    build_head(c, answer);
    head_len = c->out.len;
    sf_buf_add(&c->out, answer->body.p, body_n);
    c->state = CONN_SENDING;
    if (sf_buf_status(&c->out, NULL) != SF_OK) {
        sf_conn_close(c);
        return;
    }
    if (answer->delay_ms <= 0 && answer->bytes_per_s <= 0) {
        sf_conn_flush(c);
        return;
    }
    if (!start_pacing(c, answer, head_len))
        sf_conn_close(c);
    else
        sf_conn_watch(c);
}

void sf_httpd_reply(struct sf_httpd_req *req, const struct sf_httpd_answer *answer)
{
    struct conn *c = req->conn;
    bool is_head = sf_str_eq(req->head.method, SF_STR("HEAD"));

    if (!c) {
        sf_req_free(req);
        return;
    }
    c->req = NULL;
    c->depth++;
    send_answer(c, answer, is_head);
    c->depth--;
    /* only now: the answer may lend bytes of the request */
    req->conn = NULL;
    if (req->bytes.cap > KEEP_BYTES)
        sf_buf_release(&req->bytes);
    if (c->is_dead || c->spare)
        sf_req_free(req);
    else
        c->spare = req;
    if (c->depth == 0 && !c->is_dead && c->state == CONN_READING)
        sf_conn_continue(c);
}

void sf_httpd_reply_json(struct sf_httpd_req *req, int status, struct sf_str body)
{
    struct sf_httpd_answer answer = { .status = status, .body = body };

    sf_httpd_reply(req, &answer);
}

void sf_conn_refuse(struct conn *c, int status)
{
    char body[96];
    struct sf_httpd_answer answer = { .status = status,
                                      .content_type = "text/plain; charset=utf-8" };
    int n = snprintf(body, sizeof(body), "%d %s\n", status, reason_of(status));

    answer.body = sf_str_make(body, n > 0 ? (size_t)n : 0);
    c->close_after = true;
    sf_buf_clear(&c->in);
    c->need = 0;
    send_answer(c, &answer, false);
}
