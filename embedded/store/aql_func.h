/* AQL's functions: one row each. Arguments come evaluated; what has no sense gives null,
 * with a warning where ArangoDB warns. */
#ifndef STORE_AQL_FUNC_H
#define STORE_AQL_FUNC_H

#include "aql_eval.h"

#define AQL_ANY_N 64 /* arguments, where AQL has no limit */

/* name, fewest and most arguments, function; by name */
/* clang-format off */
#define AQL_FUNCTION_MAP(X) \
    X(ABS, 1, 1, aql_fn_abs)                        \
    X(APPEND, 2, 3, aql_fn_append)                  \
    X(ATTRIBUTES, 1, 1, aql_fn_attributes)          \
    X(AVERAGE, 1, 1, aql_fn_average)                \
    X(AVG, 1, 1, aql_fn_average)                    \
    X(CEIL, 1, 1, aql_fn_ceil)                      \
    X(CONCAT, 1, AQL_ANY_N, aql_fn_concat)          \
    X(CONTAINS, 2, 2, aql_fn_contains)              \
    X(CONTAINS_ARRAY, 2, 3, aql_fn_position)        \
    X(COUNT, 1, 1, aql_fn_length)                   \
    X(COUNT_DISTINCT, 1, 1, aql_fn_count_distinct)  \
    X(COUNT_UNIQUE, 1, 1, aql_fn_count_distinct)    \
    X(DATE_ISO8601, 1, 1, aql_fn_date_iso8601)      \
    X(DATE_NOW, 0, 0, aql_fn_date_now)              \
    X(DATE_TIMESTAMP, 1, 1, aql_fn_date_timestamp)  \
    X(FIRST, 1, 1, aql_fn_first)                    \
    X(FLATTEN, 1, 2, aql_fn_flatten)                \
    X(FLOOR, 1, 1, aql_fn_floor)                    \
    X(HAS, 2, 2, aql_fn_has)                        \
    X(INTERSECTION, 2, AQL_ANY_N, aql_fn_intersection)\
    X(IS_ARRAY, 1, 1, aql_fn_is_array)              \
    X(IS_BOOL, 1, 1, aql_fn_is_bool)                \
    X(IS_DOCUMENT, 1, 1, aql_fn_is_object)          \
    X(IS_LIST, 1, 1, aql_fn_is_array)               \
    X(IS_NULL, 1, 1, aql_fn_is_null)                \
    X(IS_NUMBER, 1, 1, aql_fn_is_number)            \
    X(IS_OBJECT, 1, 1, aql_fn_is_object)            \
    X(IS_STRING, 1, 1, aql_fn_is_string)            \
    X(KEEP, 2, AQL_ANY_N, aql_fn_keep)              \
    X(KEYS, 1, 1, aql_fn_attributes)                \
    X(LAST, 1, 1, aql_fn_last)                      \
    X(LENGTH, 1, 1, aql_fn_length)                  \
    X(LOWER, 1, 1, aql_fn_lower)                    \
    X(MAX, 1, 1, aql_fn_max)                        \
    X(MERGE, 1, AQL_ANY_N, aql_fn_merge)            \
    X(MIN, 1, 1, aql_fn_min)                        \
    X(MINUS, 2, AQL_ANY_N, aql_fn_minus)            \
    X(NOT_NULL, 1, AQL_ANY_N, aql_fn_not_null)      \
    X(NTH, 2, 2, aql_fn_nth)                        \
    X(POSITION, 2, 3, aql_fn_position)              \
    X(PUSH, 2, 3, aql_fn_push)                      \
    X(RANGE, 2, 3, aql_fn_range)                    \
    X(REVERSE, 1, 1, aql_fn_reverse)                \
    X(ROUND, 1, 1, aql_fn_round)                    \
    X(SLICE, 2, 3, aql_fn_slice)                    \
    X(SORTED, 1, 1, aql_fn_sorted)                  \
    X(SORTED_UNIQUE, 1, 1, aql_fn_sorted_unique)    \
    X(STARTS_WITH, 2, 2, aql_fn_starts_with)        \
    X(SUM, 1, 1, aql_fn_sum)                        \
    X(TO_ARRAY, 1, 1, aql_fn_to_array)              \
    X(TO_BOOL, 1, 1, aql_fn_to_bool)                \
    X(TO_LIST, 1, 1, aql_fn_to_array)               \
    X(TO_NUMBER, 1, 1, aql_fn_to_number)            \
    X(TO_STRING, 1, 1, aql_fn_to_string)            \
    X(TYPENAME, 1, 1, aql_fn_typename)              \
    X(UNION, 2, AQL_ANY_N, aql_fn_union)            \
    X(UNION_DISTINCT, 2, AQL_ANY_N, aql_fn_union_distinct)\
    X(UNIQUE, 1, 1, aql_fn_unique)                  \
    X(UNSET, 2, AQL_ANY_N, aql_fn_unset)            \
    X(UPPER, 1, 1, aql_fn_upper)                    \
    X(VALUES, 1, 2, aql_fn_values)                  \
    X(ZIP, 2, 2, aql_fn_zip)
/* clang-format on */

#define AQL_FUNCTION_DECLARE(name, min, max, fn) \
    struct val fn(struct aql_eval *e, const struct val *a, size_t n);
AQL_FUNCTION_MAP(AQL_FUNCTION_DECLARE)
#undef AQL_FUNCTION_DECLARE

#endif
