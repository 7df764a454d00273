#include "ix.h"

#include <sf/time.h>

#define ENTRIES_MAX 100000 /* of one document in one index: arrays multiply */

static struct val step_down(struct val v, const struct cat_path *path, size_t from,
                            size_t to)
{
    for (size_t i = from; i < to; i++)
        v = val_member(v, path->steps[i]);
    return v;
}

struct val ix_value(const struct cat_path *path, const struct ix_doc *doc)
{
    size_t to = path->expand_at >= 0 ? (size_t)path->expand_at : path->steps_n;

    if (path->steps_n == 1 && sf_str_eq(path->steps[0], SF_STR("_key")))
        return val_string(doc->key);
    return step_down((struct val){ .kind = VAL_OBJECT, .raw = doc->body }, path, 0, to);
}

/* ------------------------------------------------------------------------ entries */

struct each {
    const struct cat_index *x;
    const struct ix_doc *doc;
    struct sf_buf *work; /* the entry so far */
    ix_entry_fn fn;
    void *arg;
    size_t left;
    struct fault *f;
};

static bool each_field(struct each *e, size_t field);

static bool with_value(struct each *e, size_t field, struct val v)
{
    size_t at = e->work->len;
    bool is_good = true;

    if (v.kind == VAL_NULL && e->x->is_sparse)
        return true;
    val_order(e->work, v);
    is_good = each_field(e, field + 1);
    if (e->work->status == SF_OK)
        e->work->len = at;
    return is_good;
}

/* Fields from @field on; arrays branch. Recursion: at most CAT_FIELDS_MAX deep. */
static bool each_field(struct each *e, size_t field)
{
    const struct cat_path *path = &e->x->fields[field];
    struct js_it it;
    struct val v;
    bool is_any = false;

    if (field == e->x->fields_n) {
        if (e->work->status != SF_OK)
            return fault_set(e->f, FAULT_OUT_OF_MEMORY, NULL);
        if (e->left-- == 0)
            return fault_set(e->f, FAULT_TOO_LARGE, "too many index entries");
        return e->fn(e->arg, sf_buf_str(e->work));
    }
    v = ix_value(path, e->doc);
    if (path->expand_at < 0)
        return with_value(e, field, v);
    if (v.kind == VAL_ARRAY) {
        js_it_init(&it, v.raw);
        while (js_it_next(&it)) {
            is_any = true;
            if (!with_value(e, field,
                            step_down(val_from(it.value), path, (size_t)path->expand_at,
                                      path->steps_n)))
                return false;
        }
    }
    return is_any || with_value(e, field, val_null());
}

/* The instant a document expires at, without expireAfter: seconds, or a date. */
static bool ttl_entry(const struct each *e)
{
    struct val v = ix_value(&e->x->fields[0], e->doc);
    int64_t ms;

    if (v.kind == VAL_STRING && sf_time_parse_iso(v.raw, &ms) == SF_OK)
        v = val_num(num_from_real((double)ms / 1000.0));
    if (v.kind != VAL_NUM)
        return true; /* such documents never expire */
    val_order(e->work, v);
    return e->fn(e->arg, sf_buf_str(e->work));
}

bool ix_each(const struct cat_index *x, const struct ix_doc *doc, struct sf_buf *work,
             ix_entry_fn fn, void *arg, struct fault *f)
{
    struct each e = { x, doc, work, fn, arg, ENTRIES_MAX, f };

    sf_buf_clear(work);
    return x->kind == CAT_TTL ? ttl_entry(&e) : each_field(&e, 0);
}

/* ------------------------------------------------------------------------- tables */

struct entry_job {
    struct tx *tx;
    const struct cat_collection *c;
    const struct cat_index *x;
    const struct ix_doc *doc;
    int64_t id;
    struct fault *f;
};

void ix_add_fields(struct sf_buf *out, const struct cat_index *x)
{
    sf_buf_add_char(out, '\'');
    for (size_t i = 0; i < x->fields_n; i++) {
        if (i > 0)
            sf_buf_add_lit(out, ", ");
        sf_buf_add_str(out, x->fields[i].text);
    }
    sf_buf_add_char(out, '\'');
}

static bool unique_fault(const struct entry_job *j, int64_t other_id)
{
    sqlite3_stmt *stmt = db_stmt(j->tx->db, DB_DOC_ROW, j->c->id, j->f);
    struct sf_buf fields;
    struct sf_str key = SF_STR_EMPTY;
    bool has_row;

    if (!stmt)
        return false;
    sf_buf_init(&fields, 4096);
    ix_add_fields(&fields, j->x);
    (void)sqlite3_bind_int64(stmt, 1, other_id);
    if (db_step(j->tx->db, stmt, &has_row, j->f) && has_row)
        key = db_col(stmt, 0);
    (void)fault_set(j->f, FAULT_UNIQUE,
                    "unique constraint violated - in index %" SF_STR_FMT
                    " of type %" SF_STR_FMT " over %s; conflicting key: %" SF_STR_FMT,
                    SF_STR_ARG(j->x->name), SF_STR_ARG(j->x->type), sf_buf_cstr(&fields),
                    SF_STR_ARG(key));
    (void)sqlite3_reset(stmt);
    sf_buf_release(&fields);
    return false;
}

struct equals {
    struct sf_str entry;
    size_t n;
};

static bool count_equal(void *arg, struct sf_str entry)
{
    struct equals *e = arg;

    e->n += sf_str_eq(e->entry, entry);
    return true;
}

/* Has the document this entry only once? Rare: arrays in a unique index that does not
 * deduplicate. */
static bool check_once(struct entry_job *j, struct sf_str entry)
{
    struct equals e = { entry, 0 };
    struct sf_buf work;
    bool is_good;

    sf_buf_init(&work, j->tx->entry.max);
    is_good = ix_each(j->x, j->doc, &work, count_equal, &e, j->f);
    sf_buf_release(&work);
    if (is_good && e.n > 1)
        return fault_set(j->f, FAULT_UNIQUE,
                         "unique constraint violated - in index %" SF_STR_FMT
                         ": equal values in one document",
                         SF_STR_ARG(j->x->name));
    return is_good;
}

/* Another row with this entry? */
static bool check_entry(void *arg, struct sf_str entry)
{
    struct entry_job *j = arg;
    sqlite3_stmt *stmt;
    int64_t other = 0;
    bool has_row, is_good;

    if (!j->x->does_deduplicate && !check_once(j, entry))
        return false;
    stmt = db_stmt(j->tx->db, DB_IX_FIND, j->x->id, j->f);
    if (!stmt)
        return false;
    db_bind_blob(stmt, 1, entry);
    is_good = db_step(j->tx->db, stmt, &has_row, j->f);
    if (is_good && has_row)
        other = sqlite3_column_int64(stmt, 0);
    (void)sqlite3_reset(stmt);
    if (!is_good || other == 0 || other == j->id)
        return is_good;
    return unique_fault(j, other);
}

static bool write_entry(struct entry_job *j, enum db_sql which, struct sf_str entry)
{
    sqlite3_stmt *stmt = db_stmt(j->tx->db, which, j->x->id, j->f);
    bool is_good;

    if (!stmt)
        return false;
    db_bind_blob(stmt, 1, entry);
    (void)sqlite3_bind_int64(stmt, 2, j->id);
    is_good = db_step(j->tx->db, stmt, NULL, j->f);
    (void)sqlite3_reset(stmt);
    return is_good;
}

/* The same entry twice in one document is one entry. */
static bool add_entry(void *arg, struct sf_str entry)
{
    return write_entry(arg, DB_IX_INSERT, entry);
}

static bool remove_entry(void *arg, struct sf_str entry)
{
    return write_entry(arg, DB_IX_DELETE, entry);
}

static bool each_index(struct tx *tx, const struct cat_collection *c,
                       const struct ix_doc *doc, int64_t id, ix_entry_fn fn,
                       struct fault *f)
{
    for (size_t i = 0; i < c->indexes_n; i++) {
        struct entry_job j = { tx, c, &c->indexes[i], doc, id, f };

        if (fn == check_entry && !c->indexes[i].is_unique)
            continue;
        if (!ix_each(&c->indexes[i], doc, &tx->entry, fn, &j, f))
            return false;
    }
    return true;
}

bool ix_check(struct tx *tx, const struct cat_collection *c, const struct ix_doc *doc,
              int64_t own_id, struct fault *f)
{
    return each_index(tx, c, doc, own_id, check_entry, f);
}

bool ix_add(struct tx *tx, const struct cat_collection *c, const struct ix_doc *doc,
            int64_t id, struct fault *f)
{
    return each_index(tx, c, doc, id, add_entry, f);
}

bool ix_remove(struct tx *tx, const struct cat_collection *c, const struct ix_doc *doc,
               int64_t id, struct fault *f)
{
    return each_index(tx, c, doc, id, remove_entry, f);
}

bool ix_add_one(struct tx *tx, const struct cat_collection *c, const struct cat_index *x,
                const struct ix_doc *doc, int64_t id, struct fault *f)
{
    struct entry_job j = { tx, c, x, doc, id, f };

    return (!x->is_unique || ix_each(x, doc, &tx->entry, check_entry, &j, f)) &&
           ix_each(x, doc, &tx->entry, add_entry, &j, f);
}
