#include "candle_page.h"

int64_t sf_interval_ceil(const struct sf_interval *iv, int64_t time_ms)
{
    int64_t open = sf_interval_floor(iv, time_ms);

    return open == time_ms ? open : sf_interval_add(iv, open, 1);
}

static enum sf_status check_order(const struct sf_page_ask *ask,
                                  const struct sf_candle *rows, size_t n,
                                  struct sf_error *err)
{
    for (size_t i = 0; i < n; i++) {
        int64_t open = rows[i].open_time;

        if (open < ask->from || open >= ask->to)
            return sf_error_set(
                err, SF_EPROTO, "row %zu: open_time %lld is outside of [%lld, %lld)", i,
                (long long)open, (long long)ask->from, (long long)ask->to);
        if (i > 0 && open < rows[i - 1].open_time)
            return sf_error_set(err, SF_EPROTO, "row %zu: open_time %lld goes back", i,
                                (long long)open);
    }
    return SF_OK;
}

/* Keep one row of each open_time; returns how many stay. */
static size_t drop_duplicates(struct sf_candle *rows, size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        if (kept > 0 && rows[kept - 1].open_time == rows[i].open_time) {
            if (rows[i].trades >= rows[kept - 1].trades)
                rows[kept - 1] = rows[i];
            continue;
        }
        rows[kept++] = rows[i];
    }
    return kept;
}

/* Is an open time of [@expected, @to) missing among @rows? */
static bool has_holes(const struct sf_interval *iv, const struct sf_candle *rows,
                      size_t n, int64_t expected, int64_t to)
{
    for (size_t i = 0; i < n; i++) {
        int64_t slot = sf_interval_floor(iv, rows[i].open_time);

        if (slot > expected)
            return true;
        expected = sf_interval_add(iv, slot, 1);
    }
    return expected < to;
}

enum sf_status sf_page_judge(const struct sf_page_ask *ask, struct sf_candle *rows,
                             size_t n, struct sf_page_verdict *ret, struct sf_error *err)
{
    struct sf_page_verdict v = { .is_complete = n < ask->limit };
    enum sf_status status = check_order(ask, rows, n, err);
    size_t kept;

    if (status != SF_OK)
        return status;
    kept = drop_duplicates(rows, n);
    v.duplicates_n = n - kept;
    if (!v.is_complete && kept > 0) {
        int64_t last = rows[kept - 1].open_time;

        v.is_complete =
            v.duplicates_n == 0 && sf_interval_ceil(ask->interval, last + 1) >= ask->to;
        v.next_from = last + 1;
        if (!v.is_complete && v.duplicates_n > 0 && kept > 1) {
            kept--;
            v.next_from = last;
        }
        v.is_complete = v.is_complete || v.next_from >= ask->to;
    }
    while (kept > 0 && rows[kept - 1].close_time >= ask->closed_before) {
        kept--;
        v.running_n++;
    }
    v.rows_n = kept;
    v.has_holes = has_holes(
        ask->interval, rows, kept, sf_interval_ceil(ask->interval, ask->from),
        v.is_complete ? ask->to : sf_interval_floor(ask->interval, v.next_from));
    *ret = v;
    return SF_OK;
}
