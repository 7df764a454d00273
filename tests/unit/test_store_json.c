/* The store's JSON: one canonical text for each value, walks over it, its order; base 64.
 */
#include "embedded/store/base64.h"
#include "embedded/store/val.h"
#include "oom.h"
#include "runner.h"

#include <string.h>

#define MAX_BYTES 65536

static const struct {
    const char *in, *want;
} texts[] = {
    /* clang-format off */
    { " null ", "null" },
    { "[ true , false ]", "[true,false]" },
    { "{ }", "{}" },
    { "-0", "0" },
    { "1.0", "1" },
    { "0.10", "0.1" },
    { "97123.45000000", "97123.45" },
    { "9007199254740993", "9007199254740993" },
    { "-9223372036854775808", "-9223372036854775808" },
    { "18446744073709551615", "18446744073709551615" },
    { "1e3", "1000" },
    { "1E-7", "1e-7" },
    { "\"\\u0041\\/\\u00e9\\ud83d\\ude00\"", "\"A/\xc3\xa9\xf0\x9f\x98\x80\"" },
    { "\"a\\\"b\\\\c\\n\"", "\"a\\\"b\\\\c\\n\"" },
    { "{\"b\":[1,{\"c\":\"d\"}],\"a\":{}}", "{\"b\":[1,{\"c\":\"d\"}],\"a\":{}}" },
    /* clang-format on */
};

START_TEST(a_value_has_one_text)
{
    struct sf_buf b;
    const char *why = NULL;

    sf_buf_init(&b, MAX_BYTES);
    ck_assert_msg(js_canon(sf_str_from(texts[_i].in), &b, &why), "%s: %s", texts[_i].in,
                  why);
    ck_assert_str_eq(sf_buf_cstr(&b), texts[_i].want);
    sf_buf_release(&b);
}
END_TEST

static const char *const malformed[] = {
    "",      "[1,]",    "{\"a\"}", "{\"a\":1,\"a\":2}", "01",       "+1",    "1.",
    ".5",    "1e",      "nul",     "\"\x01\"",          "\"\xff\"", "\"a",   "[1",
    "1e999", "[1] [2]", "NaN",     "\"\\ud83d\"",       "\"\\x\"",  "{1:2}",
};

START_TEST(what_is_no_json_is_refused)
{
    const char *why = NULL;
    struct sf_buf b;

    sf_buf_init(&b, MAX_BYTES);
    ck_assert_msg(!js_canon(sf_str_from(malformed[_i]), &b, &why), "'%s'", malformed[_i]);
    ck_assert(why && why[0]);
    ck_assert_uint_eq(b.len, 0);
    sf_buf_release(&b);
}
END_TEST

START_TEST(depth_is_bounded)
{
    char text[2 * JS_DEPTH_MAX];
    struct sf_buf b;

    memset(text, '[', JS_DEPTH_MAX);
    memset(text + JS_DEPTH_MAX, ']', JS_DEPTH_MAX);
    sf_buf_init(&b, MAX_BYTES);
    ck_assert(!js_canon(sf_str_make(text, sizeof(text)), &b, NULL));
    ck_assert(js_canon(sf_str_make(text + 1, sizeof(text) - 2), &b, NULL));
    sf_buf_release(&b);
}
END_TEST

/* In ascending order by ArangoDB; neighbours with the same rank are equal. */
static const struct {
    const char *text;
    int rank;
} order[] = {
    { "null", 0 },
    { "false", 1 },
    { "true", 2 },
    { "-18446744073709551615", 3 },
    { "-1.5", 4 },
    { "0", 5 },
    { "1e-7", 6 },
    { "9007199254740992", 7 },
    { "9007199254740993", 8 },
    { "18446744073709551615", 9 },
    { "\"\"", 10 },
    { "\"a\"", 11 },
    { "\"ab\"", 12 },
    { "\"\xc3\xa9\"", 13 },
    { "[]", 14 },
    { "[0]", 15 },
    { "[1]", 16 },
    { "{}", 17 },
    { "{\"a\":null}", 17 },
    { "{\"a\":1}", 18 },
};

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

/* Canonical text of order[@i] into @b. */
static struct val value_at(size_t i, struct sf_buf *b)
{
    ck_assert(js_canon(sf_str_from(order[i].text), b, NULL));
    return val_from(sf_buf_str(b));
}

START_TEST(values_are_ordered)
{
    struct sf_buf a, b;

    sf_buf_init(&a, MAX_BYTES);
    sf_buf_init(&b, MAX_BYTES);
    for (size_t i = 0; i < COUNT(order); i++) {
        struct val v, w;

        sf_buf_clear(&a);
        sf_buf_clear(&b);
        v = value_at((size_t)_i, &a);
        w = value_at(i, &b);
        ck_assert_msg(sign(val_cmp(v, w)) == sign(order[_i].rank - order[i].rank),
                      "%s and %s", order[_i].text, order[i].text);
    }
    sf_buf_release(&a);
    sf_buf_release(&b);
}
END_TEST

START_TEST(lack_of_memory_is_not_bad_json)
{
    const char *text = "{\"a\":[1,2.5,\"\\u00e9\"],\"b\":{\"c\":null}}";
    const char *why = "unset";
    struct sf_buf b;

    sf_buf_init(&b, MAX_BYTES);
    oom_fail_at(0);
    ck_assert(!js_canon(sf_str_from(text), &b, &why));
    ck_assert(oom_has_failed());
    ck_assert_ptr_null(why);
    ck_assert_int_eq(b.status, SF_ENOMEM);
    sf_buf_release(&b);
    sf_buf_init(&b, 8); /* a ceiling is another matter, and no bad JSON either */
    ck_assert(!js_canon(sf_str_from(text), &b, &why));
    ck_assert_int_eq(b.status, SF_ETOOBIG);
    sf_buf_release(&b);
}
END_TEST

static const struct {
    const char *text, *bytes; /* NULL: malformed */
} codes[] = {
    { "", "" },
    { "YQ==", "a" },
    { "YWI", "ab" },
    { "YWJj", "abc" },
    { "cm9vdDo_Pg", "root:?>" },
    { "cm9vdDo/Pg==", "root:?>" },
    { "Y", NULL },
    { "YW J", NULL },
    { "Y=Q=", NULL },
};

START_TEST(base64_of_both_alphabets)
{
    struct sf_buf b, again;

    sf_buf_init(&b, MAX_BYTES);
    sf_buf_init(&again, MAX_BYTES);
    ck_assert_int_eq(base64_decode(sf_str_from(codes[_i].text), &b),
                     codes[_i].bytes != NULL);
    if (codes[_i].bytes) {
        ck_assert_str_eq(sf_buf_cstr(&b), codes[_i].bytes);
        base64_add_url(&again, sf_buf_str(&b));
        ck_assert_ptr_null(strchr(sf_buf_cstr(&again), '='));
        sf_buf_clear(&b);
        ck_assert(base64_decode(sf_buf_str(&again), &b));
        ck_assert_str_eq(sf_buf_cstr(&b), codes[_i].bytes);
    }
    sf_buf_release(&b);
    sf_buf_release(&again);
}
END_TEST

static void store_json_cases(Suite *s)
{
    TCase *tc = tcase_create("store_json");

    tcase_add_loop_test(tc, a_value_has_one_text, 0, COUNT(texts));
    tcase_add_loop_test(tc, what_is_no_json_is_refused, 0, COUNT(malformed));
    tcase_add_test(tc, depth_is_bounded);
    tcase_add_loop_test(tc, values_are_ordered, 0, COUNT(order));
    tcase_add_test(tc, lack_of_memory_is_not_bad_json);
    tcase_add_loop_test(tc, base64_of_both_alphabets, 0, COUNT(codes));
    suite_add_tcase(s, tc);
}

RUN_SUITE("store_json", store_json_cases)
