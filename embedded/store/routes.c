#include "routes.h"

#include "auth.h"
#include "handlers.h"

/* "*" matches one segment. The first row that matches wins. */
/* clang-format off */
static const struct route routes[] = {
    { "GET",    "_api/version",                   0, NULL, admin_version, NULL },
    { "GET",    "_admin/version",                 0, NULL, admin_version, NULL },
    { "GET",    "_admin/status",                  0, NULL, admin_status, NULL },
    { "GET",    "_admin/time",                    0, NULL, admin_time, NULL },
    { "GET",    "_admin/server/availability",     ROUTE_OPEN, NULL, admin_availability, NULL },
    { "GET",    "_admin/server/role",             0, NULL, admin_role, NULL },
    { "GET",    "_admin/server/id",               0, NULL, admin_server_id, NULL },
    { "GET",    "_admin/server/mode",             0, NULL, admin_mode, NULL },
    { "GET",    "_admin/license",                 0, NULL, admin_license, NULL },
    { "GET",    "_api/engine",                    0, NULL, admin_engine, NULL },
    { "GET",    "_api/key-generators",            0, NULL, admin_key_generators, NULL },

    { "POST",   "_open/auth",                     ROUTE_OPEN, NULL, auth_login, NULL },
    { "POST",   "_open/auth/renew",               ROUTE_OPEN, NULL, auth_renew, NULL },

    { "GET",    "_api/user",                      ROUTE_ADMIN, NULL, user_list, NULL },
    { "POST",   "_api/user",                      ROUTE_DDL | ROUTE_ADMIN, NULL, user_create, NULL },
    { "GET",    "_api/user/*",                    ROUTE_SELF, NULL, user_get, NULL },
    { "PUT",    "_api/user/*",                    ROUTE_DDL | ROUTE_SELF, NULL, user_replace, NULL },
    { "PATCH",  "_api/user/*",                    ROUTE_DDL | ROUTE_SELF, NULL, user_update, NULL },
    { "DELETE", "_api/user/*",                    ROUTE_DDL | ROUTE_ADMIN, NULL, user_remove, NULL },
    { "GET",    "_api/user/*/database",           ROUTE_SELF, NULL, user_rights, NULL },
    { "GET",    "_api/user/*/database/*",         ROUTE_SELF, NULL, user_right, NULL },
    { "GET",    "_api/user/*/database/*/*",       ROUTE_SELF, NULL, user_right, NULL },
    { "PUT",    "_api/user/*/database/*",         ROUTE_DDL | ROUTE_ADMIN, NULL, user_grant, NULL },
    { "PUT",    "_api/user/*/database/*/*",       ROUTE_DDL | ROUTE_ADMIN, NULL, user_grant, NULL },
    { "DELETE", "_api/user/*/database/*",         ROUTE_DDL | ROUTE_ADMIN, NULL, user_revoke, NULL },
    { "DELETE", "_api/user/*/database/*/*",       ROUTE_DDL | ROUTE_ADMIN, NULL, user_revoke, NULL },

    { "GET",    "_api/database",                  ROUTE_SYSTEM, NULL, database_list, NULL },
    { "GET",    "_api/database/user",             0, NULL, database_list_own, NULL },
    { "GET",    "_api/database/current",          0, NULL, database_current, NULL },
    { "POST",   "_api/database",                  ROUTE_DDL | ROUTE_SYSTEM | ROUTE_ADMIN, NULL, database_create, NULL },
    { "DELETE", "_api/database/*",                ROUTE_DDL | ROUTE_SYSTEM | ROUTE_ADMIN, NULL, database_drop, NULL },

    { "GET",    "_api/collection",                0, NULL, collection_list, NULL },
    { "POST",   "_api/collection",                ROUTE_DDL | ROUTE_DATABASE_RW, NULL, collection_create, NULL },
    { "GET",    "_api/collection/*",              0, NULL, collection_get, NULL },
    { "DELETE", "_api/collection/*",              ROUTE_DDL | ROUTE_DATABASE_RW, NULL, collection_drop, NULL },
    { "GET",    "_api/collection/*/properties",   0, NULL, collection_properties, NULL },
    { "PUT",    "_api/collection/*/properties",   ROUTE_DDL | ROUTE_DATABASE_RW, NULL, collection_change, NULL },
    { "GET",    "_api/collection/*/count",        0, NULL, collection_count, NULL },
    { "GET",    "_api/collection/*/figures",      0, NULL, collection_figures, NULL },
    { "GET",    "_api/collection/*/revision",     0, NULL, collection_revision, NULL },
    { "PUT",    "_api/collection/*/truncate",     ROUTE_WRITE, NULL, collection_truncate, NULL },
    { "PUT",    "_api/collection/*/rename",       ROUTE_DDL | ROUTE_DATABASE_RW, NULL, collection_rename, NULL },
    { "PUT",    "_api/collection/*/recalculateCount", ROUTE_WRITE, NULL, collection_recount, NULL },
    { "PUT",    "_api/collection/*/loadIndexesIntoMemory", 0, NULL, collection_load_indexes, NULL },
    { "PUT",    "_api/collection/*/load",         0, NULL, collection_get, NULL },
    { "PUT",    "_api/collection/*/unload",       0, NULL, collection_get, NULL },

    { "GET",    "_api/index",                     0, NULL, index_list, NULL },
    { "POST",   "_api/index",                     ROUTE_DDL | ROUTE_DATABASE_RW, NULL, index_create, NULL },
    { "GET",    "_api/index/*/*",                 0, NULL, index_get, NULL },
    { "DELETE", "_api/index/*/*",                 ROUTE_DDL | ROUTE_DATABASE_RW, NULL, index_drop, NULL },

    { "GET",    "_api/document/*/*",              0, NULL, document_get, NULL },
    { "HEAD",   "_api/document/*/*",              0, NULL, document_get, NULL },
    { "POST",   "_api/document",                  ROUTE_WRITE, document_parse, document_insert, NULL },
    { "POST",   "_api/document/*",                ROUTE_WRITE, document_parse, document_insert, NULL },
    { "PUT",    "_api/document/*",                0, document_parse, document_get_many, "onlyget" },
    { "PUT",    "_api/document/*",                ROUTE_WRITE, document_parse, document_replace, NULL },
    { "PATCH",  "_api/document/*",                ROUTE_WRITE, document_parse, document_update, NULL },
    { "DELETE", "_api/document/*",                ROUTE_WRITE, document_parse, document_remove, NULL },
    { "PUT",    "_api/document/*/*",              ROUTE_WRITE, document_parse, document_replace, NULL },
    { "PATCH",  "_api/document/*/*",              ROUTE_WRITE, document_parse, document_update, NULL },
    { "DELETE", "_api/document/*/*",              ROUTE_WRITE, NULL, document_remove, NULL },

    { "POST",   "_api/import",                    ROUTE_WRITE, import_parse, import_run, NULL },

    { "POST",   "_api/cursor",                    ROUTE_LONG, NULL, cursor_create, NULL },
    { "POST",   "_api/cursor/*",                  0, NULL, cursor_next, NULL },
    { "PUT",    "_api/cursor/*",                  0, NULL, cursor_next, NULL },
    { "POST",   "_api/cursor/*/*",                0, NULL, cursor_next, NULL },
    { "DELETE", "_api/cursor/*",                  0, NULL, cursor_drop, NULL },
};
/* clang-format on */

#define ROUTES_N (sizeof(routes) / sizeof(routes[0]))

/* Does @path match the segments? Arguments go to c->args. */
static bool match(struct call *c, const char *path)
{
    struct sf_str rest = sf_str_from(path);
    size_t args = 0;

    for (size_t i = 0; i < c->segments_n; i++) {
        struct sf_str want = sf_str_cut(rest, '/', &rest);

        if (want.len == 0)
            return false;
        if (!sf_str_eq(want, SF_STR("*"))) {
            if (!sf_str_eq(want, c->segments[i]))
                return false;
            continue;
        }
        c->args[args++] = c->segments[i];
    }
    return rest.len == 0;
}

static bool is_api(const struct call *c)
{
    static const char *const roots[] = { "_api", "_admin", "_open" };

    for (size_t i = 0; i < 3 && c->segments_n > 0; i++)
        if (sf_str_eq(c->segments[0], sf_str_from(roots[i])))
            return true;
    return false;
}

bool routes_find(struct call *c)
{
    bool is_known = false;
    struct sf_str value;

    for (size_t i = 0; i < CALL_ARGS_MAX; i++)
        c->args[i] = SF_STR_EMPTY;
    for (size_t i = 0; i < ROUTES_N; i++) {
        if (!match(c, routes[i].path))
            continue;
        is_known = true;
        if (!sf_str_eq(c->method, sf_str_from(routes[i].method)) ||
            (routes[i].param && !call_param(c, routes[i].param, &value)))
            continue;
        c->route = &routes[i];
        return true;
    }
    if (is_known)
        return fault_set(&c->fault, FAULT_HTTP_METHOD, NULL);
    if (is_api(c))
        return fault_set(&c->fault, FAULT_NOT_IMPLEMENTED,
                         "%" SF_STR_FMT " %" SF_STR_FMT " not implemented",
                         SF_STR_ARG(c->method), SF_STR_ARG(c->path));
    return fault_set(&c->fault, FAULT_HTTP_NOT_FOUND, "unknown path '%" SF_STR_FMT "'",
                     SF_STR_ARG(c->path));
}
