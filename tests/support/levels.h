/*
 * levels: random entries, spread over the levels of a version as flushes and
 * compactions might have left them: newer entries above older ones.
 */
#ifndef TESTS_SUPPORT_LEVELS_H
#define TESTS_SUPPORT_LEVELS_H

#include "tests/support/store_dir.h"

/* Adds tables with all of `all` to e, numbered from *number, which is left
 * behind the last one. */
void levels_spread(struct store_dir *d, const struct sorted *all,
    struct check_rand *r, uint64_t *number, struct edit *e);

/* The version of such tables, numbered from 1; the caller unrefs it. */
struct version *levels_version(
    struct store_dir *d, const struct sorted *all, struct check_rand *r);

/* The end of the versions of the user key that entries[at] has. */
size_t levels_user_end(const struct sorted *s, size_t at);

#endif
