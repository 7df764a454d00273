/* Automatic keys, by the collection's keyOptions. Source: ArangoDB 3.12 manual, "Document
 * Keys". */
#include "doc.h"
#include "key.h"

#include <stdio.h>
#include <sys/random.h>

#define COUNTER_MAX (INT64_MAX / 2)

static bool load_last(struct tx *tx, const struct cat_collection *c, struct tx_count *n,
                      struct fault *f)
{
    sqlite3_stmt *stmt;
    bool has_row, is_good;

    if (n->last_key != 0)
        return true;
    stmt = db_stmt(tx->db, DB_COUNT, 0, f);
    if (!stmt)
        return false;
    (void)sqlite3_bind_int64(stmt, 1, (sqlite3_int64)c->id);
    is_good = db_step(tx->db, stmt, &has_row, f);
    if (is_good && has_row)
        n->last_key = sqlite3_column_int64(stmt, 1);
    (void)sqlite3_reset(stmt);
    return is_good;
}

/* The next of offset, offset + increment, ... that is above the last one. */
static bool next_counter(struct tx *tx, const struct cat_collection *c,
                         struct doc_result *ret)
{
    struct tx_count *n = tx_count(tx, c->id, &ret->fault);
    uint64_t last, next = c->key_offset;

    if (!n || !load_last(tx, c, n, &ret->fault))
        return false;
    last = (uint64_t)n->last_key;
    if (last >= COUNTER_MAX)
        return fault_set(&ret->fault, FAULT_BAD_KEY_GENERATOR, "out of keys");
    if (last >= next)
        next += ((last - next) / c->key_increment + 1) * c->key_increment;
    n->last_key = (int64_t)next;
    (void)snprintf(ret->key_bytes, sizeof(ret->key_bytes), "%llu",
                   (unsigned long long)next);
    return true;
}

static bool make_uuid(struct doc_result *ret)
{
    unsigned char r[16];

    if (getrandom(r, sizeof(r), 0) != (ssize_t)sizeof(r))
        return fault_set(&ret->fault, FAULT_INTERNAL, "no random numbers");
    r[6] = (unsigned char)((r[6] & 0x0f) | 0x40); /* version 4, RFC 9562 */
    r[8] = (unsigned char)((r[8] & 0x3f) | 0x80);
    (void)snprintf(ret->key_bytes, sizeof(ret->key_bytes),
                   "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
                   r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10],
                   r[11], r[12], r[13], r[14], r[15]);
    return true;
}

bool doc_make_key(struct tx *tx, const struct cat_collection *c, struct doc_result *ret)
{
    bool is_good = true;

    switch (c->key_kind) {
    case CAT_KEY_TRADITIONAL:
        (void)snprintf(ret->key_bytes, sizeof(ret->key_bytes), "%llu",
                       (unsigned long long)tx_tick(tx));
        break;
    case CAT_KEY_PADDED:
        (void)snprintf(ret->key_bytes, sizeof(ret->key_bytes), "%016llx",
                       (unsigned long long)tx_tick(tx));
        break;
    case CAT_KEY_AUTOINCREMENT:
        is_good = next_counter(tx, c, ret);
        break;
    case CAT_KEY_UUID:
        is_good = make_uuid(ret);
        break;
    }
    ret->key = sf_str_from(ret->key_bytes);
    return is_good;
}

bool doc_note_key(struct tx *tx, const struct cat_collection *c, struct sf_str key,
                  struct fault *f)
{
    struct tx_count *n;
    int64_t number;

    if (c->key_kind != CAT_KEY_AUTOINCREMENT || sf_str_to_i64(key, &number) != SF_OK)
        return true;
    n = tx_count(tx, c->id, f);
    if (!n || !load_last(tx, c, n, f))
        return false;
    if (number > n->last_key && number < COUNTER_MAX)
        n->last_key = number;
    return true;
}
