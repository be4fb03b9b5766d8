/*
 * eventcount: waiting for something to change that is looked at without a lock.
 *
 * A condition variable gives each thread that it wakes the mutex again, one
 * after the other; here they find out by themselves that they are done.
 * Use: who waits takes the count (eventcount_now), looks at what it waits for,
 * and if it is not there yet waits for another count; who changes that notifies
 * afterwards.  Taken before the look, the count has changed if the look was too
 * early, and the wait returns at once: nothing is missed.
 * The wait and the notification of a thread that was waiting: futex(2).
 * Threads: any.  Errors: none; waits may end early, as those of a condition.
 */
#ifndef ENGINE_BASE_EVENTCOUNT_H
#define ENGINE_BASE_EVENTCOUNT_H

#include <stdatomic.h>
#include <stdint.h>

/* Zero: ready for use. */
struct eventcount {
	_Atomic uint32_t count;   /* of notifications, modulo 2^32 */
	_Atomic uint32_t waiting; /* threads that sleep, or are about to */
};

#define EVENTCOUNT_FOREVER UINT64_MAX

static inline uint32_t
eventcount_now(const struct eventcount *e)
{
	/* Acquire: what is looked at next is looked at after it. */
	return atomic_load_explicit(&e->count, memory_order_acquire);
}

/* Until there is another count than this, or so many microseconds passed. */
void eventcount_wait(struct eventcount *e, uint32_t count, uint64_t timeout_us);

/* Wakes all who wait. */
void eventcount_notify(struct eventcount *e);

#endif
