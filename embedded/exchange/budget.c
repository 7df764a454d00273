#include "budget.h"

void budget_init(struct budget *b, int64_t weight_limit)
{
    *b = (struct budget){ .weight_limit = weight_limit, .ban_ms = BUDGET_BAN_MS };
}

void budget_ban(struct budget *b, int64_t ms, int64_t now_ms)
{
    if (now_ms + ms > b->banned_until_ms)
        b->banned_until_ms = now_ms + ms;
}

int budget_take(struct budget *b, int64_t weight, int64_t now_ms, int64_t *ret_wait_ms)
{
    int64_t window = now_ms / BUDGET_WINDOW_MS,
            raw_window = now_ms / BUDGET_RAW_WINDOW_MS;

    if (window != b->window) {
        b->window = window;
        b->used = 0;
        b->refused_n = 0;
    }
    if (raw_window != b->raw_window) {
        b->raw_window = raw_window;
        b->requests = 0;
    }
    b->used += weight;
    b->requests++;
    if (now_ms < b->banned_until_ms) {
        *ret_wait_ms = b->banned_until_ms - now_ms;
        return 418;
    }
    if (b->used <= b->weight_limit && b->requests <= BUDGET_RAW_LIMIT)
        return 200;
    if (++b->refused_n > BUDGET_PATIENCE) {
        budget_ban(b, b->ban_ms, now_ms);
        *ret_wait_ms = b->ban_ms;
        b->ban_ms = b->ban_ms * 2 < BUDGET_BAN_MAX_MS ? b->ban_ms * 2 : BUDGET_BAN_MAX_MS;
        return 418;
    }
    *ret_wait_ms = b->requests > BUDGET_RAW_LIMIT
                       ? (raw_window + 1) * BUDGET_RAW_WINDOW_MS - now_ms
                       : (window + 1) * BUDGET_WINDOW_MS - now_ms;
    return 429;
}
