/* Files of candles: REST pages and archive CSV, plain or gzip. */
#include "tape.h"

#include <sf/scan.h>

#include <uv.h>

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#define COLUMNS    12
#define FILE_MAX   ((size_t)1 << 30) /* unpacked */
#define FILES_MAX  4096              /* of a folder */
#define READ_BYTES 65536

/* gzread takes plain files as they are. */
enum sf_status tape_file(const char *path, struct sf_buf *b, struct sf_error *err)
{
    gzFile file = gzopen(path, "rb");
    int got = 0;

    if (!file)
        return sf_error_set(err, SF_EIO, "%s: %s", path,
                            errno != 0 ? uv_strerror(-errno) : "out of memory");
    for (;;) {
        char *to = sf_buf_reserve(b, READ_BYTES);

        if (!to)
            break;
        got = gzread(file, to, READ_BYTES);
        if (got <= 0)
            break;
        b->len += (size_t)got;
    }
    if (gzclose(file) != Z_OK || got < 0)
        return sf_error_set(err, SF_EIO, "%s: cannot be read or unpacked", path);
    return sf_buf_status(b, err) == SF_OK ? SF_OK : sf_error_wrap(err, "%s", path);
}

/* [[...],[...]] of 12 columns. */
static enum sf_status parse_page(struct tape *tape, struct sf_str text,
                                 struct sf_error *err)
{
    struct sf_scan s;
    enum sf_token token;

    sf_scan_init(&s, text);
    (void)sf_scan_next(&s);
    for (size_t row = 0; (token = sf_scan_next(&s)) == SF_TOK_ARRAY; row++) {
        struct sf_str columns[COLUMNS];
        int n = 0;

        while ((token = sf_scan_next(&s)) == SF_TOK_STRING || token == SF_TOK_NUMBER) {
            if (n == COLUMNS)
                return sf_error_set(err, SF_EPROTO, "row %zu: expected 12 columns", row);
            columns[n++] = s.text;
        }
        if (n != COLUMNS || token != SF_TOK_ARRAY_END)
            return sf_error_set(err, SF_EPROTO, "row %zu: expected 12 columns", row);
        if (tape_add(tape, columns, err) != SF_OK)
            return sf_error_wrap(err, "row %zu", row);
    }
    if (token == SF_TOK_ERROR)
        return sf_scan_error(&s, err);
    if (token != SF_TOK_ARRAY_END || sf_scan_next(&s) != SF_TOK_END)
        return sf_error_set(err, SF_EPROTO, "expected an array of rows");
    return SF_OK;
}

/* Names of columns: words with commas between. */
static bool is_header(struct sf_str line)
{
    char c = line.p[0];

    return ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) &&
           sf_str_contains(line, SF_STR(","));
}

static enum sf_status parse_csv(struct tape *tape, struct sf_str text,
                                struct sf_error *err)
{
    for (size_t row = 0; text.len > 0; row++) {
        struct sf_str columns[COLUMNS], rest;
        struct sf_str line = sf_str_trim(sf_str_cut(text, '\n', &text));
        int n = 0;

        if (line.len == 0 || (row == 0 && is_header(line)))
            continue;
        for (rest = line; n < COLUMNS; n++)
            columns[n] = sf_str_cut(rest, ',', &rest);
        if (rest.len > 0 || columns[COLUMNS - 2].len == 0)
            return sf_error_set(err, SF_EPROTO, "row %zu: expected 12 columns", row);
        if (tape_add(tape, columns, err) != SF_OK)
            return sf_error_wrap(err, "row %zu", row);
    }
    return SF_OK;
}

static enum sf_status read_one(struct tape *tape, const char *path, struct sf_error *err)
{
    struct sf_buf b;
    struct sf_str text;
    enum sf_status rc;

    sf_buf_init(&b, FILE_MAX);
    rc = tape_file(path, &b, err);
    if (rc == SF_OK) {
        text = sf_str_trim(sf_buf_str(&b));
        rc = text.len > 0 && text.p[0] == '[' ? parse_page(tape, text, err)
                                              : parse_csv(tape, text, err);
        if (rc != SF_OK)
            rc = sf_error_wrap(err, "%s", path);
    }
    sf_buf_release(&b);
    return rc;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static enum sf_status read_folder(struct tape *tape, const char *path,
                                  struct sf_error *err)
{
    struct dirent **names = NULL;
    int n = scandir(path, &names, is_visible, alphasort);
    enum sf_status rc = SF_OK;

    if (n < 0)
        return sf_error_set(err, SF_EIO, "%s: %s", path, uv_strerror(-errno));
    if (n > FILES_MAX)
        rc = sf_error_set(err, SF_ETOOBIG, "%s: more than %d files", path, FILES_MAX);
    for (int i = 0; i < n; i++) {
        struct sf_buf one;

        sf_buf_init(&one, 8192);
        sf_buf_addf(&one, "%s/%s", path, names[i]->d_name);
        if (rc == SF_OK)
            rc = sf_buf_status(&one, err);
        if (rc == SF_OK)
            rc = read_one(tape, sf_buf_cstr(&one), err);
        sf_buf_release(&one);
        free(names[i]);
    }
    free(names);
    return rc;
}

enum sf_status tape_read(struct tape *tape, const char *path, struct sf_error *err)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return sf_error_set(err, SF_EIO, "%s: %s", path, uv_strerror(-errno));
    return S_ISDIR(st.st_mode) ? read_folder(tape, path, err) : read_one(tape, path, err);
}
