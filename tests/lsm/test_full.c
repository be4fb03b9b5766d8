#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "engine/lsm.h"
#include "engine/os/env.h"
#include "tests/check.h"
#include "tests/support/small_store.h"

#define DISK      (16u << 20)
#define MEMTABLE  (128u << 10)
#define SMALLEST  (256u << 10) /* reserve */
#define WAIT_MS   20000        /* for puts, after the last delete */
#define VALUE_MAX 3000

static void
begin(struct small_store *f, enum small_disk_kind kind)
{
	small_store_init(f, kind, DISK, MEMTABLE);
}

/* Nothing that compression could make smaller; one in eight is large enough
 * for the log to keep it. */
static struct bytes
value_of(unsigned i)
{
	static uint8_t data[VALUE_MAX];
	size_t size = i % 8 == 0 ? sizeof(data) : 300;
	struct check_rand r = check_rand_of(i);

	check_rand_fill(&r, data, size);
	return bytes_of(data, size);
}

/* The i-th key, with the value of another one. */
static int
put_as(struct small_store *f, unsigned i, unsigned other)
{
	lsm_batch_clear(f->batch);
	check_ok(lsm_batch_put(f->batch, small_store_key(i), value_of(other)));
	return lsm_write(f->db, f->batch, NULL);
}

static int
put(struct small_store *f, unsigned i)
{
	return put_as(f, i, i);
}

/* As the removal of a file: the name, and the times of its directory. */
static int
remove_key(struct small_store *f, unsigned i)
{
	lsm_batch_clear(f->batch);
	check_ok(lsm_batch_delete(f->batch, small_store_key(i)));
	check_ok(lsm_batch_put(
	    f->batch, bytes_str("directory"), bytes_str("its times")));
	return lsm_write(f->db, f->batch, NULL);
}

static void
fill(struct small_store *f)
{
	int err;

	while (!(err = put(f, f->count)))
		f->count++;
	check_err(err, -ENOSPC);
}

static bool
has(struct small_store *f, unsigned i)
{
	struct lsm_value v;
	int rc = lsm_get(f->db, NULL, small_store_key(i), &v);

	check_true(rc >= 0);
	if (rc == 0)
		return false;
	check_bytes_eq(v.bytes, value_of(i));
	lsm_value_release(&v);
	return true;
}

/* Those below count that leave a rest if divided by step. */
static void
check_has(struct small_store *f, unsigned step)
{
	for (unsigned i = 0; i < f->count; i++)
		check_eq(has(f, i), step == 0 || i % step != 0);
	check_false(has(f, f->count));
}

/* A compaction that will not fit either may have the space for a moment: that
 * is not the deletes' concern. */
static void
remove_half(struct small_store *f)
{
	for (unsigned i = 0; i < f->count; i += 2)
		check_ok(remove_key(f, i));
}

static bool
has_reserve(struct small_store *f)
{
	return small_store_held(f) > 0;
}

/* Until nothing is done in the background. */
static void
settle(struct small_store *f)
{
	struct lsm_stats before, now;

	lsm_stats(f->db, &now);
	do {
		before = now;
		usleep(30000);
		lsm_stats(f->db, &now);
	} while (now.memtables > 1 || now.flushes != before.flushes ||
		 now.compactions != before.compactions);
}

/* Nobody has to reopen the store. */
static void
goes_on(struct small_store *f, unsigned more)
{
	int err = 0;

	for (unsigned waits = 0; waits < WAIT_MS && more > 0; waits++) {
		while (more > 0 && !(err = put(f, f->count))) {
			f->count++;
			more--;
		}
		if (more == 0)
			break;
		check_err(err, -ENOSPC);
		usleep(1000);
	}
	check_ok(err);
	check_eq(more, 0);
}

/* --- cases ---------------------------------------------------------------- */

static void
can_be_emptied(enum small_disk_kind kind)
{
	struct small_store f;
	unsigned count;

	begin(&f, kind);
	fill(&f);
	check_le(3000, f.count);
	check_has(&f, 0);
	remove_half(&f);
	check_ok(lsm_compact(f.db, NULL, NULL));
	check_has(&f, 2);
	count = f.count;
	goes_on(&f, count / 5);
	check_true(has(&f, count) && has(&f, f.count - 1));
	check_false(has(&f, 0));
	small_store_reopen(&f);
	check_true(has(&f, 1) && has(&f, count) && has(&f, f.count - 1));
	check_false(has(&f, 0));
	small_store_fini(&f);
}

/* Refused puts have the deletes flushed, and compacted. */
static void
empties_by_itself(enum small_disk_kind kind)
{
	struct small_store f;

	begin(&f, kind);
	fill(&f);
	remove_half(&f);
	goes_on(&f, 100);
	check_true(has(&f, 1) && has(&f, f.count - 1));
	check_false(has(&f, 0));
	small_store_fini(&f);
}

/* Nothing is deleted; and what was closed is emptied on a full disk. */
static void
others_make_space(enum small_disk_kind kind)
{
	struct small_store f;

	begin(&f, kind);
	for (; f.count < 16000; f.count++)
		check_ok(put(&f, f.count));
	small_disk_occupy(&f.disk, 1u << 20);
	fill(&f);
	check_has(&f, 0);
	small_disk_vacate(&f.disk);
	goes_on(&f, 500);
	check_has(&f, 0);
	/* Opened on a full disk. */
	small_store_close(&f);
	small_disk_occupy(&f.disk, 0);
	small_store_open(&f);
	check_false(has_reserve(&f));
	check_err(put(&f, f.count), -ENOSPC);
	check_has(&f, 0);
	remove_half(&f);
	check_has(&f, 2);
	small_disk_vacate(&f.disk);
	goes_on(&f, 10);
	small_store_fini(&f);
}

static void
keeps_a_reserve_if_large(enum small_disk_kind kind)
{
	struct small_store f;

	begin(&f, kind);
	check_false(has_reserve(&f));
	for (; f.count < 1000; f.count++)
		check_ok(put(&f, f.count));
	check_ok(lsm_flush(f.db));
	check_true(has_reserve(&f));
	small_store_close(&f);
	check_false(has_reserve(&f));
	small_store_open(&f);
	check_false(has_reserve(&f));
	for (; f.count < 16000; f.count++)
		check_ok(put(&f, f.count));
	small_store_close(&f);
	check_true(has_reserve(&f));
	/* A crash may have left any part of it. */
	small_store_open(&f);
	check_true(has_reserve(&f));
	small_store_fini(&f);
}

#define TABLES 16
#define KEYS   150 /* about a memtable */
#define MORE   10

/* One table at level 0: what was right until the next one comes. */
static void
flush_table(struct small_store *f, unsigned i)
{
	for (; f->count < (i + 1) * KEYS; f->count++)
		check_ok(put(f, f->count));
	for (unsigned more = 0; more < MORE; more++)
		check_ok(put_as(f, f->count + more, i));
	check_ok(lsm_flush(f->db));
}

static void
level0_goes_down_in_parts(bool onto_others)
{
	struct small_store f;
	struct lsm_stats stats;

	begin(&f, SMALL_DISK_COUNTED);
	f.options.no_background = true;
	f.options.level0_tables = 2 * TABLES;
	small_store_reopen(&f);
	for (unsigned i = 0; onto_others && i < TABLES * KEYS; i++)
		check_ok(put_as(&f, i, i + 1));
	check_ok(lsm_compact(f.db, NULL, NULL));
	for (unsigned i = 0; i < TABLES; i++)
		flush_table(&f, i);
	lsm_stats(f.db, &stats);
	check_eq(stats.level_tables[0], TABLES);
	small_disk_occupy(&f.disk, 100u << 10);
	check_ok(lsm_compact(f.db, NULL, NULL));
	lsm_stats(f.db, &stats);
	check_eq(stats.level_tables[0], 0);
	for (unsigned more = 0; more < MORE; more++)
		check_ok(remove_key(&f, f.count + more));
	check_has(&f, 0);
	small_store_reopen(&f);
	check_has(&f, 0);
	small_store_fini(&f);
}

static void
full__level_0_goes_down_in_parts(void **state)
{
	(void)state;
	level0_goes_down_in_parts(false);
	level0_goes_down_in_parts(true);
}

static ssize_t (*pwrite_any)(struct env_file *, const void *, size_t, uint64_t);
static atomic_bool no_table_fits;

static ssize_t
pwrite_what_fits(struct env_file *f, const void *data, size_t size, uint64_t at)
{
	if (atomic_load(&no_table_fits) && strstr(f->path, ".sst"))
		return -ENOSPC;
	return pwrite_any(f, data, size, at);
}

/* A flush is waited for, and fails, again and again. */
static void
full__no_table_fits(void **state)
{
	struct small_store f;
	unsigned i = 0;
	int err;

	(void)state;
	begin(&f, SMALL_DISK_COUNTED);
	small_store_close(&f);
	pwrite_any = f.disk.ops.pwrite;
	f.disk.ops.pwrite = pwrite_what_fits;
	small_store_open(&f);
	for (; f.count < 1000; f.count++)
		check_ok(put(&f, f.count));
	atomic_store(&no_table_fits, true);
	while (!(err = put(&f, f.count)))
		f.count++;
	check_err(err, -ENOSPC);
	while (i < f.count && !(err = remove_key(&f, i)))
		i++;
	check_err(err, -ENOSPC);
	atomic_store(&no_table_fits, false);
	for (; i < f.count; i++)
		check_ok(remove_key(&f, i));
	goes_on(&f, 100);
	small_store_fini(&f);
}

static int
sync_nothing(struct env_file *f)
{
	(void)f;
	return -EIO;
}

/* To make space would not help. */
static void
full__a_log_that_failed_is_not_told_as_a_full_disk(void **state)
{
	struct small_store f;

	(void)state;
	begin(&f, SMALL_DISK_COUNTED);
	fill(&f);
	f.disk.ops.sync = sync_nothing;
	check_ok(remove_key(&f, 0));
	check_err(lsm_sync(f.db, lsm_seq(f.db)), -EIO);
	check_err(put(&f, 0), -EROFS);
	check_err(remove_key(&f, 1), -EROFS);
	check_err(lsm_close(f.db), -EIO);
	f.disk.ops.sync = f.disk.base->sync;
	small_store_open(&f);
	for (unsigned i = 1; i < f.count; i++)
		check_true(has(&f, i));
	small_store_fini(&f);
}

/* Others fill the disk beside a store of so many keys, which has had time to
 * make its reserve.  All goes, key by key, a few rounds through. */
static void
can_be_emptied_of(
    enum small_disk_kind kind, unsigned keys, unsigned rounds, bool flushed)
{
	struct small_store f;
	unsigned count;

	begin(&f, kind);
	for (; f.count < keys; f.count++)
		check_ok(put(&f, f.count));
	if (flushed)
		check_ok(lsm_flush(f.db));
	settle(&f);
	check_le(SMALLEST, small_store_held(&f));
	small_disk_occupy(&f.disk, 100u << 10);
	fill(&f);
	count = f.count;
	for (unsigned from = 0; from < rounds; from++)
		for (unsigned i = from; i < count; i += rounds)
			check_ok(remove_key(&f, i));
	for (unsigned i = 0; i < count; i++)
		check_false(has(&f, i));
	check_ok(lsm_compact(f.db, NULL, NULL));
	goes_on(&f, count / 2);
	small_store_fini(&f);
}

static void
can_be_emptied_at_any_size(enum small_disk_kind kind)
{
	for (unsigned keys = 200; keys < 20000; keys *= 2)
		for (unsigned rounds = 1; rounds < 10; rounds += 7) {
			can_be_emptied_of(kind, keys, rounds, false);
			can_be_emptied_of(kind, keys, rounds, true);
		}
}

/* The reserve is a 60th of the store. */
static void
can_be_emptied_with_little(enum small_disk_kind kind)
{
	struct small_store f;
	unsigned count;

	small_store_init(&f, kind, DISK, 32u << 10);
	fill(&f);
	count = f.count;
	check_le(20000, count);
	remove_half(&f);
	check_has(&f, 2);
	goes_on(&f, count / 5);
	for (unsigned i = 0; i < f.count; i++)
		check_ok(remove_key(&f, i));
	goes_on(&f, count / 2);
	small_store_fini(&f);
}

#define BOTH(name)                                      \
	static void full__##name(void **state)          \
	{                                               \
		(void)state;                            \
		name(SMALL_DISK_COUNTED);               \
	}                                               \
	static void full__##name##_really(void **state) \
	{                                               \
		(void)state;                            \
		name(SMALL_DISK_REAL);                  \
	}

BOTH(can_be_emptied)
BOTH(empties_by_itself)
BOTH(can_be_emptied_at_any_size)
BOTH(can_be_emptied_with_little)
BOTH(others_make_space)
BOTH(keeps_a_reserve_if_large)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(full__can_be_emptied),
	    cmocka_unit_test(full__can_be_emptied_really),
	    cmocka_unit_test(full__empties_by_itself),
	    cmocka_unit_test(full__empties_by_itself_really),
	    cmocka_unit_test(full__level_0_goes_down_in_parts),
	    cmocka_unit_test(full__no_table_fits),
	    cmocka_unit_test(
		full__a_log_that_failed_is_not_told_as_a_full_disk),
	    cmocka_unit_test(full__can_be_emptied_at_any_size),
	    cmocka_unit_test(full__can_be_emptied_at_any_size_really),
	    cmocka_unit_test(full__can_be_emptied_with_little),
	    cmocka_unit_test(full__can_be_emptied_with_little_really),
	    cmocka_unit_test(full__others_make_space),
	    cmocka_unit_test(full__others_make_space_really),
	    cmocka_unit_test(full__keeps_a_reserve_if_large),
	    cmocka_unit_test(full__keeps_a_reserve_if_large_really),
	};

	small_disk_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
