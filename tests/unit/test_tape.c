#include "libsf/src/tape.h"
#include "oom.h"
#include "runner.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ------------------------------------------------------------------------------- lines
 */

#define OWN(name, data) "5 {\"stream\":\"!sf." name "\",\"data\":" data "}"

static const struct {
    const char *line;
    enum tape_kind kind;
    int64_t time_us, first, n, server_ms;
    enum sf_status status;
    const char *text, *path, *why, *body;
} lines[] = {
    /* clang-format off */
    { "1717200000000001 {\"stream\":\"a@trade\"}", TAPE_FRAME, 1717200000000001, 0, 0, 0, SF_OK, "{\"stream\":\"a@trade\"}", "", "", "" },
    { "1717200000000001999 x y", TAPE_FRAME, 1717200000000001, 0, 0, 0, SF_OK, "x y", "", "", "" },
    { "5 ", TAPE_FRAME, 5, 0, 0, 0, SF_OK, "", "", "", "" },
    { "5 {\"stream\":\"!sf.else\",", TAPE_FRAME, 5, 0, 0, 0, SF_OK, "{\"stream\":\"!sf.else\",", "", "", "" },
    { OWN("begin", "{\"run\":1}"), TAPE_BEGIN, 5, 0, 0, 0, SF_OK, "{\"run\":1}", "", "", "" },
    { OWN("up", "{\"first\":2,\"n\":3}"), TAPE_UP, 5, 2, 3, 0, SF_OK, NULL, "", "", "" },
    { OWN("down", "{\"first\":2,\"n\":3,\"status\":\"ETIMEOUT\",\"text\":\"\\\"\",\"more\":[1]}"), TAPE_DOWN, 5, 2, 3, 0, SF_ETIMEOUT, NULL, "", "\\\"", "" },
    { OWN("ask", "{\"path\":\"/a?b=1\"}"), TAPE_ASK, 5, 0, 0, 0, SF_OK, NULL, "/a?b=1", "", "" },
    { OWN("answer", "{\"path\":\"/a\",\"status\":\"OK\",\"server_ms\":7,\"text\":\"\",\"body\":[{\"a\":1}]}"), TAPE_ANSWER, 5, 0, 0, 7, SF_OK, NULL, "/a", "", "[{\"a\":1}]" },
    { OWN("answer", "{\"path\":\"/a\",\"status\":\"ESOMETHING\",\"text\":\"no\"}"), TAPE_ANSWER, 5, 0, 0, 0, SF_EIO, NULL, "/a", "no", "" },
    { OWN("answer", "{\"path\":\"/a\",\"status\":\"OK\",\"body\":\"<p>\"}"), TAPE_ANSWER, 5, 0, 0, 0, SF_OK, NULL, "/a", "", "<p>" },
    /* clang-format on */
};

static void same(struct sf_str got, const char *want)
{
    ck_assert_msg(sf_str_eq(got, sf_str_from(want)), "'%.*s', expected '%s'",
                  (int)got.len, got.p, want);
}

START_TEST(a_line_says_what_happened)
{
    struct tape_line l;
    struct sf_error err = { 0 };

    ck_assert_msg(tape_line_parse(sf_str_from(lines[_i].line), &l, &err) == SF_OK, "%s",
                  err.text);
    ck_assert_int_eq(l.kind, lines[_i].kind);
    ck_assert_int_eq(l.time_us, lines[_i].time_us);
    ck_assert_int_eq(l.first, lines[_i].first);
    ck_assert_int_eq(l.n, lines[_i].n);
    ck_assert_int_eq(l.server_ms, lines[_i].server_ms);
    ck_assert_int_eq(l.status, lines[_i].status);
    if (lines[_i].text)
        same(l.text, lines[_i].text);
    same(l.path, lines[_i].path);
    same(l.why, lines[_i].why);
    same(l.body, lines[_i].body);
}
END_TEST

static const char *const bad_lines[] = {
    "",
    "5",
    " x",
    "-5 x",
    "5x y",
    "99999999999999999999 x",
    OWN("up", "{\"first\":-1,\"n\":3}"),
    OWN("up", "{\"first\":1.5,\"n\":3}"),
    OWN("up", "[1]"),
    OWN("up", "{\"first\":1"),
    OWN("down", "{\"status\":5}"),
    OWN("ask", "{\"path\":7}"),
    OWN("answer", "{\"body\":}"),
    "5 {\"stream\":\"!sf.up\"}",
    "5 {\"stream\":\"!sf.begin\",\"data\":{}",
    "5 {\"stream\":\"!sf.begin\",\"data\":{}} ]",
};

START_TEST(what_is_no_line_is_refused)
{
    struct tape_line l = { .time_us = -7 };
    struct sf_error err = { 0 };
    enum sf_status status = tape_line_parse(sf_str_from(bad_lines[_i]), &l, &err);

    ck_assert_int_eq(status, SF_EPROTO);
    ck_assert(err.text[0] != '\0');
    ck_assert_int_eq(l.time_us, -7);
}
END_TEST

/* ------------------------------------------------------------------- written and played
 */

struct heard {
    struct sf_loop *loop;
    struct sf_buf text; /* what was heard, in a line */
    struct tape_player *player;
    bool is_full, is_over;
    int lines_n;
    struct sf_error err;
};

static void on_over(void *arg, const struct sf_error *err)
{
    struct heard *h = arg;

    h->is_over = true;
    h->err = *err;
}

static void on_frame(void *arg, struct sf_str text)
{
    struct heard *h = arg;

    sf_buf_addf(&h->text, "[%" SF_STR_FMT "]", SF_STR_ARG(text));
    h->is_full = ++h->lines_n == 2;
}

static void on_up(void *arg, size_t first, size_t n)
{
    struct heard *h = arg;

    sf_buf_addf(&h->text, "+%zu,%zu", first, n);
}

static void on_down(void *arg, size_t first, size_t n, const struct sf_error *why)
{
    struct heard *h = arg;

    sf_buf_addf(&h->text, "-%zu,%zu %s %s", first, n, sf_status_name(why->status),
                why->text);
}

static bool is_full(void *arg)
{
    return ((struct heard *)arg)->is_full;
}

static bool is_idle(void *arg)
{
    return !is_full(arg);
}

static void on_end(void *arg)
{
    struct heard *h = arg;

    h->is_over = true;
    sf_loop_quit(h->loop);
}

static void on_room(void *arg) /* sf_timer_fn */
{
    struct heard *h = arg;

    h->is_full = false;
    sf_buf_add_lit(&h->text, "|");
    tape_play_go(h->player);
}

static void set_up(struct heard *f, char *path)
{
    int fd = mkstemp(path);

    memset(f, 0, sizeof(*f));
    ck_assert_int_ge(fd, 0);
    (void)close(fd);
    sf_buf_init(&f->text, 65536);
    ck_assert_int_eq(sf_loop_create(&f->loop, NULL), SF_OK);
}

static void tear_down(struct heard *f, const char *path)
{
    tape_player_close(f->player);
    sf_buf_release(&f->text);
    sf_loop_destroy(f->loop);
    (void)unlink(path);
}

static void write_tape(struct heard *f, const char *path)
{
    const struct sf_error why = { .status = SF_EIO, .text = "cut \"off\"" };
    struct tape_writer *w;
    struct sf_error err = { 0 };

    ck_assert_msg(tape_writer_open(f->loop, path, "name", on_over, f, &w, &err) == SF_OK,
                  "%s", err.text);
    tape_write_begin(w, SF_STR("{\"run\":3}"));
    tape_write_up(w, 0, 2);
    tape_write_frame(w, SF_STR("{\"a\":\n1}"));
    tape_write_frame(w, SF_STR("\n\nb\n"));
    tape_write_down(w, 0, 2, &why);
    tape_write_frame(w, SF_STR(""));
    tape_writer_close(w);
}

static enum sf_status open_tape(struct heard *f, const char *path,
                                struct sf_str *ret_begin, struct sf_error *err)
{
    const struct tape_player_opts opts = { .loop = f->loop,
                                           .path = path,
                                           .speed = 0,
                                           .is_full = is_full,
                                           .on_end = on_end,
                                           .is_idle = is_idle,
                                           .on_fail = on_over,
                                           .arg = f };

    return tape_player_open(&opts, ret_begin, &f->player, err);
}

START_TEST(what_is_written_is_heard)
{
    char path[] = "/tmp/sf-tape-XXXXXX";
    const struct tape_ear ear = { on_frame, on_up, on_down, NULL };
    struct tape_ear mine = ear;
    struct heard f;
    struct sf_str begin;
    struct sf_timer *room;
    FILE *file;

    set_up(&f, path);
    write_tape(&f, path);
    ck_assert(!f.is_over);
    file = fopen(path, "a");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_gt(fputs("1717200000000000 {\"never\":", file), 0); /* killed here */
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(open_tape(&f, path, &begin, NULL), SF_OK);
    same(begin, "{\"run\":3}");
    mine.arg = &f;
    tape_play_start(f.player, &mine, 2);
    ck_assert_int_eq(sf_timer_create(f.loop, on_room, &f, &room), SF_OK);
    sf_timer_set(room, 50, 0);
    (void)sf_loop_run_until(f.loop, &f.is_over, 10000);
    same(sf_buf_str(&f.text), "+0,2[{\"a\": 1}][  b ]|-0,2 EIO cut \\\"off\\\"[]");
    ck_assert_int_eq(tape_play_percent(f.player) > 80, true);
    sf_timer_destroy(room);
    tear_down(&f, path);
}
END_TEST

START_TEST(a_tape_is_never_overwritten)
{
    char path[] = "/tmp/sf-tape-XXXXXX";
    struct heard f;
    struct tape_writer *w = NULL;
    struct sf_error err = { 0 };

    set_up(&f, path);
    write_tape(&f, path);
    ck_assert_int_eq(tape_writer_open(f.loop, path, "name", on_over, &f, &w, &err),
                     SF_EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "there is a tape already"));
    ck_assert_ptr_null(w);
    tear_down(&f, path);
}
END_TEST

/* What the disk does not take in time is bounded: the recording ends, once. */
START_TEST(a_disk_that_is_too_slow_ends_the_recording)
{
    char path[] = "/tmp/sf-tape-XXXXXX";
    static char frame[1 << 20];
    struct heard f;
    struct tape_writer *w;

    set_up(&f, path);
    memset(frame, 'x', sizeof(frame));
    ck_assert_int_eq(tape_writer_open(f.loop, path, "name", on_over, &f, &w, NULL),
                     SF_OK);
    for (int i = 0; i < 100; i++) /* the loop does not turn: nothing is taken off */
        tape_write_frame(w, sf_str_make(frame, sizeof(frame)));
    ck_assert(f.is_over);
    ck_assert_int_eq(f.err.status, SF_ETOOBIG);
    ck_assert_ptr_nonnull(strstr(f.err.text, "the disk is too slow"));
    (void)sf_loop_run_until(f.loop, &(bool){ false }, 300);
    tape_writer_close(w);
    tear_down(&f, path);
}
END_TEST

/* And no file is left that would be in the way of the next try. */
START_TEST(lack_of_memory_is_told)
{
    char path[] = "/tmp/sf-tape-XXXXXX";
    struct heard f;
    struct tape_writer *w = NULL;
    struct sf_error err;
    enum sf_status status;
    int n;

    set_up(&f, path);
    for (n = 0;; n++) {
        err = (struct sf_error){ 0 };
        oom_fail_at(n);
        status = tape_writer_open(f.loop, path, "name", on_over, &f, &w, &err);
        if (!oom_has_failed())
            break;
        ck_assert_int_eq(status, SF_ENOMEM);
        ck_assert_ptr_null(w);
        ck_assert_ptr_nonnull(strstr(err.text, "memory"));
    }
    ck_assert_int_ge(n, 1);
    ck_assert_msg(status == SF_OK, "%s", err.text);
    tape_writer_close(w);
    tear_down(&f, path);
}
END_TEST

static void tape_cases(Suite *s)
{
    TCase *tc = tcase_create("tape");

    tcase_add_loop_test(tc, a_line_says_what_happened, 0, COUNT(lines));
    tcase_add_loop_test(tc, what_is_no_line_is_refused, 0, COUNT(bad_lines));
    tcase_add_test(tc, what_is_written_is_heard);
    tcase_add_test(tc, a_tape_is_never_overwritten);
    tcase_add_test(tc, a_disk_that_is_too_slow_ends_the_recording);
    tcase_add_test(tc, lack_of_memory_is_told);
    suite_add_tcase(s, tc);
}

RUN_SUITE("tape", tape_cases)
