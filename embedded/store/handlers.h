/* What answers the calls: one function a row of the table in routes.c. Each reads what
 * was asked from @c and leaves status and body, or a fault, in it. */
#ifndef STORE_HANDLERS_H
#define STORE_HANDLERS_H

#include "call.h"

/* h_admin.c: about the server */
void admin_version(struct call *c);
void admin_status(struct call *c);
void admin_time(struct call *c);
void admin_availability(struct call *c);
void admin_role(struct call *c);
void admin_server_id(struct call *c);
void admin_mode(struct call *c);
void admin_license(struct call *c);
void admin_engine(struct call *c);
void admin_key_generators(struct call *c);

/* h_user.c, h_grant.c */
void user_list(struct call *c);
void user_create(struct call *c);
void user_get(struct call *c);
void user_replace(struct call *c);
void user_update(struct call *c);
void user_remove(struct call *c);
void user_rights(struct call *c);
void user_right(struct call *c);
void user_grant(struct call *c);
void user_revoke(struct call *c);
/* Write a user; shared with database_create. */
bool user_write(struct call *c, struct sf_str name, struct sf_str password,
                bool is_active, struct sf_str extra);
bool user_write_grant(struct call *c, struct sf_str name, struct sf_str database,
                      struct sf_str collection, struct sf_str level);

/* h_database.c */
void database_list(struct call *c);
void database_list_own(struct call *c);
void database_current(struct call *c);
void database_create(struct call *c);
void database_drop(struct call *c);

/* h_collection.c: what there is; h_structure.c: making, changing, dropping it */
void collection_list(struct call *c);
void collection_get(struct call *c);
void collection_properties(struct call *c);
void collection_count(struct call *c);
void collection_figures(struct call *c);
void collection_revision(struct call *c);
void collection_load_indexes(struct call *c);
void collection_create(struct call *c);
void collection_change(struct call *c);
void collection_drop(struct call *c);
void collection_truncate(struct call *c);
void collection_rename(struct call *c);
void collection_recount(struct call *c);
/* Members of a collection's description: with @is_long all properties. */
void collection_add(struct call *c, const struct cat_collection *coll, bool is_long);
/* Drop its tables and rows; shared with database_drop. */
bool collection_wipe(struct call *c, const struct cat_collection *coll);
/* Remove all documents; shared with import. */
bool collection_empty(struct call *c, const struct cat_collection *coll);
bool collection_read_count(struct call *c, const struct cat_collection *coll,
                           int64_t *ret_n, int64_t *ret_last_key);

/* h_index.c */
void index_list(struct call *c);
void index_create(struct call *c);
void index_get(struct call *c);
void index_drop(struct call *c);

/* h_document.c: writing; h_read.c: reading */
void document_parse(struct call *c); /* the body, on a pool thread */
void document_insert(struct call *c);
void document_replace(struct call *c);
void document_update(struct call *c);
void document_remove(struct call *c);
void document_get(struct call *c);
void document_get_many(struct call *c);

/* h_import.c */
void import_parse(struct call *c);
void import_run(struct call *c);

/* h_cursor.c */
void cursor_create(struct call *c);
void cursor_next(struct call *c);
void cursor_drop(struct call *c);

/* ttl.c: remove what has expired; a job of the store's own */
void ttl_run(struct call *c);

#endif
