/* arango-trades: trades, or aggregate trades, from a queue's topic into ArangoDB.
 *
 * Everything connectors have in common is sf_connector_main(); the TYPE says which of the
 * two a record is. This file says what is different: the index by time. */

#include <sf/connector.h>

static const char *const timestamp[] = { "timestamp", NULL };

static const struct sf_arango_index indexes[] = {
    { .fields = timestamp },
};

static const struct sf_connector_spec spec = {
    .image = "arango-trades",
    .what = "trades from a queue's topic into ArangoDB",
    .indexes = indexes,
    .indexes_n = sizeof(indexes) / sizeof(indexes[0]),
};

int main(int argc, char **argv)
{
    return sf_connector_main(&spec, argc, argv);
}
