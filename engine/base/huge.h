/*
 * huge: memory of the kernel in huge pages, where it gives them.
 *
 * What is looked at here and there in many megabytes waits less for the
 * translation of addresses.  Without huge pages it is memory all the same.  It
 * is taken as it is used, and comes cleared.
 * Threads: any.  Errors: NULL: no memory.
 */
#ifndef ENGINE_BASE_HUGE_H
#define ENGINE_BASE_HUGE_H

#include <stddef.h>

/* A huge page of most processors. */
#define HUGE_BYTES (2u << 20)

/* size is a multiple of HUGE_BYTES, and what is returned is aligned to it. */
void *huge_map(size_t size);

/* Any part that was mapped, in whole pages.  What the kernel does not take back
 * stays: there is nothing else to be done. */
void huge_unmap(void *p, size_t size);

#endif
