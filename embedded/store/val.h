/* A value: a scalar, or a view of canonical text. Lends; any thread. */
#ifndef STORE_VAL_H
#define STORE_VAL_H

#include "js.h"
#include "num.h"

/* In ArangoDB's order of types: any value of a type is below any of the next. */
enum val_kind { VAL_NULL, VAL_BOOL, VAL_NUM, VAL_STRING, VAL_ARRAY, VAL_OBJECT };

struct val {
    enum val_kind kind;
    bool is_true;   /* VAL_BOOL */
    struct num num; /* VAL_NUM */
    /* VAL_STRING: canonical, no quotes; array, object: the text; number: the same, or
     * empty when it was computed. */
    struct sf_str raw;
};

/* Read one canonical value. */
struct val val_from(struct sf_str text);
struct val val_null(void);
struct val val_bool(bool b);
struct val val_num(struct num n);
struct val val_string(struct sf_str raw);
/* A member of an object by canonical name; null when there is none or it is no object. */
struct val val_member(struct val v, struct sf_str name);

void val_add(struct sf_buf *out, struct val v); /* its canonical text */
/* ArangoDB's total order: <0, 0, >0. Objects compare by attribute, a missing one as null.
 */
int val_cmp(struct val a, struct val b);
bool val_is_true(struct val v); /* AQL's TO_BOOL */

/* Append bytes whose memcmp order is val_cmp's; no encoding is a prefix of another. */
void val_order(struct sf_buf *out, struct val v);
/* Complement what was appended from @at on: descending order. */
void val_order_invert(struct sf_buf *out, size_t at);

const char *val_type_name(struct val v); /* "number", as AQL's TYPENAME */

#endif
