/* Tapes: what a live loader received, line by line, and the same again from the file.
 *
 * Lines are a receive time, a blank and a text (docs/PROTOCOL.md, "Tapes"): the frames of
 * the streams as they came, and between them, as frames of streams that no exchange has,
 * what else moved the loader: connections that came and went, REST questions and their
 * answers. What is played in this order gives the same records. Loop thread only. */
#ifndef TAPE_H
#define TAPE_H

#include <sf/buf.h>
#include <sf/loop.h>

struct sf_loader;
struct sf_rest;

/* ------------------------------------------------------------------------------- lines
 */

enum tape_kind {
    TAPE_FRAME,  /* of a stream, or any text that came */
    TAPE_BEGIN,  /* what the loader knew when it began: the first line */
    TAPE_UP,     /* symbols are listened to */
    TAPE_DOWN,   /* they are not */
    TAPE_ASK,    /* REST is asked */
    TAPE_ANSWER, /* and has answered, or failed for good */
};

/* Views into the line. */
struct tape_line {
    enum tape_kind kind;
    int64_t time_us;    /* wall clock of the reception */
    struct sf_str text; /* FRAME: as it came; BEGIN: the object */
    int64_t first, n;   /* UP, DOWN: symbols of the settings */
    struct sf_str path; /* ASK, ANSWER */
    struct sf_str why;  /* DOWN, ANSWER: the error's text, escaped */
    enum sf_status status;
    int64_t server_ms;  /* ANSWER: the exchange's clock then */
    struct sf_str body; /* ANSWER */
    bool is_body_text;  /* it was no JSON and stands as a string */
};

/* @line without its end. Times in us, or ns as other recorders write them.
 * Errors: SF_EPROTO. */
enum sf_status tape_line_parse(struct sf_str line, struct tape_line *ret_line,
                               struct sf_error *err) SF_MUST_CHECK;

/* --------------------------------------------------------------------------- recording
 */

struct tape_writer;

/* Create the file @path, or one named @name in the folder @path. @on_over is told once,
 * when recording has failed; nothing is recorded after that.
 * Errors: SF_EINVAL it cannot be written, or there is a tape already; SF_ENOMEM. */
enum sf_status tape_writer_open(struct sf_loop *loop, const char *path, const char *name,
                                void (*on_over)(void *arg, const struct sf_error *err),
                                void *arg, struct tape_writer **ret_w,
                                struct sf_error *err) SF_MUST_CHECK;
/* Write what is left; waits for the disk, at most some seconds. Not from a callback. NULL
 * is fine. */
void tape_writer_close(struct tape_writer *w);

/* One line each; they cost a copy, the disk is written beside the loop. @w NULL: none. */
void tape_write_begin(struct tape_writer *w, struct sf_str json);
void tape_write_frame(struct tape_writer *w, struct sf_str text);
void tape_write_up(struct tape_writer *w, size_t first, size_t n);
void tape_write_down(struct tape_writer *w, size_t first, size_t n,
                     const struct sf_error *why);
void tape_write_ask(struct tape_writer *w, struct sf_str path);
/* @body: NULL when it failed, as @why says. */
void tape_write_answer(struct tape_writer *w, struct sf_str path, enum sf_status status,
                       int64_t server_ms, const struct sf_buf *body,
                       const struct sf_error *why);

/* ----------------------------------------------------------------------------- playing
 */

struct tape_player;

/* Who hears the frames: the streams (live.c). */
struct tape_ear {
    void (*on_frame)(void *arg, struct sf_str text);
    void (*on_up)(void *arg, size_t first, size_t n);
    void (*on_down)(void *arg, size_t first, size_t n, const struct sf_error *why);
    void *arg;
};

struct tape_player_opts {
    struct sf_loop *loop;
    const char *path;
    int64_t speed; /* times as fast as recorded; 0: as fast as it is taken */
    /* No frame while this is true; then tape_play_go(). */
    bool (*is_full)(void *arg);
    void (*on_end)(void *arg);  /* after the last line, once nothing is left to publish */
    bool (*is_idle)(void *arg); /* nothing is left to publish */
    void (*on_fail)(void *arg, const struct sf_error *err); /* it cannot be read on */
    void *arg;
};

/* Reads the first line: *ret_begin is its object, or empty when the tape has none (of
 * another recorder); lent until the loop runs.
 * Errors: SF_EINVAL it cannot be read; SF_EPROTO it is no tape; SF_ENOMEM. */
enum sf_status tape_player_open(const struct tape_player_opts *opts,
                                struct sf_str *ret_begin, struct tape_player **ret_p,
                                struct sf_error *err) SF_MUST_CHECK;
void tape_player_close(struct tape_player *p); /* NULL is fine */

/* REST questions are answered from the tape; before the streams begin. */
void tape_play_rest(struct tape_player *p, struct sf_rest *rest);
/* Begin. The symbols of a tape that has no such lines, @n, are up at once. */
void tape_play_start(struct tape_player *p, const struct tape_ear *ear, size_t n);
void tape_play_pause(struct tape_player *p, bool is_paused);
/* There is room again. */
void tape_play_go(struct tape_player *p);
/* How much of the tape is played. */
int64_t tape_play_percent(const struct tape_player *p);
/* The time of the line that is played. */
int64_t tape_play_time_us(const struct tape_player *p);

/* ------------------------------------------------------------------- a loader's own tape
 */

/* Of the settings; both NULL: it neither records nor plays. */
struct sf_tape {
    struct tape_writer *writer;
    struct tape_player *player;
};

const struct sf_tape *sf_loader_tape(const struct sf_loader *l);

/* rest_tape.c: from now on this is what @rest asks and answers. */
void sf_rest_tape(struct sf_rest *rest, const struct sf_tape *tape);
/* The oldest call for @path that was not matched is; false: there is none. */
bool sf_rest_tape_ask(struct sf_rest *rest, struct sf_str path);
/* End the oldest matched call for the line's path; false: there is none. An empty path:
 * the oldest call, whatever it asked for. */
bool sf_rest_tape_answer(struct sf_rest *rest, const struct tape_line *line);
/* Calls made before @time_us of the tape get no answer. */
void sf_rest_tape_expire(struct sf_rest *rest, int64_t time_us);

#endif
