/* Records of order books, in parts where one would be larger than a message may be. */
#include "record_internal.h"

#include <string.h>

#define HEAD_MAX    1024 /* a record without its levels; names have at most 255 bytes */
#define LEVEL_EXTRA 8    /* ["",""], around price and quantity */
#define ID_DIGITS   16   /* of the update id in a key, so that keys sort by it */

static const struct {
    const char *name;
    char letter;
} kinds[] = {
    [SF_BOOK_SNAPSHOT] = { "snapshot", 's' },
    [SF_BOOK_DELTA] = { "delta", 'd' },
    [SF_BOOK_RESET] = { "reset", 'r' },
};

/* Levels of @side into @b (NULL: only walk) while they fit *room. */
static void add_side(struct sf_book_parts *p, enum sf_side side, size_t *room,
                     struct sf_buf *b)
{
    bool is_first = true;

    while (p->left[side] > 0) {
        struct sf_levels_walk here = p->walk[side];
        struct sf_level l;

        if (!sf_levels_next(&p->walk[side], &l))
            break;
        if (l.price.len + l.quantity.len + LEVEL_EXTRA > *room) {
            p->walk[side] = here;
            return;
        }
        *room -= l.price.len + l.quantity.len + LEVEL_EXTRA;
        p->left[side]--;
        if (!b)
            continue;
        sf_buf_add_str(b, is_first ? SF_STR("[\"") : SF_STR(",[\""));
        is_first = false;
        sf_buf_add_str(b, l.price);
        sf_buf_add_lit(b, "\",\"");
        sf_buf_add_str(b, l.quantity);
        sf_buf_add_lit(b, "\"]");
    }
}

static void add_levels(struct sf_book_parts *p, struct sf_buf *b)
{
    static const struct sf_str names[] = {
        [SF_BIDS] = { ",\"bids\":", 8 }, [SF_ASKS] = { ",\"asks\":", 8 }
    };
    const struct sf_levels *all[] = {
        [SF_BIDS] = &p->event->bids, [SF_ASKS] = &p->event->asks
    };
    size_t room = SF_BOOK_PART_BYTES - HEAD_MAX;

    for (int side = SF_BIDS; side < SF_SIDES; side++) {
        if (b)
            sf_buf_add_str(b, names[side]);
        if (b && p->parts_n == 1 && all[side]->is_compact) {
            sf_buf_add_str(b, all[side]->text);
            p->left[side] = 0;
            continue;
        }
        if (b)
            sf_buf_add_char(b, '[');
        add_side(p, (enum sf_side)side, &room, b);
        if (b)
            sf_buf_add_char(b, ']');
    }
}

static unsigned count_parts(struct sf_book_parts p)
{
    unsigned n = 0;

    do {
        add_levels(&p, NULL);
        n++;
    } while (p.left[SF_BIDS] + p.left[SF_ASKS] > 0);
    return n;
}

struct sf_book_parts sf_record_book(const struct sf_book_event *event)
{
    struct sf_book_parts p = { .event = event, .part = 0, .parts_n = 1 };

    if (event->kind == SF_BOOK_RESET)
        return p;
    p.walk[SF_BIDS] = sf_levels_begin(&event->bids);
    p.walk[SF_ASKS] = sf_levels_begin(&event->asks);
    p.left[SF_BIDS] = event->bids.n;
    p.left[SF_ASKS] = event->asks.n;
    if (event->bids.text.len + event->asks.text.len > SF_BOOK_PART_BYTES - HEAD_MAX)
        p.parts_n = count_parts(p);
    return p;
}

static void add_id(struct sf_buf *b, int64_t id)
{
    char digits[ID_DIGITS];

    if (id >= INT64_C(10000000000000000)) { /* longer: as it is */
        sf_buf_add_i64(b, id);
        return;
    }
    for (int i = ID_DIGITS - 1; i >= 0; i--, id /= 10)
        digits[i] = (char)('0' + id % 10);
    sf_buf_add(b, digits, sizeof(digits));
}

static void add_key(struct sf_buf *b, const struct sf_record_common *c,
                    const struct sf_book_parts *p)
{
    const struct sf_book_event *e = p->event;

    sf_buf_add_lit(b, "{\"_key\":\"");
    sf_buf_add_str(b, c->key_prefix);
    sf_buf_add_char(b, '_');
    sf_buf_add_char(b, kinds[e->kind].letter);
    sf_buf_add_char(b, '_');
    add_id(b, e->last_id);
    if (e->kind != SF_BOOK_DELTA) {
        sf_buf_add_char(b, '_');
        sf_buf_add_i64(b, e->time_ms);
    }
    if (e->top > 0)
        sf_buf_addf(b, "_t%lld", (long long)e->top);
    if (p->parts_n > 1)
        sf_buf_addf(b, "_p%03u", p->part);
    sf_buf_add_char(b, '"');
}

bool sf_record_book_next(struct sf_book_parts *p, const struct sf_record_common *c,
                         struct sf_buf *b)
{
    const struct sf_book_event *e = p->event;

    if (p->part == p->parts_n)
        return false;
    p->part++;
    add_key(b, c, p);
    sf_record_add_common(b, c);
    ADD_TEXT(b, "event", sf_str_from(kinds[e->kind].name));
    ADD_INT(b, "timestamp", e->time_ms);
    if (e->kind == SF_BOOK_DELTA)
        ADD_INT(b, "first_update_id", e->first_id);
    ADD_INT(b, "last_update_id", e->last_id);
    if (e->kind == SF_BOOK_RESET) {
        ADD_TEXT(b, "cause", e->cause);
    } else {
        add_levels(p, b);
        if (e->top > 0)
            ADD_INT(b, "top", e->top);
    }
    if (p->parts_n > 1) {
        ADD_INT(b, "part", p->part);
        ADD_INT(b, "parts", p->parts_n);
    }
    sf_buf_add_char(b, '}');
    return true;
}
