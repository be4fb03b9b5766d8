/*
 * zalloc: small zeroed memory that comes and goes often.
 *
 * As calloc(1, size); free it with free.  glibc's malloc and free have a cache
 * for each thread; calloc (of 2.36) does not take from it, which costs
 * iterators that live for one seek a tenth of their time.
 */
#ifndef ENGINE_BASE_ZALLOC_H
#define ENGINE_BASE_ZALLOC_H

#include <stdlib.h>
#include <string.h>

static inline void *
zalloc(size_t size)
{
	void *p = malloc(size);

	/* Hides where p is from: else compilers make calloc of the two. */
	__asm__("" : "+r"(p));
	return p ? memset(p, 0, size) : NULL;
}

#endif
