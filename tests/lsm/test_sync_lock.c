/*
 * What takes long does so without the lock that every sync and every writer in
 * need of a log wants.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "engine/db/db.h"
#include "tests/support/lsm_store.h"

static struct {
	const struct env_ops *base;
	struct lsm_store *store;
	pthread_t leader;
	atomic_bool syncs, end; /* its sync has begun, and may end */
	bool closed, durable, free;
} gone;

static _Thread_local bool leads;

static int
sync_or_wait(struct env_file *f)
{
	if (leads)
		gone.syncs = true;
	while (leads && !gone.end)
		(void)usleep(1000);
	return gone.base->sync(f);
}

/* Whether another thread can have the lock. */
static void *
try_sync_lock(void *arg)
{
	struct lsm *db = gone.store->db;
	bool *free = arg;

	*free = false;
	for (int i = 0; i < 100 && !*free; i++) {
		*free = lock_try(&db->sync_lock);
		if (*free)
			lock_release(&db->sync_lock);
		else
			(void)usleep(1000);
	}
	return NULL;
}

static void
close_seen(struct env_file *f)
{
	pthread_t other;

	if (leads) {
		gone.closed = true;
		gone.durable = lsm_durable_seq(gone.store->db) > 0;
		check_ok(
		    pthread_create(&other, NULL, try_sync_lock, &gone.free));
		check_ok(pthread_join(other, NULL));
	}
	gone.base->close(f);
}

static void *
sync_first(void *arg)
{
	struct lsm_store *s = arg;

	leads = true;
	check_ok(lsm_sync(s->db, 1));
	return NULL;
}

static void
open_seen(struct lsm_store *s)
{
	static struct env_ops ops;

	lsm_store_init(s);
	gone.base = s->posix.ops;
	gone.store = s;
	ops = *s->posix.ops;
	ops.sync = sync_or_wait;
	ops.close = close_seen;
	s->posix.ops = &ops;
	s->options.no_background = false;
	lsm_store_open(s);
}

/* The first log, whose sync waits; the leader has a reference. */
static struct segment *
begin_sync(struct lsm_store *s)
{
	struct segment *first;

	lock_acquire(&s->db->sync_lock);
	first = TAILQ_FIRST(&s->db->segments);
	lock_release(&s->db->sync_lock);
	lsm_store_fill(s, 0, 1, 100, 'a');
	check_ok(pthread_create(&gone.leader, NULL, sync_first, s));
	while (!gone.syncs)
		(void)usleep(1000);
	return first;
}

/* The file has no name any more: to close it frees all of its space. */
static void
sync_lock__is_free_while_a_log_that_is_gone_is_closed(void **state)
{
	struct segment *first;
	struct lsm_store s;
	unsigned n = 1;

	(void)state;
	open_seen(&s);
	first = begin_sync(&s);
	for (; lsm_store_stats(&s).flushes == 0; n++)
		lsm_store_fill(&s, n, n + 1, 100, 'a');
	for (int i = 0; i < 1000 && atomic_load(&first->refs) > 1; i++)
		(void)usleep(10000);
	check_eq(atomic_load(&first->refs), 1);
	gone.end = true;
	check_ok(pthread_join(gone.leader, NULL));
	check_true(gone.closed);
	check_true(gone.durable);
	check_true(gone.free);
	lsm_store_expect(&s, 0, n, 100, 'a');
	lsm_store_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		sync_lock__is_free_while_a_log_that_is_gone_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
