/* What recovery says to files that are not what was written. */
#include "engine/db/vset.h"

#include <stdio.h>

#include "tests/support/vset_check.h"

static void
vset__a_bad_current_is_refused(void **state)
{
	static const struct bytes bad[] = {
	    {(const uint8_t *)"", 0},
	    {(const uint8_t *)"\n", 1},
	    {(const uint8_t *)"MANIFEST-000001", 15},
	    {(const uint8_t *)"MANIFEST-000001\n\n", 17},
	    {(const uint8_t *)"MANIFEST-000001 \n", 17},
	    {(const uint8_t *)"MANIFEST-000001\0\n", 17},
	    {(const uint8_t *)"MANIFEST-1\n", 11},
	    {(const uint8_t *)"MANIFEST-00000", 14},
	    {(const uint8_t *)"000001.log\n", 11},
	    {(const uint8_t *)"MANIFEST-0000000000000000000000000000000001\n",
		44},
	};
	struct store_dir d;
	struct vset s;

	(void)state;
	store_dir_init(&d);
	check_ok(vset_create(&s, &d.place, &d.sink));
	vset_fini(&s);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		store_dir_store(&d, "CURRENT", bad[i]);
		vset_check_refused(&d, ERR_DAMAGED, "CURRENT", "manifest");
	}
	store_dir_store(&d, "CURRENT", bytes_str("MANIFEST-000001\n"));
	vset_check_recovers(&d, "");
	store_dir_fini(&d);
}

static void
vset__a_store_without_current_is_not_taken_for_none(void **state)
{
	static const char *const names[] = {"000002.log", "000003.sst"};
	struct store_dir d;

	(void)state;
	store_dir_init(&d);
	for (size_t i = 0; i < 2; i++) {
		store_dir_clear(&d);
		store_dir_store(&d, names[i], bytes_str("x"));
		vset_check_refused(&d, ERR_DAMAGED, "CURRENT", names[i]);
	}
	store_dir_fini(&d);
}

static void
vset__a_missing_or_empty_manifest_is_refused(void **state)
{
	struct buf b = {0};
	struct store_dir d;
	struct vset s;

	(void)state;
	store_dir_init(&d);
	check_ok(vset_create(&s, &d.place, &d.sink));
	vset_fini(&s);
	store_dir_load(&d, "MANIFEST-000001", &b);
	for (size_t n = 0; n < b.size; n++) {
		store_dir_store(&d, "MANIFEST-000001", bytes_of(b.data, n));
		vset_check_refused(&d, ERR_DAMAGED, "MANIFEST-000001", "");
	}
	check_ok(env_unlink(&d.posix, store_dir_file(&d, "MANIFEST-000001")));
	vset_check_refused(&d, ERR_DAMAGED, "MANIFEST-000001", "missing");
	buf_fini(&b);
	store_dir_fini(&d);
}

static void
vset__a_missing_or_short_table_is_named(void **state)
{
	struct buf b = {0};
	struct store_dir d;
	struct vset s;

	(void)state;
	store_dir_init(&d);
	check_ok(vset_create(&s, &d.place, &d.sink));
	vset_check_apply_table(&d, &s, 30, "a", "c");
	vset_fini(&s);
	store_dir_load(&d, "000030.sst", &b);
	store_dir_store(&d, "000030.sst", bytes_of(b.data, b.size - 1));
	vset_check_refused(&d, ERR_DAMAGED, "000030.sst", "bytes");
	check_ok(buf_append_u8(&b, 0));
	store_dir_store(&d, "000030.sst", buf_bytes(&b));
	vset_check_refused(&d, ERR_DAMAGED, "000030.sst", "bytes");
	check_ok(env_unlink(&d.posix, store_dir_file(&d, "000030.sst")));
	vset_check_refused(&d, ERR_DAMAGED, "000030.sst", "MANIFEST-000001");
	buf_fini(&b);
	store_dir_fini(&d);
}

/* A manifest with three records; ends[i] is where record i ends, ends[0] where
 * the first one begins.  The content goes to b. */
static void
three_records(struct store_dir *d, uint64_t ends[4], struct buf *b)
{
	struct vset s;

	check_ok(vset_create(&s, &d->place, &d->sink));
	ends[0] = WAL_FILE_HEADER;
	ends[1] = wal_size(s.manifest);
	vset_check_apply_table(d, &s, 2, "a", "c");
	ends[2] = wal_size(s.manifest);
	vset_check_apply_table(d, &s, 3, "m", "p");
	ends[3] = wal_size(s.manifest);
	vset_fini(&s);
	store_dir_load(d, "MANIFEST-000001", b);
	check_eq(b->size, ends[3]);
}

static void
vset__a_torn_tail_ends_the_manifest(void **state)
{
	struct buf b = {0};
	struct store_dir d;
	uint64_t ends[4];

	(void)state;
	store_dir_init(&d);
	three_records(&d, ends, &b);
	for (uint64_t n = ends[1]; n <= ends[3]; n++) {
		store_dir_store(&d, "MANIFEST-000001", bytes_of(b.data, n));
		vset_check_recovers(&d, n < ends[2]   ? ""
					: n < ends[3] ? "1:2:a-c"
						      : "1:2:a-c 1:3:m-p");
	}
	buf_fini(&b);
	store_dir_fini(&d);
}

/* Every byte of every record in turn. */
static void
vset__damage_before_the_last_record_is_refused(void **state)
{
	struct buf b = {0};
	struct store_dir d;
	uint64_t ends[4];
	char offset[32];

	(void)state;
	store_dir_init(&d);
	three_records(&d, ends, &b);
	for (uint64_t at = 0; at < ends[3]; at++) {
		int record = at < ends[0]   ? 0
			     : at < ends[1] ? 1
			     : at < ends[2] ? 2
					    : 3;

		b.data[at] ^= 0x41;
		store_dir_store(&d, "MANIFEST-000001", buf_bytes(&b));
		b.data[at] ^= 0x41;
		if (record == 3) {
			vset_check_recovers(&d, "1:2:a-c");
			continue;
		}
		snprintf(offset, sizeof(offset), "offset %u",
		    record ? (unsigned)ends[record - 1] : 0);
		vset_check_refused(&d, at < 12 ? ERR_FORMAT : ERR_DAMAGED,
		    "MANIFEST-000001", at < 12 ? "" : offset);
	}
	buf_fini(&b);
	store_dir_fini(&d);
}

/* Writes a manifest of these payloads by hand. */
static void
store_manifest(struct store_dir *d, const struct bytes *payloads, size_t count)
{
	static const uint8_t room[WAL_RECORD_HEADER];
	const struct wal_id id = {WAL_KIND_MANIFEST, 1, 12345};
	const char *path;
	struct wal *w;

	store_dir_clear(d);
	path = store_dir_file(d, "MANIFEST-000001");
	check_ok(wal_create(&d->posix, path, &id, 1, &w));
	for (size_t i = 0; i < count; i++) {
		const struct wal_stamp stamp = {i + 1, 1, i};
		struct buf b = {0};

		check_ok(buf_append(&b, room, sizeof(room)));
		check_ok(buf_append_bytes(&b, payloads[i]));
		check_ok(wal_append(w, b.data, b.size, &stamp));
		buf_fini(&b);
	}
	wal_close(w);
	store_dir_store(d, "CURRENT", bytes_str("MANIFEST-000001\n"));
}

/* Intact records that no edit of ours is. */
static void
vset__intact_nonsense_is_refused(void **state)
{
	static const uint8_t newer[] = {2, 77}, good[] = {1, 2, 20},
			     low[] = {1, 2, 1}, none[] = {1},
			     missing[] = {1, 5, 0, 9}, garbage[] = {1, 99};
	/* 2^62: the next but one is none. */
	static const uint8_t high[] = {
	    1, 2, 128, 128, 128, 128, 128, 128, 128, 128, 64};
	const struct {
		struct bytes payloads[2];
		int err;
		const char *message;
	} cases[] = {
	    {{bytes_of(good, 3), bytes_of(newer, 2)}, ERR_FORMAT, "newer"},
	    {{bytes_of(newer, 2), bytes_of(good, 3)}, ERR_FORMAT, "newer"},
	    {{bytes_of(good, 3), bytes_of(missing, 4)}, ERR_DAMAGED, "offset"},
	    {{bytes_of(good, 3), bytes_of(garbage, 2)}, ERR_DAMAGED, "offset"},
	    {{bytes_of(good, 3), bytes_of(low, 3)}, ERR_DAMAGED, "number"},
	    {{bytes_of(none, 1), bytes_of(none, 1)}, ERR_DAMAGED, "number"},
	    {{bytes_of(high, 11), bytes_of(none, 1)}, ERR_DAMAGED, "number"},
	    {{bytes_of(good, 3), bytes_of("", 0)}, ERR_DAMAGED, "offset"},
	};
	struct store_dir d;

	(void)state;
	store_dir_init(&d);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		store_manifest(&d, cases[i].payloads, 2);
		vset_check_refused(
		    &d, cases[i].err, "MANIFEST-000001", cases[i].message);
	}
	store_manifest(&d, cases[0].payloads, 1);
	vset_check_recovers(&d, "");
	store_dir_fini(&d);
}

/* Numbers go on behind the highest in the directory, and have an end. */
static void
vset__a_name_far_beyond_the_others_is_refused(void **state)
{
	static const char *const names[] = {"4611686018427387904.sst",
	    "4611686018427387904.log", "MANIFEST-4611686018427387904",
	    "4611686018427387000.val", "2199023255552.sst"};
	struct store_dir d;
	struct vset s;

	(void)state;
	store_dir_init(&d);
	check_ok(vset_create(&s, &d.place, &d.sink));
	vset_fini(&s);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		store_dir_store(&d, names[i], bytes_str("x"));
		vset_check_refused(&d, ERR_DAMAGED, names[i], "move");
		check_true(store_dir_has(&d, names[i]));
		check_ok(env_unlink(&d.posix, store_dir_file(&d, names[i])));
	}
	store_dir_store(&d, "1099511627776.sst", bytes_str("x"));
	check_ok(vset_recover(&s, &d.place, &d.sink));
	check_eq(vset_new_number(&s), 1099511627777);
	vset_fini(&s);
	store_dir_clear(&d);
	store_dir_store(&d, names[2], bytes_str("x"));
	check_err(vset_create(&s, &d.place, &d.sink), ERR_DAMAGED);
	check_contains(d.log.last, names[2]);
	store_dir_fini(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(vset__a_bad_current_is_refused),
	    cmocka_unit_test(
		vset__a_store_without_current_is_not_taken_for_none),
	    cmocka_unit_test(vset__a_missing_or_empty_manifest_is_refused),
	    cmocka_unit_test(vset__a_missing_or_short_table_is_named),
	    cmocka_unit_test(vset__a_torn_tail_ends_the_manifest),
	    cmocka_unit_test(vset__damage_before_the_last_record_is_refused),
	    cmocka_unit_test(vset__intact_nonsense_is_refused),
	    cmocka_unit_test(vset__a_name_far_beyond_the_others_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
