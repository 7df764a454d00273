/* An import between its two halves: h_import_parse.c reads the body on a pool thread,
 * h_import.c stores it on the writer. */
#ifndef STORE_IMPORT_H
#define STORE_IMPORT_H

#include "docs.h"
#include "handlers.h"

#define IMPORT_CONTEXT_MAX 255 /* bytes of a document in a message */

struct import {
    struct docs *docs;
    struct sf_buf details; /* JSON strings with commas */
    size_t errors, empty;
    bool is_complete, has_details, is_edge, overwrites_prefix;
    struct sf_str from_prefix, to_prefix; /* canonical, with '/' */
    struct sf_str keys; /* names of the line-wise form, canonical array */
    struct sf_buf line; /* scratch */
};

/* The collection named by the query; NULL: c->fault. */
const struct cat_collection *import_collection(struct call *c);
/* Count one row that was not taken, with a line for `details`. False: the import must
 * end (`complete`), c->fault is @num. */
bool import_refuse(struct call *c, struct import *im, enum fault_num num, size_t line,
                   const char *text, struct sf_str context);

#endif
