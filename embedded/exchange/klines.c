/* GET /api/v3/klines: which rows a window has, and their text. */
#include "faults.h"
#include "params.h"
#include "render.h"
#include "tape.h"

#include <sf/scan.h>

struct window {
    const struct sf_interval *iv;
    int64_t zone_ms;        /* candles begin at local midnight of this offset */
    int64_t from_ms, to_ms; /* open times wanted, both included */
    int64_t limit;
    bool has_from, has_to;
};

static int64_t open_of(const struct window *w, int64_t time_ms)
{
    return sf_interval_floor(w->iv, time_ms + w->zone_ms) - w->zone_ms;
}

static int64_t step_of(const struct window *w, int64_t open_ms, int64_t n)
{
    return sf_interval_add(w->iv, open_ms + w->zone_ms, n) - w->zone_ms;
}

static void add_row(struct sf_buf *b, const struct symbol *s, int64_t open_ms,
                    int64_t close_ms, const struct bar *bar)
{
    unsigned quote_digits = s->price_digits + s->lot_digits;

    sf_buf_add_char(b, '[');
    sf_buf_add_i64(b, open_ms);
    sf_buf_add_char(b, ',');
    render_quoted(b, bar->open, s->price_digits);
    render_quoted(b, bar->high, s->price_digits);
    render_quoted(b, bar->low, s->price_digits);
    render_quoted(b, bar->close, s->price_digits);
    render_quoted(b, bar->volume, s->lot_digits);
    sf_buf_add_i64(b, close_ms);
    sf_buf_add_char(b, ',');
    render_quoted(b, bar->quote, quote_digits);
    sf_buf_add_i64(b, bar->trades_n);
    sf_buf_add_char(b, ',');
    render_quoted(b, bar->buy_volume, s->lot_digits);
    render_quoted(b, bar->buy_quote, quote_digits);
    sf_buf_add_lit(b, "\"0\"]");
}

/* The window's first and last open time that exist; false: none do. */
static bool clip(const struct window *w, int64_t listed_ms, int64_t now_ms,
                 int64_t *ret_first, int64_t *ret_last)
{
    int64_t first = open_of(w, listed_ms), last = open_of(w, now_ms), at;

    if (w->has_to && w->to_ms < last)
        last = open_of(w, w->to_ms);
    if (w->has_from && w->from_ms > first) {
        first = open_of(w, w->from_ms);
        if (first < w->from_ms)
            first = step_of(w, first, 1);
    } else if (!w->has_from) {
        at = step_of(w, last, 1 - w->limit);
        first = at > first ? at : first;
    }
    *ret_first = first;
    *ret_last = last;
    return first <= last && now_ms >= listed_ms;
}

struct page {
    struct call *call;
    const struct market *m;
    const struct window *w;
    uint32_t faults, used; /* masks */
    int64_t rows_n;
};

static void add_page_row(struct page *p, int64_t open_ms, int64_t next_ms,
                         int64_t until_ms)
{
    struct sf_buf *b = &p->call->ex->out;
    struct bar bar;

    if (p->rows_n == p->w->limit || !market_bar(p->m, open_ms, until_ms, &bar))
        return;
    if (p->rows_n++ > 0)
        sf_buf_add_char(b, ',');
    add_row(b, market_symbol(p->m), open_ms, next_ms - 1, &bar);
}

static void serve_market(struct call *call, const struct market *m,
                         const struct window *w)
{
    struct page p = { .call = call, .m = m, .w = w };
    int64_t open, last, now_ms = call->now_ms;

    p.faults = faults_row_mask(call->ex->faults, call,
                               sf_str_from(market_symbol(m)->name), w->iv->name);
    sf_buf_add_char(&call->ex->out, '[');
    if (!clip(w, market_listed_ms(m), now_ms, &open, &last))
        last = open - 1;
    while (p.rows_n < w->limit && open <= last) {
        int64_t next = step_of(w, open, 1), until = next <= now_ms ? next : now_ms + 1;
        enum row_fate fate =
            p.faults ? faults_row(call->ex->faults, p.faults, open, &p.used) : ROW_STAYS;

        /* a running candle must not be the last that is known of its open time */
        if (fate == ROW_DOUBLED && p.rows_n + 1 < w->limit)
            add_page_row(&p, open, next, open + (until - open + 1) / 2);
        if (fate != ROW_DROPPED)
            add_page_row(&p, open, next, until);
        open = next;
    }
    faults_count(call->ex->faults, p.used);
    sf_buf_add_char(&call->ex->out, ']');
}

/* -------------------------------------------------------------------------------- tapes
 */

/* As a row looked when its candle had just begun: all prices the first, nothing traded
 * but that. */
static void add_young_row(struct sf_buf *b, struct sf_str row)
{
    struct sf_scan s;
    struct sf_str open = SF_STR("0");

    sf_scan_init(&s, row);
    (void)sf_scan_next(&s);
    for (int i = 0; i < 12; i++) {
        enum sf_token token = sf_scan_next(&s);

        if (i == 1)
            open = s.text;
        if (i >= 2 && i <= 4)
            s.text = open;
        if (i == 5 || i == 7 || i == 9 || i == 10)
            s.text = SF_STR("0.00000000");
        sf_buf_add_char(b, i == 0 ? '[' : ',');
        if (i == 8)
            sf_buf_add_char(b, '0');
        else
            sf_buf_addf(b, token == SF_TOK_STRING ? "\"%.*s\"" : "%.*s", (int)s.text.len,
                        s.text.p);
    }
    sf_buf_add_char(b, ']');
}

/* Rows [first, last) of the tape that the window wants. */
static void clip_tape(const struct tape *tape, const struct window *w, int64_t now_ms,
                      size_t *ret_first, size_t *ret_last)
{
    size_t last = tape_lower(tape, now_ms + 1), first = 0;

    if (w->has_to && w->to_ms < now_ms)
        last = tape_lower(tape, w->to_ms + 1);
    if (w->has_from)
        first = tape_lower(tape, w->from_ms);
    else if (last > (size_t)w->limit)
        first = last - (size_t)w->limit;
    *ret_first = first;
    *ret_last = last;
}

/* Rows of one open time are never parted: a client goes on behind the last it got. */
static void serve_tape(struct call *call, const struct tape *tape, const struct window *w)
{
    const struct faults *faults = call->ex->faults;
    struct sf_buf *b = &call->ex->out;
    uint32_t mask, used = 0;
    size_t i, last, left = (size_t)w->limit;

    mask = faults_row_mask(faults, call, sf_str_from(tape->symbol), w->iv->name);
    clip_tape(tape, w, call->now_ms, &i, &last);
    sf_buf_add_char(b, '[');
    while (i < last) {
        int64_t open_ms = tape->rows[i].open_ms;
        size_t same = tape_lower(tape, open_ms + 1) - i;
        enum row_fate fate = mask ? faults_row(faults, mask, open_ms, &used) : ROW_STAYS;

        if (same + (fate == ROW_DOUBLED) > left && left < (size_t)w->limit)
            break;
        if (fate == ROW_DOUBLED) {
            sf_buf_add_str(b, left < (size_t)w->limit ? SF_STR(",") : SF_STR_EMPTY);
            add_young_row(b, tape_row_text(tape, i));
            left--;
        }
        for (; same > 0; same--, i++) {
            if (fate == ROW_DROPPED || left == 0)
                continue;
            sf_buf_add_str(b, left < (size_t)w->limit ? SF_STR(",") : SF_STR_EMPTY);
            sf_buf_add_str(b, tape_row_text(tape, i));
            left--;
        }
    }
    faults_count(call->ex->faults, used);
    sf_buf_add_char(b, ']');
}

void klines_serve(struct call *call)
{
    struct window w = { 0 };
    const struct market *m;
    const struct tape *tape;
    struct sf_str symbol;

    if (!param_symbol(call, &symbol))
        return;
    w.iv = param_interval(call);
    if (!w.iv || !param_time(call, "startTime", &w.from_ms, &w.has_from) ||
        !param_time(call, "endTime", &w.to_ms, &w.has_to) ||
        !param_zone(call, &w.zone_ms) || !param_limit(call, 500, 1000, &w.limit))
        return;
    if (w.has_from && w.has_to && w.from_ms > w.to_ms) {
        (void)call_fail(call, 400, -1128, "Combination of optional parameters invalid.");
        return;
    }
    if (tape_of_symbol(call->ex->tapes, symbol)) {
        tape = tape_find(call->ex->tapes, symbol, w.iv);
        if (tape)
            serve_tape(call, tape, &w);
        else
            sf_buf_add_lit(&call->ex->out, "[]");
        return;
    }
    m = param_market(call, symbol);
    if (m)
        serve_market(call, m, &w);
}
