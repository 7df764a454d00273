#include <sf/stop.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* The one piece of state a signal handler may touch; set up before any thread. */
static volatile sig_atomic_t signal_seen;
static int pipe_fds[2] = { -1, -1 };

int sf_stop_signal(void)
{
    return (int)signal_seen;
}

int sf_stop_fd(void)
{
    return pipe_fds[0];
}

void sf_stop_raise(int signo)
{
    int saved = errno;

    signal_seen = signo;
    if (pipe_fds[1] >= 0 && write(pipe_fds[1], "", 1) < 0)
        signal_seen = signo; /* a full pipe is readable: the loop wakes all the same */
    errno = saved;
}

enum sf_status sf_stop_init(struct sf_error *err)
{
    struct sigaction stop = { .sa_handler = sf_stop_raise };
    struct sigaction ignore = { .sa_handler = SIG_IGN };

    if (pipe_fds[0] < 0 && pipe(pipe_fds) != 0)
        return sf_error_set(err, SF_EIO, "pipe: errno %d", errno);
    for (int i = 0; i < 2; i++)
        if (fcntl(pipe_fds[i], F_SETFL, O_NONBLOCK) != 0 ||
            fcntl(pipe_fds[i], F_SETFD, FD_CLOEXEC) != 0)
            return sf_error_set(err, SF_EIO, "fcntl: errno %d", errno);
    if (sigaction(SIGTERM, &stop, NULL) != 0 || sigaction(SIGINT, &stop, NULL) != 0 ||
        sigaction(SIGPIPE, &ignore, NULL) != 0)
        return sf_error_set(err, SF_EIO, "sigaction: errno %d", errno);
    return SF_OK;
}
