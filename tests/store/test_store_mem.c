#include "tests/check.h"

#include <errno.h>

#include "tests/support/store_mem.h"

static struct store *s;
static struct store_batch *b;

static int
setup(void **state)
{
	(void)state;
	s = store_mem_new();
	b = store_batch_new(s);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	store_batch_free(b);
	return store_close(s);
}

static void
put(const char *key, const char *value)
{
	check_ok(store_batch_put(b, bytes_str(key), bytes_str(value)));
}

static void
del(const char *key)
{
	check_ok(store_batch_delete(b, bytes_str(key)));
}

static uint64_t
commit(void)
{
	struct store_written done;

	check_ok(store_write(s, b, NULL, &done));
	store_batch_clear(b);
	return done.seq;
}

/* NULL: absent. */
static void
check_get(const char *key, const char *want)
{
	struct store_value v = {0};

	check_eq(store_get(s, bytes_str(key), &v), want != NULL);
	if (want)
		check_bytes_eq(v.bytes, bytes_str(want));
	store_value_release(&v);
	store_value_release(&v);
}

static void
store__batch_is_applied_in_order(void **state)
{
	(void)state;
	put("a", "1");
	put("b", "2");
	del("a");
	put("b", "3");
	check_get("b", NULL);
	commit();
	check_get("a", NULL);
	check_get("b", "3");
	put("a", "");
	del("b");
	commit();
	check_get("a", "");
	check_get("b", NULL);
}

static void
store__numbers_grow_and_sync_reaches_them(void **state)
{
	uint64_t first, second;

	(void)state;
	put("a", "1");
	first = commit();
	put("a", "2");
	second = commit();
	check_true(second > first);
	check_eq(store_seq(s), second);
	check_eq(commit(), second);
	check_true(store_durable_seq(s) < first);
	check_ok(store_sync(s, first));
	check_true(store_durable_seq(s) >= first);
}

static void
store__iterator_sees_its_range_as_it_was(void **state)
{
	struct store_iter *it;

	(void)state;
	put("a", "1");
	put("b", "2");
	put("c", "3");
	put("d", "4");
	commit();
	check_ok(store_iter_open(s, bytes_str("b"), bytes_str("d"), &it));
	del("b");
	put("bb", "5");
	commit();
	check_eq(store_iter_seek(it, bytes_str("")), 1);
	check_bytes_eq(it->key, bytes_str("b"));
	check_bytes_eq(it->value, bytes_str("2"));
	check_eq(store_iter_next(it), 1);
	check_bytes_eq(it->key, bytes_str("c"));
	check_eq(store_iter_next(it), 0);
	check_eq(store_iter_seek(it, bytes_str("bb")), 1);
	check_bytes_eq(it->key, bytes_str("c"));
	check_eq(store_iter_seek(it, bytes_str("cc")), 0);
	store_iter_close(it);
	store_iter_close(NULL);
}

static void
store__ordered_failure_comes_once_and_changes_nothing(void **state)
{
	struct store_written done;

	(void)state;
	put("a", "1");
	commit();
	put("a", "2");
	store_mem_fail(s, STORE_MEM_WRITE, 1, -ENOSPC);
	check_err(store_write(s, b, NULL, &done), -ENOSPC);
	check_true(store_mem_failed(s, STORE_MEM_WRITE));
	check_get("a", "1");
	commit();
	check_get("a", "2");

	store_mem_fail(s, STORE_MEM_GET, 2, -EIO);
	check_get("a", "2");
	check_err(store_get(s, bytes_str("a"), NULL), -EIO);
	check_get("a", "2");
}

static void
store__clone_lives_on_its_own(void **state)
{
	struct store *copy;

	(void)state;
	put("a", "1");
	commit();
	copy = store_mem_clone(s);
	check_true(store_mem_same(s, copy));
	put("a", "2");
	put("b", "2");
	commit();
	check_false(store_mem_same(s, copy));
	check_eq(store_mem_count_tag(s, 'b'), 1);
	check_eq(store_mem_count_tag(copy, 'b'), 0);
	check_ok(store_close(copy));
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    CASE(store__batch_is_applied_in_order),
	    CASE(store__numbers_grow_and_sync_reaches_them),
	    CASE(store__iterator_sees_its_range_as_it_was),
	    CASE(store__ordered_failure_comes_once_and_changes_nothing),
	    CASE(store__clone_lives_on_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
