/* Members as processes: started once, found again by another launcher, ended. */
#include "manager/launcher.h"
#include "runner.h"

#include <sf/time.h>

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WAIT_MS 20000

struct place {
    char dir[64], bin[96], run[96];
    struct sf_conf conf;
    struct queue_spec q;
    struct launcher *l;
};

/* A program of the name of a loader that runs @script. */
static void set_up(struct place *p, const char *script)
{
    static const struct sf_type_ref no_type;
    char path[160];
    FILE *f;

    *p = (struct place){ .dir = "/tmp/sf-launch-XXXXXX" };
    ck_assert_ptr_nonnull(mkdtemp(p->dir));
    (void)snprintf(p->bin, sizeof(p->bin), "%s/bin", p->dir);
    (void)snprintf(p->run, sizeof(p->run), "%s/a/run", p->dir);
    ck_assert_int_eq(mkdir(p->bin, 0700), 0);
    (void)snprintf(path, sizeof(path), "%s/loader-api-trades", p->bin);
    f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_gt(fprintf(f, "#!/bin/sh\n%s\n", script), 0);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_int_eq(chmod(path, 0700), 0);
    p->conf.launcher_dir = p->run;
    p->conf.launcher_bin = p->bin;
    p->q.request = json_pack("{s:s}", "symbol", "BTCUSDT");
    p->q.type_ref = no_type;
    ck_assert_int_eq(sf_type_parse(SF_STR("api_trades"), &p->q.type_ref, NULL), SF_OK);
    (void)snprintf(p->q.queue_id, sizeof(p->q.queue_id), "loader-x");
    p->q.members_n = 1;
    p->q.members[0] =
        (struct member_spec){ .image = "loader-api-trades", .is_loader = true };
    ck_assert_int_eq(launcher_process(&p->conf, &p->l, NULL), SF_OK);
}

static void tear_down(struct place *p)
{
    char path[160];

    p->l->kind->stop(p->l, &p->q, &p->q.members[0], true);
    p->l->kind->forget(p->l, &p->q);
    p->l->kind->destroy(p->l);
    json_decref(p->q.request);
    (void)snprintf(path, sizeof(path), "%s/loader-api-trades", p->bin);
    (void)unlink(path);
    (void)snprintf(path, sizeof(path), "%s/manager.lock", p->run);
    (void)unlink(path);
    ck_assert_int_eq(rmdir(p->run), 0);
    (void)snprintf(path, sizeof(path), "%s/a", p->dir);
    ck_assert_int_eq(rmdir(path), 0);
    ck_assert_int_eq(rmdir(p->bin), 0);
    ck_assert_int_eq(rmdir(p->dir), 0);
}

static bool runs(struct place *p, int *ret_exit)
{
    return p->l->kind->is_running(p->l, &p->q, &p->q.members[0], ret_exit);
}

static void wait_for_end(struct place *p, int *ret_exit)
{
    int64_t until_us = sf_mono_us() + WAIT_MS * 1000;

    while (runs(p, ret_exit)) {
        ck_assert(sf_mono_us() < until_us);
        (void)poll(NULL, 0, 5);
    }
}

/* Until the member has written @want. */
static void wait_for_log(struct place *p, const char *want)
{
    int64_t until_us = sf_mono_us() + WAIT_MS * 1000;
    struct sf_buf b;
    bool found = false;

    sf_buf_init(&b, 4096);
    while (!found) {
        ck_assert_msg(sf_mono_us() < until_us, "no %s in %s", want, sf_buf_cstr(&b));
        sf_buf_clear(&b);
        found =
            p->l->kind->logs(p->l, &p->q, &p->q.members[0], 4000, &b, NULL) == SF_OK &&
            sf_str_contains(sf_buf_str(&b), sf_str_from(want));
        (void)poll(NULL, 0, 5);
    }
    sf_buf_release(&b);
}

static enum sf_status start(struct place *p)
{
    return p->l->kind->start(p->l, &p->q, &p->q.members[0], NULL);
}

START_TEST(it_runs_once_with_its_settings_and_its_exit_code_is_known)
{
    struct place p;
    int code = -1;

    set_up(&p,
           "echo symbol=$SYMBOL queue=$QUEUE_ID secret=$MANAGER_TOKEN.; read x; exit 7");
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): this test is one thread */
    ck_assert_int_eq(setenv("MANAGER_TOKEN", "hidden", 1), 0);
    ck_assert_int_eq(start(&p), SF_OK);
    wait_for_log(&p, "symbol=BTCUSDT");
    wait_for_log(&p, "secret=.");
    wait_for_end(&p, &code);
    ck_assert_int_eq(code, 7);
    tear_down(&p);
}
END_TEST

START_TEST(one_that_runs_is_not_started_again_and_is_found_again)
{
    struct place p;
    int code = -1;

    set_up(&p, "echo up; exec sleep 600");
    ck_assert_int_eq(start(&p), SF_OK);
    ck_assert_int_eq(start(&p), SF_EEXIST);
    wait_for_log(&p, "up");
    p.l->kind->destroy(p.l);
    ck_assert_int_eq(launcher_process(&p.conf, &p.l, NULL), SF_OK);
    ck_assert(runs(&p, &code));
    ck_assert_int_eq(start(&p), SF_EEXIST);
    p.l->kind->stop(p.l, &p.q, &p.q.members[0], false);
    wait_for_end(&p, &code);
    tear_down(&p);
}
END_TEST

START_TEST(a_signal_is_an_exit_code_too)
{
    struct place p;
    int code = -1;

    set_up(&p, "trap '' TERM; echo deaf; exec sleep 600");
    ck_assert_int_eq(start(&p), SF_OK);
    wait_for_log(&p, "deaf");
    p.l->kind->stop(p.l, &p.q, &p.q.members[0], false);
    ck_assert(runs(&p, &code));
    p.l->kind->stop(p.l, &p.q, &p.q.members[0], true);
    wait_for_end(&p, &code);
    ck_assert_int_eq(code, 128 + 9);
    ck_assert_int_eq(start(&p), SF_OK);
    tear_down(&p);
}
END_TEST

START_TEST(what_cannot_be_started_says_so)
{
    struct place p;
    struct sf_error err = { 0 };
    struct launcher *second = NULL;

    set_up(&p, "exit 0");
    p.q.members[0].image = "arango-trades";
    ck_assert_int_eq(p.l->kind->start(p.l, &p.q, &p.q.members[0], &err), SF_ENOTFOUND);
    ck_assert_ptr_nonnull(strstr(err.text, "arango-trades"));
    ck_assert_int_eq(launcher_process(&p.conf, &second, NULL), SF_EBUSY);
    tear_down(&p);
}
END_TEST

static void cases(Suite *s)
{
    TCase *tc = tcase_create("launch_process");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, it_runs_once_with_its_settings_and_its_exit_code_is_known);
    tcase_add_test(tc, one_that_runs_is_not_started_again_and_is_found_again);
    tcase_add_test(tc, a_signal_is_an_exit_code_too);
    tcase_add_test(tc, what_cannot_be_started_says_so);
    suite_add_tcase(s, tc);
}

RUN_SUITE("launch_process", cases)
