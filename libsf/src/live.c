#include "live.h"

#include "live_streams.h"

#include <sf/metrics.h>
#include <sf/ws.h>

#include <stdlib.h>

#define URL_MAX          65536
#define BACKOFF_FIRST_MS 250 /* doubled with each failure in a row, up to */
#define BACKOFF_MAX_MS   30000
#define LIVED_US         30000000 /* a connection that lived so long is no failure */
#define OVERLAP_MS       3000 /* two connections side by side before the old one goes */

struct group;

struct conn {
    struct group *g;
    struct sf_ws *ws; /* NULL: none */
    bool is_open;
    int64_t opened_us;
};

/* The symbols of one connection; of two while one replaces the other. */
struct group {
    struct sf_live *live;
    size_t first, n;
    struct conn conns[2];
    unsigned current; /* of conns; the other one replaces it, or is none */
    bool is_up;
    bool is_rolling; /* the current one is to be replaced */
    unsigned fails_n;
    struct sf_timer *again; /* connect, after a failure */
    struct sf_timer *roll;  /* replace by age; while both are open: the old one goes */
};

struct sf_live {
    struct sf_live_opts opts;
    struct sf_ws_hub *hub;
    struct live_streams streams;
    struct group *groups;
    size_t groups_n;
    bool is_paused;
    uint64_t random;
    int64_t cuts_n, rolls_n;
};

static void connect_group(struct group *g);

/* xorshift64: spread, not secrecy. */
static int64_t random_below(struct sf_live *live, int64_t n)
{
    live->random ^= live->random << 13;
    live->random ^= live->random >> 7;
    live->random ^= live->random << 17;
    return (int64_t)(live->random % (uint64_t)n);
}

static struct conn *other_of(struct group *g)
{
    return &g->conns[1 - g->current];
}

static void hang_up(struct conn *c)
{
    struct sf_ws *ws = c->ws;

    c->ws = NULL;
    c->is_open = false;
    sf_ws_close(ws);
}

/* Replace the connection when it has its age; groups spread, so that they do not all do
 * it at once. */
static void set_age(struct group *g)
{
    int64_t ms = g->live->opts.conf->ws_rollover_s * 1000;

    sf_timer_set(g->roll, ms - random_below(g->live, ms / 10 + 1), 0);
}

static void try_again(struct group *g)
{
    int64_t ms = BACKOFF_FIRST_MS << (g->fails_n < 7 ? g->fails_n : 7);

    if (ms > BACKOFF_MAX_MS)
        ms = BACKOFF_MAX_MS;
    g->fails_n++;
    sf_timer_set(g->again, ms / 2 + random_below(g->live, ms / 2 + 1), 0);
}

/* ------------------------------------------------------------------------- roll-over */

static void begin_roll(struct group *g)
{
    if (g->is_rolling)
        return;
    g->is_rolling = true;
    connect_group(g);
}

/* The replacement is the current one now. */
static void take_over(struct group *g)
{
    g->current = 1 - g->current;
    g->is_rolling = false;
    g->live->rolls_n++;
    sf_log(SF_LOG_INFO, "stream_rolled", SF_LOG_I("symbols", (int64_t)g->n));
    set_age(g);
}

static void on_roll(void *arg)
{
    struct group *g = arg;

    if (g->is_rolling && other_of(g)->is_open) { /* it has overlapped for long enough */
        hang_up(&g->conns[g->current]);
        take_over(g);
    } else {
        begin_roll(g);
    }
}

/* ------------------------------------------------------------------------ connections */

static void on_open(void *arg)
{
    struct conn *c = arg;
    struct group *g = c->g;
    struct sf_live *live = g->live;

    c->is_open = true;
    c->opened_us = sf_mono_us();
    if (g->is_up) { /* it replaces the other one, which is still there */
        sf_timer_set(g->roll, OVERLAP_MS, 0);
        return;
    }
    g->current = (unsigned)(c - g->conns);
    g->is_rolling = false;
    g->is_up = true;
    set_age(g);
    sf_log(SF_LOG_INFO, "stream_up", SF_LOG_I("symbols", (int64_t)g->n));
    tape_write_up(live->opts.tape->writer, g->first, g->n);
    live->opts.on_up(live->opts.arg, g->first, g->n);
}

/* Returns true when the frame says that the connection is about to be closed. */
static bool take_frame(struct sf_live *live, struct sf_str text)
{
    const struct sf_exchange *x = live->opts.exchange;
    struct sf_str stream, event;
    size_t i;

    if (!x->frame_split(text, &stream, &event)) {
        sf_metric_add(SF_M_BAD_INPUT, 1);
        return false;
    }
    i = live_streams_find(&live->streams, stream);
    if (i != LIVE_STREAMS_NONE)
        live->opts.on_event(live->opts.arg, i, event);
    return i == LIVE_STREAMS_NONE && sf_str_eq(stream, sf_str_from(x->shutdown_stream));
}

static void on_frame(void *arg, struct sf_str text)
{
    struct conn *c = arg;
    struct sf_live *live = c->g->live;

    tape_write_frame(live->opts.tape->writer, text);
    if (take_frame(live, text) && c == &c->g->conns[c->g->current]) {
        sf_log_write(SF_LOG_INFO, "stream_shutdown", NULL);
        begin_roll(c->g);
    }
}

/* The group has no open connection any more. */
static void lost(struct group *g, const struct sf_error *why)
{
    struct sf_live *live = g->live;

    tape_write_down(live->opts.tape->writer, g->first, g->n, why);
    g->is_up = false;
    live->cuts_n++;
    sf_timer_clear(g->roll);
    sf_log(SF_LOG_WARN, "stream_cut", SF_LOG_I("symbols", (int64_t)g->n),
           SF_LOG_S("text", why->text));
    live->opts.on_down(live->opts.arg, g->first, g->n, why);
}

static void on_close(void *arg, const struct sf_error *err)
{
    struct conn *c = arg;
    struct group *g = c->g;
    struct sf_error why = *err;
    bool was_open = c->is_open;
    struct conn *other = c == &g->conns[0] ? &g->conns[1] : &g->conns[0];

    if (was_open && sf_mono_us() - c->opened_us >= LIVED_US)
        g->fails_n = 0;
    hang_up(c);
    if (was_open && other->is_open) {
        if (c == &g->conns[g->current]) {
            take_over(g);
        } else { /* the replacement: once more */
            sf_timer_clear(g->roll);
            try_again(g);
        }
        return;
    }
    if (was_open)
        lost(g, &why);
    else if (g->fails_n == 0)
        sf_log_error(SF_LOG_WARN, "stream_not_connected", &why);
    if (!other->ws || g->is_up)
        try_again(g);
}

static enum sf_status open_conn(struct conn *c, struct sf_error *err)
{
    struct sf_live *live = c->g->live;
    const struct sf_conf *conf = live->opts.conf;
    struct sf_str base = sf_str_from(conf->binance_ws_url);
    struct sf_ws_opts opts = {
        .idle_ms = conf->ws_idle_s * 1000,
        .hooks = { .on_open = on_open, .on_frame = on_frame, .on_close = on_close, c },
    };
    enum sf_status status;
    struct sf_buf url;

    sf_buf_init(&url, URL_MAX);
    while (base.len > 0 && base.p[base.len - 1] == '/')
        base.len--;
    sf_buf_add_str(&url, base);
    sf_buf_add_str(&url, sf_str_from(live->opts.exchange->streams_path));
    for (size_t i = c->g->first; i < c->g->first + c->g->n; i++) {
        if (i > c->g->first)
            sf_buf_add_char(&url, '/');
        sf_buf_add_str(&url, live_streams_name(&live->streams, i));
    }
    opts.url = sf_buf_cstr(&url);
    status = sf_buf_status(&url, err);
    if (status == SF_OK)
        status = sf_ws_open(live->hub, &opts, &c->ws, err);
    sf_buf_release(&url);
    return status;
}

/* A first connection, one after a cut, or one that is to replace the current one. */
static void connect_group(struct group *g)
{
    struct conn *c = g->conns[g->current].ws ? other_of(g) : &g->conns[g->current];
    struct sf_error err = { 0 };

    if (g->live->is_paused || c->ws)
        return;
    if (open_conn(c, &err) == SF_OK)
        return;
    sf_log_error(SF_LOG_WARN, "stream_not_connected", &err);
    try_again(g);
}

static void on_again(void *arg)
{
    connect_group(arg);
}

/* -------------------------------------------------------------------------- from a tape
 */

static void on_tape_frame(void *arg, struct sf_str text)
{
    (void)take_frame(arg, text);
}

static void on_tape_up(void *arg, size_t first, size_t n)
{
    struct sf_live *live = arg;
    size_t symbols_n = live->opts.conf->symbols_n;

    if (first < symbols_n && n <= symbols_n - first)
        live->opts.on_up(live->opts.arg, first, n);
}

static void on_tape_down(void *arg, size_t first, size_t n, const struct sf_error *why)
{
    struct sf_live *live = arg;
    size_t symbols_n = live->opts.conf->symbols_n;

    live->cuts_n++;
    if (first < symbols_n && n <= symbols_n - first)
        live->opts.on_down(live->opts.arg, first, n, why);
}

static void play(struct sf_live *live)
{
    const struct tape_ear ear = { on_tape_frame, on_tape_up, on_tape_down, live };

    tape_play_start(live->opts.tape->player, &ear, live->opts.conf->symbols_n);
}

/* ------------------------------------------------------------------------------ life */

static enum sf_status make_streams(struct sf_live *live)
{
    const struct sf_conf *conf = live->opts.conf;
    enum sf_status status = live_streams_init(&live->streams, conf->symbols_n);

    for (size_t i = 0; status == SF_OK && i < conf->symbols_n; i++) {
        live->opts.stream(live->opts.arg, &live->streams.names,
                          sf_str_from(conf->symbols[i]));
        status = live_streams_add(&live->streams);
    }
    return status;
}

static enum sf_status make_groups(struct sf_live *live)
{
    size_t symbols_n = live->opts.conf->symbols_n;
    size_t max = live->opts.exchange->streams_max;
    enum sf_status status = SF_OK;

    live->groups_n = (symbols_n + max - 1) / max;
    live->groups = calloc(live->groups_n, sizeof(*live->groups));
    if (!live->groups)
        return SF_ENOMEM;
    for (size_t i = 0; status == SF_OK && i < live->groups_n; i++) {
        struct group *g = &live->groups[i];

        g->live = live;
        g->first = i * max;
        g->n = symbols_n - g->first < max ? symbols_n - g->first : max;
        g->conns[0].g = g->conns[1].g = g;
        status = sf_timer_create(live->opts.loop, on_again, g, &g->again);
        if (status == SF_OK)
            status = sf_timer_create(live->opts.loop, on_roll, g, &g->roll);
    }
    return status;
}

static const struct sf_tape no_tape = { NULL, NULL };

static enum sf_status connect_all(struct sf_live *live, struct sf_error *err)
{
    enum sf_status status = sf_ws_hub_create(live->opts.loop, NULL, &live->hub, err);

    if (status == SF_OK) /* an address that is none shows now */
        status = open_conn(&live->groups[0].conns[0], err);
    for (size_t i = 1; status == SF_OK && i < live->groups_n; i++)
        connect_group(&live->groups[i]);
    return status;
}

enum sf_status sf_live_create(const struct sf_live_opts *opts, struct sf_live **ret_live,
                              struct sf_error *err)
{
    struct sf_live *live = calloc(1, sizeof(*live));
    enum sf_status status = live ? SF_OK : SF_ENOMEM;

    if (live) {
        live->opts = *opts;
        live->opts.tape = opts->tape ? opts->tape : &no_tape;
        live->random = (uint64_t)sf_mono_us() | 1;
        status = make_streams(live);
        if (status == SF_OK)
            status = make_groups(live);
    }
    if (status != SF_OK)
        (void)sf_error_set(err, status, "no memory for the streams");
    else
        status = live->opts.tape->player ? SF_OK : connect_all(live, err);
    if (status != SF_OK) {
        sf_live_destroy(live);
        return status;
    }
    if (live->opts.tape->player)
        play(live);
    *ret_live = live;
    return SF_OK;
}

static void hang_up_all(struct sf_live *live)
{
    for (size_t i = 0; live->groups && i < live->groups_n; i++) {
        struct group *g = &live->groups[i];

        hang_up(&g->conns[0]);
        hang_up(&g->conns[1]);
        g->is_rolling = false;
    }
}

void sf_live_destroy(struct sf_live *live)
{
    if (!live)
        return;
    if (live->opts.tape->player)
        tape_play_pause(live->opts.tape->player, true);
    hang_up_all(live);
    for (size_t i = 0; live->groups && i < live->groups_n; i++) {
        sf_timer_destroy(live->groups[i].again);
        sf_timer_destroy(live->groups[i].roll);
    }
    sf_ws_hub_destroy(live->hub);
    live_streams_release(&live->streams);
    free(live->groups);
    free(live);
}

void sf_live_pause(struct sf_live *live, bool is_paused)
{
    struct sf_error why = { .status = SF_ESTOPPED, .text = "paused" };

    live->is_paused = is_paused;
    if (live->opts.tape->player) { /* a tape waits */
        tape_play_pause(live->opts.tape->player, is_paused);
        return;
    }
    if (is_paused)
        hang_up_all(live);
    for (size_t i = 0; i < live->groups_n; i++) {
        struct group *g = &live->groups[i];

        sf_timer_clear(g->again);
        sf_timer_clear(g->roll);
        g->fails_n = 0;
        if (!is_paused) {
            connect_group(g);
        } else if (g->is_up) {
            g->is_up = false;
            tape_write_down(live->opts.tape->writer, g->first, g->n, &why);
            live->opts.on_down(live->opts.arg, g->first, g->n, &why);
        }
    }
}

void sf_live_progress(const struct sf_live *live, struct sf_buf *extra)
{
    size_t up = 0;

    for (size_t i = 0; live && i < live->groups_n; i++)
        up += live->groups[i].is_up ? 1 : 0;
    if (live)
        sf_buf_addf(extra,
                    ",\"connections\":%zu,\"connections_up\":%zu,\"cuts\":%lld,"
                    "\"rolls\":%lld",
                    live->groups_n, up, (long long)live->cuts_n,
                    (long long)live->rolls_n);
    if (live && live->opts.tape->player)
        sf_buf_addf(extra, ",\"percent\":%lld",
                    (long long)tape_play_percent(live->opts.tape->player));
}
