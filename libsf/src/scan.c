/* The grammar is a state ("what may come next") and a bit per open container; there is no
 * recursion. Source: RFC 8259. */
#include <sf/scan.h>

enum expects {
    EXPECT_VALUE,
    EXPECT_VALUE_OR_END, /* behind '[' */
    EXPECT_KEY,          /* behind ',' in an object */
    EXPECT_KEY_OR_END,   /* behind '{' */
    EXPECT_COMMA_OR_END, /* behind a value */
    EXPECT_NOTHING,      /* after the end or an error */
};

/* Of each byte: '.' goes on a run of plain characters, 'x' ends it (controls, quote,
 * backslash, what is not ASCII). */
static const char in_string[] = /* 64 bytes a line */
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx..x............................."
    "............................x..................................."
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

void sf_scan_init(struct sf_scan *s, struct sf_str text)
{
    *s = (struct sf_scan){
        .p = text.p,
        .end = text.p + text.len,
        .start = text.p,
        .text = SF_STR_EMPTY,
        .expects = EXPECT_VALUE,
    };
}

static enum sf_token fail(struct sf_scan *s, const char *why)
{
    s->why = why;
    s->expects = EXPECT_NOTHING;
    return SF_TOK_ERROR;
}

static void skip_space(struct sf_scan *s)
{
    while (s->p < s->end &&
           (*s->p == ' ' || *s->p == '\n' || *s->p == '\r' || *s->p == '\t'))
        s->p++;
}

static bool is_digit_at(const struct sf_scan *s)
{
    return s->p < s->end && *s->p >= '0' && *s->p <= '9';
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* At a backslash: check the escape and step over it. */
static bool pass_escape(struct sf_scan *s)
{
    if (s->end - s->p < 2)
        return false;
    s->has_escapes = true;
    s->p++;
    if (*s->p != 'u')
        return memchr("\"\\/bfnrt", *s->p, 8) && s->p++;
    if (s->end - s->p < 5)
        return false;
    for (int i = 1; i <= 4; i++)
        if (!is_hex(s->p[i]))
            return false;
    s->p += 5;
    return true;
}

/* At a byte that is not plain: step over an escape or a character. NULL or what was
 * expected. */
static const char *pass_special(struct sf_scan *s)
{
    size_t n;

    if (s->p == s->end || (unsigned char)*s->p < 0x20)
        return "expected the end of a string";
    if (*s->p == '\\')
        return pass_escape(s) ? NULL : "expected an escape";
    n = sf_str_utf8((struct sf_str){ s->p, (size_t)(s->end - s->p) });
    s->p += n;
    return n > 0 ? NULL : "expected UTF-8";
}

/* At the opening quote: s->text is what lies between the quotes. NULL or what was
 * expected. */
static const char *pass_string(struct sf_scan *s)
{
    const char *begin = ++s->p, *why;

    s->has_escapes = false;
    for (;;) {
        while (s->p < s->end && in_string[(unsigned char)*s->p] == '.')
            s->p++;
        if (s->p < s->end && *s->p == '"')
            break;
        why = pass_special(s);
        if (why)
            return why;
    }
    s->text = (struct sf_str){ begin, (size_t)(s->p - begin) };
    s->p++;
    return NULL;
}

static bool pass_digits(struct sf_scan *s)
{
    if (!is_digit_at(s))
        return false;
    while (is_digit_at(s))
        s->p++;
    return true;
}

static bool pass_number(struct sf_scan *s)
{
    const char *begin = s->p;

    if (*s->p == '-')
        s->p++;
    if (s->p < s->end && *s->p == '0')
        s->p++;
    else if (!pass_digits(s))
        return false;
    if (s->p < s->end && *s->p == '.') {
        s->p++;
        if (!pass_digits(s))
            return false;
    }
    if (s->p < s->end && (*s->p == 'e' || *s->p == 'E')) {
        s->p++;
        if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
            s->p++;
        if (!pass_digits(s))
            return false;
    }
    s->text = (struct sf_str){ begin, (size_t)(s->p - begin) };
    return true;
}

static enum sf_token literal(struct sf_scan *s, struct sf_str word, enum sf_token token)
{
    if ((size_t)(s->end - s->p) < word.len || memcmp(s->p, word.p, word.len) != 0)
        return fail(s, "expected a value");
    s->p += word.len;
    return token;
}

static enum sf_token open_container(struct sf_scan *s, bool is_object)
{
    if (s->depth == SF_SCAN_DEPTH)
        return fail(s, "nested too deep");
    s->p++;
    s->is_object = s->is_object << 1 | (is_object ? 1 : 0);
    s->depth++;
    s->expects = is_object ? EXPECT_KEY_OR_END : EXPECT_VALUE_OR_END;
    return is_object ? SF_TOK_OBJECT : SF_TOK_ARRAY;
}

static enum sf_token close_container(struct sf_scan *s)
{
    bool is_object = s->is_object & 1;

    s->p++;
    s->is_object >>= 1;
    s->depth--;
    s->expects = EXPECT_COMMA_OR_END;
    return is_object ? SF_TOK_OBJECT_END : SF_TOK_ARRAY_END;
}

static enum sf_token value(struct sf_scan *s)
{
    const char *why;

    if (*s->p == '{' || *s->p == '[')
        return open_container(s, *s->p == '{');
    s->expects = EXPECT_COMMA_OR_END;
    switch (*s->p) {
    case '"':
        why = pass_string(s);
        return why ? fail(s, why) : SF_TOK_STRING;
    case 't':
        return literal(s, SF_STR("true"), SF_TOK_TRUE);
    case 'f':
        return literal(s, SF_STR("false"), SF_TOK_FALSE);
    case 'n':
        return literal(s, SF_STR("null"), SF_TOK_NULL);
    default:
        if (*s->p != '-' && !is_digit_at(s))
            return fail(s, "expected a value");
        return pass_number(s) ? SF_TOK_NUMBER : fail(s, "expected a number");
    }
}

static enum sf_token key(struct sf_scan *s)
{
    const char *why;

    if (*s->p != '"')
        return fail(s, "expected a key");
    why = pass_string(s);
    if (why)
        return fail(s, why);
    skip_space(s);
    if (s->p == s->end || *s->p != ':')
        return fail(s, "expected ':'");
    s->p++;
    s->expects = EXPECT_VALUE;
    return SF_TOK_KEY;
}

static enum sf_token end_of_text(struct sf_scan *s)
{
    if (s->p < s->end)
        return fail(s, "expected nothing more");
    s->expects = EXPECT_NOTHING;
    s->why = NULL;
    return SF_TOK_END;
}

/* Behind a value in a container: step over a comma, or see the end. True when a token (in
 * *ret) is ready. */
static bool separator(struct sf_scan *s, enum sf_token *ret)
{
    bool is_object = s->is_object & 1;

    if (*s->p == (is_object ? '}' : ']')) {
        *ret = close_container(s);
        return true;
    }
    if (*s->p != ',') {
        *ret = fail(s, is_object ? "expected ',' or '}'" : "expected ',' or ']'");
        return true;
    }
    s->p++;
    skip_space(s);
    s->expects = is_object ? EXPECT_KEY : EXPECT_VALUE;
    return false;
}

enum sf_token sf_scan_next(struct sf_scan *s)
{
    enum sf_token token;

    skip_space(s);
    if (s->expects == EXPECT_COMMA_OR_END && s->depth == 0)
        return end_of_text(s);
    if (s->expects == EXPECT_NOTHING)
        return s->why ? SF_TOK_ERROR : SF_TOK_END;
    if (s->p < s->end && s->expects == EXPECT_COMMA_OR_END && separator(s, &token))
        return token;
    if (s->p == s->end)
        return fail(s, "unexpected end");
    if ((s->expects == EXPECT_KEY_OR_END && *s->p == '}') ||
        (s->expects == EXPECT_VALUE_OR_END && *s->p == ']'))
        return close_container(s);
    return s->expects == EXPECT_KEY || s->expects == EXPECT_KEY_OR_END ? key(s)
                                                                       : value(s);
}

bool sf_scan_skip(struct sf_scan *s)
{
    unsigned until = s->expects == EXPECT_VALUE ? s->depth : s->depth - 1;

    if (s->expects == EXPECT_COMMA_OR_END) /* behind a scalar there is nothing to skip */
        return true;
    do {
        enum sf_token token = sf_scan_next(s);

        if (token == SF_TOK_ERROR || token == SF_TOK_END)
            return false;
    } while (s->depth > until);
    return true;
}

enum sf_status sf_scan_raw(struct sf_scan *s, struct sf_str *ret_raw,
                           struct sf_error *err)
{
    const char *begin;

    skip_space(s);
    begin = s->p;
    if (!sf_scan_skip(s))
        return sf_scan_error(s, err);
    *ret_raw = (struct sf_str){ begin, (size_t)(s->p - begin) };
    return SF_OK;
}

enum sf_status sf_scan_error(const struct sf_scan *s, struct sf_error *err)
{
    size_t left = (size_t)(s->end - s->p);
    struct sf_str at = { s->p, left < 24 ? left : 24 };

    return sf_error_set(err, SF_EPROTO, "%s at byte %zu: '%" SF_STR_FMT "'",
                        s->why ? s->why : "not the expected JSON",
                        (size_t)(s->p - s->start), SF_STR_ARG(at));
}

/* --------------------------------------------------------------------- escapes */

static unsigned hex4(const char *p)
{
    unsigned v = 0;

    for (int i = 0; i < 4; i++) {
        unsigned c = (unsigned char)p[i];

        v = v << 4 | (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return v;
}

static void add_utf8(struct sf_buf *b, unsigned cp)
{
    if (cp < 0x80) {
        sf_buf_add_char(b, (char)cp);
        return;
    }
    if (cp < 0x800) {
        sf_buf_add_char(b, (char)(0xc0 | cp >> 6));
    } else if (cp < 0x10000) {
        sf_buf_add_char(b, (char)(0xe0 | cp >> 12));
        sf_buf_add_char(b, (char)(0x80 | (cp >> 6 & 0x3f)));
    } else {
        sf_buf_add_char(b, (char)(0xf0 | cp >> 18));
        sf_buf_add_char(b, (char)(0x80 | (cp >> 12 & 0x3f)));
        sf_buf_add_char(b, (char)(0x80 | (cp >> 6 & 0x3f)));
    }
    sf_buf_add_char(b, (char)(0x80 | (cp & 0x3f)));
}

/* At the 'u' of a checked escape: *ret_len is how many characters it took. */
static bool code_point(struct sf_str s, size_t at, unsigned *ret_cp, size_t *ret_len)
{
    unsigned cp = hex4(s.p + at + 1), low;

    *ret_len = 5;
    *ret_cp = cp;
    if (cp < 0xd800 || cp > 0xdfff)
        return true;
    if (cp > 0xdbff || s.len - at < 11 || s.p[at + 5] != '\\' || s.p[at + 6] != 'u')
        return false;
    low = hex4(s.p + at + 7);
    if (low < 0xdc00 || low > 0xdfff)
        return false;
    *ret_cp = 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
    *ret_len = 11;
    return true;
}

enum sf_status sf_scan_unescape(struct sf_str text, struct sf_buf *b,
                                struct sf_error *err)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";

    for (size_t i = 0; i < text.len; i++) {
        const char *short_form;
        unsigned cp;
        size_t len;

        if (text.p[i] != '\\') {
            sf_buf_add_char(b, text.p[i]);
            continue;
        }
        i++;
        if (text.p[i] == 'u') {
            if (!code_point(text, i, &cp, &len))
                return sf_error_set(err, SF_EPROTO, "lone surrogate in a string");
            add_utf8(b, cp);
            i += len - 1;
            continue;
        }
        short_form = memchr(from, text.p[i], sizeof(from) - 1);
        sf_buf_add_char(b, short_form ? to[short_form - from] : text.p[i]);
    }
    return sf_buf_status(b, err);
}
