/* Trades and aggregate trades of Binance spot.
 * Source: binance-spot-api-docs, rest-api.md ("Old trade lookup", "Compressed/Aggregate
 * trades list"), web-socket-streams.md ("Trade Streams", "Aggregate Trade Streams"),
 * CHANGELOG of 2022-04-12 (voided aggregates: f and l are -1). */
#include "exchanges.h"

#include <sf/dec.h>

enum member { M_ID, M_TRADE_ID, M_TIME, M_DEC, M_BOOL };

struct member_row {
    const char *name;
    enum member kind;
    size_t offset; /* in struct sf_trade */
};

/* clang-format off */
static const struct member_row trade_members[] = {
    { "id",           M_ID,   offsetof(struct sf_trade, id) },
    { "price",        M_DEC,  offsetof(struct sf_trade, price) },
    { "qty",          M_DEC,  offsetof(struct sf_trade, quantity) },
    { "time",         M_TIME, offsetof(struct sf_trade, time_ms) },
    { "isBuyerMaker", M_BOOL, offsetof(struct sf_trade, is_buyer_maker) },
    { .name = NULL },
};

static const struct member_row agg_members[] = {
    { "a", M_ID,       offsetof(struct sf_trade, id) },
    { "p", M_DEC,      offsetof(struct sf_trade, price) },
    { "q", M_DEC,      offsetof(struct sf_trade, quantity) },
    { "f", M_TRADE_ID, offsetof(struct sf_trade, first_id) },
    { "l", M_TRADE_ID, offsetof(struct sf_trade, last_id) },
    { "T", M_TIME,     offsetof(struct sf_trade, time_ms) },
    { "m", M_BOOL,     offsetof(struct sf_trade, is_buyer_maker) },
    { .name = NULL },
};

/* The events of the streams <symbol>@trade and @aggTrade. */
static const struct member_row trade_event_members[] = {
    { "t", M_ID,   offsetof(struct sf_trade, id) },
    { "p", M_DEC,  offsetof(struct sf_trade, price) },
    { "q", M_DEC,  offsetof(struct sf_trade, quantity) },
    { "T", M_TIME, offsetof(struct sf_trade, time_ms) },
    { "m", M_BOOL, offsetof(struct sf_trade, is_buyer_maker) },
    { .name = NULL },
};

static const char *const expected[] = {
    [M_ID]       = "an id",
    [M_TRADE_ID] = "an id or -1",
    [M_TIME]     = "a time in ms or us",
    [M_DEC]      = "a decimal string",
    [M_BOOL]     = "true or false",
};
/* clang-format on */

/* ------------------------------------------------------------------------------ URLs */

void binance_trades_url(struct sf_buf *url, struct sf_str symbol, bool is_agg,
                        int64_t from_id, unsigned limit)
{
    sf_buf_add_str(url, is_agg ? SF_STR("/api/v3/aggTrades?symbol=")
                               : SF_STR("/api/v3/historicalTrades?symbol="));
    sf_buf_add_url(url, symbol);
    sf_buf_addf(url, "&fromId=%lld&limit=%u", (long long)from_id, limit);
}

void binance_agg_trades_at_url(struct sf_buf *url, struct sf_str symbol, int64_t from_ms,
                               int64_t to_incl_ms, unsigned limit)
{
    sf_buf_add_lit(url, "/api/v3/aggTrades?symbol=");
    sf_buf_add_url(url, symbol);
    if (from_ms >= 0)
        sf_buf_addf(url, "&startTime=%lld", (long long)from_ms);
    else
        sf_buf_addf(url, "&endTime=%lld", (long long)to_incl_ms);
    sf_buf_addf(url, "&limit=%u", limit);
}

/* ----------------------------------------------------------------------------- pages */

static bool take_number(const struct sf_scan *s, enum sf_token token, enum member kind,
                        int64_t *ret)
{
    int64_t n;

    if (token != SF_TOK_NUMBER || sf_str_to_i64(s->text, &n) != SF_OK)
        return false;
    *ret = kind == M_TIME ? sf_time_to_ms(n) : n;
    if (kind == M_TIME)
        return binance_is_time(*ret);
    return n >= (kind == M_TRADE_ID ? -1 : 0);
}

/* The token is what a member of @kind holds: store it in @field. */
static bool take(const struct sf_scan *s, enum sf_token token, enum member kind,
                 void *field)
{
    switch (kind) {
    case M_ID:
    case M_TRADE_ID:
    case M_TIME:
        return take_number(s, token, kind, field);
    case M_DEC:
        *(struct sf_str *)field = s->text;
        return token == SF_TOK_STRING && sf_dec_is_valid(s->text);
    case M_BOOL:
        break;
    }
    *(bool *)field = token == SF_TOK_TRUE;
    return token == SF_TOK_TRUE || token == SF_TOK_FALSE;
}

static enum sf_status bad_member(const struct sf_scan *s, enum sf_token token,
                                 const struct member_row *m, struct sf_error *err)
{
    if (token == SF_TOK_ERROR || token == SF_TOK_END) {
        (void)sf_scan_error(s, err);
        (void)sf_error_wrap(err, "%s", m->name);
        return SF_EPROTO;
    }
    return sf_error_set(err, SF_EPROTO, "%s: expected %s, got '%" SF_STR_FMT "'", m->name,
                        expected[m->kind], SF_STR_ARG(binance_shown(s, token)));
}

/* Most are not, and differ in the first letter. */
static bool is_named(const struct member_row *m, struct sf_str name)
{
    return name.len > 0 && m->name[0] == name.p[0] &&
           sf_str_eq(sf_str_from(m->name), name);
}

/* The member of @name, trying the one at *hint first: rows keep their order. */
static const struct member_row *find_member(const struct member_row *members,
                                            struct sf_str name, unsigned *hint)
{
    const struct member_row *m = &members[*hint];

    if (m->name && is_named(m, name)) {
        ++*hint;
        return m;
    }
    for (m = members; m->name; m++)
        if (is_named(m, name)) {
            *hint = (unsigned)(m - members) + 1;
            return m;
        }
    return NULL;
}

static enum sf_status read_member(struct sf_scan *s, const struct member_row *m,
                                  unsigned bit, unsigned *seen, struct sf_trade *t,
                                  struct sf_error *err)
{
    enum sf_token token = sf_scan_next(s);

    if (!take(s, token, m->kind, (char *)t + m->offset))
        return bad_member(s, token, m, err);
    if (*seen & bit)
        return sf_error_set(err, SF_EPROTO, "%s stands twice", m->name);
    *seen |= bit;
    return SF_OK;
}

static enum sf_status check_row(const struct member_row *members, unsigned seen,
                                const struct sf_trade *t, struct sf_error *err)
{
    for (size_t i = 0; members[i].name; i++)
        if (!(seen >> i & 1))
            return sf_error_set(err, SF_EPROTO, "%s is missing", members[i].name);
    if ((t->first_id < 0) != (t->last_id < 0) || t->last_id < t->first_id)
        return sf_error_set(err, SF_EPROTO, "f %lld and l %lld do not agree",
                            (long long)t->first_id, (long long)t->last_id);
    return SF_OK;
}

/* One object, behind its brace. @ret_event, unless NULL: its member e. */
static enum sf_status read_row(struct sf_scan *s, const struct member_row *members,
                               struct sf_trade *t, struct sf_str *ret_event,
                               struct sf_error *err)
{
    unsigned seen = 0, hint = 0;
    enum sf_token token;

    *t = (struct sf_trade){ .first_id = -1, .last_id = -1 };
    while ((token = sf_scan_next(s)) == SF_TOK_KEY) {
        const struct member_row *m = find_member(members, s->text, &hint);

        if (m) {
            if (read_member(s, m, 1U << (m - members), &seen, t, err) != SF_OK)
                return SF_EPROTO;
        } else if (ret_event && sf_str_eq(s->text, SF_STR("e"))) {
            if (sf_scan_next(s) != SF_TOK_STRING)
                return sf_error_set(err, SF_EPROTO, "e: expected a string");
            *ret_event = s->text;
        } else if (!sf_scan_skip(s)) {
            return sf_scan_error(s, err);
        }
    }
    if (token != SF_TOK_OBJECT_END)
        return sf_scan_error(s, err);
    return check_row(members, seen, t, err);
}

enum sf_status binance_trade_parse(struct sf_str event, bool is_agg, struct sf_trade *ret,
                                   struct sf_error *err)
{
    struct sf_str name = SF_STR_EMPTY;
    struct sf_error why = { 0 };
    struct sf_scan s;
    enum sf_status status;

    sf_scan_init(&s, event);
    if (sf_scan_next(&s) != SF_TOK_OBJECT)
        return sf_error_set(err, SF_EPROTO, "an event is an object");
    status = read_row(&s, is_agg ? agg_members : trade_event_members, ret, &name, &why);
    if (name.len > 0 && !sf_str_eq(name, is_agg ? SF_STR("aggTrade") : SF_STR("trade")))
        return sf_error_set(
            err, SF_EUNSUPPORTED, "event '%" SF_STR_FMT "' is unknown",
            SF_STR_ARG(sf_str_make(name.p, name.len < SHOWN_MAX ? name.len : SHOWN_MAX)));
    if (status != SF_OK)
        return sf_error_set(err, status, "%s", why.text);
    if (name.len == 0)
        return sf_error_set(err, SF_EPROTO, "e is missing");
    return sf_scan_next(&s) == SF_TOK_END ? SF_OK : sf_scan_error(&s, err);
}

enum sf_status binance_trades_parse(struct sf_str body, bool is_agg,
                                    struct sf_trade *rows, size_t rows_max, size_t *ret_n,
                                    struct sf_error *err)
{
    const struct member_row *members = is_agg ? agg_members : trade_members;
    struct sf_error why = { 0 };
    struct sf_scan s;
    enum sf_token token;
    size_t n = 0;

    sf_scan_init(&s, body);
    if (sf_scan_next(&s) != SF_TOK_ARRAY)
        return sf_error_set(err, SF_EPROTO,
                            "trades: expected an array of rows, got '%.*s'",
                            (int)(body.len < SHOWN_MAX ? body.len : SHOWN_MAX), body.p);
    while ((token = sf_scan_next(&s)) == SF_TOK_OBJECT) {
        if (n == rows_max)
            return sf_error_set(err, SF_ETOOBIG, "trades: more than %zu rows", rows_max);
        if (read_row(&s, members, &rows[n], NULL, &why) != SF_OK)
            return sf_error_set(err, SF_EPROTO, "row %zu, %s", n, why.text);
        n++;
    }
    if (token == SF_TOK_ARRAY_END)
        token = sf_scan_next(&s);
    else if (token != SF_TOK_ERROR)
        return sf_error_set(err, SF_EPROTO,
                            "row %zu: expected an object, got '%" SF_STR_FMT "'", n,
                            SF_STR_ARG(binance_shown(&s, token)));
    if (token != SF_TOK_END)
        return sf_scan_error(&s, err);
    *ret_n = n;
    return SF_OK;
}
