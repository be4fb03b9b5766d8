#include "engine/table/table.h"

#include <stdio.h>

#include "engine/base/hash.h"
#include "engine/os/thread.h"
#include "tests/support/place.h"

/* An open table of random entries. */
struct fixture {
	struct place p;
	uint64_t seed;
	struct check_rand r; /* of the seed */
	struct sorted s;     /* the entries */
	struct cache *cache;
	struct table *t;
};

/* cache NULL: without; it becomes the fixture's. */
static void
init(struct fixture *f, size_t count, struct cache *cache)
{
	*f = (struct fixture){.seed = check_seed(), .cache = cache};
	f->r = check_rand_of(f->seed);
	place_init(&f->p);
	place_make(&f->p, &f->r, &f->s, count, &place_options);
	f->t = place_open(&f->p, cache);
}

static void
fini(struct fixture *f)
{
	table_close(f->t);
	if (f->cache)
		cache_free(f->cache);
	sorted_fini(&f->s);
	place_fini(&f->p);
}

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

/* All entries from the first on, until something ends it, which is returned;
 * *seen: how many. */
static int
scan(struct iter *it, const struct sorted *s, size_t *seen)
{
	int rc;

	*seen = 0;
	for (rc = iter_first(it); rc == 1; rc = iter_next(it))
		check_bytes_eq(it->key, s->entries[(*seen)++].key);
	return rc;
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
	struct fixture f;
	struct iter *it;

	(void)state;
	init(&f, 20000, NULL);
	for (int fill = 0; fill < 2; fill++) {
		size_t at;
		int rc;

		check_ok(table_iter_open(f.t, fill, &it));
		check_eq(scan(it, &f.s, &at), 0);
		check_eq(at, f.s.count);
		for (rc = iter_last(it); rc == 1; rc = iter_prev(it))
			check_bytes_eq(it->key, f.s.entries[--at].key);
		check_eq(rc, 0);
		check_eq(at, 0);
		iter_close(it);
	}
	fini(&f);
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
	struct buf key = {0};
	struct table_entry e;
	unsigned skipped = 0;
	struct fixture f;
	char user[32];

	(void)state;
	init(&f, 2000, NULL);
	for (unsigned i = 0; i < 1000; i++) {
		bool filtered = false;

		snprintf(user, sizeof(user), "absent-%u", i);
		buf_clear(&key);
		check_ok(ikey_append(
		    &key, bytes_str(user), IKEY_SEQ_MAX, IKEY_KIND_SEEK));
		check_eq(table_get(f.t, buf_bytes(&key),
			     hash_of(buf_bytes(&key)), &e, &filtered),
		    0);
		skipped += filtered;
	}
	check_true(skipped > 950);
	buf_fini(&key);
	fini(&f);
}

static void
table__cache_is_filled_on_demand_only(void **state)
{
	struct cache *c = cache_new(64 << 20);
	struct cache_figures figures;
	struct fixture f;
	uint64_t reads;

	(void)state;
	init(&f, 3000, c);
	check_walk(f.t, &f.s, &f.r, false, 500);
	cache_figures(c, &figures);
	check_eq(figures.bytes + figures.hits + figures.misses, 0);
	for (size_t i = 0; i < f.s.count; i++)
		place_check_get(f.t, &f.s, f.s.entries[i].key, false);
	cache_figures(c, &figures);
	check_eq(figures.misses, table_properties(f.t)->data_blocks);
	reads = f.p.fault.reads;
	for (size_t i = 0; i < f.s.count; i++)
		place_check_get(f.t, &f.s, f.s.entries[i].key, false);
	check_walk(f.t, &f.s, &f.r, true, 500);
	check_eq(f.p.fault.reads, reads);
	fini(&f);
}

/* --- read errors ------------------------------------------------------- */

static void
check_again(struct iter *it, const struct sorted *s, size_t at)
{
	check_eq(iter_seek(it, s->entries[at].key), 1);
	check_bytes_eq(it->key, s->entries[at].key);
}

/* The n-th read fails, for every n: the error comes out, if what was being
 * read was not only ahead, and afterwards the same table works. */
static void
table__read_errors_come_out(void **state)
{
	struct table_entry e;
	struct table *t;
	struct fixture f;
	struct iter *it;
	bool fill = false;

	(void)state;
	init(&f, 400, NULL);
	f.p.fault.error = EIO;
	do {
		bool done = false;

		fill = !fill;
		for (uint64_t n = 1; !done; n++) {
			size_t seen;
			int rc;

			f.p.fault.reads = 0;
			f.p.fault.reads_fail_at = n;
			rc = table_open(
			    &f.p.fault.env, f.p.path, PLACE_FILE_NO, NULL, &t);
			if (rc) {
				check_err(rc, -EIO);
				check_contains(f.p.message, f.p.path);
				continue;
			}
			check_ok(table_iter_open(t, fill, &it));
			rc = scan(it, &f.s, &seen);
			done = f.p.fault.reads < n;
			if (rc == 0) {
				check_eq(seen, f.s.count);
			} else {
				/* The block it was in can be read again. */
				check_err(rc, -EIO);
				check_again(it, &f.s, seen > 0 ? seen - 1 : 0);
			}
			f.p.fault.reads_fail_at = 0;
			sorted_walk(&f.s, it, &f.r, 20);
			iter_close(it);
			table_close(t);
		}
	} while (fill);
	/* table_get, and the check, which goes on. */
	f.p.fault.reads_fail_at = f.p.fault.reads + 1;
	check_err(table_get(f.t, f.s.entries[0].key,
		      hash_of(f.s.entries[0].key), &e, NULL),
	    -EIO);
	f.p.fault.reads_fail_at = f.p.fault.reads + 3;
	check_eq(table_check(f.t, place_finding, &f.p), 1);
	check_contains(f.p.finding, "cannot be read");
	fini(&f);
}

/* --- reading ahead ------------------------------------------------------- */

/* A scan reads few large pieces; who jumps about reads block by block. */
static void
table__scans_read_ahead(void **state)
{
	uint64_t blocks, reads;
	struct fixture f;
	struct iter *it;

	(void)state;
	init(&f, 20000, NULL);
	blocks = table_properties(f.t)->data_blocks;
	for (int fill = 0; fill < 2; fill++) {
		check_ok(table_iter_open(f.t, fill, &it));
		reads = f.p.fault.reads;
		for (int rc = iter_first(it); rc == 1; rc = iter_next(it))
			;
		check_le(f.p.fault.reads - reads, 8 + blocks / 50);
		reads = f.p.fault.reads;
		for (int rc = iter_last(it); rc == 1; rc = iter_prev(it))
			;
		check_le(f.p.fault.reads - reads, 8 + blocks / 50);
		iter_close(it);
	}
	check_ok(table_iter_open(f.t, true, &it));
	reads = f.p.fault.reads;
	for (size_t i = 0; i < 100; i++) {
		size_t at = i * 7919 % f.s.count;

		check_eq(iter_seek(it, f.s.entries[at].key), 1);
	}
	check_le(f.p.fault.reads - reads, 100);
	iter_close(it);
	fini(&f);
}

/* What cannot be read stops a scan where it stands, not where it is first met
 * by reading ahead. */
static void
table__bad_place_ahead_spoils_nothing(void **state)
{
	struct env_file *file;
	struct fixture f;
	struct iter *it;
	uint64_t end;

	(void)state;
	init(&f, 20000, NULL);
	check_ok(env_open(&f.p.posix, f.p.path, ENV_OPEN_WRITE, &file));
	check_ok(env_size(file, &end));
	/* In the middle of the data, to within a block. */
	check_ok(env_truncate(file, end / 2));
	env_close(file);
	for (int fill = 0; fill < 2; fill++) {
		size_t at;

		check_ok(table_iter_open(f.t, fill, &it));
		check_err(scan(it, &f.s, &at), ERR_DAMAGED);
		iter_close(it);
		/* The one behind stands in the block that is cut. */
		check_true(at > 0 && at < f.s.count);
		check_ok(table_iter_open(f.t, true, &it));
		check_eq(iter_seek(it, f.s.entries[at - 1].key), 1);
		check_err(iter_seek(it, f.s.entries[at].key), ERR_DAMAGED);
		iter_close(it);
	}
	fini(&f);
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
	struct reader readers[3];
	struct thread threads[3];
	struct fixture f;

	(void)state;
	init(&f, 3000, cache_new(30000));
	for (size_t i = 0; i < 3; i++) {
		readers[i] = (struct reader){f.t, &f.s, f.seed + i};
		check_ok(thread_start(
		    &threads[i], "reader", reader_run, &readers[i]));
	}
	for (size_t i = 0; i < 3; i++)
		thread_join(&threads[i]);
	fini(&f);
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
