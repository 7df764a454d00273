/* JSON as tables and lines. */
#include "sfctl.h"

#include <sf/time.h>

#include <stdio.h>
#include <stdlib.h>

#define CELL_MAX    65536
#define COLUMNS_MAX 16

void print_json(struct sf_buf *b, const json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);

    sf_buf_add_str(b, sf_str_from(text));
    free(text);
}

/* Nothing that a terminal obeys: control characters become '?'. */
static void add_plain(struct sf_buf *b, struct sf_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool is_c1 = c == 0xc2 && i + 1 < s.len && (unsigned char)s.p[i + 1] < 0xa0;

        sf_buf_add_char(b, c < 0x20 || c == 0x7f || is_c1 ? '?' : s.p[i]);
        i += is_c1;
    }
}

void print_scalar(struct sf_buf *b, const json_t *value)
{
    if (json_is_string(value))
        add_plain(b, sf_str_make(json_string_value(value), json_string_length(value)));
    else if (value && !json_is_null(value))
        print_json(b, value);
}

int print_flush(struct sf_buf *b)
{
    size_t n = b->len > 0 ? fwrite(b->p, 1, b->len, stdout) : 0;
    int code =
        n == b->len && b->status == SF_OK && fflush(stdout) == 0 ? CTL_DONE : CTL_REFUSED;

    if (code != CTL_DONE)
        (void)fputs("sfctl: the answer could not be printed\n", stderr);
    sf_buf_clear(b);
    return code;
}

/* ------------------------------------------------------------------------------ tables
 */

/* Characters, not bytes, of a cell. */
static size_t width_of(const struct sf_buf *cell)
{
    size_t n = 0;

    for (size_t i = 0; i < cell->len; i++)
        n += ((unsigned char)cell->p[i] & 0xc0) != 0x80;
    return n;
}

static void add_cell(struct sf_buf *b, const struct sf_buf *cell, size_t width,
                     bool is_last)
{
    sf_buf_add_str(b, sf_buf_str(cell));
    for (size_t n = width_of(cell); !is_last && n < width + 2; n++)
        sf_buf_add_char(b, ' ');
}

void print_table(struct sf_buf *b, const json_t *rows, const struct column *columns)
{
    size_t widths[COLUMNS_MAX], n = json_array_size(rows), columns_n = 0;
    struct sf_buf cell;

    sf_buf_init(&cell, CELL_MAX);
    for (; columns[columns_n].title; columns_n++) {
        widths[columns_n] = strlen(columns[columns_n].title);
        for (size_t r = 0; r < n; r++) {
            sf_buf_clear(&cell);
            columns[columns_n].cell(json_array_get(rows, r), &cell);
            if (width_of(&cell) > widths[columns_n])
                widths[columns_n] = width_of(&cell);
        }
    }
    for (size_t r = 0; r <= n; r++) {
        for (size_t i = 0; i < columns_n; i++) {
            sf_buf_clear(&cell);
            if (r == 0)
                sf_buf_add_str(&cell, sf_str_from(columns[i].title));
            else
                columns[i].cell(json_array_get(rows, r - 1), &cell);
            if (cell.len == 0)
                sf_buf_add_char(&cell, '-');
            add_cell(b, &cell, widths[i], i + 1 == columns_n);
        }
        sf_buf_add_char(b, '\n');
    }
    sf_buf_release(&cell);
}

/* ------------------------------------------------------------------------------- cells
 */

#define CELL(function, name)                                  \
    static void function(const json_t *row, struct sf_buf *b) \
    {                                                         \
        print_scalar(b, json_object_get(row, name));          \
    }                                                         \
    _Static_assert(sizeof(name) > 1, "a name of a member of a row")

CELL(cell_queue_id, "queue_id");
CELL(cell_status, "status");
CELL(cell_role, "role");
CELL(cell_image, "image");
CELL(cell_records, "records_written");
CELL(cell_restarts, "restarts");
CELL(cell_exit_code, "exit_code");
CELL(cell_type, "type");
CELL(cell_kind, "kind");
CELL(cell_loader, "loader");
CELL(cell_connector, "connector");
CELL(cell_what, "what");

static const json_t *member(const json_t *queue, const char *role)
{
    const json_t *m;
    size_t i;

    json_array_foreach(json_object_get(queue, "members"), i, m)
    {
        const char *name = json_string_value(json_object_get(m, "role"));

        if (name && strcmp(name, role) == 0)
            return m;
    }
    return NULL;
}

static void cell_extra(const json_t *queue, const char *role, const char *name,
                       struct sf_buf *b)
{
    print_scalar(b, json_object_get(json_object_get(member(queue, role), "extra"), name));
}

static void cell_published(const json_t *row, struct sf_buf *b)
{
    print_scalar(b, json_object_get(member(row, "loader"), "records_written"));
}

static void cell_stored(const json_t *row, struct sf_buf *b)
{
    print_scalar(b, json_object_get(member(row, "connector"), "records_written"));
}

static void cell_percent(const json_t *row, struct sf_buf *b)
{
    const char *status = json_string_value(json_object_get(row, "status"));
    size_t before = b->len;

    if (status && strcmp(status, "finished") == 0)
        sf_buf_add_lit(b, "100"); /* a last event says it by its status */
    else
        cell_extra(row, "loader", "percent", b);
    if (b->len > before)
        sf_buf_add_char(b, '%');
}

static void cell_rate(const json_t *row, struct sf_buf *b)
{
    cell_extra(row, "loader", "rate", b);
}

static void cell_lag(const json_t *row, struct sf_buf *b)
{
    cell_extra(row, "connector", "lag", b);
}

static void cell_gaps(const json_t *row, struct sf_buf *b)
{
    cell_extra(row, "loader", "gaps", b);
}

static void cell_message(const json_t *row, struct sf_buf *b)
{
    const json_t *error = json_object_get(row, "error_message");

    print_scalar(b, error ? error : json_object_get(row, "message"));
}

static void cell_range(const json_t *row, struct sf_buf *b)
{
    bool has_range = json_is_true(json_object_get(row, "requires_time_range"));

    sf_buf_add_str(b, sf_str_from(has_range ? "yes" : "no"));
}

/* Seconds with a fraction, kept as their digits: 13 of them reach the millisecond. */
static void cell_time(const json_t *row, struct sf_buf *b)
{
    const json_t *event = json_object_get(row, "event");
    char *text = json_dumps(json_object_get(event, "timestamp"),
                            JSON_ENCODE_ANY | JSON_REAL_PRECISION(13));
    struct sf_str rest, whole = sf_str_cut(sf_str_from(text), '.', &rest);
    char iso[SF_TIME_ISO_SIZE];
    int64_t s, ms = 0;

    for (size_t i = 0; i < 3; i++)
        ms = ms * 10 + (i < rest.len ? rest.p[i] - '0' : 0);
    if (sf_str_to_i64(whole, &s) == SF_OK && s >= 0 && s < SF_TIME_MAX_MS / 1000)
        sf_buf_add_str(b, sf_str_from(sf_time_iso(s * 1000 + ms, iso)));
    free(text);
}

static void of_event(const json_t *row, const char *name, struct sf_buf *b)
{
    print_scalar(b, json_object_get(json_object_get(row, "event"), name));
}

static void cell_event_target(const json_t *row, struct sf_buf *b)
{
    of_event(row, "target", b);
}

static void cell_event_status(const json_t *row, struct sf_buf *b)
{
    of_event(row, "status", b);
}

static void cell_event_records(const json_t *row, struct sf_buf *b)
{
    of_event(row, "records_written", b);
}

static void cell_event_message(const json_t *row, struct sf_buf *b)
{
    cell_message(json_object_get(row, "event"), b);
}

static void of_gap(const json_t *row, const char *name, struct sf_buf *b)
{
    const json_t *extra = json_object_get(json_object_get(row, "event"), "extra");

    print_scalar(b, json_object_get(extra, name));
}

#define GAP_CELL(function, name)                              \
    static void function(const json_t *row, struct sf_buf *b) \
    {                                                         \
        of_gap(row, name, b);                                 \
    }                                                         \
    _Static_assert(sizeof(name) > 1, "a name of a member of a gap")

GAP_CELL(cell_gap_symbol, "symbol");
GAP_CELL(cell_gap_kind, "kind");
GAP_CELL(cell_gap_from, "from");
GAP_CELL(cell_gap_to, "to");
GAP_CELL(cell_gap_cause, "cause");
GAP_CELL(cell_gap_repaired, "repaired");
GAP_CELL(cell_gap_records, "records");

/* clang-format off */
const struct column queue_columns[] = {
    { "QUEUE", cell_queue_id }, { "STATUS", cell_status }, { "PUBLISHED", cell_published }, { "STORED", cell_stored },
    { "DONE", cell_percent }, { "RATE", cell_rate }, { "LAG", cell_lag }, { "GAPS", cell_gaps }, { NULL, NULL },
};
const struct column member_columns[] = {
    { "ROLE", cell_role }, { "STATUS", cell_status }, { "RECORDS", cell_records }, { "RESTARTS", cell_restarts },
    { "EXIT", cell_exit_code }, { "IMAGE", cell_image }, { "MESSAGE", cell_message }, { NULL, NULL },
};
const struct column event_columns[] = {
    { "TIME", cell_time }, { "MEMBER", cell_event_target }, { "STATUS", cell_event_status },
    { "RECORDS", cell_event_records }, { "MESSAGE", cell_event_message }, { NULL, NULL },
};
const struct column gap_columns[] = {
    { "TIME", cell_time }, { "SYMBOL", cell_gap_symbol }, { "KIND", cell_gap_kind }, { "FROM", cell_gap_from },
    { "TO", cell_gap_to }, { "CAUSE", cell_gap_cause }, { "REPAIRED", cell_gap_repaired },
    { "RECORDS", cell_gap_records }, { NULL, NULL },
};
const struct column type_columns[] = {
    { "TYPE", cell_type }, { "KIND", cell_kind }, { "RANGE", cell_range }, { "LOADER", cell_loader },
    { "CONNECTOR", cell_connector }, { "WHAT", cell_what }, { NULL, NULL },
};
/* clang-format on */
