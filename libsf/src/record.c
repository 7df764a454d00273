/* Writing records, and the tables of what each kind holds. record_doc.c reads them. */
#include "record_internal.h"

/* clang-format off */
static const struct sf_field candle_fields[] = {
    { "interval",                     SF_FIELD_TEXT, true },
    { "open_time",                    SF_FIELD_INT,  true },
    { "close_time",                   SF_FIELD_INT,  true },
    { "open",                         SF_FIELD_DEC,  true },
    { "high",                         SF_FIELD_DEC,  true },
    { "low",                          SF_FIELD_DEC,  true },
    { "close",                        SF_FIELD_DEC,  true },
    { "volume",                       SF_FIELD_DEC,  true },
    { "quote_asset_volume",           SF_FIELD_DEC,  true },
    { "number_of_trades",             SF_FIELD_INT,  true },
    { "taker_buy_base_asset_volume",  SF_FIELD_DEC,  true },
    { "taker_buy_quote_asset_volume", SF_FIELD_DEC,  true },
    { "closed",                       SF_FIELD_BOOL, true },
    { "version",                      SF_FIELD_INT,  true },
    { .name = NULL },
};

static const struct sf_field trade_fields[] = {
    { "trade_id",       SF_FIELD_INT,  true },
    { "price",          SF_FIELD_DEC,  true },
    { "quantity",       SF_FIELD_DEC,  true },
    { "timestamp",      SF_FIELD_INT,  true },
    { "is_buyer_maker", SF_FIELD_BOOL, true },
    { .name = NULL },
};

static const struct sf_field agg_trade_fields[] = {
    { "agg_id",         SF_FIELD_INT,  true },
    { "first_trade_id", SF_FIELD_INT,  true },
    { "last_trade_id",  SF_FIELD_INT,  true },
    { "price",          SF_FIELD_DEC,  true },
    { "quantity",       SF_FIELD_DEC,  true },
    { "timestamp",      SF_FIELD_INT,  true },
    { "is_buyer_maker", SF_FIELD_BOOL, true },
    { .name = NULL },
};

static const struct sf_field orderbook_fields[] = {
    { "event",           SF_FIELD_TEXT,   true },
    { "timestamp",       SF_FIELD_INT,    true },
    { "first_update_id", SF_FIELD_INT,    false },
    { "last_update_id",  SF_FIELD_INT,    true },
    { "bids",            SF_FIELD_LEVELS, false },
    { "asks",            SF_FIELD_LEVELS, false },
    { "top",             SF_FIELD_INT,    false },
    { "part",            SF_FIELD_INT,    false },
    { "parts",           SF_FIELD_INT,    false },
    { "cause",           SF_FIELD_TEXT,   false },
    { .name = NULL },
};

static const struct sf_field no_fields[] = { { .name = NULL } };
/* clang-format on */

const struct sf_field *sf_record_fields(enum sf_kind kind)
{
    switch (kind) {
    case SF_KIND_CANDLES:
        return candle_fields;
    case SF_KIND_TRADES:
        return trade_fields;
    case SF_KIND_AGG_TRADES:
        return agg_trade_fields;
    case SF_KIND_ORDERBOOK:
        return orderbook_fields;
    case SF_KIND_GRAPH:
    case SF_KIND_GENERIC:
        break;
    }
    return no_fields;
}

bool sf_record_is_position(enum sf_kind kind, struct sf_str name)
{
    switch (kind) {
    case SF_KIND_CANDLES:
        return sf_str_eq(name, SF_STR("open_time"));
    case SF_KIND_TRADES:
        return sf_str_eq(name, SF_STR("trade_id"));
    case SF_KIND_AGG_TRADES:
        return sf_str_eq(name, SF_STR("agg_id"));
    case SF_KIND_ORDERBOOK:
        return sf_str_eq(name, SF_STR("last_update_id"));
    case SF_KIND_GRAPH:
    case SF_KIND_GENERIC:
        break;
    }
    return false;
}

void sf_record_add_text(struct sf_buf *b, struct sf_str quoted_name, struct sf_str text)
{
    sf_buf_add_str(b, quoted_name);
    sf_buf_add_str(b, text);
    sf_buf_add_char(b, '"');
}

void sf_record_add_common(struct sf_buf *b, const struct sf_record_common *c)
{
    ADD_TEXT(b, "exchange", c->exchange);
    ADD_TEXT(b, "symbol", c->symbol);
    ADD_TEXT(b, "source", c->source);
    ADD_INT(b, "run", c->run);
}

void sf_record_candle(struct sf_buf *b, const struct sf_record_common *c,
                      const struct sf_interval *iv, const struct sf_candle *candle,
                      bool is_closed, int64_t version)
{
    struct sf_str interval = sf_str_from(iv->name);

    sf_buf_add_lit(b, "{\"_key\":\"");
    sf_buf_add_str(b, c->key_prefix);
    sf_buf_add_char(b, '_');
    sf_buf_add_str(b, interval);
    sf_buf_add_char(b, '_');
    sf_buf_add_i64(b, candle->open_time);
    sf_buf_add_char(b, '"');
    sf_record_add_common(b, c);
    ADD_TEXT(b, "interval", interval);
    ADD_INT(b, "open_time", candle->open_time);
    ADD_INT(b, "close_time", candle->close_time);
    ADD_TEXT(b, "open", candle->open);
    ADD_TEXT(b, "high", candle->high);
    ADD_TEXT(b, "low", candle->low);
    ADD_TEXT(b, "close", candle->close);
    ADD_TEXT(b, "volume", candle->volume);
    ADD_TEXT(b, "quote_asset_volume", candle->quote_volume);
    ADD_INT(b, "number_of_trades", candle->trades);
    ADD_TEXT(b, "taker_buy_base_asset_volume", candle->taker_base);
    ADD_TEXT(b, "taker_buy_quote_asset_volume", candle->taker_quote);
    sf_buf_add_str(b,
                   is_closed ? SF_STR(",\"closed\":true") : SF_STR(",\"closed\":false"));
    ADD_INT(b, "version", version);
    sf_buf_add_char(b, '}');
}

void sf_record_trade(struct sf_buf *b, const struct sf_record_common *c, bool is_agg,
                     const struct sf_trade *t)
{
    sf_buf_add_lit(b, "{\"_key\":\"");
    sf_buf_add_str(b, c->key_prefix);
    sf_buf_add_str(b, is_agg ? SF_STR("_a") : SF_STR("_"));
    sf_buf_add_i64(b, t->id);
    sf_buf_add_char(b, '"');
    sf_record_add_common(b, c);
    if (is_agg) {
        ADD_INT(b, "agg_id", t->id);
        ADD_INT(b, "first_trade_id", t->first_id);
        ADD_INT(b, "last_trade_id", t->last_id);
    } else {
        ADD_INT(b, "trade_id", t->id);
    }
    ADD_TEXT(b, "price", t->price);
    ADD_TEXT(b, "quantity", t->quantity);
    ADD_INT(b, "timestamp", t->time_ms);
    sf_buf_add_str(b, t->is_buyer_maker ? SF_STR(",\"is_buyer_maker\":true}")
                                        : SF_STR(",\"is_buyer_maker\":false}"));
}

/* -------------------------------------------------------------- control records */

static void add_int_or_null(struct sf_buf *b, struct sf_str quoted_name, bool is_given,
                            int64_t n)
{
    sf_buf_add_str(b, quoted_name);
    if (is_given)
        sf_buf_add_i64(b, n);
    else
        sf_buf_add_lit(b, "null");
}

void sf_record_end(struct sf_buf *b, const struct sf_end *end)
{
    sf_buf_add_lit(b, "{\"records\":");
    sf_buf_add_i64(b, end->records);
    ADD_INT(b, "first", end->first);
    ADD_INT(b, "last", end->last);
    add_int_or_null(b, SF_STR(",\"listed_from\":"), end->listed_from >= 0,
                    end->listed_from);
    add_int_or_null(b, SF_STR(",\"cut_to\":"), end->cut_to >= 0, end->cut_to);
    add_int_or_null(b, SF_STR(",\"to\":"), end->to > 0, end->to);
    sf_buf_add_char(b, '}');
}

/* The members that gaps and coverage share, without the closing brace. */
static void add_range(struct sf_buf *b, const struct sf_gap *range)
{
    sf_buf_add_lit(b, "{\"exchange\":\"");
    sf_buf_add_json(b, range->exchange);
    sf_buf_add_lit(b, "\",\"symbol\":\"");
    sf_buf_add_json(b, range->symbol);
    sf_buf_add_lit(b, "\",\"kind\":\"");
    sf_buf_add_json(b, range->kind);
    sf_buf_add_char(b, '"');
    ADD_INT(b, "from", range->from);
    ADD_INT(b, "to", range->to);
}

void sf_record_gap(struct sf_buf *b, const struct sf_gap *gap)
{
    add_range(b, gap);
    sf_buf_add_lit(b, ",\"cause\":\"");
    sf_buf_add_json(b, gap->cause);
    sf_buf_add_str(b, gap->is_repaired ? SF_STR("\",\"repaired\":true")
                                       : SF_STR("\",\"repaired\":false"));
    ADD_INT(b, "records", gap->records);
    ADD_INT(b, "ms", gap->took_ms);
    sf_buf_add_char(b, '}');
}

void sf_record_coverage(struct sf_buf *b, const struct sf_gap *range)
{
    add_range(b, range);
    if (range->records > 0)
        ADD_INT(b, "records", range->records);
    sf_buf_add_char(b, '}');
}

void sf_record_pos(struct sf_buf *b, struct sf_str symbol, int64_t position)
{
    sf_buf_add_str(b, b->len == 0 ? SF_STR("{\"") : SF_STR(",\""));
    sf_buf_add_json(b, symbol);
    sf_buf_add_lit(b, "\":");
    sf_buf_add_i64(b, position);
}
