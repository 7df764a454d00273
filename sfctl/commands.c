/* Commands that ask and show. */
#include "sfctl.h"

#include <stdio.h>
#include <stdlib.h>

#define OUT_MAX   ((size_t)256 << 20)
#define URL_MAX   65536
#define PAGES_MAX 10000

void queue_path(struct sf_buf *b, const char *id, const char *rest)
{
    sf_buf_init(b, URL_MAX);
    sf_buf_add_lit(b, "/queues/");
    sf_buf_add_url(b, sf_str_from(id));
    sf_buf_add_str(b, sf_str_from(rest));
}

static void add_param(struct sf_buf *path, const char *name, const char *value)
{
    if (!value)
        return;
    sf_buf_add_char(path, memchr(path->p, '?', path->len) ? '&' : '?');
    sf_buf_addf(path, "%s=", name);
    sf_buf_add_url(path, sf_str_from(value));
}

/* ---------------------------------------------------------------------------- showing
 */

/* @rows of @whole as the options ask: JSON, one text a line, or a table. */
static int show_rows(const struct ctl *c, const json_t *whole, const json_t *rows,
                     const char *name, const struct column *columns)
{
    const json_t *row;
    struct sf_buf b;
    int code;
    size_t i;

    sf_buf_init(&b, OUT_MAX);
    if (c->is_json) {
        print_json(&b, whole);
        sf_buf_add_char(&b, '\n');
    } else if (c->is_quiet) {
        json_array_foreach(rows, i, row)
        {
            print_scalar(&b, json_object_get(row, name));
            sf_buf_add_char(&b, '\n');
        }
    } else {
        print_table(&b, rows, columns);
    }
    code = b.len > 0 ? print_flush(&b) : CTL_DONE;
    sf_buf_release(&b);
    return code;
}

static int show_answer(const struct ctl *c, const json_t *answer)
{
    const json_t *rows = json_object_get(answer, "queues");
    json_t *one = rows ? NULL : json_pack("[O]", answer);
    int code = show_rows(c, answer, rows ? rows : one, "queue_id", queue_columns);

    json_decref(one);
    return code;
}

/* ------------------------------------------------------------------------------ start
 */

/* Ids of an answer with one queue or several. */
static json_t *ids_of(const json_t *answer)
{
    const json_t *queues = json_object_get(answer, "queues"), *q;
    json_t *ids = json_array();
    size_t i;

    if (!queues)
        (void)json_array_append(ids, json_object_get(answer, "queue_id"));
    json_array_foreach(queues, i, q)(void)
        json_array_append(ids, json_object_get(q, "queue_id"));
    return ids;
}

int cmd_start(struct ctl *c)
{
    char *body = request_text(c);
    struct answer a;
    json_t *ids;
    int code;

    if (!body)
        return CTL_USAGE;
    code = client_call(
        c, "POST", c->is_dry ? "/queues/start?dry_run=true" : "/queues/start", body, &a);
    free(body);
    if (code != CTL_DONE)
        return code;
    code = show_answer(c, a.json);
    ids = ids_of(a.json);
    if (code == CTL_DONE && c->waits && !c->is_dry)
        code = watch_ids(c, ids, false);
    json_decref(ids);
    answer_release(&a);
    return code;
}

/* ---------------------------------------------------------------------- list and show
 */

/* One page behind @cursor, appended to @queues; *cursor: where the next begins, "" at the
 * end. */
static int list_page(struct ctl *c, json_t *queues, char *cursor, size_t size)
{
    const json_t *next;
    struct answer a;
    struct sf_buf path;
    int code;

    sf_buf_init(&path, URL_MAX);
    sf_buf_add_lit(&path, "/queues?limit=1000");
    add_param(&path, "status", c->status);
    add_param(&path, "symbol", c->symbol);
    add_param(&path, "type", c->type);
    add_param(&path, "pipeline_id", c->pipeline);
    add_param(&path, "cursor", cursor[0] ? cursor : NULL);
    code = client_call(c, "GET", sf_buf_cstr(&path), NULL, &a);
    sf_buf_release(&path);
    if (code != CTL_DONE)
        return code;
    (void)json_array_extend(queues, json_object_get(a.json, "queues"));
    next = json_object_get(a.json, "cursor");
    cursor[0] = '\0';
    if (json_is_string(next))
        (void)snprintf(cursor, size, "%s", json_string_value(next));
    else if (next)
        (void)snprintf(cursor, size, "%lld", (long long)json_integer_value(next));
    answer_release(&a);
    return CTL_DONE;
}

int list_queues(struct ctl *c, json_t **ret_queues)
{
    json_t *queues = json_array();
    char cursor[256] = "";
    int code = list_page(c, queues, cursor, sizeof(cursor));

    for (int i = 1; i < PAGES_MAX && code == CTL_DONE && cursor[0]; i++)
        code = list_page(c, queues, cursor, sizeof(cursor));
    if (code == CTL_DONE)
        *ret_queues = queues;
    else
        json_decref(queues);
    return code;
}

int cmd_list(struct ctl *c)
{
    json_t *queues, *whole;
    int code = list_queues(c, &queues);

    if (code != CTL_DONE)
        return code;
    whole = json_pack("{s:o}", "queues", queues);
    code = show_rows(c, whole, queues, "queue_id", queue_columns);
    json_decref(whole);
    return code;
}

static void add_line(struct sf_buf *b, const json_t *queue, const char *name)
{
    const json_t *value = json_object_get(queue, name);

    if (!value)
        return;
    sf_buf_addf(b, "%-16s ", name);
    print_scalar(b, value);
    sf_buf_add_char(b, '\n');
}

static int show_one(const struct ctl *c, const json_t *queue)
{
    static const char *const names[] = { "queue_id",        "status",       "wish",
                                         "symbol",          "type",         "kafka_topic",
                                         "collection_name", "created_at",   "updated_at",
                                         "pipeline_id",     "error_message" };
    struct sf_buf b;
    int code;

    if (c->is_json)
        return show_rows(c, queue, NULL, "queue_id", queue_columns);
    sf_buf_init(&b, OUT_MAX);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        add_line(&b, queue, names[i]);
    print_table(&b, json_object_get(queue, "members"), member_columns);
    code = print_flush(&b);
    sf_buf_release(&b);
    return code;
}

/* GET of the first argument's queue and @rest. */
static int get_of_queue(struct ctl *c, const char *rest, struct answer *ret)
{
    struct sf_buf path;
    int code;

    queue_path(&path, c->args[0], rest);
    add_param(&path, "member", c->member);
    add_param(&path, "bytes", c->bytes);
    code = client_call(c, "GET", sf_buf_cstr(&path), NULL, ret);
    sf_buf_release(&path);
    return code;
}

int cmd_show(struct ctl *c)
{
    struct answer a;
    int code = get_of_queue(c, "", &a);

    if (code != CTL_DONE)
        return code;
    code = show_one(c, a.json);
    answer_release(&a);
    return code;
}

int cmd_events(struct ctl *c)
{
    struct answer a;
    int code = get_of_queue(c, "/events", &a);

    if (code != CTL_DONE)
        return code;
    code = show_rows(c, a.json, json_object_get(a.json, "events"), "id", event_columns);
    answer_release(&a);
    return code;
}

int cmd_gaps(struct ctl *c)
{
    json_t *gaps, *whole;
    const json_t *entry;
    struct answer a;
    size_t i;
    int code = get_of_queue(c, "/events", &a);

    if (code != CTL_DONE)
        return code;
    gaps = json_array();
    json_array_foreach(json_object_get(a.json, "events"), i, entry)
    {
        const char *status =
            json_string_value(json_object_get(json_object_get(entry, "event"), "status"));

        if (status && strcmp(status, "gap") == 0)
            (void)json_array_append(gaps, (json_t *)entry);
    }
    whole = json_pack("{s:o}", "gaps", gaps);
    code = show_rows(c, whole, gaps, "id", gap_columns);
    json_decref(whole);
    answer_release(&a);
    return code;
}

int cmd_logs(struct ctl *c)
{
    struct answer a;
    int code = get_of_queue(c, "/logs", &a);

    if (code != CTL_DONE)
        return code;
    code = a.text.len > 0 ? print_flush(&a.text) : CTL_DONE;
    answer_release(&a);
    return code;
}

int cmd_types(struct ctl *c)
{
    json_t *shown = json_array();
    const json_t *type;
    struct answer a;
    size_t i;
    int code = client_call(c, "GET", "/types", NULL, &a);

    if (code == CTL_DONE) {
        json_array_foreach(
            json_object_get(a.json, "types"), i,
            type) if (c->is_all || json_is_true(json_object_get(type, "available")))(void)
            json_array_append(shown, (json_t *)type);
        code = show_rows(c, a.json, shown, "type", type_columns);
        answer_release(&a);
    }
    json_decref(shown);
    return code;
}

/* --------------------------------------------------------------------------- commands
 */

/* The same for each queue of the arguments: the first failure is the exit code, the
 * others are asked all the same. */
static int each(struct ctl *c, const char *method, const char *rest, json_t *answers)
{
    int result = CTL_DONE;

    for (size_t i = 0; i < c->args_n; i++) {
        struct sf_buf path;
        struct answer a;
        int code;

        queue_path(&path, c->args[i], rest);
        add_param(&path, "collection", c->collection);
        code = client_call(c, method, sf_buf_cstr(&path), NULL, &a);
        sf_buf_release(&path);
        if (code == CTL_DONE) {
            (void)json_array_append(answers, a.json);
            answer_release(&a);
        } else if (result == CTL_DONE) {
            result = code;
        }
    }
    return result;
}

static int command_each(struct ctl *c, const char *method, const char *rest)
{
    json_t *whole = json_pack("{s:[]}", "queues");
    json_t *queues = json_object_get(whole, "queues");
    int result = each(c, method, rest, queues);
    int code = json_array_size(queues) > 0
                   ? show_rows(c, whole, queues, "queue_id", queue_columns)
                   : CTL_DONE;

    json_decref(whole);
    return result != CTL_DONE ? result : code;
}

int cmd_stop(struct ctl *c)
{
    json_t *ids = json_array();
    struct answer a;
    int code;

    if (c->is_all && c->args_n > 0) {
        (void)fputs("sfctl: either queues or --all\n", stderr);
        code = CTL_USAGE;
    } else if (c->is_all) {
        code = client_call(c, "POST", "/queues/stop", NULL, &a);
        if (code == CTL_DONE) {
            json_decref(ids);
            ids = ids_of(a.json);
            code = show_answer(c, a.json);
            answer_release(&a);
        }
    } else {
        for (size_t i = 0; i < c->args_n; i++)
            (void)json_array_append_new(ids, json_string(c->args[i]));
        code = command_each(c, "POST", "/stop");
    }
    if (code == CTL_DONE && c->waits)
        code = watch_ids(c, ids, true);
    json_decref(ids);
    return code;
}

int cmd_pause(struct ctl *c)
{
    return command_each(c, "POST", "/pause");
}

int cmd_resume(struct ctl *c)
{
    return command_each(c, "POST", "/resume");
}

int cmd_ping(struct ctl *c)
{
    return command_each(c, "POST", "/ping");
}

int cmd_delete(struct ctl *c)
{
    struct answer a;
    struct sf_buf path;
    int code = CTL_DONE;

    for (size_t i = 0; i < c->args_n && code == CTL_DONE; i++) {
        queue_path(&path, c->args[i], "");
        add_param(&path, "collection", c->collection);
        code = client_call(c, "DELETE", sf_buf_cstr(&path), NULL, &a);
        sf_buf_release(&path);
        if (code != CTL_DONE)
            break;
        if (c->is_json)
            code = show_rows(c, a.json, NULL, "queue_id", queue_columns);
        else if (printf("deleted %s\n", c->args[i]) < 0)
            code = CTL_REFUSED;
        answer_release(&a);
    }
    return code;
}
