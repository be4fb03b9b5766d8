#include "engine/table/filter.h"

#include <stdio.h>

#include "engine/base/hash.h"
#include "tests/check.h"

static uint64_t
hash_of(uint64_t i)
{
	return hash_64(bytes_of(&i, sizeof(i)), 0);
}

/* A filter over the numbers below count. */
static void
build(struct buf *out, uint64_t count, unsigned bits)
{
	struct filter_builder b;

	filter_builder_init(&b, bits);
	for (uint64_t i = 0; i < count; i++)
		check_ok(filter_builder_add(&b, hash_of(i)));
	buf_clear(out);
	check_ok(filter_builder_finish(&b, out));
	filter_builder_fini(&b);
}

static void
filter__never_denies_what_was_added(void **state)
{
	static const uint64_t counts[] = {1, 2, 51, 52, 1000, 20000};
	struct buf f = {0};

	(void)state;
	for (unsigned bits = 1; bits <= 40; bits++) {
		for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]);
		     c++) {
			build(&f, counts[c], bits);
			for (uint64_t i = 0; i < counts[c]; i++)
				check_true(filter_may_contain(
				    buf_bytes(&f), hash_of(i)));
		}
	}
	buf_fini(&f);
}

static void
filter__few_false_positives(void **state)
{
	/* Per 10,000 at most, a quarter above what theory says. */
	static const struct {
		unsigned bits;
		unsigned most;
	} cases[] = {{5, 1400}, {8, 320}, {10, 120}, {16, 15}};
	struct buf f = {0};

	(void)state;
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		uint64_t keys = 100000, asked = 400000, wrong = 0;

		build(&f, keys, cases[c].bits);
		check_le(f.size, keys * cases[c].bits / 8 + 65);
		for (uint64_t i = keys; i < keys + asked; i++)
			wrong += filter_may_contain(buf_bytes(&f), hash_of(i));
		printf("%u bits: %.3f %% false positives\n", cases[c].bits,
		    100.0 * (double)wrong / (double)asked);
		check_le(wrong * 10000 / asked, cases[c].most);
	}
	buf_fini(&f);
}

static void
filter__neighbours_count_once(void **state)
{
	struct filter_builder b;
	struct buf f = {0};

	(void)state;
	filter_builder_init(&b, 10);
	for (uint64_t i = 0; i < 5000; i++)
		check_ok(filter_builder_add(&b, hash_of(i / 1000)));
	check_ok(filter_builder_finish(&b, &f));
	check_eq(f.size, 65);
	filter_builder_fini(&b);
	buf_fini(&f);
}

static void
filter__no_bits_or_no_keys_is_no_filter(void **state)
{
	struct buf f = {0};

	(void)state;
	build(&f, 1000, 0);
	check_eq(f.size, 0);
	build(&f, 0, 10);
	check_eq(f.size, 0);
	check_true(filter_may_contain(buf_bytes(&f), 1));
	buf_fini(&f);
}

static void
filter__unknown_form_answers_maybe(void **state)
{
	struct buf f = {0};

	(void)state;
	build(&f, 100, 10);
	check_eq(f.data[f.size - 1], 0x16);
	for (uint64_t i = 0; i < 256; i++)
		check_true(filter_may_contain(
		    bytes_of(f.data, f.size - 1), hash_of(i)));
	f.data[f.size - 1] = 0x26;
	for (uint64_t i = 0; i < 256; i++)
		check_true(filter_may_contain(buf_bytes(&f), hash_of(i)));
	buf_fini(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(filter__never_denies_what_was_added),
	    cmocka_unit_test(filter__few_false_positives),
	    cmocka_unit_test(filter__neighbours_count_once),
	    cmocka_unit_test(filter__no_bits_or_no_keys_is_no_filter),
	    cmocka_unit_test(filter__unknown_form_answers_maybe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
