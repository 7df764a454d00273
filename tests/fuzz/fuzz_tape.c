/* A file of candles is taken or refused with a reason; each row that was taken is an
 * array of twelve again, and rows ascend by open time. */
#include "embedded/exchange/tape.h"

#include <sf/scan.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[64];

static void expect(bool is_so)
{
    if (!is_so)
        abort();
}

static void remove_file(void)
{
    (void)unlink(path);
}

/* The loader reads files only: one, of this process, is written over and over. */
static void write_file(const uint8_t *data, size_t size)
{
    int fd;

    if (path[0] == '\0') {
        /* NOLINTNEXTLINE(concurrency-mt-unsafe): a fuzzer is one thread */
        const char *folder = getenv("TMPDIR");

        (void)snprintf(path, sizeof(path), "%.40s/tape-%ld", folder ? folder : "/tmp",
                       (long)getpid());
        (void)atexit(remove_file);
    }
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    expect(fd >= 0 && write(fd, data, size) == (ssize_t)size && close(fd) == 0);
}

static void expect_row(struct sf_str row)
{
    struct sf_scan s;

    sf_scan_init(&s, row);
    expect(sf_scan_next(&s) == SF_TOK_ARRAY);
    for (int i = 0; i < 12; i++)
        expect(sf_scan_next(&s) ==
               (i == 0 || i == 6 || i == 8 ? SF_TOK_NUMBER : SF_TOK_STRING));
    expect(sf_scan_next(&s) == SF_TOK_ARRAY_END);
    expect(sf_scan_next(&s) == SF_TOK_END);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tapes tapes;
    struct sf_error err = { 0 };
    char spec[96];

    write_file(data, size);
    (void)snprintf(spec, sizeof(spec), "BTCUSDT:1m:%s", path);
    if (tapes_load(&tapes, spec, &err) == SF_OK) {
        const struct tape *tape = &tapes.list[0];

        for (size_t i = 0; i < tape->rows_n; i++) {
            expect(i == 0 || tape->rows[i - 1].open_ms <= tape->rows[i].open_ms);
            expect_row(tape_row_text(tape, i));
        }
    } else {
        expect(err.text[0] != '\0');
    }
    tapes_release(&tapes);
    return 0;
}
