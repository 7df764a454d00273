/* OpenAPI 3.1 of the table of routes and the table of fields. */
#include "api.h"

#include <stdio.h>
#include <stdlib.h>

static json_t *reference(const char *name)
{
    char path[64];

    (void)snprintf(path, sizeof(path), "#/components/schemas/%s", name);
    return json_pack("{s:s}", "$ref", path);
}

/* --------------------------------------------------------------------------- fields */

static json_t *kind_schema(const struct field *f)
{
    json_t *schema, *choices;

    switch (f->kind) {
    case FIELD_TEXT:
    case FIELD_IMAGE:
    case FIELD_TYPE:
    case FIELD_REQUESTS:
        return json_pack("{s:s, s:i}", "type", "string", "minLength", 1);
    case FIELD_SYMBOLS:
        return json_pack("{s:[{s:s, s:i}, {s:s, s:{s:s}, s:i, s:i}]}", "anyOf", "type",
                         "string", "minLength", 1, "type", "array", "items", "type",
                         "string", "minItems", 1, "maxItems", SF_SYMBOLS_MAX);
    case FIELD_CHOICE:
        choices = json_array();
        for (size_t i = 0; f->choices[i]; i++)
            (void)json_array_append_new(choices, json_string(f->choices[i]));
        return json_pack("{s:s, s:o}", "type", "string", "enum", choices);
    case FIELD_BOOL:
        return json_pack("{s:s}", "type", "boolean");
    case FIELD_COUNT:
        return json_pack("{s:s, s:i, s:I}", "type", "integer", "minimum", 0, "maximum",
                         (json_int_t)f->max);
    case FIELD_LABELS:
        schema = json_pack("{s:s, s:{s:s, s:i, s:i}, s:i}", "type", "object",
                           "additionalProperties", "type", "string", "minLength", 1,
                           "maxLength", LABEL_CHARS_MAX, "maxProperties", LABELS_MAX);
        return schema;
    }
    return NULL;
}

static json_t *place_schema(unsigned place)
{
    json_t *properties = json_object(), *required = json_array();

    for (size_t i = 0; i < FIELDS_N; i++) {
        json_t *schema;

        if (!(fields[i].places & place))
            continue;
        schema = kind_schema(&fields[i]);
        (void)json_object_set_new(schema, "description", json_string(fields[i].what));
        (void)json_object_set_new(properties, fields[i].name, schema);
        if (fields[i].required & place)
            (void)json_array_append_new(required, json_string(fields[i].name));
    }
    if (place == FIELD_IN_PIPELINE) {
        (void)json_object_set_new(properties, "requests",
                                  json_pack("{s:s, s:i, s:i, s:o}", "type", "array",
                                            "minItems", 1, "maxItems", REQUESTS_MAX,
                                            "items", reference("Request")));
        (void)json_array_append_new(required, json_string("requests"));
    }
    return json_pack("{s:s, s:o, s:o, s:b}", "type", "object", "properties", properties,
                     "required", required, "additionalProperties", 0);
}

static json_t *problem_schema(void)
{
    return json_pack("{s:s, s:{s:{s:s}, s:{s:s}, s:{s:s}, s:{s:s}, s:{s:s, s:{s:s}}}, "
                     "s:[s,s,s]}",
                     "type", "object", "properties", "type", "type", "string", "title",
                     "type", "string", "status", "type", "integer", "detail", "type",
                     "string", "errors", "type", "array", "items", "type", "object",
                     "required", "type", "title", "status");
}

/* ---------------------------------------------------------------------------- routes */

static json_t *parameters(const struct api_route *r)
{
    json_t *list = json_array();

    if (strstr(r->path, "{queue_id}"))
        (void)json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:{s:s}}", "name",
                                                    "queue_id", "in", "path", "required",
                                                    1, "schema", "type", "string"));
    for (const struct api_param *p = r->params; p < r->params + API_PARAMS_MAX && p->name;
         p++)
        (void)json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:{s:s}}", "name", p->name, "in",
                            p->is_header ? "header" : "query", "description", p->what,
                            "schema", "type", "string"));
    return list;
}

static json_t *one_answer(const struct api_route *r, int status)
{
    const char *kind = r->answers ? r->answers : "application/json";
    json_t *schema = json_pack("{s:s}", "type", r->answers ? "string" : "object");

    if (status >= 400 && strncmp(r->path, "/health/", 8) != 0) {
        json_decref(schema);
        schema = reference("Problem");
        kind = "application/problem+json";
    }
    if (status == 304 || status == 101) {
        json_decref(schema);
        return json_pack("{s:s}", "description", problem_title(status));
    }
    return json_pack("{s:s, s:{s:{s:o}}}", "description", problem_title(status),
                     "content", kind, "schema", schema);
}

static json_t *answers(const struct api_route *r)
{
    json_t *all = json_object();
    char status[8];

    for (const int *s = r->statuses; s < r->statuses + API_STATUSES_MAX && *s; s++) {
        (void)snprintf(status, sizeof(status), "%d", *s);
        (void)json_object_set_new(all, status, one_answer(r, *s));
    }
    if (r->role != API_OPEN) {
        (void)json_object_set_new(all, "401", one_answer(r, 401));
        (void)json_object_set_new(all, "403", one_answer(r, 403));
    }
    return all;
}

static json_t *operation(const struct api_route *r)
{
    json_t *op = json_pack("{s:s, s:s, s:o, s:o}", "operationId", r->name, "summary",
                           r->what, "parameters", parameters(r), "responses", answers(r));

    if (r->role == API_OPEN)
        (void)json_object_set_new(op, "security", json_array());
    if (r->has_body)
        (void)json_object_set_new(op, "requestBody",
                                  json_pack("{s:b, s:{s:{s:{s:[o, o]}}}}", "required", 1,
                                            "content", "application/json", "schema",
                                            "anyOf", reference("Command"),
                                            reference("Pipeline")));
    return op;
}

static const char *lower(const char *method)
{
    static const char *const names[][2] = { { "GET", "get" },
                                            { "POST", "post" },
                                            { "DELETE", "delete" } };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i][0], method) == 0)
            return names[i][1];
    return "trace";
}

json_t *api_openapi(const struct manager *m)
{
    json_t *paths = json_object();

    (void)m;
    for (const struct api_route *r = api_routes; r->method; r++) {
        json_t *path = json_object_get(paths, r->path);

        if (!path) {
            path = json_object();
            (void)json_object_set_new(paths, r->path, path);
        }
        (void)json_object_set_new(path, lower(r->method), operation(r));
    }
    return json_pack("{s:s, s:{s:s, s:s}, s:o, s:[{s:[]}], s:{s:{s:{s:s, s:s}}, "
                     "s:{s:o, s:o, s:o, s:o}}}",
                     "openapi", "3.1.0", "info", "title", "queue-manager", "version",
                     SF_VERSION, "paths", paths, "security", "token", "components",
                     "securitySchemes", "token", "type", "http", "scheme", "bearer",
                     "schemas", "Command", place_schema(FIELD_IN_COMMAND), "Pipeline",
                     place_schema(FIELD_IN_PIPELINE), "Request",
                     place_schema(FIELD_IN_REQUEST), "Problem", problem_schema());
}
