#include "engine/base/word.h"

#include "tests/check.h"

static void
word__next_goes_from_one_to_the_next(void **state)
{
	struct bytes text = bytes_str(" a,bc\n\n,d="), word;

	(void)state;
	check_true(word_next(&text, " ,\n", &word));
	check_bytes_eq(word, bytes_str("a"));
	check_true(word_next(&text, " ,\n", &word));
	check_bytes_eq(word, bytes_str("bc"));
	check_true(word_next(&text, " ,\n", &word));
	check_bytes_eq(word, bytes_str("d="));
	check_false(word_next(&text, " ,\n", &word));
	check_bytes_eq(word, bytes_str("d="));
	text = bytes_of(" ,", 2);
	check_false(word_next(&text, " ,", &word));
	text = bytes_of(NULL, 0);
	check_false(word_next(&text, " ,", &word));
	/* A NUL ends no string here. */
	text = bytes_of("a\0b c", 5);
	check_true(word_next(&text, " ", &word));
	check_bytes_eq(word, bytes_of("a\0b", 3));
}

static void
word__strip_takes_a_name_off(void **state)
{
	struct bytes word = bytes_str("seed=7");

	(void)state;
	check_false(word_strip(&word, "seeds="));
	check_false(word_strip(&word, "seed=77"));
	check_bytes_eq(word, bytes_str("seed=7"));
	check_true(word_strip(&word, "seed="));
	check_bytes_eq(word, bytes_str("7"));
	check_true(word_strip(&word, "7"));
	check_eq(word.size, 0);
}

static void
word__number_is_digits_within_bounds(void **state)
{
	static const struct {
		const char *text;
		uint64_t min, max;
		bool good;
		uint64_t want;
	} cases[] = {
	    {"0", 0, 0, true, 0},
	    {"0", 1, 9, false, 0},
	    {"1", 1, 9, true, 1},
	    {"9", 1, 9, true, 9},
	    {"10", 1, 9, false, 0},
	    {"007", 1, 9, true, 7},
	    {"", 0, 9, false, 0},
	    {"-1", 0, 9, false, 0},
	    {"+1", 0, 9, false, 0},
	    {"1 ", 0, 9, false, 0},
	    {"0x1", 0, 9, false, 0},
	    {"18446744073709551615", 0, UINT64_MAX, true, UINT64_MAX},
	    {"18446744073709551616", 0, UINT64_MAX, false, 0},
	    {"99999999999999999999", 0, UINT64_MAX, false, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t got = 77;

		check_eq(word_number(bytes_str(cases[i].text), cases[i].min,
			     cases[i].max, &got),
		    cases[i].good);
		check_eq(got, cases[i].good ? cases[i].want : 77);
	}
}

static void
word__is_shown_without_control_characters(void **state)
{
	char text[8];

	(void)state;
	check_str(word_shown(bytes_str("abc"), text, sizeof(text)), "abc");
	check_str(word_shown(bytes_str("a\x1b[\x7f\xff"), text, sizeof(text)),
	    "a?[??");
	check_str(
	    word_shown(bytes_str("abcdefgh"), text, sizeof(text)), "abcdefg");
	check_str(word_shown(bytes_of(NULL, 0), text, 1), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(word__next_goes_from_one_to_the_next),
	    cmocka_unit_test(word__strip_takes_a_name_off),
	    cmocka_unit_test(word__number_is_digits_within_bounds),
	    cmocka_unit_test(word__is_shown_without_control_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
