/*
 * pick: which tables to compact next.  Pure functions of a version.
 */
#ifndef ENGINE_DB_PICK_H
#define ENGINE_DB_PICK_H

#include "engine/db/version.h"

/* Inputs of one compaction: files of `level`, and those of `level` + 1 that
 * they overlap; output goes to level + 1.  Pointers are into the version. */
struct pick {
	unsigned level;
	struct version_file **inputs[2];
	size_t counts[2];
	double score;
	bool trivial; /* one input, no overlap: it only moves */
};

void pick_fini(struct pick *p);

/* Bytes that level may hold before it is compacted. */
uint64_t pick_level_limit(const struct lsm_options *o, unsigned level);

/*
 * 1: *out is what needs it most (score >= 1), 0: nothing does, <0.
 * cursors[level]: the largest user key compacted last there, so that a level
 * is gone through in turn; empty at first.
 */
int pick_next(const struct version *v, const struct lsm_options *o,
    const struct buf cursors[LSM_LEVELS], struct pick *out);

/* For lsm_compact: everything of `level` down to the next level, or in the
 * deepest level that has tables, its rewrite in place is not needed: 0. */
int pick_whole_level(const struct version *v, unsigned level,
    struct pick *out);

/* Does any level below `level` (or level 0, if it is not an input) hold
 * tables that overlap the user key? */
bool pick_key_is_deeper(const struct version *v, unsigned level,
    struct bytes user);

#endif
