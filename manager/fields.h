/* The fields of a request to start queues: one table from which validation, settings of
 * the members and OpenAPI come. Constant data; any thread. */
#ifndef MANAGER_FIELDS_H
#define MANAGER_FIELDS_H

#include <sf/conf.h>

enum field_kind {
    FIELD_TEXT,
    FIELD_SYMBOLS, /* text, or an array of it */
    FIELD_IMAGE,
    FIELD_TYPE,
    FIELD_CHOICE, /* one of choices */
    FIELD_BOOL,
    FIELD_COUNT,  /* integer from 0 to max */
    FIELD_LABELS, /* object of texts */
    FIELD_REQUESTS,
};

/* Where a field may stand. */
enum field_place {
    FIELD_IN_COMMAND = 1,  /* the object of a single command */
    FIELD_IN_PIPELINE = 2, /* the object around requests */
    FIELD_IN_REQUEST = 4,  /* one of the requests of a pipeline */
};

struct field {
    const char *name;
    enum field_kind kind;
    unsigned places;
    unsigned required;   /* places where it must stand */
    const char *setting; /* of the members; NULL: the manager's own */
    const char *const *choices;
    int64_t max;
    const char *what, *example;
};

#define FIELDS_N 18
extern const struct field fields[FIELDS_N];

#define REQUESTS_MAX    64
#define LABELS_MAX      16
#define LABEL_CHARS_MAX 63
#define FIELD_CHARS_MAX 32768 /* 1024 symbols */

/* The row of @name where it may stand in one of @places, or NULL. */
const struct field *field_find(const char *name, unsigned places);
/* Its index, for arrays beside the table. */
static inline size_t field_index(const struct field *f)
{
    return (size_t)(f - fields);
}

#endif
