#include <sf/str.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define DISTANCE_MAX 64 /* characters compared; registry names are shorter */

struct sf_str sf_str_from(const char *cstr)
{
    return cstr ? (struct sf_str){ cstr, strlen(cstr) } : SF_STR_EMPTY;
}

struct sf_str sf_str_make(const char *p, size_t len)
{
    return p ? (struct sf_str){ p, len } : SF_STR_EMPTY;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool sf_str_eq(struct sf_str a, struct sf_str b)
{
    return a.len == b.len && memcmp(a.p, b.p, a.len) == 0;
}

bool sf_str_eq_nocase(struct sf_str a, struct sf_str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

bool sf_str_starts(struct sf_str s, struct sf_str prefix)
{
    return s.len >= prefix.len && memcmp(s.p, prefix.p, prefix.len) == 0;
}

bool sf_str_ends(struct sf_str s, struct sf_str suffix)
{
    return s.len >= suffix.len &&
           memcmp(s.p + s.len - suffix.len, suffix.p, suffix.len) == 0;
}

bool sf_str_contains(struct sf_str s, struct sf_str part)
{
    for (; s.len >= part.len; s.p++, s.len--) {
        if (memcmp(s.p, part.p, part.len) == 0)
            return true;
        if (s.len == 0)
            break;
    }
    return false;
}

struct sf_str sf_str_trim(struct sf_str s)
{
    while (s.len > 0 && is_space(s.p[0])) {
        s.p++;
        s.len--;
    }
    while (s.len > 0 && is_space(s.p[s.len - 1]))
        s.len--;
    return s;
}

struct sf_str sf_str_cut(struct sf_str s, char sep, struct sf_str *rest)
{
    const char *at = s.len > 0 ? memchr(s.p, sep, s.len) : NULL;
    size_t n = at ? (size_t)(at - s.p) : s.len;

    *rest = at ? (struct sf_str){ at + 1, s.len - n - 1 } : SF_STR_EMPTY;
    return (struct sf_str){ s.p, n };
}

enum sf_status sf_str_to_u64(struct sf_str s, uint64_t *ret_n)
{
    uint64_t n = 0;

    if (s.len == 0)
        return SF_EPROTO;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned char)s.p[i] - (unsigned)'0';

        if (digit > 9 || n > (UINT64_MAX - digit) / 10)
            return SF_EPROTO;
        n = n * 10 + digit;
    }
    *ret_n = n;
    return SF_OK;
}

enum sf_status sf_str_to_i64(struct sf_str s, int64_t *ret_n)
{
    bool is_negative = s.len > 0 && s.p[0] == '-';
    uint64_t limit = (uint64_t)INT64_MAX + (is_negative ? 1 : 0);
    uint64_t n;

    if (is_negative) {
        s.p++;
        s.len--;
    }
    if (sf_str_to_u64(s, &n) != SF_OK || n > limit)
        return SF_EPROTO;
    *ret_n = is_negative ? (int64_t)(0 - n) : (int64_t)n;
    return SF_OK;
}

char *sf_str_dup(struct sf_str s)
{
    char *copy = malloc(s.len + 1);

    if (copy) {
        memcpy(copy, s.p, s.len);
        copy[s.len] = '\0';
    }
    return copy;
}

bool sf_str_copy(struct sf_str s, char *dst, size_t size)
{
    bool fits = s.len < size;

    if (size == 0)
        return false;
    if (fits)
        memcpy(dst, s.p, s.len);
    dst[fits ? s.len : 0] = '\0';
    return fits;
}

size_t sf_str_utf8(struct sf_str s)
{
    /* First bytes, and what their second byte may be (RFC 3629, section 4). */
    static const struct {
        unsigned char from, to;
        unsigned char second_from, second_to;
        unsigned char len;
    } rows[] = {
        { 0x00, 0x7f, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 },
        { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
        { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
        { 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
        { 0xf4, 0xf4, 0x80, 0x8f, 4 },
    };
    const unsigned char *p = (const unsigned char *)s.p;
    size_t row = 0, n = sizeof(rows) / sizeof(rows[0]);

    if (s.len == 0)
        return 0;
    while (row < n && (p[0] < rows[row].from || p[0] > rows[row].to))
        row++;
    if (row == n || rows[row].len > s.len)
        return 0;
    if (rows[row].len > 1 && (p[1] < rows[row].second_from || p[1] > rows[row].second_to))
        return 0;
    for (size_t i = 2; i < rows[row].len; i++)
        if (p[i] < 0x80 || p[i] > 0xbf)
            return 0;
    return rows[row].len;
}

/* Optimal string alignment without transpositions (Levenshtein), one row kept. */
unsigned sf_str_distance(struct sf_str a, struct sf_str b)
{
    unsigned row[DISTANCE_MAX + 1];
    size_t an = a.len < DISTANCE_MAX ? a.len : DISTANCE_MAX;
    size_t bn = b.len < DISTANCE_MAX ? b.len : DISTANCE_MAX;

    for (size_t j = 0; j <= bn; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= an; i++) {
        unsigned diagonal = row[0];

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= bn; j++) {
            unsigned best = diagonal + (lower(a.p[i - 1]) != lower(b.p[j - 1]));

            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[bn];
}

uint64_t sf_str_hash(struct sf_str s)
{
    uint64_t h = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < s.len; i++)
        h = (h ^ (unsigned char)s.p[i]) * UINT64_C(1099511628211);
    return h;
}
