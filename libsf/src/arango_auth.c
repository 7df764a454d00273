/* Basic: one header for ever. JWT: POST /_open/auth gives a token for about an hour,
 * which is replaced when 80 % of that has passed, and once when a request is answered
 * 401. While a new one is fetched the old one stays in use. A server without
 * authentication answers 404: then no header is sent. Source: ArangoDB HTTP API,
 * "authentication"; RFC 7519. */
#include "arango_internal.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>

#define LOGIN_PATH       "/_open/auth"
#define LOGIN_BACKOFF_MS 250
#define TOKEN_MAX        ((size_t)64 << 10) /* bytes; a header of 1 MB is refused with 431 */

/* ------------------------------------------------------------------------- base64 */

static void add_base64(struct sf_buf *b, struct sf_str s)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < s.len; i += 3) {
        size_t n = s.len - i < 3 ? s.len - i : 3;
        unsigned bits = (unsigned)(unsigned char)s.p[i] << 16;

        if (n > 1)
            bits |= (unsigned)(unsigned char)s.p[i + 1] << 8;
        if (n > 2)
            bits |= (unsigned char)s.p[i + 2];
        sf_buf_add_char(b, digits[bits >> 18 & 63]);
        sf_buf_add_char(b, digits[bits >> 12 & 63]);
        sf_buf_add_char(b, (char)(n > 1 ? digits[bits >> 6 & 63] : '='));
        sf_buf_add_char(b, (char)(n > 2 ? digits[bits & 63] : '='));
    }
}

static int base64url_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '-' || c == '_')
        return c == '-' ? 62 : 63;
    return -1;
}

/* Without padding, as in a JWT. False: another character. */
static bool decode_base64url(struct sf_str s, struct sf_buf *b)
{
    unsigned bits = 0, bits_n = 0;

    for (size_t i = 0; i < s.len; i++) {
        int v = base64url_value(s.p[i]);

        if (v < 0)
            return false;
        bits = (bits << 6 | (unsigned)v) & 0xffff;
        bits_n += 6;
        if (bits_n >= 8) {
            bits_n -= 8;
            sf_buf_add_char(b, (char)(bits >> bits_n & 0xff));
        }
    }
    return true;
}

/* ---------------------------------------------------------------------------- tokens */

int64_t arango_jwt_lifetime_s(struct sf_str jwt, int64_t now_s)
{
    struct sf_str payload;
    struct sf_buf text;
    json_t *claims = NULL;
    int64_t expiry, issued, lifetime = 0;

    (void)sf_str_cut(jwt, '.', &payload);
    payload = sf_str_cut(payload, '.', &(struct sf_str){ "", 0 });
    sf_buf_init(&text, TOKEN_MAX);
    if (decode_base64url(payload, &text) && text.status == SF_OK && text.len > 0)
        claims = json_loadb(text.p, text.len, 0, NULL);
    expiry = json_integer_value(json_object_get(claims, "exp"));
    issued = json_integer_value(json_object_get(claims, "iat"));
    if (expiry > 0 && expiry < INT64_MAX / 1000)
        lifetime = expiry - (issued > 0 ? issued : now_s);
    json_decref(claims);
    sf_buf_release(&text);
    return lifetime > 0 ? lifetime : 0;
}

void arango_credentials(const struct sf_conf *conf, struct sf_buf *b)
{
    sf_buf_add_lit(b, "{\"username\":\"");
    sf_buf_add_json(b, sf_str_from(conf->arango_user));
    sf_buf_add_lit(b, "\",\"password\":\"");
    sf_buf_add_json(b, sf_str_from(conf->arango_password));
    sf_buf_add_lit(b, "\"}");
}

/* Take the token of a login's answer. */
static enum sf_status take_token(struct sf_arango *a, struct sf_str body,
                                 struct sf_error *err)
{
    json_t *root = json_loadb(body.p, body.len, 0, NULL);
    const char *jwt = json_string_value(json_object_get(root, "jwt"));
    struct sf_buf header;
    char *auth = NULL;
    int64_t lifetime_s = 0;

    sf_buf_init(&header, TOKEN_MAX);
    if (jwt) {
        sf_buf_addf(&header, "Authorization: bearer %s", jwt);
        auth = sf_buf_take(&header);
        lifetime_s = arango_jwt_lifetime_s(sf_str_from(jwt), sf_time_now_ms() / 1000);
    }
    json_decref(root);
    sf_buf_release(&header);
    if (!auth)
        return sf_error_set(err, SF_EPROTO,
                            "POST " LOGIN_PATH ": expected {\"jwt\":\"...\"}");
    free(a->auth);
    a->auth = auth;
    if (lifetime_s > 0)
        sf_timer_set(a->renew, lifetime_s * 800, 0); /* 80 %, in ms */
    return SF_OK;
}

/* ----------------------------------------------------------------------------- login */

static void login_failed(struct sf_arango *a)
{
    struct arango_ticket ticket = { .endpoint = a->at };

    arango_next(a, &ticket);
    a->login_failures++;
    sf_timer_set(a->renew, arango_backoff_ms(a, a->login_failures, LOGIN_BACKOFF_MS), 0);
}

static void login_worked(struct sf_arango *a)
{
    a->login++;
    a->login_failures = 0;
    a->login_err = (struct sf_error){ 0 };
}

enum sf_status arango_refused_login(const struct sf_arango *a,
                                    const struct arango_verdict *v, struct sf_error *err)
{
    char what[128];

    (void)snprintf(what, sizeof(what), "wrong user or password (ARANGO_USER='%.64s')",
                   a->conf->arango_user);
    return arango_verdict_error(v, what, SF_EAUTH, err);
}

static void on_login(void *arg, struct sf_http_answer *answer)
{
    struct sf_arango *a = arg;
    struct arango_verdict v;
    struct sf_error err = { 0 };

    a->is_logging_in = false;
    a->login_err = (struct sf_error){ 0 };
    if (answer->status == 0) {
        a->login_err = answer->err;
        (void)sf_error_wrap(&a->login_err, "ArangoDB, POST " LOGIN_PATH);
        login_failed(a);
        return;
    }
    arango_judge(answer->status, sf_buf_str(&answer->body), false, &v);
    if (v.class == ARANGO_OK && take_token(a, sf_buf_str(&answer->body), &err) == SF_OK) {
        login_worked(a);
    } else if (answer->status == 404 && v.class != ARANGO_AWAY) {
        a->needs_jwt = false; /* authentication is off there */
        login_worked(a);
    } else if (v.class == ARANGO_OK) {
        a->login_err = err;
        login_failed(a);
    } else if (v.class == ARANGO_AWAY || v.class == ARANGO_RETRY ||
               v.class == ARANGO_LOCKED) {
        (void)arango_verdict_error(&v, "POST " LOGIN_PATH, SF_EIO, &a->login_err);
        login_failed(a);
    } else {
        (void)arango_refused_login(a, &v, &a->login_err);
    }
}

void arango_login(struct sf_arango *a)
{
    struct sf_http_request req = {
        .method = "POST",
        .headers = { "Content-Type: application/json" },
        .timeout_ms = a->conf->arango_timeout_ms,
        .fn = on_login,
        .arg = a,
    };
    struct sf_buf url, body;
    struct sf_error err = { 0 };

    if (a->is_logging_in || a->login_err.status == SF_EAUTH)
        return;
    if (a->login_failures > 0 && sf_timer_is_set(a->renew))
        return; /* the next try has its time */
    sf_buf_init(&url, TOKEN_MAX);
    sf_buf_init(&body, TOKEN_MAX);
    sf_buf_addf(&url, "%s" LOGIN_PATH, a->endpoints[a->at]);
    arango_credentials(a->conf, &body);
    req.url = sf_buf_cstr(&url);
    req.body = sf_buf_str(&body);
    if (sf_buf_status(&url, &err) == SF_OK && sf_buf_status(&body, &err) == SF_OK &&
        sf_http_send(a->http, &req, NULL, &err) == SF_OK) {
        a->is_logging_in = true;
    } else {
        a->login_err = err;
        login_failed(a);
    }
    sf_buf_release(&body);
    sf_buf_release(&url);
}

static void on_renew(void *arg)
{
    arango_login(arg);
}

bool arango_relogin(struct sf_arango *a, const struct arango_ticket *ticket)
{
    if (ticket->login != a->login)
        return true; /* renewed since */
    if (!a->needs_jwt || a->login_err.status == SF_EAUTH)
        return false;
    free(a->auth);
    a->auth = NULL;
    arango_login(a);
    return true;
}

enum sf_status arango_auth_init(struct sf_arango *a, struct sf_error *err)
{
    const struct sf_conf *conf = a->conf;
    struct sf_buf pair, header;

    if (sf_timer_create(a->loop, on_renew, a, &a->renew) != SF_OK)
        return sf_error_set(err, SF_ENOMEM, "no memory for the ArangoDB client");
    if (!conf->arango_user[0])
        return SF_OK;
    if (conf->arango_auth == SF_ARANGO_JWT) {
        a->needs_jwt = true;
        return SF_OK;
    }
    sf_buf_init(&pair, TOKEN_MAX);
    sf_buf_init(&header, TOKEN_MAX);
    sf_buf_addf(&pair, "%s:%s", conf->arango_user, conf->arango_password);
    sf_buf_add_lit(&header, "Authorization: Basic ");
    add_base64(&header, sf_buf_str(&pair));
    a->auth = pair.status == SF_OK ? sf_buf_take(&header) : NULL;
    sf_buf_release(&pair);
    sf_buf_release(&header);
    return a->auth ? SF_OK : sf_error_set(err, SF_ENOMEM, "no memory for credentials");
}

void arango_auth_release(struct sf_arango *a)
{
    sf_timer_destroy(a->renew);
    free(a->auth);
}
