/*
 * Stores that earlier versions wrote (tests/golden), and one that a later one
 * might have written.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/hash.h"
#include "engine/table/table_format.h"
#include "engine/table/wal_format.h"
#include "tests/golden/golden.h"
#include "tests/support/lsm_store.h"

/* --- files -----------------------------------------------------------------
 */

static const char *
path_of(const char *dir, const char *name)
{
	static char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void
load(const char *path, struct buf *out)
{
	struct env env;
	uint8_t *data;
	size_t size;

	env_posix_init(&env, (struct err_sink){.write = NULL});
	check_ok(env_read_file(&env, path, 1 << 20, &data, &size));
	check_ok(buf_assign(out, bytes_of(data, size)));
	free(data);
}

static void
store(const char *dir, const char *name, const struct buf *content)
{
	FILE *f = fopen(path_of(dir, name), "w");

	check_true(f != NULL);
	check_eq(fwrite(content->data, 1, content->size, f), content->size);
	check_ok(fclose(f));
}

/* Names of the files of tests/golden/FORMAT one after the other; NULL: end. */
static const char *
next_name(DIR *d)
{
	struct dirent *e;

	do
		e = readdir(d);
	while (e && e->d_name[0] == '.');
	return e ? e->d_name : NULL;
}

static const char *
golden_dir(const char *format)
{
	static char dir[64];

	(void)snprintf(dir, sizeof(dir), "tests/golden/%s", format);
	return dir;
}

static DIR *
open_golden(const char *format)
{
	DIR *d = opendir(golden_dir(format));

	check_true(d != NULL);
	return d;
}

/* A store that is a copy of the golden one, not open. */
static void
copy_golden(struct lsm_store *s, const char *format)
{
	DIR *d = open_golden(format);
	struct buf b = {0};
	const char *name;

	lsm_store_init(s);
	s->options.create = false;
	while ((name = next_name(d))) {
		load(path_of(golden_dir(format), name), &b);
		store(s->dir, name, &b);
	}
	buf_fini(&b);
	check_ok(closedir(d));
}

/* But for `other`, whose content is this. */
static void
check_untouched(struct lsm_store *s, const char *format, const char *other,
    const struct buf *content)
{
	DIR *d = open_golden(format);
	struct buf want = {0}, found = {0};
	unsigned files = 0, here = 0;
	const char *name;

	for (; (name = next_name(d)); files++) {
		load(path_of(s->dir, name), &found);
		load(path_of(golden_dir(format), name), &want);
		if (other && strcmp(name, other) == 0)
			check_ok(buf_assign(&want, buf_bytes(content)));
		check_bytes_eq(buf_bytes(&found), buf_bytes(&want));
	}
	check_ok(closedir(d));
	d = opendir(s->dir);
	check_true(d != NULL);
	while ((name = next_name(d)))
		here += strcmp(name, "LOCK") != 0;
	check_ok(closedir(d));
	check_eq(here, files);
	buf_fini(&want);
	buf_fini(&found);
}

/* --- what is in them -------------------------------------------------------
 */

static void
check_key(
    struct lsm *db, const struct lsm_snapshot *at, unsigned rounds, unsigned i)
{
	uint8_t want[GOLDEN_VALUE_MAX];
	char key[GOLDEN_KEY_SIZE];
	struct lsm_value value;
	int round = golden_round(i, rounds);
	int rc = lsm_get(db, at, bytes_of(key, golden_key(i, key)), &value);

	check_eq(rc, round >= 0);
	if (rc == 0)
		return;
	check_bytes_eq(value.bytes,
	    bytes_of(want, golden_value(i, (unsigned)round, want)));
	lsm_value_release(&value);
}

static void
check_rounds(struct lsm *db, const struct lsm_snapshot *at, unsigned rounds)
{
	/* What only format 2 has stands behind. */
	struct lsm_iter_options o = {.snapshot = at, .upper = bytes_str("x/")};
	unsigned want = 0, found = 0;
	struct lsm_iter *it;
	int rc;

	for (unsigned i = 0; i < GOLDEN_KEYS; i++) {
		check_key(db, at, rounds, i);
		want += golden_round(i, rounds) >= 0;
	}
	check_ok(lsm_iter_open(db, &o, &it));
	for (rc = lsm_iter_last(it); rc > 0; rc = lsm_iter_prev(it))
		found++;
	check_ok(rc);
	lsm_iter_close(it);
	check_eq(found, want);
}

static bool
has(struct lsm *db, const struct lsm_snapshot *at, struct bytes key)
{
	struct lsm_value value;
	int rc = lsm_get(db, at, key, &value);

	check_le(0, rc);
	if (rc > 0)
		lsm_value_release(&value);
	return rc > 0;
}

/* What format 2 has beside the rounds. */
static void
check_more(struct lsm *db, const struct lsm_snapshot *at, unsigned rounds)
{
	uint8_t want[GOLDEN_LARGE_SIZE];
	char key[GOLDEN_KEY_SIZE];
	struct lsm_value value;

	for (unsigned i = 0; i < GOLDEN_RANGED; i++)
		check_eq(has(db, at, bytes_of(key, golden_ranged_key(i, key))),
		    golden_ranged(i, rounds));
	check_true(has(db, at, bytes_str("x/future")));
	check_false(has(db, at, bytes_str("x/past")));
	for (unsigned i = 0; i < GOLDEN_LARGE; i++) {
		check_eq(lsm_get(db, at,
			     bytes_of(key, golden_large_key(i, key)), &value),
		    1);
		golden_large_value(i, want);
		check_bytes_eq(value.bytes, bytes_of(want, sizeof(want)));
		lsm_value_release(&value);
	}
}

static int format; /* that was copied */

static void
check_content(struct lsm *db)
{
	struct lsm_snapshot *at;

	check_rounds(db, NULL, 3);
	if (format < 2)
		return;
	check_more(db, NULL, 3);
	check_ok(lsm_snapshot_find(db, GOLDEN_SNAPSHOT, &at));
	check_rounds(db, at, 2);
	check_more(db, at, 2);
	lsm_snapshot_close(db, at);
}

static void
read_and_go_on(const char *name)
{
	struct lsm_stats stats;
	struct lsm_store s;
	unsigned deeper = 0;

	format = atoi(name);
	copy_golden(&s, name);
	lsm_store_open(&s);
	check_content(s.db);
	lsm_store_check(&s);
	/* Tables of two levels, and a log that is in none of them. */
	stats = lsm_store_stats(&s);
	check_le(1, stats.level_tables[0]);
	for (int i = 1; i < LSM_LEVELS; i++)
		deeper += stats.level_tables[i];
	check_le(2, deeper);
	check_ne(stats.memtable_bytes, 0);
	lsm_store_put(&s, "new", "1");
	lsm_store_reopen(&s);
	lsm_store_delete(&s, "new");
	check_content(s.db);
	check_ok(lsm_compact(s.db, NULL, NULL));
	check_content(s.db);
	lsm_store_check(&s);
	lsm_store_reopen(&s);
	check_content(s.db);
	lsm_store_fini(&s);
}

static void
golden__1_is_read_and_gone_on_with(void **state)
{
	(void)state;
	read_and_go_on("1");
}

static void
golden__2_is_read_and_gone_on_with(void **state)
{
	(void)state;
	read_and_go_on("2");
}

/* No program that wrote it was ever released. */
static void
golden__0_is_refused(void **state)
{
	struct lsm_store s;

	(void)state;
	copy_golden(&s, "0");
	for (int i = 0; i < 2; i++) {
		s.options.create = i;
		check_err(lsm_store_try_open(&s), -EPROTONOSUPPORT);
		check_true(lsm_store_said(&s, "before version 1"));
		check_true(lsm_store_said(&s, "MANIFEST-000001"));
		check_untouched(&s, "0", NULL, NULL);
	}
	lsm_store_fini(&s);
}

/* --- what is newer ---------------------------------------------------------
 */

#define NEWER 99

static uint64_t
number_in(const char *name)
{
	const char *digits = strpbrk(name, "0123456789");

	return digits ? strtoull(digits, NULL, 10) : 0;
}

static void
newer_wal(struct buf *b, uint64_t number)
{
	wire_put_le32(b->data + 8, NEWER);
	wire_put_le64(b->data + 40, hash_64(bytes_of(b->data, 40), number));
}

/* In the first record, which is then as good as before. */
static void
change_payload(struct buf *b, uint64_t number, size_t at, uint8_t byte)
{
	uint64_t seed = wal_format_seed(number, wire_get_le64(b->data + 32));
	uint8_t *p = b->data + WAL_FILE_HEADER;

	p[WAL_RECORD_HEADER + at] = byte;
	wire_put_le64(p + 8,
	    hash_64(
		bytes_of(p + WAL_RECORD_HEADER, wire_get_le32(p + 16)), seed));
	wire_put_le64(p, hash_64(bytes_of(p + 8, WAL_RECORD_HEADER - 8), seed));
}

static void
newer_edit(struct buf *b, uint64_t number)
{
	change_payload(b, number, 0, NEWER);
}

static void
newer_table(struct buf *b, uint64_t number)
{
	uint8_t *footer = b->data + b->size - TABLE_FOOTER;

	(void)number;
	wire_put_le32(footer + 56, NEWER);
	wire_put_le64(footer + 64, hash_64(bytes_of(footer, 64), 0));
}

static void
golden__newer_versions_are_refused(void **state)
{
	static const struct {
		const char *name;
		void (*change)(struct buf *b, uint64_t number);
	} cases[] = {
	    {"MANIFEST-000001", newer_wal},
	    {"MANIFEST-000001", newer_edit},
	    {"000010.log", newer_wal},
	    {"000005.sst", newer_table},
	    {"000011.sst", newer_table},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *name = cases[i].name;
		struct lsm_store s;
		struct buf b = {0};

		copy_golden(&s, "1");
		load(path_of(s.dir, name), &b);
		cases[i].change(&b, number_in(name));
		store(s.dir, name, &b);
		check_err(lsm_store_try_open(&s), -EPROTONOSUPPORT);
		check_true(lsm_store_said(&s, name));
		check_true(lsm_store_said(&s, "version 99"));
		check_untouched(&s, "1", name, &b);
		buf_fini(&b);
		lsm_store_fini(&s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(golden__0_is_refused),
	    cmocka_unit_test(golden__1_is_read_and_gone_on_with),
	    cmocka_unit_test(golden__2_is_read_and_gone_on_with),
	    cmocka_unit_test(golden__newer_versions_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
