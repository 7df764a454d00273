/* The set-up steps: each case is the talk with a server, question by question. */
#include "fake_http.h"
#include "oom.h"
#include "runner.h"

#include <sf/arango.h>
#include <sf/stop.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define VERSION     "GET /_db/db/_api/version"
#define V312        "{\"server\":\"arango\",\"license\":\"community\",\"version\":\"3.12.4-1\"}"
#define COLLECTION  "GET /_db/db/_api/collection/c"
#define RIGHTS      "GET /_db/_system/_api/user/root/database/db/c"
#define INDEXES     "GET /_db/db/_api/index?collection=c"
#define CREATE_DB   "POST /_db/_system/_api/database {\"name\":\"db\"}"
#define CREATE_COLL "POST /_db/db/_api/collection {\"name\":\"c\",\"type\":2}"
#define CREATE_INDEX                                  \
    "POST /_db/db/_api/index?collection=c "           \
    "{\"type\":\"persistent\",\"inBackground\":true," \
    "\"unique\":false,\"fields\":[\"open_time\"]}"
#define LOGIN  "POST /_open/auth {\"username\":\"root\",\"password\":\"se\\\"cret\"}"
#define NUM(n) "{\"error\":true,\"errorNum\":" #n ",\"errorMessage\":\"text of " #n "\"}"
#define RW     "{\"error\":false,\"code\":200,\"result\":\"rw\"}"

struct talk {
    const char *question; /* method, path and body */
    int status;
    const char *answer;
};

/* Each question must be the next one; the end of the table means: no more. */
struct script {
    const struct talk *talk;
    int at;
    char problem[1600]; /* the first question that was not expected */
};

static void answer(void *arg, const struct fake_request *req, struct fake_answer *a)
{
    struct script *s = arg;
    const struct talk *t = &s->talk[s->at];
    char got[1024];
    const char *path = strchr(req->url.p + strlen("http://"), '/');

    (void)snprintf(got, sizeof(got), "%.*s %s%s%.*s", SF_STR_ARG(req->method), path,
                   req->body.len > 0 ? " " : "", SF_STR_ARG(req->body));
    if (!t->question || strcmp(got, t->question) != 0) {
        if (!s->problem[0])
            (void)snprintf(s->problem, sizeof(s->problem), "asked: %s, expected: %s", got,
                           t->question ? t->question : "nothing");
        a->status = 501;
        sf_buf_add_lit(a->body, NUM(9));
        return;
    }
    s->at++;
    a->status = t->status;
    a->failure = SF_EIO;
    sf_buf_add_str(a->body, sf_str_from(t->answer));
}

static char *text(const char *s)
{
    return (char *)(uintptr_t)s;
}

static struct sf_conf settings(void)
{
    return (struct sf_conf){ .arango_url = text("http://one:8529"),
                             .arango_db = text("db"),
                             .arango_user = text("root"),
                             .arango_password = text("se\"cret"),
                             .arango_ca_path = text(""),
                             .arango_lanes = 1,
                             .arango_create = 1,
                             .arango_timeout_ms = 1000 };
}

static const char *const open_time[] = { "open_time", NULL };
static const struct sf_arango_index by_time = { open_time, false };

enum step { DATABASE, COLLECTION_ONLY, WITH_INDEX };

static enum sf_status run(const struct sf_conf *conf, enum step step,
                          struct script *script, struct sf_error *err)
{
    struct sf_loop *loop = NULL;
    struct sf_arango *a = NULL;
    enum sf_status status = sf_loop_create(&loop, err);

    fake_http_script(answer, script);
    if (status == SF_OK)
        status = sf_arango_create(loop, conf, &a, err);
    if (status == SF_OK && step == DATABASE)
        status = sf_arango_ensure_database(a, err);
    else if (status == SF_OK)
        status = sf_arango_ensure_collection(a, "c", &by_time, step == WITH_INDEX ? 1 : 0,
                                             err);
    sf_arango_destroy(a);
    sf_loop_destroy(loop);
    return status;
}

/* clang-format off */
static const struct {
    const char *what;
    enum step step;
    bool create, jwt;
    struct talk talk[8];
    enum sf_status want;
    const char *text; /* part of the error */
} cases[] = {
    { "a database that is there", DATABASE, true, false,
      { { VERSION, 200, V312 } }, SF_OK, "" },
    { "a missing one is created", DATABASE, true, false,
      { { VERSION, 404, NUM(1228) }, { CREATE_DB, 201, "{\"result\":true}" },
        { VERSION, 200, V312 } }, SF_OK, "" },
    { "another process is faster", DATABASE, true, false,
      { { VERSION, 404, NUM(1228) }, { CREATE_DB, 409, NUM(1207) },
        { VERSION, 200, V312 } }, SF_OK, "" },
    { "a missing one is not to be created", DATABASE, false, false,
      { { VERSION, 404, NUM(1228) } }, SF_ENOTFOUND, "ARANGO_DB='db' does not exist" },
    { "creating is not permitted", DATABASE, true, false,
      { { VERSION, 404, NUM(1228) }, { CREATE_DB, 403, NUM(11) } }, SF_EDENIED,
      "HTTP 403, error 11: text of 11" },
    { "a bad name", DATABASE, true, false,
      { { VERSION, 404, NUM(1228) }, { CREATE_DB, 400, NUM(1229) } }, SF_EREFUSED,
      "error 1229" },
    { "a wrong password", DATABASE, true, false,
      { { VERSION, 401, NUM(11) }, { LOGIN, 401, NUM(401) } }, SF_EAUTH,
      "wrong user or password (ARANGO_USER='root'): HTTP 401" },
    { "the password is right, rights are missing", DATABASE, true, false,
      { { VERSION, 401, NUM(11) }, { LOGIN, 200, "{\"jwt\":\"x\"}" },
        { CREATE_DB, 401, NUM(11) } }, SF_EDENIED, "HTTP 401, error 11" },
    { "no rights, but it may create", DATABASE, true, false,
      { { VERSION, 401, NUM(11) }, { LOGIN, 200, "{\"jwt\":\"x\"}" },
        { CREATE_DB, 201, "{}" }, { VERSION, 200, V312 } }, SF_OK, "" },
    { "a token first", DATABASE, true, true,
      { { LOGIN, 200, "{\"jwt\":\"x\"}" }, { VERSION, 200, V312 } }, SF_OK, "" },
    { "a token is refused", DATABASE, true, true,
      { { LOGIN, 401, NUM(401) } }, SF_EAUTH, "wrong user or password (ARANGO_USER='root'): HTTP 401" },
    { "a token without rights on the database", DATABASE, false, true,
      { { LOGIN, 200, "{\"jwt\":\"x\"}" }, { VERSION, 401, NUM(11) },
        { LOGIN, 200, "{\"jwt\":\"x\"}" }, { VERSION, 401, NUM(11) } }, SF_ENOTFOUND,
      "no rights on it" },
    { "the server starts meanwhile", DATABASE, true, false,
      { { VERSION, 0, "" }, { VERSION, 503, "<html>" }, { VERSION, 200, V312 } },
      SF_OK, "" },
    { "the login waits as well", DATABASE, true, true,
      { { LOGIN, 0, "" }, { LOGIN, 200, "not JSON" }, { LOGIN, 200, "{\"jwt\":\"x\"}" },
        { VERSION, 200, V312 } }, SF_OK, "" },
    { "something that is not ArangoDB", DATABASE, true, false,
      { { VERSION, 405, NUM(405) } }, SF_EREFUSED, "HTTP 405" },

    { "a collection that is there", COLLECTION_ONLY, true, false,
      { { COLLECTION, 200, "{\"type\":2}" }, { RIGHTS, 200, RW } }, SF_OK, "" },
    { "a missing one is created", COLLECTION_ONLY, true, false,
      { { COLLECTION, 404, NUM(1203) }, { CREATE_COLL, 200, "{\"id\":\"1\"}" },
        { RIGHTS, 200, RW } }, SF_OK, "" },
    { "another process is faster", COLLECTION_ONLY, true, false,
      { { COLLECTION, 404, NUM(1203) }, { CREATE_COLL, 409, NUM(1207) },
        { RIGHTS, 200, RW } }, SF_OK, "" },
    { "a missing one is not to be created", COLLECTION_ONLY, false, false,
      { { COLLECTION, 404, NUM(1203) } }, SF_ENOTFOUND,
      "collection db/c does not exist and ARANGO_CREATE is off" },
    { "read-only rights", COLLECTION_ONLY, true, false,
      { { COLLECTION, 200, "{}" }, { RIGHTS, 200, "{\"result\":\"ro\"}" } }, SF_EDENIED,
      "user ARANGO_USER='root' has the rights 'ro' on collection db/c, expected 'rw'" },
    { "rights that may not be asked for", COLLECTION_ONLY, true, false,
      { { COLLECTION, 200, "{}" }, { RIGHTS, 403, NUM(11) } }, SF_OK, "" },
    { "no right to create", COLLECTION_ONLY, true, false,
      { { COLLECTION, 404, NUM(1203) }, { CREATE_COLL, 403, NUM(11) } }, SF_EDENIED,
      "user ARANGO_USER='root' has not the rights: create collection c: HTTP 403" },
    { "an illegal name", COLLECTION_ONLY, true, false,
      { { COLLECTION, 404, NUM(1203) }, { CREATE_COLL, 400, NUM(1208) } }, SF_EREFUSED,
      "error 1208" },
    { "the database was dropped", COLLECTION_ONLY, true, false,
      { { COLLECTION, 404, NUM(1228) } }, SF_ENOTFOUND, "error 1228" },
    { "a read-only server is waited for", COLLECTION_ONLY, true, false,
      { { COLLECTION, 404, NUM(1203) }, { CREATE_COLL, 403, NUM(1004) },
        { CREATE_COLL, 200, "{}" }, { RIGHTS, 200, RW } }, SF_OK, "" },

    { "an index that is there", WITH_INDEX, true, false,
      { { COLLECTION, 200, "{}" }, { RIGHTS, 200, RW },
        { INDEXES, 200, "{\"indexes\":[{\"type\":\"primary\",\"fields\":[\"_key\"]},"
          "{\"type\":\"persistent\",\"fields\":[\"open_time\"],\"unique\":false}]}" } },
      SF_OK, "" },
    { "indexes that are others", WITH_INDEX, true, false,
      { { COLLECTION, 200, "{}" }, { RIGHTS, 200, RW },
        { INDEXES, 200, "{\"indexes\":[{\"type\":\"ttl\",\"fields\":[\"open_time\"]},"
          "{\"type\":\"persistent\",\"fields\":[\"open_time\",\"x\"],\"unique\":false},"
          "{\"type\":\"persistent\",\"fields\":[\"open_time\"],\"unique\":true},"
          "{\"type\":\"persistent\",\"fields\":[1]},7]}" },
        { CREATE_INDEX, 201, "{\"isNewlyCreated\":true}" } }, SF_OK, "" },
    { "an index that may not be made", WITH_INDEX, true, false,
      { { COLLECTION, 200, "{}" }, { RIGHTS, 200, RW }, { INDEXES, 200, "{}" },
        { CREATE_INDEX, 403, NUM(11) } }, SF_EDENIED,
      "index on open_time of collection c: HTTP 403" },
    { "an index that is not to be made", WITH_INDEX, false, false,
      { { COLLECTION, 200, "{}" }, { RIGHTS, 200, RW }, { INDEXES, 200, "nonsense" },
        { INDEXES, 200, "{\"indexes\":[]}" } }, SF_ENOTFOUND,
      "index on open_time of collection c does not exist" },
};
/* clang-format on */

START_TEST(talk_goes_as_expected)
{
    struct sf_conf conf = settings();
    struct script script = { .talk = cases[_i].talk };
    struct sf_error err = { 0 };
    enum sf_status status;
    int questions = 0;

    conf.arango_create = cases[_i].create;
    conf.arango_auth = cases[_i].jwt ? SF_ARANGO_JWT : SF_ARANGO_BASIC;
    while (cases[_i].talk[questions].question)
        questions++;
    status = run(&conf, cases[_i].step, &script, &err);
    ck_assert_msg(!script.problem[0], "%s: %s", cases[_i].what, script.problem);
    ck_assert_msg(status == cases[_i].want, "%s: %s %s", cases[_i].what,
                  sf_status_name(status), err.text);
    ck_assert_int_eq(script.at, questions);
    ck_assert_msg(strstr(err.text, cases[_i].text) != NULL, "%s: '%s'", cases[_i].what,
                  err.text);
    ck_assert_msg(!strstr(err.text, "cret"), "a secret in: %s", err.text);
}
END_TEST

static const struct talk away[] = { { VERSION, 0, "" },
                                    { VERSION, 0, "" },
                                    { VERSION, 0, "" },
                                    { VERSION, 0, "" },
                                    { NULL, 0, NULL } };

static void stop_at_third(void *arg, const struct fake_request *req,
                          struct fake_answer *a)
{
    answer(arg, req, a);
    if (req->n == 2)
        sf_stop_raise(SIGTERM);
}

START_TEST(a_stop_ends_the_waiting)
{
    struct sf_conf conf = settings();
    struct script script = { .talk = away };
    struct sf_error err = { 0 };
    struct sf_loop *loop = NULL;
    struct sf_arango *a = NULL;

    ck_assert_int_eq(sf_stop_init(NULL), SF_OK);
    ck_assert_int_eq(sf_loop_create(&loop, NULL), SF_OK);
    fake_http_script(stop_at_third, &script);
    ck_assert_int_eq(sf_arango_create(loop, &conf, &a, NULL), SF_OK);
    ck_assert_int_eq(sf_arango_ensure_database(a, &err), SF_ESTOPPED);
    ck_assert_int_eq(script.at, 3);
    sf_arango_destroy(a);
    sf_loop_destroy(loop);
}
END_TEST

static const char *const bad_urls[] = { "", ",", " , /", "///" };

START_TEST(an_address_is_needed)
{
    struct sf_conf conf = settings();
    struct script script = { .talk = away };
    struct sf_error err = { 0 };

    conf.arango_url = text(bad_urls[_i]);
    ck_assert_int_eq(run(&conf, DATABASE, &script, &err), SF_EINVAL);
    ck_assert_msg(strncmp(err.text, "ARANGO_URL='", 12) == 0, "%s", err.text);
}
END_TEST

static void last_host(void *arg, const struct fake_request *req, struct fake_answer *a)
{
    const char **hosts = arg;

    ck_assert_msg(req->n < 4, "too many questions");
    ck_assert_msg(sf_str_starts(req->url, sf_str_from(hosts[req->n])), "%s", req->url.p);
    a->status = req->n < 3 ? 502 : 200;
    sf_buf_add_str(a->body, req->n < 3 ? SF_STR("<html>") : SF_STR(V312));
}

START_TEST(coordinators_are_tried_in_turn)
{
    const char *hosts[] = { "http://a:1/_db", "https://b/x/_db", "http://c:3/_db",
                            "http://a:1/_db" };
    struct sf_conf conf = settings();
    struct sf_error err = { 0 };
    struct sf_loop *loop = NULL;
    struct sf_arango *a = NULL;

    conf.arango_url = text("http://a:1/, https://b/x// ,http://c:3");
    ck_assert_int_eq(sf_loop_create(&loop, NULL), SF_OK);
    fake_http_script(last_host, hosts);
    ck_assert_int_eq(sf_arango_create(loop, &conf, &a, NULL), SF_OK);
    ck_assert_int_eq(sf_arango_ensure_database(a, &err), SF_OK);
    sf_arango_destroy(a);
    sf_loop_destroy(loop);
}
END_TEST

static const struct talk all_well[] = {
    { COLLECTION, 200, "{}" },
    { RIGHTS, 200, RW },
    { INDEXES, 200, "{\"indexes\":[]}" },
    { CREATE_INDEX, 201, "{}" },
    { NULL, 0, NULL },
};

START_TEST(lack_of_memory_is_an_error_or_no_matter)
{
    for (int n = 0; n < 1000; n++) {
        struct sf_conf conf = settings();
        struct script script = { .talk = all_well };
        struct sf_error err = { 0 };
        enum sf_status status;

        oom_fail_at(n);
        status = run(&conf, WITH_INDEX, &script, &err);
        if (!oom_has_failed()) {
            ck_assert_int_eq(status, SF_OK);
            ck_assert_int_gt(n, 10);
            return;
        }
        ck_assert_msg(status == SF_OK || status == SF_ENOMEM || script.problem[0],
                      "allocation %d: %s %s", n, sf_status_name(status), err.text);
        ck_assert(status == SF_OK || err.text[0]);
    }
    ck_abort_msg("never without a failure");
}
END_TEST

static void setup_cases(Suite *s)
{
    TCase *tc = tcase_create("setup");

    tcase_set_timeout(tc, 20);
    tcase_add_loop_test(tc, talk_goes_as_expected, 0, COUNT(cases));
    tcase_add_test(tc, a_stop_ends_the_waiting);
    tcase_add_loop_test(tc, an_address_is_needed, 0, COUNT(bad_urls));
    tcase_add_test(tc, coordinators_are_tried_in_turn);
    tcase_add_test(tc, lack_of_memory_is_an_error_or_no_matter);
    suite_add_tcase(s, tc);
}

RUN_SUITE("arango_setup", setup_cases)
