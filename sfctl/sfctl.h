/* One command line over the API of queue-manager. One thread. */
#ifndef SFCTL_H
#define SFCTL_H

#include <sf/buf.h>

#include <curl/curl.h>
#include <jansson.h>

/* Exit codes, told by --help. */
enum {
    CTL_DONE = 0,
    CTL_REFUSED = 1, /* the manager refused */
    CTL_USAGE = 2,
    CTL_AWAY = 3,    /* no manager answered */
    CTL_BAD_END = 4, /* waited for a queue that did not finish */
};

#define CTL_ARGS_MAX 1024

struct ctl {
    const char *url, *token, *ca_path;
    const char *status, *symbol, *type, *pipeline; /* filters; NULL: any */
    const char *file, *key, *member, *bytes, *collection;
    bool is_json, is_quiet, is_all, is_dry, waits, wants_help;
    const char *args[CTL_ARGS_MAX]; /* behind the command */
    size_t args_n;
    CURL *curl;
};

/* ------------------------------------------------------------------------- client.c */

struct answer {
    long status;
    struct sf_buf text;
    json_t *json; /* NULL: no JSON */
};

/* The manager of @c. False: told. */
bool client_open(struct ctl *c);
void client_close(struct ctl *c);
/* Ask; @body: JSON text, or NULL. CTL_DONE: 2xx, release *ret. Otherwise told on stderr,
 * nothing to release. */
int client_call(struct ctl *c, const char *method, const char *path, const char *body,
                struct answer *ret);
void answer_release(struct answer *a);

/* -------------------------------------------------------------------------- print.c */

/* What a column shows of @row. */
typedef void (*cell_fn)(const json_t *row, struct sf_buf *b);
struct column {
    const char *title; /* NULL at the end of a table */
    cell_fn cell;
};
extern const struct column queue_columns[], event_columns[], gap_columns[],
    member_columns[], type_columns[];

/* Append the array @rows as a table. What a terminal might obey is shown as '?'. */
void print_table(struct sf_buf *b, const json_t *rows, const struct column *columns);
/* A scalar as text; nothing for NULL. */
void print_scalar(struct sf_buf *b, const json_t *value);
/* @json as one line. */
void print_json(struct sf_buf *b, const json_t *json);
/* To stdout, and empty it. CTL_DONE or CTL_REFUSED: stdout takes no more. */
int print_flush(struct sf_buf *b);

/* ----------------------------------------------------------------------- commands.c */

int cmd_start(struct ctl *c);
int cmd_list(struct ctl *c);
int cmd_show(struct ctl *c);
int cmd_events(struct ctl *c);
int cmd_gaps(struct ctl *c);
int cmd_logs(struct ctl *c);
int cmd_stop(struct ctl *c);
int cmd_pause(struct ctl *c);
int cmd_resume(struct ctl *c);
int cmd_ping(struct ctl *c);
int cmd_delete(struct ctl *c);
int cmd_types(struct ctl *c);
/* All queues that pass the filters of @c: *ret_queues is a new array. */
int list_queues(struct ctl *c, json_t **ret_queues);
/* "/queues/<id encoded><rest>". */
void queue_path(struct sf_buf *b, const char *id, const char *rest);

/* ------------------------------------------------------------------------- request.c */

/* The JSON text of a start request from the arguments of @c, or from its file. NULL:
 * told. The caller frees it. */
char *request_text(const struct ctl *c);
void request_print_fields(struct sf_buf *b);
/* "symbol= type= ...", for completion. */
void request_print_names(struct sf_buf *b);

/* -------------------------------------------------------------------------- watch.c */

int cmd_watch(struct ctl *c);
/* Show @ids (texts) until each is over. CTL_BAD_END: one is not as it was meant, that is
 * finished or, when @was_stopped, interrupted. */
int watch_ids(struct ctl *c, const json_t *ids, bool was_stopped);

/* --------------------------------------------------------------------------- help.c */

struct command {
    const char *name, *args, *what;
    size_t args_min, args_max;
    int (*run)(struct ctl *c);
    const char *options; /* names with spaces around, beside the general ones */
};
extern const struct command commands[]; /* name NULL at the end */

struct option {
    const char *name, *value; /* NULL: a flag */
    size_t at;                /* offset in struct ctl */
    bool is_general;
    const char *what;
};
extern const struct option options[];

int cmd_help(struct ctl *c);
int cmd_completion(struct ctl *c);
const struct command *command_find(const char *name);
bool command_takes(const struct command *command, const struct option *option);

#endif
