/* loader-ws-orderbook: live order books of one symbol or many, to a Kafka topic: a
 * snapshot, then diffs in sequence.
 *
 * Everything loaders have in common is sf_loader_main(); streams, join, audit are libsf's
 * live books. This file says which of them. */

#include <sf/loader.h>

static const struct sf_loader_spec spec = {
    .image = "loader-ws-orderbook",
    .what = "live order books, snapshot and diffs in sequence, to a Kafka topic",
    .scopes = SF_SCOPE_REST | SF_SCOPE_LIVE | SF_SCOPE_BOOKS,
    .source = &sf_source_books_live,
};

int main(int argc, char **argv)
{
    return sf_loader_main(&spec, argc, argv);
}
