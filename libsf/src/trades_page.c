#include "trades_page.h"

static enum sf_status check_order(int64_t from, const struct sf_trade *rows, size_t n,
                                  struct sf_error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i].id < from)
            return sf_error_set(err, SF_EPROTO, "row %zu: id %lld, asked for %lld and up",
                                i, (long long)rows[i].id, (long long)from);
        if (i > 0 && rows[i].id < rows[i - 1].id)
            return sf_error_set(err, SF_EPROTO, "row %zu: id %lld goes back", i,
                                (long long)rows[i].id);
    }
    return SF_OK;
}

enum sf_status trades_page_judge(int64_t from, int64_t to, struct sf_trade *rows,
                                 size_t n, struct trades_verdict *ret,
                                 struct sf_error *err)
{
    struct trades_verdict v = { .missing = to, .next = to };
    enum sf_status status = check_order(from, rows, n, err);
    int64_t expected = from;

    if (status != SF_OK)
        return status;
    for (size_t i = 0; i < n; i++) {
        if (rows[i].id >= to) {
            v.next = rows[i].id;
            break;
        }
        if (rows[i].id < expected) {
            v.duplicates_n++;
            continue;
        }
        if (rows[i].id > expected && v.missing == to)
            v.missing = expected;
        expected = rows[i].id + 1;
        rows[v.rows_n++] = rows[i];
    }
    if (expected < to && v.missing == to)
        v.missing = expected;
    *ret = v;
    return SF_OK;
}
