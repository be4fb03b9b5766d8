/*
 * pace: when the log is synced: the durability policy at work.
 *
 * Use: the write path notes every batch (pace_note) and is told what must be
 * durable before the batch may be acknowledged; whoever syncs the log says so
 * (pace_begin, pace_end).  A thread syncs in time what has a bound in
 * milliseconds, also when nothing is written any more.
 *
 * Batches that no sync covers yet stand in one of two windows: those that the
 * sync in progress covers, and those behind it.  The bounds are held strictly:
 * a batch that would be one too many, or would be acknowledged while another
 * is older than its bound, waits for the sync that mends it.
 *
 * batch: the writer of the last batch that the bound allows syncs, so there is
 * one sync for batch_ops batches; the thread only keeps batch_ms.
 * adaptive: the pause before a sync grows with the load, the number of batches
 * that arrived during the last one (rate times cost of a sync): none when less
 * than one did, else 8 times load times cost, up to the bound less a margin for
 * the sync itself.  So an idle store is synced at once, and a busy one as
 * seldom as the bound allows.
 *
 * Threads: any.
 */
#ifndef ENGINE_DB_PACE_H
#define ENGINE_DB_PACE_H

#include "engine/base/durability.h"
#include "engine/base/lock.h"
#include "engine/os/thread.h"

struct lsm;

struct pace_window {
	uint64_t batches;
	uint64_t counted;  /* of them under a policy that counts */
	uint64_t limit;    /* the least number of those allowed */
	uint64_t oldest;   /* when the first was written, us */
	uint64_t deadline; /* when the first bound ends; UINT64_MAX: never */
	uint64_t last_seq;
	bool adaptive; /* some of them */
};

struct pace {
	struct lock lock;        /* protects: */
	struct durability store; /* for writes without a policy of their own */
	struct pace_window syncing;
	struct pace_window pending;
	uint64_t began; /* the sync in progress, us */
	uint64_t cost;  /* of a sync, us; average over the last few */
	uint64_t load;  /* batches that arrive during a sync, times 16 */

	struct lock_cond wake;
	uint64_t wake_at; /* when the thread wakes by itself */
	bool stop;
	struct thread thread;
	bool has_thread;
};

void pace_init(struct pace *p, const struct durability *d);
void pace_fini(struct pace *p);
int pace_start(struct lsm *db);
void pace_stop(struct lsm *db);

/* Whether each batch under d (NULL: the store's policy) is synced before it is
 * acknowledged. */
bool pace_syncs_each(struct lsm *db, const struct durability *d);

/* A batch was written under d (NULL: the store's policy), its last number is
 * seq.  Returns the number to be synced before it is acknowledged, or 0.  In
 * the order of the numbers. */
uint64_t pace_note(struct lsm *db, const struct durability *d, uint64_t seq);

/* A sync of everything written up to now begins; returns the last number of
 * that.  One at a time. */
uint64_t pace_begin(struct lsm *db);
void pace_end(struct lsm *db, int err);

/* What a sync of the log costs lately, in us. */
uint64_t pace_cost(struct lsm *db);

struct pace_figures {
	uint64_t batches; /* not synced */
	uint64_t age_us;  /* of the oldest of them */
	uint64_t cost_us;
};
void pace_figures(struct lsm *db, struct pace_figures *out);

#endif
