#include "tests/support/sweep.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/site.h"

/* More than two in three workloads do everything. */
#define TRIES_MAX 40

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

/* Places first to last, of so many. */
static void
sweep_each(const struct sweep *s, uint64_t places, uint64_t first,
    uint64_t last, uint64_t seed)
{
	if (last > places)
		last = places;
	printf("%s: %" PRIu64 " places, runs for %" PRIu64 " to %" PRIu64 "\n",
	    s->name, places, first, last);
	fflush(stdout);
	for (uint64_t n = first; n <= last; n++)
		sweep_one(s, n, seed);
}

/* text: one place, or as "100-199", or "100-" for all from there on. */
static void
sweep_these(
    const struct sweep *s, uint64_t places, const char *text, uint64_t seed)
{
	char *end;
	uint64_t first = strtoull(text, &end, 0), last = first;

	if (*end == '-')
		last = end[1] ? strtoull(end + 1, NULL, 0) : UINT64_MAX;
	sweep_each(s, places, first, last, seed);
}

/* Some of the places: as many as there is time for. */
static void
sweep_some(const struct sweep *s, uint64_t places, uint64_t seed)
{
	struct check_rand r = check_rand_of(seed);
	const uint64_t *at;
	size_t count = site_pick(&at), left = s->runs;

	if (count == 0) {
		/* Nobody has told them apart. */
		sweep_each(s, places, 1, UINT64_MAX, seed);
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

/* The run without a fault: how many places it has. */
static uint64_t
sweep_count(const struct sweep *s, uint64_t seed)
{
	uint64_t places;

	site_begin(s->callers, seed);
	places = sweep_one(s, 0, seed);
	site_begin(0, 0);
	return places;
}

uint64_t
sweep_all(const struct sweep *s)
{
	const char *only = getenv("NTH");
	uint64_t seed = check_seed();
	uint64_t places = sweep_count(s, seed);

	/* The workload of a seed that is given is taken as it is. */
	for (unsigned i = 0; !workload_did_all(&sweep_workload); i++) {
		if (getenv("SEED"))
			break;
		check_le(i, TRIES_MAX);
		places = sweep_count(s, ++seed);
	}
	printf("SEED=%" PRIu64 ": ", seed);
	workload_tell_done(&sweep_workload);
	if (only)
		sweep_these(s, places, only, seed);
	else if (check_long())
		sweep_each(s, places, 1, places, seed);
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
