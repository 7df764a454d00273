/* Secondary indexes: a table of (encoded values, document row) for each, kept by us, so
 * that order, arrays and uniqueness are ArangoDB's. */
#ifndef STORE_IX_H
#define STORE_IX_H

#include "tx.h"
#include "val.h"

/* A document as it is stored. */
struct ix_doc {
    struct sf_str key;  /* canonical text without quotes */
    struct sf_str body; /* canonical object without _key, _id, _rev */
};

/* The value at @path, [*] not followed; null where there is none. */
struct val ix_value(const struct cat_path *path, const struct ix_doc *doc);

/* Call @fn for each encoded entry that @doc has in @x. @work is scratch. False: @fn said
 * so, or out of memory (@f is set). */
typedef bool (*ix_entry_fn)(void *arg, struct sf_str entry);
bool ix_each(const struct cat_index *x, const struct ix_doc *doc, struct sf_buf *work,
             ix_entry_fn fn, void *arg, struct fault *f);

/* No unique index of @c has an entry of @doc for another row than @own_id (0: new).
 * Fault: FAULT_UNIQUE. */
bool ix_check(struct tx *tx, const struct cat_collection *c, const struct ix_doc *doc,
              int64_t own_id, struct fault *f);
bool ix_add(struct tx *tx, const struct cat_collection *c, const struct ix_doc *doc,
            int64_t id, struct fault *f);
bool ix_remove(struct tx *tx, const struct cat_collection *c, const struct ix_doc *doc,
               int64_t id, struct fault *f);
/* One index only: for filling a new one. */
bool ix_add_one(struct tx *tx, const struct cat_collection *c, const struct cat_index *x,
                const struct ix_doc *doc, int64_t id, struct fault *f);

/* "'a, b'" for messages. */
void ix_add_fields(struct sf_buf *out, const struct cat_index *x);

#endif
