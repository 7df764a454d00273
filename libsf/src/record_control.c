/* The head of a record, and control records read back. */
#include "record_internal.h"

#include <jansson.h>

static bool is_complete(const struct sf_record_head *h)
{
    return h->key.len > 0 && h->symbol.len > 0 && h->run > 0 && h->position >= 0;
}

static enum sf_status read_int(struct sf_scan *s, int64_t *ret)
{
    return sf_scan_next(s) == SF_TOK_NUMBER ? sf_str_to_i64(s->text, ret) : SF_EPROTO;
}

static enum sf_status read_text(struct sf_scan *s, struct sf_str *ret)
{
    if (sf_scan_next(s) != SF_TOK_STRING)
        return SF_EPROTO;
    *ret = s->text;
    return SF_OK;
}

/* Other kinds may have a member of that name with any value. */
static bool is_time(enum sf_kind kind, struct sf_str name)
{
    switch (kind) {
    case SF_KIND_TRADES:
    case SF_KIND_AGG_TRADES:
    case SF_KIND_ORDERBOOK:
        return sf_str_eq(name, SF_STR("timestamp"));
    case SF_KIND_CANDLES:
    case SF_KIND_GRAPH:
    case SF_KIND_GENERIC:
        break;
    }
    return false;
}

/* One member at the scanner into the head. */
static enum sf_status head_member(struct sf_scan *s, enum sf_kind kind,
                                  struct sf_record_head *h)
{
    if (sf_str_eq(s->text, SF_STR("_key")))
        return read_text(s, &h->key);
    if (sf_str_eq(s->text, SF_STR("symbol")))
        return read_text(s, &h->symbol);
    if (sf_str_eq(s->text, SF_STR("run")))
        return read_int(s, &h->run);
    if (is_time(kind, s->text))
        return read_int(s, &h->time_ms);
    if (sf_record_is_position(kind, s->text))
        return read_int(s, &h->position);
    return sf_scan_skip(s) ? SF_OK : SF_EPROTO;
}

enum sf_status sf_record_head(struct sf_str value, enum sf_kind kind,
                              struct sf_record_head *ret_head, struct sf_error *err)
{
    struct sf_record_head h = { SF_STR_EMPTY, SF_STR_EMPTY, -1, 0, -1 };
    struct sf_scan s;
    enum sf_token token;

    sf_scan_init(&s, value);
    token = sf_scan_next(&s);
    if (token != SF_TOK_OBJECT)
        return sf_error_set(err, SF_EPROTO, "a record is a JSON object");
    while (!is_complete(&h) && (token = sf_scan_next(&s)) == SF_TOK_KEY)
        if (head_member(&s, kind, &h) != SF_OK)
            return sf_scan_error(&s, err);
    if (token == SF_TOK_ERROR)
        return sf_scan_error(&s, err);
    *ret_head = h;
    return SF_OK;
}

/* --------------------------------------------------------------- control records */

static json_t *load_object(struct sf_str json, struct sf_error *err)
{
    json_t *root = NULL;

    if (!memchr(json.p, '\0', json.len)) /* which jansson passes over */
        root = json_loadb(json.p, json.len, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(root)) {
        json_decref(root);
        (void)sf_error_set(err, SF_EPROTO, "control record: expected a JSON object");
        return NULL;
    }
    return root;
}

/* An integer; -1 where it is absent or null and need not be there. */
static bool read_end(const json_t *root, const char *name, bool is_required, int64_t *ret,
                     struct sf_error *err)
{
    const json_t *v = json_object_get(root, name);
    bool is_given = v && !json_is_null(v);

    if (is_given ? !json_is_integer(v) : is_required) {
        (void)sf_error_set(err, SF_EPROTO, "end record: %s: expected an integer", name);
        return false;
    }
    *ret = is_given ? (int64_t)json_integer_value(v) : -1;
    return true;
}

enum sf_status sf_record_end_parse(struct sf_str json, struct sf_end *ret_end,
                                   struct sf_error *err)
{
    json_t *root = load_object(json, err);
    struct sf_end end;
    bool is_good = root && read_end(root, "records", true, &end.records, err) &&
                   read_end(root, "first", true, &end.first, err) &&
                   read_end(root, "last", true, &end.last, err) &&
                   read_end(root, "listed_from", false, &end.listed_from, err) &&
                   read_end(root, "cut_to", false, &end.cut_to, err) &&
                   read_end(root, "to", false, &end.to, err);

    if (is_good)
        *ret_end = end;
    json_decref(root);
    return is_good ? SF_OK : SF_EPROTO;
}

/* What a ledger document is made of; the strings are lent by @root. */
static enum sf_status read_ledger(const json_t *root, char *ret_prefix,
                                  const char **ret_kind, int64_t *ret_from,
                                  struct sf_error *err)
{
    const json_t *exchange = json_object_get(root, "exchange");
    const char *symbol = json_string_value(json_object_get(root, "symbol"));
    const json_t *from = json_object_get(root, "from");

    *ret_kind = json_string_value(json_object_get(root, "kind"));
    if (!symbol || !*ret_kind || !json_is_integer(from) ||
        (exchange && !json_is_string(exchange)))
        return sf_error_set(err, SF_EPROTO,
                            "ledger record: expected exchange, symbol, kind, from");
    if (json_object_get(root, "_key"))
        return sf_error_set(err, SF_EPROTO, "ledger record: its _key is made here");
    *ret_from = (int64_t)json_integer_value(from);
    if (sf_name_key_prefix(sf_str_from(json_string_value(exchange)), sf_str_from(symbol),
                           ret_prefix, err) != SF_OK)
        return SF_EPROTO;
    return SF_OK;
}

enum sf_status sf_record_ledger_doc(struct sf_str json, struct sf_buf *b,
                                    struct sf_error *err)
{
    char prefix[SF_NAME_MAX + 1];
    const char *kind = NULL, *brace;
    int64_t from = 0;
    size_t was = b->len;
    json_t *root = load_object(json, err);
    enum sf_status status =
        root ? read_ledger(root, prefix, &kind, &from, err) : SF_EPROTO;

    if (status != SF_OK)
        goto out;
    brace = memchr(json.p, '{', json.len); /* there is one: it is an object */
    sf_buf_add_lit(b, "{\"_key\":\"");
    sf_buf_add_json(b, sf_str_from(prefix));
    sf_buf_add_char(b, '_');
    sf_buf_add_json(b, sf_str_from(kind));
    sf_buf_addf(b, "_%lld\",", (long long)from);
    sf_buf_add(b, brace + 1, json.len - (size_t)(brace + 1 - json.p));
    status = sf_buf_status(b, err);
    if (status != SF_OK) {
        b->len = was;
        b->status = SF_OK;
    }
out:
    json_decref(root);
    return status;
}
