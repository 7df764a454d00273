/* Document keys, revisions, names: what they may look like, and how they are made. */
#ifndef STORE_KEY_H
#define STORE_KEY_H

#include <sf/buf.h>

#define KEY_MAX 254 /* bytes of a _key */

/* 1 to 254 of A-Z a-z 0-9 _ - : . @ ( ) + , = ; $ ! * ' %. Any thread. */
bool key_is_good(struct sf_str key);
/* "collection/key": the key, and whether the collection part is a legal name. */
bool key_split_id(struct sf_str id, struct sf_str *ret_collection,
                  struct sf_str *ret_key);

/* Starts with a letter (or '_' when @may_be_system), then letters, digits, _ and -; at
 * most 256 bytes. */
bool key_is_collection_name(struct sf_str name, bool may_be_system);
/* "_system", or a letter and then letters, digits, _ and -; at most 64 bytes. */
bool key_is_database_name(struct sf_str name);

/* A revision is a 64-bit stamp; its text is ArangoDB's: base 64 of an alphabet of its
 * own, no leading zeros. */
#define REV_TEXT_SIZE 16
struct sf_str rev_text(uint64_t rev, char dst[REV_TEXT_SIZE]);
/* 0: not a revision. */
uint64_t rev_parse(struct sf_str text);
/* A stamp above @last and not below the wall clock. */
uint64_t rev_next(uint64_t last);

#endif
