/*
 * frame: a block as it stands in a table file: compressed, with a checksum.
 *
 * Format (docs/SPEC.md): stored bytes, then a trailer of FRAME_TRAILER bytes:
 * compression (u8: 0 none, 1 LZ4, 2 ZSTD), le32 size before compression, le64
 * checksum = hash_64(stored bytes + compression + size, seed = file number
 * mixed with offset): a block read from the wrong place does not pass.  A block
 * that does not shrink by an eighth is stored as it is.
 */
#ifndef ENGINE_TABLE_FRAME_H
#define ENGINE_TABLE_FRAME_H

#include "engine/base/buf.h"
#include "engine/base/wire.h"
#include "engine/os/env.h"

#define FRAME_TRAILER   13
#define FRAME_BYTES_MAX (128u << 20) /* of a block before compression */

/* Written to disk: numbers never change their meaning. */
enum frame_compression { FRAME_PLAIN = 0, FRAME_LZ4 = 1, FRAME_ZSTD = 2 };

/* Where a frame is: offset and size of the stored bytes, without trailer. */
struct frame_handle {
	uint64_t offset;
	uint64_t size;
};

int frame_handle_append(struct buf *b, struct frame_handle h);
int frame_handle_decode(struct wire_in *in, struct frame_handle *out);

/* The bytes it takes in the file. */
static inline uint64_t
frame_handle_bytes(struct frame_handle h)
{
	return h.size + FRAME_TRAILER;
}

/* Whether the frame lies within a file of that size, and is not too large. */
bool frame_handle_fits(struct frame_handle h, uint64_t file_size);

/* Appends to out the frame of block as it will stand at offset of file
 * number file_no; *h is its handle.  -EFBIG beyond FRAME_BYTES_MAX. */
int frame_encode(struct buf *out, struct bytes block,
    enum frame_compression compression, uint64_t file_no, uint64_t offset,
    struct frame_handle *h);

/* Writes the message about damage at offset and returns ERR_DAMAGED. */
int frame_damaged(struct env_file *file, uint64_t offset, const char *why);

/*
 * The block of a frame that is in memory: raw is all its bytes.  *block is a
 * part of raw, or decompressed into room, which is overwritten; valid until
 * either changes.  ERR_DAMAGED with the reason in *why and no message.
 */
int frame_decode(uint64_t file_no, uint64_t offset, struct bytes raw,
    struct buf *room, struct bytes *block, const char **why);

/* What is asked from malloc for a block of so many bytes: few different sizes,
 * so that a block that goes makes room for the next one. */
static inline size_t
frame_room(size_t size)
{
	return size < 1024 ? size : (size + 255) & ~(size_t)255;
}

/* A frame taken apart, and verified. */
struct frame {
	struct bytes stored; /* a part of the bytes that were given */
	uint8_t compression;
	uint32_t plain_size;
};

/* The frame of which raw is all its bytes, as they were read from the file.
 * ERR_DAMAGED with a message. */
int frame_open(struct env_file *file, uint64_t file_no, uint64_t offset,
    struct bytes raw, struct frame *out);

/* Its block into plain_size bytes at data.  -ENOMEM, or ERR_DAMAGED with a
 * message. */
int frame_unpack(struct env_file *file, uint64_t offset, const struct frame *f,
    uint8_t *data);

/* Reads, verifies, decompresses into a new malloc'ed block.  ERR_DAMAGED with
 * a message naming file and offset.  h is checked against file_size.  *data
 * has room for frame_room(*size) bytes. */
int frame_read(struct env_file *file, uint64_t file_no, uint64_t file_size,
    struct frame_handle h, uint8_t **data, size_t *size);

#endif
