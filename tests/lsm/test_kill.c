/*
 * kill -9 at random moments: a child writes and says over a pipe what was
 * written and what was synced; afterwards the store is in the state after a
 * prefix of its batches that has all of these (the kernel lives on, so what
 * lsm_write has returned is not lost either).
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/lsm_store.h"

#define KEYS 50

static int
write_batch(struct lsm_store *s, uint64_t n)
{
	struct lsm_batch *b = lsm_batch_new();
	uint8_t value[1500];
	char key[16];
	int err;

	if (!b)
		return -ENOMEM;
	memset(value, (int)(n & 0xff), sizeof(value));
	memcpy(value, &n, 8);
	(void)snprintf(key, sizeof(key), "key%02u", (unsigned)(n % KEYS));
	err = lsm_batch_put(b, bytes_str("count"), bytes_of(&n, 8));
	if (!err)
		err = lsm_batch_put(
		    b, bytes_str(key), bytes_of(value, 8 + n % 1490));
	if (!err)
		err = lsm_write(s->db, b, NULL);
	lsm_batch_free(b);
	return err;
}

/* The child: from batch n on, until it is killed. */
static _Noreturn void
write_for_ever(struct lsm_store *s, uint64_t n, int pipe_fd)
{
	if (lsm_store_try_open(s))
		_exit(1);
	for (;; n++) {
		if (write_batch(s, n))
			_exit(2);
		if (n % 100 == 0 && lsm_sync(s->db, UINT64_MAX))
			_exit(3);
		if (write(pipe_fd, &n, 8) != 8)
			_exit(4);
	}
}

/* Reads what the child says for a while, kills it, reads the rest. */
static uint64_t
run_child(struct lsm_store *s, uint64_t n, struct check_rand *r)
{
	uint64_t last = n - 1, wait = 1 + check_rand_below(r, 3000), said;
	int fds[2], status;
	pid_t pid;

	check_ok(pipe(fds));
	pid = fork();
	check_le(0, pid);
	if (pid == 0) {
		(void)close(fds[0]);
		write_for_ever(s, n, fds[1]);
	}
	check_ok(close(fds[1]));
	while (wait-- > 0 && read(fds[0], &said, 8) == 8)
		last = said;
	check_ok(kill(pid, SIGKILL));
	while (read(fds[0], &said, 8) == 8)
		last = said;
	check_ok(close(fds[0]));
	check_eq(waitpid(pid, &status, 0), pid);
	check_true(WIFSIGNALED(status));
	return last;
}

static void
check_key(struct lsm_store *s, uint64_t n, uint64_t i)
{
	uint64_t want = n / KEYS * KEYS + i, found = 0;
	struct lsm_value value;
	char key[16];
	int rc;

	if (want > n)
		want = want >= KEYS ? want - KEYS : 0;
	(void)snprintf(key, sizeof(key), "key%02u", (unsigned)i);
	rc = lsm_get(s->db, NULL, bytes_str(key), &value);
	check_le(0, rc);
	if (rc > 0) {
		memcpy(&found, value.bytes.data, 8);
		check_eq(value.bytes.size, 8 + found % 1490);
		lsm_value_release(&value);
	}
	check_eq(found, want);
}

/* The batches that are there. */
static uint64_t
check_state(struct lsm_store *s)
{
	struct lsm_value value;
	uint64_t n = 0;

	if (lsm_get(s->db, NULL, bytes_str("count"), &value) > 0) {
		memcpy(&n, value.bytes.data, 8);
		lsm_value_release(&value);
	}
	for (uint64_t i = 0; i < KEYS; i++)
		check_key(s, n, i);
	lsm_store_check(s);
	return n;
}

static void
kill_and_look(size_t value_log_bytes)
{
	struct check_rand r = check_rand_of(check_seed());
	unsigned rounds = check_long() ? 300 : 15;
	struct lsm_store s;
	uint64_t n = 0;

	lsm_store_init(&s);
	s.options.no_background = false;
	s.options.value_log_bytes = value_log_bytes;
	for (unsigned i = 0; i < rounds; i++) {
		uint64_t said = run_child(&s, n + 1, &r);

		lsm_store_open(&s);
		n = check_state(&s);
		check_le(said, n);
		check_le(n, said + 1);
		lsm_store_close(&s);
	}
	check_le(rounds, n);
	lsm_store_fini(&s);
}

static void
kill__loses_nothing_that_was_written(void **state)
{
	(void)state;
	kill_and_look(0);
}

static void
kill__loses_no_large_values(void **state)
{
	(void)state;
	kill_and_look(100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(kill__loses_nothing_that_was_written),
	    cmocka_unit_test(kill__loses_no_large_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
