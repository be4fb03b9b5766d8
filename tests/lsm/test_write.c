#include <stdlib.h>

#include "tests/support/lsm_store.h"

static void
write__one_key_is_read_back(void **state)
{
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	check_eq(lsm_store_put(&s, "a", "1"), 1);
	check_str(lsm_store_get(&s, "a"), "1");
	check_eq(lsm_seq(s.db), 1);
	lsm_store_fini(&s);
}

static void
write__the_newest_value_wins_and_a_delete_hides(void **state)
{
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_put(&s, "a", "1");
	lsm_store_put(&s, "a", "2");
	check_str(lsm_store_get(&s, "a"), "2");
	lsm_store_delete(&s, "a");
	check_true(lsm_store_get(&s, "a") == NULL);
	lsm_store_put(&s, "a", "");
	check_str(lsm_store_get(&s, "a"), "");
	lsm_store_fini(&s);
}

static void
write__an_empty_batch_has_the_present_number(void **state)
{
	struct lsm_batch *b = lsm_batch_new();
	struct lsm_store s;
	uint64_t seq = 99;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	check_ok(lsm_write(s.db, b, &seq));
	check_eq(seq, 0);
	lsm_store_put(&s, "a", "1");
	check_ok(lsm_write(s.db, b, &seq));
	check_eq(seq, 1);
	lsm_batch_free(b);
	lsm_store_fini(&s);
}

static void
write__a_batch_counts_its_operations(void **state)
{
	struct lsm_batch *b = lsm_batch_new();
	struct lsm_store s;
	struct lsm_stats stats;
	uint64_t seq;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	check_ok(lsm_batch_put(b, bytes_str("a"), bytes_str("1")));
	check_ok(lsm_batch_put(b, bytes_str("a"), bytes_str("2")));
	check_ok(lsm_batch_delete(b, bytes_str("b")));
	check_ok(lsm_write(s.db, b, &seq));
	check_eq(seq, 3);
	/* Within a batch, too, what comes later wins. */
	check_str(lsm_store_get(&s, "a"), "2");
	stats = lsm_store_stats(&s);
	check_eq(stats.puts, 2);
	check_eq(stats.deletes, 1);
	check_eq(stats.batches, 1);
	check_eq(stats.bytes_written_user, 5);

	/* It may be used again as it is. */
	check_ok(lsm_write(s.db, b, &seq));
	check_eq(seq, 6);
	lsm_batch_free(b);
	lsm_store_fini(&s);
}

static void
write__the_empty_key_and_the_longest_key_work(void **state)
{
	char *key = malloc(LSM_KEY_MAX + 2);
	struct lsm_store s;

	(void)state;
	check_true(key != NULL);
	memset(key, 'k', LSM_KEY_MAX + 1);
	key[LSM_KEY_MAX + 1] = '\0';
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_put(&s, "", "empty");
	check_true(lsm_store_get(&s, key) == NULL); /* too long to be there */
	key[LSM_KEY_MAX] = '\0';
	lsm_store_put(&s, key, "long");
	check_str(lsm_store_get(&s, key), "long");
	check_str(lsm_store_get(&s, ""), "empty");
	check_ok(lsm_flush(s.db));
	lsm_store_reopen(&s);
	check_str(lsm_store_get(&s, key), "long");
	check_str(lsm_store_get(&s, ""), "empty");
	lsm_store_fini(&s);
	free(key);
}

static void
write__a_value_larger_than_a_memtable_works(void **state)
{
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_fill(&s, 0, 3, 1u << 20, 'a');
	lsm_store_expect(&s, 0, 3, 1u << 20, 'a');
	lsm_store_reopen(&s);
	lsm_store_expect(&s, 0, 3, 1u << 20, 'a');
	lsm_store_fini(&s);
}

static void
write__a_full_disk_fails_the_batch_and_nothing_else(void **state)
{
	struct lsm_store s;
	uint64_t seq = 77;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_put(&s, "a", "1");
	s.fault.space_left = 10;
	check_err(lsm_store_try_put(&s, "b", "2", &seq), -ENOSPC);
	check_eq(seq, 77);
	check_true(lsm_store_get(&s, "b") == NULL);
	check_err(lsm_store_try_put(&s, "b", "2", &seq), -ENOSPC);
	s.fault.space_left = UINT64_MAX;
	check_eq(lsm_store_put(&s, "c", "3"), 2);
	lsm_store_reopen(&s);
	check_str(lsm_store_keys(&s, NULL, false), "a c");
	lsm_store_fini(&s);
}

static void
write__a_failed_write_ends_writing_but_not_reading(void **state)
{
	struct lsm_store s;
	uint64_t seq;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_put(&s, "a", "1");
	env_fault_arm(&s.fault, ENV_FAULT_ERROR, EIO, 1);
	check_err(lsm_store_try_put(&s, "b", "2", &seq), -EIO);
	check_err(lsm_store_try_put(&s, "c", "3", &seq), -EROFS);
	check_err(lsm_flush(s.db), -EROFS);
	check_true(lsm_store_said(&s, "takes no writes until it is opened"));
	check_str(lsm_store_get(&s, "a"), "1");
	check_str(lsm_store_keys(&s, NULL, false), "a");
	lsm_store_reopen(&s);
	check_str(lsm_store_keys(&s, NULL, false), "a");
	lsm_store_put(&s, "d", "4");
	lsm_store_fini(&s);
}

/* Without a system call: with none, and with as many syncs as are asked for. */
static void
write__many_puts_between_syncs_go_through_memory(void **state)
{
	struct lsm_store s;
	uint64_t copied;

	(void)state;
	lsm_store_init(&s);
	s.options.memtable_bytes = 1u << 20;
	lsm_store_open(&s);
	lsm_store_fill(&s, 0, 1000, 100, 'a');
	copied = s.fault.map_writes;
	if (copied == 0)
		check_skip("no mapping on this filesystem");
	check_le(900, copied);
	for (unsigned i = 1000; i < 1100; i++) {
		lsm_store_fill(&s, i, i + 1, 100, 'a');
		check_ok(lsm_sync(s.db, lsm_seq(s.db)));
	}
	/* The first were, and seen not to pay. */
	check_le(s.fault.map_writes, copied + 2);
	lsm_store_reopen(&s);
	lsm_store_expect(&s, 0, 1100, 100, 'a');
	lsm_store_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(write__one_key_is_read_back),
	    cmocka_unit_test(write__the_newest_value_wins_and_a_delete_hides),
	    cmocka_unit_test(write__an_empty_batch_has_the_present_number),
	    cmocka_unit_test(write__a_batch_counts_its_operations),
	    cmocka_unit_test(write__the_empty_key_and_the_longest_key_work),
	    cmocka_unit_test(write__a_value_larger_than_a_memtable_works),
	    cmocka_unit_test(
		write__a_full_disk_fails_the_batch_and_nothing_else),
	    cmocka_unit_test(
		write__a_failed_write_ends_writing_but_not_reading),
	    cmocka_unit_test(write__many_puts_between_syncs_go_through_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
