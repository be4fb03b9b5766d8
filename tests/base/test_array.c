#include "engine/base/array.h"

#include <stdlib.h>

#include "tests/check.h"

static void
array__keeps_what_it_has_as_it_grows(void **state)
{
	unsigned *items = NULL;
	size_t count = 0, cap = 0, grown = 0;

	(void)state;
	while (count < 1000) {
		size_t before = cap;

		check_ok(
		    array_reserve(&items, sizeof(*items), count + 1, &cap));
		check_le(count + 1, cap);
		grown += cap != before;
		items[count] = (unsigned)count;
		count++;
	}
	for (size_t i = 0; i < count; i++)
		check_eq(items[i], i);
	check_le(grown, 10);
	free(items);
}

static void
array__gets_at_once_what_is_asked_for(void **state)
{
	uint64_t *items = NULL;
	size_t cap = 0;

	(void)state;
	check_ok(array_reserve(&items, sizeof(*items), 0, &cap));
	check_true(items == NULL);
	check_ok(array_reserve(&items, sizeof(*items), 1000, &cap));
	check_eq(cap, 1000);
	items[999] = 7;
	check_ok(array_reserve(&items, sizeof(*items), 1001, &cap));
	check_eq(cap, 2000);
	check_eq(items[999], 7);
	free(items);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(array__keeps_what_it_has_as_it_grows),
	    cmocka_unit_test(array__gets_at_once_what_is_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
