/* Records that Kafka does not take, in files, in order: until it takes them, and until it
 * has confirmed them.
 *
 * Segments of text lines, appended to and read from the begin; a segment goes when all it
 * held is confirmed. What was written survives kill -9 (not a power cut). Loop thread
 * only. */
#ifndef SPOOL_H
#define SPOOL_H

#include <sf/buf.h>

struct spool;

struct spool_entry {
    int32_t partition;
    int64_t position; /* of a data record; -1: a control record */
    struct sf_str key;
    struct sf_str control; /* its name; empty: a data record */
    struct sf_str value;   /* of a record, or of the control record's header */
};

/* Segments @name.*.spool in @folder; what an earlier process left is there to be read.
 * @max_bytes: of all segments. Errors: SF_EINVAL the folder; SF_ENOMEM. */
enum sf_status spool_open(const char *folder, const char *name, int64_t max_bytes,
                          struct spool **ret_spool, struct sf_error *err) SF_MUST_CHECK;
/* The files stay. NULL is fine. */
void spool_close(struct spool *s);

/* Append a line of an entry; for spool_append. */
void spool_print(struct sf_buf *b, const struct spool_entry *entry);
/* @lines: whole ones, of @n entries. Errors: SF_EFULL over max_bytes; SF_EIO the disk;
 * nothing was added then. */
enum sf_status spool_append(struct spool *s, struct sf_str lines, int64_t n,
                            struct sf_error *err) SF_MUST_CHECK;

/* Is there nothing left to read? */
bool spool_is_drained(const struct spool *s);
/* Entries that were appended by this process and not read yet; bytes on the disk. */
int64_t spool_left_n(const struct spool *s);
int64_t spool_bytes(const struct spool *s);
/* The entry that is to be read next, lent until the next call; false: drained. What is no
 * line (a write that was cut) is passed over. Errors into @err: SF_EIO, SF_ENOMEM. */
bool spool_peek(struct spool *s, struct spool_entry *ret_entry, struct sf_error *err);
void spool_pop(struct spool *s);
/* Everything counts as read: it is on its way already. */
void spool_skip_all(struct spool *s);
/* Begin again with the oldest segment. */
void spool_rewind(struct spool *s);

/* Segments are numbered. Those below this one are read; oldest == read: there are none.
 */
int64_t spool_read_number(const struct spool *s);
int64_t spool_oldest_number(const struct spool *s);
/* What segments below @number held is confirmed: they go. */
void spool_confirm(struct spool *s, int64_t number);

#endif
