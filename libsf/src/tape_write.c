/* Two buffers: lines go into one while libuv's threads write the other to the disk. A
 * disk that is slower than the market ends the recording, never the loader. */
#include "tape.h"

#include <sf/scan.h>
#include <sf/time.h>

#include <uv.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_MAX ((size_t)16 << 20) /* what waits for the disk; a body is 8 MiB */
#define FLUSH_AT   65536              /* bytes; fewer wait at most */
#define FLUSH_MS   200
#define KEEP_BYTES ((size_t)1 << 20) /* an empty buffer that is larger is freed */
#define CLOSE_MS   5000              /* how long the disk may take for the last bytes */
#define PATH_BYTES 4096

struct tape_writer {
    struct sf_loop *loop;
    struct sf_timer *timer;
    int fd;
    char path[PATH_BYTES];
    struct sf_buf fill, flying;
    size_t line_at; /* in fill: where the line that is being made begins */
    size_t flown;   /* of flying: on the disk */
    uv_fs_t req;
    bool is_flying, is_settled, is_over;
    struct sf_error why;
    void (*on_over)(void *arg, const struct sf_error *err);
    void *arg;
};

static void fly(struct tape_writer *w);

static void give_up(struct tape_writer *w, enum sf_status status, const char *why)
{
    if (w->is_over)
        return;
    w->is_over = true;
    sf_timer_clear(w->timer);
    (void)sf_error_set(&w->why, status, "TAPE_RECORD: %s: %s; recording has ended",
                       w->path, why);
    w->on_over(w->arg, &w->why);
}

/* uv_fs_cb, on the loop's thread */
static void on_written(uv_fs_t *req)
{
    struct tape_writer *w = req->data;
    ssize_t n = req->result;

    uv_fs_req_cleanup(req);
    w->is_flying = false;
    if (n > 0)
        w->flown += (size_t)n;
    if (n <= 0 && n != UV_EINTR)
        give_up(w, SF_EIO, uv_strerror(n < 0 ? (int)n : UV_EIO));
    if (!w->is_over && (w->flown < w->flying.len || w->fill.len >= FLUSH_AT))
        fly(w);
    w->is_settled = !w->is_flying;
}

/* Send off what there is, unless something is under way. */
static void fly(struct tape_writer *w)
{
    uv_buf_t bytes;
    int rc;

    if (w->is_flying || w->is_over)
        return;
    if (w->flown == w->flying.len) {
        struct sf_buf empty = w->flying;

        if (w->fill.len == 0)
            return;
        w->flying = w->fill;
        w->fill = empty;
        w->flown = 0;
        if (w->fill.cap > KEEP_BYTES)
            sf_buf_release(&w->fill);
        else
            sf_buf_clear(&w->fill);
    }
    bytes = uv_buf_init(w->flying.p + w->flown, (unsigned)(w->flying.len - w->flown));
    w->req.data = w;
    rc = uv_fs_write(sf_loop_uv(w->loop), &w->req, w->fd, &bytes, 1, -1, on_written);
    w->is_flying = rc == 0;
    w->is_settled = !w->is_flying;
    if (rc != 0)
        give_up(w, SF_EIO, uv_strerror(rc));
}

static void on_timer(void *arg)
{
    fly(arg);
}

/* ------------------------------------------------------------------------------- lines
 */

static int64_t now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Where to append the text of a line; NULL: nothing is recorded. */
static struct sf_buf *begin_line(struct tape_writer *w)
{
    if (!w || w->is_over)
        return NULL;
    w->line_at = w->fill.len;
    sf_buf_add_i64(&w->fill, now_us());
    sf_buf_add_char(&w->fill, ' ');
    return &w->fill;
}

/* A line has no line break inside; in JSON it is a blank. */
static void add_text(struct sf_buf *b, struct sf_str text)
{
    char *to = sf_buf_reserve(b, text.len);
    char *hit = to;

    if (!to)
        return;
    memcpy(to, text.p, text.len);
    b->len += text.len;
    while ((hit = memchr(hit, '\n', text.len - (size_t)(hit - to))) != NULL)
        *hit = ' ';
}

static void end_line(struct tape_writer *w)
{
    char why[80];

    sf_buf_add_char(&w->fill, '\n');
    if (w->fill.status == SF_OK) {
        if (w->fill.len >= FLUSH_AT)
            fly(w);
        return;
    }
    w->fill.len = w->line_at; /* whole lines only */
    (void)snprintf(why, sizeof(why), "the disk is too slow: %zu bytes wait", w->fill.len);
    give_up(w, w->fill.status, w->fill.status == SF_ENOMEM ? "out of memory" : why);
    w->fill.status = SF_OK;
}

void tape_write_begin(struct tape_writer *w, struct sf_str json)
{
    struct sf_buf *b = begin_line(w);

    if (!b)
        return;
    sf_buf_add_lit(b, "{\"stream\":\"!sf.begin\",\"data\":");
    sf_buf_add_str(b, json);
    sf_buf_add_char(b, '}');
    end_line(w);
}

void tape_write_frame(struct tape_writer *w, struct sf_str text)
{
    struct sf_buf *b = begin_line(w);

    if (!b)
        return;
    add_text(b, text);
    end_line(w);
}

void tape_write_up(struct tape_writer *w, size_t first, size_t n)
{
    struct sf_buf *b = begin_line(w);

    if (!b)
        return;
    sf_buf_addf(b, "{\"stream\":\"!sf.up\",\"data\":{\"first\":%zu,\"n\":%zu}}", first,
                n);
    end_line(w);
}

void tape_write_down(struct tape_writer *w, size_t first, size_t n,
                     const struct sf_error *why)
{
    struct sf_buf *b = begin_line(w);

    if (!b)
        return;
    sf_buf_addf(b, "{\"stream\":\"!sf.down\",\"data\":{\"first\":%zu,\"n\":%zu,", first,
                n);
    sf_buf_addf(b, "\"status\":\"%s\",\"text\":\"", sf_status_name(why->status));
    sf_buf_add_json(b, sf_str_from(why->text));
    sf_buf_add_lit(b, "\"}}");
    end_line(w);
}

void tape_write_ask(struct tape_writer *w, struct sf_str path)
{
    struct sf_buf *b = begin_line(w);

    if (!b)
        return;
    sf_buf_add_lit(b, "{\"stream\":\"!sf.ask\",\"data\":{\"path\":\"");
    sf_buf_add_json(b, path);
    sf_buf_add_lit(b, "\"}}");
    end_line(w);
}

static bool is_json(struct sf_str text)
{
    struct sf_scan s;
    enum sf_token token;

    sf_scan_init(&s, text);
    while ((token = sf_scan_next(&s)) != SF_TOK_END && token != SF_TOK_ERROR)
        ;
    return token == SF_TOK_END;
}

void tape_write_answer(struct tape_writer *w, struct sf_str path, enum sf_status status,
                       int64_t server_ms, const struct sf_buf *body,
                       const struct sf_error *why)
{
    struct sf_buf *b = begin_line(w);
    struct sf_str text;

    if (!b)
        return;
    sf_buf_add_lit(b, "{\"stream\":\"!sf.answer\",\"data\":{\"path\":\"");
    sf_buf_add_json(b, path);
    sf_buf_addf(b, "\",\"status\":\"%s\",\"server_ms\":%lld,\"text\":\"",
                sf_status_name(status), (long long)server_ms);
    sf_buf_add_json(b, sf_str_from(why->text));
    sf_buf_add_char(b, '"');
    if (body) {
        text = sf_buf_str(body);
        sf_buf_add_lit(b, ",\"body\":");
        if (is_json(text)) {
            add_text(b, text);
        } else {
            sf_buf_add_char(b, '"');
            sf_buf_add_json(b, text);
            sf_buf_add_char(b, '"');
        }
    }
    sf_buf_add_lit(b, "}}");
    end_line(w);
}

/* -------------------------------------------------------------------------------- life
 */

static enum sf_status open_file(struct tape_writer *w, const char *path, const char *name,
                                struct sf_error *err)
{
    struct stat st;
    bool is_folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    int n = snprintf(w->path, sizeof(w->path), "%s%s%s", path, is_folder ? "/" : "",
                     is_folder ? name : "");

    if (n < 0 || (size_t)n >= sizeof(w->path))
        return sf_error_set(err, SF_EINVAL,
                            "TAPE_RECORD='%.80s...': the path is too long", path);
    w->fd = open(w->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (w->fd < 0 || fstat(w->fd, &st) != 0)
        return sf_error_set(err, SF_EINVAL, "TAPE_RECORD='%.200s': %s", w->path,
                            uv_strerror(-errno));
    if (S_ISREG(st.st_mode) && st.st_size > 0)
        return sf_error_set(err, SF_EINVAL,
                            "TAPE_RECORD='%.200s': there is a tape already; name a "
                            "folder to record each run",
                            w->path);
    return SF_OK;
}

enum sf_status tape_writer_open(struct sf_loop *loop, const char *path, const char *name,
                                void (*on_over)(void *arg, const struct sf_error *err),
                                void *arg, struct tape_writer **ret_w,
                                struct sf_error *err)
{
    struct tape_writer *w = calloc(1, sizeof(*w));
    enum sf_status status;

    if (!w)
        return sf_error_set(err, SF_ENOMEM, "no memory for a tape");
    w->loop = loop;
    w->fd = -1;
    w->on_over = on_over;
    w->arg = arg;
    w->is_settled = true;
    sf_buf_init(&w->fill, BUFFER_MAX);
    sf_buf_init(&w->flying, BUFFER_MAX);
    status = open_file(w, path, name, err);
    if (status == SF_OK && sf_timer_create(loop, on_timer, w, &w->timer) != SF_OK)
        status = sf_error_set(err, SF_ENOMEM, "no memory for a tape");
    if (status != SF_OK) {
        tape_writer_close(w);
        return status;
    }
    sf_timer_set(w->timer, FLUSH_MS, FLUSH_MS);
    *ret_w = w;
    return SF_OK;
}

void tape_writer_close(struct tape_writer *w)
{
    if (!w)
        return;
    for (int i = 0; i < 2 && !w->is_over; i++) { /* what flies, then what is left */
        fly(w);
        if (!sf_loop_run_until(w->loop, &w->is_settled, CLOSE_MS))
            give_up(w, SF_ETIMEOUT, "the disk does not answer");
    }
    sf_timer_destroy(w->timer);
    if (w->is_flying) /* its buffer is in use: left to the end of the process */
        return;
    if (w->fd >= 0)
        (void)close(w->fd);
    sf_buf_release(&w->fill);
    sf_buf_release(&w->flying);
    free(w);
}
