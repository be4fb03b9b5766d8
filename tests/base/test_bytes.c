#include "engine/base/bytes.h"
#include "tests/check.h"

static struct bytes
s(const char *text)
{
	return bytes_str(text);
}

static void
bytes__order_is_that_of_memcmp_and_shorter_first(void **state)
{
	const uint8_t high = 0xff, low = 0x01;

	(void)state;
	check_eq(bytes_cmp(s("abc"), s("abc")), 0);
	check_true(bytes_cmp(s("ab"), s("abc")) < 0);
	check_true(bytes_cmp(s("abd"), s("abc")) > 0);
	check_true(bytes_cmp(s(""), s("a")) < 0);
	check_eq(bytes_cmp(bytes_of(NULL, 0), bytes_of(NULL, 0)), 0);
	check_true(bytes_cmp(bytes_of(&high, 1), bytes_of(&low, 1)) > 0);
}

static void
bytes__equality_and_prefix(void **state)
{
	(void)state;
	check_true(bytes_eq(s("x"), s("x")));
	check_false(bytes_eq(s("x"), s("xy")));
	check_false(bytes_eq(s("x"), s("y")));
	check_true(bytes_eq(bytes_of(NULL, 0), s("")));
	check_true(bytes_has_prefix(s("abc"), s("ab")));
	check_true(bytes_has_prefix(s("abc"), s("")));
	check_false(bytes_has_prefix(s("ab"), s("abc")));
	check_false(bytes_has_prefix(s("abc"), s("b")));
}

/* Every length and every place of the first difference around the words. */
static void
bytes__common_finds_the_first_difference(void **state)
{
	uint8_t a[40], b[40];

	(void)state;
	memset(a, 'x', sizeof(a));
	for (size_t size = 0; size <= sizeof(a); size++) {
		for (size_t at = 0; at < size; at++) {
			memcpy(b, a, sizeof(a));
			b[at] ^= 0x80;
			/* Later ones must not matter. */
			b[sizeof(b) - 1] ^= 1;
			check_eq(
			    bytes_common(bytes_of(a, size), bytes_of(b, size)),
			    at);
		}
		check_eq(
		    bytes_common(bytes_of(a, size), bytes_of(a, 40)), size);
	}
	check_eq(bytes_common(bytes_of(NULL, 0), bytes_of(a, 40)), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bytes__order_is_that_of_memcmp_and_shorter_first),
	    cmocka_unit_test(bytes__equality_and_prefix),
	    cmocka_unit_test(bytes__common_finds_the_first_difference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
