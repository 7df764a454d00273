/* The market as it happens: WebSocket streams on /ws and /stream, of the same market that
 * REST serves. Loop thread. */
#ifndef EXCHANGE_LIVE_H
#define EXCHANGE_LIVE_H

#include "exchange.h"

struct live_opts {
    int64_t ping_ms;       /* how often the server pings */
    int64_t life_ms;       /* after which a connection is closed */
    int64_t rate;          /* client frames a second */
    int64_t connects;      /* attempts of all clients in five minutes */
    const char *tape_path; /* frames to serve in place of the market's, or NULL */
    int64_t tape_speed;    /* times as fast as recorded; 0: as fast as they are read */
};

struct live;

/* Errors: SF_ENOMEM; SF_EIO, SF_EPROTO the tape. */
enum sf_status live_create(struct sf_loop *loop, struct exchange *ex,
                           const struct live_opts *opts, struct live **ret_live,
                           struct sf_error *err) SF_MUST_CHECK;
/* After its HTTP server; NULL is fine. */
void live_destroy(struct live *l);

/* False: not a path of streams. */
bool live_serve(struct live *l, struct sf_httpd_req *req);
/* New faults are in the list: those that act at once do, on who is connected. */
void live_new_faults(struct live *l);
/* Forget how often clients have connected. */
void live_reset(struct live *l);
/* Connections, frames sent, subscriptions: members of a JSON object. */
void live_print(const struct live *l, struct sf_buf *b);

#endif
