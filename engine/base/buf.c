#include "engine/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/must.h"
#include "engine/base/wire.h"

#define BUF_CAP_MIN 64

void
buf_fini(struct buf *b)
{
	free(b->data);
	*b = (struct buf){0};
}

/* Doubling keeps the cost of appending constant on average. */
int
buf_grow(struct buf *b, size_t more)
{
	size_t cap = b->cap < BUF_CAP_MIN ? BUF_CAP_MIN : b->cap, need;
	uint8_t *data;

	if (more > PTRDIFF_MAX - b->size)
		return -ENOMEM;
	need = b->size + more;
	while (cap < need)
		cap = cap > PTRDIFF_MAX / 2 ? PTRDIFF_MAX : cap * 2;
	data = realloc(b->data, cap);
	if (!data)
		return -ENOMEM;
	b->data = data;
	b->cap = cap;
	return 0;
}

int
buf_append(struct buf *b, const void *data, size_t size)
{
	int err = buf_reserve(b, size);

	if (err || size == 0)
		return err;
	memcpy(b->data + b->size, data, size);
	b->size += size;
	return 0;
}

int
buf_append_bytes(struct buf *b, struct bytes s)
{
	return buf_append(b, s.data, s.size);
}

int
buf_append_u8(struct buf *b, uint8_t v)
{
	return buf_append(b, &v, 1);
}

int
buf_append_le32(struct buf *b, uint32_t v)
{
	uint8_t p[4];

	wire_put_le32(p, v);
	return buf_append(b, p, sizeof(p));
}

int
buf_append_le64(struct buf *b, uint64_t v)
{
	uint8_t p[8];

	wire_put_le64(p, v);
	return buf_append(b, p, sizeof(p));
}

int
buf_append_be64(struct buf *b, uint64_t v)
{
	uint8_t p[8];

	wire_put_be64(p, v);
	return buf_append(b, p, sizeof(p));
}

int
buf_append_varint(struct buf *b, uint64_t v)
{
	uint8_t p[WIRE_VARINT_MAX];

	return buf_append(b, p, wire_put_varint(p, v));
}

int
buf_append_sized(struct buf *b, struct bytes s)
{
	int err;

	if (s.size > PTRDIFF_MAX - WIRE_VARINT_MAX)
		return -ENOMEM;
	/* Reserved together, so that failing leaves no length behind. */
	err = buf_reserve(b, s.size + WIRE_VARINT_MAX);
	if (err)
		return err;
	b->size += wire_put_varint(b->data + b->size, s.size);
	return buf_append_bytes(b, s);
}

int
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n, err;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	err = n < 0 ? -EOVERFLOW : buf_reserve(b, (size_t)n + 1);
	if (err == 0) {
		char *text = (char *)b->data + b->size;

		must(vsnprintf(text, (size_t)n + 1, fmt, again) == n);
		b->size += (size_t)n;
	}
	va_end(again);
	return err;
}
