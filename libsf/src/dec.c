#include <sf/dec.h>

#include <string.h>

/* The parts of a checked decimal, without superfluous zeros on either side. */
struct parts {
    bool is_negative;
    struct sf_str whole;    /* no leading zeros; may be empty */
    struct sf_str fraction; /* no trailing zeros; may be empty */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t digits_at(struct sf_str s, size_t from)
{
    size_t i = from;

    while (i < s.len && is_digit(s.p[i]))
        i++;
    return i - from;
}

bool sf_dec_is_valid(struct sf_str s)
{
    size_t i = s.len > 0 && s.p[0] == '-' ? 1 : 0;
    size_t whole = digits_at(s, i);
    size_t fraction;

    i += whole;
    if (s.len > SF_DEC_MAX || whole == 0)
        return false;
    if (i == s.len)
        return true;
    if (s.p[i] != '.')
        return false;
    fraction = digits_at(s, i + 1);
    return fraction > 0 && i + 1 + fraction == s.len;
}

enum sf_status sf_dec_check(struct sf_str s, struct sf_error *err)
{
    if (s.len > SF_DEC_MAX)
        return sf_error_set(err, SF_ETOOBIG, "decimal of %zu characters, at most %d",
                            s.len, SF_DEC_MAX);
    if (!sf_dec_is_valid(s))
        return sf_error_set(err, SF_EPROTO,
                            "'%" SF_STR_FMT
                            "' is not a plain decimal (-?digits[.digits])",
                            SF_STR_ARG(s));
    return SF_OK;
}

static struct parts split(struct sf_str s)
{
    struct parts d = { 0 };

    if (s.len > 0 && s.p[0] == '-') {
        d.is_negative = true;
        s.p++;
        s.len--;
    }
    d.whole = sf_str_cut(s, '.', &d.fraction);
    while (d.whole.len > 0 && d.whole.p[0] == '0') {
        d.whole.p++;
        d.whole.len--;
    }
    while (d.fraction.len > 0 && d.fraction.p[d.fraction.len - 1] == '0')
        d.fraction.len--;
    if (d.whole.len == 0 && d.fraction.len == 0)
        d.is_negative = false; /* -0 is 0 */
    return d;
}

static int cmp_magnitude(const struct parts *a, const struct parts *b)
{
    size_t n = a->fraction.len < b->fraction.len ? a->fraction.len : b->fraction.len;
    int order;

    if (a->whole.len != b->whole.len)
        return a->whole.len < b->whole.len ? -1 : 1;
    order = memcmp(a->whole.p, b->whole.p, a->whole.len);
    if (order == 0)
        order = memcmp(a->fraction.p, b->fraction.p, n);
    if (order == 0)
        order = (a->fraction.len > n) - (b->fraction.len > n);
    return order;
}

int sf_dec_cmp(struct sf_str a, struct sf_str b)
{
    struct parts x = split(a), y = split(b);

    if (x.is_negative != y.is_negative)
        return x.is_negative ? -1 : 1;
    return x.is_negative ? cmp_magnitude(&y, &x) : cmp_magnitude(&x, &y);
}

bool sf_dec_is_zero(struct sf_str s)
{
    struct parts d = split(s);

    return d.whole.len == 0 && d.fraction.len == 0;
}

unsigned sf_dec_digits(struct sf_str s)
{
    struct parts d = split(s);

    if (d.whole.len == 0) {
        while (d.fraction.len > 0 && d.fraction.p[0] == '0') {
            d.fraction.p++;
            d.fraction.len--;
        }
    }
    return d.whole.len + d.fraction.len == 0 ? 1
                                             : (unsigned)(d.whole.len + d.fraction.len);
}

struct sf_str sf_dec_number(struct sf_str s, bool *ret_minus)
{
    *ret_minus = s.len > 0 && s.p[0] == '-';
    if (*ret_minus) {
        s.p++;
        s.len--;
    }
    while (s.len > 1 && s.p[0] == '0' && is_digit(s.p[1])) {
        s.p++;
        s.len--;
    }
    return s;
}
