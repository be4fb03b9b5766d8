/*
 * ranges_build: makes a struct ranges of tombstones in any order.
 *
 * Use: zeroed struct; ranges_build_add ...; ranges_build_finish;
 * ranges_build_fini.
 * Owns: nothing of what is added: keys must stay until the finish.
 * Threads: one.  Errors: -ENOMEM.
 */
#ifndef ENGINE_TABLE_RANGES_BUILD_H
#define ENGINE_TABLE_RANGES_BUILD_H

#include "engine/table/ranges.h"

struct ranges_build_item {
	struct bytes begin;
	struct bytes end;
	uint64_t seq;
	uint64_t group;
};

struct ranges_build {
	struct ranges_build_item *items;
	size_t count;
	size_t cap;
};

void ranges_build_fini(struct ranges_build *b);

/*
 * A tombstone of the keys from begin to before end (no bytes: none); begin is
 * before end.  Of tombstones of the same group that cover a key only the newest
 * is kept: nobody reads at a number between theirs.  The numbers of a group lie
 * together, without another group's between them.
 */
int ranges_build_add(struct ranges_build *b, struct bytes begin,
    struct bytes end, uint64_t seq, uint64_t group);

/* All tombstones of r, each a group of its own. */
int ranges_build_add_all(struct ranges_build *b, const struct ranges *r);

/* Time and memory grow as the number of tombstones, times that of those that
 * cover one key. */
int ranges_build_finish(struct ranges_build *b, struct ranges **out);

#endif
