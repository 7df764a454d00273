/* Clocks, UTC calendar, ISO 8601, and candle intervals.
 *
 * time_ms is milliseconds since 1970-01-01T00:00:00Z (wall clock, for stamps); mono_us is
 * microseconds of CLOCK_MONOTONIC (for time-outs and rates; never leaves the process).
 * Never local time. Any thread. */
#ifndef SF_TIME_H
#define SF_TIME_H

#include <sf/buf.h>

#define SF_TIME_MIN_MS INT64_C(0)
#define SF_TIME_MAX_MS INT64_C(4102444800000) /* 2100-01-01, excluded */

int64_t sf_time_now_ms(void);
int64_t sf_mono_us(void);

/* Days since 1970-01-01 of a date of the proleptic Gregorian calendar, and back.
 * Source: the era method of Howard Hinnant, "chrono-compatible low-level date
 * algorithms". */
int64_t sf_time_days(int64_t year, unsigned month, unsigned day);
void sf_time_civil(int64_t days, int64_t *ret_year, unsigned *ret_month,
                   unsigned *ret_day);

/* "YYYY-MM-DD" to the instant of its midnight UTC. Errors: SF_EPROTO. */
enum sf_status sf_time_parse_date(struct sf_str s, int64_t *ret_time_ms) SF_MUST_CHECK;
/* ISO 8601: date alone, or date 'T' hh:mm[:ss[.fraction]] with 'Z', an offset, or nothing
 * (UTC). Digits behind the millisecond are dropped. Errors: SF_EPROTO. */
enum sf_status sf_time_parse_iso(struct sf_str s, int64_t *ret_time_ms) SF_MUST_CHECK;

/* The Date of HTTP: "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7). Errors: SF_EPROTO.
 */
enum sf_status sf_time_parse_http(struct sf_str s, int64_t *ret_time_ms) SF_MUST_CHECK;

#define SF_TIME_ISO_SIZE 32
/* "2024-06-01T00:00:00.000Z" with NUL into @dst of SF_TIME_ISO_SIZE bytes; returns @dst.
 */
char *sf_time_iso(int64_t time_ms, char *dst);
/* @sep between year, month and day: '-' "2024-06-01", '_' "2024_06_01", 0 "20240601". */
char *sf_time_date(int64_t time_ms, char sep, char *dst);

/* The form of HTTP's Date header (RFC 9110, 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT" with
 * NUL into @dst of SF_TIME_HTTP_SIZE bytes; returns @dst. */
#define SF_TIME_HTTP_SIZE 32
char *sf_time_http(int64_t time_ms, char *dst);

/* Exchange stamps are ms or us: values of 1e14 and more are us and are divided. */
int64_t sf_time_to_ms(int64_t stamp);

/* The candle intervals of DESIGN section 3, in ascending length. `1M` is a calendar
 * month, weeks start on Monday 00:00 UTC, 3d counts from 1970-01-02 (as Binance's do). */
struct sf_interval {
    const char *name;  /* "1m", "1M": exact case */
    const char *label; /* the same in lower case only: "1m", "1mo" */
    int64_t span_ms;   /* fixed length; 0 for the calendar month */
    int64_t phase_ms;  /* open times are phase + n * span; weeks: Monday */
};

extern const struct sf_interval sf_intervals[]; /* ends with name NULL */
#define SF_INTERVAL_N 16

/* Find by exact name, or NULL. */
const struct sf_interval *sf_interval_find(struct sf_str name);
/* The same by its lower-case label ("1mo"), or NULL. */
const struct sf_interval *sf_interval_find_label(struct sf_str label);

/* Open time of the candle that @time_ms falls in. */
int64_t sf_interval_floor(const struct sf_interval *iv, int64_t time_ms);
/* Open time of the candle @n (may be negative) after the one that opens at @open_ms,
 * which must be an open time. */
int64_t sf_interval_add(const struct sf_interval *iv, int64_t open_ms, int64_t n);
/* How many open times lie in [@from_ms, @to_ms). */
int64_t sf_interval_count(const struct sf_interval *iv, int64_t from_ms, int64_t to_ms);

#endif
