/* What the arango*.c files share: client, verdicts, batches. */
#ifndef ARANGO_INTERNAL_H
#define ARANGO_INTERNAL_H

#include <sf/arango.h>
#include <sf/scan.h>

/* ----------------------------------------------------- verdicts (arango_answer.c) */

/* What an answer, or one item of it, asks for. */
enum arango_class {
    ARANGO_OK,      /* done; of a batch: every document is stored */
    ARANGO_ITEMS,   /* an array: each document has its own verdict */
    ARANGO_RETRY,   /* transient: the same again after a short wait */
    ARANGO_AWAY,    /* this coordinator cannot: the next one, after a longer wait */
    ARANGO_LOCKED,  /* read-only, no write concern, disk full: a long wait */
    ARANGO_DATA,    /* a document will never do; of a batch: one of them, or their sum */
    ARANGO_REFUSED, /* the request will never do */
    ARANGO_AUTH,    /* credentials */
    ARANGO_DENIED,  /* rights, licence */
    ARANGO_GONE,    /* no such collection or database */
};

struct arango_verdict {
    enum arango_class class;
    int http;           /* status; 0 in an item */
    int error_num;      /* ArangoDB's; 0 none */
    bool is_empty;      /* the body is `{}` */
    struct sf_str text; /* its message, escapes as they stand; a view into the body */
};

/* Judge a whole answer. @has_codes: it has the header x-arango-error-codes. Pure. */
void arango_judge(int status, struct sf_str body, bool has_codes,
                  struct arango_verdict *ret);

/* Walk the items of an array answer. */
struct arango_items {
    struct sf_scan scan;
};
/* How many items @body has. Errors: SF_EPROTO not an array of objects. */
enum sf_status arango_items_count(struct sf_str body, size_t *ret_n,
                                  struct sf_error *err) SF_MUST_CHECK;
void arango_items_begin(struct arango_items *it, struct sf_str body);
/* The verdict of the next item of a body that was counted. False at the end. */
bool arango_items_next(struct arango_items *it, struct arango_verdict *ret);

/* Set @err to @status and "<what>: HTTP 409, error 1200: write-write conflict". */
enum sf_status arango_verdict_error(const struct arango_verdict *v, const char *what,
                                    enum sf_status status, struct sf_error *err);

/* ------------------------------------------------------------------ client (arango.c) */

#define ARANGO_POLL_MS     50 /* how often a login under way is looked at */
#define ARANGO_BODY_MAX    ((size_t)16 << 20) /* answers; judged windows are far below */
#define ARANGO_BACKOFF_MAX 10000              /* ms */

struct sf_arango {
    struct sf_loop *loop;
    const struct sf_conf *conf;
    struct sf_http *http;
    char *urls;             /* the list, cut at its commas into NUL-ended parts */
    const char **endpoints; /* views into urls, without a slash at the end */
    unsigned endpoints_n;
    unsigned at;    /* the one in use */
    char *db_path;  /* "/_db/<name>", percent-encoded */
    char *auth;     /* "Authorization: ...", NULL: not logged in, or not needed */
    bool needs_jwt; /* a token is required and `auth` is NULL until there is one */
    unsigned login; /* counts logins that worked: which token a request carried */
    unsigned login_failures;
    bool is_logging_in;        /* POST /_open/auth is under way */
    struct sf_error login_err; /* why the last one failed; EAUTH: for good */
    struct sf_timer *renew;    /* next login */
    int version;               /* 100 * major + minor; 0: not asked yet */
    bool is_version_told;
};

/* What a request was sent with, for what its answer may change. */
struct arango_ticket {
    uint64_t id; /* of sf_http_send */
    unsigned endpoint, login;
};

struct arango_call {
    const char *method;
    const char *path;   /* from the root: "/_db/..." */
    struct sf_str body; /* lent until the answer; empty: none */
    sf_http_fn fn;
    void *arg;
};

/* Send to the coordinator in use. Errors: SF_EBUSY a login is under way: ask again in
 * ARANGO_POLL_MS (a->login_err says what keeps it); SF_EAUTH refused for good; SF_ENOMEM,
 * SF_EINVAL. */
enum sf_status arango_send(struct sf_arango *a, const struct arango_call *call,
                           struct arango_ticket *ret_ticket,
                           struct sf_error *err) SF_MUST_CHECK;
/* The coordinator of @ticket failed: use the next one, unless that was done already. */
void arango_next(struct sf_arango *a, const struct arango_ticket *ticket);
/* Milliseconds to wait after the @failures-th failure in a row (from 1): @base_ms
 * doubling to ARANGO_BACKOFF_MAX, half of it random; short while other coordinators are
 * untried. */
int64_t arango_backoff_ms(const struct sf_arango *a, unsigned failures, int64_t base_ms);

/* ------------------------------------------------------------- login (arango_auth.c) */

/* Prepare `auth` from the settings (Basic), or note that a token is needed. */
enum sf_status arango_auth_init(struct sf_arango *a, struct sf_error *err) SF_MUST_CHECK;
void arango_auth_release(struct sf_arango *a);
/* Fetch a token unless that is under way or was refused for good. */
void arango_login(struct sf_arango *a);
/* A request was answered 401. True: ask again, with a new token when it comes. False:
 * nothing to renew, the credentials are refused. */
bool arango_relogin(struct sf_arango *a, const struct arango_ticket *ticket);
/* Body of POST /_open/auth. */
void arango_credentials(const struct sf_conf *conf, struct sf_buf *b);
/* SF_EAUTH: @v is what POST /_open/auth said. */
enum sf_status arango_refused_login(const struct sf_arango *a,
                                    const struct arango_verdict *v, struct sf_error *err);
/* Seconds from issue (or @now_s) to the expiry that the payload of @jwt names; 0: none,
 * or not a token. Pure. */
int64_t arango_jwt_lifetime_s(struct sf_str jwt, int64_t now_s);

/* -------------------------------------------------------- questions (arango_step.c) */

/* One question to the server and its answer. */
struct arango_step {
    struct sf_arango *a;
    struct arango_call call;
    struct arango_ticket ticket;
    bool is_done;
    int status;
    struct sf_buf body;
    struct sf_error err; /* no answer: why */
    struct arango_verdict verdict;
    unsigned failures, denials, strangers; /* in a row */
};
void arango_step_init(struct arango_step *s, struct sf_arango *a);
/* Ask until there is an answer that is final, in s->body; s->verdict is then OK, ITEMS,
 * DATA, REFUSED, AUTH, DENIED or GONE. Not from a callback. Errors: SF_ESTOPPED;
 * SF_EAUTH; SF_EIO a certificate that does not verify; SF_EINVAL the address, or what
 * answers there is no ArangoDB; SF_ENOMEM. */
enum sf_status arango_ask(struct arango_step *s, const char *method, struct sf_buf *path,
                          struct sf_str body, struct sf_error *err) SF_MUST_CHECK;

/* -------------------------------------------------------- batches (arango_batch.c) */

#define ARANGO_DOC_MAX ((size_t)16 << 20) /* one document; above it a server chokes */

/* The documents of a request as its body grows: "[doc,doc", and a byte kept for "]".
 * Where each begins follows from the lengths before it. */
struct arango_doc {
    uint64_t tag;
    uint32_t len;
    uint32_t key_hash;
};
struct arango_batch {
    char *p;
    size_t len, cap;
    size_t bytes_max; /* cap, unless one large document stands alone */
    struct arango_doc *docs;
    size_t n, docs_max;
};

/* Allocates all that it will need (pages are touched when they are used). */
enum sf_status arango_batch_init(struct arango_batch *b, size_t docs_max,
                                 size_t bytes_max, struct sf_error *err) SF_MUST_CHECK;
void arango_batch_release(struct arango_batch *b);
/* Copy @doc to the end. Errors: SF_EFULL no room beside the others; SF_ETOOBIG,
 * SF_ENOMEM: a document over bytes_max, which stands alone. */
enum sf_status arango_batch_put(struct arango_batch *b, struct sf_str doc, uint64_t tag,
                                uint32_t key_hash) SF_MUST_CHECK;
/* Empty: give back what a large document took. */
void arango_batch_trim(struct arango_batch *b);
/* The first @n documents as a JSON array, in place; the batch is not to be changed until
 * arango_batch_open(@n). */
struct sf_str arango_batch_close(struct arango_batch *b, size_t n);
void arango_batch_open(struct arango_batch *b, size_t n);

/* Pass over the first documents, keeping some and forgetting the rest, in place. */
struct arango_walk {
    struct arango_batch *b;
    size_t i, kept;          /* documents seen, kept */
    size_t from, to;         /* bytes: behind the last seen, behind the last kept */
    struct sf_str doc;       /* the one at hand, until the next call */
    struct arango_doc entry; /* its tag, hash */
};
void arango_walk_begin(struct arango_walk *walk, struct arango_batch *b);
void arango_walk_next(struct arango_walk *walk);
void arango_walk_keep(struct arango_walk *walk);
void arango_walk_end(struct arango_walk *walk);

#endif
