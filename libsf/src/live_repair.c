/* Holes of live trades, filled by REST: a few symbols at a time, those first whose hole
 * has an end, as something waits behind it. Nothing gives a hole up but the answer that
 * the exchange has nothing there, or that this host never will. */
#include "live_trades.h"

#include <sf/metrics.h>

#define PATIENCE_MS \
    60000 /* DESIGN 9: ids that are not answered yet are asked for again */
#define RETRY_FIRST_MS 1000 /* a repair that failed begins again; doubled up to */
#define RETRY_MAX_MS   60000
#define TICK_MS        500

static void pump(struct live_trades *t);

static bool hole(const struct live_symbol *s, int64_t *ret_from, int64_t *ret_to)
{
    return sequence_hole(&s->seq, ret_from, ret_to);
}

static void leave(struct live_symbol *s)
{
    if (s->repair) {
        trades_pager_stop(s->repair->pager);
        s->repair->symbol = NULL;
        s->repair = NULL;
    }
    s->is_waiting = false;
}

/* No hole any more: the ledger's rows, then what waited. */
static void closed(struct live_symbol *s)
{
    struct sequence_piece pieces[1];

    leave(s);
    sf_ledger_pieces(s, pieces, sequence_repaired(&s->seq, pieces));
    s->hole_us = 0;
    s->fails_n = 0;
    s->retry_us = 0;
    s->cause = "skipped";
    sf_live_release(s);
}

/* What REST has not is missing for good. */
static void rest_is_done(struct live_symbol *s)
{
    struct sequence_piece pieces[2];

    sf_ledger_pieces(s, pieces, sequence_rest_done(&s->seq, pieces));
    closed(s);
}

void sf_repair_look(struct live_symbol *s)
{
    int64_t from, to;

    if (!hole(s, &from, &to)) {
        if (s->repair || s->is_waiting || s->hole_us > 0)
            closed(s);
        return;
    }
    if (s->hole_us == 0)
        s->hole_us = sf_mono_us();
    if (s->t->has_no_rest) {
        if (to != SEQUENCE_OPEN)
            rest_is_done(s);
    } else if (s->repair) {
        if (to > s->repair->to || (s->repair->to == SEQUENCE_OPEN && to != SEQUENCE_OPEN))
            trades_pager_extend(s->repair->pager, to);
        if (to > s->repair->to && to != SEQUENCE_OPEN)
            s->repair->to = to;
    } else {
        s->is_waiting = true;
        pump(s->t);
    }
}

/* ---------------------------------------------------------------- the pager's callbacks
 */

static enum sf_status on_row(void *arg, const struct sf_trade *row)
{
    struct repair *r = arg;
    struct live_symbol *s = r->symbol;
    struct sequence_piece pieces[2];
    enum sequence_verdict verdict;
    enum sf_status status = SF_OK;
    int64_t from, to;
    int n;

    if (r->t->is_paused)
        return SF_EFULL;
    verdict = sequence_offer_rest(&s->seq, row->id, pieces, &n);
    sf_ledger_pieces(s, pieces, n);
    if (verdict == SEQUENCE_BEYOND) {
        rest_is_done(s);
        return SF_OK;
    }
    if (verdict == SEQUENCE_PUT && r->t->is_agg && row->first_id < 0) /* voided */
        sequence_took(&s->seq, row->id, false);
    else if (verdict == SEQUENCE_PUT)
        status = sf_live_put(s, row, true);
    if (status == SF_OK && !hole(s, &from, &to))
        closed(s);
    return status;
}

/* Is there more to ask for than what was? */
static bool has_more(const struct repair *r, int64_t to)
{
    if (to == SEQUENCE_OPEN || r->to == SEQUENCE_OPEN)
        return to != r->to;
    return to > r->to;
}

static void on_done(void *arg)
{
    struct repair *r = arg;
    struct live_symbol *s = r->symbol;
    int64_t from, to;

    s->fails_n = 0;
    if (hole(s, &from, &to) && has_more(r, to)) {
        leave(s);
        s->is_waiting = true;
    } else {
        rest_is_done(s);
    }
    pump(r->t);
}

static void on_fail(void *arg, const struct sf_error *err)
{
    struct repair *r = arg;
    struct live_trades *t = r->t;
    struct live_symbol *s = r->symbol;
    int64_t wait_ms = RETRY_FIRST_MS << (s->fails_n < 6 ? s->fails_n : 6);

    if (s->fails_n++ == 0) {
        sf_log_error(SF_LOG_WARN, "repair_failed", err);
        sf_loader_tell(t->l, err->text);
    }
    leave(s);
    if (err->status == SF_EUNSUPPORTED || err->status == SF_EAUTH) {
        t->has_no_rest = true;
        for (size_t i = 0; i < t->symbols_n; i++)
            sf_repair_look(&t->symbols[i]);
        return;
    }
    if (err->status == SF_ENOTFOUND || err->status == SF_EREFUSED) { /* this symbol */
        rest_is_done(s);
    } else {
        s->is_waiting = true;
        s->retry_us =
            sf_mono_us() + (wait_ms < RETRY_MAX_MS ? wait_ms : RETRY_MAX_MS) * 1000;
    }
    pump(t);
}

/* ------------------------------------------------------------------------------ choice
 */

/* Of those that wait the first whose hole has an end, else the first. */
static struct live_symbol *next_symbol(struct live_trades *t)
{
    struct live_symbol *first = NULL;
    int64_t now_us = sf_mono_us(), from, to;

    for (size_t i = 0; i < t->symbols_n; i++) {
        struct live_symbol *s = &t->symbols[i];

        if (!s->is_waiting || s->retry_us > now_us || !hole(s, &from, &to))
            continue;
        if (to != SEQUENCE_OPEN)
            return s;
        first = first ? first : s;
    }
    return first;
}

static void pump(struct live_trades *t)
{
    for (size_t i = 0; i < REPAIRS_N && !t->is_closing; i++) {
        struct repair *r = &t->repairs[i];
        struct live_symbol *s;
        int64_t from;

        if (r->symbol || !trades_pager_is_idle(r->pager))
            continue;
        s = next_symbol(t);
        if (!s)
            return;
        s->is_waiting = false;
        s->repair = r;
        r->symbol = s;
        (void)hole(s, &from, &r->to);
        trades_pager_start(r->pager, s->symbol, from, r->to);
    }
}

/* Pagers become idle, and times to try again come, without a call of ours. */
static void on_tick(void *arg)
{
    pump(arg);
    sf_live_check(arg);
}

void sf_repairs_go(struct live_trades *t)
{
    for (size_t i = 0; i < REPAIRS_N; i++)
        if (t->repairs[i].symbol)
            trades_pager_go(t->repairs[i].pager);
    pump(t);
}

enum sf_status sf_repairs_open(struct live_trades *t, struct sf_error *err)
{
    struct sf_loop *loop = sf_loader_loop(t->l);
    enum sf_status status = sf_timer_create(loop, on_tick, t, &t->repair_timer);

    for (size_t i = 0; status == SF_OK && i < REPAIRS_N; i++) {
        const struct trades_pager_opts opts = {
            .loop = loop,
            .rest = t->rest,
            .exchange = t->exchange,
            .is_agg = t->is_agg,
            .pages_n = 1,
            .patience_ms = PATIENCE_MS,
            .put = on_row,
            .done = on_done,
            .fail = on_fail,
            .arg = &t->repairs[i],
        };

        t->repairs[i].t = t;
        status = trades_pager_create(&opts, &t->repairs[i].pager);
    }
    if (status != SF_OK)
        return sf_error_set(err, status, "no memory for repairs");
    sf_timer_set(t->repair_timer, TICK_MS, TICK_MS);
    return SF_OK;
}

void sf_repairs_close(struct live_trades *t)
{
    for (size_t i = 0; i < REPAIRS_N; i++)
        trades_pager_destroy(t->repairs[i].pager);
    sf_timer_destroy(t->repair_timer);
}
