/* Making, changing and dropping collections. */
#include "handlers.h"
#include "js.h"
#include "key.h"
#include "val.h"

#define COLLECTIONS_MAX 100000

/* Run @fmt with one number; the statement has no values. */
static bool exec_id(struct call *c, const char *fmt, uint64_t id)
{
    char sql[256];

    (void)sqlite3_snprintf(sizeof(sql), sql, fmt, (unsigned long long)id);
    return db_exec(c->db, sql, &c->fault);
}

/* An object or array that has something in it. */
static bool is_given(struct sf_str body, const char *name)
{
    struct sf_str value;

    return js_get(body, sf_str_from(name), &value) && value.p[0] != 'n' && value.len > 2;
}

/* What we cannot do is refused; what is for clusters only does nothing on a single
 * server, ArangoDB's as well. */
static bool check_supported(struct call *c, struct sf_str body)
{
    static const char *const unsupported[] = { "schema", "computedValues" };

    for (size_t i = 0; i < 2; i++)
        if (is_given(body, unsupported[i]))
            return fault_set(&c->fault, FAULT_NOT_IMPLEMENTED,
                             "collection property '%s' not implemented", unsupported[i]);
    return true;
}

static uint64_t number(struct sf_str object, const char *name, uint64_t initial)
{
    struct sf_str value;
    uint64_t n;

    return js_get(object, sf_str_from(name), &value) && sf_str_to_u64(value, &n) == SF_OK
               ? n
               : initial;
}

static bool key_options(struct call *c, struct sf_str body, struct sf_buf *props)
{
    static const char *const kinds[] = { "traditional", "autoincrement", "uuid",
                                         "padded" };
    struct sf_str given = SF_STR("{}"), kind = SF_STR("traditional");
    uint64_t increment, offset;
    bool is_known = false;

    if (js_get(body, SF_STR("keyOptions"), &given) && given.p[0] != '{')
        given = SF_STR("{}");
    (void)call_get_string(c, given, "type", &kind);
    for (size_t i = 0; i < 4; i++)
        is_known |= sf_str_eq(kind, sf_str_from(kinds[i]));
    increment = number(given, "increment", 1);
    offset = number(given, "offset", 0);
    if (!is_known || increment == 0 || increment > 65535 || offset > INT64_MAX / 4)
        return fault_set(&c->fault, FAULT_BAD_KEY_GENERATOR, NULL);
    sf_buf_addf(props,
                "\"keyOptions\":{\"type\":\"%" SF_STR_FMT "\",\"allowUserKeys\":%s,"
                "\"increment\":%llu,\"offset\":%llu}",
                SF_STR_ARG(kind),
                call_get_bool(given, "allowUserKeys", true) ? "true" : "false",
                (unsigned long long)increment, (unsigned long long)offset);
    return true;
}

static bool make_props(struct call *c, struct sf_str body, struct sf_str *ret)
{
    struct sf_buf props;
    bool is_good;

    sf_buf_init(&props, 65536);
    sf_buf_addf(&props, "{\"waitForSync\":%s,\"cacheEnabled\":%s,",
                call_get_bool(body, "waitForSync", false) ? "true" : "false",
                call_get_bool(body, "cacheEnabled", false) ? "true" : "false");
    is_good = key_options(c, body, &props);
    sf_buf_add_char(&props, '}');
    *ret = arena_str(&c->mem, sf_buf_str(&props));
    sf_buf_release(&props);
    return is_good;
}

static bool insert_row(struct call *c, const struct cat_collection *coll)
{
    sqlite3_stmt *stmt = db_prepare(
        c->db, "INSERT INTO coll(id,db,name,type,props) VALUES(?1,?2,?3,?4,?5)",
        &c->fault);
    bool is_good;

    if (!stmt)
        return false;
    (void)sqlite3_bind_int64(stmt, 1, (sqlite3_int64)coll->id);
    (void)sqlite3_bind_int64(stmt, 2, (sqlite3_int64)c->database->id);
    db_bind_str(stmt, 3, coll->name);
    (void)sqlite3_bind_int(stmt, 4, coll->is_edge ? 3 : 2);
    db_bind_str(stmt, 5, coll->props);
    is_good = db_step(c->db, stmt, NULL, &c->fault);
    (void)sqlite3_finalize(stmt);
    return is_good && exec_id(c,
                              "CREATE TABLE c%llu(id INTEGER PRIMARY KEY,"
                              "k TEXT NOT NULL UNIQUE,rev INTEGER NOT NULL,"
                              "doc BLOB NOT NULL)",
                              coll->id);
}

static bool check_name(struct call *c, struct sf_str name, bool may_be_system)
{
    if (!key_is_collection_name(name, may_be_system))
        return fault_set(&c->fault, FAULT_BAD_NAME, "illegal name: '%" SF_STR_FMT "'",
                         SF_STR_ARG(name));
    if (cat_find_collection(c->database, name))
        return fault_set(&c->fault, FAULT_DUPLICATE_NAME, "duplicate name: %" SF_STR_FMT,
                         SF_STR_ARG(name));
    return true;
}

static bool read_type(struct call *c, struct sf_str body, bool *ret_is_edge)
{
    struct sf_str value;

    *ret_is_edge = false;
    if (!js_get(body, SF_STR("type"), &value) || value.p[0] == 'n')
        return true;
    *ret_is_edge = sf_str_eq(value, SF_STR("3")) || sf_str_eq(value, SF_STR("\"edge\""));
    return *ret_is_edge || sf_str_eq(value, SF_STR("2")) ||
           sf_str_eq(value, SF_STR("\"document\"")) ||
           fault_set(&c->fault, FAULT_BAD_COLLECTION_TYPE, NULL);
}

void collection_create(struct call *c)
{
    struct cat_collection coll = { .name = SF_STR_EMPTY };
    struct sf_str body;

    if (!call_object(c, false, &body))
        return;
    if (!call_get_string(c, body, "name", &coll.name)) {
        (void)fault_set(&c->fault, FAULT_BAD_NAME, "illegal name: expecting 'name'");
        return;
    }
    if (c->database->collections_n >= COLLECTIONS_MAX) {
        (void)fault_set_http(&c->fault, 400, FAULT_RESOURCE_LIMIT,
                             "too many collections in this database");
        return;
    }
    if (!check_name(c, coll.name, call_get_bool(body, "isSystem", false)) ||
        !check_supported(c, body) || !read_type(c, body, &coll.is_edge) ||
        !make_props(c, body, &coll.props))
        return;
    coll.id = tx_tick(c->tx);
    coll.is_system = coll.name.p[0] == '_';
    cat_collection_props(&coll);
    if (!insert_row(c, &coll))
        return;
    sf_buf_add_char(&c->out, '{');
    call_add_ok(c, 200);
    sf_buf_add_char(&c->out, ',');
    collection_add(c, &coll, true);
    sf_buf_add_char(&c->out, '}');
}

/* waitForSync and cacheEnabled can change; the rest is fixed at creation. */
void collection_change(struct call *c)
{
    const struct cat_collection *coll = call_collection(c, c->args[0], CAT_RW);
    struct cat_collection changed;
    struct sf_str body, keys = SF_STR("{}");
    struct sf_buf props;
    sqlite3_stmt *stmt;

    if (!coll || !call_object(c, false, &body) || !check_supported(c, body))
        return;
    changed = *coll;
    (void)js_get(coll->props, SF_STR("keyOptions"), &keys);
    sf_buf_init(&props, 65536);
    sf_buf_addf(
        &props, "{\"waitForSync\":%s,\"cacheEnabled\":%s,\"keyOptions\":%" SF_STR_FMT "}",
        call_get_bool(body, "waitForSync", coll->does_wait_for_sync) ? "true" : "false",
        call_get_bool(body, "cacheEnabled", coll->is_cached) ? "true" : "false",
        SF_STR_ARG(keys));
    changed.props = arena_str(&c->mem, sf_buf_str(&props));
    sf_buf_release(&props);
    cat_collection_props(&changed);
    stmt = db_prepare(c->db, "UPDATE coll SET props=?2 WHERE id=?1", &c->fault);
    if (!stmt)
        return;
    (void)sqlite3_bind_int64(stmt, 1, (sqlite3_int64)coll->id);
    db_bind_str(stmt, 2, changed.props);
    (void)db_step(c->db, stmt, NULL, &c->fault);
    (void)sqlite3_finalize(stmt);
    sf_buf_add_char(&c->out, '{');
    call_add_ok(c, 200);
    sf_buf_add_char(&c->out, ',');
    collection_add(c, &changed, true);
    sf_buf_add_char(&c->out, '}');
}

bool collection_wipe(struct call *c, const struct cat_collection *coll)
{
    for (size_t i = 0; i < coll->indexes_n; i++)
        if (!exec_id(c, "DROP TABLE x%llu", coll->indexes[i].id))
            return false;
    return exec_id(c, "DELETE FROM idx WHERE coll=%llu", coll->id) &&
           exec_id(c, "DROP TABLE c%llu", coll->id) &&
           exec_id(c, "DELETE FROM coll WHERE id=%llu", coll->id);
}

void collection_drop(struct call *c)
{
    const struct cat_collection *coll = call_collection(c, c->args[0], CAT_RW);

    if (!coll)
        return;
    if (coll->is_system && !call_flag(c, "isSystem", false)) {
        (void)fault_set(&c->fault, FAULT_FORBIDDEN, NULL);
        return;
    }
    if (!collection_wipe(c, coll))
        return;
    sf_buf_add_char(&c->out, '{');
    call_add_ok(c, 200);
    sf_buf_addf(&c->out, ",\"id\":\"%llu\"}", (unsigned long long)coll->id);
}

bool collection_empty(struct call *c, const struct cat_collection *coll)
{
    struct tx_count *count = tx_count(c->tx, coll->id, &c->fault);

    if (!count || !exec_id(c, "DELETE FROM c%llu", coll->id))
        return false;
    count->difference -= sqlite3_changes(db_handle(c->db));
    for (size_t i = 0; i < coll->indexes_n; i++)
        if (!exec_id(c, "DELETE FROM x%llu", coll->indexes[i].id))
            return false;
    return true;
}

void collection_truncate(struct call *c)
{
    const struct cat_collection *coll = call_collection(c, c->args[0], CAT_RW);

    if (!coll || !collection_empty(c, coll))
        return;
    sf_buf_add_char(&c->out, '{');
    call_add_ok(c, 200);
    sf_buf_add_char(&c->out, ',');
    collection_add(c, coll, false);
    sf_buf_add_char(&c->out, '}');
}

void collection_rename(struct call *c)
{
    const struct cat_collection *coll = call_collection(c, c->args[0], CAT_RW);
    struct cat_collection renamed;
    struct sf_str body, name;
    sqlite3_stmt *stmt;

    if (!coll || !call_object(c, false, &body))
        return;
    if (!call_get_string(c, body, "name", &name)) {
        (void)fault_set(&c->fault, FAULT_BAD_NAME, "name is missing");
        return;
    }
    if (!check_name(c, name, coll->is_system))
        return;
    renamed = *coll;
    renamed.name = name;
    stmt = db_prepare(c->db, "UPDATE coll SET name=?2 WHERE id=?1", &c->fault);
    if (!stmt)
        return;
    (void)sqlite3_bind_int64(stmt, 1, (sqlite3_int64)coll->id);
    db_bind_str(stmt, 2, name);
    (void)db_step(c->db, stmt, NULL, &c->fault);
    (void)sqlite3_finalize(stmt);
    sf_buf_add_char(&c->out, '{');
    call_add_ok(c, 200);
    sf_buf_add_char(&c->out, ',');
    collection_add(c, &renamed, false);
    sf_buf_add_char(&c->out, '}');
}
