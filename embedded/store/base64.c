#include "base64.h"

static const char url[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void base64_add_url(struct sf_buf *out, struct sf_str bytes)
{
    const unsigned char *p = (const unsigned char *)bytes.p;

    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t n = bytes.len - i < 3 ? bytes.len - i : 3;
        unsigned v = (unsigned)p[i] << 16 | (n > 1 ? (unsigned)p[i + 1] << 8 : 0) |
                     (n > 2 ? p[i + 2] : 0);

        for (size_t k = 0; k <= n; k++)
            sf_buf_add_char(out, url[v >> (18 - 6 * k) & 63]);
    }
}

static int digit(char c)
{
    const char *at;

    if (c == '+')
        return 62;
    if (c == '/')
        return 63;
    at = c ? strchr(url, c) : NULL;
    return at ? (int)(at - url) : -1;
}

bool base64_decode(struct sf_str text, struct sf_buf *out)
{
    unsigned v = 0, bits = 0;

    while (text.len > 0 && text.p[text.len - 1] == '=')
        text.len--;
    for (size_t i = 0; i < text.len; i++) {
        int d = digit(text.p[i]);

        if (d < 0)
            return false;
        v = (v << 6 | (unsigned)d) & 0xffff;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            sf_buf_add_char(out, (char)(v >> bits & 0xff));
        }
    }
    return bits < 6 && out->status == SF_OK;
}
