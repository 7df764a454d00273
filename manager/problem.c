#include "problem.h"

#include <stdio.h>

static const struct {
    int status;
    const char *title;
} titles[] = {
    { 101, "Switching Protocols" },
    { 200, "OK" },
    { 201, "Created" },
    { 202, "Accepted" },
    { 204, "No Content" },
    { 304, "Not Modified" },
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 409, "Conflict" },
    { 412, "Precondition Failed" },
    { 413, "Content Too Large" },
    { 415, "Unsupported Media Type" },
    { 422, "Unprocessable Content" },
    { 426, "Upgrade Required" },
    { 429, "Too Many Requests" },
    { 500, "Internal Server Error" },
    { 502, "Bad Gateway" },
    { 503, "Service Unavailable" },
};

const char *problem_title(int status)
{
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
        if (titles[i].status == status)
            return titles[i].title;
    return "Unknown";
}

bool problem_add(json_t *errors, const struct problem *p)
{
    json_t *entry = json_pack("{s:s, s:s}", "pointer", p->pointer, "detail", p->detail);

    if (p->value)
        (void)json_object_set_new(entry, "value", json_deep_copy(p->value));
    if (p->allowed)
        (void)json_object_set_new(entry, "allowed", p->allowed);
    if (p->nearest)
        (void)json_object_set_new(entry, "nearest", json_string(p->nearest));
    return json_array_append_new(errors, entry) == 0;
}

json_t *problem_body(int status, const char *detail, json_t *errors)
{
    json_t *body = json_pack("{s:s, s:s, s:i}", "type", "about:blank", "title",
                             problem_title(status), "status", status);

    if (body && detail)
        (void)json_object_set_new(body, "detail", json_string(detail));
    if (body && errors)
        (void)json_object_set(body, "errors", errors);
    json_decref(errors);
    return body;
}

void problem_pointer(const char *base, const char *name, char *dst, size_t size)
{
    struct sf_buf b = { .p = dst, .cap = size - 1, .max = size - 1 };

    sf_buf_add_str(&b, sf_str_from(base));
    sf_buf_add_char(&b, '/');
    for (; *name; name++)
        if (*name == '~')
            sf_buf_add_lit(&b, "~0");
        else if (*name == '/')
            sf_buf_add_lit(&b, "~1");
        else
            sf_buf_add_char(&b, *name);
    dst[b.len] = '\0';
}
