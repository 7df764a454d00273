/* loader-ws-trades: live trades, or aggregate trades, of one symbol or many, to a Kafka
 * topic, without a hole.
 *
 * Everything loaders have in common is sf_loader_main(); streams, order and repair are
 * libsf's live trades. This file says which of them. */

#include <sf/loader.h>

static const struct sf_loader_spec spec = {
    .image = "loader-ws-trades",
    .what = "live trades, repaired by REST, to a Kafka topic",
    .scopes = SF_SCOPE_REST | SF_SCOPE_LIVE,
    .source = &sf_source_trades_live,
};

int main(int argc, char **argv)
{
    return sf_loader_main(&spec, argc, argv);
}
