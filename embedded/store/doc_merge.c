/* Partial updates: objects are merged member by member, arrays replaced as a whole. With
 * keepNull off, a null in the patch removes the attribute, in nested objects too. */
#include "doc.h"

static void add_member(struct sf_buf *out, size_t begin, struct sf_str name)
{
    if (out->len > begin + 1)
        sf_buf_add_char(out, ',');
    sf_buf_add_char(out, '"');
    sf_buf_add_str(out, name);
    sf_buf_add_lit(out, "\":");
}

static bool is_null(struct sf_str value)
{
    return value.p[0] == 'n';
}

/* @object without its null members. Recursion: nesting is limited by the parser. */
static void add_stripped(struct sf_buf *out, struct sf_str object)
{
    size_t begin = out->len;
    struct js_it it;

    sf_buf_add_char(out, '{');
    js_it_init(&it, object);
    while (js_it_next(&it)) {
        if (is_null(it.value))
            continue;
        add_member(out, begin, it.name);
        if (it.value.p[0] == '{')
            add_stripped(out, it.value);
        else
            sf_buf_add_str(out, it.value);
    }
    sf_buf_add_char(out, '}');
}

static void add_new(struct sf_buf *out, size_t begin, const struct js_it *member,
                    const struct doc_opts *opts)
{
    if (is_null(member->value) && !opts->does_keep_null)
        return;
    add_member(out, begin, member->name);
    if (member->value.p[0] == '{' && !opts->does_keep_null)
        add_stripped(out, member->value);
    else
        sf_buf_add_str(out, member->value);
}

void doc_merge(struct sf_buf *out, struct sf_str old, struct sf_str patch,
               const struct doc_opts *opts)
{
    size_t begin = out->len;
    struct sf_str found;
    struct js_it it;

    sf_buf_add_char(out, '{');
    js_it_init(&it, old);
    while (js_it_next(&it)) {
        struct js_it changed = it;

        if (!js_get(patch, it.name, &found)) {
            add_member(out, begin, it.name);
            sf_buf_add_str(out, it.value);
            continue;
        }
        if (opts->does_merge && found.p[0] == '{' && it.value.p[0] == '{') {
            add_member(out, begin, it.name);
            doc_merge(out, it.value, found, opts);
            continue;
        }
        changed.value = found;
        add_new(out, begin, &changed, opts);
    }
    js_it_init(&it, patch);
    while (js_it_next(&it))
        if (!js_get(old, it.name, &found))
            add_new(out, begin, &it, opts);
    sf_buf_add_char(out, '}');
}
