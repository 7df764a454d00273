#include "call.h"

#include "auth.h"
#include "js.h"
#include "routes.h"
#include "val.h"

#include <stdio.h>
#include <stdlib.h>

struct call *call_create(struct store *store, struct sf_httpd_req *http)
{
    struct call *c = calloc(1, sizeof(*c));
    struct sf_str type, async;

    if (!c)
        return NULL;
    c->store = store;
    c->http = http;
    c->fault_more = SF_STR_EMPTY;
    arena_init(&c->mem, CALL_MEM_MAX);
    sf_buf_init(&c->out, CALL_ANSWER_MAX);
    c->database_name = SF_STR("_system");
    if (!http)
        return c;
    c->method = sf_httpd_method(http);
    c->path = sf_httpd_path(http);
    c->query = sf_httpd_query(http);
    c->body = sf_httpd_body(http);
    c->authorization = sf_httpd_header(http, "authorization");
    c->if_match = sf_httpd_header(http, "if-match");
    c->if_none_match = sf_httpd_header(http, "if-none-match");
    async = sf_httpd_header(http, "x-arango-async");
    c->is_async = async.len > 0 && !sf_str_eq_nocase(async, SF_STR("false"));
    c->is_in_transaction = sf_httpd_header(http, "x-arango-trx-id").len > 0;
    c->is_encoded = sf_httpd_header(http, "content-encoding").len > 0;
    type = sf_httpd_header(http, "content-type");
    c->is_velocypack = sf_str_starts(type, SF_STR("application/x-velocypack"));
    c->wants_challenge = sf_httpd_header(http, "x-omit-www-authenticate").len == 0;
    return c;
}

void call_destroy(struct call *c)
{
    if (!c)
        return;
    if (c->release)
        c->release(c->prepared);
    cat_unref(c->cat);
    arena_release(&c->mem);
    sf_buf_release(&c->out);
    free(c);
}

void call_restart(struct call *c)
{
    fault_clear(&c->fault);
    c->fault_more = SF_STR_EMPTY;
    c->status = 0;
    c->headers_n = 0;
    sf_buf_clear(&c->out);
}

/* -------------------------------------------------------------------- the path */

static bool decode(struct call *c, struct sf_str text, bool is_query, struct sf_str *ret)
{
    struct sf_buf b;
    bool is_good;

    sf_buf_init(&b, 1 << 20);
    is_good = sf_httpd_decode(text, is_query, &b) == SF_OK;
    *ret = arena_str(&c->mem, sf_buf_str(&b));
    sf_buf_release(&b);
    return is_good || fault_set(&c->fault, FAULT_HTTP_BAD, "malformed URL encoding");
}

bool call_parse(struct call *c)
{
    struct sf_str rest = c->path;

    if (rest.len == 0 || rest.p[0] != '/')
        return fault_set(&c->fault, FAULT_HTTP_BAD, "malformed path");
    (void)sf_str_cut(rest, '/', &rest);
    while (rest.len > 0) {
        struct sf_str segment = sf_str_cut(rest, '/', &rest);

        if (segment.len == 0)
            continue; /* clients join paths with doubled slashes */
        if (c->segments_n == CALL_SEGMENTS_MAX)
            return fault_set(&c->fault, FAULT_SUPERFLUOUS, NULL);
        if (!decode(c, segment, false, &c->segments[c->segments_n++]))
            return false;
    }
    if (c->segments_n >= 2 && sf_str_eq(c->segments[0], SF_STR("_db"))) {
        c->database_name = c->segments[1];
        c->segments_n -= 2;
        memmove(c->segments, c->segments + 2, c->segments_n * sizeof(c->segments[0]));
    }
    return routes_find(c);
}

/* ------------------------------------------------------------------- admission */

/* What we do not do is refused before it can go half way. */
static bool check_supported(struct call *c)
{
    const char *what = c->is_async            ? "x-arango-async (asynchronous requests)"
                       : c->is_in_transaction ? "x-arango-trx-id (stream transactions)"
                       : c->is_encoded        ? "content-encoding (compressed bodies)"
                       : c->is_velocypack     ? "content-type application/x-velocypack"
                                              : NULL;

    return !what ||
           fault_set(&c->fault, FAULT_NOT_IMPLEMENTED, "%s not implemented", what);
}

static bool check_rights(struct call *c)
{
    unsigned flags = c->route->flags;
    enum cat_right right;

    if ((flags & ROUTE_SYSTEM) && !sf_str_eq(c->database_name, SF_STR("_system")))
        return fault_set(&c->fault, FAULT_USE_SYSTEM, NULL);
    if (c->may_all)
        return true;
    if ((flags & ROUTE_ADMIN) &&
        cat_right_of(c->user, SF_STR("_system"), SF_STR_EMPTY) != CAT_RW)
        return fault_set(&c->fault, FAULT_FORBIDDEN, NULL);
    right = cat_right_of(c->user, c->database_name, SF_STR_EMPTY);
    if (right == CAT_NONE && !(c->database && (flags & ROUTE_SELF)))
        return fault_set_http(&c->fault, 401, FAULT_FORBIDDEN,
                              "not authorized to execute this request");
    if ((flags & ROUTE_DATABASE_RW) && right != CAT_RW)
        return fault_set(&c->fault, FAULT_FORBIDDEN, NULL);
    return true;
}

bool call_admit(struct call *c)
{
    bool is_open = c->route->flags & ROUTE_OPEN;

    if (!check_supported(c) || (!is_open && !auth_identify(c)))
        return false;
    c->database = cat_find_database(c->cat, c->database_name);
    if (is_open)
        return true;
    if (!c->database &&
        (c->may_all || cat_right_of(c->user, SF_STR("_system"), SF_STR_EMPTY) == CAT_RW))
        return fault_set(&c->fault, FAULT_NO_DATABASE, NULL);
    return check_rights(c) &&
           (c->database || fault_set(&c->fault, FAULT_NO_DATABASE, NULL));
}

enum cat_right call_right(const struct call *c, struct sf_str collection)
{
    return c->may_all ? CAT_RW : cat_right_of(c->user, c->database->name, collection);
}

const struct cat_collection *call_collection(struct call *c, struct sf_str name,
                                             enum cat_right need)
{
    const struct cat_collection *found = cat_find_collection(c->database, name);
    enum cat_right right;

    if (!found) {
        (void)fault_set(&c->fault, FAULT_NO_COLLECTION,
                        "collection or view not found: %" SF_STR_FMT, SF_STR_ARG(name));
        return NULL;
    }
    right = call_right(c, found->name);
    if (right >= need)
        return found;
    if (right == CAT_RO)
        (void)fault_set(&c->fault, FAULT_READ_ONLY, NULL);
    else
        (void)fault_set(&c->fault, FAULT_FORBIDDEN, NULL);
    return NULL;
}

/* ------------------------------------------------------------------- parameters */

bool call_param(struct call *c, const char *name, struct sf_str *ret)
{
    struct sf_str raw;

    return c->http && sf_httpd_param(c->http, name, &raw) && decode(c, raw, true, ret);
}

bool call_flag(struct call *c, const char *name, bool initial)
{
    static const char *const yes[] = { "true", "1", "yes", "on", "y" };
    struct sf_str value;

    if (!call_param(c, name, &value))
        return initial;
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
        if (sf_str_eq_nocase(value, sf_str_from(yes[i])))
            return true;
    return false;
}

struct sf_str call_rev(struct sf_str field)
{
    struct sf_str rev = sf_str_trim(field);

    if (rev.len >= 2 && rev.p[0] == '"' && rev.p[rev.len - 1] == '"')
        rev = (struct sf_str){ rev.p + 1, rev.len - 2 };
    return rev;
}

bool call_object(struct call *c, bool may_lack, struct sf_str *ret)
{
    struct sf_buf text;
    const char *why = NULL;
    bool is_good;

    if (c->body.len == 0 && may_lack) {
        *ret = SF_STR("{}");
        return true;
    }
    sf_buf_init(&text, CALL_MEM_MAX);
    is_good = js_canon(c->body, &text, &why);
    *ret = arena_str(&c->mem, sf_buf_str(&text));
    sf_buf_release(&text);
    if (!is_good)
        return fault_set(&c->fault, FAULT_CORRUPTED_JSON, "VPackError error: %s",
                         why ? why : "out of memory");
    return (ret->len > 0 && ret->p[0] == '{') ||
           fault_set(&c->fault, FAULT_HTTP_BAD, "expecting a JSON object as body");
}

bool call_get_string(struct call *c, struct sf_str object, const char *name,
                     struct sf_str *ret)
{
    struct sf_str text;
    struct sf_buf plain;

    if (!js_get(object, sf_str_from(name), &text) || text.p[0] != '"')
        return false;
    sf_buf_init(&plain, CALL_MEM_MAX);
    js_add_unescaped(&plain, val_from(text).raw);
    *ret = arena_str(&c->mem, sf_buf_str(&plain));
    sf_buf_release(&plain);
    return true;
}

bool call_get_bool(struct sf_str object, const char *name, bool initial)
{
    struct sf_str text;

    if (!js_get(object, sf_str_from(name), &text) || text.p[0] == 'n')
        return initial;
    return val_is_true(val_from(text));
}

/* ---------------------------------------------------------------------- answer */

void call_header(struct call *c, const char *name, struct sf_str value)
{
    if (c->headers_n == CALL_HEADERS_MAX)
        return;
    c->headers[2 * c->headers_n] = name;
    c->headers[2 * c->headers_n + 1] = arena_cstr(&c->mem, value);
    c->headers_n++;
    c->headers[2 * c->headers_n] = NULL;
}

void call_add_ok(struct call *c, int status)
{
    c->status = status;
    sf_buf_addf(&c->out, "\"error\":false,\"code\":%d", status);
}

static void add_error(struct call *c)
{
    const struct fault *f = &c->fault;

    sf_buf_clear(&c->out);
    c->status = f->http;
    sf_buf_addf(&c->out,
                "{\"error\":true,\"code\":%d,\"errorNum\":%d,\"errorMessage\":", f->http,
                (int)f->num);
    js_add_string(&c->out, sf_str_from(f->text));
    sf_buf_add_str(&c->out, c->fault_more);
    sf_buf_add_char(&c->out, '}');
}

void call_finish(struct call *c)
{
    if (c->fault.num == FAULT_NONE && (c->out.status != SF_OK || c->mem.is_failed))
        (void)fault_set(&c->fault, FAULT_RESOURCE_LIMIT,
                        "resource limit exceeded: the answer is over %zu bytes",
                        CALL_ANSWER_MAX);
    if (c->fault.num != FAULT_NONE)
        add_error(c);
    if (c->status == 401 && c->wants_challenge)
        call_header(c, "WWW-Authenticate",
                    SF_STR("Bearer token_type=\"JWT\", realm=\"ArangoDB\""));
    call_header(c, "Server", SF_STR("ArangoDB"));
    call_header(c, "X-Arango-Queue-Time-Seconds", SF_STR("0.000000"));
    call_header(c, "X-Content-Type-Options", SF_STR("nosniff"));
}
