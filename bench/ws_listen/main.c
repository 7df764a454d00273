/* ws_listen: a trade stream's way through libsf into Kafka's queue, timed.
 *
 *   ws_listen URL COUNT     with the settings of a queue; of bench/ws_serve at a rate
 *
 * Each frame is split, parsed, written as a record and put to the producer, as
 * loader-ws-trades does. Prints how long it took from the write at the server (E, us) to
 * the put: p50, p99 and max in us. The first tenth, start-up, is left out. */
#include <sf/exchange.h>
#include <sf/kafka.h>
#include <sf/record.h>
#include <sf/ws.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TOPIC   "bench-ws-listen"
#define WAIT_MS 120000

struct bench {
    const struct sf_exchange *exchange;
    struct sf_topic *topic;
    struct sf_buf record;
    int64_t *took_us;
    int64_t n, want, refused;
    bool is_done;
};

static int64_t now_us(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void on_frame(void *arg, struct sf_str text)
{
    static const struct sf_record_common common = {
        { "binance", 7 }, { "BTCUSDT", 7 }, { "BTCUSDT", 7 }, { "ws", 2 }, 1
    };
    struct bench *b = arg;
    struct sf_str stream, event;
    struct sf_trade trade;

    if (b->is_done || !b->exchange->frame_split(text, &stream, &event) ||
        b->exchange->trade_parse(event, false, &trade, NULL) != SF_OK) {
        b->refused++;
        return;
    }
    b->record.len = 0;
    sf_record_trade(&b->record, &common, false, &trade);
    if (sf_producer_put(b->topic, 0, common.symbol, sf_buf_str(&b->record)) != SF_OK)
        b->refused++;
    b->took_us[b->n++] = now_us() - strtoll(strstr(event.p, "\"E\":") + 4, NULL, 10);
    b->is_done = b->n == b->want;
}

static void on_close(void *arg, const struct sf_error *err)
{
    struct bench *b = arg;

    (void)fprintf(stderr, "ws_listen: %s\n", err->text);
    b->is_done = true;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void print(struct bench *b)
{
    int64_t skip = b->n / 10, n = b->n - skip;

    qsort(b->took_us + skip, (size_t)n, sizeof(*b->took_us), by_size);
    (void)printf(
        "records=%lld refused=%lld p50_us=%lld p99_us=%lld max_us=%lld\n",
        (long long)b->n, (long long)b->refused, (long long)b->took_us[skip + n / 2],
        (long long)b->took_us[skip + n * 99 / 100], (long long)b->took_us[b->n - 1]);
}

static enum sf_status listen_to_all(struct bench *b, struct sf_loop *loop,
                                    const char *url, struct sf_error *err)
{
    const struct sf_ws_opts opts = {
        .url = url,
        .hooks = { .on_frame = on_frame, .on_close = on_close, .arg = b },
    };
    struct sf_ws_hub *hub = NULL;
    struct sf_ws *ws = NULL;
    enum sf_status status = sf_ws_hub_create(loop, NULL, &hub, err);

    if (status == SF_OK)
        status = sf_ws_open(hub, &opts, &ws, err);
    if (status == SF_OK && !sf_loop_run_until(loop, &b->is_done, WAIT_MS))
        status = sf_error_set(err, SF_ETIMEOUT, "%lld frames of %lld", (long long)b->n,
                              (long long)b->want);
    sf_ws_close(ws);
    sf_ws_hub_destroy(hub);
    return status;
}

static void on_problem(void *arg, const char *text)
{
    (void)sf_error_set(arg, SF_EINVAL, "%s", text);
}

static enum sf_status run(struct bench *b, const char *url, struct sf_error *err)
{
    const struct sf_producer_hooks none = { 0 };
    const struct sf_topic_spec spec = { TOPIC, 1, -1, 0 };
    struct sf_conf conf;
    struct sf_loop *loop = NULL;
    struct sf_producer *producer = NULL;
    int32_t partitions;
    enum sf_status status = sf_loop_create(&loop, err);

    if (status != SF_OK)
        return status;
    status = sf_conf_load(&conf, "ws-listen", SF_SCOPE_QUEUE, sf_conf_env, NULL,
                          on_problem, err);
    if (status == SF_OK)
        status = sf_producer_create(loop, &conf, &none, &producer, err);
    if (status == SF_OK)
        status = sf_kafka_ensure_topic(producer, &spec, true, WAIT_MS, &partitions, err);
    if (status == SF_OK)
        status = sf_producer_topic(producer, TOPIC, &b->topic, err);
    if (status == SF_OK)
        status = listen_to_all(b, loop, url, err);
    if (status == SF_OK)
        status = sf_producer_flush(producer, WAIT_MS, err);
    sf_producer_destroy(producer);
    sf_conf_release(&conf);
    sf_loop_destroy(loop);
    return status;
}

int main(int argc, char **argv)
{
    struct bench b = { .exchange = sf_exchange_find(SF_STR("binance")) };
    struct sf_error err = { 0 };
    enum sf_status status;

    if (argc != 3) {
        (void)fprintf(stderr, "usage: ws_listen URL COUNT\n");
        return 2;
    }
    b.want = strtoll(argv[2], NULL, 10);
    if (b.want < 10 || !(b.took_us = calloc((size_t)b.want, sizeof(*b.took_us))))
        return 2;
    sf_buf_init(&b.record, 4096);
    status = run(&b, argv[1], &err);
    if (status == SF_OK)
        print(&b);
    else
        (void)fprintf(stderr, "ws_listen: %s\n", err.text);
    sf_buf_release(&b.record);
    free(b.took_us);
    return status == SF_OK ? 0 : 1;
}
