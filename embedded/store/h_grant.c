/* Rights of users on databases and collections. */
#include "handlers.h"
#include "js.h"

static const struct cat_user *find(struct call *c)
{
    const struct cat_user *u = cat_find_user(c->cat, c->args[0]);
    bool is_admin =
        c->may_all || cat_right_of(c->user, SF_STR("_system"), SF_STR_EMPTY) == CAT_RW;

    if (!is_admin && !(c->user && sf_str_eq(c->user->name, c->args[0]))) {
        (void)fault_set(&c->fault, FAULT_FORBIDDEN, NULL);
        return NULL;
    }
    if (!u)
        (void)fault_set(&c->fault, FAULT_USER_NOT_FOUND, NULL);
    return u;
}

/* Database and, when it is given, collection exist, or are wildcards. */
static bool check_names(struct call *c)
{
    const struct sf_str any = SF_STR("*");
    const struct cat_database *d = cat_find_database(c->cat, c->args[1]);

    if (!d && !sf_str_eq(c->args[1], any))
        return fault_set(&c->fault, FAULT_NO_DATABASE, NULL);
    if (c->args[2].len == 0 || sf_str_eq(c->args[2], any) ||
        (d && cat_find_collection(d, c->args[2])))
        return true;
    return fault_set(&c->fault, FAULT_NO_COLLECTION,
                     "collection or view not found: %" SF_STR_FMT,
                     SF_STR_ARG(c->args[2]));
}

static void add_pair(struct sf_buf *out, struct sf_str name, enum cat_right right,
                     bool is_first)
{
    if (!is_first)
        sf_buf_add_char(out, ',');
    js_add_string(out, name);
    sf_buf_addf(out, ":\"%s\"", cat_right_name(right));
}

/* {"permission":..,"collections":{..,"*":..}} */
static void add_full(struct call *c, const struct cat_user *u,
                     const struct cat_database *d, struct sf_str name)
{
    const struct sf_str any = SF_STR("*");

    sf_buf_addf(&c->out, "{\"permission\":\"%s\",\"collections\":{",
                cat_right_name(d ? cat_right_of(u, name, SF_STR_EMPTY)
                                 : cat_grant_of(u, any, SF_STR_EMPTY)));
    for (size_t i = 0; d && i < d->collections_n; i++)
        add_pair(&c->out, d->collections[i].name,
                 cat_grant_of(u, name, d->collections[i].name), i == 0);
    add_pair(&c->out, any, cat_grant_of(u, name, any), !d || d->collections_n == 0);
    sf_buf_add_lit(&c->out, "}}");
}

void user_rights(struct call *c)
{
    const struct cat_user *u = find(c);
    const struct sf_str any = SF_STR("*");
    bool is_full = call_flag(c, "full", false), is_first = true;

    if (!u)
        return;
    sf_buf_add_char(&c->out, '{');
    call_add_ok(c, 200);
    sf_buf_add_lit(&c->out, ",\"result\":{");
    for (size_t i = 0; i <= c->cat->databases_n; i++) {
        const struct cat_database *d =
            i < c->cat->databases_n ? &c->cat->databases[i] : NULL;
        struct sf_str name = d ? d->name : any;
        enum cat_right right =
            d ? cat_right_of(u, name, SF_STR_EMPTY) : cat_grant_of(u, any, SF_STR_EMPTY);

        if (!is_full) {
            if (right == CAT_NONE || right == CAT_UNDEFINED)
                continue; /* the short list has only what can be used */
            add_pair(&c->out, name, right, is_first);
        } else {
            if (!is_first)
                sf_buf_add_char(&c->out, ',');
            js_add_string(&c->out, name);
            sf_buf_add_char(&c->out, ':');
            add_full(c, u, d, name);
        }
        is_first = false;
    }
    sf_buf_add_lit(&c->out, "}}");
}

void user_right(struct call *c)
{
    const struct cat_user *u = find(c);

    if (!u || !check_names(c))
        return;
    sf_buf_add_char(&c->out, '{');
    call_add_ok(c, 200);
    sf_buf_addf(&c->out, ",\"result\":\"%s\"}",
                cat_right_name(cat_right_of(u, c->args[1], c->args[2])));
}

bool user_write_grant(struct call *c, struct sf_str name, struct sf_str database,
                      struct sf_str collection, struct sf_str level)
{
    bool is_delete = level.len == 0;
    sqlite3_stmt *stmt =
        db_prepare(c->db,
                   is_delete ? "DELETE FROM grt WHERE usr=?1 AND db=?2 AND coll=?3"
                             : "INSERT OR REPLACE INTO grt VALUES(?1,?2,?3,?4)",
                   &c->fault);
    bool is_good;

    if (!stmt)
        return false;
    db_bind_str(stmt, 1, name);
    db_bind_str(stmt, 2, database);
    db_bind_str(stmt, 3, collection);
    if (!is_delete)
        db_bind_str(stmt, 4, level);
    is_good = db_step(c->db, stmt, NULL, &c->fault);
    (void)sqlite3_finalize(stmt);
    return is_good;
}

void user_grant(struct call *c)
{
    const struct cat_user *u = find(c);
    struct sf_str body, level;

    if (!u || !check_names(c) || !call_object(c, false, &body))
        return;
    if (!call_get_string(c, body, "grant", &level) ||
        cat_right_find(level) == CAT_UNDEFINED) {
        (void)fault_set(&c->fault, FAULT_HTTP_BAD, "expecting grant: rw, ro or none");
        return;
    }
    if (!user_write_grant(c, u->name, c->args[1], c->args[2], level))
        return;
    sf_buf_add_char(&c->out, '{');
    if (c->args[2].len > 0) {
        js_add_string(&c->out, c->args[1]);
        sf_buf_add_lit(&c->out, ":{");
        js_add_string(&c->out, c->args[2]);
        sf_buf_addf(&c->out, ":\"%" SF_STR_FMT "\"},", SF_STR_ARG(level));
    } else {
        js_add_string(&c->out, c->args[1]);
        sf_buf_addf(&c->out, ":\"%" SF_STR_FMT "\",", SF_STR_ARG(level));
    }
    call_add_ok(c, 200);
    sf_buf_add_char(&c->out, '}');
}

void user_revoke(struct call *c)
{
    const struct cat_user *u = find(c);

    if (!u || !check_names(c) ||
        !user_write_grant(c, u->name, c->args[1], c->args[2], SF_STR_EMPTY))
        return;
    sf_buf_add_char(&c->out, '{');
    call_add_ok(c, 202);
    sf_buf_add_char(&c->out, '}');
}
