#include "render.h"

#define DECIMALS   8
#define DIGITS_MAX 32

/* Write backwards into what ends at @end; returns where it begins. Nothing is multiplied,
 * so every int64 can be printed. */
static char *write_dec(char *end, int64_t n, unsigned digits)
{
    uint64_t left = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    char *p = end;
    unsigned i = DECIMALS;

    for (; i > digits; i--)
        *--p = '0';
    for (; i > 0; i--, left /= 10)
        *--p = (char)('0' + left % 10);
    *--p = '.';
    do
        *--p = (char)('0' + left % 10);
    while ((left /= 10) > 0);
    if (n < 0)
        *--p = '-';
    return p;
}

void render_dec(struct sf_buf *b, int64_t n, unsigned digits)
{
    char text[DIGITS_MAX], *end = text + sizeof(text), *p = write_dec(end, n, digits);

    sf_buf_add(b, p, (size_t)(end - p));
}

void render_quoted(struct sf_buf *b, int64_t n, unsigned digits)
{
    char text[DIGITS_MAX + 3], *end = text + sizeof(text), *p;

    end[-1] = ',';
    end[-2] = '"';
    p = write_dec(end - 2, n, digits);
    *--p = '"';
    sf_buf_add(b, p, (size_t)(end - p));
}

void render_bool(struct sf_buf *b, bool is_true)
{
    if (is_true)
        sf_buf_add_lit(b, "true");
    else
        sf_buf_add_lit(b, "false");
}
