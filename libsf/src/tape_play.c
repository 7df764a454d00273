/* The tape is the only source of what happens: after a line that says that REST was asked
 * nothing is played before the loader has asked the same, so that each line finds it as
 * it was when the line was written. */
#include "tape.h"

#include <sf/log.h>
#include <sf/time.h>

#include <uv.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_BYTES ((size_t)16 << 20) /* twice the largest body and frame */
#define READ_BYTES     262144
#define TURN_LINES     256 /* of one turn of the loop */
#define WAIT_TICK_MS   1
#define END_TICK_MS    50
/* A question that was asked by the clock may come later than the tape at this speed, but
 * not later than in the original run, and a little. */
#define SLACK_US      5000000
#define SLACK_NEXT_US 200000   /* once the run has left the tape */
#define WAIT_MAX_US   70000000 /* longer than any wait of a loader before it asks again */
#define EXPIRE_US     10000000 /* of a tape without answers: questions wait so long */

struct tape_player {
    struct tape_player_opts opts;
    struct tape_ear ear;
    struct sf_rest *rest;
    struct sf_timer *timer;
    int fd;
    struct sf_buf buf;
    size_t at; /* in buf: the next line begins here */
    int64_t size_bytes, read_bytes;
    bool has_begin; /* ours; else of another recorder */
    bool is_at_end, is_paused, is_idle, is_left;
    int64_t first_us, time_us; /* of the tape */
    int64_t begun_us, wait_us; /* mono; wait_us 0: no wait for a question */
    int64_t left_n;            /* lines that found no question */
};

/* ------------------------------------------------------------------------------ reading
 */

static enum sf_status read_more(struct tape_player *p, struct sf_error *err)
{
    char *to;
    ssize_t n;

    if (p->at > 0) {
        memmove(p->buf.p, p->buf.p + p->at, p->buf.len - p->at);
        p->buf.len -= p->at;
        p->at = 0;
    }
    to = sf_buf_reserve(&p->buf, READ_BYTES);
    if (!to)
        return sf_error_set(err, SF_EPROTO, "TAPE_REPLAY='%.200s': a line over %zu bytes",
                            p->opts.path, LINE_MAX_BYTES);
    do {
        n = read(p->fd, to, READ_BYTES);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return sf_error_set(err, SF_EIO, "TAPE_REPLAY='%.200s': %s", p->opts.path,
                            uv_strerror(-errno));
    p->buf.len += (size_t)n;
    p->read_bytes += n;
    p->is_at_end = n == 0;
    return SF_OK;
}

/* The next line, lent until it is called again; *ret_len with its end, 0: no more. What
 * lacks its end was cut by a kill and is no line. */
static enum sf_status next_line(struct tape_player *p, struct tape_line *ret_line,
                                size_t *ret_len, struct sf_error *err)
{
    size_t looked = 0;

    for (;;) {
        size_t left = p->buf.len - p->at;
        const char *begin = left > 0 ? p->buf.p + p->at : "";
        const char *end =
            left > looked ? memchr(begin + looked, '\n', left - looked) : NULL;

        if (end) {
            *ret_len = (size_t)(end - begin) + 1;
            if (tape_line_parse(sf_str_make(begin, *ret_len - 1), ret_line, err) == SF_OK)
                return SF_OK;
            return sf_error_wrap(err, "TAPE_REPLAY='%.200s': at byte %lld", p->opts.path,
                                 (long long)(p->read_bytes - (int64_t)left));
        }
        *ret_len = 0;
        if (p->is_at_end)
            return SF_OK;
        looked = left;
        if (read_more(p, err) != SF_OK)
            return err->status;
    }
}

/* ------------------------------------------------------------------------------ playing
 */

/* May the loader still ask what the line says? */
static bool may_come(struct tape_player *p, int64_t slack_us)
{
    int64_t now_us = sf_mono_us(), until_us, as_then_us;

    if (p->wait_us == 0)
        p->wait_us = now_us;
    until_us = p->wait_us + (p->is_left ? SLACK_NEXT_US : slack_us);
    as_then_us = p->begun_us + p->time_us - p->first_us + slack_us;
    if (p->has_begin && !p->is_left && until_us < as_then_us)
        until_us =
            as_then_us < p->wait_us + WAIT_MAX_US ? as_then_us : p->wait_us + WAIT_MAX_US;
    return now_us < until_us;
}

/* The run has left the tape: other settings, or another state of Kafka. */
static void leave(struct tape_player *p, const struct tape_line *line)
{
    p->left_n++;
    if (p->is_left)
        return;
    p->is_left = true;
    sf_log(SF_LOG_WARN, "tape_left", SF_LOG_V("path", line->path),
           SF_LOG_S("text",
                    "the tape has a REST request that this run did not make; were "
                    "its settings others?"));
}

/* False: not yet. */
static bool play_rest(struct tape_player *p, const struct tape_line *line)
{
    bool is_done =
        p->rest && (line->kind == TAPE_ASK ? sf_rest_tape_ask(p->rest, line->path)
                                           : sf_rest_tape_answer(p->rest, line));

    if (!is_done && line->kind == TAPE_ASK && may_come(p, SLACK_US))
        return false;
    if (!is_done)
        leave(p, line);
    p->wait_us = 0;
    return true;
}

/* Other recorders write answers of REST as they are, between the frames. */
static bool play_foreign(struct tape_player *p, struct tape_line *line)
{
    bool is_answer = !sf_str_starts(line->text, SF_STR("{\"stream\""));

    line->body = line->text;
    if (is_answer && p->rest && sf_rest_tape_answer(p->rest, line)) {
        p->wait_us = 0;
        return true;
    }
    if (is_answer && p->rest && may_come(p, SLACK_NEXT_US))
        return false;
    p->wait_us = 0;
    p->ear.on_frame(p->ear.arg, line->text);
    return true;
}

static bool play_line(struct tape_player *p, struct tape_line *line)
{
    struct sf_error why = { .status = line->status };
    const struct tape_ear *ear = &p->ear;

    if (!p->has_begin && p->rest)
        sf_rest_tape_expire(p->rest, line->time_us - EXPIRE_US);
    switch (line->kind) {
    case TAPE_FRAME:
        if (!p->has_begin)
            return play_foreign(p, line);
        ear->on_frame(ear->arg, line->text);
        break;
    case TAPE_BEGIN: /* there is one, and it was read */
        break;
    case TAPE_UP:
        ear->on_up(ear->arg, (size_t)line->first, (size_t)line->n);
        break;
    case TAPE_DOWN:
        (void)!sf_str_copy(line->why, why.text, sizeof(why.text));
        ear->on_down(ear->arg, (size_t)line->first, (size_t)line->n, &why);
        break;
    case TAPE_ASK:
    case TAPE_ANSWER:
        return play_rest(p, line);
    }
    return true;
}

/* In ms from now; 0: now. */
static int64_t due_in_ms(const struct tape_player *p, int64_t time_us)
{
    int64_t due_us;

    if (p->opts.speed == 0)
        return 0;
    due_us = p->begun_us + (time_us - p->first_us) / p->opts.speed - sf_mono_us();
    return due_us > 0 ? due_us / 1000 + 1 : 0;
}

/* The end: what was played is published, then the queue is complete. */
static void end(struct tape_player *p)
{
    bool was_idle = p->is_idle;

    p->is_idle = p->opts.is_idle(p->opts.arg);
    if (!p->is_idle || !was_idle) { /* twice in a row: nothing came after it */
        sf_timer_set(p->timer, END_TICK_MS, 0);
        return;
    }
    sf_log(SF_LOG_INFO, "tape_end", SF_LOG_I("bytes", p->read_bytes),
           SF_LOG_I("cut_bytes", (int64_t)(p->buf.len - p->at)),
           SF_LOG_I("left", p->left_n));
    p->opts.on_end(p->opts.arg);
}

/* One line; false: the turn is over, and the timer set if it goes on by itself. */
static bool step(struct tape_player *p)
{
    struct sf_error err = { 0 };
    struct tape_line line;
    int64_t wait_ms;
    size_t len;

    if (p->is_paused || p->opts.is_full(p->opts.arg))
        return false;
    if (next_line(p, &line, &len, &err) != SF_OK) {
        p->opts.on_fail(p->opts.arg, &err);
        return false;
    }
    if (len == 0) {
        end(p);
        return false;
    }
    wait_ms = due_in_ms(p, line.time_us);
    if (wait_ms == 0) {
        p->time_us = line.time_us;
        wait_ms = play_line(p, &line) ? 0 : WAIT_TICK_MS;
    }
    if (wait_ms > 0) {
        sf_timer_set(p->timer, wait_ms, 0);
        return false;
    }
    p->at += len;
    return true;
}

static void on_timer(void *arg)
{
    struct tape_player *p = arg;

    for (int i = 0; i < TURN_LINES; i++)
        if (!step(p))
            return;
    sf_timer_set(p->timer, 0, 0);
}

void tape_play_go(struct tape_player *p)
{
    if (p && p->begun_us > 0 && !sf_timer_is_set(p->timer))
        sf_timer_set(p->timer, 0, 0);
}

void tape_play_pause(struct tape_player *p, bool is_paused)
{
    p->is_paused = is_paused;
    tape_play_go(p);
}

/* -------------------------------------------------------------------------------- life
 */

static enum sf_status read_begin(struct tape_player *p, struct sf_str *ret_begin,
                                 struct sf_error *err)
{
    struct tape_line line;
    size_t len;
    enum sf_status status = next_line(p, &line, &len, err);

    if (status != SF_OK)
        return status;
    if (len == 0)
        return sf_error_set(err, SF_EPROTO, "TAPE_REPLAY='%.200s': it is empty",
                            p->opts.path);
    p->first_us = p->time_us = line.time_us;
    p->has_begin = line.kind == TAPE_BEGIN;
    *ret_begin = p->has_begin ? line.text : SF_STR_EMPTY;
    return SF_OK;
}

enum sf_status tape_player_open(const struct tape_player_opts *opts,
                                struct sf_str *ret_begin, struct tape_player **ret_p,
                                struct sf_error *err)
{
    struct tape_player *p = calloc(1, sizeof(*p));
    enum sf_status status = SF_OK;
    struct stat st;

    if (!p)
        return sf_error_set(err, SF_ENOMEM, "no memory for a tape");
    p->opts = *opts;
    sf_buf_init(&p->buf, LINE_MAX_BYTES + READ_BYTES);
    p->fd = open(opts->path, O_RDONLY | O_CLOEXEC);
    if (p->fd < 0 || fstat(p->fd, &st) != 0)
        status = sf_error_set(err, SF_EINVAL, "TAPE_REPLAY='%.200s': %s", opts->path,
                              uv_strerror(-errno));
    else
        p->size_bytes = (int64_t)st.st_size;
    if (status == SF_OK && sf_timer_create(opts->loop, on_timer, p, &p->timer) != SF_OK)
        status = sf_error_set(err, SF_ENOMEM, "no memory for a tape");
    if (status == SF_OK)
        status = read_begin(p, ret_begin, err);
    if (status != SF_OK) {
        tape_player_close(p);
        return status;
    }
    *ret_p = p;
    return SF_OK;
}

void tape_player_close(struct tape_player *p)
{
    if (!p)
        return;
    sf_timer_destroy(p->timer);
    if (p->fd >= 0)
        (void)close(p->fd);
    sf_buf_release(&p->buf);
    free(p);
}

void tape_play_rest(struct tape_player *p, struct sf_rest *rest)
{
    p->rest = rest;
}

void tape_play_start(struct tape_player *p, const struct tape_ear *ear, size_t n)
{
    p->ear = *ear;
    p->begun_us = sf_mono_us();
    if (!p->has_begin)
        ear->on_up(ear->arg, 0, n);
    sf_timer_set(p->timer, 0, 0);
}

int64_t tape_play_percent(const struct tape_player *p)
{
    int64_t played = p->read_bytes - (int64_t)(p->buf.len - p->at);

    return p->size_bytes > 0 ? played * 100 / p->size_bytes : 100;
}

int64_t tape_play_time_us(const struct tape_player *p)
{
    return p->time_us;
}
