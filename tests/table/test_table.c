#include "engine/table/table.h"

#include <stdio.h>

#include "engine/base/hash.h"
#include "engine/os/thread.h"
#include "tests/support/place.h"

static uint64_t
hash_of(struct bytes ikey)
{
	return hash_64(ikey_user(ikey), 0);
}

static void
check_gets(
    struct table *t, const struct sorted *s, struct check_rand *r, size_t count)
{
	struct buf target = {0};

	for (size_t i = 0; i < count; i++) {
		sorted_target(s, r, &target);
		place_check_get(t, s, buf_bytes(&target), false);
	}
	buf_fini(&target);
}

static void
check_walk(struct table *t, const struct sorted *s, struct check_rand *r,
    bool fill, size_t steps)
{
	struct iter *it;

	check_ok(table_iter_open(t, fill, &it));
	sorted_walk(s, it, r, steps);
	iter_close(it);
}

/* --- right answers ----------------------------------------------------- */

static void
table__random_against_array(void **state)
{
	static const size_t cache_bytes[] = {0, 20000, 8 << 20};
	struct check_rand r = check_rand_of(check_seed());
	struct place p;

	(void)state;
	place_init(&p);
	for (size_t round = 0; round < 40; round++) {
		struct table_writer_options o = {
		    .block_bytes = (size_t)64 << check_rand_below(&r, 8),
		    .filter_bits = check_rand_one_in(&r, 4) ? 0 : 10,
		    .compress = check_rand_one_in(&r, 2),
		    .index_bytes = check_rand_one_in(&r, 2)
				       ? 1 + check_rand_below(&r, 10000)
				       : 0,
		};
		struct cache *c =
		    round % 4 < 3 ? cache_new(cache_bytes[round % 4]) : NULL;
		struct sorted s = {0};
		struct table *t;

		place_make(&p, &r, &s, 1 + check_rand_below(&r, 3000), &o);
		t = place_open(&p, c);
		check_gets(t, &s, &r, 500);
		check_walk(t, &s, &r, true, 2000);
		check_walk(t, &s, &r, false, 2000);
		check_eq(table_check(t, place_finding, &p), 0);
		table_close(t);
		if (c)
			cache_free(c);
		sorted_fini(&s);
		check_ok(env_unlink(&p.posix, p.path));
	}
	env_fault_fini(&p.fault);
}

/* Straight through, both ways, as compaction and listings go. */
static void
table__scans_both_ways(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	struct sorted s = {0};
	struct table *t;
	struct iter *it;
	struct place p;

	(void)state;
	place_init(&p);
	place_make(&p, &r, &s, 20000, &place_options);
	t = place_open(&p, NULL);
	for (int fill = 0; fill < 2; fill++) {
		size_t at = 0;
		int rc;

		check_ok(table_iter_open(t, fill, &it));
		for (rc = iter_first(it); rc == 1; rc = iter_next(it))
			check_bytes_eq(it->key, s.entries[at++].key);
		check_eq(rc, 0);
		check_eq(at, s.count);
		for (rc = iter_last(it); rc == 1; rc = iter_prev(it))
			check_bytes_eq(it->key, s.entries[--at].key);
		check_eq(rc, 0);
		check_eq(at, 0);
		iter_close(it);
	}
	table_close(t);
	sorted_fini(&s);
	place_fini(&p);
}

/* Values larger than a block and than what is read ahead at once. */
static void
table__large_values(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	static uint8_t value[700000];
	struct sorted s = {0};
	struct table_info info;
	struct table *t;
	struct place p;
	char user[16];

	(void)state;
	place_init(&p);
	check_rand_fill(&r, value, sizeof(value));
	for (unsigned i = 0; i < 24; i++) {
		snprintf(user, sizeof(user), "k%02u", i);
		sorted_add(&s, bytes_str(user), i + 1, IKEY_KIND_PUT,
		    bytes_of(value, i % 3 ? 10 : sizeof(value) - i * 1000));
	}
	check_ok(place_write(&p, &s, &place_options, &info));
	table_info_fini(&info);
	t = place_open(&p, NULL);
	check_walk(t, &s, &r, false, 200);
	check_walk(t, &s, &r, true, 200);
	check_gets(t, &s, &r, 50);
	table_close(t);
	sorted_fini(&s);
	place_fini(&p);
}

static void
table__says_what_it_holds(void **state)
{
	const struct table_properties *got;
	struct table_properties want = {.seq_min = 3, .seq_max = 40};
	struct sorted s = {0};
	struct table_info info;
	struct table *t;
	struct place p;
	uint64_t size;

	(void)state;
	place_init(&p);
	sorted_add(&s, bytes_str("bb"), 40, IKEY_KIND_PUT, bytes_str("12345"));
	sorted_add(&s, bytes_str("a"), 7, IKEY_KIND_DELETE, bytes_str(""));
	sorted_add(&s, bytes_str("a"), 3, IKEY_KIND_PUT, bytes_str("1"));
	sorted_sort(&s);
	check_ok(place_write(&p, &s, &place_options, &info));
	t = place_open(&p, NULL);
	got = table_properties(t);
	check_eq(got->entries, 3);
	check_eq(got->deletes, 1);
	check_eq(got->key_bytes, 4);
	check_eq(got->value_bytes, 6);
	check_eq(got->data_blocks, 1);
	check_eq(got->seq_min, want.seq_min);
	check_eq(got->seq_max, want.seq_max);
	check_bytes_eq(got->smallest, s.entries[0].key);
	check_bytes_eq(got->largest, s.entries[2].key);
	check_eq(info.file_no, PLACE_FILE_NO);
	check_eq(info.entries, 3);
	check_eq(info.deletes, 1);
	check_eq(info.seq_min, 3);
	check_eq(info.seq_max, 40);
	check_bytes_eq(buf_bytes(&info.smallest), got->smallest);
	check_bytes_eq(buf_bytes(&info.largest), got->largest);
	struct env_file *f;
	check_ok(env_open(&p.posix, p.path, ENV_OPEN_READ, &f));
	check_ok(env_size(f, &size));
	check_eq(info.file_bytes, size);
	env_close(f);
	table_info_fini(&info);
	table_close(t);
	sorted_fini(&s);
	place_fini(&p);
}

static void
table__filter_saves_reads(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	struct buf key = {0};
	struct sorted s = {0};
	struct table_entry e;
	struct table *t;
	unsigned skipped = 0;
	struct place p;
	char user[32];

	(void)state;
	place_init(&p);
	place_make(&p, &r, &s, 2000, &place_options);
	t = place_open(&p, NULL);
	for (unsigned i = 0; i < 1000; i++) {
		bool filtered = false;

		snprintf(user, sizeof(user), "absent-%u", i);
		buf_clear(&key);
		check_ok(ikey_append(
		    &key, bytes_str(user), IKEY_SEQ_MAX, IKEY_KIND_SEEK));
		check_eq(table_get(t, buf_bytes(&key), hash_of(buf_bytes(&key)),
			     &e, &filtered),
		    0);
		skipped += filtered;
	}
	check_true(skipped > 950);
	buf_fini(&key);
	table_close(t);
	sorted_fini(&s);
	place_fini(&p);
}

static void
table__cache_is_filled_on_demand_only(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	struct cache *c = cache_new(64 << 20);
	struct cache_figures f;
	struct sorted s = {0};
	struct table *t;
	struct place p;
	uint64_t reads;

	(void)state;
	place_init(&p);
	place_make(&p, &r, &s, 3000, &place_options);
	t = place_open(&p, c);
	check_walk(t, &s, &r, false, 500);
	cache_figures(c, &f);
	check_eq(f.bytes + f.hits + f.misses, 0);
	for (size_t i = 0; i < s.count; i++)
		place_check_get(t, &s, s.entries[i].key, false);
	cache_figures(c, &f);
	check_eq(f.misses, table_properties(t)->data_blocks);
	reads = p.fault.reads;
	for (size_t i = 0; i < s.count; i++)
		place_check_get(t, &s, s.entries[i].key, false);
	check_walk(t, &s, &r, true, 500);
	check_eq(p.fault.reads, reads);
	table_close(t);
	cache_free(c);
	sorted_fini(&s);
	place_fini(&p);
}

/* --- read errors ------------------------------------------------------- */

/* The n-th read fails, for every n: the error comes out, if what was being
 * read was not only ahead, and afterwards the same table works. */
static void
table__read_errors_come_out(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	struct sorted s = {0};
	struct table *t;
	struct iter *it;
	struct place p;
	bool fill = false;

	(void)state;
	place_init(&p);
	place_make(&p, &r, &s, 400, &place_options);
	p.fault.error = EIO;
	do {
		bool done = false;

		fill = !fill;
		for (uint64_t n = 1; !done; n++) {
			size_t seen = 0;
			int rc;

			p.fault.reads = 0;
			p.fault.reads_fail_at = n;
			rc = table_open(
			    &p.fault.env, p.path, PLACE_FILE_NO, NULL, &t);
			if (rc) {
				check_err(rc, -EIO);
				check_contains(p.message, p.path);
				continue;
			}
			check_ok(table_iter_open(t, fill, &it));
			for (rc = iter_first(it); rc == 1; seen++)
				rc = iter_next(it);
			done = p.fault.reads < n;
			if (rc == 0) {
				check_eq(seen, s.count);
			} else {
				/* The block it was in can be read again. */
				check_err(rc, -EIO);
				seen = seen > 0 ? seen - 1 : 0;
				check_eq(iter_seek(it, s.entries[seen].key), 1);
				check_bytes_eq(it->key, s.entries[seen].key);
			}
			p.fault.reads_fail_at = 0;
			sorted_walk(&s, it, &r, 20);
			iter_close(it);
			table_close(t);
		}
	} while (fill);
	/* table_get, and the check, which goes on. */
	p.fault.reads_fail_at = 0;
	t = place_open(&p, NULL);
	p.fault.reads_fail_at = p.fault.reads + 1;
	struct table_entry e;
	check_err(
	    table_get(t, s.entries[0].key, hash_of(s.entries[0].key), &e, NULL),
	    -EIO);
	p.fault.reads_fail_at = p.fault.reads + 3;
	check_eq(table_check(t, place_finding, &p), 1);
	check_contains(p.finding, "cannot be read");
	table_close(t);
	sorted_fini(&s);
	place_fini(&p);
}

/* --- reading ahead ------------------------------------------------------- */

/* A scan reads few large pieces; who jumps about reads block by block. */
static void
table__scans_read_ahead(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	struct sorted s = {0};
	uint64_t blocks, reads;
	struct table *t;
	struct iter *it;
	struct place p;

	(void)state;
	place_init(&p);
	place_make(&p, &r, &s, 20000, &place_options);
	t = place_open(&p, NULL);
	blocks = table_properties(t)->data_blocks;
	for (int fill = 0; fill < 2; fill++) {
		check_ok(table_iter_open(t, fill, &it));
		reads = p.fault.reads;
		for (int rc = iter_first(it); rc == 1; rc = iter_next(it))
			;
		check_le(p.fault.reads - reads, 8 + blocks / 50);
		reads = p.fault.reads;
		for (int rc = iter_last(it); rc == 1; rc = iter_prev(it))
			;
		check_le(p.fault.reads - reads, 8 + blocks / 50);
		iter_close(it);
	}
	check_ok(table_iter_open(t, true, &it));
	reads = p.fault.reads;
	for (size_t i = 0; i < 100; i++)
		check_eq(iter_seek(it, s.entries[i * 7919 % s.count].key), 1);
	check_le(p.fault.reads - reads, 100);
	iter_close(it);
	table_close(t);
	sorted_fini(&s);
	place_fini(&p);
}

/* What cannot be read stops a scan where it stands, not where it is first met
 * by reading ahead. */
static void
table__bad_place_ahead_spoils_nothing(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	struct sorted s = {0};
	struct env_file *f;
	uint64_t end;
	struct table *t;
	struct iter *it;
	struct place p;

	(void)state;
	place_init(&p);
	place_make(&p, &r, &s, 20000, &place_options);
	t = place_open(&p, NULL);
	check_ok(env_open(&p.posix, p.path, ENV_OPEN_WRITE, &f));
	check_ok(env_size(f, &end));
	/* In the middle of the data, to within a block. */
	check_ok(env_truncate(f, end / 2));
	env_close(f);
	for (int fill = 0; fill < 2; fill++) {
		size_t at = 0;
		int rc;

		check_ok(table_iter_open(t, fill, &it));
		for (rc = iter_first(it); rc == 1; rc = iter_next(it))
			check_bytes_eq(it->key, s.entries[at++].key);
		check_err(rc, ERR_DAMAGED);
		iter_close(it);
		/* The one behind stands in the block that is cut. */
		check_true(at > 0 && at < s.count);
		check_ok(table_iter_open(t, true, &it));
		check_eq(iter_seek(it, s.entries[at - 1].key), 1);
		check_err(iter_seek(it, s.entries[at].key), ERR_DAMAGED);
		iter_close(it);
	}
	table_close(t);
	sorted_fini(&s);
	place_fini(&p);
}

/* --- threads ----------------------------------------------------------- */

struct reader {
	struct table *t;
	const struct sorted *s;
	uint64_t seed;
};

static void *
reader_run(void *arg)
{
	struct reader *rd = arg;
	struct check_rand r = check_rand_of(rd->seed);

	check_gets(rd->t, rd->s, &r, 2000);
	check_walk(rd->t, rd->s, &r, true, 2000);
	check_walk(rd->t, rd->s, &r, false, 500);
	return NULL;
}

static void
table__threads(void **state)
{
	uint64_t seed = check_seed();
	struct check_rand r = check_rand_of(seed);
	struct cache *c = cache_new(30000);
	struct sorted s = {0};
	struct reader readers[3];
	struct thread threads[3];
	struct table *t;
	struct place p;

	(void)state;
	place_init(&p);
	place_make(&p, &r, &s, 3000, &place_options);
	t = place_open(&p, c);
	for (size_t i = 0; i < 3; i++) {
		readers[i] = (struct reader){t, &s, seed + i};
		check_ok(thread_start(
		    &threads[i], "reader", reader_run, &readers[i]));
	}
	for (size_t i = 0; i < 3; i++)
		thread_join(&threads[i]);
	table_close(t);
	cache_free(c);
	sorted_fini(&s);
	place_fini(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(table__random_against_array),
	    cmocka_unit_test(table__scans_both_ways),
	    cmocka_unit_test(table__large_values),
	    cmocka_unit_test(table__says_what_it_holds),
	    cmocka_unit_test(table__filter_saves_reads),
	    cmocka_unit_test(table__cache_is_filled_on_demand_only),
	    cmocka_unit_test(table__read_errors_come_out),
	    cmocka_unit_test(table__scans_read_ahead),
	    cmocka_unit_test(table__bad_place_ahead_spoils_nothing),
	    cmocka_unit_test(table__threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
