#include "engine/table/frame.h"

#include <inttypes.h>
#include <lz4.h>
#include <stdlib.h>

#include "engine/base/hash.h"
#include "engine/base/must.h"
#include "engine/table/frame_zstd.h"

/* LZ4 makes at most this many bytes of one. */
#define FRAME_LZ4_RATIO_MAX 255

/* Frames up to here are read onto the stack. */
#define FRAME_SMALL 8192

/* Of the trailer, what the checksum covers. */
#define FRAME_TRAILER_SUMMED 5

int
frame_handle_append(struct buf *b, struct frame_handle h)
{
	int err = buf_reserve(b, 2 * WIRE_VARINT_MAX);

	if (err)
		return err;
	err = buf_append_varint(b, h.offset);
	return err ? err : buf_append_varint(b, h.size);
}

int
frame_handle_decode(struct wire_in *in, struct frame_handle *out)
{
	struct wire_in rest = *in;
	struct frame_handle h;

	if (wire_in_varint(&rest, &h.offset) || wire_in_varint(&rest, &h.size))
		return ERR_DAMAGED;
	*in = rest;
	*out = h;
	return 0;
}

bool
frame_handle_fits(struct frame_handle h, uint64_t file_size)
{
	return h.size <= FRAME_BYTES_MAX &&
	       frame_handle_bytes(h) <= file_size &&
	       h.offset <= file_size - frame_handle_bytes(h);
}

static uint64_t
frame_seed(uint64_t file_no, uint64_t offset)
{
	return file_no * UINT64_C(0x9e3779b97f4a7c15) ^ offset;
}

static int
frame_append_lz4(struct buf *out, struct bytes block, size_t *stored)
{
	int bound = LZ4_compressBound((int)block.size), n;
	int err = buf_reserve(out, (size_t)bound);

	if (err)
		return err;
	n = LZ4_compress_default((const char *)block.data,
	    (char *)out->data + out->size, (int)block.size, bound);
	must(n > 0); /* there is room */
	out->size += (size_t)n;
	*stored = (size_t)n;
	return 0;
}

/* Appends the block compressed; 0 bytes if that does not pay. */
static int
frame_append_compressed(struct buf *out, struct bytes block,
    enum frame_compression compression, size_t *stored)
{
	int err = compression == FRAME_ZSTD
		      ? frame_zstd_compress(out, block, stored)
		      : frame_append_lz4(out, block, stored);

	if (!err && *stored > block.size - block.size / 8) {
		out->size -= *stored;
		*stored = 0;
	}
	return err;
}

static void
frame_append_trailer(struct buf *out, size_t stored, size_t plain,
    enum frame_compression compression, uint64_t seed)
{
	const uint8_t *first = out->data + out->size - stored;
	uint8_t *p = out->data + out->size;

	p[0] = (uint8_t)compression;
	wire_put_le32(p + 1, (uint32_t)plain);
	wire_put_le64(p + FRAME_TRAILER_SUMMED,
	    hash_64(bytes_of(first, stored + FRAME_TRAILER_SUMMED), seed));
	out->size += FRAME_TRAILER;
}

int
frame_encode(struct buf *out, struct bytes block,
    enum frame_compression compression, uint64_t file_no, uint64_t offset,
    struct frame_handle *h)
{
	size_t size = out->size, stored = 0;
	int err;

	if (block.size > FRAME_BYTES_MAX)
		return -EFBIG;
	if (compression != FRAME_PLAIN && block.size > 0) {
		err = frame_append_compressed(out, block, compression, &stored);
		if (err)
			return err;
	}
	err = buf_reserve(out, (stored > 0 ? 0 : block.size) + FRAME_TRAILER);
	if (err) {
		out->size = size;
		return err;
	}
	if (stored == 0)
		must(buf_append_bytes(out, block) == 0);
	frame_append_trailer(out, out->size - size, block.size,
	    stored > 0 ? compression : FRAME_PLAIN,
	    frame_seed(file_no, offset));
	*h = (struct frame_handle){offset, out->size - size - FRAME_TRAILER};
	return 0;
}

/* What is wrong with the frame, or NULL and *out is filled. */
static const char *
frame_fault(
    uint64_t file_no, uint64_t offset, struct bytes raw, struct frame *out)
{
	struct bytes summed;
	const uint8_t *trailer;

	if (raw.size < FRAME_TRAILER)
		return "frame too short";
	out->stored = bytes_of(raw.data, raw.size - FRAME_TRAILER);
	trailer = raw.data + out->stored.size;
	summed = bytes_of(raw.data, out->stored.size + FRAME_TRAILER_SUMMED);
	if (hash_64(summed, frame_seed(file_no, offset)) !=
	    wire_get_le64(trailer + FRAME_TRAILER_SUMMED))
		return "checksum does not match";
	out->compression = trailer[0];
	out->plain_size = wire_get_le32(trailer + 1);
	if (out->plain_size > FRAME_BYTES_MAX)
		return "block too large";
	switch (out->compression) {
	case FRAME_PLAIN:
		if (out->plain_size != out->stored.size)
			return "sizes do not agree";
		return NULL;
	case FRAME_LZ4:
		if (out->plain_size == 0 ||
		    out->plain_size / FRAME_LZ4_RATIO_MAX > out->stored.size)
			return "sizes do not agree";
		return NULL;
	case FRAME_ZSTD:
		return frame_zstd_fault(out->stored, out->plain_size);
	default:
		return "unknown compression";
	}
}

/* Into plain_size bytes at data; -ENOMEM, or ERR_DAMAGED and *why. */
static int
frame_decompress(const struct frame *f, uint8_t *data, const char **why)
{
	int n, err;

	if (f->compression == FRAME_ZSTD) {
		err = frame_zstd_decompress(f->stored, data, f->plain_size);
		if (err == ERR_DAMAGED)
			*why = "ZSTD data malformed";
		return err;
	}
	n = LZ4_decompress_safe((const char *)f->stored.data, (char *)data,
	    (int)f->stored.size, (int)f->plain_size);
	if (n == (int)f->plain_size)
		return 0;
	*why = "LZ4 data malformed";
	return ERR_DAMAGED;
}

int
frame_damaged(struct env_file *file, uint64_t offset, const char *why)
{
	env_log(file->env, ERR_LEVEL_ERROR,
	    "%s: damaged at offset %" PRIu64 ": %s", file->path, offset, why);
	return ERR_DAMAGED;
}

int
frame_decode(uint64_t file_no, uint64_t offset, struct bytes raw,
    struct buf *room, struct bytes *block, const char **why)
{
	struct frame f;
	int err = 0;

	*why = frame_fault(file_no, offset, raw, &f);
	if (*why)
		return ERR_DAMAGED;
	if (f.compression == FRAME_PLAIN) {
		*block = f.stored;
		return 0;
	}
	buf_clear(room);
	err = buf_reserve(room, f.plain_size);
	if (!err)
		err = frame_decompress(&f, room->data, why);
	if (err)
		return err;
	room->size = f.plain_size;
	*block = buf_bytes(room);
	return 0;
}

int
frame_open(struct env_file *file, uint64_t file_no, uint64_t offset,
    struct bytes raw, struct frame *out)
{
	const char *why = frame_fault(file_no, offset, raw, out);

	return why ? frame_damaged(file, offset, why) : 0;
}

int
frame_unpack(struct env_file *file, uint64_t offset, const struct frame *f,
    uint8_t *data)
{
	const char *why;
	int err = 0;

	if (f->compression != FRAME_PLAIN)
		err = frame_decompress(f, data, &why);
	else if (f->plain_size > 0)
		memcpy(data, f->stored.data, f->plain_size);
	return err == ERR_DAMAGED ? frame_damaged(file, offset, why) : err;
}

/* The block of the frame at raw, which is from malloc if it is not small. */
static int
frame_keep(struct env_file *file, uint64_t offset, const struct frame *f,
    uint8_t **raw, bool small, uint8_t **out)
{
	uint8_t *data;
	int err;

	if (!small && f->compression == FRAME_PLAIN) {
		*out = *raw; /* as it is, though with a trailer */
		*raw = NULL;
		return 0;
	}
	/* One byte more: a block may be empty, malloc(0) be NULL. */
	data = malloc(frame_room(f->plain_size) + !f->plain_size);
	if (!data)
		return -ENOMEM;
	err = frame_unpack(file, offset, f, data);
	if (err)
		free(data);
	else
		*out = data;
	return err;
}

int
frame_read(struct env_file *file, uint64_t file_no, uint64_t file_size,
    struct frame_handle h, uint8_t **data, size_t *size)
{
	uint8_t small[FRAME_SMALL], *raw = small;
	struct frame f;
	size_t raw_size;
	int err;

	if (!frame_handle_fits(h, file_size))
		return frame_damaged(file, h.offset,
		    "a frame that begins here does not fit in the file");
	raw_size = (size_t)frame_handle_bytes(h);
	if (raw_size > sizeof(small))
		raw = malloc(frame_room(raw_size));
	err = raw ? env_pread_full(file, raw, raw_size, h.offset) : -ENOMEM;
	if (!err)
		err = frame_open(
		    file, file_no, h.offset, bytes_of(raw, raw_size), &f);
	if (!err)
		err = frame_keep(file, h.offset, &f, &raw, raw == small, data);
	if (!err)
		*size = f.plain_size;
	if (raw != small)
		free(raw);
	return err;
}
