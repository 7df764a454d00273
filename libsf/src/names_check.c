/* Does a queue id in the usual form name what the settings name? */
#include <sf/names.h>

#define TAIL_LEN (sizeof("-YYYY_MM_DD-") - 1 + SF_SHORT_ID_LEN)

/* A TYPE as names spell it, with the label of its interval. */
static bool is_type(struct sf_str text)
{
    for (const struct sf_type *t = sf_types; t->name; t++) {
        struct sf_str name = sf_str_from(t->name), rest;

        if (!sf_str_starts(text, name))
            continue;
        rest = (struct sf_str){ text.p + name.len, text.len - name.len };
        if (!t->has_interval && rest.len == 0)
            return true;
        if (t->has_interval && rest.len > 1 && rest.p[0] == '_' &&
            sf_interval_find_label((struct sf_str){ rest.p + 1, rest.len - 1 }))
            return true;
    }
    return false;
}

/* {loader|graph}-{symbol}-{type}-{date}-{short id}; symbols may hold a '-', types do not.
 */
static bool is_usual(struct sf_str queue_id, struct sf_str short_id)
{
    struct sf_str text = { queue_id.p, queue_id.len - TAIL_LEN };
    struct sf_str tail = { queue_id.p + queue_id.len - short_id.len, short_id.len };
    size_t at = text.len;

    if (!sf_str_eq(tail, short_id) || (!sf_str_starts(queue_id, SF_STR("loader-")) &&
                                       !sf_str_starts(queue_id, SF_STR("graph-"))))
        return false;
    while (at > 0 && text.p[at - 1] != '-')
        at--;
    return is_type((struct sf_str){ text.p + at, text.len - at });
}

enum sf_status sf_name_check_subject(struct sf_str queue_id, const struct sf_subject *s,
                                     struct sf_error *err)
{
    char short_id[SF_SHORT_ID_LEN + 1], want[SF_NAME_MAX + 1];
    struct sf_subject subject = *s;
    size_t n;

    if (queue_id.len <= TAIL_LEN ||
        sf_name_date_of(queue_id, &subject.date_ms) != SF_OK ||
        sf_name_short_id_of(queue_id, short_id, NULL) != SF_OK ||
        !is_usual(queue_id, sf_str_from(short_id)))
        return SF_OK;
    subject.short_id = sf_str_from(short_id);
    if (sf_name_queue_id(&subject, want, NULL) != SF_OK)
        return SF_OK; /* told of SYMBOL or TYPE */
    n = sf_str_from(want).len;
    if (sf_str_eq_nocase((struct sf_str){ queue_id.p, queue_id.len - TAIL_LEN },
                         (struct sf_str){ want, n - TAIL_LEN }))
        return SF_OK;
    return sf_error_set(err, SF_EINVAL, "expected %s, or another form", want);
}
