/*
 * frame_zstd: a block compressed by ZSTD, as one frame of its format (RFC 8878)
 * that tells its content's size.
 *
 * The library's contexts take some 100 KiB each and time to make, so a few of
 * them are kept for the whole process and lent out for a call.  Private to
 * frame.c.  Threads: any.
 */
#ifndef ENGINE_TABLE_FRAME_ZSTD_H
#define ENGINE_TABLE_FRAME_ZSTD_H

#include "engine/base/buf.h"

/* Appends what becomes of the block; *stored is its size.  -ENOMEM. */
int frame_zstd_compress(struct buf *out, struct bytes block, size_t *stored);

/* What is wrong with a frame that should be of plain_size bytes, or NULL. */
const char *frame_zstd_fault(struct bytes stored, size_t plain_size);

/* Into plain_size bytes at data, after frame_zstd_fault: 0; ERR_DAMAGED;
 * -ENOMEM. */
int frame_zstd_decompress(
    struct bytes stored, uint8_t *data, size_t plain_size);

#endif
