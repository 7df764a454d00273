#include <sf/types.h>

/* clang-format off */
const struct sf_type sf_types[] = {
    /* name            interval range  loader                  connector           kind               available */
    { "api_candles",   true,  true,  "loader-api-candles",   "arango-candles",    SF_KIND_CANDLES,   true,
      "history by REST klines" },
    { "ws_candles",    true,  false, "loader-ws-candles",    "arango-candles",    SF_KIND_CANDLES,   true,
      "live klines" },
    { "api_trades",    false, true,  "loader-api-trades",    "arango-trades",     SF_KIND_TRADES,    true,
      "history by REST" },
    { "ws_trades",     false, false, "loader-ws-trades",     "arango-trades",     SF_KIND_TRADES,    true,
      "live trades" },
    { "api_agg_trades", false, true, "loader-api-trades",    "arango-trades",     SF_KIND_AGG_TRADES, true,
      "history of aggregate trades by REST" },
    { "ws_agg_trades", false, false, "loader-ws-trades",     "arango-trades",     SF_KIND_AGG_TRADES, true,
      "live aggregate trades" },
    { "api_orderbook", false, false, "loader-api-orderbook", "arango-orderbook",  SF_KIND_ORDERBOOK, true,
      "REST depth snapshots" },
    { "ws_orderbook",  false, false, "loader-ws-orderbook",  "arango-orderbook",  SF_KIND_ORDERBOOK, true,
      "snapshot and diffs, in sequence" },
    { "graph_build",   false, false, NULL,                   "arango-graph-prep", SF_KIND_GRAPH,     false,
      "vertices and edges from the topics of candles or trades" },
    { "graph_rsi_vol", false, false, NULL,                   "arango-graph-prep", SF_KIND_GRAPH,     false,
      "the same from candles, with RSI and volatility" },
    { "manual_upload", false, false, "loader-generic",       "arango-generic",    SF_KIND_GENERIC,   false,
      "a file of JSON or CSV records" },
    { "json_feed",     false, false, "loader-generic",       "arango-generic",    SF_KIND_GENERIC,   false,
      "a JSON feed by HTTP, WebSocket or stdin" },
    { .name = NULL },
};
/* clang-format on */

const char *sf_kind_name(enum sf_kind kind)
{
    static const char *const names[] = {
        [SF_KIND_CANDLES] = "candles",       [SF_KIND_TRADES] = "trades",
        [SF_KIND_AGG_TRADES] = "agg_trades", [SF_KIND_ORDERBOOK] = "orderbook",
        [SF_KIND_GRAPH] = "graph",           [SF_KIND_GENERIC] = "generic",
    };

    return names[kind];
}

/* ------------------------------------------------------------------------- parsing */

const char *sf_nearest(struct sf_str given, const char *const *names)
{
    unsigned allowed = given.len >= 8 ? 3 : 2;
    unsigned best = allowed + 1;
    const char *nearest = NULL;

    for (; *names; names++) {
        unsigned distance = sf_str_distance(given, sf_str_from(*names));

        if (distance < best) {
            best = distance;
            nearest = *names;
        }
    }
    return nearest;
}

/* Every TYPE with every interval; the last row makes room for the end. */
#define VALUES_MAX (sizeof(sf_types) / sizeof(sf_types[0]) * SF_INTERVAL_N)
#define VALUE_SIZE 24

static void full_value(char *value, const struct sf_type *t, const struct sf_interval *iv)
{
    struct sf_buf b = { .p = value, .cap = VALUE_SIZE - 1, .max = VALUE_SIZE - 1 };

    sf_buf_add_str(&b, sf_str_from(t->name));
    if (t->has_interval) {
        sf_buf_add_char(&b, '_');
        sf_buf_add_str(&b, sf_str_from(iv->name));
    }
    value[b.len] = '\0';
}

/* Every full TYPE, for "did you mean". */
static void all_values(char (*values)[VALUE_SIZE], const char **pointers)
{
    size_t n = 0;

    for (const struct sf_type *t = sf_types; t->name; t++) {
        const struct sf_interval *iv = sf_intervals;

        do {
            full_value(values[n], t, iv);
            pointers[n] = values[n];
            n++;
        } while (t->has_interval && (++iv)->name);
    }
    pointers[n] = NULL;
}

static void add_allowed(struct sf_buf *b)
{
    for (const struct sf_type *t = sf_types; t->name; t++)
        sf_buf_addf(b, "%s%s%s", t == sf_types ? "" : " ", t->name,
                    t->has_interval ? "_<i>" : "");
    sf_buf_add_lit(b, " with <i> one of");
    for (const struct sf_interval *iv = sf_intervals; iv->name; iv++)
        sf_buf_addf(b, " %s", iv->name);
}

static enum sf_status unknown(struct sf_str text, struct sf_error *err)
{
    char values[VALUES_MAX][VALUE_SIZE];
    const char *pointers[VALUES_MAX];
    char expected[sizeof(err->text)];
    struct sf_buf b = { .p = expected,
                        .cap = sizeof(expected) - 1,
                        .max = sizeof(expected) - 1 };
    const char *nearest;

    all_values(values, pointers);
    nearest = sf_nearest(text, pointers);
    add_allowed(&b);
    if (nearest)
        sf_buf_addf(&b, "; did you mean %s?", nearest);
    return sf_error_set(err, SF_EINVAL, "expected %s", sf_buf_cstr(&b));
}

enum sf_status sf_type_parse(struct sf_str text, struct sf_type_ref *ret_ref,
                             struct sf_error *err)
{
    for (const struct sf_type *t = sf_types; t->name; t++) {
        struct sf_str name = sf_str_from(t->name);
        const struct sf_interval *iv = NULL;

        if (!t->has_interval && sf_str_eq(text, name)) {
            *ret_ref = (struct sf_type_ref){ t, NULL };
            return SF_OK;
        }
        if (!t->has_interval || !sf_str_starts(text, name) || text.len <= name.len + 1 ||
            text.p[name.len] != '_')
            continue;
        iv = sf_interval_find(
            (struct sf_str){ text.p + name.len + 1, text.len - name.len - 1 });
        if (iv) {
            *ret_ref = (struct sf_type_ref){ t, iv };
            return SF_OK;
        }
    }
    return unknown(text, err);
}

bool sf_type_takes_range(const struct sf_type *type)
{
    return type->has_range || type->kind == SF_KIND_GRAPH ||
           type->kind == SF_KIND_GENERIC;
}

bool sf_type_has_image(const struct sf_type *type, struct sf_str image)
{
    return (type->loader && sf_str_eq(image, sf_str_from(type->loader))) ||
           (type->connector && sf_str_eq(image, sf_str_from(type->connector)));
}

bool sf_type_is_image(struct sf_str image)
{
    for (const struct sf_type *t = sf_types; t->name; t++)
        if (sf_type_has_image(t, image))
            return true;
    return false;
}

void sf_types_print(struct sf_buf *b)
{
    sf_buf_add_lit(
        b,
        "# TYPEs\n\nPrinted from the registry (`libsf/src/types.c`) by `make docs`.\n\n"
        "| TYPE | loader image | connector image | kind | what | programs |\n"
        "|---|---|---|---|---|---|\n");
    for (const struct sf_type *t = sf_types; t->name; t++)
        sf_buf_addf(b, "| `%s%s` | %s%s%s | `%s` | %s | %s | %s |\n", t->name,
                    t->has_interval ? "_<i>" : "", t->loader ? "`" : "",
                    t->loader ? t->loader : "(reads other queues' topics)",
                    t->loader ? "`" : "", t->connector, sf_kind_name(t->kind), t->what,
                    t->is_available ? "yes" : "not in this version");
    sf_buf_add_lit(b, "\n`<i>` is one of");
    for (const struct sf_interval *iv = sf_intervals; iv->name; iv++)
        sf_buf_addf(b, " `%s`", iv->name);
    sf_buf_add_lit(b, ".\n");
}
