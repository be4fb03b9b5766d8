/*
 * work: the jobs that run beside readers and writers: flushing the oldest full
 * memtable, compacting, and preparing files of the log.
 *
 * Each job is a step function that runs in threads of the job's own, one or
 * several at once, or (options.no_background) in that of whoever needs it
 * done.  A step that failed is tried again after a pause that grows, and at
 * once when a writer needs its result.
 * Threads: everything in struct work is protected by db->state_lock; steps run
 * without any lock.
 */
#ifndef ENGINE_DB_WORK_H
#define ENGINE_DB_WORK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "engine/base/err.h"
#include "engine/base/lock.h"
#include "engine/os/thread.h"

struct lsm;

#define WORK_THREADS_MAX 16

/* Something that several threads can do a part of each. */
struct work_pieces {
	void (*run)(void *ctx, unsigned piece); /* 0 to count - 1, once each */
	void *ctx;
	unsigned count;
	/* work_divide's */
	TAILQ_ENTRY(work_pieces) link;
	unsigned next;
	unsigned ended;
};

TAILQ_HEAD(work_divided, work_pieces);

/* How many steps and claims are over, and how many steps of these did
 * something. */
struct work_tally {
	uint64_t flush;
	uint64_t compaction;
	uint64_t spare;
	uint64_t done; /* of all */
};

struct work {
	/* constant after open */
	const char *name;
	/* 1: did something, there may be more; 0: nothing to do, or nothing
	 * that can be done beside the steps that run; <0. */
	int (*step)(struct lsm *db);
	struct lsm *db;
	enum err_level level;  /* of the message when it fails */
	unsigned thread_count; /* running, and steps there may be at once */
	struct thread threads[WORK_THREADS_MAX];

	struct lock_cond wake;
	struct work_divided divided; /* that have pieces left */

	bool wanted;            /* there may be something to do */
	uint64_t wanted_at;     /* or at this time; 0: no */
	bool hurry;             /* do not wait out the pause */
	unsigned running;       /* steps */
	bool claimed;           /* somebody runs something instead of it: */
	pthread_t claimer;      /* who */
	unsigned claims;        /* who wait to do so */
	uint64_t begun;         /* steps so far */
	uint64_t done;          /* steps that did something */
	_Atomic uint64_t ended; /* steps and claims that are over */
	int error;              /* of the last step, also if others did well */
	uint64_t error_number;  /* which step that was */
	uint64_t error_begun;   /* how many had begun when it ended */
	uint64_t pause_us;      /* from an error to the next try */
	uint64_t retry_at;      /* on the clock of env_now_us */
};

void work_init(struct work *w, struct lsm *db, const char *name,
    int (*step)(struct lsm *db));
void work_fini(struct work *w);

/* Gives the job so many threads, at most WORK_THREADS_MAX; after an error some
 * may run. */
int work_start(struct work *w, unsigned threads);

/* Ends the threads of all jobs; db->stop is set. */
void work_stop(struct lsm *db);

/* There may be something to do.  Caller holds db->state_lock. */
void work_want(struct work *w);

/* The same, and a pause after an error is over. */
void work_hurry(struct work *w);

/* There may be something to do at a time (env_now_us) to come, if nobody wants
 * it before.  Caller holds db->state_lock. */
void work_want_at(struct work *w, uint64_t us);

/*
 * Waits until a step has done something, or none had anything to do; returns
 * 0, or the error of a step that began after the call.  Caller holds
 * db->state_lock, which is released meanwhile, and has not claimed the job.
 */
int work_await(struct work *w);

/*
 * Does all pieces, in this thread and those of the job that have nothing to do;
 * returns when all are done.  From a step, or who has claimed the job.  Caller
 * holds no lock.
 */
void work_divide(struct work *w, struct work_pieces *p);

/* What there is so far.  What a step has had is given back when it counts.  No
 * lock. */
struct work_tally work_tally(struct lsm *db);

/*
 * Waits until more is over than `before`, of any job but one, which may be
 * NULL.  False: there is not, for nothing runs or is about to; a pause after an
 * error is not waited out.  Caller holds no lock.
 */
bool work_await_any(
    struct lsm *db, const struct work_tally *before, const struct work *but);

/* For no_background: steps of each job until it has nothing to do or one fails.
 * True: one did something.  Caller holds no lock. */
bool work_all(struct lsm *db);

/* Keeps the job from running, for a thread that does it by itself.  Caller
 * does not hold db->state_lock. */
void work_claim(struct work *w);
void work_unclaim(struct work *w);

/* This thread has claimed the job, so it must not wait for it.  Caller holds
 * db->state_lock. */
bool work_is_mine(const struct work *w);

#endif
