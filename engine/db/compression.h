/*
 * compression: how the blocks of a new table are stored.
 */
#ifndef ENGINE_DB_COMPRESSION_H
#define ENGINE_DB_COMPRESSION_H

#include "engine/lsm.h"
#include "engine/table/frame.h"

/* bottom: nothing lies deeper than the table. */
static inline enum frame_compression
compression_of(const struct lsm_options *o, bool bottom)
{
	enum lsm_compression c =
	    bottom ? o->bottom_compression : o->compression;

	if (c == LSM_COMPRESSION_SAME)
		c = o->compression;
	switch (c) {
	case LSM_COMPRESSION_LZ4:
		return FRAME_LZ4;
	case LSM_COMPRESSION_ZSTD:
		return FRAME_ZSTD;
	default:
		return FRAME_PLAIN;
	}
}

#endif
