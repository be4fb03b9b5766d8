/*
 * ikey: the key inside the engine: user key, sequence number and kind.
 *
 * Encoded as the user key followed by le64(seq << 8 | kind).  Order: user key
 * ascending (memcmp), then the trailer descending, so the newest version of a
 * key comes first.  A lookup for "what is visible at seq" seeks
 * (key, seq, IKEY_KIND_SEEK).
 */
#ifndef ENGINE_TABLE_IKEY_H
#define ENGINE_TABLE_IKEY_H

#include "engine/base/buf.h"
#include "engine/base/err.h"
#include "engine/base/wire.h"

/* Written to disk: numbers never change their meaning. */
#define IKEY_KINDS(X) \
	X(DELETE, 0)  \
	X(PUT, 1)     \
	X(REF, 2)     \
	X(UNTIL, 4)   \
	X(REF_UNTIL, 5)

enum ikey_kind {
#define IKEY_KIND_ENUM(name, number) IKEY_KIND_##name = number,
	IKEY_KINDS(IKEY_KIND_ENUM)
#undef IKEY_KIND_ENUM
	/* In batches and logs only: key is the first of the range, value the
	 * end, not in it; of no bytes: none. */
	IKEY_KIND_RANGE = 3,
	IKEY_KIND_SEEK = 255, /* sorts before every stored kind */
};

#define IKEY_TRAILER 8
#define IKEY_SEQ_MAX ((UINT64_C(1) << 56) - 1)

struct ikey {
	struct bytes user;
	uint64_t seq;
	enum ikey_kind kind;
};

static inline uint64_t
ikey_pack(uint64_t seq, enum ikey_kind kind)
{
	return seq << 8 | (uint64_t)kind;
}

/* ERR_DAMAGED for a kind that is not stored. */
static inline int
ikey_unpack(uint64_t trailer, uint64_t *seq, enum ikey_kind *kind)
{
	switch (trailer & 0xff) {
#define IKEY_KIND_CASE(name, number) case number:
		IKEY_KINDS(IKEY_KIND_CASE)
#undef IKEY_KIND_CASE
		*kind = (enum ikey_kind)(trailer & 0xff);
		*seq = trailer >> 8;
		return 0;
	default:
		return ERR_DAMAGED;
	}
}

/* Requires encoded.size >= IKEY_TRAILER (checked where bytes enter). */
static inline struct bytes
ikey_user(struct bytes encoded)
{
	return bytes_of(encoded.data, encoded.size - IKEY_TRAILER);
}

static inline uint64_t
ikey_trailer(struct bytes encoded)
{
	return wire_get_le64(encoded.data + encoded.size - IKEY_TRAILER);
}

/* Order of two encoded keys of at least IKEY_TRAILER bytes each. */
static inline int
ikey_cmp(struct bytes a, struct bytes b)
{
	int c = bytes_cmp(ikey_user(a), ikey_user(b));
	uint64_t x, y;

	if (c != 0)
		return c;
	x = ikey_trailer(a);
	y = ikey_trailer(b);
	return (x < y) - (x > y);
}

int ikey_append(
    struct buf *b, struct bytes user, uint64_t seq, enum ikey_kind kind);

/* ERR_DAMAGED if too short or of an unknown kind. */
int ikey_decode(struct bytes encoded, struct ikey *out);

#endif
