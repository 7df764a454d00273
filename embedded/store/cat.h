/* The catalogue: databases, collections, indexes, users and their rights.
 *
 * It is a picture that never changes: whoever needs it takes a reference, works with it
 * and gives it back. A change is written to the database file; after its commit a new
 * picture is read and published. So readers never lock, and a rolled-back change leaves
 * no trace. */
#ifndef STORE_CAT_H
#define STORE_CAT_H

#include "arena.h"
#include "db.h"

enum cat_index_kind { CAT_PRIMARY, CAT_EDGE, CAT_PERSISTENT, CAT_TTL };

#define CAT_FIELDS_MAX 32 /* fields of an index */
#define CAT_PATH_MAX   16 /* steps of an attribute path "a.b.c" */

struct cat_path {
    struct sf_str text;                /* as given: "a.b[*].c" */
    struct sf_str steps[CAT_PATH_MAX]; /* canonical names */
    size_t steps_n;
    int expand_at; /* behind this many steps comes [*]; -1: nowhere */
};

struct cat_index {
    uint64_t id;
    enum cat_index_kind kind;
    struct sf_str name;
    struct cat_path *fields;
    size_t fields_n;
    bool is_unique, is_sparse, does_deduplicate, has_estimates, is_cached;
    double expire_after_s; /* TTL */
    struct sf_str stored;  /* storedValues as canonical text, or empty */
    struct sf_str type;    /* as it was asked for: "persistent", "hash", ... */
};

enum cat_key_kind {
    CAT_KEY_TRADITIONAL,
    CAT_KEY_AUTOINCREMENT,
    CAT_KEY_UUID,
    CAT_KEY_PADDED
};

struct cat_collection {
    uint64_t id; /* number of its table */
    struct sf_str name;
    bool is_edge, is_system, does_wait_for_sync, is_cached;
    enum cat_key_kind key_kind;
    bool may_give_keys; /* allowUserKeys */
    uint64_t key_increment, key_offset;
    struct sf_str props;       /* canonical object: what was given at creation */
    struct cat_index *indexes; /* without primary and edge */
    size_t indexes_n;
};

struct cat_database {
    uint64_t id;
    struct sf_str name;
    struct cat_collection *collections; /* by name */
    size_t collections_n;
};

enum cat_right { CAT_NONE, CAT_RO, CAT_RW, CAT_UNDEFINED };

struct cat_grant {
    struct sf_str database;   /* or "*" */
    struct sf_str collection; /* empty: of the database; or "*" */
    enum cat_right right;
};

struct cat_user {
    struct sf_str name, hash; /* hash: auth.h */
    bool is_active;
    struct sf_str extra; /* canonical object */
    struct cat_grant *grants;
    size_t grants_n;
};

struct cat {
    _Atomic unsigned refs;
    struct arena mem;
    struct cat_database *databases;
    size_t databases_n;
    struct cat_user *users;
    size_t users_n;
};

/* Create the tables of a new file, with the database _system. */
bool cat_create_tables(struct db *db, struct fault *f);
/* Read the picture; one reference is the caller's. */
bool cat_load(struct db *db, struct cat **ret_cat, struct fault *f);
const struct cat *cat_ref(const struct cat *cat);
void cat_unref(const struct cat *cat); /* NULL is fine */

const struct cat_database *cat_find_database(const struct cat *cat, struct sf_str name);
/* By name, or by number written as text. */
const struct cat_collection *cat_find_collection(const struct cat_database *d,
                                                 struct sf_str name);
const struct cat_index *cat_find_index(const struct cat_collection *c, uint64_t id);
const struct cat_user *cat_find_user(const struct cat *cat, struct sf_str name);

/* The effective right of @u: the most exact grant that is set. @collection empty: on the
 * database. */
enum cat_right cat_right_of(const struct cat_user *u, struct sf_str database,
                            struct sf_str collection);
/* The grant for exactly these names, CAT_UNDEFINED when there is none. */
enum cat_right cat_grant_of(const struct cat_user *u, struct sf_str database,
                            struct sf_str collection);
const char *cat_right_name(enum cat_right right);
enum cat_right cat_right_find(struct sf_str name); /* CAT_UNDEFINED: no such */

/* Read an attribute path. False: empty, too long, or more than one [*]. */
bool cat_path_parse(struct arena *mem, struct sf_str text, struct cat_path *ret);
/* Fill what follows from c->props. */
void cat_collection_props(struct cat_collection *c);
/* Fill @ret from an index definition in canonical text; strings are in @mem. */
bool cat_index_parse(struct arena *mem, struct sf_str def, struct cat_index *ret,
                     struct fault *f);

#endif
