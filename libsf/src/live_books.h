/* What live_books.c (streams, join, life), live_book_asks.c (snapshots by REST) and
 * live_book_audit.c (the kept book: its best levels, its comparison with REST) share. */
#ifndef LIVE_BOOKS_H
#define LIVE_BOOKS_H

#include "book_out.h"
#include "live.h"

#include <sf/dec.h>
#include <sf/rest.h>

struct live_books;

/* One symbol of the queue. */
struct live_book {
    struct live_books *b;
    struct sf_str symbol;
    struct book_out out;
    struct sf_join join;
    struct sf_book *kept; /* NULL: not kept */
    struct sf_timer *ask_timer;
    bool is_up, is_asked, is_refused;
    bool is_void;       /* a reset stands behind what was published, or nothing does */
    unsigned useless_n; /* answers in a row that were of no use: the next one waits */
    unsigned old_n;     /* answers in a row that were older than what was published */
    const char *cause;  /* of the next reset and gap */
    int64_t broken_us;  /* mono: since when it is void */
    int64_t joined_us;  /* mono: when the last snapshot joined */
    int64_t last_id, last_ms; /* published: update id, and the highest timestamp; -1 */
    int64_t first_id;         /* where the ledger's coverage begins, -1 */
    int64_t covered;          /* id up to which coverage was told */
    int64_t top_id;           /* last_id when its best levels were published */
    int64_t top_slot, audit_slot; /* intervals that its last diff was in, -1 */
    int64_t diff_us;              /* mono: of its last diff */
    /* prices up to which the kept book is known: those of the snapshot; empty: all */
    char limit[SF_SIDES][SF_DEC_MAX + 1];
};

/* A comparison with REST; one symbol at a time. */
struct audit {
    struct live_book *book; /* NULL: none at work */
    struct sf_join join;    /* of the snapshot that is compared */
    struct sf_book *shadow;
    bool has_snapshot;
    int64_t begun_ms; /* by the events' clock */
    char limit[SF_SIDES][SF_DEC_MAX + 1];
};

struct live_books {
    struct sf_loader *l;
    const struct sf_conf *conf;
    const struct sf_exchange *exchange;
    struct sf_rest *rest;
    struct sf_live *live;
    struct sf_timer *coverage_timer, *top_timer;
    struct sf_buf record;          /* scratch */
    struct sf_buf sides[SF_SIDES]; /* scratch: levels that are printed */
    struct live_book *books;
    size_t books_n;
    struct audit audit;
    char ledger_kind[SF_NAME_MAX + 1];
    bool is_closing;
    int64_t bad_told_us, resyncs, audits, differ;
};

/* live_books.c */
/* Publish an event of a book; false: the loader has failed. */
bool live_book_put(struct live_book *k, const char *source,
                   const struct sf_book_event *event);
/* A snapshot whose ids joined: publish it and what was held. */
void live_book_joined(struct live_book *k, const struct sf_depth *snapshot);
/* Publish what is held and may be now. */
void live_book_go(struct live_book *k);
/* What was published is void from here on; ask for a snapshot when the symbol is up. */
void live_book_break(struct live_book *k, const char *cause);
void live_books_fail(struct live_books *b, const struct live_book *k,
                     const struct sf_error *cause);

/* live_book_asks.c */
/* Ask for a snapshot in @after_ms, unless one is under way. */
void live_book_ask(struct live_book *k, int64_t after_ms);
/* The last answer was of no use: ask again after a wait that grows. */
void live_book_ask_again(struct live_book *k);
void live_book_on_ask(void *arg);

/* live_book_audit.c */
enum sf_status live_audit_open(struct live_books *b, struct sf_error *err) SF_MUST_CHECK;
void live_audit_close(struct live_books *b);
/* A diff of @time_ms follows, or (-1) the book breaks: publish what the interval before
 * ended with. False: the loader has failed. */
bool live_book_top(struct live_book *k, int64_t time_ms);
/* @diff was seen for @k, and the book is where the stream is. */
void live_audit_diff(struct live_book *k, const struct sf_depth *diff);
/* The book is void: a comparison of it ends. */
void live_audit_drop(struct live_book *k);
/* Remember the worst prices of a snapshot that was cut at its number of levels. */
void live_book_limits(const struct live_books *b, const struct sf_depth *snapshot,
                      char limit[SF_SIDES][SF_DEC_MAX + 1]);

#endif
