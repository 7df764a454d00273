/* POST /_api/import: many documents, small answers. Positions in messages are ArangoDB's:
 * lines count from 1, stored documents from 0. Source: ArangoDB 3.12 HTTP API, "Bulk
 * imports", and the reference answers of its manual. */
#include "import.h"

struct tally {
    size_t created, updated, ignored;
};

static bool store_one(struct call *c, struct import *im, struct tally *t,
                      const struct cat_collection *coll, const struct doc_opts *opts,
                      size_t i)
{
    bool ignores = opts->mode == DOC_IGNORE;
    struct doc_opts plain = *opts;
    struct doc_result r = { .rev = 0 };
    struct doc_spec spec;
    struct sf_buf text, shown;

    if (ignores)
        plain.mode = DOC_CONFLICT;
    docs_get(im->docs, i, &spec);
    if (doc_insert(c->tx, coll, &spec, &plain, &r)) {
        if (r.old_rev != 0)
            t->updated++;
        else
            t->created++;
        return true;
    }
    if (db_is_broken(&r.fault)) {
        c->fault = r.fault;
        return false;
    }
    if (ignores && r.fault.num == FAULT_UNIQUE) {
        t->ignored++;
        return true;
    }
    if (!im->has_details && !im->is_complete) {
        im->errors++;
        return true;
    }
    sf_buf_init(&text, 1024);
    sf_buf_init(&shown, CALL_MEM_MAX);
    sf_buf_addf(&text, "creating document failed with error '%s', offending document: ",
                fault_text(r.fault.num));
    docs_add_given(im->docs, i, &shown, IMPORT_CONTEXT_MAX + 1);
    ignores =
        import_refuse(c, im, r.fault.num, i, sf_buf_cstr(&text), sf_buf_str(&shown));
    sf_buf_release(&text);
    sf_buf_release(&shown);
    return ignores;
}

static void read_mode(struct call *c, struct doc_opts *opts)
{
    static const char *const modes[] = { "error", "ignore", "replace", "update" };
    struct sf_str text;

    if (!call_param(c, "onDuplicate", &text))
        return;
    for (int i = 0; i < 4; i++)
        if (sf_str_eq(text, sf_str_from(modes[i])))
            opts->mode = (enum doc_mode)i;
}

static bool store_all(struct call *c, struct import *im, struct tally *t,
                      const struct cat_collection *coll)
{
    struct doc_opts opts = { .mode = DOC_CONFLICT,
                             .does_keep_null = true,
                             .does_merge = true,
                             .version_attribute = SF_STR_EMPTY };

    read_mode(c, &opts);
    if (call_flag(c, "overwrite", false) && !collection_empty(c, coll))
        return false;
    for (size_t i = 0; i < im->docs->n; i++)
        if (!store_one(c, im, t, coll, &opts, i))
            return false;
    return true;
}

/* With `complete` all or nothing: a savepoint inside the group's transaction. */
static bool run(struct call *c, struct import *im, struct tally *t,
                const struct cat_collection *coll)
{
    struct tx_count *count = tx_count(c->tx, coll->id, &c->fault), before;
    bool is_good;

    if (!count)
        return false;
    if (!im->is_complete)
        return store_all(c, im, t, coll);
    before = *count;
    if (!db_exec(c->db, "SAVEPOINT import", &c->fault))
        return false;
    is_good = store_all(c, im, t, coll);
    if (!is_good && !db_is_broken(&c->fault)) {
        struct fault f = { 0 };

        if (!db_exec(c->db, "ROLLBACK TO import", &f))
            c->fault = f;
        count = tx_count(c->tx, coll->id, &c->fault);
        if (count)
            *count = before;
    }
    return db_exec(c->db, "RELEASE import", &c->fault) && is_good;
}

void import_run(struct call *c)
{
    const struct cat_collection *coll = import_collection(c);
    struct import *im = c->prepared;
    size_t errors = im->errors, details = im->details.len;
    struct tally t = { 0, 0, 0 };

    if (!coll || !run(c, im, &t, coll))
        return;
    c->status = 201;
    sf_buf_addf(&c->out,
                "{\"error\":false,\"created\":%zu,\"errors\":%zu,\"empty\":%zu,"
                "\"updated\":%zu,\"ignored\":%zu",
                t.created, im->errors, im->empty, t.updated, t.ignored);
    if (im->has_details) {
        sf_buf_add_lit(&c->out, ",\"details\":[");
        sf_buf_add_str(&c->out, sf_buf_str(&im->details));
        sf_buf_add_char(&c->out, ']');
    }
    sf_buf_add_char(&c->out, '}');
    im->errors = errors; /* the call may run again */
    im->details.len = details;
}
