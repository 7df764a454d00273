/* Problems of a request as RFC 9457 tells them: one entry a field. Pure; any thread. */
#ifndef MANAGER_PROBLEM_H
#define MANAGER_PROBLEM_H

#include <sf/buf.h>

#include <jansson.h>

struct problem {
    const char *pointer; /* JSON pointer (RFC 6901) to the field, "" for the whole */
    const char *detail;  /* what was expected */
    const json_t *value; /* as given; NULL: it is missing */
    json_t *allowed;     /* an array, taken over; NULL: cannot be listed */
    const char *nearest; /* of what is allowed; NULL: none is near */
};

/* Append to the array @errors. False: out of memory. */
bool problem_add(json_t *errors, const struct problem *p);

/* The body of application/problem+json. @errors: taken over, NULL for none. NULL: out of
 * memory. */
json_t *problem_body(int status, const char *detail, json_t *errors);

/* "Not Found" for 404. */
const char *problem_title(int status);

/* @base + "/" + @name, with ~ and / escaped, into @dst, clipped. */
void problem_pointer(const char *base, const char *name, char *dst, size_t size);

#endif
