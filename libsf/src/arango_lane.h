/* What arango_writer.c and arango_lane.c share. */
#ifndef ARANGO_LANE_H
#define ARANGO_LANE_H

#include "arango_internal.h"

struct arango_lane {
    struct sf_arango_writer *w;
    struct arango_batch fill, flight;
    bool is_busy;      /* flight holds documents that are not answered for good */
    bool is_sent;      /* a request is under way */
    bool is_judged;    /* the window is sent without silent */
    bool is_due;       /* fill goes as soon as the lane is free */
    bool wants_room;   /* put was refused */
    size_t window;     /* documents of flight that are in the request */
    size_t suspects;   /* of these first documents one was bad; 0: none known */
    unsigned failures; /* in a row without progress */
    unsigned denials;  /* 401 in a row */
    struct arango_ticket ticket;
    struct sf_timer *again;
    size_t seen_n;         /* of fill, at the last tick */
    int64_t fill_since_us; /* mono: of the first document in fill */
};

struct sf_arango_writer {
    struct sf_arango *a;
    struct sf_arango_writer_opts opts;
    char *path, *path_silent; /* POST document without and with silent */
    struct arango_lane *lanes;
    struct sf_timer *tick;
    size_t pending;
    bool is_away, is_dead;
    struct sf_buf text; /* an error message without its escapes */
};

/* Send the front of the batch in flight (arango_lane.c). */
void arango_lane_send(struct arango_lane *lane);
/* The flight is empty: go on with what waits (arango_writer.c). */
void arango_lane_land(struct arango_lane *lane);

#endif
