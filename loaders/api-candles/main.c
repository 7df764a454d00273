/* loader-api-candles: the candles of a range, by REST, to a Kafka topic.
 *
 * Everything loaders have in common is sf_loader_main(); walking a range of candles, with
 * its windows, holes and resume, is libsf's candles history. This file says which of
 * them. */

#include <sf/loader.h>

static const struct sf_loader_spec spec = {
    .image = "loader-api-candles",
    .what = "candles of a time range, by REST, to a Kafka topic",
    .scopes = SF_SCOPE_REST | SF_SCOPE_HISTORY,
    .source = &sf_source_candles_history,
};

int main(int argc, char **argv)
{
    return sf_loader_main(&spec, argc, argv);
}
