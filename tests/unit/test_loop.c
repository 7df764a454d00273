/* The loop's timers, watches and wake-ups, and the stop flag that it watches. */
#include "oom.h"
#include "runner.h"

#include <sf/loop.h>
#include <sf/stop.h>
#include <sf/time.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#define LONG_MS 30000 /* a wait that must not run out */

static struct sf_loop *loop;

static void fresh(void)
{
    ck_assert_int_eq(sf_loop_create(&loop, NULL), SF_OK);
}

static void done(void)
{
    sf_loop_destroy(loop);
}

/* What callbacks saw, and what they are to do. */
struct seen {
    int calls, calls_wanted;
    bool is_done;
    unsigned events;
    struct sf_timer *timer; /* destroyed when done */
    struct sf_watch *watch; /* stopped when done */
    struct sf_wake *wake;
};

static void count(struct seen *seen)
{
    seen->is_done = ++seen->calls >= seen->calls_wanted;
    if (seen->is_done) {
        sf_timer_destroy(seen->timer);
        sf_watch_stop(seen->watch);
        seen->timer = NULL;
        seen->watch = NULL;
    }
}

static void on_timer(void *arg)
{
    count(arg);
}

static void on_ready(void *arg, int fd, unsigned events)
{
    struct seen *seen = arg;
    char byte;

    seen->events |= events;
    if (events & SF_READABLE)
        ck_assert_int_le(read(fd, &byte, 1), 1);
    count(seen);
}

/* --------------------------------------------------------------------------- timers */

START_TEST(a_timer_comes_once_and_not_early)
{
    struct seen seen = { .calls_wanted = 100 };
    struct sf_timer *t;
    int64_t began_us = sf_mono_us();

    ck_assert_int_eq(sf_timer_create(loop, on_timer, &seen, &t), SF_OK);
    ck_assert(!sf_timer_is_set(t));
    sf_timer_set(t, 20, 0);
    ck_assert(sf_timer_is_set(t));
    ck_assert(!sf_loop_run_until(loop, &seen.is_done, 60));
    ck_assert_int_eq(seen.calls, 1);
    ck_assert(!sf_timer_is_set(t));
    ck_assert_int_ge(sf_mono_us() - began_us, 59000);
    sf_timer_destroy(t);
}
END_TEST

START_TEST(a_timer_repeats_until_destroyed_by_its_own_call)
{
    struct seen seen = { .calls_wanted = 5 };

    ck_assert_int_eq(sf_timer_create(loop, on_timer, &seen, &seen.timer), SF_OK);
    sf_timer_set(seen.timer, 0, 1);
    ck_assert(sf_loop_run_until(loop, &seen.is_done, LONG_MS));
    seen.is_done = false;
    ck_assert(!sf_loop_run_until(loop, &seen.is_done, 10));
    ck_assert_int_eq(seen.calls, 5);
}
END_TEST

START_TEST(setting_replaces_and_clearing_ends)
{
    struct seen late = { .calls_wanted = 1 }, never = { .calls_wanted = 1 };
    struct sf_timer *t, *cleared;

    ck_assert_int_eq(sf_timer_create(loop, on_timer, &late, &t), SF_OK);
    ck_assert_int_eq(sf_timer_create(loop, on_timer, &never, &cleared), SF_OK);
    sf_timer_set(t, LONG_MS, 0);
    sf_timer_set(t, 1, 0);
    sf_timer_set(cleared, 1, 1);
    sf_timer_clear(cleared);
    ck_assert(!sf_timer_is_set(cleared));
    late.timer = t;
    ck_assert(sf_loop_run_until(loop, &late.is_done, LONG_MS));
    ck_assert(!sf_loop_run_until(loop, &never.is_done, 5));
    ck_assert_int_eq(never.calls, 0);
    sf_timer_destroy(cleared);
}
END_TEST

START_TEST(what_is_done_is_not_waited_for)
{
    const bool is_done = true, is_not = false;
    int64_t began_us = sf_mono_us();

    ck_assert(sf_loop_run_until(loop, &is_done, LONG_MS));
    ck_assert_int_lt(sf_mono_us() - began_us, LONG_MS * 1000 / 2);
    ck_assert(!sf_loop_run_until(loop, &is_not, 0));
    ck_assert(!sf_loop_run_until(loop, &is_not, -5));
}
END_TEST

static void quit(void *arg)
{
    count(arg);
    sf_loop_quit(loop);
}

static void turn_again(void *arg)
{
    sf_loop_turn(loop); /* would never come back if it ran the loop below itself */
    count(arg);
}

START_TEST(a_turn_serves_what_is_due_and_nothing_from_a_callback)
{
    struct seen seen = { .calls_wanted = 1 };

    ck_assert_int_eq(sf_timer_create(loop, turn_again, &seen, &seen.timer), SF_OK);
    sf_loop_turn(loop);
    ck_assert_int_eq(seen.calls, 0);
    sf_timer_set(seen.timer, 0, 0);
    sf_loop_turn(loop);
    ck_assert_int_eq(seen.calls, 1);
}
END_TEST

START_TEST(quit_ends_the_run)
{
    struct seen seen = { .calls_wanted = 100 };
    struct sf_timer *t;

    ck_assert_int_eq(sf_timer_create(loop, quit, &seen, &t), SF_OK);
    sf_timer_set(t, 1, 1);
    sf_loop_run(loop);
    ck_assert_int_eq(seen.calls, 1);
    sf_loop_run(loop); /* and again */
    ck_assert_int_eq(seen.calls, 2);
    sf_timer_destroy(t);
}
END_TEST

/* --------------------------------------------------------------------------- watches */

START_TEST(a_watch_tells_what_it_was_asked_for)
{
    struct seen seen = { .calls_wanted = 1 };
    int fds[2];

    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(
        sf_watch_start(loop, fds[0], SF_READABLE, on_ready, &seen, &seen.watch), SF_OK);
    ck_assert(!sf_loop_run_until(loop, &seen.is_done, 5)); /* nothing to read */
    ck_assert_int_eq(write(fds[1], "ab", 2), 2);
    ck_assert(sf_loop_run_until(loop, &seen.is_done, LONG_MS));
    ck_assert_uint_eq(seen.events, SF_READABLE);
    seen.is_done = false;
    ck_assert(!sf_loop_run_until(loop, &seen.is_done, 5)); /* stopped; 'b' is left */
    ck_assert_int_eq(seen.calls, 1);
    (void)close(fds[0]);
    (void)close(fds[1]);
}
END_TEST

START_TEST(a_watch_is_level_triggered_and_can_change)
{
    struct seen seen = { .calls_wanted = 2 };
    int fds[2];

    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(
        sf_watch_start(loop, fds[1], SF_READABLE, on_ready, &seen, &seen.watch), SF_OK);
    ck_assert(!sf_loop_run_until(loop, &seen.is_done, 5));
    sf_watch_change(seen.watch, SF_WRITABLE);
    ck_assert(sf_loop_run_until(loop, &seen.is_done, LONG_MS)); /* twice: still so */
    ck_assert_uint_eq(seen.events, SF_WRITABLE);
    (void)close(fds[0]);
    (void)close(fds[1]);
}
END_TEST

START_TEST(the_end_of_the_peer_is_told)
{
    struct seen seen = { .calls_wanted = 1 };
    int fds[2];

    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(
        sf_watch_start(loop, fds[0], SF_READABLE, on_ready, &seen, &seen.watch), SF_OK);
    (void)close(fds[1]);
    ck_assert(sf_loop_run_until(loop, &seen.is_done, LONG_MS));
    ck_assert(seen.events & SF_READABLE);
    (void)close(fds[0]);
}
END_TEST

START_TEST(what_cannot_be_watched_is_refused)
{
    struct seen seen = { 0 };

    ck_assert_int_eq(sf_watch_start(loop, -1, SF_READABLE, on_ready, &seen, &seen.watch),
                     SF_EIO);
    ck_assert_ptr_null(seen.watch);
}
END_TEST

/* -------------------------------------------------------------------------- wake-ups */

static void *send_many(void *arg)
{
    for (int i = 0; i < 1000; i++)
        sf_wake_send(arg);
    return NULL;
}

START_TEST(a_wake_comes_from_another_thread_and_several_are_one)
{
    struct seen seen = { .calls_wanted = 1 };
    pthread_t thread;

    ck_assert_int_eq(sf_wake_create(loop, on_timer, &seen, &seen.wake), SF_OK);
    ck_assert_int_eq(pthread_create(&thread, NULL, send_many, seen.wake), 0);
    ck_assert(sf_loop_run_until(loop, &seen.is_done, LONG_MS));
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    seen.is_done = false;
    seen.calls = 0;
    seen.calls_wanted = 1000;
    (void)send_many(seen.wake); /* before the loop comes round */
    (void)sf_loop_run_until(loop, &seen.is_done, 20);
    ck_assert_int_ge(seen.calls, 1);
    ck_assert_int_le(seen.calls, 2);
    sf_wake_destroy(seen.wake);
}
END_TEST

/* ------------------------------------------------------------------ memory and the end
 */

START_TEST(the_loop_frees_what_is_left_in_it)
{
    struct seen seen = { 0 };
    struct sf_timer *t;
    int fds[2];

    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(sf_timer_create(loop, on_timer, &seen, &t), SF_OK);
    sf_timer_set(t, LONG_MS, LONG_MS);
    ck_assert_int_eq(sf_wake_create(loop, on_timer, &seen, &seen.wake), SF_OK);
    ck_assert_int_eq(
        sf_watch_start(loop, fds[0], SF_READABLE, on_ready, &seen, &seen.watch), SF_OK);
    done(); /* leaks are told by the address sanitizer */
    loop = NULL;
    ck_assert_int_eq(seen.calls, 0);
    sf_loop_destroy(NULL);
    sf_timer_destroy(NULL);
    sf_watch_stop(NULL);
    sf_wake_destroy(NULL);
    (void)close(fds[0]);
    (void)close(fds[1]);
}
END_TEST

START_TEST(lack_of_memory_is_told)
{
    struct sf_error err = { 0 };
    struct seen seen = { 0 };
    struct sf_loop *other = NULL;

    oom_fail_at(0);
    ck_assert_int_eq(sf_loop_create(&other, &err), SF_ENOMEM);
    ck_assert(oom_has_failed() && !other && err.text[0]);
    oom_fail_at(0);
    ck_assert_int_eq(sf_timer_create(loop, on_timer, &seen, &seen.timer), SF_ENOMEM);
    ck_assert(oom_has_failed() && !seen.timer);
    oom_fail_at(0);
    ck_assert_int_eq(sf_watch_start(loop, 0, SF_READABLE, on_ready, &seen, &seen.watch),
                     SF_ENOMEM);
    ck_assert(oom_has_failed() && !seen.watch);
    oom_fail_at(0);
    ck_assert_int_eq(sf_wake_create(loop, on_timer, &seen, &seen.wake), SF_ENOMEM);
    ck_assert(oom_has_failed() && !seen.wake);
}
END_TEST

/* ------------------------------------------------------------------------------- stop */

START_TEST(a_signal_is_a_flag_and_wakes_the_loop)
{
    const int signals[] = { SIGTERM, SIGINT };
    struct seen seen = { .calls_wanted = 1 };

    ck_assert_int_eq(sf_stop_signal(), 0);
    ck_assert_int_eq(sf_stop_fd(), -1);
    ck_assert_int_eq(sf_stop_init(NULL), SF_OK);
    ck_assert_int_eq(sf_stop_signal(), 0);
    ck_assert_int_eq(
        sf_watch_start(loop, sf_stop_fd(), SF_READABLE, on_ready, &seen, &seen.watch),
        SF_OK);
    ck_assert(!sf_loop_run_until(loop, &seen.is_done, 5));
    ck_assert_int_eq(kill(getpid(), signals[_i]), 0);
    ck_assert(sf_loop_run_until(loop, &seen.is_done, LONG_MS));
    ck_assert_int_eq(sf_stop_signal(), signals[_i]);
}
END_TEST

START_TEST(a_storm_of_signals_blocks_nobody)
{
    ck_assert_int_eq(sf_stop_init(NULL), SF_OK);
    ck_assert_int_eq(sf_stop_init(NULL), SF_OK); /* once more changes nothing */
    errno = EDOM;
    for (int i = 0; i < 200000; i++) /* more than a pipe holds */
        sf_stop_raise(SIGTERM);
    ck_assert_int_eq(errno, EDOM);
    ck_assert_int_eq(sf_stop_signal(), SIGTERM);
}
END_TEST

START_TEST(a_peer_that_is_gone_kills_nobody)
{
    int fds[2];

    ck_assert_int_eq(sf_stop_init(NULL), SF_OK);
    ck_assert_int_eq(pipe(fds), 0);
    (void)close(fds[0]);
    ck_assert_int_eq(write(fds[1], "x", 1), -1);
    ck_assert_int_eq(errno, EPIPE);
    ck_assert_int_eq(sf_stop_signal(), 0);
    (void)close(fds[1]);
}
END_TEST

static void loop_cases(Suite *s)
{
    TCase *tc = tcase_create("loop");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, fresh, done);
    tcase_add_test(tc, a_timer_comes_once_and_not_early);
    tcase_add_test(tc, a_timer_repeats_until_destroyed_by_its_own_call);
    tcase_add_test(tc, setting_replaces_and_clearing_ends);
    tcase_add_test(tc, what_is_done_is_not_waited_for);
    tcase_add_test(tc, a_turn_serves_what_is_due_and_nothing_from_a_callback);
    tcase_add_test(tc, quit_ends_the_run);
    tcase_add_test(tc, a_watch_tells_what_it_was_asked_for);
    tcase_add_test(tc, a_watch_is_level_triggered_and_can_change);
    tcase_add_test(tc, the_end_of_the_peer_is_told);
    tcase_add_test(tc, what_cannot_be_watched_is_refused);
    tcase_add_test(tc, a_wake_comes_from_another_thread_and_several_are_one);
    tcase_add_test(tc, the_loop_frees_what_is_left_in_it);
    tcase_add_test(tc, lack_of_memory_is_told);
    tcase_add_loop_test(tc, a_signal_is_a_flag_and_wakes_the_loop, 0, 2);
    tcase_add_test(tc, a_storm_of_signals_blocks_nobody);
    tcase_add_test(tc, a_peer_that_is_gone_kills_nobody);
    suite_add_tcase(s, tc);
}

RUN_SUITE("loop", loop_cases)
