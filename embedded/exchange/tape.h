/* Recorded candles served in place of the synthetic market.
 *
 * A symbol with a tape is served from its tapes only: an interval without one has no
 * rows. Rows keep the digits of the file, and its oddities: holes, and rows stored twice
 * with growing volume. */
#ifndef EXCHANGE_TAPE_H
#define EXCHANGE_TAPE_H

#include "market.h"

#define TAPES_MAX 64

struct tape_row {
    int64_t open_ms;
    uint32_t at, len; /* of its text */
};

struct tape {
    char symbol[24];
    const struct sf_interval *iv;
    struct sf_buf text;    /* rows as the exchange prints them, one after another */
    struct tape_row *rows; /* ascending by open time; equal ones as in the file */
    size_t rows_n, rows_cap;
    struct symbol listing; /* for exchangeInfo */
    char base[24], quote[8];
};

struct tapes {
    struct tape list[TAPES_MAX];
    size_t n;
};

/* Load "SYMBOL:INTERVAL:PATH". PATH: a REST page (JSON), an archive CSV (with or without
 * header, times in ms, us or UTC text), either also with .gz, or a folder of such files.
 * The same symbol and interval may come again: its rows are added. Errors: SF_EINVAL the
 * spec; SF_EIO a file; SF_EPROTO its content, with file and row. */
enum sf_status tapes_load(struct tapes *t, const char *spec,
                          struct sf_error *err) SF_MUST_CHECK;
void tapes_release(struct tapes *t);

/* Append file @path to @b, unpacked when it is gzip. Errors: SF_EIO with the path;
 * SF_ENOMEM, SF_ETOOBIG. */
enum sf_status tape_file(const char *path, struct sf_buf *b,
                         struct sf_error *err) SF_MUST_CHECK;

/* The first tape of @symbol, or NULL; and that of an interval. */
const struct tape *tape_of_symbol(const struct tapes *t, struct sf_str symbol);
const struct tape *tape_find(const struct tapes *t, struct sf_str symbol,
                             const struct sf_interval *iv);
/* Index of the first row that opens at or after @time_ms. */
size_t tape_lower(const struct tape *tape, int64_t time_ms);
struct sf_str tape_row_text(const struct tape *tape, size_t i);

/* tape_read.c: append the rows of one file, or of all files of a folder. */
enum sf_status tape_read(struct tape *tape, const char *path,
                         struct sf_error *err) SF_MUST_CHECK;
/* Append one row of 12 columns as text; judged and printed. */
enum sf_status tape_add(struct tape *tape, const struct sf_str *columns,
                        struct sf_error *err) SF_MUST_CHECK;

#endif
