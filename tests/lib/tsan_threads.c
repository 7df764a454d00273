/* C11 threads by pthreads, for ThreadSanitizer only.
 *
 * Debian's librdkafka makes its threads with thrd_create(), which the sanitizer of clang
 * 14 and gcc 12 does not know: it crashes in the first thread. These take the place of
 * glibc's for the whole process; glibc defines the C11 types with the size of the POSIX
 * ones. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WITH_TSAN 1
#endif
#elif defined(__SANITIZE_THREAD__)
#define WITH_TSAN 1
#endif

#ifdef WITH_TSAN

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

/* librdkafka 2.0.2 counts references with atomics of its own, which the sanitizer does
 * not see: the last owner's free and rwlock_destroy look like races. ASan watches over
 * frees. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "race_top:^pthread_rwlock_destroy$\n"
           "race_top:^__interceptor_pthread_rwlock_destroy$\n"
           "race_top:^free$\n"
           "race_top:^__interceptor_free$\n"; /* as clang calls them */
}

_Static_assert(sizeof(mtx_t) == sizeof(pthread_mutex_t), "glibc's layout");
_Static_assert(sizeof(cnd_t) == sizeof(pthread_cond_t), "glibc's layout");
_Static_assert(sizeof(once_flag) == sizeof(pthread_once_t), "glibc's layout");

/* This stands for glibc: a failure that a test injects (oom.h) is not meant for it. */
void *__real_malloc(size_t size); /* NOLINT(bugprone-reserved-identifier): of --wrap */

struct start {
    thrd_start_t fn;
    void *arg;
};

static void *run(void *arg)
{
    struct start start = *(struct start *)arg;

    free(arg);
    return (void *)(intptr_t)start.fn(start.arg);
}

static int result(int rc)
{
    return rc == 0 ? thrd_success : thrd_error;
}

int thrd_create(thrd_t *thread, thrd_start_t fn, void *arg)
{
    struct start *start = __real_malloc(sizeof(*start));
    int rc;

    if (!start)
        return thrd_nomem;
    *start = (struct start){ fn, arg };
    rc = pthread_create(thread, NULL, run, start);
    if (rc != 0)
        free(start);
    return result(rc);
}

int thrd_join(thrd_t thread, int *ret_code)
{
    void *value = NULL;
    int rc = pthread_join(thread, &value);

    if (ret_code)
        *ret_code = (int)(intptr_t)value;
    return result(rc);
}

int mtx_init(mtx_t *mutex, int type)
{
    pthread_mutexattr_t attr;
    int rc;

    pthread_mutexattr_init(&attr);
    if (type & mtx_recursive)
        pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    rc = pthread_mutex_init((pthread_mutex_t *)mutex, &attr);
    pthread_mutexattr_destroy(&attr);
    return result(rc);
}

int mtx_lock(mtx_t *mutex)
{
    return result(pthread_mutex_lock((pthread_mutex_t *)mutex));
}

int mtx_unlock(mtx_t *mutex)
{
    return result(pthread_mutex_unlock((pthread_mutex_t *)mutex));
}

void mtx_destroy(mtx_t *mutex)
{
    pthread_mutex_destroy((pthread_mutex_t *)mutex);
}

int cnd_init(cnd_t *cond)
{
    return result(pthread_cond_init((pthread_cond_t *)cond, NULL));
}

int cnd_signal(cnd_t *cond)
{
    return result(pthread_cond_signal((pthread_cond_t *)cond));
}

int cnd_broadcast(cnd_t *cond)
{
    return result(pthread_cond_broadcast((pthread_cond_t *)cond));
}

int cnd_wait(cnd_t *cond, mtx_t *mutex)
{
    return result(pthread_cond_wait((pthread_cond_t *)cond, (pthread_mutex_t *)mutex));
}

int cnd_timedwait(cnd_t *restrict cond, mtx_t *restrict mutex,
                  const struct timespec *restrict until)
{
    int rc =
        pthread_cond_timedwait((pthread_cond_t *)cond, (pthread_mutex_t *)mutex, until);

    return rc == ETIMEDOUT ? thrd_timedout : result(rc);
}

void cnd_destroy(cnd_t *cond)
{
    pthread_cond_destroy((pthread_cond_t *)cond);
}

void call_once(once_flag *flag, void (*fn)(void))
{
    pthread_once((pthread_once_t *)flag, fn);
}

#else

/* A translation unit must hold something. */
extern int tsan_threads_are_not_needed;

#endif
