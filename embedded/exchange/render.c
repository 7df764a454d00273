#include "render.h"

#define DECIMALS   8
#define DIGITS_MAX 32

static const int64_t powers[DECIMALS + 1] = { 1,      10,      100,      1000,     10000,
                                              100000, 1000000, 10000000, 100000000 };

/* Write backwards into the end of @to; returns where it begins. Quantities and sums are
 * never negative and stay under 9.2e18 with 8 decimals. */
static char *write_dec(char *end, int64_t n, unsigned digits)
{
    int64_t scaled = n * powers[DECIMALS - digits];
    uint64_t left = (uint64_t)(scaled < 0 ? -scaled : scaled);
    char *p = end;

    for (int i = 0; i < DECIMALS; i++, left /= 10)
        *--p = (char)('0' + left % 10);
    *--p = '.';
    do
        *--p = (char)('0' + left % 10);
    while ((left /= 10) > 0);
    if (scaled < 0)
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
