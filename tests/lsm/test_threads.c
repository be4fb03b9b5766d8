/*
 * Writers, readers, iterators and snapshots at the same time.
 *
 * Each writer has a prefix of its own.  Its batch n writes n under all of its
 * KEYS keys, so that whoever sees two different numbers under one prefix has
 * seen half a batch, and whoever sees a smaller number than before has gone
 * back in time.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "tests/support/lsm_store.h"

#define WRITERS 4
#define KEYS    5
#define BATCHES 300

static struct lsm_store store;
static atomic_bool stop;
static _Atomic uint64_t written[WRITERS]; /* returned by lsm_write */

static struct bytes
make_key(char key[16], unsigned writer, unsigned i)
{
	(void)snprintf(key, 16, "%u-%02u", writer, i);
	return bytes_str(key);
}

static struct bytes
make_value(uint8_t value[200], uint64_t n)
{
	memset(value, (int)(n & 0xff), 200);
	memcpy(value, &n, 8);
	return bytes_of(value, 8 + n % 190);
}

static uint64_t
number_in(struct bytes value)
{
	uint8_t want[200];
	uint64_t n;

	check_le(8, value.size);
	memcpy(&n, value.data, 8);
	check_bytes_eq(value, make_value(want, n));
	return n;
}

static void *
writer(void *arg)
{
	unsigned me = *(unsigned *)arg;
	struct lsm_batch *b = lsm_batch_new();
	uint8_t value[200];
	char key[16];
	uint64_t seq;

	check_true(b != NULL);
	for (uint64_t n = 1; n <= BATCHES; n++) {
		lsm_batch_clear(b);
		for (unsigned i = 0; i < KEYS; i++)
			check_ok(lsm_batch_put(
			    b, make_key(key, me, i), make_value(value, n)));
		check_ok(lsm_write(store.db, b, &seq));
		atomic_store(&written[me], n);
		if (n % 50 == 0)
			check_ok(lsm_sync(store.db, seq));
	}
	lsm_batch_free(b);
	return NULL;
}

/* The number under a key, 0 if there is none. */
static uint64_t
look_up(const struct lsm_snapshot *at, unsigned w, unsigned i)
{
	struct lsm_value value;
	char key[16];
	uint64_t n = 0;
	int rc = lsm_get(store.db, at, make_key(key, w, i), &value);

	check_le(0, rc);
	if (rc > 0) {
		n = number_in(value.bytes);
		lsm_value_release(&value);
	}
	return n;
}

static void *
reader(void *arg)
{
	uint64_t seen[WRITERS][KEYS] = {0};

	(void)arg;
	while (!atomic_load(&stop))
		for (unsigned w = 0; w < WRITERS; w++)
			for (unsigned i = 0; i < KEYS; i++) {
				uint64_t done = atomic_load(&written[w]);
				uint64_t n = look_up(NULL, w, i);

				check_le(done, n);
				check_le(seen[w][i], n);
				seen[w][i] = n;
			}
	return NULL;
}

static void
walk(struct lsm_iter *it, bool back)
{
	uint64_t numbers[WRITERS] = {0};
	unsigned counts[WRITERS] = {0};
	int rc = back ? lsm_iter_last(it) : lsm_iter_first(it);

	for (; rc > 0; rc = back ? lsm_iter_prev(it) : lsm_iter_next(it)) {
		unsigned w = (unsigned)(lsm_iter_key(it).data[0] - '0');
		uint64_t n = number_in(lsm_iter_value(it));

		check_le(w, WRITERS - 1);
		check_true(counts[w] == 0 || numbers[w] == n);
		numbers[w] = n;
		counts[w]++;
	}
	check_eq(rc, 0);
	for (unsigned w = 0; w < WRITERS; w++)
		check_true(counts[w] == 0 || counts[w] == KEYS);
}

static void *
lister(void *arg)
{
	struct lsm_iter *it;

	(void)arg;
	while (!atomic_load(&stop)) {
		check_ok(lsm_iter_open(store.db, NULL, &it));
		walk(it, false);
		walk(it, true);
		lsm_iter_close(it);
	}
	return NULL;
}

static void *
snapshotter(void *arg)
{
	struct lsm_iter_options o = {0};
	struct lsm_snapshot *s;
	struct lsm_iter *it;

	(void)arg;
	while (!atomic_load(&stop)) {
		uint64_t n;

		check_ok(lsm_snapshot_open(store.db, &s));
		n = look_up(s, 1, 0);
		for (unsigned i = 1; i < KEYS; i++)
			check_eq(look_up(s, 1, i), n);
		o.snapshot = s;
		check_ok(lsm_iter_open(store.db, &o, &it));
		walk(it, false);
		lsm_iter_close(it);
		check_eq(look_up(s, 1, KEYS - 1), n);
		lsm_snapshot_close(store.db, s);
	}
	return NULL;
}

static void *
keeper(void *arg)
{
	struct lsm_stats stats;

	(void)arg;
	while (!atomic_load(&stop)) {
		check_ok(lsm_flush(store.db));
		check_ok(lsm_compact(store.db, NULL, NULL));
		lsm_stats(store.db, &stats);
		check_le(stats.durable_seq, stats.seq);
		lsm_store_check(&store);
	}
	return NULL;
}

static void
run(bool no_background, size_t value_log_bytes)
{
	void *(*const others[])(void *) = {
	    reader, reader, lister, snapshotter, keeper};
	pthread_t writers[WRITERS], threads[5];
	unsigned ids[WRITERS];

	lsm_store_init(&store);
	store.options.no_background = no_background;
	store.options.value_log_bytes = value_log_bytes;
	lsm_store_open(&store);
	atomic_store(&stop, false);
	for (unsigned i = 0; i < WRITERS; i++) {
		ids[i] = i;
		atomic_store(&written[i], 0);
		check_ok(pthread_create(&writers[i], NULL, writer, &ids[i]));
	}
	for (unsigned i = 0; i < 5; i++)
		check_ok(pthread_create(&threads[i], NULL, others[i], NULL));
	for (unsigned i = 0; i < WRITERS; i++)
		check_ok(pthread_join(writers[i], NULL));
	atomic_store(&stop, true);
	for (unsigned i = 0; i < 5; i++)
		check_ok(pthread_join(threads[i], NULL));
	lsm_store_reopen(&store);
	for (unsigned w = 0; w < WRITERS; w++)
		for (unsigned i = 0; i < KEYS; i++)
			check_eq(look_up(NULL, w, i), BATCHES);
	check_eq(lsm_seq(store.db), WRITERS * BATCHES * KEYS);
	lsm_store_check(&store);
	lsm_store_fini(&store);
}

static void
threads__with_background_jobs(void **state)
{
	(void)state;
	run(false, 0);
}

static void
threads__doing_the_jobs_themselves(void **state)
{
	(void)state;
	run(true, 0);
}

static void
threads__with_large_values(void **state)
{
	(void)state;
	run(false, 1);
	run(false, 150);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(threads__with_background_jobs),
	    cmocka_unit_test(threads__doing_the_jobs_themselves),
	    cmocka_unit_test(threads__with_large_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
