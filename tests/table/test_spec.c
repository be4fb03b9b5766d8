#include <stdlib.h>

#include "engine/base/hash.h"
#include "engine/table/block.h"
#include "engine/table/filter.h"
#include "engine/table/frame.h"
#include "engine/table/ikey.h"
#include "engine/table/table_index.h"
#include "tests/check.h"
#include "tests/support/place.h"
#include "tests/support/spec.h"

static void
spec__example_reads_back(void **state)
{
	static const uint8_t want[] = {'k', 'e', 'y', 'f', 's', 1, 0, 0, 0};

	(void)state;
	check_true(spec_check("spec-example", want, sizeof(want)));
}

static void
spec__bad_examples_are_refused(void **state)
{
	static const char *const texts[] = {
	    "nothing here\n",
	    "```hex a",
	    "```hex a\n00\n",
	    "```hex a\n0\n```\n",
	    "```hex a\n0 0\n```\n",
	    "```hex a\nxx\n```\n",
	    "```hex a\n00\n```\n```hex a\n00\n```\n",
	    "```hex ab\n00\n```\n",
	};
	size_t size;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		check_true(NULL == spec_parse(texts[i], "a", &size));
}

static void
spec__empty_example_has_no_bytes(void **state)
{
	size_t size = 1;
	uint8_t *p = spec_parse("```hex a\n# no bytes\n```\n", "a", &size);

	(void)state;
	check_true(p != NULL);
	check_eq(size, 0);
	free(p);
}

static void
spec__ikey(void **state)
{
	struct buf b = {0};

	(void)state;
	check_ok(ikey_append(&b, bytes_str("a/b"), 258, IKEY_KIND_PUT));
	check_true(spec_check("ikey", b.data, b.size));
	buf_fini(&b);
}

/* Three entries; the third begins a new interval. */
static void
spec__block(void **state)
{
	static const struct {
		const char *user, *value;
		uint64_t seq;
		enum ikey_kind kind;
	} entries[] = {
	    {"apple", "red", 7, IKEY_KIND_PUT},
	    {"apply", "", 9, IKEY_KIND_DELETE},
	    {"apply", "verb", 3, IKEY_KIND_PUT},
	};
	struct block_builder b;
	struct buf key = {0};
	struct bytes block;

	(void)state;
	block_builder_init(&b, 2);
	for (size_t i = 0; i < 3; i++) {
		buf_clear(&key);
		check_ok(ikey_append(&key, bytes_str(entries[i].user),
		    entries[i].seq, entries[i].kind));
		check_ok(block_builder_add(
		    &b, buf_bytes(&key), bytes_str(entries[i].value)));
	}
	check_ok(block_builder_finish(&b, &block));
	check_true(spec_check("block", block.data, block.size));
	block_builder_fini(&b);
	buf_fini(&key);
}

static void
spec__filter(void **state)
{
	struct filter_builder b;
	struct buf out = {0};

	(void)state;
	filter_builder_init(&b, 10);
	check_ok(filter_builder_add(&b, hash_64(bytes_str("apple"), 0)));
	check_ok(filter_builder_finish(&b, &out));
	check_true(spec_check("filter", out.data, out.size));
	filter_builder_fini(&b);
	buf_fini(&out);
}

/* The example is a frame of file 12 at offset 8 that holds this block. */
static void
check_frame(const char *name, const char *want)
{
	struct buf room = {0};
	struct bytes block;
	const char *why = "";
	size_t size;
	uint8_t *raw = spec_example(name, &size);

	check_true(raw != NULL);
	if (frame_decode(12, 8, bytes_of(raw, size), &room, &block, &why))
		check_fail("%s: %s", name, why);
	check_bytes_eq(block, bytes_str(want));
	free(raw);
	buf_fini(&room);
}

static void
spec__frame(void **state)
{
	struct frame_handle h;
	struct buf out = {0};

	(void)state;
	check_frame("frame-plain", "apple");
	check_frame("frame-lz4", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	check_frame("frame-zstd", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	check_ok(frame_encode(&out, bytes_str("apple"), true, 12, 8, &h));
	check_true(spec_check("frame-plain", out.data, out.size));
	buf_clear(&out);
	check_ok(frame_handle_append(&out, (struct frame_handle){8, 300}));
	check_true(spec_check("frame-handle", out.data, out.size));
	buf_fini(&out);
}

/* Table 12, written and compared; then the example itself, opened. */
static void
spec__table(void **state)
{
	const struct table_writer_options o = {
	    .block_bytes = 4096,
	    .filter_bits = 10,
	};
	struct sorted s = {0};
	struct table_info info;
	struct bytes file;
	struct place p;
	struct table *t;
	size_t size;
	uint8_t *raw;

	(void)state;
	place_init(&p);
	sorted_add(&s, bytes_str("apple"), 7, IKEY_KIND_PUT, bytes_str("red"));
	sorted_add(&s, bytes_str("apply"), 9, IKEY_KIND_DELETE, bytes_str(""));
	check_ok(place_write(&p, &s, &o, &info));
	table_info_fini(&info);
	file = place_load(&p);
	check_true(spec_check("table", file.data, file.size));
	raw = spec_example("table", &size);
	check_true(raw != NULL);
	place_store(&p, bytes_of(raw, size));
	t = place_open(&p, NULL);
	place_check_get(t, &s, s.entries[0].key, false);
	place_check_get(t, &s, s.entries[1].key, false);
	check_eq(table_check(t, place_finding, &p), 0);
	table_close(t);
	free(raw);
	free((void *)(uintptr_t)file.data);
	sorted_fini(&s);
	place_fini(&p);
}

/* Table 12 again, written and compared; then the example, opened. */
static void
spec__table_ranges(void **state)
{
	static const uint64_t seqs[] = {6, 5};
	const struct table_writer_options o = {.block_bytes = 4096};
	const struct ranges_fragment fragments[] = {
	    {bytes_str("b"), bytes_str("d"), seqs, 2, true},
	    {bytes_str("d"), {NULL, 0}, seqs + 1, 1, false},
	};
	struct table_info info = {0};
	struct table_writer *w;
	struct buf key = {0};
	struct bytes file;
	struct place p;
	struct table *t;

	(void)state;
	place_init(&p);
	check_ok(table_writer_open(&p.posix, p.path, 12, &o, &w));
	check_ok(ikey_append(&key, bytes_str("k"), 7, IKEY_KIND_PUT));
	check_ok(table_writer_add(w, buf_bytes(&key), bytes_str("v")));
	check_ok(table_writer_add_range(w, &fragments[0]));
	check_ok(table_writer_add_range(w, &fragments[1]));
	check_ok(table_writer_finish(w, &info));
	file = place_load(&p);
	check_true(spec_check("table-ranges", file.data, file.size));
	t = place_open(&p, NULL);
	check_eq(table_ranges(t)->count, 2);
	check_eq(table_check(t, place_finding, &p), 0);
	table_close(t);
	table_info_fini(&info);
	free((void *)(uintptr_t)file.data);
	buf_fini(&key);
	place_fini(&p);
}

/* The example is an index block that is right where it says it stands. */
static void
spec__index_root(void **state)
{
	static const char smallest[] = "a\1\1\0\0\0\0\0";
	static const char largest[] = "z\1\2\0\0\0\0\0";
	const struct table_index_bounds bounds = {
	    .root = true,
	    .begin = 9000,
	    .end = 13109 + 100 + FRAME_TRAILER,
	    .data_begin = 8,
	    .data_end = 8000,
	    .smallest = bytes_of(smallest, sizeof(smallest)),
	    .largest = bytes_of(largest, sizeof(largest)),
	};
	struct table_index root;
	const char *why = "";
	uint8_t *raw, *piece;
	size_t size;

	(void)state;
	raw = spec_example("index-root", &size);
	check_true(raw != NULL);
	if (table_index_make(bytes_of(raw, size), &bounds, &piece, &size, &why))
		check_fail("index-root: %s", why);
	root = table_index_of(piece);
	check_eq(root.count, 2);
	check_eq(table_index_handle(&root, 0).offset, 9000);
	check_eq(table_index_handle(&root, 1).size, 100);
	check_eq(table_index_data(&root, 1, 8000), 4000);
	check_eq(table_index_data(&root, 2, 8000), 8000);
	check_eq(table_index_find(&root, bounds.smallest), 0);
	check_eq(table_index_find(&root, bounds.largest), 1);
	free(piece);
	free(raw);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(spec__example_reads_back),
	    cmocka_unit_test(spec__bad_examples_are_refused),
	    cmocka_unit_test(spec__empty_example_has_no_bytes),
	    cmocka_unit_test(spec__ikey),
	    cmocka_unit_test(spec__block),
	    cmocka_unit_test(spec__filter),
	    cmocka_unit_test(spec__frame),
	    cmocka_unit_test(spec__table),
	    cmocka_unit_test(spec__table_ranges),
	    cmocka_unit_test(spec__index_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
