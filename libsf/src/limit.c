#include <sf/limit.h>

void sf_limit_init(struct sf_limit *l, int64_t limit, int64_t window_us,
                   int64_t share_percent)
{
    *l = (struct sf_limit){
        .limit = limit,
        .window_us = window_us,
        .share_percent = share_percent,
    };
}

void sf_limit_publish(struct sf_limit *l, int64_t limit, int64_t window_us)
{
    if (window_us != l->window_us)
        l->window_end_us =
            0; /* what was used counts on, for a window of the new length */
    l->limit = limit;
    l->window_us = window_us;
}

/* A window that ended took what was used with it; until an answer tells, the next one is
 * taken to end a whole window later. */
static void roll(struct sf_limit *l, int64_t now_us)
{
    if (l->window_end_us == 0) {
        l->window_end_us = now_us + l->window_us;
    } else if (now_us >= l->window_end_us) {
        l->used = 0;
        l->window_end_us = now_us + l->window_us;
    }
}

int64_t sf_limit_take(struct sf_limit *l, int64_t weight, int64_t now_us)
{
    int64_t share = l->limit * l->share_percent / 100;
    bool is_alone;

    if (now_us < l->blocked_until_us)
        return l->blocked_until_us - now_us;
    roll(l, now_us);
    is_alone = l->used == 0 && l->in_flight == 0;
    if (!is_alone && l->used + l->in_flight + weight > share)
        return l->window_end_us > now_us ? l->window_end_us - now_us : 1;
    l->in_flight += weight;
    return 0;
}

void sf_limit_answer(struct sf_limit *l, int64_t weight, int64_t used,
                     int64_t to_window_end_us, int64_t now_us)
{
    l->in_flight -= weight;
    roll(l, now_us);
    if (used < 0) {
        l->used += weight;
        return;
    }
    /* Answers may overtake one another inside a window: the higher count is the later
     * one. */
    if (used > l->used || now_us + to_window_end_us > l->window_end_us + l->window_us / 2)
        l->used = used;
    l->window_end_us = now_us + to_window_end_us;
}

void sf_limit_block(struct sf_limit *l, int64_t wait_us, int64_t now_us)
{
    if (now_us + wait_us > l->blocked_until_us)
        l->blocked_until_us = now_us + wait_us;
}
