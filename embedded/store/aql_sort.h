/* Order of rows and values. */
#ifndef STORE_AQL_SORT_H
#define STORE_AQL_SORT_H

#include "aql_eval.h"
#include "aql_set.h"

/* Sort @items, stable; *ret is @items or another array, in @mem. False: e->f. */
bool aql_sort(struct aql_eval *e, struct arena *mem, struct aql_ordered **items, size_t n,
              struct aql_ordered ***ret);
/* The entries of a set, in @mem. False: e->f. */
bool aql_set_sort(const struct aql_set *s, struct aql_eval *e, struct arena *mem,
                  struct aql_ordered ***ret);

#endif
