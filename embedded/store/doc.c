#include "doc.h"

#include "key.h"

#include <math.h>
#include <stdio.h>

#define KEY_TRIES 1000 /* automatic keys that may be taken by keys given by clients */

void doc_add_full(struct sf_buf *out, struct sf_str collection, struct sf_str key,
                  uint64_t rev, struct sf_str body)
{
    char rev_bytes[REV_TEXT_SIZE];

    sf_buf_add_lit(out, "{\"_key\":\"");
    sf_buf_add_str(out, key);
    sf_buf_add_lit(out, "\",\"_id\":\"");
    sf_buf_add_str(out, collection);
    sf_buf_add_char(out, '/');
    sf_buf_add_str(out, key);
    sf_buf_add_lit(out, "\",\"_rev\":\"");
    sf_buf_add_str(out, rev_text(rev, rev_bytes));
    sf_buf_add_char(out, '"');
    if (body.len > 2)
        sf_buf_add_char(out, ',');
    sf_buf_add(out, body.p + 1, body.len - 1);
}

bool doc_find(struct db *db, uint64_t collection, struct sf_str key, bool *ret_found,
              struct doc_row *ret_row, struct sf_buf *body, struct fault *f)
{
    sqlite3_stmt *stmt = db_stmt(db, DB_DOC_FIND, collection, f);
    bool is_good;

    if (!stmt)
        return false;
    db_bind_str(stmt, 1, key);
    is_good = db_step(db, stmt, ret_found, f);
    if (is_good && *ret_found) {
        ret_row->id = sqlite3_column_int64(stmt, 0);
        ret_row->rev = (uint64_t)sqlite3_column_int64(stmt, 1);
        if (body)
            sf_buf_add_str(body, db_col(stmt, 2));
    }
    (void)sqlite3_reset(stmt);
    if (is_good && body && body->status != SF_OK)
        return fault_set(f, FAULT_OUT_OF_MEMORY, NULL);
    return is_good;
}

/* --------------------------------------------------------------------- checks */

static bool check_edge(const struct cat_collection *c, const struct doc_spec *spec,
                       bool is_patch, struct fault *f)
{
    struct sf_str collection, key, text;
    const struct sf_str *ends[] = { &spec->from, &spec->to };
    const struct sf_str names[] = { SF_STR("_from"), SF_STR("_to") };

    for (int i = 0; i < 2 && c->is_edge; i++) {
        if (is_patch && !js_get(spec->body, names[i], &text))
            continue;
        if (!key_split_id(*ends[i], &collection, &key))
            return fault_set(f, FAULT_BAD_EDGE, NULL);
    }
    return true;
}

static bool check_key(const struct doc_spec *spec, struct fault *f)
{
    if (spec->key_kind == DOC_KEY_NONE)
        return fault_set(f, FAULT_KEY_MISSING, NULL);
    return (spec->key_kind == DOC_KEY_TEXT && key_is_good(spec->key)) ||
           fault_set(f, FAULT_BAD_KEY, NULL);
}

/* A version: a number that is not negative, floored. */
static bool version_of(struct sf_str body, struct sf_str name, double *ret)
{
    struct val v = val_member((struct val){ .kind = VAL_OBJECT, .raw = body }, name);

    if (v.kind != VAL_NUM || num_cmp(v.num, num_from_i64(0)) < 0)
        return false;
    *ret = floor(num_to_real(v.num));
    return true;
}

/* Is what is stored at least as new? */
static bool is_outdated(const struct doc_spec *spec, const struct doc_opts *opts,
                        struct sf_str old_body)
{
    double given, stored;

    return opts->version_attribute.len > 0 &&
           version_of(spec->body, opts->version_attribute, &given) &&
           version_of(old_body, opts->version_attribute, &stored) && given <= stored;
}

/* -------------------------------------------------------------------- writing */

/* Keep the key where it outlives the caller's buffers. */
static void keep_key(struct doc_result *ret, struct sf_str key)
{
    if (sf_str_copy(key, ret->key_bytes, sizeof(ret->key_bytes)))
        ret->key = (struct sf_str){ ret->key_bytes, key.len };
}

static bool add_count(struct tx *tx, const struct cat_collection *c, int64_t n,
                      struct fault *f)
{
    struct tx_count *count = tx_count(tx, c->id, f);

    if (count)
        count->difference += n;
    return count != NULL;
}

/* INSERT; *ret_is_new false: the key is there. */
static bool insert_row(struct tx *tx, const struct cat_collection *c, struct sf_str body,
                       struct doc_result *ret, bool *ret_is_new)
{
    struct fault *f = &ret->fault;
    sqlite3_stmt *stmt = db_stmt(tx->db, DB_DOC_INSERT, c->id, f);
    struct ix_doc doc = { ret->key, body };
    uint64_t rev = tx_rev(tx);
    bool is_good;

    if (!stmt)
        return false;
    db_bind_str(stmt, 1, ret->key);
    (void)sqlite3_bind_int64(stmt, 2, (sqlite3_int64)rev);
    db_bind_blob(stmt, 3, body);
    is_good = db_step(tx->db, stmt, NULL, f);
    (void)sqlite3_reset(stmt);
    if (!is_good)
        return false;
    *ret_is_new = sqlite3_changes(db_handle(tx->db)) > 0;
    if (!*ret_is_new)
        return true;
    ret->rev = rev;
    ret->new_body = body;
    return (c->indexes_n == 0 ||
            ix_add(tx, c, &doc, sqlite3_last_insert_rowid(db_handle(tx->db)), f)) &&
           add_count(tx, c, 1, f);
}

/* tx->before holds the old body. @body: the new one. */
static bool update_row(struct tx *tx, const struct cat_collection *c,
                       const struct doc_row *row, struct sf_str body,
                       struct doc_result *ret)
{
    struct ix_doc before = { ret->key, sf_buf_str(&tx->before) };
    struct ix_doc after = { ret->key, body };
    struct fault *f = &ret->fault;
    sqlite3_stmt *stmt;
    bool is_good;

    if (c->indexes_n > 0 &&
        (!ix_check(tx, c, &after, row->id, f) || !ix_remove(tx, c, &before, row->id, f)))
        return false;
    stmt = db_stmt(tx->db, DB_DOC_UPDATE, c->id, f);
    if (!stmt)
        return false;
    ret->rev = tx_rev(tx);
    (void)sqlite3_bind_int64(stmt, 1, row->id);
    (void)sqlite3_bind_int64(stmt, 2, (sqlite3_int64)ret->rev);
    db_bind_blob(stmt, 3, body);
    is_good = db_step(tx->db, stmt, NULL, f);
    (void)sqlite3_reset(stmt);
    ret->new_body = body;
    return is_good && (c->indexes_n == 0 || ix_add(tx, c, &after, row->id, f));
}

/* ret->key is set, tx->before holds the old body. */
static bool change_row(struct tx *tx, const struct cat_collection *c,
                       const struct doc_spec *spec, const struct doc_opts *opts,
                       const struct doc_row *row, struct doc_result *ret)
{
    bool is_patch = opts->mode == DOC_UPDATE;
    struct sf_str body = spec->body;

    ret->old_rev = row->rev;
    ret->old_body = sf_buf_str(&tx->before);
    if (opts->does_check_rev && spec->rev.len > 0 && rev_parse(spec->rev) != row->rev) {
        ret->rev = row->rev;
        return fault_set(&ret->fault, FAULT_CONFLICT,
                         "conflict, _rev values do not match");
    }
    if (!check_edge(c, spec, is_patch, &ret->fault))
        return false;
    if (is_outdated(spec, opts, ret->old_body)) {
        ret->is_unchanged = true;
        ret->rev = row->rev;
        ret->new_body = ret->old_body;
        return true;
    }
    if (is_patch) {
        sf_buf_clear(&tx->after);
        doc_merge(&tx->after, ret->old_body, spec->body, opts);
        if (tx->after.status != SF_OK)
            return fault_set(&ret->fault, FAULT_OUT_OF_MEMORY, NULL);
        body = sf_buf_str(&tx->after);
    }
    return update_row(tx, c, row, body, ret);
}

/* --------------------------------------------------------------------- calls */

static void start(struct doc_result *ret)
{
    fault_clear(&ret->fault);
    ret->key = ret->old_body = ret->new_body = SF_STR_EMPTY;
    ret->rev = ret->old_rev = 0;
    ret->is_unchanged = false;
}

/* An insert that found its key: what the mode says. */
static bool insert_on_hit(struct tx *tx, const struct cat_collection *c,
                          const struct doc_spec *spec, const struct doc_opts *opts,
                          const struct doc_row *row, struct doc_result *ret)
{
    switch (opts->mode) {
    case DOC_CONFLICT:
        ret->rev = row->rev;
        return fault_set(&ret->fault, FAULT_UNIQUE,
                         "unique constraint violated - in index primary of type primary "
                         "over '_key'; conflicting key: %" SF_STR_FMT,
                         SF_STR_ARG(ret->key));
    case DOC_IGNORE:
        ret->is_unchanged = true;
        ret->rev = row->rev;
        return true;
    case DOC_REPLACE:
    case DOC_UPDATE:
        break;
    }
    return change_row(tx, c, spec, opts, row, ret);
}

static bool insert_given(struct tx *tx, const struct cat_collection *c,
                         const struct doc_spec *spec, const struct doc_opts *opts,
                         struct doc_result *ret)
{
    struct ix_doc doc = { spec->key, spec->body };
    struct doc_row row = { 0, 0 };
    bool is_new = false, is_found = false;

    keep_key(ret, spec->key);
    if (!doc_note_key(tx, c, spec->key, &ret->fault))
        return false;
    sf_buf_clear(&tx->before);
    if (c->indexes_n > 0) { /* uniqueness must be checked in front of the write */
        if (!doc_find(tx->db, c->id, ret->key, &is_found, &row, &tx->before, &ret->fault))
            return false;
        if (is_found)
            return insert_on_hit(tx, c, spec, opts, &row, ret);
        if (!ix_check(tx, c, &doc, 0, &ret->fault))
            return false;
    }
    if (!insert_row(tx, c, spec->body, ret, &is_new) || is_new)
        return is_new && ret->fault.num == FAULT_NONE;
    return doc_find(tx->db, c->id, ret->key, &is_found, &row, &tx->before, &ret->fault) &&
           insert_on_hit(tx, c, spec, opts, &row, ret);
}

static bool insert_made(struct tx *tx, const struct cat_collection *c,
                        const struct doc_spec *spec, struct doc_result *ret)
{
    bool is_new = false;

    for (int i = 0; i < KEY_TRIES; i++) {
        struct ix_doc doc = { ret->key, spec->body };

        if (!doc_make_key(tx, c, ret))
            return false;
        doc.key = ret->key;
        if ((c->indexes_n > 0 && !ix_check(tx, c, &doc, 0, &ret->fault)) ||
            !insert_row(tx, c, spec->body, ret, &is_new))
            return false;
        if (is_new)
            return true;
    }
    return fault_set(&ret->fault, FAULT_BAD_KEY_GENERATOR, "out of keys");
}

bool doc_insert(struct tx *tx, const struct cat_collection *c,
                const struct doc_spec *spec, const struct doc_opts *opts,
                struct doc_result *ret)
{
    start(ret);
    if (!spec->is_object)
        return fault_set(&ret->fault, FAULT_BAD_TYPE, NULL);
    if (spec->key_kind != DOC_KEY_NONE && !check_key(spec, &ret->fault))
        return false;
    if (spec->key_kind != DOC_KEY_NONE && !c->may_give_keys)
        return fault_set(&ret->fault, FAULT_KEY_UNEXPECTED, NULL);
    /* a partial edge may stand for one that exists; then check_edge runs again */
    if (!check_edge(c, spec, false, &ret->fault))
        return false;
    return spec->key_kind == DOC_KEY_NONE ? insert_made(tx, c, spec, ret)
                                          : insert_given(tx, c, spec, opts, ret);
}

/* Find what spec->key names; FAULT_NO_DOCUMENT when it is not there. */
static bool find_own(struct tx *tx, const struct cat_collection *c,
                     const struct doc_spec *spec, struct doc_row *ret_row,
                     struct doc_result *ret)
{
    bool is_found;

    if (!check_key(spec, &ret->fault))
        return false;
    keep_key(ret, spec->key);
    sf_buf_clear(&tx->before);
    if (!doc_find(tx->db, c->id, ret->key, &is_found, ret_row, &tx->before, &ret->fault))
        return false;
    return is_found || fault_set(&ret->fault, FAULT_NO_DOCUMENT, NULL);
}

bool doc_modify(struct tx *tx, const struct cat_collection *c,
                const struct doc_spec *spec, const struct doc_opts *opts,
                struct doc_result *ret)
{
    struct doc_row row = { 0, 0 };

    start(ret);
    if (!spec->is_object)
        return fault_set(&ret->fault, FAULT_BAD_TYPE, NULL);
    return find_own(tx, c, spec, &row, ret) && change_row(tx, c, spec, opts, &row, ret);
}

static bool delete_row(struct tx *tx, const struct cat_collection *c, int64_t id,
                       const struct ix_doc *doc, struct fault *f)
{
    sqlite3_stmt *stmt;
    bool is_good;

    if (c->indexes_n > 0 && !ix_remove(tx, c, doc, id, f))
        return false;
    stmt = db_stmt(tx->db, DB_DOC_DELETE, c->id, f);
    if (!stmt)
        return false;
    (void)sqlite3_bind_int64(stmt, 1, id);
    is_good = db_step(tx->db, stmt, NULL, f);
    (void)sqlite3_reset(stmt);
    return is_good && add_count(tx, c, -1, f);
}

bool doc_remove(struct tx *tx, const struct cat_collection *c,
                const struct doc_spec *spec, const struct doc_opts *opts,
                struct doc_result *ret)
{
    struct doc_row row = { 0, 0 };
    struct ix_doc doc;

    start(ret);
    if (!find_own(tx, c, spec, &row, ret))
        return false;
    ret->rev = row.rev;
    ret->old_body = sf_buf_str(&tx->before);
    if (opts->does_check_rev && spec->rev.len > 0 && rev_parse(spec->rev) != row.rev)
        return fault_set(&ret->fault, FAULT_CONFLICT,
                         "conflict, _rev values do not match");
    doc = (struct ix_doc){ ret->key, ret->old_body };
    return delete_row(tx, c, row.id, &doc, &ret->fault);
}

bool doc_remove_row(struct tx *tx, const struct cat_collection *c, int64_t id,
                    struct fault *f)
{
    sqlite3_stmt *stmt = db_stmt(tx->db, DB_DOC_ROW, c->id, f);
    struct doc_result copy = { .key = SF_STR_EMPTY };
    struct ix_doc doc;
    bool has_row, is_good;

    if (!stmt)
        return false;
    (void)sqlite3_bind_int64(stmt, 1, id);
    is_good = db_step(tx->db, stmt, &has_row, f);
    if (is_good && has_row) {
        keep_key(&copy, db_col(stmt, 0));
        sf_buf_clear(&tx->before);
        sf_buf_add_str(&tx->before, db_col(stmt, 2));
    }
    (void)sqlite3_reset(stmt);
    if (!is_good || !has_row)
        return is_good;
    doc = (struct ix_doc){ copy.key, sf_buf_str(&tx->before) };
    return delete_row(tx, c, id, &doc, f);
}
