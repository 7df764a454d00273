#include "fault.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
    enum fault_num num;
    int http;
    const char *text;
} rows[] = {
#define FAULT_ROW(name, num, http, text) { FAULT_##name, (http), (text) },
    FAULT_MAP(FAULT_ROW)
#undef FAULT_ROW
};

#define ROWS_N (sizeof(rows) / sizeof(rows[0]))

int fault_http(enum fault_num num)
{
    for (size_t i = 0; i < ROWS_N; i++)
        if (rows[i].num == num)
            return rows[i].http;
    return 500;
}

const char *fault_text(enum fault_num num)
{
    for (size_t i = 0; i < ROWS_N; i++)
        if (rows[i].num == num)
            return rows[i].text;
    return "unknown error";
}

static void set(struct fault *f, int http, enum fault_num num, const char *fmt,
                va_list args) __attribute__((format(printf, 4, 0)));
static void set(struct fault *f, int http, enum fault_num num, const char *fmt,
                va_list args)
{
    if (f->num != FAULT_NONE)
        return;
    f->num = num;
    f->http = http;
    (void)vsnprintf(f->text, sizeof(f->text), fmt, args);
}

bool fault_set(struct fault *f, enum fault_num num, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    if (fmt)
        set(f, fault_http(num), num, fmt, args);
    va_end(args);
    if (!fmt)
        (void)fault_set(f, num, "%s", fault_text(num));
    return false;
}

bool fault_set_http(struct fault *f, int http, enum fault_num num, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    set(f, http, num, fmt, args);
    va_end(args);
    return false;
}

void fault_clear(struct fault *f)
{
    f->num = FAULT_NONE;
    f->http = 0;
    f->text[0] = '\0';
}
