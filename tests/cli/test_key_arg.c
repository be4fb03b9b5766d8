#include "tests/check.h"

#include "fs/cli/key_arg.h"

#define N50  "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
#define N255 N50 N50 N50 N50 N50 "nnnnn"

/* What the message says of it; NULL: nothing is wrong. */
struct row {
	const char *key;
	const char *wrong;
	const char *wrong_prefix;
};

static const struct row rows[] = {
    {"a", NULL, NULL},
    {"a/b/c", NULL, NULL},
    {"a b\n\xff\\", NULL, NULL},
    {".a", NULL, NULL},
    {"..a/a..", NULL, NULL},
    {"...", NULL, NULL},
    {"-r", NULL, NULL},
    {N255, NULL, NULL},
    {N255 "/" N255, NULL, NULL},
    {"", "empty", NULL},
    {"a/", "ends with", NULL},
    {"/", "begins with", "begins with"},
    {"/a", "begins with", "begins with"},
    {"a//b", "//", "//"},
    {"a//", "//", "//"},
    {".", "'.'", NULL},
    {"..", "'..'", NULL},
    {"a/.", "'.'", NULL},
    {"a/..", "'..'", NULL},
    {"./", "ends with", "'.'"},
    {"../", "ends with", "'..'"},
    {"./a", "'.'", "'.'"},
    {"../a", "'..'", "'..'"},
    {"a/./b", "'.'", "'.'"},
    {"a/../b", "'..'", "'..'"},
    {N255 "n", "255", "255"},
    {"a/" N255 "n/b", "255", "255"},
};

#define ROWS (sizeof(rows) / sizeof(*rows))

static void
check_answer(const char *key, const char *got, const char *want)
{
	if (want ? got && strstr(got, want) : !got)
		return;
	check_fail("\"%s\": %s, not %s", key, got ? got : "right",
	    want ? want : "right");
}

static void
key_arg__tells_what_is_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++)
		check_answer(rows[i].key, key_arg_wrong(bytes_str(rows[i].key)),
		    rows[i].wrong);
}

static void
key_arg__a_prefix_may_end_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++)
		check_answer(rows[i].key,
		    key_arg_wrong_prefix(bytes_str(rows[i].key)),
		    rows[i].wrong_prefix);
}

static void
key_arg__parent_and_name(void **state)
{
	static const char *const parts[][3] = {
	    {"a", "", "a"},
	    {"a/b", "a", "b"},
	    {"a/b/c", "a/b", "c"},
	    {"a/", "a", ""},
	    {"a/b/", "a/b", ""},
	    {"", "", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		struct bytes key = bytes_str(parts[i][0]);

		check_bytes_eq(key_arg_parent(key), bytes_str(parts[i][1]));
		check_bytes_eq(key_arg_name(key), bytes_str(parts[i][2]));
	}
}

static void
key_arg__next_takes_names_off(void **state)
{
	struct bytes rest = bytes_str("one/2/three");
	struct bytes name;

	(void)state;
	check_true(key_arg_next(&rest, &name));
	check_bytes_eq(name, bytes_str("one"));
	check_true(key_arg_next(&rest, &name));
	check_bytes_eq(name, bytes_str("2"));
	check_bytes_eq(rest, bytes_str("three"));
	check_true(key_arg_next(&rest, &name));
	check_bytes_eq(name, bytes_str("three"));
	check_false(key_arg_next(&rest, &name));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(key_arg__tells_what_is_wrong),
	    cmocka_unit_test(key_arg__a_prefix_may_end_anywhere),
	    cmocka_unit_test(key_arg__parent_and_name),
	    cmocka_unit_test(key_arg__next_takes_names_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
