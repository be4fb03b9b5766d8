#include "engine/db/named.h"

#include <errno.h>
#include <stdio.h>

#include "tests/check.h"

static void
named__is_ordered_by_name(void **state)
{
	static const char *const sorted[] = {
	    "a", "a ", "aa", "b", "\x7f", "\xc3\xa4"};
	static const size_t order[] = {3, 5, 0, 2, 4, 1};
	struct named_set s = {0};
	const struct named *n;
	size_t i = 0;

	(void)state;
	check_true(named_first(&s) == NULL);
	for (i = 0; i < 6; i++)
		check_ok(named_add(&s, sorted[order[i]], order[i], 10 + i));
	check_eq(s.count, 6);
	check_eq(named_last_seq(&s), 5);
	for (i = 0, n = named_first(&s); n; n = named_next(n), i++) {
		check_str(n->name, sorted[i]);
		check_eq(n->seq, i);
	}
	check_eq(i, 6);
	named_fini(&s);
	check_eq(s.count, 0);
	check_true(named_first(&s) == NULL);
}

static void
named__has_each_name_once(void **state)
{
	struct named_set s = {0};

	(void)state;
	check_ok(named_add(&s, "x", 1, 2));
	check_err(named_add(&s, "x", 3, 4), -EEXIST);
	check_eq(named_find(&s, "x")->seq, 1);
	check_err(named_remove(&s, "y"), -ENOENT);
	check_ok(named_remove(&s, "x"));
	check_err(named_remove(&s, "x"), -ENOENT);
	check_true(named_find(&s, "x") == NULL);
	check_eq(named_last_seq(&s), 0);
	check_eq(s.count, 0);
	named_fini(&s);
}

static void
named__names_have_limits(void **state)
{
	char name[NAMED_MAX + 2];

	(void)state;
	memset(name, 'n', sizeof(name));
	name[NAMED_MAX + 1] = '\0';
	check_false(named_valid(name));
	name[NAMED_MAX] = '\0';
	check_true(named_valid(name));
	check_true(named_valid("n"));
	check_false(named_valid(""));
}

static void
add_numbers(struct named_set *s, unsigned from, unsigned to)
{
	char name[16];

	for (unsigned i = from; i < to; i++) {
		(void)snprintf(name, sizeof(name), "n%u", i);
		check_ok(named_add(s, name, i, 0));
	}
}

static void
named__sets_are_moved_and_compared(void **state)
{
	struct named_set a = {0}, b = {0}, c = {0};

	(void)state;
	add_numbers(&a, 0, 500);
	add_numbers(&b, 500, 1000);
	add_numbers(&c, 0, 1000);
	check_false(named_same(&a, &c));
	named_take(&a, &b);
	check_eq(a.count, 1000);
	check_eq(b.count, 0);
	check_true(named_first(&b) == NULL);
	check_true(named_same(&a, &c));
	check_ok(named_add_all(&b, &c));
	check_true(named_same(&b, &a));
	check_err(named_add_all(&b, &c), -EEXIST);
	check_ok(named_remove(&b, "n7"));
	check_ok(named_add(&b, "n7", 8, 0));
	check_false(named_same(&b, &a));
	named_fini(&a);
	named_fini(&b);
	named_fini(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(named__is_ordered_by_name),
	    cmocka_unit_test(named__has_each_name_once),
	    cmocka_unit_test(named__names_have_limits),
	    cmocka_unit_test(named__sets_are_moved_and_compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
