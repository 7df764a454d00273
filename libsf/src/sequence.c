#include "sequence.h"

void sequence_init(struct sequence *s, int64_t next)
{
    *s = (struct sequence){ .next = next, .is_open = next >= 0, .run_from = next };
}

static bool has_held(const struct sequence *s)
{
    return s->held_to > s->held_from;
}

static void hold_only(struct sequence *s, int64_t id)
{
    s->held_from = id;
    s->held_to = id + 1;
    s->is_open = false; /* the hole ends where the held records begin */
}

enum sequence_verdict sequence_offer(struct sequence *s, int64_t id)
{
    if (s->next < 0)
        s->next = s->run_from = id;
    if (id < s->next || (has_held(s) && id > s->next && id < s->held_to))
        return SEQUENCE_OLD;
    if (id == s->next && !s->is_blocked && !(has_held(s) && s->held_from == id))
        return SEQUENCE_PUT;
    if (!has_held(s)) {
        hold_only(s, id);
        return SEQUENCE_HOLD;
    }
    if (id == s->held_to) {
        s->held_to++;
        return SEQUENCE_HOLD;
    }
    if (id < s->held_to) /* it is next, and blocked, or held already */
        return SEQUENCE_OLD;
    hold_only(s, id);
    return SEQUENCE_HOLD_NEW;
}

void sequence_overflow(struct sequence *s, int64_t id)
{
    hold_only(s, id);
}

void sequence_drop(struct sequence *s)
{
    s->held_from = s->held_to = 0;
    s->is_open = true;
}

void sequence_miss(struct sequence *s)
{
    if (s->next >= 0 && !has_held(s))
        s->is_open = true;
}

void sequence_took(struct sequence *s, int64_t id, bool is_rest)
{
    if (has_held(s) && s->held_from == id)
        s->held_from++;
    s->next = id + 1;
    if (is_rest) {
        s->rest_n++;
        return;
    }
    s->is_open = false; /* the stream goes on without a hole */
    if (s->rest_n == 0)
        s->run_from = s->next;
}

void sequence_block(struct sequence *s)
{
    s->is_blocked = true;
}

void sequence_unblock(struct sequence *s)
{
    s->is_blocked = false;
}

bool sequence_may_release(const struct sequence *s)
{
    return has_held(s) && s->held_from == s->next && !s->is_blocked;
}

bool sequence_hole(const struct sequence *s, int64_t *ret_from, int64_t *ret_to)
{
    if (s->next < 0 || (!s->is_open && (!has_held(s) || s->held_from == s->next)))
        return false;
    *ret_from = s->next;
    *ret_to = has_held(s) ? s->held_from : SEQUENCE_OPEN;
    return true;
}

int sequence_repaired(struct sequence *s, struct sequence_piece pieces[1])
{
    int n = s->rest_n > 0 ? 1 : 0;

    if (n > 0)
        pieces[0] = (struct sequence_piece){ s->run_from, s->next, true };
    s->rest_n = 0;
    s->run_from = s->next;
    return n;
}

/* Ids from next up to, not including, @to do not exist. */
static int skip(struct sequence *s, int64_t to, struct sequence_piece pieces[2])
{
    int n = sequence_repaired(s, pieces);

    pieces[n++] = (struct sequence_piece){ s->next, to, false };
    s->next = s->run_from = to;
    return n;
}

enum sequence_verdict sequence_offer_rest(struct sequence *s, int64_t id,
                                          struct sequence_piece pieces[2], int *ret_n)
{
    *ret_n = 0;
    if (id < s->next)
        return SEQUENCE_OLD;
    if (has_held(s) && id >= s->held_from)
        return SEQUENCE_BEYOND;
    if (id > s->next)
        *ret_n = skip(s, id, pieces);
    return SEQUENCE_PUT;
}

int sequence_rest_done(struct sequence *s, struct sequence_piece pieces[2])
{
    s->is_open = false;
    if (has_held(s) && s->held_from > s->next)
        return skip(s, s->held_from, pieces);
    return sequence_repaired(s, pieces);
}
