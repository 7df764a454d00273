/* One event, one line, one write(2), on stderr: logfmt, or JSON when the format says so.
 *
 *   ts=2026-01-02T03:04:05.678Z level=error prog=loader-ws-trades event=produce_failed
 * ...
 *
 * `event` is a fixed word that can be searched; variable text goes into fields. Never a
 * secret, never a price. Set up once in main before any thread; then any thread may log.
 */
#ifndef SF_LOG_H
#define SF_LOG_H

#include <sf/str.h>

enum sf_log_level {
    SF_LOG_ERROR, /* the program will exit, or data was lost */
    SF_LOG_WARN,  /* degraded and carrying on; the text says how */
    SF_LOG_INFO,  /* state changed */
    SF_LOG_DEBUG, /* the rest; off by default */
};

enum sf_log_format { SF_LOG_LOGFMT, SF_LOG_JSON };

/* Main thread, once. @prog and @queue_id (may be NULL) are borrowed for ever. */
void sf_log_init(const char *prog, const char *queue_id, enum sf_log_level max,
                 enum sf_log_format format);

/* One field of a line. Build with the macros below. */
struct sf_log_field {
    const char *name; /* NULL ends the list */
    enum { SF_LOG_TEXT, SF_LOG_INT } kind;
    struct sf_str text;
    int64_t n;
};

#define SF_LOG_S(key, cstr)                      \
    {                                            \
        (key), SF_LOG_TEXT, sf_str_from(cstr), 0 \
    }
#define SF_LOG_V(key, view)           \
    {                                 \
        (key), SF_LOG_TEXT, (view), 0 \
    }
#define SF_LOG_I(key, num)                  \
    {                                       \
        (key), SF_LOG_INT, { "", 0 }, (num) \
    }

/* sf_log(SF_LOG_INFO, "resumed", SF_LOG_I("position", n), SF_LOG_S("topic", topic));
 * At least one field; an event that says it all passes NULL to sf_log_write. */
#define sf_log(level, event, ...)  \
    sf_log_write((level), (event), \
                 (const struct sf_log_field[]){ __VA_ARGS__, { .name = NULL } })
/* @fields may be NULL. */
void sf_log_write(enum sf_log_level level, const char *event,
                  const struct sf_log_field *fields);

/* The line of an error: event, status and text. */
void sf_log_error(enum sf_log_level level, const char *event, const struct sf_error *err);

/* Format one line (with its newline) into @dst as sf_log_write would; for tests. Returns
 * the length; a line longer than @size is clipped and still ends with a newline. */
size_t sf_log_format_line(char *dst, size_t size, int64_t time_ms,
                          enum sf_log_level level, const char *event,
                          const struct sf_log_field *fields);

#endif
