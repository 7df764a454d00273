/* A WebSocket server for one connection after another, on a thread of its own. It does
 * what a script says: raw bytes, so that anything can be sent. */
#ifndef TESTS_WS_STUB_H
#define TESTS_WS_STUB_H

#include <sf/buf.h>

struct ws_stub;

struct ws_step {
    enum {
        WS_SEND,    /* bytes */
        WS_REFUSE,  /* instead of the handshake: bytes, then hang up */
        WS_SILENCE, /* instead of the handshake: read and say nothing */
        WS_WAIT,    /* until the client sent len bytes of frames */
        WS_CUT,     /* hang up */
        WS_STAY,    /* read until the client hangs up */
    } what;
    const char *bytes;
    size_t len;
};

/* Steps of each connection; the last one is WS_CUT or WS_STAY. Kept by the caller. */
struct ws_stub *ws_stub_start(const struct ws_step *steps, size_t steps_n);
int ws_stub_port(const struct ws_stub *stub);
/* Hangs up, joins. @got (may be NULL) gets what the client's text frames said, each with
 * a line feed. */
void ws_stub_stop(struct ws_stub *stub, struct sf_buf *got);

/* Append a frame as servers send it: unmasked, @head the first byte (0x81: whole text).
 */
void ws_frame(struct sf_buf *b, unsigned char head, const char *bytes, size_t len);

#endif
