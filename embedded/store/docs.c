#include "docs.h"

#include <stdlib.h>

struct span {
    size_t at, len;
};

struct docs_item {
    struct span body;         /* in text */
    struct span key, id, rev; /* in side; without quotes */
    struct span from, to;     /* in text */
    enum doc_key key_kind;
    bool is_object, is_string;
};

struct docs *docs_create(size_t max_bytes)
{
    struct docs *d = calloc(1, sizeof(*d));

    if (!d)
        return NULL;
    sf_buf_init(&d->text, max_bytes);
    sf_buf_init(&d->side, max_bytes);
    return d;
}

void docs_destroy(void *docs)
{
    struct docs *d = docs;

    if (!d)
        return;
    sf_buf_release(&d->text);
    sf_buf_release(&d->side);
    free(d->items);
    free(d);
}

static struct docs_item *add_item(struct docs *d)
{
    struct docs_item *grown;
    size_t cap = d->cap ? d->cap * 2 : 16;

    if (d->n == d->cap) {
        if (cap > SIZE_MAX / sizeof(*grown))
            return NULL;
        grown = realloc(d->items, cap * sizeof(*grown));
        if (!grown)
            return NULL;
        d->items = grown;
        d->cap = cap;
    }
    memset(&d->items[d->n], 0, sizeof(*d->items));
    return &d->items[d->n++];
}

/* ---------------------------------------------------------------- system members */

/* Take a string value out of the document: it goes to side. */
static struct span to_side(struct docs *d, const struct sf_buf *out, size_t value_at)
{
    struct span s = { d->side.len, 0 };

    if (out->p[value_at] == '"') {
        s.len = out->len - value_at - 2;
        sf_buf_add(&d->side, out->p + value_at + 1, s.len);
    }
    return s;
}

static struct span in_text(const struct sf_buf *out, size_t value_at)
{
    if (out->p[value_at] != '"')
        return (struct span){ 0, 0 };
    return (struct span){ value_at + 1, out->len - value_at - 2 };
}

/* js_member_fn: names that begin with '_' may be ours. */
static bool on_member(void *arg, struct sf_buf *out, size_t name_at, size_t value_at)
{
    struct docs *d = arg;
    struct docs_item *item = &d->items[d->n - 1];
    const char *name = out->p + name_at + 1;
    size_t len = value_at - name_at - 3; /* quotes and colon */

    if (name[0] != '_')
        return true;
    if (len == 4 && memcmp(name, "_key", 4) == 0) {
        if (item->key_kind != DOC_KEY_NONE)
            return false;
        item->key = to_side(d, out, value_at);
        item->key_kind = out->p[value_at] == '"' ? DOC_KEY_TEXT : DOC_KEY_BAD;
        out->len = name_at;
    } else if (len == 4 && memcmp(name, "_rev", 4) == 0) {
        item->rev = to_side(d, out, value_at);
        out->len = name_at;
    } else if (len == 3 && memcmp(name, "_id", 3) == 0) {
        item->id = to_side(d, out, value_at);
        out->len = name_at;
    } else if (len == 5 && memcmp(name, "_from", 5) == 0) {
        item->from = in_text(out, value_at);
    } else if (len == 3 && memcmp(name, "_to", 3) == 0) {
        item->to = in_text(out, value_at);
    }
    return true;
}

/* ----------------------------------------------------------------------- parsing */

static bool parse_one(struct docs *d, struct js_in *in)
{
    size_t begin = d->text.len;
    struct docs_item *item = add_item(d);

    if (!item) {
        in->why = NULL;
        return false;
    }
    item->is_object = js_peek(in) == '{';
    item->is_string = js_peek(in) == '"';
    in->member = on_member;
    in->arg = d;
    if (!js_copy(in, &d->text) || d->side.status != SF_OK) {
        if (d->side.status != SF_OK)
            in->why = NULL;
        d->n--;
        return false;
    }
    item = &d->items[d->n - 1];
    item->body = (struct span){ begin, d->text.len - begin };
    return true;
}

static bool parse_array(struct docs *d, struct js_in *in)
{
    in->p++;
    if (js_peek(in) == ']') {
        in->p++;
        return true;
    }
    for (;;) {
        if (js_peek(in) < 0) {
            in->why = "Expecting item or ']'";
            return false;
        }
        if (!parse_one(d, in))
            return false;
        if (js_peek(in) == ']')
            break;
        if (js_peek(in) != ',') {
            in->why = "Expecting ',' or ']'";
            return false;
        }
        in->p++;
    }
    in->p++;
    return true;
}

bool docs_parse(struct docs *d, struct sf_str text, const char **ret_why)
{
    struct js_in in;
    bool is_good;

    js_in_init(&in, text);
    d->is_array = js_peek(&in) == '[';
    is_good = d->is_array ? parse_array(d, &in) : parse_one(d, &in);
    if (is_good && js_peek(&in) >= 0) {
        in.why = "Expecting EOF";
        is_good = false;
    }
    *ret_why = in.why;
    return is_good;
}

bool docs_add(struct docs *d, struct sf_str text, const char **ret_why)
{
    struct js_in in;
    bool is_good;

    js_in_init(&in, text);
    is_good = parse_one(d, &in);
    if (is_good && js_peek(&in) >= 0) {
        in.why = "Expecting EOF";
        is_good = false;
        docs_drop_last(d);
    }
    *ret_why = in.why;
    return is_good;
}

void docs_drop_last(struct docs *d)
{
    d->n--;
    d->text.len = d->items[d->n].body.at;
}

/* ----------------------------------------------------------------------- reading */

static struct sf_str view(const struct sf_buf *b, struct span s)
{
    return s.len > 0 ? (struct sf_str){ b->p + s.at, s.len } : SF_STR_EMPTY;
}

void docs_get(const struct docs *d, size_t i, struct doc_spec *ret)
{
    const struct docs_item *item = &d->items[i];

    ret->is_object = item->is_object;
    ret->key_kind = item->key_kind;
    ret->key = view(&d->side, item->key);
    ret->rev = view(&d->side, item->rev);
    ret->body = view(&d->text, item->body);
    ret->from = view(&d->text, item->from);
    ret->to = view(&d->text, item->to);
}

static struct sf_str behind_slash(struct sf_str id)
{
    struct sf_str key;

    (void)sf_str_cut(id, '/', &key);
    return key.len > 0 ? key : id;
}

void docs_get_ref(const struct docs *d, size_t i, struct doc_spec *ret)
{
    const struct docs_item *item = &d->items[i];

    docs_get(d, i, ret);
    if (item->is_string) {
        struct sf_str text = { ret->body.p + 1, ret->body.len - 2 };

        ret->key_kind = DOC_KEY_TEXT;
        ret->key = behind_slash(text);
    } else if (!item->is_object) {
        ret->key_kind = DOC_KEY_BAD;
    } else if (item->key_kind == DOC_KEY_NONE && item->id.len > 0) {
        ret->key_kind = DOC_KEY_TEXT;
        ret->key = behind_slash(view(&d->side, item->id));
    }
}

void docs_add_given(const struct docs *d, size_t i, struct sf_buf *out, size_t max)
{
    const struct docs_item *item = &d->items[i];
    struct sf_str body = view(&d->text, item->body);
    size_t begin = out->len;

    if (item->key.len > 0) {
        sf_buf_add_lit(out, "{\"_key\":\"");
        sf_buf_add_str(out, view(&d->side, item->key));
        sf_buf_add_str(out, body.len > 2 ? SF_STR("\",") : SF_STR("\""));
        body.p++;
        body.len--;
    }
    sf_buf_add_str(out, body);
    if (out->status == SF_OK && out->len - begin > max) {
        out->len = begin + max;
        while (out->len > begin && ((unsigned char)out->p[out->len] & 0xc0) == 0x80)
            out->len--; /* not inside a character */
        sf_buf_add_lit(out, "...");
    }
}
