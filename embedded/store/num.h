/* Numbers as ArangoDB keeps them: int64 or uint64 when written without '.' and exponent
 * and in range, a double otherwise; printed as ArangoDB prints them.
 *
 * Any thread. */
#ifndef STORE_NUM_H
#define STORE_NUM_H

#include <sf/buf.h>

enum num_kind {
    NUM_INT,  /* fits int64_t */
    NUM_UINT, /* above INT64_MAX, fits uint64_t */
    NUM_REAL, /* finite */
};

struct num {
    enum num_kind kind;
    union {
        int64_t i;
        uint64_t u;
        double d;
    } v;
};

/* Append the canonical text of @s, which matches JSON's number grammar. False: its
 * magnitude is over a double's. Two texts of one stored value give the same bytes. */
bool num_canon(struct sf_str s, struct sf_buf *out) SF_MUST_CHECK;

/* Read a JSON number. False: out of a double's range. */
bool num_parse(struct sf_str s, struct num *ret) SF_MUST_CHECK;
void num_add(struct sf_buf *out, struct num n);

struct num num_from_i64(int64_t i);
struct num num_from_u64(uint64_t u);
/* @d must be finite. */
struct num num_from_real(double d);
double num_to_real(struct num n);
/* True and *ret: @n has no fraction and fits. */
bool num_to_i64(struct num n, int64_t *ret);

/* By value, exact also between integers and doubles: <0, 0, >0. */
int num_cmp(struct num a, struct num b);

/* 10 bytes whose memcmp order is the order of values. */
#define NUM_ORDER_BYTES 10
void num_order(struct num n, unsigned char *dst);

#endif
