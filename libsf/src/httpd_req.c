/* What was asked: views into the request's own bytes. */
#include "httpd_internal.h"

struct sf_str sf_httpd_method(const struct sf_httpd_req *req)
{
    return req->head.method;
}

struct sf_str sf_httpd_path(const struct sf_httpd_req *req)
{
    return req->head.path;
}

struct sf_str sf_httpd_query(const struct sf_httpd_req *req)
{
    return req->head.query;
}

struct sf_str sf_httpd_body(const struct sf_httpd_req *req)
{
    return req->body;
}

struct sf_str sf_httpd_peer(const struct sf_httpd_req *req)
{
    return sf_str_from(req->peer);
}

struct sf_str sf_httpd_header(struct sf_httpd_req *req, const char *name)
{
    return sf_httpd_head_field(&req->head, sf_str_from(name));
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

enum sf_status sf_httpd_decode(struct sf_str s, bool is_query, struct sf_buf *b)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.p[i];

        if (c == '%') {
            int high = s.len - i > 2 ? hex(s.p[i + 1]) : -1;
            int low = s.len - i > 2 ? hex(s.p[i + 2]) : -1;

            if (high < 0 || low < 0)
                return SF_EPROTO;
            c = (char)(high * 16 + low);
            i += 2;
        } else if (is_query && c == '+') {
            c = ' ';
        }
        sf_buf_add_char(b, c);
    }
    return sf_buf_status(b, NULL);
}

bool sf_httpd_param(const struct sf_httpd_req *req, const char *name,
                    struct sf_str *ret_value)
{
    struct sf_str rest = req->head.query;

    while (rest.len > 0) {
        struct sf_str pair = sf_str_cut(rest, '&', &rest);
        struct sf_str value, key = sf_str_cut(pair, '=', &value);

        if (sf_str_eq(key, sf_str_from(name))) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}
