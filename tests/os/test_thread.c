#include "engine/os/thread.h"

#include <signal.h>

#include "tests/check.h"
#include "tests/support/dies.h"

static void *
store_mask(void *ctx)
{
	pthread_sigmask(SIG_SETMASK, NULL, ctx);
	return NULL;
}

static void
thread__blocks_all_but_synchronous_signals(void **state)
{
	struct thread t;
	sigset_t mask, before, after;

	(void)state;
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	check_ok(thread_start(&t, "mask", store_mask, &mask));
	thread_join(&t);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	check_true(sigismember(&mask, SIGTERM));
	check_true(sigismember(&mask, SIGINT));
	check_true(sigismember(&mask, SIGALRM));
	check_true(sigismember(&mask, SIGUSR1));
	check_false(sigismember(&mask, SIGSEGV));
	check_false(sigismember(&mask, SIGBUS));
	check_false(sigismember(&mask, SIGABRT));
	/* The starter's own mask is as it was. */
	for (int s = 1; s < SIGRTMIN; s++)
		check_eq(sigismember(&after, s), sigismember(&before, s));
}

static void *
wait_at(void *ctx)
{
	pthread_barrier_wait(ctx);
	return NULL;
}

static void
thread__has_its_name(void **state)
{
	pthread_barrier_t end;
	struct thread t;
	char name[16];

	(void)state;
	check_ok(pthread_barrier_init(&end, NULL, 2));
	check_ok(thread_start(&t, "fifteen-letters", wait_at, &end));
	check_ok(pthread_getname_np(t.id, name, sizeof(name)));
	pthread_barrier_wait(&end);
	thread_join(&t);
	pthread_barrier_destroy(&end);
	check_str(name, "fifteen-letters");
}

static void
start_with_long_name(void *ctx)
{
	struct thread t;

	thread_start(&t, "sixteen-letters-", store_mask, ctx);
}

static void
thread__long_name_is_a_bug(void **state)
{
	sigset_t mask;

	(void)state;
	check_true(dies_by_abort(start_with_long_name, &mask));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(thread__blocks_all_but_synchronous_signals),
	    cmocka_unit_test(thread__has_its_name),
	    cmocka_unit_test(thread__long_name_is_a_bug),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
