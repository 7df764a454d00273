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
    if (sf_record_is_position(kind, s->text))
        return read_int(s, &h->position);
    return sf_scan_skip(s) ? SF_OK : SF_EPROTO;
}

enum sf_status sf_record_head(struct sf_str value, enum sf_kind kind,
                              struct sf_record_head *ret_head, struct sf_error *err)
{
    struct sf_record_head h = { SF_STR_EMPTY, SF_STR_EMPTY, -1, 0 };
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

static int64_t int_or(const json_t *root, const char *name, int64_t otherwise)
{
    const json_t *v = json_object_get(root, name);

    return json_is_integer(v) ? (int64_t)json_integer_value(v) : otherwise;
}

enum sf_status sf_record_end_parse(struct sf_str json, struct sf_end *ret_end,
                                   struct sf_error *err)
{
    json_t *root = load_object(json, err);

    if (!root)
        return SF_EPROTO;
    ret_end->records = int_or(root, "records", 0);
    ret_end->first = int_or(root, "first", -1);
    ret_end->last = int_or(root, "last", -1);
    ret_end->listed_from = int_or(root, "listed_from", -1);
    ret_end->cut_to = int_or(root, "cut_to", -1);
    json_decref(root);
    return SF_OK;
}

enum sf_status sf_record_ledger_doc(struct sf_str json, struct sf_buf *b,
                                    struct sf_error *err)
{
    enum sf_status status = SF_EPROTO;
    char prefix[SF_NAME_MAX + 1];
    json_t *root = load_object(json, err);
    const char *exchange = json_string_value(json_object_get(root, "exchange"));
    const char *symbol = json_string_value(json_object_get(root, "symbol"));
    const char *kind = json_string_value(json_object_get(root, "kind"));
    const json_t *from = json_object_get(root, "from");
    const char *brace = memchr(json.p, '{', json.len);

    if (!root)
        return SF_EPROTO;
    if (!symbol || !kind || !json_is_integer(from) || !brace) {
        status =
            sf_error_set(err, SF_EPROTO, "ledger record: expected symbol, kind, from");
        goto out;
    }
    status = sf_name_key_prefix(sf_str_from(exchange), sf_str_from(symbol), prefix, err);
    if (status != SF_OK)
        goto out;
    sf_buf_addf(b, "{\"_key\":\"%s_", prefix);
    sf_buf_add_json(b, sf_str_from(kind));
    sf_buf_addf(b, "_%lld\",", (long long)json_integer_value(from));
    sf_buf_add(b, brace + 1, json.len - (size_t)(brace + 1 - json.p));
    status = sf_buf_status(b, err);
out:
    json_decref(root);
    return status;
}
