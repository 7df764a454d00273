#include "aql_eval.h"

#include "doc.h"
#include "key.h"

#include <sf/time.h>

#include <math.h>

#define RANGE_MAX   10000000 /* elements of a..b as one value */
#define COUNT_EVERY 65536    /* elements of a..b between two looks at the memory */
#define ARGS_MAX    64
#define CLOCK_EVERY 64 /* steps between two looks at the clock */

bool aql_is_going_on(struct aql_eval *e)
{
    if (e->f->num != FAULT_NONE)
        return false;
    if (e->is_stopping && atomic_load(e->is_stopping))
        return fault_set(e->f, FAULT_SHUTTING_DOWN, NULL);
    if (e->until_us > 0 && e->steps++ % CLOCK_EVERY == 0 && sf_mono_us() > e->until_us)
        return fault_set(e->f, FAULT_QUERY_KILLED, NULL);
    return true;
}

struct val aql_warn(struct aql_eval *e, enum fault_num num)
{
    if (e->fails_on_warning)
        (void)fault_set(e->f, num, NULL);
    if (e->stats->warnings_n < AQL_WARNINGS_MAX)
        e->stats->warnings[e->stats->warnings_n++] = num;
    return val_null();
}

bool aql_count_work(struct aql_eval *e)
{
    size_t grown = e->work.cap - e->work_bytes;

    if (grown > 0 && !budget_take(e->memory, grown))
        return budget_fault(e->memory, e->f);
    e->work_bytes += grown;
    return true;
}

static struct sf_str take(struct aql_eval *e, size_t from)
{
    struct sf_str text = SF_STR_EMPTY;

    if (e->work.status == SF_OK && aql_count_work(e))
        text = arena_str(e->mem, aql_work(e, from));
    if (e->work.status != SF_OK || e->mem->is_failed)
        (void)budget_fault(e->memory, e->f);
    else
        e->work.len = from;
    return text;
}

struct val aql_take_string(struct aql_eval *e, size_t from)
{
    return val_string(take(e, from));
}

struct val aql_take_json(struct aql_eval *e, size_t from)
{
    struct sf_str text = take(e, from);

    return text.len > 0 ? val_from(text) : val_null();
}

/* ----------------------------------------------------------------------- casts */

struct num aql_to_number(struct val v)
{
    struct js_it it;
    struct num n;

    switch (v.kind) {
    case VAL_NUM:
        return v.num;
    case VAL_BOOL:
        return num_from_i64(v.is_true);
    case VAL_STRING:
        if (v.raw.len > 0 && v.raw.len < 400) {
            struct sf_buf b;
            bool is_good;

            sf_buf_init(&b, 512);
            is_good = js_canon(sf_str_trim(v.raw), &b, NULL) &&
                      val_from(sf_buf_str(&b)).kind == VAL_NUM &&
                      num_parse(sf_buf_str(&b), &n);
            sf_buf_release(&b);
            if (is_good)
                return n;
        }
        return num_from_i64(0);
    case VAL_ARRAY:
        js_it_init(&it, v.raw);
        if (js_it_next(&it)) {
            struct sf_str only = it.value;

            if (!js_it_next(&it))
                return aql_to_number(val_from(only));
        }
        return num_from_i64(0);
    case VAL_NULL:
    case VAL_OBJECT:
        break;
    }
    return num_from_i64(0);
}

void aql_add_string(struct sf_buf *out, struct val v)
{
    struct sf_buf text;

    switch (v.kind) {
    case VAL_NULL:
        break;
    case VAL_STRING:
        sf_buf_add_str(out, v.raw);
        break;
    case VAL_BOOL:
    case VAL_NUM:
        val_add(out, v);
        break;
    case VAL_ARRAY:
    case VAL_OBJECT: /* JSON text inside a string: escaped once more */
        sf_buf_init(&text, out->max);
        js_add_string(&text, v.raw);
        if (text.status == SF_OK)
            sf_buf_add(out, text.p + 1, text.len - 2);
        else
            out->status = text.status;
        sf_buf_release(&text);
        break;
    }
}

/* ------------------------------------------------------------------- variables */

struct val aql_slot_value(struct aql_eval *e, const struct aql_slot *slot)
{
    size_t from = e->work.len;

    if (!slot->is_document)
        return slot->v;
    doc_add_full(&e->work, slot->collection, slot->key, slot->rev, slot->body);
    return aql_take_json(e, from);
}

/* An attribute of a document, without putting the document together. */
static struct val document_attribute(struct aql_eval *e, struct aql_slot *slot,
                                     struct sf_str name)
{
    char rev_bytes[REV_TEXT_SIZE];
    size_t from = e->work.len;
    struct sf_str text;

    if (name.len > 0 && name.p[0] == '_') {
        if (sf_str_eq(name, SF_STR("_key")))
            return val_string(slot->key);
        if (sf_str_eq(name, SF_STR("_rev"))) {
            sf_buf_add_str(&e->work, rev_text(slot->rev, rev_bytes));
            return aql_take_string(e, from);
        }
        if (sf_str_eq(name, SF_STR("_id"))) {
            sf_buf_add_str(&e->work, slot->collection);
            sf_buf_add_char(&e->work, '/');
            sf_buf_add_str(&e->work, slot->key);
            return aql_take_string(e, from);
        }
    }
    if (slot->asked != name.p) {
        slot->found = js_get(slot->body, name, &text) ? val_from(text) : val_null();
        slot->asked = name.p;
    }
    return slot->found;
}

static struct val attribute(struct aql_eval *e, const struct aql_node *n)
{
    if (n->a->kind == AQL_VAR && e->slots[n->a->slot].is_document)
        return document_attribute(e, &e->slots[n->a->slot], n->name);
    return val_member(aql_eval(e, n->a), n->name);
}

/* a[b]: an element (negative: from the end) or a member. */
static struct val element(struct aql_eval *e, const struct aql_node *n)
{
    struct val of = aql_eval(e, n->a), at = aql_eval(e, n->b);
    struct js_it it;
    int64_t i;

    if (of.kind == VAL_OBJECT) {
        size_t from = e->work.len;

        aql_add_string(&e->work, at);
        return val_member(of, aql_take_string(e, from).raw);
    }
    if (of.kind != VAL_ARRAY || !num_to_i64(aql_to_number(at), &i))
        return val_null();
    if (i < 0)
        i += (int64_t)js_count(of.raw);
    js_it_init(&it, of.raw);
    for (; i >= 0 && js_it_next(&it); i--)
        if (i == 0)
            return val_from(it.value);
    return val_null();
}

/* ----------------------------------------------------------------- constructors */

static struct val expand(struct aql_eval *e, const struct aql_node *n)
{
    struct val of = aql_eval(e, n->a), before = e->current;
    size_t from = e->work.len;
    struct js_it it;

    if (of.kind != VAL_ARRAY)
        return val_from(SF_STR("[]"));
    sf_buf_add_char(&e->work, '[');
    js_it_init(&it, of.raw);
    while (js_it_next(&it) && e->f->num == FAULT_NONE) {
        struct val v;

        e->current = val_from(it.value);
        v = aql_eval(e, n->b);
        if (e->work.len > from + 1)
            sf_buf_add_char(&e->work, ',');
        val_add(&e->work, v);
    }
    e->current = before;
    sf_buf_add_char(&e->work, ']');
    return aql_take_json(e, from);
}

static struct val array(struct aql_eval *e, const struct aql_node *n)
{
    size_t from = e->work.len;

    sf_buf_add_char(&e->work, '[');
    for (const struct aql_node *item = n->list; item; item = item->next) {
        struct val v = aql_eval(e, item);

        if (item != n->list)
            sf_buf_add_char(&e->work, ',');
        val_add(&e->work, v);
    }
    sf_buf_add_char(&e->work, ']');
    return aql_take_json(e, from);
}

/* A later member of the same name wins. */
static bool is_named_again(const struct aql_node *item)
{
    for (const struct aql_node *n = item->next; n && !item->b; n = n->next)
        if (!n->b && sf_str_eq(n->name, item->name))
            return true;
    return false;
}

static struct val object(struct aql_eval *e, const struct aql_node *n)
{
    size_t from = e->work.len;

    sf_buf_add_char(&e->work, '{');
    for (const struct aql_node *item = n->list; item; item = item->next) {
        struct val v, name = item->b ? aql_eval(e, item->b) : val_string(item->name);

        if (is_named_again(item))
            continue;
        v = aql_eval(e, item->a);
        if (e->work.len > from + 1)
            sf_buf_add_char(&e->work, ',');
        sf_buf_add_char(&e->work, '"');
        aql_add_string(&e->work, name);
        sf_buf_add_lit(&e->work, "\":");
        val_add(&e->work, v);
    }
    sf_buf_add_char(&e->work, '}');
    return aql_take_json(e, from);
}

static struct val range(struct aql_eval *e, const struct aql_node *n)
{
    double low = trunc(num_to_real(aql_to_number(aql_eval(e, n->a))));
    double high = trunc(num_to_real(aql_to_number(aql_eval(e, n->b))));
    int64_t from_i, to, step = low <= high ? 1 : -1;
    size_t from = e->work.len;

    if (fabs(high - low) > RANGE_MAX || fabs(low) > 9e18) {
        (void)fault_set(e->f, FAULT_RESOURCE_LIMIT,
                        "resource limit exceeded: range too large");
        return val_null();
    }
    from_i = (int64_t)low;
    to = (int64_t)high;
    sf_buf_add_char(&e->work, '[');
    for (int64_t i = from_i;; i += step) {
        if (i != from_i)
            sf_buf_add_char(&e->work, ',');
        sf_buf_add_i64(&e->work, i);
        if (i == to)
            break;
        if (i % COUNT_EVERY == 0 && (!aql_count_work(e) || !aql_is_going_on(e)))
            break;
    }
    sf_buf_add_char(&e->work, ']');
    return aql_take_json(e, from);
}

static struct val ternary(struct aql_eval *e, const struct aql_node *n)
{
    struct val a = aql_eval(e, n->a);

    if (!val_is_true(a))
        return aql_eval(e, n->c);
    return n->b ? aql_eval(e, n->b) : a;
}

static struct val call(struct aql_eval *e, const struct aql_node *n)
{
    struct val args[ARGS_MAX];
    size_t i = 0;

    for (const struct aql_node *item = n->list; item && i < ARGS_MAX; item = item->next)
        args[i++] = aql_eval(e, item);
    return aql_call(e, n->function, args, i);
}

/* Recursion: the parser limits the depth. */
struct val aql_eval(struct aql_eval *e, const struct aql_node *n)
{
    switch (n->kind) {
    case AQL_VALUE:
        return n->value;
    case AQL_VAR:
        return aql_slot_value(e, &e->slots[n->slot]);
    case AQL_CURRENT:
        return e->current;
    case AQL_ATTR:
        return attribute(e, n);
    case AQL_INDEX:
        return element(e, n);
    case AQL_EXPAND:
        return expand(e, n);
    case AQL_NOT:
        return val_bool(!val_is_true(aql_eval(e, n->a)));
    case AQL_MINUS:
        return aql_arithmetic(e, AQL_SUB, val_num(num_from_i64(0)), aql_eval(e, n->a));
    case AQL_PLUS:
        return val_num(aql_to_number(aql_eval(e, n->a)));
    case AQL_BINARY:
        return aql_binary(e, n);
    case AQL_TERNARY:
        return ternary(e, n);
    case AQL_RANGE:
        return range(e, n);
    case AQL_ARRAY:
        return array(e, n);
    case AQL_OBJECT:
        return object(e, n);
    case AQL_CALL:
        return call(e, n);
    case AQL_SUBQUERY:
        return aql_subquery(e, n->query);
    case AQL_COUNT_OF:
        return aql_count_of(e, n->collection);
    case AQL_MEMBER:
    case AQL_PARAM:
        break;
    }
    return val_null();
}
