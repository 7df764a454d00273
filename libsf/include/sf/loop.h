/* The event loop of a program: file descriptors, timers, and wake-ups from other threads.
 *
 * A thin face over libuv, so that libcurl (sockets), libwebsockets (foreign loop) and
 * librdkafka (wake-ups) share one thread. Everything but sf_wake_send() belongs to the
 * loop's thread. Callbacks run one after another and must not block. */
#ifndef SF_LOOP_H
#define SF_LOOP_H

#include <sf/err.h>

#include <stdint.h>

struct sf_loop;

/* Errors: SF_ENOMEM, SF_EIO. */
enum sf_status sf_loop_create(struct sf_loop **ret_loop,
                              struct sf_error *err) SF_MUST_CHECK;
/* Close what is still open in it and free; NULL is fine. */
void sf_loop_destroy(struct sf_loop *loop);

/* Serve callbacks until sf_loop_quit(). */
void sf_loop_run(struct sf_loop *loop);
void sf_loop_quit(struct sf_loop *loop);

/* Serve callbacks until *@done is true or @timeout_ms passed (start-up steps that have
 * nothing else to do). Returns *@done. May not be called from a callback. */
bool sf_loop_run_until(struct sf_loop *loop, const bool *done, int64_t timeout_ms);

/* Serve what is due now, without waiting: for steps that block elsewhere, so that health
 * is answered meanwhile. From a callback it does nothing. */
void sf_loop_turn(struct sf_loop *loop);

/* ------------------------------------------------------------- file descriptors */

struct sf_watch;
enum sf_watch_events { SF_READABLE = 1, SF_WRITABLE = 2 };
typedef void (*sf_watch_fn)(void *arg, int fd, unsigned events);

/* Call @fn while @fd has one of @events (level-triggered). The loop borrows @fd: stop the
 * watch before closing it. Errors: SF_ENOMEM, SF_EIO. */
enum sf_status sf_watch_start(struct sf_loop *loop, int fd, unsigned events,
                              sf_watch_fn fn, void *arg,
                              struct sf_watch **ret_watch) SF_MUST_CHECK;
void sf_watch_change(struct sf_watch *w, unsigned events);
/* NULL is fine; @fn is not called again. */
void sf_watch_stop(struct sf_watch *w);

/* ----------------------------------------------------------------------- timers */

struct sf_timer;
typedef void (*sf_timer_fn)(void *arg);

/* A timer that is not set yet. Errors: SF_ENOMEM. */
enum sf_status sf_timer_create(struct sf_loop *loop, sf_timer_fn fn, void *arg,
                               struct sf_timer **ret_timer) SF_MUST_CHECK;
/* Call once after @after_ms, then every @every_ms (0: once). Replaces what was set. */
void sf_timer_set(struct sf_timer *t, int64_t after_ms, int64_t every_ms);
void sf_timer_clear(struct sf_timer *t);
bool sf_timer_is_set(const struct sf_timer *t);
void sf_timer_destroy(struct sf_timer *t); /* NULL is fine */

/* --------------------------------------------------------------------- wake-ups */

/* Wakes the loop from any thread or from a signal handler; several sends before the loop
 * comes round are one call. */
struct sf_wake;
enum sf_status sf_wake_create(struct sf_loop *loop, void (*fn)(void *arg), void *arg,
                              struct sf_wake **ret_wake) SF_MUST_CHECK;
void sf_wake_send(struct sf_wake *w); /* any thread */
void sf_wake_destroy(struct sf_wake *w);

/* The uv_loop_t behind it, for code that must hand it to a library (libwebsockets). */
void *sf_loop_uv(struct sf_loop *loop);

#endif
