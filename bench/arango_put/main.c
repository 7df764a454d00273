/* arango_put: how fast the ArangoDB writer is by itself, without Kafka.
 *
 *   arango_put URL [DOCUMENTS]     candles of about 300 bytes into bench/nullserver, or
 * into anything that speaks ArangoDB
 *
 * Prints documents a second, CPU-us a document of this process, and its largest RSS. */
/* NOLINTNEXTLINE(bugprone-reserved-identifier): libc's own switch, for struct rusage */
#define _DEFAULT_SOURCE

#include <sf/arango.h>
#include <sf/time.h>

#include <curl/curl.h>

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>

#define DOCUMENTS 2000000
#define SLICE_MS  250
#define BURST     500 /* documents between two looks at the loop, as a consumer's poll */

struct bench {
    struct sf_arango_writer *w;
    struct sf_loop *loop;
    struct sf_timer *soon;
    int64_t put, told, want, refused;
    bool is_done;
    struct sf_error fatal;
};

static void on_result(void *arg, const struct sf_arango_result *result)
{
    struct bench *b = arg;

    b->told++;
    b->refused += result->status == SF_OK ? 0 : 1;
    b->is_done = b->told == b->want;
}

static void on_fatal(void *arg, const struct sf_error *err)
{
    struct bench *b = arg;

    b->fatal = *err;
    b->is_done = true;
}

/* A row of 1m candles; the price moves so that documents differ. */
static size_t candle(char *dst, size_t size, int64_t i, size_t *ret_key_len)
{
    int64_t open_time = INT64_C(1700000000000) + i * 60000;
    int n = snprintf(dst, size,
                     "{\"_key\":\"BTCUSDT_1m_%" PRId64
                     "\",\"exchange\":\"binance\",\"symbol\":\"BTCUSDT\","
                     "\"source\":\"rest\",\"interval\":\"1m\",\"open_time\":%" PRId64
                     ",\"close_time\":%" PRId64 ",\"open\":%" PRId64
                     ".10000000,\"high\":%" PRId64 ".90000000,\"low\":42000.00000000,"
                     "\"close\":42001.5,\"volume\":12.345,\"number_of_trades\":%" PRId64
                     ",\"closed\":true,\"version\":9007199254740991}",
                     open_time, open_time, open_time + 59999, 42000 + i % 1000,
                     43000 + i % 1000, i % 5000);

    *ret_key_len = sizeof("BTCUSDT_1m_1700000000000") - 1;
    return n > 0 ? (size_t)n : 0;
}

static void on_soon(void *arg)
{
    struct bench *b = arg;
    char doc[512];

    for (int k = 0; k < BURST && b->put < b->want; k++) {
        size_t key_len, n = candle(doc, sizeof(doc), b->put, &key_len);

        if (sf_arango_put(b->w, sf_str_make(doc + 9, key_len), sf_str_make(doc, n),
                          (uint64_t)b->put) != SF_OK)
            return; /* on_room sets the timer again */
        b->put++;
    }
    if (b->put < b->want)
        sf_timer_set(b->soon, 0, 0);
    else
        sf_arango_writer_flush(b->w);
}

static void on_room(void *arg)
{
    struct bench *b = arg;

    sf_timer_set(b->soon, 0, 0);
}

static void on_away(void *arg, bool is_away, const struct sf_error *why)
{
    (void)arg;
    (void)fprintf(stderr, "%s\n", is_away ? why->text : "back");
}

static enum sf_status open_writer(struct bench *b, struct sf_arango *a,
                                  struct sf_error *err)
{
    const struct sf_arango_writer_opts opts = {
        .collection = "bench",
        .version_attribute = "version",
        .lanes = 4,
        .batch_docs = 4000,
        .batch_bytes = (size_t)1 << 20,
        .batch_age_ms = 100,
        .fn = on_result,
        .on_room = on_room,
        .on_away = on_away,
        .on_fatal = on_fatal,
        .arg = b,
    };
    enum sf_status status = sf_arango_ensure_database(a, err);

    if (status == SF_OK)
        status = sf_arango_ensure_collection(a, "bench", NULL, 0, err);
    if (status == SF_OK)
        status = sf_arango_writer_create(a, &opts, &b->w, err);
    return status;
}

static int64_t cpu_us(const struct rusage *use)
{
    return (use->ru_utime.tv_sec + use->ru_stime.tv_sec) * INT64_C(1000000) +
           use->ru_utime.tv_usec + use->ru_stime.tv_usec;
}

static void report(const struct bench *b, int64_t took_us, const struct rusage *before)
{
    struct rusage after;
    int64_t used_us;

    (void)getrusage(RUSAGE_SELF, &after);
    used_us = cpu_us(&after) - cpu_us(before);
    (void)printf("documents=%" PRId64 " refused=%" PRId64 " seconds=%" PRId64
                 ".%03" PRId64 " documents_per_s=%" PRId64 " cpu_ns_per_document=%" PRId64
                 " documents_per_cpu_s=%" PRId64 " max_rss_kb=%ld\n",
                 b->told, b->refused, took_us / 1000000, took_us / 1000 % 1000,
                 b->told * 1000000 / took_us, used_us * 1000 / b->told,
                 b->told * 1000000 / used_us, after.ru_maxrss);
}

int main(int argc, char **argv)
{
    char empty[] = "", name[] = "bench", user[] = "root";
    struct sf_conf conf = { .arango_url = argc > 1 ? argv[1] : empty,
                            .arango_db = name,
                            .arango_user = user,
                            .arango_password = empty,
                            .arango_ca_path = empty,
                            .arango_lanes = 4,
                            .arango_create = 1,
                            .arango_timeout_ms = 30000 };
    struct bench b = { .want = DOCUMENTS };
    struct sf_arango *a = NULL;
    struct sf_error err = { 0 };
    struct rusage before;
    int64_t begin_us;
    enum sf_status status;

    if (argc > 2 && sf_str_to_i64(sf_str_from(argv[2]), &b.want) != SF_OK) {
        (void)fprintf(stderr, "arango_put: '%s' is not a number\n", argv[2]);
        return 2;
    }
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    status = sf_loop_create(&b.loop, &err);
    if (status == SF_OK)
        status = sf_arango_create(b.loop, &conf, &a, &err);
    if (status == SF_OK)
        status = sf_timer_create(b.loop, on_soon, &b, &b.soon);
    if (status == SF_OK)
        status = open_writer(&b, a, &err);
    if (status == SF_OK && b.want > 0) {
        (void)getrusage(RUSAGE_SELF, &before);
        begin_us = sf_mono_us();
        sf_timer_set(b.soon, 0, 0);
        while (!b.is_done)
            (void)sf_loop_run_until(b.loop, &b.is_done, SLICE_MS);
        report(&b, sf_mono_us() - begin_us, &before);
        err = b.fatal;
    }
    if (err.status != SF_OK)
        (void)fprintf(stderr, "arango_put: %s\n", err.text);
    sf_arango_writer_destroy(b.w);
    sf_arango_destroy(a);
    sf_timer_destroy(b.soon);
    sf_loop_destroy(b.loop);
    return err.status == SF_OK ? 0 : 1;
}
