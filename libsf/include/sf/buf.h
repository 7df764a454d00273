/* Growable bytes with a ceiling given at init.
 *
 * Appending returns nothing: the buffer remembers the first failure (out of memory, or
 * over its ceiling), ignores what follows, and sf_buf_status() tells at the end. One
 * thread at a time. The bytes are not NUL-terminated; sf_buf_cstr() makes them so. */
#ifndef SF_BUF_H
#define SF_BUF_H

#include <sf/str.h>

#include <string.h>

struct sf_buf {
    char *p; /* NULL until the first append */
    size_t len;
    size_t cap;
    size_t max;            /* ceiling in bytes for len */
    enum sf_status status; /* first failure, SF_OK otherwise */
};

/* Start empty; nothing is allocated yet. @max_bytes: why this size is the caller's to
 * say. */
void sf_buf_init(struct sf_buf *b, size_t max_bytes);
/* Free the bytes; @b may be used again, with the same ceiling. */
void sf_buf_release(struct sf_buf *b);
/* Forget the content and the failure, keep the memory. */
void sf_buf_clear(struct sf_buf *b);

/* Make room for @n more bytes and return where they go, or NULL on failure (remembered).
 * After writing k <= n bytes there: `b->len += k`. The record path uses this. */
char *sf_buf_reserve_slow(struct sf_buf *b, size_t n);
static inline char *sf_buf_reserve(struct sf_buf *b, size_t n)
{
    if (b->status == SF_OK && b->cap - b->len >= n && b->p)
        return b->p + b->len;
    return sf_buf_reserve_slow(b, n);
}

static inline void sf_buf_add(struct sf_buf *b, const void *p, size_t n)
{
    char *to = sf_buf_reserve(b, n);

    if (to && n > 0) {
        memcpy(to, p, n);
        b->len += n;
    }
}

static inline void sf_buf_add_str(struct sf_buf *b, struct sf_str s)
{
    sf_buf_add(b, s.p, s.len);
}

/* Append a string literal. */
#define sf_buf_add_lit(b, literal) sf_buf_add((b), ("" literal), sizeof(literal) - 1)

void sf_buf_add_char(struct sf_buf *b, char c);
void sf_buf_add_i64(struct sf_buf *b, int64_t n); /* decimal */
/* @s as the inside of a JSON string (no quotes): ", \ and control characters escaped, a
 * byte that is not UTF-8 as '?'. */
void sf_buf_add_json(struct sf_buf *b, struct sf_str s);
/* @s percent-encoded for a URL path segment or query value (RFC 3986 unreserved stay). */
void sf_buf_add_url(struct sf_buf *b, struct sf_str s);
void sf_buf_addf(struct sf_buf *b, const char *fmt, ...) SF_PRINTF(2, 3);

/* SF_OK, SF_ENOMEM or SF_ETOOBIG (text names the ceiling). */
enum sf_status sf_buf_status(const struct sf_buf *b, struct sf_error *err) SF_MUST_CHECK;
struct sf_str sf_buf_str(const struct sf_buf *b);
/* NUL-terminate and lend; "" when it failed or is empty. Valid until the next append. */
const char *sf_buf_cstr(struct sf_buf *b);
/* Hand the bytes out, NUL-terminated; the caller frees them. NULL when it had failed. */
char *sf_buf_take(struct sf_buf *b) SF_MUST_CHECK;

#endif
