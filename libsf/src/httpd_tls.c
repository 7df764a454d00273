/* TLS of the HTTP server, over OpenSSL: 1.2 and later, no renegotiation. */
#include "httpd_internal.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

static enum sf_status tls_error(struct sf_error *err, const char *what, const char *path)
{
    unsigned long code = ERR_get_error();
    char text[160] = "no detail";

    if (code != 0)
        ERR_error_string_n(code, text, sizeof(text));
    ERR_clear_error();
    return sf_error_set(err, SF_EIO, "TLS: %s %s: %s", what, path, text);
}

enum sf_status sf_tls_create(struct sf_httpd *httpd, struct sf_error *err)
{
    const char *cert = httpd->opts.cert_path, *key = httpd->opts.key_path;
    SSL_CTX *ctx;

    if (!cert && !key)
        return SF_OK;
    if (!cert || !key)
        return sf_error_set(err, SF_EINVAL,
                            "TLS: a certificate and its key are needed, only one given");
    ctx = SSL_CTX_new(TLS_server_method());
    if (!ctx)
        return sf_error_set(err, SF_ENOMEM, "TLS: no memory");
    httpd->tls = ctx;
    (void)SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    (void)SSL_CTX_set_options(ctx,
                              SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                    SSL_MODE_RELEASE_BUFFERS);
    if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1)
        return tls_error(err, "certificate", cert);
    if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(ctx) != 1)
        return tls_error(err, "key", key);
    return SF_OK;
}

void sf_tls_destroy(struct sf_httpd *httpd)
{
    SSL_CTX_free(httpd->tls);
    httpd->tls = NULL;
}

bool sf_tls_open(struct conn *c)
{
    SSL *ssl = SSL_new(c->httpd->tls);

    c->tls = ssl;
    if (!ssl || SSL_set_fd(ssl, c->fd) != 1)
        return false;
    SSL_set_accept_state(ssl);
    return true;
}

/* What an OpenSSL call that moved nothing means, and what to watch for: a read that needs
 * the socket writable says nothing about writing, nor the reverse. */
static int judge(struct conn *c, int rc, bool is_write)
{
    int why = SSL_get_error(c->tls, rc);

    ERR_clear_error();
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
        if (is_write)
            c->tls_wants_read = why == SSL_ERROR_WANT_READ;
        else
            c->tls_wants_write = why == SSL_ERROR_WANT_WRITE;
        return CONN_AGAIN;
    }
    return why == SSL_ERROR_ZERO_RETURN ? 0 : CONN_GONE;
}

int sf_tls_handshake(struct conn *c)
{
    int rc = SSL_do_handshake(c->tls);

    if (rc == 1) {
        c->tls_wants_read = c->tls_wants_write = false;
        return 1;
    }
    rc = judge(c, rc, false);
    return rc == 0 ? CONN_GONE : rc;
}

/* Until @n bytes or the socket has no more: what stays inside OpenSSL would not make the
 * socket readable. */
ssize_t sf_tls_recv(struct conn *c, void *p, size_t n)
{
    size_t got = 0;

    c->tls_wants_write = false;
    while (got < n) {
        size_t step;
        int rc = SSL_read_ex(c->tls, (char *)p + got, n - got, &step);

        if (rc != 1) {
            rc = judge(c, rc, false);
            return got > 0 ? (ssize_t)got : rc;
        }
        got += step;
    }
    return (ssize_t)got;
}

bool sf_tls_has_more(const struct conn *c)
{
    return c->tls && SSL_has_pending(c->tls) == 1;
}

ssize_t sf_tls_send(struct conn *c, const void *p, size_t n)
{
    size_t put;
    int rc;

    c->tls_wants_read = false;
    rc = SSL_write_ex(c->tls, p, n, &put);
    if (rc == 1)
        return (ssize_t)put;
    rc = judge(c, rc, true);
    return rc == 0 ? CONN_GONE : rc;
}

void sf_tls_shutdown(struct conn *c)
{
    if (c->tls)
        (void)SSL_shutdown(c->tls); /* our close_notify; theirs is not waited for */
    ERR_clear_error();
}

void sf_tls_close(struct conn *c)
{
    SSL_free(c->tls);
    c->tls = NULL;
}
