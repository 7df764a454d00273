#include "oom.h"

#include <stddef.h>

/* NOLINTBEGIN(bugprone-reserved-identifier): the names that the linker's --wrap gives */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

static __thread int countdown = -1; /* -1: disarmed */
static __thread bool has_failed;

static bool must_fail(void)
{
    if (countdown < 0)
        return false;
    if (countdown-- > 0)
        return false;
    has_failed = true;
    return true;
}

void oom_fail_at(int n)
{
    countdown = n;
    has_failed = false;
}

int oom_left(void)
{
    return countdown;
}

bool oom_has_failed(void)
{
    countdown = -1;
    return has_failed;
}

void *__wrap_malloc(size_t size)
{
    return must_fail() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return must_fail() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    return must_fail() ? NULL : __real_realloc(p, size);
}
/* NOLINTEND(bugprone-reserved-identifier) */
