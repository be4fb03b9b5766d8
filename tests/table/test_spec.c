#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/support/spec.h"

static void
spec__example_reads_back(void **state)
{
	static const uint8_t want[] = {'k', 'e', 'y', 'f', 's', 1, 0, 0, 0};

	(void)state;
	assert_true(spec_check("spec-example", want, sizeof(want)));
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
		assert_null(spec_parse(texts[i], "a", &size));
}

static void
spec__empty_example_has_no_bytes(void **state)
{
	size_t size = 1;
	uint8_t *p = spec_parse("```hex a\n# no bytes\n```\n", "a", &size);

	(void)state;
	assert_non_null(p);
	assert_int_equal(size, 0);
	free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(spec__example_reads_back),
	    cmocka_unit_test(spec__bad_examples_are_refused),
	    cmocka_unit_test(spec__empty_example_has_no_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
