/* The body of an import: JSON lines, one array, or names and then values by line. Rows
 * that are no documents are counted here. */
#include "import.h"

static void import_destroy(void *p)
{
    struct import *im = p;

    docs_destroy(im->docs);
    sf_buf_release(&im->details);
    sf_buf_release(&im->line);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\b' || c == '\f';
}

static struct sf_str trim(struct sf_str s)
{
    while (s.len > 0 && is_blank(s.p[0])) {
        s.p++;
        s.len--;
    }
    while (s.len > 0 && is_blank(s.p[s.len - 1]))
        s.len--;
    return s;
}

static struct sf_str clip(struct sf_str s, const char **ret_dots)
{
    *ret_dots = s.len > IMPORT_CONTEXT_MAX ? "..." : "";
    if (s.len <= IMPORT_CONTEXT_MAX)
        return s;
    s.len = IMPORT_CONTEXT_MAX;
    while (s.len > 0 && ((unsigned char)s.p[s.len] & 0xc0) == 0x80)
        s.len--;
    return s;
}

/* Is the sequence of bytes good UTF-8? Raw lines may not be; then they are not shown. */
static struct sf_str printable(struct sf_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.p[i] >= 0x80)
            return SF_STR("(not shown)");
    return s;
}

/* One row that was not taken. With `complete` it ends the import. False then. */
bool import_refuse(struct call *c, struct import *im, enum fault_num num, size_t line,
                   const char *text, struct sf_str context)
{
    const char *dots;
    struct sf_buf message;

    im->errors++;
    sf_buf_init(&message, 4096);
    context = clip(context, &dots);
    sf_buf_addf(&message, "at position %zu: %s%" SF_STR_FMT "%s", line, text,
                SF_STR_ARG(context), dots);
    if (im->has_details) {
        if (im->details.len > 0)
            sf_buf_add_char(&im->details, ',');
        js_add_string(&im->details, sf_buf_str(&message));
    }
    if (im->is_complete)
        (void)fault_set(&c->fault, num, "%s",
                        num == FAULT_INTERNAL ? sf_buf_cstr(&message) : fault_text(num));
    sf_buf_release(&message);
    return !im->is_complete;
}

/* ------------------------------------------------------------------------- edges */

static bool is_number(struct sf_str text)
{
    return text.len > 0 && (text.p[0] == '-' || (text.p[0] >= '0' && text.p[0] <= '9'));
}

/* `"_from":"prefix/value"` when @value needs the prefix. */
static void add_end(struct import *im, struct sf_buf *patch, const char *name,
                    struct sf_str prefix, struct sf_str document)
{
    struct sf_str value, rest;

    if (prefix.len == 0 || !js_get(document, sf_str_from(name), &value))
        return;
    if (value.p[0] == '"') {
        value = (struct sf_str){ value.p + 1, value.len - 2 };
        if (memchr(value.p, '/', value.len)) {
            if (!im->overwrites_prefix)
                return;
            (void)sf_str_cut(value, '/', &rest);
            value = rest;
        }
    } else if (!is_number(value)) {
        return;
    }
    sf_buf_addf(patch, "%s\"%s\":\"", patch->len > 1 ? "," : "", name);
    sf_buf_add_str(patch, prefix);
    sf_buf_add_str(patch, value);
    sf_buf_add_char(patch, '"');
}

/* @text (canonical, an object) with the prefixes put in; then it lies in im->line. */
static struct sf_str with_prefixes(struct import *im, struct sf_str text)
{
    struct doc_opts opts = { .does_keep_null = true };
    struct sf_buf patch;

    sf_buf_init(&patch, 65536);
    sf_buf_add_char(&patch, '{');
    add_end(im, &patch, "_from", im->from_prefix, text);
    add_end(im, &patch, "_to", im->to_prefix, text);
    sf_buf_add_char(&patch, '}');
    if (patch.status == SF_OK && patch.len > 2) {
        sf_buf_clear(&im->line);
        doc_merge(&im->line, text, sf_buf_str(&patch), &opts);
        text = sf_buf_str(&im->line);
    }
    sf_buf_release(&patch);
    return text;
}

/* -------------------------------------------------------------------------- rows */

/* One row as JSON text: an object that joins im->docs, or an error. False: stop. */
static bool add_row(struct call *c, struct import *im, struct sf_str text, size_t line)
{
    struct sf_str raw = text;
    const char *why;
    struct doc_spec spec;

    if (im->is_edge && (im->from_prefix.len > 0 || im->to_prefix.len > 0)) {
        struct sf_buf canonical;

        sf_buf_init(&canonical, CALL_MEM_MAX);
        if (js_canon(text, &canonical, NULL) && canonical.p[0] == '{')
            text = arena_str(&c->mem, with_prefixes(im, sf_buf_str(&canonical)));
        sf_buf_release(&canonical);
    }
    if (!docs_add(im->docs, text, &why))
        return import_refuse(
            c, im, FAULT_INTERNAL, line,
            "invalid JSON type (expecting object, probably parse error), "
            "offending context: ",
            printable(raw));
    docs_get(im->docs, im->docs->n - 1, &spec);
    if (!spec.is_object) {
        struct sf_str shown = arena_str(&c->mem, spec.body);

        docs_drop_last(im->docs);
        return import_refuse(
            c, im, FAULT_BAD_TYPE, line,
            "invalid JSON type (expecting object), offending document: ", shown);
    }
    if (im->is_edge && (spec.from.len == 0 || spec.to.len == 0)) {
        struct sf_buf shown;
        bool goes_on;

        sf_buf_init(&shown, CALL_MEM_MAX);
        docs_add_given(im->docs, im->docs->n - 1, &shown, IMPORT_CONTEXT_MAX + 1);
        docs_drop_last(im->docs);
        goes_on =
            import_refuse(c, im, FAULT_BAD_EDGE, line,
                          "missing '_from' or '_to' attribute, offending document: ",
                          sf_buf_str(&shown));
        sf_buf_release(&shown);
        return goes_on;
    }
    return true;
}

/* An array of values becomes an object with im->keys as names; null values are left out.
 */
static bool add_values(struct call *c, struct import *im, struct sf_str text, size_t line)
{
    struct sf_buf values, object;
    struct js_it key, value;
    bool is_good;

    sf_buf_init(&values, CALL_MEM_MAX);
    sf_buf_init(&object, CALL_MEM_MAX);
    if (!js_canon(text, &values, NULL) || values.p[0] != '[') {
        is_good =
            import_refuse(c, im, FAULT_INTERNAL, line,
                          "invalid JSON type (expecting array, probably parse error), "
                          "offending context: ",
                          printable(text));
    } else if (js_count(sf_buf_str(&values)) != js_count(im->keys) &&
               !call_flag(c, "ignoreMissing", false)) {
        is_good = import_refuse(c, im, FAULT_INTERNAL, line,
                                "wrong number of JSON values", SF_STR_EMPTY);
    } else {
        js_it_init(&key, im->keys);
        js_it_init(&value, sf_buf_str(&values));
        sf_buf_add_char(&object, '{');
        while (js_it_next(&key) && js_it_next(&value)) {
            if (value.value.p[0] == 'n')
                continue;
            if (object.len > 1)
                sf_buf_add_char(&object, ',');
            sf_buf_add_str(&object, key.value);
            sf_buf_add_char(&object, ':');
            sf_buf_add_str(&object, value.value);
        }
        sf_buf_add_char(&object, '}');
        is_good = add_row(c, im, sf_buf_str(&object), line);
    }
    sf_buf_release(&values);
    sf_buf_release(&object);
    return is_good;
}

static bool each_line(struct call *c, struct import *im, struct sf_str rest, size_t line)
{
    while (rest.len > 0) {
        struct sf_str text = trim(sf_str_cut(rest, '\n', &rest));
        bool goes_on = true;

        line++;
        if (text.len == 0)
            im->empty++;
        else if (im->keys.len > 0)
            goes_on = add_values(c, im, text, line);
        else
            goes_on = add_row(c, im, text, line);
        if (!goes_on)
            return false;
    }
    return true;
}

/* One array. Only when an element needs more than storing, each is looked at alone. */
static bool whole_array(struct call *c, struct import *im)
{
    struct sf_buf array;
    struct js_it it;
    const char *why = NULL;
    bool goes_on = true;

    sf_buf_init(&array, CALL_MEM_MAX);
    if (!js_canon(c->body, &array, &why)) {
        (void)fault_set(&c->fault, FAULT_HTTP_BAD,
                        "expecting a valid JSON array in the request. got: %s",
                        why ? why : "too much");
        sf_buf_release(&array);
        return false;
    }
    if (array.p[0] != '[') {
        (void)fault_set(&c->fault, FAULT_HTTP_BAD,
                        "expecting a JSON array in the request");
        sf_buf_release(&array);
        return false;
    }
    js_it_init(&it, sf_buf_str(&array));
    for (size_t i = 1; goes_on && js_it_next(&it); i++)
        goes_on = add_row(c, im, it.value, i);
    sf_buf_release(&array);
    return goes_on;
}

static bool keys_and_values(struct call *c, struct import *im)
{
    struct sf_str rest, line = SF_STR("0"), first = sf_str_cut(c->body, '\n', &rest);
    struct sf_buf keys;
    struct js_it it;
    uint64_t from = 0;
    bool is_good;

    if (!memchr(c->body.p, '\n', c->body.len))
        return fault_set(&c->fault, FAULT_HTTP_BAD, "no JSON array found in second line");
    sf_buf_init(&keys, CALL_MEM_MAX);
    is_good = js_canon(trim(first), &keys, NULL) && keys.p[0] == '[' && keys.len > 2;
    im->keys = arena_str(&c->mem, sf_buf_str(&keys));
    sf_buf_release(&keys);
    if (is_good) {
        js_it_init(&it, im->keys);
        while (js_it_next(&it))
            is_good &= it.value.p[0] == '"' && it.value.len > 2;
    }
    if (!is_good)
        return fault_set(&c->fault, FAULT_HTTP_BAD,
                         "no JSON string array found in first line");
    if (call_param(c, "line", &line))
        (void)!sf_str_to_u64(line, &from);
    return each_line(c, im, rest, (size_t)from);
}

/* ------------------------------------------------------------------------- calls */

static struct sf_str prefix(struct call *c, const char *name)
{
    struct sf_str text;
    struct sf_buf b;

    if (!call_param(c, name, &text) || text.len == 0)
        return SF_STR_EMPTY;
    sf_buf_init(&b, 4096);
    js_add_string(&b, text);
    if (b.len > 1)
        b.len--; /* the closing quote */
    if (!sf_str_ends(text, SF_STR("/")))
        sf_buf_add_char(&b, '/');
    text = arena_str(&c->mem, sf_buf_str(&b));
    sf_buf_release(&b);
    return text.len > 0 ? (struct sf_str){ text.p + 1, text.len - 1 } : text;
}

const struct cat_collection *import_collection(struct call *c)
{
    struct sf_str name;

    if (call_param(c, "collection", &name) && name.len > 0)
        return call_collection(c, name, CAT_RW);
    (void)fault_set(&c->fault, FAULT_NO_COLLECTION_PARAM,
                    "'collection' is missing, expecting "
                    "/_api/import?collection=<identifier>");
    return NULL;
}

void import_parse(struct call *c)
{
    const struct cat_collection *coll = import_collection(c);
    struct import *im = arena_alloc(&c->mem, sizeof(*im));
    struct sf_str type = SF_STR_EMPTY, body = sf_str_trim(c->body);

    if (!coll || !im)
        return;
    im->docs = docs_create(CALL_MEM_MAX);
    sf_buf_init(&im->details, CALL_ANSWER_MAX);
    sf_buf_init(&im->line, CALL_MEM_MAX);
    c->prepared = im;
    c->release = import_destroy;
    if (!im->docs) {
        (void)fault_set(&c->fault, FAULT_OUT_OF_MEMORY, NULL);
        return;
    }
    im->is_edge = coll->is_edge;
    im->is_complete = call_flag(c, "complete", false);
    im->has_details = call_flag(c, "details", false);
    im->overwrites_prefix = call_flag(c, "overwriteCollectionPrefix", false);
    im->from_prefix = prefix(c, "fromPrefix");
    im->to_prefix = prefix(c, "toPrefix");
    im->keys = SF_STR_EMPTY;
    (void)call_param(c, "type", &type);
    if (sf_str_eq(type, SF_STR("array")) || sf_str_eq(type, SF_STR("list")) ||
        (sf_str_eq(type, SF_STR("auto")) && body.len > 0 && body.p[0] == '['))
        (void)whole_array(c, im);
    else if (sf_str_eq(type, SF_STR("documents")) || sf_str_eq(type, SF_STR("auto")))
        (void)each_line(c, im, c->body, 0);
    else
        (void)keys_and_values(c, im);
}
