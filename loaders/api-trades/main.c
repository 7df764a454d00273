/* loader-api-trades: the trades, or aggregate trades, of a range, by REST, to a Kafka
 * topic.
 *
 * Everything loaders have in common is sf_loader_main(); walking a range of ids is
 * libsf's trades history. This file says which of them. */

#include <sf/loader.h>

static const struct sf_loader_spec spec = {
    .image = "loader-api-trades",
    .what = "trades of a time range, by REST, to a Kafka topic",
    .scopes = SF_SCOPE_REST | SF_SCOPE_HISTORY,
    .source = &sf_source_trades_history,
};

int main(int argc, char **argv)
{
    return sf_loader_main(&spec, argc, argv);
}
