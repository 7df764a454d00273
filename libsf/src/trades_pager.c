#include "trades_pager.h"

#include "trades_page.h"

#include <sf/log.h>
#include <sf/loop.h>
#include <sf/metrics.h>

#include <stdlib.h>

#define BAD_PAGES_MAX 5    /* pages in a row that do not parse, before giving up */
#define BAD_PAGE_MS   500  /* wait before asking again, doubled each time */
#define ABSENT_MS     250  /* likewise for ids that are not there yet */
#define ABSENT_MAX_MS 5000 /* at most */

struct slot {
    struct trades_pager *p;
    bool is_used, is_asked, is_ready;
    bool is_final;    /* what its page lacks does not exist */
    int64_t from, to; /* ids asked for, [from, to) */
    int64_t missing;  /* the first id that the last answer lacked, -1 none */
    int64_t missing_us;
    int64_t next; /* the id from @to on that comes next */
    unsigned again_n, bad_n;
    uint64_t range; /* of p when it was asked */
    struct sf_buf body;
    struct sf_trade *rows; /* of the pager; views into body */
    size_t rows_n, at;
    struct sf_timer *retry;
};

struct trades_pager {
    struct trades_pager_opts opts;
    struct sf_str symbol;
    int64_t planned, to; /* the next window begins here; the range ends here */
    uint64_t range;      /* counts ranges: answers of earlier ones are dropped */
    bool is_running, is_publishing;
    struct slot *slots;
    struct sf_trade *rows; /* of all slots */
    size_t head, used_n;
};

static void ask(struct slot *s);

static void give_up(struct trades_pager *p, enum sf_status status,
                    const struct sf_error *cause)
{
    struct sf_error err = *cause;

    err.status = status;
    trades_pager_stop(p);
    if (status == SF_EUNSUPPORTED)
        (void)sf_error_wrap(&err,
                            "BINANCE_API_URL is a host without %s (the full API, "
                            "api.binance.com, has it)",
                            p->opts.is_agg ? "aggTrades" : "historicalTrades");
    else if (status == SF_EAUTH)
        (void)sf_error_wrap(&err, "BINANCE_API_KEY is missing or wrong, this host wants "
                                  "one");
    p->opts.fail(p->opts.arg, &err);
}

/* A page that could not be used: ask again a little later, a few times. */
static void bad_page(struct slot *s, const struct sf_error *err)
{
    sf_metric_add(SF_M_BAD_INPUT, 1);
    sf_log_error(SF_LOG_WARN, "bad_page", err);
    if (++s->bad_n > BAD_PAGES_MAX)
        give_up(s->p, err->status, err);
    else
        sf_timer_set(s->retry, (int64_t)BAD_PAGE_MS << (s->bad_n - 1), 0);
}

/* May an absent id still come? Counts how often and how long it was asked for. */
static bool is_patient(struct slot *s, int64_t missing)
{
    if (missing != s->missing) {
        s->missing = missing;
        s->missing_us = sf_mono_us();
        s->again_n = 0;
    }
    return s->again_n++ == 0 ||
           sf_mono_us() - s->missing_us < s->p->opts.patience_ms * 1000;
}

static enum sf_status judge(struct slot *s, struct sf_error *err)
{
    const struct trades_pager *p = s->p;
    struct trades_verdict v;
    int64_t end;
    enum sf_status status =
        p->opts.exchange->trades_parse(sf_buf_str(&s->body), p->opts.is_agg, s->rows,
                                       p->opts.exchange->trades_max, &s->rows_n, err);

    if (status == SF_OK)
        status = trades_page_judge(s->from, s->to, s->rows, s->rows_n, &v, err);
    if (status != SF_OK)
        return status;
    sf_metric_add(SF_M_DUPLICATES, (int64_t)v.duplicates_n);
    s->rows_n = v.rows_n;
    s->at = 0;
    s->next = v.next;
    end = s->rows_n > 0 ? s->rows[s->rows_n - 1].id + 1 : s->from;
    if (p->to == INT64_MAX && v.missing == end && end < s->to && v.next == s->to) {
        s->next = INT64_MAX; /* an open range ends with the first short answer */
        s->is_final = true;
    } else {
        s->is_final = v.missing == s->to || !is_patient(s, v.missing);
    }
    while (!s->is_final && s->rows_n > 0 && s->rows[s->rows_n - 1].id > v.missing)
        s->rows_n--; /* not before the absent ones */
    s->is_ready = true;
    return SF_OK;
}

static void on_page(void *arg, enum sf_status status, struct sf_buf *body,
                    const struct sf_error *cause)
{
    struct slot *s = arg;
    struct trades_pager *p = s->p;
    struct sf_error err = { 0 };

    s->is_asked = false;
    if (!p->is_running || s->range != p->range)
        return;
    if (status != SF_OK) {
        give_up(p, status, cause);
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
    trades_pager_go(p);
}

static void ask(struct slot *s)
{
    struct trades_pager *p = s->p;
    const struct sf_exchange *x = p->opts.exchange;
    struct sf_error err = { 0 };
    struct sf_buf path;

    s->is_ready = false;
    s->range = p->range;
    sf_buf_init(&path, 4096);
    x->trades_url(&path, p->symbol, p->opts.is_agg, s->from, (unsigned)(s->to - s->from));
    s->is_asked = true;
    if (sf_rest_get_built(p->opts.rest, &path,
                          p->opts.is_agg ? x->agg_trades_weight : x->trades_weight,
                          on_page, s, &err) != SF_OK) {
        s->is_asked = false;
        give_up(p, err.status, &err);
    }
    sf_buf_release(&path);
}

static void on_retry(void *arg)
{
    struct slot *s = arg;

    if (s->p->is_running && s->range == s->p->range)
        ask(s);
}

/* Ask again for what an answer lacked. */
static void ask_again(struct slot *s)
{
    int64_t wait_ms =
        s->again_n < 6 ? (int64_t)ABSENT_MS << (s->again_n - 1) : ABSENT_MAX_MS;

    s->from = s->missing;
    s->is_ready = false;
    if (s->p->opts.patience_ms > 0)
        sf_timer_set(s->retry, wait_ms < ABSENT_MAX_MS ? wait_ms : ABSENT_MAX_MS, 0);
    else
        ask(s);
}

static void fill(struct trades_pager *p)
{
    while (p->is_running && p->used_n < p->opts.pages_n && p->planned < p->to) {
        struct slot *s = &p->slots[(p->head + p->used_n) % p->opts.pages_n];
        int64_t max = p->opts.exchange->trades_max;

        s->from = p->planned;
        s->to = p->to - s->from < max ? p->to : s->from + max;
        s->is_used = true;
        s->missing = -1;
        s->bad_n = s->again_n = 0;
        p->planned = s->to;
        p->used_n++;
        ask(s);
    }
}

/* Hand out the rows of a ready slot; false: not now, or never. */
static bool put_rows(struct slot *s)
{
    struct trades_pager *p = s->p;

    while (s->at < s->rows_n) {
        enum sf_status status = p->opts.put(p->opts.arg, &s->rows[s->at]);

        if (status != SF_OK && status != SF_EFULL)
            trades_pager_stop(p);
        if (status != SF_OK || !p->is_running)
            return false;
        s->at++;
    }
    return true;
}

static void leave(struct slot *s)
{
    struct trades_pager *p = s->p;

    sf_buf_release(&s->body);
    s->is_used = s->is_ready = false;
    p->head = (p->head + 1) % p->opts.pages_n;
    p->used_n--;
    if (s->next > p->planned) /* ids that were skipped need no question */
        p->planned = s->next < p->to ? s->next : p->to;
}

static void publish(struct trades_pager *p)
{
    while (p->is_running && p->used_n > 0 && p->slots[p->head].is_ready) {
        struct slot *s = &p->slots[p->head];

        if (!put_rows(s))
            return;
        if (!s->is_final) {
            ask_again(s);
            return;
        }
        leave(s);
        fill(p);
    }
    if (p->is_running && p->used_n == 0 && p->planned >= p->to) {
        trades_pager_stop(p);
        p->opts.done(p->opts.arg);
    }
}

void trades_pager_go(struct trades_pager *p)
{
    if (p->is_publishing) /* from a callback: the loop above goes on */
        return;
    p->is_publishing = true;
    publish(p);
    p->is_publishing = false;
}

/* ----------------------------------------------------------------------------- life */

static enum sf_status make_slots(struct trades_pager *p)
{
    size_t page = p->opts.exchange->trades_max;

    p->slots = calloc(p->opts.pages_n, sizeof(*p->slots));
    p->rows = calloc(p->opts.pages_n * page, sizeof(*p->rows));
    if (!p->slots || !p->rows)
        return SF_ENOMEM;
    for (unsigned i = 0; i < p->opts.pages_n; i++) {
        struct slot *s = &p->slots[i];

        s->p = p;
        s->rows = p->rows + i * page;
        if (sf_timer_create(p->opts.loop, on_retry, s, &s->retry) != SF_OK)
            return SF_ENOMEM;
    }
    return SF_OK;
}

enum sf_status trades_pager_create(const struct trades_pager_opts *opts,
                                   struct trades_pager **ret_p)
{
    struct trades_pager *p = calloc(1, sizeof(*p));

    if (!p)
        return SF_ENOMEM;
    p->opts = *opts;
    if (make_slots(p) != SF_OK) {
        trades_pager_destroy(p);
        return SF_ENOMEM;
    }
    *ret_p = p;
    return SF_OK;
}

void trades_pager_destroy(struct trades_pager *p)
{
    if (!p)
        return;
    for (unsigned i = 0; p->slots && i < p->opts.pages_n; i++) {
        sf_buf_release(&p->slots[i].body);
        sf_timer_destroy(p->slots[i].retry);
    }
    free(p->slots);
    free(p->rows);
    free(p);
}

void trades_pager_start(struct trades_pager *p, struct sf_str symbol, int64_t from,
                        int64_t to)
{
    p->symbol = symbol;
    p->planned = from;
    p->to = to;
    p->head = p->used_n = 0;
    p->range++;
    p->is_running = true;
    fill(p);
    trades_pager_go(p); /* a range that is empty */
}

void trades_pager_extend(struct trades_pager *p, int64_t to)
{
    if (!p->is_running || (p->to == INT64_MAX ? to < p->planned : to <= p->to))
        return;
    p->to = to;
    fill(p);
}

void trades_pager_stop(struct trades_pager *p)
{
    p->is_running = false;
    p->range++;
    p->head = p->used_n = 0;
    for (unsigned i = 0; i < p->opts.pages_n; i++) {
        p->slots[i].is_used = p->slots[i].is_ready = false;
        sf_timer_clear(p->slots[i].retry);
    }
}

bool trades_pager_is_idle(const struct trades_pager *p)
{
    for (unsigned i = 0; i < p->opts.pages_n; i++)
        if (p->slots[i].is_asked)
            return false;
    return !p->is_running;
}
