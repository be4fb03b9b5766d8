/*
 * value_read: large values, read by reference and verified.
 *
 * What is read becomes a block of the block cache, so that it can be pinned
 * and a second reader copies nothing; of a part only the pieces that it touches
 * are read.  A value is of more than one piece if it is larger than VREF_CHUNK.
 * The caller pins whatever it took the reference from (a view, a version),
 * and with it the file.
 * Threads: any.
 * Errors: -errno; ERR_DAMAGED, with a message that names file and offset, if
 * reference or value are not what was written, or another reference to the same
 * place, by which the cache has it, says another size.
 */
#ifndef ENGINE_DB_VALUE_READ_H
#define ENGINE_DB_VALUE_READ_H

#include "engine/base/buf.h"
#include "engine/db/values.h"
#include "engine/table/cache.h"

/* The value that the encoded reference stands for, of the size that it says.
 * fill: it enters the cache.  The caller unrefs *out, whose data it is. */
int value_read(
    struct values *s, struct bytes ref, bool fill, struct cache_block **out);

/* Its bytes from offset on, length of them or up to its end.  *bytes is within
 * *out, which the caller unrefs; if there are none, *out is NULL. */
int value_read_part(struct values *s, struct bytes ref, uint64_t offset,
    size_t length, struct cache_block **out, struct bytes *bytes);

/*
 * As value_read for somebody who goes on to the next value soon: it does not
 * enter the cache.  *bytes is within *out if it was there, which the caller
 * unrefs; else *out is NULL, and it is in room.
 */
int value_read_passing(struct values *s, struct bytes ref, struct buf *room,
    struct cache_block **out, struct bytes *bytes);

/* Only reads and verifies; room is used.  0 or an error. */
int value_read_check(struct values *s, struct bytes ref, struct buf *room);

#endif
