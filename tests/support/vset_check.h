/*
 * vset_check: what tests of the set of versions ask and do all the time.
 *
 * Use: on a store_dir.  A failing call ends the test case.
 */
#ifndef TESTS_SUPPORT_VSET_CHECK_H
#define TESTS_SUPPORT_VSET_CHECK_H

#include "engine/db/vset.h"
#include "tests/support/store_dir.h"

/* The current version is this picture. */
void vset_check_state(struct vset *s, const char *want);

/* Applies the edit and finishes it. */
void vset_check_apply(struct vset *s, struct edit *e);

/* Adds table `number` of level 1 with the keys first and last. */
void vset_check_apply_table(struct store_dir *d, struct vset *s,
    uint64_t number, const char *first, const char *last);

/* Opening finds this picture. */
void vset_check_recovers(struct store_dir *d, const char *want);

/* Opening fails with err, and the last message has both parts. */
void vset_check_refused(
    struct store_dir *d, int err, const char *a, const char *b);

#endif
