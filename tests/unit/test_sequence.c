#include "libsf/src/sequence.h"
#include "runner.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------------------------------- tables
 */

/* A step is a letter and an id: s the stream brings it and it is taken when it may be,
 * r REST brings it likewise, b the queue behind is full, u it has room, o the id finds
 * the buffer full, d everything held is dropped, m ids may have been missed, e REST is at
 * its end, l the held records that may be are released. @want: what is published, what
 * the ledger is told ([from-to repaired, (from-to missing), and ?from-to for the hole
 * left. */
struct step {
    char what;
    int64_t id;
};

#define STEPS_MAX 16

static const struct {
    const char *what;
    int64_t next;
    struct step steps[STEPS_MAX];
    const char *want;
} cases[] = {
    /* clang-format off */
    { "in order", -1, { { 's', 5 }, { 's', 6 }, { 's', 7 } }, "5 6 7" },
    { "doubles and older ones", -1, { { 's', 5 }, { 's', 5 }, { 's', 6 }, { 's', 4 }, { 's', 6 } }, "5 6" },
    { "a hole, filled by REST", -1, { { 's', 5 }, { 's', 8 }, { 's', 9 }, { 'r', 6 }, { 'r', 7 }, { 'r', 8 }, { 'e', 0 }, { 'l', 0 }, { 's', 10 } },
      "5 6 7 [6-7 8 9 10" },
    { "a hole, filled by another connection", -1, { { 's', 5 }, { 's', 7 }, { 's', 6 }, { 'l', 0 } }, "5 6 7" },
    { "a hole, REST and the other connection in turns", -1, { { 's', 5 }, { 's', 9 }, { 'r', 6 }, { 's', 7 }, { 'r', 7 }, { 'r', 8 }, { 'e', 0 }, { 'l', 0 } },
      "5 6 7 8 [6-8 9" },
    { "REST has nothing of it", -1, { { 's', 5 }, { 's', 8 }, { 'e', 0 }, { 'l', 0 } }, "5 (6-7 8" },
    { "REST lacks the begin", -1, { { 's', 5 }, { 's', 9 }, { 'r', 8 }, { 'e', 0 }, { 'l', 0 } }, "5 (6-7 8 [8-8 9" },
    { "REST lacks the middle", -1, { { 's', 5 }, { 's', 10 }, { 'r', 6 }, { 'r', 9 }, { 'e', 0 }, { 'l', 0 } }, "5 6 [6-6 (7-8 9 [9-9 10" },
    { "REST lacks the end", -1, { { 's', 5 }, { 's', 9 }, { 'r', 6 }, { 'e', 0 }, { 'l', 0 } }, "5 6 [6-6 (7-8 9" },
    { "a second hole behind the first", -1, { { 's', 5 }, { 's', 7 }, { 's', 9 } }, "5 ?6-8" },
    { "the buffer is full", -1, { { 's', 5 }, { 's', 7 }, { 'o', 8 }, { 's', 9 } }, "5 ?6-7" },
    { "no room at all", -1, { { 's', 5 }, { 's', 7 }, { 'd', 0 } }, "5 ?6-" },
    { "no room, then in order", -1, { { 's', 5 }, { 's', 7 }, { 'd', 0 }, { 'r', 6 }, { 's', 7 } }, "5 6 7 [6-7" },
    { "a restart", 6, { { 'r', 6 }, { 'r', 7 }, { 'e', 0 }, { 's', 8 } }, "6 7 [6-7 8" },
    { "a restart without a miss", 6, { { 'e', 0 }, { 's', 6 } }, "6" },
    { "a restart, the stream is first", 6, { { 's', 6 }, { 's', 7 } }, "6 7" },
    { "a restart, the stream is ahead", 6, { { 's', 9 }, { 'r', 6 }, { 'r', 7 }, { 'r', 8 }, { 'r', 9 }, { 'e', 0 }, { 'l', 0 } },
      "6 7 8 [6-8 9" },
    { "a restart is a hole", 6, { { 'u', 0 } }, "?6-" },
    { "a cut is a hole", -1, { { 's', 5 }, { 'm', 0 } }, "5 ?6-" },
    { "a cut before anything came is none", -1, { { 'm', 0 }, { 's', 5 } }, "5" },
    { "a cut without a miss", -1, { { 's', 5 }, { 'm', 0 }, { 's', 6 } }, "5 6" },
    { "full, and room again", -1, { { 's', 5 }, { 'b', 0 }, { 's', 6 }, { 's', 7 }, { 'l', 0 }, { 'u', 0 }, { 'l', 0 }, { 's', 8 } }, "5 6 7 8" },
    { "full for long", -1, { { 's', 5 }, { 'b', 0 }, { 's', 6 }, { 's', 7 }, { 'o', 8 }, { 'u', 0 } }, "5 ?6-7" },
    { "full while a hole is open", -1, { { 's', 5 }, { 's', 8 }, { 'b', 0 }, { 's', 6 }, { 's', 9 } }, "5 ?6-7" },
    { "full in the middle of a release", -1, { { 's', 5 }, { 's', 7 }, { 's', 8 }, { 'r', 6 }, { 'e', 0 }, { 'b', 0 }, { 'l', 0 }, { 's', 9 }, { 'u', 0 }, { 'l', 0 } },
      "5 6 [6-6 7 8 9" },
    /* clang-format on */
};

struct told {
    char text[256];
    size_t len;
};

__attribute__((format(printf, 2, 3))) static void tell(struct told *t, const char *fmt,
                                                       ...)
{
    va_list ap;

    if (t->len > 0)
        t->text[t->len++] = ' ';
    va_start(ap, fmt);
    t->len += (size_t)vsnprintf(t->text + t->len, sizeof(t->text) - t->len, fmt, ap);
    va_end(ap);
}

static void tell_pieces(struct told *t, const struct sequence_piece *pieces, int n)
{
    for (int i = 0; i < n; i++)
        tell(t, "%c%lld-%lld", pieces[i].is_repaired ? '[' : '(',
             (long long)pieces[i].from, (long long)pieces[i].to - 1);
}

static void took(struct sequence *s, struct told *t, int64_t id, bool is_rest)
{
    struct sequence_piece pieces[2] = { 0 };
    int64_t from, to;

    sequence_took(s, id, is_rest);
    tell(t, "%lld", (long long)id);
    if (!is_rest && !sequence_hole(s, &from, &to))
        tell_pieces(t, pieces, sequence_repaired(s, pieces));
}

static void do_step(struct sequence *s, const struct step *step, struct told *t)
{
    struct sequence_piece pieces[2] = { 0 };
    int n = 0;

    switch (step->what) {
    case 's':
        if (sequence_offer(s, step->id) == SEQUENCE_PUT)
            took(s, t, step->id, false);
        break;
    case 'r':
        if (sequence_offer_rest(s, step->id, pieces, &n) == SEQUENCE_PUT) {
            tell_pieces(t, pieces, n);
            took(s, t, step->id, true);
        }
        break;
    case 'e':
        tell_pieces(t, pieces, sequence_rest_done(s, pieces));
        break;
    case 'l':
        while (sequence_may_release(s))
            took(s, t, s->held_from, false);
        break;
    case 'b':
        sequence_block(s);
        break;
    case 'u':
        sequence_unblock(s);
        break;
    case 'o':
        sequence_overflow(s, step->id);
        break;
    case 'd':
        sequence_drop(s);
        break;
    default:
        sequence_miss(s);
    }
}

START_TEST(steps_lead_to_what_is_told)
{
    struct sequence s;
    struct told t = { .len = 0 };
    int64_t from, to;

    sequence_init(&s, cases[_i].next);
    for (int i = 0; cases[_i].steps[i].what; i++)
        do_step(&s, &cases[_i].steps[i], &t);
    if (sequence_hole(&s, &from, &to)) {
        if (to == SEQUENCE_OPEN)
            tell(&t, "?%lld-", (long long)from);
        else
            tell(&t, "?%lld-%lld", (long long)from, (long long)to - 1);
    }
    ck_assert_msg(strcmp(t.text, cases[_i].want) == 0, "%s: told '%s', wanted '%s'",
                  cases[_i].what, t.text, cases[_i].want);
}
END_TEST

/* -------------------------------------------------------------------------------- model
 */

/* An exchange, two connections, REST, a queue that is full now and then, and a small
 * buffer: whatever the order of mishaps, each id is published once and in order, or the
 * ledger says that it is missing, and it is so only when the exchange has it not. */

#define IDS_MAX  4000
#define HELD_MAX 24

enum fate { NOT_YET, PUBLISHED, MISSING };

struct model {
    uint64_t random;
    struct sequence s;
    bool is_absent[IDS_MAX]; /* the exchange skipped the id: no stream and no REST has it
                              */
    enum fate fate[IDS_MAX];
    bool is_repaired[IDS_MAX];
    int64_t now;   /* ids below exist */
    int64_t at[2]; /* what each connection brings next */
    bool is_up[2];
    bool is_full;    /* the queue behind */
    bool is_resting; /* a REST repair runs, up to rest_to */
    int64_t rest_at, rest_to;
    int64_t last; /* published */
};

static uint64_t below(struct model *m, uint64_t n)
{
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    return m->random % n;
}

/* check writes to a pipe at every assertion; there are millions here. */
static void expect(bool is_so)
{
    if (!is_so)
        ck_abort_msg("the model and the sequence differ");
}

static void note(struct model *m, const struct sequence_piece *pieces, int n)
{
    for (int i = 0; i < n; i++)
        for (int64_t id = pieces[i].from; id < pieces[i].to; id++) {
            if (pieces[i].is_repaired) {
                expect(m->fate[id] == PUBLISHED);
                expect(!m->is_repaired[id]);
                m->is_repaired[id] = true;
                continue;
            }
            expect(m->fate[id] == NOT_YET);
            expect(m->is_absent[id]);
            m->fate[id] = MISSING;
        }
}

/* True when the queue took it. */
static bool publish(struct model *m, int64_t id, bool is_rest)
{
    struct sequence_piece pieces[1] = { 0 };
    int64_t from, to;

    if (m->is_full) {
        sequence_block(&m->s);
        return false;
    }
    expect(id > m->last);
    expect(m->fate[id] == NOT_YET);
    m->fate[id] = PUBLISHED;
    m->last = id;
    sequence_took(&m->s, id, is_rest);
    if (!sequence_hole(&m->s, &from, &to))
        note(m, pieces, sequence_repaired(&m->s, pieces));
    return true;
}

static void release(struct model *m)
{
    while (sequence_may_release(&m->s) && publish(m, m->s.held_from, false))
        ;
}

static void hold(struct model *m, int64_t id)
{
    if (m->s.held_to - m->s.held_from <= HELD_MAX)
        return;
    if (below(m, 4) == 0)
        sequence_drop(&m->s);
    else
        sequence_overflow(&m->s, id);
}

static void stream(struct model *m, int64_t id)
{
    enum sequence_verdict v = sequence_offer(&m->s, id);

    if (v == SEQUENCE_PUT && !publish(m, id, false))
        v = sequence_offer(&m->s, id);
    if (v == SEQUENCE_HOLD || v == SEQUENCE_HOLD_NEW)
        hold(m, id);
    release(m);
}

static void bring(struct model *m, int c)
{
    int64_t n = (int64_t)below(m, 6);

    for (; m->is_up[c] && n > 0 && m->at[c] < m->now; m->at[c]++, n--)
        if (!m->is_absent[m->at[c]])
            stream(m, m->at[c]);
}

static void rest_ends(struct model *m)
{
    struct sequence_piece pieces[2] = { 0 };

    note(m, pieces, sequence_rest_done(&m->s, pieces));
    release(m);
}

static void rest_row(struct model *m)
{
    struct sequence_piece pieces[2] = { 0 };
    enum sequence_verdict v;
    int n;

    while (m->rest_at < m->now && m->is_absent[m->rest_at])
        m->rest_at++;
    if (m->rest_at >= m->rest_to || m->rest_at >= m->now) {
        int64_t from, to;

        m->is_resting = false;
        if (m->rest_to == SEQUENCE_OPEN && sequence_hole(&m->s, &from, &to) &&
            to != SEQUENCE_OPEN)
            return; /* the end became known: asked for again */
        rest_ends(m);
        return;
    }
    v = sequence_offer_rest(&m->s, m->rest_at, pieces, &n);
    note(m, pieces, n);
    if (v == SEQUENCE_BEYOND) {
        m->is_resting = false;
        rest_ends(m);
        return;
    }
    if (v == SEQUENCE_PUT && !publish(m, m->rest_at, true))
        return;
    m->rest_at++;
    release(m);
}

static void repair(struct model *m)
{
    int64_t from, to;

    if (!sequence_hole(&m->s, &from, &to)) {
        m->is_resting = false;
        return;
    }
    if (!m->is_resting || from > m->rest_at) {
        m->is_resting = true;
        m->rest_at = from;
        m->rest_to = to;
    } else if (m->rest_to != SEQUENCE_OPEN || to == SEQUENCE_OPEN) {
        m->rest_to = to; /* the end moves up, or it was lost */
    }
    for (int64_t n = (int64_t)below(m, 8); n > 0 && m->is_resting; n--)
        rest_row(m);
}

static void mishap(struct model *m)
{
    int c = (int)below(m, 2);

    switch (below(m, 12)) {
    case 0: /* a cut: what comes meanwhile is not seen */
        m->is_up[c] = false;
        break;
    case 1:
        m->is_up[c] = true;
        m->at[c] = m->now;
        sequence_miss(&m->s);
        break;
    case 2: /* a connection that brings old ones again, or is far behind */
        m->at[c] = m->at[c] > 10 ? m->at[c] - 10 : 1;
        break;
    case 3:
        m->is_full = true;
        break;
    case 4:
    case 5:
        m->is_full = false;
        sequence_unblock(&m->s);
        release(m);
        break;
    default:
        break;
    }
}

START_TEST(whatever_happens_each_id_is_published_once_or_told_missing)
{
    static struct model m;
    int64_t first;

    memset(&m, 0, sizeof(m));
    m.random = (uint64_t)_i * 7919 + 1;
    m.now = 100;
    first = _i % 2 ? 40 : -1;
    m.last = first - 1;
    for (int64_t id = 1; id < IDS_MAX; id++)
        m.is_absent[id] = below(&m, 40) == 0;
    sequence_init(&m.s, first);
    for (int steps = 0; m.now < IDS_MAX - 20 && steps < 20000; steps++) {
        m.now += (int64_t)below(&m, 5);
        mishap(&m);
        bring(&m, 0);
        bring(&m, 1);
        repair(&m);
    }
    m.is_full = false;
    sequence_unblock(&m.s);
    m.is_up[0] = true;
    m.at[0] = m.now - 1; /* one more record tells what was missed before it */
    m.is_absent[m.now - 1] = false;
    if (m.s.next < m.now)
        stream(&m, m.now - 1);
    for (int i = 0; i < 10000; i++)
        repair(&m);
    release(&m);
    first = first < 0 ? 1 : first;
    while (_i % 2 == 0 && first < m.now && m.fate[first] == NOT_YET)
        first++; /* without an earlier run the first that came is the begin */
    ck_assert_int_eq(m.s.next, m.now);
    for (int64_t id = first; id < m.now; id++)
        expect(m.fate[id] == (m.is_absent[id] ? MISSING : PUBLISHED));
}
END_TEST

static void sequence_cases(Suite *s)
{
    TCase *tc = tcase_create("sequence");

    tcase_add_loop_test(tc, steps_lead_to_what_is_told, 0, COUNT(cases));
    tcase_add_loop_test(tc, whatever_happens_each_id_is_published_once_or_told_missing, 0,
                        400);
    suite_add_tcase(s, tc);
}

RUN_SUITE("sequence", sequence_cases)
