/* Any bytes as an answer of ArangoDB: verdict, items, error text, token. */
#include "libsf/src/arango_internal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk_items(struct sf_str body)
{
    struct arango_items it;
    struct arango_verdict v;
    struct sf_buf text;
    size_t n = 0, seen = 0;

    if (arango_items_count(body, &n, NULL) != SF_OK)
        return;
    sf_buf_init(&text, 4096);
    arango_items_begin(&it, body);
    while (arango_items_next(&it, &v)) {
        seen++;
        sf_buf_clear(&text);
        (void)!sf_scan_unescape(v.text, &text, NULL);
    }
    sf_buf_release(&text);
    if (seen != n) /* a document without a result would be lost */
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = { 200, 202, 400, 401, 403, 404, 413, 500, 503 };
    struct sf_str body = sf_str_make((const char *)data, size);
    struct arango_verdict v;
    struct sf_error err = { 0 };

    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        arango_judge(statuses[i], body, size % 2 == 1, &v);
        (void)arango_verdict_error(&v, "fuzz", SF_EIO, &err);
        err = (struct sf_error){ 0 };
    }
    walk_items(body);
    (void)arango_jwt_lifetime_s(body, 1700000000);
    return 0;
}
