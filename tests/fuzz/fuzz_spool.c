/* Any bytes as a segment of a spool: its lines are entries or passed over; an entry, when
 * it is printed, is the same entry again; and everything ends. */
#include "libsf/src/spool.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[64], path[96];

static void must(bool is_so)
{
    if (!is_so)
        abort();
}

static void remove_files(void)
{
    (void)unlink(path);
    (void)rmdir(folder);
}

static void write_segment(const void *data, size_t size)
{
    int fd;

    if (folder[0] == '\0') {
        /* NOLINTNEXTLINE(concurrency-mt-unsafe): a fuzzer is one thread */
        const char *tmp = getenv("TMPDIR");

        (void)snprintf(folder, sizeof(folder), "%.40s/spool-XXXXXX", tmp ? tmp : "/tmp");
        must(mkdtemp(folder) != NULL);
        (void)snprintf(path, sizeof(path), "%s/q.00000001.spool", folder);
        (void)atexit(remove_files);
    }
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    must(fd >= 0 && write(fd, data, size) == (ssize_t)size && close(fd) == 0);
}

static void check_entry(const struct spool_entry *e)
{
    must(e->partition >= 0 && e->value.len > 0);
    must(!memchr(e->key.p, ' ', e->key.len) &&
         !memchr(e->control.p, ' ', e->control.len));
    must(!memchr(e->value.p, '\n', e->value.len));
}

/* Read all of the segment; what was read, printed, goes to @ret. Number of entries. */
static size_t read_all(struct sf_buf *ret)
{
    struct sf_error err = { 0 };
    struct spool_entry e;
    struct spool *s;
    size_t n = 0;

    must(spool_open(folder, "q", 1 << 30, &s, &err) == SF_OK);
    while (spool_peek(s, &e, &err)) {
        check_entry(&e);
        spool_print(ret, &e);
        spool_pop(s);
        n++;
    }
    must(err.status == SF_OK && spool_is_drained(s) && ret->status == SF_OK);
    spool_close(s);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sf_buf first, again;
    size_t n;

    sf_buf_init(&first, 1 << 24);
    sf_buf_init(&again, 1 << 24);
    write_segment(data, size);
    n = read_all(&first);
    if (first.len > 0)
        write_segment(first.p, first.len);
    else
        write_segment("", 0);
    must(read_all(&again) == n && sf_str_eq(sf_buf_str(&first), sf_buf_str(&again)));
    sf_buf_release(&first);
    sf_buf_release(&again);
    return 0;
}
