/* Any value of a topic as a record of each kind: refused with a reason and nothing left
 * behind, or a document that is JSON with every number a decimal as it was sent.
 * Control records see the same bytes. */
#include <sf/record.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool is_true)
{
    if (!is_true)
        abort();
}

static bool is_json_object(struct sf_str text)
{
    struct sf_scan s;

    sf_scan_init(&s, text);
    return sf_scan_next(&s) == SF_TOK_OBJECT && sf_scan_skip(&s) &&
           sf_scan_next(&s) == SF_TOK_END;
}

static void check_record(struct sf_str value, enum sf_kind kind,
                         enum sf_decimals decimals)
{
    struct sf_record_head head = { .position = -7 }, short_head;
    struct sf_error err = { 0 };
    struct sf_buf b;
    enum sf_status status;

    sf_buf_init(&b, 1 << 20);
    sf_buf_add_lit(&b, "before");
    status = sf_record_to_doc(value, kind, decimals, &b, &head, &err);
    must(b.status == SF_OK && memcmp(b.p, "before", 6) == 0);
    if (status != SF_OK) {
        must(b.len == 6 && head.position == -7 && err.text[0]);
    } else {
        must(is_json_object(sf_str_make(b.p + 6, b.len - 6)));
        must(head.key.len > 0 && head.symbol.len > 0);
        must(sf_record_head(value, kind, &short_head, &err) == SF_OK);
        must(sf_str_eq(short_head.key, head.key) && short_head.run == head.run);
        must(short_head.position == head.position);
    }
    sf_buf_release(&b);
}

static void check_control(struct sf_str json)
{
    struct sf_error err = { 0 };
    struct sf_end end, again;
    struct sf_buf b;

    sf_buf_init(&b, 1 << 20);
    if (sf_record_end_parse(json, &end, &err) == SF_OK) {
        sf_record_end(&b, &end);
        must(sf_record_end_parse(sf_buf_str(&b), &again, NULL) == SF_OK);
        must(end.records == again.records && end.last == again.last);
        must(end.first == again.first);
    }
    sf_buf_clear(&b);
    if (sf_record_ledger_doc(json, &b, &err) == SF_OK)
        must(is_json_object(sf_buf_str(&b)));
    sf_buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum sf_kind kinds[] = { SF_KIND_CANDLES, SF_KIND_TRADES,
                                          SF_KIND_ORDERBOOK, SF_KIND_GENERIC };
    struct sf_str text = sf_str_make((const char *)data, size);

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        check_record(text, kinds[i], SF_DECIMALS_NUMBER);
        check_record(text, kinds[i], SF_DECIMALS_TEXT);
    }
    check_control(text);
    return 0;
}
