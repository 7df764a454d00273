/* From a request to its route: who asks, what for, which queue. */
#include "api.h"

#include <stdio.h>
#include <stdlib.h>

#define ID_MARK   "{queue_id}"
#define JSON_KIND "application/json"

/* ---------------------------------------------------------------------------- answers */

static void reply_text(struct sf_httpd_req *req, int status, const char *kind,
                       const char *const *headers, json_t *body)
{
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    const struct sf_httpd_answer answer = { .status = text ? status : 500,
                                            .content_type = kind,
                                            .headers = headers,
                                            .body = sf_str_from(text) };

    sf_httpd_reply(req, &answer);
    free(text);
    json_decref(body);
}

void api_reply(struct sf_httpd_req *req, int status, json_t *body,
               const char *const *headers)
{
    reply_text(req, status, NULL, headers, body);
}

void api_reply_tagged(struct sf_httpd_req *req, json_t *body)
{
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    char etag[24];
    const char *const headers[] = { "ETag", etag, NULL };
    struct sf_httpd_answer answer = { .status = text ? 200 : 500,
                                      .headers = text ? headers : NULL,
                                      .body = sf_str_from(text) };

    (void)snprintf(etag, sizeof(etag), "\"%016llx\"",
                   (unsigned long long)sf_str_hash(answer.body));
    if (text && sf_str_eq(sf_httpd_header(req, "If-None-Match"), sf_str_from(etag))) {
        answer.status = 304;
        answer.body = SF_STR_EMPTY;
    }
    sf_httpd_reply(req, &answer);
    free(text);
    json_decref(body);
}

void api_refuse(struct sf_httpd_req *req, int status, const char *detail, json_t *errors)
{
    static const char *const challenge[] = { "WWW-Authenticate", "Bearer", NULL };

    reply_text(req, status, "application/problem+json", status == 401 ? challenge : NULL,
               problem_body(status, detail, errors));
}

json_t *api_body(struct sf_httpd_req *req)
{
    struct sf_str text = sf_httpd_body(req), rest;
    struct sf_str kind = sf_str_cut(sf_httpd_header(req, "Content-Type"), ';', &rest);
    json_error_t err;
    json_t *body;
    char detail[256];

    if (!sf_str_eq_nocase(sf_str_trim(kind), SF_STR(JSON_KIND))) {
        api_refuse(req, 415, "expected Content-Type: " JSON_KIND, NULL);
        return NULL;
    }
    body = json_loadb(text.p, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &err);
    if (body)
        return body;
    (void)snprintf(detail, sizeof(detail), "not JSON: line %d: %s", err.line, err.text);
    api_refuse(req, 400, detail, NULL);
    return NULL;
}

bool api_param(const struct sf_httpd_req *req, const char *name, char *dst, size_t size)
{
    struct sf_str value;
    struct sf_buf b;

    if (!sf_httpd_param(req, name, &value))
        return false;
    sf_buf_init(&b, size);
    if (sf_httpd_decode(value, true, &b) != SF_OK ||
        !sf_str_copy(sf_buf_str(&b), dst, size))
        dst[0] = '\0';
    sf_buf_release(&b);
    return true;
}

bool api_param_int(struct sf_httpd_req *req, const char *name, int64_t min, int64_t max,
                   int64_t initial, int64_t *ret_n)
{
    char text[32], detail[128];

    *ret_n = initial;
    if (!api_param(req, name, text, sizeof(text)))
        return true;
    if (sf_str_to_i64(sf_str_from(text), ret_n) == SF_OK && *ret_n >= min &&
        *ret_n <= max)
        return true;
    (void)snprintf(detail, sizeof(detail), "%s: expected an integer from %lld to %lld",
                   name, (long long)min, (long long)max);
    api_refuse(req, 400, detail, NULL);
    return false;
}

/* ----------------------------------------------------------------------------- routing
 */

/* Does @path match @pattern? *ret_id: what stands for {queue_id}, still encoded. */
static bool matches(struct sf_str path, const char *pattern, struct sf_str *ret_id)
{
    const char *mark = strstr(pattern, ID_MARK);
    struct sf_str before = sf_str_make(pattern, mark ? (size_t)(mark - pattern) : 0);
    struct sf_str after = sf_str_from(mark ? mark + sizeof(ID_MARK) - 1 : NULL);

    if (!mark)
        return sf_str_eq(path, sf_str_from(pattern));
    if (path.len <= before.len + after.len || !sf_str_starts(path, before) ||
        !sf_str_ends(path, after))
        return false;
    *ret_id = sf_str_make(path.p + before.len, path.len - before.len - after.len);
    return memchr(ret_id->p, '/', ret_id->len) == NULL;
}

/* The route, or NULL; *ret_allow: methods of this path. Literal paths come first. */
static const struct api_route *find_route(struct sf_str method, struct sf_str path,
                                          struct sf_str *ret_id, struct sf_buf *allow)
{
    const struct api_route *found = NULL;

    if (sf_str_eq(method, SF_STR("HEAD")))
        method = SF_STR("GET");
    for (const struct api_route *r = api_routes; r->method; r++) {
        struct sf_str id = SF_STR_EMPTY;

        if (!matches(path, r->path, &id))
            continue;
        sf_buf_addf(allow, "%s%s", allow->len > 0 ? ", " : "", r->method);
        if (!sf_str_eq(method, sf_str_from(r->method)) ||
            (found && !strstr(found->path, ID_MARK)))
            continue;
        found = r;
        *ret_id = id;
    }
    return found;
}

/* ------------------------------------------------------------------------------ access
 */

/* Takes as long for any @given of a length. */
static bool is_token(struct sf_str given, const char *token)
{
    size_t len = strlen(token);
    unsigned char differ = len != given.len || len == 0;

    for (size_t i = 0; i < given.len; i++)
        differ |= (unsigned char)(given.p[i] ^ token[len > 0 ? i % len : 0]);
    return differ == 0;
}

/* A page of another site must not command a manager that trusts the loopback. */
static bool is_foreign_origin(struct sf_httpd_req *req)
{
    struct sf_str origin = sf_httpd_header(req, "Origin");
    struct sf_str host = sf_httpd_header(req, "Host"), rest;

    if (origin.len == 0)
        return false;
    (void)sf_str_cut(origin, '/', &rest);
    (void)sf_str_cut(rest, '/', &rest);
    return !sf_str_eq(rest, host);
}

/* 0: allowed; else the status of the refusal. */
static int judge(const struct manager *m, struct sf_httpd_req *req, enum api_role role)
{
    struct sf_str rest;
    struct sf_str scheme = sf_str_cut(sf_httpd_header(req, "Authorization"), ' ', &rest);
    bool is_bearer = sf_str_eq_nocase(scheme, SF_STR("Bearer"));

    if (role == API_OPEN)
        return 0;
    if (is_foreign_origin(req))
        return 403;
    if (m->conf.manager_token[0] == '\0')
        return 0;
    if (is_bearer && is_token(sf_str_trim(rest), m->conf.manager_token))
        return 0;
    if (is_bearer && is_token(sf_str_trim(rest), m->conf.manager_read_token))
        return role == API_READ ? 0 : 403;
    return 401;
}

static const char *why_refused(int status)
{
    return status == 401 ? "expected Authorization: Bearer with a token of this manager"
                         : "this token, or a page of this origin, may not do that";
}

/* The queue that @id names; NULL: answered. */
static struct queue *queue_of(struct manager *m, struct sf_httpd_req *req,
                              struct sf_str id)
{
    struct queue *q = NULL;
    struct sf_buf b;

    sf_buf_init(&b, SF_NAME_MAX);
    if (sf_httpd_decode(id, false, &b) == SF_OK)
        q = queue_find(m, sf_buf_str(&b));
    sf_buf_release(&b);
    if (!q || q->is_held)
        api_refuse(req, 404, "no such queue", NULL);
    return q && !q->is_held ? q : NULL;
}

static void reply_no_route(struct sf_httpd_req *req, struct sf_buf *allow)
{
    const char *const headers[] = { "Allow", sf_buf_cstr(allow), NULL };

    if (allow->len == 0)
        api_refuse(req, 404, "no such path; GET /docs lists them", NULL);
    else
        reply_text(req, 405, "application/problem+json", headers,
                   problem_body(405, "not a method of this path", NULL));
}

void api_on_request(void *arg, struct sf_httpd_req *req)
{
    struct manager *m = arg;
    struct sf_str id = SF_STR_EMPTY;
    const struct api_route *r;
    struct queue *q = NULL;
    struct sf_buf allow;
    int refused;

    m->n.requests++;
    sf_buf_init(&allow, 256);
    r = find_route(sf_httpd_method(req), sf_httpd_path(req), &id, &allow);
    refused = r ? judge(m, req, r->role) : 0;
    if (refused)
        m->n.refused++;
    if (!r)
        reply_no_route(req, &allow);
    else if (refused)
        api_refuse(req, refused, why_refused(refused), NULL);
    else if (r->role == API_OPERATE && m->store_is_away)
        api_refuse(req, 503, "the database is away: nothing can be promised", NULL);
    else if (id.len == 0 || (q = queue_of(m, req, id)) != NULL)
        r->fn(m, req, q);
    sf_buf_release(&allow);
}
