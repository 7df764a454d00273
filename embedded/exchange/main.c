/* sf-exchange: stand-in for Binance spot's REST API and streams on one machine. */
#include "exchange.h"
#include "faults.h"
#include "live.h"
#include "tape.h"

#include <sf/log.h>
#include <sf/stop.h>
#include <sf/wsd.h>

#include <stdio.h>
#include <string.h>

#define OUT_MAX ((size_t)8 << 20) /* depth at 5000 levels is the largest, 400 KiB */

struct options {
    const char *listen, *cert, *key;
    int64_t weight_limit, seed, live_rate;
    struct live_opts live;
};

int64_t exchange_now_ms(const struct exchange *ex)
{
    int64_t now_ms = ex->fixed_now_ms;

    if (now_ms == 0 && ex->start_ms != 0)
        now_ms = ex->start_ms + (sf_mono_us() - ex->start_us) * ex->speed / 1000;
    else if (now_ms == 0)
        now_ms = sf_time_now_ms();
    return now_ms + ex->clock_offset_ms + faults_clock_ms(ex->faults);
}

const struct symbol *exchange_symbol(const struct exchange *ex, struct sf_str name)
{
    const struct tape *tape = tape_of_symbol(ex->tapes, name);

    return tape ? &tape->listing : symbol_find(name);
}

const struct market *exchange_market(struct exchange *ex, struct sf_str name)
{
    const struct symbol *s = symbol_find(name);
    size_t i;

    if (!s)
        return NULL;
    i = (size_t)(s - symbols);
    if (!ex->markets[i])
        ex->markets[i] = market_create(s, ex->seed, (unsigned)ex->density);
    return ex->markets[i];
}

static int usage(FILE *to, int code)
{
    (void)fputs(
        "sf-exchange: stand-in for Binance spot's REST API\n"
        "  --listen HOST:PORT     default 127.0.0.1:9180; port 0: any free one\n"
        "  --seed N               of the synthetic market, default 1\n"
        "  --weight-limit N       request weight a minute, default 6000\n"
        "  --clock-offset-ms N    the exchange's clock against this machine's\n"
        "  --now-ms N             a clock that stands still, and is moved by\n"
        "                         POST /control/clock?advance_ms=N\n"
        "  --start-ms N           a clock that runs from there\n"
        "  --speed N              of that clock, default 1\n"
        "  --live-rate N          trades a second of a symbol, about; default 2\n"
        "  --ws-ping-ms N         the server's pings, default 20000\n"
        "  --ws-life-ms N         of a WebSocket connection, default 24 hours\n"
        "  --ws-rate N            client frames a second, default 5\n"
        "  --ws-connects N        attempts to connect in five minutes, default 300\n"
        "  --ws-tape PATH         frames to serve, one a line behind its time in us\n"
        "  --ws-tape-speed N      default 1; 0: as fast as they are read\n"
        "  --klines SYMBOL:INTERVAL:PATH  candles of a file (REST page or "
        "archive CSV, also\n"
        "                         .gz) or of a folder of them; may be repeated\n"
        "  --cert PATH --key PATH HTTPS with this PEM chain and key\n"
        "  --help --version\n",
        to);
    return code;
}

static int bad(const char *name, const char *value, const char *expected)
{
    (void)fprintf(stderr, "sf-exchange: %s='%.200s': expected %s\n", name,
                  value ? value : "", expected);
    return 2;
}

struct flag {
    const char *name;
    const char **text;         /* or */
    int64_t *number, min, max; /* max 0: none */
};

static int set_flag(const struct flag *flag, const char *value, struct exchange *ex)
{
    struct sf_error err = { 0 };

    if (flag->text) {
        *flag->text = value;
    } else if (flag->number) {
        if (sf_str_to_i64(sf_str_from(value), flag->number) != SF_OK ||
            *flag->number < flag->min || (flag->max > 0 && *flag->number > flag->max))
            return bad(flag->name, value, "a number in range");
    } else if (tapes_load(ex->tapes, value, &err) != SF_OK) {
        (void)fprintf(stderr, "sf-exchange: %s: %s\n", flag->name, err.text);
        return 2;
    }
    return 0;
}

/* "--flag value" or "--flag=value". 0: fine; else the exit code. */
static int parse(int argc, char **argv, struct options *o, struct exchange *ex)
{
    const struct flag flags[] = {
        { .name = "--listen", .text = &o->listen },
        { .name = "--cert", .text = &o->cert },
        { .name = "--key", .text = &o->key },
        { .name = "--seed", .number = &o->seed },
        { .name = "--weight-limit", .number = &o->weight_limit, .min = 1 },
        { .name = "--clock-offset-ms",
          .number = &ex->clock_offset_ms,
          .min = -SF_TIME_MAX_MS },
        { .name = "--now-ms", .number = &ex->fixed_now_ms, .min = 1 },
        { .name = "--start-ms", .number = &ex->start_ms, .min = 1 },
        { .name = "--speed", .number = &ex->speed, .min = 1, .max = 1000000 },
        { .name = "--live-rate", .number = &o->live_rate, .min = 1, .max = 1000 },
        { .name = "--ws-ping-ms", .number = &o->live.ping_ms, .min = 1 },
        { .name = "--ws-life-ms", .number = &o->live.life_ms, .min = 1 },
        { .name = "--ws-rate",
          .number = &o->live.rate,
          .min = 1,
          .max = SF_WSD_FRAMES_MAX },
        { .name = "--ws-connects", .number = &o->live.connects, .min = 1 },
        { .name = "--ws-tape", .text = &o->live.tape_path },
        { .name = "--ws-tape-speed", .number = &o->live.tape_speed, .max = 1000000 },
        { .name = "--klines" },
        { .name = NULL },
    };

    for (int i = 1; i < argc; i++) {
        struct sf_str rest, name = sf_str_cut(sf_str_from(argv[i]), '=', &rest);
        const char *value = argv[i][name.len] == '=' ? rest.p : argv[i + 1];
        const struct flag *flag = flags;
        int code;

        while (flag->name && !sf_str_eq(name, sf_str_from(flag->name)))
            flag++;
        if (!flag->name)
            return bad("argument", argv[i], "one that --help lists");
        if (!value)
            return bad(flag->name, NULL, "a value");
        code = set_flag(flag, value, ex);
        if (code != 0)
            return code;
        i += value == argv[i + 1];
    }
    return 0;
}

static void on_stop(void *arg, int fd, unsigned events)
{
    (void)fd;
    (void)events;
    sf_loop_quit(arg);
}

static enum sf_status run(const struct options *o, struct exchange *ex,
                          struct sf_error *err)
{
    struct sf_httpd_opts opts = { .listen = o->listen,
                                  .cert_path = o->cert,
                                  .key_path = o->key,
                                  .fn = rest_on_request,
                                  .arg = ex };
    struct sf_loop *loop = NULL;
    struct sf_httpd *httpd = NULL;
    struct sf_watch *stop = NULL;
    enum sf_status rc = sf_loop_create(&loop, err);

    if (rc == SF_OK)
        rc = sf_watch_start(loop, sf_stop_fd(), SF_READABLE, on_stop, loop, &stop);
    if (rc == SF_OK)
        rc = live_create(loop, ex, &o->live, &ex->live, err);
    if (rc == SF_OK)
        rc = sf_httpd_create(loop, &opts, &httpd, err);
    if (rc == SF_OK) {
        sf_log(SF_LOG_INFO, "listening", SF_LOG_I("port", sf_httpd_port(httpd)),
               SF_LOG_I("seed", o->seed));
        sf_loop_run(loop);
        sf_log(SF_LOG_INFO, "stopped", SF_LOG_I("requests", ex->stats.requests));
    }
    sf_httpd_destroy(httpd);
    live_destroy(ex->live);
    sf_watch_stop(stop);
    sf_loop_destroy(loop);
    return rc;
}

static int serve(const struct options *o, struct exchange *ex)
{
    struct sf_error err = { 0 };
    int code = 0;

    sf_log_init("sf-exchange", NULL, SF_LOG_INFO, SF_LOG_LOGFMT);
    ex->seed = (uint64_t)o->seed;
    ex->density = (o->live_rate + 1) / 2;
    ex->start_us = sf_mono_us();
    if (ex->start_ms == 0 && ex->speed > 1)
        ex->start_ms = sf_time_now_ms();
    budget_init(&ex->budget, o->weight_limit);
    sf_buf_init(&ex->out, OUT_MAX);
    if (sf_stop_init(&err) != SF_OK || run(o, ex, &err) != SF_OK) {
        sf_log_error(SF_LOG_ERROR, "failed", &err);
        code = 1;
    }
    for (size_t i = 0; i < SYMBOLS_MAX; i++)
        market_destroy(ex->markets[i]);
    sf_buf_release(&ex->out);
    return code;
}

int main(int argc, char **argv)
{
    struct options o = { .listen = "127.0.0.1:9180",
                         .weight_limit = 6000,
                         .seed = 1,
                         .live_rate = 2,
                         .live = { .ping_ms = 20000,
                                   .life_ms = 86400000,
                                   .rate = 5,
                                   .connects = 300,
                                   .tape_speed = 1 } };
    struct faults faults = { 0 };
    struct tapes tapes = { .n = 0 };
    struct exchange ex = { .faults = &faults, .tapes = &tapes, .speed = 1 };
    int code;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return usage(stdout, 0);
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        (void)puts("sf-exchange " SF_VERSION);
        return 0;
    }
    code = parse(argc, argv, &o, &ex);
    if (code == 0)
        code = serve(&o, &ex);
    tapes_release(&tapes);
    return code;
}
