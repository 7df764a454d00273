/* Indexes: list, create, drop. Creating one that is there is no error: 200 instead of
 * 201. Source: ArangoDB 3.12 HTTP API, "Indexes". */
#include "handlers.h"
#include "ix.h"
#include "js.h"

#include <stdio.h>

#define INDEXES_MAX 64 /* of one collection, as in ArangoDB */

/* ---------------------------------------------------------------------- describing */

static const char *text(bool b)
{
    return b ? "true" : "false";
}

static void add_fields(struct sf_buf *out, const struct cat_index *x)
{
    sf_buf_add_lit(out, "\"fields\":[");
    for (size_t i = 0; i < x->fields_n; i++) {
        sf_buf_add_str(out, i > 0 ? SF_STR(",\"") : SF_STR("\""));
        sf_buf_add_str(out, x->fields[i].text);
        sf_buf_add_char(out, '"');
    }
    sf_buf_add_char(out, ']');
}

/* Different values over entries, in a sample of the first thousand. */
static double selectivity(struct call *c, const struct cat_index *x)
{
    char sql[160];
    sqlite3_stmt *stmt;
    bool has_row;
    double ret = 1;

    if (x->is_unique)
        return 1;
    (void)sqlite3_snprintf(sizeof(sql), sql,
                           "SELECT count(DISTINCT v)*1.0/max(count(*),1),count(*) FROM "
                           "(SELECT v FROM x%llu LIMIT 1000)",
                           (unsigned long long)x->id);
    stmt = db_prepare(c->db, sql, &c->fault);
    if (stmt && db_step(c->db, stmt, &has_row, &c->fault) && has_row &&
        sqlite3_column_int64(stmt, 1) > 0)
        ret = sqlite3_column_double(stmt, 0);
    (void)sqlite3_finalize(stmt);
    return ret;
}

static void add_index(struct call *c, const struct cat_collection *coll,
                      const struct cat_index *x)
{
    struct sf_buf *out = &c->out;

    sf_buf_addf(out, "\"id\":\"%" SF_STR_FMT "/%llu\",\"type\":\"%" SF_STR_FMT "\",",
                SF_STR_ARG(coll->name), (unsigned long long)x->id, SF_STR_ARG(x->type));
    sf_buf_addf(out, "\"name\":\"%" SF_STR_FMT "\",", SF_STR_ARG(x->name));
    add_fields(out, x);
    sf_buf_addf(out, ",\"unique\":%s,\"sparse\":%s", text(x->is_unique),
                text(x->is_sparse));
    if (x->kind == CAT_TTL) {
        sf_buf_add_lit(out, ",\"estimates\":false,\"expireAfter\":");
        num_add(out, num_from_real(x->expire_after_s));
        return;
    }
    sf_buf_addf(out, ",\"deduplicate\":%s,\"estimates\":%s,\"cacheEnabled\":%s",
                text(x->does_deduplicate), text(x->has_estimates), text(x->is_cached));
    if (x->stored.len > 0) {
        sf_buf_add_lit(out, ",\"storedValues\":");
        sf_buf_add_str(out, x->stored);
    }
    if (x->has_estimates) {
        sf_buf_add_lit(out, ",\"selectivityEstimate\":");
        num_add(out, num_from_real(selectivity(c, x)));
    }
}

static void add_primary(struct call *c, const struct cat_collection *coll)
{
    sf_buf_addf(&c->out,
                "\"id\":\"%" SF_STR_FMT "/0\",\"type\":\"primary\",\"name\":\"primary\","
                "\"fields\":[\"_key\"],\"unique\":true,\"sparse\":false,"
                "\"selectivityEstimate\":1",
                SF_STR_ARG(coll->name));
}

static void add_edge(struct call *c, const struct cat_collection *coll)
{
    sf_buf_addf(&c->out,
                "\"id\":\"%" SF_STR_FMT "/1\",\"type\":\"edge\",\"name\":\"edge\","
                "\"fields\":[\"_from\",\"_to\"],\"unique\":false,\"sparse\":false",
                SF_STR_ARG(coll->name));
}

/* Indexes in the order of their numbers: primary, edge, our own. */
static size_t indexes_of(const struct cat_collection *coll)
{
    return coll->indexes_n + (coll->is_edge ? 2 : 1);
}

static void add_nth(struct call *c, const struct cat_collection *coll, size_t n)
{
    size_t own = coll->is_edge ? 2 : 1;

    sf_buf_add_char(&c->out, '{');
    if (n == 0)
        add_primary(c, coll);
    else if (n < own)
        add_edge(c, coll);
    else
        add_index(c, coll, &coll->indexes[n - own]);
    sf_buf_add_char(&c->out, '}');
}

static unsigned long long nth_id(const struct cat_collection *coll, size_t n)
{
    size_t own = coll->is_edge ? 2 : 1;

    return n < own ? n : coll->indexes[n - own].id;
}

static const struct cat_collection *collection_of(struct call *c, enum cat_right need)
{
    struct sf_str name;

    if (!call_param(c, "collection", &name)) {
        (void)fault_set(&c->fault, FAULT_NO_COLLECTION_PARAM, NULL);
        return NULL;
    }
    return call_collection(c, name, need);
}

void index_list(struct call *c)
{
    const struct cat_collection *coll = collection_of(c, CAT_RO);

    if (!coll)
        return;
    sf_buf_add_char(&c->out, '{');
    call_add_ok(c, 200);
    sf_buf_add_lit(&c->out, ",\"indexes\":[");
    for (size_t i = 0; i < indexes_of(coll); i++) {
        if (i > 0)
            sf_buf_add_char(&c->out, ',');
        add_nth(c, coll, i);
    }
    sf_buf_add_lit(&c->out, "],\"identifiers\":{");
    for (size_t i = 0; i < indexes_of(coll); i++) {
        sf_buf_addf(&c->out, "%s\"%" SF_STR_FMT "/%llu\":", i > 0 ? "," : "",
                    SF_STR_ARG(coll->name), nth_id(coll, i));
        add_nth(c, coll, i);
    }
    sf_buf_add_lit(&c->out, "}}");
}

/* By number or by name. */
static bool find(struct call *c, const struct cat_collection *coll, size_t *ret_n)
{
    size_t own = coll->is_edge ? 2 : 1;
    char id[24];

    for (size_t i = 0; i < indexes_of(coll); i++) {
        struct sf_str name = i == 0    ? SF_STR("primary")
                             : i < own ? SF_STR("edge")
                                       : coll->indexes[i - own].name;

        (void)snprintf(id, sizeof(id), "%llu", nth_id(coll, i));
        if (sf_str_eq(c->args[1], name) || sf_str_eq(c->args[1], sf_str_from(id))) {
            *ret_n = i;
            return true;
        }
    }
    return fault_set(&c->fault, FAULT_NO_INDEX, NULL);
}

void index_get(struct call *c)
{
    const struct cat_collection *coll = call_collection(c, c->args[0], CAT_RO);
    size_t n;

    if (!coll || !find(c, coll, &n))
        return;
    add_nth(c, coll, n);
    c->out.len--; /* go on in front of the brace */
    sf_buf_add_char(&c->out, ',');
    call_add_ok(c, 200);
    sf_buf_add_char(&c->out, '}');
}

void index_drop(struct call *c)
{
    const struct cat_collection *coll = call_collection(c, c->args[0], CAT_RW);
    char sql[128];
    size_t n = 0;

    if (!coll || !find(c, coll, &n))
        return;
    if (n < (coll->is_edge ? 2u : 1u)) {
        (void)fault_set(&c->fault, FAULT_FORBIDDEN, NULL);
        return;
    }
    (void)sqlite3_snprintf(sizeof(sql), sql,
                           "DROP TABLE x%llu;DELETE FROM idx WHERE id=%llu",
                           nth_id(coll, n), nth_id(coll, n));
    if (!db_exec(c->db, sql, &c->fault))
        return;
    sf_buf_add_char(&c->out, '{');
    call_add_ok(c, 200);
    sf_buf_addf(&c->out, ",\"id\":\"%" SF_STR_FMT "/%llu\"}", SF_STR_ARG(coll->name),
                nth_id(coll, n));
}

/* ------------------------------------------------------------------------ creating */

static bool check_type(struct call *c, struct sf_str type)
{
    static const char *const types[] = { "persistent", "hash", "skiplist", "ttl" };
    static const char *const others[] = { "geo", "fulltext",     "inverted", "mdi",
                                          "zkd", "mdi-prefixed", "vector" };

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (sf_str_eq(type, sf_str_from(types[i])))
            return true;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (sf_str_eq(type, sf_str_from(others[i])))
            return fault_set(&c->fault, FAULT_NOT_IMPLEMENTED,
                             "index type '%s' not implemented", others[i]);
    return fault_set(&c->fault, FAULT_BAD_PARAMETER, "invalid index type");
}

static bool check_fields(struct call *c, const struct cat_index *x)
{
    for (size_t i = 0; i < x->fields_n; i++) {
        if (sf_str_eq(x->fields[i].text, SF_STR("_id")) ||
            sf_str_eq(x->fields[i].text, SF_STR("_rev")))
            return fault_set(&c->fault, FAULT_BAD_PARAMETER,
                             "%" SF_STR_FMT " cannot be indexed",
                             SF_STR_ARG(x->fields[i].text));
        for (size_t k = 0; k < i; k++)
            if (sf_str_eq(x->fields[i].text, x->fields[k].text))
                return fault_set(&c->fault, FAULT_BAD_PARAMETER, "duplicate index field");
    }
    return true;
}

/* The definition as we keep it: nothing but what we know, all of it. */
static bool make_def(struct call *c, struct sf_str body, struct sf_str type,
                     struct sf_str *ret_def)
{
    bool is_ttl = sf_str_eq(type, SF_STR("ttl"));
    struct sf_str fields, name, value;
    char made[40];
    struct sf_buf def;

    if (!js_get(body, SF_STR("fields"), &fields) || fields.p[0] != '[')
        return fault_set(&c->fault, FAULT_BAD_PARAMETER, "invalid index fields");
    if (!call_get_string(c, body, "name", &name) || name.len == 0) {
        (void)snprintf(made, sizeof(made), "idx_%llu", (unsigned long long)tx_rev(c->tx));
        name = sf_str_from(made);
    }
    sf_buf_init(&def, 65536);
    sf_buf_addf(&def, "{\"type\":\"%" SF_STR_FMT "\",\"name\":", SF_STR_ARG(type));
    js_add_string(&def, name);
    sf_buf_add_lit(&def, ",\"fields\":");
    sf_buf_add_str(&def, fields);
    sf_buf_addf(&def,
                ",\"unique\":%s,\"sparse\":%s,\"deduplicate\":%s,\"estimates\":%s,"
                "\"cacheEnabled\":%s",
                text(!is_ttl && call_get_bool(body, "unique", false)),
                text(is_ttl || call_get_bool(body, "sparse", false)),
                text(call_get_bool(body, "deduplicate", true)),
                text(!is_ttl && call_get_bool(body, "estimates", true)),
                text(!is_ttl && call_get_bool(body, "cacheEnabled", false)));
    if (js_get(body, SF_STR("expireAfter"), &value) && is_ttl) {
        sf_buf_add_lit(&def, ",\"expireAfter\":");
        sf_buf_add_str(&def, value);
    }
    if (js_get(body, SF_STR("storedValues"), &value) && value.p[0] == '[' &&
        value.len > 2) {
        sf_buf_add_lit(&def, ",\"storedValues\":");
        sf_buf_add_str(&def, value);
    }
    sf_buf_add_char(&def, '}');
    *ret_def = arena_str(&c->mem, sf_buf_str(&def));
    sf_buf_release(&def);
    return !c->mem.is_failed;
}

static bool check_ttl(struct call *c, const struct cat_collection *coll,
                      struct sf_str body, const struct cat_index *x)
{
    struct sf_str value;

    if (x->fields_n != 1)
        return fault_set(&c->fault, FAULT_BAD_PARAMETER,
                         "ttl indexes need exactly one field");
    if (!js_get(body, SF_STR("expireAfter"), &value) || val_from(value).kind != VAL_NUM ||
        x->expire_after_s < 0)
        return fault_set(&c->fault, FAULT_BAD_PARAMETER,
                         "expireAfter attribute must be a non-negative number");
    for (size_t i = 0; i < coll->indexes_n; i++)
        if (coll->indexes[i].kind == CAT_TTL)
            return fault_set(&c->fault, FAULT_BAD_PARAMETER,
                             "there can only be one ttl index per collection");
    return true;
}

static bool are_equal(const struct cat_index *a, const struct cat_index *b)
{
    if (!sf_str_eq(a->type, b->type) || a->is_unique != b->is_unique ||
        a->is_sparse != b->is_sparse || a->fields_n != b->fields_n ||
        a->does_deduplicate != b->does_deduplicate || !sf_str_eq(a->stored, b->stored) ||
        a->expire_after_s < b->expire_after_s || a->expire_after_s > b->expire_after_s)
        return false;
    for (size_t i = 0; i < a->fields_n; i++)
        if (!sf_str_eq(a->fields[i].text, b->fields[i].text))
            return false;
    return true;
}

static void answer(struct call *c, const struct cat_collection *coll,
                   const struct cat_index *x, bool is_new)
{
    sf_buf_add_char(&c->out, '{');
    add_index(c, coll, x);
    sf_buf_addf(&c->out, ",\"isNewlyCreated\":%s,", text(is_new));
    call_add_ok(c, is_new ? 201 : 200);
    sf_buf_add_char(&c->out, '}');
}

/* All documents that are there already. */
static bool fill(struct call *c, const struct cat_collection *coll,
                 const struct cat_index *x)
{
    char sql[80];
    sqlite3_stmt *stmt;
    bool has_row = true, is_good = true;

    (void)sqlite3_snprintf(sizeof(sql), sql, "SELECT id,k,doc FROM c%llu",
                           (unsigned long long)coll->id);
    stmt = db_prepare(c->db, sql, &c->fault);
    if (!stmt)
        return false;
    while (is_good && has_row) {
        struct ix_doc doc;

        is_good = db_step(c->db, stmt, &has_row, &c->fault);
        if (!is_good || !has_row)
            break;
        doc = (struct ix_doc){ db_col(stmt, 1), db_col(stmt, 2) };
        is_good =
            ix_add_one(c->tx, coll, x, &doc, sqlite3_column_int64(stmt, 0), &c->fault);
    }
    (void)sqlite3_finalize(stmt);
    if (c->fault.num == FAULT_UNIQUE)
        c->fault.http =
            400; /* the request is wrong for this collection, the manual says */
    return is_good;
}

static bool create(struct call *c, const struct cat_collection *coll,
                   const struct cat_index *x, struct sf_str def)
{
    char sql[160];
    sqlite3_stmt *stmt = db_prepare(c->db, "INSERT INTO idx VALUES(?1,?2,?3)", &c->fault);
    bool is_good;

    if (!stmt)
        return false;
    (void)sqlite3_bind_int64(stmt, 1, (sqlite3_int64)x->id);
    (void)sqlite3_bind_int64(stmt, 2, (sqlite3_int64)coll->id);
    db_bind_str(stmt, 3, def);
    is_good = db_step(c->db, stmt, NULL, &c->fault);
    (void)sqlite3_finalize(stmt);
    (void)sqlite3_snprintf(sizeof(sql), sql,
                           x->is_unique ? "CREATE TABLE x%llu(v BLOB PRIMARY KEY,"
                                          "id INTEGER NOT NULL)WITHOUT ROWID"
                                        : "CREATE TABLE x%llu(v BLOB,id INTEGER,"
                                          "PRIMARY KEY(v,id))WITHOUT ROWID",
                           (unsigned long long)x->id);
    return is_good && db_exec(c->db, sql, &c->fault) && fill(c, coll, x);
}

void index_create(struct call *c)
{
    const struct cat_collection *coll = collection_of(c, CAT_RW);
    struct sf_str body, type, def = SF_STR_EMPTY;
    struct cat_index x;

    if (!coll || !call_object(c, false, &body))
        return;
    if (!call_get_string(c, body, "type", &type)) {
        (void)fault_set(&c->fault, FAULT_BAD_PARAMETER, "invalid index type");
        return;
    }
    if (!check_type(c, type) || !make_def(c, body, type, &def) ||
        !cat_index_parse(&c->mem, def, &x, &c->fault) || !check_fields(c, &x))
        return;
    for (size_t i = 0; i < coll->indexes_n; i++) {
        if (are_equal(&coll->indexes[i], &x)) {
            answer(c, coll, &coll->indexes[i], false);
            return;
        }
        if (sf_str_eq(coll->indexes[i].name, x.name)) {
            (void)fault_set(&c->fault, FAULT_DUPLICATE_NAME,
                            "duplicate name: %" SF_STR_FMT, SF_STR_ARG(x.name));
            return;
        }
    }
    if (coll->indexes_n >= INDEXES_MAX) {
        (void)fault_set_http(&c->fault, 400, FAULT_RESOURCE_LIMIT, "too many indexes");
        return;
    }
    if (x.kind == CAT_TTL && !check_ttl(c, coll, body, &x))
        return;
    x.id = tx_tick(c->tx);
    if (create(c, coll, &x, def))
        answer(c, coll, &x, true);
}
