#include "exchange/exchanges.h"

static const struct sf_exchange *const exchanges[] = {
    &sf_exchange_binance,
};

#define EXCHANGES_N (sizeof(exchanges) / sizeof(exchanges[0]))

const struct sf_exchange *sf_exchange_find(struct sf_str name)
{
    for (size_t i = 0; i < EXCHANGES_N; i++)
        if (sf_str_eq(sf_str_from(exchanges[i]->name), name))
            return exchanges[i];
    return NULL;
}

const char *const *sf_exchange_names(void)
{
    static const char *const names[EXCHANGES_N + 1] = { "binance", NULL };

    return names;
}
