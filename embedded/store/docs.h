/* The documents in a request's body: parsed once, in canonical form, ready to be stored.
 *
 * One pass over the body and no tree; all text lies in two growing buffers. */
#ifndef STORE_DOCS_H
#define STORE_DOCS_H

#include "doc.h"

struct docs_item; /* where a document lies in the buffers */

struct docs {
    struct sf_buf text; /* bodies, one behind the other */
    struct sf_buf side; /* what was taken out of them: _key, _id, _rev */
    struct docs_item *items;
    size_t n, cap;
    bool is_array; /* the body was an array */
};

/* NULL: out of memory. */
struct docs *docs_create(size_t max_bytes);
void docs_destroy(void *docs); /* NULL is fine */

/* Parse @text as one document or an array of them. False: *ret_why says what is wrong
 * (NULL: out of memory), as ArangoDB's parser says it. */
bool docs_parse(struct docs *d, struct sf_str text, const char **ret_why);
/* Parse @text as one more document. On false nothing was added. */
bool docs_add(struct docs *d, struct sf_str text, const char **ret_why);
void docs_drop_last(struct docs *d);

/* The @i th; views into @d. A string is taken as a key or "collection/key". */
void docs_get(const struct docs *d, size_t i, struct doc_spec *ret);
/* The same when it only names a document: the key may come from its _id. */
void docs_get_ref(const struct docs *d, size_t i, struct doc_spec *ret);
/* The document as it was given, canonical, in front of @max bytes: for messages. */
void docs_add_given(const struct docs *d, size_t i, struct sf_buf *out, size_t max);

#endif
