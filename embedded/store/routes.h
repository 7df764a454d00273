/* The calls we answer: one table. */
#ifndef STORE_ROUTES_H
#define STORE_ROUTES_H

#include "call.h"

/* Find the row for c->method and c->segments; fill c->route and c->args. False: c->fault
 * (405 for another method, 501 for a call of ArangoDB that we do not do, 404 else). */
bool routes_find(struct call *c);

#endif
