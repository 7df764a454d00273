/* libuv closes handles asynchronously: each of ours is one heap object that outlives its
 * stop/destroy call until the close callback frees it. */
#include <sf/loop.h>

#include <uv.h>

#include <stdlib.h>

struct sf_loop {
    uv_loop_t uv;
    uv_timer_t deadline; /* of sf_loop_run_until */
    uv_prepare_t before_wait;
    const bool *done;
    bool is_late;
    bool is_running; /* we are below one of its callbacks */
};

struct sf_watch {
    uv_poll_t poll;
    int fd;
    sf_watch_fn fn;
    void *arg;
};

struct sf_timer {
    uv_timer_t timer;
    sf_timer_fn fn;
    void *arg;
};

struct sf_wake {
    uv_async_t async;
    void (*fn)(void *arg);
    void *arg;
};

enum sf_status sf_loop_create(struct sf_loop **ret_loop, struct sf_error *err)
{
    struct sf_loop *loop = calloc(1, sizeof(*loop));
    int rc;

    if (!loop)
        return sf_error_set(err, SF_ENOMEM, "no memory for the event loop");
    rc = uv_loop_init(&loop->uv);
    if (rc != 0) {
        free(loop);
        return sf_error_set(err, SF_EIO, "event loop: %s", uv_strerror(rc));
    }
    loop->uv.data = loop;
    (void)uv_timer_init(&loop->uv, &loop->deadline);
    loop->deadline.data = loop;
    (void)uv_prepare_init(&loop->uv, &loop->before_wait);
    loop->before_wait.data = loop;
    *ret_loop = loop;
    return SF_OK;
}

static void free_handle(uv_handle_t *handle)
{
    free(handle); /* each handle is the first member of its object */
}

static void close_left(uv_handle_t *handle, void *arg)
{
    struct sf_loop *loop = arg;

    bool is_ours = handle == (uv_handle_t *)&loop->deadline ||
                   handle == (uv_handle_t *)&loop->before_wait;

    if (!uv_is_closing(handle))
        uv_close(handle, is_ours ? NULL : free_handle);
}

void sf_loop_destroy(struct sf_loop *loop)
{
    if (!loop)
        return;
    uv_walk(&loop->uv, close_left, loop);
    while (uv_run(&loop->uv, UV_RUN_DEFAULT) != 0)
        ;
    (void)uv_loop_close(&loop->uv);
    free(loop);
}

static void run(struct sf_loop *loop, uv_run_mode mode)
{
    loop->is_running = true;
    (void)uv_run(&loop->uv, mode);
    loop->is_running = false;
}

void sf_loop_run(struct sf_loop *loop)
{
    run(loop, UV_RUN_DEFAULT);
}

void sf_loop_turn(struct sf_loop *loop)
{
    if (!loop->is_running)
        run(loop, UV_RUN_NOWAIT);
}

void sf_loop_quit(struct sf_loop *loop)
{
    uv_stop(&loop->uv);
}

static void on_deadline(uv_timer_t *timer)
{
    struct sf_loop *loop = timer->data;

    loop->is_late = true;
}

/* A timer may have set *done: then the wait for file descriptors, which follows the
 * timers in each turn, must not be entered. */
static void on_before_wait(uv_prepare_t *prepare)
{
    struct sf_loop *loop = prepare->data;

    if (*loop->done || loop->is_late)
        uv_stop(&loop->uv);
}

bool sf_loop_run_until(struct sf_loop *loop, const bool *done, int64_t timeout_ms)
{
    loop->is_late = false;
    uv_update_time(&loop->uv);
    (void)uv_timer_start(&loop->deadline, on_deadline,
                         timeout_ms > 0 ? (uint64_t)timeout_ms : 0, 0);
    loop->done = done;
    (void)uv_prepare_start(&loop->before_wait, on_before_wait);
    while (!*done && !loop->is_late)
        run(loop, UV_RUN_ONCE);
    (void)uv_prepare_stop(&loop->before_wait);
    (void)uv_timer_stop(&loop->deadline);
    return *done;
}

void *sf_loop_uv(struct sf_loop *loop)
{
    return &loop->uv;
}

/* ------------------------------------------------------------- file descriptors */

static int uv_events(unsigned events)
{
    return (events & SF_READABLE ? UV_READABLE : 0) |
           (events & SF_WRITABLE ? UV_WRITABLE : 0);
}

/* An error condition (status < 0) is told as both: the owner's read or write will see it.
 */
static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct sf_watch *w = (struct sf_watch *)poll;
    unsigned seen = (events & UV_READABLE ? SF_READABLE : 0u) |
                    (events & UV_WRITABLE ? SF_WRITABLE : 0u);

    w->fn(w->arg, w->fd, status < 0 ? SF_READABLE | SF_WRITABLE : seen);
}

enum sf_status sf_watch_start(struct sf_loop *loop, int fd, unsigned events,
                              sf_watch_fn fn, void *arg, struct sf_watch **ret_watch)
{
    struct sf_watch *w = calloc(1, sizeof(*w));

    if (!w)
        return SF_ENOMEM;
    if (uv_poll_init(&loop->uv, &w->poll, fd) != 0) {
        free(w);
        return SF_EIO;
    }
    w->fd = fd;
    w->fn = fn;
    w->arg = arg;
    (void)uv_poll_start(&w->poll, uv_events(events), on_poll);
    *ret_watch = w;
    return SF_OK;
}

void sf_watch_change(struct sf_watch *w, unsigned events)
{
    (void)uv_poll_start(&w->poll, uv_events(events), on_poll);
}

void sf_watch_stop(struct sf_watch *w)
{
    if (w)
        uv_close((uv_handle_t *)&w->poll, free_handle);
}

/* ----------------------------------------------------------------------- timers */

static void on_timer(uv_timer_t *timer)
{
    struct sf_timer *t = (struct sf_timer *)timer;

    t->fn(t->arg);
}

enum sf_status sf_timer_create(struct sf_loop *loop, sf_timer_fn fn, void *arg,
                               struct sf_timer **ret_timer)
{
    struct sf_timer *t = calloc(1, sizeof(*t));

    if (!t)
        return SF_ENOMEM;
    (void)uv_timer_init(&loop->uv, &t->timer);
    t->fn = fn;
    t->arg = arg;
    *ret_timer = t;
    return SF_OK;
}

void sf_timer_set(struct sf_timer *t, int64_t after_ms, int64_t every_ms)
{
    uv_update_time(t->timer.loop);
    (void)uv_timer_start(&t->timer, on_timer, after_ms > 0 ? (uint64_t)after_ms : 0,
                         every_ms > 0 ? (uint64_t)every_ms : 0);
}

void sf_timer_clear(struct sf_timer *t)
{
    (void)uv_timer_stop(&t->timer);
}

bool sf_timer_is_set(const struct sf_timer *t)
{
    return uv_is_active((const uv_handle_t *)&t->timer) != 0;
}

void sf_timer_destroy(struct sf_timer *t)
{
    if (t)
        uv_close((uv_handle_t *)&t->timer, free_handle);
}

/* --------------------------------------------------------------------- wake-ups */

static void on_async(uv_async_t *async)
{
    struct sf_wake *w = (struct sf_wake *)async;

    w->fn(w->arg);
}

enum sf_status sf_wake_create(struct sf_loop *loop, void (*fn)(void *arg), void *arg,
                              struct sf_wake **ret_wake)
{
    struct sf_wake *w = calloc(1, sizeof(*w));

    if (!w)
        return SF_ENOMEM;
    if (uv_async_init(&loop->uv, &w->async, on_async) != 0) {
        free(w);
        return SF_EIO;
    }
    w->fn = fn;
    w->arg = arg;
    *ret_wake = w;
    return SF_OK;
}

void sf_wake_send(struct sf_wake *w)
{
    (void)uv_async_send(&w->async);
}

void sf_wake_destroy(struct sf_wake *w)
{
    if (w)
        uv_close((uv_handle_t *)&w->async, free_handle);
}
