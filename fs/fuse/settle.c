#include "fs/fuse/settle.h"

#include <stdlib.h>
#include <time.h>

#include "engine/base/array.h"
#include "engine/base/must.h"

/* Until the first sync was measured. */
#define SETTLE_COST_US 200
/* Patience: a part of the cost. */
#define SETTLE_PART         1
#define SETTLE_PATIENCE_US  500
#define SETTLE_FAILURES_MAX 6
/* Who has synced in so many of the last rounds will do so again. */
#define SETTLE_ROUNDS 2

static uint64_t
now_us(void)
{
	struct timespec t;

	must(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void
settle_init(struct settle *s, struct vol *v)
{
	*s = (struct settle){
	    .vol = v, .cost_us = SETTLE_COST_US, .round = SETTLE_ROUNDS + 1};
	lock_init(&s->lock, LOCK_RANK_LEAF);
}

void
settle_fini(struct settle *s)
{
	must(s->waiting.count == 0 && !s->running);
	free(s->waiting.all);
	free(s->sending.all);
	lock_fini(&s->lock);
}

/* --- clients -------------------------------------------------------------- */

/* Its slot, or the one that was used longest ago. */
static struct settle_client *
client_slot(struct settle *s, pid_t tid)
{
	struct settle_client *oldest = &s->clients[0];

	for (size_t i = 0; i < SETTLE_CLIENTS; i++) {
		struct settle_client *c = &s->clients[i];

		if (c->tid == tid)
			return c;
		if (c->round < oldest->round)
			oldest = c;
	}
	return oldest;
}

static void
client_note(struct settle *s, pid_t tid)
{
	struct settle_client *c = client_slot(s, tid);

	*c = (struct settle_client){tid, s->round};
}

/* How many answers to expect in this round. */
static size_t
client_count(const struct settle *s)
{
	size_t n = 0;

	for (size_t i = 0; i < SETTLE_CLIENTS; i++)
		n += s->clients[i].round + SETTLE_ROUNDS > s->round;
	return n;
}

/* --- answers ---------------------------------------------------------------
 */

static bool
queue_add(struct settle_queue *q, const struct reply *r, uint64_t seq)
{
	if (array_reserve(&q->all, sizeof(*q->all), q->count + 1, &q->room))
		return false;
	q->all[q->count++] = *r;
	if (seq > q->seq)
		q->seq = seq;
	return true;
}

static void
set_due(struct settle *s, bool due)
{
	atomic_store_explicit(&s->is_due, due, memory_order_relaxed);
}

static bool
add(struct settle *s, const struct reply *r, uint64_t seq)
{
	pid_t tid = fuse_req_ctx(r->req)->pid;
	uint64_t now = now_us();
	bool added;

	lock_acquire(&s->lock);
	added = queue_add(&s->waiting, r, seq);
	if (added && s->waiting.count == 1)
		s->first_us = now;
	if (added) {
		client_note(s, tid);
		set_due(s, !s->running);
	}
	lock_release(&s->lock);
	return added;
}

bool
settle_add(struct settle *s, const struct reply *r, uint64_t seq)
{
	if (vol_durable_seq(s->vol) >= seq) {
		reply_send(r, 0);
		return false;
	}
	if (add(s, r, seq))
		return true;
	/* No memory to put it aside. */
	reply_send(r, vol_sync(s->vol, seq));
	return false;
}

uint64_t
settle_patience(struct settle *s)
{
	uint64_t now = now_us(), us = 0, waited;

	lock_acquire(&s->lock);
	if (!s->running && s->skip == 0 && s->waiting.count < client_count(s)) {
		us = s->cost_us / SETTLE_PART;
		us = us < SETTLE_PATIENCE_US ? us : SETTLE_PATIENCE_US;
		waited = now - s->first_us;
		us = waited < us ? us - waited : 0;
		s->was_patient = true;
	}
	lock_release(&s->lock);
	return us;
}

/* Did those come that were waited for? */
static void
judge_patience(struct settle *s)
{
	if (!s->was_patient) {
		if (s->skip > 0)
			s->skip--;
		return;
	}
	s->was_patient = false;
	if (s->waiting.count > 1) {
		s->failures = 0;
		return;
	}
	if (s->failures < SETTLE_FAILURES_MAX)
		s->failures++;
	s->skip = 1u << s->failures;
}

/* Takes what is waiting; false: nothing is. */
static bool
take(struct settle *s)
{
	struct settle_queue empty = s->sending;

	if (s->waiting.count == 0)
		return false;
	judge_patience(s);
	empty.count = 0;
	empty.seq = 0;
	s->sending = s->waiting;
	s->waiting = empty;
	s->round++;
	set_due(s, false);
	return true;
}

/* One sync, and the answers.  Without the lock. */
static uint64_t
serve(struct settle *s)
{
	const struct settle_queue *q = &s->sending;
	uint64_t begin = now_us(), cost;
	int err = vol_sync(s->vol, q->seq);

	cost = now_us() - begin;
	for (size_t i = 0; i < q->count; i++)
		reply_send(&q->all[i], err);
	return cost;
}

void
settle_run(struct settle *s)
{
	uint64_t cost;

	lock_acquire(&s->lock);
	if (s->running) {
		lock_release(&s->lock);
		return; /* whoever does will find these, before it ends */
	}
	while (take(s)) {
		s->running = true;
		lock_release(&s->lock);
		cost = serve(s);
		lock_acquire(&s->lock);
		s->running = false;
		s->cost_us = (3 * s->cost_us + cost) / 4;
	}
	lock_release(&s->lock);
}
