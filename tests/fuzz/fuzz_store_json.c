/* Any bytes as JSON for the store: refused with what was expected, or canonical text,
 * which is its own canonical text; a walk over it finds all of it; its value equals
 * itself, and the bytes of its order say so too. As base 64: what is decoded and encoded
 * again is decoded to the same. */
#include "embedded/store/base64.h"
#include "embedded/store/val.h"

#include <stdlib.h>
#include <string.h>

#define MAX_BYTES ((size_t)1 << 26)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool is_so)
{
    if (!is_so)
        abort();
}

static bool is_container(struct sf_str s)
{
    return s.len > 0 && (s.p[0] == '[' || s.p[0] == '{');
}

static void check_walk(struct sf_str container)
{
    size_t n = 0, bytes = 2;
    struct js_it it;

    js_it_init(&it, container);
    while (js_it_next(&it)) {
        must(it.value.len > 0 && js_skip(it.value.p) == it.value.p + it.value.len);
        bytes += it.value.len + (it.is_object ? it.name.len + 3 : 0) + (n > 0);
        n++;
    }
    must(n == js_count(container) && bytes == container.len);
}

static void check_value(struct sf_str text)
{
    struct val v = val_from(text);
    struct sf_buf printed, order, order_again;

    sf_buf_init(&printed, MAX_BYTES);
    sf_buf_init(&order, MAX_BYTES);
    sf_buf_init(&order_again, MAX_BYTES);
    val_add(&printed, v);
    must(sf_str_eq(sf_buf_str(&printed), text));
    must(val_cmp(v, v) == 0);
    val_order(&order, v);
    val_order(&order_again, val_from(sf_buf_str(&printed)));
    must(order.status == SF_OK &&
         sf_str_eq(sf_buf_str(&order), sf_buf_str(&order_again)));
    sf_buf_release(&printed);
    sf_buf_release(&order);
    sf_buf_release(&order_again);
}

static void check_json(struct sf_str in)
{
    struct sf_buf first, again;
    const char *why = NULL;

    sf_buf_init(&first, MAX_BYTES);
    sf_buf_init(&again, MAX_BYTES);
    if (js_canon(in, &first, &why)) {
        struct sf_str text = sf_buf_str(&first);

        must(text.len > 0);
        must(js_canon(text, &again, &why) && sf_str_eq(sf_buf_str(&again), text));
        if (is_container(text))
            check_walk(text);
        check_value(text);
    } else {
        must(why && why[0] && first.len == 0);
    }
    sf_buf_release(&first);
    sf_buf_release(&again);
}

static void check_base64(struct sf_str in)
{
    struct sf_buf bytes, text, again;

    sf_buf_init(&bytes, MAX_BYTES);
    sf_buf_init(&text, MAX_BYTES);
    sf_buf_init(&again, MAX_BYTES);
    if (base64_decode(in, &bytes)) {
        base64_add_url(&text, sf_buf_str(&bytes));
        must(base64_decode(sf_buf_str(&text), &again));
        must(sf_str_eq(sf_buf_str(&bytes), sf_buf_str(&again)));
    }
    sf_buf_release(&bytes);
    sf_buf_release(&text);
    sf_buf_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sf_str in = sf_str_make((const char *)data, size);

    check_json(in);
    check_base64(in);
    return 0;
}
