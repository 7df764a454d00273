/* Depth of Binance spot: snapshots by REST, diffs by WebSocket.
 * Source: binance-spot-api-docs, rest-api.md ("Order book"), web-socket-streams.md
 * ("Diff. depth stream"). */
#include "exchanges.h"

enum member { M_EVENT, M_SYMBOL, M_ID, M_TIME, M_LEVELS };

struct member_row {
    const char *name;
    enum member kind;
    size_t offset; /* in struct sf_depth */
};

/* All of them are required. */
/* clang-format off */
static const struct member_row snapshot_members[] = {
    { "lastUpdateId", M_ID,     offsetof(struct sf_depth, last_id) },
    { "bids",         M_LEVELS, offsetof(struct sf_depth, bids) },
    { "asks",         M_LEVELS, offsetof(struct sf_depth, asks) },
    { .name = NULL },
};

static const struct member_row diff_members[] = {
    { "e", M_EVENT,  0 },
    { "E", M_TIME,   offsetof(struct sf_depth, time_ms) },
    { "s", M_SYMBOL, offsetof(struct sf_depth, symbol) },
    { "U", M_ID,     offsetof(struct sf_depth, first_id) },
    { "u", M_ID,     offsetof(struct sf_depth, last_id) },
    { "b", M_LEVELS, offsetof(struct sf_depth, bids) },
    { "a", M_LEVELS, offsetof(struct sf_depth, asks) },
    { .name = NULL },
};

static const char *const expected[] = {
    [M_EVENT]  = "\"depthUpdate\"",
    [M_SYMBOL] = "a symbol",
    [M_ID]     = "an update id",
    [M_TIME]   = "a time in ms or us",
    [M_LEVELS] = "levels",
};
/* clang-format on */

/* What a request of so many levels costs (rest-api.md, since 2023-10-19). */
int64_t binance_depth_weight(unsigned limit)
{
    return limit <= 100 ? 5 : limit <= 500 ? 25 : limit <= 1000 ? 50 : 250;
}

void binance_depth_url(struct sf_buf *url, struct sf_str symbol, unsigned limit)
{
    sf_buf_add_lit(url, "/api/v3/depth?symbol=");
    sf_buf_add_url(url, symbol);
    sf_buf_addf(url, "&limit=%u", limit);
}

static bool take_number(struct sf_scan *s, enum sf_token token, enum member kind,
                        int64_t *ret)
{
    int64_t n;

    if (token != SF_TOK_NUMBER || sf_str_to_i64(s->text, &n) != SF_OK || n < 0)
        return false;
    *ret = kind == M_TIME ? sf_time_to_ms(n) : n;
    return kind != M_TIME || binance_is_time(*ret);
}

static bool take(struct sf_scan *s, enum sf_token token, enum member kind, void *field)
{
    switch (kind) {
    case M_EVENT:
        return token == SF_TOK_STRING && sf_str_eq(s->text, SF_STR("depthUpdate"));
    case M_SYMBOL:
        *(struct sf_str *)field = s->text;
        return token == SF_TOK_STRING && s->text.len > 0 && !s->has_escapes;
    case M_ID:
    case M_TIME:
        return take_number(s, token, kind, field);
    case M_LEVELS:
        break;
    }
    return false;
}

static enum sf_status read_levels(struct sf_scan *s, const char *name,
                                  struct sf_levels *ret, struct sf_error *err)
{
    struct sf_str raw;
    enum sf_status status = sf_scan_raw(s, &raw, err);

    if (status == SF_OK)
        status = sf_levels_parse(raw, ret, err);
    if (status != SF_OK)
        (void)sf_error_wrap(err, "%s", name);
    return status;
}

static enum sf_status read_member(struct sf_scan *s, const struct member_row *m,
                                  struct sf_depth *d, struct sf_error *err)
{
    void *field = (char *)d + m->offset;
    enum sf_token token;

    if (m->kind == M_LEVELS)
        return read_levels(s, m->name, field, err);
    token = sf_scan_next(s);
    if (take(s, token, m->kind, field))
        return SF_OK;
    if (token == SF_TOK_ERROR || token == SF_TOK_END) {
        (void)sf_scan_error(s, err);
        (void)sf_error_wrap(err, "%s", m->name);
        return SF_EPROTO;
    }
    return sf_error_set(err, SF_EPROTO, "%s: expected %s, got '%" SF_STR_FMT "'", m->name,
                        expected[m->kind], SF_STR_ARG(binance_shown(s, token)));
}

static const struct member_row *find_member(const struct member_row *members,
                                            struct sf_str name)
{
    for (; members->name; members++)
        if (sf_str_eq(sf_str_from(members->name), name))
            return members;
    return NULL;
}

/* All members of the object at the scanner; unknown ones are passed over. */
static enum sf_status read_object(struct sf_scan *s, const struct member_row *members,
                                  struct sf_depth *d, struct sf_error *err)
{
    enum sf_token token;
    unsigned seen = 0;

    while ((token = sf_scan_next(s)) == SF_TOK_KEY) {
        const struct member_row *m = find_member(members, s->text);

        if (!m && !sf_scan_skip(s))
            return sf_scan_error(s, err);
        if (!m)
            continue;
        if (seen >> (m - members) & 1)
            return sf_error_set(err, SF_EPROTO, "%s stands twice", m->name);
        seen |= 1U << (m - members);
        if (read_member(s, m, d, err) != SF_OK)
            return SF_EPROTO;
    }
    if (token != SF_TOK_OBJECT_END || sf_scan_next(s) != SF_TOK_END)
        return sf_scan_error(s, err);
    for (const struct member_row *m = members; m->name; m++)
        if (!(seen >> (m - members) & 1))
            return sf_error_set(err, SF_EPROTO, "%s is missing", m->name);
    return SF_OK;
}

enum sf_status binance_depth_parse(struct sf_str json, bool is_diff, struct sf_depth *ret,
                                   struct sf_error *err)
{
    const char *what = is_diff ? "depthUpdate" : "depth";
    struct sf_depth d = { .symbol = SF_STR_EMPTY, .time_ms = -1, .first_id = -1 };
    struct sf_scan s;
    enum sf_status status;

    sf_scan_init(&s, json);
    if (sf_scan_next(&s) != SF_TOK_OBJECT)
        return sf_error_set(err, SF_EPROTO, "%s: expected an object, got '%.*s'", what,
                            (int)(json.len < SHOWN_MAX ? json.len : SHOWN_MAX), json.p);
    status = read_object(&s, is_diff ? diff_members : snapshot_members, &d, err);
    if (status != SF_OK) {
        (void)sf_error_wrap(err, "%s", what);
        return status;
    }
    if (is_diff && d.first_id > d.last_id)
        return sf_error_set(err, SF_EPROTO, "%s: u %lld is behind U %lld", what,
                            (long long)d.last_id, (long long)d.first_id);
    *ret = d;
    return SF_OK;
}
