/* What a collection is and holds. Source: ArangoDB 3.12 HTTP API, "Collections". */
#include "handlers.h"
#include "js.h"
#include "key.h"
#include "store.h"

bool collection_read_count(struct call *c, const struct cat_collection *coll,
                           int64_t *ret_n, int64_t *ret_last_key)
{
    sqlite3_stmt *stmt = db_stmt(c->db, DB_COUNT, 0, &c->fault);
    bool has_row = false, is_good;

    if (!stmt)
        return false;
    (void)sqlite3_bind_int64(stmt, 1, (sqlite3_int64)coll->id);
    is_good = db_step(c->db, stmt, &has_row, &c->fault);
    if (is_good && has_row) {
        *ret_n = sqlite3_column_int64(stmt, 0);
        *ret_last_key = sqlite3_column_int64(stmt, 1);
    }
    (void)sqlite3_reset(stmt);
    if (is_good && !has_row) /* dropped since the catalogue was looked at */
        return fault_set(&c->fault, FAULT_NO_COLLECTION, NULL);
    return is_good;
}

static const char *text(bool b)
{
    return b ? "true" : "false";
}

static void add_key_options(struct call *c, const struct cat_collection *coll)
{
    static const char *const kinds[] = { "traditional", "autoincrement", "uuid",
                                         "padded" };
    int64_t n = 0, last = 0;

    sf_buf_addf(&c->out, ",\"keyOptions\":{\"allowUserKeys\":%s,\"type\":\"%s\"",
                text(coll->may_give_keys), kinds[coll->key_kind]);
    if (coll->key_kind == CAT_KEY_AUTOINCREMENT)
        sf_buf_addf(&c->out, ",\"increment\":%llu,\"offset\":%llu",
                    (unsigned long long)coll->key_increment,
                    (unsigned long long)coll->key_offset);
    if (coll->key_kind != CAT_KEY_UUID && collection_read_count(c, coll, &n, &last))
        sf_buf_addf(&c->out, ",\"lastValue\":%lld", (long long)last);
    sf_buf_add_char(&c->out, '}');
}

void collection_add(struct call *c, const struct cat_collection *coll, bool is_long)
{
    struct sf_str server = store_server_id(c->store);

    sf_buf_addf(&c->out, "\"id\":\"%llu\",\"name\":", (unsigned long long)coll->id);
    js_add_string(&c->out, coll->name);
    sf_buf_addf(&c->out,
                ",\"status\":3,\"type\":%d,\"isSystem\":%s,\"globallyUniqueId\":"
                "\"h%" SF_STR_FMT "/%llu\"",
                coll->is_edge ? 3 : 2, text(coll->is_system), SF_STR_ARG(server),
                (unsigned long long)coll->id);
    if (!is_long)
        return;
    sf_buf_addf(&c->out,
                ",\"statusString\":\"loaded\",\"waitForSync\":%s,\"cacheEnabled\":%s,"
                "\"writeConcern\":1,\"syncByRevision\":true,\"schema\":null,"
                "\"computedValues\":null,\"usesRevisionsAsDocumentIds\":true,"
                "\"objectId\":\"%llu\",\"internalValidatorType\":0,"
                "\"isSmartChild\":false",
                text(coll->does_wait_for_sync), text(coll->is_cached),
                (unsigned long long)coll->id);
    add_key_options(c, coll);
}

void collection_list(struct call *c)
{
    bool hides_system = call_flag(c, "excludeSystem", false), is_first = true;

    sf_buf_add_char(&c->out, '{');
    call_add_ok(c, 200);
    sf_buf_add_lit(&c->out, ",\"result\":[");
    for (size_t i = 0; i < c->database->collections_n; i++) {
        const struct cat_collection *coll = &c->database->collections[i];

        if ((hides_system && coll->is_system) || call_right(c, coll->name) == CAT_NONE)
            continue;
        sf_buf_add_str(&c->out, is_first ? SF_STR("{") : SF_STR(",{"));
        collection_add(c, coll, false);
        sf_buf_add_char(&c->out, '}');
        is_first = false;
    }
    sf_buf_add_lit(&c->out, "]}");
}

static const struct cat_collection *begin(struct call *c, bool is_long)
{
    const struct cat_collection *coll = call_collection(c, c->args[0], CAT_RO);

    if (!coll)
        return NULL;
    sf_buf_add_char(&c->out, '{');
    call_add_ok(c, 200);
    sf_buf_add_char(&c->out, ',');
    collection_add(c, coll, is_long);
    return coll;
}

void collection_get(struct call *c)
{
    if (begin(c, false))
        sf_buf_add_char(&c->out, '}');
}

void collection_properties(struct call *c)
{
    if (begin(c, true))
        sf_buf_add_char(&c->out, '}');
}

void collection_count(struct call *c)
{
    const struct cat_collection *coll = begin(c, true);
    int64_t n = 0, last = 0;

    if (coll && collection_read_count(c, coll, &n, &last))
        sf_buf_addf(&c->out, ",\"count\":%lld}", (long long)n);
}

/* One number that SQL makes of the documents; %llu is the table. */
static bool ask(struct call *c, const struct cat_collection *coll, const char *what,
                int64_t *ret)
{
    char sql[160];
    sqlite3_stmt *stmt;
    bool has_row, is_good;

    (void)sqlite3_snprintf(sizeof(sql), sql, "SELECT %s FROM c%llu", what,
                           (unsigned long long)coll->id);
    stmt = db_prepare(c->db, sql, &c->fault);
    is_good = stmt && db_step(c->db, stmt, &has_row, &c->fault);
    if (is_good)
        *ret = sqlite3_column_int64(stmt, 0);
    (void)sqlite3_finalize(stmt);
    return is_good;
}

void collection_figures(struct call *c)
{
    const struct cat_collection *coll = begin(c, true);
    int64_t n = 0, last = 0, size = 0;

    if (!coll || !collection_read_count(c, coll, &n, &last) ||
        !ask(c, coll, "ifnull(sum(length(doc)+length(k)),0)", &size))
        return;
    sf_buf_addf(&c->out,
                ",\"count\":%lld,\"figures\":{\"indexes\":{\"count\":%zu,\"size\":0},"
                "\"documentsSize\":%lld,\"cacheInUse\":false,\"cacheSize\":0,"
                "\"cacheUsage\":0}}",
                (long long)n, coll->indexes_n + (coll->is_edge ? 2 : 1), (long long)size);
}

void collection_revision(struct call *c)
{
    const struct cat_collection *coll = begin(c, true);
    char rev_bytes[REV_TEXT_SIZE];
    struct sf_str rev = SF_STR("0");
    int64_t last;

    if (!coll || !ask(c, coll, "ifnull(max(rev),0)", &last))
        return;
    if (last > 0)
        rev = rev_text((uint64_t)last, rev_bytes);
    sf_buf_addf(&c->out, ",\"revision\":\"%" SF_STR_FMT "\"}", SF_STR_ARG(rev));
}

void collection_load_indexes(struct call *c)
{
    if (!call_collection(c, c->args[0], CAT_RO))
        return;
    sf_buf_add_char(&c->out, '{');
    call_add_ok(c, 200);
    sf_buf_add_lit(&c->out, ",\"result\":true}");
}

void collection_recount(struct call *c)
{
    const struct cat_collection *coll = call_collection(c, c->args[0], CAT_RW);
    struct tx_count *count;
    int64_t n = 0, last = 0, there = 0;

    if (!coll || !collection_read_count(c, coll, &n, &last) ||
        !ask(c, coll, "count(*)", &there))
        return;
    count = tx_count(c->tx, coll->id, &c->fault);
    if (!count)
        return;
    count->difference = there - n;
    sf_buf_add_char(&c->out, '{');
    call_add_ok(c, 200);
    sf_buf_addf(&c->out, ",\"result\":true,\"count\":%lld}", (long long)there);
}
