/* One copy of each document from put to confirmation: the request body itself. A retry of
 * some of them closes the gaps that the others leave, so that the body is again "[a,b".
 */
#include "arango_internal.h"

#include <stdlib.h>

enum sf_status arango_batch_init(struct arango_batch *b, size_t docs_max,
                                 size_t bytes_max, struct sf_error *err)
{
    *b = (struct arango_batch){ .docs_max = docs_max, .bytes_max = bytes_max };
    b->docs = calloc(docs_max, sizeof(*b->docs));
    b->p = malloc(bytes_max);
    if (!b->docs || !b->p) {
        arango_batch_release(b);
        return sf_error_set(err, SF_ENOMEM, "no memory for a batch of %zu bytes",
                            bytes_max);
    }
    b->cap = bytes_max;
    return SF_OK;
}

void arango_batch_release(struct arango_batch *b)
{
    free(b->p);
    free(b->docs);
    *b = (struct arango_batch){ 0 };
}

/* False: no memory, nothing changed. */
static bool resize(struct arango_batch *b, size_t cap)
{
    char *p = realloc(b->p, cap);

    if (p) {
        b->p = p;
        b->cap = cap;
    }
    return p != NULL;
}

void arango_batch_trim(struct arango_batch *b)
{
    if (b->n == 0 && b->cap > b->bytes_max)
        (void)resize(b, b->bytes_max); /* shrinking; on failure it stays large */
}

enum sf_status arango_batch_put(struct arango_batch *b, struct sf_str doc, uint64_t tag,
                                uint32_t key_hash)
{
    size_t more = 1 + doc.len; /* '[' or ',' in front */

    if (doc.len > ARANGO_DOC_MAX)
        return SF_ETOOBIG;
    if (b->n == b->docs_max || (b->cap - b->len < more + 1 && b->n > 0))
        return SF_EFULL;
    if (b->cap - b->len < more + 1 && !resize(b, more + 1))
        return SF_ENOMEM;
    b->p[b->len] = b->n == 0 ? '[' : ',';
    memcpy(b->p + b->len + 1, doc.p, doc.len);
    b->len += more;
    b->docs[b->n++] = (struct arango_doc){ tag, (uint32_t)doc.len, key_hash };
    return SF_OK;
}

/* Bytes up to the end of document @n - 1. */
static size_t end_of(const struct arango_batch *b, size_t n)
{
    size_t end = 0;

    if (n == b->n)
        return b->len;
    for (size_t i = 0; i < n; i++)
        end += 1 + b->docs[i].len;
    return end;
}

struct sf_str arango_batch_close(struct arango_batch *b, size_t n)
{
    size_t end = end_of(b, n);

    b->p[end] = ']';
    return sf_str_make(b->p, end + 1);
}

void arango_batch_open(struct arango_batch *b, size_t n)
{
    if (n < b->n)
        b->p[end_of(b, n)] = ',';
}

/* ------------------------------------------------------------------------- walking */

void arango_walk_begin(struct arango_walk *walk, struct arango_batch *b)
{
    *walk = (struct arango_walk){ .b = b };
}

void arango_walk_next(struct arango_walk *walk)
{
    walk->entry = walk->b->docs[walk->i++];
    walk->doc = sf_str_make(walk->b->p + walk->from + 1, walk->entry.len);
    walk->from += 1 + walk->doc.len;
}

void arango_walk_keep(struct arango_walk *walk)
{
    struct arango_batch *b = walk->b;

    b->p[walk->to] = walk->kept == 0 ? '[' : ',';
    memmove(b->p + walk->to + 1, walk->doc.p, walk->doc.len);
    walk->to += 1 + walk->doc.len;
    b->docs[walk->kept++] = walk->entry;
}

/* What was not walked is kept, moved as one piece. */
void arango_walk_end(struct arango_walk *walk)
{
    struct arango_batch *b = walk->b;
    size_t left = b->len - walk->from;

    if (left > 0) {
        memmove(b->p + walk->to, b->p + walk->from, left);
        b->p[walk->to] = walk->kept == 0 ? '[' : ',';
        memmove(b->docs + walk->kept, b->docs + walk->i,
                (b->n - walk->i) * sizeof(*b->docs));
    }
    b->n = walk->kept + (b->n - walk->i);
    b->len = walk->to + left;
}
