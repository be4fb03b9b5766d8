/*
 * A store that takes time for everything, on a clock of its own: writers fill
 * memtables, a flush empties one after the other, a compaction takes all that
 * is in level 0 when it begins.
 */
#include "engine/db/throttle.h"

#include <stdio.h>

#include "engine/lsm.h"
#include "engine/os/env.h"
#include "tests/check.h"

#define WRITE      1e-4 /* of a memtable */
#define TIMER_LATE 60   /* how late sleepers wake, us */

struct clock {
	struct env env;
	uint64_t now;
};

static uint64_t
clock_now(struct env *env)
{
	return ((struct clock *)(void *)env)->now;
}

static const struct env_ops clock_ops = {.now_us = clock_now};

/* Times in us. */
struct speed {
	uint64_t write;   /* of a memtable */
	uint64_t flush;   /* of one */
	uint64_t compact; /* of any number of tables, and for each: */
	uint64_t compact_each;
};

struct sim {
	struct clock clock;
	struct lsm_options options;
	struct throttle throttle;
	struct speed speed;
	double used;
	size_t full, level0, compacting;
	uint64_t flush_end;   /* UINT64_MAX: none runs */
	uint64_t compact_end; /* the same */
	uint64_t compact_begin;
	uint64_t memtables; /* written */
	uint64_t stops, sleep_max;
	size_t full_max, level0_max;
};

static void
sim_init(struct sim *s, const struct speed *speed)
{
	*s = (struct sim){
	    .clock = {.env = {.ops = &clock_ops}, .now = 1000000},
	    .options = {.memtables_max = 2, .level0_tables = 4},
	    .speed = *speed,
	    .flush_end = UINT64_MAX,
	    .compact_end = UINT64_MAX,
	};
	throttle_init(&s->throttle, &s->clock.env, &s->options);
}

static void
begin_jobs(struct sim *s)
{
	const struct speed *p = &s->speed;

	if (s->flush_end == UINT64_MAX && s->full > 0)
		s->flush_end = s->clock.now + p->flush;
	if (s->compact_end == UINT64_MAX &&
	    s->level0 >= s->options.level0_tables) {
		s->compacting = s->level0;
		s->compact_begin = s->clock.now;
		s->compact_end =
		    s->clock.now + p->compact + s->compacting * p->compact_each;
	}
	throttle_look(&s->throttle, s->full, s->level0);
}

/* What is over by now. */
static void
end_jobs(struct sim *s)
{
	if (s->flush_end <= s->clock.now) {
		s->full--;
		s->level0++;
		s->flush_end = UINT64_MAX;
		throttle_flushed(&s->throttle, 1, s->speed.flush);
	}
	if (s->compact_end <= s->clock.now) {
		s->level0 -= s->compacting;
		s->compact_end = UINT64_MAX;
		throttle_compacted(
		    &s->throttle, s->compacting, s->compact_begin);
	}
	begin_jobs(s);
	if (s->level0 > s->level0_max)
		s->level0_max = s->level0;
	if (s->full > s->full_max)
		s->full_max = s->full;
}

static void
make_room(struct sim *s)
{
	bool stopped = false;

	while (s->full >= s->options.memtables_max ||
	       s->level0 >= throttle_level0_max(&s->throttle)) {
		stopped = true;
		s->clock.now = s->flush_end < s->compact_end ? s->flush_end
							     : s->compact_end;
		end_jobs(s);
	}
	s->stops += stopped;
	s->used = 0;
	s->full++;
	s->memtables++;
	begin_jobs(s);
}

static void
write_one(struct sim *s)
{
	uint64_t sleep;

	if (s->used >= 1)
		make_room(s);
	s->used += WRITE;
	s->clock.now += (uint64_t)((double)s->speed.write * WRITE);
	sleep = throttle_charge(&s->throttle, s->used - WRITE, s->used);
	if (sleep > s->sleep_max)
		s->sleep_max = sleep;
	if (sleep > 0)
		s->clock.now += sleep + TIMER_LATE;
	end_jobs(s);
}

/* Until so many seconds are over; returns memtables a second. */
static double
sim_run(struct sim *s, uint64_t seconds)
{
	uint64_t begin = s->clock.now, before = s->memtables;

	s->stops = s->sleep_max = 0;
	s->full_max = s->level0_max = 0;
	while (s->clock.now < begin + seconds * 1000000)
		write_one(s);
	return (double)(s->memtables - before) / (double)seconds;
}

static const struct {
	const char *name;
	struct speed speed;
	double rate; /* what it can sustain */
} cases[] = {
    {"everything is fast enough", {250000, 100000, 500000, 50000}, 4},
    {"the flush is slower", {100000, 150000, 100000, 10000}, 6.6},
    {"the flush is far slower", {100000, 1000000, 100000, 10000}, 1},
    {"compaction is slower", {250000, 100000, 500000, 400000}, 2.4},
    {"compaction is far slower", {100000, 50000, 1000000, 2000000}, 0.49},
    {"compaction is slow to begin", {100000, 50000, 3000000, 200000}, 2.7},
    {"both are slower", {50000, 200000, 1000000, 250000}, 3.6},
};

static void
throttle__writers_settle_at_what_can_be_sustained(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sim s;
		double rate;

		sim_init(&s, &cases[i].speed);
		sim_run(&s, 60);
		rate = sim_run(&s, 300);
		printf("%s: %.2f a second, sleeps to %u us, level 0 to %zu\n",
		    cases[i].name, rate, (unsigned)s.sleep_max, s.level0_max);
		check_eq(s.stops, 0);
		check_true(rate >= cases[i].rate * 0.85);
		check_true(rate <= cases[i].rate * 1.1);
		check_le(s.sleep_max, THROTTLE_SLEEP_MAX_US);
	}
}

static void
throttle__who_is_not_behind_is_not_slowed(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, &cases[0].speed);
	sim_run(&s, 100);
	check_eq(s.sleep_max, 0);
	check_eq(s.stops, 0);
}

/* From fast to slow and back, while it runs. */
static void
throttle__follows_when_speeds_change(void **state)
{
	struct sim s;
	double rate;

	(void)state;
	sim_init(&s, &cases[0].speed);
	sim_run(&s, 20);
	s.speed.compact_each = 1000000;
	sim_run(&s, 60);
	rate = sim_run(&s, 100);
	check_eq(s.stops, 0);
	check_true(rate >= 0.8 && rate <= 1.1);
	s.speed.compact_each = 50000;
	sim_run(&s, 60);
	rate = sim_run(&s, 100);
	check_eq(s.sleep_max, 0);
	check_true(rate >= 3.9);
}

static void
throttle__nobody_is_slowed_without_threads(void **state)
{
	struct lsm_options o = {
	    .memtables_max = 2, .level0_tables = 4, .no_background = true};
	struct clock c = {.env = {.ops = &clock_ops}};
	struct throttle t;

	(void)state;
	throttle_init(&t, &c.env, &o);
	throttle_flushed(&t, 1, 1000000);
	throttle_look(&t, 2, 35);
	check_eq(throttle_charge(&t, 0, 1), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(throttle__writers_settle_at_what_can_be_sustained),
	    cmocka_unit_test(throttle__who_is_not_behind_is_not_slowed),
	    cmocka_unit_test(throttle__follows_when_speeds_change),
	    cmocka_unit_test(throttle__nobody_is_slowed_without_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
