/*
 * frame: a block as it stands in a table file: compressed, with a checksum.
 *
 * Format: stored bytes, then a trailer of FRAME_TRAILER bytes: compression
 * (u8: 0 none, 1 LZ4), le32 size before compression, le64 checksum =
 * hash_64(stored bytes + compression + size, seed = file number mixed with
 * offset): a block read from the wrong place does not pass.  A block that LZ4
 * does not shrink by an eighth is stored as it is.
 */
#ifndef ENGINE_TABLE_FRAME_H
#define ENGINE_TABLE_FRAME_H

#include "engine/base/buf.h"
#include "engine/base/wire.h"
#include "engine/os/env.h"

#define FRAME_TRAILER	13
#define FRAME_BYTES_MAX (128u << 20) /* of a block before compression */

/* Where a frame is: offset and size of the stored bytes, without trailer. */
struct frame_handle {
	uint64_t offset;
	uint64_t size;
};

int frame_handle_append(struct buf *b, struct frame_handle h);
int frame_handle_decode(struct wire_in *in, struct frame_handle *out);

/* Appends to out the frame of block as it will stand at offset of file
 * number file_no; *h is its handle. */
int frame_encode(struct buf *out, struct bytes block, bool compress,
    uint64_t file_no, uint64_t offset, struct frame_handle *h);

/* Reads, verifies, decompresses into a new malloc'ed block.  ERR_DAMAGED with
 * a message naming file and offset.  h is checked against file_size. */
int frame_read(struct env_file *file, uint64_t file_no, uint64_t file_size,
    struct frame_handle h, uint8_t **data, size_t *size);

#endif
