/*
 * wal_format: the bytes of a log file's header and of a record's header, as
 * wal.h and docs/SPEC.md describe them; encode and decode side by side.
 *
 * Pure functions.  The header's checksum is seeded with the file's number,
 * those of records with wal_format_seed: what was not written to this file by
 * this store does not pass here.
 */
#ifndef ENGINE_TABLE_WAL_FORMAT_H
#define ENGINE_TABLE_WAL_FORMAT_H

#include "engine/base/wire.h"
#include "engine/table/wal.h"

/* What new files say; older ones, down to 1, are read too.  Records have been
 * the same all along: the version tells what a batch may hold. */
#define WAL_FORMAT_VERSION 2

struct wal_format_file {
	uint32_t kind;
	uint64_t number;
	uint64_t first_seq;
	uint64_t salt;
};

/* What a file's first WAL_FILE_HEADER bytes are. */
enum wal_format_state {
	WAL_FORMAT_OK,
	WAL_FORMAT_ZERO,    /* nothing was ever written there */
	WAL_FORMAT_FOREIGN, /* no file of ours */
	WAL_FORMAT_NEWER,   /* ours, of a version that is not ours */
	WAL_FORMAT_EARLY,   /* ours, without a salt: from before version 1 */
	WAL_FORMAT_BAD,     /* ours and damaged */
};

/* Writes WAL_FILE_HEADER bytes at p. */
void wal_format_put_file(uint8_t *p, const struct wal_format_file *h);

/* Reads WAL_FILE_HEADER bytes; *out is set only with WAL_FORMAT_OK, *version
 * with WAL_FORMAT_NEWER too; with OK it is 1 to WAL_FORMAT_VERSION. */
enum wal_format_state wal_format_get_file(
    const uint8_t *p, struct wal_format_file *out, uint32_t *version);

uint64_t wal_format_seed(uint64_t number, uint64_t salt);

struct wal_format_record {
	struct wal_stamp stamp;
	uint32_t size;     /* of the payload */
	uint64_t checksum; /* of the payload */
};

/* Fills in the header of a record of size bytes in all, checksums included. */
void wal_format_put_record(
    uint8_t *record, size_t size, const struct wal_stamp *stamp, uint64_t seed);

/* Reads WAL_RECORD_HEADER bytes and tells whether a writer of the file with
 * this seed wrote them; the payload is not looked at. */
bool wal_format_get_record(
    const uint8_t *p, uint64_t seed, struct wal_format_record *out);

/* Whether this is the payload that h speaks of. */
bool wal_format_check_payload(
    const struct wal_format_record *h, struct bytes payload, uint64_t seed);

/* Fields by themselves, for a search that must be fast. */
static inline uint64_t
wal_format_seq(const uint8_t *p)
{
	return wire_get_le64(p + 24);
}

static inline uint64_t
wal_format_durable(const uint8_t *p)
{
	return wire_get_le64(p + 32);
}

/*
 * False if no header begins at any of the 8 offsets from p on: sequence numbers
 * are below 2^56, so both fields end with a zero, and some byte of x is one.
 */
static inline bool
wal_format_may_be_records(const uint8_t *p)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t x = wire_get_le64(p + 31) | wire_get_le64(p + 39);

	/* Zero bytes, and only they, borrow; see "Hacker's Delight", 6-1. */
	return ((x - ones) & ~x & (ones << 7)) != 0;
}

#endif
