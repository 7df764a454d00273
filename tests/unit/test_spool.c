#include "libsf/src/spool.h"
#include "oom.h"
#include "runner.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIB (1 << 20)

struct fixture {
    char folder[32];
    struct spool *s;
};

static struct fixture f;

static void open_spool(int64_t max_bytes)
{
    struct sf_error err = { 0 };

    ck_assert_msg(spool_open(f.folder, "queue", max_bytes, &f.s, &err) == SF_OK, "%s",
                  err.text);
}

static void set_up(void)
{
    memset(&f, 0, sizeof(f));
    memcpy(f.folder, "/tmp/sf-spool-XXXXXX", 21);
    ck_assert_ptr_nonnull(mkdtemp(f.folder));
    open_spool(64 * MIB);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int files(bool is_removed)
{
    struct dirent **names = NULL;
    int n = scandir(f.folder, &names, is_visible, alphasort);
    char path[512];

    ck_assert_int_ge(n, 0);
    for (int i = 0; i < n; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", f.folder, names[i]->d_name);
        if (is_removed)
            (void)unlink(path);
        free(names[i]);
    }
    free(names);
    return n;
}

static void tear_down(void)
{
    spool_close(f.s);
    (void)files(true);
    (void)rmdir(f.folder);
}

static enum sf_status add(int64_t position, size_t size)
{
    const struct spool_entry e = { 3, position, SF_STR("BTCUSDT"),
                                   position < 0 ? SF_STR("sf-gap") : SF_STR_EMPTY,
                                   SF_STR("{\"a\": 1}") };
    struct sf_error err = { 0 };
    struct sf_buf b;
    enum sf_status status;

    sf_buf_init(&b, 64 * MIB);
    spool_print(&b, &e);
    if (size > b.len) { /* the value goes on in blanks */
        b.len--;
        while (b.len < size - 1)
            sf_buf_add_char(&b, ' ');
        sf_buf_add_char(&b, '\n');
    }
    status = spool_append(f.s, sf_buf_str(&b), 1, &err);
    sf_buf_release(&b);
    ck_assert(status == SF_OK || err.text[0] != '\0');
    return status;
}

static void expect(int64_t position)
{
    struct sf_error err = { 0 };
    struct spool_entry e;

    ck_assert(!spool_is_drained(f.s));
    ck_assert_msg(spool_peek(f.s, &e, &err), "%s", err.text);
    ck_assert_int_eq(e.position, position);
    ck_assert_int_eq(e.partition, 3);
    ck_assert(sf_str_eq(e.key, SF_STR("BTCUSDT")));
    ck_assert(sf_str_eq(e.control, position < 0 ? SF_STR("sf-gap") : SF_STR_EMPTY));
    ck_assert(sf_str_starts(e.value, SF_STR("{\"a\": 1}")));
    spool_pop(f.s);
}

static void expect_nothing(void)
{
    struct sf_error err = { 0 };
    struct spool_entry e;

    ck_assert(!spool_peek(f.s, &e, &err));
    ck_assert_int_eq(err.status, SF_OK);
    ck_assert(spool_is_drained(f.s));
    ck_assert_int_eq(spool_left_n(f.s), 0);
}

START_TEST(entries_come_in_order_and_their_segments_go)
{
    expect_nothing();
    ck_assert_int_eq(add(1, 0), SF_OK);
    ck_assert_int_eq(add(-1, 0), SF_OK);
    expect(1);
    ck_assert_int_eq(add(2, 0), SF_OK);
    ck_assert_int_eq(spool_left_n(f.s), 2);
    expect(-1);
    expect(2);
    expect_nothing();
    ck_assert_int_eq(files(false), 1);
    ck_assert_int_eq(add(3, 0), SF_OK); /* behind what was read: a segment of its own */
    ck_assert_int_eq(files(false), 2);
    spool_confirm(f.s, spool_read_number(f.s) + 1); /* the one that is read stays */
    ck_assert_int_eq(files(false), 1);
    expect(3);
    spool_confirm(f.s, spool_read_number(f.s));
    ck_assert_int_eq(files(false), 0);
    ck_assert_int_eq(spool_bytes(f.s), 0);
    expect_nothing();
}
END_TEST

START_TEST(segments_are_cut_and_lines_are_long)
{
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(add(i, i % 3 == 0 ? 3 * MIB : 0), SF_OK);
    ck_assert_int_ge(files(false), 3);
    for (int i = 0; i < 20; i++)
        expect(i);
    expect_nothing();
    spool_confirm(f.s, spool_read_number(f.s));
    ck_assert_int_eq(files(false), 0);
}
END_TEST

START_TEST(what_a_kill_left_is_read_again)
{
    FILE *file;
    char path[512];

    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(add(i, 5 * MIB), SF_OK);
    expect(0);
    spool_close(f.s);
    (void)snprintf(path, sizeof(path), "%s/queue.00000003.spool", f.folder);
    file = fopen(path, "a");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_gt(fputs("3 77 BTCUSDT  {\"cut", file), 0);
    ck_assert_int_eq(fclose(file), 0);
    (void)snprintf(path, sizeof(path), "%s/other.00000001.spool", f.folder);
    file = fopen(path, "w"); /* of another queue */
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fclose(file), 0);
    open_spool(64 * MIB);
    for (int turn = 0; turn < 2; turn++) {
        for (int i = 0; i < 5; i++)
            expect(i);
        expect_nothing();
        spool_rewind(f.s);
    }
    ck_assert_int_eq(add(5, 0), SF_OK);
    for (int i = 0; i < 6; i++)
        expect(i);
    expect_nothing();
    spool_confirm(f.s, spool_read_number(f.s));
    ck_assert_int_eq(files(false), 1);
}
END_TEST

START_TEST(lines_that_are_none_are_passed_over)
{
    const struct sf_str bad[] = {
        SF_STR("\n"),          SF_STR("x 1 A  {}\n"), SF_STR("-1 1 A  {}\n"),
        SF_STR("1 x A  {}\n"), SF_STR("1 1 A\n"),     SF_STR("9999999999 1 A  {}\n")
    };

    ck_assert_int_eq(add(1, 0), SF_OK);
    for (size_t i = 0; i < COUNT(bad); i++)
        ck_assert_int_eq(spool_append(f.s, bad[i], 0, NULL), SF_OK);
    ck_assert_int_eq(add(2, 0), SF_OK);
    expect(1);
    expect(2);
    expect_nothing();
}
END_TEST

START_TEST(what_is_on_its_way_is_not_read_but_kept)
{
    ck_assert_int_eq(add(1, 0), SF_OK);
    ck_assert_int_eq(add(2, 0), SF_OK);
    spool_skip_all(f.s);
    ck_assert(spool_is_drained(f.s));
    ck_assert_int_eq(add(3, 0), SF_OK);
    expect(3);
    expect_nothing();
    spool_close(f.s);
    open_spool(64 * MIB);
    for (int i = 1; i <= 3; i++)
        expect(i);
    expect_nothing();
}
END_TEST

START_TEST(the_bound_holds_and_nothing_is_half_written)
{
    spool_close(f.s);
    open_spool(MIB);
    ck_assert_int_eq(add(1, MIB - 100), SF_OK);
    ck_assert_int_eq(add(2, 200), SF_EFULL);
    ck_assert_int_eq(add(3, 0), SF_OK);
    expect(1);
    expect(3);
    expect_nothing();
    ck_assert_int_eq(add(4, 200), SF_EFULL); /* not confirmed yet */
    spool_confirm(f.s, spool_read_number(f.s));
    ck_assert_int_eq(add(4, 200), SF_OK);
    expect(4);
}
END_TEST

START_TEST(a_folder_that_is_none_is_refused)
{
    struct sf_error err = { 0 };
    struct spool *s = NULL;

    ck_assert_int_eq(spool_open("/nowhere/at/all", "queue", MIB, &s, &err), SF_EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "SPOOL_PATH='/nowhere/at/all'"));
    ck_assert_ptr_null(s);
}
END_TEST

START_TEST(lack_of_memory_is_told_and_loses_nothing)
{
    struct sf_error err = { 0 };
    struct spool_entry e;
    struct spool *s = NULL;
    int n;

    for (n = 0;; n++) {
        enum sf_status status;

        err.status = SF_OK;
        oom_fail_at(n);
        status = spool_open(f.folder, "other", MIB, &s, &err);
        if (!oom_has_failed())
            break;
        ck_assert_int_eq(status, SF_ENOMEM);
        ck_assert_str_eq(err.text, "no memory for a spool");
        ck_assert_ptr_null(s);
    }
    ck_assert_int_ge(n, 3); /* the spool, the folder, the name */
    spool_close(s);
    ck_assert_int_eq(add(1, 0), SF_OK);
    err.status = SF_OK;
    oom_fail_at(0);
    ck_assert(!spool_peek(f.s, &e, &err));
    ck_assert(oom_has_failed());
    ck_assert_int_eq(err.status, SF_ENOMEM);
    ck_assert_ptr_nonnull(strstr(err.text, "out of memory"));
    ck_assert(!spool_is_drained(f.s));
    spool_rewind(f.s);
    expect(1);
}
END_TEST

static void spool_cases(Suite *s)
{
    TCase *tc = tcase_create("spool");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, entries_come_in_order_and_their_segments_go);
    tcase_add_test(tc, segments_are_cut_and_lines_are_long);
    tcase_add_test(tc, what_a_kill_left_is_read_again);
    tcase_add_test(tc, lines_that_are_none_are_passed_over);
    tcase_add_test(tc, what_is_on_its_way_is_not_read_but_kept);
    tcase_add_test(tc, the_bound_holds_and_nothing_is_half_written);
    tcase_add_test(tc, a_folder_that_is_none_is_refused);
    tcase_add_test(tc, lack_of_memory_is_told_and_loses_nothing);
    suite_add_tcase(s, tc);
}

RUN_SUITE("spool", spool_cases)
