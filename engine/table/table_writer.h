/*
 * table_writer: makes a table file.
 *
 * Use: table_writer_open, table_writer_add in growing ikey_cmp order and, by
 * turns as one likes, table_writer_add_range in order; table_writer_finish
 * (synced when it returns) or table_writer_abandon (the file is removed).  The
 * directory is for the caller to sync.
 * Threads: one.  Errors: the first one sticks; a failed write or sync is never
 * retried.
 */
#ifndef ENGINE_TABLE_TABLE_WRITER_H
#define ENGINE_TABLE_TABLE_WRITER_H

#include "engine/base/buf.h"
#include "engine/os/env.h"
#include "engine/table/table.h"
#include "engine/table/vref_list.h"

struct table_writer;

struct table_writer_options {
	size_t block_bytes;
	unsigned filter_bits;
	enum frame_compression compress;
	/* An index of more bytes is split into leaves; 0: of 1 MiB. */
	size_t index_bytes;
};

/* What a finished file is; smallest and largest are filled as owned bufs. */
struct table_info {
	uint64_t file_no;
	uint64_t file_bytes;
	uint64_t entries;
	uint64_t deletes;
	uint64_t seq_min;
	uint64_t seq_max;
	struct buf smallest; /* ikeys; of no bytes if there are no entries */
	struct buf largest;
	uint64_t ranges; /* fragments of range tombstones */
	struct buf ranges_begin;
	struct buf ranges_end; /* no bytes: none */
	struct vref_list refs; /* to values */
	struct expiries expiries;
	struct hidden hidden;
};

static inline void
table_info_fini(struct table_info *info)
{
	buf_fini(&info->smallest);
	buf_fini(&info->largest);
	buf_fini(&info->ranges_begin);
	buf_fini(&info->ranges_end);
	vref_list_fini(&info->refs);
}

/* -EEXIST if path is there. */
int table_writer_open(struct env *env, const char *path, uint64_t file_no,
    const struct table_writer_options *o, struct table_writer **out);
int table_writer_add(
    struct table_writer *w, struct bytes ikey, struct bytes value);

/* Behind the fragments added before. */
int table_writer_add_range(
    struct table_writer *w, const struct ranges_fragment *f);

/* Bytes the file will have about, if finished now. */
uint64_t table_writer_size(const struct table_writer *w);

/* Frees the writer in any case.  On an error the file is removed.  -EINVAL if
 * nothing was added. */
int table_writer_finish(struct table_writer *w, struct table_info *info);
void table_writer_abandon(struct table_writer *w);

#endif
