/* Canonical text of doubles: the shortest digits that read back as the same double, laid
 * out as velocypack's dumper does (plain up to 7 trailing zeros, plain fractions of up to
 * 6 digits or near 1, else an exponent); integral doubles of 2^53 up to 2^64 get ".0"
 * since ArangoDB 3.12.3, so that they stay doubles when read again. */
#include "num.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define DIGITS_MAX 17 /* significant digits of a double */
#define EXACT_MAX  15 /* DBL_DIG: a decimal of so many digits is its double's shortest */
#define TWO_53     9007199254740992.0
#define TWO_64     18446744073709551616.0

/* Significant digits and their decimal exponent: value = digits * 10^exp10. */
struct decimal {
    char digits[DIGITS_MAX + 1];
    int n;
    int exp10;
    bool is_negative;
};

static void add_zeros(struct sf_buf *out, int n)
{
    while (n-- > 0)
        sf_buf_add_char(out, '0');
}

static void add_digits(struct sf_buf *out, const char *digits, int n)
{
    sf_buf_add(out, digits, (size_t)n);
}

/* Integral and in [2^53, 2^64): by digits, since this is called for texts that were never
 * converted. */
static bool is_big_integer(const struct decimal *d)
{
    double v = 0;

    if (d->n + d->exp10 < 16 || d->n + d->exp10 > 20)
        return false;
    for (int i = 0; i < d->n; i++)
        v = v * 10 + (d->digits[i] - '0');
    v *= pow(10, d->exp10);
    return v >= TWO_53 && v < TWO_64;
}

static void add_fraction(struct sf_buf *out, const struct decimal *d)
{
    int before = d->n + d->exp10; /* digits in front of the point */

    if (before <= 0) {
        sf_buf_add_lit(out, "0.");
        add_zeros(out, -before);
        add_digits(out, d->digits, d->n);
        return;
    }
    add_digits(out, d->digits, before);
    sf_buf_add_char(out, '.');
    add_digits(out, d->digits + before, d->n - before);
}

static void add_exponent(struct sf_buf *out, const struct decimal *d)
{
    int exp = d->exp10 + d->n - 1;

    add_digits(out, d->digits, 1);
    if (d->n > 1) {
        sf_buf_add_char(out, '.');
        add_digits(out, d->digits + 1, d->n - 1);
    }
    sf_buf_add_char(out, 'e');
    sf_buf_add_char(out, exp < 0 ? '-' : '+');
    sf_buf_add_i64(out, exp < 0 ? -exp : exp);
}

static void add_decimal(struct sf_buf *out, const struct decimal *d)
{
    int exp = abs(d->exp10 + d->n - 1);

    if (d->n == 0) {
        sf_buf_add_char(out, '0');
        return;
    }
    if (d->is_negative)
        sf_buf_add_char(out, '-');
    if (d->exp10 >= 0 && exp < d->n + 7) {
        add_digits(out, d->digits, d->n);
        add_zeros(out, d->exp10);
        if (is_big_integer(d))
            sf_buf_add_lit(out, ".0");
    } else if (d->exp10 < 0 && (d->exp10 > -7 || exp < 4)) {
        add_fraction(out, d);
    } else {
        add_exponent(out, d);
    }
}

/* Drop zeros at the end into the exponent. */
static void trim(struct decimal *d)
{
    while (d->n > 0 && d->digits[d->n - 1] == '0') {
        d->n--;
        d->exp10++;
    }
}

/* What stands behind the 'e'; far too large ones are clipped. */
static int exponent_of(struct sf_str s)
{
    bool is_negative = s.p[0] == '-';
    int exp = 0;

    for (size_t i = is_negative || s.p[0] == '+'; i < s.len && exp < 1000; i++)
        exp = exp * 10 + (s.p[i] - '0');
    return is_negative ? -exp : exp;
}

/* The digits of @s when there are at most EXACT_MAX of them and the exponent is far from
 * a double's limits: then no conversion is needed (see EXACT_MAX). */
static bool digits_of(struct sf_str s, struct decimal *d)
{
    bool is_behind = false;
    size_t i = 0;

    *d = (struct decimal){ .is_negative = s.p[0] == '-' };
    for (i = d->is_negative ? 1 : 0; i < s.len && (s.p[i] | 0x20) != 'e'; i++) {
        if (s.p[i] == '.') {
            is_behind = true;
            continue;
        }
        if (is_behind)
            d->exp10--;
        if (d->n == 0 && s.p[i] == '0')
            continue;
        if (d->n == DIGITS_MAX) {
            if (s.p[i] != '0')
                return false;
            d->exp10++; /* a zero at the end, once trimmed */
            continue;
        }
        d->digits[d->n++] = s.p[i];
    }
    if (i < s.len)
        d->exp10 += exponent_of((struct sf_str){ s.p + i + 1, s.len - i - 1 });
    trim(d);
    return d->n == 0 || (d->n <= EXACT_MAX && d->exp10 > -280 && d->exp10 < 280);
}

/* Shortest digits that give @d back. */
static void shortest(double v, struct decimal *d)
{
    char text[40];
    size_t at = 0;

    *d = (struct decimal){ .is_negative = signbit(v) };
    /* subnormal doubles have fewer digits than EXACT_MAX */
    for (int precision = isnormal(v) ? EXACT_MAX : 1; precision <= DIGITS_MAX;
         precision++) {
        double back;

        (void)snprintf(text, sizeof(text), "%.*e", precision - 1, fabs(v));
        back = strtod(text, NULL);
        if (!(back < fabs(v)) && !(back > fabs(v)))
            break;
    }
    for (; text[at] && text[at] != 'e'; at++)
        if (text[at] != '.')
            d->digits[d->n++] = text[at];
    d->exp10 = exponent_of(sf_str_from(text + at + 1)) - (d->n - 1);
    trim(d);
}

/* strtod needs a NUL; no number of a stored value is longer than this makes sense. */
static bool to_double(struct sf_str s, double *ret)
{
    char local[512], *text = local;
    double v;

    if (s.len >= sizeof(local)) {
        text = sf_str_dup(s);
        if (!text)
            return false;
    } else {
        memcpy(local, s.p, s.len);
        local[s.len] = '\0';
    }
    v = strtod(text, NULL);
    if (text != local)
        free(text);
    if (!isfinite(v))
        return false;
    *ret = v;
    return true;
}

/* Plain decimals that two exact doubles give, the digits and a power of ten: their
 * quotient is the nearest double, as strtod's (IEEE 754 rounds a division once). */
static bool to_double_fast(struct sf_str s, double *ret)
{
    static const double powers[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
    bool is_negative = s.len > 0 && s.p[0] == '-';
    size_t point = s.len;
    uint64_t digits = 0;
    double d;

    for (size_t i = is_negative; i < s.len; i++) {
        if (s.p[i] == '.' && point == s.len) {
            point = i + 1;
            continue;
        }
        if (s.p[i] < '0' || s.p[i] > '9' || digits >= UINT64_C(100000000000000))
            return false;
        digits = digits * 10 + (uint64_t)(s.p[i] - '0');
    }
    if (s.len - point > 22)
        return false;
    d = (double)digits / powers[s.len - point];
    *ret = is_negative ? -d : d;
    return true;
}

static bool is_plain(struct sf_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] == '.' || (s.p[i] | 0x20) == 'e')
            return false;
    return true;
}

static void add_real(struct sf_buf *out, double v)
{
    struct decimal d;

    shortest(v, &d);
    add_decimal(out, &d);
}

bool num_canon(struct sf_str s, struct sf_buf *out)
{
    struct decimal d;
    struct num n;

    if (is_plain(s)) {
        if (s.len <= 18 && !(s.len == 2 && s.p[0] == '-' && s.p[1] == '0')) {
            sf_buf_add_str(out, s);
            return true;
        }
        if (!num_parse(s, &n))
            return false;
        num_add(out, n);
        return true;
    }
    if (digits_of(s, &d)) {
        add_decimal(out, &d);
        return true;
    }
    if (!num_parse(s, &n))
        return false;
    num_add(out, n);
    return true;
}

bool num_parse(struct sf_str s, struct num *ret)
{
    double d;

    if (is_plain(s)) {
        if (sf_str_to_i64(s, &ret->v.i) == SF_OK) {
            ret->kind = NUM_INT;
            return true;
        }
        if (s.p[0] != '-' && sf_str_to_u64(s, &ret->v.u) == SF_OK) {
            ret->kind = NUM_UINT;
            return true;
        }
    }
    if (!to_double_fast(s, &d) && !to_double(s, &d))
        return false;
    *ret = num_from_real(d);
    return true;
}

void num_add(struct sf_buf *out, struct num n)
{
    switch (n.kind) {
    case NUM_INT:
        sf_buf_add_i64(out, n.v.i);
        break;
    case NUM_UINT:
        sf_buf_addf(out, "%llu", (unsigned long long)n.v.u);
        break;
    case NUM_REAL:
        add_real(out, n.v.d);
        break;
    }
}

struct num num_from_i64(int64_t i)
{
    return (struct num){ NUM_INT, { .i = i } };
}

struct num num_from_u64(uint64_t u)
{
    if (u <= INT64_MAX)
        return num_from_i64((int64_t)u);
    return (struct num){ NUM_UINT, { .u = u } };
}

struct num num_from_real(double d)
{
    return (struct num){ NUM_REAL, { .d = d } };
}

double num_to_real(struct num n)
{
    if (n.kind == NUM_REAL)
        return n.v.d;
    return n.kind == NUM_INT ? (double)n.v.i : (double)n.v.u;
}

bool num_to_i64(struct num n, int64_t *ret)
{
    if (n.kind == NUM_UINT)
        return false;
    if (n.kind == NUM_REAL) {
        double d = n.v.d;

        if (!(d >= -9223372036854775808.0 && d < 9223372036854775808.0) || trunc(d) < d ||
            trunc(d) > d)
            return false;
        *ret = (int64_t)d;
        return true;
    }
    *ret = n.v.i;
    return true;
}

void num_order(struct num n, unsigned char *dst)
{
    double d = num_to_real(n);
    int64_t rest = 0; /* integer minus its nearest double: under 1025 in size */
    uint64_t bits;

    if (n.kind == NUM_UINT)
        rest = d < TWO_64 ? (int64_t)(n.v.u - (uint64_t)d)
                          : -(int64_t)(UINT64_MAX - n.v.u) - 1;
    else if (n.kind == NUM_INT)
        rest = d < 9223372036854775808.0 ? n.v.i - (int64_t)d : -(INT64_MAX - n.v.i) - 1;
    if (!(d < 0) && !(d > 0))
        d = 0; /* -0 is 0 */
    memcpy(&bits, &d, sizeof(bits));
    bits = bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
    for (int i = 0; i < 8; i++)
        dst[i] = (unsigned char)(bits >> (56 - 8 * i));
    dst[8] = (unsigned char)((rest + 0x8000) >> 8);
    dst[9] = (unsigned char)(rest + 0x8000);
}

int num_cmp(struct num a, struct num b)
{
    unsigned char x[NUM_ORDER_BYTES], y[NUM_ORDER_BYTES];

    if (a.kind == NUM_INT && b.kind == NUM_INT)
        return (a.v.i > b.v.i) - (a.v.i < b.v.i);
    num_order(a, x);
    num_order(b, y);
    return memcmp(x, y, sizeof(x));
}
