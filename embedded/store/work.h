/* The threads: a pool that parses and reads, one for queries, and the one writer.
 *
 * The writer takes all requests that wait, runs them in one transaction, commits (one
 * fsync) and only then answers them: group commit. When the transaction fails, each
 * request is run again alone, so that one cannot fail the others. A request that changes
 * the catalogue is alone in its transaction. */
#ifndef STORE_WORK_H
#define STORE_WORK_H

#include "call.h"

struct work;

/* @store outlives it. */
enum sf_status work_create(struct store *store, struct work **ret_work,
                           struct sf_error *err) SF_MUST_CHECK;
/* Finish what is queued, join the threads. */
void work_destroy(struct work *work);
/* Loop thread. False: too many requests wait. */
bool work_add(struct work *work, struct call *c);

#endif
