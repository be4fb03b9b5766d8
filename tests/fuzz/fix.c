#include "tests/fuzz/fix.h"

#include <string.h>

#include "engine/base/hash.h"
#include "engine/table/block.h"
#include "engine/table/table_format.h"
#include "engine/table/wal_format.h"

void
fix_wal(uint8_t *data, size_t size)
{
	uint64_t number, seed;
	size_t at = WAL_FILE_HEADER;

	if (size < WAL_FILE_HEADER)
		return;
	number = wire_get_le64(data + 16);
	wire_put_le64(data + 40, hash_64(bytes_of(data, 40), number));
	seed = wal_format_seed(number, wire_get_le64(data + 32));
	while (size - at >= WAL_RECORD_HEADER) {
		uint8_t *p = data + at;
		size_t room = size - at - WAL_RECORD_HEADER;
		size_t payload = wire_get_le32(p + 16);

		if (payload <= room)
			wire_put_le64(p + 8,
			    hash_64(bytes_of(p + WAL_RECORD_HEADER, payload),
				seed));
		wire_put_le64(
		    p, hash_64(bytes_of(p + 8, WAL_RECORD_HEADER - 8), seed));
		if (payload > room)
			break;
		at += WAL_RECORD_HEADER + payload;
	}
}

void
fix_frame(uint8_t *data, size_t size, uint64_t file_no, struct frame_handle h)
{
	uint64_t seed = file_no * UINT64_C(0x9e3779b97f4a7c15) ^ h.offset;
	size_t summed;

	if (!frame_handle_fits(h, size))
		return;
	summed = (size_t)h.size + FRAME_TRAILER - 8;
	wire_put_le64(data + h.offset + summed,
	    hash_64(bytes_of(data + h.offset, summed), seed));
}

/* Fixes the frame; 0 and its block, or none. */
static int
open_frame(uint8_t *data, size_t size, uint64_t file_no, struct frame_handle h,
    struct buf *room, struct bytes *block)
{
	const char *why;

	if (!frame_handle_fits(h, size))
		return -1;
	fix_frame(data, size, file_no, h);
	return frame_decode(file_no, h.offset,
	    bytes_of(data + h.offset, (size_t)frame_handle_bytes(h)), room,
	    block, &why);
}

/* Every frame that an index block leads to, and, if it is the root, those
 * below: what stands there may be an index too. */
static void
fix_index(uint8_t *data, size_t size, uint64_t file_no, struct frame_handle h,
    int levels)
{
	struct block_iter it = {0};
	struct buf room = {0};
	struct bytes block;
	int rc = -1;

	if (levels > 0 &&
	    open_frame(data, size, file_no, h, &room, &block) == 0)
		rc = block_iter_set(&it, block);
	if (rc == 0)
		rc = block_iter_first(&it);
	while (rc > 0) {
		struct wire_in in = wire_in_of(it.iter.value);
		struct frame_handle below;

		if (frame_handle_decode(&in, &below) == 0) {
			fix_frame(data, size, file_no, below);
			fix_index(data, size, file_no, below, levels - 1);
		}
		rc = block_iter_next(&it);
	}
	block_iter_fini(&it);
	buf_fini(&room);
}

static void
fix_ranges(uint8_t *data, size_t size, const struct table_footer *f)
{
	struct table_properties p;
	struct buf room = {0};
	struct bytes block;

	if (open_frame(data, size, f->file_no, f->properties, &room, &block) ==
		0 &&
	    table_format_properties_decode(block, f->version, &p) == 0 &&
	    p.ranges.count > 0)
		fix_frame(data, size, f->file_no, p.ranges.handle);
	buf_fini(&room);
}

void
fix_table(uint8_t *data, size_t size)
{
	struct table_footer f;
	uint8_t *footer;

	if (size < TABLE_FOOTER)
		return;
	footer = data + size - TABLE_FOOTER;
	memcpy(footer + 72, TABLE_MAGIC, TABLE_MAGIC_SIZE);
	wire_put_le64(footer + 64, hash_64(bytes_of(footer, 64), 0));
	if (table_format_footer_decode(footer, &f) != 0)
		return;
	fix_frame(data, size, f.file_no, f.filter);
	fix_ranges(data, size, &f);
	fix_index(data, size, f.file_no, f.index, 2);
}
