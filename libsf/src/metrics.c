/* The tables here are the metric set: a new metric is a row and an enum value. Values are
 * relaxed atomics; a scrape may see a counter of now beside one of a microsecond ago. */
#include <sf/metrics.h>
#include <sf/time.h>

#include <stdatomic.h>

enum kind { COUNTER, GAUGE };

static const struct {
    const char *name;
    enum kind kind;
    const char *help;
} metrics[SF_M_N] = {
    /* clang-format off */
    [SF_M_RECORDS_SENT]       = { "records_sent_total", COUNTER, "Records confirmed by Kafka." },
    [SF_M_RECORDS_WRITTEN]    = { "records_written_total", COUNTER, "Records confirmed by the database." },
    [SF_M_UPSERTS]            = { "collection_upserts_total", COUNTER, "Documents inserted or replaced." },
    [SF_M_DUPLICATES]         = { "duplicates_total", COUNTER, "Dropped rows and records of a lower run." },
    [SF_M_BAD_INPUT]          = { "bad_input_total", COUNTER, "Messages or rows refused as malformed." },
    [SF_M_DEAD_LETTERS]       = { "dead_letters_total", COUNTER, "Records sent to the dead-letter topic." },
    [SF_M_GAPS]               = { "gaps_total", COUNTER, "Gaps found, repaired or not." },
    [SF_M_GAP_RECORDS]        = { "gap_records_total", COUNTER, "Records known to be missing." },
    [SF_M_BOOK_RESYNCS]       = { "book_resyncs_total", COUNTER, "Order books that lost their sequence." },
    [SF_M_BOOK_AUDITS]        = { "book_audits_total", COUNTER, "Kept books compared with REST." },
    [SF_M_BOOK_DIFFER]        = { "book_levels_differing_total", COUNTER, "Levels found different by audits." },
    [SF_M_REQUESTS]           = { "requests_total", COUNTER, "REST requests answered." },
    [SF_M_REQUEST_RETRIES]    = { "request_retries_total", COUNTER, "REST requests sent again." },
    [SF_M_RATE_WAITS]         = { "rate_limit_waits_total", COUNTER, "Waits for the request budget." },
    [SF_M_USED_WEIGHT]        = { "used_weight", GAUGE, "Request weight used in the exchange's window." },
    [SF_M_LAST_OFFSET]        = { "last_kafka_offset", GAUGE, "Last offset produced or committed." },
    [SF_M_LAG]                = { "consumer_lag_records", GAUGE, "Records in the topic behind the committed offset." },
    [SF_M_QUEUE_FILL]         = { "queue_fill_records", GAUGE, "Records waiting in this program." },
    [SF_M_LOADING_SECONDS]    = { "loading_duration_seconds", GAUGE, "Seconds since started." },
    [SF_M_EVENT_AGE_SECONDS]  = { "event_age_seconds", GAUGE, "Now minus the last record's event time." },
    [SF_M_LAST_EVENT_SECONDS] = { "last_event_timestamp_seconds", GAUGE, "Event time of the last record." },
    [SF_M_UP]                 = { "counterparts_up", GAUGE, "1 while the counterparts answer." },
    /* clang-format on */
};

#define BUCKETS_MAX 12

static const struct {
    const char *name, *help;
    int64_t limits[BUCKETS_MAX]; /* micro units, ascending, 0 ends; +Inf is implied */
} histograms[SF_H_N] = {
    [SF_H_CONSUME_LATENCY] = { "consume_latency_seconds",
                               "Record in the topic to document stored.",
                               { 1000, 5000, 10000, 25000, 50000, 100000, 250000, 500000,
                                 1000000, 5000000, 30000000 } },
    [SF_H_REQUEST_SECONDS] = { "request_duration_seconds",
                               "Request sent to answer complete.",
                               { 1000, 5000, 10000, 25000, 50000, 100000, 250000, 500000,
                                 1000000, 5000000, 30000000 } },
    [SF_H_BATCH_DOCS] = { "batch_size_documents",
                          "Documents in one database request.",
                          { 1000000, 10000000, 50000000, 100000000, 250000000, 500000000,
                            1000000000, 2000000000, 5000000000 } },
    [SF_H_BATCH_BYTES] = { "batch_size_bytes",
                           "Bytes of one database request.",
                           { 1024000000, 4096000000, 16384000000, 65536000000,
                             262144000000, 524288000000, 1048576000000, 2097152000000,
                             4194304000000 } },
};

static _Atomic int64_t values[SF_M_N];
static struct {
    _Atomic int64_t counts[BUCKETS_MAX + 1]; /* not cumulative; the last is +Inf */
    _Atomic int64_t sum;                     /* micro units */
} observed[SF_H_N];

void sf_metric_add(enum sf_metric m, int64_t n)
{
    atomic_fetch_add_explicit(&values[m], n, memory_order_relaxed);
}

void sf_metric_set(enum sf_metric m, int64_t n)
{
    atomic_store_explicit(&values[m], n, memory_order_relaxed);
}

int64_t sf_metric_get(enum sf_metric m)
{
    return atomic_load_explicit(&values[m], memory_order_relaxed);
}

void sf_histogram_observe(enum sf_histogram h, int64_t micro)
{
    const int64_t *limits = histograms[h].limits;
    size_t i = 0;

    if (micro < 0)
        micro = 0; /* two machines' clocks may differ; a latency cannot be negative */
    while (i < BUCKETS_MAX && limits[i] != 0 && micro > limits[i])
        i++;
    if (i < BUCKETS_MAX && limits[i] == 0)
        i = BUCKETS_MAX;
    atomic_fetch_add_explicit(&observed[h].counts[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&observed[h].sum, micro, memory_order_relaxed);
}

/* Label values escape backslash, quote and line feed only ("Exposition formats"). */
static void add_label(struct sf_buf *b, const char *name, struct sf_str value)
{
    sf_buf_addf(b, "%s=\"", name);
    for (size_t i = 0; i < value.len; i++) {
        char c = value.p[i];

        if (c == '\n') {
            sf_buf_add_lit(b, "\\n");
            continue;
        }
        if (c == '"' || c == '\\')
            sf_buf_add_char(b, '\\');
        sf_buf_add_char(b, c);
    }
    sf_buf_add_char(b, '"');
}

static void add_labels(struct sf_buf *b, struct sf_str queue_id, struct sf_str symbol)
{
    add_label(b, "queue_id", queue_id);
    sf_buf_add_char(b, ',');
    add_label(b, "symbol", symbol);
}

/* A value in micro units as a decimal without trailing zeros: 2500 -> 0.0025. */
static void add_micro(struct sf_buf *b, int64_t micro)
{
    char digits[7];
    int n = 6;
    int64_t part = micro % 1000000;

    sf_buf_add_i64(b, micro / 1000000);
    if (part == 0)
        return;
    for (int i = 5; i >= 0; i--, part /= 10)
        digits[i] = (char)('0' + part % 10);
    while (digits[n - 1] == '0')
        n--;
    sf_buf_add_char(b, '.');
    sf_buf_add(b, digits, (size_t)n);
}

static void print_histogram(struct sf_buf *b, enum sf_histogram h, struct sf_str queue_id,
                            struct sf_str symbol)
{
    const char *name = histograms[h].name;
    int64_t total = 0;

    sf_buf_addf(b, "# HELP %s %s\n# TYPE %s histogram\n", name, histograms[h].help, name);
    for (size_t i = 0; i <= BUCKETS_MAX; i++) {
        int64_t limit = i < BUCKETS_MAX ? histograms[h].limits[i] : 0;

        if (i < BUCKETS_MAX && limit == 0)
            continue;
        total += atomic_load_explicit(&observed[h].counts[i], memory_order_relaxed);
        sf_buf_addf(b, "%s_bucket{", name);
        add_labels(b, queue_id, symbol);
        sf_buf_add_lit(b, ",le=\"");
        if (i < BUCKETS_MAX)
            add_micro(b, limit);
        else
            sf_buf_add_lit(b, "+Inf");
        sf_buf_add_lit(b, "\"} ");
        sf_buf_add_i64(b, total);
        sf_buf_add_char(b, '\n');
    }
    sf_buf_addf(b, "%s_sum{", name);
    add_labels(b, queue_id, symbol);
    sf_buf_add_lit(b, "} ");
    add_micro(b, atomic_load_explicit(&observed[h].sum, memory_order_relaxed));
    sf_buf_addf(b, "\n%s_count{", name);
    add_labels(b, queue_id, symbol);
    sf_buf_add_lit(b, "} ");
    sf_buf_add_i64(b, total); /* what the buckets say, so that both agree in one scrape */
    sf_buf_add_char(b, '\n');
}

void sf_metrics_print(struct sf_buf *b, struct sf_str queue_id, struct sf_str symbol)
{
    int64_t last_s = sf_metric_get(SF_M_LAST_EVENT_SECONDS);

    sf_metric_set(SF_M_EVENT_AGE_SECONDS,
                  last_s > 0 ? sf_time_now_ms() / 1000 - last_s : 0);
    for (int m = 0; m < SF_M_N; m++) {
        const char *name = metrics[m].name;

        sf_buf_addf(b, "# HELP %s %s\n# TYPE %s %s\n%s{", name, metrics[m].help, name,
                    metrics[m].kind == COUNTER ? "counter" : "gauge", name);
        add_labels(b, queue_id, symbol);
        sf_buf_add_lit(b, "} ");
        sf_buf_add_i64(b, sf_metric_get((enum sf_metric)m));
        sf_buf_add_char(b, '\n');
    }
    for (int h = 0; h < SF_H_N; h++)
        print_histogram(b, (enum sf_histogram)h, queue_id, symbol);
}

void sf_metrics_reset(void)
{
    for (int m = 0; m < SF_M_N; m++)
        sf_metric_set((enum sf_metric)m, 0);
    for (int h = 0; h < SF_H_N; h++) {
        for (int i = 0; i <= BUCKETS_MAX; i++)
            atomic_store_explicit(&observed[h].counts[i], 0, memory_order_relaxed);
        atomic_store_explicit(&observed[h].sum, 0, memory_order_relaxed);
    }
}
