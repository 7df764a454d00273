/* How much memory queries may have: each of them, and all together.
 *
 * What is counted is what was allocated, in chunks, not every object. */
#ifndef STORE_BUDGET_H
#define STORE_BUDGET_H

#include "fault.h"

#include <stdatomic.h>
#include <stddef.h>

/* Of all queries and of the results that wait in cursors. Any thread. */
struct budget_total {
    atomic_size_t used_bytes;
    size_t max_bytes; /* 0: no limit */
};

/* Of one query or cursor. One thread at a time. */
struct budget {
    struct budget_total *total; /* may be NULL */
    size_t max_bytes;           /* 0: no limit of its own */
    size_t used_bytes, peak_bytes;
    bool is_total_full; /* the last refusal was not for its own limit */
};

/* False: over a limit; nothing was taken. */
bool budget_take(struct budget *b, size_t n);
void budget_give(struct budget *b, size_t n);
/* The fault after a refusal. Returns false. */
bool budget_fault(const struct budget *b, struct fault *f);

/* Bytes that this process may use: the machine's, or those of its control group. */
size_t budget_machine_bytes(void);

#endif
