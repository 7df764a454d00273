/* Heads of WebSocket frames (RFC 6455, 5.2). Pure. */
#ifndef SF_SRC_WSD_FRAME_H
#define SF_SRC_WSD_FRAME_H

#include <sf/buf.h>

#define SF_WSD_HEAD_MAX 14 /* bytes of a head with its mask */

enum sf_wsd_opcode {
    SF_WSD_CONTINUATION = 0,
    SF_WSD_TEXT = 1,
    SF_WSD_BINARY = 2,
    SF_WSD_CLOSE = 8,
    SF_WSD_PING = 9,
    SF_WSD_PONG = 10,
};

struct sf_wsd_frame {
    unsigned opcode;
    bool is_final, is_masked;
    size_t head_len;
    uint64_t len;
    unsigned char mask[4];
};

/* Read the head that @in begins with. Returns 1 when @ret is filled, 0 when more bytes
 * are needed, -1 when it breaks the protocol: a reserved bit or opcode, a control frame
 * in parts or over 125 bytes, a length with its top bit set. */
int sf_wsd_frame_parse(struct sf_str in, struct sf_wsd_frame *ret);
/* Undo the mask of @n bytes that begin the payload. */
void sf_wsd_unmask(char *p, size_t n, const unsigned char mask[4]);
/* Append head and payload, final and unmasked. */
void sf_wsd_frame_add(struct sf_buf *b, unsigned opcode, struct sf_str payload);
/* May a close frame carry @code? (7.4) */
bool sf_wsd_code_is_valid(int code);
/* Is all of @s UTF-8? */
bool sf_wsd_is_utf8(struct sf_str s);

#endif
