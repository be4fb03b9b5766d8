#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/wire.h"
#include "engine/db/batch.h"
#include "engine/table/wal.h"
#include "tests/support/file.h"
#include "tests/support/lsm_store.h"
#include "tests/support/wal_file.h"

/* Goes on with a copy of the files as they are now: what a kill leaves. */
static void
kill_and_open(struct lsm_store *s)
{
	const char *copy = lsm_store_copy(s);

	lsm_store_close(s);
	check_rmtree(s->dir);
	s->dir = copy;
	lsm_store_open(s);
}

/* Tables cannot be made, so that logs pile up: two full memtables and the one
 * being written.  Returns how many keys were written. */
static unsigned
pile_up(struct lsm_store *s)
{
	unsigned n = 0;

	lsm_store_open(s);
	s->fault.match = ".sst";
	env_fault_arm(&s->fault, ENV_FAULT_ERROR, ENOSPC, 1);
	s->fault.at_end = UINT64_MAX;
	while (lsm_store_file_count(s, ".log") < 3)
		lsm_store_fill(s, n, n + 1, 100, 'a'), n++;
	lsm_store_fill(s, n, n + 5, 100, 'a');
	return n + 5;
}

static void
sync_all(struct lsm_store *s)
{
	check_ok(lsm_sync(s->db, lsm_seq(s->db)));
}

/* Opening refuses, names the file, and leaves the rest alone. */
static void
expect_missing_log(struct lsm_store *s)
{
	lsm_store_close(s);
	check_ok(truncate(lsm_store_file(s, ".log"), 0));
	check_err(lsm_store_try_open(s), ERR_DAMAGED);
	check_true(lsm_store_said(s, "it is empty"));
	check_ok(unlink(lsm_store_file(s, ".log")));
	check_err(lsm_store_try_open(s), ERR_DAMAGED);
	check_true(lsm_store_said(s, ".log: missing"));
	check_err(lsm_store_try_open(s), ERR_DAMAGED);
}

static void
recover__a_missing_or_empty_log_is_damage(void **state)
{
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_put(&s, "k", "v");
	sync_all(&s);
	expect_missing_log(&s);
	lsm_store_fini(&s);

	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_put(&s, "k", "v");
	check_ok(lsm_flush(s.db));
	lsm_store_put(&s, "l", "w");
	lsm_store_reopen(&s);
	expect_missing_log(&s);
	lsm_store_fini(&s);
}

static void
recover__finds_everything_after_a_kill(void **state)
{
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_fill(&s, 0, 300, 100, 'a');
	kill_and_open(&s);
	lsm_store_expect(&s, 0, 300, 100, 'a');
	check_eq(lsm_seq(s.db), 300);
	lsm_store_fill(&s, 300, 400, 100, 'a');
	kill_and_open(&s);
	lsm_store_expect(&s, 0, 400, 100, 'a');
	lsm_store_check(&s);
	lsm_store_fini(&s);
}

static void
recover__goes_on_with_the_log_and_makes_no_table(void **state)
{
	struct lsm_store s;
	char log[512];

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	(void)snprintf(log, sizeof(log), "%s", lsm_store_file(&s, ".log"));
	for (unsigned i = 0; i < 10; i++) {
		lsm_store_fill(&s, i, i + 1, 10, 'a');
		lsm_store_reopen(&s);
	}
	check_eq(lsm_store_file_count(&s, ".sst"), 0);
	check_eq(lsm_store_file_count(&s, ".log"), 1);
	check_str(lsm_store_file(&s, ".log"), log);
	lsm_store_expect(&s, 0, 10, 10, 'a');
	lsm_store_fini(&s);
}

static void
recover__takes_several_logs_and_flushes_them(void **state)
{
	struct lsm_store s;
	unsigned n;

	(void)state;
	lsm_store_init(&s);
	n = pile_up(&s);
	kill_and_open(&s);
	lsm_store_expect(&s, 0, n, 100, 'a');
	check_eq(lsm_store_stats(&s).memtables, 3);
	env_fault_disarm(&s.fault);
	check_ok(lsm_flush(s.db));
	check_eq(lsm_store_stats(&s).memtables, 1);
	check_eq(lsm_store_file_count(&s, ".log"), 1);
	lsm_store_expect(&s, 0, n, 100, 'a');
	lsm_store_reopen(&s);
	lsm_store_expect(&s, 0, n, 100, 'a');
	lsm_store_fini(&s);
}

static void
recover__works_on_a_full_disk(void **state)
{
	struct lsm_store s;
	unsigned n;

	(void)state;
	lsm_store_init(&s);
	n = pile_up(&s);
	env_fault_disarm(&s.fault);
	s.fault.match = NULL;
	s.fault.space_left = 0;
	kill_and_open(&s);
	lsm_store_expect(&s, 0, n, 100, 'a');
	check_err(lsm_store_try_put(&s, "a", "1", NULL), -ENOSPC);
	s.fault.space_left = UINT64_MAX;
	lsm_store_put(&s, "a", "1");
	lsm_store_expect(&s, 0, n, 100, 'a');
	lsm_store_fini(&s);
}

/* What is there is 0..n-1 for some n, which is returned. */
static unsigned
prefix(struct lsm_store *s, unsigned max)
{
	unsigned n = (unsigned)lsm_seq(s->db);
	char key[32];

	check_le(n, max);
	lsm_store_expect(s, 0, n, 100, 'a');
	(void)snprintf(key, sizeof(key), "KEY%06u", n);
	check_true(lsm_store_get(s, key) == NULL);
	return n;
}

static void
recover__a_cut_anywhere_leaves_a_prefix(void **state)
{
	struct lsm_store s;
	unsigned before = 12;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_fill(&s, 0, 12, 100, 'a');
	/* One byte after the other goes; what was cut off is cut off for good,
	 * and the log is gone on with. */
	while (before > 0) {
		const char *copy = lsm_store_copy(&s);
		const char *log;
		unsigned n;

		lsm_store_close(&s);
		check_rmtree(s.dir);
		s.dir = copy;
		log = lsm_store_file(&s, ".log");
		check_ok(truncate(log, (off_t)file_size(log) - 1));
		lsm_store_open(&s);
		n = prefix(&s, before);
		check_eq(n, before - 1);
		before = n;
	}
	lsm_store_fill(&s, 0, 3, 100, 'a');
	kill_and_open(&s);
	check_eq(prefix(&s, 3), 3);
	lsm_store_fini(&s);
}

static void
recover__damage_before_what_was_promised_is_an_error(void **state)
{
	struct lsm_store s;
	const char *log;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_fill(&s, 0, 10, 100, 'a');
	sync_all(&s);
	lsm_store_fill(&s, 10, 11, 100, 'a'); /* this record promises */
	lsm_store_close(&s);
	log = lsm_store_file(&s, ".log");
	lsm_store_damage(log, 500);
	check_err(lsm_store_try_open(&s), -EUCLEAN);
	check_true(lsm_store_said(&s, log));
	check_true(lsm_store_said(&s, "damaged at offset"));
	lsm_store_damage(log, 500);
	lsm_store_open(&s);
	lsm_store_expect(&s, 0, 11, 100, 'a');
	lsm_store_fini(&s);
}

/* Where the zeros begin that a log may have behind its end. */
static off_t
content_size(const char *path)
{
	off_t size = (off_t)file_size(path);
	FILE *f = fopen(path, "r");
	int c = 0;

	check_true(f != NULL);
	while (c == 0 && size > 0) {
		check_ok(fseek(f, --size, SEEK_SET));
		c = getc(f);
	}
	check_ok(fclose(f));
	return size + 1;
}

/* Its path, valid until the next call. */
static const char *
first_log(struct lsm_store *s)
{
	static char path[512];

	for (unsigned number = 1; number < 100; number++) {
		(void)snprintf(
		    path, sizeof(path), "%s/%06u.log", s->dir, number);
		if (access(path, F_OK) == 0)
			break;
	}
	return path;
}

/* Cuts the last 50 bytes off the first of three logs. */
static void
cut_first_log(struct lsm_store *s)
{
	const char *path = first_log(s);

	check_ok(truncate(path, content_size(path) - 50));
}

static void
recover__logs_beyond_a_hole_are_given_up(void **state)
{
	struct lsm_store s;
	unsigned n, left;

	(void)state;
	lsm_store_init(&s);
	n = pile_up(&s);
	s.dir = lsm_store_copy(&s); /* before close syncs */
	lsm_store_close(&s);
	cut_first_log(&s);
	lsm_store_open(&s);
	left = prefix(&s, n);
	check_le(10, left);
	check_le(left, n - 10);
	check_eq(lsm_store_file_count(&s, ".log"), 1);
	/* The numbers are given again, and found again. */
	lsm_store_fill(&s, left, left + 3, 100, 'a');
	kill_and_open(&s);
	check_eq(prefix(&s, n), left + 3);
	lsm_store_fini(&s);
}

static void
recover__a_hole_in_what_was_promised_is_an_error(void **state)
{
	struct lsm_store s;
	unsigned n;

	(void)state;
	lsm_store_init(&s);
	n = pile_up(&s);
	sync_all(&s);
	lsm_store_fill(&s, n, n + 1, 100, 'a'); /* this record promises */
	lsm_store_close(&s);
	cut_first_log(&s);
	check_err(lsm_store_try_open(&s), -EUCLEAN);
	check_true(lsm_store_said(&s, "was on stable storage"));
	check_eq(lsm_store_file_count(&s, ".log"), 3);
	lsm_store_fini(&s);
}

/* Closed: the second of two logs promises what the first has lost. */
static void
lose_what_was_promised(struct lsm_store *s)
{
	unsigned n = 10;

	lsm_store_init(s);
	lsm_store_open(s);
	s->fault.match = ".sst";
	env_fault_arm(&s->fault, ENV_FAULT_ERROR, ENOSPC, 1);
	s->fault.at_end = UINT64_MAX;
	lsm_store_fill(s, 0, n, 100, 'a');
	sync_all(s);
	for (; lsm_store_file_count(s, ".log") < 2; n++)
		lsm_store_fill(s, n, n + 1, 100, 'a');
	lsm_store_fill(s, n, n + 5, 100, 'a');
	s->dir = lsm_store_copy(s); /* before close syncs */
	lsm_store_close(s);
	check_ok(truncate(first_log(s), 500));
}

static void
expect_loss_is_seen(struct lsm_store *s)
{
	check_err(lsm_store_try_open(s), -EUCLEAN);
	check_true(lsm_store_said(s, "that 10 was on stable storage"));
}

/* The first record of the log that promises is torn; those behind it are not.
 */
static void
recover__a_torn_record_hides_no_promise(void **state)
{
	struct lsm_store s;

	(void)state;
	lose_what_was_promised(&s);
	lsm_store_damage(lsm_store_file(&s, ".log"), WAL_FILE_HEADER);
	expect_loss_is_seen(&s);
	check_eq(lsm_store_file_count(&s, ".log"), 2);
	lsm_store_fini(&s);
}

/* The header of the log that promises did not become durable; records did. */
static void
recover__a_lost_header_hides_no_promise(void **state)
{
	static const uint8_t zeros[WAL_FILE_HEADER];
	struct lsm_store s;
	FILE *f;

	(void)state;
	lose_what_was_promised(&s);
	f = fopen(lsm_store_file(&s, ".log"), "r+");
	check_true(f != NULL);
	check_eq(fwrite(zeros, 1, sizeof(zeros), f), sizeof(zeros));
	check_ok(fclose(f));
	expect_loss_is_seen(&s);
	lsm_store_fini(&s);
}

/* A store of five keys that is closed, and beside its log a file with another
 * log's name; its path, valid until the next call. */
static const char *
store_with_log(struct lsm_store *s, struct bytes content)
{
	static char path[512];
	FILE *f;

	lsm_store_init(s);
	lsm_store_open(s);
	lsm_store_fill(s, 0, 5, 100, 'a');
	lsm_store_close(s);
	(void)snprintf(path, sizeof(path), "%s/000090.log", s->dir);
	f = fopen(path, "w");
	check_true(f != NULL);
	check_eq(fwrite(content.data, 1, content.size, f), content.size);
	check_ok(fclose(f));
	return path;
}

static void
recover__a_log_without_a_header_is_empty(void **state)
{
	struct lsm_store s;

	(void)state;
	store_with_log(&s, bytes_of("\0\0\0\0\0", 5));
	lsm_store_open(&s);
	check_eq(prefix(&s, 5), 5);
	check_eq(lsm_store_file_count(&s, ".log"), 1);
	lsm_store_fill(&s, 5, 100, 100, 'a');
	check_eq(prefix(&s, 100), 100);
	lsm_store_fini(&s);
}

static void
recover__a_foreign_log_is_named(void **state)
{
	static char text[240];
	struct lsm_store s;
	const char *path;

	(void)state;
	memset(text, 'x', sizeof(text));
	path = store_with_log(&s, bytes_of(text, sizeof(text)));
	check_err(lsm_store_try_open(&s), -EPROTONOSUPPORT);
	check_true(lsm_store_said(&s, "000090.log"));
	check_ok(unlink(path));
	lsm_store_open(&s);
	check_eq(prefix(&s, 5), 5);
	lsm_store_fini(&s);
}

/* What the checksums of the store's logs are seeded with. */
static uint64_t
salt_of(struct lsm_store *s)
{
	FILE *f = fopen(lsm_store_file(s, ".log"), "r");
	uint8_t header[WAL_FILE_HEADER];

	check_true(f != NULL);
	check_eq(fread(header, 1, sizeof(header), f), sizeof(header));
	check_ok(fclose(f));
	return wire_get_le64(header + 32);
}

/* A log of one record with this payload, under number 90. */
static void
make_log(struct lsm_store *s, uint64_t first_seq, uint32_t count,
    struct bytes payload)
{
	const struct wal_id id = {WAL_KIND_LOG, 90, salt_of(s)};
	struct wal_stamp stamp = {first_seq, count, 0};
	struct buf record = {0};
	char path[512];
	struct wal *w;

	(void)snprintf(path, sizeof(path), "%s/000090.log", s->dir);
	check_ok(wal_create(&s->posix, path, &id, first_seq, &w));
	for (int i = 0; i < WAL_RECORD_HEADER; i++)
		check_ok(buf_append_u8(&record, 0));
	check_ok(buf_append_bytes(&record, payload));
	check_ok(wal_append(w, record.data, record.size, &stamp));
	wal_close(w);
	buf_fini(&record);
}

static void
expect_damage_in_90(struct lsm_store *s, const char *what)
{
	char path[512];

	check_err(lsm_store_try_open(s), -EUCLEAN);
	check_true(lsm_store_said(s, "000090.log: damaged at offset"));
	check_true(lsm_store_said(s, what));
	(void)snprintf(path, sizeof(path), "%s/000090.log", s->dir);
	check_ok(unlink(path));
}

static void
recover__an_intact_record_that_makes_no_sense_is_damage(void **state)
{
	struct lsm_batch *b = lsm_batch_new();
	struct lsm_store s;

	(void)state;
	check_true(b != NULL);
	check_ok(lsm_batch_put(b, bytes_str("x"), bytes_str("1")));
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_fill(&s, 0, 5, 100, 'a');
	lsm_store_close(&s);
	make_log(&s, 6, 2, batch_payload(b)); /* it has one operation */
	expect_damage_in_90(&s, "holds no batch");
	make_log(&s, 6, 1, bytes_str("what is this?"));
	expect_damage_in_90(&s, "holds no batch");
	make_log(&s, 5, 1, batch_payload(b));
	expect_damage_in_90(&s, "numbers that others have");
	make_log(&s, 6, 1, batch_payload(b));
	lsm_store_open(&s);
	check_str(lsm_store_get(&s, "x"), "1");
	lsm_batch_free(b);
	lsm_store_fini(&s);
}

/* What an older program wrote stays readable for it. */
static void
recover__does_not_append_to_a_log_of_an_older_version(void **state)
{
	char *path;
	struct lsm_store s;
	uint64_t size;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	lsm_store_fill(&s, 0, 5, 100, 'a');
	check_eq(lsm_store_file_count(&s, ".log"), 1);
	path = strdup(lsm_store_file(&s, ".log"));
	check_true(path != NULL);
	lsm_store_close(&s);
	wal_file_set_version(path, 1);
	size = file_size(path);
	/* Twice: the second time an empty log follows it. */
	for (int round = 0; round < 2; round++) {
		lsm_store_reopen(&s);
		check_eq(lsm_store_file_count(&s, ".log"), 2);
		check_eq(file_size(path), size);
		lsm_store_expect(&s, 0, 5, 100, 'a');
		lsm_store_check(&s);
	}
	lsm_store_fill(&s, 5, 10, 100, 'a');
	check_ok(lsm_sync(s.db, lsm_seq(s.db)));
	check_eq(lsm_durable_seq(s.db), 10);
	kill_and_open(&s);
	lsm_store_expect(&s, 0, 10, 100, 'a');
	check_ok(lsm_flush(s.db));
	lsm_store_expect(&s, 0, 10, 100, 'a');
	check_eq(lsm_store_file_count(&s, ".log"), 1);
	free(path);
	lsm_store_fini(&s);
}

/* Whatever the policy is now: it may have been another one then. */
static void
recover__what_is_replayed_is_made_durable(void **state)
{
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	s.options.durability.policy = DURABILITY_NONE;
	lsm_store_open(&s);
	lsm_store_fill(&s, 0, 5, 100, 'a');
	kill_and_open(&s);
	check_eq(lsm_durable_seq(s.db), 5);
	s.fault.syncs = 0;
	check_ok(lsm_sync(s.db, 5));
	check_eq(s.fault.syncs, 0);
	lsm_store_put(&s, "k", "v");
	check_eq(lsm_durable_seq(s.db), 5);
	lsm_store_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(recover__a_missing_or_empty_log_is_damage),
	    cmocka_unit_test(recover__finds_everything_after_a_kill),
	    cmocka_unit_test(recover__goes_on_with_the_log_and_makes_no_table),
	    cmocka_unit_test(recover__takes_several_logs_and_flushes_them),
	    cmocka_unit_test(recover__works_on_a_full_disk),
	    cmocka_unit_test(recover__a_cut_anywhere_leaves_a_prefix),
	    cmocka_unit_test(
		recover__damage_before_what_was_promised_is_an_error),
	    cmocka_unit_test(recover__logs_beyond_a_hole_are_given_up),
	    cmocka_unit_test(recover__a_hole_in_what_was_promised_is_an_error),
	    cmocka_unit_test(recover__a_torn_record_hides_no_promise),
	    cmocka_unit_test(recover__a_lost_header_hides_no_promise),
	    cmocka_unit_test(recover__a_log_without_a_header_is_empty),
	    cmocka_unit_test(recover__a_foreign_log_is_named),
	    cmocka_unit_test(
		recover__an_intact_record_that_makes_no_sense_is_damage),
	    cmocka_unit_test(
		recover__does_not_append_to_a_log_of_an_older_version),
	    cmocka_unit_test(recover__what_is_replayed_is_made_durable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
