/* Reading records: their head, their document, their ledger row. */
#include "record_internal.h"

#include <sf/dec.h>

#define FIELDS_MAX 32 /* of a kind and common together; the largest has 19 */
#define EXACT_MAX  16 /* decimals of one record that a double would not keep */

/* Members that every record has. `run` stays in the topic. */
static const struct sf_field common_fields[] = {
    { "_key", SF_FIELD_TEXT, true },   { "exchange", SF_FIELD_TEXT, true },
    { "symbol", SF_FIELD_TEXT, true }, { "source", SF_FIELD_TEXT, true },
    { "run", SF_FIELD_INT, true },     { .name = NULL },
};

/* One record on its way into a document. */
struct reading {
    struct sf_scan scan;
    enum sf_token token;           /* the last one */
    const struct sf_field *fields; /* of the kind */
    enum sf_kind kind;
    enum sf_decimals decimals;
    struct sf_buf *b;
    struct sf_record_head *head;
    uint64_t seen_common, seen; /* bit per row */
    unsigned hint;              /* records keep their order: the next row to try */
    unsigned hint_common;
    struct {
        struct sf_str name, text; /* text: raw JSON */
    } exact[EXACT_MAX];
    unsigned exact_n;
    struct sf_error *err;
};

/* The row of @name, trying the one behind the last hit first. */
static const struct sf_field *find_row(const struct sf_field *rows, struct sf_str name,
                                       unsigned *hint)
{
    const struct sf_field *row = &rows[*hint];

    if (row->name && sf_str_eq(sf_str_from(row->name), name)) {
        (*hint)++;
        return row;
    }
    for (row = rows; row->name; row++)
        if (sf_str_eq(sf_str_from(row->name), name))
            return row;
    return NULL;
}

static enum sf_token next(struct reading *r)
{
    r->token = sf_scan_next(&r->scan);
    return r->token;
}

static enum sf_status bad(struct reading *r, const char *name, const char *expected)
{
    if (r->token == SF_TOK_ERROR || r->token == SF_TOK_END) {
        (void)sf_scan_error(&r->scan, r->err);
        return sf_error_wrap(r->err, "field %s", name);
    }
    if (r->token != SF_TOK_STRING && r->token != SF_TOK_NUMBER)
        return sf_error_set(r->err, SF_EPROTO,
                            "field %s: expected %s, got something else", name, expected);
    return sf_error_set(r->err, SF_EPROTO, "field %s: expected %s, got '%" SF_STR_FMT "'",
                        name, expected, SF_STR_ARG(r->scan.text));
}

static void add_name(struct sf_buf *b, struct sf_str name)
{
    sf_buf_add_str(b,
                   b->len > 0 && b->p[b->len - 1] == '{' ? SF_STR("\"") : SF_STR(",\""));
    sf_buf_add_str(b, name);
    sf_buf_add_lit(b, "\":");
}

static void add_quoted(struct sf_buf *b, struct sf_str raw)
{
    sf_buf_add_char(b, '"');
    sf_buf_add_str(b, raw);
    sf_buf_add_char(b, '"');
}

static void add_number(struct sf_buf *b, struct sf_str dec)
{
    bool is_negative;
    struct sf_str digits = sf_dec_number(dec, &is_negative);

    if (is_negative)
        sf_buf_add_char(b, '-');
    sf_buf_add_str(b, digits);
}

static enum sf_status remember_exact(struct reading *r, struct sf_str name,
                                     struct sf_str raw)
{
    if (r->exact_n == EXACT_MAX)
        return sf_error_set(r->err, SF_ETOOBIG, "more than %d decimals over %d digits",
                            EXACT_MAX, SF_DEC_DOUBLE_DIGITS);
    r->exact[r->exact_n].name = name;
    r->exact[r->exact_n++].text = raw;
    return SF_OK;
}

/* A decimal string at the scanner: as number or text; *ret_is_exact false when a double
 * would lose digits. */
static enum sf_status add_dec(struct reading *r, const char *name, bool *ret_is_exact)
{
    struct sf_str text;

    if (next(r) != SF_TOK_STRING)
        return bad(r, name, "a decimal string");
    text = r->scan.text;
    if (!sf_dec_is_valid(text))
        return bad(r, name, "a plain decimal (-?digits[.digits])");
    *ret_is_exact =
        text.len <= SF_DEC_DOUBLE_DIGITS || sf_dec_digits(text) <= SF_DEC_DOUBLE_DIGITS;
    if (r->decimals == SF_DECIMALS_NUMBER)
        add_number(r->b, text);
    else
        add_quoted(r->b, text);
    return SF_OK;
}

static enum sf_status copy_dec(struct reading *r, const struct sf_field *f,
                               struct sf_str name)
{
    bool is_exact = false;
    enum sf_status status = add_dec(r, f->name, &is_exact);

    if (status != SF_OK || is_exact || r->decimals == SF_DECIMALS_TEXT)
        return status;
    return remember_exact(r, name,
                          (struct sf_str){ r->scan.text.p - 1, r->scan.text.len + 2 });
}

static enum sf_status copy_level(struct reading *r, const char *name, bool *is_exact)
{
    for (int i = 0; i < 2; i++) {
        bool is_one_exact = true;

        if (i > 0)
            sf_buf_add_char(r->b, ',');
        if (add_dec(r, name, &is_one_exact) != SF_OK)
            return SF_EPROTO;
        *is_exact = *is_exact && is_one_exact;
    }
    if (next(r) != SF_TOK_ARRAY_END)
        return bad(r, name, "[price, quantity]");
    sf_buf_add_char(r->b, ']');
    return SF_OK;
}

static enum sf_status copy_levels(struct reading *r, const struct sf_field *f,
                                  struct sf_str name)
{
    bool is_exact = true;
    const char *begin;
    enum sf_token token;

    if (next(r) != SF_TOK_ARRAY)
        return bad(r, f->name, "an array of [price, quantity]");
    begin = r->scan.p - 1;
    sf_buf_add_char(r->b, '[');
    for (int i = 0; (token = next(r)) == SF_TOK_ARRAY; i++) {
        sf_buf_add_str(r->b, i > 0 ? SF_STR(",[") : SF_STR("["));
        if (copy_level(r, f->name, &is_exact) != SF_OK)
            return SF_EPROTO;
    }
    if (token != SF_TOK_ARRAY_END)
        return bad(r, f->name, "an array of [price, quantity]");
    sf_buf_add_char(r->b, ']');
    if (is_exact || r->decimals == SF_DECIMALS_TEXT)
        return SF_OK;
    return remember_exact(r, name, (struct sf_str){ begin, (size_t)(r->scan.p - begin) });
}

static enum sf_status copy_int(struct reading *r, const struct sf_field *f,
                               struct sf_str name)
{
    int64_t n;

    if (next(r) != SF_TOK_NUMBER || sf_str_to_i64(r->scan.text, &n) != SF_OK)
        return bad(r, f->name, "an integer");
    sf_buf_add_str(r->b, r->scan.text);
    if (sf_record_is_position(r->kind, name))
        r->head->position = n;
    return SF_OK;
}

static enum sf_status copy_field(struct reading *r, const struct sf_field *f,
                                 struct sf_str name)
{
    enum sf_token token;

    add_name(r->b, name);
    switch (f->kind) {
    case SF_FIELD_DEC:
        return copy_dec(r, f, name);
    case SF_FIELD_LEVELS:
        return copy_levels(r, f, name);
    case SF_FIELD_INT:
        return copy_int(r, f, name);
    case SF_FIELD_BOOL:
        token = next(r);
        if (token != SF_TOK_TRUE && token != SF_TOK_FALSE)
            return bad(r, f->name, "true or false");
        sf_buf_add_str(r->b, token == SF_TOK_TRUE ? SF_STR("true") : SF_STR("false"));
        return SF_OK;
    case SF_FIELD_TEXT:
        break;
    }
    if (next(r) != SF_TOK_STRING)
        return bad(r, f->name, "a string");
    add_quoted(r->b, r->scan.text);
    return SF_OK;
}

/* _key, symbol and run also go into the head; run goes nowhere else. */
static enum sf_status copy_common(struct reading *r, const struct sf_field *f,
                                  struct sf_str name)
{
    if (f->kind == SF_FIELD_INT) {
        if (next(r) != SF_TOK_NUMBER ||
            sf_str_to_i64(r->scan.text, &r->head->run) != SF_OK || r->head->run < 1)
            return bad(r, f->name, "an integer from 1");
        return SF_OK;
    }
    add_name(r->b, name);
    if (next(r) != SF_TOK_STRING || r->scan.text.len == 0)
        return bad(r, f->name, "a string that is not empty");
    if (sf_str_eq(name, SF_STR("_key")))
        r->head->key = r->scan.text;
    else if (sf_str_eq(name, SF_STR("symbol")))
        r->head->symbol = r->scan.text;
    add_quoted(r->b, r->scan.text);
    return SF_OK;
}

static enum sf_status mark(struct reading *r, uint64_t *seen, size_t row,
                           const char *name)
{
    if (*seen >> row & 1)
        return sf_error_set(r->err, SF_EPROTO, "field %s stands twice", name);
    *seen |= UINT64_C(1) << row;
    return SF_OK;
}

static enum sf_status copy_member(struct reading *r)
{
    struct sf_str name = r->scan.text, raw;
    const struct sf_field *f = find_row(r->fields, name, &r->hint);

    if (f) {
        if (mark(r, &r->seen, (size_t)(f - r->fields), f->name) != SF_OK)
            return SF_EPROTO;
        return copy_field(r, f, name);
    }
    f = find_row(common_fields, name, &r->hint_common);
    if (f) {
        if (mark(r, &r->seen_common, (size_t)(f - common_fields), f->name) != SF_OK)
            return SF_EPROTO;
        return copy_common(r, f, name);
    }
    if (sf_scan_raw(&r->scan, &raw, r->err) != SF_OK)
        return SF_EPROTO;
    add_name(r->b, name);
    sf_buf_add_str(r->b, raw);
    return SF_OK;
}

static enum sf_status check_required(struct reading *r, const struct sf_field *rows,
                                     uint64_t seen)
{
    for (size_t i = 0; rows[i].name; i++)
        if (rows[i].is_required && !(seen >> i & 1))
            return sf_error_set(r->err, SF_EPROTO, "field %s is missing", rows[i].name);
    return SF_OK;
}

static void add_exact(struct reading *r)
{
    if (r->exact_n == 0)
        return;
    sf_buf_add_lit(r->b, ",\"exact\":{");
    for (unsigned i = 0; i < r->exact_n; i++) {
        add_name(r->b, r->exact[i].name);
        sf_buf_add_str(r->b, r->exact[i].text);
    }
    sf_buf_add_char(r->b, '}');
}

static enum sf_status read_record(struct reading *r)
{
    enum sf_token token;
    enum sf_status status;

    if (next(r) != SF_TOK_OBJECT)
        return sf_error_set(r->err, SF_EPROTO, "a record is a JSON object");
    sf_buf_add_char(r->b, '{');
    while ((token = next(r)) == SF_TOK_KEY) {
        status = copy_member(r);
        if (status != SF_OK)
            return status;
    }
    if (token != SF_TOK_OBJECT_END || next(r) != SF_TOK_END)
        return sf_scan_error(&r->scan, r->err);
    status = check_required(r, common_fields, r->seen_common);
    if (status == SF_OK)
        status = check_required(r, r->fields, r->seen);
    if (status != SF_OK)
        return status;
    add_exact(r);
    sf_buf_add_char(r->b, '}');
    return sf_buf_status(r->b, r->err);
}

enum sf_status sf_record_to_doc(struct sf_str value, enum sf_kind kind,
                                enum sf_decimals decimals, struct sf_buf *b,
                                struct sf_record_head *ret_head, struct sf_error *err)
{
    struct sf_error first = { 0 };
    struct sf_record_head head = { SF_STR_EMPTY, SF_STR_EMPTY, -1, 0, -1 };
    struct reading r = { .fields = sf_record_fields(kind),
                         .kind = kind,
                         .decimals = decimals,
                         .b = b,
                         .head = &head,
                         .err = &first };
    size_t was = b->len;
    enum sf_status status;

    sf_scan_init(&r.scan, value);
    status = read_record(&r);
    if (status != SF_OK) {
        b->len = was;
        b->status = SF_OK;
        return sf_error_set(err, first.status != SF_OK ? first.status : status, "%s",
                            first.text);
    }
    *ret_head = head;
    return SF_OK;
}
