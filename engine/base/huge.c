#include "engine/base/huge.h"

#include <stdint.h>
#include <sys/mman.h>

void *
huge_map(size_t size)
{
	uint8_t *p;
	size_t before;

	if (size > SIZE_MAX - HUGE_BYTES)
		return NULL;
	p = mmap(NULL, size + HUGE_BYTES, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	before = -(uintptr_t)p % HUGE_BYTES;
	huge_unmap(p, before);
	p += before;
	huge_unmap(p + size, HUGE_BYTES - before);
	(void)madvise(p, size, MADV_HUGEPAGE);
	return p;
}

void
huge_unmap(void *p, size_t size)
{
	if (size > 0)
		(void)munmap(p, size);
}
