#include "tests/check.h"

#include "fs/cli/lab_steps.h"

static void
feed(struct lab_steps *s, const char *text, uint64_t now)
{
	check_ok(lab_steps_feed(s, bytes_str(text), now));
}

static void
lab_steps__are_lines_wherever_they_are_torn(void **state)
{
	struct lab_steps s = {0};

	(void)state;
	feed(&s, "one\ntw", 1);
	check_eq(s.count, 1);
	feed(&s, "o", 2);
	feed(&s, "\n\nthree", 3);
	check_eq(s.count, 3);
	check_bytes_eq(lab_steps_name(&s, 0), bytes_str("one"));
	check_bytes_eq(lab_steps_name(&s, 1), bytes_str("two"));
	check_bytes_eq(lab_steps_name(&s, 2), bytes_str(""));
	check_eq(s.at[0], 1);
	check_eq(s.at[1], 3);
	lab_steps_fini(&s);
}

static void
lab_steps__there_may_be_many(void **state)
{
	struct lab_steps s = {0};

	(void)state;
	for (uint64_t i = 0; i < 1000; i++)
		feed(&s, "x\n", i);
	check_eq(s.count, 1000);
	check_eq(s.at[999], 999);
	lab_steps_fini(&s);
}

static const struct {
	const char *claimed, *there;
	bool prefix;
	uint64_t steps;
} rows[] = {
    {"", "", true, 0}, {"", "a\n", true, 0},
    {"a\nb\nc\n", "a\nb\nc\n", true, 3}, {"a\nb\nc\n", "c\nb\na\n", true, 3},
    {"a\nb\nc\n", "a\nb\nc\nd\n", true, 3}, /* d was in work */
    {"a\nb\nc\n", "b\na\n", true, 2}, {"a\nb\nc\n", "", true, 0},
    {"a\nb\nc\n", "a\nc\n", false, 1}, {"a\nb\nc\n", "b\nc\n", false, 0},
    {"a\nab\n", "a\n", true, 1}, {"a\n", "a", true, 0}, /* not a line */
};

static void
lab_steps__the_first_ones_that_are_there_count(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lab_steps claimed = {0}, there = {0};
		struct lab_found found;

		feed(&claimed, rows[i].claimed, 0);
		feed(&there, rows[i].there, 0);
		check_ok(lab_steps_compare(&claimed, &there, &found));
		check_eq(found.prefix, rows[i].prefix);
		check_eq(found.steps, rows[i].steps);
		if (!found.prefix)
			check_contains(found.why, "claimed before, is not");
		lab_steps_fini(&claimed);
		lab_steps_fini(&there);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lab_steps__are_lines_wherever_they_are_torn),
	    cmocka_unit_test(lab_steps__there_may_be_many),
	    cmocka_unit_test(lab_steps__the_first_ones_that_are_there_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
