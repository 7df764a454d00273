/* What a definition in canonical JSON says: of a collection, of an index. Both were
 * checked and completed when they were created. */
#include "cat.h"
#include "val.h"

static bool flag(struct sf_str object, const char *name, bool initial)
{
    struct sf_str text;

    if (!js_get(object, sf_str_from(name), &text))
        return initial;
    return val_is_true(val_from(text));
}

static uint64_t number(struct sf_str object, const char *name, uint64_t initial)
{
    struct sf_str text;
    uint64_t n;

    if (!js_get(object, sf_str_from(name), &text) || sf_str_to_u64(text, &n) != SF_OK)
        return initial;
    return n;
}

static struct sf_str string(struct sf_str object, const char *name)
{
    struct sf_str text;

    if (!js_get(object, sf_str_from(name), &text) || text.p[0] != '"')
        return SF_STR_EMPTY;
    return val_from(text).raw;
}

void cat_collection_props(struct cat_collection *c)
{
    static const char *const kinds[] = { "traditional", "autoincrement", "uuid",
                                         "padded" };
    struct sf_str keys = SF_STR("{}"), kind;

    c->does_wait_for_sync = flag(c->props, "waitForSync", false);
    c->is_cached = flag(c->props, "cacheEnabled", false);
    (void)js_get(c->props, SF_STR("keyOptions"), &keys);
    kind = string(keys, "type");
    for (int i = 0; i < 4; i++)
        if (sf_str_eq(kind, sf_str_from(kinds[i])))
            c->key_kind = (enum cat_key_kind)i;
    c->may_give_keys = flag(keys, "allowUserKeys", true);
    c->key_increment = number(keys, "increment", 1);
    c->key_offset = number(keys, "offset", 0);
}

/* ----------------------------------------------------------------------- indexes */

/* One step of a path; "[*]" behind it makes is_expanded. */
static bool add_step(struct cat_path *p, struct sf_str step)
{
    bool is_expanded = sf_str_ends(step, SF_STR("[*]"));

    if (is_expanded)
        step.len -= 3;
    if (step.len == 0 || p->steps_n == CAT_PATH_MAX || memchr(step.p, '[', step.len) ||
        (is_expanded && p->expand_at >= 0))
        return false;
    p->steps[p->steps_n++] = step;
    if (is_expanded)
        p->expand_at = (int)p->steps_n;
    return true;
}

bool cat_path_parse(struct arena *mem, struct sf_str text, struct cat_path *ret)
{
    struct sf_str rest = arena_str(mem, text);

    *ret = (struct cat_path){ .text = rest, .expand_at = -1 };
    for (;;) {
        bool is_last = !memchr(rest.p, '.', rest.len);
        struct sf_str step = sf_str_cut(rest, '.', &rest);

        if (!add_step(ret, step))
            return false;
        if (is_last)
            return true;
    }
}

static bool parse_fields(struct arena *mem, struct sf_str def, struct cat_index *ret)
{
    struct sf_str fields;
    struct js_it it;

    if (!js_get(def, SF_STR("fields"), &fields) || fields.p[0] != '[')
        return false;
    ret->fields_n = js_count(fields);
    if (ret->fields_n == 0 || ret->fields_n > CAT_FIELDS_MAX)
        return false;
    ret->fields = arena_alloc(mem, ret->fields_n * sizeof(*ret->fields));
    if (!ret->fields)
        return false;
    js_it_init(&it, fields);
    for (size_t i = 0; js_it_next(&it); i++)
        if (it.value.p[0] != '"' ||
            !cat_path_parse(mem, val_from(it.value).raw, &ret->fields[i]))
            return false;
    return true;
}

bool cat_index_parse(struct arena *mem, struct sf_str def, struct cat_index *ret,
                     struct fault *f)
{
    struct sf_str text;

    *ret = (struct cat_index){ .kind = CAT_PERSISTENT, .stored = SF_STR_EMPTY };
    if (!parse_fields(mem, def, ret))
        return fault_set(f, FAULT_HTTP_BAD, "invalid index fields");
    ret->type = string(def, "type");
    if (sf_str_eq(ret->type, SF_STR("ttl")))
        ret->kind = CAT_TTL;
    ret->name = string(def, "name");
    ret->is_unique = flag(def, "unique", false);
    ret->is_sparse = flag(def, "sparse", false);
    ret->does_deduplicate = flag(def, "deduplicate", true);
    ret->has_estimates = flag(def, "estimates", true);
    ret->is_cached = flag(def, "cacheEnabled", false);
    if (js_get(def, SF_STR("expireAfter"), &text) && val_from(text).kind == VAL_NUM)
        ret->expire_after_s = num_to_real(val_from(text).num);
    (void)js_get(def, SF_STR("storedValues"), &ret->stored);
    return true;
}
