/* sf-exchange: stand-in for Binance spot's REST API on one machine. */
#include "exchange.h"
#include "faults.h"

#include <sf/log.h>
#include <sf/stop.h>

#include <stdio.h>
#include <string.h>

#define OUT_MAX ((size_t)8 << 20) /* depth at 5000 levels is the largest, 400 KiB */

struct options {
    const char *listen, *cert, *key;
    int64_t weight_limit, seed;
};

int64_t exchange_now_ms(const struct exchange *ex)
{
    int64_t now_ms = ex->fixed_now_ms != 0 ? ex->fixed_now_ms : sf_time_now_ms();

    return now_ms + ex->clock_offset_ms + faults_clock_ms(ex->faults);
}

const struct market *exchange_market(struct exchange *ex, struct sf_str name)
{
    const struct symbol *s = symbol_find(name);
    size_t i;

    if (!s)
        return NULL;
    i = (size_t)(s - symbols);
    if (!ex->markets[i])
        ex->markets[i] = market_create(s, ex->seed);
    return ex->markets[i];
}

static int usage(FILE *to, int code)
{
    (void)fputs("sf-exchange: stand-in for Binance spot's REST API\n"
                "  --listen HOST:PORT     default 127.0.0.1:9180; port 0: any free one\n"
                "  --seed N               of the synthetic market, default 1\n"
                "  --weight-limit N       request weight a minute, default 6000\n"
                "  --clock-offset-ms N    the exchange's clock against this machine's\n"
                "  --now-ms N             a clock that stands still\n"
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

/* 0: fine; else the exit code. */
static int parse(int argc, char **argv, struct options *o, struct exchange *ex)
{
    const struct {
        const char *name;
        const char **text;
        int64_t *number;
        int64_t min;
    } flags[] = {
        { "--listen", &o->listen, NULL, 0 },
        { "--cert", &o->cert, NULL, 0 },
        { "--key", &o->key, NULL, 0 },
        { "--seed", NULL, &o->seed, 0 },
        { "--weight-limit", NULL, &o->weight_limit, 1 },
        { "--clock-offset-ms", NULL, &ex->clock_offset_ms, -SF_TIME_MAX_MS },
        { "--now-ms", NULL, &ex->fixed_now_ms, 1 },
    };

    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        size_t f = 0;

        while (f < sizeof(flags) / sizeof(flags[0]) &&
               strcmp(argv[i], flags[f].name) != 0)
            f++;
        if (f == sizeof(flags) / sizeof(flags[0]))
            return bad("argument", argv[i], "one that --help lists");
        if (!value)
            return bad(argv[i], NULL, "a value");
        if (flags[f].text)
            *flags[f].text = value;
        else if (sf_str_to_i64(sf_str_from(value), flags[f].number) != SF_OK ||
                 *flags[f].number < flags[f].min)
            return bad(argv[i], value, "a number in range");
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
        rc = sf_httpd_create(loop, &opts, &httpd, err);
    if (rc == SF_OK) {
        sf_log(SF_LOG_INFO, "listening", SF_LOG_I("port", sf_httpd_port(httpd)),
               SF_LOG_I("seed", o->seed));
        sf_loop_run(loop);
        sf_log(SF_LOG_INFO, "stopped", SF_LOG_I("requests", ex->stats.requests));
    }
    sf_httpd_destroy(httpd);
    sf_watch_stop(stop);
    sf_loop_destroy(loop);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = { .listen = "127.0.0.1:9180", .weight_limit = 6000, .seed = 1 };
    struct faults faults = { 0 };
    struct exchange ex = { .faults = &faults };
    struct sf_error err = { 0 };
    int code;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return usage(stdout, 0);
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        (void)puts("sf-exchange " SF_VERSION);
        return 0;
    }
    code = parse(argc, argv, &o, &ex);
    if (code != 0)
        return code;
    sf_log_init("sf-exchange", NULL, SF_LOG_INFO, SF_LOG_LOGFMT);
    ex.seed = (uint64_t)o.seed;
    budget_init(&ex.budget, o.weight_limit);
    sf_buf_init(&ex.out, OUT_MAX);
    if (sf_stop_init(&err) != SF_OK || run(&o, &ex, &err) != SF_OK) {
        sf_log_error(SF_LOG_ERROR, "failed", &err);
        code = 1;
    }
    for (size_t i = 0; i < SYMBOLS_MAX; i++)
        market_destroy(ex.markets[i]);
    sf_buf_release(&ex.out);
    return code;
}
