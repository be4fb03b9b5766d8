/*
 * table_format: what stands in a table file around its data, and the open
 * table.  Private to table*.c.
 *
 * File (docs/SPEC.md): magic, data frames, filter frame, frames of the index's
 * leaves (if it has any), index frame, frame of range tombstones (if there are
 * any), properties frame, footer; no byte between them.
 */
#ifndef ENGINE_TABLE_TABLE_FORMAT_H
#define ENGINE_TABLE_TABLE_FORMAT_H

#include "engine/base/buf.h"
#include "engine/table/frame.h"
#include "engine/table/table.h"
#include "engine/table/table_ahead.h"
#include "engine/table/table_index.h"

#define TABLE_MAGIC      "keyfsSST"
#define TABLE_MAGIC_SIZE 8
#define TABLE_VERSION    2
#define TABLE_FOOTER     80

/* Restart intervals of blocks. */
#define TABLE_DATA_INTERVAL  16
#define TABLE_INDEX_INTERVAL 1

struct table_footer {
	struct frame_handle filter;
	struct frame_handle index;
	struct frame_handle properties;
	uint64_t file_no;
	uint32_t version;
};

/* Writes TABLE_FOOTER bytes at p, with TABLE_VERSION. */
void table_format_footer_encode(uint8_t *p, const struct table_footer *f);

/* From TABLE_FOOTER bytes.  ERR_FORMAT: no magic at the end.  ERR_DAMAGED: the
 * checksum does not match, or reserved bytes are used.  Any version is
 * accepted. */
int table_format_footer_decode(const uint8_t *p, struct table_footer *out);

int table_format_properties_encode(
    struct buf *out, const struct table_properties *p);

/* Of a table of this version.  Keys are views into block.  ERR_DAMAGED also if
 * the fields contradict each other; ERR_FORMAT: there is one that is not known.
 */
int table_format_properties_decode(
    struct bytes block, uint32_t version, struct table_properties *out);

/* Constant after open. */
struct table {
	struct env_file *file;
	uint64_t file_no;
	uint64_t file_size;
	struct cache *cache;
	struct table_footer footer;
	struct table_properties properties;
	uint8_t *properties_block; /* where its keys are */
	/* Of the data blocks; or, if there are leaves, of them (the root). */
	struct table_index index;
	uint8_t *index_piece; /* its memory */
	size_t leaves;
	struct bytes filter;   /* begins a cache line */
	struct ranges *ranges; /* NULL: none */
};

/* The data block at h from the cache, or read (through ahead, if that is not
 * NULL) and put there; the caller unrefs. */
int table_pin(struct table *t, struct frame_handle h, struct table_ahead *ahead,
    struct cache_block **out);

#endif
