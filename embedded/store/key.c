#include "key.h"

#include <sf/time.h>

#include <string.h>

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_name_char(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static bool is_key_char(char c)
{
    return is_name_char(c) || (c != '\0' && strchr(":.@()+,=;$!*'%", c));
}

bool key_is_good(struct sf_str key)
{
    if (key.len == 0 || key.len > KEY_MAX)
        return false;
    for (size_t i = 0; i < key.len; i++)
        if (!is_key_char(key.p[i]))
            return false;
    return true;
}

static bool is_name(struct sf_str name, size_t max)
{
    if (name.len == 0 || name.len > max)
        return false;
    for (size_t i = 1; i < name.len; i++)
        if (!is_name_char(name.p[i]))
            return false;
    return true;
}

bool key_is_collection_name(struct sf_str name, bool may_be_system)
{
    return is_name(name, 256) &&
           (is_letter(name.p[0]) || (may_be_system && name.p[0] == '_'));
}

bool key_is_database_name(struct sf_str name)
{
    return sf_str_eq(name, SF_STR("_system")) ||
           (is_name(name, 64) && is_letter(name.p[0]));
}

bool key_split_id(struct sf_str id, struct sf_str *ret_collection, struct sf_str *ret_key)
{
    struct sf_str collection = sf_str_cut(id, '/', ret_key);

    *ret_collection = collection;
    return collection.len < id.len && key_is_collection_name(collection, true) &&
           key_is_good(*ret_key);
}

static const char alphabet[] =
    "-_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

struct sf_str rev_text(uint64_t rev, char dst[REV_TEXT_SIZE])
{
    size_t at = REV_TEXT_SIZE;

    do {
        dst[--at] = alphabet[rev & 63];
        rev >>= 6;
    } while (rev > 0);
    return (struct sf_str){ dst + at, REV_TEXT_SIZE - at };
}

uint64_t rev_parse(struct sf_str text)
{
    uint64_t rev = 0;

    if (text.len == 0 || text.len > 11)
        return 0;
    for (size_t i = 0; i < text.len; i++) {
        const char *at = text.p[i] ? strchr(alphabet, text.p[i]) : NULL;

        if (!at || rev >> 58)
            return 0;
        rev = rev << 6 | (uint64_t)(at - alphabet);
    }
    return rev;
}

/* Milliseconds, and 20 bits to count within one: ArangoDB's hybrid clock. */
uint64_t rev_next(uint64_t last)
{
    uint64_t now = (uint64_t)sf_time_now_ms() << 20;

    return now > last ? now : last + 1;
}
