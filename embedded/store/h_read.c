/* GET and HEAD of one document, and many by PUT ...?onlyget=true. */
#include "docs.h"
#include "handlers.h"
#include "key.h"

#include <stdio.h>

/* A document that is not what If-Match asked for. */
static void precondition_failed(struct call *c, const struct cat_collection *coll,
                                const char *rev)
{
    struct sf_buf more;

    sf_buf_init(&more, 4096);
    sf_buf_addf(&more,
                ",\"_id\":\"%" SF_STR_FMT "/%" SF_STR_FMT "\",\"_key\":\"%" SF_STR_FMT
                "\",\"_rev\":\"%s\"",
                SF_STR_ARG(coll->name), SF_STR_ARG(c->args[1]), SF_STR_ARG(c->args[1]),
                rev);
    c->fault_more = arena_str(&c->mem, sf_buf_str(&more));
    sf_buf_release(&more);
    (void)fault_set_http(&c->fault, 412, FAULT_CONFLICT,
                         "conflict, _rev values do not match");
}

static void answer_row(struct call *c, const struct cat_collection *coll,
                       const struct doc_row *row, struct sf_str body)
{
    char rev_bytes[REV_TEXT_SIZE], rev[REV_TEXT_SIZE + 1], etag[REV_TEXT_SIZE + 4];
    struct sf_str match = call_rev(c->if_match), none = call_rev(c->if_none_match);
    struct sf_str text = rev_text(row->rev, rev_bytes);

    (void)snprintf(rev, sizeof(rev), "%" SF_STR_FMT, SF_STR_ARG(text));
    (void)snprintf(etag, sizeof(etag), "\"%s\"", rev);
    call_header(c, "Etag", sf_str_from(etag));
    if (match.len > 0 && !sf_str_eq(match, text)) {
        precondition_failed(c, coll, rev);
        return;
    }
    if (none.len > 0 && sf_str_eq(none, text)) {
        c->status = 304;
        return;
    }
    c->status = 200;
    doc_add_full(&c->out, coll->name, c->args[1], row->rev, body);
}

void document_get(struct call *c)
{
    const struct cat_collection *coll = call_collection(c, c->args[0], CAT_RO);
    struct doc_row row = { 0, 0 };
    struct sf_buf body;
    bool is_found = false;

    if (!coll)
        return;
    if (!key_is_good(c->args[1])) {
        (void)fault_set(&c->fault, FAULT_BAD_KEY, NULL);
        return;
    }
    sf_buf_init(&body, CALL_MEM_MAX);
    if (!doc_find(c->db, coll->id, c->args[1], &is_found, &row, &body, &c->fault))
        ; /* the fault says it */
    else if (!is_found)
        (void)fault_set(&c->fault, FAULT_NO_DOCUMENT, NULL);
    else
        answer_row(c, coll, &row, sf_buf_str(&body));
    sf_buf_release(&body);
}

static bool add_one(struct call *c, const struct cat_collection *coll,
                    const struct doc_spec *spec, struct sf_buf *body)
{
    bool checks_rev = !call_flag(c, "ignoreRevs", true), is_found = false;
    struct doc_row row = { 0, 0 };
    struct fault f = { 0 };

    sf_buf_clear(body);
    if (spec->key_kind != DOC_KEY_TEXT || !key_is_good(spec->key))
        (void)fault_set(&f, FAULT_BAD_KEY, NULL);
    else if (!doc_find(c->db, coll->id, spec->key, &is_found, &row, body, &c->fault))
        return false;
    else if (!is_found)
        (void)fault_set(&f, FAULT_NO_DOCUMENT, NULL);
    else if (checks_rev && spec->rev.len > 0 && rev_parse(spec->rev) != row.rev)
        (void)fault_set(&f, FAULT_CONFLICT, "conflict, _rev values do not match");
    if (f.num == FAULT_NONE) {
        doc_add_full(&c->out, coll->name, spec->key, row.rev, sf_buf_str(body));
        return true;
    }
    sf_buf_addf(&c->out, "{\"error\":true,\"errorNum\":%d,\"errorMessage\":\"%s\"}",
                (int)f.num, f.text);
    return true;
}

void document_get_many(struct call *c)
{
    const struct cat_collection *coll = call_collection(c, c->args[0], CAT_RO);
    const struct docs *d = c->prepared;
    struct sf_buf body;
    bool is_good = true;

    if (!coll)
        return;
    if (!d->is_array) {
        (void)fault_set(&c->fault, FAULT_HTTP_BAD, "expecting a JSON array as body");
        return;
    }
    sf_buf_init(&body, CALL_MEM_MAX);
    sf_buf_add_char(&c->out, '[');
    for (size_t i = 0; i < d->n && is_good; i++) {
        struct doc_spec spec;

        if (i > 0)
            sf_buf_add_char(&c->out, ',');
        docs_get_ref(d, i, &spec);
        is_good = add_one(c, coll, &spec, &body);
    }
    sf_buf_add_char(&c->out, ']');
    sf_buf_release(&body);
    c->status = 200;
}
