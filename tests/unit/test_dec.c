#include "runner.h"

#include <sf/dec.h>

#include <stdio.h>

static const struct {
    const char *text;
    bool is_valid;
} forms[] = {
    { "0", true },      { "1.0", true },        { "-1", true },
    { "007.50", true }, { "0.00000001", true }, { "92233720368.54775807", true },
    { "", false },      { "-", false },         { ".5", false },
    { "5.", false },    { "+1", false },        { "1e5", false },
    { "1.2.3", false }, { " 1", false },        { "1 ", false },
    { "--1", false },   { "0x1", false },       { "1,5", false },
    { "NaN", false },   { "-.5", false },
};

START_TEST(form_is_checked)
{
    struct sf_error err = { 0 };
    enum sf_status want = forms[_i].is_valid ? SF_OK : SF_EPROTO;

    ck_assert_int_eq(sf_dec_check(sf_str_from(forms[_i].text), &err), want);
    ck_assert_int_eq(sf_dec_is_valid(sf_str_from(forms[_i].text)), forms[_i].is_valid);
    ck_assert(forms[_i].is_valid || err.text[0] != '\0');
}
END_TEST

START_TEST(longer_than_the_limit_is_refused)
{
    char text[SF_DEC_MAX + 1];

    memset(text, '1', sizeof(text));
    ck_assert_int_eq(sf_dec_check((struct sf_str){ text, SF_DEC_MAX }, NULL), SF_OK);
    ck_assert_int_eq(sf_dec_check((struct sf_str){ text, SF_DEC_MAX + 1 }, NULL),
                     SF_ETOOBIG);
}
END_TEST

static const struct {
    const char *a, *b;
    int want;
} orders[] = {
    { "1.0", "1", 0 },
    { "0.09", "0.1", -1 },
    { "9007199254740993", "9007199254740992", 1 }, /* equal as doubles */
    { "-1", "1", -1 },
    { "-2", "-1", -1 },
    { "-0.0", "0", 0 },
    { "10", "9", 1 },
    { "00012.500", "12.5", 0 },
    { "0.1", "0.10000000000000000000001", -1 },
    { "-0.1", "-0.11", 1 },
};

START_TEST(cmp_orders_by_value)
{
    struct sf_str a = sf_str_from(orders[_i].a), b = sf_str_from(orders[_i].b);
    int there = sf_dec_cmp(a, b), back = sf_dec_cmp(b, a);

    ck_assert_int_eq((there > 0) - (there < 0), orders[_i].want);
    ck_assert_int_eq((back > 0) - (back < 0), -orders[_i].want);
}
END_TEST

static const struct {
    const char *text;
    unsigned digits;
    bool is_zero;
    const char *number;
} shapes[] = {
    { "0", 1, true, "0" },
    { "0.00000000", 1, true, "0.00000000" },
    { "-0", 1, true, "0" },
    { "0.0100", 1, false, "0.0100" },
    { "123.450", 5, false, "123.450" },
    { "100", 3, false, "100" },
    { "007.50", 2, false, "7.50" },
    { "000", 1, true, "0" },
    { "123456789012345.6", 16, false, "123456789012345.6" },
    { "97123.45000000", 7, false, "97123.45000000" },
    { "-12.5", 3, false, "12.5" },
};

START_TEST(digits_zero_and_number)
{
    struct sf_str s = sf_str_from(shapes[_i].text);
    bool is_negative;
    struct sf_str number = sf_dec_number(s, &is_negative);

    ck_assert_uint_eq(sf_dec_digits(s), shapes[_i].digits);
    ck_assert_int_eq(sf_dec_is_zero(s), shapes[_i].is_zero);
    ck_assert(sf_str_eq(number, sf_str_from(shapes[_i].number)));
    ck_assert_int_eq(is_negative, shapes[_i].text[0] == '-');
}
END_TEST

/* A fixed sequence: the same pairs in every run. */
static int64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + 1;
    return (int64_t)(*state >> 34) - (1 << 29);
}

/* @n hundred-thousandths, with @zeros needless zeros on either side. */
static struct sf_str spell(int64_t n, int zeros, char *dst, size_t size)
{
    int64_t magnitude = n < 0 ? -n : n;

    (void)snprintf(dst, size, "%s%.*s%lld.%05lld%.*s", n < 0 ? "-" : "", zeros, "000",
                   (long long)(magnitude / 100000), (long long)(magnitude % 100000),
                   3 - zeros, "000");
    return sf_str_from(dst);
}

START_TEST(cmp_agrees_with_integers)
{
    uint64_t state = 20261123;
    char one[64], two[64];

    for (int i = 0; i < 20000; i++) {
        int64_t a = next_random(&state), b = i % 4 ? next_random(&state) : a;
        struct sf_str x = spell(a, i % 3, one, sizeof(one));
        struct sf_str y = spell(b, (i + 1) % 4, two, sizeof(two));
        int got = sf_dec_cmp(x, y);

        ck_assert_msg((got > 0) - (got < 0) == (a > b) - (a < b), "%s %s", one, two);
    }
}
END_TEST

static void dec_cases(Suite *s)
{
    TCase *tc = tcase_create("dec");

    tcase_add_loop_test(tc, form_is_checked, 0, COUNT(forms));
    tcase_add_test(tc, longer_than_the_limit_is_refused);
    tcase_add_loop_test(tc, cmp_orders_by_value, 0, COUNT(orders));
    tcase_add_test(tc, cmp_agrees_with_integers);
    tcase_add_loop_test(tc, digits_zero_and_number, 0, COUNT(shapes));
    suite_add_tcase(s, tc);
}

RUN_SUITE("dec", dec_cases)
