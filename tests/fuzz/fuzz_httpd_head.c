/* A request's head is accepted, refused or waited for; what is accepted lies within the
 * bytes it came in, is the same when more bytes follow, and has one length only. */
#include "libsf/src/httpd_head.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool is_so)
{
    if (!is_so)
        abort();
}

static void expect_within(struct sf_str part, struct sf_str whole)
{
    expect(part.len == 0 ||
           (part.p >= whole.p && part.p + part.len <= whole.p + whole.len));
}

static void expect_sound(const struct sf_httpd_head *head, struct sf_str in)
{
    struct sf_str bytes = sf_str_make(in.p, head->len);
    unsigned lengths_n = 0;

    expect(head->len <= in.len && head->len <= SF_HTTPD_HEAD_MAX);
    expect(head->fields_n <= SF_HTTPD_HEADERS_MAX);
    expect(sf_str_ends(bytes, SF_STR("\r\n\r\n")));
    expect(head->method.len > 0 && head->path.len > 0);
    expect_within(head->method, bytes);
    expect_within(head->query, bytes);
    for (unsigned i = 0; i < head->fields_n; i++) {
        expect(head->fields[i].name.len > 0);
        expect_within(head->fields[i].name, bytes);
        expect_within(head->fields[i].value, bytes);
        expect(!sf_str_contains(head->fields[i].value, SF_STR("\n")));
        expect(!sf_str_eq_nocase(head->fields[i].name, SF_STR("Transfer-Encoding")));
        lengths_n += sf_str_eq_nocase(head->fields[i].name, SF_STR("Content-Length"));
    }
    expect(lengths_n == 1 || (lengths_n == 0 && head->body_len == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sf_str in = sf_str_make((const char *)data, size);
    struct sf_httpd_head head, again;
    int status = sf_httpd_head_parse(in, &head);

    expect(status == 0 || status == 200 || status == 400 || status == 411 ||
           status == 431 || status == 501 || status == 505);
    if (status == 200) {
        expect_sound(&head, in);
        expect(sf_httpd_head_parse(sf_str_make(in.p, head.len), &again) == 200);
        expect(again.len == head.len && again.fields_n == head.fields_n &&
               again.body_len == head.body_len);
        expect(sf_httpd_head_parse(sf_str_make(in.p, head.len - 1), &again) != 200);
    }
    /* what was waited for was not refusable: the bytes so far are a beginning */
    for (size_t n = 1; status == 200 && n < head.len; n = n * 2)
        expect(sf_httpd_head_parse(sf_str_make(in.p, n), &again) == 0);
    return 0;
}
