/* Any bytes as the head of a WebSocket frame: broken, or short of bytes, or within what
 * there is, and the same when more follows. As a text they are UTF-8 or not, whatever
 * mask they come under. */
#include "libsf/src/wsd_frame.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool is_so)
{
    if (!is_so)
        abort();
}

static void check_head(const struct sf_wsd_frame *f, size_t size)
{
    bool is_control = f->opcode >= SF_WSD_CLOSE;

    must(f->head_len >= 2 && f->head_len <= SF_WSD_HEAD_MAX && f->head_len <= size);
    must(f->opcode <= SF_WSD_BINARY || (is_control && f->opcode <= SF_WSD_PONG));
    must(!is_control || (f->is_final && f->len <= 125));
    must(f->len >> 63 == 0);
}

/* With fewer bytes it waits or breaks, and breaks for good. */
static void check_prefixes(const char *p, size_t size, int want)
{
    size_t n = size < SF_WSD_HEAD_MAX ? size : SF_WSD_HEAD_MAX;
    struct sf_wsd_frame f;
    int before = 0;

    for (size_t i = 0; i <= n; i++) {
        int got = sf_wsd_frame_parse(sf_str_make(p, i), &f);

        must(before == 0 || got == before);
        before = got;
    }
    must(before == want);
}

static void check_round(struct sf_str text)
{
    struct sf_wsd_frame f;
    struct sf_buf b;

    sf_buf_init(&b, 1 << 24);
    sf_wsd_frame_add(&b, SF_WSD_TEXT, text);
    must(b.status == SF_OK && sf_wsd_frame_parse(sf_buf_str(&b), &f) == 1);
    must(f.opcode == SF_WSD_TEXT && f.is_final && !f.is_masked && f.len == text.len);
    must(b.len == f.head_len + text.len);
    must(text.len == 0 || memcmp(b.p + f.head_len, text.p, text.len) == 0);
    sf_buf_release(&b);
}

static void check_mask(struct sf_str text)
{
    const unsigned char mask[4] = { 0x11, 0x80, 0, 0xff };
    bool is_utf8 = sf_wsd_is_utf8(text);
    char *copy;

    if (text.len == 0)
        return;
    copy = malloc(text.len);
    must(copy != NULL);
    memcpy(copy, text.p, text.len);
    sf_wsd_unmask(copy, text.len, mask);
    sf_wsd_unmask(copy, text.len, mask);
    must(memcmp(copy, text.p, text.len) == 0);
    must(sf_wsd_is_utf8(sf_str_make(copy, text.len)) == is_utf8);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sf_str in = sf_str_make((const char *)data, size);
    struct sf_wsd_frame f;
    int got = sf_wsd_frame_parse(in, &f);

    must(got >= -1 && got <= 1);
    if (got == 1)
        check_head(&f, size);
    must(got != 0 || size < SF_WSD_HEAD_MAX);
    check_prefixes(in.p, size, got);
    check_round(in);
    check_mask(in);
    return 0;
}
