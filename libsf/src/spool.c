#include "spool.h"

#include <uv.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENT_BYTES ((int64_t)8 << 20)
#define READ_BYTES    262144
#define LINE_BYTES    ((size_t)16 << 20)
#define PATH_BYTES    4096
#define SUFFIX        ".spool"

struct spool {
    char *folder, *name;
    int64_t max_bytes, bytes;      /* of all segments */
    int64_t oldest, reading, last; /* numbers; last < oldest: there is no segment */
    int append_fd;                 /* of segment last; -1: the next one is begun */
    int64_t append_bytes;
    int read_fd; /* of segment reading, -1 not open */
    int64_t read_at;
    struct sf_buf buf; /* read, and not popped */
    size_t at, line;   /* in buf: the next entry; its length, 0 not known */
    int64_t unread_bytes, left_n;
};

static bool path_of(const struct spool *s, int64_t number, char *path)
{
    int n = snprintf(path, PATH_BYTES, "%s/%s.%08lld" SUFFIX, s->folder, s->name,
                     (long long)number);

    return n > 0 && n < PATH_BYTES;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

/* ------------------------------------------------------------------------------ opening
 */

/* The number in "name.00000012.spool", -1 for another file. */
static int64_t number_of(const struct spool *s, const char *file)
{
    struct sf_str f = sf_str_from(file), name = sf_str_from(s->name);
    struct sf_str suffix = SF_STR(SUFFIX);
    int64_t n;

    if (f.len <= name.len + 1 + suffix.len || !sf_str_starts(f, name) ||
        f.p[name.len] != '.' || !sf_str_ends(f, suffix))
        return -1;
    f = sf_str_make(f.p + name.len + 1, f.len - name.len - 1 - suffix.len);
    return sf_str_to_i64(f, &n) == SF_OK && n >= 0 ? n : -1;
}

static void find_segment(struct spool *s, const char *file)
{
    int64_t number = number_of(s, file);
    char path[PATH_BYTES];
    struct stat st;

    if (number < 0 || !path_of(s, number, path) || stat(path, &st) != 0)
        return;
    if (s->last < s->oldest || number < s->oldest)
        s->oldest = number;
    if (number > s->last)
        s->last = number;
    s->bytes += st.st_size;
}

static enum sf_status look(struct spool *s, struct sf_error *err)
{
    struct dirent **names = NULL;
    int n = scandir(s->folder, &names, NULL, alphasort);

    if (n < 0)
        return sf_error_set(err, SF_EINVAL, "SPOOL_PATH='%.200s': %s", s->folder,
                            uv_strerror(-errno));
    for (int i = 0; i < n; i++) {
        find_segment(s, names[i]->d_name);
        free(names[i]);
    }
    free(names);
    spool_rewind(s);
    return SF_OK;
}

enum sf_status spool_open(const char *folder, const char *name, int64_t max_bytes,
                          struct spool **ret_spool, struct sf_error *err)
{
    struct spool *s = calloc(1, sizeof(*s));
    enum sf_status status = SF_ENOMEM;

    if (s) {
        s->append_fd = s->read_fd = -1;
        s->oldest = s->reading = 1;
        s->max_bytes = max_bytes;
        s->folder = sf_str_dup(sf_str_from(folder));
        s->name = sf_str_dup(sf_str_from(name));
        sf_buf_init(&s->buf, LINE_BYTES + READ_BYTES);
        if (s->folder && s->name)
            status = look(s, err);
    }
    if (status != SF_OK) {
        spool_close(s);
        return sf_error_set(err, status, "no memory for a spool");
    }
    *ret_spool = s;
    return SF_OK;
}

void spool_close(struct spool *s)
{
    if (!s)
        return;
    close_fd(&s->append_fd);
    close_fd(&s->read_fd);
    sf_buf_release(&s->buf);
    free(s->folder);
    free(s->name);
    free(s);
}

/* ---------------------------------------------------------------------------- appending
 */

void spool_print(struct sf_buf *b, const struct spool_entry *entry)
{
    sf_buf_add_i64(b, entry->partition);
    sf_buf_add_char(b, ' ');
    sf_buf_add_i64(b, entry->position);
    sf_buf_add_char(b, ' ');
    sf_buf_add_str(b, entry->key);
    sf_buf_add_char(b, ' ');
    sf_buf_add_str(b, entry->control);
    sf_buf_add_char(b, ' ');
    sf_buf_add_str(b, entry->value);
    sf_buf_add_char(b, '\n');
}

static enum sf_status begin_segment(struct spool *s, struct sf_error *err)
{
    char path[PATH_BYTES];

    if (s->append_fd >= 0 && s->append_bytes < SEGMENT_BYTES)
        return SF_OK;
    close_fd(&s->append_fd);
    if (!path_of(s, s->last + 1, path))
        return sf_error_set(err, SF_EIO, "SPOOL_PATH: the path is too long");
    s->append_fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
    if (s->append_fd < 0)
        return sf_error_set(err, SF_EIO, "%.300s: %s", path, uv_strerror(-errno));
    s->last++;
    s->append_bytes = 0;
    return SF_OK;
}

enum sf_status spool_append(struct spool *s, struct sf_str lines, int64_t n,
                            struct sf_error *err)
{
    enum sf_status status;
    size_t done = 0;

    if (s->bytes + (int64_t)lines.len > s->max_bytes)
        return sf_error_set(err, SF_EFULL, "the spool holds %lld bytes",
                            (long long)s->bytes);
    status = begin_segment(s, err);
    while (status == SF_OK && done < lines.len) {
        ssize_t wrote = write(s->append_fd, lines.p + done, lines.len - done);

        if (wrote > 0)
            done += (size_t)wrote;
        else if (wrote == 0 || errno != EINTR)
            status = sf_error_set(err, SF_EIO, "the spool: %s",
                                  uv_strerror(wrote < 0 ? -errno : UV_EIO));
    }
    if (status != SF_OK) { /* whole lines only, whatever comes next */
        if (s->append_fd >= 0 && done > 0 &&
            ftruncate(s->append_fd, (off_t)s->append_bytes) != 0)
            close_fd(&s->append_fd); /* the reader passes over what was cut */
        return status;
    }
    s->append_bytes += (int64_t)lines.len;
    s->bytes += (int64_t)lines.len;
    s->unread_bytes += (int64_t)lines.len;
    s->left_n += n;
    return SF_OK;
}

/* ------------------------------------------------------------------------------ reading
 */

bool spool_is_drained(const struct spool *s)
{
    return s->unread_bytes <= 0;
}

int64_t spool_left_n(const struct spool *s)
{
    return s->left_n;
}

int64_t spool_bytes(const struct spool *s)
{
    return s->bytes;
}

static void forget_buf(struct spool *s)
{
    sf_buf_clear(&s->buf);
    s->at = s->line = 0;
}

/* All is read: what comes begins a segment of its own. */
static void all_read(struct spool *s)
{
    close_fd(&s->append_fd);
    close_fd(&s->read_fd);
    forget_buf(s);
    s->reading = s->last + 1;
    s->read_at = s->unread_bytes = s->left_n = 0;
}

static void advance(struct spool *s, size_t len)
{
    s->at += len;
    s->line = 0;
    s->unread_bytes -= (int64_t)len;
    if (s->unread_bytes <= 0)
        all_read(s);
}

/* More bytes of the segment, or of the next one; false: no more, or @err. */
static bool read_more(struct spool *s, struct sf_error *err)
{
    char path[PATH_BYTES];
    ssize_t n;
    char *to;

    if (s->at > 0) {
        memmove(s->buf.p, s->buf.p + s->at, s->buf.len - s->at);
        s->buf.len -= s->at;
        s->at = 0;
    }
    if (s->read_fd < 0 && path_of(s, s->reading, path)) {
        s->read_fd = open(path, O_RDONLY | O_CLOEXEC);
        if (s->read_fd < 0 && errno != ENOENT) {
            (void)sf_error_set(err, SF_EIO, "%.300s: %s", path, uv_strerror(-errno));
            return false;
        }
    }
    to = sf_buf_reserve(&s->buf, READ_BYTES);
    n = to && s->read_fd >= 0 ? pread(s->read_fd, to, READ_BYTES, (off_t)s->read_at) : 0;
    if (!to) {
        bool is_full = sf_buf_status(&s->buf, NULL) == SF_ETOOBIG;

        (void)sf_error_set(err, is_full ? SF_EIO : SF_ENOMEM, "the spool: %s",
                           is_full ? "a line without an end" : "out of memory");
        return false;
    }
    if (n < 0) {
        (void)sf_error_set(err, SF_EIO, "the spool: %s", uv_strerror(-errno));
        return false;
    }
    s->buf.len += (size_t)n;
    s->read_at += n;
    if (n > 0)
        return true;
    if (s->reading >= s->last) { /* sizes and files disagree: nothing is left */
        all_read(s);
        return false;
    }
    close_fd(&s->read_fd); /* a line without its end was cut by a kill */
    s->unread_bytes -= (int64_t)s->buf.len;
    forget_buf(s);
    s->reading++;
    s->read_at = 0;
    return true;
}

/* partition position key control value */
static bool parse(struct sf_str line, struct spool_entry *e)
{
    struct sf_str rest = line, partition = sf_str_cut(rest, ' ', &rest);
    struct sf_str position = sf_str_cut(rest, ' ', &rest);
    int64_t n;

    e->key = sf_str_cut(rest, ' ', &rest);
    e->control = sf_str_cut(rest, ' ', &e->value);
    if (sf_str_to_i64(partition, &n) != SF_OK || n < 0 || n > INT32_MAX ||
        sf_str_to_i64(position, &e->position) != SF_OK || e->value.len == 0)
        return false;
    e->partition = (int32_t)n;
    return true;
}

bool spool_peek(struct spool *s, struct spool_entry *ret_entry, struct sf_error *err)
{
    size_t looked = 0;

    while (!spool_is_drained(s)) {
        size_t left = s->buf.len - s->at;
        const char *begin = left > 0 ? s->buf.p + s->at : "";
        const char *end =
            left > looked ? memchr(begin + looked, '\n', left - looked) : NULL;

        if (end) {
            s->line = (size_t)(end - begin) + 1;
            if (parse(sf_str_make(begin, s->line - 1), ret_entry))
                return true;
            advance(s, s->line);
            looked = 0;
            continue;
        }
        looked = left;
        if (!read_more(s, err))
            return false;
        if (s->buf.len < looked)
            looked = 0;
    }
    return false;
}

void spool_pop(struct spool *s)
{
    if (s->left_n > 0)
        s->left_n--;
    advance(s, s->line);
}

void spool_skip_all(struct spool *s)
{
    forget_buf(s);
    close_fd(&s->read_fd);
    s->reading = s->last;
    s->read_at = s->append_bytes;
    s->unread_bytes = s->left_n = 0;
}

void spool_rewind(struct spool *s)
{
    forget_buf(s);
    close_fd(&s->read_fd);
    close_fd(&s->append_fd);
    s->reading = s->oldest;
    s->read_at = 0;
    s->unread_bytes = s->bytes;
}

/* -------------------------------------------------------------------------- confirmation
 */

int64_t spool_read_number(const struct spool *s)
{
    return s->reading;
}

int64_t spool_oldest_number(const struct spool *s)
{
    return s->oldest;
}

void spool_confirm(struct spool *s, int64_t number)
{
    for (; s->oldest < number && s->oldest < s->reading; s->oldest++) {
        char path[PATH_BYTES];
        struct stat st;

        if (!path_of(s, s->oldest, path) || stat(path, &st) != 0)
            continue;
        if (unlink(path) == 0)
            s->bytes -= st.st_size;
    }
}
