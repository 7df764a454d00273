#include "oom.h"
#include "runner.h"

#include <sf/book.h>
#include <sf/dec.h>

#include <stdio.h>

#define ROOM 100000

static struct sf_level level(const char *price, const char *quantity)
{
    return (struct sf_level){ sf_str_from(price), sf_str_from(quantity) };
}

static struct sf_book *book_new(size_t levels_max)
{
    struct sf_book *book = NULL;

    ck_assert_int_eq(sf_book_create(levels_max, &book, NULL), SF_OK);
    return book;
}

/* "p=q p=q ..." */
static void set_all(struct sf_book *book, enum sf_side side, const char *levels)
{
    struct sf_str rest = sf_str_from(levels);

    while (rest.len > 0) {
        struct sf_level l;

        l.price = sf_str_cut(sf_str_cut(rest, ' ', &rest), '=', &l.quantity);
        ck_assert_int_eq(sf_book_set(book, side, l, NULL), SF_OK);
    }
}

static void assert_side(const struct sf_book *book, enum sf_side side, const char *want)
{
    struct sf_buf got;

    sf_buf_init(&got, 65536);
    ck_assert_uint_eq(sf_book_print(book, side, SIZE_MAX, &got), sf_book_n(book, side));
    ck_assert_str_eq(sf_buf_cstr(&got), want);
    sf_buf_release(&got);
}

#define LONG "1234567890123456789.123456789012345678901"

static const struct {
    const char *set, *want_bids, *want_asks; /* the same levels on both sides */
} books[] = {
    { "", "[]", "[]" },
    { "1=2", "[[\"1\",\"2\"]]", "[[\"1\",\"2\"]]" },
    { "2=1 10=1 1.5=1", "[[\"10\",\"1\"],[\"2\",\"1\"],[\"1.5\",\"1\"]]",
      "[[\"1.5\",\"1\"],[\"2\",\"1\"],[\"10\",\"1\"]]" },
    { "1=2 1=3", "[[\"1\",\"3\"]]", "[[\"1\",\"3\"]]" },
    { "1.0=2 01.00=3", "[[\"01.00\",\"3\"]]", "[[\"01.00\",\"3\"]]" }, /* one price */
    { "1=2 2=3 1=0.00000000", "[[\"2\",\"3\"]]", "[[\"2\",\"3\"]]" },
    { "1=0 2=3 5=0", "[[\"2\",\"3\"]]", "[[\"2\",\"3\"]]" },
    { "0=1 0.00000001=2", "[[\"0.00000001\",\"2\"],[\"0\",\"1\"]]",
      "[[\"0\",\"1\"],[\"0.00000001\",\"2\"]]" },
    /* prices that differ where neither a double nor 18 digits would tell */
    { "0.1234567890123456781=1 0.1234567890123456782=2",
      "[[\"0.1234567890123456782\",\"2\"],[\"0.1234567890123456781\",\"1\"]]",
      "[[\"0.1234567890123456781\",\"1\"],[\"0.1234567890123456782\",\"2\"]]" },
    { "9007199254740993=1 9007199254740992=2",
      "[[\"9007199254740993\",\"1\"],[\"9007199254740992\",\"2\"]]",
      "[[\"9007199254740992\",\"2\"],[\"9007199254740993\",\"1\"]]" },
    { LONG "2=1 " LONG "1=2 999999999999999999=3 2234567890123456789=4",
      "[[\"2234567890123456789\",\"4\"],[\"" LONG "2\",\"1\"],[\"" LONG
      "1\",\"2\"],[\"999999999999999999\",\"3\"]]",
      "[[\"999999999999999999\",\"3\"],[\"" LONG "1\",\"2\"],[\"" LONG
      "2\",\"1\"],[\"2234567890123456789\",\"4\"]]" },
    { LONG "1=2 " LONG "1=" LONG " " LONG "10=0", "[]", "[]" },
};

START_TEST(levels_stand_best_first)
{
    struct sf_book *book = book_new(ROOM);

    set_all(book, SF_BIDS, books[_i].set);
    set_all(book, SF_ASKS, books[_i].set);
    assert_side(book, SF_BIDS, books[_i].want_bids);
    assert_side(book, SF_ASKS, books[_i].want_asks);
    sf_book_clear(book);
    assert_side(book, SF_BIDS, "[]");
    sf_book_destroy(book);
}
END_TEST

START_TEST(the_best_n_are_printed)
{
    struct sf_book *book = book_new(ROOM);
    struct sf_buf got;

    sf_buf_init(&got, 4096);
    set_all(book, SF_BIDS, "1=1 2=2 3=3");
    ck_assert_uint_eq(sf_book_print(book, SF_BIDS, 2, &got), 2);
    ck_assert_str_eq(sf_buf_cstr(&got), "[[\"3\",\"3\"],[\"2\",\"2\"]]");
    sf_buf_clear(&got);
    ck_assert_uint_eq(sf_book_print(book, SF_BIDS, 0, &got), 0);
    ck_assert_uint_eq(sf_book_print(book, SF_ASKS, 5, &got), 0);
    ck_assert_str_eq(sf_buf_cstr(&got), "[][]");
    sf_buf_release(&got);
    sf_book_destroy(book);
}
END_TEST

START_TEST(a_side_has_a_ceiling)
{
    struct sf_book *book = book_new(2);
    struct sf_error err = { 0 };

    set_all(book, SF_ASKS, "1=1 2=2");
    ck_assert_int_eq(sf_book_set(book, SF_ASKS, level("3", "3"), &err), SF_ETOOBIG);
    ck_assert_str_eq(err.text, "more than 2 levels on a side");
    set_all(book, SF_ASKS, "2=5 1=0 4=4"); /* changes and removals go on */
    assert_side(book, SF_ASKS, "[[\"2\",\"5\"],[\"4\",\"4\"]]");
    set_all(book, SF_BIDS, "1=1"); /* the other side has its own */
    sf_book_destroy(book);
}
END_TEST

START_TEST(without_memory_a_level_is_unchanged)
{
    struct sf_book *book = NULL;
    enum sf_status status;
    bool has_failed;

    oom_fail_at(0);
    ck_assert_int_eq(sf_book_create(ROOM, &book, NULL), SF_ENOMEM);
    ck_assert(oom_has_failed() && !book);
    book = book_new(ROOM);
    oom_fail_at(0);
    ck_assert_int_eq(sf_book_set(book, SF_BIDS, level("1", "1"), NULL), SF_ENOMEM);
    ck_assert(oom_has_failed());
    set_all(book, SF_BIDS, "1=1");
    oom_fail_at(0);
    status = sf_book_set(book, SF_BIDS, level("1.0", LONG), NULL);
    has_failed = oom_has_failed();
    ck_assert(status == SF_OK && !has_failed); /* 44 characters still lie in the level */
    oom_fail_at(0);
    ck_assert_int_eq(sf_book_set(book, SF_BIDS, level("1.00000", LONG), NULL), SF_ENOMEM);
    ck_assert(oom_has_failed());
    assert_side(book, SF_BIDS, "[[\"1.0\",\"" LONG "\"]]");
    sf_book_destroy(book);
}
END_TEST

static const struct {
    const char *a, *b, *limit;
    enum sf_side side;
    size_t want;
} pairs[] = {
    { "", "", "", SF_BIDS, 0 },
    { "1=1 2=2", "2=2 1=1", "", SF_BIDS, 0 },
    { "1=1.0", "1.00=1", "", SF_ASKS, 0 },
    { "1=1 2=2", "1=1 2=3", "", SF_BIDS, 1 },
    { "1=1 2=2", "1=1", "", SF_BIDS, 1 },
    { "1=1", "1=1 2=2", "", SF_ASKS, 1 },
    { "1=1 3=3", "2=2 4=4", "", SF_BIDS, 4 },
    { "1=1 3=3", "2=2 4=4", "", SF_ASKS, 4 },
    { "1=1 3=3", "2=2 4=4", "2", SF_ASKS, 2 }, /* 1 and 2 */
    { "1=1 3=3", "2=2 4=4", "2", SF_BIDS, 3 }, /* 4, 3, 2 */
    { "1=1 3=3", "2=2 4=4", "2.5", SF_BIDS, 2 },
    { "1=1 2=2 3=3", "2=2 3=3", "2", SF_BIDS, 0 },
    { "5=5", "", "4", SF_ASKS, 0 },
};

START_TEST(different_levels_are_counted)
{
    struct sf_book *a = book_new(ROOM), *b = book_new(ROOM);

    set_all(a, pairs[_i].side, pairs[_i].a);
    set_all(b, pairs[_i].side, pairs[_i].b);
    ck_assert_uint_eq(sf_book_differ(a, b, pairs[_i].side, sf_str_from(pairs[_i].limit)),
                      pairs[_i].want);
    ck_assert_uint_eq(sf_book_differ(b, a, pairs[_i].side, sf_str_from(pairs[_i].limit)),
                      pairs[_i].want);
    sf_book_destroy(a);
    sf_book_destroy(b);
}
END_TEST

/* ------------------------------------------------------------------------------ model */

#define MODEL_MAX 64

struct model {
    char price[MODEL_MAX][80], quantity[MODEL_MAX][80];
    int n;
};

static uint64_t mix(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

static void model_set(struct model *m, const char *price, const char *quantity)
{
    bool is_zero = strspn(quantity, "0.") == strlen(quantity);
    int i = 0;

    while (i < m->n && sf_dec_cmp(sf_str_from(m->price[i]), sf_str_from(price)) != 0)
        i++;
    if (is_zero && i < m->n) {
        m->n--;
        memcpy(m->price[i], m->price[m->n], sizeof(m->price[i]));
        memcpy(m->quantity[i], m->quantity[m->n], sizeof(m->quantity[i]));
    }
    if (is_zero)
        return;
    if (i == m->n)
        m->n++;
    (void)snprintf(m->price[i], sizeof(m->price[i]), "%s", price);
    (void)snprintf(m->quantity[i], sizeof(m->quantity[i]), "%s", quantity);
}

/* A few prices, so that they meet often; some of them with more digits than a key has,
 * some written in different ways. */
static void random_price(uint64_t *seed, char *to, size_t size)
{
    int whole = (int)(mix(seed) % 3), fraction = (int)(mix(seed) % 3);

    switch (mix(seed) % 7) {
    case 0:
        (void)snprintf(to, size, "%d.%d", whole, fraction);
        break;
    case 1:
        (void)snprintf(to, size, "%d.%d00", whole, fraction);
        break;
    case 2:
        (void)snprintf(to, size, "00%d.%d", whole, fraction);
        break;
    case 3:
        (void)snprintf(to, size, "%d.1234567890123456789%d", whole, fraction);
        break;
    case 4:
        (void)snprintf(to, size, "123456789012345678%d.%d", whole, fraction);
        break;
    case 5:
        (void)snprintf(to, size, "1234567890123456789012345678%d.%d", whole, fraction);
        break;
    default:
        (void)snprintf(to, size, "%d.000000000000000000000000000000%d", whole, fraction);
    }
}

static void assert_model(const struct sf_book *book, enum sf_side side,
                         const struct model *m)
{
    ck_assert_uint_eq(sf_book_n(book, side), (size_t)m->n);
    for (int i = 0; i < m->n; i++) {
        struct sf_level l = sf_book_level(book, side, (size_t)i);
        int k = 0;

        while (k < m->n && !sf_str_eq(l.price, sf_str_from(m->price[k])))
            k++;
        ck_assert_int_lt(k, m->n);
        ck_assert(sf_str_eq(l.quantity, sf_str_from(m->quantity[k])));
        if (i > 0) {
            int order =
                sf_dec_cmp(sf_book_level(book, side, (size_t)i - 1).price, l.price);

            ck_assert(side == SF_BIDS ? order > 0 : order < 0);
        }
    }
}

START_TEST(a_book_is_what_a_plain_list_says)
{
    struct model m[SF_SIDES] = { 0 };
    struct sf_book *book = book_new(ROOM);
    uint64_t seed = (uint64_t)_i + 1;
    char price[80], quantity[80];

    for (int step = 0; step < 3000; step++) {
        enum sf_side side = mix(&seed) % 2 ? SF_BIDS : SF_ASKS;

        random_price(&seed, price, sizeof(price));
        if (mix(&seed) % 3 == 0)
            (void)snprintf(quantity, sizeof(quantity), "%s", "0.0");
        else
            random_price(&seed, quantity, sizeof(quantity));
        model_set(&m[side], price, quantity);
        ck_assert_int_eq(sf_book_set(book, side, level(price, quantity), NULL), SF_OK);
        if (step % 20 == 0)
            assert_model(book, side, &m[side]);
    }
    assert_model(book, SF_BIDS, &m[SF_BIDS]);
    assert_model(book, SF_ASKS, &m[SF_ASKS]);
    ck_assert_int_gt(m[SF_BIDS].n, 10);
    sf_book_destroy(book);
}
END_TEST

static void book_cases(Suite *s)
{
    TCase *tc = tcase_create("book");

    tcase_add_loop_test(tc, levels_stand_best_first, 0, COUNT(books));
    tcase_add_test(tc, the_best_n_are_printed);
    tcase_add_test(tc, a_side_has_a_ceiling);
    tcase_add_test(tc, without_memory_a_level_is_unchanged);
    tcase_add_loop_test(tc, different_levels_are_counted, 0, COUNT(pairs));
    tcase_add_loop_test(tc, a_book_is_what_a_plain_list_says, 0, 10);
    suite_add_tcase(s, tc);
}

RUN_SUITE("book", book_cases)
