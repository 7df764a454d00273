/* arango-candles: candles from a queue's topic into ArangoDB.
 *
 * Everything connectors have in common is sf_connector_main(). This file says what is
 * different: the index, and that a closed candle is never replaced by an older running
 * one (versionAttribute). */

#include <sf/connector.h>

static const char *const open_time[] = { "open_time", NULL };

static const struct sf_arango_index indexes[] = {
    { .fields = open_time },
};

static const struct sf_connector_spec spec = {
    .image = "arango-candles",
    .what = "candles from a queue's topic into ArangoDB",
    .version_attribute = "version",
    .indexes = indexes,
    .indexes_n = sizeof(indexes) / sizeof(indexes[0]),
};

int main(int argc, char **argv)
{
    return sf_connector_main(&spec, argc, argv);
}
