/* What ArangoDB's answers mean, and batches as request bodies. */
#include "libsf/src/arango_internal.h"
#include "oom.h"
#include "runner.h"

#include <string.h>

#define ERR(code, num, text)                                                            \
    "{\"error\":true,\"code\":" #code ",\"errorNum\":" #num ",\"errorMessage\":\"" text \
    "\"}"

/* clang-format off */
static const struct {
    int status;
    const char *body;
    bool has_codes;
    enum arango_class class;
    int error_num;
    const char *text;
} answers[] = {
    { 202, "{}", false, ARANGO_OK, 0, "" },
    { 201, " { } ", false, ARANGO_OK, 0, "" },
    { 202, "{}", true, ARANGO_ITEMS, 0, "" },
    { 202, "[{\"_key\":\"a\"}]", false, ARANGO_ITEMS, 0, "" },
    { 200, "{\"version\":\"3.12.4\"}", false, ARANGO_OK, 0, "" },
    { 200, ERR(200, 1203, "odd"), false, ARANGO_GONE, 1203, "odd" },
    { 200, "<html>login first</html>", false, ARANGO_AWAY, 0, "" },
    { 200, "", false, ARANGO_AWAY, 0, "" },
    { 302, "", false, ARANGO_AWAY, 0, "" },
    { 400, ERR(400, 600, "VPackError error: Expecting digit"), false, ARANGO_DATA, 600,
      "VPackError error: Expecting digit" },
    { 400, ERR(400, 400, "bad parameter"), false, ARANGO_DATA, 400, "bad parameter" },
    { 400, ERR(400, 1227, "invalid document type"), false, ARANGO_DATA, 1227,
      "invalid document type" },
    { 400, "<html>400 Bad Request</html>", false, ARANGO_AWAY, 0, "" },
    { 401, ERR(401, 11, "not authorized"), false, ARANGO_AUTH, 11, "not authorized" },
    { 401, ERR(401, 401, "x"), false, ARANGO_AUTH, 401, "x" },
    { 401, "", false, ARANGO_AUTH, 0, "" },
    { 403, ERR(403, 11, "forbidden"), false, ARANGO_DENIED, 11, "forbidden" },
    { 403, ERR(403, 1004, "cannot write, server is in read-only mode"), false,
      ARANGO_LOCKED, 1004, "cannot write, server is in read-only mode" },
    { 403, ERR(403, 1429, "write concern"), false, ARANGO_LOCKED, 1429, "write concern" },
    { 403, "<html>forbidden by the proxy</html>", false, ARANGO_AWAY, 0, "" },
    { 404, ERR(404, 1203, "collection or view not found"), false, ARANGO_GONE, 1203,
      "collection or view not found" },
    { 404, ERR(404, 1228, "database not found"), false, ARANGO_GONE, 1228,
      "database not found" },
    { 404, ERR(404, 404, "unknown path"), false, ARANGO_REFUSED, 404, "unknown path" },
    { 404, "default backend - 404", false, ARANGO_AWAY, 0, "" },
    { 409, ERR(409, 1200, "conflict"), false, ARANGO_RETRY, 1200, "conflict" },
    { 412, ERR(412, 21004, "queue time"), false, ARANGO_RETRY, 21004, "queue time" },
    { 413, "<html>413 Request Entity Too Large</html>", false, ARANGO_DATA, 0, "" },
    { 413, "", false, ARANGO_DATA, 0, "" },
    { 500, ERR(500, 32, "resource limit exceeded"), false, ARANGO_DATA, 32,
      "resource limit exceeded" },
    { 500, ERR(500, 18, "lock timeout"), false, ARANGO_RETRY, 18, "lock timeout" },
    { 500, ERR(500, 28, "x"), false, ARANGO_RETRY, 28, "x" },
    { 500, ERR(500, 29, "x"), false, ARANGO_RETRY, 29, "x" },
    { 500, ERR(500, 1302, "x"), false, ARANGO_RETRY, 1302, "x" },
    { 500, ERR(500, 7777, "new in version 5"), false, ARANGO_AWAY, 7777,
      "new in version 5" },
    { 500, "Internal Server Error", false, ARANGO_AWAY, 0, "" },
    { 501, ERR(501, 9, "not implemented"), false, ARANGO_REFUSED, 9, "not implemented" },
    { 503, ERR(503, 1478, "backend unavailable"), false, ARANGO_AWAY, 1478,
      "backend unavailable" },
    { 503, ERR(503, 21003, "queue full"), false, ARANGO_RETRY, 21003, "queue full" },
    { 503, ERR(503, 1495, "leadership"), false, ARANGO_AWAY, 1495, "leadership" },
    { 503, ERR(503, 503, "starting"), false, ARANGO_AWAY, 503, "starting" },
    { 503, "<html>", false, ARANGO_AWAY, 0, "" },
    { 403, ERR(403, 9005, "licence"), false, ARANGO_DENIED, 9005, "licence" },
    /* a number that does not fit is none; other fields may stand anywhere */
    { 400, "{\"extra\":{\"errorNum\":1},\"errorNum\":99999999999,\"error\":true}", false,
      ARANGO_REFUSED, 0, "" },
    { 409, "{\"errorMessage\":\"m\",\"list\":[1,[2]],\"errorNum\":1200,\"error\":true}",
      false, ARANGO_RETRY, 1200, "m" },
};
/* clang-format on */

START_TEST(answer_has_its_class)
{
    struct arango_verdict v;

    arango_judge(answers[_i].status, sf_str_from(answers[_i].body), answers[_i].has_codes,
                 &v);
    ck_assert_msg(v.class == answers[_i].class, "HTTP %d %s: class %d, expected %d",
                  answers[_i].status, answers[_i].body, (int)v.class,
                  (int)answers[_i].class);
    ck_assert_int_eq(v.error_num, answers[_i].error_num);
    ck_assert_int_eq(v.http, answers[_i].status);
    ck_assert(sf_str_eq(v.text, sf_str_from(answers[_i].text)));
}
END_TEST

START_TEST(only_an_empty_object_says_all_stored)
{
    struct arango_verdict v;

    arango_judge(202, SF_STR("{}"), false, &v);
    ck_assert(v.is_empty);
    arango_judge(202, SF_STR("{\"status\":\"ok\"}"), false, &v);
    ck_assert(!v.is_empty);
    arango_judge(202, SF_STR("{} {}"), false, &v);
    ck_assert(!v.is_empty);
}
END_TEST

START_TEST(items_are_judged_in_order)
{
    static const char body[] =
        "[{\"_id\":\"c/a\",\"_key\":\"a\",\"_rev\":\"_x\"},"
        "{\"error\":true,\"errorNum\":1221,\"errorMessage\":\"illegal document key\"},"
        "{\"error\":true,\"errorNum\":1200,\"errorMessage\":\"conflict\"},"
        "{\"error\":true,\"errorNum\":1499,\"errorMessage\":\"unheard of\"},"
        "{\"error\":true,\"errorNum\":1210,\"errorMessage\":\"unique\"}]";
    static const enum arango_class want[] = { ARANGO_OK, ARANGO_DATA, ARANGO_RETRY,
                                              ARANGO_RETRY, ARANGO_DATA };
    struct arango_items it;
    struct arango_verdict v;
    size_t n = 0;

    ck_assert_int_eq(arango_items_count(sf_str_from(body), &n, NULL), SF_OK);
    ck_assert_uint_eq(n, 5);
    arango_items_begin(&it, sf_str_from(body));
    for (size_t i = 0; i < n; i++) {
        ck_assert(arango_items_next(&it, &v));
        ck_assert_int_eq(v.class, want[i]);
    }
    ck_assert(!arango_items_next(&it, &v));
}
END_TEST

/* Found by the fuzzer: a nested value under a known name ended the walk early. */
START_TEST(odd_items_are_items)
{
    static const char body[] = "[{\"error\":[[{\"error\":[]}]]},{\"errorNum\":{}},{}]";
    struct arango_items it;
    struct arango_verdict v;

    arango_items_begin(&it, sf_str_from(body));
    for (int i = 0; i < 3; i++) {
        ck_assert(arango_items_next(&it, &v));
        ck_assert_int_eq(v.class, ARANGO_OK);
    }
    ck_assert(!arango_items_next(&it, &v));
}
END_TEST

static const char *const not_items[] = {
    "", "{}", "[1]", "[{}", "[{},]", "[{}] x", "[[]]", "null", "[{\"a\":}]",
};

START_TEST(what_is_not_an_array_of_objects_is_refused)
{
    struct sf_error err = { 0 };
    size_t n = 77;

    ck_assert_int_eq(arango_items_count(sf_str_from(not_items[_i]), &n, &err), SF_EPROTO);
    ck_assert_uint_eq(n, 77);
    ck_assert_str_ne(err.text, "");
}
END_TEST

START_TEST(a_verdict_reads_well)
{
    struct arango_verdict v;
    struct sf_error err = { 0 };

    arango_judge(409, SF_STR(ERR(409, 1200, "write-write conflict")), false, &v);
    (void)arango_verdict_error(&v, "write to candles", SF_ECONFLICT, &err);
    ck_assert_str_eq(err.text,
                     "write to candles: HTTP 409, error 1200: write-write conflict");
    arango_judge(502, SF_STR("<html>"), false, &v);
    err = (struct sf_error){ 0 };
    (void)arango_verdict_error(&v, "http://db", SF_EIO, &err);
    ck_assert_str_eq(err.text, "http://db: HTTP 502");
}
END_TEST

/* --------------------------------------------------------------------------- batches */

static void fill(struct arango_batch *b, const char *const *docs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(arango_batch_put(b, sf_str_from(docs[i]), i, (uint32_t)i),
                         SF_OK);
}

static const char *const four[] = { "{\"a\":1}", "{}", "{\"c\":[1,2]}", "{\"d\":4}" };

START_TEST(a_batch_is_a_json_array_of_any_front)
{
    struct arango_batch b;

    ck_assert_int_eq(arango_batch_init(&b, 4, 64, NULL), SF_OK);
    fill(&b, four, 4);
    ck_assert(sf_str_eq(arango_batch_close(&b, 2), SF_STR("[{\"a\":1},{}]")));
    arango_batch_open(&b, 2);
    ck_assert(sf_str_eq(arango_batch_close(&b, 4),
                        SF_STR("[{\"a\":1},{},{\"c\":[1,2]},{\"d\":4}]")));
    arango_batch_open(&b, 4);
    ck_assert(sf_str_eq(arango_batch_close(&b, 1), SF_STR("[{\"a\":1}]")));
    arango_batch_release(&b);
}
END_TEST

START_TEST(a_batch_is_full_by_count_and_by_bytes)
{
    struct arango_batch b;

    ck_assert_int_eq(arango_batch_init(&b, 4, 64, NULL), SF_OK);
    fill(&b, four, 4);
    ck_assert_int_eq(arango_batch_put(&b, SF_STR("{}"), 9, 9), SF_EFULL);
    ck_assert_uint_eq(b.n, 4);
    arango_batch_release(&b);
    ck_assert_int_eq(arango_batch_init(&b, 4, 20, NULL), SF_OK);
    fill(&b, four, 2);
    ck_assert_int_eq(arango_batch_put(&b, SF_STR("{\"x\":12345}"), 9, 9), SF_EFULL);
    ck_assert_int_eq(arango_batch_put(&b, SF_STR("{\"x\":1}"), 9, 9), SF_OK);
    ck_assert(sf_str_eq(arango_batch_close(&b, 3), SF_STR("[{\"a\":1},{},{\"x\":1}]")));
    arango_batch_release(&b);
}
END_TEST

START_TEST(walking_keeps_what_is_kept)
{
    struct arango_batch b;
    struct arango_walk walk;

    ck_assert_int_eq(arango_batch_init(&b, 4, 64, NULL), SF_OK);
    fill(&b, four, 4);
    arango_walk_begin(&walk, &b);
    for (int i = 0; i < 3; i++) { /* the fourth is not walked: it stays as well */
        arango_walk_next(&walk);
        ck_assert(sf_str_eq(walk.doc, sf_str_from(four[i])));
        ck_assert_uint_eq(walk.entry.tag, (uint64_t)i);
        if (i == 1)
            arango_walk_keep(&walk);
    }
    arango_walk_end(&walk);
    ck_assert_uint_eq(b.n, 2);
    ck_assert_uint_eq(b.docs[0].tag, 1);
    ck_assert_uint_eq(b.docs[1].tag, 3);
    ck_assert(sf_str_eq(arango_batch_close(&b, 2), SF_STR("[{},{\"d\":4}]")));
    arango_batch_release(&b);
}
END_TEST

static void forget_first(struct arango_batch *b)
{
    struct arango_walk walk;

    arango_walk_begin(&walk, b);
    arango_walk_next(&walk);
    arango_walk_end(&walk);
}

START_TEST(a_large_document_stands_alone)
{
    static char doc[5000];
    struct sf_str large = { doc, sizeof(doc) };
    struct arango_batch b;

    memset(doc, ' ', sizeof(doc));
    doc[0] = '{';
    doc[sizeof(doc) - 1] = '}';
    ck_assert_int_eq(arango_batch_init(&b, 4, 64, NULL), SF_OK);
    fill(&b, four, 1);
    ck_assert_int_eq(arango_batch_put(&b, large, 1, 1), SF_EFULL);
    forget_first(&b);
    ck_assert_int_eq(arango_batch_put(&b, large, 1, 1), SF_OK);
    ck_assert_int_eq(arango_batch_put(&b, SF_STR("{}"), 2, 2), SF_EFULL);
    ck_assert_uint_eq(arango_batch_close(&b, 1).len, sizeof(doc) + 2);
    forget_first(&b);
    arango_batch_trim(&b);
    ck_assert_uint_eq(b.cap, 64); /* the memory is given back */
    large.len = ARANGO_DOC_MAX + 1;
    ck_assert_int_eq(arango_batch_put(&b, large, 1, 1), SF_ETOOBIG);
    arango_batch_release(&b);
}
END_TEST

START_TEST(a_batch_survives_lack_of_memory)
{
    struct arango_batch b;
    struct sf_error err = { 0 };
    static char doc[200];

    for (int n = 0; n < 2; n++) {
        oom_fail_at(n);
        ck_assert_int_eq(arango_batch_init(&b, 4, 64, &err), SF_ENOMEM);
        ck_assert(oom_has_failed());
        ck_assert_str_ne(err.text, "");
        err = (struct sf_error){ 0 };
    }
    ck_assert_int_eq(arango_batch_init(&b, 4, 64, &err), SF_OK);
    oom_fail_at(0); /* for a document larger than the batch */
    ck_assert_int_eq(arango_batch_put(&b, sf_str_make(doc, sizeof(doc)), 1, 1),
                     SF_ENOMEM);
    ck_assert(oom_has_failed());
    ck_assert_uint_eq(b.n, 0);
    fill(&b, four, 4);
    arango_batch_release(&b);
}
END_TEST

/* Header and signature do not matter here. */
static const struct {
    const char *jwt;
    int64_t want;
} tokens[] = {
    { "x.eyJpYXQiOjEwMDAsImV4cCI6NDYwMH0.y", 3600 }, /* {"iat":1000,"exp":4600} */
    { "x.eyJleHAiOjQ2MDB9.y", 4000 },                /* {"exp":4600}; now is 600 */
    { "x.eyJleHAiOjUwMH0.y", 0 },                    /* {"exp":500}: over */
    { "x.eyJpYXQiOjF9.y", 0 },                       /* {"iat":1} */
    { "", 0 },
    { "x", 0 },
    { "x.!!!.y", 0 },
    { "x.eyJ.y", 0 },
    { "..", 0 },
};

START_TEST(jwt_says_how_long_it_lives)
{
    ck_assert_int_eq(arango_jwt_lifetime_s(sf_str_from(tokens[_i].jwt), 600),
                     tokens[_i].want);
}
END_TEST

static void arango_cases(Suite *s)
{
    TCase *tc = tcase_create("answers");

    tcase_add_loop_test(tc, answer_has_its_class, 0, COUNT(answers));
    tcase_add_test(tc, only_an_empty_object_says_all_stored);
    tcase_add_test(tc, items_are_judged_in_order);
    tcase_add_test(tc, odd_items_are_items);
    tcase_add_loop_test(tc, what_is_not_an_array_of_objects_is_refused, 0,
                        COUNT(not_items));
    tcase_add_test(tc, a_verdict_reads_well);
    tcase_add_loop_test(tc, jwt_says_how_long_it_lives, 0, COUNT(tokens));
    suite_add_tcase(s, tc);
    tc = tcase_create("batches");
    tcase_add_test(tc, a_batch_is_a_json_array_of_any_front);
    tcase_add_test(tc, a_batch_is_full_by_count_and_by_bytes);
    tcase_add_test(tc, walking_keeps_what_is_kept);
    tcase_add_test(tc, a_large_document_stands_alone);
    tcase_add_test(tc, a_batch_survives_lack_of_memory);
    suite_add_tcase(s, tc);
}

RUN_SUITE("arango_answer", arango_cases)
