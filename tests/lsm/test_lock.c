#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/lsm_store.h"

static void
lock__a_second_opener_is_told_who_has_it(void **state)
{
	struct lsm_store s;
	struct lsm *other;
	char pid[32];

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	check_ok(lsm_set_note(s.db, "/mnt/state"));
	check_err(lsm_open(s.dir, &s.options, &other), -EBUSY);
	(void)snprintf(pid, sizeof(pid), "process %d", (int)getpid());
	check_true(lsm_store_said(&s, pid));
	check_true(lsm_store_said(&s, "/mnt/state"));
	lsm_store_fini(&s);
}

static void
lock__the_holder_can_be_asked_for(void **state)
{
	struct lsm_store s;
	char note[64];
	pid_t pid;

	(void)state;
	lsm_store_init(&s);
	check_ok(lsm_holder(s.dir, &pid, note, sizeof(note)));
	check_eq(pid, 0);
	lsm_store_open(&s);
	check_ok(lsm_set_note(s.db, "here"));
	check_ok(lsm_holder(s.dir, &pid, note, sizeof(note)));
	check_eq(pid, getpid());
	check_str(note, "here");
	lsm_store_close(&s);
	check_ok(lsm_holder(s.dir, &pid, note, sizeof(note)));
	check_eq(pid, 0);
	lsm_store_fini(&s);
}

/* In a child: opens the store, says so, and waits to be killed. */
static pid_t
holder_in_a_child(struct lsm_store *s)
{
	int ready[2];
	char byte;
	pid_t pid;

	check_ok(pipe(ready));
	pid = fork();
	check_le(0, pid);
	if (pid == 0) {
		if (lsm_store_try_open(s) == 0)
			(void)!write(ready[1], "", 1);
		(void)close(ready[1]);
		for (;;)
			pause();
	}
	check_ok(close(ready[1]));
	check_eq(read(ready[0], &byte, 1), 1);
	check_ok(close(ready[0]));
	return pid;
}

static void
lock__goes_with_the_death_of_the_process(void **state)
{
	struct lsm_store s;
	pid_t pid, found;
	char note[64];

	(void)state;
	lsm_store_init(&s);
	pid = holder_in_a_child(&s);
	check_err(lsm_store_try_open(&s), -EBUSY);
	check_ok(lsm_holder(s.dir, &found, note, sizeof(note)));
	check_eq(found, pid);
	check_ok(kill(pid, SIGKILL));
	check_eq(waitpid(pid, NULL, 0), pid);
	lsm_store_open(&s);
	lsm_store_fini(&s);
}

static void
lock__a_failed_open_lets_go(void **state)
{
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_fill(&s, 0, 200, 100, 'a');
	lsm_store_close(&s);
	s.fault.reads_fail_at = s.fault.reads + 1;
	check_ne(lsm_store_try_open(&s), 0);
	s.fault.reads_fail_at = 0;
	lsm_store_open(&s);
	lsm_store_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lock__a_second_opener_is_told_who_has_it),
	    cmocka_unit_test(lock__the_holder_can_be_asked_for),
	    cmocka_unit_test(lock__goes_with_the_death_of_the_process),
	    cmocka_unit_test(lock__a_failed_open_lets_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
