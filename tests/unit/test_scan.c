#include "runner.h"

#include <sf/scan.h>

#include <jansson.h>

#include <stdio.h>
#include <string.h>

/* One letter a token: { } [ ] K S N t f n, '.' the end, '!' an error. */
static void letters(struct sf_str text, char *dst, size_t size)
{
    static const char letter[] = {
        [SF_TOK_ERROR] = '!',  [SF_TOK_END] = '.',        [SF_TOK_OBJECT] = '{',
        [SF_TOK_KEY] = 'K',    [SF_TOK_OBJECT_END] = '}', [SF_TOK_ARRAY] = '[',
        [SF_TOK_STRING] = 'S', [SF_TOK_ARRAY_END] = ']',  [SF_TOK_NUMBER] = 'N',
        [SF_TOK_TRUE] = 't',   [SF_TOK_FALSE] = 'f',      [SF_TOK_NULL] = 'n',
    };
    struct sf_scan s;
    size_t n = 0;
    enum sf_token token;

    sf_scan_init(&s, text);
    do {
        token = sf_scan_next(&s);
        if (n + 1 < size)
            dst[n++] = letter[token];
    } while (token != SF_TOK_ERROR && token != SF_TOK_END);
    dst[n] = '\0';
}

static const struct {
    const char *text, *tokens;
} walks[] = {
    { "{}", "{}." },
    { " [ ] ", "[]." },
    { "1", "N." },
    { "-0.50e+7", "N." },
    { "\"a\\\"b\\u00e4\"", "S." },
    { "{\"a\":[1,{\"b\":null},true],\"c\":false}", "{K[N{Kn}t]Kf}." },
    { "[\"\xc3\xa4\",\"\xf0\x9f\x92\xb0\"]", "[SS]." },
    { "", "!" },
    { "{", "{!" },
    { "[1", "[N!" },
    { "[1,]", "[N!" },
    { "[,1]", "[!" },
    { "{\"a\"}", "{!" },
    { "{\"a\":}", "{K!" },
    { "{\"a\":1,}", "{KN!" },
    { "{1:2}", "{!" },
    { "[1 2]", "[N!" },
    { "1 2", "N!" },
    { "]", "!" },
    { "[}", "[!" },
    { "01", "N!" },
    { "+1", "!" },
    { ".5", "!" },
    { "1.", "!" },
    { "1e", "!" },
    { "-", "!" },
    { "tru", "!" },
    { "nul", "!" },
    { "NaN", "!" },
    { "\"a", "!" },
    { "\"\\x\"", "!" },
    { "\"\\u12g4\"", "!" },
    { "\"\n\"", "!" },
    { "\"\xff\"", "!" },
    { "\"\xc0\xaf\"", "!" },
    { "\"\xed\xa0\x80\"", "!" },
    { "\"\xf4\x90\x80\x80\"", "!" },
    { "\"\xc3\"", "!" },
};

START_TEST(tokens_follow_the_grammar)
{
    char got[64];

    letters(sf_str_from(walks[_i].text), got, sizeof(got));
    ck_assert_msg(strcmp(got, walks[_i].tokens) == 0, "%s: %s, not %s", walks[_i].text,
                  got, walks[_i].tokens);
}
END_TEST

START_TEST(an_error_says_where_and_stays)
{
    struct sf_error err = { 0 };
    struct sf_scan s;

    sf_scan_init(&s, SF_STR("{\"price\": x}"));
    ck_assert_int_eq(sf_scan_next(&s), SF_TOK_OBJECT);
    ck_assert_int_eq(sf_scan_next(&s), SF_TOK_KEY);
    ck_assert_int_eq(sf_scan_next(&s), SF_TOK_ERROR);
    ck_assert_int_eq(sf_scan_next(&s), SF_TOK_ERROR);
    ck_assert_int_eq(sf_scan_error(&s, &err), SF_EPROTO);
    ck_assert_ptr_nonnull(strstr(err.text, "byte 10"));
    ck_assert_ptr_nonnull(strstr(err.text, "expected a value"));
}
END_TEST

START_TEST(numbers_keep_their_digits)
{
    struct sf_scan s;

    sf_scan_init(&s, SF_STR("[0.000000010,12345678901234567890.50]"));
    (void)sf_scan_next(&s);
    ck_assert_int_eq(sf_scan_next(&s), SF_TOK_NUMBER);
    ck_assert(sf_str_eq(s.text, SF_STR("0.000000010")));
    ck_assert_int_eq(sf_scan_next(&s), SF_TOK_NUMBER);
    ck_assert(sf_str_eq(s.text, SF_STR("12345678901234567890.50")));
}
END_TEST

START_TEST(nesting_is_limited)
{
    char text[2 * SF_SCAN_DEPTH + 4], got[sizeof(text) + 2];

    memset(text, '[', SF_SCAN_DEPTH);
    memset(text + SF_SCAN_DEPTH, ']', SF_SCAN_DEPTH);
    letters(sf_str_make(text, 2 * SF_SCAN_DEPTH), got, sizeof(got));
    ck_assert_int_eq(got[strlen(got) - 1], '.');
    memset(text, '[', SF_SCAN_DEPTH + 1);
    letters(sf_str_make(text, SF_SCAN_DEPTH + 1), got, sizeof(got));
    ck_assert_int_eq(got[strlen(got) - 1], '!');
}
END_TEST

static const struct {
    const char *text, *plain; /* NULL: a lone surrogate */
} escapes[] = {
    { "plain", "plain" },
    { "\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t" },
    { "\\u0041\\u00e4\\u20ac", "A\xc3\xa4\xe2\x82\xac" },
    { "\\ud83d\\ude00", "\xf0\x9f\x98\x80" },
    { "\\ud83d", NULL },
    { "\\ud83dx", NULL },
    { "\\ude00", NULL },
};

START_TEST(escapes_are_undone)
{
    struct sf_error err = { 0 };
    struct sf_buf b;

    sf_buf_init(&b, 256);
    if (escapes[_i].plain) {
        ck_assert_int_eq(sf_scan_unescape(sf_str_from(escapes[_i].text), &b, &err),
                         SF_OK);
        ck_assert_str_eq(sf_buf_cstr(&b), escapes[_i].plain);
    } else {
        ck_assert_int_eq(sf_scan_unescape(sf_str_from(escapes[_i].text), &b, &err),
                         SF_EPROTO);
    }
    sf_buf_release(&b);
}
END_TEST

START_TEST(values_are_skipped_and_cut_out)
{
    struct sf_str raw;
    struct sf_scan s;

    sf_scan_init(&s, SF_STR("{\"a\":[1,{\"b\":[]}],\"c\":\"x\\\"y\",\"d\":7}"));
    (void)sf_scan_next(&s);
    ck_assert_int_eq(sf_scan_next(&s), SF_TOK_KEY);
    ck_assert(sf_scan_skip(&s));
    ck_assert_int_eq(sf_scan_next(&s), SF_TOK_KEY);
    ck_assert_int_eq(sf_scan_raw(&s, &raw, NULL), SF_OK);
    ck_assert(sf_str_eq(raw, SF_STR("\"x\\\"y\"")));
    ck_assert_int_eq(sf_scan_next(&s), SF_TOK_KEY);
    ck_assert(sf_str_eq(s.text, SF_STR("d")));
    ck_assert(sf_scan_skip(&s));
    ck_assert_int_eq(sf_scan_next(&s), SF_TOK_OBJECT_END);
    ck_assert_int_eq(sf_scan_next(&s), SF_TOK_END);
}
END_TEST

/* A fixed sequence: the same mutations in every run. */
static unsigned next_random(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static bool is_json(struct sf_str text)
{
    char got[512];

    letters(text, got, sizeof(got));
    return strchr(got, '!') == NULL;
}

/* Bytes of a good text changed, dropped and doubled: both parsers judge alike. Escapes
 * and exponents are left out: there jansson refuses for other reasons than grammar. */
START_TEST(jansson_judges_alike)
{
    static const char good[] =
        "{\"e\":\"trade\",\"E\":1672515782136,\"s\":\"BNBBTC\",\"p\":\"0.001\","
        "\"q\":[100,[true,false,null],{\"a\":-1.50,\"b\":{}}],\"m\":[[],\"\xc3\xa4\"]}";
    static const char bytes[] = "{}[],:\"0129.-tfn xX\xc3\xa4\n";
    unsigned state = 20260601;
    int refused = 0;

    for (int i = 0; i < 200000; i++) {
        char text[sizeof(good) + 8];
        size_t len = sizeof(good) - 1;
        json_t *root;

        memcpy(text, good, len);
        for (unsigned k = next_random(&state) % 3 + 1; k > 0; k--) {
            size_t at = next_random(&state) % len;
            unsigned kind = next_random(&state) % 3;

            if (kind == 0) {
                text[at] = bytes[next_random(&state) % (sizeof(bytes) - 1)];
            } else if (kind == 1) {
                memmove(text + at, text + at + 1, len - at - 1);
                len--;
            } else {
                memmove(text + at + 1, text + at, len - at);
                len++;
            }
        }
        root = json_loadb(text, len, JSON_DECODE_ANY, NULL);
        refused += !root;
        ck_assert_msg(is_json(sf_str_make(text, len)) == (root != NULL), "%.*s", (int)len,
                      text);
        json_decref(root);
    }
    ck_assert_int_gt(refused, 1000);
    ck_assert_int_lt(refused, 199000);
}
END_TEST

static void scan_cases(Suite *s)
{
    TCase *tc = tcase_create("scan");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, tokens_follow_the_grammar, 0, COUNT(walks));
    tcase_add_test(tc, an_error_says_where_and_stays);
    tcase_add_test(tc, numbers_keep_their_digits);
    tcase_add_test(tc, nesting_is_limited);
    tcase_add_loop_test(tc, escapes_are_undone, 0, COUNT(escapes));
    tcase_add_test(tc, values_are_skipped_and_cut_out);
    tcase_add_test(tc, jansson_judges_alike);
    suite_add_tcase(s, tc);
}

RUN_SUITE("scan", scan_cases)
