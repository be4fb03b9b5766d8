#include <stdio.h>

#include "engine/lsm.h"
#include "engine/os/env.h"
#include "tests/check.h"
#include "tests/support/small_store.h"

#define DISK     (64u << 20)
#define MEMTABLE (512u << 10)
#define SMALLEST (256u << 10)
#define VALUE    900

static void
begin(struct small_store *f)
{
	small_store_init(f, SMALL_DISK_COUNTED, DISK, MEMTABLE);
	small_store_close(f);
	f->options.no_background = true;
	small_store_open(f);
}

/* Of values that compression does not make smaller. */
static void
put_to(struct small_store *f, unsigned bytes)
{
	uint8_t value[VALUE];

	for (; f->count < bytes / VALUE; f->count++) {
		struct check_rand r = check_rand_of(f->count);

		check_rand_fill(&r, value, sizeof(value));
		lsm_batch_clear(f->batch);
		check_ok(lsm_batch_put(f->batch, small_store_key(f->count),
		    bytes_of(value, sizeof(value))));
		check_ok(lsm_write(f->db, f->batch, NULL));
	}
}

/* In tables. */
static void
grow_to(struct small_store *f, unsigned bytes)
{
	put_to(f, bytes);
	check_ok(lsm_flush(f->db));
}

static void
remove_all(struct small_store *f)
{
	lsm_batch_clear(f->batch);
	check_ok(lsm_batch_delete_range(
	    f->batch, bytes_str("key"), bytes_str("kez")));
	check_ok(lsm_write(f->db, f->batch, NULL));
	check_ok(lsm_compact(f->db, NULL, NULL));
}

static void
check_between(uint64_t low, uint64_t n, uint64_t high)
{
	check_le(low, n);
	check_le(n, high);
}

/* --- cases ---------------------------------------------------------------- */

static void
reserve__grows_with_the_store(void **state)
{
	struct small_store f;

	(void)state;
	begin(&f);
	check_eq(small_store_held(&f), 0);
	grow_to(&f, 10u << 10);
	check_eq(small_store_held(&f), SMALLEST);
	/* As much as there is, and a 16th ... */
	grow_to(&f, 400u << 10);
	check_between(400u << 10, small_store_held(&f), 600u << 10);
	/* ... up to a memtable, and a 16th. */
	grow_to(&f, 8u << 20);
	check_between(MEMTABLE + (8u << 20) / 16, small_store_held(&f),
	    MEMTABLE + (9u << 20) / 16);
	small_store_fini(&f);
}

/* What is not in tables yet has to be deleted in the same way. */
static void
reserve__grows_with_the_log(void **state)
{
	struct small_store f;

	(void)state;
	begin(&f);
	put_to(&f, 50u << 10);
	check_eq(small_store_held(&f), 0);
	put_to(&f, 450u << 10);
	check_between(400u << 10, small_store_held(&f), 550u << 10);
	small_store_fini(&f);
}

static void
reserve__does_not_grow_above_8_memtables(void **state)
{
	struct small_store f;

	(void)state;
	begin(&f);
	small_store_close(&f);
	f.options.memtable_bytes = 64u << 10;
	small_store_open(&f);
	grow_to(&f, 12u << 20);
	check_eq(small_store_held(&f), 8 * (64u << 10));
	small_store_fini(&f);
}

static void
reserve__is_no_more_than_a_16th_of_the_disk(void **state)
{
	struct small_store f;

	(void)state;
	begin(&f);
	f.disk.bytes = 8u << 20;
	grow_to(&f, 3u << 20);
	check_eq(small_store_held(&f), (8u << 20) / 16);
	small_store_fini(&f);
}

static void
reserve__shrinks_with_the_store(void **state)
{
	struct small_store f;
	uint64_t most;

	(void)state;
	begin(&f);
	grow_to(&f, 8u << 20);
	most = small_store_held(&f);
	/* A little less makes no difference. */
	lsm_batch_clear(f.batch);
	check_ok(lsm_batch_delete_range(
	    f.batch, bytes_str("key000000"), bytes_str("key001000")));
	check_ok(lsm_write(f.db, f.batch, NULL));
	check_ok(lsm_compact(f.db, NULL, NULL));
	check_eq(small_store_held(&f), most);
	remove_all(&f);
	check_eq(small_store_held(&f), SMALLEST);
	small_store_fini(&f);
}

static void
reserve__of_a_closed_store_is_that_of_a_large_one(void **state)
{
	struct small_store f;
	uint64_t before;

	(void)state;
	begin(&f);
	grow_to(&f, 2u << 20);
	check_le(1, small_store_held(&f));
	small_store_close(&f);
	check_eq(small_store_held(&f), 0);
	small_store_open(&f);
	check_eq(small_store_held(&f), 0);
	grow_to(&f, 20u << 20);
	before = small_store_held(&f);
	check_le(1u << 20, before);
	small_store_close(&f);
	check_eq(small_store_held(&f), before);
	small_store_open(&f);
	check_eq(small_store_held(&f), before);
	remove_all(&f);
	check_eq(small_store_held(&f), SMALLEST);
	small_store_fini(&f);
}

/* What a crash, or another release, has left of it. */
static void
reserve__is_brought_to_size_at_open(void **state)
{
	static const unsigned left[] = {0, 1, 4096, 700u << 10, 30u << 20};
	struct small_store f;
	uint64_t whole;
	char path[4096];

	(void)state;
	begin(&f);
	grow_to(&f, 20u << 20);
	whole = small_store_held(&f);
	(void)snprintf(path, sizeof(path), "%s/RESERVE", f.disk.dir);
	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
		struct env_file *file;

		small_store_close(&f);
		check_ok(env_open(&f.disk.env, path, ENV_OPEN_WRITE, &file));
		check_ok(env_truncate(file, left[i]));
		env_close(file);
		small_store_open(&f);
		/* Less what the log has had. */
		check_between(
		    whole - MEMTABLE / 8, small_store_held(&f), whole);
	}
	small_store_fini(&f);
}

/* As a filesystem that finds out in the middle. */
static int
allocate_a_part(struct env_file *file, uint64_t size)
{
	uint64_t had;

	check_ok(env_size(file, &had));
	if (size <= had)
		return 0;
	check_ok(env_truncate(file, had + (size - had) / 2));
	return -ENOSPC;
}

static void
reserve__that_cannot_grow_is_kept(void **state)
{
	int (*allocate)(struct env_file *, uint64_t);
	struct small_store f;
	uint64_t before;

	(void)state;
	begin(&f);
	allocate = f.disk.ops.allocate;
	f.disk.ops.allocate = allocate_a_part;
	grow_to(&f, 100u << 10);
	check_eq(small_store_held(&f), 0);
	f.disk.ops.allocate = allocate;
	grow_to(&f, 5u << 20);
	before = small_store_held(&f);
	check_le(MEMTABLE, before);
	f.disk.ops.allocate = allocate_a_part;
	grow_to(&f, 20u << 20);
	check_eq(small_store_held(&f), before);
	/* It is large: the file stays. */
	small_store_reopen(&f);
	check_eq(small_store_held(&f), before);
	f.disk.ops.allocate = allocate;
	grow_to(&f, 21u << 20);
	check_le(before + (14u << 20) / 16, small_store_held(&f));
	small_store_fini(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reserve__grows_with_the_store),
	    cmocka_unit_test(reserve__grows_with_the_log),
	    cmocka_unit_test(reserve__does_not_grow_above_8_memtables),
	    cmocka_unit_test(reserve__is_no_more_than_a_16th_of_the_disk),
	    cmocka_unit_test(reserve__shrinks_with_the_store),
	    cmocka_unit_test(reserve__of_a_closed_store_is_that_of_a_large_one),
	    cmocka_unit_test(reserve__is_brought_to_size_at_open),
	    cmocka_unit_test(reserve__that_cannot_grow_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
