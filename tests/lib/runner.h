/* What every unit test file needs: check, a table helper, and main().
 *
 *   static void dec_cases(Suite *s) { ... }
 *   RUN_SUITE("dec", dec_cases)
 *
 * Prints check's summary line; exit code 1 when a test failed. CK_FORK=no for gdb. */
#ifndef TESTS_RUNNER_H
#define TESTS_RUNNER_H

#include <check.h>

#include <stdlib.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

#define RUN_SUITE(name, add_cases)                        \
    int main(void)                                        \
    {                                                     \
        Suite *suite = suite_create(name);                \
        SRunner *runner = srunner_create(suite);          \
        int failed;                                       \
                                                          \
        add_cases(suite);                                 \
        srunner_run_all(runner, CK_ENV);                  \
        failed = srunner_ntests_failed(runner);           \
        srunner_free(runner);                             \
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE; \
    }

#endif
