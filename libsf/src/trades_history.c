/* The trades of a range by REST, in order of id. trades_start.c finds the first and the
 * last id; trades_pager.c brings what lies between. */
#include "trades_internal.h"

#include <sf/metrics.h>

#include <stdlib.h>

void sf_trades_fail(struct trades *t, const char *where, const struct sf_error *cause)
{
    struct sf_error err = *cause;

    (void)sf_error_wrap(&err, "%s %s", t->conf->subject, where);
    sf_loader_fail(t->l, &err);
}

void sf_trades_give_up(void *arg, const struct sf_error *cause)
{
    const struct trades *t = arg;

    sf_trades_fail(arg, t->is_agg ? "aggregate trades" : "trades", cause);
}

/* -------------------------------------------------------------------------- ledger */

static struct sf_gap ledger_row(const struct trades *t, int64_t from, int64_t to)
{
    return (struct sf_gap){ .exchange = t->common.exchange,
                            .symbol = t->symbol,
                            .kind = sf_str_from(t->ledger_kind),
                            .from = from,
                            .to = to };
}

/* Ids from t->expected up to, not including, @until do not exist. */
static void tell_gap(struct trades *t, int64_t until)
{
    struct sf_gap gap = ledger_row(t, t->expected, until - 1);

    gap.cause = SF_STR("exchange");
    gap.records = until - t->expected;
    sf_loader_gap(t->l, &gap);
    t->expected = until;
}

void sf_trades_coverage(void *arg)
{
    struct trades *t = arg;
    struct sf_gap range = ledger_row(t, t->from, t->expected - 1);

    if (t->from >= 0 && range.to >= range.from)
        sf_loader_coverage(t->l, &range);
}

/* --------------------------------------------------------------------- publication */

static enum sf_status put(struct trades *t, const struct sf_trade *row)
{
    enum sf_status status;

    t->record.len = 0;
    sf_record_trade(&t->record, &t->common, t->is_agg, row);
    status = sf_buf_status(&t->record, NULL);
    if (status == SF_OK)
        status = sf_loader_put(t->l, t->symbol, row->id, sf_buf_str(&t->record));
    if (status != SF_OK)
        return status;
    if (t->records == 0)
        t->first = row->id;
    t->last = row->id;
    t->records++;
    sf_metric_set(SF_M_LAST_EVENT_SECONDS, row->time_ms / 1000);
    return SF_OK;
}

enum sf_status sf_trades_put(void *arg, const struct sf_trade *row)
{
    struct trades *t = arg;
    struct sf_error err = { 0 };
    enum sf_status status = SF_OK;

    if (t->is_paused)
        return SF_EFULL;
    if (row->id > t->expected)
        tell_gap(t, row->id);
    if (t->is_agg && row->first_id < 0) { /* voided: its number is used, no trade is */
        t->voided++;
        sf_metric_add(SF_M_DUPLICATES, 1);
    } else {
        status = put(t, row);
    }
    if (status == SF_OK)
        t->expected = row->id + 1;
    if (status == SF_OK || status == SF_EFULL)
        return status;
    (void)sf_error_set(&err, status, "trade not accepted: %s", sf_status_text(status));
    sf_trades_fail(t, "publish", &err);
    return status;
}

void sf_trades_done(void *arg)
{
    struct trades *t = arg;
    struct sf_end e = { .records = t->records,
                        .first = t->first,
                        .last = t->last,
                        .listed_from = t->listed_from,
                        .cut_to = t->is_cut ? t->to_ms : -1 };

    if (t->expected < t->to)
        tell_gap(t, t->to);
    if (t->voided > 0)
        sf_log(SF_LOG_INFO, "voided", SF_LOG_I("records", t->voided));
    sf_trades_coverage(t);
    t->is_ended = true;
    sf_loader_finish(t->l, &e);
}

void sf_trades_begin(struct trades *t)
{
    sf_log(SF_LOG_INFO, "range", SF_LOG_I("from", t->from), SF_LOG_I("to", t->to - 1),
           SF_LOG_I("next", t->expected));
    trades_pager_start(t->pager, t->symbol, t->expected, t->to);
}

/* --------------------------------------------------------------------------- source */

static void trades_pause(void *state, bool is_paused)
{
    struct trades *t = state;

    t->is_paused = is_paused;
    sf_rest_pause(t->rest, is_paused);
    if (!is_paused)
        trades_pager_go(t->pager);
}

static void trades_on_room(void *state)
{
    struct trades *t = state;

    trades_pager_go(t->pager);
}

static void trades_progress(void *state, struct sf_buf *extra)
{
    const struct trades *t = state;
    int64_t all = t->to - t->from;

    if (t->from >= 0)
        sf_buf_addf(extra, ",\"percent\":%lld,\"voided\":%lld",
                    (long long)(all > 0 ? (t->expected - t->from) * 100 / all : 100),
                    (long long)t->voided);
}

static void trades_close(void *state)
{
    struct trades *t = state;

    if (!t->is_ended)
        sf_trades_coverage(t);
    sf_rest_destroy(t->rest);
    trades_pager_destroy(t->pager);
    sf_timer_destroy(t->coverage_timer);
    sf_buf_release(&t->record);
    free(t->probe_rows);
    free(t);
}

const struct sf_source sf_source_trades_history = {
    .open = sf_trades_open,
    .pause = trades_pause,
    .on_room = trades_on_room,
    .close = trades_close,
    .progress = trades_progress,
};
