/*
 * pick: which tables to compact next.  Pure functions of a version, the
 * options, the compactions that run, how far each level was gone through, and
 * whether there is time.
 *
 * What every pick promises to the compaction: if a table is an input, then so
 * is every table that may hold older entries of its keys in its level and in
 * the levels below it down to the output level.
 *
 * Several compactions may run at once: each owns its levels, from the first
 * input's to the output's, over its whole span of keys, and none begins while
 * it would own what another one does.  (A flush adds to level 0 all the same:
 * what it adds is newer than everything.)  So the promise holds until the
 * compaction is installed, and nothing older than its inputs can come to stand
 * above or beside its outputs.  A scene is valid only if no compaction was
 * taken off the list of those that run after the version was current.
 */
#ifndef ENGINE_DB_PICK_H
#define ENGINE_DB_PICK_H

#include <sys/queue.h>

#include "engine/db/span.h"
#include "engine/db/version.h"

struct pick_input {
	struct version_file **files; /* in the level's order */
	size_t count;
};

/* One compaction: inputs of the levels `level` to `output_level`, by level.
 * Pointers are into the version. */
struct pick {
	TAILQ_ENTRY(pick) link; /* the caller's, while it runs */
	const char *reason;
	unsigned level;
	unsigned output_level; /* may be level: a rewrite in place */
	struct pick_input inputs[LSM_LEVELS];
	struct span span; /* of all inputs */
	uint64_t bytes;   /* of all inputs */
	double score;     /* how much it is needed, 1: just so */
	bool trivial;     /* the inputs only move */
	bool for_values;  /* needed only to move values out of files */
};

TAILQ_HEAD(pick_list, pick);

/* Everything that a pick depends on. */
struct pick_scene {
	const struct version *version;
	const struct lsm_options *options;
	const struct pick_list *running;
	/* By level: the largest user key compacted last, so that a level is
	 * gone through in turn; empty at first. */
	const struct buf *cursors;
	uint64_t now_ms; /* since 1970; needed if tables expire */
	/* Everybody sees what was written up to this number, there being no
	 * older snapshot. */
	uint64_t oldest_seq;
	bool idle; /* nothing comes any more: what is small may be done, too */
};

void pick_fini(struct pick *p);

/* Tables that overlap more than this much of the level below their own are
 * costly to compact later: outputs are cut, and moves not made. */
uint64_t pick_overlap_limit(const struct lsm_options *o);

/*
 * 1: *out is what is needed most (score >= 1) of what may run now, 0: there is
 * nothing, <0.  If the most needed has to wait for one that runs, nothing is
 * begun that would keep it waiting longer.
 */
int pick_next(const struct pick_scene *scene, struct pick *out);

/*
 * For lsm_compact, called for level 0, 1, 2 ... each with the version of that
 * moment: 1: *out takes everything of `level` down to the next level that has
 * tables (from level 0 to the last if none has); or, in the deepest level, is
 * the rewrite in place of the tables from the first to the last with deletes,
 * with entries that newer ones hide (whether snapshots need them is seen when
 * they are rewritten), or with something that has expired by now_ms.
 * 0: there is nothing to do at this level.  No compaction may run.
 */
int pick_whole_level(
    const struct version *v, unsigned level, uint64_t now_ms, struct pick *out);

#endif
