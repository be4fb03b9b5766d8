#include "engine/db/throttle.h"

#include "engine/lsm.h"
#include "engine/os/env.h"

/* Tables of level 0, as multiples of those at which their compaction begins:
 * from where on writers are slowed, and where they wait. */
#define LEVEL0_FREE 5
#define LEVEL0_MAX  9

/* What is left of the rate at least, so that an estimate that is wrong does
 * not keep writers from showing that it is. */
#define RATE_MIN (1.0 / 16)

/* Time that nobody used may be caught up with, up to this much. */
#define SLACK_US 2000

static uint64_t
load_us(const _Atomic uint64_t *v)
{
	return atomic_load_explicit(v, memory_order_relaxed);
}

static uint32_t
load_count(const _Atomic uint32_t *v)
{
	return atomic_load_explicit(v, memory_order_relaxed);
}

/* The average of the last few.  Two at once may lose one of them. */
static void
learn(_Atomic uint64_t *v, uint64_t us)
{
	uint64_t old = load_us(v);

	if (us == 0)
		us = 1;
	atomic_store_explicit(
	    v, old ? (old + us + 1) / 2 : us, memory_order_relaxed);
}

void
throttle_init(struct throttle *t, struct env *env, const struct lsm_options *o)
{
	*t = (struct throttle){
	    .env = env,
	    .off = o->no_background,
	    .memtables_max = o->memtables_max,
	    .level0_free = (double)o->level0_tables * LEVEL0_FREE,
	    .level0_max = (double)o->level0_tables * LEVEL0_MAX,
	};
}

size_t
throttle_level0_max(const struct throttle *t)
{
	return (size_t)t->level0_max;
}

void
throttle_look(struct throttle *t, size_t full, size_t level0)
{
	atomic_store_explicit(&t->full, (uint32_t)full, memory_order_relaxed);
	atomic_store_explicit(
	    &t->level0, (uint32_t)level0, memory_order_relaxed);
}

void
throttle_flushed(struct throttle *t, double used, uint64_t us)
{
	/* A small one says little of how long a large one takes. */
	if (used >= 0.5)
		learn(&t->flush_us, (uint64_t)((double)us / used));
}

void
throttle_compacted(struct throttle *t, size_t tables, uint64_t begin)
{
	uint64_t now = env_now_us(t->env), took = now - begin;
	uint64_t end =
	    atomic_exchange_explicit(&t->level0_end, now, memory_order_relaxed);

	if (tables == 0)
		return;
	/* Others may have had to come first; but if it was long ago then
	 * nothing was to do. */
	if (end > 0 && now - end > took)
		took = now - end < 2 * took ? now - end : 2 * took;
	learn(&t->level0_us, took / tables);
}

/* What part of `rate` there is when x of the way from free to full is gone. */
static double
slowed(double x, double rate)
{
	double part = x < 0.5 ? 1.5 - x : 2 * (1 - x);

	return rate * (part > RATE_MIN ? part : RATE_MIN);
}

/* Memtables a us by what takes `us` for one, of which `waiting` wait. */
static double
rate_by(double waiting, double free, double max, uint64_t us)
{
	if (waiting <= free || us == 0)
		return 1;
	return slowed((waiting - free) / (max - free), 1 / (double)us);
}

/* Memtables a us; 1: no limit. */
static double
rate_now(const struct throttle *t, double used)
{
	double full = load_count(&t->full) + used;
	double level0 = load_count(&t->level0) + full;
	double a = rate_by(full, t->memtables_max, t->memtables_max + 1,
	    load_us(&t->flush_us));
	double b = rate_by(
	    level0, t->level0_free, t->level0_max, load_us(&t->level0_us));

	return a < b ? a : b;
}

uint64_t
throttle_charge(struct throttle *t, double before, double used)
{
	double rate, now, wait;

	if (t->off)
		return 0;
	rate = rate_now(t, used);
	if (rate >= 1)
		return 0;
	now = (double)env_now_us(t->env);
	if (t->due < now - SLACK_US)
		t->due = now - SLACK_US;
	if (used > before)
		t->due += (used - before) / rate;
	wait = t->due - now;
	if (wait < THROTTLE_QUANTUM_US)
		return 0;
	return wait < THROTTLE_SLEEP_MAX_US ? (uint64_t)wait
					    : THROTTLE_SLEEP_MAX_US;
}
