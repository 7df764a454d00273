/* The program: its queues, who they are stored with, who is told. One loop, one thread.
 */
#ifndef MANAGER_H
#define MANAGER_H

#include "launcher.h"
#include "member.h"

#include <sf/arango.h>
#include <sf/httpd.h>

/* A change of status that was heard. */
struct heard {
    int64_t offset; /* in queue-events */
    json_t *event;  /* as it came */
};

/* One request that is answered once all that it changed is stored. */
struct batch {
    struct sf_httpd_req *req;
    size_t left;   /* writes to come, and one for who still adds to it */
    bool is_bad;   /* the database refused one */
    bool is_start; /* then launch what it names */
    int status;    /* of the answer */
    json_t *ids;   /* of the queues that it is about */
};

/* A batch that waits for the next write of a queue. */
struct batch_ref {
    struct batch_ref *next;
    struct batch *batch;
};

struct queue {
    uint64_t serial; /* ascending in order of creation */
    uint64_t hash;   /* of the id */
    struct queue_spec spec;
    struct member members[MEMBERS_MAX];
    enum wish wish;
    enum status status;
    int64_t created_ms, updated_ms;
    int64_t wish_ms;         /* of manager_now_ms() */
    uint64_t version;        /* counts changes; the ETag */
    char error[MEMBER_TEXT]; /* of the queue as a whole, "" none */
    char idempotency_key[SF_NAME_MAX + 1];
    uint64_t body_hash;
    size_t request_n;     /* queues that its request made, it included; 0: not known */
    struct heard *events; /* ring of conf->events_keep */
    size_t events_n, events_at;
    struct batch_ref *refs; /* answered after the next write */
    bool is_dirty;          /* must be stored */
    bool is_held;           /* nothing is launched before it is stored */
    bool is_deleted;        /* its document is being removed */
};

struct counters {
    int64_t requests, refused, starts, restarts, events, commands;
};

struct manager {
    struct sf_conf conf;
    struct plan_env plan_env;
    struct sf_loop *loop;
    struct sf_watch *stop_watch;
    struct sf_timer *tick;
    struct sf_httpd *httpd;
    struct sf_producer *producer;
    struct sf_topic *control_topic;
    struct sf_reader *reader;
    struct sf_arango *arango;
    struct sf_arango_writer *queue_writer, *event_writer;
    struct launcher *launcher;
    struct live_client *live; /* of live.c */
    size_t live_n;
    struct queue **queues; /* in order of serial */
    size_t queues_n, queues_cap;
    uint64_t next_serial;
    int64_t position;   /* next offset of queue-events */
    bool store_is_away; /* and documents wait */
    bool is_looking;    /* store_look has asked, and has no answer yet */
    int64_t look_again_us;
    bool is_started; /* everything was read back: act */
    struct counters n;
    struct sf_error failure;
    bool is_failed;
};

void manager_fail(struct manager *m, const struct sf_error *err);

/* ------------------------------------------------------------------------- queues.c */

/* NULL: none. */
struct queue *queue_find(struct manager *m, struct sf_str id);
struct queue *queue_find_serial(struct manager *m, uint64_t serial);
/* Take @spec over (emptied) as a new queue. NULL: out of memory. */
struct queue *queue_add(struct manager *m, struct queue_spec *spec);
void queue_remove(struct manager *m, struct queue *q);
void queues_release(struct manager *m); /* all of them */
/* Do what is due for all queues. */
void queues_tick(struct manager *m);
void queue_step(struct manager *m, struct queue *q);
/* It changed: store it, and another ETag. */
void queue_touch(struct queue *q);
/* Derive the status again. */
void queue_refresh(struct manager *m, struct queue *q);
void queue_wish(struct manager *m, struct queue *q, enum wish wish);
/* Start its members at once. Errors: as struct launcher_kind's start. */
enum sf_status queue_launch(struct manager *m, struct queue *q, struct sf_error *err);
/* Nothing of it runs and nothing will. */
bool queue_is_over(const struct queue *q);
void queue_keep_event(struct manager *m, struct queue *q, json_t *event, int64_t offset);
/* The @i-th of its events_n, oldest first. */
const struct heard *queue_heard(const struct manager *m, const struct queue *q, size_t i);
const char *wish_name(enum wish wish);
/* As the API shows it. NULL: out of memory. */
json_t *queue_json(const struct queue *q);
/* Monotonic: waits must not follow the wall clock's jumps. */
int64_t manager_now_ms(void);

/* -------------------------------------------------------------------------- store.c */

/* Make collections, read queues and events back. Blocking, start-up. */
enum sf_status store_open(struct manager *m, struct sf_error *err) SF_MUST_CHECK;
void store_close(struct manager *m);
/* Write what is dirty. */
void store_flush(struct manager *m);
/* Every so often: is the database there? A queue at rest writes nothing that would tell.
 */
void store_look(struct manager *m);
void store_event(struct manager *m, const struct telemetry *t, const json_t *event);
/* At the end: write what is dirty and wait for it, for a while. */
void store_settle(struct manager *m);
/* Answer @b after the next write of @q. False: out of memory. */
bool store_then(struct queue *q, struct batch *b);
/* Forget @q and, unless NULL, @collection, then answer @req. Its events expire. */
void store_delete(struct manager *m, struct queue *q, const char *collection,
                  struct sf_httpd_req *req);

/* Remove a document of `queues`; start-up, blocking. A missing one is no error. */
enum sf_status store_remove(struct manager *m, const char *key,
                            struct sf_error *err) SF_MUST_CHECK;

/* --------------------------------------------------------------------- store_read.c */

enum sf_status store_read(struct manager *m, struct sf_error *err) SF_MUST_CHECK;

/* ------------------------------------------------------------------------ follow.c */

/* Read queue-events from where the stored queues know it, then follow it. */
enum sf_status follow_open(struct manager *m, struct sf_error *err) SF_MUST_CHECK;
void follow_close(struct manager *m);
/* Send a command; @member NULL: to all of the queue. */
void follow_command(struct manager *m, const struct queue *q,
                    const struct member_spec *member, const char *command);

/* ------------------------------------------------------------------------- start.c */

/* POST /queues/start. */
void start_request(struct manager *m, struct sf_httpd_req *req);
/* A batch that answers @req with @status and its queues, held by its creator. NULL: out
 * of memory, answered. */
struct batch *batch_create(struct sf_httpd_req *req, int status);
/* Wait for the next write of @q. */
void batch_add(struct batch *b, struct queue *q);
/* One thing less to wait for; with the last one: launch or roll back, answer, free. */
void batch_release(struct manager *m, struct batch *b);

#endif
