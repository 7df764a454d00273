/* Errors, strings, buffers, the log line. */
#include "oom.h"
#include "runner.h"

#include <sf/buf.h>
#include <sf/log.h>

START_TEST(first_error_wins_and_wraps_read_outside_in)
{
    struct sf_error err = { 0 };

    ck_assert_int_eq(sf_error_set(&err, SF_EPROTO, "row %d", 17), SF_EPROTO);
    ck_assert_int_eq(sf_error_set(&err, SF_EIO, "later"), SF_EIO);
    ck_assert_int_eq(err.status, SF_EPROTO);
    ck_assert_int_eq(sf_error_wrap(&err, "page %d", 3), SF_EPROTO);
    ck_assert_str_eq(err.text, "page 3: row 17");
    ck_assert_int_eq(sf_error_set(NULL, SF_EFULL, "x"), SF_EFULL);
    ck_assert_int_eq(sf_error_wrap(NULL, "x"), SF_EIO);
}
END_TEST

START_TEST(long_errors_are_clipped)
{
    struct sf_error err = { 0 };
    char text[2000];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    (void)sf_error_set(&err, SF_EIO, "%s", text);
    ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
    (void)sf_error_wrap(&err, "%s", text);
    ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
}
END_TEST

/* Names and texts are what people search for: none is missing, none stands twice. */
START_TEST(every_status_has_a_name_and_a_text)
{
    int n = 0;

#define SEE(name, retriable, text)                                  \
    ck_assert_str_eq(sf_status_name(SF_##name), #name);             \
    ck_assert_str_eq(sf_status_text(SF_##name), text);              \
    ck_assert_int_eq(sf_status_is_retriable(SF_##name), retriable); \
    ck_assert_int_eq(SF_##name, n++);
    SF_STATUS_MAP(SEE)
#undef SEE
    ck_assert_int_eq(SF_OK, 0);
    for (int a = 0; a < n; a++)
        for (int b = 0; b < a; b++)
            ck_assert_str_ne(sf_status_text((enum sf_status)a),
                             sf_status_text((enum sf_status)b));
}
END_TEST

static const struct {
    const char *text;
    bool is_good;
    int64_t n;
} integers[] = {
    { "0", true, 0 },
    { "-1", true, -1 },
    { "9223372036854775807", true, INT64_MAX },
    { "-9223372036854775808", true, INT64_MIN },
    { "9223372036854775808", false, 0 },
    { "-9223372036854775809", false, 0 },
    { "18446744073709551616", false, 0 },
    { "", false, 0 },
    { "-", false, 0 },
    { "+1", false, 0 },
    { "1 ", false, 0 },
    { "0x10", false, 0 },
    { "1.0", false, 0 },
};

START_TEST(integers_are_whole_or_refused)
{
    int64_t n = 77;
    enum sf_status status = sf_str_to_i64(sf_str_from(integers[_i].text), &n);

    ck_assert_int_eq(status, integers[_i].is_good ? SF_OK : SF_EPROTO);
    ck_assert_int_eq(n, integers[_i].is_good ? integers[_i].n : 77);
}
END_TEST

static const struct {
    const char *text;
    bool is_good;
    uint64_t n;
} naturals[] = {
    { "0", true, 0 },
    { "007", true, 7 },
    { "18446744073709551615", true, UINT64_MAX },
    { "18446744073709551616", false, 0 },
    { "99999999999999999999", false, 0 },
    { "-1", false, 0 },
    { "+1", false, 0 },
    { " 1", false, 0 },
    { "1/", false, 0 },
    { "1:", false, 0 },
    { "\xb2", false, 0 },
    { "", false, 0 },
};

START_TEST(naturals_are_whole_or_refused)
{
    uint64_t n = 77;
    enum sf_status status = sf_str_to_u64(sf_str_from(naturals[_i].text), &n);

    ck_assert_int_eq(status, naturals[_i].is_good ? SF_OK : SF_EPROTO);
    ck_assert(n == (naturals[_i].is_good ? naturals[_i].n : 77));
}
END_TEST

START_TEST(cut_trim_and_compare)
{
    struct sf_str rest;
    struct sf_str head = sf_str_cut(SF_STR("a=b=c"), '=', &rest);

    ck_assert(sf_str_eq(head, SF_STR("a")) && sf_str_eq(rest, SF_STR("b=c")));
    head = sf_str_cut(SF_STR("abc"), '=', &rest);
    ck_assert(sf_str_eq(head, SF_STR("abc")) && rest.len == 0 && rest.p != NULL);
    ck_assert(sf_str_eq(sf_str_trim(SF_STR(" \t x y\r\n")), SF_STR("x y")));
    ck_assert(sf_str_eq_nocase(SF_STR("AbC"), SF_STR("aBc")));
    ck_assert(sf_str_starts(SF_STR("abc"), SF_STR("ab")) &&
              sf_str_ends(SF_STR("abc"), SF_STR("bc")));
    ck_assert(sf_str_contains(SF_STR("abc"), SF_STR("b")) &&
              sf_str_contains(SF_STR("a"), SF_STR("")));
    ck_assert(!sf_str_contains(SF_STR("abc"), SF_STR("cb")));
    ck_assert(sf_str_from(NULL).p != NULL);
    ck_assert_uint_eq(sf_str_distance(SF_STR("candels"), SF_STR("candles")), 2);
    ck_assert_uint_eq(sf_str_distance(SF_STR(""), SF_STR("abc")), 3);
    ck_assert_uint_eq(sf_str_distance(SF_STR("ABC"), SF_STR("abc")), 0);
    /* FNV-1a's own test vector: lanes and shortened names depend on it */
    ck_assert(sf_str_hash(SF_STR("foobar")) == UINT64_C(0x85944171f73967e8));
}
END_TEST

START_TEST(copy_fits_or_leaves_nothing)
{
    char dst[4] = "xyz";

    ck_assert(sf_str_copy(SF_STR("abc"), dst, sizeof(dst)));
    ck_assert_str_eq(dst, "abc");
    ck_assert(!sf_str_copy(SF_STR("abcd"), dst, sizeof(dst)));
    ck_assert_str_eq(dst, "");
}
END_TEST

START_TEST(a_copy_is_the_callers_own_or_none)
{
    char *copy = sf_str_dup(SF_STR("a\0b"));

    ck_assert(copy && memcmp(copy, "a\0b", 4) == 0);
    free(copy);
    copy = sf_str_dup(SF_STR_EMPTY);
    ck_assert_str_eq(copy, "");
    free(copy);
    oom_fail_at(0);
    copy = sf_str_dup(SF_STR("abc"));
    ck_assert(oom_has_failed() && !copy);
}
END_TEST

/* Sizes near the largest must not wrap around into small ones. */
START_TEST(buffer_refuses_what_no_memory_holds)
{
    struct sf_buf b;

    sf_buf_init(&b, SIZE_MAX / 2);
    sf_buf_add_lit(&b, "abc");
    ck_assert_ptr_null(sf_buf_reserve(&b, SIZE_MAX));
    ck_assert_int_eq(sf_buf_status(&b, NULL), SF_ETOOBIG);
    sf_buf_clear(&b);
    sf_buf_add_lit(&b, "abc");
    ck_assert_ptr_null(sf_buf_reserve(&b, SIZE_MAX - 2));
    ck_assert_int_eq(sf_buf_status(&b, NULL), SF_ETOOBIG);
    ck_assert_uint_eq(b.len, 3);
    sf_buf_release(&b);
    sf_buf_init(&b, 0);
    sf_buf_add_lit(&b, "");
    ck_assert_int_eq(sf_buf_status(&b, NULL), SF_OK);
    ck_assert_str_eq(sf_buf_cstr(&b), "");
    sf_buf_add_char(&b, 'x');
    ck_assert_int_eq(sf_buf_status(&b, NULL), SF_ETOOBIG);
    sf_buf_release(&b);
}
END_TEST

/* A failure in the middle keeps what was there, and the memory with it. */
START_TEST(buffer_that_cannot_grow_keeps_what_it_has)
{
    struct sf_buf b;

    sf_buf_init(&b, 1 << 20);
    sf_buf_add_lit(&b, "kept");
    oom_fail_at(0);
    sf_buf_addf(&b, "%1000d", 7);
    ck_assert(oom_has_failed());
    ck_assert_int_eq(sf_buf_status(&b, NULL), SF_ENOMEM);
    ck_assert(b.len == 4 && memcmp(b.p, "kept", 4) == 0);
    sf_buf_clear(&b);
    sf_buf_addf(&b, "%1000d", 7);
    ck_assert_int_eq(sf_buf_status(&b, NULL), SF_OK);
    ck_assert_uint_eq(b.len, 1000);
    ck_assert_str_eq(sf_buf_cstr(&b) + 998, " 7");
    sf_buf_release(&b);
    ck_assert(b.p == NULL && b.max == 1 << 20);
}
END_TEST

START_TEST(buffer_grows_to_its_ceiling_and_remembers)
{
    struct sf_error err = { 0 };
    struct sf_buf b;

    sf_buf_init(&b, 1000);
    for (int i = 0; i < 100; i++)
        sf_buf_add_lit(&b, "0123456789");
    ck_assert_int_eq(sf_buf_status(&b, &err), SF_OK);
    sf_buf_add_char(&b, 'x');
    sf_buf_add_lit(&b, "more");
    ck_assert_uint_eq(b.len, 1000);
    ck_assert_int_eq(sf_buf_status(&b, &err), SF_ETOOBIG);
    ck_assert_str_eq(err.text, "over the limit of 1000 bytes");
    sf_buf_clear(&b);
    ck_assert_int_eq(sf_buf_status(&b, NULL), SF_OK);
    sf_buf_release(&b);
}
END_TEST

START_TEST(buffer_formats)
{
    struct sf_buf b;
    char *taken;

    sf_buf_init(&b, 4096);
    sf_buf_add_i64(&b, INT64_MIN);
    sf_buf_add_char(&b, ' ');
    sf_buf_add_i64(&b, 0);
    sf_buf_add_char(&b, ' ');
    sf_buf_add_json(&b, SF_STR("a\"b\\c\n\x01"));
    sf_buf_add_char(&b, ' ');
    sf_buf_add_url(&b, SF_STR("a b/c%~"));
    sf_buf_addf(&b, " %s-%d", "x", 5);
    taken = sf_buf_take(&b);
    ck_assert_str_eq(taken,
                     "-9223372036854775808 0 a\\\"b\\\\c\\n\\u0001 a%20b%2Fc%25~ x-5");
    free(taken);
    ck_assert_ptr_null(b.p);
    taken = sf_buf_take(&b);
    ck_assert_str_eq(taken, "");
    free(taken);
}
END_TEST

static const struct {
    const char *text;
    size_t len;
} characters[] = {
    { "a", 1 },
    { "\xc3\xa4", 2 },
    { "\xe2\x82\xac", 3 },
    { "\xf0\x9f\x98\x80", 4 },
    { "\xed\x9f\xbf", 3 },
    { "\xee\x80\x80", 3 },
    { "\xf4\x8f\xbf\xbf", 4 },
    { "", 0 },
    { "\x80", 0 },             /* no first byte */
    { "\xc0\xaf", 0 },         /* overlong */
    { "\xe0\x9f\xbf", 0 },     /* overlong */
    { "\xed\xa0\x80", 0 },     /* surrogate */
    { "\xf4\x90\x80\x80", 0 }, /* past U+10FFFF */
    { "\xf5\x80\x80\x80", 0 },
    { "\xe2\x82", 0 }, /* cut */
    { "\xc3x", 0 },
};

START_TEST(utf8_is_measured)
{
    ck_assert_uint_eq(sf_str_utf8(sf_str_from(characters[_i].text)), characters[_i].len);
}
END_TEST

START_TEST(json_text_is_escaped_and_is_utf8)
{
    struct sf_buf b;

    sf_buf_init(&b, 256);
    sf_buf_add_json(&b, SF_STR("a\"\\\n\x01\xc3\xa4\xff\xe2\x82z"));
    ck_assert_str_eq(sf_buf_cstr(&b), "a\\\"\\\\\\n\\u0001\xc3\xa4???z");
    sf_buf_release(&b);
}
END_TEST

START_TEST(buffer_without_memory_fails_once_and_stays)
{
    struct sf_buf b;

    sf_buf_init(&b, 4096);
    oom_fail_at(0);
    sf_buf_add_lit(&b, "abc");
    ck_assert(oom_has_failed());
    ck_assert_int_eq(sf_buf_status(&b, NULL), SF_ENOMEM);
    sf_buf_add_lit(&b, "abc");
    ck_assert_uint_eq(b.len, 0);
    ck_assert_str_eq(sf_buf_cstr(&b), "");
    ck_assert_ptr_null(sf_buf_take(&b));
}
END_TEST

START_TEST(log_lines_are_quoted_where_needed)
{
    char line[512];
    const struct sf_log_field fields[] = { SF_LOG_S("plain", "word"),
                                           SF_LOG_S("text", "two words\n\"x\"=\\"),
                                           SF_LOG_I("n", -5),
                                           { .name = NULL } };
    size_t n;

    sf_log_init("prog", "q-1", SF_LOG_INFO, SF_LOG_LOGFMT);
    n = sf_log_format_line(line, sizeof(line), 1717200000123, SF_LOG_WARN, "it", fields);
    line[n] = '\0';
    ck_assert_str_eq(
        line,
        "ts=2024-06-01T00:00:00.123Z level=warn prog=prog queue=q-1 event=it plain=word "
        "text=\"two words\\n\\\"x\\\"=\\\\\" n=-5\n");
    sf_log_init("prog", NULL, SF_LOG_INFO, SF_LOG_JSON);
    n = sf_log_format_line(line, sizeof(line), 0, SF_LOG_INFO, "it", fields);
    line[n] = '\0';
    ck_assert_str_eq(
        line, "{\"ts\":\"1970-01-01T00:00:00.000Z\",\"level\":\"info\",\"prog\":\"prog\","
              "\"event\":\"it\",\"plain\":\"word\",\"text\":\"two "
              "words\\n\\\"x\\\"=\\\\\",\"n\":-5}\n");
}
END_TEST

START_TEST(log_lines_are_clipped_and_end)
{
    char line[64];
    const struct sf_log_field fields[] = {
        SF_LOG_V("text", SF_STR("a very long text with many blanks in it, so that it "
                                "must be quoted and clipped")),
        { .name = NULL }
    };
    size_t n;

    sf_log_init("prog", NULL, SF_LOG_INFO, SF_LOG_LOGFMT);
    n = sf_log_format_line(line, sizeof(line), 0, SF_LOG_INFO, "it", fields);
    ck_assert_uint_le(n, sizeof(line));
    ck_assert_int_eq(line[n - 1], '\n');
}
END_TEST

static void text_cases(Suite *s)
{
    TCase *tc = tcase_create("text");

    tcase_add_test(tc, first_error_wins_and_wraps_read_outside_in);
    tcase_add_test(tc, long_errors_are_clipped);
    tcase_add_test(tc, every_status_has_a_name_and_a_text);
    tcase_add_loop_test(tc, integers_are_whole_or_refused, 0, COUNT(integers));
    tcase_add_loop_test(tc, naturals_are_whole_or_refused, 0, COUNT(naturals));
    tcase_add_test(tc, cut_trim_and_compare);
    tcase_add_test(tc, copy_fits_or_leaves_nothing);
    tcase_add_test(tc, a_copy_is_the_callers_own_or_none);
    tcase_add_test(tc, buffer_refuses_what_no_memory_holds);
    tcase_add_test(tc, buffer_that_cannot_grow_keeps_what_it_has);
    tcase_add_test(tc, buffer_grows_to_its_ceiling_and_remembers);
    tcase_add_test(tc, buffer_formats);
    tcase_add_loop_test(tc, utf8_is_measured, 0, COUNT(characters));
    tcase_add_test(tc, json_text_is_escaped_and_is_utf8);
    tcase_add_test(tc, buffer_without_memory_fails_once_and_stays);
    tcase_add_test(tc, log_lines_are_quoted_where_needed);
    tcase_add_test(tc, log_lines_are_clipped_and_end);
    suite_add_tcase(s, tc);
}

RUN_SUITE("text", text_cases)
