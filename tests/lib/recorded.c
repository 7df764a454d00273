#include "recorded.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static bool skip(const char *file, const char *why)
{
    (void)printf("SKIP: recorded data %s: %s\n", file, why);
    return false;
}

static bool find(const char *file, char *path, size_t size)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): asked before a test starts threads */
    const char *root = getenv("SF_DATA");

    (void)snprintf(path, size, "%s/%s", root && root[0] ? root : "../shared/data", file);
    return access(path, R_OK) == 0 || skip(file, "not there (SF_DATA)");
}

/* Standard output goes to @out; -1: nowhere else. */
static pid_t start(const char *const *argv, int out)
{
    posix_spawn_file_actions_t actions;
    pid_t pid = -1;

    if (posix_spawn_file_actions_init(&actions) != 0)
        return -1;
    if (out >= 0)
        (void)posix_spawn_file_actions_adddup2(&actions, out, 1);
    if (posix_spawnp(&pid, argv[0], &actions, NULL, (char **)argv, environ) != 0)
        pid = -1;
    (void)posix_spawn_file_actions_destroy(&actions);
    return pid;
}

static bool ends_well(pid_t pid)
{
    int state;

    return pid > 0 && waitpid(pid, &state, 0) == pid && state == 0;
}

bool recorded_untar(const char *file, const char *dir)
{
    char path[1024];
    const char *const argv[] = { "tar", "--zstd", "-xf", path, "-C", dir, NULL };

    if (!find(file, path, sizeof(path)))
        return false;
    return ends_well(start(argv, -1)) || skip(file, "tar --zstd failed");
}

static bool read_all(int fd, struct sf_buf *b)
{
    for (;;) {
        char *to = sf_buf_reserve(b, 65536);
        ssize_t n = to ? read(fd, to, 65536) : -1;

        if (n < 0 && to && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0;
        b->len += (size_t)n;
    }
}

bool recorded_gunzip(const char *file, struct sf_buf *b)
{
    char path[1024];
    const char *const argv[] = { "gzip", "-dc", path, NULL };
    int out[2];
    pid_t pid;
    bool is_read;

    if (!find(file, path, sizeof(path)))
        return false;
    if (pipe(out) != 0)
        return skip(file, "no pipe");
    (void)fcntl(out[0], F_SETFD, FD_CLOEXEC);
    pid = start(argv, out[1]);
    (void)close(out[1]);
    is_read = read_all(out[0], b);
    (void)close(out[0]);
    return (ends_well(pid) && is_read) || skip(file, "gzip -dc failed");
}

bool recorded_plain(const char *file, struct sf_buf *b)
{
    char path[1024];

    if (!find(file, path, sizeof(path)))
        return false;
    return recorded_read(path, b) || skip(file, "cannot be read");
}

bool recorded_read(const char *path, struct sf_buf *b)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool is_read = fd >= 0 && read_all(fd, b);

    if (fd >= 0)
        (void)close(fd);
    return is_read;
}

void recorded_remove(const char *dir)
{
    const char *const argv[] = { "rm", "-rf", dir, NULL };

    (void)ends_well(start(argv, -1));
}
