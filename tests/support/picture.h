/*
 * picture: versions of made-up tables, written as one line of text.
 *
 * A table is `LEVEL:NUMBER:FIRST-LAST`, with user keys FIRST to LAST, and
 * behind it, if wanted, `*BYTES` (100) and `!DELETES` (0, of 100 entries), and
 * `~BEGIN-END`: a range tombstone, of which the end may be missing.  Without
 * `FIRST-LAST` it has nothing but that.  `@COUNT,FIRST,HALF`: so many entries
 * expire, the first and half of them at these moments.  `^COUNT,SEQ`: so many
 * entries are hidden, by others of numbers up to this one.
 * Its sequence numbers are 10 * NUMBER to 10 * NUMBER + 9.  A table is
 * removed by `-LEVEL:NUMBER`.  Blanks separate them.  There are no files.
 * Threads: one.  A line that makes no sense ends the test case.
 */
#ifndef TESTS_SUPPORT_PICTURE_H
#define TESTS_SUPPORT_PICTURE_H

#include "engine/db/edit.h"
#include "tests/check.h"

/* Adds what the line says to e. */
void picture_edit(const char *line, struct edit *e);

/* The version that has these tables; the caller unrefs it. */
struct version *picture_version(const char *line);

/* `LEVEL:NUMBER:FIRST-LAST` of every table, level by level in the version's
 * order, with one blank between.  `FIRST-LAST)`: without LAST; `FIRST-`: there
 * is no last.  Valid until the next call. */
const char *picture_of(const struct version *v);

#endif
