/* The scanner agrees with jansson on what is JSON, its views lie in the text, and what it
 * read can be written and read again. */
#include <sf/scan.h>

#include <jansson.h>

#include <stdlib.h>

#define NUMBER_MAX 300 /* digits that every double can hold; no exponent */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool is_true)
{
    if (!is_true)
        abort();
}

/* What one walk over a text tells. */
struct walk {
    bool is_good;
    bool is_plain;    /* no escape, no number that a double may not hold */
    bool is_too_deep; /* the only fault is our limit on nesting */
    struct sf_buf compact;
};

static bool is_within(struct sf_str view, struct sf_str text)
{
    return view.p >= text.p && view.p + view.len <= text.p + text.len;
}

static void add_comma(struct sf_buf *b)
{
    char last = b->len > 0 ? b->p[b->len - 1] : '[';

    if (last != '[' && last != '{' && last != ':')
        sf_buf_add_char(b, ',');
}

/* Append the token as JSON without white space. */
static void write_token(struct walk *w, const struct sf_scan *s, enum sf_token token)
{
    static const char *const fixed[] = {
        [SF_TOK_OBJECT] = "{",  [SF_TOK_OBJECT_END] = "}", [SF_TOK_ARRAY] = "[",
        [SF_TOK_TRUE] = "true", [SF_TOK_ARRAY_END] = "]",  [SF_TOK_FALSE] = "false",
        [SF_TOK_NULL] = "null",
    };
    bool is_text = token == SF_TOK_KEY || token == SF_TOK_STRING;

    if (token != SF_TOK_OBJECT_END && token != SF_TOK_ARRAY_END)
        add_comma(&w->compact);
    if (is_text)
        sf_buf_add_char(&w->compact, '"');
    if (is_text || token == SF_TOK_NUMBER)
        sf_buf_add_str(&w->compact, s->text);
    else
        sf_buf_add_str(&w->compact, sf_str_from(fixed[token]));
    if (is_text)
        sf_buf_add_char(&w->compact, '"');
    if (token == SF_TOK_KEY)
        sf_buf_add_char(&w->compact, ':');
}

/* Behind the escapes, written and read again, stand the same bytes. */
static void check_escapes(struct sf_str text)
{
    struct sf_buf plain, json, again;
    struct sf_scan s;

    sf_buf_init(&plain, 1 << 20);
    sf_buf_init(&json, 1 << 23);
    sf_buf_init(&again, 1 << 20);
    if (sf_scan_unescape(text, &plain, NULL) == SF_OK) {
        must(plain.len <= text.len);
        sf_buf_add_char(&json, '"');
        sf_buf_add_json(&json, sf_buf_str(&plain));
        sf_buf_add_char(&json, '"');
        sf_scan_init(&s, sf_buf_str(&json));
        must(sf_scan_next(&s) == SF_TOK_STRING);
        must(sf_scan_unescape(s.text, &again, NULL) == SF_OK);
        must(sf_str_eq(sf_buf_str(&again), sf_buf_str(&plain)));
        must(sf_scan_next(&s) == SF_TOK_END);
    }
    sf_buf_release(&plain);
    sf_buf_release(&json);
    sf_buf_release(&again);
}

static void see_token(struct walk *w, const struct sf_scan *s, enum sf_token token,
                      struct sf_str text)
{
    if (token == SF_TOK_KEY || token == SF_TOK_STRING || token == SF_TOK_NUMBER)
        must(is_within(s->text, text));
    if (token == SF_TOK_KEY || token == SF_TOK_STRING) {
        must(s->has_escapes == (memchr(s->text.p, '\\', s->text.len) != NULL));
        w->is_plain = w->is_plain && !s->has_escapes;
        check_escapes(s->text);
    }
    if (token == SF_TOK_NUMBER)
        w->is_plain = w->is_plain && s->text.len < NUMBER_MAX &&
                      !memchr(s->text.p, 'e', s->text.len) &&
                      !memchr(s->text.p, 'E', s->text.len);
    write_token(w, s, token);
}

static struct walk walk(struct sf_str text)
{
    struct walk w = { .is_plain = true };
    struct sf_scan s;
    struct sf_error err = { 0 };
    enum sf_token token;
    int64_t depth = 0;

    sf_buf_init(&w.compact, 1 << 22);
    sf_scan_init(&s, text);
    while ((token = sf_scan_next(&s)) != SF_TOK_ERROR && token != SF_TOK_END) {
        depth += token == SF_TOK_OBJECT || token == SF_TOK_ARRAY;
        depth -= token == SF_TOK_OBJECT_END || token == SF_TOK_ARRAY_END;
        must(depth >= 0 && depth <= SF_SCAN_DEPTH && depth == s.depth);
        see_token(&w, &s, token, text);
    }
    w.is_good = token == SF_TOK_END;
    for (int i = 0; i < 2; i++)
        must(sf_scan_next(&s) == token); /* stays so */
    must(!w.is_good || (depth == 0 && s.p == s.end));
    must(w.is_good || s.why);
    w.is_too_deep = depth == SF_SCAN_DEPTH && !w.is_good;
    must(sf_scan_error(&s, &err) == SF_EPROTO && err.text[0]);
    return w;
}

/* Skipping a value sees what walking through it sees. */
static void check_skip(struct sf_str text, bool is_good)
{
    struct sf_scan s;
    struct sf_str raw = SF_STR_EMPTY;

    sf_scan_init(&s, text);
    if (sf_scan_raw(&s, &raw, NULL) != SF_OK) {
        must(!is_good);
        return;
    }
    must(is_within(raw, text));
    must((sf_scan_next(&s) == SF_TOK_END) == is_good);
    if (is_good) {
        sf_scan_init(&s, raw);
        must(sf_scan_skip(&s) && sf_scan_next(&s) == SF_TOK_END);
    }
}

static void check_jansson(struct sf_str text, const struct walk *w)
{
    const size_t flags = JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL;
    json_error_t why;
    enum json_error_code code;
    json_t *root;

    if (memchr(text.p, '\0', text.len)) /* to jansson the end of the text */
        return;
    root = json_loadb(text.p, text.len, flags, &why);
    code = root ? json_error_unknown : json_error_code(&why);
    must(!root || w->is_good || w->is_too_deep);
    must(root || !w->is_good || !w->is_plain || code == json_error_invalid_utf8 ||
         code == json_error_null_byte_in_key);
    json_decref(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sf_str text = sf_str_make((const char *)data, size);
    struct walk first, again;

    first = walk(text);
    check_skip(text, first.is_good);
    check_jansson(text, &first);
    if (first.is_good && first.compact.status == SF_OK) {
        again = walk(sf_buf_str(&first.compact));
        must(again.is_good);
        must(sf_str_eq(sf_buf_str(&again.compact), sf_buf_str(&first.compact)));
        sf_buf_release(&again.compact);
    }
    sf_buf_release(&first.compact);
    return 0;
}
