/* The writer when documents, batches or the database fail. */
#include "arango_model.h"
#include "runner.h"

#include <sf/time.h>

#include <jansson.h>

#include <stdio.h>
#include <string.h>

/* -------------------------------------------------------------- single bad documents */

static int refuse_multiples_of_7(struct model *m, int key, int64_t value)
{
    (void)m;
    (void)key;
    return value % 7 == 3 ? 1221 : 0;
}

START_TEST(bad_documents_are_told_and_the_others_stored)
{
    static struct model m;

    m.on_doc = refuse_multiples_of_7;
    open_writer(&m, 3, 50, 4096);
    put_all(&m, 700, KEYS);
    check_all_told_once(&m, 700);
    ck_assert_int_eq(m.refused, 100);
    ck_assert_int_eq(m.last_error_num, 1221);
    ck_assert(strncmp(m.last_text, "no \"k", 5) == 0);
    ck_assert(strncmp(m.last_doc, "{\"_key\":\"k", 10) == 0);
    ck_assert_int_eq(m.aways, 0);
    close_model(&m);
}
END_TEST

static const int transient[] = { 1200,  1429, 1478, 18,   28,   29,   1302,
                                 1303,  1457, 1464, 1465, 1491, 1495, 21003,
                                 21004, 1004, 30,   503,  4,    3,    9999 };

/* Value 5 fails the first time only. */
static int fail_once(struct model *m, int key, int64_t value)
{
    (void)key;
    if (value != 5 || m->step > 1) /* 0: silent, 1: judged */
        return 0;
    m->step++;
    return transient[m->refused];
}

START_TEST(a_transient_failure_is_tried_again_for_that_document)
{
    static struct model m;
    int failed = _i;

    m.on_doc = fail_once;
    m.urls = "http://one:8529";
    open_writer(&m, 1, 10, 4096);
    m.refused = failed; /* lent to fail_once */
    put_all(&m, 10, 10);
    ck_assert_int_eq(m.refused, failed);
    check_all_told_once(&m, 10);
    check_stored(&m, 10, 10);
    /* 9 silently, 9 judged, 1 again */
    ck_assert_int_eq(m.writes, 19);
    ck_assert_int_eq(m.requests, 3);
    close_model(&m);
}
END_TEST

/* With the same key twice in a batch the first fails: the second must not be lost to it.
 */
START_TEST(a_retried_document_never_beats_a_later_one)
{
    static struct model m;

    m.on_doc = fail_once;
    open_writer(&m, 1, 10, 4096);
    put_all(&m, 10, 5); /* 5 is the second of key 0; none behind it */
    check_stored(&m, 10, 5);
    close_model(&m);
    m = (struct model){ .on_doc = fail_once };
    open_writer(&m, 1, 20, 4096);
    put_all(&m, 20, 5); /* 10 and 15 follow it */
    check_stored(&m, 20, 5);
    check_all_told_once(&m, 20);
    close_model(&m);
}
END_TEST

static int fail_at_random(struct model *m, int key, int64_t value)
{
    (void)key;
    if (value % 97 == 13)
        return 1210;
    return m->step == 0 && roll(m) % 10 == 0 ? 1200 : 0;
}

/* Three failures in a row at most: otherwise back-offs would add up to minutes, rarely.
 */
static bool fail_request_at_random(struct model *m, const struct fake_request *req,
                                   struct fake_answer *a)
{
    if (m->step == 3) {
        m->step = 0;
        return false;
    }
    m->step++;
    switch (roll(m) % 12) {
    case 0:
        a->status = 503;
        sf_buf_add_lit(a->body, "<html>");
        return true;
    case 1: /* stored, but we never hear of it */
        store_array(m, req, a);
        sf_buf_clear(a->body);
        a->status = 0;
        a->failure = SF_ETIMEOUT;
        return true;
    case 2:
        a->status = 409;
        sf_buf_add_lit(a->body, "{\"error\":true,\"errorNum\":1200}");
        return true;
    default:
        m->step = 0;
        return false;
    }
}

START_TEST(random_failures_lose_nothing_and_keep_the_order)
{
    static struct model m;
    int refused = 0;

    m = (struct model){ .on_doc = fail_at_random, .on_request = fail_request_at_random };
    open_writer(&m, 4, 25, 2048);
    m.seed = (uint64_t)_i + 1;
    put_all(&m, 1500, 20);
    check_all_told_once(&m, 1500);
    for (int i = 0; i < 1500; i++)
        refused += i % 97 == 13;
    ck_assert_int_eq(m.refused, refused);
    for (int key = 0; key < 20; key++) {
        int64_t last = (1500 - 1 - key) / 20 * 20 + key;

        while (last % 97 == 13)
            last -= 20;
        ck_assert_msg(m.stored[key] == last, "seed %d: key %d holds %d, expected %d", _i,
                      key, (int)m.stored[key], (int)last);
    }
    close_model(&m);
}
END_TEST

/* ----------------------------------------------------------------- whole-batch failures
 */

/* Refuse every array that holds value 37, as malformed JSON or as too large. */
static bool refuse_37(struct model *m, const struct fake_request *req,
                      struct fake_answer *a)
{
    if (!has_word(req->body, "\"v\":37}"))
        return false;
    a->status = m->step;
    if (m->step == 400)
        sf_buf_add_lit(a->body, "{\"error\":true,\"code\":400,\"errorNum\":600,"
                                "\"errorMessage\":\"bad JSON\"}");
    else if (m->step == 500)
        sf_buf_add_lit(a->body, "{\"error\":true,\"code\":500,\"errorNum\":32}");
    else
        sf_buf_add_lit(a->body, "<html>too large</html>");
    return true;
}

static const int whole[] = { 400, 413, 500 };

START_TEST(a_batch_is_halved_until_the_bad_one_is_alone)
{
    static struct model m;

    m.on_request = refuse_37;
    open_writer(&m, 1, 64, 8192);
    m.step = whole[_i];
    put_all(&m, 64, KEYS);
    check_all_told_once(&m, 64);
    ck_assert_int_eq(m.refused, 1);
    ck_assert_str_eq(m.last_doc, "{\"_key\":\"k37\",\"v\":37}");
    ck_assert_int_eq(m.writes, 63); /* no document was sent twice with success */
    ck_assert_int_le(m.requests, 14);
    ck_assert_int_eq(m.stored[37], -1);
    close_model(&m);
}
END_TEST

/* No single document is at fault, only their number. */
static bool refuse_more_than_10(struct model *m, const struct fake_request *req,
                                struct fake_answer *a)
{
    json_t *docs = json_loadb(req->body.p, req->body.len, 0, NULL);
    size_t n = json_array_size(docs);

    (void)m;
    json_decref(docs);
    a->status = 413;
    return n > 10;
}

START_TEST(a_sum_that_is_too_large_is_sent_in_parts)
{
    static struct model m;

    m.on_request = refuse_more_than_10;
    open_writer(&m, 1, 64, 8192);
    put_all(&m, 640, KEYS);
    check_all_told_once(&m, 640);
    check_stored(&m, 640, KEYS);
    ck_assert_int_eq(m.refused, 0);
    close_model(&m);
}
END_TEST

/* ------------------------------------------------------------------ the database is away
 */

static const struct {
    int status;
    const char *body;
    enum sf_status failure;
} aways[] = {
    { 0, "", SF_EIO },
    { 0, "", SF_ETIMEOUT },
    { 500, "Internal Server Error", SF_OK },
    { 502, "<html>bad gateway</html>", SF_OK },
    { 503, "{\"error\":true,\"errorNum\":503,\"errorMessage\":\"starting\"}", SF_OK },
    { 503, "{\"error\":true,\"errorNum\":1478}", SF_OK },
    { 200, "<html>log in</html>", SF_OK },
    { 200, "{\"status\":\"ok\"}", SF_OK },
    { 202, "", SF_OK },
    { 404, "default backend - 404", SF_OK },
};

/* Host "one" fails in this way, "two" works. */
static bool one_is_away(struct model *m, const struct fake_request *req,
                        struct fake_answer *a)
{
    if (!has_word(req->url, "http://one:"))
        return false;
    a->status = aways[m->step].status;
    a->failure = aways[m->step].failure;
    sf_buf_add_str(a->body, sf_str_from(aways[m->step].body));
    return true;
}

START_TEST(the_next_coordinator_takes_over)
{
    static struct model m;

    m.on_request = one_is_away;
    open_writer(&m, 2, 100, 8192);
    m.step = _i;
    put_all(&m, 400, KEYS);
    check_all_told_once(&m, 400);
    check_stored(&m, 400, KEYS);
    ck_assert_int_eq(m.aways, 1);
    ck_assert_int_eq(m.backs, 1);
    ck_assert_msg(strstr(m.away_why.text, aways[_i].status > 0 ? "http://one:8529: HTTP "
                                                               : "scripted") != NULL,
                  "%s", m.away_why.text);
    close_model(&m);
}
END_TEST

static bool away_three_times(struct model *m, const struct fake_request *req,
                             struct fake_answer *a)
{
    (void)req;
    if (m->step++ >= 3)
        return false;
    a->status = 0;
    a->failure = SF_EIO;
    return true;
}

START_TEST(waits_grow_and_nothing_is_lost)
{
    static struct model m;
    int64_t begin_us = sf_mono_us();

    m.on_request = away_three_times;
    m.urls = "http://one:8529";
    open_writer(&m, 1, 100, 8192);
    put_all(&m, 150, KEYS);
    check_all_told_once(&m, 150);
    check_stored(&m, 150, KEYS);
    /* at least half of 250 + 500 + 1000 ms */
    ck_assert_int_ge(sf_mono_us() - begin_us, 875000);
    ck_assert_int_eq(m.aways, 1);
    ck_assert_int_eq(m.backs, 1);
    close_model(&m);
}
END_TEST

/* Without silent the array is one item short: what was stored is unknown. */
static bool short_array_once(struct model *m, const struct fake_request *req,
                             struct fake_answer *a)
{
    if (has_word(req->url, "silent") || m->step++ > 0)
        return false;
    a->status = 202;
    sf_buf_add_lit(a->body, "[{\"_key\":\"k0\"}]");
    return true;
}

START_TEST(an_answer_of_another_length_is_no_answer)
{
    static struct model m;

    m.on_request = short_array_once;
    m.on_doc = refuse_multiples_of_7;
    open_writer(&m, 1, 10, 4096);
    put_all(&m, 10, 10);
    check_all_told_once(&m, 10);
    ck_assert_int_eq(m.refused, 1);
    ck_assert_int_eq(m.aways, 1);
    ck_assert_msg(strstr(m.away_why.text, "1 results for 10 documents") != NULL, "%s",
                  m.away_why.text);
    close_model(&m);
}
END_TEST

/* ------------------------------------------------------------------------------- for
 * good */

static const struct {
    int status;
    const char *body;
    enum sf_status want;
} fatals[] = {
    { 401, "{\"error\":true,\"errorNum\":11,\"errorMessage\":\"not authorized\"}",
      SF_EAUTH },
    { 403, "{\"error\":true,\"errorNum\":11,\"errorMessage\":\"forbidden\"}",
      SF_EDENIED },
    { 404, "{\"error\":true,\"errorNum\":1203,\"errorMessage\":\"no collection\"}",
      SF_ENOTFOUND },
    { 404, "{\"error\":true,\"errorNum\":1228,\"errorMessage\":\"no database\"}",
      SF_ENOTFOUND },
    { 501, "{\"error\":true,\"errorNum\":9,\"errorMessage\":\"not implemented\"}",
      SF_EREFUSED },
    { 405, "{\"error\":true,\"errorNum\":405,\"errorMessage\":\"method\"}", SF_EREFUSED },
};

static bool refuse_for_good(struct model *m, const struct fake_request *req,
                            struct fake_answer *a)
{
    (void)req;
    a->status = fatals[m->step].status;
    sf_buf_add_str(a->body, sf_str_from(fatals[m->step].body));
    return true;
}

START_TEST(what_will_never_work_is_fatal_once)
{
    static struct model m;

    m.on_request = refuse_for_good;
    open_writer(&m, 4, 10, 4096);
    m.step = _i;
    put_all(&m, 200, KEYS);
    ck_assert(m.is_fatal);
    ck_assert_int_eq(m.fatal.status, fatals[_i].want);
    ck_assert_msg(strncmp(m.fatal.text, "write to collection c: HTTP ", 28) == 0, "%s",
                  m.fatal.text);
    ck_assert_int_eq(put(&m, 0, 500), SF_EFATAL);
    for (int i = 0; i < 200; i++)
        ck_assert_int_eq(m.told[i], 0);
    close_model(&m);
}
END_TEST

static void failure_cases(Suite *s)
{
    TCase *tc = tcase_create("failures");

    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, bad_documents_are_told_and_the_others_stored);
    tcase_add_loop_test(tc, a_transient_failure_is_tried_again_for_that_document, 0,
                        COUNT(transient));
    tcase_add_test(tc, a_retried_document_never_beats_a_later_one);
    tcase_add_loop_test(tc, random_failures_lose_nothing_and_keep_the_order, 0, 3);
    tcase_add_loop_test(tc, a_batch_is_halved_until_the_bad_one_is_alone, 0,
                        COUNT(whole));
    tcase_add_test(tc, a_sum_that_is_too_large_is_sent_in_parts);
    tcase_add_loop_test(tc, the_next_coordinator_takes_over, 0, COUNT(aways));
    tcase_add_test(tc, waits_grow_and_nothing_is_lost);
    tcase_add_test(tc, an_answer_of_another_length_is_no_answer);
    tcase_add_loop_test(tc, what_will_never_work_is_fatal_once, 0, COUNT(fatals));
    suite_add_tcase(s, tc);
}

RUN_SUITE("arango_failures", failure_cases)
