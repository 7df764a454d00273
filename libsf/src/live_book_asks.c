/* Snapshots for live books: asked for when a symbol has none, until one joins. */
#include "live_books.h"

#include <sf/metrics.h>

#define BACKOFF_MS    500 /* doubled with each useless answer, up to */
#define BACKOFF_MAX_N 4
#define OLD_MAX       10 /* answers older than what was published, before one is taken */

void live_book_ask_again(struct live_book *k)
{
    unsigned n = k->useless_n < BACKOFF_MAX_N ? k->useless_n : BACKOFF_MAX_N;

    k->useless_n++;
    live_book_ask(k, (int64_t)BACKOFF_MS << n);
}

static void refuse(struct live_book *k, const struct sf_error *cause)
{
    struct live_books *b = k->b;
    size_t left = 0;

    k->is_refused = true;
    sf_join_reset(&k->join);
    for (size_t i = 0; i < b->books_n; i++)
        left += !b->books[i].is_refused;
    if (left == 0) {
        live_books_fail(b, k, cause);
        return;
    }
    sf_log(SF_LOG_ERROR, "symbol_refused", SF_LOG_V("symbol", k->symbol),
           SF_LOG_S("text", cause->text));
    sf_loader_tell(b->l, cause->text);
}

/* Older than what was published: of a server that lags, unless the ids began anew. */
static bool is_older(struct live_book *k, int64_t id)
{
    return id < k->last_id && k->old_n++ < OLD_MAX;
}

static void on_snapshot(void *arg, enum sf_status status, struct sf_buf *body,
                        const struct sf_error *cause)
{
    struct live_book *k = arg;
    struct sf_error err = { 0 };
    struct sf_depth d;

    k->is_asked = false;
    if (status == SF_ENOTFOUND) {
        refuse(k, cause);
    } else if (status == SF_EUNSUPPORTED && sf_loader_tape(k->b->l)->player) {
        live_book_ask_again(k); /* a tape that had no answer so far */
    } else if (status != SF_OK) {
        live_books_fail(k->b, k, cause);
    } else if (k->join.is_live || !k->is_up) {
        return; /* of no use any more: the connection was cut meanwhile */
    } else if (k->b->exchange->depth_parse(sf_buf_str(body), false, &d, &err) != SF_OK) {
        sf_metric_add(SF_M_BAD_INPUT, 1);
        sf_log_error(SF_LOG_WARN, "bad_snapshot", &err);
        live_book_ask_again(k);
    } else if (is_older(k, d.last_id) || !sf_join_snapshot(&k->join, d.last_id)) {
        sf_log(SF_LOG_INFO, "old_snapshot", SF_LOG_V("symbol", k->symbol),
               SF_LOG_I("last_update_id", d.last_id), SF_LOG_I("had", k->last_id));
        live_book_ask_again(k);
    } else {
        live_book_joined(k, &d);
    }
}

void live_book_on_ask(void *arg)
{
    struct live_book *k = arg;
    struct live_books *b = k->b;
    unsigned levels = (unsigned)b->conf->snapshot_levels;
    struct sf_error err = { 0 };
    struct sf_buf path;

    if (k->is_asked || k->is_refused || k->join.is_live || !k->is_up)
        return;
    sf_buf_init(&path, 4096);
    b->exchange->depth_url(&path, k->symbol, levels);
    k->is_asked = sf_rest_get_built(b->rest, &path, b->exchange->depth_weight(levels),
                                    on_snapshot, k, &err) == SF_OK;
    if (!k->is_asked)
        live_books_fail(b, k, &err);
    sf_buf_release(&path);
}

void live_book_ask(struct live_book *k, int64_t after_ms)
{
    if (k->is_asked || k->is_refused)
        return;
    /* The tape says when it was asked. */
    if (sf_loader_tape(k->b->l)->player)
        after_ms = 0;
    /* A back-off is not shortened by diffs that arrive meanwhile; a first wait is. */
    if (sf_timer_is_set(k->ask_timer) && (after_ms > 0 || k->useless_n > 0))
        return;
    sf_timer_set(k->ask_timer, after_ms, 0);
}
