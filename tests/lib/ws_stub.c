#include "ws_stub.h"

#include <check.h>

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct ws_stub {
    const struct ws_step *steps;
    size_t steps_n;
    int listener, port;
    _Atomic int fd; /* the connection that is served; -1: none */
    _Atomic bool is_stopping;
    pthread_t thread;
    struct sf_buf in, got;
};

static void send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

        if (n <= 0)
            return;
        bytes += n;
        len -= (size_t)n;
    }
}

void ws_frame(struct sf_buf *b, unsigned char head, const char *bytes, size_t len)
{
    sf_buf_add_char(b, (char)head);
    if (len < 126) {
        sf_buf_add_char(b, (char)len);
    } else {
        int shift = len < 65536 ? 8 : 56;

        sf_buf_add_char(b, (char)(len < 65536 ? 126 : 127));
        for (; shift >= 0; shift -= 8)
            sf_buf_add_char(b, (char)(len >> shift & 0xff));
    }
    sf_buf_add(b, bytes, len);
}

/* Read until the head's end; its key into @key. */
static bool read_head(int fd, char *key, size_t size)
{
    static const char name[] = "Sec-WebSocket-Key:";
    char head[8192];
    size_t len = 0;

    for (;;) {
        ssize_t n = recv(fd, head + len, sizeof(head) - 1 - len, 0);
        const char *at;

        if (n <= 0)
            return false;
        len += (size_t)n;
        head[len] = '\0';
        if (!strstr(head, "\r\n\r\n"))
            continue;
        at = strstr(head, name);
        return at && sf_str_copy(sf_str_trim((struct sf_str){
                                     at + sizeof(name) - 1,
                                     strcspn(at + sizeof(name) - 1, "\r") }),
                                 key, size);
    }
}

/* RFC 6455, 4.2.2. */
static void agree(int fd, const char *key)
{
    unsigned char digest[EVP_MAX_MD_SIZE], accept[64];
    char text[256];
    unsigned len;

    (void)snprintf(text, sizeof(text), "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    (void)EVP_Digest(text, strlen(text), digest, &len, EVP_sha1(), NULL);
    (void)EVP_EncodeBlock(accept, digest, (int)len);
    (void)snprintf(text, sizeof(text),
                   "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                   "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                   (const char *)accept);
    send_all(fd, text, strlen(text));
}

/* Take the client's whole frames out of stub->in; texts go to stub->got. */
static void take_frames(struct ws_stub *stub)
{
    struct sf_buf *in = &stub->in;

    while (in->len >= 6) {
        unsigned char *p = (unsigned char *)in->p;
        size_t len = p[1] & 0x7f, at = 2;

        if (len == 126) {
            len = (size_t)(p[2] << 8 | p[3]);
            at = 4;
        }
        if (in->len < at + 4 + len)
            return;
        for (size_t i = 0; i < len && (p[0] & 0xf) == 1; i++)
            sf_buf_add_char(&stub->got, (char)(p[at + 4 + i] ^ p[at + i % 4]));
        if ((p[0] & 0xf) == 1)
            sf_buf_add_char(&stub->got, '\n');
        in->len -= at + 4 + len;
        memmove(in->p, in->p + at + 4 + len, in->len);
    }
}

/* False: the client is gone. */
static bool read_some(struct ws_stub *stub, int fd)
{
    char bytes[4096];
    ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

    if (n <= 0)
        return false;
    sf_buf_add(&stub->in, bytes, (size_t)n);
    take_frames(stub);
    return true;
}

static void serve(struct ws_stub *stub, int fd)
{
    const struct ws_step *step = stub->steps;
    char key[128];

    if (!read_head(fd, key, sizeof(key)))
        return;
    if (step->what == WS_REFUSE) {
        send_all(fd, step->bytes, step->len);
        return;
    }
    if (step->what != WS_SILENCE)
        agree(fd, key);
    for (size_t i = 0; i < stub->steps_n; i++, step++) {
        if (step->what == WS_SEND)
            send_all(fd, step->bytes, step->len);
        while (step->what == WS_WAIT && stub->got.len < step->len && read_some(stub, fd))
            ;
        while (step->what >= WS_STAY && read_some(stub, fd))
            ;
    }
}

static void *run(void *arg)
{
    struct ws_stub *stub = arg;

    while (!stub->is_stopping) {
        int fd = accept(stub->listener, NULL, NULL);

        if (fd < 0)
            break;
        stub->fd = fd;
        serve(stub, fd);
        stub->fd = -1;
        (void)close(fd);
    }
    return NULL;
}

struct ws_stub *ws_stub_start(const struct ws_step *steps, size_t steps_n)
{
    struct ws_stub *stub = calloc(1, sizeof(*stub));
    struct sockaddr_in at = { .sin_family = AF_INET };
    socklen_t size = sizeof(at);

    ck_assert_ptr_nonnull(stub);
    stub->steps = steps;
    stub->steps_n = steps_n;
    stub->fd = -1;
    sf_buf_init(&stub->in, 1 << 20);
    sf_buf_init(&stub->got, 1 << 20);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    stub->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(stub->listener, (struct sockaddr *)&at, sizeof(at)), 0);
    ck_assert_int_eq(listen(stub->listener, 8), 0);
    ck_assert_int_eq(getsockname(stub->listener, (struct sockaddr *)&at, &size), 0);
    stub->port = ntohs(at.sin_port);
    ck_assert_int_eq(pthread_create(&stub->thread, NULL, run, stub), 0);
    return stub;
}

int ws_stub_port(const struct ws_stub *stub)
{
    return stub->port;
}

void ws_stub_stop(struct ws_stub *stub, struct sf_buf *got)
{
    int fd = stub->fd;

    stub->is_stopping = true;
    if (fd >= 0)
        (void)shutdown(fd, SHUT_RDWR);
    (void)shutdown(stub->listener, SHUT_RDWR);
    (void)pthread_join(stub->thread, NULL);
    (void)close(stub->listener);
    if (got)
        sf_buf_add_str(got, sf_buf_str(&stub->got));
    sf_buf_release(&stub->in);
    sf_buf_release(&stub->got);
    free(stub);
}
