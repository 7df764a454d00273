#include "runner.h"

#include <sf/limit.h>

#include <string.h>

#define MS       INT64_C(1000)
#define START_MS 1000000 /* our monotonic clock when a case begins */

/* What happens to a budget of 100 a minute at 70 %, one after another. */
enum op { END, TAKE, ANSWER, BLOCK, PUBLISH };

struct step {
    enum op op;
    int at_ms;   /* since the case began */
    int weight;  /* TAKE, ANSWER; wait_ms of BLOCK; limit of PUBLISH */
    int used;    /* ANSWER: -1 not said */
    int end_ms;  /* ANSWER: to the window's end; PUBLISH: window, 0 a minute */
    int want_ms; /* TAKE: the wait */
};

/* clang-format off */
static const struct {
    const char *what;
    struct step steps[14];
} cases[] = {
    { "up to the share, then until the window ends", {
        { TAKE, 0, 40, 0, 0, 0 },
        { TAKE, 0, 30, 0, 0, 0 },
        { TAKE, 0, 1, 0, 0, 60000 },
        { TAKE, 59999, 1, 0, 0, 1 } } },
    { "in flight counts until the answer, then the exchange's number", {
        { TAKE, 0, 60, 0, 0, 0 },
        { ANSWER, 100, 60, 60, 30000, 0 },
        { TAKE, 100, 10, 0, 0, 0 },
        { TAKE, 100, 1, 0, 0, 30000 } } },
    { "others' use counts", {
        { TAKE, 0, 2, 0, 0, 0 },
        { ANSWER, 10, 2, 69, 5000, 0 },
        { TAKE, 20, 2, 0, 0, 4990 },
        { TAKE, 20, 1, 0, 0, 0 } } },
    { "a window that ended takes its use with it", {
        { TAKE, 0, 70, 0, 0, 0 },
        { ANSWER, 10, 70, 70, 990, 0 },
        { TAKE, 999, 1, 0, 0, 1 },
        { TAKE, 1000, 70, 0, 0, 0 },
        { TAKE, 1001, 1, 0, 0, 59999 } } },
    { "what is in flight stays booked over the window's end", {
        { TAKE, 0, 2, 0, 0, 0 },
        { TAKE, 0, 60, 0, 0, 0 },
        { ANSWER, 10, 2, 2, 990, 0 },
        { TAKE, 1000, 11, 0, 0, 60000 },
        { TAKE, 1000, 10, 0, 0, 0 } } },
    { "an answer that was overtaken does not count down", {
        { TAKE, 0, 2, 0, 0, 0 },
        { TAKE, 0, 2, 0, 0, 0 },
        { ANSWER, 10, 2, 68, 5000, 0 },
        { ANSWER, 11, 2, 66, 4999, 0 },
        { TAKE, 20, 2, 0, 0, 0 },
        { TAKE, 20, 1, 0, 0, 4990 } } },
    { "the first answer of the exchange's next window counts afresh", {
        { TAKE, 0, 2, 0, 0, 0 },
        { ANSWER, 10, 2, 70, 5000, 0 },
        { TAKE, 20, 2, 0, 0, 4990 },
        { TAKE, 5010, 2, 0, 0, 0 },
        { ANSWER, 5020, 2, 2, 59000, 0 },
        { TAKE, 5030, 68, 0, 0, 0 },
        { TAKE, 5030, 1, 0, 0, 58990 } } },
    { "its window ended before ours, by an answer under way", {
        { TAKE, 0, 2, 0, 0, 0 },
        { TAKE, 0, 2, 0, 0, 0 },
        { ANSWER, 10, 2, 68, 5000, 0 },
        { ANSWER, 4900, 2, 2, 60000, 0 },
        { TAKE, 4901, 68, 0, 0, 0 },
        { TAKE, 4901, 1, 0, 0, 59999 } } },
    { "an answer without a number counts its weight", {
        { TAKE, 0, 40, 0, 0, 0 },
        { ANSWER, 10, 40, -1, 60000, 0 },
        { TAKE, 20, 30, 0, 0, 0 },
        { TAKE, 20, 1, 0, 0, 59980 } } },
    { "one over the whole share goes alone", {
        { TAKE, 0, 71, 0, 0, 0 },
        { TAKE, 0, 1, 0, 0, 60000 },
        { ANSWER, 10, 71, 71, 59000, 0 },
        { TAKE, 20, 71, 0, 0, 58990 },
        { TAKE, 59010, 71, 0, 0, 0 } } },
    { "a block holds all", {
        { BLOCK, 0, 5000, 0, 0, 0 },
        { TAKE, 0, 1, 0, 0, 5000 },
        { TAKE, 4999, 1, 0, 0, 1 },
        { TAKE, 5000, 1, 0, 0, 0 } } },
    { "a shorter block does not shorten", {
        { BLOCK, 0, 120000, 0, 0, 0 },
        { BLOCK, 10, 1000, 0, 0, 0 },
        { TAKE, 20, 1, 0, 0, 119980 },
        { ANSWER, 30, 0, 0, 10, 0 },
        { TAKE, 61000, 1, 0, 0, 59000 } } },
    { "a longer block lengthens", {
        { BLOCK, 0, 1000, 0, 0, 0 },
        { BLOCK, 500, 2000, 0, 0, 0 },
        { TAKE, 1000, 1, 0, 0, 1500 } } },
    { "a published limit counts at once", {
        { TAKE, 0, 70, 0, 0, 0 },
        { PUBLISH, 0, 200, 0, 0, 0 },
        { TAKE, 0, 70, 0, 0, 0 },
        { TAKE, 0, 1, 0, 0, 60000 },
        { PUBLISH, 0, 10, 0, 0, 0 },
        { TAKE, 0, 1, 0, 0, 60000 } } },
    { "a published window counts at once, what was used stays", {
        { TAKE, 0, 70, 0, 0, 0 },
        { ANSWER, 10, 70, 70, 59000, 0 },
        { PUBLISH, 20, 100, 0, 2000, 0 },
        { TAKE, 20, 1, 0, 0, 2000 },
        { TAKE, 2020, 70, 0, 0, 0 },
        { TAKE, 2020, 1, 0, 0, 2000 } } },
};
/* clang-format on */

START_TEST(budget_is_kept)
{
    struct sf_limit l;

    sf_limit_init(&l, 100, 60000 * MS, 70);
    for (int i = 0; cases[_i].steps[i].op != END; i++) {
        const struct step *s = &cases[_i].steps[i];
        int64_t now_us = (START_MS + s->at_ms) * MS;

        switch (s->op) {
        case TAKE:
            ck_assert_msg(sf_limit_take(&l, s->weight, now_us) == s->want_ms * MS,
                          "%s: step %d", cases[_i].what, i);
            break;
        case ANSWER:
            sf_limit_answer(&l, s->weight, s->used, s->end_ms * MS, now_us);
            break;
        case BLOCK:
            sf_limit_block(&l, s->weight * MS, now_us);
            break;
        case PUBLISH:
            sf_limit_publish(&l, s->weight, (s->end_ms > 0 ? s->end_ms : 60000) * MS);
            break;
        case END:
            break;
        }
        ck_assert_int_ge(l.in_flight, 0);
    }
}
END_TEST

/* ------------------------------------------------- many processes, one address */

#define WINDOW_MS 60000
#define LIMIT     6000
#define WEIGHT    2
#define LOADERS   20
#define PAGES     4 /* in flight of each */
#define MINUTES   4
#define BEGIN_MS  37000 /* of the exchange's clock: inside a window */

struct exchange {
    int64_t window, used, max_used, refused, windows[MINUTES + 2];
};

struct page {
    enum { IDLE, GOING, COMING } state;
    int64_t due_ms, used, served_ms;
};

struct loader {
    struct sf_limit limit;
    int64_t begins_ms, wakes_ms;
    struct page pages[PAGES];
};

static uint32_t random_below(uint32_t *seed, uint32_t n)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % n;
}

static void serve(struct exchange *x, struct page *page, int64_t now_ms)
{
    if (now_ms / WINDOW_MS != x->window) {
        x->window = now_ms / WINDOW_MS;
        x->used = 0;
    }
    x->used += WEIGHT;
    x->windows[x->window] += WEIGHT;
    x->refused += x->used > LIMIT;
    x->max_used = x->used > x->max_used ? x->used : x->max_used;
    page->used = x->used;
    page->served_ms = now_ms;
}

/* As rest.c reads the end of the window from the Date header, which has whole seconds. */
static int64_t to_end_us(const struct page *page)
{
    int64_t date_ms = page->served_ms / 1000 * 1000;

    return (WINDOW_MS - date_ms % WINDOW_MS) * MS;
}

static void move(struct loader *l, struct page *page, struct exchange *x, int64_t now_ms,
                 uint32_t *seed)
{
    int64_t wait_us;

    switch (page->state) {
    case IDLE:
        if (now_ms < l->begins_ms || now_ms < l->wakes_ms)
            return;
        wait_us = sf_limit_take(&l->limit, WEIGHT, now_ms * MS);
        if (wait_us > 0) {
            l->wakes_ms = now_ms + wait_us / MS + 1;
            return;
        }
        page->state = GOING;
        page->due_ms = now_ms + 5 + random_below(seed, 150);
        return;
    case GOING:
        if (now_ms < page->due_ms)
            return;
        serve(x, page, now_ms);
        page->state = COMING;
        page->due_ms = now_ms + 5 + random_below(seed, 150);
        return;
    case COMING:
        if (now_ms < page->due_ms)
            return;
        sf_limit_answer(&l->limit, WEIGHT, page->used, to_end_us(page), now_ms * MS);
        page->state = IDLE;
        return;
    }
}

static const struct {
    const char *what;
    int spread_ms;       /* all begin within this time */
    int share;           /* percent */
    int foreign_per_min; /* weight that others use, evenly */
} crowds[] = {
    { "all in the same instant", 1, 70, 0 },
    { "one after another", 30000, 70, 0 },
    { "at nine tenths", 5000, 90, 0 },
    { "beside a program that knows no limit", 5000, 70, 1500 },
};

START_TEST(twenty_loaders_stay_under_one_limit)
{
    static struct loader loaders[LOADERS];
    struct exchange x = { 0 };
    uint32_t seed = 20240601u + (uint32_t)_i;
    int64_t end_ms = BEGIN_MS + MINUTES * WINDOW_MS;

    memset(loaders, 0, sizeof(loaders));
    for (int i = 0; i < LOADERS; i++) {
        sf_limit_init(&loaders[i].limit, LIMIT, WINDOW_MS * MS, crowds[_i].share);
        loaders[i].begins_ms =
            BEGIN_MS + random_below(&seed, (uint32_t)crowds[_i].spread_ms);
    }
    for (int64_t now_ms = BEGIN_MS; now_ms < end_ms; now_ms++) {
        struct page foreign;

        for (int i = 0; i < LOADERS; i++)
            for (int p = 0; p < PAGES; p++)
                move(&loaders[i], &loaders[i].pages[p], &x, now_ms, &seed);
        if (crowds[_i].foreign_per_min > 0 &&
            now_ms % (WINDOW_MS * WEIGHT / crowds[_i].foreign_per_min) == 0)
            serve(&x, &foreign, now_ms);
    }
    ck_assert_msg(x.refused == 0, "%s: %lld refused", crowds[_i].what,
                  (long long)x.refused);
    /* and the budget is used: each whole window up to the share */
    for (int w = 1; w < MINUTES; w++)
        ck_assert_msg(
            x.windows[w] >= LIMIT * crowds[_i].share / 100 - LOADERS * PAGES * WEIGHT,
            "%s: window %d used %lld", crowds[_i].what, w, (long long)x.windows[w]);
}
END_TEST

static void limit_cases(Suite *s)
{
    TCase *tc = tcase_create("limit");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, budget_is_kept, 0, COUNT(cases));
    tcase_add_loop_test(tc, twenty_loaders_stay_under_one_limit, 0, COUNT(crowds));
    suite_add_tcase(s, tc);
}

RUN_SUITE("limit", limit_cases)
