/* The running store: what all requests share. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "budget.h"
#include "call.h"

#include <sf/loop.h>

struct work;
struct cursors;

struct store_opts {
    const char *listen, *data, *root_password, *cert, *key;
    bool has_auth;
    int64_t ttl_every_ms;
    int64_t query_max_bytes, queries_max_bytes; /* -1: by the machine's; 0: no limit */
};

/* Open the data folder (made when missing, locked while we run), create what a new one
 * lacks, start the threads. With authentication on, a new data folder needs
 * opts->root_password; a later start sets root's password to it when it is given.
 * @loop and @opts are borrowed. */
enum sf_status store_create(struct sf_loop *loop, const struct store_opts *opts,
                            struct store **ret_store, struct sf_error *err) SF_MUST_CHECK;
/* Answers what waits, closes the file. NULL is fine. */
void store_destroy(struct store *store);
/* The sf_httpd_fn: @arg is the store. */
void store_serve(void *arg, struct sf_httpd_req *req);

/* Any thread. */
bool store_needs_auth(const struct store *store);
struct sf_str store_secret(const struct store *store);
struct sf_str store_server_id(const struct store *store);
struct sf_str store_data(const struct store *store);
struct cursors *store_cursors(const struct store *store);
struct budget_total *store_query_memory(struct store *store);
size_t store_query_max(const struct store *store); /* bytes of one query; 0: no limit */
/* True from the moment on in which the program is told to end. */
const atomic_bool *store_stopping(const struct store *store);
/* A reference to the newest catalogue. */
const struct cat *store_cat(struct store *store);
/* Publish @cat; the reference goes over. */
void store_publish(struct store *store, const struct cat *cat);
/* Give a call back to the loop: its answer is sent and it is freed. */
void store_done(struct store *store, struct call *c);
const char *store_db_path(const struct store *store);

#endif
