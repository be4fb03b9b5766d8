#include "engine/base/rwlock.h"

#include "engine/base/must.h"

/* Writers first: a reader never takes the lock twice (the rank forbids it),
 * so the kind that would deadlock on that is safe. */
void
rwlock_init(struct rwlock *l, enum lock_rank rank)
{
	pthread_rwlockattr_t attr;

	must(pthread_rwlockattr_init(&attr) == 0);
	must(pthread_rwlockattr_setkind_np(
		 &attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP) == 0);
	must(pthread_rwlock_init(&l->rw, &attr) == 0);
	must(pthread_rwlockattr_destroy(&attr) == 0);
	l->rank = rank;
}

void
rwlock_fini(struct rwlock *l)
{
	must(pthread_rwlock_destroy(&l->rw) == 0);
}

void
rwlock_read(struct rwlock *l)
{
	lock_rank_enter(l->rank);
	must(pthread_rwlock_rdlock(&l->rw) == 0);
}

void
rwlock_write(struct rwlock *l)
{
	lock_rank_enter(l->rank);
	must(pthread_rwlock_wrlock(&l->rw) == 0);
}

void
rwlock_release(struct rwlock *l)
{
	lock_rank_leave(l->rank);
	must(pthread_rwlock_unlock(&l->rw) == 0);
}
