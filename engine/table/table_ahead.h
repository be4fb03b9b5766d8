/*
 * table_ahead: reads a table in large pieces, for whoever goes through it in
 * one direction.
 *
 * The piece read grows from 16 KiB to 256 KiB while reads follow one another,
 * forward or backward.  Private to table*.c.  Use: zeroed struct with file and
 * end set; table_ahead_read ...; table_ahead_fini.
 */
#ifndef ENGINE_TABLE_TABLE_AHEAD_H
#define ENGINE_TABLE_TABLE_AHEAD_H

#include "engine/base/buf.h"
#include "engine/table/frame.h"

struct table_ahead {
	struct env_file *file;
	uint64_t end;    /* nothing is read beyond */
	uint64_t offset; /* of what is in data */
	struct buf data;
	size_t window;
	bool alone; /* a piece could not be read: frame by frame from now on */
};

/*
 * The bytes of the frame at h, which lies before end.  *raw is valid until the
 * next call.  Errors are those of env_pread_full.
 */
int table_ahead_read(
    struct table_ahead *a, struct frame_handle h, struct bytes *raw);
void table_ahead_fini(struct table_ahead *a);

#endif
