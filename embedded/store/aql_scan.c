#include "aql_scan.h"

#include "key.h"

#include <stdlib.h>
#include <string.h>

#define BOUND_MAX ((size_t)16 << 20)

void aql_scan_init(struct aql_scan *s, const struct aql_stage *stage, struct db *db)
{
    *s = (struct aql_scan){ .stage = stage, .db = db };
    sf_buf_init(&s->low, BOUND_MAX);
    sf_buf_init(&s->high, BOUND_MAX);
}

void aql_scan_release(struct aql_scan *s)
{
    (void)sqlite3_finalize(s->stmt);
    sf_buf_release(&s->low);
    sf_buf_release(&s->high);
}

static bool prepare(struct aql_scan *s, struct fault *f)
{
    static const char *const texts[] = {
        [AQL_SCAN] = "SELECT k,rev,doc FROM c%llu ORDER BY id",
        [AQL_BY_KEY] = "SELECT k,rev,doc FROM c%llu WHERE k=?1",
        [AQL_KEY_ORDER] = "SELECT k,rev,doc FROM c%llu ORDER BY k %s",
        [AQL_BY_INDEX] = ("SELECT c.k,c.rev,c.doc FROM x%llu AS x CROSS JOIN c%llu AS c "
                          "ON c.id=x.id WHERE x.v>=?1 AND x.v<=?2 ORDER BY x.v %s"),
    };
    const struct aql_path *path = &s->stage->path;
    const char *order = path->is_descending ? "DESC" : "ASC";
    unsigned long long table = s->stage->collection->id;
    char sql[200];

    if (path->access == AQL_BY_INDEX)
        (void)sqlite3_snprintf(sizeof(sql), sql, texts[path->access],
                               (unsigned long long)path->index->id, table, order);
    else
        (void)sqlite3_snprintf(sizeof(sql), sql, texts[path->access], table, order);
    s->stmt = db_prepare(s->db, sql, f);
    return s->stmt != NULL;
}

/* ------------------------------------------------------------------------- bounds */

/* Entries are encodings one behind the other, none a prefix of another, and no encoding
 * begins with 0xff: so 0xff behind a prefix is above all entries that begin with it. */
static bool bind_bounds(struct aql_scan *s, struct aql_eval *e)
{
    const struct aql_path *path = &s->stage->path;

    sf_buf_clear(&s->low);
    for (size_t i = 0; i < path->equals_n; i++)
        val_order(&s->low, aql_eval(e, path->equals[i]));
    sf_buf_clear(&s->high);
    sf_buf_add_str(&s->high, sf_buf_str(&s->low));
    if (path->low)
        val_order(&s->low, aql_eval(e, path->low));
    if (path->high)
        val_order(&s->high, aql_eval(e, path->high));
    sf_buf_add_char(&s->high, (char)0xff);
    if (s->low.status != SF_OK || s->high.status != SF_OK)
        return fault_set(e->f, FAULT_OUT_OF_MEMORY, NULL);
    db_bind_blob(s->stmt, 1, sf_buf_str(&s->low));
    db_bind_blob(s->stmt, 2, sf_buf_str(&s->high));
    return true;
}

/* --------------------------------------------------------------------------- keys */

/* The key that @v asks for; empty: no document has it. */
static struct sf_str key_of(const struct aql_scan *s, struct val v)
{
    struct sf_str collection, key;

    if (v.kind != VAL_STRING)
        return SF_STR_EMPTY;
    if (!s->stage->path.is_id)
        return v.raw;
    if (!key_split_id(v.raw, &collection, &key) ||
        !sf_str_eq(collection, s->stage->collection->name))
        return SF_STR_EMPTY;
    return key;
}

static int by_text(const void *a, const void *b)
{
    const struct sf_str *x = a, *y = b;
    size_t n = x->len < y->len ? x->len : y->len;
    int order = n > 0 ? memcmp(x->p, y->p, n) : 0;

    if (order == 0)
        return x->len < y->len ? -1 : x->len > y->len;
    return order;
}

/* Each key once, however often it is asked for. */
static bool list_keys(struct aql_scan *s, struct aql_eval *e)
{
    struct val v = aql_eval(e, s->stage->path.key);
    size_t n = v.kind == VAL_ARRAY ? js_count(v.raw) : 1, kept = 0;
    struct js_it it;

    s->keys_n = s->keys_at = 0;
    s->keys = arena_alloc(e->mem, (n + 1) * sizeof(*s->keys));
    if (!s->keys)
        return fault_set(e->f, FAULT_RESOURCE_LIMIT, NULL);
    if (v.kind == VAL_ARRAY) {
        js_it_init(&it, v.raw);
        while (js_it_next(&it))
            s->keys[s->keys_n++] = key_of(s, val_from(it.value));
    } else {
        s->keys[s->keys_n++] = key_of(s, v);
    }
    qsort(s->keys, s->keys_n, sizeof(*s->keys), by_text);
    for (size_t i = 0; i < s->keys_n; i++)
        if (s->keys[i].len > 0 && (kept == 0 || by_text(&s->keys[kept - 1], &s->keys[i])))
            s->keys[kept++] = s->keys[i];
    s->keys_n = kept;
    return true;
}

/* ----------------------------------------------------------------------- the walk */

bool aql_scan_start(struct aql_scan *s, struct aql_eval *e)
{
    if (!s->stmt && !prepare(s, e->f))
        return false;
    (void)sqlite3_reset(s->stmt);
    (void)sqlite3_clear_bindings(s->stmt); /* no key of the walk before */
    if (s->stage->path.access == AQL_BY_KEY)
        return list_keys(s, e);
    return s->stage->path.access != AQL_BY_INDEX || bind_bounds(s, e);
}

static bool step(struct aql_scan *s, struct fault *f, bool *ret_has_row)
{
    bool is_good = db_step(s->db, s->stmt, ret_has_row, f);

    while (is_good && !*ret_has_row && s->keys_at < s->keys_n) {
        (void)sqlite3_reset(s->stmt);
        db_bind_str(s->stmt, 1, s->keys[s->keys_at++]);
        is_good = db_step(s->db, s->stmt, ret_has_row, f);
    }
    return is_good;
}

bool aql_scan_next(struct aql_scan *s, struct aql_eval *e, struct aql_slot *slot,
                   bool *ret_has_row)
{
    if (!step(s, e->f, ret_has_row) || !*ret_has_row) {
        (void)sqlite3_reset(s->stmt);
        return e->f->num == FAULT_NONE;
    }
    *slot = (struct aql_slot){
        .is_document = true,
        .collection = s->stage->collection->name,
        .key = db_col(s->stmt, 0),
        .rev = (uint64_t)sqlite3_column_int64(s->stmt, 1),
        .body = db_col(s->stmt, 2),
    };
    if (s->stage->path.access == AQL_SCAN || s->stage->path.access == AQL_KEY_ORDER)
        e->stats->scanned_full++;
    else
        e->stats->scanned_index++;
    return true;
}
