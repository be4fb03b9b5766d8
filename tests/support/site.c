#include "tests/support/site.h"

#include <pthread.h>
#include <stdlib.h>

#define SITES_MAX 4096 /* places that differ; a power of 2 */

/* A place, and one of its events. */
struct site {
	uint64_t place; /* 0: none */
	uint64_t event;
	uint64_t events;
};

static pthread_mutex_t site_lock = PTHREAD_MUTEX_INITIALIZER;
static struct site site_table[SITES_MAX];
static uint64_t site_events[SITES_MAX];
static unsigned site_callers;
static struct check_rand site_rand;

void
site_begin(unsigned callers, uint64_t seed)
{
	pthread_mutex_lock(&site_lock);
	if (callers > 0)
		memset(site_table, 0, sizeof(site_table));
	site_callers = callers;
	site_rand = check_rand_of(seed);
	pthread_mutex_unlock(&site_lock);
}

/* The frame above, if this is one at all. */
static void *const *
frame_above(void *const *frame)
{
	void *const *above = frame[0];
	uintptr_t up = (uintptr_t)above - (uintptr_t)frame;

	return above > frame && up < (64u << 10) && up % sizeof(void *) == 0
		   ? above
		   : NULL;
}

/* A number for the callers of this function's caller. */
static __attribute__((noinline, no_sanitize("address", "thread"))) uint64_t
place_of(unsigned callers)
{
	void *const *frame = __builtin_frame_address(0);
	uint64_t place = 1;

	for (unsigned i = 0; frame && i < callers; i++) {
		struct check_rand r =
		    check_rand_of(place ^ (uintptr_t)frame[1]);

		place = check_rand(&r) | 1;
		frame = frame_above(frame);
	}
	return place;
}

static struct site *
site_find(uint64_t place)
{
	size_t at = place / 2 % SITES_MAX, tries = 0;

	while (site_table[at].place != 0 && site_table[at].place != place) {
		check_true(++tries < SITES_MAX);
		at = (at + 1) % SITES_MAX;
	}
	return &site_table[at];
}

void
site_note(uint64_t n)
{
	struct site *s;
	uint64_t place;

	pthread_mutex_lock(&site_lock);
	if (site_callers > 0) {
		/* And the two functions between. */
		place = place_of(site_callers + 2);
		s = site_find(place);
		s->place = place;
		/* Each of its events is as likely as the other. */
		if (check_rand_below(&site_rand, ++s->events) == 0)
			s->event = n;
	}
	pthread_mutex_unlock(&site_lock);
}

static int
event_cmp(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

size_t
site_pick(const uint64_t **events)
{
	size_t count = 0;

	pthread_mutex_lock(&site_lock);
	for (size_t i = 0; i < SITES_MAX; i++)
		if (site_table[i].place != 0)
			site_events[count++] = site_table[i].event;
	pthread_mutex_unlock(&site_lock);
	qsort(site_events, count, sizeof(*site_events), event_cmp);
	*events = site_events;
	return count;
}
