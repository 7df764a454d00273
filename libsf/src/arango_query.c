/* Reading and single requests, for programs that keep their own state in the database. */
#include "arango_internal.h"

#include <jansson.h>

#include <stdlib.h>

#define QUERY_MAX_BYTES ((size_t)1 << 20)
#define PAGES_MAX       100000 /* of BATCH_ROWS: a cursor that never ends is a fault */
#define BATCH_ROWS      1000
#define PATH_MAX_BYTES  4096

static enum sf_status refused(const struct arango_step *s, struct sf_error *err)
{
    bool is_denied = s->verdict.class == ARANGO_AUTH || s->verdict.class == ARANGO_DENIED;

    return arango_verdict_error(&s->verdict, "query",
                                is_denied ? SF_EDENIED : SF_EREFUSED, err);
}

/* Show the rows of one page. *ret_path: where the next one is, empty at the end. */
static enum sf_status take_page(struct arango_step *s, sf_arango_row_fn fn, void *arg,
                                struct sf_buf *ret_path, struct sf_error *err)
{
    json_t *page = json_loadb(s->body.p ? s->body.p : "", s->body.len, 0, NULL);
    const json_t *rows = json_object_get(page, "result");
    const char *id = json_string_value(json_object_get(page, "id"));
    enum sf_status status = SF_OK;

    if (!json_is_array(rows))
        status = sf_error_set(err, SF_EPROTO, "query: expected {\"result\":[...]}");
    for (size_t i = 0; status == SF_OK && i < json_array_size(rows); i++) {
        char *text = json_dumps(json_array_get(rows, i), JSON_COMPACT | JSON_ENCODE_ANY);

        if (!text)
            status = sf_error_set(err, SF_ENOMEM, "no memory for a row");
        else
            fn(arg, sf_str_from(text));
        free(text);
    }
    sf_buf_clear(ret_path);
    if (json_is_true(json_object_get(page, "hasMore")) && id)
        sf_buf_addf(ret_path, "%s/_api/cursor/%s", s->a->db_path, id);
    json_decref(page);
    return status;
}

enum sf_status sf_arango_query(struct sf_arango *a, const char *query,
                               sf_arango_row_fn fn, void *arg, struct sf_error *err)
{
    struct arango_step s;
    struct sf_buf path, body;
    enum sf_status status = SF_OK;

    arango_step_init(&s, a);
    sf_buf_init(&path, PATH_MAX_BYTES);
    sf_buf_init(&body, QUERY_MAX_BYTES);
    sf_buf_addf(&path, "%s/_api/cursor", a->db_path);
    sf_buf_add_lit(&body, "{\"query\":\"");
    sf_buf_add_json(&body, sf_str_from(query));
    sf_buf_addf(&body, "\",\"batchSize\":%d}", BATCH_ROWS);
    status = sf_buf_status(&body, err);
    for (int page = 0; status == SF_OK && path.len > 0 && page < PAGES_MAX; page++) {
        status = arango_ask(&s, "POST", &path,
                            page == 0 ? sf_buf_str(&body) : SF_STR_EMPTY, err);
        if (status == SF_OK && s.verdict.class != ARANGO_OK)
            status = refused(&s, err);
        if (status == SF_OK)
            status = take_page(&s, fn, arg, &path, err);
    }
    sf_buf_release(&path);
    sf_buf_release(&body);
    sf_buf_release(&s.body);
    return status;
}

/* ------------------------------------------------------------------- one request */

struct request {
    struct sf_arango *a;
    struct arango_ticket ticket;
    sf_arango_answer_fn fn;
    void *arg;
    char *body;
};

static void on_answer(void *arg, struct sf_http_answer *answer)
{
    struct request *r = arg;
    struct arango_verdict verdict = { .class = ARANGO_AWAY };

    if (answer->status != 0)
        arango_judge(answer->status, sf_buf_str(&answer->body), false, &verdict);
    if (verdict.class == ARANGO_AWAY)
        arango_next(r->a, &r->ticket);
    else if (verdict.class == ARANGO_AUTH)
        (void)arango_relogin(r->a, &r->ticket);
    r->fn(r->arg, answer->status, verdict.error_num);
    free(r->body);
    free(r);
}

enum sf_status sf_arango_request(struct sf_arango *a, const char *method,
                                 const char *path, struct sf_str body,
                                 sf_arango_answer_fn fn, void *arg, struct sf_error *err)
{
    struct request *r = calloc(1, sizeof(*r));
    struct sf_buf full;
    enum sf_status status;

    if (!r)
        return sf_error_set(err, SF_ENOMEM, "no memory for a request");
    *r = (struct request){ .a = a, .fn = fn, .arg = arg, .body = sf_str_dup(body) };
    sf_buf_init(&full, PATH_MAX_BYTES);
    sf_buf_addf(&full, "%s%s", a->db_path, path);
    status = r->body ? sf_buf_status(&full, err)
                     : sf_error_set(err, SF_ENOMEM, "no memory for a request");
    if (status == SF_OK) {
        const struct arango_call call = { .method = method,
                                          .path = sf_buf_cstr(&full),
                                          .body = sf_str_from(r->body),
                                          .fn = on_answer,
                                          .arg = r };

        status = arango_send(a, &call, &r->ticket, err);
    }
    sf_buf_release(&full);
    if (status != SF_OK) {
        free(r->body);
        free(r);
    }
    return status;
}
