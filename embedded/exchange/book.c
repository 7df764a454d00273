#include "book.h"

#include "render.h"

#include <stdlib.h>

#define IDS_A_STEP 64     /* update ids of a step, at most */
#define LAST_MS    2000   /* within which there is a trade */
#define LOTS_MAX   100000 /* of a level */
#define BUSY       16     /* one level of so many changes every few seconds */

struct book_pair {
    struct book books[2];
    unsigned now; /* index of the newer */
    int64_t first_id;
};

static int64_t step_of(const struct market *m, int64_t time_ms)
{
    return (time_ms - market_listed_ms(m)) / BOOK_STEP_MS;
}

/* Ascends strictly; by 1 to 127 a step. */
static int64_t id_of_step(int64_t step)
{
    return step * IDS_A_STEP + (int64_t)(mix(7, (uint64_t)step) % IDS_A_STEP);
}

/* Lots at @price, 0: no level. A level keeps its lots for a time of its own. */
static int64_t lots_at(int64_t price, int64_t step)
{
    uint64_t r = mix(11, (uint64_t)price);
    uint64_t life = r / 64 % BUSY == 0 ? 30 : 3000; /* steps */

    if (r % 4 != 0)
        return 0;
    r = mix(r, ((uint64_t)step + r / 65536) / (life + r / 1024 % 64));
    return 1 + (int64_t)(r % LOTS_MAX);
}

static size_t fill_side(struct level *side, int64_t best, int sign, int64_t step)
{
    size_t n = 0;

    for (int64_t i = 0; n < BOOK_SIDE_MAX; i++) {
        int64_t price = best + sign * i, lots = lots_at(price, step);

        if (price <= 0)
            break;
        /* the best price always changes, so that no step is without a change */
        if (i == 0)
            lots = 1 + (int64_t)(mix((uint64_t)price, (uint64_t)step) % LOTS_MAX);
        if (lots > 0)
            side[n++] = (struct level){ .price = price, .lots = lots };
    }
    return n;
}

bool book_at(const struct market *m, int64_t time_ms, struct book *ret)
{
    int64_t step = step_of(m, time_ms);
    int64_t at_ms = market_listed_ms(m) + step * BOOK_STEP_MS;
    struct bar last;

    ret->bids_n = ret->asks_n = 0;
    ret->id = 0;
    if (step <= 0 || !market_bar(m, at_ms - LAST_MS, at_ms, &last) || last.close <= 0)
        return false;
    ret->id = id_of_step(step);
    ret->bids_n = fill_side(ret->bids, last.close, -1, step);
    ret->asks_n = fill_side(ret->asks, last.close + 1, 1, step);
    return true;
}

int64_t book_snapshot_id(const struct market *m, int64_t time_ms)
{
    int64_t step = step_of(m, time_ms), id = id_of_step(step);
    int64_t room = id_of_step(step + 1) - id; /* of the next event's ids */

    return step % 4 == 0 ? id + room / 2 : id;
}

/* ------------------------------------------------------------------------------- diffs
 */

struct book_pair *book_pair_create(const struct market *m, int64_t time_ms)
{
    struct book_pair *p = calloc(1, sizeof(*p));

    if (p)
        (void)book_at(m, time_ms, &p->books[0]);
    return p;
}

bool book_pair_step(struct book_pair *p, const struct market *m, int64_t time_ms)
{
    p->first_id = p->books[p->now].id + 1;
    p->now = !p->now;
    return book_at(m, time_ms, &p->books[p->now]);
}

static void add_level(struct sf_buf *b, const struct symbol *s, int64_t price,
                      int64_t lots)
{
    if (b->p[b->len - 1] != '[')
        sf_buf_add_char(b, ',');
    sf_buf_add_char(b, '[');
    render_quoted(b, price, s->price_digits);
    sf_buf_add_char(b, '"');
    render_dec(b, lots, s->lot_digits);
    sf_buf_add_lit(b, "\"]");
}

struct side {
    const struct level *levels;
    size_t n;
};

/* Levels of @now that are not in @old, and lots 0 for those of @old that are gone. Both
 * have the best first: @sign -1 for falling prices. */
static void add_diff(struct sf_buf *b, const struct symbol *s, struct side old,
                     struct side now, int sign)
{
    size_t i = 0, j = 0;

    while (i < old.n || j < now.n) {
        int64_t before = i < old.n ? old.levels[i].price * sign : INT64_MAX;
        int64_t after = j < now.n ? now.levels[j].price * sign : INT64_MAX;

        if (before < after) {
            add_level(b, s, old.levels[i++].price, 0);
        } else if (after < before) {
            add_level(b, s, now.levels[j].price, now.levels[j].lots);
            j++;
        } else {
            if (old.levels[i].lots != now.levels[j].lots)
                add_level(b, s, now.levels[j].price, now.levels[j].lots);
            i++;
            j++;
        }
    }
}

void book_pair_print(const struct book_pair *p, const struct market *m, struct sf_buf *b)
{
    const struct book *old = &p->books[!p->now], *now = &p->books[p->now];
    const struct symbol *s = market_symbol(m);

    sf_buf_addf(b, "\"U\":%lld,\"u\":%lld,\"b\":[", (long long)p->first_id,
                (long long)now->id);
    add_diff(b, s, (struct side){ old->bids, old->bids_n },
             (struct side){ now->bids, now->bids_n }, -1);
    sf_buf_add_lit(b, "],\"a\":[");
    add_diff(b, s, (struct side){ old->asks, old->asks_n },
             (struct side){ now->asks, now->asks_n }, 1);
    sf_buf_add_lit(b, "]}");
}
