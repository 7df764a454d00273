#include <sf/time.h>

#include <stdio.h>
#include <time.h>

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)
#define WEEK_MS   (7 * DAY_MS)

#define US_STAMP_MIN INT64_C(100000000000000) /* 1e14: year 5138 in ms, 1973 in us */

int64_t sf_time_now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t sf_mono_us(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* --------------------------------------------------------------------- calendar */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a % b < 0) != (b < 0));
}

int64_t sf_time_days(int64_t year, unsigned month, unsigned day)
{
    int64_t y = year - (month <= 2); /* years begin on 1 March: the leap day comes last */
    int64_t era = floor_div(y, 400);
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year =
        (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

void sf_time_civil(int64_t days, int64_t *ret_year, unsigned *ret_month,
                   unsigned *ret_day)
{
    int64_t z = days + 719468;
    int64_t era = floor_div(z, 146097);
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;

    *ret_day = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
    *ret_month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
    *ret_year = yoe + era * 400 + (*ret_month <= 2);
}

static unsigned month_days(int64_t year, unsigned month)
{
    int64_t next =
        month == 12 ? sf_time_days(year + 1, 1, 1) : sf_time_days(year, month + 1, 1);

    return (unsigned)(next - sf_time_days(year, month, 1));
}

/* --------------------------------------------------------------------- ISO 8601 */

/* Take exactly @n digits from the front of @s. */
static bool take_digits(struct sf_str *s, size_t n, unsigned *ret)
{
    uint64_t v;

    if (s->len < n || sf_str_to_u64((struct sf_str){ s->p, n }, &v) != SF_OK)
        return false;
    s->p += n;
    s->len -= n;
    *ret = (unsigned)v;
    return true;
}

static bool take_char(struct sf_str *s, char c)
{
    if (s->len == 0 || s->p[0] != c)
        return false;
    s->p++;
    s->len--;
    return true;
}

static bool take_date(struct sf_str *s, int64_t *ret_ms)
{
    unsigned year, month, day;

    if (!take_digits(s, 4, &year) || !take_char(s, '-') || !take_digits(s, 2, &month) ||
        !take_char(s, '-') || !take_digits(s, 2, &day))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > month_days(year, month))
        return false;
    *ret_ms = sf_time_days(year, month, day) * DAY_MS;
    return true;
}

static bool take_fraction(struct sf_str *s, int64_t *ret_ms)
{
    int64_t unit = 100;
    size_t was = s->len;

    *ret_ms = 0;
    while (s->len > 0 && s->p[0] >= '0' && s->p[0] <= '9') {
        *ret_ms += (s->p[0] - '0') * unit;
        unit /= 10;
        s->p++;
        s->len--;
    }
    return s->len < was;
}

static bool take_clock(struct sf_str *s, int64_t *ret_ms)
{
    unsigned hour, minute, second = 0;
    int64_t fraction_ms = 0;

    if (!take_digits(s, 2, &hour) || !take_char(s, ':') || !take_digits(s, 2, &minute))
        return false;
    if (take_char(s, ':')) {
        if (!take_digits(s, 2, &second))
            return false;
        if (take_char(s, '.') && !take_fraction(s, &fraction_ms))
            return false;
    }
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    *ret_ms = hour * HOUR_MS + minute * MINUTE_MS + second * SECOND_MS + fraction_ms;
    return true;
}

static bool take_offset(struct sf_str *s, int64_t *ret_ms)
{
    unsigned hour, minute;
    bool is_west = s->len > 0 && s->p[0] == '-';

    *ret_ms = 0;
    if (s->len == 0 || take_char(s, 'Z'))
        return true;
    if (!take_char(s, '+') && !take_char(s, '-'))
        return false;
    if (!take_digits(s, 2, &hour))
        return false;
    (void)take_char(s, ':');
    if (!take_digits(s, 2, &minute) || hour > 14 || minute > 59)
        return false;
    *ret_ms = (hour * HOUR_MS + minute * MINUTE_MS) * (is_west ? -1 : 1);
    return true;
}

enum sf_status sf_time_parse_date(struct sf_str s, int64_t *ret_time_ms)
{
    int64_t ms;

    if (!take_date(&s, &ms) || s.len > 0)
        return SF_EPROTO;
    *ret_time_ms = ms;
    return SF_OK;
}

enum sf_status sf_time_parse_iso(struct sf_str s, int64_t *ret_time_ms)
{
    int64_t date_ms, clock_ms = 0, offset_ms = 0;

    if (!take_date(&s, &date_ms))
        return SF_EPROTO;
    if (s.len > 0) {
        if (!take_char(&s, 'T') && !take_char(&s, ' '))
            return SF_EPROTO;
        if (!take_clock(&s, &clock_ms) || !take_offset(&s, &offset_ms) || s.len > 0)
            return SF_EPROTO;
    }
    *ret_time_ms = date_ms + clock_ms - offset_ms;
    return SF_OK;
}

enum sf_status sf_time_parse_http(struct sf_str s, int64_t *ret_time_ms)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    unsigned day, year, month = 0;
    int64_t clock_ms;
    struct sf_str gmt;

    (void)sf_str_cut(s, ' ', &s); /* the name of the day says nothing new */
    if (!take_digits(&s, 2, &day) || !take_char(&s, ' ') || s.len < 4)
        return SF_EPROTO;
    while (month < 12 && memcmp(months + (size_t)month * 3, s.p, 3) != 0)
        month++;
    s.p += 3;
    s.len -= 3;
    if (month == 12 || !take_char(&s, ' ') || !take_digits(&s, 4, &year) ||
        !take_char(&s, ' ') || !take_clock(&s, &clock_ms))
        return SF_EPROTO;
    gmt = sf_str_trim(s);
    if (!sf_str_eq(gmt, SF_STR("GMT")) || day < 1 || day > month_days(year, month + 1))
        return SF_EPROTO;
    *ret_time_ms = sf_time_days(year, month + 1, day) * DAY_MS + clock_ms;
    return SF_OK;
}

char *sf_time_iso(int64_t time_ms, char *dst)
{
    int64_t days = floor_div(time_ms, DAY_MS);
    int64_t rest = time_ms - days * DAY_MS;
    int64_t year;
    unsigned month, day;

    sf_time_civil(days, &year, &month, &day);
    (void)snprintf(dst, SF_TIME_ISO_SIZE, "%04d-%02u-%02uT%02u:%02u:%02u.%03uZ",
                   (int)(year % 10000), month, day, (unsigned)(rest / HOUR_MS),
                   (unsigned)(rest / MINUTE_MS % 60), (unsigned)(rest / SECOND_MS % 60),
                   (unsigned)(rest % 1000));
    return dst;
}

char *sf_time_date(int64_t time_ms, char sep, char *dst)
{
    char s[2] = { sep, '\0' };
    int64_t year;
    unsigned month, day;

    sf_time_civil(floor_div(time_ms, DAY_MS), &year, &month, &day);
    (void)snprintf(dst, SF_TIME_ISO_SIZE, "%04d%s%02u%s%02u", (int)(year % 10000), s,
                   month, s, day);
    return dst;
}

char *sf_time_http(int64_t time_ms, char *dst)
{
    static const char week[7][4] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" };
    static const char names[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    int64_t days = floor_div(time_ms, DAY_MS), year;
    unsigned month, day, s = (unsigned)((time_ms - days * DAY_MS) / 1000);

    sf_time_civil(days, &year, &month, &day);
    (void)snprintf(dst, SF_TIME_HTTP_SIZE, "%s, %02u %s %04u %02u:%02u:%02u GMT",
                   week[(days % 7 + 7) % 7], day % 100, names[(month - 1) % 12],
                   (unsigned)(year % 10000), s / 3600 % 100, s / 60 % 60, s % 60);
    return dst;
}

int64_t sf_time_to_ms(int64_t stamp)
{
    return stamp >= US_STAMP_MIN ? stamp / 1000 : stamp;
}

/* -------------------------------------------------------------------- intervals */

/* 1970-01-05 was a Monday. Binance's 3d candles open on 1970-01-02 and every third day
 * (as its 1,059 candles of BTCUSDT since 2017-08-17 do). */
/* clang-format off */
const struct sf_interval sf_intervals[] = {
    { "1s",  "1s",  SECOND_MS,      0 },
    { "1m",  "1m",  MINUTE_MS,      0 },
    { "3m",  "3m",  3 * MINUTE_MS,  0 },
    { "5m",  "5m",  5 * MINUTE_MS,  0 },
    { "15m", "15m", 15 * MINUTE_MS, 0 },
    { "30m", "30m", 30 * MINUTE_MS, 0 },
    { "1h",  "1h",  HOUR_MS,        0 },
    { "2h",  "2h",  2 * HOUR_MS,    0 },
    { "4h",  "4h",  4 * HOUR_MS,    0 },
    { "6h",  "6h",  6 * HOUR_MS,    0 },
    { "8h",  "8h",  8 * HOUR_MS,    0 },
    { "12h", "12h", 12 * HOUR_MS,   0 },
    { "1d",  "1d",  DAY_MS,         0 },
    { "3d",  "3d",  3 * DAY_MS,     DAY_MS },
    { "1w",  "1w",  WEEK_MS,        4 * DAY_MS },
    { "1M",  "1mo", 0,              0 },
    { .name = NULL },
};
/* clang-format on */

const struct sf_interval *sf_interval_find(struct sf_str name)
{
    for (const struct sf_interval *iv = sf_intervals; iv->name; iv++)
        if (sf_str_eq(sf_str_from(iv->name), name))
            return iv;
    return NULL;
}

const struct sf_interval *sf_interval_find_label(struct sf_str label)
{
    for (const struct sf_interval *iv = sf_intervals; iv->name; iv++)
        if (sf_str_eq(sf_str_from(iv->label), label))
            return iv;
    return NULL;
}

/* Months since January of year 0, and the first instant of such a month. */
static int64_t month_of(int64_t time_ms)
{
    int64_t year;
    unsigned month, day;

    sf_time_civil(floor_div(time_ms, DAY_MS), &year, &month, &day);
    return year * 12 + month - 1;
}

static int64_t month_start(int64_t n)
{
    int64_t year = floor_div(n, 12);

    return sf_time_days(year, (unsigned)(n - year * 12 + 1), 1) * DAY_MS;
}

int64_t sf_interval_floor(const struct sf_interval *iv, int64_t time_ms)
{
    if (iv->span_ms == 0)
        return month_start(month_of(time_ms));
    return floor_div(time_ms - iv->phase_ms, iv->span_ms) * iv->span_ms + iv->phase_ms;
}

int64_t sf_interval_add(const struct sf_interval *iv, int64_t open_ms, int64_t n)
{
    if (iv->span_ms == 0)
        return month_start(month_of(open_ms) + n);
    return open_ms + n * iv->span_ms;
}

/* Open times below @time_ms, counted from some fixed one. */
static int64_t opens_before(const struct sf_interval *iv, int64_t time_ms)
{
    if (iv->span_ms == 0)
        return month_of(time_ms - 1) + 1;
    return floor_div(time_ms - 1 - iv->phase_ms, iv->span_ms) + 1;
}

int64_t sf_interval_count(const struct sf_interval *iv, int64_t from_ms, int64_t to_ms)
{
    return to_ms <= from_ms ? 0 : opens_before(iv, to_ms) - opens_before(iv, from_ms);
}
