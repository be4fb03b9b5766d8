#include "engine/base/lock.h"

#include <errno.h>
#include <stdatomic.h>
#include <time.h>

#include "engine/base/must.h"

/*
 * Ranks are multiples of 5 below 160, so the ranks a thread holds fit in the
 * bits of one word: the check of lock_acquire is a thread-local load, a shift
 * and a compare, cheap enough for release builds.  counts is for nested locks
 * of one rank, which may be released in any order.
 */
#define LOCK_RANK_STEP 5
#define LOCK_SLOTS     32

struct lock_held {
	uint32_t bits;
	uint32_t counts[LOCK_SLOTS];
};

/* Its address is also the thread's mark in lock.owner. */
static _Thread_local struct lock_held lock_held;

static unsigned
lock_slot(enum lock_rank rank)
{
	return (unsigned)rank / LOCK_RANK_STEP;
}

static uintptr_t
lock_mark(void)
{
	return (uintptr_t)&lock_held;
}

/*
 * Relaxed is enough for owner: a thread finds its own mark only if it wrote
 * it itself, later than anything else it could see there, and it takes it
 * away before it lets go of the mutex.
 */
static void
lock_set_owner(struct lock *l, uintptr_t mark)
{
	atomic_store_explicit(&l->owner, mark, memory_order_relaxed);
}

void
lock_init(struct lock *l, enum lock_rank rank)
{
	must(rank > 0 && rank % LOCK_RANK_STEP == 0 &&
	     rank / LOCK_RANK_STEP < LOCK_SLOTS);
	must(pthread_mutex_init(&l->mutex, NULL) == 0);
	l->rank = rank;
	atomic_init(&l->owner, 0);
}

void
lock_fini(struct lock *l)
{
	must(pthread_mutex_destroy(&l->mutex) == 0);
}

static void
lock_rank_count(unsigned slot)
{
	lock_held.bits |= 1u << slot;
	lock_held.counts[slot]++;
}

void
lock_rank_enter(enum lock_rank rank)
{
	unsigned slot = lock_slot(rank);

	must(lock_held.bits >> slot == 0);
	lock_rank_count(slot);
}

void
lock_rank_leave(enum lock_rank rank)
{
	unsigned slot = lock_slot(rank);

	must(lock_held.counts[slot] > 0);
	if (--lock_held.counts[slot] == 0)
		lock_held.bits &= ~(1u << slot);
}

void
lock_acquire(struct lock *l)
{
	lock_rank_enter(l->rank);
	must(pthread_mutex_lock(&l->mutex) == 0);
	lock_set_owner(l, lock_mark());
}

bool
lock_try(struct lock *l)
{
	int r;

	lock_rank_enter(l->rank);
	r = pthread_mutex_trylock(&l->mutex);
	must(r == 0 || r == EBUSY);
	if (r) {
		lock_rank_leave(l->rank);
		return false;
	}
	lock_set_owner(l, lock_mark());
	return true;
}

void
lock_acquire_nested(struct lock *l)
{
	unsigned slot = lock_slot(l->rank);

	must(lock_held.bits >> slot <= 1);
	must(atomic_load_explicit(&l->owner, memory_order_relaxed) !=
	     lock_mark());
	lock_rank_count(slot);
	must(pthread_mutex_lock(&l->mutex) == 0);
	lock_set_owner(l, lock_mark());
}

void
lock_release(struct lock *l)
{
	lock_assert_held(l);
	lock_rank_leave(l->rank);
	lock_set_owner(l, 0);
	must(pthread_mutex_unlock(&l->mutex) == 0);
}

void
lock_assert_held(const struct lock *l)
{
	must(atomic_load_explicit(&l->owner, memory_order_relaxed) ==
	     lock_mark());
}

void
lock_cond_init(struct lock_cond *c)
{
	pthread_condattr_t attr;

	must(pthread_condattr_init(&attr) == 0);
	must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
	must(pthread_cond_init(&c->cond, &attr) == 0);
	must(pthread_condattr_destroy(&attr) == 0);
}

void
lock_cond_fini(struct lock_cond *c)
{
	must(pthread_cond_destroy(&c->cond) == 0);
}

/* Waking takes l again, so nothing of a higher rank may be held either. */
static void
lock_cond_check(const struct lock *l)
{
	lock_assert_held(l);
	must(lock_held.bits >> lock_slot(l->rank) == 1);
}

void
lock_cond_wait(struct lock_cond *c, struct lock *l)
{
	lock_cond_check(l);
	lock_set_owner(l, 0);
	must(pthread_cond_wait(&c->cond, &l->mutex) == 0);
	lock_set_owner(l, lock_mark());
}

static struct timespec
lock_deadline(uint64_t timeout_us)
{
	struct timespec t;
	const uint64_t us_max = (uint64_t)1000000 * 3600 * 24 * 365;

	must(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
	/* A year is for ever, and its sum with any uptime fits. */
	if (timeout_us > us_max)
		timeout_us = us_max;
	t.tv_sec += (time_t)(timeout_us / 1000000);
	t.tv_nsec += (long)(timeout_us % 1000000) * 1000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

bool
lock_cond_wait_for(struct lock_cond *c, struct lock *l, uint64_t timeout_us)
{
	struct timespec deadline = lock_deadline(timeout_us);
	int r;

	lock_cond_check(l);
	lock_set_owner(l, 0);
	r = pthread_cond_timedwait(&c->cond, &l->mutex, &deadline);
	lock_set_owner(l, lock_mark());
	must(r == 0 || r == ETIMEDOUT);
	return r == 0;
}

void
lock_cond_signal(struct lock_cond *c)
{
	must(pthread_cond_signal(&c->cond) == 0);
}

void
lock_cond_broadcast(struct lock_cond *c)
{
	must(pthread_cond_broadcast(&c->cond) == 0);
}
