/* Queues as they go on, until they are over. */
#include "sfctl.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define OUT_MAX  ((size_t)64 << 20)
#define EVERY_MS 500

static bool is_one_of(const json_t *queue, const char *const *statuses)
{
    const char *status = json_string_value(json_object_get(queue, "status"));

    for (; status && *statuses; statuses++)
        if (strcmp(status, *statuses) == 0)
            return true;
    return false;
}

static bool is_over(const json_t *queue)
{
    static const char *const ends[] = { "finished", "interrupted", "error", "lost",
                                        NULL };

    return is_one_of(queue, ends);
}

static void wait_a_while(void)
{
    const struct timespec t = { .tv_nsec = EVERY_MS * 1000000L };

    (void)nanosleep(&t, NULL);
}

/* The queues of @ids, or with NULL all that pass the filters. */
static int ask(struct ctl *c, const json_t *ids, json_t **ret)
{
    json_t *queues;
    const json_t *id;
    int code = CTL_DONE;
    size_t i;

    if (!ids)
        return list_queues(c, ret);
    queues = json_array();
    json_array_foreach(ids, i, id)
    {
        struct answer a;
        struct sf_buf path;

        queue_path(&path, json_string_value(id), "");
        code = client_call(c, "GET", sf_buf_cstr(&path), NULL, &a);
        sf_buf_release(&path);
        if (code != CTL_DONE)
            break;
        (void)json_array_append(queues, a.json);
        answer_release(&a);
    }
    if (code == CTL_DONE)
        *ret = queues;
    else
        json_decref(queues);
    return code;
}

static void add_line(struct sf_buf *b, const json_t *queue)
{
    print_scalar(b, json_object_get(queue, "updated_at"));
    sf_buf_add_lit(b, "  ");
    print_scalar(b, json_object_get(queue, "status"));
    sf_buf_add_lit(b, "  ");
    print_scalar(b, json_object_get(queue, "queue_id"));
}

/* One line for each queue whose status has changed; with --json whenever it has changed
 * at all. @seen: what was told, by id. */
static void tell_changes(const struct ctl *c, const json_t *queues, json_t *seen,
                         struct sf_buf *b)
{
    const json_t *q;
    size_t i;

    json_array_foreach(queues, i, q)
    {
        const char *id = json_string_value(json_object_get(q, "queue_id"));
        json_t *now = c->is_json ? (json_t *)q : json_object_get(q, "status");

        if (!id || json_equal(json_object_get(seen, id), now))
            continue;
        if (c->is_json)
            print_json(b, q);
        else
            add_line(b, q);
        sf_buf_add_char(b, '\n');
        (void)json_object_set(seen, id, now);
    }
}

static int show(const struct ctl *c, const json_t *queues, json_t *seen)
{
    struct sf_buf b;
    int code = CTL_DONE;

    sf_buf_init(&b, OUT_MAX);
    if (isatty(STDOUT_FILENO) && !c->is_json) {
        sf_buf_add_lit(&b, "\x1b[H\x1b[J"); /* home, clear */
        print_table(&b, queues, queue_columns);
    } else {
        tell_changes(c, queues, seen, &b);
    }
    if (b.len > 0)
        code = print_flush(&b);
    sf_buf_release(&b);
    return code;
}

/* Are all over? *ret_code: did they end as they should? */
static bool all_over(const json_t *queues, bool was_stopped, int *ret_code)
{
    static const char *const good[] = { "finished", "interrupted", NULL };
    static const char *const done[] = { "finished", NULL };
    const json_t *q;
    size_t i;

    *ret_code = CTL_DONE;
    json_array_foreach(queues, i, q)
    {
        if (!is_over(q))
            return false;
        if (!is_one_of(q, was_stopped ? good : done))
            *ret_code = CTL_BAD_END;
    }
    return true;
}

int watch_ids(struct ctl *c, const json_t *ids, bool was_stopped)
{
    json_t *seen = json_object();
    bool is_done = false;
    int code = CTL_DONE, end = CTL_DONE;

    while (!is_done && code == CTL_DONE) {
        json_t *queues = NULL;

        code = ask(c, ids, &queues);
        if (code == CTL_DONE)
            code = show(c, queues, seen);
        is_done = ids && all_over(queues, was_stopped, &end);
        json_decref(queues);
        if (!is_done && code == CTL_DONE)
            wait_a_while();
    }
    json_decref(seen);
    return code != CTL_DONE ? code : end;
}

int cmd_watch(struct ctl *c)
{
    json_t *ids = NULL;
    int code;

    if (c->args_n > 0)
        ids = json_array();
    for (size_t i = 0; i < c->args_n; i++)
        (void)json_array_append_new(ids, json_string(c->args[i]));
    code = watch_ids(c, ids, false);
    json_decref(ids);
    return code;
}
