#include "engine/base/wire.h"

size_t
wire_put_varint_long(uint8_t *p, uint64_t v)
{
	size_t n = 0;

	for (; v >= 0x80; v >>= 7)
		p[n++] = (uint8_t)(v | 0x80);
	p[n++] = (uint8_t)v;
	return n;
}

size_t
wire_varint_size(uint64_t v)
{
	size_t n = 1;

	while (v >>= 7)
		n++;
	return n;
}

int
wire_in_varint_long(struct wire_in *in, uint64_t *v)
{
	const uint8_t *p = in->pos;
	uint64_t sum = 0;

	for (unsigned shift = 0; shift < 64 && p < in->end; shift += 7) {
		uint8_t b = *p++;

		/* The tenth byte has room for bit 63 alone. */
		if (shift == 63 && b > 1)
			return ERR_DAMAGED;
		sum |= (uint64_t)(b & 0x7f) << shift;
		if (b < 0x80) {
			in->pos = p;
			*v = sum;
			return 0;
		}
	}
	return ERR_DAMAGED;
}
