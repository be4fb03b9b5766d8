/*
 * pick: which tables to compact next.  Pure functions of a version.
 *
 * What every pick promises to the compaction: if a table is an input, then so
 * is every table that may hold older entries of its keys in its level and in
 * the output level, and no level between has tables.  So it may not be used
 * when another compaction ran since the version was current (flushes may):
 * there is one compaction at a time.
 */
#ifndef ENGINE_DB_PICK_H
#define ENGINE_DB_PICK_H

#include "engine/db/version.h"

/* Inputs of one compaction: files of `level`, and those of `output_level` that
 * they overlap.  output_level is below level, or the same for a rewrite in
 * place, without inputs[1].  Pointers are into the version. */
struct pick {
	unsigned level;
	unsigned output_level;
	struct version_file **inputs[2];
	size_t counts[2];
	uint64_t bytes; /* of all inputs */
	double score;	/* of the level, for pick_next */
	bool trivial; /* one input, no overlap: it only moves */
};

void pick_fini(struct pick *p);

/* Tables that overlap more than this much of the level below their own are
 * costly to compact later: outputs are cut, and moves not made. */
uint64_t pick_overlap_limit(const struct lsm_options *o);

/* Bytes that a level > 0 may hold before it is compacted; UINT64_MAX for the
 * last one. */
uint64_t pick_level_limit(const struct lsm_options *o, unsigned level);

/*
 * 1: *out is what needs it most (score >= 1), 0: nothing does, <0.
 * cursors[level]: the largest user key compacted last there, so that a level
 * is gone through in turn; empty at first.
 */
int pick_next(const struct version *v, const struct lsm_options *o,
    const struct buf cursors[LSM_LEVELS], struct pick *out);

/*
 * For lsm_compact, called for level 0, 1, 2 ... each with the version of that
 * moment: 1: *out takes everything of `level` down to the next level that has
 * tables (from level 0 to level 1 if none has); or, in the deepest level, is
 * the rewrite in place of the tables from the first to the last with deletes.
 * 0: there is nothing to do at this level.
 */
int pick_whole_level(const struct version *v, unsigned level,
    struct pick *out);

/*
 * Does any level below `level` (the output level) have a table whose range
 * holds the user key?  Level 0 does not matter: what stands there and is no
 * input is newer than the inputs, by the promise above.
 */
bool pick_key_is_deeper(const struct version *v, unsigned level,
    struct bytes user);

#endif
