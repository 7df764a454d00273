#include "val.h"

#include <stdlib.h>

/* First byte of an encoding; 0 ends a string or an array, so that a shorter one is lower.
 */
enum tag {
    TAG_END,
    TAG_NULL,
    TAG_FALSE,
    TAG_TRUE,
    TAG_NUM,
    TAG_STRING,
    TAG_ARRAY,
    TAG_OBJECT
};

struct val val_null(void)
{
    return (struct val){ .kind = VAL_NULL, .raw = SF_STR_EMPTY };
}

struct val val_bool(bool b)
{
    return (struct val){ .kind = VAL_BOOL, .is_true = b, .raw = SF_STR_EMPTY };
}

struct val val_num(struct num n)
{
    return (struct val){ .kind = VAL_NUM, .num = n, .raw = SF_STR_EMPTY };
}

struct val val_string(struct sf_str raw)
{
    return (struct val){ .kind = VAL_STRING, .raw = raw };
}

struct val val_from(struct sf_str text)
{
    struct num n;

    switch (text.len > 0 ? text.p[0] : 'n') {
    case 'n':
        return val_null();
    case 't':
    case 'f':
        return val_bool(text.p[0] == 't');
    case '"':
        return val_string((struct sf_str){ text.p + 1, text.len - 2 });
    case '[':
        return (struct val){ .kind = VAL_ARRAY, .raw = text };
    case '{':
        return (struct val){ .kind = VAL_OBJECT, .raw = text };
    default:
        if (!num_parse(text, &n))
            return val_null();
        return (struct val){ .kind = VAL_NUM, .num = n, .raw = text };
    }
}

struct val val_member(struct val v, struct sf_str name)
{
    struct sf_str text;

    if (v.kind != VAL_OBJECT || !js_get(v.raw, name, &text))
        return val_null();
    return val_from(text);
}

void val_add(struct sf_buf *out, struct val v)
{
    switch (v.kind) {
    case VAL_NULL:
        sf_buf_add_lit(out, "null");
        break;
    case VAL_BOOL:
        sf_buf_add_str(out, v.is_true ? SF_STR("true") : SF_STR("false"));
        break;
    case VAL_NUM:
        if (v.raw.len > 0)
            sf_buf_add_str(out, v.raw);
        else
            num_add(out, v.num);
        break;
    case VAL_STRING:
        sf_buf_add_char(out, '"');
        sf_buf_add_str(out, v.raw);
        sf_buf_add_char(out, '"');
        break;
    case VAL_ARRAY:
    case VAL_OBJECT:
        sf_buf_add_str(out, v.raw);
        break;
    }
}

static int cmp_arrays(struct val a, struct val b)
{
    struct js_it x, y;

    js_it_init(&x, a.raw);
    js_it_init(&y, b.raw);
    for (;;) {
        bool more = js_it_next(&x), too = js_it_next(&y);
        int order;

        if (!more || !too)
            return more - too;
        order = val_cmp(val_from(x.value), val_from(y.value));
        if (order)
            return order;
    }
}

/* Objects go through their encodings, which are sorted by name. Out of memory makes two
 * objects equal; the caller's own buffers will have failed by then. */
static int cmp_objects(struct val a, struct val b)
{
    struct sf_buf x, y;
    size_t n;
    int order;

    if (sf_str_eq(a.raw, b.raw))
        return 0;
    sf_buf_init(&x, SIZE_MAX / 2);
    sf_buf_init(&y, SIZE_MAX / 2);
    val_order(&x, a);
    val_order(&y, b);
    n = x.len < y.len ? x.len : y.len;
    order = n > 0 ? memcmp(x.p, y.p, n) : 0;
    if (!order)
        order = (x.len > y.len) - (x.len < y.len);
    sf_buf_release(&x);
    sf_buf_release(&y);
    return order;
}

int val_cmp(struct val a, struct val b)
{
    if (a.kind != b.kind)
        return a.kind < b.kind ? -1 : 1;
    switch (a.kind) {
    case VAL_NULL:
        return 0;
    case VAL_BOOL:
        return a.is_true - b.is_true;
    case VAL_NUM:
        return num_cmp(a.num, b.num);
    case VAL_STRING:
        return js_cmp_strings(a.raw, b.raw);
    case VAL_ARRAY:
        return cmp_arrays(a, b);
    case VAL_OBJECT:
        return cmp_objects(a, b);
    }
    return 0;
}

bool val_is_true(struct val v)
{
    switch (v.kind) {
    case VAL_NULL:
        return false;
    case VAL_BOOL:
        return v.is_true;
    case VAL_NUM:
        return num_cmp(v.num, num_from_i64(0)) != 0;
    case VAL_STRING:
        return v.raw.len > 0;
    case VAL_ARRAY:
    case VAL_OBJECT:
        return true;
    }
    return false;
}

const char *val_type_name(struct val v)
{
    static const char *const names[] = { "null",   "bool",  "number",
                                         "string", "array", "object" };

    return names[v.kind];
}

/* ----------------------------------------------------------------------- encoding */

/* A zero byte inside is followed by 0xff, which is above any tag that may follow the zero
 * at the end. */
static void order_string(struct sf_buf *out, struct sf_str raw)
{
    size_t begin = out->len, at;

    if (!memchr(raw.p, '\\', raw.len)) { /* a zero byte would be escaped */
        sf_buf_add_str(out, raw);
        sf_buf_add_char(out, '\0');
        return;
    }
    js_add_unescaped(out, raw);
    for (at = begin; at < out->len && out->status == SF_OK; at++) {
        if (out->p[at] != '\0')
            continue;
        sf_buf_add_char(out, '\0');
        if (out->status != SF_OK)
            return;
        memmove(out->p + at + 2, out->p + at + 1, out->len - at - 2);
        out->p[++at] = (char)0xff;
    }
    sf_buf_add_char(out, '\0');
}

static int by_name(const void *a, const void *b)
{
    const struct js_it *x = a, *y = b;

    return js_cmp_strings(x->name, y->name);
}

/* Of two objects that differ first in which attribute they have, the one with the lower
 * name is greater (the other has null there): so names are written inverted, and the end
 * is below any name. Null attributes are as good as missing. */
static void order_object(struct sf_buf *out, struct sf_str text)
{
    size_t n = js_count(text), i = 0;
    struct js_it *members = calloc(n + 1, sizeof(*members));

    if (!members) {
        out->status = out->status == SF_OK ? SF_ENOMEM : out->status;
        return;
    }
    js_it_init(&members[0], text);
    while (i < n && js_it_next(&members[i])) {
        members[i + 1] = members[i];
        i++;
    }
    qsort(members, n, sizeof(*members), by_name);
    for (i = 0; i < n; i++) {
        size_t at = out->len;

        if (members[i].value.p[0] == 'n')
            continue;
        sf_buf_add_char(out, TAG_END); /* inverted below: 0xff, above the end */
        order_string(out, members[i].name);
        val_order_invert(out, at);
        val_order(out, val_from(members[i].value));
    }
    sf_buf_add_char(out, TAG_END);
    free(members);
}

static void order_array(struct sf_buf *out, struct sf_str text)
{
    struct js_it it;

    js_it_init(&it, text);
    while (js_it_next(&it))
        val_order(out, val_from(it.value));
    sf_buf_add_char(out, TAG_END);
}

void val_order(struct sf_buf *out, struct val v)
{
    unsigned char num[NUM_ORDER_BYTES];

    switch (v.kind) {
    case VAL_NULL:
        sf_buf_add_char(out, TAG_NULL);
        break;
    case VAL_BOOL:
        sf_buf_add_char(out, v.is_true ? TAG_TRUE : TAG_FALSE);
        break;
    case VAL_NUM:
        sf_buf_add_char(out, TAG_NUM);
        num_order(v.num, num);
        sf_buf_add(out, num, sizeof(num));
        break;
    case VAL_STRING:
        sf_buf_add_char(out, TAG_STRING);
        order_string(out, v.raw);
        break;
    case VAL_ARRAY:
        sf_buf_add_char(out, TAG_ARRAY);
        order_array(out, v.raw);
        break;
    case VAL_OBJECT:
        sf_buf_add_char(out, TAG_OBJECT);
        order_object(out, v.raw);
        break;
    }
}

void val_order_invert(struct sf_buf *out, size_t at)
{
    if (out->status != SF_OK)
        return;
    for (; at < out->len; at++)
        out->p[at] = (char)~out->p[at];
}
