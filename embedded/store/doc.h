/* Documents: insert, replace, update, remove, with ArangoDB's rules.
 *
 * All checks of one document come before its first write, so a refused one leaves no
 * trace and its neighbours go on. Writer thread only, but for doc_find. */
#ifndef STORE_DOC_H
#define STORE_DOC_H

#include "ix.h"

enum doc_key { DOC_KEY_NONE, DOC_KEY_TEXT, DOC_KEY_BAD };

/* What a client sent for one document. All text is canonical, strings without quotes. */
struct doc_spec {
    bool is_object;
    enum doc_key key_kind;
    struct sf_str key, rev;
    struct sf_str body;     /* object without _key, _id, _rev */
    struct sf_str from, to; /* empty: missing or no string */
};

enum doc_mode { DOC_CONFLICT, DOC_IGNORE, DOC_REPLACE, DOC_UPDATE };

struct doc_opts {
    enum doc_mode mode; /* what an insert does with a key that is there */
    bool does_keep_null, does_merge;
    bool does_check_rev;
    struct sf_str version_attribute; /* empty: none */
};

/* Views are valid until the next call with this tx. */
struct doc_result {
    struct fault fault;
    struct sf_str key;
    uint64_t rev;
    uint64_t old_rev;  /* 0: there was none */
    bool is_unchanged; /* ignored, or an older version: nothing was written */
    struct sf_str old_body, new_body; /* new_body: empty when unchanged by `ignore` */
    char key_bytes[256];
};

bool doc_insert(struct tx *tx, const struct cat_collection *c,
                const struct doc_spec *spec, const struct doc_opts *opts,
                struct doc_result *ret);
/* Replace (opts->mode DOC_REPLACE) or update (DOC_UPDATE) the document spec->key. */
bool doc_modify(struct tx *tx, const struct cat_collection *c,
                const struct doc_spec *spec, const struct doc_opts *opts,
                struct doc_result *ret);
bool doc_remove(struct tx *tx, const struct cat_collection *c,
                const struct doc_spec *spec, const struct doc_opts *opts,
                struct doc_result *ret);
/* Remove by row number, whatever its state. */
bool doc_remove_row(struct tx *tx, const struct cat_collection *c, int64_t id,
                    struct fault *f);

struct doc_row {
    int64_t id;
    uint64_t rev;
};
/* Look a key up. *ret_found; the body is appended to @body when it is not NULL. */
bool doc_find(struct db *db, uint64_t collection, struct sf_str key, bool *ret_found,
              struct doc_row *ret_row, struct sf_buf *body, struct fault *f);

/* The whole document as clients see it: {"_key":..,"_id":..,"_rev":..,...}. */
void doc_add_full(struct sf_buf *out, struct sf_str collection, struct sf_str key,
                  uint64_t rev, struct sf_str body);

/* "_key" that is new in this collection. */
bool doc_make_key(struct tx *tx, const struct cat_collection *c, struct doc_result *ret);
/* A key that the client gave: automatic numbers must stay above it. */
bool doc_note_key(struct tx *tx, const struct cat_collection *c, struct sf_str key,
                  struct fault *f);

/* @old with @patch merged in, as opts say. */
void doc_merge(struct sf_buf *out, struct sf_str old, struct sf_str patch,
               const struct doc_opts *opts);

#endif
