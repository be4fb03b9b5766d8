#include "fs/fuse/loop.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/base/lock.h"
#include "engine/base/must.h"
#include "fs/fuse/cut.h"
#include "fs/fuse/era.h"
#include "fs/fuse/served.h"
#include "fs/fuse/settle.h"

/* How long a request may keep the reader before a spare takes over. */
#define GUARD_US 2000
/* The guard sleeps after so many looks at an idle reader. */
#define GUARD_IDLE_LOOKS 100
/* Where requests never end, answers that wait for a sync, and a power cut that
 * waits for those, wait for so many at most. */
#define SERVED_MAX 64
/* Wakes a thread from read(2); its handler does nothing. */
#define WAKE_SIGNAL SIGUSR1

struct worker {
	struct loop *loop;
	pthread_t thread;
	struct lock_cond turn; /* it became the reader */
	bool started;
	atomic_bool done;
	/* Odd while in a request; written by this thread, read by the guard. */
	_Atomic uint64_t progress;
	/* Answers put aside, not settled; written and read likewise. */
	atomic_bool has_deferred;
	/* This thread's alone: */
	bool is_inside;   /* the gate of power cuts */
	bool has_ordered; /* a power cut, in this request */
	unsigned served;  /* requests while answers wait for a sync */
	struct fuse_buf request;
	uint8_t *scratch;
	size_t scratch_size;
};

struct loop {
	struct fuse_session *se;
	struct served *sd;
	struct vol *vol;
	struct loop_events events;
	struct settle settle;
	atomic_bool is_ready;
	atomic_bool has_ended;
	atomic_bool stopping;
	_Atomic(struct worker *) reader; /* changed under lock */
	atomic_bool guard_sleeps;

	struct lock lock;
	struct lock_cond guard_wake;
	pthread_t guard;
	bool guard_started;
	struct worker workers[LOOP_THREADS];
};

static _Thread_local struct worker *self;

/* Relaxed: see wake_those_in_vain; for its own thread it is a plain flag. */
static void
set_deferred(struct worker *w, bool deferred)
{
	atomic_store_explicit(&w->has_deferred, deferred, memory_order_relaxed);
}

static bool
has_deferred(struct worker *w)
{
	return atomic_load_explicit(&w->has_deferred, memory_order_relaxed);
}

/* --- what handlers use -------------------------------------------------- */

void
loop_defer(const struct reply *r, uint64_t seq)
{
	must(self);
	if (settle_add(&self->loop->settle, r, seq))
		set_deferred(self, true);
}

void
loop_order_cut(void)
{
	if (self)
		self->has_ordered = true;
}

bool
loop_put_aside(const struct reply *r)
{
	must(self);
	if (!self->has_ordered)
		return false;
	cut_put_aside(self->loop->sd->cut, r);
	return true;
}

void *
loop_scratch(size_t size)
{
	struct worker *w = self;
	uint8_t *p;

	must(w);
	if (size > w->scratch_size) {
		p = realloc(w->scratch, size);
		if (!p)
			return NULL;
		w->scratch = p;
		w->scratch_size = size;
	}
	return w->scratch;
}

/* --- the guard ---------------------------------------------------------- */

/* A thread that is in no request becomes the reader. */
static void
hand_over(struct loop *l, struct worker *blocked)
{
	lock_assert_held(&l->lock);
	for (size_t i = 0; i < LOOP_THREADS; i++) {
		struct worker *w = &l->workers[i];

		if (w == blocked || (atomic_load(&w->progress) & 1))
			continue;
		atomic_store(&l->reader, w);
		lock_cond_signal(&w->turn);
		return;
	}
}

/* Has w, outside of a request, to settle?  The reader does it for those, too,
 * whose thread is in another request since. */
static bool
has_to_settle(struct worker *w)
{
	struct loop *l = w->loop;

	return has_deferred(w) ||
	       (settle_is_due(&l->settle) && atomic_load(&l->reader) == w);
}

/*
 * Answers wait while another request is there to be read; if that is taken back
 * before (its process was killed), read(2) waits for the next one, which may
 * never come.  So does a thread that lost the reader's part on its way there,
 * and power cuts wait for it.  A look too early or too late costs a wake-up or
 * GUARD_US.
 */
static bool
wake_those_in_vain(struct loop *l)
{
	bool woken = false;

	for (size_t i = 0; i < LOOP_THREADS; i++) {
		struct worker *w = &l->workers[i];

		if ((atomic_load(&w->progress) & 1) || !has_to_settle(w))
			continue;
		pthread_kill(w->thread, WAKE_SIGNAL);
		woken = true;
	}
	return woken;
}

static void *
guard_run(void *arg)
{
	struct loop *l = arg;
	struct worker *last = NULL;
	uint64_t last_progress = 0;
	unsigned idle = 0;

	lock_acquire(&l->lock);
	while (!atomic_load(&l->stopping)) {
		struct worker *w = atomic_load(&l->reader);
		uint64_t progress = atomic_load(&w->progress);
		bool same = w == last && progress == last_progress;

		if (same && (progress & 1))
			hand_over(l, w);
		else if (same && wake_those_in_vain(l))
			same = false;
		idle = same && !(progress & 1) ? idle + 1 : 0;
		last = w;
		last_progress = progress;
		if (idle < GUARD_IDLE_LOOKS) {
			lock_cond_wait_for(&l->guard_wake, &l->lock, GUARD_US);
			continue;
		}
		/* Pairs with begin_work: both are sequentially consistent, so
		 * either the guard sees the progress or the reader sees that
		 * the guard sleeps, and then it needs the lock to wake it. */
		atomic_store(&l->guard_sleeps, true);
		if (atomic_load(&w->progress) == progress &&
		    !atomic_load(&l->stopping))
			lock_cond_wait(&l->guard_wake, &l->lock);
		atomic_store(&l->guard_sleeps, false);
		idle = 0;
	}
	lock_release(&l->lock);
	return NULL;
}

static void
begin_work(struct worker *w)
{
	struct loop *l = w->loop;

	atomic_fetch_add(&w->progress, 1);
	if (atomic_load(&l->guard_sleeps)) {
		lock_acquire(&l->lock);
		lock_cond_signal(&l->guard_wake);
		lock_release(&l->lock);
	}
}

static void
end_work(struct worker *w)
{
	atomic_fetch_add(&w->progress, 1);
}

/* --- power cuts ---------------------------------------------------------- */

/* From a request's beginning until its answer is sent: no power cut. */
static void
enter(struct worker *w)
{
	struct cut *cut = w->loop->sd->cut;

	if (!cut || w->is_inside)
		return;
	gate_enter(cut_gate(cut));
	w->is_inside = true;
}

static void
leave(struct worker *w)
{
	if (!w->is_inside || has_deferred(w))
		return;
	gate_leave(cut_gate(w->loop->sd->cut));
	w->is_inside = false;
}

/* --- the workers -------------------------------------------------------- */

static void
settle(struct worker *w)
{
	enter(w);
	begin_work(w);
	settle_run(&w->loop->settle);
	set_deferred(w, false);
	end_work(w);
	leave(w);
}

static void
serve_request(struct worker *w)
{
	struct fuse_session *se = w->loop->se;
	struct fuse_buf *request = &w->request;

	enter(w);
	begin_work(w);
	w->has_ordered = false;
	switch (era_take(w->loop->sd->era, request->mem, request->size)) {
	case ERA_SERVE:
		fuse_session_process_buf(se, request);
		break;
	case ERA_REFUSE:
		era_refuse(se, request->mem);
		break;
	case ERA_DROP:
		break;
	}
	end_work(w);
	leave(w);
}

/* Whether a request is there, or comes within so many us. */
static bool
request_waits(const struct loop *l, uint64_t us)
{
	struct pollfd p = {fuse_session_fd(l->se), POLLIN, 0};
	const struct timespec t = {.tv_nsec = (long)us * 1000};

	return ppoll(&p, 1, &t, NULL) > 0 && (p.revents & POLLIN);
}

/* Answers wait, and nothing else is to be done or too much was. */
static bool
must_settle(struct worker *w)
{
	struct loop *l = w->loop;

	if (!has_to_settle(w)) {
		w->served = 0;
		return false;
	}
	return w->served++ >= SERVED_MAX ||
	       (!request_waits(l, 0) &&
		   !request_waits(l, settle_patience(&l->settle)));
}

static void
ended(struct loop *l)
{
	if (!atomic_exchange(&l->has_ended, true) && l->events.ended)
		l->events.ended(l->events.ctx);
}

static bool
is_reader(const struct worker *w)
{
	const struct loop *l = w->loop;

	return atomic_load(&l->reader) == w && !atomic_load(&l->stopping) &&
	       !atomic_load(&l->has_ended);
}

static void
serve(struct worker *w)
{
	struct loop *l = w->loop;

	while (is_reader(w)) {
		int got;

		if (must_settle(w)) {
			settle(w);
			continue;
		}
		got = fuse_session_receive_buf(l->se, &w->request);
		if (got == -EINTR || got == -EAGAIN)
			continue;
		if (got <= 0) {
			ended(l);
			break;
		}
		serve_request(w);
		if (!atomic_load_explicit(&l->is_ready, memory_order_relaxed) &&
		    !atomic_exchange(&l->is_ready, true) && l->events.ready)
			l->events.ready(l->events.ctx);
	}
	if (has_deferred(w))
		settle(w);
}

static bool
await_turn(struct worker *w)
{
	struct loop *l = w->loop;

	lock_acquire(&l->lock);
	while (atomic_load(&l->reader) != w && !atomic_load(&l->stopping))
		lock_cond_wait(&w->turn, &l->lock);
	/* After the end nobody reads; wait for loop_stop. */
	while (atomic_load(&l->has_ended) && !atomic_load(&l->stopping))
		lock_cond_wait(&w->turn, &l->lock);
	lock_release(&l->lock);
	return !atomic_load(&l->stopping);
}

static void *
worker_run(void *arg)
{
	struct worker *w = arg;
	sigset_t wake;

	self = w;
	sigemptyset(&wake);
	sigaddset(&wake, WAKE_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &wake, NULL);
	while (await_turn(w))
		serve(w);
	atomic_store(&w->done, true);
	return NULL;
}

static void
wake_up(int signal)
{
	(void)signal;
}

/* --- start and stop ----------------------------------------------------- */

/* Signals are for the thread that waits for them (session_run). */
static int
start_thread(pthread_t *t, const char *name, void *(*run)(void *), void *arg)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	/* It may copy into a mapped file, whose pages can go missing. */
	sigdelset(&all, SIGBUS);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(t, NULL, run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err == 0)
		pthread_setname_np(*t, name);
	return -err;
}

static int
start_threads(struct loop *l)
{
	int err;

	for (size_t i = 0; i < LOOP_THREADS; i++) {
		struct worker *w = &l->workers[i];

		err = start_thread(&w->thread, "keyfs-fuse", worker_run, w);
		if (err != 0)
			return err;
		w->started = true;
	}
	err = start_thread(&l->guard, "keyfs-guard", guard_run, l);
	l->guard_started = err == 0;
	return err;
}

int
loop_start(struct fuse_session *se, struct served *sd,
    const struct loop_events *events, struct loop **out)
{
	struct loop *l = calloc(1, sizeof(*l));
	struct sigaction wake = {.sa_handler = wake_up};
	int err;

	if (!l)
		return -ENOMEM;
	l->se = se;
	l->sd = sd;
	l->vol = sd->vol;
	l->events = *events;
	settle_init(&l->settle, l->vol);
	lock_init(&l->lock, LOCK_RANK_FUSE);
	lock_cond_init(&l->guard_wake);
	for (size_t i = 0; i < LOOP_THREADS; i++) {
		l->workers[i].loop = l;
		lock_cond_init(&l->workers[i].turn);
	}
	atomic_store(&l->reader, &l->workers[0]);
	sigaction(WAKE_SIGNAL, &wake, NULL);
	err = start_threads(l);
	if (err != 0) {
		loop_stop(l);
		return err;
	}
	*out = l;
	return 0;
}

/* A signal that comes before read(2) is lost, so it is sent until heard. */
static void
join_worker(struct worker *w)
{
	if (!w->started)
		return;
	while (!atomic_load(&w->done)) {
		pthread_kill(w->thread, WAKE_SIGNAL);
		usleep(1000);
	}
	pthread_join(w->thread, NULL);
}

void
loop_stop(struct loop *l)
{
	lock_acquire(&l->lock);
	atomic_store(&l->stopping, true);
	for (size_t i = 0; i < LOOP_THREADS; i++)
		lock_cond_signal(&l->workers[i].turn);
	lock_cond_signal(&l->guard_wake);
	lock_release(&l->lock);
	for (size_t i = 0; i < LOOP_THREADS; i++)
		join_worker(&l->workers[i]);
	if (l->guard_started)
		pthread_join(l->guard, NULL);
	for (size_t i = 0; i < LOOP_THREADS; i++) {
		lock_cond_fini(&l->workers[i].turn);
		free(l->workers[i].request.mem);
		free(l->workers[i].scratch);
	}
	settle_fini(&l->settle);
	lock_cond_fini(&l->guard_wake);
	lock_fini(&l->lock);
	free(l);
}
