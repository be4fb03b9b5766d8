#include "engine/table/filter.h"

#include "engine/base/wire.h"

#define FILTER_LINE 64 /* bytes of a line: 512 bits */

/* The last byte: version in the high half, probes in the low. */
#define FILTER_VERSION    1
#define FILTER_PROBES_MAX 15

/* Beyond this a filter gets worse instead of larger. */
#define FILTER_LINES_MAX (UINT32_C(1) << 20)

/* The golden ratio: consecutive multiples have independent high bits. */
#define FILTER_STEP UINT32_C(0x9e3779b9)

void
filter_builder_init(struct filter_builder *b, unsigned bits_per_key)
{
	*b = (struct filter_builder){.bits_per_key = bits_per_key};
}

void
filter_builder_fini(struct filter_builder *b)
{
	buf_fini(&b->hashes);
}

int
filter_builder_add(struct filter_builder *b, uint64_t hash)
{
	if (b->bits_per_key == 0)
		return 0;
	if (b->hashes.size > 0 &&
	    wire_get_le64(b->hashes.data + b->hashes.size - 8) == hash)
		return 0;
	return buf_append_le64(&b->hashes, hash);
}

/*
 * Fewer than the 0.69 per bit of a plain bloom filter: lines are not filled
 * evenly (the table is RocksDB's, from simulation).
 */
static unsigned
filter_probes(unsigned bits_per_key)
{
	static const uint8_t probes[] = {
	    1, 1, 1, 2, 3, 3, 4, 5, 5, 6, 6, 7, 8, 8, 9, 9, 10};

	if (bits_per_key < sizeof(probes))
		return probes[bits_per_key];
	return bits_per_key < 24 ? 11 : 12;
}

static uint32_t
filter_lines(uint64_t keys, unsigned bits_per_key)
{
	uint64_t lines =
	    (keys * bits_per_key + FILTER_LINE * 8 - 1) / (FILTER_LINE * 8);

	return lines < FILTER_LINES_MAX ? (uint32_t)lines : FILTER_LINES_MAX;
}

/* Low half of the hash: the line, by multiplication instead of modulo. */
static inline size_t
filter_line(uint64_t hash, uint32_t lines)
{
	return (size_t)((hash & UINT32_MAX) * lines >> 32) * FILTER_LINE;
}

static void
filter_set(uint8_t *line, uint64_t hash, unsigned probes)
{
	uint32_t h = (uint32_t)(hash >> 32);

	for (; probes > 0; probes--, h *= FILTER_STEP) {
		uint32_t bit = h >> 23;

		line[bit / 8] = (uint8_t)(line[bit / 8] | 1 << bit % 8);
	}
}

/* As filter_set: high half of the hash, 9 bits a probe. */
static inline bool
filter_test(const uint8_t *line, uint64_t hash, unsigned probes)
{
	uint32_t h = (uint32_t)(hash >> 32);

	for (; probes > 0; probes--, h *= FILTER_STEP) {
		uint32_t bit = h >> 23;

		if (!(line[bit / 8] >> bit % 8 & 1))
			return false;
	}
	return true;
}

int
filter_builder_finish(struct filter_builder *b, struct buf *out)
{
	uint32_t lines = filter_lines(b->hashes.size / 8, b->bits_per_key);
	unsigned probes = filter_probes(b->bits_per_key);
	size_t size = (size_t)lines * FILTER_LINE;
	uint8_t *first;
	int err;

	if (lines == 0)
		return 0;
	err = buf_reserve(out, size + 1);
	if (err)
		return err;
	first = out->data + out->size;
	memset(first, 0, size);
	for (size_t i = 0; i < b->hashes.size; i += 8) {
		uint64_t hash = wire_get_le64(b->hashes.data + i);

		filter_set(first + filter_line(hash, lines), hash, probes);
	}
	first[size] = (uint8_t)(FILTER_VERSION << 4 | probes);
	out->size += size + 1;
	return 0;
}

void
filter_look_ahead(struct bytes filter, uint64_t hash)
{
	uint64_t lines = filter.size / FILTER_LINE;

	/* As below, but for what is not worth the time here: a wrong guess
	 * costs nothing. */
	if (lines > 0 && lines <= FILTER_LINES_MAX)
		__builtin_prefetch(
		    filter.data + filter_line(hash, (uint32_t)lines));
}

bool
filter_may_contain(struct bytes filter, uint64_t hash)
{
	uint64_t lines;
	uint8_t last;

	if (filter.size <= FILTER_LINE)
		return true;
	last = filter.data[filter.size - 1];
	lines = (filter.size - 1) / FILTER_LINE;
	if (last >> 4 != FILTER_VERSION || filter.size % FILTER_LINE != 1 ||
	    lines > FILTER_LINES_MAX)
		return true;
	return filter_test(filter.data + filter_line(hash, (uint32_t)lines),
	    hash, last & FILTER_PROBES_MAX);
}
