/* Recorded market data: below $SF_DATA, default ../shared/data from the project's root.
 *
 * Where a file or the tool to unpack it is absent, one line "SKIP: ..." is printed and
 * false returned. */
#ifndef TESTS_RECORDED_H
#define TESTS_RECORDED_H

#include <sf/buf.h>

/* Unpack a .tar.zst into the existing folder @dir. */
bool recorded_untar(const char *file, const char *dir);
/* The content of a .gz, appended to @b. */
bool recorded_gunzip(const char *file, struct sf_buf *b);
/* The content of a file that is not packed, appended to @b. */
bool recorded_plain(const char *file, struct sf_buf *b);
/* The whole of a plain file, appended to @b; @path is used as it is. */
bool recorded_read(const char *path, struct sf_buf *b);
/* rm -r */
void recorded_remove(const char *dir);

#endif
