#include "book_out.h"

#include <string.h>

/* What waits of one symbol: the largest snapshot, three times. */
#define WAITING_MAX ((size_t)4 * 1024 * 1024)

struct head {
    int64_t position;
    size_t len;
};

enum sf_status book_out_init(struct book_out *o, struct sf_loader *l,
                             struct sf_str symbol, struct sf_buf *record,
                             struct sf_error *err)
{
    struct sf_str exchange = sf_str_from(sf_loader_conf(l)->exchange);

    o->l = l;
    o->record = record;
    o->at = 0;
    sf_buf_init(&o->waiting, WAITING_MAX);
    o->common = (struct sf_record_common){ exchange, symbol, sf_str_from(o->key_prefix),
                                           SF_STR_EMPTY, sf_loader_run(l) };
    if (sf_name_key_prefix(exchange, symbol, o->key_prefix, err) != SF_OK)
        return SF_EINVAL;
    o->common.key_prefix = sf_str_from(o->key_prefix);
    return SF_OK;
}

void book_out_release(struct book_out *o)
{
    sf_buf_release(&o->waiting);
}

bool book_out_is_full(const struct book_out *o)
{
    return o->waiting.len > 0;
}

static enum sf_status refused(enum sf_status status, struct sf_error *err)
{
    return status == SF_EFULL ? SF_EFULL
                              : sf_error_set(err, status, "book event not accepted: %s",
                                             sf_status_text(status));
}

static enum sf_status wait(struct book_out *o, int64_t position, struct sf_str record,
                           struct sf_error *err)
{
    struct head head = { position, record.len };

    sf_buf_add(&o->waiting, &head, sizeof(head));
    sf_buf_add_str(&o->waiting, record);
    return sf_buf_status(&o->waiting, err);
}

enum sf_status book_out_put(struct book_out *o, const char *source,
                            const struct sf_book_event *event, struct sf_error *err)
{
    struct sf_book_parts parts = sf_record_book(event);
    enum sf_status status = SF_OK;

    o->common.source = sf_str_from(source);
    while (status == SF_OK && (sf_buf_clear(o->record),
                               sf_record_book_next(&parts, &o->common, o->record))) {
        struct sf_str record = sf_buf_str(o->record);

        status = sf_buf_status(o->record, err);
        if (status != SF_OK)
            break;
        if (!book_out_is_full(o))
            status = sf_loader_put(o->l, o->common.symbol, event->last_id, record);
        if (book_out_is_full(o) || status == SF_EFULL)
            status = wait(o, event->last_id, record, err);
        else if (status != SF_OK)
            status = refused(status, err);
    }
    return status;
}

enum sf_status book_out_go(struct book_out *o, struct sf_error *err)
{
    while (o->at < o->waiting.len) {
        struct head head;
        enum sf_status status;

        memcpy(&head, o->waiting.p + o->at, sizeof(head));
        status = sf_loader_put(
            o->l, o->common.symbol, head.position,
            (struct sf_str){ o->waiting.p + o->at + sizeof(head), head.len });
        if (status != SF_OK)
            return refused(status, err);
        o->at += sizeof(head) + head.len;
    }
    o->at = 0;
    sf_buf_release(&o->waiting);
    return SF_OK;
}
