/* REST from a tape: calls wait in the queue as ever, and the tape's lines end them. */
#include "rest_internal.h"

#include <sf/scan.h>

#define BODY_MAX ((size_t)8 << 20)

void sf_rest_tape(struct sf_rest *rest, const struct sf_tape *tape)
{
    rest->tape = *tape;
    if (rest->tape.player)
        tape_play_rest(rest->tape.player, rest);
}

static struct call **find(struct sf_rest *rest, struct sf_str path, bool is_matched)
{
    struct call **at = &rest->queue;

    while (*at && ((*at)->is_matched != is_matched ||
                   (path.len > 0 && !sf_str_eq(sf_str_from((*at)->path), path))))
        at = &(*at)->next;
    return at;
}

bool sf_rest_tape_ask(struct sf_rest *rest, struct sf_str path)
{
    struct call *call = *find(rest, path, false);

    if (call)
        call->is_matched = true;
    return call != NULL;
}

static void end_first(struct call **at, enum sf_status status, struct sf_buf *body,
                      const struct sf_error *err)
{
    struct call *call = *at;

    *at = call->next;
    call->next = NULL;
    rest_end_call(call, status, status == SF_OK ? body : NULL, err);
}

bool sf_rest_tape_answer(struct sf_rest *rest, const struct tape_line *line)
{
    struct call **at = find(rest, line->path, line->path.len > 0);
    struct sf_error err = { .status = line->status };
    struct sf_buf body;

    if (!*at)
        return false;
    sf_buf_init(&body, BODY_MAX);
    if (!line->is_body_text)
        sf_buf_add_str(&body, line->body);
    else if (sf_scan_unescape(line->body, &body, NULL) != SF_OK)
        sf_buf_clear(&body); /* no parser takes it, as none took what it was */
    (void)!sf_str_copy(line->why, err.text, sizeof(err.text));
    rest->answer_ms = line->server_ms > 0 ? line->server_ms : line->time_us / 1000;
    end_first(at, line->status, &body, &err);
    sf_buf_release(&body);
    return true;
}

void sf_rest_tape_expire(struct sf_rest *rest, int64_t time_us)
{
    struct sf_error err = { 0 };

    (void)sf_error_set(&err, SF_EUNSUPPORTED, "the tape has no answer");
    while (rest->queue && rest->queue->asked_tape_us < time_us)
        end_first(&rest->queue, SF_EUNSUPPORTED, NULL, &err);
}
