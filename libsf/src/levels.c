/* Levels of a message: checked once, walked as often as needed. */
#include <sf/book.h>
#include <sf/dec.h>

#include <string.h>

static enum sf_status bad_level(const struct sf_scan *s, enum sf_token token, size_t n,
                                const char *expected, struct sf_error *err)
{
    bool has_text = token == SF_TOK_STRING || token == SF_TOK_NUMBER;
    struct sf_str got = has_text ? s->text : SF_STR("something else");

    if (token == SF_TOK_ERROR || token == SF_TOK_END) {
        (void)sf_scan_error(s, err);
        (void)sf_error_wrap(err, "level %zu", n);
        return SF_EPROTO;
    }
    if (got.len > 40)
        got.len = 40;
    return sf_error_set(err, SF_EPROTO, "level %zu: expected %s, got '%" SF_STR_FMT "'",
                        n, expected, SF_STR_ARG(got));
}

static bool is_amount(struct sf_str s)
{
    return sf_dec_is_valid(s) && s.p[0] != '-';
}

/* Behind the first two elements: up to the end of the level. */
static bool pass_rest(struct sf_scan *s)
{
    enum sf_token token;

    while ((token = sf_scan_next(s)) != SF_TOK_ARRAY_END)
        if (token == SF_TOK_ERROR || token == SF_TOK_END ||
            ((token == SF_TOK_ARRAY || token == SF_TOK_OBJECT) && !sf_scan_skip(s)))
            return false;
    return true;
}

/* Behind the '[' of level @n. *bytes grows by what its text amounts to. */
static enum sf_status check_level(struct sf_scan *s, size_t n, size_t *bytes,
                                  struct sf_error *err)
{
    static const char *const expected[] = {
        "a price as decimal string, not negative",
        "a quantity as decimal string, not negative",
    };

    for (int i = 0; i < 2; i++) {
        enum sf_token token = sf_scan_next(s);

        if (token != SF_TOK_STRING || !is_amount(s->text))
            return bad_level(s, token, n, expected[i], err);
        *bytes += s->text.len;
    }
    return pass_rest(s) ? SF_OK : bad_level(s, SF_TOK_ERROR, n, "its end", err);
}

enum sf_status sf_levels_parse(struct sf_str text, struct sf_levels *ret,
                               struct sf_error *err)
{
    struct sf_scan s;
    enum sf_token token;
    size_t n = 0, bytes = 0;

    sf_scan_init(&s, text);
    token = sf_scan_next(&s);
    if (token != SF_TOK_ARRAY)
        return bad_level(&s, token, 0, "an array of levels", err);
    while ((token = sf_scan_next(&s)) == SF_TOK_ARRAY) {
        if (check_level(&s, n, &bytes, err) != SF_OK)
            return SF_EPROTO;
        n++;
    }
    if (token != SF_TOK_ARRAY_END)
        return bad_level(&s, token, n, "[price, quantity]", err);
    if (sf_scan_next(&s) != SF_TOK_END)
        return bad_level(&s, SF_TOK_ERROR, n, "the end", err);
    /* ["",""] a level and a comma behind all but the last, within two brackets: nothing
     * shorter holds the same */
    bytes += n * strlen("[\"\",\"\"],") + (n == 0 ? 2 : 1);
    *ret = (struct sf_levels){ text, n, bytes == text.len };
    return SF_OK;
}

struct sf_levels_walk sf_levels_begin(const struct sf_levels *levels)
{
    struct sf_levels_walk w = { .p = levels->text.p + 1,
                                .is_compact = levels->is_compact };

    sf_scan_init(&w.scan, levels->text);
    if (!w.is_compact)
        (void)sf_scan_next(&w.scan);
    return w;
}

/* A string that begins behind @p's quote and ends before the next one. */
static struct sf_str quoted(const char **p)
{
    const char *begin = *p, *end = begin;

    while (*end != '"')
        end++;
    *p = end + 1;
    return (struct sf_str){ begin, (size_t)(end - begin) };
}

static bool next_of_scan(struct sf_scan *s, struct sf_level *ret_level)
{
    if (sf_scan_next(s) != SF_TOK_ARRAY)
        return false;
    (void)sf_scan_next(s);
    ret_level->price = s->text;
    (void)sf_scan_next(s);
    ret_level->quantity = s->text;
    return pass_rest(s);
}

bool sf_levels_next(struct sf_levels_walk *walk, struct sf_level *ret_level)
{
    if (!walk->is_compact)
        return next_of_scan(&walk->scan, ret_level);
    if (*walk->p == ',')
        walk->p++;
    if (*walk->p != '[')
        return false;
    walk->p += 2;
    ret_level->price = quoted(&walk->p);
    walk->p += 2;
    ret_level->quantity = quoted(&walk->p);
    walk->p++;
    return true;
}
