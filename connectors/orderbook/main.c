/* arango-orderbook: snapshots, deltas and resets of order books from a queue's topic into
 * ArangoDB.
 *
 * Everything connectors have in common is sf_connector_main(). This file says what is
 * different: the index that finds the snapshot before a moment, and the one that finds
 * the deltas behind it (docs/QUERIES.md has the query). */

#include <sf/connector.h>

static const char *const by_time[] = { "symbol", "event", "timestamp", NULL };
static const char *const by_id[] = { "symbol", "event", "last_update_id", NULL };

static const struct sf_arango_index indexes[] = {
    { .fields = by_time },
    { .fields = by_id },
};

static const struct sf_connector_spec spec = {
    .image = "arango-orderbook",
    .what = "order books from a queue's topic into ArangoDB",
    .indexes = indexes,
    .indexes_n = sizeof(indexes) / sizeof(indexes[0]),
};

int main(int argc, char **argv)
{
    return sf_connector_main(&spec, argc, argv);
}
