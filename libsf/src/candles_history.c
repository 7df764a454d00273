/* A range of candles by REST, in order of open_time.
 *
 * The range is cut into windows of one page each; several are asked for at once and wait
 * in their slots until it is their turn to be published. A window whose page was cut goes
 * on at the last open_time + 1. A page with holes is asked for a second time; what is
 * missing then the exchange does not have: it becomes an sf-gap record in front of the
 * next candle. candles_start.c begins. */
#include "candles_internal.h"

#include <sf/metrics.h>

#include <stdlib.h>

#define BAD_PAGES_MAX 5   /* pages in a row that do not parse, before giving up */
#define BAD_PAGE_MS   500 /* wait before asking again, doubled each time */

static void ask(struct slot *s);

void sf_history_fail(struct history *h, const char *where, const struct sf_error *cause)
{
    struct sf_error err = *cause;

    (void)sf_error_wrap(&err, "%s %s %s", h->conf->subject, h->interval->name, where);
    sf_loader_fail(h->l, &err);
}

void sf_history_get(struct history *h, int64_t from, int64_t to, unsigned limit,
                    sf_rest_fn fn, void *arg)
{
    struct sf_error err = { 0 };
    struct sf_buf path;

    sf_buf_init(&path, 4096);
    h->exchange->klines_url(&path, h->symbol, h->interval, from, to - 1, limit);
    if (sf_rest_get_built(h->rest, &path, h->exchange->klines_weight, fn, arg, &err) !=
        SF_OK)
        sf_history_fail(h, "klines", &err);
    sf_buf_release(&path);
}

/* -------------------------------------------------------------------------- ledger */

static struct sf_gap ledger_row(const struct history *h, int64_t from, int64_t to)
{
    return (struct sf_gap){ .exchange = h->common.exchange,
                            .symbol = h->symbol,
                            .kind = sf_str_from(h->ledger_kind),
                            .from = from,
                            .to = to };
}

/* Candles from h->expected up to, not including, @until do not exist. */
static void tell_gap(struct history *h, int64_t until)
{
    struct sf_gap gap =
        ledger_row(h, h->expected, sf_interval_add(h->interval, until, -1));

    gap.cause = SF_STR("exchange");
    gap.records = sf_interval_count(h->interval, h->expected, until);
    sf_loader_gap(h->l, &gap);
    h->expected = until;
}

void sf_history_coverage(void *arg)
{
    struct history *h = arg;
    int64_t from =
        h->listed_from >= 0 ? sf_interval_floor(h->interval, h->listed_from) : h->from;
    struct sf_gap range =
        ledger_row(h, from, sf_interval_add(h->interval, h->expected, -1));

    if (h->records > 0 && range.to >= range.from)
        sf_loader_coverage(h->l, &range);
}

/* ------------------------------------------------------------------------- windows */

void sf_history_fill(struct history *h)
{
    while (h->used_n < h->slots_n && h->planned < h->to) {
        struct slot *s = &h->slots[(h->head + h->used_n) % h->slots_n];
        int64_t to = sf_interval_add(h->interval, h->planned, h->exchange->klines_max);

        s->from = s->next_from = h->planned;
        s->to = to < h->to ? to : h->to;
        s->is_used = true;
        s->is_ready = s->is_second = false;
        s->bad_n = 0;
        h->planned = s->to;
        h->used_n++;
        ask(s);
    }
}

static void free_slot(struct slot *s)
{
    sf_buf_release(&s->body);
    s->is_used = s->is_ready = false;
}

/* A page that could not be used: ask again a little later, a few times. */
static void bad_page(struct slot *s, const struct sf_error *err)
{
    sf_metric_add(SF_M_BAD_INPUT, 1);
    sf_log_error(SF_LOG_WARN, "bad_page", err);
    if (++s->bad_n > BAD_PAGES_MAX)
        sf_history_fail(s->h, "klines", err);
    else
        sf_timer_set(s->retry, (int64_t)BAD_PAGE_MS << (s->bad_n - 1), 0);
}

void sf_history_retry(void *arg)
{
    ask(arg);
}

static enum sf_status judge(struct slot *s, struct sf_error *err)
{
    struct history *h = s->h;
    const struct sf_page_ask asked = { h->interval, s->next_from, s->to, h->closed_before,
                                       h->exchange->klines_max };
    struct sf_page_verdict v;
    enum sf_status status;

    status = h->exchange->klines_parse(sf_buf_str(&s->body), s->rows,
                                       h->exchange->klines_max, &s->rows_n, err);
    if (status == SF_OK)
        status = sf_page_judge(&asked, s->rows, s->rows_n, &v, err);
    if (status != SF_OK)
        return status;
    if (v.has_holes && !s->is_second) {
        s->is_second = true;
        ask(s);
        return SF_OK;
    }
    sf_metric_add(SF_M_DUPLICATES, (int64_t)v.duplicates_n);
    s->rows_n = v.rows_n;
    s->at = 0;
    s->is_complete = v.is_complete;
    if (!v.is_complete)
        s->next_from = v.next_from;
    s->is_ready = true;
    return SF_OK;
}

static void on_page(void *arg, enum sf_status status, struct sf_buf *body,
                    const struct sf_error *cause)
{
    struct slot *s = arg;
    struct sf_error err = { 0 };

    if (status != SF_OK) {
        sf_history_fail(s->h, "klines", cause);
        return;
    }
    sf_buf_release(&s->body);
    s->body = *body;
    sf_buf_init(body, body->max);
    if (judge(s, &err) != SF_OK) {
        bad_page(s, &err);
        return;
    }
    s->bad_n = 0;
    sf_history_publish(s->h);
}

static void ask(struct slot *s)
{
    sf_history_get(s->h, s->next_from, s->to, s->h->exchange->klines_max, on_page, s);
}

/* --------------------------------------------------------------------- publication */

static enum sf_status put(struct history *h, const struct sf_candle *c)
{
    enum sf_status status;

    h->record.len = 0;
    sf_record_candle(&h->record, &h->common, h->interval, c, true, SF_VERSION_CLOSED);
    status = sf_buf_status(&h->record, NULL);
    if (status == SF_OK)
        status = sf_loader_put(h->l, h->symbol, c->open_time, sf_buf_str(&h->record));
    if (status != SF_OK)
        return status;
    if (h->records == 0)
        h->first = c->open_time;
    h->last = c->open_time;
    h->records++;
    sf_metric_set(SF_M_LAST_EVENT_SECONDS, c->close_time / 1000);
    return SF_OK;
}

/* Publish the rows of a ready slot. Errors: SF_EFULL come again; else for good. */
static enum sf_status put_rows(struct history *h, struct slot *s)
{
    for (; s->at < s->rows_n; s->at++) {
        const struct sf_candle *c = &s->rows[s->at];
        int64_t slot = sf_interval_floor(h->interval, c->open_time);
        enum sf_status status;

        if (c->open_time <= h->last) { /* what the topic has already */
            sf_metric_add(SF_M_DUPLICATES, 1);
            continue;
        }
        if (slot > h->expected)
            tell_gap(h, slot);
        status = put(h, c);
        if (status != SF_OK)
            return status;
        h->expected = sf_interval_add(h->interval, slot, 1);
    }
    return SF_OK;
}

static void end(struct history *h)
{
    struct sf_end e = { .records = h->records,
                        .listed_from = h->listed_from,
                        .cut_to = h->is_cut ? h->to : -1 };

    if (h->expected < h->to)
        tell_gap(h, h->to);
    sf_history_coverage(h);
    e.first = h->first;
    e.last = h->last;
    h->is_ended = true;
    sf_loader_finish(h->l, &e);
}

void sf_history_publish(struct history *h)
{
    struct sf_error err = { 0 };

    while (!h->is_paused && !h->is_ended && h->used_n > 0 && h->slots[h->head].is_ready) {
        struct slot *s = &h->slots[h->head];
        enum sf_status status = put_rows(h, s);

        if (status == SF_EFULL)
            return; /* on_room goes on */
        if (status != SF_OK) {
            (void)sf_error_set(&err, status, "candle not accepted: %s",
                               sf_status_text(status));
            sf_history_fail(h, "publish", &err);
            return;
        }
        s->is_ready = false;
        s->is_second = false;
        if (!s->is_complete) {
            ask(s);
            return;
        }
        free_slot(s);
        h->head = (h->head + 1) % h->slots_n;
        h->used_n--;
        sf_history_fill(h);
    }
    if (h->used_n == 0 && h->planned >= h->to && !h->is_ended && !h->is_paused)
        end(h);
}

static void history_pause(void *state, bool is_paused)
{
    struct history *h = state;

    h->is_paused = is_paused;
    sf_rest_pause(h->rest, is_paused);
    if (!is_paused)
        sf_history_publish(h);
}

static void history_on_room(void *state)
{
    sf_history_publish(state);
}

static void history_progress(void *state, struct sf_buf *extra)
{
    const struct history *h = state;
    int64_t all = h->to - h->from;

    sf_buf_addf(extra, ",\"percent\":%lld",
                (long long)(all > 0 ? (h->expected - h->from) * 100 / all : 100));
}

static void history_close(void *state)
{
    struct history *h = state;

    if (!h->is_ended && h->expected > 0)
        sf_history_coverage(h);
    sf_rest_destroy(h->rest);
    for (size_t i = 0; h->slots && i < h->slots_n; i++) {
        sf_buf_release(&h->slots[i].body);
        sf_timer_destroy(h->slots[i].retry);
    }
    free(h->slots);
    free(h->rows);
    sf_timer_destroy(h->coverage_timer);
    sf_buf_release(&h->record);
    free(h);
}

const struct sf_source sf_source_candles_history = {
    .open = sf_history_open,
    .pause = history_pause,
    .on_room = history_on_room,
    .close = history_close,
    .progress = history_progress,
};
