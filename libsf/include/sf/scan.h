/* A JSON pull scanner for the record path: keeps every digit, allocates nothing.
 *
 * It walks complete UTF-8 text in memory, checks the grammar of RFC 8259 (all of it:
 * commas, colons, literals, numbers, escapes, nesting up to SF_SCAN_DEPTH) and hands out
 * views into the text. Numbers stay text. One thread at a time; any number of scanners.
 */
#ifndef SF_SCAN_H
#define SF_SCAN_H

#include <sf/buf.h>

#define SF_SCAN_DEPTH 64 /* exchange frames nest 5 deep; ArangoDB stops below 200 */

enum sf_token {
    SF_TOK_ERROR,  /* malformed; sf_scan_error() says where. Stays so. */
    SF_TOK_END,    /* the one top-level value is complete and nothing follows */
    SF_TOK_OBJECT, /* { */
    SF_TOK_OBJECT_END,
    SF_TOK_ARRAY, /* [ */
    SF_TOK_ARRAY_END,
    SF_TOK_KEY,    /* text: between the quotes, escapes as they stand */
    SF_TOK_STRING, /* likewise */
    SF_TOK_NUMBER, /* text: as written */
    SF_TOK_TRUE,
    SF_TOK_FALSE,
    SF_TOK_NULL,
};

struct sf_scan {
    const char *p, *end, *start;
    struct sf_str text;    /* of the last KEY, STRING, NUMBER */
    bool has_escapes;      /* the last KEY or STRING contains a backslash */
    const char *why;       /* set with SF_TOK_ERROR: what was expected */
    unsigned depth;        /* open objects and arrays */
    uint64_t is_object;    /* bit per depth: 1 object, 0 array */
    unsigned char expects; /* private: what the grammar allows next */
};

/* Begin at the start of @text, which is borrowed until the last call. */
void sf_scan_init(struct sf_scan *s, struct sf_str text);

/* The next token. For SF_TOK_KEY the following token is its value. */
enum sf_token sf_scan_next(struct sf_scan *s);

/* After SF_TOK_KEY: pass over its value. After OBJECT or ARRAY: pass over its rest.
 * Returns false on malformed text. */
bool sf_scan_skip(struct sf_scan *s);

/* After SF_TOK_KEY: the raw text of its value (any kind, with quotes and brackets), which
 * is passed over. Errors: SF_EPROTO. */
enum sf_status sf_scan_raw(struct sf_scan *s, struct sf_str *ret_raw,
                           struct sf_error *err) SF_MUST_CHECK;

/* SF_EPROTO with "<why> at byte <n>: '<excerpt>'". */
enum sf_status sf_scan_error(const struct sf_scan *s, struct sf_error *err);

/* Append the text behind the escapes of a KEY or STRING (\uXXXX incl. surrogates) to @b.
 * Errors: SF_EPROTO a lone surrogate. */
enum sf_status sf_scan_unescape(struct sf_str text, struct sf_buf *b,
                                struct sf_error *err) SF_MUST_CHECK;

#endif
