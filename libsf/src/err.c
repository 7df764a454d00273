#include <sf/err.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    bool is_retriable;
    const char *text;
} statuses[] = {
#define ROW(name, retriable, text) [SF_##name] = { #name, retriable, text },
    SF_STATUS_MAP(ROW)
#undef ROW
};

enum sf_status sf_error_set(struct sf_error *err, enum sf_status status, const char *fmt,
                            ...)
{
    va_list ap;

    if (err && err->status == SF_OK) {
        err->status = status;
        va_start(ap, fmt);
        (void)vsnprintf(err->text, sizeof(err->text), fmt, ap);
        va_end(ap);
    }
    return status;
}

enum sf_status sf_error_wrap(struct sf_error *err, const char *fmt, ...)
{
    char cause[sizeof(err->text)];
    va_list ap;
    size_t n;

    if (!err || err->status == SF_OK)
        return SF_EIO;
    memcpy(cause, err->text, sizeof(cause));
    va_start(ap, fmt);
    (void)vsnprintf(err->text, sizeof(err->text), fmt, ap);
    va_end(ap);
    n = strlen(err->text);
    (void)snprintf(err->text + n, sizeof(err->text) - n, ": %s", cause);
    return err->status;
}

const char *sf_status_name(enum sf_status status)
{
    return statuses[status].name;
}

const char *sf_status_text(enum sf_status status)
{
    return statuses[status].text;
}

bool sf_status_is_retriable(enum sf_status status)
{
    return statuses[status].is_retriable;
}
