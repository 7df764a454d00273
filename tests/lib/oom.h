/* Injected lack of memory: the linker sends malloc, calloc and realloc of the code under
 * test (libsf and the test itself, not other libraries) through here.
 *
 *   for (int n = 0; ; n++) { oom_fail_at(n); status = f(); if (!oom_has_failed()) break;
 * } */
#ifndef TESTS_OOM_H
#define TESTS_OOM_H

#include <stdbool.h>

/* The @n-th allocation from now on (0: the next) fails, and only that one. */
void oom_fail_at(int n);
/* How many more allocations would have passed; -1: it has failed, or nothing is armed. */
int oom_left(void);
/* Did the armed failure happen? Disarms. */
bool oom_has_failed(void);

#endif
