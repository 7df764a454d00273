/* Users. Who may write to _system may manage all of them; everybody may see and change
 * themselves. Source: ArangoDB 3.12 HTTP API, "Users". */
#include "auth.h"
#include "handlers.h"
#include "js.h"
#include "val.h"

static bool is_admin(const struct call *c)
{
    return c->may_all || cat_right_of(c->user, SF_STR("_system"), SF_STR_EMPTY) == CAT_RW;
}

static const struct cat_user *find(struct call *c)
{
    const struct cat_user *u = cat_find_user(c->cat, c->args[0]);

    if (!is_admin(c) && !(c->user && sf_str_eq(c->user->name, c->args[0]))) {
        (void)fault_set(&c->fault, FAULT_FORBIDDEN, NULL);
        return NULL;
    }
    if (!u)
        (void)fault_set(&c->fault, FAULT_USER_NOT_FOUND, NULL);
    return u;
}

static void add_user(struct sf_buf *out, struct sf_str name, bool is_active,
                     struct sf_str extra)
{
    sf_buf_add_lit(out, "\"user\":");
    js_add_string(out, name);
    sf_buf_addf(out, ",\"active\":%s,\"extra\":", is_active ? "true" : "false");
    sf_buf_add_str(out, extra);
}

void user_list(struct call *c)
{
    sf_buf_add_char(&c->out, '{');
    call_add_ok(c, 200);
    sf_buf_add_lit(&c->out, ",\"result\":[");
    for (size_t i = 0; i < c->cat->users_n; i++) {
        const struct cat_user *u = &c->cat->users[i];

        sf_buf_add_str(&c->out, i > 0 ? SF_STR(",{") : SF_STR("{"));
        add_user(&c->out, u->name, u->is_active, u->extra);
        sf_buf_add_char(&c->out, '}');
    }
    sf_buf_add_lit(&c->out, "]}");
}

void user_get(struct call *c)
{
    const struct cat_user *u = find(c);

    if (!u)
        return;
    sf_buf_add_char(&c->out, '{');
    add_user(&c->out, u->name, u->is_active, u->extra);
    sf_buf_add_char(&c->out, ',');
    call_add_ok(c, 200);
    sf_buf_add_char(&c->out, '}');
}

static bool write_row(struct call *c, struct sf_str name, struct sf_str hash,
                      bool is_active, struct sf_str extra)
{
    sqlite3_stmt *stmt =
        db_prepare(c->db, "INSERT OR REPLACE INTO usr VALUES(?1,?2,?3,?4)", &c->fault);
    bool is_good;

    if (!stmt)
        return false;
    db_bind_str(stmt, 1, name);
    db_bind_str(stmt, 2, hash);
    (void)sqlite3_bind_int(stmt, 3, is_active);
    db_bind_str(stmt, 4, extra);
    is_good = db_step(c->db, stmt, NULL, &c->fault);
    (void)sqlite3_finalize(stmt);
    return is_good;
}

bool user_write(struct call *c, struct sf_str name, struct sf_str password,
                bool is_active, struct sf_str extra)
{
    char hash[AUTH_HASH_SIZE];

    if (!auth_hash(password, hash))
        return fault_set(&c->fault, FAULT_INTERNAL, "cannot hash a password");
    return write_row(c, name, sf_str_from(hash), is_active, extra);
}

/* passwd is ArangoDB's name, password what people write. */
static bool password_of(struct call *c, struct sf_str body, struct sf_str *ret)
{
    return call_get_string(c, body, "passwd", ret) ||
           call_get_string(c, body, "password", ret);
}

static struct sf_str extra_of(struct sf_str body, struct sf_str initial)
{
    struct sf_str extra;

    return js_get(body, SF_STR("extra"), &extra) && extra.p[0] == '{' ? extra : initial;
}

static void answer(struct call *c, struct sf_str name, bool is_active,
                   struct sf_str extra, int status)
{
    sf_buf_add_char(&c->out, '{');
    add_user(&c->out, name, is_active, extra);
    sf_buf_add_char(&c->out, ',');
    call_add_ok(c, status);
    sf_buf_add_char(&c->out, '}');
}

void user_create(struct call *c)
{
    struct sf_str body, name, password = SF_STR_EMPTY, extra;
    bool is_active;

    if (!call_object(c, false, &body))
        return;
    if (!call_get_string(c, body, "user", &name) || name.len == 0 || name.len > 250) {
        (void)fault_set(&c->fault, FAULT_USER_BAD_NAME, NULL);
        return;
    }
    if (cat_find_user(c->cat, name)) {
        (void)fault_set(&c->fault, FAULT_USER_DUPLICATE, NULL);
        return;
    }
    (void)password_of(c, body, &password);
    is_active = call_get_bool(body, "active", true);
    extra = extra_of(body, SF_STR("{}"));
    if (user_write(c, name, password, is_active, extra))
        answer(c, name, is_active, extra, 201);
}

/* PUT starts from the defaults of a new user, PATCH from what is there. */
static void change(struct call *c, bool is_patch)
{
    const struct cat_user *u = find(c);
    struct sf_str body, password = SF_STR_EMPTY, extra;
    bool is_active, has_password;

    if (!u || !call_object(c, false, &body))
        return;
    has_password = password_of(c, body, &password);
    is_active = call_get_bool(body, "active", is_patch ? u->is_active : true);
    extra = extra_of(body, is_patch ? u->extra : SF_STR("{}"));
    if (!has_password && is_patch ? write_row(c, u->name, u->hash, is_active, extra)
                                  : user_write(c, u->name, password, is_active, extra))
        answer(c, u->name, is_active, extra, 200);
}

void user_replace(struct call *c)
{
    change(c, false);
}

void user_update(struct call *c)
{
    change(c, true);
}

void user_remove(struct call *c)
{
    static const char *const sql[] = { "DELETE FROM grt WHERE usr=?1",
                                       "DELETE FROM usr WHERE name=?1" };
    const struct cat_user *u = find(c);
    bool is_good = u != NULL;

    for (int i = 0; i < 2 && is_good; i++) {
        sqlite3_stmt *stmt = db_prepare(c->db, sql[i], &c->fault);

        if (!stmt)
            return;
        db_bind_str(stmt, 1, u->name);
        is_good = db_step(c->db, stmt, NULL, &c->fault);
        (void)sqlite3_finalize(stmt);
    }
    if (!is_good)
        return;
    sf_buf_add_char(&c->out, '{');
    call_add_ok(c, 202);
    sf_buf_add_char(&c->out, '}');
}
