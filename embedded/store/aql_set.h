/* Values once each, in order of arrival: what DISTINCT, COLLECT and UNIQUE remember.
 * Equal is what compares as equal. All of it lives in an arena: nothing to free. */
#ifndef STORE_AQL_SET_H
#define STORE_AQL_SET_H

#include "arena.h"

struct aql_ordered {
    struct sf_str order; /* memcmp order, see val_order() */
};

struct aql_set_entry {
    struct aql_ordered key;
    uint64_t hash;
    struct aql_set_entry *next; /* in order of arrival */
    struct sf_str text;         /* the caller's */
    void *data;                 /* the caller's */
};

struct aql_set {
    struct arena *mem;
    struct aql_set_entry **table; /* of cap pointers, a power of two */
    size_t n, cap;
    struct aql_set_entry *first, *last;
};

void aql_set_init(struct aql_set *s, struct arena *mem);
/* The entry of what has @order, made when there is none. NULL: @mem has failed. */
struct aql_set_entry *aql_set_add(struct aql_set *s, struct sf_str order,
                                  bool *ret_is_new);
/* NULL: there is none. */
struct aql_set_entry *aql_set_find(const struct aql_set *s, struct sf_str order);

#endif
