/* String views: a pointer and a length, by value, never NULL, not NUL-terminated.
 *
 * Views lend: they are valid as long as the bytes they point to. Any thread. */
#ifndef SF_STR_H
#define SF_STR_H

#include <sf/err.h>

#include <stddef.h>
#include <stdint.h>

struct sf_str {
    const char *p; /* never NULL: the empty view points to "" */
    size_t len;
};

#define SF_STR(literal) ((struct sf_str){ ("" literal), sizeof(literal) - 1 })
#define SF_STR_EMPTY    SF_STR("")

/* printf("%" SF_STR_FMT, SF_STR_ARG(s)); a view over 64 KiB is clipped. */
#define SF_STR_FMT    ".*s"
#define SF_STR_ARG(s) (int)((s).len < 65536 ? (s).len : 65536), (s).p

/* View of @cstr; NULL gives the empty view. */
struct sf_str sf_str_from(const char *cstr);
struct sf_str sf_str_make(const char *p, size_t len);

bool sf_str_eq(struct sf_str a, struct sf_str b);
bool sf_str_eq_nocase(struct sf_str a, struct sf_str b); /* ASCII only */
bool sf_str_starts(struct sf_str s, struct sf_str prefix);
bool sf_str_ends(struct sf_str s, struct sf_str suffix);
bool sf_str_contains(struct sf_str s, struct sf_str part);

/* @s without ASCII white space at both ends. */
struct sf_str sf_str_trim(struct sf_str s);

/* Cut @s at the first @sep: the part before it is returned, *@rest is what follows it, or
 * the empty view when there is no @sep (then all of @s is returned). */
struct sf_str sf_str_cut(struct sf_str s, char sep, struct sf_str *rest);

/* Parse all of @s as a decimal integer: optional '-', digits, nothing else.
 * Errors: SF_EPROTO not an integer, or does not fit; *ret_n is then untouched. */
enum sf_status sf_str_to_i64(struct sf_str s, int64_t *ret_n) SF_MUST_CHECK;
enum sf_status sf_str_to_u64(struct sf_str s, uint64_t *ret_n) SF_MUST_CHECK;

/* NUL-terminated heap copy; the caller frees it. NULL when out of memory. */
char *sf_str_dup(struct sf_str s) SF_MUST_CHECK;

/* Copy @s to @dst of @size bytes with a NUL. False, and nothing but a NUL written, when
 * it does not fit. */
bool sf_str_copy(struct sf_str s, char *dst, size_t size) SF_MUST_CHECK;

/* Length of the UTF-8 character (RFC 3629) at the front of @s, 1 to 4 bytes; 0 when there
 * is none: the end, a stray byte, an overlong form, a surrogate, past U+10FFFF. */
size_t sf_str_utf8(struct sf_str s);

/* Number of single-character edits from @a to @b, without regard to ASCII case, counted
 * up to 64 characters each. For "did you mean". */
unsigned sf_str_distance(struct sf_str a, struct sf_str b);

/* FNV-1a, 64 bit; stable across machines and versions: lanes and shortened names use it.
 */
uint64_t sf_str_hash(struct sf_str s);

#endif
