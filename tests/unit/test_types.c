/* The registry (DESIGN section 3): a TYPE is a row, and a row that is available has a
 * program, an image and its line in docs/TYPES.md. Run from the project's root. */
#include "recorded.h"
#include "runner.h"

#include <sf/types.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

START_TEST(every_type_parses_with_every_interval)
{
    char text[64];
    struct sf_type_ref ref;

    for (const struct sf_type *t = sf_types; t->name; t++)
        for (const struct sf_interval *iv = sf_intervals; iv->name; iv++) {
            (void)snprintf(text, sizeof(text), "%s%s%s", t->name,
                           t->has_interval ? "_" : "", t->has_interval ? iv->name : "");
            ck_assert_int_eq(sf_type_parse(sf_str_from(text), &ref, NULL), SF_OK);
            ck_assert_ptr_eq(ref.type, t);
            ck_assert_ptr_eq(ref.interval, t->has_interval ? iv : NULL);
        }
}
END_TEST

/* DESIGN names these; further ones may follow, none may go. */
static const char *const designed[] = {
    "api_candles",    "ws_candles",    "api_trades",   "ws_trades",
    "api_agg_trades", "api_orderbook", "ws_orderbook", "graph_build",
    "graph_rsi_vol",  "manual_upload", "json_feed",
};

START_TEST(every_designed_type_has_one_row)
{
    int rows = 0;

    for (const struct sf_type *t = sf_types; t->name; t++)
        rows += strcmp(t->name, designed[_i]) == 0;
    ck_assert_int_eq(rows, 1);
}
END_TEST

static const struct {
    const char *given, *hint;
} unknown[] = {
    { "api_candels_5m", "did you mean api_candles_5m?" },
    { "api_candles_1mo", "did you mean api_candles_1m?" },
    { "ws_trade", "did you mean ws_trades?" },
    { "api_candles", "expected api_candles_<i>" },
    { "api_candles_", "expected api_candles_<i>" },
    { "api_candles_7m", "with <i> one of 1s 1m 3m" },
    { "", "expected api_candles_<i>" },
    { "WS_TRADES_5m", "expected api_candles_<i>" },
    { "ws_trades ", "did you mean ws_trades?" },
};

START_TEST(unknown_types_name_the_nearest_and_the_list)
{
    struct sf_type_ref ref = { NULL, NULL };
    struct sf_error err = { 0 };

    ck_assert_int_eq(sf_type_parse(sf_str_from(unknown[_i].given), &ref, &err),
                     SF_EINVAL);
    ck_assert_ptr_null(ref.type);
    ck_assert_msg(strstr(err.text, unknown[_i].hint) != NULL, "%s", err.text);
    /* the whole list, the hint behind it: nothing was clipped */
    ck_assert_msg(strstr(err.text, " 1w 1M") != NULL, "%s", err.text);
    ck_assert_uint_lt(strlen(err.text), sizeof(err.text) - 1);
}
END_TEST

START_TEST(the_nearest_is_a_slip_of_the_finger_away)
{
    const char *const names[] = { "info", "warn", "error", "telemetry", NULL };

    ck_assert_str_eq(sf_nearest(SF_STR("inof"), names), "info");
    ck_assert_str_eq(sf_nearest(SF_STR("WARN"), names), "warn");
    ck_assert_str_eq(sf_nearest(SF_STR("telmetrix"), names), "telemetry");
    ck_assert_ptr_null(sf_nearest(SF_STR("tlmetri"), names));
    ck_assert_ptr_null(sf_nearest(SF_STR("x"), names + 2));
}
END_TEST

START_TEST(images_serve_the_types_of_their_rows)
{
    for (const struct sf_type *t = sf_types; t->name; t++) {
        ck_assert_ptr_nonnull(t->connector);
        ck_assert(sf_type_has_image(t, sf_str_from(t->connector)));
        ck_assert(sf_type_is_image(sf_str_from(t->connector)));
        ck_assert(!t->loader || sf_type_has_image(t, sf_str_from(t->loader)));
        ck_assert(!sf_type_has_image(t, SF_STR("")));
        ck_assert(t->what && t->what[0] && sf_kind_name(t->kind)[0]);
        ck_assert(!t->has_range || t->loader); /* a history is read by somebody */
    }
    ck_assert(!sf_type_is_image(SF_STR("queue-manager")));
}
END_TEST

/* ------------------------------------------------------------------------- the tree */

static void must_exist(const char *folder, const char *image, const char *cut,
                       const char *file)
{
    char path[256];
    const char *name = image + strlen(cut);

    ck_assert_msg(sf_str_starts(sf_str_from(image), sf_str_from(cut)), "%s: no %s", image,
                  cut);
    (void)snprintf(path, sizeof(path), "%s/%s/%s", folder, name, file);
    ck_assert_msg(access(path, R_OK) == 0, "%s is missing", path);
}

/* The line of docs/TYPES.md that begins with @type. */
static struct sf_str line_of(struct sf_str page, const struct sf_type *type)
{
    char begin[64];

    (void)snprintf(begin, sizeof(begin), "| `%s%s` |", type->name,
                   type->has_interval ? "_<i>" : "");
    while (page.len > 0) {
        struct sf_str line = sf_str_cut(page, '\n', &page);

        if (sf_str_starts(line, sf_str_from(begin)))
            return line;
    }
    return SF_STR_EMPTY;
}

START_TEST(available_types_have_program_image_and_documentation)
{
    struct sf_buf page;

    sf_buf_init(&page, 1024 * 1024);
    ck_assert_msg(recorded_read("docs/TYPES.md", &page), "run from the project's root");
    for (const struct sf_type *t = sf_types; t->name; t++) {
        struct sf_str line = line_of(sf_buf_str(&page), t);

        ck_assert_msg(line.len > 0, "%s has no line in docs/TYPES.md", t->name);
        ck_assert(sf_str_contains(line, sf_str_from(t->what)));
        ck_assert_msg(sf_str_ends(line, t->is_available
                                            ? SF_STR("| yes |")
                                            : SF_STR("| not in this version |")),
                      "%" SF_STR_FMT, SF_STR_ARG(line));
        if (!t->is_available) {
            printf("no program yet: %s\n", t->name);
            continue;
        }
        if (t->loader) {
            must_exist("loaders", t->loader, "loader-", "main.c");
            must_exist("images", t->loader, "", "Dockerfile");
        }
        must_exist("connectors", t->connector, "arango-", "main.c");
        must_exist("images", t->connector, "", "Dockerfile");
    }
    sf_buf_release(&page);
}
END_TEST

START_TEST(the_page_is_what_the_registry_prints)
{
    struct sf_buf page, printed;

    sf_buf_init(&page, 1024 * 1024);
    sf_buf_init(&printed, 1024 * 1024);
    ck_assert_msg(recorded_read("docs/TYPES.md", &page), "run from the project's root");
    sf_types_print(&printed);
    ck_assert_str_eq(sf_buf_cstr(&page), sf_buf_cstr(&printed));
    sf_buf_release(&page);
    sf_buf_release(&printed);
}
END_TEST

static void types_cases(Suite *s)
{
    TCase *tc = tcase_create("types");

    tcase_add_test(tc, every_type_parses_with_every_interval);
    tcase_add_loop_test(tc, every_designed_type_has_one_row, 0, COUNT(designed));
    tcase_add_loop_test(tc, unknown_types_name_the_nearest_and_the_list, 0,
                        COUNT(unknown));
    tcase_add_test(tc, the_nearest_is_a_slip_of_the_finger_away);
    tcase_add_test(tc, images_serve_the_types_of_their_rows);
    tcase_add_test(tc, available_types_have_program_image_and_documentation);
    tcase_add_test(tc, the_page_is_what_the_registry_prints);
    suite_add_tcase(s, tc);
}

RUN_SUITE("types", types_cases)
