#include "tests/check.h"

#include <errno.h>

#include "fs/cli/words.h"

struct row {
	const char *line;
	const char *words[4]; /* up to a NULL */
};

static const struct row rows[] = {
    {"", {NULL}},
    {"  \t ", {NULL}},
    {"# all comment", {NULL}},
    {"get a", {"get", "a"}},
    {"  get\ta  \n", {"get", "a"}},
    {"set k 'two words'", {"set", "k", "two words"}},
    {"set k \"two words\"", {"set", "k", "two words"}},
    {"set k two\\ words", {"set", "k", "two words"}},
    {"a'b c'd", {"ab cd"}},
    {"'a\\b' \"a\\\"b\" a\\\\b", {"a\\b", "a\"b", "a\\b"}},
    {"'a\"b' \"a'b\"", {"a\"b", "a'b"}},
    {"'' \"\" x", {"", "", "x"}},
    {"a # b", {"a"}},
    {"a#b '#'", {"a#b", "#"}},
    {"\xff\xc3\xa9", {"\xff\xc3\xa9"}},
};

static void
words__split_as_a_shell_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct words w;
		int n = 0;

		check_ok(words_split(rows[i].line, &w));
		for (; rows[i].words[n]; n++) {
			check_true(n < w.argc);
			check_str(w.argv[n], rows[i].words[n]);
		}
		check_eq(w.argc, n);
		check_true(!w.argv[n]);
		words_fini(&w);
	}
}

static void
words__what_is_open_is_refused(void **state)
{
	static const char *const lines[] = {
	    "'", "a 'b", "\"", "a\"b c", "a\\", "\"a\\", "'a' \"b"};
	struct words w = {.argc = 7};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		check_err(words_split(lines[i], &w), -EINVAL);
	check_eq(w.argc, 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(words__split_as_a_shell_does),
	    cmocka_unit_test(words__what_is_open_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
