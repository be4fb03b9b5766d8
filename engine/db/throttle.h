/*
 * throttle: writers are slowed before they would have to stop.
 *
 * Everything is measured in memtables.  What one write takes is a part of one;
 * flushes and compactions of level 0 give so many back a second, which is
 * measured.  While less than a bound waits (full memtables for their flush,
 * level 0 tables for their compaction) writers are free.  From there to the
 * point where they would have to wait (room.h) the rate falls from one and a
 * half times of what is given back to none, so that it settles in between.
 *
 * Who writes owes time for it, and sleeps when that has come to
 * THROTTLE_QUANTUM_US: delays are many and short.  They are slept after the
 * write, without any lock.
 */
#ifndef ENGINE_DB_THROTTLE_H
#define ENGINE_DB_THROTTLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct env;
struct lsm_options;
struct view;

#define THROTTLE_QUANTUM_US   500
#define THROTTLE_SLEEP_MAX_US 5000

struct throttle {
	/* constant */
	struct env *env; /* the clock */
	bool off;
	double memtables_max;
	double level0_free; /* tables up to which nobody is slowed */
	double level0_max;

	/* Set under state_lock; figures that guard nothing else: relaxed. */
	_Atomic uint32_t full;   /* memtables that wait */
	_Atomic uint32_t level0; /* tables */

	/* How long one takes, in us; 0: not known.  Relaxed, the same. */
	_Atomic uint64_t flush_us;   /* the flush's */
	_Atomic uint64_t level0_us;  /* compaction's */
	_Atomic uint64_t level0_end; /* when one ended last */

	/* write_lock: when what was written is paid, us */
	double due;
};

void throttle_init(
    struct throttle *t, struct env *env, const struct lsm_options *o);

/* Tables of level 0 at which writers have to wait. */
size_t throttle_level0_max(const struct throttle *t);

/* What there is now.  Caller holds db->state_lock. */
void throttle_look(struct throttle *t, size_t full, size_t level0);

/* A memtable of which so much (1: all) was used was flushed in so many us. */
void throttle_flushed(struct throttle *t, double used, uint64_t us);

/* A compaction that began at `begin` (env_now_us) took so many tables out of
 * level 0. */
void throttle_compacted(struct throttle *t, size_t tables, uint64_t begin);

/* Something was written: `used` of the active memtable (1: all) is used now,
 * `before` was before.  Returns for how many us the writer is to sleep.  Caller
 * holds db->write_lock. */
uint64_t throttle_charge(struct throttle *t, double before, double used);

#endif
