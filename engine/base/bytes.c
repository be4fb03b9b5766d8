#include "engine/base/bytes.h"

#include "engine/base/wire.h"

size_t
bytes_common(struct bytes a, struct bytes b)
{
	size_t n = a.size < b.size ? a.size : b.size;
	size_t i = 0;

	/* Little-endian: the first differing byte holds the lowest set bit. */
	for (; n - i >= 8; i += 8) {
		uint64_t diff =
		    wire_get_le64(a.data + i) ^ wire_get_le64(b.data + i);

		if (diff)
			return i + (size_t)__builtin_ctzll(diff) / 8;
	}
	while (i < n && a.data[i] == b.data[i])
		i++;
	return i;
}
