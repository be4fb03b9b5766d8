#include "engine/os/guard.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/base/must.h"

/* Read by the handler: no lookup that might allocate. */
#define GUARD_TLS _Thread_local __attribute__((tls_model("initial-exec")))

/* Where a copy is going on. */
static GUARD_TLS struct guard_area *volatile guard_now;

/* Who had the signal before: one of two places, so that what a handler reads
 * stays while the next is filled in. */
static struct sigaction guard_places[2];
static _Atomic(struct sigaction *) guard_before;

/* Whoever was set over the guard may hand on to it again. */
static GUARD_TLS volatile bool guard_passing;

/* A fault comes again, and ends the process as it would have. */
static void
guard_default(int sig, const siginfo_t *info)
{
	(void)signal(sig, SIG_DFL);
	if (info->si_code <= 0)
		(void)raise(sig);
}

static void
guard_pass_on(int sig, siginfo_t *info, void *context)
{
	struct sigaction *a =
	    atomic_load_explicit(&guard_before, memory_order_acquire);

	if (guard_passing || a->sa_handler == SIG_DFL) {
		guard_default(sig, info);
		return;
	}
	if (a->sa_handler == SIG_IGN) {
		/* Which the kernel grants only if the signal was sent. */
		if (info->si_code > 0)
			guard_default(sig, info);
		return;
	}
	guard_passing = true;
	if (a->sa_flags & SA_SIGINFO)
		a->sa_sigaction(sig, info, context);
	else
		a->sa_handler(sig);
	guard_passing = false;
}

/*
 * What is left of the copy goes to memory that is nobody's.  The whole area: to
 * replace a part of it would make three mappings of one, and there may be too
 * many.  mmap is not in the list of what a handler may call, but on Linux no
 * more than a system call.
 */
static bool
guard_divert(struct guard_area *area)
{
	int saved = errno;
	void *p;

	/* Before: who reads zeros there finds it set, for it is looked at after
	 * the copy, and the kernel changes the mapping for all threads in
	 * between. */
	atomic_store_explicit(&area->lost, true, memory_order_seq_cst);
	p = mmap(area->begin, area->size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);

	errno = saved;
	return p != MAP_FAILED;
}

static void
guard_handle(int sig, siginfo_t *info, void *context)
{
	struct guard_area *area = guard_now;

	/* Positive: a fault of this thread, not sent by anybody. */
	if (area && info->si_code > 0 &&
	    (uintptr_t)info->si_addr - (uintptr_t)area->begin < area->size &&
	    guard_divert(area))
		return;
	guard_pass_on(sig, info, context);
}

void
guard_install(void)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	struct sigaction now, guard = {
				  .sa_sigaction = guard_handle,
				  .sa_flags = SA_SIGINFO | SA_ONSTACK,
			      };
	struct sigaction *place;

	must(pthread_mutex_lock(&mutex) == 0);
	must(sigaction(SIGBUS, NULL, &now) == 0);
	if (!(now.sa_flags & SA_SIGINFO) || now.sa_sigaction != guard_handle) {
		place = &guard_places[guard_before == &guard_places[0]];
		*place = now;
		/* Release: the handler finds what was put there. */
		atomic_store_explicit(
		    &guard_before, place, memory_order_release);
		must(sigemptyset(&guard.sa_mask) == 0);
		must(sigaction(SIGBUS, &guard, NULL) == 0);
	}
	must(pthread_mutex_unlock(&mutex) == 0);
}

static bool
guard_is_deaf(void)
{
	static _Thread_local enum { UNKNOWN, HEARS, DEAF } state;
	sigset_t mask;

	if (state == UNKNOWN) {
		must(pthread_sigmask(SIG_SETMASK, NULL, &mask) == 0);
		state = sigismember(&mask, SIGBUS) ? DEAF : HEARS;
	}
	return state == DEAF;
}

int
guard_copy(struct guard_area *area, void *to, const void *from, size_t size)
{

	if (guard_is_deaf())
		return -EAGAIN;
	guard_now = area;
	/* The handler finds it while the copy goes on, not before or after. */
	atomic_signal_fence(memory_order_seq_cst);
	memcpy(to, from, size);
	atomic_signal_fence(memory_order_seq_cst);
	guard_now = NULL;
	/* Acquire: after the copy. */
	return atomic_load_explicit(&area->lost, memory_order_acquire) ? -EFAULT
								       : 0;
}
