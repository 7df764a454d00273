/* SIGTERM and SIGINT as a flag and a file descriptor; SIGPIPE ignored.
 *
 * We are pid 1 in a container, where an unhandled SIGTERM is ignored: every program calls
 * sf_stop_init() first. */
#ifndef SF_STOP_H
#define SF_STOP_H

#include <sf/err.h>

/* Main thread, once, before any other thread. Errors: SF_EIO a system call failed. */
enum sf_status sf_stop_init(struct sf_error *err) SF_MUST_CHECK;

/* The signal that arrived (SIGTERM, SIGINT), or 0. Any thread. */
int sf_stop_signal(void);

/* Becomes readable when a signal arrives, for the loop; -1 before sf_stop_init(). */
int sf_stop_fd(void);

/* As if @signo had arrived; for tests and embedded use. Async-signal-safe. */
void sf_stop_raise(int signo);

#endif
