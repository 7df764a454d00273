/* Counters, gauges and histograms in the Prometheus text format.
 *
 * Fixed set, declared by the table in metrics.c (name, kind, help): labels stay few,
 * nothing is allocated per event. Setting is lock-free from any thread (relaxed atomics);
 * printing reads a consistent value per sample, not across samples. Format:
 * prometheus.io, "Exposition formats", text 0.0.4. */
#ifndef SF_METRICS_H
#define SF_METRICS_H

#include <sf/buf.h>

enum sf_metric {
    SF_M_RECORDS_SENT,    /* records_sent_total */
    SF_M_RECORDS_WRITTEN, /* records_written_total */
    SF_M_UPSERTS,         /* collection_upserts_total */
    SF_M_DUPLICATES,      /* duplicates_total: dropped rows and records of a lower run */
    SF_M_BAD_INPUT,       /* bad_input_total */
    SF_M_DEAD_LETTERS,    /* dead_letters_total */
    SF_M_GAPS,            /* gaps_total */
    SF_M_GAP_RECORDS,     /* gap_records_total: records known missing */
    SF_M_BOOK_RESYNCS,    /* book_resyncs_total: a book was void, a snapshot follows */
    SF_M_BOOK_AUDITS,     /* book_audits_total: comparisons with REST */
    SF_M_BOOK_DIFFER,     /* book_levels_differing_total: found by them */
    SF_M_REQUESTS,        /* requests_total: REST requests answered */
    SF_M_REQUEST_RETRIES, /* request_retries_total */
    SF_M_RATE_WAITS,      /* rate_limit_waits_total */
    SF_M_USED_WEIGHT,     /* used_weight */
    SF_M_LAST_OFFSET,     /* last_kafka_offset */
    SF_M_LAG,             /* consumer_lag_records */
    SF_M_QUEUE_FILL,      /* queue_fill_records: waiting in our queues */
    SF_M_LOADING_SECONDS, /* loading_duration_seconds: since started */
    SF_M_EVENT_AGE_SECONDS,  /* event_age_seconds: now minus the last record's event time,
                                0 without one; made when it is printed */
    SF_M_LAST_EVENT_SECONDS, /* last_event_timestamp_seconds */
    SF_M_UP,                 /* 1 while the program's counterparts answer */
    SF_M_N,
};

enum sf_histogram {
    SF_H_CONSUME_LATENCY, /* consume_latency_seconds: record in topic to document stored
                           */
    SF_H_REQUEST_SECONDS, /* request_duration_seconds */
    SF_H_BATCH_DOCS,      /* batch_size_documents */
    SF_H_BATCH_BYTES,     /* batch_size_bytes */
    SF_H_N,
};

void sf_metric_add(enum sf_metric m, int64_t n); /* counters */
void sf_metric_set(enum sf_metric m, int64_t n); /* gauges */
int64_t sf_metric_get(enum sf_metric m);

/* Observe a value in the histogram's base unit times 1e6 (us for seconds, 1e-6 for plain
 * numbers): integers, so that the record path needs no floating point. */
void sf_histogram_observe(enum sf_histogram h, int64_t micro);

/* All samples with the constant labels queue_id and symbol. Unused ones are printed too.
 */
void sf_metrics_print(struct sf_buf *b, struct sf_str queue_id, struct sf_str symbol);

/* Back to zero; tests only. */
void sf_metrics_reset(void);

#endif
