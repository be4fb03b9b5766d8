#include "engine/table/table.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine/table/block.h"
#include "engine/table/filter.h"
#include "engine/table/table_cursor.h"
#include "engine/table/value.h"

#define TABLE_LINE 64 /* of the processor's cache */

/* Frames up to here are read onto the stack. */
#define TABLE_SMALL 8192

/* --- opening ----------------------------------------------------------- */

/*
 * There is no footer.  If the file begins as a table does, its end is lost;
 * else it is something else.
 */
static int
table_no_footer(struct table *t)
{
	struct env_file *f = t->file;
	uint8_t magic[TABLE_MAGIC_SIZE];
	size_t got;
	int err = env_pread(f, magic, sizeof(magic), 0, &got);

	if (err)
		return err;
	if (memcmp(magic, TABLE_MAGIC, got) == 0) {
		env_log(f->env, ERR_LEVEL_ERROR,
		    "%s: damaged at offset %" PRIu64 ": the footer is missing, "
		    "the file was cut short or written over; restore it from "
		    "a backup",
		    f->path, t->file_size);
		return ERR_DAMAGED;
	}
	env_log(f->env, ERR_LEVEL_ERROR,
	    "%s: offset 0: not a table file; move it out of the store and "
	    "restore the right one from a backup",
	    f->path);
	return ERR_FORMAT;
}

static int
table_check_version(
    struct env_file *file, const struct table_footer *f, uint64_t offset)
{
	if (f->version > 0 && f->version <= TABLE_VERSION)
		return 0;
	env_log(file->env, ERR_LEVEL_ERROR,
	    "%s: offset %" PRIu64 ": table format version %" PRIu32
	    ", this program reads versions 1 to %d; use a newer keyfs",
	    file->path, offset, f->version, TABLE_VERSION);
	return ERR_FORMAT;
}

int
table_probe(struct env_file *file, uint64_t size)
{
	struct table_footer f;
	uint8_t raw[TABLE_FOOTER];
	uint64_t offset;
	int err;

	if (size < TABLE_FOOTER)
		return 0;
	offset = size - TABLE_FOOTER;
	err = env_pread_full(file, raw, sizeof(raw), offset);
	if (err)
		return err;
	/* Without a good one nothing is known: whoever reads it will see. */
	if (table_format_footer_decode(raw, &f) != 0)
		return 0;
	return table_check_version(file, &f, offset);
}

static int
table_check_footer(struct table *t, uint64_t offset)
{
	const struct table_footer *f = &t->footer;
	uint64_t filter_end, index_end;
	int err = table_check_version(t->file, f, offset);

	if (err)
		return err;
	if (f->file_no != t->file_no) {
		env_log(t->file->env, ERR_LEVEL_ERROR,
		    "%s: damaged at offset %" PRIu64 ": this is table %" PRIu64
		    ", not table %" PRIu64 "; a file was renamed or swapped",
		    t->file->path, offset, f->file_no, t->file_no);
		return ERR_DAMAGED;
	}
	if (!frame_handle_fits(f->filter, offset) ||
	    !frame_handle_fits(f->index, offset) ||
	    !frame_handle_fits(f->properties, offset))
		return frame_damaged(
		    t->file, offset, "the footer names blocks beyond the end");
	filter_end = f->filter.offset + frame_handle_bytes(f->filter);
	index_end = f->index.offset + frame_handle_bytes(f->index);
	if (filter_end > f->index.offset || index_end > f->properties.offset ||
	    f->properties.offset + frame_handle_bytes(f->properties) != offset)
		return frame_damaged(
		    t->file, offset, "the footer leaves gaps in the file");
	return 0;
}

static int
table_read_footer(struct table *t)
{
	uint8_t raw[TABLE_FOOTER];
	uint64_t offset;
	int err;

	err = env_size(t->file, &t->file_size);
	if (err)
		return err;
	if (t->file_size < TABLE_MAGIC_SIZE + TABLE_FOOTER)
		return table_no_footer(t);
	offset = t->file_size - TABLE_FOOTER;
	err = env_pread_full(t->file, raw, sizeof(raw), offset);
	if (err)
		return err;
	err = table_format_footer_decode(raw, &t->footer);
	if (err == ERR_FORMAT)
		return table_no_footer(t);
	if (err)
		return frame_damaged(
		    t->file, offset, "checksum of the footer does not match");
	return table_check_footer(t, offset);
}

/* Leaves of the index fill what is between filter and index (all of it, as
 * table_index_make sees), range tombstones what is between index and
 * properties. */
static bool
table_gaps_are_filled(const struct table *t)
{
	const struct table_footer *f = &t->footer;
	uint64_t end = f->index.offset + frame_handle_bytes(f->index);
	struct frame_handle h = t->properties.ranges.handle;

	if (t->properties.index_leaves == 0 &&
	    f->filter.offset + frame_handle_bytes(f->filter) != f->index.offset)
		return false;
	if (t->properties.ranges.count == 0)
		return end == f->properties.offset;
	return h.offset == end && frame_handle_fits(h, f->properties.offset) &&
	       h.offset + frame_handle_bytes(h) == f->properties.offset;
}

static int
table_read_properties(struct table *t)
{
	struct frame_handle h = t->footer.properties;
	size_t size;
	int err;

	err = frame_read(
	    t->file, t->file_no, t->file_size, h, &t->properties_block, &size);
	if (err)
		return err;
	err =
	    table_format_properties_decode(bytes_of(t->properties_block, size),
		t->footer.version, &t->properties);
	if (err == ERR_FORMAT)
		env_log(t->file->env, ERR_LEVEL_ERROR,
		    "%s: offset %" PRIu64 ": the table has properties that "
		    "this program does not know; use a newer keyfs",
		    t->file->path, h.offset);
	else if (err)
		frame_damaged(t->file, h.offset, "malformed properties");
	else if (!table_gaps_are_filled(t))
		err = frame_damaged(t->file, h.offset,
		    "the properties leave a gap in the file");
	return err;
}

/* They must be what the properties say, so that the tables that are searched
 * for a key are all that can have something to say about it. */
static bool
table_ranges_agree(const struct table *t)
{
	const struct table_properties *p = &t->properties;
	const struct ranges *r = t->ranges;

	return r->count > 0 && r->count == p->ranges.count &&
	       r->seq_min >= p->seq_min && r->seq_max <= p->seq_max &&
	       bytes_eq(r->fragments[0].begin, p->ranges.begin) &&
	       bytes_eq(r->fragments[r->count - 1].end, p->ranges.end);
}

static int
table_read_ranges(struct table *t)
{
	struct frame_handle h = t->properties.ranges.handle;
	uint8_t *data;
	size_t size;
	int err;

	if (t->properties.ranges.count == 0)
		return 0;
	err = frame_read(t->file, t->file_no, t->file_size, h, &data, &size);
	if (err)
		return err;
	err = ranges_decode(bytes_of(data, size), &t->ranges);
	free(data);
	if (err == ERR_DAMAGED || (!err && !table_ranges_agree(t)))
		err = frame_damaged(
		    t->file, h.offset, "malformed range tombstones");
	return err;
}

/* Without leaves the index leads to the data, else to them. */
static struct table_index_bounds
table_bounds(const struct table *t)
{
	const struct frame_handle filter = t->footer.filter;
	struct table_index_bounds b = {
	    .begin = TABLE_MAGIC_SIZE,
	    .end = filter.offset,
	    .smallest = t->properties.smallest,
	    .largest = t->properties.largest,
	};

	if (t->leaves > 0) {
		b.root = true;
		b.data_begin = b.begin;
		b.data_end = b.end;
		b.begin = filter.offset + frame_handle_bytes(filter);
		b.end = t->footer.index.offset;
	}
	return b;
}

static int
table_make_index(struct table *t, struct bytes block)
{
	const struct table_index_bounds bounds = table_bounds(t);
	uint64_t count = t->properties.data_blocks;
	const char *why;
	size_t size;
	int err;

	err = table_index_make(block, &bounds, &t->index_piece, &size, &why);
	if (!err) {
		t->index = table_index_of(t->index_piece);
		why = "the properties count other blocks than the index";
		if (t->index.count != (t->leaves > 0 ? t->leaves : count))
			err = ERR_DAMAGED;
	}
	return err == ERR_DAMAGED
		   ? frame_damaged(t->file, t->footer.index.offset, why)
		   : err;
}

static int
table_read_index(struct table *t)
{
	uint8_t *data;
	size_t size;
	int err;

	t->leaves = (size_t)t->properties.index_leaves;
	err = frame_read(
	    t->file, t->file_no, t->file_size, t->footer.index, &data, &size);
	if (err)
		return err;
	err = table_make_index(t, bytes_of(data, size));
	free(data);
	return err;
}

/* Copies the filter to where its lines are the processor's. */
static int
table_read_filter(struct table *t)
{
	uint8_t *data, *aligned;
	size_t size, room;
	int err;

	err = frame_read(
	    t->file, t->file_no, t->file_size, t->footer.filter, &data, &size);
	if (err)
		return err;
	room = (size + TABLE_LINE) / TABLE_LINE * TABLE_LINE;
	aligned = aligned_alloc(TABLE_LINE, room);
	if (aligned) {
		memcpy(aligned, data, size);
		t->filter = bytes_of(aligned, size);
	}
	free(data);
	return aligned ? 0 : -ENOMEM;
}

int
table_open(struct env *env, const char *path, uint64_t file_no,
    struct cache *cache, struct table **out)
{
	struct table *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	t->file_no = file_no;
	t->cache = cache;
	err = env_open(env, path, ENV_OPEN_READ, &t->file);
	if (!err)
		err = table_read_footer(t);
	if (!err)
		err = table_read_properties(t);
	if (!err)
		err = table_read_index(t);
	if (!err)
		err = table_read_filter(t);
	if (!err)
		err = table_read_ranges(t);
	if (err) {
		table_close(t);
		return err;
	}
	env_map_reads(t->file);
	*out = t;
	return 0;
}

void
table_close(struct table *t)
{
	if (!t)
		return;
	env_close(t->file);
	free(t->index_piece);
	free(t->properties_block);
	free((void *)(uintptr_t)t->filter.data);
	ranges_free(t->ranges);
	free(t);
}

const struct table_properties *
table_properties(const struct table *t)
{
	return &t->properties;
}

const struct ranges *
table_ranges(const struct table *t)
{
	return t->ranges;
}

/* --- reading ----------------------------------------------------------- */

/* The block of the frame at h, of which raw is all its bytes. */
static int
table_unpack(struct table *t, struct frame_handle h, struct bytes raw,
    uint8_t **data, size_t *size)
{
	struct frame f;
	uint8_t *room;
	int err = frame_open(t->file, t->file_no, h.offset, raw, &f);

	if (err)
		return err;
	room = cache_room(t->cache, t->file_no, h.offset, f.plain_size);
	if (!room)
		return -ENOMEM;
	err = frame_unpack(t->file, h.offset, &f, room);
	if (err) {
		cache_room_free(t->cache, room, f.plain_size);
		return err;
	}
	*data = room;
	*size = f.plain_size;
	return 0;
}

static int
table_read_block(struct table *t, struct frame_handle h,
    struct table_ahead *ahead, uint8_t **data, size_t *size)
{
	uint8_t small[TABLE_SMALL];
	size_t raw_size = (size_t)frame_handle_bytes(h);
	struct bytes raw = bytes_of(small, raw_size);
	int err;

	if (ahead)
		err = table_ahead_read(ahead, h, &raw);
	else if (raw_size > sizeof(small))
		return frame_read(
		    t->file, t->file_no, t->file_size, h, data, size);
	else
		err = env_pread_full(t->file, small, raw_size, h.offset);
	return err ? err : table_unpack(t, h, raw, data, size);
}

int
table_pin(struct table *t, struct frame_handle h, struct table_ahead *ahead,
    struct cache_block **out)
{
	struct cache_block *b = cache_get(t->cache, t->file_no, h.offset);
	uint8_t *data;
	size_t size;
	int err;

	if (!b) {
		err = table_read_block(t, h, ahead, &data, &size);
		if (err)
			return err;
		b = cache_put(t->cache, t->file_no, h.offset, data, size, true);
		if (!b)
			return -ENOMEM;
	}
	*out = b;
	return 0;
}

void
table_look_ahead(const struct table *t, uint64_t hash)
{
	filter_look_ahead(t->filter, hash);
}

/* Where the block is that target would stand in: 1, 0 there is none, <0. */
static int
table_locate(struct table *t, struct bytes target, struct frame_handle *out)
{
	struct table_cursor c;
	size_t i;
	int rc;

	if (t->leaves == 0) {
		i = table_index_find(&t->index, target);
		if (i == t->index.count)
			return 0;
		*out = table_index_handle(&t->index, i);
		return 1;
	}
	table_cursor_init(&c, t, true);
	rc = table_cursor_seek(&c, target);
	if (rc == 1)
		*out = table_cursor_handle(&c);
	table_cursor_fini(&c);
	return rc;
}

/* In the block at h. */
static int
table_get_at(struct table *t, struct frame_handle h, struct bytes target,
    struct table_entry *out)
{
	struct block_entry found;
	struct table_entry e;
	int rc = table_pin(t, h, NULL, &e.block);

	if (rc)
		return rc;
	rc = block_find(e.block->data, target, &found);
	if (rc == 1 && (ikey_unpack(found.trailer, &e.seq, &e.kind) ||
			   !value_fits(e.kind, found.value)))
		rc = ERR_DAMAGED;
	if (rc == ERR_DAMAGED)
		frame_damaged(t->file, h.offset, "malformed entry");
	if (rc != 1) {
		cache_unref(e.block);
		return rc;
	}
	e.value = found.value;
	*out = e;
	return 1;
}

int
table_get(struct table *t, struct bytes target, uint64_t hash,
    struct table_entry *out, bool *filtered)
{
	struct frame_handle h;
	int rc;

	if (!filter_may_contain(t->filter, hash)) {
		if (filtered)
			*filtered = true;
		return 0;
	}
	rc = table_locate(t, target, &h);
	return rc == 1 ? table_get_at(t, h, target, out) : rc;
}
