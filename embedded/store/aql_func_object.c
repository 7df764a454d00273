/* Functions of objects. */
#include "aql_func.h"
#include "aql_set.h"

/* Members by name; a later one of the same name takes the value, not the place. */
static bool put(struct aql_eval *e, struct aql_set *members, struct sf_str name,
                struct sf_str text)
{
    bool is_new;
    struct aql_set_entry *entry = aql_set_add(members, name, &is_new);

    if (!entry)
        return budget_fault(e->memory, e->f);
    entry->text = text;
    return true;
}

static bool put_all(struct aql_eval *e, struct aql_set *members, struct val object)
{
    struct js_it it;

    js_it_init(&it, object.raw);
    while (js_it_next(&it))
        if (!put(e, members, it.name, it.value))
            return false;
    return true;
}

static struct val members_value(struct aql_eval *e, const struct aql_set *members)
{
    size_t from = e->work.len;

    sf_buf_add_char(&e->work, '{');
    for (const struct aql_set_entry *x = members->first; x; x = x->next) {
        if (e->work.len > from + 1)
            sf_buf_add_char(&e->work, ',');
        val_add(&e->work, val_string(x->key.order));
        sf_buf_add_char(&e->work, ':');
        sf_buf_add_str(&e->work, x->text);
    }
    sf_buf_add_char(&e->work, '}');
    return aql_take_json(e, from);
}

/* MERGE(object, ...) or MERGE(array of objects) */
struct val aql_fn_merge(struct aql_eval *e, const struct val *a, size_t n)
{
    struct aql_set members;
    struct js_it it;

    aql_set_init(&members, e->mem);
    if (n == 1 && a[0].kind == VAL_ARRAY) {
        js_it_init(&it, a[0].raw);
        while (js_it_next(&it)) {
            struct val v = val_from(it.value);

            if (v.kind != VAL_OBJECT)
                return aql_warn(e, FAULT_QUERY_FN_TYPE);
            if (!put_all(e, &members, v))
                return val_null();
        }
        return members_value(e, &members);
    }
    for (size_t i = 0; i < n; i++) {
        if (a[i].kind != VAL_OBJECT)
            return aql_warn(e, FAULT_QUERY_FN_TYPE);
        if (!put_all(e, &members, a[i]))
            return val_null();
    }
    return members_value(e, &members);
}

/* ZIP(names, values) */
struct val aql_fn_zip(struct aql_eval *e, const struct val *a, size_t n)
{
    struct js_it names, values;
    struct aql_set members;

    (void)n;
    if (a[0].kind != VAL_ARRAY || a[1].kind != VAL_ARRAY ||
        js_count(a[0].raw) != js_count(a[1].raw))
        return aql_warn(e, FAULT_QUERY_FN_TYPE);
    aql_set_init(&members, e->mem);
    js_it_init(&names, a[0].raw);
    js_it_init(&values, a[1].raw);
    while (js_it_next(&names) && js_it_next(&values)) {
        struct val name = val_from(names.value);
        size_t from = e->work.len;

        aql_add_string(&e->work, name);
        name = aql_take_string(e, from);
        if (e->f->num != FAULT_NONE || !put(e, &members, name.raw, values.value))
            return val_null();
    }
    return members_value(e, &members);
}

/* VALUES(object, leaves_system_out) */
struct val aql_fn_values(struct aql_eval *e, const struct val *a, size_t n)
{
    bool is_short = n > 1 && val_is_true(a[1]);
    size_t from = e->work.len;
    struct js_it it;

    if (a[0].kind != VAL_OBJECT)
        return aql_warn(e, FAULT_QUERY_FN_TYPE);
    sf_buf_add_char(&e->work, '[');
    js_it_init(&it, a[0].raw);
    while (js_it_next(&it)) {
        if (is_short && sf_str_starts(it.name, SF_STR("_")))
            continue;
        if (e->work.len > from + 1)
            sf_buf_add_char(&e->work, ',');
        sf_buf_add_str(&e->work, it.value);
    }
    sf_buf_add_char(&e->work, ']');
    return aql_take_json(e, from);
}
