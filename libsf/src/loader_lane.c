/* The symbols of a queue: where each of them stands, found by a table, as there may be
 * 1024 of them. */
#include "loader_internal.h"

#include <stdlib.h>
#include <string.h>

struct lane *sf_loader_lane(const struct sf_loader *l, struct sf_str symbol)
{
    for (size_t at = (size_t)sf_str_hash(symbol) & l->table_mask; l->table[at] != 0;
         at = (at + 1) & l->table_mask)
        if (sf_str_eq(l->lanes[l->table[at] - 1].symbol, symbol))
            return &l->lanes[l->table[at] - 1];
    return NULL;
}

uint64_t *sf_loader_said(const struct sf_loader *l, int32_t partition, const char *name)
{
    struct said *said = &l->said[partition];

    if (strcmp(name, SF_CONTROL_COVERAGE) == 0)
        return &said->coverage;
    if (strcmp(name, SF_CONTROL_GAP) == 0)
        return &said->gap;
    if (strcmp(name, SF_CONTROL_POS) == 0)
        return &said->pos;
    return strcmp(name, SF_CONTROL_END) == 0 ? &said->end : NULL;
}

static void add_lane(struct sf_loader *l, struct sf_str symbol)
{
    size_t at = (size_t)sf_str_hash(symbol) & l->table_mask;
    struct lane *lane = &l->lanes[l->lanes_n++];

    while (l->table[at] != 0)
        at = (at + 1) & l->table_mask;
    l->table[at] = (uint32_t)l->lanes_n;
    lane->symbol = symbol;
    lane->partition = (int32_t)(sf_str_hash(symbol) % (uint64_t)l->partitions);
    lane->position = lane->first = lane->covered_from = -1;
    lane->past = (struct sf_loader_past){ .first = -1, .last = -1, .last_ms = -1 };
    lane->late_gap_records = -1;
}

enum sf_status sf_loader_make_lanes(struct sf_loader *l)
{
    size_t n = l->program.conf.symbols_n, size = 2;

    while (size < 2 * n)
        size *= 2;
    l->lanes = calloc(n, sizeof(*l->lanes));
    l->table = calloc(size, sizeof(*l->table));
    l->table_mask = size - 1;
    l->said = calloc((size_t)l->partitions, sizeof(*l->said));
    if (!l->lanes || !l->table || !l->said)
        return sf_error_set(&l->program.failure, SF_ENOMEM, "no memory for %zu symbols",
                            n);
    for (size_t i = 0; i < n; i++)
        add_lane(l, sf_str_from(l->program.conf.symbols[i]));
    return SF_OK;
}

void sf_loader_complete(struct sf_loader *l)
{
    struct sf_end end = {
        .records = l->put, .first = -1, .last = -1, .listed_from = -1, .cut_to = -1
    };

    for (size_t i = 0; i < l->lanes_n; i++) {
        const struct lane *lane = &l->lanes[i];
        int64_t first = lane->past.records > 0 ? lane->past.first : lane->first;

        end.records += lane->past.records;
        if (first >= 0 && (end.first < 0 || first < end.first))
            end.first = first;
        if (lane->position > end.last)
            end.last = lane->position;
    }
    sf_loader_finish(l, &end);
}

void sf_loader_say_why(struct sf_loader *l, enum sf_status status)
{
    const struct sf_error *fatal = sf_producer_fatal(l->program.producer);
    struct sf_error err = { 0 };

    if (status == SF_EFATAL && fatal)
        sf_program_fail(&l->program, fatal);
    if (status != SF_ENOTFOUND)
        return;
    (void)sf_error_set(&err, status, "Kafka: record for %s lost: the topic was deleted",
                       l->program.conf.topic);
    sf_program_fail(&l->program, &err);
}
