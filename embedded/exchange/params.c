#include "params.h"

#include <stdlib.h>

#define CLAMP_MIN_MS INT64_C(1483228800000) /* 2017-01-01: the exchange's beginning */

static bool is_listed(const char *names, struct sf_str name)
{
    struct sf_str rest = sf_str_from(names);

    while (rest.len > 0)
        if (sf_str_eq(sf_str_cut(rest, ' ', &rest), name))
            return true;
    return false;
}

/* Decode @s behind what text holds already. */
static bool keep(struct call *call, struct sf_str s, struct sf_str *ret)
{
    struct sf_buf b = { .p = call->text + call->text_len,
                        .cap = sizeof(call->text) - call->text_len,
                        .max = sizeof(call->text) - call->text_len };

    /* decoding never lengthens, so a value that fits never makes the buffer grow */
    if (s.len >= b.cap || sf_httpd_decode(s, true, &b) != SF_OK)
        return false;
    *ret = sf_str_make(b.p, b.len);
    call->text_len += b.len;
    return true;
}

bool param_find(const struct call *call, const char *name, struct sf_str *ret)
{
    for (size_t i = 0; i < call->params_n; i++) {
        if (sf_str_eq(call->names[i], sf_str_from(name))) {
            *ret = call->values[i];
            return true;
        }
    }
    return false;
}

bool params_read(struct call *call, const char *allowed)
{
    struct sf_str rest = sf_httpd_query(call->req);
    size_t read_n = 0;

    call->params_n = 0;
    call->text_len = 0;
    while (rest.len > 0) {
        struct sf_str value, pair = sf_str_cut(rest, '&', &rest);
        struct sf_str name = sf_str_cut(pair, '=', &value), *to;

        if (pair.len == 0)
            continue;
        if (call->params_n == PARAMS_MAX)
            return call_fail(call, 400, -1101,
                             "Too many parameters; expected '%d' and received '%d'.",
                             PARAMS_MAX, PARAMS_MAX + 1);
        to = &call->names[call->params_n];
        if (!keep(call, name, to) || !keep(call, value, &call->values[call->params_n]))
            return call_fail(call, 400, -1100,
                             "Illegal characters found in a parameter.");
        for (size_t i = 0; i < call->params_n; i++)
            if (sf_str_eq(call->names[i], *to))
                return call_fail(call, 400, -1101,
                                 "Duplicate values for a parameter detected.");
        read_n += is_listed(allowed, *to);
        call->params_n++;
    }
    if (read_n < call->params_n)
        return call_fail(call, 400, -1104,
                         "Not all sent parameters were read; read '%zu' parameter(s) but "
                         "was sent '%zu'.",
                         read_n, call->params_n);
    for (size_t i = 0; i < call->params_n; i++)
        if (call->values[i].len == 0)
            return call_fail(call, 400, -1105, "Parameter '%" SF_STR_FMT "' was empty.",
                             SF_STR_ARG(call->names[i]));
    return true;
}

static bool missing(struct call *call, const char *name)
{
    return call_fail(
        call, 400, -1102,
        "Mandatory parameter '%s' was not sent, was empty/null, or malformed.", name);
}

static bool illegal(struct call *call, const char *name, const char *range)
{
    return call_fail(call, 400, -1100,
                     "Illegal characters found in parameter '%s'; legal range is '%s'.",
                     name, range);
}

bool param_symbol(struct call *call, struct sf_str *ret)
{
    struct sf_str s;

    if (!param_find(call, "symbol", &s))
        return missing(call, "symbol");
    for (size_t i = 0; i < s.len; i++) {
        char c = s.p[i];
        bool is_fine = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '_' || c == '.';

        if (!is_fine || i >= 20)
            return illegal(call, "symbol", "^[A-Z0-9-_.]{1,20}$");
    }
    *ret = s;
    return true;
}

const struct market *param_market(struct call *call, struct sf_str symbol)
{
    const struct market *m = exchange_market(call->ex, symbol);

    if (!m)
        (void)call_fail(call, 400, -1121, "Invalid symbol.");
    return m;
}

const struct sf_interval *param_interval(struct call *call)
{
    const struct sf_interval *iv;
    struct sf_str s;

    if (!param_find(call, "interval", &s)) {
        (void)missing(call, "interval");
        return NULL;
    }
    iv = sf_interval_find(s);
    if (!iv)
        (void)call_fail(call, 400, -1120, "Invalid interval.");
    return iv;
}

bool param_i64(struct call *call, const char *name, int64_t *ret, bool *ret_is_given)
{
    struct sf_str s;

    *ret_is_given = param_find(call, name, &s);
    if (!*ret_is_given)
        return true;
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return illegal(call, name, "^[0-9]{1,20}$");
    if (sf_str_to_i64(s, ret) != SF_OK)
        return illegal(call, name, "^[0-9]{1,20}$");
    return true;
}

bool param_limit(struct call *call, int64_t fallback, int64_t max, int64_t *ret)
{
    int64_t limit = fallback;
    bool is_given;

    if (!param_i64(call, "limit", &limit, &is_given))
        return false;
    if (limit == 0)
        return call_fail(call, 400, -1130,
                         "Data sent for parameter 'limit' is not valid.");
    *ret = limit < max ? limit : max;
    return true;
}

bool param_time(struct call *call, const char *name, int64_t *ret, bool *ret_is_given)
{
    int64_t time_ms = 0;

    if (!param_i64(call, name, &time_ms, ret_is_given))
        return false;
    if (!*ret_is_given)
        return true;
    time_ms = sf_time_to_ms(time_ms);
    if (time_ms < CLAMP_MIN_MS)
        time_ms = CLAMP_MIN_MS;
    *ret = time_ms < SF_TIME_MAX_MS ? time_ms : SF_TIME_MAX_MS - 1;
    return true;
}

/* "8", "-1:00", "05:45": hours, and minutes. */
bool param_zone(struct call *call, int64_t *ret_ms)
{
    static const char range[] = "-12:00 to +14:00 inclusive";
    struct sf_str s, minutes;
    int64_t hours_n, minutes_n = 0, ms;
    bool is_negative;

    *ret_ms = 0;
    if (!param_find(call, "timeZone", &s))
        return true;
    is_negative = s.p[0] == '-';
    if (is_negative || s.p[0] == '+')
        s = sf_str_make(s.p + 1, s.len - 1);
    s = sf_str_cut(s, ':', &minutes);
    if (s.len == 0 || s.len > 2 || sf_str_to_i64(s, &hours_n) != SF_OK || hours_n < 0 ||
        (minutes.len > 0 &&
         (minutes.len != 2 || sf_str_to_i64(minutes, &minutes_n) != SF_OK)) ||
        minutes_n < 0 || minutes_n > 59)
        return call_fail(call, 400, -1130,
                         "Data sent for parameter 'timeZone' is not valid.");
    ms = (hours_n * 60 + minutes_n) * 60000;
    if (is_negative)
        ms = -ms;
    if (ms < -12 * INT64_C(3600000) || ms > 14 * INT64_C(3600000))
        return call_fail(
            call, 400, -1130,
            "Data sent for parameter 'timeZone' is not valid; legal range is "
            "%s.",
            range);
    *ret_ms = ms;
    return true;
}
