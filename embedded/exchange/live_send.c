/* Frames on their way out, and what faults do to them. */
#include "live_internal.h"

#include <stdlib.h>

#define HELD_MAX 100000 /* frames that wait; more: the connection is cut */

static struct held *held_make(struct sf_str text, int64_t due_us)
{
    struct held *h = malloc(sizeof(*h) + text.len);

    if (!h)
        return NULL;
    h->next = NULL;
    h->due_us = due_us;
    h->len = text.len;
    memcpy(h->text, text.p, text.len);
    return h;
}

static void hold(struct client *c, struct sf_str text, int64_t delay_ms)
{
    struct held *h =
        c->held_n < HELD_MAX ? held_make(text, sf_mono_us() + delay_ms * 1000) : NULL;

    if (!h) {
        sf_wsd_cut(c->ws, SF_STR_EMPTY, 0);
        return;
    }
    if (!c->held)
        c->held_end = &c->held;
    *c->held_end = h;
    c->held_end = &h->next;
    c->held_n++;
}

void client_release_held(struct client *c, int64_t now_us)
{
    while (c->held && c->held->due_us <= now_us) {
        struct held *h = c->held;

        c->held = h->next;
        c->held_n--;
        (void)sf_wsd_send(c->ws, sf_str_make(h->text, h->len), false);
        free(h);
    }
}

void client_drop_held(struct client *c)
{
    while (c->held) {
        struct held *h = c->held;

        c->held = h->next;
        free(h);
    }
    free(c->late);
    c->late = NULL;
}

static void send_once(struct client *c, struct sf_str text, int64_t delay_ms)
{
    if (delay_ms > 0 || c->held)
        hold(c, text, delay_ms);
    else
        (void)sf_wsd_send(c->ws, text, false);
    c->live->frames_n++;
}

/* What was kept back goes behind the frame that was just sent. */
static void send_late(struct client *c)
{
    struct held *h = c->late;

    if (!h)
        return;
    c->late = NULL;
    send_once(c, sf_str_make(h->text, h->len), 0);
    free(h);
}

void client_send_text(struct client *c, struct sf_str stream, struct sf_str text)
{
    struct faults *f = c->live->ex->faults;
    struct frame_fate fate = { 0 };

    if (f->n > 0)
        fate = faults_frame(f, stream);
    if (fate.is_dropped)
        return;
    if (fate.is_corrupt && text.len > 0) /* no JSON has this byte */
        ((char *)(uintptr_t)text.p)[text.len / 2] = '\x01';
    if (fate.is_cut_mid) {
        sf_wsd_cut(c->ws, text, 2 + text.len / 2);
        return;
    }
    if (fate.is_late && !c->late) {
        c->late = held_make(text, 0);
        return;
    }
    send_once(c, text, fate.delay_ms);
    if (fate.is_doubled)
        send_once(c, text, 0);
    send_late(c);
    if (fate.is_cut)
        sf_wsd_cut(c->ws, SF_STR_EMPTY, 0);
}

void client_send(struct client *c, const char *stream, struct sf_str ms, struct sf_str us)
{
    struct sf_buf *b = &c->live->frame;

    sf_buf_clear(b);
    if (c->is_combined)
        sf_buf_addf(b, "{\"stream\":\"%s\",\"data\":", stream);
    sf_buf_add_str(b, c->is_us ? us : ms);
    if (c->is_combined)
        sf_buf_add_char(b, '}');
    if (sf_buf_status(b, NULL) == SF_OK)
        client_send_text(c, sf_str_from(stream), sf_buf_str(b));
}

void client_send_shutdown(struct client *c)
{
    int64_t now_ms = exchange_now_ms(c->live->ex);
    struct sf_buf *b = &c->live->frame;

    sf_buf_clear(b);
    sf_buf_addf(b, "%s{\"e\":\"serverShutdown\",\"E\":%lld}%s",
                c->is_combined ? "{\"stream\":\"!serverShutdown\",\"data\":" : "",
                (long long)(c->is_us ? now_ms * 1000 : now_ms),
                c->is_combined ? "}" : "");
    if (sf_buf_status(b, NULL) == SF_OK)
        send_once(c, sf_buf_str(b), 0);
}
