/* What a member is told to do, from what was heard of it and from its process. */
#include "manager/member.h"
#include "runner.h"

#include <string.h>

#define START_MS 1000000

static struct member_rules rules(enum wish wish, int64_t now_ms)
{
    return (struct member_rules){ .wish = wish,
                                  .wish_ms = START_MS,
                                  .now_ms = START_MS + now_ms,
                                  .restarts = true,
                                  .restart_max = 2,
                                  .backoff_ms = 100,
                                  .lost_after_ms = 5000,
                                  .stop_wait_ms = 2000 };
}

static void hear(struct member *m, const char *instance, enum sf_event event,
                 bool is_last, int64_t at_ms)
{
    const struct telemetry t = { .instance = instance,
                                 .message = "",
                                 .error = "",
                                 .status = event,
                                 .is_last = is_last,
                                 .offset = m->offset + 1,
                                 .seen_ms = START_MS + at_ms };

    (void)member_hear(m, &t);
}

static enum member_action step(struct member *m, enum wish wish, int64_t now_ms)
{
    struct member_rules r = rules(wish, now_ms);

    return member_step(m, &r);
}

static struct member running(void)
{
    struct member m;

    member_init(&m, true);
    ck_assert_int_eq(step(&m, WISH_RUN, 0), MEMBER_START);
    member_launched(&m, START_MS);
    hear(&m, "aaaaaa", SF_EVENT_STARTED, false, 10);
    return m;
}

START_TEST(a_good_life_ends_finished)
{
    struct member m = running();

    ck_assert_int_eq(member_status(&m, WISH_RUN), STATUS_STARTING);
    hear(&m, "aaaaaa", SF_EVENT_LOADING, false, 20);
    ck_assert_int_eq(member_status(&m, WISH_RUN), STATUS_LOADING);
    hear(&m, "aaaaaa", SF_EVENT_FINISHED, true, 30);
    ck_assert_int_eq(step(&m, WISH_RUN, 40), MEMBER_WAIT);
    ck_assert(!m.is_final); /* its process is there yet */
    m.is_running = false;
    ck_assert_int_eq(step(&m, WISH_RUN, 50), MEMBER_WAIT);
    ck_assert(m.is_final);
    ck_assert_int_eq(member_status(&m, WISH_RUN), STATUS_FINISHED);
}
END_TEST

START_TEST(a_failed_one_is_restarted_so_often_and_no_more)
{
    struct member m = running();
    static const char *const instances[] = { "aaaaaa", "bbbbbb", "cccccc" };
    int64_t now_ms = 100;

    for (int i = 0; i < 2; i++) {
        hear(&m, instances[i], SF_EVENT_ERROR, true, now_ms);
        m.is_running = false;
        ck_assert_int_eq(step(&m, WISH_RUN, now_ms), MEMBER_WAIT);
        ck_assert_int_eq(step(&m, WISH_RUN, now_ms + 99), MEMBER_WAIT);
        now_ms += 400;
        ck_assert_int_eq(step(&m, WISH_RUN, now_ms), MEMBER_START);
        member_launched(&m, START_MS + now_ms);
        hear(&m, instances[i + 1], SF_EVENT_STARTED, false, now_ms);
    }
    hear(&m, "cccccc", SF_EVENT_ERROR, true, now_ms);
    m.is_running = false;
    (void)step(&m, WISH_RUN, now_ms);
    ck_assert(m.is_final);
    ck_assert_int_eq(m.restarts, 2);
    ck_assert_int_eq(member_status(&m, WISH_RUN), STATUS_ERROR);
}
END_TEST

START_TEST(bad_settings_are_not_tried_again)
{
    struct member m = running();

    hear(&m, "aaaaaa", SF_EVENT_ERROR, true, 20);
    m.is_running = false;
    m.exit_code = 2;
    (void)step(&m, WISH_RUN, 30);
    ck_assert(m.is_final);
    ck_assert_int_eq(m.restarts, 0);
}
END_TEST

START_TEST(one_that_dies_silently_gets_a_grace_for_its_last_event)
{
    struct member m = running();

    m.is_running = false;
    ck_assert_int_eq(step(&m, WISH_RUN, 100), MEMBER_WAIT);
    ck_assert_int_eq(step(&m, WISH_RUN, 2000), MEMBER_WAIT);
    ck_assert(!m.is_over);
    hear(&m, "aaaaaa", SF_EVENT_FINISHED, true, 2500);
    (void)step(&m, WISH_RUN, 2600);
    ck_assert_int_eq(member_status(&m, WISH_RUN), STATUS_FINISHED);

    m = running();
    m.is_running = false;
    (void)step(&m, WISH_RUN, 100);
    (void)step(&m, WISH_RUN, 3200);
    ck_assert(m.is_over);
    ck_assert_int_eq(m.restarts, 1);
    ck_assert_ptr_nonnull(strstr(m.error, "without a last event"));
}
END_TEST

START_TEST(a_stop_is_said_again_to_every_instance_then_forced)
{
    struct member m = running();

    ck_assert_int_eq(step(&m, WISH_STOP, 0), MEMBER_SEND_STOP);
    ck_assert_int_eq(step(&m, WISH_STOP, 10), MEMBER_WAIT);
    hear(&m, "bbbbbb", SF_EVENT_STARTED, false, 20);
    ck_assert_int_eq(step(&m, WISH_STOP, 30), MEMBER_SEND_STOP);
    ck_assert_int_eq(step(&m, WISH_STOP, 2000), MEMBER_TERMINATE);
    ck_assert_int_eq(step(&m, WISH_STOP, 11000), MEMBER_WAIT);
    ck_assert_int_eq(step(&m, WISH_STOP, 12000), MEMBER_KILL);
    ck_assert_int_eq(step(&m, WISH_STOP, 12100), MEMBER_WAIT);
}
END_TEST

START_TEST(a_connector_is_stopped_behind_its_loader)
{
    struct member m = running();
    struct member_rules r = rules(WISH_STOP, 0);

    m.is_loader = false;
    ck_assert_int_eq(member_step(&m, &r), MEMBER_WAIT);
    r.loader_is_over = true;
    ck_assert_int_eq(member_step(&m, &r), MEMBER_SEND_STOP);
    m = running();
    m.is_loader = false;
    ck_assert_int_eq(step(&m, WISH_STOP, 950), MEMBER_SEND_STOP); /* within a second */
}
END_TEST

START_TEST(one_that_is_stopped_is_not_restarted)
{
    struct member m = running();

    hear(&m, "aaaaaa", SF_EVENT_ERROR, true, 20);
    m.is_running = false;
    (void)step(&m, WISH_RUN, 30);
    ck_assert_int_eq(m.restarts, 1);
    (void)step(&m, WISH_STOP, 40);
    ck_assert(m.is_final);
    ck_assert_int_eq(member_status(&m, WISH_STOP), STATUS_INTERRUPTED);
}
END_TEST

START_TEST(silence_is_death_but_not_of_a_paused_one)
{
    struct member m = running();

    ck_assert_int_eq(step(&m, WISH_RUN, 5009), MEMBER_WAIT);
    ck_assert_int_eq(step(&m, WISH_RUN, 5010), MEMBER_KILL);
    ck_assert_int_eq(member_status(&m, WISH_RUN), STATUS_LOST);
    m = running();
    ck_assert_int_eq(step(&m, WISH_PAUSE, 20), MEMBER_SEND_PAUSE);
    hear(&m, "aaaaaa", SF_EVENT_PAUSED, false, 30);
    ck_assert_int_eq(step(&m, WISH_PAUSE, 90000), MEMBER_WAIT);
    ck_assert_int_eq(member_status(&m, WISH_PAUSE), STATUS_PAUSED);
    ck_assert_int_eq(step(&m, WISH_RUN, 90010), MEMBER_SEND_RESUME);
}
END_TEST

START_TEST(old_events_and_replaced_instances_do_not_count)
{
    struct member m = running();
    struct telemetry t = { .instance = "aaaaaa",
                           .message = "",
                           .error = "",
                           .status = SF_EVENT_FINISHED,
                           .is_last = true,
                           .offset = m.offset };

    ck_assert(!member_hear(&m, &t));
    hear(&m, "bbbbbb", SF_EVENT_STARTED, false, 20);
    t.offset = m.offset + 1;
    ck_assert(!member_hear(&m, &t));
    ck_assert(!m.is_over);
    ck_assert_str_eq(m.instance, "bbbbbb");
}
END_TEST

/* clang-format off */
static const struct {
    enum status members[2], queue;
    enum wish wish;
    bool is_history;
} derived[] = {
    { { STATUS_FINISHED, STATUS_LOADING }, STATUS_LOADING, WISH_RUN, true },
    { { STATUS_LOADING, STATUS_LOADING }, STATUS_LIVE, WISH_RUN, false },
    { { STATUS_LOADING, STATUS_STARTING }, STATUS_STARTING, WISH_RUN, true },
    { { STATUS_PAUSED, STATUS_LOADING }, STATUS_PAUSED, WISH_PAUSE, true },
    { { STATUS_FINISHED, STATUS_ERROR }, STATUS_ERROR, WISH_RUN, true },
    { { STATUS_ERROR, STATUS_LOADING }, STATUS_STOPPING, WISH_STOP, true },
    { { STATUS_INTERRUPTED, STATUS_FINISHED }, STATUS_INTERRUPTED, WISH_STOP, true },
    { { STATUS_FINISHED, STATUS_FINISHED }, STATUS_FINISHED, WISH_STOP, true },
};
/* clang-format on */

static struct member of_status(enum status s)
{
    struct member m = running();

    switch (s) {
    case STATUS_LOADING:
        hear(&m, "aaaaaa", SF_EVENT_LOADING, false, 20);
        break;
    case STATUS_PAUSED:
        hear(&m, "aaaaaa", SF_EVENT_PAUSED, false, 20);
        break;
    case STATUS_FINISHED:
        hear(&m, "aaaaaa", SF_EVENT_FINISHED, true, 20);
        break;
    case STATUS_INTERRUPTED:
        hear(&m, "aaaaaa", SF_EVENT_INTERRUPTED, true, 20);
        break;
    case STATUS_ERROR:
        hear(&m, "aaaaaa", SF_EVENT_ERROR, true, 20);
        m.is_final = true;
        break;
    case STATUS_STARTING:
    case STATUS_LIVE:
    case STATUS_STOPPING:
    case STATUS_LOST:
    case STATUS_N:
        break;
    }
    return m;
}

START_TEST(the_status_of_a_queue_is_that_of_its_members)
{
    struct member members[2] = { of_status(derived[_i].members[0]),
                                 of_status(derived[_i].members[1]) };

    ck_assert_str_eq(
        status_name(queue_status(members, 2, derived[_i].wish, derived[_i].is_history)),
        status_name(derived[_i].queue));
    ck_assert_int_eq(status_find(sf_str_from(status_name(derived[_i].queue))),
                     derived[_i].queue);
}
END_TEST

START_TEST(events_are_parsed_strictly)
{
    static const char good[] = "{\"queue_id\":\"q\",\"telemetry_id\":\"t\",\"instance\":"
                               "\"abc123\",\"status\":\"loading\",\"finished\":false,"
                               "\"records_written\":5,\"extra\":{\"lag\":1}}";
    static const char *const bad[] = {
        "[]", "{}", "{\"queue_id\":\"q\",\"telemetry_id\":\"t\",\"status\":\"loading\"}",
        "{\"queue_id\":\"q\",\"telemetry_id\":\"t\",\"instance\":\"abc1234\",\"status\":"
        "\"loading\"}",
        "{\"queue_id\":\"q\",\"telemetry_id\":\"t\",\"instance\":\"abc123\",\"status\":"
        "\"exploded\"}"
    };
    struct telemetry t;
    json_t *json = json_loads(good, 0, NULL);

    ck_assert_int_eq(telemetry_parse(json, &t, NULL), SF_OK);
    ck_assert_int_eq(t.status, SF_EVENT_LOADING);
    ck_assert_int_eq(t.records, 5);
    ck_assert_ptr_nonnull(t.extra);
    json_decref(json);
    for (int i = 0; i < COUNT(bad); i++) {
        json = json_loads(bad[i], 0, NULL);
        ck_assert_int_eq(telemetry_parse(json, &t, NULL), SF_EPROTO);
        json_decref(json);
    }
}
END_TEST

START_TEST(texts_are_clipped_between_characters)
{
    char dst[MEMBER_TEXT], text[600];

    for (size_t i = 0; i + 1 < sizeof(text); i += 2)
        (void)memcpy(text + i, "\xc3\xa9", 2); /* e with an acute accent */
    text[sizeof(text) - 2] = '\0';
    member_text(dst, text);
    ck_assert_uint_eq(strlen(dst), 254);
    member_text(dst, "short");
    ck_assert_str_eq(dst, "short");
}
END_TEST

static void cases(Suite *s)
{
    TCase *tc = tcase_create("member");

    tcase_add_test(tc, a_good_life_ends_finished);
    tcase_add_test(tc, a_failed_one_is_restarted_so_often_and_no_more);
    tcase_add_test(tc, bad_settings_are_not_tried_again);
    tcase_add_test(tc, one_that_dies_silently_gets_a_grace_for_its_last_event);
    tcase_add_test(tc, a_stop_is_said_again_to_every_instance_then_forced);
    tcase_add_test(tc, a_connector_is_stopped_behind_its_loader);
    tcase_add_test(tc, one_that_is_stopped_is_not_restarted);
    tcase_add_test(tc, silence_is_death_but_not_of_a_paused_one);
    tcase_add_test(tc, old_events_and_replaced_instances_do_not_count);
    tcase_add_loop_test(tc, the_status_of_a_queue_is_that_of_its_members, 0,
                        COUNT(derived));
    tcase_add_test(tc, events_are_parsed_strictly);
    tcase_add_test(tc, texts_are_clipped_between_characters);
    suite_add_tcase(s, tc);
}

RUN_SUITE("member", cases)
