/* Misbehaviour on demand: a list of switches, set by POST /control/faults.
 *
 * Each is a JSON object: kind, and which requests it hits: path (part of path and query),
 * count (how often; default without end), probability (0 to 1, of a request, or of a row
 * for `duplicates`; drawn from the seed), symbol and interval (of rows). Fields of a
 * kind:
 *
 *   429, 418    retry_after (s)         duplicates  a running candle before the final one
 *   5xx         status                  missing     from, to: open times, both included
 *   html        status                  clock       ms: added to the exchange's clock
 *   cut         after (bytes)           delay       ms
 *   slow        bytes_per_s
 *
 * Kinds of streams; path is part of a stream's name, after: every so many frames of such
 * streams (0: each). Where it says `now`, they act as soon as they are posted, on all
 * connections with such a stream.
 *
 *   ws_cut        the socket closes behind the frame; without after: now
 *   ws_cut_mid    the socket closes in the middle of the frame
 *   ws_drop       the frame is not sent: a hole in trades, a break in the ids of depth
 *   ws_duplicate  the frame is sent twice
 *   ws_reorder    the frame is sent behind the next one
 *   ws_corrupt    a byte in the middle of the frame is wrong
 *   ws_delay      ms: the frame waits, and what follows it too
 *   ws_shutdown   now: a serverShutdown event; ms later the connection is closed
 *   ws_roll       now: the connection is closed as after 24 hours
 *   ws_refuse     ms: nobody may connect for so long
 */
#ifndef EXCHANGE_FAULTS_H
#define EXCHANGE_FAULTS_H

#include "exchange.h"

#define FAULTS_MAX 32

enum fault_kind {
    FAULT_429,
    FAULT_418,
    FAULT_5XX,
    FAULT_HTML,
    FAULT_CUT,
    FAULT_SLOW,
    FAULT_DELAY,
    FAULT_MISSING,
    FAULT_DUPLICATES,
    FAULT_CLOCK,
    FAULT_WS_CUT,
    FAULT_WS_CUT_MID,
    FAULT_WS_DROP,
    FAULT_WS_DUPLICATE,
    FAULT_WS_REORDER,
    FAULT_WS_CORRUPT,
    FAULT_WS_DELAY,
    FAULT_WS_SHUTDOWN,
    FAULT_WS_ROLL,
    FAULT_WS_REFUSE,
    FAULT_KINDS_N,
};

struct fault {
    enum fault_kind kind;
    char path[128], symbol[24], interval[8]; /* "": any */
    int64_t count;                           /* left; negative: without end */
    int64_t chance;                          /* of a million */
    int64_t retry_after_s, status, after, bytes_per_s, ms, from_ms, to_ms;
    int64_t hits, passed; /* passed: frames since the last hit */
};

struct faults {
    struct fault list[FAULTS_MAX];
    size_t n;
    uint64_t seed;  /* of what hits rows */
    uint64_t state; /* of what hits requests: moves with each that is asked */
};

/* Replace the list by the JSON array @text. On failure it is as before.
 * Errors: SF_EPROTO, with what was expected. */
enum sf_status faults_parse(struct faults *f, struct sf_str text, uint64_t seed,
                            struct sf_error *err) SF_MUST_CHECK;
void faults_print(const struct faults *f, struct sf_buf *b);

/* What is added to the clock. */
int64_t faults_clock_ms(const struct faults *f);
/* The first fault that answers in the request's place, or NULL; it is counted. Fills
 * what @answer must do with the body otherwise. */
const struct fault *faults_answer(struct faults *f, const struct call *call);
void faults_shape(struct faults *f, const struct call *call,
                  struct sf_httpd_answer *answer);

/* Rows: which faults may hit rows of this call, as a mask; 0 mostly. */
uint32_t faults_row_mask(const struct faults *f, const struct call *call,
                         struct sf_str symbol, const char *interval);
enum row_fate { ROW_STAYS, ROW_DROPPED, ROW_DOUBLED };
/* Faults that hit are noted in @used. */
enum row_fate faults_row(const struct faults *f, uint32_t mask, int64_t open_ms,
                         uint32_t *used);
void faults_count(struct faults *f, uint32_t used);

/* Frames: what happens to the next one of @stream. */
struct frame_fate {
    bool is_cut, is_cut_mid, is_dropped, is_doubled, is_late, is_corrupt;
    int64_t delay_ms;
};
struct frame_fate faults_frame(struct faults *f, struct sf_str stream);
/* The next fault of @kind that is new and acts at once, counted; NULL: none. */
const struct fault *faults_take(struct faults *f, enum fault_kind kind);

#endif
