#include "engine/os/thread.h"

#include <signal.h>
#include <string.h>

#include "engine/base/must.h"

#define THREAD_NAME_MAX 15

/* All but those that a fault in the thread itself raises. */
static void
thread_signals_to_block(sigset_t *set)
{
	static const int synchronous[] = {
	    SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};

	must(sigfillset(set) == 0);
	for (size_t i = 0; i < sizeof(synchronous) / sizeof(int); i++)
		must(sigdelset(set, synchronous[i]) == 0);
}

int
thread_start(
    struct thread *t, const char *name, void *(*run)(void *), void *arg)
{
	sigset_t block, before;
	pthread_t id;
	int r;

	must(strlen(name) <= THREAD_NAME_MAX);
	thread_signals_to_block(&block);
	/* Blocked before it starts, since it inherits the mask. */
	must(pthread_sigmask(SIG_BLOCK, &block, &before) == 0);
	r = pthread_create(&id, NULL, run, arg);
	must(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
	if (r)
		return -r;
	/* A thread that is already over has lost its name; no harm. */
	pthread_setname_np(id, name);
	t->id = id;
	return 0;
}

void
thread_join(struct thread *t)
{
	must(pthread_join(t->id, NULL) == 0);
}
