/* exchangeInfo, the clock and verdicts: whatever an exchange answers, limits and waits
 * stay within bounds, and what is not good has a reason.
 *
 * Input: the value of every header, a line feed, the body. */
#include <sf/exchange.h>

#include <stdlib.h>

#define NOW_MS      INT64_C(1717200000000)
#define WAIT_MAX_MS INT64_C(259200000) /* 3 days */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool is_true)
{
    if (!is_true)
        abort();
}

static struct sf_str every_header(const void *arg, const char *name)
{
    (void)name;
    return *(const struct sf_str *)arg;
}

static void check_info(const struct sf_exchange *x, struct sf_str body)
{
    struct sf_market m = { .weight_limit = -7 };
    struct sf_error err = { 0 };

    if (x->info_parse(body, SF_STR("BTCUSDT"), &m, &err) != SF_OK) {
        must(m.weight_limit == -7 && err.status == SF_EPROTO && err.text[0]);
        return;
    }
    must(err.status == SF_OK);
    must(m.is_known || !m.is_trading);
    must(m.weight_limit >= 0 && m.weight_limit <= 1000000000);
    must((m.weight_limit == 0) == (m.weight_window_ms == 0));
    must(m.weight_window_ms % 1000 == 0 && m.weight_window_ms <= 1000 * 86400000LL);
}

static void check_time(const struct sf_exchange *x, struct sf_str body)
{
    struct sf_error err = { 0 };
    int64_t ms = -7;

    if (x->time_parse(body, &ms, &err) != SF_OK)
        must(ms == -7 && err.status == SF_EPROTO && err.text[0]);
    else
        must(ms > 0 && ms < SF_TIME_MAX_MS && err.status == SF_OK);
}

static void check_verdict(const struct sf_exchange *x, int status, struct sf_str header,
                          struct sf_str body)
{
    struct sf_rest_answer a;
    struct sf_error err = { 0 };

    x->judge(status, body, every_header, &header, NOW_MS, &a, &err);
    must((a.verdict == SF_VERDICT_OK) == (err.status == SF_OK));
    must(a.verdict != SF_VERDICT_OK || status == 200);
    must(a.verdict <= SF_VERDICT_FATAL);
    must(a.wait_ms >= 0 && a.wait_ms <= WAIT_MAX_MS);
    must(a.used_weight >= -1 && a.used_weight <= 1000000000);
    must(a.server_ms >= 0 && a.server_ms < INT64_C(1) << 53);
    if (status == 429 || status == 418)
        must(a.verdict == SF_VERDICT_WAIT);
    if (status >= 500)
        must(a.verdict == SF_VERDICT_RETRY || a.verdict == SF_VERDICT_WAIT);
    if (status == 200)
        must(a.verdict == SF_VERDICT_OK || a.verdict == SF_VERDICT_RETRY);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = { 200, 204, 302, 400, 403, 404, 408,
                                    418, 429, 451, 500, 503, 599 };
    const struct sf_exchange *x = sf_exchange_find(SF_STR("binance"));
    struct sf_str body, text = sf_str_make((const char *)data, size);
    struct sf_str header = sf_str_cut(text, '\n', &body);

    check_info(x, body);
    check_time(x, body);
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        check_verdict(x, statuses[i], header, body);
    return 0;
}
