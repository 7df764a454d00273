/* Events of a book on their way into the topic: what found the queue full waits here. */
#ifndef BOOK_OUT_H
#define BOOK_OUT_H

#include <sf/loader.h>

struct book_out {
    struct sf_loader *l;
    struct sf_record_common common;
    char key_prefix[SF_NAME_MAX + 1];
    struct sf_buf *record; /* scratch, shared by the symbols of a loader */
    struct sf_buf
        waiting; /* position, length and text of records, one behind the other */
    size_t at;   /* where the first of them begins */
};

/* Names of @symbol, which is borrowed like @l and @record. Errors: as sf_name_key_prefix.
 */
enum sf_status book_out_init(struct book_out *o, struct sf_loader *l,
                             struct sf_str symbol, struct sf_buf *record,
                             struct sf_error *err) SF_MUST_CHECK;
void book_out_release(struct book_out *o);

/* Write the records of @event from @source ("rest", "ws"); those without room wait.
 * Errors: SF_ETOOBIG, SF_ENOMEM too many wait; as sf_loader_put but SF_EFULL. */
enum sf_status book_out_put(struct book_out *o, const char *source,
                            const struct sf_book_event *event,
                            struct sf_error *err) SF_MUST_CHECK;
/* Does anything wait? Then nothing more should be put. */
bool book_out_is_full(const struct book_out *o);
/* There is room. Errors: SF_EFULL something still waits; else for good. */
enum sf_status book_out_go(struct book_out *o, struct sf_error *err) SF_MUST_CHECK;

#endif
