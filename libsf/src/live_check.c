/* Symbols that stay silent: an exchange takes the name of any stream, so it is asked once
 * whether it knows the symbol, and trades it. One question at a time: they are dear. */
#include "live_trades.h"

#define SILENT_US 5000000 /* since the stream is up; then the question is asked */

static void tell(struct live_symbol *s, const char *why)
{
    struct sf_buf text;

    sf_buf_init(&text, 256);
    sf_buf_addf(&text, "%" SF_STR_FMT ": %s", SF_STR_ARG(s->symbol), why);
    sf_log(SF_LOG_WARN, "symbol_silent", SF_LOG_V("symbol", s->symbol),
           SF_LOG_S("text", why));
    sf_loader_tell(s->t->l, sf_buf_cstr(&text));
    sf_buf_release(&text);
}

static void on_info(void *arg, enum sf_status status, struct sf_buf *body,
                    const struct sf_error *err)
{
    struct live_symbol *s = arg;
    struct live_trades *t = s->t;
    struct sf_market market = { 0 };
    struct sf_error why = *err;

    t->is_checking = false;
    if (status == SF_OK)
        status = t->exchange->info_parse(sf_buf_str(body), s->symbol, &market, &why);
    if (status == SF_ENOTFOUND || (status == SF_OK && !market.is_known))
        tell(s, "the exchange does not know it");
    else if (status != SF_OK)
        sf_log_error(SF_LOG_WARN, "symbol_not_checked", &why);
    else if (!market.is_trading)
        tell(s, "not traded at present");
}

static void check(struct live_symbol *s)
{
    struct live_trades *t = s->t;
    struct sf_error err = { 0 };
    struct sf_buf path;

    s->is_checked = t->is_checking = true;
    sf_buf_init(&path, 4096);
    t->exchange->info_url(&path, s->symbol);
    if (sf_rest_get_built(t->rest, &path, t->exchange->info_weight, on_info, s, &err) !=
        SF_OK) {
        t->is_checking = false;
        sf_log_error(SF_LOG_WARN, "symbol_not_checked", &err);
    }
    sf_buf_release(&path);
}

void sf_live_check(struct live_trades *t)
{
    int64_t now_us = sf_mono_us();

    for (size_t i = 0; i < t->symbols_n && !t->is_checking && !t->is_closing; i++) {
        struct live_symbol *s = &t->symbols[i];

        if (!s->is_checked && s->seq.next < 0 && s->up_us > 0 &&
            now_us - s->up_us >= SILENT_US)
            check(s);
    }
}
