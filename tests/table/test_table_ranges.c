/* Range tombstones in tables. */
#include "engine/table/table_format.h"

#include <stdlib.h>

#include "engine/base/hash.h"
#include "engine/table/ranges_build.h"
#include "tests/support/place.h"

/* Entries are sorted's; range tombstones are [begin,end) of these, by number.
 */
static const struct {
	const char *begin, *end; /* NULL: none */
	uint64_t seq;
} tombstones[] = {
    {"b", "d", 6},
    {"c", "x", 3},
    {"y", NULL, 90},
};

static struct ranges *
make_ranges(void)
{
	static const struct bytes none;
	struct ranges_build b = {0};
	struct ranges *r;

	for (size_t i = 0; i < 3; i++)
		check_ok(ranges_build_add(&b, bytes_str(tombstones[i].begin),
		    tombstones[i].end ? bytes_str(tombstones[i].end) : none,
		    tombstones[i].seq, tombstones[i].seq));
	check_ok(ranges_build_finish(&b, &r));
	ranges_build_fini(&b);
	return r;
}

static void
write_all(struct place *p, const struct sorted *s, const struct ranges *r,
    bool compress, struct table_info *info)
{
	const struct table_writer_options o = {
	    .block_bytes = 128, .filter_bits = 10, .compress = compress};
	struct table_writer *w;

	check_ok(
	    table_writer_open(&p->fault.env, p->path, PLACE_FILE_NO, &o, &w));
	for (size_t i = 0; i < s->count; i++)
		check_ok(table_writer_add(
		    w, s->entries[i].key, s->entries[i].value));
	for (size_t i = 0; i < r->count; i++)
		check_ok(table_writer_add_range(w, &r->fragments[i]));
	check_ok(table_writer_finish(w, info));
}

static void
check_ranges(const struct ranges *got, const struct ranges *want)
{
	struct buf a = {0}, b = {0};

	check_true(got != NULL);
	for (size_t i = 0; i < got->count; i++)
		check_ok(ranges_append(&a, &got->fragments[i]));
	for (size_t i = 0; i < want->count; i++)
		check_ok(ranges_append(&b, &want->fragments[i]));
	check_bytes_eq(buf_bytes(&a), buf_bytes(&b));
	buf_fini(&a);
	buf_fini(&b);
}

static void
table_ranges__come_back(void **state)
{
	struct check_rand rand = check_rand_of(check_seed());
	const struct table_properties *got;
	struct ranges *r = make_ranges();
	struct table_info info = {0};
	struct sorted s = {0};
	struct place p;
	struct table *t;

	(void)state;
	place_init(&p);
	sorted_random(&s, &rand, 50);
	write_all(&p, &s, r, true, &info);
	check_eq(info.entries, s.count);
	check_eq(info.ranges, r->count);
	check_eq(info.seq_max, 90);
	check_bytes_eq(buf_bytes(&info.ranges_begin), bytes_str("b"));
	check_eq(info.ranges_end.size, 0);
	t = place_open(&p, NULL);
	check_ranges(table_ranges(t), r);
	got = table_properties(t);
	check_eq(got->entries, s.count);
	check_eq(got->ranges.count, r->count);
	check_eq(got->seq_max, 90);
	check_bytes_eq(got->ranges.begin, bytes_str("b"));
	check_bytes_eq(got->largest, s.entries[s.count - 1].key);
	for (size_t i = 0; i < s.count; i++)
		place_check_get(t, &s, s.entries[i].key, false);
	check_eq(table_check(t, place_finding, &p), 0);
	table_close(t);
	table_info_fini(&info);
	sorted_fini(&s);
	ranges_free(r);
	place_fini(&p);
}

/* A table of nothing else: lookups and iterators find nothing. */
static void
table_ranges__may_stand_alone(void **state)
{
	struct ranges *r = make_ranges();
	struct table_info info = {0};
	struct sorted s = {0};
	struct buf key = {0};
	struct table_entry e;
	struct place p;
	struct table *t;
	struct iter *it;

	(void)state;
	place_init(&p);
	write_all(&p, &s, r, false, &info);
	check_eq(info.entries, 0);
	check_eq(info.smallest.size + info.largest.size, 0);
	check_eq(info.seq_min, 3);
	check_eq(info.seq_max, 90);
	t = place_open(&p, NULL);
	check_ranges(table_ranges(t), r);
	check_ok(ikey_append(&key, bytes_str("c"), 9, IKEY_KIND_SEEK));
	check_eq(
	    table_get(t, buf_bytes(&key), hash_64(bytes_str("c"), 0), &e, NULL),
	    0);
	for (int fill = 0; fill < 2; fill++) {
		check_ok(table_iter_open(t, fill, &it));
		check_eq(iter_first(it), 0);
		check_eq(iter_last(it), 0);
		check_eq(iter_seek(it, buf_bytes(&key)), 0);
		iter_close(it);
	}
	check_eq(table_check(t, place_finding, &p), 0);
	table_close(t);
	table_info_fini(&info);
	buf_fini(&key);
	ranges_free(r);
	place_fini(&p);
}

static void
table_ranges__are_none_in_other_tables(void **state)
{
	struct check_rand rand = check_rand_of(check_seed());
	struct sorted s = {0};
	struct place p;
	struct table *t;

	(void)state;
	place_init(&p);
	place_make(&p, &rand, &s, 10, &place_options);
	t = place_open(&p, NULL);
	check_true(table_ranges(t) == NULL);
	table_close(t);
	sorted_fini(&s);
	place_fini(&p);
}

static void
table_ranges__out_of_order_are_refused(void **state)
{
	static const uint64_t seqs[] = {7, 3}, zero[] = {0};
	const struct ranges_fragment good = {
	    bytes_str("b"), bytes_str("d"), seqs, 2, false};
	const struct ranges_fragment bad[] = {
	    {bytes_str("c"), bytes_str("e"), seqs, 2, false},
	    {bytes_str("a"), bytes_str("b"), seqs, 2, false},
	    {bytes_str("f"), bytes_str("e"), seqs, 2, false},
	    {bytes_str("f"), bytes_str("f"), seqs, 2, false},
	    {bytes_str("f"), bytes_str("g"), seqs, 0, false},
	    {bytes_str("f"), bytes_str("g"), zero, 1, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct table_writer *w;
		struct table_info info;
		struct place p;

		place_init(&p);
		check_ok(table_writer_open(
		    &p.fault.env, p.path, PLACE_FILE_NO, &place_options, &w));
		check_ok(table_writer_add_range(w, &good));
		check_err(table_writer_add_range(w, &bad[i]), ERR_DAMAGED);
		check_contains(p.message, "out of order");
		check_err(table_writer_finish(w, &info), ERR_DAMAGED);
		check_false(place_has_file(&p));
		env_fault_fini(&p.fault);
	}
}

/* --- damage ------------------------------------------------------------ */

/* Any changed byte of the frame: the table is not opened, so that nothing that
 * it deletes comes back. */
static void
table_ranges__damaged_ones_keep_the_table_shut(void **state)
{
	struct ranges *r = make_ranges();
	struct table_info info = {0};
	struct frame_handle h;
	struct sorted s = {0};
	struct bytes file;
	struct place p;
	struct table *t;
	uint8_t *bytes;

	(void)state;
	place_init(&p);
	write_all(&p, &s, r, true, &info);
	t = place_open(&p, NULL);
	h = table_properties(t)->ranges.handle;
	table_close(t);
	file = place_load(&p);
	bytes = (uint8_t *)(uintptr_t)file.data;
	for (size_t i = 0; i < frame_handle_bytes(h); i++) {
		bytes[h.offset + i] ^= (uint8_t)(1 << i % 8);
		place_store(&p, file);
		bytes[h.offset + i] ^= (uint8_t)(1 << i % 8);
		check_err(
		    table_open(&p.fault.env, p.path, PLACE_FILE_NO, NULL, &t),
		    ERR_DAMAGED);
		check_contains(p.message, p.path);
		check_contains(p.message, "offset");
	}
	free(bytes);
	table_info_fini(&info);
	ranges_free(r);
	place_fini(&p);
}

/* Damage that came later is found by a check. */
static void
table_ranges__are_checked(void **state)
{
	struct ranges *r = make_ranges();
	struct table_info info = {0};
	struct sorted s = {0};
	struct env_file *f;
	struct place p;
	struct table *t;

	(void)state;
	place_init(&p);
	write_all(&p, &s, r, true, &info);
	t = place_open(&p, NULL);
	check_ok(env_open(&p.posix, p.path, ENV_OPEN_WRITE, &f));
	check_ok(env_pwrite(
	    f, "!", 1, table_properties(t)->ranges.handle.offset + 3));
	env_close(f);
	check_eq(table_check(t, place_finding, &p), 1);
	check_contains(p.finding, "range tombstones");
	table_close(t);
	table_info_fini(&info);
	ranges_free(r);
	place_fini(&p);
}

/*
 * Frames that are whole, but not what the properties say: here the number of
 * the last tombstone is one beyond, there its begin is another.
 */
static void
table_ranges__must_be_those_of_the_properties(void **state)
{
	static const char *const blocks[] = {
	    "\1b\1c\2\6"
	    "\1c\1d\4\6\3"
	    "\1d\1x\2\3"
	    "\1y\0\2\133",
	    "\1a\1c\2\6"
	    "\1c\1d\4\6\3"
	    "\1d\1x\2\3"
	    "\1y\0\2\132",
	    "\1b\1c\2\6"
	    "\1c\1d\4\6\3"
	    "\1d\1x\2\3"
	    "\1y\1z\2\7",
	    "\1b\1c\2\6"
	    "\1c\1d\4\6\1"
	    "\1d\1x\2\2"
	    "\1y\0\2\132",
	};
	struct ranges *r = make_ranges();
	struct table_info info = {0};
	struct frame_handle h, got;
	struct sorted s = {0};
	struct bytes file;
	struct place p;
	struct table *t;

	(void)state;
	place_init(&p);
	write_all(&p, &s, r, false, &info);
	t = place_open(&p, NULL);
	h = table_properties(t)->ranges.handle;
	table_close(t);
	file = place_load(&p);
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		struct buf out = {0};

		/* All of h.size bytes; some have a NUL inside. */
		check_ok(frame_encode(&out, bytes_of(blocks[i], h.size), false,
		    PLACE_FILE_NO, h.offset, &got));
		memcpy((uint8_t *)(uintptr_t)file.data + h.offset, out.data,
		    out.size);
		place_store(&p, file);
		check_err(
		    table_open(&p.fault.env, p.path, PLACE_FILE_NO, NULL, &t),
		    ERR_DAMAGED);
		check_contains(p.message, "malformed range tombstones");
		buf_fini(&out);
	}
	free((void *)(uintptr_t)file.data);
	table_info_fini(&info);
	ranges_free(r);
	place_fini(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(table_ranges__come_back),
	    cmocka_unit_test(table_ranges__may_stand_alone),
	    cmocka_unit_test(table_ranges__are_none_in_other_tables),
	    cmocka_unit_test(table_ranges__out_of_order_are_refused),
	    cmocka_unit_test(table_ranges__damaged_ones_keep_the_table_shut),
	    cmocka_unit_test(table_ranges__are_checked),
	    cmocka_unit_test(table_ranges__must_be_those_of_the_properties),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
