/* loader-ws-candles: live candles of one symbol or many, to a Kafka topic: closed ones
 * without a hole, running ones when they are asked for.
 *
 * Everything loaders have in common is sf_loader_main(); streams, order and repair are
 * libsf's live candles. This file says which of them. */

#include <sf/loader.h>

static const struct sf_loader_spec spec = {
    .image = "loader-ws-candles",
    .what = "live candles, repaired by REST, to a Kafka topic",
    .scopes = SF_SCOPE_REST | SF_SCOPE_LIVE | SF_SCOPE_CANDLES,
    .source = &sf_source_candles_live,
};

int main(int argc, char **argv)
{
    return sf_loader_main(&spec, argc, argv);
}
