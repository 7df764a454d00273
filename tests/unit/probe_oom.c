/* A loader or connector whose n-th allocation fails: probe_oom PROGRAM N. What it does
 * comes from the environment, as for the program. Last line of stdout: how many
 * allocations there were, at most N + 1. */
#include "oom.h"

#include <sf/connector.h>
#include <sf/loader.h>

#include <stdio.h>
#include <string.h>

static const struct sf_loader_spec loaders[] = {
    { "loader-api-candles", "", SF_SCOPE_REST | SF_SCOPE_HISTORY,
      &sf_source_candles_history },
    { "loader-api-trades", "", SF_SCOPE_REST | SF_SCOPE_HISTORY,
      &sf_source_trades_history },
    { "loader-api-orderbook", "", SF_SCOPE_REST | SF_SCOPE_SNAPSHOTS,
      &sf_source_book_snapshots },
    { "loader-ws-trades", "", SF_SCOPE_REST | SF_SCOPE_LIVE, &sf_source_trades_live },
    { "loader-ws-candles", "", SF_SCOPE_REST | SF_SCOPE_LIVE | SF_SCOPE_CANDLES,
      &sf_source_candles_live },
    { "loader-ws-orderbook", "", SF_SCOPE_REST | SF_SCOPE_LIVE | SF_SCOPE_BOOKS,
      &sf_source_books_live },
};
static const struct sf_connector_spec connectors[] = {
    { .image = "arango-candles", .what = "", .version_attribute = "version" },
    { .image = "arango-trades", .what = "" },
    { .image = "arango-orderbook", .what = "" },
};

static int run(const char *name, char **argv)
{
    for (size_t i = 0; i < sizeof(loaders) / sizeof(loaders[0]); i++)
        if (strcmp(loaders[i].image, name) == 0)
            return sf_loader_main(&loaders[i], 1, argv);
    for (size_t i = 0; i < sizeof(connectors) / sizeof(connectors[0]); i++)
        if (strcmp(connectors[i].image, name) == 0)
            return sf_connector_main(&connectors[i], 1, argv);
    return 2;
}

int main(int argc, char **argv)
{
    int64_t n;
    int rc;

    if (argc != 3 || sf_str_to_i64(sf_str_from(argv[2]), &n) != SF_OK || n > INT32_MAX) {
        (void)fprintf(stderr, "usage: probe_oom PROGRAM N\n");
        return 2;
    }
    oom_fail_at((int)n);
    rc = run(argv[1], argv);
    (void)printf("allocations=%lld\n", (long long)(n - oom_left()));
    return rc;
}
