/* ArangoDB over its HTTP API: set-up, and a writer that batches in lanes.
 *
 * Source: ArangoDB 3.12 HTTP API, documents ("overwriteMode", "versionAttribute",
 * "silent", x-arango-error-codes), general request handling, authentication. Loop thread
 * only. */
#ifndef SF_ARANGO_H
#define SF_ARANGO_H

#include <sf/conf.h>
#include <sf/http.h>

struct sf_arango;

/* A client for conf->arango_url (several coordinators: a comma-separated list; the next
 * one is taken when one fails). Does not connect yet. Borrows @conf. */
enum sf_status sf_arango_create(struct sf_loop *loop, const struct sf_conf *conf,
                                struct sf_arango **ret_arango,
                                struct sf_error *err) SF_MUST_CHECK;
void sf_arango_destroy(struct sf_arango *a);

struct sf_arango_index {
    const char *const *fields; /* NULL-terminated; persistent index */
    bool is_unique;
};

/* Blocking start-up steps on the loop; each waits for a server that is away, with
 * back-off, until a stop is asked for (SF_ESTOPPED), and logs database_away meanwhile.
 * Errors, for good: SF_EAUTH wrong user or password; SF_EDENIED missing
 * rights (which); SF_ENOTFOUND missing and conf->arango_create is 0; SF_EREFUSED anything
 * else, with the server's number and text; SF_EIO a certificate that does not verify. */
enum sf_status sf_arango_ensure_database(struct sf_arango *a,
                                         struct sf_error *err) SF_MUST_CHECK;
enum sf_status sf_arango_ensure_collection(struct sf_arango *a, const char *collection,
                                           const struct sf_arango_index *indexes,
                                           size_t indexes_n,
                                           struct sf_error *err) SF_MUST_CHECK;

/* ------------------------------------------------------------------------ reading */

/* One row as JSON text, lent for the call. */
typedef void (*sf_arango_row_fn)(void *arg, struct sf_str row);
/* Every row of an AQL query that only reads. Blocking start-up step, as those above. */
enum sf_status sf_arango_query(struct sf_arango *a, const char *query,
                               sf_arango_row_fn fn, void *arg,
                               struct sf_error *err) SF_MUST_CHECK;

/* HTTP status (0: no answer) and ArangoDB's error number. */
typedef void (*sf_arango_answer_fn)(void *arg, int status, int error_num);
/* One request below the database ("/_api/collection/x"), once, not
 * repeated, @body copied; @fn is called from the loop unless this fails. It must be
 * answered before @a is destroyed, or is never answered. Errors: SF_EBUSY logging in;
 * SF_EAUTH, SF_ENOMEM.
 */
enum sf_status sf_arango_request(struct sf_arango *a, const char *method,
                                 const char *path, struct sf_str body,
                                 sf_arango_answer_fn fn, void *arg,
                                 struct sf_error *err) SF_MUST_CHECK;

/* ------------------------------------------------------------------------- writer */

/* What became of one document. */
struct sf_arango_result {
    enum sf_status status; /* SF_OK stored (or an equal or newer one was there already) */
    int error_num;         /* ArangoDB's, 0 when stored */
    struct sf_str text;    /* its message, lent for the call */
    struct sf_str doc;     /* the document as it was sent, lent for the call */
    uint64_t tag;          /* as given to sf_arango_put */
};
/* Called once for each document, in order for one _key, when the database confirmed it or
 * refused it for good (status SF_EREFUSED: a bad document). Never for a transient
 * failure: those are retried inside, with back-off, for as long as it takes. It may put
 * and flush, as on_room may; no callback may destroy the writer. */
typedef void (*sf_arango_fn)(void *arg, const struct sf_arango_result *result);

struct sf_arango_writer;

struct sf_arango_writer_opts {
    const char *collection;
    const char *version_attribute; /* NULL: none. The higher one stays */
    unsigned lanes;                /* requests in flight at most; a _key keeps its lane */
    size_t batch_docs, batch_bytes;
    int64_t batch_age_ms;
    sf_arango_fn fn;
    void (*on_room)(void *arg); /* after SF_EFULL: put again */
    /* The database went away (is_away, why) or came back. */
    void (*on_away)(void *arg, bool is_away, const struct sf_error *why);
    /* For good: credentials refused, collection dropped, rights withdrawn. */
    void (*on_fatal)(void *arg, const struct sf_error *err);
    void *arg;
};

enum sf_status sf_arango_writer_create(struct sf_arango *a,
                                       const struct sf_arango_writer_opts *opts,
                                       struct sf_arango_writer **ret_w,
                                       struct sf_error *err) SF_MUST_CHECK;
void sf_arango_writer_destroy(struct sf_arango_writer *w); /* drops what waits */

/* Take a document (copied) for the lane of @key. On failure nothing was taken. Errors:
 *   SF_EFULL    the lane has a batch in flight and a full one behind it; on_room follows.
 *   SF_ETOOBIG  the document has more than 16 MiB. One larger than a batch goes alone.
 *   SF_ENOMEM   such a large one, and no memory.
 *   SF_EFATAL   after on_fatal. */
enum sf_status sf_arango_put(struct sf_arango_writer *w, struct sf_str key,
                             struct sf_str doc, uint64_t tag) SF_MUST_CHECK;
/* Send incomplete batches without waiting for their age. */
void sf_arango_writer_flush(struct sf_arango_writer *w);
/* Documents taken and not answered. */
size_t sf_arango_writer_pending(const struct sf_arango_writer *w);

#endif
