/* JSON text in, canonical JSON text out, and walks over canonical text.
 *
 * Canonical: no white space, numbers as num_canon() writes them, strings in UTF-8 with
 * only ", \ and control characters escaped. Equal values have equal texts (objects: in
 * the order they came). It is the form in which the store keeps documents and compares
 * values; a view of a string value or name is its text between the quotes. Any thread. */
#ifndef STORE_JS_H
#define STORE_JS_H

#include <sf/buf.h>

#define JS_DEPTH_MAX 200 /* as ArangoDB's parser */

struct js_in;
/* Called behind each member of the outermost object: its name begins (with the quote) at
 * out->p + @name_at, its value at @value_at. To leave the member out, cut out->len back
 * to @name_at. False: the name was there before. */
typedef bool (*js_member_fn)(void *arg, struct sf_buf *out, size_t name_at,
                             size_t value_at);

struct js_in {
    const char *p, *end;
    const char *why; /* after a failure: what was expected; NULL: out of memory */
    unsigned depth;
    js_member_fn member; /* may be NULL */
    void *arg;
};

void js_in_init(struct js_in *in, struct sf_str text);

/* Skip white space; the next byte, or -1 at the end. */
int js_peek(struct js_in *in);
/* Parse one value (after white space) and append its canonical text. False: in->why says
 * what was expected; @out is then cut back to where it was. */
bool js_copy(struct js_in *in, struct sf_buf *out) SF_MUST_CHECK;
/* Parse all of @text as one value. *ret_why: as in->why, may be NULL. */
bool js_canon(struct sf_str text, struct sf_buf *out, const char **ret_why) SF_MUST_CHECK;

/* --------------------------------------------------- walks over canonical text */

/* Behind the canonical value that begins at @p and that a comma, bracket, colon or NUL
 * follows. */
const char *js_skip(const char *p);

/* Elements of an array, or members of an object (name without quotes). */
struct js_it {
    const char *p; /* the bracket or comma in front of the next one */
    bool is_object;
    struct sf_str name, value;
};
void js_it_init(struct js_it *it, struct sf_str container);
bool js_it_next(struct js_it *it);

/* The value of a member, by the canonical text of its name. */
bool js_get(struct sf_str object, struct sf_str name, struct sf_str *ret_value);
size_t js_count(struct sf_str container);

/* Append @text as a canonical string with quotes. @text must be UTF-8. */
void js_add_string(struct sf_buf *out, struct sf_str text);
/* Append what the canonical string text @raw (no quotes) says. */
void js_add_unescaped(struct sf_buf *out, struct sf_str raw);
/* Order of two strings by code point, given as canonical text without quotes. */
int js_cmp_strings(struct sf_str a, struct sf_str b);

#endif
