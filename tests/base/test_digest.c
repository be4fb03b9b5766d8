/* Digests order as keys do, and searches among them find the first. */
#include "engine/base/digest.h"

#include "tests/check.h"

static void
digest__orders_as_keys_do(void **state)
{
	const char *keys[] = {
	    "dir/", "dir/a", "dir/ab", "dir/abcdefgh", "dir/b", "dir/\xff"};
	uint64_t before = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		uint64_t d = digest_of(bytes_str(keys[i]), 4);

		check_le(before, d);
		check_true(i == 0 || before < d);
		before = d;
	}
	/* What stands behind the eight bytes does not count. */
	check_eq(digest_of(bytes_str("dir/abcdefghi"), 4),
	    digest_of(bytes_str("dir/abcdefghz"), 4));
}

static void
digest__side_is_of_the_prefix(void **state)
{
	const struct bytes prefix = bytes_str("dir/");

	(void)state;
	check_eq(digest_side(prefix, bytes_str("dir/a")), 0);
	check_eq(digest_side(prefix, prefix), 0);
	check_true(digest_side(prefix, bytes_str("dir")) < 0);
	check_true(digest_side(prefix, bytes_str("")) < 0);
	check_true(digest_side(prefix, bytes_str("dir0")) > 0);
	check_eq(digest_side(bytes_str(""), bytes_str("")), 0);
}

/* Of all sizes up to some, with equal ones among them. */
static void
digest__searches_find_the_first(void **state)
{
	enum { MAX = 70 };
	struct check_rand r = check_rand_of(check_seed());
	uint64_t digests[MAX], next[MAX + 1] = {0};

	(void)state;
	for (size_t count = 0; count <= MAX; count++) {
		for (size_t i = 0; i < count; i++)
			digests[i] = (i > 0 ? digests[i - 1] : 0) +
				     check_rand_below(&r, 3);
		for (uint64_t d = 0; d <= 2 * MAX + 1; d++) {
			size_t lower = 0, upper;

			while (lower < count && digests[lower] < d)
				lower++;
			upper = lower;
			while (upper < count && digests[upper] == d)
				upper++;
			check_eq(digest_lower(digests, count, d), lower);
			check_eq(digest_upper(digests, count, d), upper);
			check_eq(
			    digest_lower_for(digests, count, d, next), lower);
		}
		check_eq(digest_upper(digests, count, UINT64_MAX), count);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(digest__orders_as_keys_do),
	    cmocka_unit_test(digest__side_is_of_the_prefix),
	    cmocka_unit_test(digest__searches_find_the_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
