/* Databases. */
#include "handlers.h"
#include "js.h"
#include "key.h"
#include "store.h"

static void list(struct call *c, bool is_own)
{
    bool is_first = true;

    sf_buf_add_char(&c->out, '{');
    call_add_ok(c, 200);
    sf_buf_add_lit(&c->out, ",\"result\":[");
    for (size_t i = 0; i < c->cat->databases_n; i++) {
        struct sf_str name = c->cat->databases[i].name;

        if (is_own && !c->may_all &&
            cat_right_of(c->user, name, SF_STR_EMPTY) == CAT_NONE)
            continue;
        if (!is_first)
            sf_buf_add_char(&c->out, ',');
        js_add_string(&c->out, name);
        is_first = false;
    }
    sf_buf_add_lit(&c->out, "]}");
}

void database_list(struct call *c)
{
    list(c, false);
}

void database_list_own(struct call *c)
{
    list(c, true);
}

void database_current(struct call *c)
{
    bool is_system = sf_str_eq(c->database->name, SF_STR("_system"));

    sf_buf_add_char(&c->out, '{');
    call_add_ok(c, 200);
    sf_buf_addf(&c->out, ",\"result\":{\"id\":\"%llu\",\"name\":",
                (unsigned long long)c->database->id);
    js_add_string(&c->out, c->database->name);
    sf_buf_addf(&c->out, ",\"isSystem\":%s,\"path\":", is_system ? "true" : "false");
    js_add_string(&c->out, store_data(c->store));
    sf_buf_add_lit(&c->out, "}}");
}

static bool add_one_user(struct call *c, struct sf_str object, struct sf_str database)
{
    struct sf_str name, password = SF_STR_EMPTY, extra = SF_STR("{}");

    if (!call_get_string(c, object, "username", &name) &&
        !call_get_string(c, object, "user", &name))
        return fault_set(&c->fault, FAULT_HTTP_BAD, "expecting users with a username");
    if (!cat_find_user(c->cat, name)) {
        if (!call_get_string(c, object, "passwd", &password))
            (void)call_get_string(c, object, "password", &password);
        if (js_get(object, SF_STR("extra"), &extra) && extra.p[0] != '{')
            extra = SF_STR("{}");
        if (!user_write(c, name, password, call_get_bool(object, "active", true), extra))
            return false;
    }
    return user_write_grant(c, name, database, SF_STR_EMPTY, SF_STR("rw"));
}

/* Without a list, who creates the database may use it. */
static bool add_users(struct call *c, struct sf_str body, struct sf_str database)
{
    struct sf_str users;
    struct js_it it;

    if (!js_get(body, SF_STR("users"), &users) || users.p[0] != '[')
        return c->may_all ||
               user_write_grant(c, c->user->name, database, SF_STR_EMPTY, SF_STR("rw"));
    js_it_init(&it, users);
    while (js_it_next(&it))
        if (it.value.p[0] != '{' || !add_one_user(c, it.value, database))
            return fault_set(&c->fault, FAULT_HTTP_BAD, "expecting users as objects");
    return true;
}

void database_create(struct call *c)
{
    struct sf_str body, name;
    sqlite3_stmt *stmt;
    bool is_good;

    if (!call_object(c, false, &body))
        return;
    if (!call_get_string(c, body, "name", &name) || !key_is_database_name(name)) {
        (void)fault_set(&c->fault, FAULT_BAD_DATABASE_NAME, NULL);
        return;
    }
    if (cat_find_database(c->cat, name)) {
        (void)fault_set(&c->fault, FAULT_DUPLICATE_NAME,
                        "duplicate database name '%" SF_STR_FMT "'", SF_STR_ARG(name));
        return;
    }
    stmt = db_prepare(c->db, "INSERT INTO db VALUES(?1,?2)", &c->fault);
    if (!stmt)
        return;
    (void)sqlite3_bind_int64(stmt, 1, (sqlite3_int64)tx_tick(c->tx));
    db_bind_str(stmt, 2, name);
    is_good = db_step(c->db, stmt, NULL, &c->fault);
    (void)sqlite3_finalize(stmt);
    if (!is_good || !add_users(c, body, name))
        return;
    sf_buf_add_char(&c->out, '{');
    call_add_ok(c, 201);
    sf_buf_add_lit(&c->out, ",\"result\":true}");
}

void database_drop(struct call *c)
{
    const struct cat_database *d = cat_find_database(c->cat, c->args[0]);
    static const char *const sql[] = { "DELETE FROM grt WHERE db=?1",
                                       "DELETE FROM db WHERE name=?1" };
    bool is_good = true;

    if (!d) {
        (void)fault_set(&c->fault, FAULT_NO_DATABASE, NULL);
        return;
    }
    if (sf_str_eq(d->name, SF_STR("_system"))) {
        (void)fault_set(&c->fault, FAULT_FORBIDDEN, NULL);
        return;
    }
    for (size_t i = 0; i < d->collections_n && is_good; i++)
        is_good = collection_wipe(c, &d->collections[i]);
    for (int i = 0; i < 2 && is_good; i++) {
        sqlite3_stmt *stmt = db_prepare(c->db, sql[i], &c->fault);

        if (!stmt)
            return;
        db_bind_str(stmt, 1, d->name);
        is_good = db_step(c->db, stmt, NULL, &c->fault);
        (void)sqlite3_finalize(stmt);
    }
    if (!is_good)
        return;
    sf_buf_add_char(&c->out, '{');
    call_add_ok(c, 200);
    sf_buf_add_lit(&c->out, ",\"result\":true}");
}
