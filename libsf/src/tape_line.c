#include "tape.h"

#include <sf/scan.h>

#define NS_MIN INT64_C(100000000000000000) /* 1e17: in us the year 5138, in ns 1973 */

/* clang-format off */
static const struct {
    struct sf_str stream;
    enum tape_kind kind;
} own[] = {
    { { "!sf.begin", 9 },   TAPE_BEGIN },
    { { "!sf.up", 6 },      TAPE_UP },
    { { "!sf.down", 8 },    TAPE_DOWN },
    { { "!sf.ask", 7 },     TAPE_ASK },
    { { "!sf.answer", 10 }, TAPE_ANSWER },
};
/* clang-format on */

/* The status of a name, SF_EIO for one that this version does not know. */
static enum sf_status status_of(struct sf_str name)
{
    for (int i = SF_OK; i <= SF_ESTOPPED; i++)
        if (sf_str_eq(name, sf_str_from(sf_status_name((enum sf_status)i))))
            return (enum sf_status)i;
    return SF_EIO;
}

static bool read_int(struct sf_scan *s, int64_t *ret_n)
{
    return sf_scan_next(s) == SF_TOK_NUMBER && sf_str_to_i64(s->text, ret_n) == SF_OK &&
           *ret_n >= 0;
}

static bool read_text(struct sf_scan *s, struct sf_str *ret_text)
{
    bool is_text = sf_scan_next(s) == SF_TOK_STRING;

    *ret_text = s->text;
    return is_text;
}

static bool read_body(struct sf_scan *s, struct tape_line *line)
{
    struct sf_str raw;

    if (sf_scan_raw(s, &raw, NULL) != SF_OK)
        return false;
    line->is_body_text = raw.len >= 2 && raw.p[0] == '"';
    line->body = line->is_body_text ? (struct sf_str){ raw.p + 1, raw.len - 2 } : raw;
    return true;
}

static bool read_member(struct sf_scan *s, struct tape_line *line)
{
    struct sf_str name = s->text, text;

    if (sf_str_eq(name, SF_STR("path")))
        return read_text(s, &line->path);
    if (sf_str_eq(name, SF_STR("text")))
        return read_text(s, &line->why);
    if (sf_str_eq(name, SF_STR("first")))
        return read_int(s, &line->first);
    if (sf_str_eq(name, SF_STR("n")))
        return read_int(s, &line->n);
    if (sf_str_eq(name, SF_STR("server_ms")))
        return read_int(s, &line->server_ms);
    if (sf_str_eq(name, SF_STR("body")))
        return read_body(s, line);
    if (!sf_str_eq(name, SF_STR("status")))
        return sf_scan_skip(s);
    if (!read_text(s, &text))
        return false;
    line->status = status_of(text);
    return true;
}

/* {"stream":"!sf...","data":{...}} */
static enum sf_status read_own(struct sf_str text, struct tape_line *line,
                               struct sf_error *err)
{
    struct sf_scan s;
    struct sf_str data;
    enum sf_token token;

    sf_scan_init(&s, text);
    (void)sf_scan_next(&s); /* { "stream": "..." "data": */
    (void)sf_scan_next(&s);
    (void)sf_scan_next(&s);
    if (sf_scan_next(&s) != SF_TOK_KEY || sf_scan_raw(&s, &data, err) != SF_OK)
        return sf_error_set(err, SF_EPROTO, "expected \"data\"");
    token = sf_scan_next(&s);
    if (token != SF_TOK_OBJECT_END || sf_scan_next(&s) != SF_TOK_END)
        return sf_error_set(err, SF_EPROTO, "expected nothing behind \"data\"");
    if (line->kind == TAPE_BEGIN) {
        line->text = data;
        return SF_OK;
    }
    sf_scan_init(&s, data);
    if (sf_scan_next(&s) != SF_TOK_OBJECT)
        return sf_error_set(err, SF_EPROTO, "expected an object as \"data\"");
    while ((token = sf_scan_next(&s)) == SF_TOK_KEY)
        if (!read_member(&s, line))
            return sf_error_set(err, SF_EPROTO, "a member of \"data\" is malformed");
    return token == SF_TOK_OBJECT_END ? SF_OK : sf_scan_error(&s, err);
}

enum sf_status tape_line_parse(struct sf_str line, struct tape_line *ret_line,
                               struct sf_error *err)
{
    struct tape_line l = { .kind = TAPE_FRAME,
                           .path = SF_STR_EMPTY,
                           .why = SF_STR_EMPTY,
                           .body = SF_STR_EMPTY };
    struct sf_str rest, stream, time = sf_str_cut(line, ' ', &l.text);
    enum sf_status status = SF_OK;

    if (time.len == line.len || sf_str_to_i64(time, &l.time_us) != SF_OK || l.time_us < 0)
        return sf_error_set(err, SF_EPROTO,
                            "expected a time in us, a blank and a frame, got '%.*s'",
                            (int)(line.len < 40 ? line.len : 40), line.p);
    if (l.time_us >= NS_MIN)
        l.time_us /= 1000;
    if (sf_str_starts(l.text, SF_STR("{\"stream\":\"!sf."))) {
        stream = sf_str_cut(sf_str_make(l.text.p + 11, l.text.len - 11), '"', &rest);
        for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
            if (sf_str_eq(stream, own[i].stream))
                l.kind = own[i].kind;
        if (l.kind != TAPE_FRAME)
            status = read_own(l.text, &l, err);
    }
    if (status == SF_OK)
        *ret_line = l;
    return status;
}
