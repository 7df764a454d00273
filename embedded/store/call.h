/* One request on its way through the store: from the loop to a pool thread, perhaps to
 * the writer, and back. One thread at a time has it. */
#ifndef STORE_CALL_H
#define STORE_CALL_H

#include "arena.h"
#include "cat.h"
#include "fault.h"
#include "tx.h"

#include <sf/httpd.h>

#define CALL_SEGMENTS_MAX 12
#define CALL_ARGS_MAX     4
#define CALL_HEADERS_MAX  6
#define CALL_MEM_MAX      ((size_t)512 << 20) /* of what one request builds */
#define CALL_ANSWER_MAX   ((size_t)1 << 30)

struct store;
struct call;

typedef void (*call_fn)(struct call *c);

enum route_flags {
    ROUTE_WRITE = 1, /* fn runs on the writer, in a transaction it shares with others */
    ROUTE_DDL = 2, /* ... in a transaction of its own; then the catalogue is read again */
    ROUTE_OPEN = 4,         /* nobody needs to log in */
    ROUTE_SYSTEM = 8,       /* only in the database _system */
    ROUTE_ADMIN = 16,       /* only for who may write to _system */
    ROUTE_DATABASE_RW = 32, /* needs the right to change the database's structure */
    ROUTE_LONG = 64,        /* may take long: runs on the query threads */
    ROUTE_SELF = 128, /* also without any right on the database: the callee checks */
};

struct route {
    const char *method;
    const char *path; /* segments; "*" matches one and becomes an argument */
    unsigned flags;
    call_fn prepare; /* pool thread, before the writer; may be NULL */
    call_fn fn;
    const char *param; /* only when this query parameter is given; NULL: always */
};

struct call {
    struct call *next; /* in a queue */
    struct store *store;
    struct sf_httpd_req *http; /* NULL: a job of the store's own */
    const struct route *route;
    struct arena mem;

    /* what was asked; lent by http */
    struct sf_str method, path, query, body;
    struct sf_str authorization, if_match, if_none_match;
    bool is_async, is_in_transaction, is_encoded, is_velocypack;
    bool wants_challenge; /* WWW-Authenticate with a 401 */

    /* what it means */
    struct sf_str segments[CALL_SEGMENTS_MAX]; /* decoded, without /_db/{name} */
    size_t segments_n;
    struct sf_str args[CALL_ARGS_MAX]; /* what the route's * matched */
    struct sf_str database_name;
    const struct cat *cat;
    const struct cat_database *database;
    const struct cat_user *user; /* NULL with may_all: authentication is off */
    bool may_all;

    /* the thread's tools */
    struct db *db;
    struct tx *tx; /* writer only */

    void *prepared; /* prepare's result for fn */
    void (*release)(void *prepared);

    /* the answer */
    struct fault fault;
    struct sf_str fault_more; /* members behind the error's: `,"_rev":"..."` */
    int status;
    struct sf_buf out;
    const char *headers[2 * CALL_HEADERS_MAX + 1];
    size_t headers_n;
};

/* Loop thread. NULL: out of memory. */
struct call *call_create(struct store *store, struct sf_httpd_req *http);
void call_destroy(struct call *c);

/* Split and decode the path, find the route. False: c->fault. */
bool call_parse(struct call *c);
/* Who asks, which database, may they. Needs c->cat. False: c->fault. */
bool call_admit(struct call *c);
/* Forget an answer that was begun (the call runs again). */
void call_restart(struct call *c);
/* Turn a fault into the answer's body; add the headers that all answers have. */
void call_finish(struct call *c);

/* A query parameter, decoded. False: not given. */
bool call_param(struct call *c, const char *name, struct sf_str *ret);
/* true, 1, yes, on, y are true; anything else given is false. */
bool call_flag(struct call *c, const char *name, bool initial);
/* Copied. */
void call_header(struct call *c, const char *name, struct sf_str value);
/* Revision in an If-Match or If-None-Match field, without its quotes. */
struct sf_str call_rev(struct sf_str field);

/* The collection of this name when the caller has @need on it, else NULL and c->fault. */
const struct cat_collection *call_collection(struct call *c, struct sf_str name,
                                             enum cat_right need);
enum cat_right call_right(const struct call *c, struct sf_str collection);
/* Body as a canonical JSON object. False: c->fault. An empty body is {} when @may_lack.
 */
bool call_object(struct call *c, bool may_lack, struct sf_str *ret);
/* Members of such an object; false: not there (null counts as not there). */
bool call_get_string(struct call *c, struct sf_str object, const char *name,
                     struct sf_str *ret);
bool call_get_bool(struct sf_str object, const char *name, bool initial);

/* `"error":false,"code":200` and the like. */
void call_add_ok(struct call *c, int status);

#endif
