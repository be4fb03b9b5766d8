/*
 * settle: answers that wait for a device sync, and the one thread that syncs
 * for all of them.
 *
 * Use: settle_add puts an answer aside; settle_run syncs and sends, for as long
 * as there are any, unless another thread does that already, which then sends
 * these too.  So a device that hangs holds one thread and no more.
 *
 * Clients that sync again and again need a few requests between one answer and
 * the next sync.  settle_patience says how long it is worth waiting for more
 * requests before a sync, so that it serves all of those clients: a part of
 * what a sync costs, and nothing when they are all here, or did not come in
 * time lately.  One client alone is never waited for.
 *
 * Threads: any.
 */
#ifndef FS_FUSE_SETTLE_H
#define FS_FUSE_SETTLE_H

#include <stdatomic.h>

#include "engine/base/lock.h"
#include "fs/fuse/reply.h"

#define SETTLE_CLIENTS 32 /* that are remembered */

struct settle_client {
	pid_t tid;
	uint64_t round; /* in which it last had an answer put aside */
};

struct settle_queue {
	struct reply *all;
	size_t count;
	size_t room;
	uint64_t seq; /* what all of them wait for */
};

struct settle {
	struct vol *vol;
	atomic_bool is_due; /* written under lock: waiting, and nobody runs */

	struct lock lock; /* rank LEAF; protects: */
	struct settle_queue waiting;
	uint64_t first_us; /* when the first of them came */
	bool running;
	uint64_t round;   /* syncs so far */
	uint64_t cost_us; /* of one, lately */
	struct settle_client clients[SETTLE_CLIENTS];
	bool was_patient;  /* for those that are waiting */
	unsigned skip;     /* rounds without patience */
	unsigned failures; /* of it, one after the other */

	struct settle_queue sending; /* whoever runs */
};

void settle_init(struct settle *s, struct vol *v);
void settle_fini(struct settle *s); /* nothing is waiting */

/* Sends r when everything up to seq is durable: at once if it is.  Else true,
 * and somebody has to call settle_run. */
bool settle_add(struct settle *s, const struct reply *r, uint64_t seq);
void settle_run(struct settle *s);

/* Would settle_run find any?  Cheap; what another thread has just put aside may
 * not be seen yet. */
static inline bool
settle_is_due(const struct settle *s)
{
	return atomic_load_explicit(&s->is_due, memory_order_relaxed);
}

/* In us, from now. */
uint64_t settle_patience(struct settle *s);

#endif
