/* Decimals, numbers, instants, TYPEs and names from any text: taken with the value it
 * has, or refused and the result untouched.
 *
 * Input: two texts with a line feed between them. */
#include <sf/dec.h>
#include <sf/names.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool is_true)
{
    if (!is_true)
        abort();
}

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

static void check_dec(struct sf_str a, struct sf_str b)
{
    bool is_negative;
    struct sf_error err = { 0 };
    struct sf_str number;

    must((sf_dec_check(a, &err) == SF_OK) == sf_dec_is_valid(a));
    if (!sf_dec_is_valid(a)) {
        must(err.text[0]);
        return;
    }
    must(sf_dec_digits(a) >= 1 && sf_dec_digits(a) <= a.len);
    must(sf_dec_cmp(a, a) == 0);
    number = sf_dec_number(a, &is_negative);
    must(sf_dec_is_valid(number) && is_negative == (a.p[0] == '-'));
    must(number.p + number.len == a.p + a.len); /* no digit behind is lost */
    must(number.len == 1 || number.p[0] != '0' || number.p[1] == '.');
    must(sf_dec_is_zero(a) == (sf_dec_cmp(a, SF_STR("0")) == 0));
    if (sf_dec_is_valid(b))
        must(sign(sf_dec_cmp(a, b)) == -sign(sf_dec_cmp(b, a)));
}

/* What is a whole number to one is one to the others, of the same value. */
static void check_integer(struct sf_str text)
{
    int64_t n = -7;
    uint64_t u = 7;
    struct sf_buf b;

    if (sf_str_to_u64(text, &u) != SF_OK)
        must(u == 7);
    if (sf_str_to_i64(text, &n) != SF_OK) {
        must(n == -7);
        return;
    }
    must(n < 0 || text.p[0] == '-' || (uint64_t)n == u);
    sf_buf_init(&b, 64);
    sf_buf_add_i64(&b, n);
    if (sf_dec_is_valid(text))
        must(sf_dec_cmp(text, sf_buf_str(&b)) == 0);
    sf_buf_release(&b);
}

static void check_time(struct sf_str text)
{
    char iso[SF_TIME_ISO_SIZE], http[SF_TIME_HTTP_SIZE];
    int64_t ms = -7, date = -7, again;

    if (sf_time_parse_date(text, &date) == SF_OK)
        must(sf_time_parse_iso(text, &ms) == SF_OK && ms == date && ms % 86400000 == 0);
    else
        must(date == -7);
    ms = -7;
    if (sf_time_parse_iso(text, &ms) != SF_OK) {
        must(ms == -7);
    } else if (ms >= SF_TIME_MIN_MS && ms < SF_TIME_MAX_MS) {
        must(sf_time_parse_iso(sf_str_from(sf_time_iso(ms, iso)), &again) == SF_OK);
        must(again == ms);
    }
    ms = -7;
    if (sf_time_parse_http(text, &ms) != SF_OK) {
        must(ms == -7);
    } else if (ms >= SF_TIME_MIN_MS && ms < SF_TIME_MAX_MS) {
        must(sf_time_parse_http(sf_str_from(sf_time_http(ms, http)), &again) == SF_OK);
        must(again == ms / 1000 * 1000);
    }
}

static void check_type(struct sf_str text)
{
    struct sf_type_ref ref = { NULL, NULL };
    struct sf_error err = { 0 };

    if (!sf_str_contains(text,
                         SF_STR("_"))) /* none has: spare the search for the nearest */
        return;
    if (sf_type_parse(text, &ref, &err) != SF_OK) {
        must(!ref.type && err.status == SF_EINVAL && err.text[0]);
        return;
    }
    must(sf_str_starts(text, sf_str_from(ref.type->name)));
    must(ref.type->has_interval == (ref.interval != NULL));
    must(!ref.interval || sf_str_ends(text, sf_str_from(ref.interval->name)));
}

static void check_names(struct sf_str text)
{
    char symbol[SF_NAME_MAX + 1], again[SF_NAME_MAX + 1], id[SF_NAME_MAX + 1];
    struct sf_error err = { 0 };
    int64_t date = 0;

    if (sf_name_symbol(text, symbol, &err) == SF_OK) {
        must(strlen(symbol) >= 1 && strlen(symbol) <= SF_SYMBOL_MAX);
        must(sf_name_symbol(sf_str_from(symbol), again, NULL) == SF_OK);
        must(strcmp(symbol, again) == 0);
    }
    if (sf_name_check_queue_id(text, NULL) != SF_OK)
        return;
    must(sf_name_topic(text, id, NULL) == SF_OK);
    must(sf_name_check_topic(sf_str_from(id), NULL) == SF_OK);
    must(sf_name_short_id_of(text, id, NULL) == SF_OK);
    must(strlen(id) == SF_SHORT_ID_LEN);
    if (sf_name_date_of(text, &date) == SF_OK)
        must(date % 86400000 == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sf_str second,
        first = sf_str_cut(sf_str_make((const char *)data, size), '\n', &second);

    check_dec(first, second);
    check_integer(first);
    check_time(first);
    check_type(first);
    check_names(first);
    must(sf_str_distance(first, second) == sf_str_distance(second, first));
    return 0;
}
