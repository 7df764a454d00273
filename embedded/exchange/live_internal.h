/* What live.c (connections, the clock's ticks), live_ask.c (what clients ask for),
 * live_send.c (frames and their faults) and live_tape.c share. */
#ifndef EXCHANGE_LIVE_INTERNAL_H
#define EXCHANGE_LIVE_INTERNAL_H

#include "faults.h"
#include "live.h"
#include "stream.h"

#include <sf/wsd.h>

#define STREAMS_MAX 1024 /* of a connection, as at the exchange */

struct client;

/* A stream that somebody is subscribed to. */
struct channel {
    struct channel *prev, *next;
    struct stream stream;
    struct client **clients;
    size_t clients_n, clients_cap;
};

/* A frame that a fault holds back. */
struct held {
    struct held *next;
    int64_t due_us;
    size_t len;
    char text[];
};

struct client {
    struct live *live;
    struct client *prev, *next;
    struct sf_wsd *ws;
    struct channel **channels; /* as subscribed, of STREAMS_MAX */
    size_t channels_n;
    bool is_combined, is_us;       /* frames are wrapped; times in microseconds */
    int64_t until_us;              /* closed then */
    struct held *held, **held_end; /* delayed, in order */
    size_t held_n;
    struct held *late; /* goes behind the next frame */
    size_t tape_at;    /* the next line of the tape */
};

struct live {
    struct sf_loop *loop;
    struct exchange *ex;
    struct live_opts opts;
    struct sf_timer *tick;
    struct client *clients;
    struct channel *channels;
    struct channel *running; /* whose payloads are handed out */
    size_t clients_n, channels_n;
    int64_t refused_until_us;              /* nobody may connect */
    int64_t attempts_n, attempts_since_us; /* of the five minutes that run */
    int64_t frames_n, accepted_n, refused_n;
    struct sf_buf frame;                  /* being put together */
    struct sf_buf tape;                   /* all of it */
    bool tape_is_wrapped;                 /* its frames name their streams */
    int64_t tape_first_us, tape_began_us; /* its first stamp; our clock's when it began */
};

/* live.c. False: out of memory, or too many. */
bool client_subscribe(struct client *c, struct sf_str name);
void client_unsubscribe(struct client *c, struct sf_str name);

/* live_ask.c */
void client_on_message(void *arg, struct sf_wsd *ws, struct sf_str message,
                       bool is_binary);

/* live_send.c: a payload of @stream in both units, wrapped if the client wants it so. */
void client_send(struct client *c, const char *stream, struct sf_str ms,
                 struct sf_str us);
/* A frame as it is, with the faults of @stream. */
void client_send_text(struct client *c, struct sf_str stream, struct sf_str text);
/* {"e":"serverShutdown",...} */
void client_send_shutdown(struct client *c);
/* Send what is due; free what is held. */
void client_release_held(struct client *c, int64_t now_us);
void client_drop_held(struct client *c);

/* live_tape.c */
enum sf_status tape_open(struct live *l, struct sf_error *err) SF_MUST_CHECK;
void tape_run(struct client *c, int64_t now_us);

#endif
