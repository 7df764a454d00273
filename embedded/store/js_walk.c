/* Walks over canonical text need no checks: it was made by js_copy. */
#include "js.h"

static const char *skip_string(const char *p)
{
    for (p++; *p != '"'; p++)
        if (*p == '\\')
            p++;
    return p + 1;
}

const char *js_skip(const char *p)
{
    unsigned depth = 0;

    do {
        switch (*p) {
        case '"':
            p = skip_string(p);
            break;
        case '{':
        case '[':
            depth++;
            p++;
            break;
        case '}':
        case ']':
            depth--;
            p++;
            break;
        case ',':
        case ':':
            p++;
            break;
        default:
            while (*p != ',' && *p != '}' && *p != ']' && *p != '\0' && *p != ':')
                p++;
            break;
        }
    } while (depth > 0);
    return p;
}

void js_it_init(struct js_it *it, struct sf_str container)
{
    it->p = container.p;
    it->is_object = *container.p == '{';
    it->name = SF_STR_EMPTY;
    it->value = SF_STR_EMPTY;
}

bool js_it_next(struct js_it *it)
{
    const char *p = it->p, *end;

    if (*p == '}' || *p == ']')
        return false;
    p++;
    if (*p == '}' || *p == ']')
        return false;
    if (it->is_object) {
        end = skip_string(p);
        it->name = (struct sf_str){ p + 1, (size_t)(end - p) - 2 };
        p = end + 1;
    }
    end = js_skip(p);
    it->value = (struct sf_str){ p, (size_t)(end - p) };
    it->p = end;
    return true;
}

bool js_get(struct sf_str object, struct sf_str name, struct sf_str *ret_value)
{
    const char *p = object.p;

    if (object.len < 2 || *p != '{' || p[1] == '}')
        return false;
    do {
        const char *key = p + 2, *end = skip_string(p + 1);

        if ((size_t)(end - 1 - key) == name.len && memcmp(key, name.p, name.len) == 0) {
            ret_value->p = end + 1;
            ret_value->len = (size_t)(js_skip(end + 1) - (end + 1));
            return true;
        }
        p = js_skip(end + 1);
    } while (*p == ',');
    return false;
}

size_t js_count(struct sf_str container)
{
    struct js_it it;
    size_t n = 0;

    js_it_init(&it, container);
    while (js_it_next(&it))
        n++;
    return n;
}

/* ---------------------------------------------------------------------- strings */

void js_add_string(struct sf_buf *out, struct sf_str text)
{
    static const char hex[] = "0123456789ABCDEF";
    static const char from[] = "\b\f\n\r\t\"\\", to[] = "bfnrt\"\\";

    sf_buf_add_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.p[i];
        const char *at = c ? strchr(from, c) : NULL;

        if (c >= 0x20 && c != '"' && c != '\\') {
            sf_buf_add_char(out, (char)c);
        } else if (at) {
            sf_buf_add_char(out, '\\');
            sf_buf_add_char(out, to[at - from]);
        } else {
            sf_buf_add_lit(out, "\\u00");
            sf_buf_add_char(out, hex[c >> 4]);
            sf_buf_add_char(out, hex[c & 15]);
        }
    }
    sf_buf_add_char(out, '"');
}

/* The byte that canonical text says at raw.p[*at]; *at moves behind it. */
static unsigned char decoded(struct sf_str raw, size_t *at)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    const char *p = raw.p + *at, *found;

    if (*p != '\\') {
        *at += 1;
        return (unsigned char)*p;
    }
    if (p[1] == 'u') {
        *at += 6;
        return (unsigned char)((p[4] <= '9' ? p[4] - '0' : p[4] - 'A' + 10) << 4 |
                               (p[5] <= '9' ? p[5] - '0' : p[5] - 'A' + 10));
    }
    *at += 2;
    found = strchr(from, p[1]);
    return (unsigned char)(found ? to[found - from] : p[1]);
}

void js_add_unescaped(struct sf_buf *out, struct sf_str raw)
{
    for (size_t at = 0; at < raw.len;)
        sf_buf_add_char(out, (char)decoded(raw, &at));
}

int js_cmp_strings(struct sf_str a, struct sf_str b)
{
    size_t i = 0, j = 0;

    if (!memchr(a.p, '\\', a.len) && !memchr(b.p, '\\', b.len)) {
        size_t n = a.len < b.len ? a.len : b.len;
        int order = memcmp(a.p, b.p, n);

        return order ? order : (a.len > b.len) - (a.len < b.len);
    }
    while (i < a.len && j < b.len) {
        unsigned char x = decoded(a, &i), y = decoded(b, &j);

        if (x != y)
            return x < y ? -1 : 1;
    }
    return (i < a.len) - (j < b.len);
}
