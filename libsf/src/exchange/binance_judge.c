/* What an answer of Binance asks for.
 * Source: binance-spot-api-docs, rest-api.md (LIMITS), errors.md. */
#include "exchanges.h"

#include <jansson.h>

#define WAIT_MAX_MS INT64_C(259200000) /* 3 days: the longest ban there is */

#define WEIGHT_MAX 1000000000

/* What the loader does about an error code (errors.md). */
static const struct {
    int64_t code;
    enum sf_verdict verdict;
} codes[] = {
    { -1000, SF_VERDICT_RETRY },  { -1001, SF_VERDICT_RETRY },
    { -1003, SF_VERDICT_WAIT },   { -1006, SF_VERDICT_RETRY },
    { -1007, SF_VERDICT_RETRY },  { -1008, SF_VERDICT_RETRY },
    { -1034, SF_VERDICT_WAIT },   { -1121, SF_VERDICT_SYMBOL },
    { -1220, SF_VERDICT_SYMBOL }, { -2014, SF_VERDICT_KEY },
    { -2015, SF_VERDICT_KEY },
};

static enum sf_verdict verdict_of_code(int64_t code, enum sf_verdict otherwise)
{
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (codes[i].code == code)
            return codes[i].verdict;
    return otherwise;
}

static enum sf_verdict verdict_of_status(int status)
{
    if (status == 429 || status == 418)
        return SF_VERDICT_WAIT;
    if (status >= 500 || status == 408 || status == 403)
        return SF_VERDICT_RETRY; /* 403: the firewall found us too eager */
    if (status == 404)
        return SF_VERDICT_ABSENT;
    return status == 401 ? SF_VERDICT_KEY : SF_VERDICT_FATAL;
}

/* "... IP banned until 1660090423228 ...": ms left, 0 when the text has no such time. */
static int64_t ban_left_ms(struct sf_str text, int64_t now_ms)
{
    for (size_t i = 0; i + 13 <= text.len; i++) {
        uint64_t until;
        struct sf_str digits = { text.p + i, 13 };

        if (sf_str_to_u64(digits, &until) == SF_OK && (int64_t)until > now_ms)
            return (int64_t)until - now_ms;
    }
    return 0;
}

static bool looks_like_json(struct sf_str body)
{
    struct sf_str s = sf_str_trim(body);

    return s.len > 0 && (s.p[0] == '{' || s.p[0] == '[');
}

static void judge_body(int status, struct sf_str body, struct sf_rest_answer *a,
                       int64_t now_ms, struct sf_error *err)
{
    json_error_t why;
    json_t *root = json_loadb(body.p, body.len, 0, &why);
    const json_t *code = json_object_get(root, "code");
    const char *msg = json_string_value(json_object_get(root, "msg"));

    if (json_is_integer(code)) {
        enum sf_verdict by_code =
            verdict_of_code((int64_t)json_integer_value(code), a->verdict);

        if (a->verdict > SF_VERDICT_WAIT || by_code == SF_VERDICT_WAIT)
            a->verdict = by_code;
        (void)sf_error_set(err, SF_EREFUSED, "HTTP %d: %lld %s", status,
                           (long long)json_integer_value(code), msg ? msg : "");
    } else {
        (void)sf_error_set(err, SF_EREFUSED, "HTTP %d without the exchange's JSON",
                           status);
    }
    if (a->verdict == SF_VERDICT_WAIT && a->wait_ms == 0)
        a->wait_ms = ban_left_ms(sf_str_from(msg), now_ms);
    json_decref(root);
}

/* Retry-After: seconds, or the date when it is over (RFC 9110, 10.2.3). 0: not said. */
static int64_t retry_after_ms(struct sf_str value, int64_t now_ms)
{
    int64_t n;

    value = sf_str_trim(value);
    if (sf_str_to_i64(value, &n) == SF_OK)
        return n > WAIT_MAX_MS / 1000 ? WAIT_MAX_MS : n > 0 ? n * 1000 : 0;
    if (sf_time_parse_http(value, &n) == SF_OK && n > now_ms)
        return n - now_ms;
    return 0;
}

/* A count of weight, -1 when the header is absent or nonsense. */
static int64_t weight_of(struct sf_str value)
{
    int64_t n;

    if (sf_str_to_i64(sf_str_trim(value), &n) != SF_OK || n < 0 || n > WEIGHT_MAX)
        return -1;
    return n;
}

void binance_judge(int status, struct sf_str body, sf_header_fn header,
                   const void *header_arg, int64_t now_ms, struct sf_rest_answer *ret,
                   struct sf_error *err)
{
    struct sf_rest_answer a = { .verdict = SF_VERDICT_OK };

    a.used_weight = weight_of(header(header_arg, "X-MBX-USED-WEIGHT-1M"));
    if (a.used_weight < 0)
        a.used_weight = weight_of(header(header_arg, "X-MBX-USED-WEIGHT"));
    a.wait_ms = retry_after_ms(header(header_arg, "Retry-After"), now_ms);
    if (sf_time_parse_http(header(header_arg, "Date"), &a.server_ms) != SF_OK ||
        a.server_ms < 0)
        a.server_ms = 0;
    if (status == 451) {
        a.verdict = SF_VERDICT_FATAL;
        (void)sf_error_set(err, SF_EREFUSED,
                           "HTTP 451: the exchange does not serve this location");
    } else if (status != 200) {
        a.verdict = verdict_of_status(status);
        judge_body(status, body, &a, now_ms, err);
    } else if (!looks_like_json(body)) {
        a.verdict = SF_VERDICT_RETRY;
        (void)sf_error_set(err, SF_EPROTO, "HTTP 200 with a body that is not JSON");
    }
    if (a.wait_ms > WAIT_MAX_MS)
        a.wait_ms = WAIT_MAX_MS;
    *ret = a;
}
