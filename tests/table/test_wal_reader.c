/* The reader of log files: which damage is an end, and which is an error. */
#include "tests/check.h"

#include "tests/support/wal_copy.h"

static int
open_log(struct wal_file *f)
{
	struct wal_reader *r;
	int rc;

	f->message[0] = '\0';
	rc = wal_reader_open(
	    f->env, f->path, WAL_FILE_ID(WAL_KIND_LOG, WAL_FILE_NUMBER), &r);
	if (!rc)
		wal_reader_close(r);
	return rc;
}

/* --- the end ------------------------------------------------------------- */

static void
wal_reader__torn_at_every_byte_of_the_last_record(void **state)
{
	struct wal_copy c;

	(void)state;
	wal_copy_init(&c, 4, wal_file_two_behind);
	for (uint64_t cut = c.at[4]; cut < c.at[5]; cut++) {
		wal_copy_store_first(&c, cut);
		wal_file_check_end(&c.f, 3, c.at[4], cut > c.at[4]);
	}
	wal_copy_store(&c);
	wal_file_check_end(&c.f, 4, c.at[5], false);
	wal_copy_fini(&c);
}

static void
wal_reader__last_record_hurt_at_every_byte_is_torn(void **state)
{
	struct wal_copy c;

	(void)state;
	wal_copy_init(&c, 4, wal_file_two_behind);
	for (uint64_t i = c.at[4]; i < c.at[5]; i++) {
		c.bytes.data[i] ^= 0x40;
		wal_copy_store(&c);
		wal_file_check_end(&c.f, 3, c.at[4], true);
		c.bytes.data[i] ^= 0x40;
	}
	wal_copy_fini(&c);
}

/* A block that never reached the disk reads as zeros. */
static void
wal_reader__last_record_zero_from_any_byte_on_is_torn(void **state)
{
	struct wal_copy c;

	(void)state;
	wal_copy_init(&c, 4, wal_file_two_behind);
	for (uint64_t i = c.at[5] - 1; i >= c.at[4]; i--) {
		c.bytes.data[i] = 0;
		wal_copy_store(&c);
		wal_file_check_end(&c.f, 3, c.at[4], i > c.at[4]);
	}
	wal_copy_fini(&c);
}

static void
wal_reader__zeros_behind_the_end_are_not_torn(void **state)
{
	struct wal_copy c;
	size_t sizes[] = {1, 31, 32, 33, 4096, 600000};

	(void)state;
	wal_copy_init(&c, 3, wal_file_two_behind);
	check_ok(buf_reserve(&c.bytes, 600001));
	memset(c.bytes.data + c.bytes.size, 0, 600001);
	for (unsigned i = 0; i < 6; i++) {
		size_t size = c.bytes.size + sizes[i];

		wal_copy_store_first(&c, size);
		wal_file_check_end(&c.f, 3, c.at[4], false);
		c.bytes.data[size] = 1;
		wal_copy_store_first(&c, size + 1);
		wal_file_check_end(&c.f, 3, c.at[4], true);
		c.bytes.data[size] = 0;
	}
	wal_copy_fini(&c);
}

/* --- damage -------------------------------------------------------------- */

static void
wal_reader__damage_before_a_promised_record_is_an_error(void **state)
{
	struct wal_copy c;

	(void)state;
	wal_copy_init(&c, 6, wal_file_two_behind);
	/* Record 6 promises 4, and nothing promises 5. */
	for (unsigned k = 1; k <= 6; k++) {
		for (uint64_t i = c.at[k]; i < c.at[k + 1]; i++) {
			c.bytes.data[i] ^= 0x01;
			wal_copy_store(&c);
			if (k <= 4)
				wal_file_check_damaged(&c.f, k - 1, c.at[k]);
			else
				wal_file_check_end(&c.f, k - 1, c.at[k], true);
			c.bytes.data[i] ^= 0x01;
		}
	}
	wal_copy_fini(&c);
}

static void
wal_reader__damage_that_nobody_promised_is_the_end(void **state)
{
	struct wal_copy c;

	(void)state;
	wal_copy_init(&c, 4, wal_file_nothing_durable);
	for (unsigned k = 1; k <= 4; k++) {
		c.bytes.data[c.at[k]] ^= 0x01;
		wal_copy_store(&c);
		wal_file_check_end(&c.f, k - 1, c.at[k], true);
		c.bytes.data[c.at[k]] ^= 0x01;
	}
	wal_copy_fini(&c);
}

static void
wal_reader__promise_beyond_a_large_hole_is_found(void **state)
{
	struct wal_copy c;
	struct buf hole = {0};

	(void)state;
	wal_copy_init(&c, 6, wal_file_two_behind);
	/* Records 3 and 4 gave way to bytes of another length. */
	check_ok(buf_append(&hole, c.bytes.data, c.at[3]));
	check_ok(buf_reserve(&hole, 1000003));
	memset(hole.data + hole.size, 0xa5, 1000003);
	hole.size += 1000003;
	check_ok(buf_append(&hole, c.bytes.data + c.at[5], c.at[7] - c.at[5]));
	wal_file_store(&c.f, buf_bytes(&hole));
	wal_file_check_damaged(&c.f, 2, c.at[3]);
	buf_fini(&hole);
	wal_copy_fini(&c);
}

static void
wal_reader__failing_read_is_not_the_end(void **state)
{
	struct wal_file f;
	struct wal_tail tail;
	uint64_t last;

	(void)state;
	wal_file_init(&f);
	wal_file_fill(&f, 4, wal_file_two_behind, NULL);
	f.fault.error = EIO;
	f.fault.reads = 0;
	f.fault.reads_fail_at = 1;
	check_err(wal_file_read(&f, &last, &tail), -EIO);
	wal_file_fini(&f);
}

/* --- random damage against a model --------------------------------------- */

#define MODEL_RECORDS 40

static uint64_t model_durable[MODEL_RECORDS + 1];

static uint64_t
model_durable_of(unsigned i)
{
	return model_durable[i];
}

/* Promises grow by random steps and stay behind the record. */
static void
model_promise(struct check_rand *r)
{
	uint64_t durable = 0;

	for (unsigned i = 1; i <= MODEL_RECORDS; i++) {
		durable += check_rand_below(r, i - durable);
		model_durable[i] = durable;
	}
}

/* Which record a byte of the file is in. */
static unsigned
record_of(const uint64_t *at, uint64_t offset)
{
	unsigned k = 1;

	while (at[k + 1] <= offset)
		k++;
	return k;
}

static void
wal_reader__random_damage_loses_no_promised_record(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	struct wal_file f;
	uint64_t at[MODEL_RECORDS + 2];

	(void)state;
	wal_file_init(&f);
	for (unsigned round = 0; round < 300; round++) {
		struct buf file = {0};
		uint64_t first, last_hurt, promised = 0;
		unsigned k;

		model_promise(&r);
		wal_file_fill(&f, MODEL_RECORDS, model_durable_of, at);
		wal_file_load(&f, &file);
		first = at[1] + check_rand_below(&r, file.size - at[1]);
		last_hurt = first + check_rand_below(&r, file.size - first);
		for (uint64_t i = first; i <= last_hurt; i++)
			file.data[i] ^=
			    (uint8_t)(1 + check_rand_below(&r, 255));
		wal_file_store(&f, buf_bytes(&file));

		k = record_of(at, first);
		for (unsigned i = record_of(at, last_hurt) + 1;
		     i <= MODEL_RECORDS; i++)
			promised = model_durable[i];
		if (promised >= k)
			wal_file_check_damaged(&f, k - 1, at[k]);
		else
			wal_file_check_end(&f, k - 1, at[k], true);
		buf_fini(&file);
	}
	wal_file_fini(&f);
}

/* --- the file's header --------------------------------------------------- */

static void
wal_reader__file_that_ends_in_its_header_is_no_data(void **state)
{
	struct wal_copy c;

	(void)state;
	wal_copy_init(&c, 1, wal_file_nothing_durable);
	for (size_t size = 0; size < WAL_FILE_HEADER; size++) {
		wal_copy_store_first(&c, size);
		check_err(open_log(&c.f), -ENODATA);
		check_str(c.f.message, "");
	}
	wal_copy_store_first(&c, WAL_FILE_HEADER);
	wal_file_check_end(&c.f, 0, WAL_FILE_HEADER, false);
	wal_copy_fini(&c);
}

static void
wal_reader__zero_header_is_no_data_unless_records_promise(void **state)
{
	struct wal_file f;
	struct buf file = {0};
	uint8_t zeros[5000] = {0};

	(void)state;
	wal_file_init(&f);
	wal_file_store(&f, bytes_of(zeros, WAL_FILE_HEADER));
	check_err(open_log(&f), -ENODATA);
	wal_file_store(&f, bytes_of(zeros, sizeof(zeros)));
	check_err(open_log(&f), -ENODATA);

	wal_file_fill(&f, 3, wal_file_nothing_durable, NULL);
	wal_file_load(&f, &file);
	memset(file.data, 0, WAL_FILE_HEADER);
	wal_file_store(&f, buf_bytes(&file));
	check_err(open_log(&f), -ENODATA);
	check_str(f.message, "");

	wal_file_fill(&f, 3, wal_file_two_behind, NULL);
	wal_file_load(&f, &file);
	memset(file.data, 0, WAL_FILE_HEADER);
	wal_file_store(&f, buf_bytes(&file));
	check_err(open_log(&f), -EUCLEAN);
	check_contains(f.message, f.path);
	buf_fini(&file);
	wal_file_fini(&f);
}

static void
wal_reader__every_byte_of_the_header_counts(void **state)
{
	struct wal_copy c;

	(void)state;
	wal_copy_init(&c, 1, wal_file_nothing_durable);
	for (size_t i = 0; i < WAL_FILE_HEADER; i++) {
		/* Magic and version: not ours, or newer. */
		int want = i < 12 ? -EPROTONOSUPPORT : -EUCLEAN;

		c.bytes.data[i] ^= 0x10;
		wal_copy_store(&c);
		check_err(open_log(&c.f), want);
		check_contains(c.f.message, c.f.path);
		c.bytes.data[i] ^= 0x10;
	}
	wal_copy_fini(&c);
}

static void
wal_reader__older_version_is_read_and_a_newer_one_refused(void **state)
{
	struct wal_file f;
	struct wal_reader *r;

	(void)state;
	wal_file_init(&f);
	wal_file_fill(&f, 3, wal_file_nothing_durable, NULL);
	for (uint32_t version = 1; version <= 2; version++) {
		wal_file_set_version(f.path, version);
		check_ok(wal_reader_open(f.env, f.path,
		    WAL_FILE_ID(WAL_KIND_LOG, WAL_FILE_NUMBER), &r));
		check_eq(wal_reader_version(r), version);
		wal_reader_close(r);
	}
	wal_file_set_version(f.path, 3);
	check_err(open_log(&f), -EPROTONOSUPPORT);
	check_contains(f.message, f.path);
	check_contains(f.message, "version 3; this program knows versions 1"
				  " to 2; use a newer keyfs");
	wal_file_set_version(f.path, 0);
	check_err(open_log(&f), -EPROTONOSUPPORT);
	wal_file_fini(&f);
}

static void
wal_reader__file_under_another_name_is_refused(void **state)
{
	struct wal_file f;
	struct wal_reader *r;

	(void)state;
	wal_file_init(&f);
	wal_file_fill(&f, 1, wal_file_nothing_durable, NULL);
	check_err(
	    wal_reader_open(f.env, f.path, WAL_FILE_ID(WAL_KIND_LOG, 8), &r),
	    -EUCLEAN);
	check_contains(f.message, "was the file renamed?");
	check_err(wal_reader_open(
		      f.env, f.path, WAL_FILE_ID(WAL_KIND_MANIFEST, 7), &r),
	    -EUCLEAN);
	env_unlink(&f.posix, f.path);
	check_err(open_log(&f), -ENOENT);
	wal_file_fini(&f);
}

static void
wal_reader__file_of_another_store_is_refused(void **state)
{
	struct wal_id id = {WAL_KIND_LOG, WAL_FILE_NUMBER, WAL_FILE_SALT + 1};
	struct wal_file f;
	struct wal_reader *r;
	struct wal_record record;

	(void)state;
	wal_file_init(&f);
	wal_file_fill(&f, 1, wal_file_nothing_durable, NULL);
	check_err(wal_reader_open(f.env, f.path, &id, &r), -EUCLEAN);
	check_contains(f.message, "of another store");
	/* Who knows no store takes it as it is. */
	id.salt = 0;
	check_ok(wal_reader_open(f.env, f.path, &id, &r));
	check_eq(wal_reader_salt(r), WAL_FILE_SALT);
	check_eq(wal_reader_next(r, &record), 1);
	wal_reader_close(r);
	wal_file_fini(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wal_reader__torn_at_every_byte_of_the_last_record),
	    cmocka_unit_test(
		wal_reader__last_record_hurt_at_every_byte_is_torn),
	    cmocka_unit_test(
		wal_reader__last_record_zero_from_any_byte_on_is_torn),
	    cmocka_unit_test(wal_reader__zeros_behind_the_end_are_not_torn),
	    cmocka_unit_test(
		wal_reader__damage_before_a_promised_record_is_an_error),
	    cmocka_unit_test(
		wal_reader__damage_that_nobody_promised_is_the_end),
	    cmocka_unit_test(wal_reader__promise_beyond_a_large_hole_is_found),
	    cmocka_unit_test(wal_reader__failing_read_is_not_the_end),
	    cmocka_unit_test(
		wal_reader__random_damage_loses_no_promised_record),
	    cmocka_unit_test(
		wal_reader__file_that_ends_in_its_header_is_no_data),
	    cmocka_unit_test(
		wal_reader__zero_header_is_no_data_unless_records_promise),
	    cmocka_unit_test(wal_reader__every_byte_of_the_header_counts),
	    cmocka_unit_test(
		wal_reader__older_version_is_read_and_a_newer_one_refused),
	    cmocka_unit_test(wal_reader__file_under_another_name_is_refused),
	    cmocka_unit_test(wal_reader__file_of_another_store_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
