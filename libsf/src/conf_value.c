/* One value of the settings table: what each kind takes, and what it expected. */
#include "conf_internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHOWN_MAX 80 /* characters of a wrong value that are shown */

bool sf_setting_refuse(const struct sf_setting *s, struct sf_str value,
                       struct sf_problems *p, const char *expected)
{
    int shown = (int)(value.len < SHOWN_MAX ? value.len : SHOWN_MAX);

    p->refused[s - sf_settings] = true;
    if (s->is_secret)
        sf_conf_problem(p, "%s: expected %s", s->name, expected);
    else
        sf_conf_problem(p, "%s='%.*s': expected %s", s->name, shown, value.p, expected);
    return false;
}

bool sf_setting_set(const struct sf_setting *s, struct sf_str value, struct sf_conf *conf,
                    struct sf_problems *p)
{
    char **field = sf_setting_text(s, conf);
    char *copy = sf_str_dup(value);

    if (!copy) {
        sf_conf_out_of_memory(p);
        return false;
    }
    free(*field);
    *field = copy;
    return true;
}

static bool set_int(const struct sf_setting *s, int64_t n, struct sf_conf *conf)
{
    *(int64_t *)(void *)((char *)conf + s->offset) = n;
    return true;
}

/* ------------------------------------------------------------------------- numbers */

static bool parse_int(const struct sf_setting *s, struct sf_str value,
                      struct sf_conf *conf, struct sf_problems *p)
{
    char expected[96];
    int64_t n;

    if (sf_str_to_i64(value, &n) == SF_OK && n >= s->min && n <= s->max)
        return set_int(s, n, conf);
    if (s->max == INT64_MAX)
        (void)snprintf(expected, sizeof(expected), "an integer from %lld",
                       (long long)s->min);
    else
        (void)snprintf(expected, sizeof(expected), "an integer from %lld to %lld",
                       (long long)s->min, (long long)s->max);
    return sf_setting_refuse(s, value, p, expected);
}

static bool parse_duration(const struct sf_setting *s, struct sf_str value,
                           struct sf_conf *conf, struct sf_problems *p)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = { { "ms", 1 },      { "s", 1000 },     { "m", 60000 },
                  { "h", 3600000 }, { "d", 86400000 }, { "", 1 } };
    char text[96];
    struct sf_buf expected = { .p = text,
                               .cap = sizeof(text) - 1,
                               .max = sizeof(text) - 1 };
    uint64_t n;

    sf_buf_add_lit(&expected, "a length of time like 500ms, 30s, 5m, 12h, 7d");
    if (s->min == -1 && sf_str_eq(value, SF_STR("-1")))
        return set_int(s, -1, conf);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        struct sf_str unit = sf_str_from(units[i].unit);
        struct sf_str number = value;

        if (!sf_str_ends(value, unit))
            continue;
        number.len -= unit.len;
        if (sf_str_to_u64(number, &n) == SF_OK && n <= (uint64_t)(s->max / units[i].ms) &&
            (int64_t)n * units[i].ms > (s->min == -1 ? 0 : s->min - 1))
            return set_int(s, (int64_t)n * units[i].ms, conf);
    }
    if (s->min == -1)
        sf_buf_add_lit(&expected, ", or -1");
    else if (s->min > 0)
        sf_buf_addf(&expected, ", from %lld ms on", (long long)s->min);
    return sf_setting_refuse(s, value, p, sf_buf_cstr(&expected));
}

/* "0.7", ".7", "1", "1.0" to percent; digits behind the second are refused. */
static bool parse_share(const struct sf_setting *s, struct sf_str value,
                        struct sf_conf *conf, struct sf_problems *p)
{
    struct sf_str fraction;
    struct sf_str whole = sf_str_cut(value, '.', &fraction);
    uint64_t w = 0, f = 0;
    bool is_good = (whole.len == 0 || sf_str_to_u64(whole, &w) == SF_OK) &&
                   (fraction.len == 0 || sf_str_to_u64(fraction, &f) == SF_OK) &&
                   fraction.len <= 2 && w <= 1;

    if (fraction.len == 1)
        f *= 10;
    if (is_good && w * 100 + f >= 1 && w * 100 + f <= 100)
        return set_int(s, (int64_t)(w * 100 + f), conf);
    return sf_setting_refuse(s, value, p, "a share from 0.01 to 1");
}

/* ----------------------------------------------------------------- words and topics */

static bool parse_bool(const struct sf_setting *s, struct sf_str value,
                       struct sf_conf *conf, struct sf_problems *p)
{
    static const char *const words[] = { "false", "true", "0", "1", "no", "yes", NULL };

    for (int i = 0; words[i]; i++)
        if (sf_str_eq_nocase(value, sf_str_from(words[i])))
            return set_int(s, i % 2, conf);
    return sf_setting_refuse(s, value, p, "true or false");
}

/* Index of @value in the choices, -1 when it was refused. */
static int find_choice(const struct sf_setting *s, struct sf_str value,
                       struct sf_problems *p)
{
    char expected[256];
    struct sf_buf b = { .p = expected,
                        .cap = sizeof(expected) - 1,
                        .max = sizeof(expected) - 1 };
    const char *nearest;

    for (int i = 0; s->choices[i]; i++)
        if (sf_str_eq_nocase(value, sf_str_from(s->choices[i])))
            return i;
    nearest = sf_nearest(value, s->choices);
    sf_buf_add_lit(&b, "one of");
    for (int i = 0; s->choices[i]; i++)
        sf_buf_addf(&b, " %s", s->choices[i]);
    if (nearest)
        sf_buf_addf(&b, "; did you mean %s?", nearest);
    (void)sf_setting_refuse(s, value, p, sf_buf_cstr(&b));
    return -1;
}

static bool parse_choice(const struct sf_setting *s, struct sf_str value,
                         struct sf_conf *conf, struct sf_problems *p)
{
    int i = find_choice(s, value, p);

    return i >= 0 && set_int(s, i, conf);
}

static bool parse_text(const struct sf_setting *s, struct sf_str value,
                       struct sf_conf *conf, struct sf_problems *p)
{
    int i;

    if (!s->choices)
        return sf_setting_set(s, value, conf, p);
    i = find_choice(s, value, p);
    return i >= 0 && sf_setting_set(s, sf_str_from(s->choices[i]), conf, p);
}

static bool parse_topic(const struct sf_setting *s, struct sf_str value,
                        struct sf_conf *conf, struct sf_problems *p)
{
    if (sf_name_check_topic(value, NULL) == SF_OK)
        return sf_setting_set(s, value, conf, p);
    return sf_setting_refuse(s, value, p, "1 to 249 of letters, digits, '.', '_', '-'");
}

/* ----------------------------------------------------------------------- addresses */

static bool is_host_char(char c, bool is_v6)
{
    if ((c >= '0' && c <= '9') || c == '.')
        return true;
    if (is_v6)
        return c == ':' || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

/* "host", "host:port" or "[::1]:port"; @port_min to 65535; *ret_has_port. */
static bool is_address(struct sf_str s, uint64_t port_min, bool *ret_has_port)
{
    bool is_v6 = s.len > 0 && s.p[0] == '[';
    size_t begin = is_v6 ? 1 : 0, n = begin;
    uint64_t port;

    while (n < s.len && is_host_char(s.p[n], is_v6))
        n++;
    if (n == begin || (is_v6 && (n == s.len || s.p[n] != ']')))
        return false;
    n += is_v6 ? 1 : 0;
    *ret_has_port = n < s.len;
    return n == s.len || (s.p[n] == ':' &&
                          sf_str_to_u64((struct sf_str){ s.p + n + 1, s.len - n - 1 },
                                        &port) == SF_OK &&
                          port >= port_min && port <= 65535);
}

static bool parse_listen(const struct sf_setting *s, struct sf_str value,
                         struct sf_conf *conf, struct sf_problems *p)
{
    bool has_port;

    if (is_address(value, 0, &has_port) && has_port) /* 0: any free port */
        return sf_setting_set(s, value, conf, p);
    return sf_setting_refuse(s, value, p, "host:port, like 127.0.0.1:9108");
}

static bool is_broker(struct sf_str part, struct sf_str *ret_part,
                      const char *const *none)
{
    bool has_port;

    (void)none;
    *ret_part = part;
    return is_address(part, 1, &has_port);
}

/* A base URL: scheme, address, path; *ret_url without its trailing slashes. */
static bool is_url(struct sf_str url, struct sf_str *ret_url, const char *const *schemes)
{
    struct sf_str address, scheme = SF_STR_EMPTY;
    bool has_port;
    size_t n = 0;

    for (; *schemes && scheme.len == 0; schemes++)
        if (sf_str_starts(url, sf_str_from(*schemes)))
            scheme = sf_str_from(*schemes);
    for (size_t i = 0; i < url.len; i++)
        if (url.p[i] <= ' ' || url.p[i] > '~' || url.p[i] == '?' || url.p[i] == '#')
            return false;
    while (url.len > 0 && url.p[url.len - 1] == '/')
        url.len--;
    if (scheme.len == 0 || url.len <= scheme.len)
        return false;
    address = (struct sf_str){ url.p + scheme.len, url.len - scheme.len };
    while (n < address.len && address.p[n] != '/')
        n++;
    address.len = n;
    *ret_url = url;
    return is_address(address, 1, &has_port);
}

static const char *const http_schemes[] = { "http://", "https://", NULL };
static const char *const ws_schemes[] = { "ws://", "wss://", NULL };

typedef bool (*part_fn)(struct sf_str part, struct sf_str *ret_part,
                        const char *const *schemes);

/* A comma-separated list without blanks, each part as @check gives it. */
static bool parse_list(const struct sf_setting *s, struct sf_str value,
                       struct sf_conf *conf, struct sf_problems *p, part_fn check,
                       const char *expected)
{
    struct sf_str rest = value, part;
    bool is_good = !sf_str_ends(value, SF_STR(","));
    struct sf_buf b;

    sf_buf_init(&b, value.len + 1);
    while (is_good && rest.len > 0) {
        is_good = check(sf_str_trim(sf_str_cut(rest, ',', &rest)), &part, http_schemes);
        if (is_good && b.len > 0)
            sf_buf_add_char(&b, ',');
        if (is_good)
            sf_buf_add_str(&b, part);
    }
    if (!is_good)
        (void)sf_setting_refuse(s, value, p, expected);
    else if (sf_buf_status(&b, NULL) != SF_OK)
        sf_conf_out_of_memory(p);
    else
        is_good = sf_setting_set(s, sf_buf_str(&b), conf, p);
    sf_buf_release(&b);
    return is_good;
}

static bool parse_url(const struct sf_setting *s, struct sf_str value,
                      struct sf_conf *conf, struct sf_problems *p)
{
    static const char http[] = "http://host:port or https://host:port, without user or "
                               "password";
    bool is_ws = s->kind == SF_SET_WS_URL;
    struct sf_str url;

    if (value.len > 0 && memchr(value.p, '@', value.len)) { /* a password: not shown */
        p->refused[s - sf_settings] = true;
        sf_conf_problem(p, "%s: expected a URL without user or password ('@')", s->name);
        return false;
    }
    if (s->kind == SF_SET_URLS)
        return parse_list(s, value, conf, p, is_url, http);
    if (is_url(value, &url, is_ws ? ws_schemes : http_schemes))
        return sf_setting_set(s, url, conf, p);
    return sf_setting_refuse(s, value, p,
                             is_ws ? "ws://host:port or wss://host:port" : http);
}

/* ---------------------------------------------------------------------------- files */

static bool is_readable_file(const char *path)
{
    /* Not access(2): that judges by the real user, and takes folders. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    bool is_good = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);

    if (fd >= 0)
        (void)close(fd);
    return is_good;
}

static bool parse_path(const struct sf_setting *s, struct sf_str value,
                       struct sf_conf *conf, struct sf_problems *p)
{
    if (!sf_setting_set(s, value, conf, p))
        return false;
    if (is_readable_file(*sf_setting_text(s, conf)))
        return true;
    return sf_setting_refuse(s, value, p, "a file that can be read");
}

bool sf_setting_parse(const struct sf_setting *s, struct sf_str value,
                      struct sf_conf *conf, struct sf_problems *p)
{
    switch (s->kind) {
    case SF_SET_TEXT:
        return parse_text(s, value, conf, p);
    case SF_SET_TOPIC:
        return parse_topic(s, value, conf, p);
    case SF_SET_BROKERS:
        return parse_list(s, value, conf, p, is_broker, "host:port, or several by comma");
    case SF_SET_PATH:
        return parse_path(s, value, conf, p);
    case SF_SET_LISTEN:
        return parse_listen(s, value, conf, p);
    case SF_SET_URL:
    case SF_SET_WS_URL:
    case SF_SET_URLS:
        return parse_url(s, value, conf, p);
    case SF_SET_INT:
        return parse_int(s, value, conf, p);
    case SF_SET_BOOL:
        return parse_bool(s, value, conf, p);
    case SF_SET_DURATION:
        return parse_duration(s, value, conf, p);
    case SF_SET_SHARE:
        return parse_share(s, value, conf, p);
    case SF_SET_CHOICE:
        return parse_choice(s, value, conf, p);
    }
    return false;
}
