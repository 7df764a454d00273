/* Any bytes as a line of a live loader's tape: taken apart or refused, and never more
 * than the bytes there are. */
#include "libsf/src/tape.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool is_so)
{
    if (!is_so)
        abort();
}

static void expect_inside(struct sf_str part, struct sf_str whole)
{
    expect(part.len == 0 ||
           (part.p >= whole.p && part.p + part.len <= whole.p + whole.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sf_str text = sf_str_make((const char *)data, size);
    struct sf_error err = { 0 };
    struct tape_line line;

    if (tape_line_parse(text, &line, &err) != SF_OK) {
        expect(err.text[0] != '\0');
        return 0;
    }
    expect(line.time_us >= 0 && line.first >= 0 && line.n >= 0 && line.server_ms >= 0);
    expect_inside(line.text, text);
    expect_inside(line.path, text);
    expect_inside(line.why, text);
    expect_inside(line.body, text);
    expect(line.kind == TAPE_FRAME || line.text.len > 0);
    return 0;
}
