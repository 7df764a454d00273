/* What loader.c and loader_resume.c share. */
#ifndef LOADER_INTERNAL_H
#define LOADER_INTERNAL_H

#include "program.h"
#include "spool.h"
#include "tape.h"

#include <sf/loader.h>

/* One symbol of the queue. */
struct lane {
    struct sf_str symbol;
    int32_t partition;
    int64_t position; /* last put, -1 none */
    int64_t first;    /* first put by this instance, -1 none */
    int64_t put;      /* records, by this instance */
    struct sf_loader_past past;
    int64_t
        covered_from; /* while walking: the ledger's coverage begins here, -1 unknown */
    bool is_in_pos;   /* while walking: an sf-pos record names it */
    int64_t late_gap_records; /* while walking: of a gap not yet followed by a record, -1
                                 none */
};

/* A control record that found the queue full; kept in order. */
struct waiting {
    struct waiting *next;
    int32_t partition;
    const char *name;
    struct sf_str key; /* of a lane: outlives this */
    char *json;
};

/* The last control records of a partition, by hash of their JSON; 0: none behind the last
 * data record, and an end only where nothing stands behind it. */
struct said {
    uint64_t coverage, gap, pos, end;
};

struct sf_loader {
    struct sf_program program;
    const struct sf_loader_spec *spec;
    struct sf_topic *topic;
    int32_t partitions;
    struct lane *lanes;
    size_t lanes_n;
    struct said *said; /* by partition: what earlier runs wrote last */
    bool has_news;     /* this instance has written something */
    uint32_t *table;   /* by hash of the symbol: index of its lane + 1, 0 free */
    size_t table_mask;
    int64_t run;
    int64_t put; /* records given to the producer by this instance */
    int64_t put_bytes;
    struct waiting *first, **last; /* control records without room */
    size_t waiting_bytes;
    struct sf_timer *position_timer, *until_timer;
    void *state; /* of the source; NULL: not open */
    bool is_open;
    struct sf_buf progress; /* of the source, when it is closed */
    bool is_full;           /* a record found no room, and there is none yet */
    struct sf_tape tape;
    struct spooling *spooling; /* NULL: there is no spool */
    struct sf_end end;         /* of sf_loader_finish */
    int64_t gap_told_us, gaps;
};

/* One lane for each symbol of the queue. Errors (into l->program.failure): SF_ENOMEM. */
enum sf_status sf_loader_make_lanes(struct sf_loader *l);
/* Where the hash of control record @name is kept; NULL: of no such. */
uint64_t *sf_loader_said(const struct sf_loader *l, int32_t partition, const char *name);
/* A record was refused for good with @status: end with the reason, which the source does
 * not know. The first failure is what is told. */
void sf_loader_say_why(struct sf_loader *l, enum sf_status status);
/* The lane of a symbol of this queue, or NULL. */
struct lane *sf_loader_lane(const struct sf_loader *l, struct sf_str symbol);

/* Read what earlier runs left in the topic: fills each lane's past and position, and
 * l->run. Errors (into l->program.failure): as sf_kafka_walk. */
enum sf_status sf_loader_walk(struct sf_loader *l);

/* The queue is complete where it stands now: sf_loader_finish with all that was put. */
void sf_loader_complete(struct sf_loader *l);

/* loader_spool.c: after the walk; takes what an earlier process left. */
enum sf_status sf_spooling_open(struct sf_loader *l);
void sf_spooling_close(struct sf_loader *l); /* before the producer; NULL is fine */
/* To the producer, or to the disk. Errors: as of sf_loader_put. */
enum sf_status sf_spooling_put(struct sf_loader *l, const struct spool_entry *entry);
/* The producer has room: true when the spool is empty, too. */
bool sf_spooling_drain(struct sf_loader *l);
bool sf_spooling_is_drained(const struct sf_loader *l);
/* Records of this process that are on the disk only. */
int64_t sf_spooling_left(const struct sf_loader *l);

/* loader_tape.c: open what the settings name; what a tape says that its run knew at its
 * begin is known to this one, too. Errors (into l->program.failure): SF_EINVAL, SF_EPROTO
 * the tape; SF_ENOMEM. */
enum sf_status sf_loader_open_tape(struct sf_loader *l);
void sf_loader_close_tape(struct sf_loader *l);

#endif
