/* What record.c, record_doc.c and record_control.c share. */
#ifndef RECORD_INTERNAL_H
#define RECORD_INTERNAL_H

#include <sf/record.h>

/* Is @name the field that orders the records of @kind? */
bool sf_record_is_position(enum sf_kind kind, struct sf_str name);

#endif
