#include "budget.h"

#include <uv.h>

static bool take_total(struct budget_total *total, size_t n)
{
    size_t before = atomic_fetch_add(&total->used_bytes, n);

    if (total->max_bytes == 0 ||
        (n <= total->max_bytes && before <= total->max_bytes - n))
        return true;
    (void)atomic_fetch_sub(&total->used_bytes, n);
    return false;
}

bool budget_take(struct budget *b, size_t n)
{
    b->is_total_full = false;
    if (b->max_bytes > 0 && (n > b->max_bytes || b->used_bytes > b->max_bytes - n))
        return false;
    if (b->total && !take_total(b->total, n)) {
        b->is_total_full = true;
        return false;
    }
    b->used_bytes += n;
    if (b->used_bytes > b->peak_bytes)
        b->peak_bytes = b->used_bytes;
    return true;
}

void budget_give(struct budget *b, size_t n)
{
    b->used_bytes -= n;
    if (b->total)
        (void)atomic_fetch_sub(&b->total->used_bytes, n);
}

bool budget_fault(const struct budget *b, struct fault *f)
{
    return fault_set(f, FAULT_RESOURCE_LIMIT,
                     b->is_total_full ? "global memory limit exceeded"
                                      : "query would use more memory than allowed");
}

size_t budget_machine_bytes(void)
{
    uint64_t all = uv_get_total_memory(), own = uv_get_constrained_memory();

    return (size_t)(own > 0 && own < all ? own : all);
}
