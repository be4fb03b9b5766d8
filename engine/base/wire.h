/*
 * wire: integers as bytes, and a cursor over bytes that are not trusted.
 *
 * Varints are LEB128 of 64 bits, at most 10 bytes.  wire_put_* write to memory
 * that the caller made large enough.  struct wire_in reads front to back: a
 * read past the end or a varint of more than 64 bits returns ERR_DAMAGED and
 * leaves the cursor and the output untouched.
 */
#ifndef ENGINE_BASE_WIRE_H
#define ENGINE_BASE_WIRE_H

#include "engine/base/bytes.h"
#include "engine/base/err.h"

#define WIRE_VARINT_MAX 10

static inline void
wire_put_le32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)(v >> 16);
	p[3] = (uint8_t)(v >> 24);
}

static inline uint32_t
wire_get_le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static inline void
wire_put_le64(uint8_t *p, uint64_t v)
{
	wire_put_le32(p, (uint32_t)v);
	wire_put_le32(p + 4, (uint32_t)(v >> 32));
}

static inline uint64_t
wire_get_le64(const uint8_t *p)
{
	return wire_get_le32(p) | (uint64_t)wire_get_le32(p + 4) << 32;
}

static inline void
wire_put_be64(uint8_t *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (56 - 8 * i));
}

static inline uint64_t
wire_get_be64(const uint8_t *p)
{
	/* Written out: compilers make one load of this, not of a loop. */
	return (uint64_t)p[0] << 56 | (uint64_t)p[1] << 48 |
	       (uint64_t)p[2] << 40 | (uint64_t)p[3] << 32 |
	       (uint64_t)p[4] << 24 | (uint64_t)p[5] << 16 |
	       (uint64_t)p[6] << 8 | (uint64_t)p[7];
}

/* The ways out of the fast path: more than one byte, or damage. */
size_t wire_put_varint_long(uint8_t *p, uint64_t v);

/* Writes 1 to WIRE_VARINT_MAX bytes at p and returns how many. */
static inline size_t
wire_put_varint(uint8_t *p, uint64_t v)
{
	if (v >= 0x80)
		return wire_put_varint_long(p, v);
	p[0] = (uint8_t)v;
	return 1;
}

/* Bytes that wire_put_varint would write. */
size_t wire_varint_size(uint64_t v);

struct wire_in {
	const uint8_t *pos;
	const uint8_t *end;
};

static inline struct wire_in
wire_in_of(struct bytes s)
{
	/* NULL + 0 is undefined in C. */
	return (struct wire_in){s.data, s.size ? s.data + s.size : s.data};
}

static inline size_t
wire_in_left(const struct wire_in *in)
{
	return (size_t)(in->end - in->pos);
}

static inline int
wire_in_u8(struct wire_in *in, uint8_t *v)
{
	if (in->pos == in->end)
		return ERR_DAMAGED;
	*v = *in->pos++;
	return 0;
}

static inline int
wire_in_le32(struct wire_in *in, uint32_t *v)
{
	if (wire_in_left(in) < 4)
		return ERR_DAMAGED;
	*v = wire_get_le32(in->pos);
	in->pos += 4;
	return 0;
}

static inline int
wire_in_le64(struct wire_in *in, uint64_t *v)
{
	if (wire_in_left(in) < 8)
		return ERR_DAMAGED;
	*v = wire_get_le64(in->pos);
	in->pos += 8;
	return 0;
}

static inline int
wire_in_be64(struct wire_in *in, uint64_t *v)
{
	if (wire_in_left(in) < 8)
		return ERR_DAMAGED;
	*v = wire_get_be64(in->pos);
	in->pos += 8;
	return 0;
}

int wire_in_varint_long(struct wire_in *in, uint64_t *v);

/* Reads also what wire_put_varint would have written shorter. */
static inline int
wire_in_varint(struct wire_in *in, uint64_t *v)
{
	if (in->pos == in->end || *in->pos >= 0x80)
		return wire_in_varint_long(in, v);
	*v = *in->pos++;
	return 0;
}

/* The next `size` bytes, as a view into the input. */
static inline int
wire_in_bytes(struct wire_in *in, uint64_t size, struct bytes *out)
{
	if (size > wire_in_left(in))
		return ERR_DAMAGED;
	*out = bytes_of(in->pos, (size_t)size);
	if (size)
		in->pos += size;
	return 0;
}

/* varint length, then that many bytes, as a view into the input. */
static inline int
wire_in_sized(struct wire_in *in, struct bytes *out)
{
	struct wire_in rest = *in;
	uint64_t size;
	int err = wire_in_varint(&rest, &size);

	if (err == 0)
		err = wire_in_bytes(&rest, size, out);
	if (err == 0)
		*in = rest;
	return err;
}

/* A field of a list of them: varint tag, sized content.  Tags ascend: *tag is
 * that of the field before, 0 at first, and becomes this one's. */
static inline int
wire_in_field(struct wire_in *in, uint64_t *tag, struct bytes *content)
{
	struct wire_in rest = *in;
	uint64_t next;
	int err = wire_in_varint(&rest, &next);

	if (err == 0 && next <= *tag)
		err = ERR_DAMAGED;
	if (err == 0)
		err = wire_in_sized(&rest, content);
	if (err)
		return err;
	*in = rest;
	*tag = next;
	return 0;
}

#endif
