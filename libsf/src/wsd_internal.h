/* What wsd.c (a connection's life, sending), wsd_accept.c (the handshake) and wsd_recv.c
 * (receiving) share. Loop thread only. */
#ifndef SF_SRC_WSD_INTERNAL_H
#define SF_SRC_WSD_INTERNAL_H

#include "httpd_internal.h"
#include "wsd_frame.h"

#include <sf/wsd.h>

enum wsd_state {
    WSD_OPEN,
    WSD_CLOSING, /* our close frame is queued; theirs is waited for */
    WSD_CLOSED,  /* both are; the rest goes out, then the socket closes */
    WSD_CUT,     /* the socket closes with the next turn */
};

struct sf_wsd {
    struct conn *conn; /* NULL once the connection is closed */
    struct sf_wsd_opts opts;
    enum wsd_state state;
    bool is_stream; /* no frames: what is sent goes out as it is */
    int code;       /* of the first close frame; 0: none yet */
    size_t edge;    /* in conn->out: where the first frame begins that need not be sent */
    struct sf_timer *ping;
    int64_t ping_first_ms, ping_last_ms; /* payloads that wait for a pong; 0: none */
    int64_t pinged_us;                   /* when the first of them went out */
    struct sf_buf message;               /* in parts */
    unsigned message_opcode;             /* of its first part; 0: none begun */
    int64_t frames_us[SF_WSD_FRAMES_MAX];
    uint64_t frames_n;
};

/* wsd.c: of the peer's close frame, or a fault of the peer's. */
void sf_wsd_queue(struct sf_wsd *ws, unsigned opcode, struct sf_str payload);
/* wsd_recv.c: read once, and act on what is whole. */
void sf_wsd_receive(struct sf_wsd *ws);

#endif
