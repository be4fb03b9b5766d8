#include "engine/db/memfilter.h"

/* Bytes of entries for one of the filter. */
#define MEMFILTER_PART 64

/* A smaller memtable is searched about as fast. */
#define MEMFILTER_MEMTABLE_MIN (4u << 10)

/* So that a word's index stays below 2^32. */
#define MEMFILTER_BYTES_MAX (UINT32_C(1) << 30)

size_t
memfilter_bytes(size_t memtable_bytes)
{
	size_t bytes = memtable_bytes / MEMFILTER_PART;

	if (memtable_bytes < MEMFILTER_MEMTABLE_MIN)
		return 0;
	if (bytes > MEMFILTER_BYTES_MAX)
		bytes = MEMFILTER_BYTES_MAX;
	return bytes - bytes % sizeof(uint64_t);
}

void
memfilter_init(struct memfilter *f, void *memory, size_t bytes)
{
	f->words = memory;
	f->count = (uint32_t)(bytes / sizeof(uint64_t));
	atomic_init(&f->used, false);
	for (uint32_t i = 0; i < f->count; i++)
		atomic_init(&f->words[i], 0);
}
