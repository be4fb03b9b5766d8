/*
 * buf: a byte buffer that grows.
 *
 * Use: struct buf b = {0}; buf_append(&b, p, n); ... buf_fini(&b).  A zeroed
 * struct is an empty buffer.  buf_clear keeps the memory for reuse.
 * Owns: its memory.  Threads: one at a time.
 * Errors: -ENOMEM leaves the buffer as it was; sizes are checked in 64 bits.
 */
#ifndef ENGINE_BASE_BUF_H
#define ENGINE_BASE_BUF_H

#include <errno.h>

#include "engine/base/bytes.h"

struct buf {
	uint8_t *data;
	size_t size;
	size_t cap;
};

void buf_fini(struct buf *b);

static inline void
buf_clear(struct buf *b)
{
	b->size = 0;
}

/* As buf_reserve, when there is not room for so many. */
int buf_grow(struct buf *b, size_t more);

/* Makes room for `more` bytes behind the present ones; size is unchanged. */
static inline int
buf_reserve(struct buf *b, size_t more)
{
	return more <= b->cap - b->size ? 0 : buf_grow(b, more);
}

int buf_append(struct buf *b, const void *data, size_t size);
int buf_append_bytes(struct buf *b, struct bytes s);
int buf_append_u8(struct buf *b, uint8_t v);
int buf_append_le32(struct buf *b, uint32_t v);
int buf_append_le64(struct buf *b, uint64_t v);
int buf_append_be64(struct buf *b, uint64_t v);
int buf_append_varint(struct buf *b, uint64_t v);

/* varint length, then the bytes. */
int buf_append_sized(struct buf *b, struct bytes s);

/* Appends printf-formatted text, without a NUL. */
int buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Sets the content to a copy of s. */
static inline int
buf_assign(struct buf *b, struct bytes s)
{
	int err = s.size <= b->cap ? 0 : buf_reserve(b, s.size - b->size);

	if (err)
		return err;
	/* s may be a part of b: then it fits, and nothing was moved above. */
	if (s.size)
		memmove(b->data, s.data, s.size);
	b->size = s.size;
	return 0;
}

static inline struct bytes
buf_bytes(const struct buf *b)
{
	return bytes_of(b->data, b->size);
}

#endif
