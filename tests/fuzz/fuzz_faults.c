/* A list of faults is taken whole or leaves the one before as it was; what was taken can
 * be printed and lies in its ranges. */
#include "embedded/exchange/faults.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool is_so)
{
    if (!is_so)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char before[] = "[{\"kind\":\"5xx\",\"count\":3}]";
    struct faults f = { 0 };
    struct sf_error err = { 0 };
    struct sf_buf b;

    expect(faults_parse(&f, sf_str_from(before), 1, NULL) == SF_OK);
    if (faults_parse(&f, sf_str_make((const char *)data, size), 2, &err) != SF_OK) {
        expect(err.text[0] != '\0');
        expect(f.n == 1 && f.list[0].kind == FAULT_5XX && f.list[0].count == 3);
        return 0;
    }
    expect(f.n <= FAULTS_MAX);
    for (size_t i = 0; i < f.n; i++) {
        const struct fault *fault = &f.list[i];

        expect(fault->kind < FAULT_KINDS_N);
        expect(fault->chance >= 0 && fault->chance <= 1000000);
        expect(fault->count >= -1 && fault->hits == 0);
        expect(memchr(fault->path, 0, sizeof(fault->path)) &&
               memchr(fault->symbol, 0, sizeof(fault->symbol)) &&
               memchr(fault->interval, 0, sizeof(fault->interval)));
    }
    sf_buf_init(&b, 1 << 20);
    faults_print(&f, &b);
    expect(sf_buf_status(&b, NULL) == SF_OK);
    sf_buf_release(&b);
    return 0;
}
