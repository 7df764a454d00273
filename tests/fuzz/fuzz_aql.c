/* Any text as a query over a small collection: it is refused with a reason or gives rows
 * of canonical JSON, and the same rows by its access paths as without them. */
#include "embedded/store/aql_parse.h"
#include "embedded/store/doc.h"

#include <stdio.h>
#include <stdlib.h>

#define TEXT_MAX   2048
#define DOCS_N     40
#define MEMORY_MAX (1 << 20)
#define STAGES_MAX (AQL_STAGES_MAX / 2) /* as many sorts may be added */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool is_so)
{
    if (!is_so)
        abort();
}

/* Made once; the process ends with them. */
static struct {
    struct db *db;
    struct arena mem;
    struct cat_index indexes[2];
    struct cat_collection collection;
} world;

static void add_documents(void)
{
    struct doc_opts opts = { .mode = DOC_CONFLICT, .version_attribute = SF_STR_EMPTY };
    struct fault f = { 0 };
    struct tx tx;

    expect(tx_init(&tx, world.db, &f) && tx_begin(&tx, &f));
    for (int i = 0; i < DOCS_N; i++) {
        struct doc_result r = { .rev = 0 };
        char key[8], body[96];
        struct doc_spec spec = { .is_object = true, .key_kind = DOC_KEY_TEXT };

        (void)snprintf(key, sizeof(key), "k%d", i);
        (void)snprintf(body, sizeof(body), "{\"a\":%d,\"b\":%s,\"c\":{\"d\":[%d,null]}}",
                       i % 5,
                       i % 7 == 0 ? "null"
                       : i % 3    ? "\"x\""
                                  : "1.5",
                       i);
        spec.key = sf_str_from(key);
        spec.body = sf_str_from(body);
        spec.rev = spec.from = spec.to = SF_STR_EMPTY;
        expect(doc_insert(&tx, &world.collection, &spec, &opts, &r));
    }
    expect(tx_commit(&tx, &f));
    tx_release(&tx);
}

static void make_world(void)
{
    struct fault f = { 0 };
    struct sf_error err = { 0 };

    arena_init(&world.mem, MEMORY_MAX);
    expect(db_open(":memory:", true, &world.db, &err) == SF_OK);
    expect(cat_create_tables(world.db, &f));
    expect(db_exec(world.db,
                   "CREATE TABLE c1(id INTEGER PRIMARY KEY,k TEXT NOT NULL UNIQUE,"
                   "rev INTEGER NOT NULL,doc BLOB NOT NULL);"
                   "CREATE TABLE x2(v BLOB,id INTEGER,PRIMARY KEY(v,id))WITHOUT ROWID;"
                   "CREATE TABLE x3(v BLOB,id INTEGER,PRIMARY KEY(v,id))WITHOUT ROWID;",
                   &f));
    expect(cat_index_parse(&world.mem,
                           SF_STR("{\"type\":\"persistent\",\"fields\":[\"a\",\"b\"]}"),
                           &world.indexes[0], &f));
    expect(cat_index_parse(&world.mem,
                           SF_STR("{\"type\":\"persistent\",\"fields\":[\"c.d\"]}"),
                           &world.indexes[1], &f));
    world.indexes[0].id = 2;
    world.indexes[1].id = 3;
    world.collection = (struct cat_collection){ .id = 1,
                                                .name = SF_STR("t"),
                                                .may_give_keys = true,
                                                .props = SF_STR("{}"),
                                                .indexes = world.indexes,
                                                .indexes_n = 2 };
    add_documents();
}

static const struct cat_collection *find(void *arg, struct sf_str name, struct fault *f)
{
    (void)arg;
    if (sf_str_eq(name, SF_STR("t")))
        return &world.collection;
    (void)fault_set(f, FAULT_NO_COLLECTION, NULL);
    return NULL;
}

struct rows {
    uint64_t sum;   /* whatever their order */
    uint64_t chain; /* in their order */
    size_t n;
};

static bool on_row(void *arg, struct sf_str text, struct fault *f)
{
    struct rows *rows = arg;
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    struct sf_buf again;

    (void)f;
    for (size_t i = 0; i < text.len; i++)
        h = (h ^ (unsigned char)text.p[i]) * UINT64_C(0x100000001b3);
    rows->sum += h;
    rows->chain = rows->chain * 31 + h;
    rows->n++;
    sf_buf_init(&again, 2 * MEMORY_MAX);
    if (js_canon(text, &again, NULL)) /* too deep is possible, wrong is not */
        expect(sf_str_eq(sf_buf_str(&again), text));
    sf_buf_release(&again);
    return true;
}

static bool has_word(struct sf_str text, const char *word)
{
    struct sf_str wanted = sf_str_from(word);

    for (size_t i = 0; i + wanted.len <= text.len; i++)
        if (sf_str_eq_nocase((struct sf_str){ text.p + i, wanted.len }, wanted))
            return true;
    return false;
}

/* Parameters must be used, so only those that the text names are given. */
static struct sf_str bind_values(struct sf_str text, struct arena *mem)
{
    char binds[64];

    (void)snprintf(binds, sizeof(binds), "{%s%s}",
                   has_word(text, "@@c") ? "\"@c\":\"t\"" : "",
                   !has_word(text, "@x")   ? ""
                   : has_word(text, "@@c") ? ",\"x\":1"
                                           : "\"x\":1");
    return arena_str(mem, sf_str_from(binds));
}

/* Documents come in the order of their keys, whatever the path: SORT x._key right behind
 * FOR x, in each query and subquery. */
static void sort_documents(struct aql_query *first)
{
    for (struct aql_query *q = first; q; q = q->next) {
        for (struct aql_stage *s = q->stages; s; s = s->next) {
            struct aql_stage *sort;

            if (s->kind != AQL_FOR || !s->collection || q->stages_n >= STAGES_MAX)
                continue;
            sort = arena_alloc(q->mem, sizeof(*sort));
            expect(sort && s->next);
            sort->kind = AQL_SORT;
            sort->slots_before = s->next->slots_before;
            sort->keys = arena_alloc(q->mem, sizeof(*sort->keys));
            expect(sort->keys);
            sort->keys->expr = arena_alloc(q->mem, sizeof(struct aql_node));
            expect(sort->keys->expr);
            *sort->keys->expr =
                (struct aql_node){ .kind = AQL_ATTR, .name = SF_STR("_key") };
            sort->keys->expr->a = arena_alloc(q->mem, sizeof(struct aql_node));
            expect(sort->keys->expr->a);
            *sort->keys->expr->a = (struct aql_node){ .kind = AQL_VAR, .slot = s->slot };
            sort->next = s->next;
            s->next = sort;
            q->stages_n++;
            s = sort;
        }
        expect(aql_find_live(q));
    }
}

static bool run(struct sf_str text, bool is_planned, bool is_sorted, struct rows *rows)
{
    static const struct aql_names names = { NULL, find };
    struct aql_options opts = { .memory_max = MEMORY_MAX, .runtime_max_us = 200000 };
    struct aql_stats stats = { 0 };
    struct aql_query q;
    struct fault f = { 0 };
    struct arena mem;
    bool is_good;

    arena_init(&mem, (size_t)8 << 20);
    is_good = aql_parse(&mem, text, bind_values(text, &mem), &names, &q, &f);
    if (is_good && is_sorted)
        sort_documents(&q);
    if (is_good && is_planned)
        aql_plan(&q);
    is_good = is_good && aql_run(&q, world.db, &opts, on_row, rows, &stats, &f);
    expect(is_good == (f.num == FAULT_NONE));
    expect(is_good || f.text[0] != '\0');
    arena_release(&mem);
    return is_good;
}

/* Rows that depend on the order of documents: cut off, numbered, or in arrays. */
static bool depends_on_order(struct sf_str text)
{
    static const char *const words[] = { "limit",  "distinct", "into", "push",
                                         "unique", "collect",  "(for", "(let" };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (has_word(text, words[i]))
            return true;
    return has_word(text, "for") && has_word(text, "( ");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sf_str text = { (const char *)data, size < TEXT_MAX ? size : TEXT_MAX };
    struct rows planned = { 0 }, plain = { 0 };

    if (!world.db)
        make_world();
    if (!run(text, true, false, &planned) || has_word(text, "date_now"))
        return 0;
    if (!depends_on_order(text) && run(text, false, false, &plain))
        expect(planned.n == plain.n && planned.sum == plain.sum);
    planned = plain = (struct rows){ 0 };
    if (run(text, true, true, &planned) && run(text, false, true, &plain))
        expect(planned.n == plain.n && planned.chain == plain.chain);
    return 0;
}
