/* One pass over the text: the grammar of RFC 8259 is checked and the canonical text is
 * written at the same time. Messages are those of ArangoDB's own parser, since clients
 * see them behind "VPackError error: ". */
#include "js.h"

#include "num.h"

#include <stdlib.h>

/* Names of an object that are compared by hash while it is read; above that, all names
 * are sorted at its end. */
#define SEEN_MAX 48

void js_in_init(struct js_in *in, struct sf_str text)
{
    *in = (struct js_in){ .p = text.p, .end = text.p + text.len };
    if (text.len >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0)
        in->p += 3;
}

static bool fail(struct js_in *in, const char *why)
{
    in->why = why;
    return false;
}

int js_peek(struct js_in *in)
{
    while (in->p < in->end &&
           (*in->p == ' ' || *in->p == '\n' || *in->p == '\r' || *in->p == '\t'))
        in->p++;
    return in->p < in->end ? (unsigned char)*in->p : -1;
}

/* ---------------------------------------------------------------------- strings */

/* Is any byte of @w below 0x20, a quote, a backslash, or not ASCII? The borrow trick of
 * "Bit Twiddling Hacks" (haszero, hasless); false alarms are fine, misses are not. */
static bool has_special(uint64_t w)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    uint64_t quote = w ^ (ones * '"'), slash = w ^ (ones * '\\');

    return ((w - ones * 0x20) | (quote - ones) | (slash - ones) | w) & tops;
}

/* First byte at or behind @p that is not plain ASCII inside a string. */
static const char *plain_end(const char *p, const char *end)
{
    uint64_t w;

    for (; end - p >= 8; p += 8) {
        memcpy(&w, p, sizeof(w));
        if (has_special(w))
            break;
    }
    while (p < end && (unsigned char)*p >= 0x20 && *p != '"' && *p != '\\' &&
           !((unsigned char)*p & 0x80))
        p++;
    return p;
}

static void add_code_point(struct sf_buf *out, unsigned cp)
{
    char text[4];
    size_t n = 0;

    if (cp < 0x20 || cp == '"' || cp == '\\') {
        size_t at = out->len;
        char c = (char)cp;

        js_add_string(out, (struct sf_str){ &c, 1 });
        if (out->status == SF_OK) { /* without its quotes */
            memmove(out->p + at, out->p + at + 1, out->len - at - 2);
            out->len -= 2;
        }
        return;
    }
    if (cp < 0x80) {
        text[n++] = (char)cp;
    } else if (cp < 0x800) {
        text[n++] = (char)(0xc0 | cp >> 6);
    } else {
        if (cp < 0x10000) {
            text[n++] = (char)(0xe0 | cp >> 12);
        } else {
            text[n++] = (char)(0xf0 | cp >> 18);
            text[n++] = (char)(0x80 | (cp >> 12 & 0x3f));
        }
        text[n++] = (char)(0x80 | (cp >> 6 & 0x3f));
    }
    if (cp >= 0x80)
        text[n++] = (char)(0x80 | (cp & 0x3f));
    sf_buf_add(out, text, n);
}

static bool hex4(struct js_in *in, unsigned *ret)
{
    unsigned v = 0;

    if (in->end - in->p < 4)
        return fail(in, "Unfinished \\uXXXX escape sequence");
    for (int i = 0; i < 4; i++) {
        unsigned c = (unsigned char)*in->p++;

        if (c >= '0' && c <= '9')
            v = v << 4 | (c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            v = v << 4 | ((c | 0x20) - 'a' + 10);
        else
            return fail(in, "Illegal \\uXXXX escape sequence character");
    }
    *ret = v;
    return true;
}

static bool unicode_escape(struct js_in *in, struct sf_buf *out)
{
    unsigned cp, low;

    if (!hex4(in, &cp))
        return false;
    if (cp >= 0xdc00 && cp <= 0xdfff)
        return fail(in, "Unexpected \\uXXXX escape sequence (low surrogate without high "
                        "surrogate)");
    if (cp >= 0xd800 && cp < 0xdc00) {
        if (in->end - in->p < 6 || in->p[0] != '\\' || in->p[1] != 'u')
            return fail(in, "Unexpected \\uXXXX escape sequence (high surrogate without "
                            "low surrogate)");
        in->p += 2;
        if (!hex4(in, &low))
            return false;
        if (low < 0xdc00 || low > 0xdfff)
            return fail(in, "Unexpected \\uXXXX escape sequence (multiple adjacent high "
                            "surrogates)");
        cp = 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
    }
    add_code_point(out, cp);
    return true;
}

static bool copy_escape(struct js_in *in, struct sf_buf *out)
{
    static const char from[] = "bfnrt\"\\/", to[] = "\b\f\n\r\t\"\\/";
    const char *at;
    char c;

    if (in->end - in->p < 2)
        return fail(in, "Invalid escape sequence");
    c = in->p[1];
    in->p += 2;
    if (c == 'u')
        return unicode_escape(in, out);
    at = c ? strchr(from, c) : NULL;
    if (!at)
        return fail(in, "Invalid escape sequence");
    add_code_point(out, (unsigned char)to[at - from]);
    return true;
}

/* One character of several bytes. No surrogates, nothing overlong, nothing above U+10FFFF
 * (RFC 3629). */
static bool copy_utf8(struct js_in *in, struct sf_buf *out)
{
    const unsigned char *p = (const unsigned char *)in->p;
    size_t left = (size_t)(in->end - in->p), n;
    unsigned char low = 0x80, high = 0xbf;

    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        n = 2;
    else if (p[0] >= 0xe0 && p[0] <= 0xef)
        n = 3;
    else if (p[0] >= 0xf0 && p[0] <= 0xf4)
        n = 4;
    else
        return fail(in, "Invalid UTF-8 sequence");
    if (p[0] == 0xe0)
        low = 0xa0;
    else if (p[0] == 0xed)
        high = 0x9f;
    else if (p[0] == 0xf0)
        low = 0x90;
    else if (p[0] == 0xf4)
        high = 0x8f;
    if (left < n || p[1] < low || p[1] > high)
        return fail(in, "Invalid UTF-8 sequence");
    for (size_t i = 2; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return fail(in, "Invalid UTF-8 sequence");
    sf_buf_add(out, p, n);
    in->p += n;
    return true;
}

/* At the opening quote. */
static bool copy_string(struct js_in *in, struct sf_buf *out)
{
    const char *begin = in->p++; /* plain bytes go with the quote in front of them */

    for (;;) {
        in->p = plain_end(in->p, in->end);
        if (in->p == in->end)
            return fail(in, "Unfinished string");
        if (*in->p == '"')
            break;
        if ((unsigned char)*in->p < 0x20)
            return fail(in, "Unexpected control character");
        sf_buf_add(out, begin, (size_t)(in->p - begin));
        if (*in->p == '\\' ? !copy_escape(in, out) : !copy_utf8(in, out))
            return false;
        begin = in->p;
    }
    in->p++;
    sf_buf_add(out, begin, (size_t)(in->p - begin));
    return true;
}

/* ---------------------------------------------------------------------- numbers */

static bool pass_digits(struct js_in *in)
{
    const char *begin = in->p;

    while (in->p < in->end && *in->p >= '0' && *in->p <= '9')
        in->p++;
    return in->p > begin || fail(in, "Incomplete number");
}

static bool copy_number(struct js_in *in, struct sf_buf *out)
{
    const char *begin = in->p;

    if (*in->p == '-')
        in->p++;
    if (in->p == in->end)
        return fail(in, "Incomplete number");
    if (*in->p < '0' || *in->p > '9')
        return fail(in, "Expecting digit");
    if (*in->p == '0')
        in->p++;
    else if (!pass_digits(in))
        return false;
    if (in->p < in->end && *in->p == '.') {
        in->p++;
        if (!pass_digits(in))
            return false;
    }
    if (in->p < in->end && (*in->p | 0x20) == 'e') {
        in->p++;
        if (in->p < in->end && (*in->p == '+' || *in->p == '-'))
            in->p++;
        if (!pass_digits(in))
            return false;
    }
    if (!num_canon((struct sf_str){ begin, (size_t)(in->p - begin) }, out))
        return fail(in, "Number out of range");
    return true;
}

/* ------------------------------------------------------------------- containers */

static uint32_t name_hash(const char *p, size_t n)
{
    uint64_t a = n, b = 0;

    memcpy(&a, p, n < 8 ? n : 8);
    memcpy(&b, n < 8 ? p : p + n - 8, n < 8 ? n : 8);
    a = (a ^ (b << 7) ^ (n << 56)) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(a >> 32);
}

static int by_name(const void *a, const void *b)
{
    const struct sf_str *x = a, *y = b;

    if (x->len != y->len)
        return x->len < y->len ? -1 : 1;
    return memcmp(x->p, y->p, x->len);
}

/* The slow, sure way: all names of the finished object, sorted. *ret: is one twice? */
static bool find_twice(struct js_in *in, struct sf_str object, bool *ret)
{
    size_t n = js_count(object), i = 0;
    struct sf_str *names = calloc(n + 1, sizeof(*names));
    struct js_it it;

    if (!names)
        return fail(in, NULL);
    js_it_init(&it, object);
    while (js_it_next(&it))
        names[i++] = it.name;
    qsort(names, n, sizeof(*names), by_name);
    *ret = false;
    for (i = 1; i < n && !*ret; i++)
        *ret = by_name(&names[i - 1], &names[i]) == 0;
    free(names);
    return true;
}

struct seen {
    uint32_t hashes[SEEN_MAX];
    size_t n;
    bool is_unsure; /* equal hashes, or too many names */
};

static void note_name(struct seen *s, const char *p, size_t n)
{
    uint32_t hash = name_hash(p, n);
    bool is_equal = false;

    if (s->n == SEEN_MAX) {
        s->is_unsure = true;
        return;
    }
    for (size_t i = 0; i < s->n; i++)
        is_equal |= s->hashes[i] == hash;
    s->is_unsure |= is_equal;
    s->hashes[s->n++] = hash;
}

static bool copy_value(struct js_in *in, struct sf_buf *out);

static bool copy_member(struct js_in *in, struct sf_buf *out, struct seen *seen)
{
    size_t name_at = out->len, value_at;

    if (js_peek(in) != '"')
        return fail(in, "Expecting '\"' or '}'");
    if (!copy_string(in, out) || out->status != SF_OK)
        return false;
    note_name(seen, out->p + name_at + 1, out->len - name_at - 2);
    if (js_peek(in) != ':')
        return fail(in, "Expecting ':'");
    in->p++;
    sf_buf_add_char(out, ':');
    value_at = out->len;
    if (!copy_value(in, out) || out->status != SF_OK)
        return false;
    if (in->depth == 1 && in->member && !in->member(in->arg, out, name_at, value_at))
        return fail(in, "Duplicate attribute name");
    return true;
}

static bool copy_members(struct js_in *in, struct sf_buf *out, size_t begin)
{
    struct seen seen = { .n = 0 };
    bool is_twice = false;

    for (;;) {
        size_t before = out->len;

        if (before > begin + 1)
            sf_buf_add_char(out, ',');
        if (!copy_member(in, out, &seen))
            return false;
        if (out->len == before + 1 && before > begin + 1)
            out->len = before; /* the member was left out: and so is its comma */
        if (js_peek(in) == '}')
            break;
        if (js_peek(in) != ',')
            return fail(in, "Expecting ',' or '}'");
        in->p++;
    }
    in->p++;
    sf_buf_add_char(out, '}');
    if (seen.is_unsure && out->status == SF_OK &&
        !find_twice(in, (struct sf_str){ out->p + begin, out->len - begin }, &is_twice))
        return false;
    return !is_twice || fail(in, "Duplicate attribute name");
}

static bool copy_object(struct js_in *in, struct sf_buf *out)
{
    size_t begin = out->len;
    int next;

    in->p++;
    sf_buf_add_char(out, '{');
    next = js_peek(in);
    if (next != '}')
        return next < 0 ? fail(in, "Expecting item or '}'")
                        : copy_members(in, out, begin);
    in->p++;
    sf_buf_add_char(out, '}');
    return true;
}

static bool copy_array(struct js_in *in, struct sf_buf *out)
{
    in->p++;
    sf_buf_add_char(out, '[');
    if (js_peek(in) == ']') {
        in->p++;
        sf_buf_add_char(out, ']');
        return true;
    }
    for (;;) {
        if (js_peek(in) < 0)
            return fail(in, "Expecting item or ']'");
        if (!copy_value(in, out))
            return false;
        if (js_peek(in) == ']')
            break;
        if (js_peek(in) != ',')
            return fail(in, "Expecting ',' or ']'");
        in->p++;
        sf_buf_add_char(out, ',');
    }
    in->p++;
    sf_buf_add_char(out, ']');
    return true;
}

static bool copy_word(struct js_in *in, struct sf_buf *out, struct sf_str word)
{
    if ((size_t)(in->end - in->p) < word.len || memcmp(in->p, word.p, word.len) != 0)
        return fail(in, word.p[0] == 't'   ? "Expecting 'true'"
                        : word.p[0] == 'f' ? "Expecting 'false'"
                                           : "Expecting 'null'");
    in->p += word.len;
    sf_buf_add_str(out, word);
    return true;
}

/* Recursion: less than JS_DEPTH_MAX deep. */
static bool copy_value(struct js_in *in, struct sf_buf *out)
{
    bool is_good;

    switch (js_peek(in)) {
    case -1:
        return fail(in, "Expecting item");
    case '"':
        return copy_string(in, out);
    case 't':
        return copy_word(in, out, SF_STR("true"));
    case 'f':
        return copy_word(in, out, SF_STR("false"));
    case 'n':
        return copy_word(in, out, SF_STR("null"));
    case '{':
    case '[':
        if (++in->depth >= JS_DEPTH_MAX)
            return fail(in, "Too deep nesting in Array/Object");
        is_good = *in->p == '{' ? copy_object(in, out) : copy_array(in, out);
        in->depth--;
        return is_good;
    default:
        return copy_number(in, out);
    }
}

bool js_copy(struct js_in *in, struct sf_buf *out)
{
    size_t begin = out->len;

    in->depth = 0;
    if (copy_value(in, out) && out->status == SF_OK)
        return true;
    if (out->status != SF_OK)
        in->why = NULL;
    else
        out->len = begin;
    return false;
}

bool js_canon(struct sf_str text, struct sf_buf *out, const char **ret_why)
{
    struct js_in in;
    size_t begin = out->len;
    bool is_good;

    js_in_init(&in, text);
    is_good = js_copy(&in, out);
    if (is_good && js_peek(&in) >= 0) {
        is_good = fail(&in, "Expecting EOF");
        out->len = begin;
    }
    if (!is_good && ret_why)
        *ret_why = in.why;
    return is_good;
}
