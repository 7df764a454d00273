/* Statuses and the error detail that goes with them.
 *
 * A function that can fail returns `enum sf_status` and takes a `struct sf_error *` last,
 * which may be NULL. The first failure wins: setting an error that is already set changes
 * nothing. Any thread; an error object belongs to one thread at a time. */
#ifndef SF_ERR_H
#define SF_ERR_H

#include <stdbool.h>

/* name, worth trying again, text */
#define SF_STATUS_MAP(X)                            \
    X(OK, false, "ok")                              \
    X(ENOMEM, false, "out of memory")               \
    X(EINVAL, false, "invalid setting or argument") \
    X(EPROTO, false, "malformed input")             \
    X(ETOOBIG, false, "over a limit")               \
    X(EIO, true, "transport failure")               \
    X(ETIMEOUT, true, "timed out")                  \
    X(EBUSY, true, "peer is overloaded")            \
    X(ELIMIT, true, "peer's rate limit")            \
    X(EFULL, true, "queue is full")                 \
    X(EAUTH, false, "credentials refused")          \
    X(EDENIED, false, "not permitted")              \
    X(ENOTFOUND, false, "not found")                \
    X(EEXIST, false, "exists already")              \
    X(ECONFLICT, true, "write conflict")            \
    X(EREFUSED, false, "peer refused the request")  \
    X(EUNSUPPORTED, false, "not supported")         \
    X(ELOST, false, "data is gone")                 \
    X(EFATAL, false, "peer failed for good")        \
    X(ESTOPPED, false, "stopped")

enum sf_status {
#define SF_STATUS_ENUM(name, retriable, text) SF_##name,
    SF_STATUS_MAP(SF_STATUS_ENUM)
#undef SF_STATUS_ENUM
};

#define SF_MUST_CHECK      __attribute__((warn_unused_result))
#define SF_PRINTF(fmt, va) __attribute__((format(printf, fmt, va)))

/* Zero-initialise: `struct sf_error err = { 0 };` */
struct sf_error {
    enum sf_status status;
    char text[512]; /* what, where, what was expected; NUL-terminated, never a secret */
};

/* Record @status and the formatted text (clipped to the buffer) in @err, unless @err is
 * NULL or holds an error already. Returns @status, so that
 * `return sf_error_set(err, SF_EPROTO, "...")` is the one idiom. */
enum sf_status sf_error_set(struct sf_error *err, enum sf_status status, const char *fmt,
                            ...) SF_PRINTF(3, 4);

/* Put "<formatted text>: " in front of the text of @err (no-op when NULL or unset) and
 * return its status, or SF_EIO when @err is NULL. */
enum sf_status sf_error_wrap(struct sf_error *err, const char *fmt, ...) SF_PRINTF(2, 3);

/* "EPROTO" and "malformed input" for SF_EPROTO; whether another try may help. */
const char *sf_status_name(enum sf_status status);
const char *sf_status_text(enum sf_status status);
bool sf_status_is_retriable(enum sf_status status);

#endif
