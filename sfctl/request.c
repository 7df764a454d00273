/* The body of a start request, from NAME=VALUE arguments or a file. */
#include "../manager/fields.h"
#include "sfctl.h"

#include <stdio.h>
#include <stdlib.h>

#define FILE_MAX_BYTES ((size_t)1 << 20) /* the manager takes less */
#define LABEL          "labels."

static char *read_all(const char *path)
{
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *f = is_stdin ? stdin : fopen(path, "re");
    struct sf_buf b;
    char chunk[4096];
    bool is_good;
    size_t n;

    if (!f) {
        (void)fprintf(stderr, "sfctl: cannot read %.400s\n", path);
        return NULL;
    }
    sf_buf_init(&b, FILE_MAX_BYTES);
    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0 && b.status == SF_OK)
        sf_buf_add(&b, chunk, n);
    is_good = !ferror(f) && b.status == SF_OK && b.len > 0;
    if (!is_stdin)
        (void)fclose(f);
    if (is_good)
        return sf_buf_take(&b);
    (void)fprintf(stderr, "sfctl: %.400s: expected 1 byte to 1 MiB of JSON\n", path);
    sf_buf_release(&b);
    return NULL;
}

static const char *nearest(struct sf_str name)
{
    const char *best = fields[0].name;

    for (size_t i = 1; i < FIELDS_N; i++)
        if (fields[i].places & FIELD_IN_COMMAND &&
            sf_str_distance(name, sf_str_from(fields[i].name)) <
                sf_str_distance(name, sf_str_from(best)))
            best = fields[i].name;
    return best;
}

/* The manager judges values; only their JSON kind is decided here. */
static json_t *value_of(const struct field *f, struct sf_str value)
{
    int64_t n;

    if (f->kind == FIELD_BOOL && sf_str_eq(value, SF_STR("true")))
        return json_true();
    if (f->kind == FIELD_BOOL && sf_str_eq(value, SF_STR("false")))
        return json_false();
    if (f->kind == FIELD_COUNT && sf_str_to_i64(value, &n) == SF_OK)
        return json_integer(n);
    return json_stringn(value.p, value.len);
}

static bool add_label(json_t *body, struct sf_str name, struct sf_str value)
{
    json_t *labels = json_object_get(body, "labels");
    char key[LABEL_CHARS_MAX + 1];

    if (!sf_str_copy(name, key, sizeof(key))) {
        (void)fprintf(stderr, "sfctl: a label's name has at most %d characters\n",
                      LABEL_CHARS_MAX);
        return false;
    }
    if (!labels) {
        labels = json_object();
        (void)json_object_set_new(body, "labels", labels);
    }
    return json_object_set_new(labels, key, json_stringn(value.p, value.len)) == 0;
}

static bool add_field(json_t *body, const char *arg)
{
    struct sf_str value, name = sf_str_cut(sf_str_from(arg), '=', &value);
    struct sf_str prefix = SF_STR(LABEL);
    const struct field *f;
    char key[64];

    if (arg[name.len] != '=') {
        (void)fprintf(stderr, "sfctl: expected NAME=VALUE, got '%.200s'\n", arg);
        return false;
    }
    if (sf_str_starts(name, prefix))
        return add_label(body, sf_str_make(name.p + prefix.len, name.len - prefix.len),
                         value);
    f = sf_str_copy(name, key, sizeof(key)) ? field_find(key, FIELD_IN_COMMAND) : NULL;
    if (!f || f->kind == FIELD_LABELS) {
        (void)fprintf(stderr, "sfctl: no field '%" SF_STR_FMT "'; did you mean %s?\n",
                      SF_STR_ARG(name), f ? LABEL "NAME" : nearest(name));
        return false;
    }
    return json_object_set_new(body, f->name, value_of(f, value)) == 0;
}

char *request_text(const struct ctl *c)
{
    json_t *body;
    char *text = NULL;
    bool is_good = true;

    if (c->file)
        return read_all(c->file);
    body = json_object();
    for (size_t i = 0; i < c->args_n && is_good; i++)
        is_good = add_field(body, c->args[i]);
    if (is_good)
        text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    return text;
}

void request_print_fields(struct sf_buf *b)
{
    for (size_t i = 0; i < FIELDS_N; i++) {
        if (!(fields[i].places & FIELD_IN_COMMAND))
            continue;
        sf_buf_addf(b, "  %-16s %s",
                    fields[i].kind == FIELD_LABELS ? LABEL "NAME" : fields[i].name,
                    fields[i].what);
        if (fields[i].example)
            sf_buf_addf(b, "; %s=%s", fields[i].name, fields[i].example);
        sf_buf_add_char(b, '\n');
    }
}

void request_print_names(struct sf_buf *b)
{
    const char *between = "";

    for (size_t i = 0; i < FIELDS_N; i++) {
        if (!(fields[i].places & FIELD_IN_COMMAND) || fields[i].kind == FIELD_LABELS)
            continue;
        sf_buf_addf(b, "%s%s=", between, fields[i].name);
        between = " ";
    }
}
