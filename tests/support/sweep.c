#include "tests/support/sweep.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/site.h"

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

static void
sweep_each(const struct sweep *s, uint64_t places, uint64_t seed)
{
	printf("%s: %" PRIu64 " places\n", s->name, places);
	fflush(stdout);
	for (uint64_t n = 1; n <= places; n++)
		sweep_one(s, n, seed);
}

/* Some of the places: as many as there is time for. */
static void
sweep_some(const struct sweep *s, uint64_t places, uint64_t seed)
{
	struct check_rand r = check_rand_of(seed);
	const uint64_t *at;
	size_t count = site_pick(&at), left = s->runs;

	if (count == 0) {
		sweep_each(s, places, seed); /* nobody has told them apart */
		return;
	}

	printf("%s: %" PRIu64 " places, %zu in the code, %u runs\n", s->name,
	    places, count, (unsigned)(count < left ? count : left));
	fflush(stdout);
	for (size_t i = 0; i < count; i++) {
		/* Each set of so many is as likely as the other. */
		if (check_rand_below(&r, count - i) >= left)
			continue;
		sweep_one(s, at[i], seed);
		left--;
	}
}

uint64_t
sweep_all(const struct sweep *s)
{
	const char *only = getenv("NTH");
	uint64_t seed = check_seed();
	uint64_t places;

	site_begin(s->callers, seed);
	places = sweep_one(s, 0, seed);
	site_begin(0, 0);
	if (only)
		sweep_one(s, strtoull(only, NULL, 0), seed);
	else if (check_long())
		sweep_each(s, places, seed);
	else
		sweep_some(s, places, seed);
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
