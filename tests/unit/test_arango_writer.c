/* The writer with a healthy database; tokens; lack of memory. */
#include "arango_model.h"
#include "oom.h"
#include "runner.h"

#include <sf/time.h>

#include <stdio.h>
#include <string.h>

/* --------------------------------------------------------------------------- storing */

START_TEST(every_document_is_stored_and_told_once)
{
    static struct model m;

    open_writer(&m, 4, 100, 4096);
    put_all(&m, 5000, KEYS);
    check_all_told_once(&m, 5000);
    check_stored(&m, 5000, KEYS);
    ck_assert_int_eq(m.writes, 5000);
    ck_assert_int_eq(m.judged, 0);
    ck_assert_int_eq(m.refused + m.aways, 0);
    ck_assert_uint_le(m.largest, 100);
    close_model(&m);
}
END_TEST

static bool check_request(struct model *m, const struct fake_request *req,
                          struct fake_answer *a)
{
    (void)m;
    (void)a;
    ck_assert(sf_str_eq(req->method, SF_STR("POST")));
    ck_assert(sf_str_eq(req->url,
                        SF_STR("http://one:8529/_db/db/_api/document/c?overwriteMode="
                               "replace&keepNull=true&versionAttribute=version&silent="
                               "true")));
    ck_assert(sf_str_eq(req->auth, SF_STR("Basic cm9vdDpzZWNyZXQ=")));
    return false;
}

START_TEST(the_request_is_what_the_manual_says)
{
    static struct model m;

    m.on_request = check_request;
    open_writer(&m, 1, 10, 4096);
    put_all(&m, 10, 10);
    ck_assert_int_eq(m.requests, 1);
    close_model(&m);
}
END_TEST

START_TEST(a_lone_document_does_not_wait_for_its_age)
{
    static struct model m;
    int64_t begin_us = sf_mono_us();

    open_writer(&m, 4, 1000, 65536);
    put_all(&m, 1, 1);
    ck_assert_int_eq(m.requests, 1);
    ck_assert_int_lt(sf_mono_us() - begin_us, 1000000);
    close_model(&m);
}
END_TEST

START_TEST(flush_sends_at_once)
{
    static struct model m;

    open_writer(&m, 1, 1000, 65536);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(put(&m, i, i), SF_OK);
    ck_assert_int_eq(m.requests, 0);
    sf_arango_writer_flush(m.writer);
    ck_assert_int_eq(m.requests, 1);
    ck_assert_int_eq(put(&m, 5, 5), SF_OK);
    sf_arango_writer_flush(m.writer); /* goes as soon as the lane is free */
    ck_assert(sf_loop_run_until(m.loop, &m.is_done, WAIT));
    ck_assert_int_eq(m.requests, 2);
    check_all_told_once(&m, 6);
    close_model(&m);
}
END_TEST

static bool never_answer(struct model *m, const struct fake_request *req,
                         struct fake_answer *a)
{
    (void)m;
    (void)req;
    a->never = true;
    return true;
}

START_TEST(a_lane_holds_two_batches_and_no_more)
{
    static struct model m;
    int taken = 0;

    m.on_request = never_answer;
    open_writer(&m, 1, 10, 4096);
    while (put(&m, taken % KEYS, taken) == SF_OK)
        taken++;
    ck_assert_int_eq(taken, 20);
    ck_assert_int_eq(put(&m, 0, 99), SF_EFULL);
    ck_assert_uint_eq(sf_arango_writer_pending(m.writer), 20);
    ck_assert_int_eq(m.requests, 1);
    close_model(&m); /* with a request under way */
}
END_TEST

START_TEST(large_documents_go_alone)
{
    static struct model m;
    static char doc[3000];

    open_writer(&m, 1, 100, 1024);
    (void)snprintf(doc, sizeof(doc), "{\"_key\":\"k7\",\"v\":0,\"x\":\"%0*d\"}", 2900, 1);
    ck_assert_int_eq(sf_arango_put(m.writer, SF_STR("k7"), sf_str_from(doc), 0), SF_OK);
    ck_assert_int_eq(m.requests, 1);
    for (int i = 1; i < 5; i++)
        ck_assert_int_eq(put(&m, i, i), SF_OK);
    ck_assert(sf_loop_run_until(m.loop, &m.is_done, WAIT));
    check_all_told_once(&m, 5);
    ck_assert_uint_eq(m.largest, 4);
    ck_assert_int_eq(
        sf_arango_put(m.writer, SF_STR("k"), sf_str_make(doc, ((size_t)16 << 20) + 1), 9),
        SF_ETOOBIG);
    close_model(&m);
}
END_TEST

/* ------------------------------------------------------------------------------ tokens
 */

/* Tokens T1, T2, ...; those before the newest are refused from request 3 on. */
static bool with_tokens(struct model *m, const struct fake_request *req,
                        struct fake_answer *a)
{
    char want[32];

    if (has_word(req->url, "/_open/auth")) {
        ck_assert(has_word(req->body, "\"username\":\"root\",\"password\":\"secret\""));
        a->status = 200;
        sf_buf_addf(a->body, "{\"jwt\":\"T%d\"}", ++m->step);
        return true;
    }
    if (m->requests == 3 && m->step == 1)
        m->step = 2; /* T1 expires */
    (void)snprintf(want, sizeof(want), "bearer T%d", m->step);
    if (sf_str_eq(req->auth, sf_str_from(want)))
        return false;
    a->status = 401;
    sf_buf_add_lit(a->body, "{\"error\":true,\"code\":401,\"errorNum\":11}");
    return true;
}

START_TEST(a_refused_token_is_replaced_once)
{
    static struct model m;

    m.on_request = with_tokens;
    m.conf.arango_auth = SF_ARANGO_JWT;
    open_writer(&m, 2, 10, 4096);
    put_all(&m, 200, KEYS);
    ck_assert(!m.is_fatal);
    check_all_told_once(&m, 200);
    check_stored(&m, 200, KEYS);
    ck_assert_int_eq(m.step, 3); /* two logins, one expiry */
    close_model(&m);
}
END_TEST

/* From the tenth on the login is refused as well. */
static const struct {
    int before, after;
} logins[] = { { 0, 2 }, { 8, 10 }, { 9, 10 } };

static bool refuse_every_token(struct model *m, const struct fake_request *req,
                               struct fake_answer *a)
{
    bool is_login = has_word(req->url, "/_open/auth");

    a->status = is_login && m->step < 9 ? 200 : 401;
    m->step += is_login ? 1 : 0;
    sf_buf_add_str(a->body,
                   sf_str_from(a->status == 200 ? "{\"jwt\":\"T\"}"
                                                : "{\"error\":true,\"errorNum\":11}"));
    return true;
}

START_TEST(tokens_that_never_work_are_fatal)
{
    static struct model m;

    m.on_request = refuse_every_token;
    m.conf.arango_auth = SF_ARANGO_JWT;
    m.step = logins[_i].before;
    open_writer(&m, 1, 10, 4096);
    put_all(&m, 10, KEYS);
    ck_assert(m.is_fatal);
    ck_assert_int_eq(m.fatal.status, SF_EAUTH);
    ck_assert_int_eq(m.step, logins[_i].after);
    close_model(&m);
}
END_TEST

/* An hour's token is renewed in time: here 80 % of 1 s (exp - iat) is 0.8 s. */
static bool short_tokens(struct model *m, const struct fake_request *req,
                         struct fake_answer *a)
{
    if (!has_word(req->url, "/_open/auth"))
        return false;
    a->status = 200; /* {"iat":1000,"exp":1001} */
    sf_buf_add_lit(a->body, "{\"jwt\":\"x.eyJpYXQiOjEwMDAsImV4cCI6MTAwMX0.y\"}");
    m->is_done = ++m->step == 2;
    return true;
}

START_TEST(a_token_is_renewed_before_it_expires)
{
    static struct model m;
    int64_t begin_us = sf_mono_us();

    m.on_request = short_tokens;
    m.conf.arango_auth = SF_ARANGO_JWT;
    open_writer(&m, 1, 10, 4096);
    put_all(&m, 10, KEYS);
    m.is_done = m.step >= 2;
    ck_assert(sf_loop_run_until(m.loop, &m.is_done, WAIT));
    ck_assert_int_ge(sf_mono_us() - begin_us, 790000);
    close_model(&m);
}
END_TEST

static bool without_auth(struct model *m, const struct fake_request *req,
                         struct fake_answer *a)
{
    (void)m;
    ck_assert_uint_eq(req->auth.len, 0);
    a->status = 404;
    sf_buf_add_lit(a->body, "{\"error\":true,\"code\":404,\"errorNum\":404}");
    return has_word(req->url, "/_open/auth");
}

START_TEST(a_server_without_authentication_is_fine)
{
    static struct model m;

    m.on_request = without_auth;
    m.conf.arango_auth = SF_ARANGO_JWT;
    open_writer(&m, 1, 10, 4096);
    put_all(&m, 10, KEYS);
    check_all_told_once(&m, 10);
    close_model(&m);
}
END_TEST

/* ------------------------------------------------------------------------------- misuse
 */

START_TEST(a_writer_without_room_is_refused)
{
    static struct model m;
    const struct sf_arango_writer_opts opts[] = {
        { .collection = "c", .lanes = 0, .batch_docs = 1, .batch_bytes = 100 },
        { .collection = "c", .lanes = 1, .batch_docs = 0, .batch_bytes = 100 },
        { .collection = "c", .lanes = 1, .batch_docs = 1, .batch_bytes = 1 },
    };
    struct sf_error err = { 0 };

    open_model(&m);
    for (int i = 0; i < COUNT(opts); i++)
        ck_assert_int_eq(sf_arango_writer_create(m.arango, &opts[i], &m.writer, &err),
                         SF_EINVAL);
    ck_assert_ptr_null(m.writer);
    close_model(&m);
}
END_TEST

START_TEST(lack_of_memory_is_reported)
{
    static struct model m;
    struct sf_arango_writer_opts opts = {
        .collection = "c", .lanes = 2, .batch_docs = 4, .batch_bytes = 64
    };

    open_model(&m);
    for (int n = 0; n < 1000; n++) {
        struct sf_error err = { 0 };
        enum sf_status status;

        oom_fail_at(n);
        status = sf_arango_writer_create(m.arango, &opts, &m.writer, &err);
        if (!oom_has_failed()) {
            ck_assert_int_eq(status, SF_OK);
            break;
        }
        ck_assert_int_eq(status, SF_ENOMEM);
        ck_assert_str_ne(err.text, "");
        ck_assert_ptr_null(m.writer);
    }
    ck_assert_ptr_nonnull(m.writer);
    close_model(&m);
}
END_TEST

static int refuse_3(struct model *m, int key, int64_t value)
{
    (void)m;
    (void)key;
    return value == 3 ? 1221 : 0;
}

/* Whatever allocation fails while documents are on their way, all arrive. */
START_TEST(lack_of_memory_loses_no_document)
{
    static struct model m;
    enum sf_status status;

    m = (struct model){ .on_doc = refuse_3, .urls = "http://one:8529" };
    open_writer(&m, 1, 10, 4096);
    for (int i = 0; i < 9; i++)
        ck_assert_int_eq(put(&m, i, i), SF_OK);
    oom_fail_at(_i);
    status = put(&m, 9, 9); /* sends */
    (void)oom_has_failed();
    ck_assert_int_eq(status, SF_OK);
    ck_assert(sf_loop_run_until(m.loop, &m.is_done, WAIT));
    check_all_told_once(&m, 10);
    ck_assert_int_eq(m.refused, 1);
    close_model(&m);
}
END_TEST

static void writer_cases(Suite *s)
{
    TCase *tc = tcase_create("writer");

    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, every_document_is_stored_and_told_once);
    tcase_add_test(tc, the_request_is_what_the_manual_says);
    tcase_add_test(tc, a_lone_document_does_not_wait_for_its_age);
    tcase_add_test(tc, flush_sends_at_once);
    tcase_add_test(tc, a_lane_holds_two_batches_and_no_more);
    tcase_add_test(tc, large_documents_go_alone);
    suite_add_tcase(s, tc);
    tc = tcase_create("tokens");
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, a_refused_token_is_replaced_once);
    tcase_add_loop_test(tc, tokens_that_never_work_are_fatal, 0, COUNT(logins));
    tcase_add_test(tc, a_token_is_renewed_before_it_expires);
    tcase_add_test(tc, a_server_without_authentication_is_fine);
    suite_add_tcase(s, tc);
    tc = tcase_create("misuse");
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, a_writer_without_room_is_refused);
    tcase_add_test(tc, lack_of_memory_is_reported);
    tcase_add_loop_test(tc, lack_of_memory_loses_no_document, 0, 6);
    suite_add_tcase(s, tc);
}

RUN_SUITE("arango_writer", writer_cases)
