/* A book: two arrays of levels, each sorted with its best level at the end, where most
 * changes happen and few levels move.
 *
 * A level is one cache line: its price as a key of two integers, and price and quantity
 * as text. The key keeps the order but not every digit; where two keys are equal and a
 * price is long, the text decides. */
#include <sf/book.h>
#include <sf/dec.h>

#include <stdlib.h>
#include <string.h>

#define INLINE_MAX                                                                     \
    46                /* characters of price and quantity together; Binance has 2 * 20 \
                       */
#define KEY_DIGITS 18 /* of each half of a key: what an uint64_t holds */
#define FIRST_CAP  64

struct level {
    uint64_t whole, fraction; /* of the price, cut to KEY_DIGITS each */
    unsigned char price_len, quantity_len;
    char text[INLINE_MAX]; /* price, quantity; or a pointer to them when they are long */
};

struct side {
    struct level *at; /* worst first */
    size_t n, cap;
};

struct sf_book {
    struct side sides[SF_SIDES];
    size_t levels_max;
};

_Static_assert(sizeof(struct level) == 64, "one cache line");
_Static_assert(SF_DEC_MAX < 256, "lengths fit a byte");

/* ------------------------------------------------------------------------------ level */

static bool is_long(const struct level *l)
{
    return l->price_len + l->quantity_len > INLINE_MAX;
}

static const char *text_of(const struct level *l)
{
    const char *p;

    if (!is_long(l))
        return l->text;
    memcpy(&p, l->text, sizeof(p));
    return p;
}

static void release_level(struct level *l)
{
    if (is_long(l))
        free((char *)text_of(l));
}

static struct sf_level view(const struct level *l)
{
    const char *text = text_of(l);

    return (struct sf_level){ { text, l->price_len },
                              { text + l->price_len, l->quantity_len } };
}

static struct sf_str price_of(const struct level *l)
{
    return view(l).price;
}

static void set_key(struct level *l, struct sf_str price)
{
    size_t i = 0, digits = 0;

    l->whole = l->fraction = 0;
    while (i < price.len && price.p[i] == '0')
        i++;
    for (; i < price.len && price.p[i] != '.'; i++, digits++)
        if (digits < KEY_DIGITS)
            l->whole = l->whole * 10 + (uint64_t)(price.p[i] - '0');
    if (digits > KEY_DIGITS)
        l->whole = UINT64_MAX;
    i++;
    for (digits = 0; digits < KEY_DIGITS; digits++, i++)
        l->fraction =
            l->fraction * 10 + (i < price.len ? (uint64_t)(price.p[i] - '0') : 0);
}

/* Text into a level without any. Errors: SF_ENOMEM. */
static enum sf_status set_text(struct level *l, struct sf_level v)
{
    char *to = l->text;

    if (v.price.len + v.quantity.len > INLINE_MAX) {
        to = malloc(v.price.len + v.quantity.len);
        if (!to)
            return SF_ENOMEM;
        memcpy(l->text, &to, sizeof(to));
    }
    l->price_len = (unsigned char)v.price.len;
    l->quantity_len = (unsigned char)v.quantity.len;
    memcpy(to, v.price.p, v.price.len);
    memcpy(to + v.price.len, v.quantity.p, v.quantity.len);
    return SF_OK;
}

/* By price: <0, 0, >0. */
static int compare(const struct level *a, struct sf_str a_price, const struct level *b)
{
    if (a->whole != b->whole)
        return a->whole < b->whole ? -1 : 1;
    if (a->whole != UINT64_MAX && a->fraction != b->fraction)
        return a->fraction < b->fraction ? -1 : 1;
    if (a->whole != UINT64_MAX && a_price.len <= KEY_DIGITS && b->price_len <= KEY_DIGITS)
        return 0;
    return sf_dec_cmp(a_price, price_of(b));
}

/* ------------------------------------------------------------------------------- side */

/* Where the price of @key stands or would stand; *ret_is_there tells which. */
static size_t find(const struct sf_book *book, enum sf_side side, const struct level *key,
                   struct sf_str price, bool *ret_is_there)
{
    const struct side *s = &book->sides[side];
    size_t low = 0, high = s->n;

    *ret_is_there = false;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = compare(key, price, &s->at[mid]);

        if (order == 0) {
            *ret_is_there = true;
            return mid;
        }
        if ((side == SF_BIDS) == (order > 0))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static enum sf_status make_room(const struct sf_book *book, struct side *s,
                                struct sf_error *err)
{
    size_t cap = s->cap > 0 ? s->cap * 2 : FIRST_CAP;
    struct level *at;

    if (s->n == book->levels_max)
        return sf_error_set(err, SF_ETOOBIG, "more than %zu levels on a side",
                            book->levels_max);
    if (s->n < s->cap)
        return SF_OK;
    at = realloc(s->at, cap * sizeof(*at));
    if (!at)
        return sf_error_set(err, SF_ENOMEM, "no memory for %zu levels", cap);
    s->at = at;
    s->cap = cap;
    return SF_OK;
}

static void remove_at(struct side *s, size_t i)
{
    release_level(&s->at[i]);
    s->n--;
    memmove(&s->at[i], &s->at[i + 1], (s->n - i) * sizeof(s->at[0]));
}

enum sf_status sf_book_set(struct sf_book *book, enum sf_side side, struct sf_level level,
                           struct sf_error *err)
{
    struct side *s = &book->sides[side];
    struct level l;
    enum sf_status status = SF_OK;
    bool is_there;
    size_t i;

    set_key(&l, level.price);
    i = find(book, side, &l, level.price, &is_there);
    if (sf_dec_is_zero(level.quantity)) {
        if (is_there)
            remove_at(s, i);
        return SF_OK;
    }
    if (!is_there)
        status = make_room(book, s, err);
    if (status != SF_OK)
        return status;
    if (set_text(&l, level) != SF_OK)
        return sf_error_set(err, SF_ENOMEM, "no memory for a level");
    if (is_there) {
        release_level(&s->at[i]);
    } else {
        memmove(&s->at[i + 1], &s->at[i], (s->n - i) * sizeof(s->at[0]));
        s->n++;
    }
    s->at[i] = l;
    return SF_OK;
}

enum sf_status sf_book_apply(struct sf_book *book, const struct sf_depth *depth,
                             struct sf_error *err)
{
    const struct sf_levels *sides[SF_SIDES] = { &depth->bids, &depth->asks };

    for (int side = SF_BIDS; side < SF_SIDES; side++) {
        struct sf_levels_walk walk = sf_levels_begin(sides[side]);
        struct sf_level level;

        while (sf_levels_next(&walk, &level)) {
            enum sf_status status = sf_book_set(book, (enum sf_side)side, level, err);

            if (status != SF_OK)
                return status;
        }
    }
    return SF_OK;
}

/* ------------------------------------------------------------------------------- book */

enum sf_status sf_book_create(size_t levels_max, struct sf_book **ret_book,
                              struct sf_error *err)
{
    struct sf_book *book = calloc(1, sizeof(*book));

    if (!book)
        return sf_error_set(err, SF_ENOMEM, "no memory for a book");
    book->levels_max = levels_max;
    *ret_book = book;
    return SF_OK;
}

void sf_book_clear(struct sf_book *book)
{
    for (int side = SF_BIDS; side < SF_SIDES; side++) {
        struct side *s = &book->sides[side];

        for (size_t i = 0; i < s->n; i++)
            release_level(&s->at[i]);
        s->n = 0;
    }
}

void sf_book_destroy(struct sf_book *book)
{
    if (!book)
        return;
    sf_book_clear(book);
    free(book->sides[SF_BIDS].at);
    free(book->sides[SF_ASKS].at);
    free(book);
}

size_t sf_book_n(const struct sf_book *book, enum sf_side side)
{
    return book->sides[side].n;
}

struct sf_level sf_book_level(const struct sf_book *book, enum sf_side side, size_t i)
{
    const struct side *s = &book->sides[side];

    return view(&s->at[s->n - 1 - i]);
}

size_t sf_book_print(const struct sf_book *book, enum sf_side side, size_t n,
                     struct sf_buf *b)
{
    if (n > book->sides[side].n)
        n = book->sides[side].n;
    sf_buf_add_char(b, '[');
    for (size_t i = 0; i < n; i++) {
        struct sf_level l = sf_book_level(book, side, i);

        sf_buf_add_str(b, i > 0 ? SF_STR(",[\"") : SF_STR("[\""));
        sf_buf_add_str(b, l.price);
        sf_buf_add_lit(b, "\",\"");
        sf_buf_add_str(b, l.quantity);
        sf_buf_add_lit(b, "\"]");
    }
    sf_buf_add_char(b, ']');
    return n;
}

/* Is the best level of @l left that is within @limit? */
static bool is_within(const struct side *s, size_t left, enum sf_side side,
                      const struct level *key, struct sf_str limit)
{
    int order;

    if (left == 0 || limit.len == 0)
        return left > 0;
    order = compare(key, limit, &s->at[left - 1]);
    return side == SF_BIDS ? order <= 0 : order >= 0;
}

/* Which of two next levels is the better one: <0 a, >0 b, 0 the same price. */
static int better(enum sf_side side, const struct level *a, const struct level *b)
{
    int order = compare(a, price_of(a), b);

    return side == SF_BIDS ? -order : order;
}

size_t sf_book_differ(const struct sf_book *a, const struct sf_book *b, enum sf_side side,
                      struct sf_str limit)
{
    const struct side *x = &a->sides[side], *y = &b->sides[side];
    size_t i = x->n, k = y->n, differ = 0;
    struct level key = { 0 };

    set_key(&key, limit);
    for (;;) {
        bool has_x = is_within(x, i, side, &key, limit);
        bool has_y = is_within(y, k, side, &key, limit);
        int order = has_x && has_y ? better(side, &x->at[i - 1], &y->at[k - 1])
                                   : (int)has_y - (int)has_x;

        if (!has_x && !has_y)
            return differ;
        if (order != 0 ||
            sf_dec_cmp(view(&x->at[i - 1]).quantity, view(&y->at[k - 1]).quantity) != 0)
            differ++;
        i -= order <= 0;
        k -= order >= 0;
    }
}
