#include "cat.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define CAT_MAX_BYTES ((size_t)256 << 20) /* some 100,000 collections */

const struct cat *cat_ref(const struct cat *cat)
{
    atomic_fetch_add(&((struct cat *)(uintptr_t)cat)->refs, 1);
    return cat;
}

void cat_unref(const struct cat *cat)
{
    struct cat *own = (struct cat *)(uintptr_t)cat;

    if (!own || atomic_fetch_sub(&own->refs, 1) != 1)
        return;
    arena_release(&own->mem);
    free(own);
}

const struct cat_database *cat_find_database(const struct cat *cat, struct sf_str name)
{
    for (size_t i = 0; i < cat->databases_n; i++)
        if (sf_str_eq(cat->databases[i].name, name))
            return &cat->databases[i];
    return NULL;
}

static int cmp_names(struct sf_str a, struct sf_str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int order = memcmp(a.p, b.p, n);

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

const struct cat_collection *cat_find_collection(const struct cat_database *d,
                                                 struct sf_str name)
{
    size_t low = 0, high = d->collections_n;
    uint64_t id;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = cmp_names(name, d->collections[mid].name);

        if (order == 0)
            return &d->collections[mid];
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    if (name.len == 0 || name.p[0] < '0' || name.p[0] > '9' ||
        sf_str_to_u64(name, &id) != SF_OK)
        return NULL;
    for (size_t i = 0; i < d->collections_n; i++)
        if (d->collections[i].id == id)
            return &d->collections[i];
    return NULL;
}

const struct cat_index *cat_find_index(const struct cat_collection *c, uint64_t id)
{
    for (size_t i = 0; i < c->indexes_n; i++)
        if (c->indexes[i].id == id)
            return &c->indexes[i];
    return NULL;
}

const struct cat_user *cat_find_user(const struct cat *cat, struct sf_str name)
{
    for (size_t i = 0; i < cat->users_n; i++)
        if (sf_str_eq(cat->users[i].name, name))
            return &cat->users[i];
    return NULL;
}

/* ----------------------------------------------------------------------- rights */

static const char *const right_names[] = { "none", "ro", "rw", "undefined" };

const char *cat_right_name(enum cat_right right)
{
    return right_names[right];
}

enum cat_right cat_right_find(struct sf_str name)
{
    for (int i = CAT_NONE; i < CAT_UNDEFINED; i++)
        if (sf_str_eq(name, sf_str_from(right_names[i])))
            return (enum cat_right)i;
    return CAT_UNDEFINED;
}

enum cat_right cat_grant_of(const struct cat_user *u, struct sf_str database,
                            struct sf_str collection)
{
    for (size_t i = 0; i < u->grants_n; i++)
        if (sf_str_eq(u->grants[i].database, database) &&
            sf_str_eq(u->grants[i].collection, collection))
            return u->grants[i].right;
    return CAT_UNDEFINED;
}

/* The order in which ArangoDB asks: exact names first, then wildcards; a collection's
 * last resort is the database's right. */
enum cat_right cat_right_of(const struct cat_user *u, struct sf_str database,
                            struct sf_str collection)
{
    const struct sf_str any = SF_STR("*");
    const struct sf_str ask[][2] = {
        { database, collection },   { database, any },
        { any, collection },        { any, any },
        { database, SF_STR_EMPTY }, { any, SF_STR_EMPTY },
    };

    for (size_t i = collection.len > 0 ? 0 : 4; i < 6; i++) {
        enum cat_right right = cat_grant_of(u, ask[i][0], ask[i][1]);

        if (right != CAT_UNDEFINED)
            return right;
    }
    return CAT_NONE;
}

/* ------------------------------------------------------------------------ tables */

bool cat_create_tables(struct db *db, struct fault *f)
{
    return db_exec(
        db,
        "BEGIN;"
        "CREATE TABLE IF NOT EXISTS meta(k TEXT PRIMARY KEY,v)WITHOUT ROWID;"
        "INSERT OR IGNORE INTO meta VALUES('format',1),('tick',1000),"
        "('jwt',randomblob(32)),('server',lower(hex(randomblob(8))));"
        "CREATE TABLE IF NOT EXISTS db(id INTEGER PRIMARY KEY,name TEXT UNIQUE);"
        "INSERT OR IGNORE INTO db VALUES(1,'_system');"
        "CREATE TABLE IF NOT EXISTS coll(id INTEGER PRIMARY KEY,db INTEGER,name TEXT,"
        "type INTEGER,props TEXT,n INTEGER DEFAULT 0,last_key INTEGER DEFAULT 0,"
        "UNIQUE(db,name));"
        "CREATE TABLE IF NOT EXISTS idx(id INTEGER PRIMARY KEY,coll INTEGER,def TEXT);"
        "CREATE TABLE IF NOT EXISTS usr(name TEXT PRIMARY KEY,hash TEXT,active INTEGER,"
        "extra TEXT)WITHOUT ROWID;"
        "CREATE TABLE IF NOT EXISTS grt(usr TEXT,db TEXT,coll TEXT,level TEXT,"
        "PRIMARY KEY(usr,db,coll))WITHOUT ROWID;"
        "COMMIT;",
        f);
}

/* ----------------------------------------------------------------------- loading */

/* Rows of a query, each read by @row into the next of the zeroed elements that
 * arena_alloc gave for as many as "SELECT count(*)" said. */
struct loader {
    struct db *db;
    struct cat *cat;
    struct fault *f;
};

static bool count_rows(struct loader *l, const char *sql, size_t *ret_n)
{
    sqlite3_stmt *stmt = db_prepare(l->db, sql, l->f);
    bool has_row, is_good = stmt && db_step(l->db, stmt, &has_row, l->f);

    if (is_good)
        *ret_n = (size_t)sqlite3_column_int64(stmt, 0);
    (void)sqlite3_finalize(stmt);
    return is_good;
}

typedef bool (*row_fn)(struct loader *l, sqlite3_stmt *row, void *element);

/* @table and @columns: SELECT @columns FROM @table. @size of an element. */
static bool load(struct loader *l, const char *from, const char *columns, size_t size,
                 row_fn row, void **ret, size_t *ret_n)
{
    char sql[1400];
    sqlite3_stmt *stmt;
    size_t n = 0, i = 0;
    char *elements;
    bool has_row = true, is_good;

    (void)sqlite3_snprintf(sizeof(sql), sql, "SELECT count(*) FROM %s", from);
    if (!count_rows(l, sql, &n))
        return false;
    elements = arena_alloc(&l->cat->mem, (n + 1) * size);
    if (!elements)
        return fault_set(l->f, FAULT_OUT_OF_MEMORY, NULL);
    (void)sqlite3_snprintf(sizeof(sql), sql, "SELECT %s FROM %s", columns, from);
    stmt = db_prepare(l->db, sql, l->f);
    is_good = stmt != NULL;
    while (is_good && i < n && has_row) {
        is_good = db_step(l->db, stmt, &has_row, l->f) &&
                  (!has_row || row(l, stmt, elements + i * size));
        i += has_row;
    }
    (void)sqlite3_finalize(stmt);
    *ret = elements;
    *ret_n = i;
    return is_good;
}

static struct sf_str text_of(struct loader *l, sqlite3_stmt *row, int col)
{
    return arena_str(&l->cat->mem, db_col(row, col));
}

static bool database_row(struct loader *l, sqlite3_stmt *row, void *element)
{
    struct cat_database *d = element;

    d->id = (uint64_t)sqlite3_column_int64(row, 0);
    d->name = text_of(l, row, 1);
    return true;
}

static bool index_row(struct loader *l, sqlite3_stmt *row, void *element)
{
    struct cat_index *x = element;

    if (!cat_index_parse(&l->cat->mem, text_of(l, row, 1), x, l->f))
        return false;
    x->id = (uint64_t)sqlite3_column_int64(row, 0);
    return true;
}

static bool collection_row(struct loader *l, sqlite3_stmt *row, void *element)
{
    struct cat_collection *c = element;
    char from[80];
    void *indexes = NULL;

    c->id = (uint64_t)sqlite3_column_int64(row, 0);
    c->name = text_of(l, row, 1);
    c->is_edge = sqlite3_column_int(row, 2) == 3;
    c->is_system = c->name.len > 0 && c->name.p[0] == '_';
    c->props = text_of(l, row, 3);
    cat_collection_props(c);
    (void)sqlite3_snprintf(sizeof(from), from, "idx WHERE coll=%llu ORDER BY id",
                           (unsigned long long)c->id);
    if (!load(l, from, "id,def", sizeof(struct cat_index), index_row, &indexes,
              &c->indexes_n))
        return false;
    c->indexes = indexes;
    return true;
}

static bool grant_row(struct loader *l, sqlite3_stmt *row, void *element)
{
    struct cat_grant *g = element;

    g->database = text_of(l, row, 0);
    g->collection = text_of(l, row, 1);
    g->right = cat_right_find(db_col(row, 2));
    return true;
}

static bool user_row(struct loader *l, sqlite3_stmt *row, void *element)
{
    struct cat_user *u = element;

    u->name = text_of(l, row, 0);
    u->hash = text_of(l, row, 1);
    u->is_active = sqlite3_column_int(row, 2) != 0;
    u->extra = text_of(l, row, 3);
    return true;
}

static bool load_collections(struct loader *l, struct cat_database *d)
{
    char from[80];
    void *collections = NULL;

    (void)sqlite3_snprintf(sizeof(from), from, "coll WHERE db=%llu ORDER BY name",
                           (unsigned long long)d->id);
    if (!load(l, from, "id,name,type,props", sizeof(struct cat_collection),
              collection_row, &collections, &d->collections_n))
        return false;
    d->collections = collections;
    return true;
}

static bool load_grants(struct loader *l, struct cat_user *u)
{
    char from[1200];
    void *grants = NULL;

    if (u->name.len > 512)
        return fault_set(l->f, FAULT_INTERNAL, "user name too long");
    (void)sqlite3_snprintf(sizeof(from), from, "grt WHERE usr=%Q",
                           arena_cstr(&l->cat->mem, u->name));
    if (!load(l, from, "db,coll,level", sizeof(struct cat_grant), grant_row, &grants,
              &u->grants_n))
        return false;
    u->grants = grants;
    return true;
}

static bool load_all(struct loader *l)
{
    struct cat *cat = l->cat;
    void *databases = NULL, *users = NULL;

    if (!load(l, "db ORDER BY name", "id,name", sizeof(struct cat_database), database_row,
              &databases, &cat->databases_n))
        return false;
    cat->databases = databases;
    for (size_t i = 0; databases && i < cat->databases_n; i++)
        if (!load_collections(l, &cat->databases[i]))
            return false;
    if (!load(l, "usr ORDER BY name", "name,hash,active,extra", sizeof(struct cat_user),
              user_row, &users, &cat->users_n))
        return false;
    cat->users = users;
    for (size_t i = 0; users && i < cat->users_n; i++)
        if (!load_grants(l, &cat->users[i]))
            return false;
    return !cat->mem.is_failed || fault_set(l->f, FAULT_OUT_OF_MEMORY, NULL);
}

bool cat_load(struct db *db, struct cat **ret_cat, struct fault *f)
{
    struct cat *cat = calloc(1, sizeof(*cat));
    struct loader l = { db, cat, f };

    if (!cat)
        return fault_set(f, FAULT_OUT_OF_MEMORY, NULL);
    arena_init(&cat->mem, CAT_MAX_BYTES);
    cat->refs = 1;
    if (!load_all(&l)) {
        cat_unref(cat);
        return false;
    }
    *ret_cat = cat;
    return true;
}
