#include "wsd_frame.h"

#define CONTROL_MAX 125 /* bytes of a control frame's payload */

static bool is_opcode(unsigned opcode)
{
    return opcode <= SF_WSD_BINARY || (opcode >= SF_WSD_CLOSE && opcode <= SF_WSD_PONG);
}

int sf_wsd_frame_parse(struct sf_str in, struct sf_wsd_frame *ret)
{
    const unsigned char *p = (const unsigned char *)in.p;
    size_t len_n = 0; /* bytes of the extended length */

    if (in.len < 2)
        return 0;
    ret->is_final = p[0] >> 7;
    ret->opcode = p[0] & 0x0f;
    ret->is_masked = p[1] >> 7;
    ret->len = p[1] & 0x7f;
    if ((p[0] & 0x70) || !is_opcode(ret->opcode) ||
        (ret->opcode >= SF_WSD_CLOSE && (!ret->is_final || ret->len > CONTROL_MAX)))
        return -1;
    if (ret->len > CONTROL_MAX)
        len_n = ret->len == 126 ? 2 : 8;
    ret->head_len = 2 + len_n + (ret->is_masked ? 4 : 0);
    if (in.len < ret->head_len)
        return 0;
    if (len_n > 0) {
        ret->len = 0;
        for (size_t i = 0; i < len_n; i++)
            ret->len = ret->len << 8 | p[2 + i];
        if (ret->len >> 63)
            return -1;
    }
    if (ret->is_masked)
        memcpy(ret->mask, p + 2 + len_n, 4);
    return 1;
}

void sf_wsd_unmask(char *p, size_t n, const unsigned char mask[4])
{
    for (size_t i = 0; i < n; i++)
        p[i] = (char)((unsigned char)p[i] ^ mask[i % 4]);
}

void sf_wsd_frame_add(struct sf_buf *b, unsigned opcode, struct sf_str payload)
{
    unsigned char head[10] = { (unsigned char)(0x80 | opcode) };
    size_t n = 2, len_n = payload.len > UINT16_MAX ? 8 : 2;

    if (payload.len <= CONTROL_MAX) {
        head[1] = (unsigned char)payload.len;
    } else {
        head[1] = len_n == 2 ? 126 : 127;
        for (size_t i = len_n; i > 0; i--)
            head[n++] = (unsigned char)((uint64_t)payload.len >> (8 * (i - 1)));
    }
    sf_buf_add(b, head, n);
    sf_buf_add_str(b, payload);
}

bool sf_wsd_code_is_valid(int code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

bool sf_wsd_is_utf8(struct sf_str s)
{
    while (s.len > 0) {
        size_t n = sf_str_utf8(s);

        if (n == 0)
            return false;
        s = sf_str_make(s.p + n, s.len - n);
    }
    return true;
}
