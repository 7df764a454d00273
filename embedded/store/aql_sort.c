#include "aql_sort.h"

#include <string.h>

#define ASK_EVERY 4096 /* items between two questions whether to go on */

static int compare(const struct aql_ordered *a, const struct aql_ordered *b)
{
    size_t n = a->order.len < b->order.len ? a->order.len : b->order.len;
    int order = n > 0 ? memcmp(a->order.p, b->order.p, n) : 0;

    if (order != 0)
        return order;
    return a->order.len < b->order.len ? -1 : a->order.len > b->order.len;
}

/* Two sorted runs of @from, [low, middle) and [middle, high), to one of @to. */
static bool merge(struct aql_eval *e, struct aql_ordered **from, struct aql_ordered **to,
                  size_t low, size_t middle, size_t high)
{
    size_t a = low, b = middle;

    for (size_t i = low; i < high; i++) {
        bool is_left = b == high || (a < middle && compare(from[a], from[b]) <= 0);

        if (i % ASK_EVERY == 0 && !aql_is_going_on(e))
            return false;
        to[i] = is_left ? from[a++] : from[b++];
    }
    return true;
}

bool aql_sort(struct aql_eval *e, struct arena *mem, struct aql_ordered **items, size_t n,
              struct aql_ordered ***ret)
{
    struct aql_ordered **other = arena_alloc(mem, n * sizeof(struct aql_ordered *) + 1);

    if (!other)
        return budget_fault(e->memory, e->f);
    for (size_t width = 1; width < n; width *= 2) {
        struct aql_ordered **swap = items;

        for (size_t low = 0; low < n; low += 2 * width) {
            size_t middle = n - low > width ? low + width : n;
            size_t high = n - low > 2 * width ? low + 2 * width : n;

            if (!merge(e, items, other, low, middle, high))
                return false;
        }
        items = other;
        other = swap;
    }
    *ret = items;
    return true;
}

bool aql_set_sort(const struct aql_set *s, struct aql_eval *e, struct arena *mem,
                  struct aql_ordered ***ret)
{
    struct aql_ordered **items =
        arena_alloc(mem, s->n * sizeof(struct aql_ordered *) + 1);
    size_t n = 0;

    if (!items)
        return budget_fault(e->memory, e->f);
    for (struct aql_set_entry *entry = s->first; entry; entry = entry->next)
        items[n++] = &entry->key;
    return aql_sort(e, mem, items, n, ret);
}
