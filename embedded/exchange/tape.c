#include "tape.h"

#include <sf/dec.h>

#include <stdlib.h>
#include <string.h>

#define COLUMNS   12
#define TEXT_MAX  ((size_t)1 << 30) /* 6 million rows: ten years of minutes */
#define CLOCK_MAX 40

/* ---------------------------------------------------------------------------- one row */

/* Milliseconds, microseconds, or "2021-05-15 22:02:00". */
static bool read_time(struct sf_str s, int64_t *ret_ms)
{
    char iso[CLOCK_MAX];

    if (sf_str_to_i64(s, ret_ms) == SF_OK) {
        *ret_ms = sf_time_to_ms(*ret_ms);
    } else {
        if (s.len < 11 || !sf_str_copy(s, iso, sizeof(iso)))
            return false;
        if (iso[10] == ' ')
            iso[10] = 'T';
        if (sf_time_parse_iso(sf_str_from(iso), ret_ms) != SF_OK)
            return false;
    }
    return *ret_ms >= SF_TIME_MIN_MS && *ret_ms < SF_TIME_MAX_MS;
}

static bool grow_rows(struct tape *tape)
{
    size_t cap = tape->rows_cap ? tape->rows_cap * 2 : 1024;
    struct tape_row *rows;

    if (tape->rows_n < tape->rows_cap)
        return true;
    rows = realloc(tape->rows, cap * sizeof(*rows));
    if (!rows)
        return false;
    tape->rows = rows;
    tape->rows_cap = cap;
    return true;
}

static enum sf_status bad_column(int i, struct sf_str value, const char *expected,
                                 struct sf_error *err)
{
    return sf_error_set(err, SF_EPROTO, "column %d: expected %s, got '%.*s'", i, expected,
                        (int)(value.len < 40 ? value.len : 40), value.p);
}

enum sf_status tape_add(struct tape *tape, const struct sf_str *columns,
                        struct sf_error *err)
{
    size_t at = tape->text.len;
    int64_t open_ms, close_ms, trades_n;

    if (!read_time(columns[0], &open_ms))
        return bad_column(0, columns[0], "a time in ms, us or UTC text", err);
    if (!read_time(columns[6], &close_ms))
        return bad_column(6, columns[6], "a time in ms, us or UTC text", err);
    if (sf_str_to_i64(columns[8], &trades_n) != SF_OK || trades_n < 0)
        return bad_column(8, columns[8], "a count", err);
    sf_buf_addf(&tape->text, "[%lld,", (long long)open_ms);
    for (int i = 1; i < COLUMNS - 1; i++) {
        if (i == 6 || i == 8) {
            sf_buf_addf(&tape->text, "%lld,", (long long)(i == 6 ? close_ms : trades_n));
            continue;
        }
        if (!sf_dec_is_valid(columns[i]))
            return bad_column(i, columns[i], "a decimal", err);
        sf_buf_add_char(&tape->text, '"');
        sf_buf_add_str(&tape->text, columns[i]);
        sf_buf_add_lit(&tape->text, "\",");
    }
    sf_buf_add_lit(&tape->text, "\"0\"]");
    if (sf_buf_status(&tape->text, err) != SF_OK || !grow_rows(tape))
        return sf_error_set(err, SF_ENOMEM, "no memory for the rows");
    tape->rows[tape->rows_n++] = (struct tape_row){
        .open_ms = open_ms, .at = (uint32_t)at, .len = (uint32_t)(tape->text.len - at)
    };
    return SF_OK;
}

/* --------------------------------------------------------------------------- all of them
 */

static int by_time(const void *a, const void *b)
{
    const struct tape_row *x = a, *y = b;

    if (x->open_ms != y->open_ms)
        return x->open_ms < y->open_ms ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* FILUSDT is FIL in USDT. */
static void list_symbol(struct tape *tape)
{
    static const char *const quotes[] = { "USDT", "USDC", "FDUSD", "BTC", "ETH", "BNB" };
    struct sf_str name = sf_str_from(tape->symbol), base = name;

    for (size_t i = 0; i < sizeof(quotes) / sizeof(quotes[0]); i++) {
        struct sf_str quote = sf_str_from(quotes[i]);

        if (name.len > quote.len && sf_str_ends(name, quote)) {
            base.len = name.len - quote.len;
            break;
        }
    }
    (void)!sf_str_copy(base, tape->base, sizeof(tape->base));
    (void)!sf_str_copy(sf_str_make(name.p + base.len, name.len - base.len), tape->quote,
                       sizeof(tape->quote));
    tape->listing = (struct symbol){ .name = tape->symbol,
                                     .base = tape->base,
                                     .quote = tape->quote,
                                     .price_digits = 8,
                                     .lot_digits = 8 };
}

static void tape_release(struct tape *tape)
{
    sf_buf_release(&tape->text);
    free(tape->rows);
}

/* The tape of @symbol and @iv, a fresh one when there is none; NULL: too many. */
static struct tape *take_tape(struct tapes *t, struct sf_str symbol,
                              const struct sf_interval *iv)
{
    struct tape *tape = &t->list[t->n];

    for (size_t i = 0; i < t->n; i++)
        if (t->list[i].iv == iv && sf_str_eq(sf_str_from(t->list[i].symbol), symbol))
            return &t->list[i];
    if (t->n == TAPES_MAX)
        return NULL;
    memset(tape, 0, sizeof(*tape));
    if (!sf_str_copy(symbol, tape->symbol, sizeof(tape->symbol)))
        return NULL;
    tape->iv = iv;
    sf_buf_init(&tape->text, TEXT_MAX);
    list_symbol(tape);
    t->n++;
    return tape;
}

enum sf_status tapes_load(struct tapes *t, const char *spec, struct sf_error *err)
{
    struct sf_str path, rest, symbol = sf_str_cut(sf_str_from(spec), ':', &rest);
    struct sf_str interval = sf_str_cut(rest, ':', &path);
    const struct sf_interval *iv = sf_interval_find(interval);
    struct tape *tape;
    enum sf_status rc;

    if (symbol.len == 0 || symbol.len >= sizeof(tape->symbol) || path.len == 0 || !iv)
        return sf_error_set(err, SF_EINVAL, "'%.200s': expected SYMBOL:INTERVAL:PATH",
                            spec);
    tape = take_tape(t, symbol, iv);
    if (!tape)
        return sf_error_set(err, SF_EINVAL, "expected at most %d symbols and intervals",
                            TAPES_MAX);
    rc = tape_read(tape, path.p, err); /* the path ends with the spec */
    if (rc == SF_OK && tape->rows_n > 0)
        qsort(tape->rows, tape->rows_n, sizeof(*tape->rows), by_time);
    return rc;
}

void tapes_release(struct tapes *t)
{
    for (size_t i = 0; i < t->n; i++)
        tape_release(&t->list[i]);
    t->n = 0;
}

const struct tape *tape_of_symbol(const struct tapes *t, struct sf_str symbol)
{
    for (size_t i = 0; i < t->n; i++)
        if (sf_str_eq(sf_str_from(t->list[i].symbol), symbol))
            return &t->list[i];
    return NULL;
}

const struct tape *tape_find(const struct tapes *t, struct sf_str symbol,
                             const struct sf_interval *iv)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->list[i].iv == iv && sf_str_eq(sf_str_from(t->list[i].symbol), symbol))
            return &t->list[i];
    return NULL;
}

size_t tape_lower(const struct tape *tape, int64_t time_ms)
{
    size_t low = 0, high = tape->rows_n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (tape->rows[mid].open_ms < time_ms)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct sf_str tape_row_text(const struct tape *tape, size_t i)
{
    return sf_str_make(tape->text.p + tape->rows[i].at, tape->rows[i].len);
}
