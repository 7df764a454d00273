/* The scanner's values against jansson's, over random trees and over what exchanges sent.
 */
#include "recorded.h"
#include "runner.h"

#include <sf/scan.h>

#include <jansson.h>

#include <stdio.h>
#include <string.h>

#define TREES     5000
#define TREE_DEEP 5
#define FILE_MAX  ((size_t)64 * 1024 * 1024)

/* ------------------------------------------------------------------------ comparing */

static void same_text(struct sf_str text, bool has_escapes, const json_t *want)
{
    struct sf_str wanted = sf_str_make(json_string_value(want), json_string_length(want));
    struct sf_buf plain;

    ck_assert_int_eq(has_escapes, text.len > 0 && memchr(text.p, '\\', text.len) != NULL);
    if (!has_escapes) {
        ck_assert(sf_str_eq(text, wanted));
        return;
    }
    sf_buf_init(&plain, 1 << 20);
    ck_assert_int_eq(sf_scan_unescape(text, &plain, NULL), SF_OK);
    ck_assert(sf_str_eq(sf_buf_str(&plain), wanted));
    sf_buf_release(&plain);
}

static void same_number(struct sf_str text, const json_t *want)
{
    char copy[64];
    int64_t n;

    if (json_is_integer(want)) {
        ck_assert_int_eq(sf_str_to_i64(text, &n), SF_OK);
        ck_assert_int_eq(n, json_integer_value(want));
        return;
    }
    ck_assert(json_is_real(want) && sf_str_copy(text, copy, sizeof(copy)));
    ck_assert_double_ge(strtod(copy, NULL), json_real_value(want));
    ck_assert_double_le(strtod(copy, NULL), json_real_value(want));
}

static void same(struct sf_scan *s, enum sf_token token, const json_t *want);

static void same_object(struct sf_scan *s, const json_t *want)
{
    enum sf_token token;
    struct sf_buf key;
    size_t n = 0;

    sf_buf_init(&key, 1 << 16);
    for (; (token = sf_scan_next(s)) == SF_TOK_KEY; n++) {
        const json_t *value;

        sf_buf_clear(&key);
        ck_assert_int_eq(sf_scan_unescape(s->text, &key, NULL), SF_OK);
        value = json_object_get(want, sf_buf_cstr(&key));
        ck_assert_msg(value != NULL, "member '%s'", sf_buf_cstr(&key));
        same(s, sf_scan_next(s), value);
    }
    ck_assert_int_eq(token, SF_TOK_OBJECT_END);
    ck_assert_uint_eq(n, json_object_size(want));
    sf_buf_release(&key);
}

static void same_array(struct sf_scan *s, const json_t *want)
{
    size_t n = 0;
    enum sf_token token;

    while ((token = sf_scan_next(s)) != SF_TOK_ARRAY_END)
        same(s, token, json_array_get(want, n++));
    ck_assert_uint_eq(n, json_array_size(want));
}

static void same(struct sf_scan *s, enum sf_token token, const json_t *want)
{
    static const enum sf_token tokens[] = {
        [JSON_OBJECT] = SF_TOK_OBJECT, [JSON_ARRAY] = SF_TOK_ARRAY,
        [JSON_STRING] = SF_TOK_STRING, [JSON_INTEGER] = SF_TOK_NUMBER,
        [JSON_REAL] = SF_TOK_NUMBER,   [JSON_TRUE] = SF_TOK_TRUE,
        [JSON_FALSE] = SF_TOK_FALSE,   [JSON_NULL] = SF_TOK_NULL,
    };

    ck_assert(want != NULL);
    ck_assert_int_eq(token, tokens[json_typeof(want)]);
    if (token == SF_TOK_OBJECT)
        same_object(s, want);
    else if (token == SF_TOK_ARRAY)
        same_array(s, want);
    else if (token == SF_TOK_STRING)
        same_text(s->text, s->has_escapes, want);
    else if (token == SF_TOK_NUMBER)
        same_number(s->text, want);
}

/* All of @text, value for value; and that skipping passes over the same. */
static void same_document(struct sf_str text, const json_t *want)
{
    struct sf_str raw;
    struct sf_scan s;

    sf_scan_init(&s, text);
    same(&s, sf_scan_next(&s), want);
    ck_assert_int_eq(sf_scan_next(&s), SF_TOK_END);
    sf_scan_init(&s, text);
    ck_assert_int_eq(sf_scan_raw(&s, &raw, NULL), SF_OK);
    ck_assert(sf_str_eq(raw, sf_str_trim(text)));
    ck_assert_int_eq(sf_scan_next(&s), SF_TOK_END);
}

/* ---------------------------------------------------------------------- random trees */

/* A fixed sequence: the same trees in every run. */
static unsigned next_random(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void random_text(unsigned *state, struct sf_buf *b)
{
    static const char *const pieces[] = {
        "a",
        "BTCUSDT",
        "\"",
        "\\",
        "/",
        "\n",
        "\t",
        "\x01",
        "\x7f",
        "\xc3\xa4",
        "\xe2\x82\xac",
        "\xf0\x9f\x98\x80",
        "\\u0041",
        "\xed\x9f\xbf",
        "\xee\x80\x80",
        "\xf4\x8f\xbf\xbf",
        "0.000001",
        " ",
        "{}[]:,",
        "",
    };

    sf_buf_clear(b);
    for (unsigned n = next_random(state) % 5; n > 0; n--)
        sf_buf_add_str(
            b, sf_str_from(
                   pieces[next_random(state) % (sizeof(pieces) / sizeof(pieces[0]))]));
}

static json_t *random_number(unsigned *state)
{
    static const int64_t edges[] = { 0, 1, -1, INT64_MAX, INT64_MIN, 1717200000000 };
    static const double reals[] = { 0.0, -0.5, 0.1, 1e300, -2.5e-7, 97123.45, 1e21 };

    switch (next_random(state) % 3) {
    case 0:
        return json_integer(edges[next_random(state) % COUNT(edges)]);
    case 1:
        return json_real(reals[next_random(state) % COUNT(reals)]);
    default:
        return json_integer((int64_t)next_random(state) * (int64_t)next_random(state));
    }
}

static json_t *random_tree(unsigned *state, int deep, struct sf_buf *text)
{
    unsigned kind = next_random(state) % (deep > 0 ? 8 : 5);
    unsigned n = next_random(state) % 4;
    json_t *tree;

    switch (kind) {
    case 0:
        return next_random(state) % 2 ? json_true() : json_false();
    case 1:
        return json_null();
    case 2:
        return random_number(state);
    case 3:
    case 4:
        random_text(state, text);
        return json_stringn(sf_buf_str(text).p, text->len);
    case 5:
        for (tree = json_array(); n > 0; n--)
            (void)json_array_append_new(tree, random_tree(state, deep - 1, text));
        return tree;
    default:
        for (tree = json_object(); n > 0; n--) {
            json_t *value = random_tree(state, deep - 1, text);

            random_text(state, text);
            (void)json_object_set_new(tree, sf_buf_cstr(text), value);
        }
        return tree;
    }
}

START_TEST(random_trees_read_alike)
{
    static const size_t forms[] = { JSON_COMPACT, JSON_INDENT(3), JSON_ENSURE_ASCII,
                                    JSON_ESCAPE_SLASH | JSON_ENSURE_ASCII, 0 };
    unsigned state = 20261123;
    struct sf_buf text;
    size_t bytes = 0;

    sf_buf_init(&text, 4096);
    for (int i = 0; i < TREES; i++) {
        json_t *tree = random_tree(&state, TREE_DEEP, &text);
        size_t form = forms[next_random(&state) % COUNT(forms)];
        char *json = json_dumps(tree, form | JSON_ENCODE_ANY);

        ck_assert_ptr_nonnull(json);
        same_document(sf_str_from(json), tree);
        bytes += strlen(json);
        free(json);
        json_decref(tree);
    }
    ck_assert_uint_gt(bytes, (size_t)TREES * 10); /* not only trivial ones */
    sf_buf_release(&text);
}
END_TEST

/* -------------------------------------------------------------------------- recorded */

static const struct {
    const char *file;
    bool is_packed;
    size_t documents; /* one a line, behind a stamp or an address */
} recordings[] = {
    { "cryptofeed/BINANCE.http.0.0", false, 4 },
    { "cryptofeed/BINANCE.ws.1.0", false, 265 },
    { "cryptofeed/BINANCE_US.ws.1.0", false, 480 },
    { "cryptofeed/COINBASE.ws.28.0", false, 9949 },
    { "cryptofeed/BINANCE.0.exchangeInfo.gz", true, 2 },
    { "gocryptotrader/binance-spot-rest-mock.json.gz", true, 1 },
    { "freqtrade/andresciancio-BTC_USDT-1m.json.gz", true, 1 },
};

/* Where the JSON of @line begins: a stamp, or an address and a stamp, stand before it. */
static struct sf_str json_of(struct sf_str line)
{
    size_t i = 0;

    while (i < line.len && line.p[i] != '{' && line.p[i] != '[')
        i++;
    return sf_str_make(line.p + i, line.len - i);
}

START_TEST(recorded_answers_and_frames_read_alike)
{
    struct sf_buf file;
    struct sf_str rest;
    size_t documents = 0;

    sf_buf_init(&file, FILE_MAX);
    if (!(recordings[_i].is_packed ? recorded_gunzip(recordings[_i].file, &file)
                                   : recorded_plain(recordings[_i].file, &file)))
        return;
    for (rest = sf_buf_str(&file); rest.len > 0;) {
        struct sf_str json = json_of(sf_str_cut(rest, '\n', &rest));
        json_t *want;

        if (json.len == 0)
            continue;
        want = json_loadb(json.p, json.len, 0, NULL);
        ck_assert_msg(want != NULL, "%.60s", json.p);
        same_document(json, want);
        json_decref(want);
        documents++;
    }
    ck_assert_uint_eq(documents, recordings[_i].documents);
    sf_buf_release(&file);
}
END_TEST

static void values_cases(Suite *s)
{
    TCase *tc = tcase_create("scan_values");

    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, random_trees_read_alike);
    tcase_add_loop_test(tc, recorded_answers_and_frames_read_alike, 0, COUNT(recordings));
    suite_add_tcase(s, tc);
}

RUN_SUITE("scan_values", values_cases)
