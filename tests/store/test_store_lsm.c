#include "tests/check.h"

#include <errno.h>

#include "engine/lsm.h"
#include "fs/store/store_lsm.h"

static const char *dir;
static struct store *s;

static void
on_finding(void *ctx, const char *text)
{
	(void)ctx;
	check_fail("%s", text);
}

static void
open_store(void)
{
	struct lsm_options o;

	lsm_options_init(&o);
	o.create = true;
	check_ok(store_lsm_open(dir, &o, &s));
}

static int
setup(void **state)
{
	(void)state;
	dir = check_tmpdir();
	open_store();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	check_ok(store_close(s));
	check_rmtree(dir);
	return 0;
}

/* value NULL: delete. */
static uint64_t
put(const char *key, const char *value)
{
	struct store_written done;
	struct store_batch *b = store_batch_new(s);

	check_true(b != NULL);
	if (value)
		check_ok(store_batch_put(b, bytes_str(key), bytes_str(value)));
	else
		check_ok(store_batch_delete(b, bytes_str(key)));
	check_true(store_batch_bytes(b) > 0);
	check_ok(store_write(s, b, NULL, &done));
	store_batch_free(b);
	return done.seq;
}

/* want NULL: absent. */
static void
check_get(const char *key, const char *want)
{
	struct store_value v = {0};

	check_eq(store_get(s, bytes_str(key), &v), want != NULL);
	if (want)
		check_bytes_eq(v.bytes, bytes_str(want));
	store_value_release(&v);
}

static void
store_lsm__values_survive_reopening(void **state)
{
	(void)state;
	put("a", "1");
	put("b", "");
	put("c", "3");
	put("c", NULL);
	check_ok(store_close(s));
	open_store();
	check_get("a", "1");
	check_get("b", "");
	check_get("c", NULL);
	check_ok(store_compact(s));
	check_eq(store_check(s, on_finding, NULL), 0);
	check_get("a", "1");
	check_get("c", NULL);
}

static void
store_lsm__cleared_batch_is_used_again(void **state)
{
	struct store_written done;
	struct store_batch *b = store_batch_new(s);
	uint8_t *room;

	(void)state;
	check_true(b != NULL);
	check_ok(store_batch_put(b, bytes_str("a"), bytes_str("1")));
	store_batch_clear(b);
	check_ok(store_batch_put_room(b, bytes_str("b"), 3, &room));
	memcpy(room, "xyz", 3);
	check_ok(store_write(s, b, NULL, &done));
	store_batch_free(b);
	check_get("a", NULL);
	check_get("b", "xyz");
}

static void
store_lsm__sync_makes_durable(void **state)
{
	uint64_t seq = put("a", "1");

	(void)state;
	check_le(seq, store_seq(s));
	check_ok(store_sync(s, seq));
	check_le(seq, store_durable_seq(s));
	check_ok(store_failure(s));
}

static void
store_lsm__iterator_stays_in_its_range_as_it_was(void **state)
{
	struct store_iter *it;

	(void)state;
	put("a", "1");
	put("b", "2");
	put("c", "3");
	put("d", "4");
	check_ok(store_iter_open(s, bytes_str("b"), bytes_str("d"), &it));
	put("bb", "5");
	check_eq(store_iter_seek(it, bytes_str("b")), 1);
	check_bytes_eq(it->key, bytes_str("b"));
	check_bytes_eq(it->value, bytes_str("2"));
	check_eq(store_iter_next(it), 1);
	check_bytes_eq(it->key, bytes_str("c"));
	check_eq(store_iter_next(it), 0);
	store_iter_close(it);

	check_ok(
	    store_iter_open_keys(s, bytes_str("c"), bytes_of(NULL, 0), &it));
	check_eq(store_iter_seek(it, bytes_str("")), 1);
	check_bytes_eq(it->key, bytes_str("c"));
	check_eq(it->value.size, 0);
	check_eq(store_iter_next(it), 1);
	check_bytes_eq(it->key, bytes_str("d"));
	check_eq(store_iter_next(it), 0);
	store_iter_close(it);
}

static void
store_lsm__second_opener_is_refused(void **state)
{
	struct lsm_options o;
	struct store *other = NULL;

	(void)state;
	lsm_options_init(&o);
	check_err(store_lsm_open(dir, &o, &other), -EBUSY);
	check_true(other == NULL);
}

static void
store_lsm__tells_space_and_counts(void **state)
{
	uint64_t free_bytes = 0, total_bytes = 0;
	struct buf text = {0};

	(void)state;
	put("a", "1");
	put("b", "2");
	check_ok(store_space(s, &free_bytes, &total_bytes));
	check_true(total_bytes > 0);
	check_le(free_bytes, total_bytes);
	check_ok(store_stats(s, &text));
	check_ok(buf_append_u8(&text, 0));
	check_contains((const char *)text.data, "puts 2\n");
	check_contains((const char *)text.data, "level_0_tables ");
	check_true(store_lsm_engine(s) != NULL);
	buf_fini(&text);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    CASE(store_lsm__values_survive_reopening),
	    CASE(store_lsm__cleared_batch_is_used_again),
	    CASE(store_lsm__sync_makes_durable),
	    CASE(store_lsm__iterator_stays_in_its_range_as_it_was),
	    CASE(store_lsm__second_opener_is_refused),
	    CASE(store_lsm__tells_space_and_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
