#include "auth.h"

#include "base64.h"
#include "store.h"
#include "val.h"

#include <sf/time.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <sys/random.h>

#define SALT_BYTES 8
#define SHA_BYTES  32

static void hex(const unsigned char *p, size_t n, char *dst)
{
    for (size_t i = 0; i < n; i++)
        (void)snprintf(dst + 2 * i, 3, "%02x", p[i]);
}

/* "salt$hash" in hex: hash = SHA-256(salt text, password). */
static bool hash_with(const char *salt, struct sf_str password, char dst[AUTH_HASH_SIZE])
{
    unsigned char digest[SHA_BYTES];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool is_good = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
                   EVP_DigestUpdate(ctx, salt, (size_t)2 * SALT_BYTES) == 1 &&
                   EVP_DigestUpdate(ctx, password.p, password.len) == 1 &&
                   EVP_DigestFinal_ex(ctx, digest, NULL) == 1;

    EVP_MD_CTX_free(ctx);
    if (!is_good)
        return false;
    (void)snprintf(dst, AUTH_HASH_SIZE, "%.16s$", salt);
    hex(digest, sizeof(digest), dst + 2 * SALT_BYTES + 1);
    return true;
}

bool auth_hash(struct sf_str password, char dst[AUTH_HASH_SIZE])
{
    unsigned char salt[SALT_BYTES];
    char text[2 * SALT_BYTES + 1];

    if (getrandom(salt, sizeof(salt), 0) != (ssize_t)sizeof(salt))
        return false;
    hex(salt, sizeof(salt), text);
    return hash_with(text, password, dst);
}

bool auth_check(struct sf_str hash, struct sf_str password)
{
    char salt[2 * SALT_BYTES + 1], again[AUTH_HASH_SIZE];

    if (hash.len != 2 * SALT_BYTES + 1 + 2 * SHA_BYTES)
        return false;
    memcpy(salt, hash.p, 2 * SALT_BYTES);
    salt[2 * SALT_BYTES] = '\0';
    return hash_with(salt, password, again) &&
           CRYPTO_memcmp(again, hash.p, hash.len) == 0;
}

/* ----------------------------------------------------------------------- tokens */

static bool sign(struct sf_str secret, struct sf_str text, struct sf_buf *out)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    if (!HMAC(EVP_sha256(), secret.p, (int)secret.len, (const unsigned char *)text.p,
              text.len, mac, &n))
        return false;
    base64_add_url(out, (struct sf_str){ (const char *)mac, n });
    return true;
}

bool auth_add_token(struct sf_buf *out, struct sf_str secret, struct sf_str user,
                    int64_t now_s)
{
    struct sf_buf payload, text;
    bool is_good;

    sf_buf_init(&payload, 4096);
    sf_buf_init(&text, 16384);
    sf_buf_addf(&payload, "{\"iss\":\"arangodb\",\"iat\":%lld,\"exp\":%lld,",
                (long long)now_s, (long long)now_s + AUTH_TOKEN_LIFE_S);
    sf_buf_add_lit(&payload, "\"preferred_username\":");
    js_add_string(&payload, user);
    sf_buf_add_char(&payload, '}');
    base64_add_url(&text, SF_STR("{\"alg\":\"HS256\",\"typ\":\"JWT\"}"));
    sf_buf_add_char(&text, '.');
    base64_add_url(&text, sf_buf_str(&payload));
    sf_buf_add_str(out, sf_buf_str(&text));
    sf_buf_add_char(out, '.');
    is_good = payload.status == SF_OK && text.status == SF_OK &&
              sign(secret, sf_buf_str(&text), out) && out->status == SF_OK;
    sf_buf_release(&payload);
    sf_buf_release(&text);
    return is_good;
}

static bool claims_are_good(struct arena *mem, struct sf_str claims, int64_t now_s,
                            struct sf_str *ret_user)
{
    struct sf_str text;
    struct num exp;

    if (claims.len == 0 || claims.p[0] != '{')
        return false;
    if (js_get(claims, SF_STR("exp"), &text) &&
        (val_from(text).kind != VAL_NUM || !num_parse(text, &exp) ||
         num_cmp(exp, num_from_i64(now_s)) <= 0))
        return false;
    if (js_get(claims, SF_STR("preferred_username"), &text) && text.p[0] == '"') {
        struct sf_buf plain;

        sf_buf_init(&plain, 4096);
        js_add_unescaped(&plain, val_from(text).raw);
        *ret_user = arena_str(mem, sf_buf_str(&plain));
        sf_buf_release(&plain);
        return ret_user->len > 0;
    }
    *ret_user = SF_STR_EMPTY;
    return js_get(claims, SF_STR("server_id"), &text);
}

/* The payload of @token as canonical text, when its signature is good. */
static bool open_token(struct sf_str secret, struct sf_str token, struct sf_buf *claims)
{
    struct sf_str head, payload, signature, rest;
    struct sf_buf again, plain;
    bool is_good;

    head = sf_str_cut(token, '.', &rest);
    payload = sf_str_cut(rest, '.', &signature);
    sf_buf_init(&again, 256);
    sf_buf_init(&plain, 65536);
    is_good =
        head.len + payload.len + 2 <= token.len && /* both dots are there */
        sign(secret, (struct sf_str){ token.p, head.len + 1 + payload.len }, &again) &&
        again.len == signature.len && again.len > 0 &&
        CRYPTO_memcmp(again.p, signature.p, again.len) == 0 &&
        base64_decode(payload, &plain) && js_canon(sf_buf_str(&plain), claims, NULL);
    sf_buf_release(&again);
    sf_buf_release(&plain);
    return is_good;
}

bool auth_check_token(struct arena *mem, struct sf_str secret, struct sf_str token,
                      int64_t now_s, struct sf_str *ret_user)
{
    struct sf_buf claims;
    bool is_good;

    if (token.len > 16384)
        return false;
    sf_buf_init(&claims, 65536);
    is_good = open_token(secret, token, &claims) &&
              claims_are_good(mem, sf_buf_str(&claims), now_s, ret_user);
    sf_buf_release(&claims);
    return is_good;
}

/* --------------------------------------------------------------------- requests */

static bool refuse(struct call *c)
{
    return fault_set_http(&c->fault, 401, FAULT_FORBIDDEN,
                          "not authorized to execute this request");
}

static bool basic(struct call *c, struct sf_str text)
{
    const struct cat_user *user;
    struct sf_str name, password;
    struct sf_buf plain;
    bool is_good;

    sf_buf_init(&plain, 65536);
    is_good = base64_decode(text, &plain);
    name = sf_str_cut(sf_buf_str(&plain), ':', &password);
    user = is_good ? cat_find_user(c->cat, name) : NULL;
    is_good = user && user->is_active && auth_check(user->hash, password);
    sf_buf_release(&plain);
    c->user = is_good ? user : NULL;
    return is_good || refuse(c);
}

static bool bearer(struct call *c, struct sf_str token)
{
    struct sf_str name;

    if (!auth_check_token(&c->mem, store_secret(c->store), token, sf_time_now_ms() / 1000,
                          &name))
        return refuse(c);
    if (name.len == 0) {
        c->may_all = true;
        return true;
    }
    c->user = cat_find_user(c->cat, name);
    return (c->user && c->user->is_active) || refuse(c);
}

bool auth_identify(struct call *c)
{
    struct sf_str rest, scheme;

    if (!store_needs_auth(c->store)) {
        c->may_all = true;
        return true;
    }
    scheme = sf_str_cut(sf_str_trim(c->authorization), ' ', &rest);
    if (sf_str_eq_nocase(scheme, SF_STR("basic")))
        return basic(c, sf_str_trim(rest));
    if (sf_str_eq_nocase(scheme, SF_STR("bearer")))
        return bearer(c, sf_str_trim(rest));
    return refuse(c);
}

static void answer_token(struct call *c, struct sf_str user)
{
    sf_buf_add_lit(&c->out, "{\"jwt\":\"");
    if (!auth_add_token(&c->out, store_secret(c->store), user, sf_time_now_ms() / 1000))
        (void)fault_set(&c->fault, FAULT_INTERNAL, "cannot make a token");
    sf_buf_add_lit(&c->out, "\"}");
    c->status = 200;
}

void auth_login(struct call *c)
{
    struct sf_str body, name, password;
    const struct cat_user *user;

    if (!store_needs_auth(c->store)) {
        (void)fault_set(&c->fault, FAULT_HTTP_NOT_FOUND, "authentication is off");
        return;
    }
    if (!call_object(c, false, &body))
        return;
    if (!call_get_string(c, body, "username", &name) ||
        !call_get_string(c, body, "password", &password)) {
        (void)fault_set(&c->fault, FAULT_HTTP_BAD, "expecting username and password");
        return;
    }
    user = cat_find_user(c->cat, name);
    if (!user || !user->is_active || !auth_check(user->hash, password)) {
        (void)fault_set_http(&c->fault, 401, FAULT_HTTP_UNAUTHORIZED,
                             "Wrong credentials");
        return;
    }
    answer_token(c, name);
}

void auth_renew(struct call *c)
{
    if (!store_needs_auth(c->store)) {
        (void)fault_set(&c->fault, FAULT_HTTP_NOT_FOUND, "authentication is off");
        return;
    }
    if (auth_identify(c) && c->user)
        answer_token(c, c->user->name);
    else
        (void)refuse(c);
}
