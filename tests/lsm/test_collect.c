/*
 * Garbage among large values: how much room it takes, and that it goes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/lsm_store.h"
#include "tests/support/unsynced.h"

#define LARGE 2000
#define KEYS  500

static struct env_ops ops;

static void
init(struct lsm_store *s)
{
	lsm_store_init_values(s);
	ops = unsynced_ops(&s->posix);
	s->posix.ops = &ops;
}

/* What a memtable's log may have: the constant of every bound. */
static uint64_t
constant(const struct lsm_store *s)
{
	return 4 * s->options.memtable_bytes;
}

static int
add_size(void *ctx, const char *path)
{
	size_t size = strlen(path);
	struct stat st;

	if (strcmp(path + size - 4, ".log") != 0 &&
	    strcmp(path + size - 4, ".val") != 0)
		return 0;
	/* It may go meanwhile. */
	if (stat(path, &st) == 0)
		*(uint64_t *)ctx += (uint64_t)st.st_size;
	return 0;
}

/* All that logs and files of values take on the disk. */
static uint64_t
value_log_size(struct lsm_store *s)
{
	uint64_t n = 0;

	check_ok(lsm_list_files(s->dir, add_size, &n));
	return n;
}

struct model {
	struct lsm_store s;
	struct check_rand r;
	uint32_t version[KEYS]; /* 0: none */
	uint64_t live;          /* bytes of values */
	uint64_t peak;
};

static size_t
value_of(unsigned i, uint32_t version, uint8_t *out)
{
	struct check_rand r = check_rand_of((uint64_t)version << 32 | i);
	size_t size = LARGE / 2 + check_rand_below(&r, LARGE);

	check_rand_fill(&r, out, size);
	return size;
}

static struct bytes
key_of(unsigned i, char key[16])
{
	(void)snprintf(key, 16, "key%05u", i);
	return bytes_str(key);
}

static void
put(struct model *m, unsigned i)
{
	struct lsm_batch *b = lsm_batch_new();
	uint8_t value[2 * LARGE];
	char key[16];
	size_t size;

	if (m->version[i] > 0)
		m->live -= value_of(i, m->version[i], value);
	size = value_of(i, ++m->version[i], value);
	m->live += size;
	check_ok(lsm_batch_put(b, key_of(i, key), bytes_of(value, size)));
	check_ok(lsm_write(m->s.db, b, NULL));
	lsm_batch_free(b);
}

static void
check_content(struct model *m)
{
	uint8_t want[2 * LARGE];
	struct lsm_value v;
	char key[16];

	for (unsigned i = 0; i < KEYS; i++) {
		int rc = lsm_get(m->s.db, NULL, key_of(i, key), &v);

		check_eq(rc, m->version[i] > 0);
		if (rc == 0)
			continue;
		check_bytes_eq(
		    v.bytes, bytes_of(want, value_of(i, m->version[i], want)));
		lsm_value_release(&v);
	}
}

static void
note_peak(struct model *m)
{
	uint64_t size = value_log_size(&m->s);

	if (size > m->peak)
		m->peak = size;
}

static struct model *
model_new(void)
{
	struct model *m = calloc(1, sizeof(*m));

	check_true(m != NULL);
	m->r = check_rand_of(check_seed());
	init(&m->s);
	lsm_store_open(&m->s);
	return m;
}

static void
model_free(struct model *m)
{
	lsm_store_fini(&m->s);
	free(m);
}

static void
fill(struct model *m)
{
	for (unsigned i = 0; i < KEYS; i++)
		put(m, i);
}

/* --- bounds --------------------------------------------------------------- */

static void
overwrite(struct model *m, unsigned times)
{
	fill(m);
	for (unsigned n = 0; n < times * KEYS; n++) {
		put(m, (unsigned)check_rand_below(&m->r, KEYS));
		if (n % 10 == 0)
			note_peak(m);
	}
}

static void
collect__peak_of_random_overwrites_is_bounded(void **state)
{
	struct model *m = model_new();
	struct lsm_stats stats;

	(void)state;
	overwrite(m, check_long() ? 100 : 10);
	stats = lsm_store_stats(&m->s);
	printf("live %llu, peak %llu, collected %llu of %llu written,"
	       " %llu files\n",
	    (unsigned long long)m->live, (unsigned long long)m->peak,
	    (unsigned long long)stats.value_bytes_collected,
	    (unsigned long long)stats.bytes_written_user,
	    (unsigned long long)stats.value_files);
	check_le(m->peak, 2 * m->live + 8 * constant(&m->s));
	check_le(1, stats.value_bytes_collected);
	check_le(stats.value_bytes_collected, stats.bytes_written_user);
	check_content(m);
	lsm_store_check(&m->s);
	lsm_store_reopen(&m->s);
	check_content(m);
	lsm_store_check(&m->s);
	model_free(m);
}

static void
collect__keeps_the_bound_with_threads(void **state)
{
	struct model *m = model_new();

	(void)state;
	lsm_store_close(&m->s);
	m->s.options.no_background = false;
	lsm_store_open(&m->s);
	overwrite(m, 10);
	check_ok(lsm_flush(m->s.db));
	printf("live %llu, peak %llu\n", (unsigned long long)m->live,
	    (unsigned long long)m->peak);
	/* How far compaction is behind is the machine's affair. */
	check_le(m->peak, 2 * m->live + 60 * constant(&m->s));
	check_content(m);
	lsm_store_check(&m->s);
	model_free(m);
}

/* Half of the keys are written again and again, the others stay. */
static void
collect__cold_values_are_moved_out(void **state)
{
	struct model *m = model_new();

	(void)state;
	fill(m);
	for (unsigned n = 0; n < 20 * KEYS; n++) {
		put(m, (unsigned)check_rand_below(&m->r, KEYS / 2) * 2);
		if (n % 10 == 0)
			note_peak(m);
	}
	check_le(m->peak, 2 * m->live + 8 * constant(&m->s));
	check_content(m);
	lsm_store_check(&m->s);
	model_free(m);
}

static void delete (struct model *m, unsigned i)
{
	uint8_t value[2 * LARGE];
	char key[16];

	m->live -= value_of(i, m->version[i], value);
	m->version[i] = 0;
	lsm_store_delete(&m->s, (const char *)key_of(i, key).data);
}

static void
collect__deleted_values_go(void **state)
{
	struct model *m = model_new();

	(void)state;
	fill(m);
	for (unsigned i = 0; i < KEYS; i++)
		if (i % 10 != 0)
			delete (m, i);
	check_ok(lsm_flush(m->s.db));
	lsm_store_fill(&m->s, 0, 1, 10, 'a'); /* lets things happen */
	check_le(lsm_store_stats(&m->s).value_bytes,
	    2 * m->live + 8 * constant(&m->s));
	check_content(m);
	for (unsigned i = 0; i < KEYS; i += 10)
		delete (m, i);
	check_ok(lsm_compact(m->s.db, NULL, NULL));
	check_eq(lsm_store_stats(&m->s).value_files, 0);
	check_eq(lsm_store_file_count(&m->s, ".val"), 0);
	check_content(m);
	model_free(m);
}

/* One small operation deletes almost everything: that does not have to wait
 * until much else is written. */
static void
collect__ranges_of_values_go(void **state)
{
	struct lsm_batch *b = lsm_batch_new();
	struct model *m = model_new();
	uint8_t value[2 * LARGE];
	char from[16], to[16];

	(void)state;
	fill(m);
	check_ok(lsm_compact(m->s.db, NULL, NULL));
	check_ok(
	    lsm_batch_delete_range(b, key_of(5, from), key_of(KEYS - 5, to)));
	check_ok(lsm_write(m->s.db, b, NULL));
	lsm_batch_free(b);
	for (unsigned i = 5; i < KEYS - 5; i++) {
		m->live -= value_of(i, m->version[i], value);
		m->version[i] = 0;
	}
	check_ok(lsm_flush(m->s.db));
	/* Lets things happen. */
	for (unsigned i = 0; i < 60; i++)
		put(m, i % 5);
	check_le(lsm_store_stats(&m->s).value_bytes,
	    2 * m->live + 8 * constant(&m->s));
	check_content(m);
	lsm_store_check(&m->s);
	model_free(m);
}

static void
collect__compaction_on_demand_leaves_little_garbage(void **state)
{
	struct model *m = model_new();
	struct lsm_stats stats;

	(void)state;
	overwrite(m, 3);
	check_ok(lsm_compact(m->s.db, NULL, NULL));
	stats = lsm_store_stats(&m->s);
	check_le(stats.value_garbage_bytes, m->live / 9);
	check_le(value_log_size(&m->s), m->live / 9 * 10 + 20000);
	check_content(m);
	lsm_store_check(&m->s);
	/* There is nothing more to do. */
	check_ok(lsm_compact(m->s.db, NULL, NULL));
	check_eq(lsm_store_stats(&m->s).value_bytes_collected,
	    stats.value_bytes_collected);
	model_free(m);
}

/* --- without space -------------------------------------------------------- */

/* Bytes that the files of the store may have; 0: no limit. */
static uint64_t disk_size;
static struct lsm_store *disk_store;
static ssize_t (*pwrite_before)(
    struct env_file *, const void *, size_t, uint64_t);

static int
add_any_size(void *ctx, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0)
		*(uint64_t *)ctx += (uint64_t)st.st_size;
	return 0;
}

static uint64_t
disk_used(void)
{
	uint64_t n = 0;

	check_ok(lsm_list_files(disk_store->dir, add_any_size, &n));
	return n;
}

static ssize_t
pwrite_if_room(struct env_file *f, const void *data, size_t size, uint64_t at)
{
	if (disk_size > 0 && disk_used() + size > disk_size)
		return -ENOSPC;
	return pwrite_before(f, data, size, at);
}

/* On a full disk there is a little room for the log and for tables, and none
 * for copies of values. */
static void
collect__full_disk_can_be_emptied(void **state)
{
	struct model *m = model_new();
	uint64_t before;

	(void)state;
	disk_store = &m->s;
	pwrite_before = ops.pwrite;
	ops.pwrite = pwrite_if_room;
	overwrite(m, 3);
	check_ok(lsm_flush(m->s.db));
	before = value_log_size(&m->s);
	disk_size = disk_used() + 60000;
	for (unsigned i = 0; i < KEYS; i++)
		if (i % 10 != 0)
			delete (m, i);
	(void)lsm_compact(m->s.db, NULL, NULL);
	check_le(value_log_size(&m->s), before * 3 / 4);
	for (unsigned i = 0; i < KEYS; i += 10)
		delete (m, i);
	/* Nothing is left that would have to be copied. */
	check_ok(lsm_compact(m->s.db, NULL, NULL));
	check_eq(lsm_store_stats(&m->s).value_files, 0);
	check_content(m);
	disk_size = 0;
	fill(m);
	check_content(m);
	lsm_store_check(&m->s);
	model_free(m);
}

/* All files have garbage, and each has values of all tables: no old one goes
 * before the last table that refers to it. */
static void
collect__full_disk_does_not_get_fuller(void **state)
{
	struct model *m = model_new();
	uint64_t before;

	(void)state;
	disk_store = &m->s;
	pwrite_before = ops.pwrite;
	ops.pwrite = pwrite_if_room;
	for (unsigned i = 0; i < KEYS; i++) {
		unsigned key = i * 97 % KEYS;

		put(m, key);
		if (i % 6 == 0)
			put(m, key);
	}
	check_ok(lsm_flush(m->s.db));
	before = value_log_size(&m->s);
	disk_size = disk_used() + m->live * 2 / 5;
	check_ok(lsm_compact(m->s.db, NULL, NULL));
	check_le(value_log_size(&m->s), before);
	check_le(lsm_store_stats(&m->s).value_garbage_bytes, m->live / 9);
	check_content(m);
	lsm_store_check(&m->s);
	disk_size = 0;
	model_free(m);
}

#define NOW     UINT64_C(1700000000000)
#define EXPIRES (NOW + 1000)

static void
put_large(struct lsm_store *s, unsigned i, uint64_t expires_ms)
{
	struct lsm_batch *b = lsm_batch_new();
	uint8_t value[2 * LARGE];
	char key[16];

	(void)value_of(i, 1, value);
	check_ok(lsm_batch_put_until(
	    b, key_of(i, key), bytes_of(value, LARGE), expires_ms));
	check_ok(lsm_write(s->db, b, NULL));
	lsm_batch_free(b);
}

/* Every second one expires, and these have files of their own; a third of what
 * the other files hold is garbage, and each has values of all tables. */
static void
fill_expiring(struct lsm_store *s)
{
	for (unsigned i = 0; i < KEYS; i += 2)
		put_large(s, i, EXPIRES);
	check_ok(lsm_flush(s->db));
	for (unsigned i = 0; i < KEYS / 2; i++) {
		unsigned key = i * 97 % (KEYS / 2) * 2 + 1;

		put_large(s, key, 0);
		if (i % 2 == 0)
			put_large(s, key, 0);
	}
	check_ok(lsm_flush(s->db));
}

/* That others cannot be moved does not keep them. */
static void
collect__full_disk_gives_up_what_has_expired(void **state)
{
	struct lsm_store s;
	uint64_t before;

	(void)state;
	init(&s);
	disk_store = &s;
	pwrite_before = ops.pwrite;
	ops.pwrite = pwrite_if_room;
	atomic_store(&s.fault.wall_ns, NOW * 1000000);
	lsm_store_open(&s);
	fill_expiring(&s);
	disk_size = disk_used() + 30000;
	check_err(lsm_compact(s.db, NULL, NULL), -ENOSPC);
	check_eq(lsm_store_stats(&s).expired, 0);
	before = value_log_size(&s);
	disk_size = disk_used() + 10000;
	atomic_store(&s.fault.wall_ns, EXPIRES * 1000000);
	(void)lsm_compact(s.db, NULL, NULL);
	check_eq(lsm_store_stats(&s).expired, KEYS / 2);
	check_le(value_log_size(&s), before - KEYS / 2 * LARGE);
	lsm_store_check(&s);
	disk_size = 0;
	lsm_store_fini(&s);
}

/* --- it comes to an end --------------------------------------------------- */

/* What stands around tiny values is no garbage that could be got rid of. */
static void
collect__tiny_values_are_not_moved_for_ever(void **state)
{
	struct lsm_store s;
	struct lsm_stats stats;

	(void)state;
	init(&s);
	s.options.value_log_bytes = 1;
	lsm_store_open(&s);
	for (int i = 0; i < 20; i++)
		lsm_store_fill(&s, 0, 100, (size_t)(20 + 5 * i), 'a');
	check_ok(lsm_compact(s.db, NULL, NULL));
	stats = lsm_store_stats(&s);
	for (int i = 0; i < 3; i++)
		check_ok(lsm_compact(s.db, NULL, NULL));
	check_eq(lsm_store_stats(&s).value_bytes_collected,
	    stats.value_bytes_collected);
	check_le(stats.value_bytes_collected, 4 * stats.bytes_written_user);
	lsm_store_expect(&s, 0, 100, 115, 'a');
	lsm_store_check(&s);
	lsm_store_fini(&s);
}

/* A snapshot needs the old ones: they are moved, too. */
static void
collect__moves_what_snapshots_see(void **state)
{
	struct model *m = model_new();
	struct lsm_snapshot *at;
	uint32_t before[KEYS];
	uint8_t want[2 * LARGE];
	struct lsm_value v;
	char key[16];

	(void)state;
	fill(m);
	for (unsigned n = 0; n < KEYS; n++)
		put(m, (unsigned)check_rand_below(&m->r, KEYS));
	check_ok(lsm_snapshot_open(m->s.db, &at));
	memcpy(before, m->version, sizeof(before));
	for (unsigned n = 0; n < 3 * KEYS; n++)
		put(m, (unsigned)check_rand_below(&m->r, KEYS));
	check_ok(lsm_compact(m->s.db, NULL, NULL));
	check_le(1, lsm_store_stats(&m->s).value_bytes_collected);
	check_content(m);
	for (unsigned i = 0; i < KEYS; i++) {
		check_eq(lsm_get(m->s.db, at, key_of(i, key), &v), 1);
		check_bytes_eq(
		    v.bytes, bytes_of(want, value_of(i, before[i], want)));
		lsm_value_release(&v);
	}
	lsm_snapshot_close(m->s.db, at);
	model_free(m);
}

static void
collect__moved_values_can_be_dumped(void **state)
{
	struct model *m = model_new();
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	check_true(out != NULL);
	overwrite(m, 2);
	check_ok(lsm_compact(m->s.db, NULL, NULL));
	check_ok(lsm_dump_file(lsm_store_file(&m->s, ".val"), out));
	check_ok(lsm_dump_file(lsm_store_file(&m->s, ".sst"), out));
	check_ok(fclose(out));
	check_contains(text, "values 0");
	check_contains(text, "1 put \"key00");
	check_contains(text, ".val\n");
	free(text);
	model_free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(collect__peak_of_random_overwrites_is_bounded),
	    cmocka_unit_test(collect__keeps_the_bound_with_threads),
	    cmocka_unit_test(collect__cold_values_are_moved_out),
	    cmocka_unit_test(collect__deleted_values_go),
	    cmocka_unit_test(
		collect__compaction_on_demand_leaves_little_garbage),
	    cmocka_unit_test(collect__full_disk_can_be_emptied),
	    cmocka_unit_test(collect__full_disk_does_not_get_fuller),
	    cmocka_unit_test(collect__full_disk_gives_up_what_has_expired),
	    cmocka_unit_test(collect__ranges_of_values_go),
	    cmocka_unit_test(collect__tiny_values_are_not_moved_for_ever),
	    cmocka_unit_test(collect__moves_what_snapshots_see),
	    cmocka_unit_test(collect__moved_values_can_be_dumped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
