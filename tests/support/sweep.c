#include "tests/support/sweep.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* The run in progress, for the teardown after one that failed. */
static struct workload sweep_workload;
static const char *sweep_now;
static uint64_t sweep_nth;

static uint64_t
sweep_one(const struct sweep *s, uint64_t n, uint64_t seed)
{
	uint64_t places;

	sweep_now = s->name;
	sweep_nth = n;
	places = s->run(&sweep_workload, n, seed);
	sweep_now = NULL;
	return places;
}

static uint64_t
sweep_stride(const struct sweep *s, uint64_t places)
{
	if (check_long() || places <= s->samples)
		return 1;
	return places / s->samples;
}

uint64_t
sweep_all(const struct sweep *s)
{
	const char *only = getenv("NTH");
	uint64_t seed = check_seed();
	struct check_rand r = check_rand_of(seed);
	uint64_t places = sweep_one(s, 0, seed);
	uint64_t stride = sweep_stride(s, places);
	uint64_t n = 1 + check_rand_below(&r, stride);

	if (only) {
		sweep_one(s, strtoull(only, NULL, 0), seed);
		return places;
	}
	printf("%s: %" PRIu64 " places, each %" PRIu64 ". from %" PRIu64 "\n",
	    s->name, places, stride, n);
	fflush(stdout);
	for (; n <= places; n += stride)
		sweep_one(s, n, seed);
	return places;
}

int
sweep_teardown(void **state)
{
	(void)state;
	if (!sweep_now)
		return 0;
	printf("%s: NTH=%" PRIu64 " ", sweep_now, sweep_nth);
	workload_tell(&sweep_workload);
	sweep_now = NULL;
	return 0;
}
