/*
 * picks: picks written as text, for tables of cases.
 *
 * A pick is `LEVEL>OUTPUT: NUMBERS | NUMBERS`, the inputs of one level after
 * the other, and ` move` behind it if it is one.  A compaction that runs is
 * `LEVEL>OUTPUT:FIRST-LAST`, the keys that it has.
 * Threads: one.  A line that makes no sense ends the test case.
 */
#ifndef TESTS_SUPPORT_PICKS_H
#define TESTS_SUPPORT_PICKS_H

#include "engine/db/pick.h"
#include "tests/check.h"

/* Valid until the next call. */
const char *picks_text(const struct pick *p);

/* What pick_next says of a version (picture.h) beside what runs, with the
 * cursor for every level; want NULL: nothing. */
void picks_check_next(const struct lsm_options *o, const char *version,
    const char *running, const char *cursor, const char *want);

/* The same with nothing running, when nothing comes any more. */
void picks_check_idle(
    const struct lsm_options *o, const char *version, const char *want);

#endif
