/*
 * vref: a reference to a large value that stands in a file of values: a
 * segment of the log, or a file that collection wrote (docs/SPEC.md).
 *
 * Encoded: varint file (its number * 2 + kind), varint offset of the value's
 * bytes in it, varint size, and for each piece of VREF_CHUNK bytes (the last
 * may be shorter) le64 of its checksum, seeded with file number and offset, so
 * that neither another value nor this one in another place passes.
 * Pure functions.  What is decoded was not written by us: every field is
 * checked, and the sum of offset and size is too.
 */
#ifndef ENGINE_TABLE_VREF_H
#define ENGINE_TABLE_VREF_H

#include <stdbool.h>

#include "engine/base/bytes.h"
#include "engine/base/wire.h"

#define VREF_CHUNK      (64u << 10)
#define VREF_VALUE_MAX  (64u << 20)
#define VREF_NUMBER_MAX (UINT64_C(1) << 62)
#define VREF_FILE_MAX   (UINT64_C(1) << 48) /* bytes */

/* Bytes of any reference at most. */
#define VREF_BYTES_MAX (3 * WIRE_VARINT_MAX + 8 * (VREF_VALUE_MAX / VREF_CHUNK))

/* Written to disk.  The lowest bit of `file`. */
enum vref_kind { VREF_KIND_LOG = 0, VREF_KIND_VALUES = 1 };

struct vref {
	uint64_t file;
	uint64_t offset;
	uint64_t size;     /* 1 to VREF_VALUE_MAX */
	struct bytes sums; /* le64 for each chunk; a view */
};

static inline uint64_t
vref_file(uint64_t number, enum vref_kind kind)
{
	return number << 1 | (uint64_t)kind;
}

static inline uint64_t
vref_number(uint64_t file)
{
	return file >> 1;
}

static inline enum vref_kind
vref_kind(uint64_t file)
{
	return (enum vref_kind)(file & 1);
}

/* A number and a kind that a file can have. */
static inline bool
vref_file_valid(uint64_t file)
{
	return vref_number(file) > 0 && vref_number(file) <= VREF_NUMBER_MAX;
}

static inline size_t
vref_chunks(uint64_t size)
{
	return (size_t)((size + VREF_CHUNK - 1) / VREF_CHUNK);
}

/* Bytes that vref_encode writes at most for a value of this size. */
static inline size_t
vref_bytes(uint64_t size)
{
	return 3 * WIRE_VARINT_MAX + 8 * vref_chunks(size);
}

/* Writes at p the reference to this value, whose bytes stand at offset of file,
 * and returns its size. */
size_t vref_encode(
    uint8_t *p, uint64_t file, uint64_t offset, struct bytes value);

/* ERR_DAMAGED (no message). */
int vref_decode(struct bytes encoded, struct vref *out);

/* The bytes of the value from chunk `first` on, or a part of them that ends
 * with a chunk or with the value: the number of the first chunk among them
 * that is not what was written, or where they end if all are. */
size_t vref_check(const struct vref *r, size_t first, struct bytes data);

#endif
