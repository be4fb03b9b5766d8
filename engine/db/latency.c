#include "engine/db/latency.h"

#include <time.h>

uint64_t
latency_begin(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec + 1;
}

uint64_t
latency_sample(enum latency_kind kind)
{
	static _Thread_local uint32_t calls[LATENCY_KINDS];
	uint32_t n = calls[kind]++;

	return n < LATENCY_FIRST || n % LATENCY_EVERY == 0 ? latency_begin()
							   : 0;
}

void
latency_end(struct histogram *h, uint64_t begin)
{
	if (begin)
		histogram_add(h, latency_begin() - begin);
}
