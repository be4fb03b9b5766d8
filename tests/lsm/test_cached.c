/* What enters the cache, and what a scan of everything leaves in it. */
#include "tests/support/lsm_store.h"

#include <stdio.h>

/* About 130 tables' worth of blocks, all in tables of the last level. */
static void
cached_open(struct lsm_store *s, size_t cache_bytes)
{
	lsm_store_init(s);
	s->options.cache_bytes = cache_bytes;
	s->options.block_bytes = 1024;
	s->options.compression = LSM_COMPRESSION_NONE;
	lsm_store_open(s);
	lsm_store_fill(s, 0, 10000, 100, 'a');
	check_ok(lsm_compact(s->db, NULL, NULL));
}

/* Lookups in the cache since *before, which becomes now. */
static uint64_t
lookups(struct lsm_store *s, struct lsm_stats *before)
{
	struct lsm_stats now = lsm_store_stats(s);
	uint64_t n = now.cache_hits - before->cache_hits + now.cache_misses -
		     before->cache_misses;

	*before = now;
	return n;
}

static void
get(struct lsm_store *s, unsigned i)
{
	char key[16];

	snprintf(key, sizeof(key), "KEY%06u", i);
	check_true(lsm_store_get(s, key) != NULL);
}

static void
scan(struct lsm_store *s, bool no_fill)
{
	const struct lsm_iter_options o = {.no_fill = no_fill};
	struct lsm_iter *it;
	unsigned n = 0;
	int rc;

	check_ok(lsm_iter_open(s->db, &o, &it));
	for (rc = lsm_iter_first(it); rc == 1; rc = lsm_iter_next(it))
		n++;
	check_ok(rc);
	check_eq(n, 10000);
	lsm_iter_close(it);
}

static void
cached__only_reads_fill(void **state)
{
	struct lsm_stats before = {0};
	struct lsm_store s;

	(void)state;
	cached_open(&s, 8u << 20);
	check_eq(lookups(&s, &before), 0);
	check_eq(before.cache_bytes, 0);
	lsm_store_check(&s);
	scan(&s, true);
	check_eq(lookups(&s, &before), 0);
	check_eq(before.cache_bytes, 0);
	get(&s, 5000);
	check_eq(lookups(&s, &before), 1);
	check_le(1, before.cache_bytes);
	/* The tables that are read and deleted take their blocks along. */
	lsm_store_fill(&s, 0, 10000, 100, 'b');
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_eq(lookups(&s, &before), 0);
	check_eq(before.cache_bytes, 0);
	lsm_store_fini(&s);
}

/* The hot keys' blocks are a third of the cache, the store ten times it. */
static void
cached__scan_leaves_hot_blocks(void **state)
{
	struct lsm_stats before, after;
	struct lsm_store s;

	(void)state;
	cached_open(&s, 128u << 10);
	for (int round = 0; round < 5; round++)
		for (unsigned i = 0; i < 40; i++)
			get(&s, i * 250);
	before = lsm_store_stats(&s);
	for (int round = 0; round < 3; round++) {
		scan(&s, false);
		for (unsigned i = 0; i < 40; i++)
			get(&s, i * 250);
	}
	after = lsm_store_stats(&s);
	check_le(3 * 1000, after.cache_misses - before.cache_misses);
	/* The scans hit them too. */
	check_le(6 * 38, after.cache_hits - before.cache_hits);
	check_le(after.cache_bytes, 128u << 10);
	lsm_store_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(cached__only_reads_fill),
	    cmocka_unit_test(cached__scan_leaves_hot_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
