#include "arango_model.h"

#include <sf/time.h>

#include <check.h>
#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CODES "{\"1200\":1}"

uint32_t roll(struct model *m)
{
    m->seed = m->seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(m->seed >> 33);
}

bool has_word(struct sf_str s, const char *word)
{
    return sf_str_contains(s, sf_str_from(word));
}

/* ------------------------------------------------------------------------- the model */

void store_array(struct model *m, const struct fake_request *req, struct fake_answer *a)
{
    json_t *docs = json_loadb(req->body.p, req->body.len, 0, NULL);
    bool is_silent = has_word(req->url, "silent=true"), is_first = true;
    struct sf_buf *b = a->body;

    if (json_array_size(docs) == 0) /* ck_assert allocates, and memory may be short */
        ck_abort_msg("body: %.*s", (int)req->body.len, req->body.p);
    a->status = 202;
    m->largest = json_array_size(docs) > m->largest ? json_array_size(docs) : m->largest;
    sf_buf_add_lit(b, "[");
    for (size_t i = 0; i < json_array_size(docs); i++) {
        const json_t *doc = json_array_get(docs, i);
        const char *name = json_string_value(json_object_get(doc, "_key"));
        int key = (int)strtol(name + 1, NULL, 10);
        int64_t value = json_integer_value(json_object_get(doc, "v"));
        int num = m->on_doc ? m->on_doc(m, key, value) : 0;

        if (num == 0) {
            m->stored[key] = value;
            m->writes++;
        } else {
            a->codes = CODES;
        }
        if (num == 0 && is_silent)
            continue;
        sf_buf_add(b, ",", is_first ? 0 : 1);
        is_first = false;
        if (num == 0)
            sf_buf_addf(b, "{\"_id\":\"c/%s\",\"_key\":\"%s\",\"_rev\":\"_r\"}", name,
                        name);
        else
            sf_buf_addf(b,
                        "{\"error\":true,\"errorNum\":%d,\"errorMessage\":\"no \\\"%s\\\""
                        "\"}",
                        num, name);
    }
    sf_buf_add_lit(b, "]");
    if (is_silent && is_first) {
        sf_buf_clear(b);
        sf_buf_add_lit(b, "{}");
    }
    json_decref(docs);
}

static void answer(void *arg, const struct fake_request *req, struct fake_answer *a)
{
    struct model *m = arg;

    if (has_word(req->url, "/_api/document/")) {
        m->requests++;
        if (!has_word(req->url, "silent"))
            m->judged++;
    }
    if (m->on_request && m->on_request(m, req, a))
        return;
    store_array(m, req, a);
}

/* ------------------------------------------------------------------------ the fixture */

static void on_result(void *arg, const struct sf_arango_result *r)
{
    struct model *m = arg;
    int64_t key, value;

    ck_assert_uint_lt(r->tag, TAGS);
    m->told[r->tag]++;
    ck_assert(r->doc.len > 2 && r->doc.p[0] == '{' && r->doc.p[r->doc.len - 1] == '}');
    key = strtol(r->doc.p + strlen("{\"_key\":\"k"), NULL, 10);
    value = (int64_t)r->tag;
    if (key >= 0 && key < KEYS) {
        ck_assert_msg(value > m->order[key], "key %d: %d told after %d", (int)key,
                      (int)value, (int)m->order[key]);
        m->order[key] = value;
    }
    if (r->status != SF_OK) {
        m->refused++;
        m->last_error_num = r->error_num;
        (void)snprintf(m->last_text, sizeof(m->last_text), "%.*s", SF_STR_ARG(r->text));
        (void)snprintf(m->last_doc, sizeof(m->last_doc), "%.*s", SF_STR_ARG(r->doc));
    }
    if (m->writer && sf_arango_writer_pending(m->writer) == 0)
        m->is_done = true;
}

static void on_room(void *arg)
{
    ((struct model *)arg)->rooms++;
}

static void on_away(void *arg, bool is_away, const struct sf_error *why)
{
    struct model *m = arg;

    *(is_away ? &m->aways : &m->backs) += 1;
    if (is_away)
        m->away_why = *why;
}

static void on_fatal(void *arg, const struct sf_error *err)
{
    struct model *m = arg;

    ck_assert(!m->is_fatal);
    m->is_fatal = m->is_done = true;
    m->fatal = *err;
}

/* The settings own their strings; here they are never freed. */
static char *text(const char *s)
{
    return (char *)(uintptr_t)s;
}

void open_model(struct model *m)
{
    ck_assert_int_eq(sf_loop_create(&m->loop, NULL), SF_OK);
    fake_http_script(answer, m);
    for (int i = 0; i < KEYS; i++)
        m->stored[i] = m->order[i] = -1;
    m->conf.arango_url = text(m->urls ? m->urls : "http://one:8529, http://two:8529/");
    m->conf.arango_db = text("db");
    m->conf.arango_user = text("root");
    m->conf.arango_password = text("secret");
    m->conf.arango_ca_path = text("");
    m->conf.arango_lanes = 4;
    m->conf.arango_timeout_ms = 1000;
    m->seed = 42;
    ck_assert_int_eq(sf_arango_create(m->loop, &m->conf, &m->arango, NULL), SF_OK);
}

void open_writer(struct model *m, unsigned lanes, size_t docs, size_t bytes)
{
    const struct sf_arango_writer_opts opts = {
        .collection = "c",
        .version_attribute = "version",
        .lanes = lanes,
        .batch_docs = docs,
        .batch_bytes = bytes,
        .batch_age_ms = 20,
        .fn = on_result,
        .on_room = on_room,
        .on_away = on_away,
        .on_fatal = on_fatal,
        .arg = m,
    };

    open_model(m);
    ck_assert_int_eq(sf_arango_writer_create(m->arango, &opts, &m->writer, NULL), SF_OK);
}

void close_model(struct model *m)
{
    sf_arango_writer_destroy(m->writer);
    sf_arango_destroy(m->arango);
    sf_loop_destroy(m->loop);
}

enum sf_status put(struct model *m, int key, int tag)
{
    char name[16], doc[64];

    (void)snprintf(name, sizeof(name), "k%d", key);
    (void)snprintf(doc, sizeof(doc), "{\"_key\":\"k%d\",\"v\":%d}", key, tag);
    return sf_arango_put(m->writer, sf_str_from(name), sf_str_from(doc), (uint64_t)tag);
}

void put_all(struct model *m, int n, int keys)
{
    for (int tag = 0; tag < n;) {
        enum sf_status status = put(m, tag % keys, tag);

        ck_assert(status == SF_OK || status == SF_EFULL || m->is_fatal);
        if (m->is_fatal)
            return;
        if (status == SF_OK) {
            tag++;
            continue;
        }
        bool never = false;
        int rooms = m->rooms;
        int64_t until_us = sf_mono_us() + WAIT * 1000;

        while (m->rooms == rooms && !m->is_fatal && sf_mono_us() < until_us)
            (void)sf_loop_run_until(m->loop, &never, 1);
        ck_assert_msg(m->rooms > rooms || m->is_fatal, "no room in %d ms", WAIT);
    }
    m->is_done = sf_arango_writer_pending(m->writer) == 0;
    ck_assert_msg(sf_loop_run_until(m->loop, &m->is_done, WAIT), "%zu are pending",
                  sf_arango_writer_pending(m->writer));
}

void check_all_told_once(const struct model *m, int n)
{
    for (int tag = 0; tag < n; tag++)
        ck_assert_msg(m->told[tag] == 1, "tag %d was told %d times", tag,
                      (int)m->told[tag]);
}

void check_stored(const struct model *m, int n, int keys)
{
    for (int key = 0; key < keys && key < n; key++) {
        int64_t last = (n - 1 - key) / keys * keys + key;

        ck_assert_msg(m->stored[key] == last, "key %d holds %d, expected %d", key,
                      (int)m->stored[key], (int)last);
    }
}
