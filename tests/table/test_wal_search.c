/* What the reader makes of records behind the first bad place of a log. */
#include "tests/check.h"

#include "engine/base/wire.h"
#include "tests/support/wal_copy.h"

/* The records of a log with this number, from sequence number `from` on. */
static void
stale_records(struct wal_file *f, uint64_t number, uint64_t from,
    uint64_t durable, struct buf *out)
{
	struct wal *w;
	struct buf file = {0};

	env_unlink(&f->posix, f->path);
	check_ok(wal_create(
	    f->env, f->path, WAL_FILE_ID(WAL_KIND_LOG, number), from, &w));
	for (uint64_t i = from; i < from + 3; i++)
		check_ok(wal_file_append(
		    w, (struct wal_stamp){i, 1, durable}, "stale payload"));
	wal_close(w);
	wal_file_load(f, &file);
	check_ok(buf_append(
	    out, file.data + WAL_FILE_HEADER, file.size - WAL_FILE_HEADER));
	buf_fini(&file);
}

/* A log with records 1 to 3 and behind them those stale ones. */
static uint64_t
log_with_stale(
    struct wal_file *f, uint64_t number, uint64_t from, uint64_t durable)
{
	struct buf stale = {0}, file = {0};
	uint64_t at[5];

	stale_records(f, number, from, durable, &stale);
	wal_file_fill(f, 3, wal_file_two_behind, at);
	wal_file_load(f, &file);
	check_ok(buf_append_bytes(&file, buf_bytes(&stale)));
	wal_file_store(f, buf_bytes(&file));
	buf_fini(&stale);
	buf_fini(&file);
	return at[4];
}

static void
wal_search__records_of_another_file_are_the_end(void **state)
{
	struct wal_file f;
	uint64_t end;

	(void)state;
	wal_file_init(&f);
	/* Even if they continue the sequence, and promise. */
	end = log_with_stale(&f, 6, 4, 3);
	wal_file_check_end(&f, 3, end, true);
	end = log_with_stale(&f, 6, 10, 9);
	wal_file_check_end(&f, 3, end, true);
	wal_file_fini(&f);
}

static void
wal_search__earlier_records_of_this_file_are_the_end(void **state)
{
	struct wal_file f;
	uint64_t end;

	(void)state;
	wal_file_init(&f);
	end = log_with_stale(&f, 7, 1, 0);
	wal_file_check_end(&f, 3, end, true);
	wal_file_fini(&f);
}

static void
wal_search__gap_in_the_sequence_is_the_end_or_damage(void **state)
{
	struct wal_file f;
	uint64_t end;

	(void)state;
	wal_file_init(&f);
	/* 4 is missing: was it promised? */
	end = log_with_stale(&f, 7, 5, 3);
	wal_file_check_end(&f, 3, end, true);
	end = log_with_stale(&f, 7, 5, 4);
	wal_file_check_damaged(&f, 3, end);
	wal_file_fini(&f);
}

/* The search looks at many offsets together. */
static void
wal_search__finds_a_promise_at_any_offset(void **state)
{
	struct wal_copy c;
	struct buf hole = {0};

	(void)state;
	wal_copy_init(&c, 6, wal_file_two_behind);
	for (unsigned size = 0; size < 300; size++) {
		/* Record 3 gave way to so many bytes. */
		buf_clear(&hole);
		check_ok(buf_append(&hole, c.bytes.data, c.at[3]));
		for (unsigned i = 0; i < size; i++)
			check_ok(buf_append_u8(&hole, size % 3 ? 0xa5 : 0));
		check_ok(buf_append(&hole, c.bytes.data + c.at[5],
		    c.at[6 + size % 2] - c.at[5]));
		wal_file_store(&c.f, buf_bytes(&hole));
		wal_file_check_damaged(&c.f, 2, c.at[3]);
	}
	buf_fini(&hole);
	wal_copy_fini(&c);
}

/* Bytes that somebody put into a value: records that would promise, but for the
 * salt, which nobody knows. */
static void
wal_search__a_value_cannot_promise(void **state)
{
	struct wal_id id = {WAL_KIND_LOG, WAL_FILE_NUMBER, 0};
	struct wal_file f;
	struct buf forged = {0}, file = {0};
	struct wal *w;
	uint64_t at[5];

	(void)state;
	wal_file_init(&f);
	check_ok(wal_create(f.env, f.path, &id, 4, &w));
	check_ok(wal_file_append(w, (struct wal_stamp){4, 1, 3}, "forged"));
	check_ok(wal_file_append(w, (struct wal_stamp){5, 1, 4}, "forged"));
	wal_close(w);
	wal_file_load(&f, &forged);
	wal_file_fill(&f, 3, wal_file_two_behind, at);
	wal_file_load(&f, &file);
	/* A torn record's payload. */
	check_ok(buf_append(&file, "torn", 4));
	check_ok(buf_append_bytes(&file, buf_bytes(&forged)));
	wal_file_store(&f, buf_bytes(&file));
	wal_file_check_end(&f, 3, at[4], true);
	buf_fini(&forged);
	buf_fini(&file);
	wal_file_fini(&f);
}

/* A torn record's header is good: what it promises was true. */
static void
wal_search__a_header_promises_though_its_payload_is_torn(void **state)
{
	struct wal_copy c;

	(void)state;
	wal_copy_init(&c, 4, wal_file_two_behind);
	c.bytes.data[c.at[5] - 1] ^= 1;
	c.bytes.data[c.at[2]] ^= 1;
	wal_copy_store(&c);
	wal_file_check_damaged(&c.f, 1, c.at[2]);
	c.bytes.data[c.at[4] + 8] ^= 1; /* now its header is not good, either */
	wal_copy_store(&c);
	wal_file_check_end(&c.f, 1, c.at[2], true);
	wal_copy_fini(&c);
}

/* What they say of the files before this one. */
static void
wal_search__promises_behind_a_torn_record_count(void **state)
{
	struct wal_file f;
	struct buf file = {0};
	struct wal_tail tail;
	struct wal *w;
	uint64_t last;

	(void)state;
	wal_file_init(&f);
	check_ok(wal_create(f.env, f.path,
	    WAL_FILE_ID(WAL_KIND_LOG, WAL_FILE_NUMBER), 101, &w));
	for (uint64_t i = 101; i < 110; i++) {
		uint64_t durable = i < 105 ? i - 51 : 60;

		check_ok(wal_file_append(
		    w, (struct wal_stamp){i, 1, durable}, "payload"));
	}
	wal_close(w);
	wal_file_load(&f, &file);
	file.data[WAL_FILE_HEADER] ^= 1;
	wal_file_store(&f, buf_bytes(&file));
	check_ok(wal_file_read(&f, &last, &tail));
	check_eq(last, 0);
	check_eq(tail.end, WAL_FILE_HEADER);
	check_true(tail.torn);
	check_eq(tail.promised, 60);
	buf_fini(&file);
	wal_file_fini(&f);
}

/* --- the time it takes ---------------------------------------------------- */

/* As large as a segment is. */
#define TAIL_BYTES (16u << 20)

/* Hashing what false headers speak of would take minutes, and reading takes
 * 20 ms; ThreadSanitizer on a busy machine makes seconds of it. */
#define TAIL_US_MAX 60000000

/* A log of two records ends where they end, whatever this tail is. */
static void
check_tail_is_the_end(struct wal_file *f, struct bytes tail)
{
	struct buf file = {0};
	uint64_t at[4], begin;

	wal_file_fill(f, 2, wal_file_nothing_durable, at);
	wal_file_load(f, &file);
	check_ok(buf_append_bytes(&file, tail));
	wal_file_store(f, buf_bytes(&file));
	begin = env_now_us(&f->posix);
	wal_file_check_end(f, 2, at[3], true);
	check_le(env_now_us(&f->posix) - begin, TAIL_US_MAX);
	buf_fini(&file);
}

/* Headers that promise everything and speak of all that is behind them; only
 * the checksums are wrong. */
static void
wal_search__false_headers_cost_nothing(void **state)
{
	struct wal_file f;
	struct buf tail = {0};

	(void)state;
	wal_file_init(&f);
	while (tail.size < TAIL_BYTES) {
		uint8_t header[WAL_RECORD_HEADER] = {0};

		wire_put_le32(
		    header + 16, TAIL_BYTES - (uint32_t)tail.size - 40);
		wire_put_le32(header + 20, 1);
		wire_put_le64(header + 24, 9);
		wire_put_le64(header + 32, 8);
		check_ok(buf_append(&tail, header, sizeof(header)));
	}
	check_tail_is_the_end(&f, buf_bytes(&tail));
	buf_fini(&tail);
	wal_file_fini(&f);
}

/* What a file held before it was used again: records of another number that
 * go on from here, each promising the one before it. */
static void
wal_search__a_tail_of_stale_records_costs_nothing(void **state)
{
	struct wal_file f;
	struct buf old = {0};
	struct wal *w;
	char text[301];

	(void)state;
	wal_file_init(&f);
	memset(text, 0, sizeof(text));
	memset(text, 1, 300);
	check_ok(
	    wal_create(f.env, f.path, WAL_FILE_ID(WAL_KIND_LOG, 6), 1, &w));
	for (uint64_t i = 1; wal_size(w) < TAIL_BYTES; i++)
		check_ok(
		    wal_file_append(w, (struct wal_stamp){i, 1, i - 1}, text));
	wal_close(w);
	wal_file_load(&f, &old);
	check_tail_is_the_end(&f, bytes_of(old.data + 200, old.size - 200));
	buf_fini(&old);
	wal_file_fini(&f);
}

/*
 * After a power cut: a bad record, then many good ones that nobody synced.
 * Their headers, read one byte off, look like larger records with promises.
 */
static void
wal_search__unsynced_records_behind_a_bad_one_are_the_end(void **state)
{
	struct wal_file f;
	struct buf file = {0};
	struct wal *w;
	uint64_t bad = 0;
	char text[301];

	(void)state;
	wal_file_init(&f);
	memset(text, 'x', 300);
	text[300] = 0;
	w = wal_file_create(&f);
	for (uint64_t i = 1; i <= 20000; i++) {
		struct wal_stamp stamp = {i, 1, i > 150 ? 150 : 0};

		if (i == 200)
			bad = wal_size(w);
		check_ok(wal_file_append(w, stamp, text));
	}
	wal_close(w);
	wal_file_load(&f, &file);
	file.data[bad + 50] ^= 1;
	wal_file_store(&f, buf_bytes(&file));
	wal_file_check_end(&f, 199, bad, true);
	buf_fini(&file);
	wal_file_fini(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wal_search__records_of_another_file_are_the_end),
	    cmocka_unit_test(
		wal_search__earlier_records_of_this_file_are_the_end),
	    cmocka_unit_test(
		wal_search__gap_in_the_sequence_is_the_end_or_damage),
	    cmocka_unit_test(wal_search__finds_a_promise_at_any_offset),
	    cmocka_unit_test(wal_search__a_value_cannot_promise),
	    cmocka_unit_test(
		wal_search__a_header_promises_though_its_payload_is_torn),
	    cmocka_unit_test(wal_search__promises_behind_a_torn_record_count),
	    cmocka_unit_test(wal_search__false_headers_cost_nothing),
	    cmocka_unit_test(wal_search__a_tail_of_stale_records_costs_nothing),
	    cmocka_unit_test(
		wal_search__unsynced_records_behind_a_bad_one_are_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
