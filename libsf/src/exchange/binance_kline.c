/* Candles of Binance's streams.
 * Source: binance-spot-api-docs, web-socket-streams.md ("Kline/Candlestick Streams"). */
#include "exchanges.h"

#include <sf/dec.h>

enum member { M_TIME, M_DEC, M_COUNT, M_BOOL };

struct member_row {
    char name; /* members of k have one letter each */
    enum member kind;
    size_t offset; /* in struct sf_candle_event */
};

#define AT(field) offsetof(struct sf_candle_event, field)

/* clang-format off */
static const struct member_row members[] = {
    { 't', M_TIME,  AT(candle.open_time) },
    { 'T', M_TIME,  AT(candle.close_time) },
    { 'o', M_DEC,   AT(candle.open) },
    { 'c', M_DEC,   AT(candle.close) },
    { 'h', M_DEC,   AT(candle.high) },
    { 'l', M_DEC,   AT(candle.low) },
    { 'v', M_DEC,   AT(candle.volume) },
    { 'n', M_COUNT, AT(candle.trades) },
    { 'x', M_BOOL,  AT(is_closed) },
    { 'q', M_DEC,   AT(candle.quote_volume) },
    { 'V', M_DEC,   AT(candle.taker_base) },
    { 'Q', M_DEC,   AT(candle.taker_quote) },
};

static const char *const expected[] = {
    [M_TIME]  = "a time in ms or us",
    [M_DEC]   = "a decimal string",
    [M_COUNT] = "a count",
    [M_BOOL]  = "true or false",
};
/* clang-format on */

#define MEMBERS_N (sizeof(members) / sizeof(members[0]))

void binance_candle_stream(struct sf_buf *b, struct sf_str symbol,
                           const struct sf_interval *iv)
{
    binance_stream_symbol(b, symbol);
    sf_buf_add_lit(b, "@kline_");
    sf_buf_add_str(b, sf_str_from(iv->name));
}

static bool take_time(const struct sf_scan *s, enum sf_token token, int64_t *ret)
{
    if (token != SF_TOK_NUMBER || sf_str_to_i64(s->text, ret) != SF_OK)
        return false;
    *ret = sf_time_to_ms(*ret);
    return binance_is_time(*ret);
}

static bool take(const struct sf_scan *s, enum sf_token token, enum member kind,
                 void *field)
{
    switch (kind) {
    case M_TIME:
        return take_time(s, token, field);
    case M_DEC:
        *(struct sf_str *)field = s->text;
        return token == SF_TOK_STRING && sf_dec_is_valid(s->text);
    case M_COUNT:
        return token == SF_TOK_NUMBER &&
               sf_str_to_i64(s->text, (int64_t *)field) == SF_OK &&
               *(int64_t *)field >= 0;
    case M_BOOL:
        break;
    }
    *(bool *)field = token == SF_TOK_TRUE;
    return token == SF_TOK_TRUE || token == SF_TOK_FALSE;
}

static enum sf_status bad_member(const struct sf_scan *s, enum sf_token token, char name,
                                 const char *what, struct sf_error *err)
{
    if (token == SF_TOK_ERROR || token == SF_TOK_END) {
        (void)sf_scan_error(s, err);
        return sf_error_wrap(err, "%c", name);
    }
    return sf_error_set(err, SF_EPROTO, "%c: expected %s, got '%" SF_STR_FMT "'", name,
                        what, SF_STR_ARG(binance_shown(s, token)));
}

static const struct member_row *find_member(struct sf_str name)
{
    for (size_t i = 0; name.len == 1 && i < MEMBERS_N; i++)
        if (members[i].name == name.p[0])
            return &members[i];
    return NULL;
}

/* The object k, behind its brace. */
static enum sf_status read_candle(struct sf_scan *s, struct sf_candle_event *e,
                                  struct sf_error *err)
{
    unsigned seen = 0;
    enum sf_token token;

    while ((token = sf_scan_next(s)) == SF_TOK_KEY) {
        const struct member_row *m = find_member(s->text);
        unsigned bit = m ? 1U << (m - members) : 0;

        if (!m) {
            if (!sf_scan_skip(s))
                return sf_scan_error(s, err);
            continue;
        }
        token = sf_scan_next(s);
        if (!take(s, token, m->kind, (char *)e + m->offset))
            return bad_member(s, token, m->name, expected[m->kind], err);
        if (seen & bit)
            return sf_error_set(err, SF_EPROTO, "%c stands twice", m->name);
        seen |= bit;
    }
    if (token != SF_TOK_OBJECT_END)
        return sf_scan_error(s, err);
    for (size_t i = 0; i < MEMBERS_N; i++)
        if (!(seen >> i & 1))
            return sf_error_set(err, SF_EPROTO, "%c is missing", members[i].name);
    if (e->candle.close_time < e->candle.open_time)
        return sf_error_set(err, SF_EPROTO, "it closes before it opens");
    return SF_OK;
}

/* One member of the event, whose name is at the scanner. */
static enum sf_status read_member(struct sf_scan *s, struct sf_candle_event *e,
                                  struct sf_str *ret_name, bool *ret_has_candle,
                                  struct sf_error *err)
{
    enum sf_token token;

    if (sf_str_eq(s->text, SF_STR("e"))) {
        token = sf_scan_next(s);
        *ret_name = s->text;
        return token == SF_TOK_STRING ? SF_OK
                                      : bad_member(s, token, 'e', "a string", err);
    }
    if (sf_str_eq(s->text, SF_STR("E"))) {
        token = sf_scan_next(s);
        return take_time(s, token, &e->time_ms)
                   ? SF_OK
                   : bad_member(s, token, 'E', expected[M_TIME], err);
    }
    if (!sf_str_eq(s->text, SF_STR("k")))
        return sf_scan_skip(s) ? SF_OK : sf_scan_error(s, err);
    token = sf_scan_next(s);
    if (token != SF_TOK_OBJECT || *ret_has_candle)
        return bad_member(s, token, 'k', "one candle", err);
    *ret_has_candle = true;
    return read_candle(s, e, err);
}

static enum sf_status check_event(const struct sf_candle_event *e, struct sf_str name,
                                  bool has_candle, struct sf_error *err)
{
    if (name.len == 0)
        return sf_error_set(err, SF_EPROTO, "e is missing");
    if (!sf_str_eq(name, SF_STR("kline")))
        return sf_error_set(
            err, SF_EUNSUPPORTED, "event '%" SF_STR_FMT "' is unknown",
            SF_STR_ARG(sf_str_make(name.p, name.len < SHOWN_MAX ? name.len : SHOWN_MAX)));
    if (!has_candle || e->time_ms < 0)
        return sf_error_set(err, SF_EPROTO, "%s is missing", has_candle ? "E" : "k");
    if (e->time_ms < e->candle.open_time)
        return sf_error_set(err, SF_EPROTO, "it opens after it was told");
    return SF_OK;
}

enum sf_status binance_candle_parse(struct sf_str event, struct sf_candle_event *ret,
                                    struct sf_error *err)
{
    struct sf_candle_event e = { .time_ms = -1 };
    struct sf_str name = SF_STR_EMPTY;
    struct sf_scan s;
    bool has_candle = false;
    enum sf_status status;
    enum sf_token token;

    sf_scan_init(&s, event);
    if (sf_scan_next(&s) != SF_TOK_OBJECT)
        return sf_error_set(err, SF_EPROTO, "an event is an object");
    while ((token = sf_scan_next(&s)) == SF_TOK_KEY)
        if (read_member(&s, &e, &name, &has_candle, err) != SF_OK)
            return SF_EPROTO;
    if (token != SF_TOK_OBJECT_END || sf_scan_next(&s) != SF_TOK_END)
        return sf_scan_error(&s, err);
    status = check_event(&e, name, has_candle, err);
    if (status == SF_OK)
        *ret = e;
    return status;
}
