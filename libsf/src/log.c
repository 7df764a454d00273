#include <sf/log.h>
#include <sf/time.h>

#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096 /* PIPE_BUF: a longer write to a pipe may be torn */

static struct {
    const char *prog, *queue_id;
    enum sf_log_level max;
    enum sf_log_format format;
} settings = { "sf", NULL, SF_LOG_INFO, SF_LOG_LOGFMT };

static const char *const level_names[] = {
    [SF_LOG_ERROR] = "error",
    [SF_LOG_WARN] = "warn",
    [SF_LOG_INFO] = "info",
    [SF_LOG_DEBUG] = "debug",
};

void sf_log_init(const char *prog, const char *queue_id, enum sf_log_level max,
                 enum sf_log_format format)
{
    settings.prog = prog;
    settings.queue_id = queue_id && queue_id[0] ? queue_id : NULL;
    settings.max = max;
    settings.format = format;
}

/* A line under construction. A text that does not fit is clipped between characters, a
 * field of which nothing fits is left out: the line stays well-formed. */
struct line {
    char *p;
    size_t len, size;
    bool is_json;
};

static bool put(struct line *l, const char *s, size_t n)
{
    if (n > l->size - l->len)
        return false;
    memcpy(l->p + l->len, s, n);
    l->len += n;
    return true;
}

static bool put_str(struct line *l, const char *s)
{
    return put(l, s, strlen(s));
}

static bool needs_quotes(struct sf_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((signed char)s.p[i] <= ' ' || s.p[i] == '"' || s.p[i] == '=' ||
            s.p[i] == '\\' ||
            s.p[i] == 0x7f) /* bytes from 0x80 on count as negative: quoted too */
            return true;
    return s.len == 0;
}

static bool put_quoted(struct line *l, struct sf_str s)
{
    char esc[8];
    struct sf_buf one = { .p = esc, .cap = sizeof(esc), .max = sizeof(esc) };
    size_t n;

    if (l->size - l->len < 2 || !put(l, "\"", 1))
        return false;
    for (; s.len > 0; s.p += n, s.len -= n) {
        n = sf_str_utf8(s);
        n = n > 0 ? n : 1;
        one.len = 0;
        sf_buf_add_json(&one, (struct sf_str){ s.p, n });
        if (one.len + 1 > l->size - l->len) /* the closing quote */
            break;
        (void)put(l, esc, one.len);
    }
    return put(l, "\"", 1);
}

static bool put_name(struct line *l, const char *name)
{
    if (l->is_json)
        return put_str(l, l->len > 0 ? ",\"" : "{\"") && put_str(l, name) &&
               put_str(l, "\":");
    return put_str(l, l->len > 0 ? " " : "") && put_str(l, name) && put(l, "=", 1);
}

static void put_field(struct line *l, const char *name, struct sf_str text)
{
    size_t was = l->len;
    bool fits = put_name(l, name);

    if (fits && (l->is_json || needs_quotes(text)))
        fits = put_quoted(l, text);
    else if (fits)
        fits = put(l, text.p, text.len < l->size - l->len ? text.len : l->size - l->len);
    if (!fits)
        l->len = was;
}

static void put_int(struct line *l, const char *name, int64_t n)
{
    char digits[32];
    struct sf_buf b = { .p = digits, .cap = sizeof(digits), .max = sizeof(digits) };
    size_t was = l->len;

    sf_buf_add_i64(&b, n);
    if (!put_name(l, name) || !put(l, digits, b.len))
        l->len = was;
}

size_t sf_log_format_line(char *dst, size_t size, int64_t time_ms,
                          enum sf_log_level level, const char *event,
                          const struct sf_log_field *fields)
{
    struct line l = { dst, 0, size - 2, settings.format == SF_LOG_JSON };
    char ts[SF_TIME_ISO_SIZE];

    put_field(&l, "ts", sf_str_from(sf_time_iso(time_ms, ts)));
    put_field(&l, "level", sf_str_from(level_names[level]));
    put_field(&l, "prog", sf_str_from(settings.prog));
    if (settings.queue_id)
        put_field(&l, "queue", sf_str_from(settings.queue_id));
    put_field(&l, "event", sf_str_from(event));
    for (; fields && fields->name; fields++) {
        if (fields->kind == SF_LOG_INT)
            put_int(&l, fields->name, fields->n);
        else
            put_field(&l, fields->name, fields->text);
    }
    if (l.is_json)
        dst[l.len++] = '}';
    dst[l.len++] = '\n';
    return l.len;
}

void sf_log_write(enum sf_log_level level, const char *event,
                  const struct sf_log_field *fields)
{
    char line[LINE_MAX_BYTES];
    size_t n;

    if (level > settings.max)
        return;
    n = sf_log_format_line(line, sizeof(line), sf_time_now_ms(), level, event, fields);
    if (write(STDERR_FILENO, line, n) < 0)
        return; /* nowhere left to say so */
}

void sf_log_error(enum sf_log_level level, const char *event, const struct sf_error *err)
{
    sf_log(level, event, SF_LOG_S("status", sf_status_name(err->status)),
           SF_LOG_S("text", err->text));
}
