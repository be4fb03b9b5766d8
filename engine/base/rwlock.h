/*
 * rwlock: a reader-writer lock with a rank, beside lock.h and by its rules.
 *
 * Writers are not starved by readers.  Threads: any.
 */
#ifndef ENGINE_BASE_RWLOCK_H
#define ENGINE_BASE_RWLOCK_H

#include "engine/base/lock.h"

struct rwlock {
	pthread_rwlock_t rw;
	enum lock_rank rank;
};

void rwlock_init(struct rwlock *l, enum lock_rank rank);
void rwlock_fini(struct rwlock *l);
void rwlock_read(struct rwlock *l);
void rwlock_write(struct rwlock *l);
void rwlock_release(struct rwlock *l); /* of either kind */

#endif
