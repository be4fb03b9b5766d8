/*
 * lock: pthread mutexes and conditions with ranks.
 *
 * Locks are taken in growing rank: lock_acquire asserts (must) that the thread
 * holds no lock of the same or a higher rank, so a cycle fails the first time
 * it is possible, not the first time it happens.  No lock is held across a
 * device sync or a reply to the kernel.
 * Threads: any.  Errors: none; a failing pthread call is a bug (must).
 */
#ifndef ENGINE_BASE_LOCK_H
#define ENGINE_BASE_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* One rank for each kind of lock, in the order in which they nest. */
enum lock_rank {
	LOCK_RANK_FUSE = 10,	 /* fs/fuse: the request loop */
	LOCK_RANK_VOL_DIR = 15,	 /* fs/vol: one listing */
	LOCK_RANK_VOL_NS = 20,	 /* fs/vol: names are changing */
	LOCK_RANK_VOL_NODE = 30, /* fs/vol: node stripes, taken in order */
	LOCK_RANK_VOL_TABLE = 40, /* fs/vol: the node table */
	LOCK_RANK_DB_COMPACT = 50, /* engine/db: one compaction picks */
	LOCK_RANK_DB_WRITE = 60, /* engine/db: the writers' order */
	LOCK_RANK_DB_RESERVE = 65, /* engine/db: space for a full disk */
	LOCK_RANK_DB_SYNC = 70,	 /* engine/db: who syncs the log */
	LOCK_RANK_DB_STATE = 80, /* engine/db: versions, memtables */
	LOCK_RANK_DB_MANIFEST = 85,
	LOCK_RANK_TABLES = 90,	 /* engine/db: open tables */
	LOCK_RANK_CACHE = 100,	 /* engine/table: one cache shard */
	LOCK_RANK_ENV_FORGET = 105, /* engine/os: held across calls of an env */
	LOCK_RANK_ENV = 110,	 /* engine/os: envs over another env */
	LOCK_RANK_LEAF = 120,	 /* holds nothing else */
};

struct lock {
	pthread_mutex_t mutex;
	enum lock_rank rank;
	_Atomic(uintptr_t) owner; /* thread mark, for lock_assert_held */
};

struct lock_cond {
	pthread_cond_t cond; /* on the monotonic clock */
};

void lock_init(struct lock *l, enum lock_rank rank);
void lock_fini(struct lock *l);
void lock_acquire(struct lock *l);
void lock_release(struct lock *l);

/* As lock_acquire if nobody holds it; else false, at once. */
bool lock_try(struct lock *l);

/* As lock_acquire for a second lock of the same rank; the caller orders. */
void lock_acquire_nested(struct lock *l);

/* must() that the calling thread holds l. */
void lock_assert_held(const struct lock *l);

/* The bookkeeping alone, for other kinds of locks (rwlock.c): enter asserts
 * that nothing of this rank or a higher one is held. */
void lock_rank_enter(enum lock_rank rank);
void lock_rank_leave(enum lock_rank rank);

void lock_cond_init(struct lock_cond *c);
void lock_cond_fini(struct lock_cond *c);
void lock_cond_wait(struct lock_cond *c, struct lock *l);

/* False if timeout_us passed first. */
bool lock_cond_wait_for(struct lock_cond *c, struct lock *l,
    uint64_t timeout_us);
void lock_cond_signal(struct lock_cond *c);
void lock_cond_broadcast(struct lock_cond *c);

#endif
