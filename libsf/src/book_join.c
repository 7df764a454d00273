/* Diffs behind a snapshot, by their ids. What is held never has a gap inside: behind one
 * it begins anew, because only a snapshot that is newer than the gap can join. */
#include <sf/book.h>

#include <stdlib.h>
#include <string.h>

struct sf_held {
    struct sf_held *next;
    size_t bytes;
    struct sf_depth diff; /* views into text */
    char text[];
};

void sf_join_init(struct sf_join *j, size_t held_max)
{
    *j = (struct sf_join){ .held_max = held_max, .held_last = -1, .last_id = -1 };
}

static struct sf_held *take_first(struct sf_join *j)
{
    struct sf_held *h = j->first;

    j->held_bytes -= h->bytes;
    j->first = h->next;
    return h;
}

static void drop_held(struct sf_join *j)
{
    while (j->first)
        free(take_first(j));
}

void sf_join_release(struct sf_join *j)
{
    drop_held(j);
    free(j->lent);
    j->lent = NULL;
}

void sf_join_wait(struct sf_join *j)
{
    if (j->is_live && j->last_id > j->held_last)
        j->held_last = j->last_id;
    j->is_live = false;
    j->old_n = 0;
}

void sf_join_reset(struct sf_join *j)
{
    sf_join_wait(j);
    drop_held(j);
    j->held_last = -1;
}

/* ---------------------------------------------------------------------------- holding */

static struct sf_str copy(char **to, struct sf_str s)
{
    struct sf_str at = { *to, s.len };

    memcpy(*to, s.p, s.len);
    *to += s.len;
    return at;
}

static struct sf_held *hold_copy(const struct sf_depth *d)
{
    size_t bytes = d->symbol.len + d->bids.text.len + d->asks.text.len;
    struct sf_held *h = malloc(sizeof(*h) + bytes);
    char *to;

    if (!h)
        return NULL;
    to = h->text;
    h->next = NULL;
    h->bytes = sizeof(*h) + bytes;
    h->diff = *d;
    h->diff.symbol = copy(&to, d->symbol);
    h->diff.bids.text = copy(&to, d->bids.text);
    h->diff.asks.text = copy(&to, d->asks.text);
    return h;
}

/* Without memory the diff is dropped as if the bound were reached: the next snapshot must
 * then reach it. */
void sf_join_hold(struct sf_join *j, const struct sf_depth *d)
{
    struct sf_held *h;

    if (d->last_id <= j->held_last || (j->is_live && d->last_id <= j->last_id))
        return;
    if (j->first && d->first_id > j->held_last + 1)
        drop_held(j);
    j->held_last = d->last_id;
    h = hold_copy(d);
    if (!h) {
        drop_held(j);
        return;
    }
    if (j->first)
        j->last->next = h;
    else
        j->first = h;
    j->last = h;
    j->held_bytes += h->bytes;
    while (j->first && j->held_bytes > j->held_max)
        free(take_first(j));
}

/* ---------------------------------------------------------------------------- judging */

static bool is_next(const struct sf_join *j, const struct sf_depth *d)
{
    return d->first_id <= j->last_id + 1 && d->last_id > j->last_id;
}

static enum sf_join_step gap(struct sf_join *j, const struct sf_depth *d)
{
    sf_join_wait(j);
    if (d->last_id <= j->held_last) { /* ids went back */
        drop_held(j);
        j->held_last = -1;
    }
    sf_join_hold(j, d);
    return SF_JOIN_GAP;
}

enum sf_join_step sf_join_diff(struct sf_join *j, const struct sf_depth *d)
{
    if (!j->is_live || j->first) {
        sf_join_hold(j, d);
        return SF_JOIN_HELD;
    }
    if (d->last_id <= j->last_id) {
        if (++j->old_n > SF_JOIN_OLD_MAX)
            return gap(j, d);
        return SF_JOIN_OLD;
    }
    j->old_n = 0;
    if (!is_next(j, d))
        return gap(j, d);
    j->last_id = d->last_id;
    return SF_JOIN_APPLY;
}

bool sf_join_snapshot(struct sf_join *j, int64_t last_id)
{
    while (j->first && j->first->diff.last_id <= last_id)
        free(take_first(j));
    if (j->first ? j->first->diff.first_id > last_id + 1 : last_id < j->held_last)
        return false;
    j->is_live = true;
    j->last_id = last_id;
    j->old_n = 0;
    if (!j->first)
        j->held_last = -1;
    return true;
}

const struct sf_depth *sf_join_next(struct sf_join *j)
{
    free(j->lent);
    j->lent = NULL;
    while (j->is_live && j->first && j->first->diff.last_id <= j->last_id)
        free(take_first(j));
    if (!j->is_live || !j->first)
        return NULL;
    if (!is_next(j, &j->first->diff)) {
        sf_join_wait(j);
        return NULL;
    }
    j->lent = take_first(j);
    j->last_id = j->lent->diff.last_id;
    if (!j->first)
        j->held_last = -1;
    return &j->lent->diff;
}
