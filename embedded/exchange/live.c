#include "live_internal.h"

#include <stdlib.h>

#define TICK_MS     5 /* of real time */
#define ATTEMPTS_US (5 * 60 * INT64_C(1000000))
#define FRAME_MAX   ((size_t)2 << 20)
#define WAITING_MAX ((size_t)16 << 20) /* of a connection that reads too slowly */

/* ----------------------------------------------------------------------- subscriptions
 */

static struct channel *find_channel(struct live *l, struct sf_str name)
{
    for (struct channel *ch = l->channels; ch; ch = ch->next)
        if (sf_str_eq(sf_str_from(ch->stream.name), name))
            return ch;
    return NULL;
}

static void drop_channel(struct live *l, struct channel *ch)
{
    if (ch->prev)
        ch->prev->next = ch->next;
    else
        l->channels = ch->next;
    if (ch->next)
        ch->next->prev = ch->prev;
    l->channels_n--;
    stream_release(&ch->stream);
    free(ch->clients);
    free(ch);
}

static struct channel *make_channel(struct live *l, struct sf_str name)
{
    struct channel *ch = calloc(1, sizeof(*ch));

    if (!ch)
        return NULL;
    if (!stream_init(&ch->stream, l->ex, name, exchange_now_ms(l->ex))) {
        free(ch);
        return NULL;
    }
    ch->next = l->channels;
    if (ch->next)
        ch->next->prev = ch;
    l->channels = ch;
    l->channels_n++;
    return ch;
}

static bool add_client(struct channel *ch, struct client *c)
{
    if (ch->clients_n == ch->clients_cap) {
        size_t cap = ch->clients_cap > 0 ? 2 * ch->clients_cap : 4;
        struct client **grown = realloc(ch->clients, cap * sizeof(struct client *));

        if (!grown)
            return false;
        ch->clients = grown;
        ch->clients_cap = cap;
    }
    ch->clients[ch->clients_n++] = c;
    return true;
}

static void leave(struct client *c, size_t i)
{
    struct channel *ch = c->channels[i];

    for (size_t k = 0; k < ch->clients_n; k++)
        if (ch->clients[k] == c) {
            memmove(ch->clients + k, ch->clients + k + 1,
                    (ch->clients_n - k - 1) * sizeof(struct client *));
            ch->clients_n--;
            break;
        }
    memmove(c->channels + i, c->channels + i + 1,
            (c->channels_n - i - 1) * sizeof(struct channel *));
    c->channels_n--;
    if (ch->clients_n == 0)
        drop_channel(c->live, ch);
}

bool client_subscribe(struct client *c, struct sf_str name)
{
    struct channel *ch;

    for (size_t i = 0; i < c->channels_n; i++)
        if (sf_str_eq(sf_str_from(c->channels[i]->stream.name), name))
            return true;
    if (c->channels_n == STREAMS_MAX)
        return false;
    ch = find_channel(c->live, name);
    if (!ch)
        ch = make_channel(c->live, name);
    if (!ch)
        return false;
    c->channels[c->channels_n++] = ch;
    if (add_client(ch, c))
        return true;
    leave(c, c->channels_n - 1);
    return false;
}

void client_unsubscribe(struct client *c, struct sf_str name)
{
    for (size_t i = 0; i < c->channels_n; i++)
        if (sf_str_eq(sf_str_from(c->channels[i]->stream.name), name)) {
            leave(c, i);
            return;
        }
}

/* -------------------------------------------------------------------------- connections
 */

static void client_free(struct client *c)
{
    while (c->channels_n > 0)
        leave(c, c->channels_n - 1);
    client_drop_held(c);
    free(c->channels);
    free(c);
}

static void on_closed(void *arg, struct sf_wsd *ws, int code)
{
    struct client *c = arg;
    struct live *l = c->live;

    (void)ws;
    (void)code;
    if (c->prev)
        c->prev->next = c->next;
    else
        l->clients = c->next;
    if (c->next)
        c->next->prev = c->prev;
    l->clients_n--;
    client_free(c);
}

/* "a/b/c", each percent-encoded; @prefix before it, and a query of streams. */
static bool subscribe_list(struct client *c, struct sf_str names)
{
    bool is_fine = true;

    while (is_fine && names.len > 0) {
        struct sf_buf name;

        sf_buf_init(&name, 3 * STREAM_NAME_MAX);
        is_fine =
            sf_httpd_decode(sf_str_cut(names, '/', &names), false, &name) == SF_OK &&
            client_subscribe(c, sf_buf_str(&name));
        sf_buf_release(&name);
    }
    return is_fine;
}

/* What the URL says. False: a name that cannot be read, or too many of them. */
static bool read_url(struct client *c, struct sf_httpd_req *req)
{
    struct sf_str path = sf_httpd_path(req), value;

    if (sf_httpd_param(req, "timeUnit", &value))
        c->is_us = sf_str_eq_nocase(value, SF_STR("MICROSECOND"));
    c->is_combined = sf_str_starts(path, SF_STR("/stream"));
    if (c->is_combined)
        return !sf_httpd_param(req, "streams", &value) || subscribe_list(c, value);
    return path.len <= 4 ||
           subscribe_list(c, sf_str_make(path.p + 4, path.len - 4)); /* behind "/ws/" */
}

static void reply(struct sf_httpd_req *req, int status, const char *text)
{
    struct sf_httpd_answer answer = { .status = status,
                                      .content_type = "text/plain; charset=utf-8",
                                      .body = sf_str_from(text) };

    sf_httpd_reply(req, &answer);
}

static void accept_client(struct live *l, struct sf_httpd_req *req, struct client *c)
{
    struct sf_wsd_opts opts = { .waiting_max = WAITING_MAX,
                                .ping_ms = l->opts.ping_ms,
                                .frames_per_s = (unsigned)l->opts.rate,
                                .on_message = client_on_message,
                                .on_closed = on_closed,
                                .arg = c };

    if (sf_wsd_accept(req, &opts, &c->ws, NULL) != SF_OK) {
        client_free(c);
        return;
    }
    c->until_us = sf_mono_us() + l->opts.life_ms * 1000;
    c->next = l->clients;
    if (c->next)
        c->next->prev = c;
    l->clients = c;
    l->clients_n++;
    l->accepted_n++;
}

/* May one more client connect? Answered if not. */
static bool is_admitted(struct live *l, struct sf_httpd_req *req)
{
    int64_t now_us = sf_mono_us();

    if (now_us - l->attempts_since_us >= ATTEMPTS_US) {
        l->attempts_since_us = now_us;
        l->attempts_n = 0;
    }
    l->attempts_n++;
    if (now_us < l->refused_until_us)
        reply(req, 503, "no connections for now\n");
    else if (l->attempts_n > l->opts.connects)
        reply(req, 429, "too many connections in five minutes\n");
    else
        return true;
    l->refused_n++;
    return false;
}

bool live_serve(struct live *l, struct sf_httpd_req *req)
{
    struct sf_str path = sf_httpd_path(req);
    struct client *c;

    if (!sf_str_eq(path, SF_STR("/stream")) && !sf_str_eq(path, SF_STR("/ws")) &&
        !sf_str_starts(path, SF_STR("/ws/")))
        return false;
    if (!is_admitted(l, req))
        return true;
    c = calloc(1, sizeof(*c));
    if (c)
        c->channels = calloc(STREAMS_MAX, sizeof(struct channel *));
    if (!c || !c->channels) {
        free(c);
        reply(req, 503, "out of memory\n");
        return true;
    }
    c->live = l;
    if (read_url(c, req)) {
        accept_client(l, req, c);
        return true;
    }
    client_free(c);
    reply(req, 400, "expected at most 1024 names of streams\n");
    return true;
}

/* ------------------------------------------------------------------------------- faults
 */

static bool has_stream(const struct client *c, const char *part)
{
    if (part[0] == '\0')
        return true;
    for (size_t i = 0; i < c->channels_n; i++)
        if (sf_str_contains(sf_str_from(c->channels[i]->stream.name), sf_str_from(part)))
            return true;
    return false;
}

static void end_client(struct client *c, const struct fault *fault)
{
    int64_t until_us = sf_mono_us() + fault->ms * 1000;

    if (!has_stream(c, fault->path))
        return;
    if (fault->kind == FAULT_WS_CUT) {
        sf_wsd_cut(c->ws, SF_STR_EMPTY, 0);
    } else if (fault->kind == FAULT_WS_SHUTDOWN) {
        client_send_shutdown(c);
        if (until_us < c->until_us)
            c->until_us = until_us;
    } else {
        c->until_us = 0;
    }
}

void live_new_faults(struct live *l)
{
    static const enum fault_kind kinds[] = { FAULT_WS_SHUTDOWN, FAULT_WS_ROLL,
                                             FAULT_WS_CUT };
    const struct fault *fault;

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        while ((fault = faults_take(l->ex->faults, kinds[i])) != NULL)
            for (struct client *c = l->clients; c; c = c->next)
                end_client(c, fault);
    while ((fault = faults_take(l->ex->faults, FAULT_WS_REFUSE)) != NULL)
        l->refused_until_us = sf_mono_us() + fault->ms * 1000;
}

/* -------------------------------------------------------------------------- the clock */

static void on_payload(void *arg, struct sf_str ms, struct sf_str us)
{
    struct live *l = arg;
    struct channel *ch = l->running;

    for (size_t i = 0; i < ch->clients_n; i++)
        client_send(ch->clients[i], ch->stream.name, ms, us);
}

static bool wants_us(const struct channel *ch)
{
    for (size_t i = 0; i < ch->clients_n; i++)
        if (ch->clients[i]->is_us)
            return true;
    return false;
}

static void on_tick(void *arg)
{
    struct live *l = arg;
    int64_t now_us = sf_mono_us(), now_ms = exchange_now_ms(l->ex);

    for (struct client *c = l->clients; c; c = c->next) {
        client_release_held(c, now_us);
        if (l->opts.tape_path)
            tape_run(c, now_us);
        if (now_us >= c->until_us)
            sf_wsd_close(c->ws, SF_WSD_GOING_AWAY, SF_STR_EMPTY);
    }
    for (struct channel *ch = l->channels; ch && !l->opts.tape_path; ch = ch->next) {
        l->running = ch;
        (void)stream_run(&ch->stream, now_ms, wants_us(ch), on_payload, l);
    }
}

void live_reset(struct live *l)
{
    l->attempts_n = 0;
}

void live_print(const struct live *l, struct sf_buf *b)
{
    sf_buf_addf(b,
                "\"ws\":{\"connections\":%zu,\"streams\":%zu,\"accepted\":%lld,"
                "\"refused\":%lld,\"frames\":%lld}",
                l->clients_n, l->channels_n, (long long)l->accepted_n,
                (long long)l->refused_n, (long long)l->frames_n);
}

enum sf_status live_create(struct sf_loop *loop, struct exchange *ex,
                           const struct live_opts *opts, struct live **ret_live,
                           struct sf_error *err)
{
    struct live *l = calloc(1, sizeof(*l));
    enum sf_status rc;

    if (!l)
        return sf_error_set(err, SF_ENOMEM, "no memory for the streams");
    l->loop = loop;
    l->ex = ex;
    l->opts = *opts;
    sf_buf_init(&l->frame, FRAME_MAX);
    rc = sf_timer_create(loop, on_tick, l, &l->tick);
    if (rc != SF_OK)
        (void)sf_error_set(err, rc, "no memory for the streams");
    else if (opts->tape_path)
        rc = tape_open(l, err);
    if (rc != SF_OK) {
        live_destroy(l);
        return rc;
    }
    sf_timer_set(l->tick, TICK_MS, TICK_MS);
    *ret_live = l;
    return SF_OK;
}

void live_destroy(struct live *l)
{
    if (!l)
        return;
    sf_timer_destroy(l->tick);
    sf_buf_release(&l->frame);
    sf_buf_release(&l->tape);
    free(l);
}
