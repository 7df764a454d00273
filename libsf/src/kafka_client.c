/* One librdkafka instance: its place in the loop, and its end. */
#include "kafka_internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define TICK_MS 500 /* safety net should a wake-up be missed */
#define CLOSE_S 3   /* a healthy instance needs some ms */

static void on_queue_event(rd_kafka_t *rk, void *opaque)
{
    struct sf_kafka_client *c = opaque;

    (void)rk;
    sf_wake_send(c->wake);
}

enum sf_status sf_kafka_attach(struct sf_kafka_client *c, struct sf_loop *loop,
                               void (*serve)(void *arg), void *arg, struct sf_error *err)
{
    c->loop = loop;
    if (sf_wake_create(loop, serve, arg, &c->wake) != SF_OK ||
        sf_timer_create(loop, serve, arg, &c->tick) != SF_OK)
        return sf_error_set(err, SF_ENOMEM, "no memory for a Kafka client");
    c->events = rd_kafka_queue_get_main(c->rk);
    rd_kafka_queue_cb_event_enable(c->events, on_queue_event, c);
    if (c->messages)
        rd_kafka_queue_cb_event_enable(c->messages, on_queue_event, c);
    sf_timer_set(c->tick, TICK_MS, TICK_MS);
    sf_wake_send(c->wake); /* for what came before */
    return SF_OK;
}

static void drop_queue(rd_kafka_queue_t **queue)
{
    if (*queue) {
        rd_kafka_queue_cb_event_enable(*queue, NULL, NULL); /* none runs after this */
        rd_kafka_queue_destroy(*queue);
    }
    *queue = NULL;
}

void sf_kafka_detach(struct sf_kafka_client *c)
{
    drop_queue(&c->events);
    drop_queue(&c->messages);
    if (c->wake)
        sf_wake_destroy(c->wake);
    sf_timer_destroy(c->tick);
    c->wake = NULL;
    c->tick = NULL;
}

/* ------------------------------------------------------------------------------ close */

/* rd_kafka_destroy() waits for its threads, and 2.0.2 loses count of its references when
 * a topic is deleted under a consumer: then it waits for ever. A thread of its own waits
 * for it, and is left behind with the instance when it takes too long. */
struct farewell {
    rd_kafka_t *rk;
    int flags;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool is_done, is_abandoned;
};

static void free_farewell(struct farewell *f)
{
    (void)pthread_cond_destroy(&f->cond);
    (void)pthread_mutex_destroy(&f->mutex);
    free(f);
}

static void *destroy_instance(void *arg)
{
    struct farewell *f = arg;
    bool is_abandoned;

    rd_kafka_destroy_flags(f->rk, f->flags);
    (void)pthread_mutex_lock(&f->mutex);
    f->is_done = true;
    is_abandoned = f->is_abandoned;
    (void)pthread_cond_signal(&f->cond);
    (void)pthread_mutex_unlock(&f->mutex);
    if (is_abandoned)
        free_farewell(f);
    return NULL;
}

static struct farewell *new_farewell(rd_kafka_t *rk, int flags)
{
    struct farewell *f = calloc(1, sizeof(*f));
    pthread_condattr_t attr;

    if (!f)
        return NULL;
    f->rk = rk;
    f->flags = flags;
    (void)pthread_mutex_init(&f->mutex, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&f->cond, &attr);
    (void)pthread_condattr_destroy(&attr);
    return f;
}

static void wait_farewell(struct farewell *f)
{
    struct timespec until;
    bool is_done;
    int rc = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += CLOSE_S;
    (void)pthread_mutex_lock(&f->mutex);
    while (!f->is_done && rc == 0)
        rc = pthread_cond_timedwait(&f->cond, &f->mutex, &until);
    is_done = f->is_done;
    f->is_abandoned = !is_done;
    (void)pthread_mutex_unlock(&f->mutex);
    if (is_done)
        free_farewell(f);
    else
        sf_log(SF_LOG_WARN, "kafka_client_left_behind", SF_LOG_I("waited_s", CLOSE_S));
}

void sf_kafka_close(struct sf_kafka_client *c, int destroy_flags)
{
    struct farewell *f;
    pthread_t thread;

    sf_kafka_detach(c);
    if (!c->rk)
        return;
    f = new_farewell(c->rk, destroy_flags);
    if (f && pthread_create(&thread, NULL, destroy_instance, f) == 0) {
        (void)pthread_detach(thread);
        wait_farewell(f);
    } else {
        if (f)
            free_farewell(f);
        rd_kafka_destroy_flags(c->rk, destroy_flags);
    }
    c->rk = NULL;
}
