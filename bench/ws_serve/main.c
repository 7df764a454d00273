/* ws_serve: an exchange's trade stream as fast as a socket takes it, or at a steady rate.
 *
 *   ws_serve COUNT RATE [CERT KEY]     RATE 0: unlimited; with CERT and KEY: TLS
 *
 * Prints "port=N" and serves one connection after the other, whatever its path: COUNT
 * trades of BTCUSDT with ids from 1 on, then silence until the client goes. At a rate
 * each frame is a write of its own, when it is due; E is then the moment of the write in
 * us of CLOCK_REALTIME. Blocking, so that nothing but the socket is in the way. */
#include <sf/buf.h>
#include <sf/time.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define GUID        "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455, 1.3 */
#define CHUNK_BYTES 65536
#define HEAD_MAX    8192
#define SECOND_US   1000000

struct peer {
    int fd;
    SSL *tls; /* NULL: plain */
};

static int64_t now_us(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * SECOND_US + ts.tv_nsec / 1000;
}

static bool say(struct peer *p, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = p->tls ? SSL_write(p->tls, text, (int)len) : write(p->fd, text, len);

        if (n <= 0)
            return false;
        text += n;
        len -= (size_t)n;
    }
    return true;
}

static ssize_t hear(struct peer *p, char *dst, size_t max)
{
    return p->tls ? SSL_read(p->tls, dst, (int)max) : read(p->fd, dst, max);
}

/* Read a request's head, agree to be a WebSocket. */
static bool shake_hands(struct peer *p)
{
    static const char field[] =
        "\r\nSec-WebSocket-Key: "; /* as libwebsockets spells it */
    char head[HEAD_MAX + 1] = "", text[128], answer[256];
    unsigned char digest[EVP_MAX_MD_SIZE], accept[64];
    unsigned digest_len;
    size_t len = 0;
    const char *key;
    int n;

    while (!strstr(head, "\r\n\r\n")) {
        ssize_t got = hear(p, head + len, HEAD_MAX - len);

        if (got <= 0)
            return false;
        len += (size_t)got;
        head[len] = '\0';
    }
    key = strstr(head, field);
    if (!key)
        return false;
    key += sizeof(field) - 1;
    n = snprintf(text, sizeof(text), "%.*s" GUID, (int)strcspn(key, "\r\n"), key);
    if (!EVP_Digest(text, (size_t)n, digest, &digest_len, EVP_sha1(), NULL))
        return false;
    (void)EVP_EncodeBlock(accept, digest, (int)digest_len);
    n = snprintf(answer, sizeof(answer),
                 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                 "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                 (const char *)accept);
    return say(p, answer, (size_t)n);
}

/* Append one text frame of 126 to 65535 bytes. */
static void add_trade(struct sf_buf *b, int64_t id, int64_t event_us)
{
    size_t at = b->len, len;

    sf_buf_add(b, "\x81\x7e..", 4);
    sf_buf_addf(b,
                "{\"stream\":\"btcusdt@trade\",\"data\":{\"e\":\"trade\",\"E\":%lld,"
                "\"s\":\"BTCUSDT\",\"t\":%lld,\"p\":\"%lld.%02lld000000\","
                "\"q\":\"0.%05lld000\",\"T\":%lld,\"m\":%s,\"M\":true}}",
                (long long)event_us, (long long)id, (long long)(42000 + id % 977),
                (long long)(id % 100), (long long)(1 + id % 99991),
                (long long)(event_us / 1000), id % 2 ? "true" : "false");
    len = b->len - at - 4;
    b->p[at + 2] = (char)(len >> 8);
    b->p[at + 3] = (char)(len & 0xff);
}

static bool send_all(struct peer *p, int64_t count, int64_t rate, struct sf_buf *b)
{
    int64_t began = now_us();

    for (int64_t id = 1; id <= count;) {
        int64_t due = rate > 0 ? began + id * SECOND_US / rate : 0, now = now_us();

        if (now < due)
            continue; /* sleeping is too coarse for some us */
        sf_buf_clear(b);
        do
            add_trade(b, id++, now);
        while (rate == 0 && id <= count && b->len < CHUNK_BYTES);
        if (!say(p, b->p, b->len))
            return false;
    }
    return true;
}

static void serve(int fd, SSL_CTX *tls, int64_t count, int64_t rate, struct sf_buf *b)
{
    struct peer p = { .fd = fd };
    char rest[256];

    if (tls) {
        p.tls = SSL_new(tls);
        if (!p.tls || SSL_set_fd(p.tls, fd) != 1 || SSL_accept(p.tls) != 1)
            goto out;
    }
    if (shake_hands(&p) && send_all(&p, count, rate, b))
        while (hear(&p, rest, sizeof(rest)) > 0)
            ;
out:
    SSL_free(p.tls);
    (void)close(fd);
}

static int listen_somewhere(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) < 0 || listen(fd, 16) < 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) < 0) {
        perror("ws_serve: listen");
        return -1;
    }
    (void)printf("port=%d\n", ntohs(at.sin_port));
    (void)fflush(stdout);
    return fd;
}

static SSL_CTX *tls_of(const char *cert, const char *key)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

    if (tls && SSL_CTX_use_certificate_chain_file(tls, cert) == 1 &&
        SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) == 1)
        return tls;
    (void)fprintf(stderr, "ws_serve: %s and %s are no pair\n", cert, key);
    SSL_CTX_free(tls);
    return NULL;
}

int main(int argc, char **argv)
{
    SSL_CTX *tls = NULL;
    struct sf_buf b;
    int server, fd, one = 1;

    if (argc != 3 && argc != 5) {
        (void)fprintf(stderr, "usage: ws_serve COUNT RATE [CERT KEY]\n");
        return 2;
    }
    if (argc == 5 && !(tls = tls_of(argv[3], argv[4])))
        return 1;
    server = listen_somewhere();
    if (server < 0)
        return 1;
    sf_buf_init(&b, (size_t)2 * CHUNK_BYTES);
    while ((fd = accept(server, NULL, NULL)) >= 0) {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        serve(fd, tls, strtoll(argv[1], NULL, 10), strtoll(argv[2], NULL, 10), &b);
    }
    return 0;
}
