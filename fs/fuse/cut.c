#include "fs/fuse/cut.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "engine/base/must.h"
#include "fs/fuse/era.h"
#include "fs/fuse/notice.h"
#include "fs/fuse/served.h"

struct answer {
	STAILQ_ENTRY(answer) link;
	struct reply reply;
};

STAILQ_HEAD(answers, answer);

struct cut {
	/* constant after cut_start */
	struct served *sd;
	struct fuse_session *se;
	struct cut_events events;
	pthread_t thread;
	bool started;

	struct gate gate;

	struct lock lock; /* protects: */
	struct lock_cond wake;
	bool ordered;
	bool stopping;
	struct answers aside;
	int failure; /* of the last restart */
};

/* --- orders and answers -------------------------------------------------- */

void
cut_order(struct cut *c)
{
	lock_acquire(&c->lock);
	c->ordered = true;
	lock_cond_signal(&c->wake);
	lock_release(&c->lock);
}

struct gate *
cut_gate(struct cut *c)
{
	return &c->gate;
}

void
cut_put_aside(struct cut *c, const struct reply *r)
{
	struct answer *a = malloc(sizeof(*a));

	if (!a) {
		/* Too early, but nobody waits for ever. */
		reply_send(r, 0);
		return;
	}
	a->reply = *r;
	lock_acquire(&c->lock);
	STAILQ_INSERT_TAIL(&c->aside, a, link);
	lock_release(&c->lock);
}

static void
send_answers(struct answers *list, int err)
{
	struct answer *a;

	while ((a = STAILQ_FIRST(list))) {
		STAILQ_REMOVE_HEAD(list, link);
		reply_send(&a->reply, err);
		free(a);
	}
}

/*
 * The orders that have been carried out, and the answers to them.  The gate is
 * closed, so no request has given one since the restart began; a thread of the
 * old store may have, for the cut of before, until the store was closed.
 */
static void
take_orders(struct cut *c, struct answers *out)
{
	STAILQ_INIT(out);
	lock_acquire(&c->lock);
	c->ordered = false;
	STAILQ_CONCAT(out, &c->aside);
	lock_release(&c->lock);
}

/* --- a power cut --------------------------------------------------------- */

/* The gate is closed. */
static int
restart(struct cut *c, struct notice *n)
{
	/* Another era would be taken for one of before. */
	int err = c->sd->era < ERA_MAX ? 0 : -EOVERFLOW;

	if (err == 0)
		err = notice_collect(c->sd, n);
	if (err == 0)
		err = c->events.restart(c->events.restart_ctx);
	if (err == 0)
		c->sd->era++;
	return err;
}

static int
carry_out(struct cut *c)
{
	struct notice notice = {0};
	struct answers answers;
	int err;

	gate_close(&c->gate);
	err = restart(c, &notice);
	take_orders(c, &answers);
	if (err == 0)
		notice_begin(c->se, c->sd);
	else
		c->events.failed(c->events.failed_ctx);
	gate_open(&c->gate);
	if (err == 0)
		notice_send(c->se, &notice);
	send_answers(&answers, err);
	notice_fini(&notice);
	return err;
}

static void *
run(void *arg)
{
	struct cut *c = arg;

	lock_acquire(&c->lock);
	while (!c->stopping && c->failure == 0) {
		int err;

		if (!c->ordered) {
			lock_cond_wait(&c->wake, &c->lock);
			continue;
		}
		lock_release(&c->lock);
		err = carry_out(c);
		lock_acquire(&c->lock);
		c->failure = err;
	}
	lock_release(&c->lock);
	return NULL;
}

/* --- start and stop ------------------------------------------------------ */

int
cut_new(struct served *sd, const struct cut_events *events, struct cut **out)
{
	struct cut *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->sd = sd;
	c->events = *events;
	gate_init(&c->gate);
	lock_init(&c->lock, LOCK_RANK_LEAF);
	lock_cond_init(&c->wake);
	STAILQ_INIT(&c->aside);
	*out = c;
	return 0;
}

/* Signals are for the thread that waits for them (session_run). */
int
cut_start(struct cut *c, struct fuse_session *se)
{
	sigset_t all, before;
	int err;

	c->se = se;
	c->stopping = false;
	sigfillset(&all);
	/* It may copy into a mapped file, whose pages can go missing. */
	sigdelset(&all, SIGBUS);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&c->thread, NULL, run, c);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	c->started = err == 0;
	if (c->started)
		pthread_setname_np(c->thread, "keyfs-cut");
	return -err;
}

int
cut_stop(struct cut *c)
{
	lock_acquire(&c->lock);
	c->stopping = true;
	lock_cond_signal(&c->wake);
	lock_release(&c->lock);
	if (c->started)
		pthread_join(c->thread, NULL);
	c->started = false;
	return c->failure;
}

void
cut_free(struct cut *c)
{
	if (!c)
		return;
	must(!c->started);
	send_answers(&c->aside, -EIO);
	lock_cond_fini(&c->wake);
	lock_fini(&c->lock);
	gate_fini(&c->gate);
	free(c);
}
