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

/* Level 0 is full with 4 tables, and a table has 100 bytes.  If level 6 has
 * 20000 bytes then level 5 is full with 2000 and is the base; with 10000 or
 * less, level 6 is. */
extern const struct lsm_options picks_leveled;
/* The same; runs above the last level are full with a fifth of that. */
extern const struct lsm_options picks_lazy;

/* Valid until the next call. */
const char *picks_text(const struct pick *p);

/* Nothing runs, and no level was gone through.  The caller adds the version;
 * what is needed of the rest is his, too. */
struct pick_scene picks_scene(const struct lsm_options *o);

/* What pick_next says of the scene; want NULL: nothing. */
void picks_check(const struct pick_scene *scene, const char *want);

/* What it says again and again while all before run, and then nothing; want
 * ends with NULL. */
void picks_check_beside(
    const struct pick_scene *scene, const char *const *want);

/* What pick_whole_level says of the level; want NULL: nothing. */
void picks_check_whole(
    const struct version *v, unsigned level, uint64_t now_ms, const char *want);

/* The same as picks_check of a version (picture.h) beside what runs, with the
 * cursor for every level. */
void picks_check_next(const struct lsm_options *o, const char *version,
    const char *running, const char *cursor, const char *want);

/* With nothing running, when nothing comes any more. */
void picks_check_idle(
    const struct lsm_options *o, const char *version, const char *want);

#endif
