/* Members as processes of this machine.
 *
 * LAUNCHER_DIR/<queue_id>/<image>.lock holds the process id and is locked (flock) through
 * a descriptor that is opened here, before the fork, and inherited through it: whoever
 * dies when, the lock is held exactly as long as a member lives. */
#define _DEFAULT_SOURCE  /* NOLINT(bugprone-reserved-identifier): glibc's name; syscall \
                          */
#include "launcher.h"

#include <sf/log.h>
#include <sf/time.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH_SIZE    4096
#define LOCK_FD      3 /* in the member */
#define LOCK_LOOK_MS 20
#define LOCK_WAIT_MS                                                  \
    2000 /* a fork of the last manager may hold its lock for a moment \
          */

struct child {
    struct child *next;
    pid_t pid;
    int exit_code; /* -1: it runs */
    char path[];   /* of its lock */
};

struct process_launcher {
    struct launcher base;
    int lock_fd;
    char bin[PATH_SIZE];
    struct child *children; /* started by this manager; others are known by their locks */
};

static struct process_launcher *of(struct launcher *l)
{
    return (struct process_launcher *)(void *)l;
}

static bool path_of(const struct launcher *l, const struct queue_spec *q,
                    const char *image, const char *ending, char *dst)
{
    int n = snprintf(dst, PATH_SIZE, "%s/%s%s%s%s", l->conf->launcher_dir, q->queue_id,
                     image ? "/" : "", image ? image : "", ending);

    return n > 0 && n < PATH_SIZE;
}

static enum sf_status make_folders(const char *path, struct sf_error *err)
{
    char part[PATH_SIZE];

    for (const char *c = path + 1;; c++) {
        if (*c != '/' && *c != '\0')
            continue;
        (void)snprintf(part, sizeof(part), "%.*s", (int)(c - path), path);
        if (mkdir(part, 0750) != 0 && errno != EEXIST)
            return sf_error_set(err, SF_EIO, "mkdir %s: errno %d", part, errno);
        if (*c == '\0')
            return SF_OK;
    }
}

/* ------------------------------------------------------------------------------ locks */

/* Descriptor of the lock, held; -1 somebody else holds it, -2 it cannot be opened. */
static int take_lock(const char *path, int flags)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | flags, 0640);

    if (fd < 0)
        return -2;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

/* The process id in a lock; 0: not written yet. */
static pid_t read_pid(const char *path)
{
    char text[32] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
    int64_t pid = 0;

    if (fd >= 0)
        (void)close(fd);
    if (n <= 0 || sf_str_to_i64(sf_str_make(text, (size_t)n), &pid) != SF_OK || pid <= 1)
        return 0;
    return (pid_t)pid;
}

/* --------------------------------------------------------------------------- children */

static void reap(struct child *c)
{
    int status;

    if (c->exit_code >= 0 || waitpid(c->pid, &status, WNOHANG) != c->pid)
        return;
    c->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static struct child *find_child(struct process_launcher *p, const char *path)
{
    struct child *c = p->children;

    while (c && strcmp(c->path, path) != 0)
        c = c->next;
    return c;
}

static void forget_child(struct process_launcher *p, const char *path)
{
    struct child **at = &p->children;

    while (*at) {
        struct child *c = *at;

        if (strcmp(c->path, path) != 0) {
            at = &c->next;
            continue;
        }
        *at = c->next;
        free(c);
    }
}

/* ------------------------------------------------------------------------------- start
 */

struct birth {
    const char *program;
    char **env;
    int lock, log, null;
};

/* Decimal of @n without what a signal could interrupt. */
static size_t digits_of(pid_t n, char *dst)
{
    char back[24];
    size_t len = 0, k = 0;

    do
        back[len++] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    while (len > 0)
        dst[k++] = back[--len];
    return k;
}

/* Between fork and exec only what is safe in a signal handler (POSIX, fork). */
static void be_born(const struct birth *b)
{
    static const char failed[] = "cannot be executed\n";
    char *const argv[] = { (char *)b->program, NULL };
    char pid[24];
    size_t n = digits_of(getpid(), pid);
    sigset_t none;

    (void)sigemptyset(&none);
    (void)pthread_sigmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)setsid();
    if (ftruncate(b->lock, 0) != 0 || pwrite(b->lock, pid, n, 0) != (ssize_t)n ||
        dup2(b->null, 0) < 0 || dup2(b->log, 1) < 0 || dup2(b->log, 2) < 0)
        _exit(127);
    if (b->lock == LOCK_FD)
        (void)fcntl(LOCK_FD, F_SETFD, 0);
    else if (dup2(b->lock, LOCK_FD) < 0)
        _exit(127);
    (void)syscall(SYS_close_range, LOCK_FD + 1, ~0U, 0);
    (void)execve(b->program, argv, b->env);
    (void)!write(2, failed, sizeof(failed) - 1);
    _exit(127);
}

/* -1: errno. */
static pid_t give_birth(const struct birth *b)
{
    pid_t pid = fork();

    if (pid == 0)
        be_born(b);
    return pid;
}

/* Fork with the lock at hand. */
static enum sf_status fork_member(struct process_launcher *p, struct birth *b,
                                  const char *lock_path, const char *log_path,
                                  struct sf_error *err)
{
    struct child *c = calloc(1, sizeof(*c) + strlen(lock_path) + 1);
    enum sf_status status = SF_OK;

    if (!c)
        return sf_error_set(err, SF_ENOMEM, "no memory for a process");
    (void)memcpy(c->path, lock_path, strlen(lock_path) + 1);
    c->exit_code = -1;
    b->null = open("/dev/null", O_RDWR | O_CLOEXEC);
    b->log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (b->null < 0 || b->log < 0)
        status = sf_error_set(err, SF_EIO, "open %s: errno %d", log_path, errno);
    if (status == SF_OK)
        c->pid = give_birth(b);
    if (status == SF_OK && c->pid < 0)
        status = sf_error_set(err, SF_EIO, "fork: errno %d", errno);
    if (b->null >= 0)
        (void)close(b->null);
    if (b->log >= 0)
        (void)close(b->log);
    if (status != SF_OK) {
        free(c);
        return status;
    }
    forget_child(p, lock_path);
    c->next = p->children;
    p->children = c;
    return SF_OK;
}

static enum sf_status start(struct launcher *l, const struct queue_spec *q,
                            const struct member_spec *m, struct sf_error *err)
{
    struct process_launcher *p = of(l);
    char folder[PATH_SIZE], lock[PATH_SIZE], log[PATH_SIZE], program[PATH_SIZE];
    struct birth b = { .program = program };
    enum sf_status status;

    if (!path_of(l, q, NULL, "", folder) || !path_of(l, q, m->image, ".lock", lock) ||
        !path_of(l, q, m->image, ".log", log) ||
        snprintf(program, sizeof(program), "%s/%s", p->bin, m->image) >= PATH_SIZE)
        return sf_error_set(err, SF_ETOOBIG, "LAUNCHER_DIR, LAUNCHER_BIN: too long");
    if (access(program, X_OK) != 0)
        return sf_error_set(err, SF_ENOTFOUND, "no program %s (LAUNCHER_BIN)", program);
    status = make_folders(folder, err);
    if (status != SF_OK)
        return status;
    b.lock = take_lock(lock, O_CREAT);
    if (b.lock < 0)
        return sf_error_set(err, b.lock == -1 ? SF_EEXIST : SF_EIO,
                            b.lock == -1 ? "%s runs already" : "open %s", lock);
    b.env = launch_environment(q, m, sf_conf_env, NULL);
    status = b.env ? fork_member(p, &b, lock, log, err)
                   : sf_error_set(err, SF_ENOMEM, "no memory for an environment");
    (void)close(b.lock); /* the member has its own */
    free(b.env);
    return status;
}

/* ------------------------------------------------------------------- look, stop, logs */

static bool is_running(struct launcher *l, const struct queue_spec *q,
                       const struct member_spec *m, int *ret_exit)
{
    char path[PATH_SIZE];
    struct child *c;
    int fd;

    if (!path_of(l, q, m->image, ".lock", path))
        return false;
    c = find_child(of(l), path);
    if (c) {
        reap(c);
        if (c->exit_code >= 0)
            *ret_exit = c->exit_code;
        return c->exit_code < 0;
    }
    fd = take_lock(path, 0);
    if (fd >= 0)
        (void)close(fd);
    return fd == -1;
}

static void stop(struct launcher *l, const struct queue_spec *q,
                 const struct member_spec *m, bool is_kill)
{
    char path[PATH_SIZE];
    int ignored;
    pid_t pid;

    if (!path_of(l, q, m->image, ".lock", path) || !is_running(l, q, m, &ignored))
        return;
    pid = read_pid(path);
    if (pid > 1 && kill(pid, is_kill ? SIGKILL : SIGTERM) != 0 && errno != ESRCH)
        sf_log(SF_LOG_WARN, "not_stopped", SF_LOG_S("queue", q->queue_id),
               SF_LOG_S("image", m->image), SF_LOG_I("errno", errno));
}

static enum sf_status logs(struct launcher *l, const struct queue_spec *q,
                           const struct member_spec *m, size_t max_bytes,
                           struct sf_buf *b, struct sf_error *err)
{
    char path[PATH_SIZE];
    struct stat st;
    ssize_t n = -1;
    char *to;
    int fd =
        path_of(l, q, m->image, ".log", path) ? open(path, O_RDONLY | O_CLOEXEC) : -1;

    if (fd < 0)
        return sf_error_set(err, SF_ENOTFOUND, "%s has written nothing yet", m->image);
    to = sf_buf_reserve(b, max_bytes);
    if (to && fstat(fd, &st) == 0) {
        off_t from = st.st_size > (off_t)max_bytes ? st.st_size - (off_t)max_bytes : 0;

        n = pread(fd, to, max_bytes, from);
    }
    (void)close(fd);
    if (n < 0)
        return sf_error_set(err, SF_EIO, "the log of %s cannot be read", m->image);
    b->len += (size_t)n;
    return SF_OK;
}

static void forget(struct launcher *l, const struct queue_spec *q)
{
    static const char *const endings[] = { ".lock", ".log" };
    char path[PATH_SIZE];

    for (size_t i = 0; i < q->members_n; i++)
        for (size_t k = 0; k < 2; k++)
            if (path_of(l, q, q->members[i].image, endings[k], path)) {
                forget_child(of(l), path);
                (void)unlink(path);
            }
    if (path_of(l, q, NULL, "", path))
        (void)rmdir(path);
}

static void destroy(struct launcher *l)
{
    struct process_launcher *p = of(l);

    while (p->children) {
        struct child *c = p->children;

        p->children = c->next;
        free(c);
    }
    if (p->lock_fd >= 0)
        (void)close(p->lock_fd);
    free(p);
}

static const struct launcher_kind process_kind = {
    "process", start, is_running, stop, logs, forget, destroy,
};

/* LAUNCHER_BIN, or the folder of this very program. */
static enum sf_status find_bin(struct process_launcher *p, struct sf_error *err)
{
    const char *given = p->base.conf->launcher_bin;
    ssize_t n;
    char *slash;

    if (given[0])
        return sf_str_copy(sf_str_from(given), p->bin, sizeof(p->bin))
                   ? SF_OK
                   : sf_error_set(err, SF_ETOOBIG, "LAUNCHER_BIN is too long");
    n = readlink("/proc/self/exe", p->bin, sizeof(p->bin) - 1);
    p->bin[n > 0 ? n : 0] = '\0';
    slash = strrchr(p->bin, '/');
    if (!slash)
        return sf_error_set(err, SF_EIO,
                            "LAUNCHER_BIN is not set and /proc is not there");
    *slash = '\0';
    return SF_OK;
}

static enum sf_status lock_folder(struct process_launcher *p, struct sf_error *err)
{
    const char *dir = p->base.conf->launcher_dir;
    int64_t until_us = sf_mono_us() + LOCK_WAIT_MS * 1000;
    char path[PATH_SIZE];
    enum sf_status status = make_folders(dir, err);

    if (status != SF_OK)
        return status;
    if (snprintf(path, sizeof(path), "%s/manager.lock", dir) >= PATH_SIZE)
        return sf_error_set(err, SF_ETOOBIG, "LAUNCHER_DIR is too long");
    do {
        p->lock_fd = take_lock(path, O_CREAT);
        if (p->lock_fd == -1)
            (void)poll(NULL, 0, LOCK_LOOK_MS);
    } while (p->lock_fd == -1 && sf_mono_us() < until_us);
    if (p->lock_fd >= 0)
        return SF_OK;
    return p->lock_fd == -1
               ? sf_error_set(err, SF_EBUSY, "LAUNCHER_DIR='%s': another manager has it",
                              dir)
               : sf_error_set(err, SF_EIO, "LAUNCHER_DIR='%s' cannot be written", dir);
}

enum sf_status launcher_process(const struct sf_conf *conf, struct launcher **ret_l,
                                struct sf_error *err)
{
    struct process_launcher *p = calloc(1, sizeof(*p));
    enum sf_status status;

    if (!p)
        return sf_error_set(err, SF_ENOMEM, "no memory for the launcher");
    p->base = (struct launcher){ .kind = &process_kind, .conf = conf };
    p->lock_fd = -1;
    status = find_bin(p, err);
    if (status == SF_OK)
        status = lock_folder(p, err);
    if (status != SF_OK) {
        destroy(&p->base);
        return status;
    }
    *ret_l = &p->base;
    return SF_OK;
}
