/* Recorded frames: lines of the receive time in microseconds (other recorders: in
 * nanoseconds), a blank, and the frame; docs/PROTOCOL.md, "Tapes". What stands between
 * the frames of streams is not served. At a speed the tape is one present that all
 * connections share; without one each reads all of it as fast as it can. */
#include "live_internal.h"
#include "tape.h"

#include <uv.h>

#define TAPE_MAX ((size_t)2 << 30)
#define AHEAD    ((size_t)1 << 20)           /* bytes that may wait in a connection */
#define NS_MIN   INT64_C(100000000000000000) /* times from here on are nanoseconds */

struct line {
    int64_t time_us;
    struct sf_str frame;
};

static const struct sf_str wrapper = { "{\"stream\":\"", 11 };

/* The line at @at; where the next one begins. 0: the end, or not such a line. What has no
 * end of line was cut, and is none. */
static size_t read_line(const struct sf_buf *tape, size_t at, struct line *ret)
{
    struct sf_str rest, text = sf_str_make(tape->p + at, tape->len - at);
    struct sf_str line = sf_str_cut(text, '\n', &rest);

    if (line.len == text.len ||
        sf_str_to_i64(sf_str_cut(line, ' ', &ret->frame), &ret->time_us) != SF_OK)
        return 0;
    if (ret->time_us >= NS_MIN)
        ret->time_us /= 1000;
    return at + line.len + 1;
}

enum sf_status tape_open(struct live *l, struct sf_error *err)
{
    size_t at = 0, next, n = 0;
    struct line line;
    const char *end;

    sf_buf_init(&l->tape, TAPE_MAX);
    if (tape_file(l->opts.tape_path, &l->tape, err) != SF_OK)
        return sf_error_wrap(err, "tape");
    while ((next = read_line(&l->tape, at, &line)) != 0) {
        if (n++ == 0) {
            l->tape_first_us = line.time_us;
            l->tape_is_wrapped = sf_str_starts(line.frame, wrapper);
        }
        at = next;
    }
    end = at < l->tape.len ? memchr(l->tape.p + at, '\n', l->tape.len - at) : NULL;
    if (end || n == 0)
        return sf_error_set(err, SF_EPROTO,
                            "%s: line %zu: expected a time in us, a blank and a frame",
                            l->opts.tape_path, n + 1);
    return SF_OK;
}

/* The stream of a wrapped frame; empty: it is not wrapped. */
static struct sf_str stream_of(struct sf_str frame)
{
    struct sf_str rest;

    if (!sf_str_starts(frame, wrapper))
        return SF_STR_EMPTY;
    return sf_str_cut(sf_str_make(frame.p + wrapper.len, frame.len - wrapper.len), '"',
                      &rest);
}

static bool wants(const struct client *c, struct sf_str stream)
{
    if (stream.len == 0) /* answers of REST stand between wrapped frames */
        return !c->live->tape_is_wrapped;
    if (sf_str_starts(stream, SF_STR("!sf.")))
        return false; /* the recorder's own */
    if (c->channels_n == 0)
        return true;
    for (size_t i = 0; i < c->channels_n; i++)
        if (sf_str_eq(sf_str_from(c->channels[i]->stream.name), stream))
            return true;
    return false;
}

void tape_run(struct client *c, int64_t now_us)
{
    struct live *l = c->live;
    struct line line;
    size_t next;

    if (l->tape_began_us == 0)
        l->tape_began_us = now_us; /* with the first who listens */
    while (sf_wsd_waiting(c->ws) < AHEAD &&
           (next = read_line(&l->tape, c->tape_at, &line)) != 0) {
        struct sf_str stream = stream_of(line.frame);
        int64_t due_us = 0;

        if (l->opts.tape_speed > 0)
            due_us =
                l->tape_began_us + (line.time_us - l->tape_first_us) / l->opts.tape_speed;
        if (due_us > now_us)
            return;
        c->tape_at = next;
        if (!wants(c, stream))
            continue;
        sf_buf_clear(&l->frame);
        sf_buf_add_str(&l->frame, line.frame);
        if (sf_buf_status(&l->frame, NULL) == SF_OK)
            client_send_text(c, stream, sf_buf_str(&l->frame));
    }
}
