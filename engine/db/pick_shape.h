/*
 * pick_shape: how large the levels should be.
 *
 * The last level has almost all of the data, and the one above it a tenth of
 * that, so that what is overwritten or deleted takes little room.  The sizes
 * of further levels are spread evenly, as factors, between that tenth and what
 * one compaction of level 0 brings (options.level_base_bytes): as many as make
 * least to write.  With n levels between, each r times the one above, a byte
 * is written about n * (1 + r) times, so a level is worth while where r would
 * be above 6 without it, and none is that would hold less than one compaction
 * brings.  The first of them is the base, into which level 0 goes; what stands
 * above the base, in a store that was larger once or had other options, goes
 * down.
 * Pure functions.
 */
#ifndef ENGINE_DB_PICK_SHAPE_H
#define ENGINE_DB_PICK_SHAPE_H

#include "engine/db/version.h"

#define PICK_SHAPE_LAST (LSM_LEVELS - 1)

struct pick_shape {
	/* Where level 0 goes: no level between has tables. */
	unsigned level0_output;
	/* Bytes that a level > 0 should hold at most; the last one's is
	 * UINT64_MAX. */
	uint64_t targets[LSM_LEVELS];
};

struct pick_shape pick_shape_of(
    const struct version *v, const struct lsm_options *o);

#endif
