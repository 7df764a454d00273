#include <sf/buf.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_CAP 256 /* bytes; doubles from here */

void sf_buf_init(struct sf_buf *b, size_t max_bytes)
{
    *b = (struct sf_buf){ .max = max_bytes };
}

void sf_buf_release(struct sf_buf *b)
{
    free(b->p);
    sf_buf_init(b, b->max);
}

void sf_buf_clear(struct sf_buf *b)
{
    b->len = 0;
    b->status = SF_OK;
}

/* One byte more than asked for is kept free, for the NUL of sf_buf_cstr and sf_buf_take.
 */
char *sf_buf_reserve_slow(struct sf_buf *b, size_t n)
{
    size_t cap = b->cap > 0 ? b->cap : FIRST_CAP < b->max ? FIRST_CAP : b->max;
    char *p;

    if (b->status != SF_OK)
        return NULL;
    if (n > b->max || b->len > b->max - n) {
        b->status = SF_ETOOBIG;
        return NULL;
    }
    while (cap < b->len + n)
        cap = cap > b->max / 2 ? b->max : cap * 2;
    p = realloc(b->p, cap + 1);
    if (!p) {
        b->status = SF_ENOMEM;
        return NULL;
    }
    b->p = p;
    b->cap = cap;
    return b->p + b->len;
}

void sf_buf_add_char(struct sf_buf *b, char c)
{
    char *to = sf_buf_reserve(b, 1);

    if (to) {
        *to = c;
        b->len++;
    }
}

void sf_buf_add_i64(struct sf_buf *b, int64_t n)
{
    char digits[20];
    size_t at = sizeof(digits);
    uint64_t u = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;

    do {
        digits[--at] = (char)('0' + u % 10);
        u /= 10;
    } while (u > 0);
    if (n < 0)
        digits[--at] = '-';
    sf_buf_add(b, digits + at, sizeof(digits) - at);
}

static const char hex[] = "0123456789abcdef";

/* One byte that cannot stand as it is. */
static void add_escaped(struct sf_buf *b, unsigned char c)
{
    char esc[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

    if (c == '\n') {
        sf_buf_add_lit(b, "\\n");
    } else if (c >= 0x80) {
        sf_buf_add_char(b, '?');
    } else if (c >= 0x20) { /* quote, backslash */
        esc[1] = (char)c;
        sf_buf_add(b, esc, 2);
    } else {
        sf_buf_add(b, esc, sizeof(esc));
    }
}

void sf_buf_add_json(struct sf_buf *b, struct sf_str s)
{
    size_t plain = 0, i = 0; /* plain: start of what needs no escape */

    while (i < s.len) {
        size_t n = sf_str_utf8((struct sf_str){ s.p + i, s.len - i });
        unsigned char c = (unsigned char)s.p[i];

        if (n == 0 || c < 0x20 || c == '"' || c == '\\') {
            sf_buf_add(b, s.p + plain, i - plain);
            add_escaped(b, c);
            n = 1;
            plain = i + 1;
        }
        i += n;
    }
    sf_buf_add(b, s.p + plain, s.len - plain);
}

static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '.' || c == '_' || c == '~';
}

void sf_buf_add_url(struct sf_buf *b, struct sf_str s)
{
    static const char upper_hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        char esc[3] = { '%', upper_hex[c >> 4], upper_hex[c & 15] };

        if (is_unreserved(s.p[i]))
            sf_buf_add_char(b, s.p[i]);
        else
            sf_buf_add(b, esc, sizeof(esc));
    }
}

void sf_buf_addf(struct sf_buf *b, const char *fmt, ...)
{
    va_list ap;
    char *to;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    to = sf_buf_reserve(b, (size_t)n);
    if (!to)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(to, (size_t)n + 1, fmt, ap); /* the NUL goes into the spare byte */
    va_end(ap);
    b->len += (size_t)n;
}

enum sf_status sf_buf_status(const struct sf_buf *b, struct sf_error *err)
{
    if (b->status == SF_ETOOBIG)
        return sf_error_set(err, SF_ETOOBIG, "over the limit of %zu bytes", b->max);
    if (b->status != SF_OK)
        return sf_error_set(err, b->status, "out of memory at %zu bytes", b->len);
    return SF_OK;
}

struct sf_str sf_buf_str(const struct sf_buf *b)
{
    return sf_str_make(b->p, b->len);
}

const char *sf_buf_cstr(struct sf_buf *b)
{
    if (b->status != SF_OK || !b->p)
        return "";
    b->p[b->len] = '\0';
    return b->p;
}

char *sf_buf_take(struct sf_buf *b)
{
    char *p = NULL;

    if (b->status == SF_OK && sf_buf_reserve(b, 0)) {
        p = b->p;
        p[b->len] = '\0';
        b->p = NULL;
    }
    sf_buf_release(b);
    return p;
}
