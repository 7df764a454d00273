/* POST, PUT, PATCH, DELETE /_api/document. An array is one write with one result each:
 * failed items do not fail the request, a header counts them. Source: ArangoDB 3.12 HTTP
 * API, "Documents". */
#include "docs.h"
#include "handlers.h"
#include "key.h"

#include <stdio.h>

#define ERROR_KINDS_MAX 16 /* different numbers in one answer's header */

enum operation { INSERT, MODIFY, REMOVE };

struct write {
    struct call *c;
    const struct cat_collection *coll;
    enum operation op;
    struct doc_opts opts;
    bool is_silent, returns_old, returns_new, is_array;
    int errors[ERROR_KINDS_MAX], counts[ERROR_KINDS_MAX];
    size_t errors_n, written;
};

void document_parse(struct call *c)
{
    struct docs *d = docs_create(CALL_MEM_MAX);
    const char *why = NULL;

    c->prepared = d;
    c->release = docs_destroy;
    if (!d) {
        (void)fault_set(&c->fault, FAULT_OUT_OF_MEMORY, NULL);
        return;
    }
    if (docs_parse(d, c->body, &why))
        return;
    if (why)
        (void)fault_set(&c->fault, FAULT_CORRUPTED_JSON, "VPackError error: %s", why);
    else
        (void)fault_set(&c->fault, FAULT_RESOURCE_LIMIT, NULL);
}

/* --------------------------------------------------------------------- one item */

static void add_identity(struct write *w, struct sf_str key, uint64_t rev)
{
    struct sf_buf *out = &w->c->out;
    char rev_bytes[REV_TEXT_SIZE];

    sf_buf_add_lit(out, "\"_id\":\"");
    sf_buf_add_str(out, w->coll->name);
    sf_buf_add_char(out, '/');
    sf_buf_add_str(out, key);
    sf_buf_add_lit(out, "\",\"_key\":\"");
    sf_buf_add_str(out, key);
    sf_buf_add_lit(out, "\",\"_rev\":\"");
    sf_buf_add_str(out, rev_text(rev, rev_bytes));
    sf_buf_add_char(out, '"');
}

static void add_result(struct write *w, const struct doc_result *r)
{
    struct sf_buf *out = &w->c->out;
    uint64_t old_rev = w->op == REMOVE ? r->rev : r->old_rev;
    char rev_bytes[REV_TEXT_SIZE];

    sf_buf_add_char(out, '{');
    add_identity(w, r->key, r->rev);
    if (w->op != REMOVE && r->old_rev != 0) {
        sf_buf_add_lit(out, ",\"_oldRev\":\"");
        sf_buf_add_str(out, rev_text(r->old_rev, rev_bytes));
        sf_buf_add_char(out, '"');
    }
    if (w->returns_old && r->old_body.len > 0) {
        sf_buf_add_lit(out, ",\"old\":");
        doc_add_full(out, w->coll->name, r->key, old_rev, r->old_body);
    }
    if (w->returns_new && r->new_body.len > 0) {
        sf_buf_add_lit(out, ",\"new\":");
        doc_add_full(out, w->coll->name, r->key, r->rev, r->new_body);
    } else if (w->returns_new && w->op == INSERT && w->opts.mode == DOC_IGNORE) {
        sf_buf_add_lit(out, ",\"new\":null");
    }
    sf_buf_add_char(out, '}');
}

static void add_item_error(struct write *w, const struct fault *f)
{
    struct sf_buf *out = &w->c->out;
    size_t i = 0;

    sf_buf_addf(out, "{\"error\":true,\"errorNum\":%d,\"errorMessage\":", (int)f->num);
    js_add_string(out, sf_str_from(f->text));
    sf_buf_add_char(out, '}');
    while (i < w->errors_n && w->errors[i] != (int)f->num)
        i++;
    if (i == ERROR_KINDS_MAX)
        return;
    if (i == w->errors_n) {
        w->errors[w->errors_n++] = (int)f->num;
        w->counts[i] = 0;
    }
    w->counts[i]++;
}

static bool run_one(struct write *w, const struct doc_spec *spec, struct doc_result *r)
{
    switch (w->op) {
    case INSERT:
        return doc_insert(w->c->tx, w->coll, spec, &w->opts, r);
    case MODIFY:
        return doc_modify(w->c->tx, w->coll, spec, &w->opts, r);
    case REMOVE:
        break;
    }
    return doc_remove(w->c->tx, w->coll, spec, &w->opts, r);
}

/* --------------------------------------------------------------------- answers */

static void add_codes_header(struct write *w)
{
    struct sf_buf text;

    if (w->errors_n == 0)
        return;
    sf_buf_init(&text, 1024);
    for (size_t i = 0; i < w->errors_n; i++)
        sf_buf_addf(&text, "%s\"%d\":%d", i > 0 ? "," : "{", w->errors[i], w->counts[i]);
    sf_buf_add_char(&text, '}');
    call_header(w->c, "X-Arango-Error-Codes", sf_buf_str(&text));
    sf_buf_release(&text);
}

static void set_status(struct write *w)
{
    bool is_sync = w->coll->does_wait_for_sync || call_flag(w->c, "waitForSync", false);

    if (w->op == REMOVE)
        w->c->status = is_sync ? 200 : 202;
    else
        w->c->status = is_sync ? 201 : 202;
}

static void run_array(struct write *w, const struct docs *d)
{
    struct doc_result r = { .rev = 0 };
    struct sf_buf *out = &w->c->out;

    sf_buf_add_char(out, '[');
    for (size_t i = 0; i < d->n; i++) {
        struct doc_spec spec;
        bool is_good;

        if (w->op == INSERT)
            docs_get(d, i, &spec);
        else
            docs_get_ref(d, i, &spec);
        is_good = run_one(w, &spec, &r);
        if (!is_good && db_is_broken(&r.fault)) {
            w->c->fault = r.fault;
            return;
        }
        if (is_good && w->is_silent)
            continue;
        if (out->len > 1)
            sf_buf_add_char(out, ',');
        if (is_good)
            add_result(w, &r);
        else
            add_item_error(w, &r.fault);
    }
    sf_buf_add_char(out, ']');
    if (w->is_silent && w->errors_n == 0) {
        sf_buf_clear(out);
        sf_buf_add_lit(out, "{}");
    }
    set_status(w);
    add_codes_header(w);
}

static void add_etag(struct write *w, uint64_t rev)
{
    char rev_bytes[REV_TEXT_SIZE], text[REV_TEXT_SIZE + 4];
    struct sf_str rev_str = rev_text(rev, rev_bytes);

    (void)snprintf(text, sizeof(text), "\"%" SF_STR_FMT "\"", SF_STR_ARG(rev_str));
    call_header(w->c, "Etag", sf_str_from(text));
}

static void add_location(struct write *w, struct sf_str key)
{
    struct sf_buf text;

    sf_buf_init(&text, 4096);
    sf_buf_add_lit(&text, "/_db/");
    sf_buf_add_url(&text, w->c->database->name);
    sf_buf_add_lit(&text, "/_api/document/");
    sf_buf_add_url(&text, w->coll->name);
    sf_buf_add_char(&text, '/');
    sf_buf_add_url(&text, key);
    call_header(w->c, "Location", sf_buf_str(&text));
    sf_buf_release(&text);
}

/* A revision that does not match is a failed precondition: 412, with what is there. */
static void fail_one(struct write *w, const struct doc_result *r)
{
    struct call *c = w->c;

    c->fault = r->fault;
    if (r->fault.num != FAULT_CONFLICT)
        return;
    c->fault.http = 412;
    sf_buf_clear(&c->out);
    sf_buf_add_char(&c->out, ',');
    add_identity(w, r->key, r->rev);
    c->fault_more = arena_str(&c->mem, sf_buf_str(&c->out));
    add_etag(w, r->rev);
}

static void run_single(struct write *w, const struct doc_spec *spec)
{
    struct doc_result r = { .rev = 0 };

    if (!run_one(w, spec, &r)) {
        fail_one(w, &r);
        return;
    }
    if (w->is_silent)
        sf_buf_add_lit(&w->c->out, "{}");
    else
        add_result(w, &r);
    set_status(w);
    add_etag(w, r.rev);
    if (w->op == INSERT)
        add_location(w, r.key);
}

/* ---------------------------------------------------------------------- options */

static void read_mode(struct write *w)
{
    static const char *const modes[] = { "conflict", "ignore", "replace", "update" };
    struct sf_str text;

    if (call_flag(w->c, "overwrite", false))
        w->opts.mode = DOC_REPLACE;
    if (!call_param(w->c, "overwriteMode", &text))
        return;
    for (int i = 0; i < 4; i++)
        if (sf_str_eq(text, sf_str_from(modes[i])))
            w->opts.mode = (enum doc_mode)i;
}

/* The version attribute's name is compared with canonical names. */
static void read_version_attribute(struct write *w)
{
    struct sf_str text;
    struct sf_buf canonical;

    if (!call_param(w->c, "versionAttribute", &text) || text.len == 0)
        return;
    sf_buf_init(&canonical, 65536);
    js_add_string(&canonical, text);
    if (canonical.status == SF_OK)
        w->opts.version_attribute =
            arena_str(&w->c->mem, (struct sf_str){ canonical.p + 1, canonical.len - 2 });
    sf_buf_release(&canonical);
}

/* keepNull: true for PATCH, but false for an insert that updates, as ArangoDB's server
 * has it (its manual says otherwise). */
static void read_opts(struct write *w)
{
    struct call *c = w->c;

    w->is_silent = call_flag(c, "silent", false);
    w->returns_old = call_flag(c, "returnOld", false);
    w->returns_new = call_flag(c, "returnNew", false) && w->op != REMOVE;
    w->opts.does_check_rev = !call_flag(c, "ignoreRevs", true);
    w->opts.does_merge = call_flag(c, "mergeObjects", true);
    w->opts.version_attribute = SF_STR_EMPTY;
    if (w->op == INSERT) {
        read_mode(w);
        w->opts.does_check_rev = false;
        w->returns_old &= w->opts.mode == DOC_REPLACE || w->opts.mode == DOC_UPDATE;
    }
    w->opts.does_keep_null = call_flag(c, "keepNull", w->op == MODIFY);
    if (w->op != REMOVE)
        read_version_attribute(w);
}

/* ----------------------------------------------------------------------- calls */

static bool start(struct write *w, struct call *c, enum operation op, enum doc_mode mode)
{
    struct sf_str name = c->args[0];

    *w = (struct write){ .c = c, .op = op, .opts = { .mode = mode } };
    if (name.len == 0 && !call_param(c, "collection", &name)) {
        (void)fault_set(&c->fault, FAULT_NO_COLLECTION_PARAM,
                        "'collection' is missing, expecting /_api/document POST "
                        "/_api/document/<collection> or query parameter 'collection'");
        return false;
    }
    read_opts(w);
    w->coll = call_collection(c, name, CAT_RW);
    return w->coll != NULL;
}

void document_insert(struct call *c)
{
    struct docs *d = c->prepared;
    struct doc_spec spec;
    struct write w;

    if (!start(&w, c, INSERT, DOC_CONFLICT))
        return;
    if (d->is_array) {
        run_array(&w, d);
        return;
    }
    docs_get(d, 0, &spec);
    run_single(&w, &spec);
}

/* The key in the path and the revision of If-Match win over the body's. */
static void single_by_path(struct write *w, struct doc_spec *spec)
{
    struct sf_str rev = call_rev(w->c->if_match);

    spec->key_kind = DOC_KEY_TEXT;
    spec->key = w->c->args[1];
    if (rev.len == 0)
        return;
    w->opts.does_check_rev = true;
    spec->rev = rev;
}

static void modify(struct call *c, enum doc_mode mode)
{
    struct docs *d = c->prepared;
    struct doc_spec spec;
    struct write w;

    if (!start(&w, c, MODIFY, mode))
        return;
    if (d->is_array != (c->args[1].len == 0)) {
        (void)fault_set(&c->fault, FAULT_BAD_TYPE, NULL);
        return;
    }
    if (d->is_array) {
        run_array(&w, d);
        return;
    }
    docs_get(d, 0, &spec);
    single_by_path(&w, &spec);
    run_single(&w, &spec);
}

void document_replace(struct call *c)
{
    modify(c, DOC_REPLACE);
}

void document_update(struct call *c)
{
    modify(c, DOC_UPDATE);
}

void document_remove(struct call *c)
{
    struct docs *d = c->prepared;
    struct doc_spec spec = { .is_object = true, .rev = SF_STR_EMPTY };
    struct write w;

    if (!start(&w, c, REMOVE, DOC_CONFLICT))
        return;
    if (c->args[1].len > 0) {
        single_by_path(&w, &spec);
        run_single(&w, &spec);
    } else if (d->is_array) {
        run_array(&w, d);
    } else {
        docs_get_ref(d, 0, &spec);
        run_single(&w, &spec);
    }
}
