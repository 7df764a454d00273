/* The writer's side of a transaction: revisions, automatic keys, document counts.
 *
 * Writer thread only. The transaction itself spans all requests of a group; see work.h.
 */
#ifndef STORE_TX_H
#define STORE_TX_H

#include "cat.h"
#include "db.h"

#include <sf/buf.h>

struct tx_count {
    uint64_t collection;
    int64_t difference; /* documents */
    int64_t last_key;   /* highest automatic key handed out; 0: none */
};

struct tx {
    struct db *db;
    uint64_t last_rev;
    uint64_t tick;     /* the last number given; ids and automatic keys */
    uint64_t tick_end; /* numbers up to here are reserved on disk */
    struct tx_count *counts;
    size_t counts_n, counts_cap;
    struct sf_buf before, after, patch, entry; /* doc.c, ix.c: between their calls */
};

bool tx_init(struct tx *tx, struct db *db, struct fault *f);
void tx_release(struct tx *tx);

bool tx_begin(struct tx *tx, struct fault *f);
/* Writes the counts and commits: on disk when it returns true. */
bool tx_commit(struct tx *tx, struct fault *f);
void tx_rollback(struct tx *tx);

/* Make sure that @n numbers can be drawn; before anything that may be rolled back. */
bool tx_reserve(struct tx *tx, uint64_t n, struct fault *f);
uint64_t tx_tick(struct tx *tx);
uint64_t tx_rev(struct tx *tx);
/* The collection's line, made when missing. NULL: out of memory, @f is set. */
struct tx_count *tx_count(struct tx *tx, uint64_t collection, struct fault *f);

#endif
