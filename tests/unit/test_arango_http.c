/* The writer over real sockets: framing, and a server that dies in the middle. */
#include "http_stub.h"
#include "runner.h"

#include <sf/arango.h>
#include <sf/time.h>

#include <stdio.h>
#include <string.h>

#define WAIT 10000 /* ms until a test gives up */
#define DOCS 50
#define OK                          \
    {                               \
        .status = 202, .body = "{}" \
    }

struct fixture {
    struct sf_loop *loop;
    struct sf_conf conf;
    struct sf_arango *arango;
    struct sf_arango_writer *writer;
    int told, refused, aways, backs;
    bool is_done;
    struct sf_error why, fatal;
    char text[64];
};

static void on_result(void *arg, const struct sf_arango_result *r)
{
    struct fixture *f = arg;

    ck_assert_uint_eq(r->tag, (uint64_t)f->told);
    f->told++;
    if (r->status != SF_OK) {
        f->refused++;
        (void)snprintf(f->text, sizeof(f->text), "%d %.*s", r->error_num,
                       SF_STR_ARG(r->text));
    }
    f->is_done = f->told == DOCS;
}

static void on_away(void *arg, bool is_away, const struct sf_error *why)
{
    struct fixture *f = arg;

    *(is_away ? &f->aways : &f->backs) += 1;
    if (is_away)
        f->why = *why;
}

static void on_fatal(void *arg, const struct sf_error *err)
{
    struct fixture *f = arg;

    f->fatal = *err;
    f->is_done = true;
}

static char *text(const char *s)
{
    return (char *)(uintptr_t)s;
}

/* DOCS documents in one lane and one batch, until all are told. */
static void write_all(struct fixture *f, const char *urls)
{
    const struct sf_arango_writer_opts opts = {
        .collection = "c",
        .lanes = 1,
        .batch_docs = DOCS,
        .batch_bytes = 65536,
        .batch_age_ms = 10,
        .fn = on_result,
        .on_away = on_away,
        .on_fatal = on_fatal,
        .arg = f,
    };

    f->conf = (struct sf_conf){ .arango_url = text(urls),
                                .arango_db = text("db"),
                                .arango_user = text("root"),
                                .arango_password = text("secret"),
                                .arango_ca_path = text(""),
                                .arango_lanes = 1,
                                .arango_timeout_ms = 500 };
    ck_assert_int_eq(sf_loop_create(&f->loop, NULL), SF_OK);
    ck_assert_int_eq(sf_arango_create(f->loop, &f->conf, &f->arango, NULL), SF_OK);
    ck_assert_int_eq(sf_arango_writer_create(f->arango, &opts, &f->writer, NULL), SF_OK);
    for (int i = 0; i < DOCS; i++) {
        char key[16], doc[64];

        (void)snprintf(key, sizeof(key), "k%d", i);
        (void)snprintf(doc, sizeof(doc), "{\"_key\":\"k%d\",\"v\":%d}", i, i);
        ck_assert_int_eq(
            sf_arango_put(f->writer, sf_str_from(key), sf_str_from(doc), (uint64_t)i),
            SF_OK);
    }
    ck_assert_msg(sf_loop_run_until(f->loop, &f->is_done, WAIT), "%d told, %s", f->told,
                  f->why.text);
}

static void close_all(struct fixture *f)
{
    sf_arango_writer_destroy(f->writer);
    sf_arango_destroy(f->arango);
    sf_loop_destroy(f->loop);
}

static void check_body(const struct stub_request *req)
{
    char length[32];

    ck_assert(sf_str_eq(req->method, SF_STR("POST")));
    ck_assert_msg(
        sf_str_eq(req->path, SF_STR("/_db/db/_api/document/c?overwriteMode=replace&"
                                    "keepNull=true&silent=true")),
        "%.*s", SF_STR_ARG(req->path));
    ck_assert(sf_str_starts(req->body, SF_STR("[{\"_key\":\"k0\",\"v\":0},{\"_key\"")));
    ck_assert(sf_str_ends(req->body, SF_STR(",{\"_key\":\"k49\",\"v\":49}]")));
    (void)snprintf(length, sizeof(length), "%zu", req->body.len);
    ck_assert(sf_str_eq(stub_header(req, "Content-Length"), sf_str_from(length)));
    ck_assert_uint_eq(stub_header(req, "Expect").len, 0);
    ck_assert_uint_eq(stub_header(req, "Transfer-Encoding").len, 0);
    ck_assert(
        sf_str_eq(stub_header(req, "Authorization"), SF_STR("Basic cm9vdDpzZWNyZXQ=")));
    ck_assert(sf_str_eq(stub_header(req, "Content-Type"), SF_STR("application/json")));
}

START_TEST(a_batch_is_one_request_of_known_length)
{
    static const struct stub_answer answers[] = { OK };
    struct stub *stub = stub_start_script(answers, COUNT(answers));
    struct fixture f = { 0 };

    write_all(&f, stub_url(stub));
    ck_assert_int_eq(stub_requests_n(stub), 1);
    check_body(stub_request(stub, 0));
    ck_assert_int_eq(f.aways, 0);
    close_all(&f);
    stub_stop(stub);
}
END_TEST

/* Each way to fail is followed by a good answer: the same bytes come again. */
static const struct stub_answer failures[] = {
    { .status = 0 },
    { .status = 202, .body = "{}", .cut = 1 },
    { .status = 202, .body = "{}", .delay_ms = 1500 }, /* over ARANGO_TIMEOUT_MS */
    { .status = 500, .body = "<html>oops</html>" },
    { .status = 503,
      .body = "{\"error\":true,\"code\":503,\"errorNum\":503,\"errorMessage\":\"x\"}" },
    { .status = 202, .body = "{}", .is_closing = true, .cut = 1 },
};

START_TEST(after_a_failure_the_same_is_sent_again)
{
    const struct stub_answer answers[] = { failures[_i], OK };
    struct stub *stub = stub_start_script(answers, COUNT(answers));
    struct fixture f = { 0 };

    write_all(&f, stub_url(stub));
    ck_assert_int_eq(stub_requests_n(stub), 2);
    check_body(stub_request(stub, 0));
    check_body(stub_request(stub, 1));
    ck_assert_int_eq(f.aways, 1);
    ck_assert_int_eq(f.backs, 1);
    ck_assert_int_eq(f.refused, 0);
    ck_assert_msg(strstr(f.why.text, "127.0.0.1:") != NULL, "%s", f.why.text);
    ck_assert_msg(!strstr(f.why.text, "secret"), "%s", f.why.text);
    close_all(&f);
    stub_stop(stub);
}
END_TEST

/* The header alone says that something failed: its body would read as success. */
static void judge_k7(void *arg, const struct stub_request *req, struct stub_answer *a)
{
    static char items[8192];
    size_t at = 1;

    (void)arg;
    a->status = 202;
    if (sf_str_contains(req->path, SF_STR("silent"))) {
        a->headers = "x-arango-error-codes: {\"1221\":1}\r\n";
        a->body = "{}";
        return;
    }
    items[0] = '[';
    for (int i = 0; i < DOCS; i++)
        at += (size_t)snprintf(items + at, sizeof(items) - at, "%s%s", i > 0 ? "," : "",
                               i == 7 ? "{\"error\":true,\"errorNum\":1221,"
                                        "\"errorMessage\":\"illegal document key\"}"
                                      : "{\"_key\":\"k\"}");
    (void)snprintf(items + at, sizeof(items) - at, "]");
    a->body = items;
}

START_TEST(the_error_header_is_believed)
{
    struct stub *stub = stub_start(judge_k7, NULL);
    struct fixture f = { 0 };

    write_all(&f, stub_url(stub));
    ck_assert_int_eq(stub_requests_n(stub), 2);
    ck_assert_int_eq(stub_connections_n(stub), 1); /* kept alive */
    ck_assert_int_eq(f.refused, 1);
    ck_assert_str_eq(f.text, "1221 illegal document key");
    close_all(&f);
    stub_stop(stub);
}
END_TEST

START_TEST(a_refused_connection_means_the_next_coordinator)
{
    static const struct stub_answer answers[] = { OK };
    struct stub *gone = stub_start_script(answers, COUNT(answers));
    struct stub *stub = stub_start_script(answers, COUNT(answers));
    struct fixture f = { 0 };
    char urls[128];

    (void)snprintf(urls, sizeof(urls), "%s,%s", stub_url(gone), stub_url(stub));
    stub_stop(gone);
    write_all(&f, urls);
    ck_assert_int_eq(stub_requests_n(stub), 1);
    check_body(stub_request(stub, 0));
    ck_assert_int_eq(f.aways, 1);
    ck_assert_int_eq(f.backs, 1);
    close_all(&f);
    stub_stop(stub);
}
END_TEST

START_TEST(wrong_credentials_end_it)
{
    static const struct stub_answer answers[] = {
        { .status = 401, .body = "{\"error\":true,\"code\":401,\"errorNum\":11}" }
    };
    struct stub *stub = stub_start_script(answers, COUNT(answers));
    struct fixture f = { 0 };

    write_all(&f, stub_url(stub));
    ck_assert_int_eq(f.fatal.status, SF_EAUTH);
    ck_assert_int_eq(f.told, 0);
    ck_assert_int_eq(stub_requests_n(stub), 1);
    close_all(&f);
    stub_stop(stub);
}
END_TEST

static void http_cases(Suite *s)
{
    TCase *tc = tcase_create("arango over sockets");

    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, a_batch_is_one_request_of_known_length);
    tcase_add_loop_test(tc, after_a_failure_the_same_is_sent_again, 0, COUNT(failures));
    tcase_add_test(tc, the_error_header_is_believed);
    tcase_add_test(tc, a_refused_connection_means_the_next_coordinator);
    tcase_add_test(tc, wrong_credentials_end_it);
    suite_add_tcase(s, tc);
}

RUN_SUITE("arango_http", http_cases)
