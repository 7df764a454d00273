/* Fields one by one: known, of their kind, from the registry. */
#include "plan.h"

#include <stdio.h>

#define POINTER_SIZE 256
#define NAMES_MAX    32 /* images and TYPEs of the registry, fields of the table */

static void tell(json_t *errors, const char *base, const char *name, const json_t *value,
                 const char *detail)
{
    char pointer[POINTER_SIZE];
    const struct problem p = { .pointer = pointer, .detail = detail, .value = value };

    problem_pointer(base, name, pointer, sizeof(pointer));
    (void)problem_add(errors, &p);
}

/* With the list of what is allowed, and the nearest of it. */
static void tell_choice(json_t *errors, const char *pointer, const json_t *value,
                        const char *detail, const char *given, const char *const *names)
{
    struct problem p = { .pointer = pointer,
                         .detail = detail,
                         .value = value,
                         .allowed = json_array(),
                         .nearest = sf_nearest(sf_str_from(given), names) };

    for (size_t i = 0; names[i]; i++)
        (void)json_array_append_new(p.allowed, json_string(names[i]));
    (void)problem_add(errors, &p);
}

static void unknown(const char *name, const json_t *value, unsigned place,
                    const char *base, json_t *errors)
{
    const char *names[FIELDS_N + 2];
    char pointer[POINTER_SIZE];
    size_t n = 0;

    for (size_t i = 0; i < FIELDS_N; i++)
        if (fields[i].places & place)
            names[n++] = fields[i].name;
    if (place & FIELD_IN_PIPELINE)
        names[n++] = "requests";
    names[n] = NULL;
    problem_pointer(base, name, pointer, sizeof(pointer));
    tell_choice(errors, pointer, value, "unknown field", name, names);
}

/* ---------------------------------------------------------------------------- kinds */

static bool is_text(const json_t *value)
{
    const char *text = json_string_value(value);

    return text && sf_str_trim(sf_str_from(text)).len > 0 &&
           strlen(text) == json_string_length(value) &&
           json_string_length(value) <= FIELD_CHARS_MAX;
}

static bool is_symbols(const json_t *value)
{
    if (!json_is_array(value))
        return is_text(value);
    for (size_t i = 0; i < json_array_size(value); i++)
        if (!is_text(json_array_get(value, i)))
            return false;
    return json_array_size(value) > 0 && json_array_size(value) <= SF_SYMBOLS_MAX;
}

static bool is_label(const char *name)
{
    size_t n = 0;

    for (; name[n]; n++)
        if (!((name[n] >= 'a' && name[n] <= 'z') || (name[n] >= 'A' && name[n] <= 'Z') ||
              (name[n] >= '0' && name[n] <= '9') || name[n] == '-' || name[n] == '_' ||
              name[n] == '.'))
            return false;
    return n > 0 && n <= LABEL_CHARS_MAX;
}

static bool is_labels(json_t *value)
{
    if (!json_is_object(value) || json_object_size(value) > LABELS_MAX)
        return false;
    for (void *at = json_object_iter(value); at; at = json_object_iter_next(value, at)) {
        const json_t *text = json_object_iter_value(at);

        if (!is_label(json_object_iter_key(at)) || !is_text(text) ||
            json_string_length(text) > LABEL_CHARS_MAX)
            return false;
    }
    return true;
}

/* What a value of this kind should have been; NULL: it is. */
static const char *misfit(const struct field *f, json_t *value)
{
    switch (f->kind) {
    case FIELD_TEXT:
    case FIELD_IMAGE:
    case FIELD_TYPE:
        return is_text(value) ? NULL : "expected a text that is not empty";
    case FIELD_SYMBOLS:
        return is_symbols(value) ? NULL : "expected a text, or an array of 1 to 1024";
    case FIELD_CHOICE:
        return is_text(value) ? NULL : "expected a text";
    case FIELD_BOOL:
        return json_is_boolean(value) ? NULL : "expected true or false";
    case FIELD_COUNT:
        return json_is_integer(value) && json_integer_value(value) >= 0 &&
                       json_integer_value(value) <= f->max
                   ? NULL
                   : "expected an integer from 0 to 1000";
    case FIELD_LABELS:
        return is_labels(value)
                   ? NULL
                   : "expected at most 16 texts of 1 to 63 characters, under "
                     "names of 1 to 63 of [A-Za-z0-9._-]";
    case FIELD_REQUESTS:
        return NULL;
    }
    return NULL;
}

static void check_choice(const struct field *f, const json_t *value, const char *base,
                         json_t *errors)
{
    char pointer[POINTER_SIZE];

    for (size_t i = 0; f->choices[i]; i++)
        if (strcmp(f->choices[i], json_string_value(value)) == 0)
            return;
    problem_pointer(base, f->name, pointer, sizeof(pointer));
    tell_choice(errors, pointer, value, "not allowed here", json_string_value(value),
                f->choices);
}

static void check_field(const char *name, json_t *value, unsigned place, const char *base,
                        json_t *errors)
{
    const struct field *f = field_find(name, place);
    const char *expected;

    if (place & FIELD_IN_PIPELINE && strcmp(name, "requests") == 0)
        return;
    if (!f) {
        unknown(name, value, place, base, errors);
        return;
    }
    expected = misfit(f, value);
    if (expected)
        tell(errors, base, name, value, expected);
    else if (f->kind == FIELD_CHOICE)
        check_choice(f, value, base, errors);
}

void plan_check_fields(const json_t *object, unsigned place, const char *pointer,
                       json_t *errors)
{
    json_t *each = (json_t *)object; /* the iterator wants it writable */

    for (void *at = json_object_iter(each); at; at = json_object_iter_next(each, at))
        check_field(json_object_iter_key(at), json_object_iter_value(at), place, pointer,
                    errors);
    for (size_t i = 0; i < FIELDS_N; i++)
        if (fields[i].required & place && !json_object_get(object, fields[i].name))
            tell(errors, pointer, fields[i].name, NULL, "required");
}

/* ----------------------------------------------------------------------------- type */

/* The TYPEs of a row to @allowed. *ret_nearest, @best: the nearest to @given so far. */
static void list_type(const struct sf_type *t, const char *given, json_t *allowed,
                      unsigned *best, const char **ret_nearest)
{
    const struct sf_interval *iv = sf_intervals;
    char name[64];

    do {
        json_t *text;
        unsigned distance;

        (void)snprintf(name, sizeof(name), "%s%s%s", t->name, t->has_interval ? "_" : "",
                       t->has_interval ? iv->name : "");
        text = json_string(name);
        distance = sf_str_distance(sf_str_from(given), sf_str_from(name));
        if (json_array_append_new(allowed, text) == 0 && distance < *best) {
            *best = distance;
            *ret_nearest = json_string_value(text);
        }
    } while (t->has_interval && (++iv)->name);
}

/* All that `type` may say, as documentation writes it. */
static void tell_type(json_t *errors, const char *pointer, const json_t *value,
                      const char *given, const struct sf_error *err)
{
    struct problem p = {
        .pointer = pointer, .detail = err->text, .value = value, .allowed = json_array()
    };
    unsigned best = 4; /* edits: more is no slip of the finger */

    for (const struct sf_type *t = sf_types; t->name; t++)
        if (t->is_available)
            list_type(t, given, p.allowed, &best, &p.nearest);
    (void)problem_add(errors, &p);
}

bool plan_check_type(const json_t *object, const char *pointer, json_t *errors,
                     char *type, size_t size, struct sf_type_ref *ret_ref)
{
    const json_t *value = json_object_get(object, "type");
    const char *interval = json_string_value(json_object_get(object, "interval"));
    const char *given = json_string_value(value);
    char at[POINTER_SIZE];
    struct sf_error err = { 0 };
    bool is_bare = false;

    if (!given)
        return false; /* told by plan_check_fields */
    problem_pointer(pointer, "type", at, sizeof(at));
    for (const struct sf_type *t = sf_types; t->name; t++)
        is_bare = is_bare || (t->has_interval && strcmp(t->name, given) == 0);
    (void)snprintf(type, size, "%s%s%s", given, is_bare && interval ? "_" : "",
                   is_bare && interval ? interval : "");
    if (sf_type_parse(sf_str_from(type), ret_ref, &err) != SF_OK) {
        tell_type(errors, at, value, type, &err);
        return false;
    }
    if (!ret_ref->type->is_available) {
        (void)sf_error_set(&err, SF_EINVAL, "no program serves %s in this version",
                           ret_ref->type->name);
        tell_type(errors, at, value, type, &err);
        return false;
    }
    return true;
}

/* ---------------------------------------------------------------------------- image */

/* "registry/path/name:tag" to its name; *ret_why what is foreign about it. */
static struct sf_str image_name(const struct plan_env *env, struct sf_str given,
                                const char **ret_why)
{
    struct sf_str registry = sf_str_from(env->registry), tag;
    const char *slash = NULL;

    *ret_why = NULL;
    for (size_t i = 0; i < given.len; i++)
        if (given.p[i] == '/')
            slash = given.p + i;
    if (slash) {
        struct sf_str prefix = sf_str_make(given.p, (size_t)(slash - given.p));

        if (!sf_str_eq(prefix, registry))
            *ret_why = "from a foreign registry; expected a name alone, or with "
                       "IMAGE_REGISTRY in front";
        given = sf_str_make(slash + 1, given.len - prefix.len - 1);
    }
    given = sf_str_cut(given, ':', &tag);
    if (tag.len > 0 && !sf_str_eq(tag, sf_str_from(env->tag)))
        *ret_why = "another tag than IMAGE_TAG";
    return given;
}

static const char *match_image(const struct sf_type *type, struct sf_str name)
{
    if (type->loader && sf_str_eq(name, sf_str_from(type->loader)))
        return type->loader;
    return sf_str_eq(name, sf_str_from(type->connector)) ? type->connector : NULL;
}

static bool check_one_image(const struct plan_env *env, const struct sf_type *type,
                            const json_t *value, const char *pointer, json_t *errors,
                            const char **ret_image)
{
    const char *names[3] = { type->loader ? type->loader : type->connector,
                             type->loader ? type->connector : NULL, NULL };
    const char *given = json_string_value(value), *why, *image;
    struct sf_str name = image_name(env, sf_str_trim(sf_str_from(given)), &why);
    char text[SF_NAME_MAX + 1];

    image = match_image(type, name);
    if (!image && !why)
        why = sf_type_is_image(name) ? "does not serve this type"
                                     : "not an image of the registry";
    if (!why && *ret_image && strcmp(*ret_image, image) != 0)
        why = "image, target_image and target mean the same and differ";
    if (why) {
        if (!sf_str_copy(name, text, sizeof(text)))
            text[0] = '\0';
        tell_choice(errors, pointer, value, why, text, names);
        return false;
    }
    *ret_image = image;
    return true;
}

bool plan_check_image(const struct plan_env *env, const json_t *object,
                      const struct sf_type_ref *ref, const char *pointer, json_t *errors,
                      const char **ret_image)
{
    static const char *const spellings[] = { "image", "target_image", "target" };
    char at[POINTER_SIZE];
    bool is_good = true;

    *ret_image = NULL;
    for (size_t i = 0; i < 3; i++) {
        const json_t *value = json_object_get(object, spellings[i]);

        problem_pointer(pointer, spellings[i], at, sizeof(at));
        if (json_is_string(value) &&
            !check_one_image(env, ref->type, value, at, errors, ret_image))
            is_good = false;
    }
    return is_good;
}
