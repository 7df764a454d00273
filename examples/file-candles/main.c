/* A loader of one's own: publishes a saved page of candles; libsf does all the rest. */
#include <sf/loader.h>

#include <stdio.h>
#include <stdlib.h>

struct page {
    struct sf_loader *l;
    struct sf_record_common common;
    size_t n, next;
    struct sf_candle row[1000]; /* views into body */
    char body[1 << 20];
};

static void publish(void *state)
{
    struct page *p = state;
    enum sf_status status = SF_OK;
    struct sf_buf record;

    for (; p->next < p->n && status == SF_OK; p->next += status == SF_OK) {
        sf_buf_init(&record, 65536);
        sf_record_candle(&record, &p->common, sf_loader_conf(p->l)->type_ref.interval,
                         &p->row[p->next], true, SF_VERSION_CLOSED);
        status = sf_loader_put(p->l, p->common.symbol, p->row[p->next].open_time,
                               sf_buf_str(&record));
        sf_buf_release(&record);
    }
    if (status == SF_OK)
        sf_loader_finish(p->l, &(struct sf_end){ (int64_t)p->n, p->row[0].open_time,
                                                 p->row[p->n - 1].open_time, -1, -1, 0 });
    else if (status != SF_EFULL) /* full: called again when there is room */
        sf_loader_fail(p->l, &(struct sf_error){ status, "a record was refused" });
}

static enum sf_status start(struct sf_loader *l, void **ret, struct sf_error *err)
{
    const struct sf_exchange *binance = sf_exchange_find(SF_STR("binance"));
    struct sf_str symbol = sf_str_from(sf_loader_conf(l)->symbols[0]);
    struct page *p = *ret = calloc(1, sizeof(*p));
    size_t size = p ? fread(p->body, 1, sizeof(p->body), stdin) : 0;

    if (p)
        binance->klines_parse(sf_str_make(p->body, size), p->row, 1000, &p->n, err);
    if (!p || p->n == 0)
        return sf_error_set(err, SF_EPROTO, "no candles on stdin, or no memory for them");
    p->l = l;
    p->common = (struct sf_record_common){ SF_STR("binance"), symbol, symbol,
                                           SF_STR("file"), sf_loader_run(l) };
    publish(p);
    return SF_OK;
}

int main(int argc, char **argv)
{
    const struct sf_source source = { start, NULL, publish, free, NULL };
    const struct sf_loader_spec spec = { "loader-api-candles", "a page of candles",
                                         SF_SCOPE_HISTORY, &source };
    return sf_loader_main(&spec, argc, argv);
}
