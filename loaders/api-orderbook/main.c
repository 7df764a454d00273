/* loader-api-orderbook: order books as a whole, by REST, to a Kafka topic.
 *
 * Everything loaders have in common is sf_loader_main(); asking for a snapshot of each
 * symbol every SNAPSHOT_EVERY is libsf's book snapshots. This file says which of them. */

#include <sf/loader.h>

static const struct sf_loader_spec spec = {
    .image = "loader-api-orderbook",
    .what = "order books at an interval, by REST, to a Kafka topic",
    .scopes = SF_SCOPE_REST | SF_SCOPE_SNAPSHOTS,
    .source = &sf_source_book_snapshots,
};

int main(int argc, char **argv)
{
    return sf_loader_main(&spec, argc, argv);
}
