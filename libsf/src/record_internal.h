/* What record.c, record_doc.c and record_control.c share. */
#ifndef RECORD_INTERNAL_H
#define RECORD_INTERNAL_H

#include <sf/record.h>

/* Is @name the field that orders the records of @kind? */
bool sf_record_is_position(enum sf_kind kind, struct sf_str name);

/* ,"name":"text" with the text as it stands (checked decimals, names) */
void sf_record_add_text(struct sf_buf *b, struct sf_str quoted_name, struct sf_str text);
#define ADD_TEXT(b, name, text) \
    sf_record_add_text((b), SF_STR(",\"" name "\":\""), (text))
#define ADD_INT(b, name, n)                  \
    do {                                     \
        sf_buf_add_lit(b, ",\"" name "\":"); \
        sf_buf_add_i64((b), (n));            \
    } while (0)
/* The members that all records have behind their _key. */
void sf_record_add_common(struct sf_buf *b, const struct sf_record_common *c);

#endif
